package bus

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestBrokerKilledAndRestarted kills a real broker under load and starts it again. It needs
// PARLEY_TEST_KAFKA_SCRIPT: the path of kafka.sh, the folder of its jars and that of its data.
func TestBrokerKilledAndRestarted(t *testing.T) {
	script := strings.Fields(os.Getenv("PARLEY_TEST_KAFKA_SCRIPT"))
	if cluster() == nil || len(script) != 3 {
		t.Skip("no broker that may be killed")
	}
	tp := topic("restart")
	var got, cast seen
	b := consuming(t, tp, Consumer[note]{}, got.handler)
	must(t, Broadcast(b, tp, func(r Record[note]) error { cast.add(r); return nil }))
	must(t, b.Started(timeout(t, 20*time.Second)))
	const keys = 16
	var stop atomic.Bool
	var errs atomic.Int64
	acked := make([]atomic.Int64, keys)
	var wg sync.WaitGroup
	for k := range keys {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for n := 0; !stop.Load(); { // tries again until it is acknowledged, as a source does
				if Publish(context.Background(), b, tp, note{Key: fmt.Sprint(k), N: n}) != nil {
					errs.Add(1)
					continue
				}
				n++
				acked[k].Store(int64(n))
			}
		}()
	}
	sum := func() (n int64) {
		for k := range acked {
			n += acked[k].Load()
		}
		return n
	}
	run := func(args ...string) {
		out, err := exec.CommandContext(timeout(t, 60*time.Second), script[0], args...).CombinedOutput()
		if err != nil {
			t.Errorf("%v: %v: %s", args, err, out)
		}
	}
	until(t, "load", 20*time.Second, func() bool { return sum() > 500 })
	run("kill", script[2])
	run("start", script[1], script[2])
	start, before := time.Now(), sum()
	until(t, "messages flow again", 60*time.Second, func() bool { return sum() > before+500 })
	back := time.Since(start)
	stop.Store(true)
	wg.Wait()
	until(t, "all handled", 60*time.Second, func() bool { return got.distinct() >= int(sum()) && cast.distinct() >= int(sum()) })
	t.Logf("%d acknowledged, none lost; %d publishes failed; messages flowed %v after the broker's start", sum(), errs.Load(), back)
	for k := range keys {
		if ns := firsts(got.of(fmt.Sprint(k))); !slices.IsSorted(ns) {
			t.Errorf("key %d out of order: %v", k, ns)
		}
	}
}

// firsts drops repeats.
func firsts(ns []int) (out []int) {
	have := map[int]bool{}
	for _, n := range ns {
		if !have[n] {
			have[n] = true
			out = append(out, n)
		}
	}
	return out
}
