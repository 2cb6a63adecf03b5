package bus

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/parley-hub/parley/timeline"
)

// stamped is the value of the figures: 600 bytes and when it was sent.
type stamped struct {
	Key string `json:"key"`
	At  int64  `json:"at"`
	Pad string `json:"pad"`
}

func stampedTopic(name string, durable bool) Topic[stamped] {
	return Topic[stamped]{Name: fmt.Sprintf("%s-%d", name, names.Add(1)), Durable: durable, Key: func(s stamped) string { return s.Key }}
}

func cpu() time.Duration {
	var ru syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &ru) // cannot fail for self
	return time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
}

func rss() int {
	raw, _ := os.ReadFile("/proc/self/statm") // 0 where there is none
	f := strings.Fields(string(raw))
	if len(f) < 2 {
		return 0
	}
	n, _ := strconv.Atoi(f[1])
	return n * os.Getpagesize()
}

func pct(d []time.Duration, p float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[min(int(p*float64(len(d))), len(d)-1)]
}

// hops is a chain as the hub's: ingest (durable) → durable → derived → a handler at the end.
type hops struct {
	b     *Bus
	first Topic[stamped]
	mu    sync.Mutex
	e2e   []time.Duration
}

func newHops(t testing.TB) *hops {
	ts := []Topic[stamped]{stampedTopic("first", true), stampedTopic("second", true), stampedTopic("third", false)}
	h := &hops{b: mustOpen(t, config(t, t.TempDir(), ts[0], ts[1], ts[2])), first: ts[0]}
	for i := range 2 {
		must(t, Consume(h.b, ts[i], Consumer[stamped]{Group: "hop"}, func(ctx context.Context, run []Record[stamped]) error {
			out := make([]stamped, len(run))
			for j, r := range run {
				out[j] = r.Value
			}
			return Publish(ctx, h.b, ts[i+1], out...)
		}))
	}
	must(t, Broadcast(h.b, ts[2], func(r Record[stamped]) error {
		d := time.Since(time.Unix(0, r.Value.At))
		h.mu.Lock()
		h.e2e = append(h.e2e, d)
		h.mu.Unlock()
		return nil
	}))
	must(t, h.b.Started(timeout(t, 10*time.Second)))
	return h
}

func (h *hops) send(ctx context.Context, key string) error {
	return Publish(ctx, h.b, h.first, stamped{Key: key, At: time.Now().UnixNano(), Pad: strings.Repeat("x", 540)})
}

func (h *hops) reset() {
	h.mu.Lock()
	h.e2e = h.e2e[:0]
	h.mu.Unlock()
}

func (h *hops) arrived() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.e2e)
}

// TestFigures prints latency, throughput and CPU of three hops. It measures only when asked to:
// PARLEY_BENCH=1 go test -run Figures -v.
func TestFigures(t *testing.T) {
	if os.Getenv("PARLEY_BENCH") == "" {
		t.Skip("PARLEY_BENCH is not set")
	}
	h := newHops(t)
	ctx := context.Background()
	for i := range 400 {
		must(t, h.send(ctx, fmt.Sprint("w", i)))
	}
	until(t, "warm", 5*time.Second, func() bool { return h.arrived() >= 400 })
	c0, t0 := cpu(), time.Now()
	time.Sleep(3 * time.Second) // not a wait for anything: it is what is measured
	t.Logf("idle: %.1f %% of a core, RSS %d MB", 100*(cpu()-c0).Seconds()/time.Since(t0).Seconds(), rss()>>20)
	for _, rate := range rates() {
		h.open(t, rate, 6*time.Second)
	}
	for _, n := range []int{1, 32} {
		if os.Getenv("PARLEY_BENCH") != "1" {
			break
		}
		h.closed(t, n, 4*time.Second)
	}
	t.Logf("RSS %d MB", rss()>>20)
}

