package bus

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func diskOf(t *testing.T, dir string) (n int64) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return nil //nolint:nilerr // trimmed meanwhile
		}
		if st, err := e.Info(); err == nil {
			n += st.Size()
		}
		return nil
	}))
	return n
}

// TestBounded writes 2 million records with PARLEY_LONG, 200,000 otherwise, over four restarts:
// disk, memory and the time of a start stay the same.
func TestBounded(t *testing.T) {
	onlyEmbedded(t)
	total := 200_000 / slow
	if os.Getenv("PARLEY_LONG") != "" {
		total = 2_000_000
	}
	const rounds, batch, writers = 4, 200, 4
	tp, dir := topic("bounded"), t.TempDir()
	pad := strings.Repeat("x", 560)
	var handled atomic.Int64
	want := int64(0)
	for round := range rounds {
		start := time.Now()
		b := mustOpen(t, config(t, dir, tp))
		must(t, Consume(b, tp, Consumer[note]{Group: "g"}, func(_ context.Context, run []Record[note]) error {
			handled.Add(int64(len(run)))
			return nil
		}))
		must(t, b.Started(timeout(t, 10*time.Second)))
		ready := time.Since(start)
		idle := rss()
		var wg sync.WaitGroup
		var next atomic.Int64
		for range writers {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for next.Add(batch) <= int64(total/rounds) {
					vs := make([]note, batch)
					for i := range vs {
						vs[i] = note{Key: fmt.Sprint(i % 50), N: i, Pad: pad}
					}
					if err := Publish(context.Background(), b, tp, vs...); err != nil {
						t.Error(err)
					}
				}
			}()
		}
		wg.Wait()
		want += int64(total/rounds) / batch * batch
		until(t, "all handled and committed", 60*time.Second, func() bool { return handled.Load() >= want && waiting0(b) })
		busy := rss()
		until(t, "disk bounded", 20*time.Second, func() bool { return diskOf(t, dir) < 100<<20 })
		t.Logf("round %d: ready after %v, RSS idle %d MB, after %d records %d MB, disk %d MB", round, ready, idle>>20, want, busy>>20, diskOf(t, dir)>>20)
		if slow == 1 && (ready > 2*time.Second || idle > 80<<20 || busy > 160<<20) { // the race detector has memory of its own
			t.Errorf("not bounded")
		}
		must(t, b.Close(timeout(t, 10*time.Second)))
	}
	if got := handled.Load(); got != want {
		t.Errorf("handled %d of %d", got, want)
	}
}

func TestDeadLettersAreTrimmedWhenDealtWith(t *testing.T) {
	onlyEmbedded(t)
	tp, dir := topic("trimmed"), t.TempDir()
	b := mustOpen(t, config(t, dir, tp))
	s := &consumer{bus: b, topic: tp.Name, group: "g"}
	ctx := context.Background()
	ids := []string{}
	for i := range 8 {
		e := &entry{topic: tp.Name, offset: int64(i), key: "k", raw: []byte(`"` + strings.Repeat("x", 900<<10) + `"`), at: time.Now()}
		must(t, b.bury(ctx, s, e, fmt.Errorf("no")))
		ids = append(ids, deadID(tp.Name, "g", e))
	}
	for _, id := range ids[:6] {
		must(t, b.Discard(ctx, id))
	}
	must(t, b.broker.retainDead(ctx))
	if n := diskOf(t, dir); n > 5<<20 {
		t.Errorf("%d bytes on disk", n)
	}
	ds, err := b.DeadLetters(ctx, tp.Name, "", 10)
	must(t, err)
	if len(ds) != 2 || ds[0].ID != ids[6] {
		t.Errorf("left: %d", len(ds))
	}
}
