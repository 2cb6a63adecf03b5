package bus

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// crashed leaves a folder as a process does that is killed after it handled and committed one record.
func crashed(t *testing.T, tp Topic[note]) string {
	t.Helper()
	c := newCrash(t)
	c.k.Topic = tp.Name
	c.life(1500 * time.Millisecond) // a checkpoint is made every second
	return c.k.Dir
}

func TestRepairAfterAnUncleanStop(t *testing.T) {
	onlyEmbedded(t)
	tp := topic("repair")
	c := config(t, crashed(t, tp), tp, Topic[note]{Name: tp.Name + "-copy", Key: tp.Key})
	var repairs, handled atomic.Int64
	var early atomic.Bool
	var b *Bus
	c.Repair = func(ctx context.Context) error {
		if handled.Load() > 0 {
			early.Store(true)
		}
		if repairs.Add(1) == 1 {
			return errors.New("the store is not there yet")
		}
		return Publish(ctx, b, tp, note{Key: "repaired"})
	}
	b = mustOpen(t, c)
	if at := b.Checkpoint(); time.Since(at) > 10*time.Second {
		t.Errorf("checkpoint at %v", at)
	}
	var got seen
	must(t, Consume(b, tp, Consumer[note]{Group: "copy"}, func(ctx context.Context, run []Record[note]) error {
		handled.Add(1)
		return got.handler(ctx, run)
	}))
	until(t, "repaired", 10*time.Second, func() bool { return len(got.of("repaired")) == 1 })
	if repairs.Load() != 2 || early.Load() {
		t.Errorf("%d repairs, consumers ran before: %v", repairs.Load(), early.Load())
	}
	must(t, b.Close(timeout(t, 5*time.Second)))

	b = mustOpen(t, c)
	must(t, Consume(b, tp, Consumer[note]{Group: "copy"}, got.handler))
	must(t, b.Started(timeout(t, 5*time.Second)))
	if repairs.Load() != 2 || !b.Checkpoint().IsZero() {
		t.Error("repaired after a clean stop")
	}
}

func TestTraceContinuesOverTheBus(t *testing.T) {
	tp := topic("trace")
	spans := tracetest.NewSpanRecorder()
	provider := trace.NewTracerProvider(trace.WithSpanProcessor(spans))
	c := config(t, t.TempDir(), tp)
	c.Tracer = provider.Tracer("test")
	b := mustOpen(t, c)
	var got seen
	must(t, Consume(b, tp, Consumer[note]{Group: "g"}, got.handler))
	must(t, b.Started(timeout(t, 20*time.Second)))
	ctx, root := c.Tracer.Start(context.Background(), "root")
	must(t, Publish(ctx, b, tp, note{Key: "k"}))
	root.End()
	until(t, "the handler's span", 5*time.Second, func() bool { return len(spans.Ended()) == 2 })
	i := slices.IndexFunc(spans.Ended(), func(s trace.ReadOnlySpan) bool { return s.Name() == tp.Name+" g" })
	if i < 0 || spans.Ended()[i].Parent().SpanID() != root.SpanContext().SpanID() {
		t.Errorf("spans %v", spans.Ended())
	}
}

func TestMetrics(t *testing.T) {
	tp := topic("metrics")
	c := config(t, t.TempDir(), tp)
	r := prometheus.NewRegistry()
	c.Registerer = r
	b := mustOpen(t, c)
	var got seen
	must(t, Consume(b, tp, Consumer[note]{Group: "g"}, got.handler))
	must(t, b.Started(timeout(t, 20*time.Second)))
	must(t, Publish(context.Background(), b, tp, note{Key: "k"}))
	until(t, "handled", 5*time.Second, func() bool { return got.len() == 1 })
	var have []string
	families, err := r.Gather()
	must(t, err)
	for _, f := range families {
		have = append(have, f.GetName())
	}
	for _, want := range []string{"parley_bus_lag", "parley_bus_publish_seconds", "parley_bus_published_total", "parley_bus_handle_seconds", "parley_bus_handled_total"} {
		if !slices.Contains(have, want) {
			t.Errorf("%s is missing in %s", want, strings.Join(have, " "))
		}
	}
}

func TestBroadcastPassesOverWhatFails(t *testing.T) {
	tp := topic("cast")
	b := mustOpen(t, config(t, t.TempDir(), tp))
	must(t, Publish(context.Background(), b, tp, note{Key: "k", N: -1})) // before: not repeated
	var got seen
	var fails atomic.Int64
	must(t, Broadcast(b, tp, func(r Record[note]) error {
		if r.Value.N == 1 {
			fails.Add(1)
			return errors.New("no")
		}
		got.add(r)
		return nil
	}))
	must(t, b.Started(timeout(t, 20*time.Second)))
	for n := range 3 {
		must(t, Publish(context.Background(), b, tp, note{Key: "k", N: n}))
	}
	until(t, "the others", 5*time.Second, func() bool { return slices.Equal(got.of("k"), []int{0, 2}) })
	if fails.Load() != 3 {
		t.Errorf("tried %d times", fails.Load())
	}
}