func (h *hops) open(t *testing.T, rate int, d time.Duration) {
	h.reset()
	n := int(float64(rate) * d.Seconds())
	acks := make([]time.Duration, n)
	c0, t0 := cpu(), time.Now()
	var wg sync.WaitGroup
	for i := range n {
		time.Sleep(time.Until(t0.Add(time.Duration(i) * time.Second / time.Duration(rate))))
		wg.Add(1)
		go func() {
			defer wg.Done()
			s := time.Now()
			if err := h.send(context.Background(), fmt.Sprint("k", i%200)); err != nil {
				t.Error(err)
			}
			acks[i] = time.Since(s)
		}()
	}
	wg.Wait()
	until(t, "all arrived", 10*time.Second, func() bool { return h.arrived() >= n })
	used := cpu() - c0
	h.mu.Lock()
	defer h.mu.Unlock()
	t.Logf("open loop %d/s over 3 hops: e2e p50 %v p99 %v max %v; ack p50 %v p99 %v; CPU %.2f s per 1,000",
		rate, pct(h.e2e, .5), pct(h.e2e, .99), pct(h.e2e, 1), pct(acks, .5), pct(acks, .99), used.Seconds()*1000/float64(n))
}

func (h *hops) closed(t *testing.T, producers int, d time.Duration) {
	h.reset()
	c0, t0 := cpu(), time.Now()
	var n atomic.Int64
	var mu sync.Mutex
	var acks []time.Duration
	var wg sync.WaitGroup
	for p := range producers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := 0; time.Since(t0) < d; i++ {
				s := time.Now()
				if err := h.send(context.Background(), fmt.Sprintf("p%d-%d", p, i%50)); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				acks = append(acks, time.Since(s))
				mu.Unlock()
				n.Add(1)
			}
		}()
	}
	wg.Wait()
	took := time.Since(t0)
	until(t, "all arrived", 20*time.Second, func() bool { return h.arrived() >= int(n.Load()) })
	drained := time.Since(t0)
	used := cpu() - c0
	h.mu.Lock()
	defer h.mu.Unlock()
	t.Logf("closed loop %d producers: %.0f/s accepted, %.0f/s through; e2e p50 %v p99 %v; ack p50 %v p99 %v; CPU %.2f s per 1,000", producers,
		float64(n.Load())/took.Seconds(), float64(n.Load())/drained.Seconds(), pct(h.e2e, .5), pct(h.e2e, .99), pct(acks, .5), pct(acks, .99), used.Seconds()*1000/float64(n.Load()))
}

// rates are messages a second: PARLEY_BENCH=100,1000, or both with 1.
func rates() (out []int) {
	for _, f := range strings.Split(os.Getenv("PARLEY_BENCH"), ",") {
		if n, err := strconv.Atoi(f); err == nil && n > 1 {
			out = append(out, n)
		}
	}
	if out == nil {
		out = []int{100, 1000}
	}
	return out
}

// TestIdleFigures prints what a hub's worth of consumers costs while nothing happens, and how fast it starts.
func TestIdleFigures(t *testing.T) {
	if os.Getenv("PARLEY_BENCH") == "" {
		t.Skip("PARLEY_BENCH is not set")
	}
	start := time.Now()
	c := config(t, t.TempDir(), All...)
	b := mustOpen(t, c)
	for _, g := range []string{"search", "sentiment", "routing", "assist", "insights", "listening"} {
		must(t, Consume(b, Timeline, Consumer[timeline.Entry]{Group: g}, func(context.Context, []Record[timeline.Entry]) error { return nil }))
	}
	must(t, Consume(b, Inbound, Consumer[timeline.Inbound]{Group: "resolve"}, func(context.Context, []Record[timeline.Inbound]) error { return nil }))
	must(t, Consume(b, Journal, Consumer[timeline.Command]{Group: "append"}, func(context.Context, []Record[timeline.Command]) error { return nil }))
	must(t, Consume(b, Outbound, Consumer[timeline.Outbound]{Group: "gateway"}, func(context.Context, []Record[timeline.Outbound]) error { return nil }))
	must(t, Broadcast(b, Timeline, func(Record[timeline.Entry]) error { return nil }))
	must(t, b.Started(timeout(t, 10*time.Second)))
	ready := time.Since(start)
	time.Sleep(2 * time.Second) // not a wait for anything: the start's own work is not measured
	c0, t0 := cpu(), time.Now()
	time.Sleep(6 * time.Second) // likewise: it is what is measured
	t.Logf("9 groups and a broadcast: ready after %v, idle %.1f %% of a core, RSS %d MB", ready,
		100*(cpu()-c0).Seconds()/time.Since(t0).Seconds(), rss()>>20)
}
