package bus

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-hub/parley/timeline"
)

var quick = Retry{Attempts: 3, Min: 20 * time.Millisecond, Max: 40 * time.Millisecond}

// consuming opens a bus with one consumer that has its partitions.
func consuming(t *testing.T, tp Topic[note], c Consumer[note], h Handler[note]) *Bus {
	t.Helper()
	b := mustOpen(t, config(t, t.TempDir(), tp))
	if c.Group == "" {
		c.Group = "g"
	}
	must(t, Consume(b, tp, c, h))
	must(t, b.Started(timeout(t, 20*time.Second)))
	return b
}

func TestOrderWithinKey(t *testing.T) {
	tp := topic("order")
	var got seen
	b := consuming(t, tp, Consumer[note]{}, func(ctx context.Context, run []Record[note]) error {
		time.Sleep(time.Duration(rand.IntN(500)) * time.Microsecond)
		return got.handler(ctx, run)
	})
	const keys, each = 20, 50
	var wg sync.WaitGroup
	for k := range keys {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for n := 0; n < each; n += 5 { // both ways to write: one by one, and several in a call
				vs := []note{}
				for i := range 5 {
					vs = append(vs, note{Key: fmt.Sprint(k), N: n + i})
				}
				if err := Publish(context.Background(), b, tp, vs...); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	wg.Wait()
	until(t, "all handled", 10*time.Second, func() bool { return got.len() >= keys*each })
	for k := range keys {
		if ns := got.of(fmt.Sprint(k)); len(ns) != each || !slices.IsSorted(ns) {
			t.Errorf("key %d: %v", k, ns)
		}
	}
}

func TestParallelOverKeys(t *testing.T) {
	tp := topic("parallel")
	var now, most atomic.Int64
	var got seen
	b := consuming(t, tp, Consumer[note]{MaxRun: 1}, func(ctx context.Context, run []Record[note]) error {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		defer now.Add(-1)
		time.Sleep(30 * time.Millisecond)
		return got.handler(ctx, run)
	})
	for i := range 64 {
		must(t, Publish(context.Background(), b, tp, note{Key: fmt.Sprint(i)}))
	}
	until(t, "all handled", 10*time.Second, func() bool { return got.len() >= 64 })
	if most.Load() < 8 {
		t.Errorf("at most %d handlers ran at once", most.Load())
	}
}

func TestRunsAreHandledInOneCall(t *testing.T) {
	tp := topic("runs")
	var calls atomic.Int64
	var got seen
	b := consuming(t, tp, Consumer[note]{Workers: 1}, func(ctx context.Context, run []Record[note]) error {
		calls.Add(1)
		time.Sleep(20 * time.Millisecond)
		return got.handler(ctx, run)
	})
	vs := make([]note, 200)
	for i := range vs {
		vs[i] = note{Key: "one", N: i}
	}
	must(t, Publish(context.Background(), b, tp, vs...))
	until(t, "all handled", 10*time.Second, func() bool { return got.len() >= 200 })
	if calls.Load() > 5 {
		t.Errorf("%d calls for one batch of 200", calls.Load())
	}
}

func TestRedeliveryAfterHandlerError(t *testing.T) {
	for name, fail := range map[string]func(run []Record[note]) error{
		"whole run fails": func([]Record[note]) error { return errors.New("no") },
		"one of the run fails": func(run []Record[note]) error {
			for i, r := range run {
				if r.Value.N == 3 {
					return &RunError{Index: i, Err: errors.New("no")}
				}
			}
			return nil
		},
		"panic": func([]Record[note]) error { panic("no") },
	} {
		t.Run(name, func(t *testing.T) {
			tp := topic("again")
			var got seen
			var failed atomic.Bool
			b := consuming(t, tp, Consumer[note]{Retry: quick}, func(ctx context.Context, run []Record[note]) error {
				if slices.ContainsFunc(run, func(r Record[note]) bool { return r.Value.N == 3 }) && !failed.Swap(true) {
					i := slices.IndexFunc(run, func(r Record[note]) bool { return r.Value.N == 3 })
					err := fail(run)
					if re := (*RunError)(nil); errors.As(err, &re) {
						got.add(run[:i]...)
					}
					return err
				}
				return got.handler(ctx, run)
			})
			vs := make([]note, 10)
			for i := range vs {
				vs[i] = note{Key: "k", N: i}
			}
			must(t, Publish(context.Background(), b, tp, vs...))
			until(t, "all handled", 10*time.Second, func() bool { return got.len() >= 10 })
			if ns := got.of("k"); !slices.Equal(ns, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}) {
				t.Errorf("handled %v", ns)
			}
		})
	}
}

func TestPoisonHoldsUpOnlyItsKey(t *testing.T) {
	tp := topic("poison")
	var got seen
	var tries, goods, after atomic.Int64 // after: how often the poison was tried before a record behind it came
	others := make(chan int64, 1)
	b := consuming(t, tp, Consumer[note]{Workers: 1, Retry: Retry{Attempts: 4, Min: 300 * time.Millisecond, Max: 300 * time.Millisecond}},
		func(ctx context.Context, run []Record[note]) error {
			for _, r := range run {
				switch {
				case r.Value.Key == "bad" && r.Value.N == 0:
					tries.Add(1)
					return errors.New("poison")
				case r.Value.Key == "bad":
					after.Store(tries.Load())
				case goods.Add(1) == 100:
					others <- tries.Load()
				}
			}
			return got.handler(ctx, run)
		})
	must(t, Publish(context.Background(), b, tp, note{Key: "bad", N: 0}, note{Key: "bad", N: 1}))
	for i := range 100 {
		must(t, Publish(context.Background(), b, tp, note{Key: fmt.Sprint("good", i)}))
	}
	until(t, "the key goes on without the poison", 10*time.Second, func() bool { return slices.Equal(got.of("bad"), []int{1}) && got.len() == 101 })
	if n := after.Load(); n < 4 { // a run that fails is also tried whole
		t.Errorf("a record went past the failing one of its key, after %d tries", n)
	}
	if n := <-others; n >= after.Load() {
		t.Errorf("the others waited for %d tries of the poison", n)
	}
	ds, err := b.DeadLetters(context.Background(), tp.Name, "", 10)
	must(t, err)
	if len(ds) != 1 || ds[0].Attempts != 4 || !strings.Contains(ds[0].Reason, "poison") || ds[0].Key != "bad" {
		t.Errorf("dead letters %+v", ds)
	}
	until(t, "all committed", 2*time.Second, func() bool { return waiting0(b) })
}

func waiting0(b *Bus) bool {
	for _, ps := range b.Lag() {
		for _, n := range ps {
			if n > 0 {
				return false
			}
		}
	}
	return true
}

type down struct{}

func (down) Error() string   { return "store is down" }
func (down) Temporary() bool { return true }

func TestStoreDownBurnsNoRetries(t *testing.T) {
	special := errors.New("special")
	for name, err := range map[string]error{"temporary": fmt.Errorf("writing: %w", down{}), "named by the consumer": special} {
		t.Run(name, func(t *testing.T) {
			tp := topic("pause")
			var up atomic.Bool
			var tries atomic.Int64
			var got seen
			b := consuming(t, tp, Consumer[note]{Retry: Retry{Attempts: 1}, Pause: func(err error) bool { return errors.Is(err, special) }},
				func(ctx context.Context, run []Record[note]) error {
					if !up.Load() {
						tries.Add(1)
						return err
					}
					return got.handler(ctx, run)
				})
			must(t, Publish(context.Background(), b, tp, note{Key: "k", N: 1}, note{Key: "k", N: 2}))
			until(t, "some tries", 5*time.Second, func() bool { return tries.Load() >= 4 })
			up.Store(true)
			until(t, "handled", 5*time.Second, func() bool { return slices.Equal(got.of("k"), []int{1, 2}) })
			ds, err := b.DeadLetters(context.Background(), tp.Name, "", 10)
			must(t, err)
			if len(ds) != 0 {
				t.Errorf("dead letters %+v", ds)
			}
		})
	}
}

func TestWhatCannotBeHandledIsBuriedAtOnce(t *testing.T) {
	tp := topic("hopeless")
	var calls atomic.Int64
	b := consuming(t, tp, Consumer[note]{}, func(_ context.Context, run []Record[note]) error {
		calls.Add(1)
		return Permanent(errors.New("makes no sense"))
	})
	must(t, Publish(context.Background(), b, tp, note{Key: "permanent"}))
	must(t, Publish(context.Background(), b, tp, note{Key: "deep", Depth: timeline.MaxDepth + 1}))
	raw := Topic[string]{Name: tp.Name, Key: func(s string) string { return s }}
	must(t, Publish(context.Background(), b, raw, "not a note"))
	var ds []Dead
	until(t, "all buried", 5*time.Second, func() bool {
		var err error
		ds, err = b.DeadLetters(context.Background(), tp.Name, "", 10)
		return err == nil && len(ds) == 3
	})
	if calls.Load() != 1 {
		t.Errorf("the handler was called %d times", calls.Load())
	}
	for _, d := range ds {
		if d.Group != "g" || d.Reason == "" || d.At.IsZero() || d.Failed.IsZero() || !strings.HasPrefix(string(d.Value), `"`) && !strings.HasPrefix(string(d.Value), "{") {
			t.Errorf("%+v", d)
		}
	}
}

func TestDeadLettersReplayOverRestart(t *testing.T) {
	tp, dir := topic("dead"), t.TempDir()
	c := config(t, dir, tp)
	bad := func(_ context.Context, run []Record[note]) error { return Permanent(errors.New("bug")) }
	var other seen
	open := func(h Handler[note]) *Bus {
		b := mustOpen(t, c)
		must(t, Consume(b, tp, Consumer[note]{Group: "g"}, h))
		must(t, Consume(b, tp, Consumer[note]{Group: "other"}, other.handler))
		must(t, b.Started(timeout(t, 20*time.Second)))
		return b
	}
	list := func(b *Bus, after string, limit int) []Dead {
		ds, err := b.DeadLetters(context.Background(), tp.Name, after, limit)
		must(t, err)
		return ds
	}
	b := open(bad)
	for i := range 5 {
		must(t, Publish(context.Background(), b, tp, note{Key: fmt.Sprint(i), N: i}))
	}
	until(t, "all buried", 5*time.Second, func() bool { return len(list(b, "", 10)) == 5 && other.len() == 5 })
	must(t, b.Close(timeout(t, 5*time.Second)))

	var got seen
	if cluster() == nil {
		c = config(t, dir, tp)
	}
	b = open(got.handler)
	ds := list(b, "", 2)
	rest := list(b, ds[1].ID, 10)
	if len(ds) != 2 || len(rest) != 3 {
		t.Fatalf("pages of %d and %d", len(ds), len(rest))
	}
	must(t, b.Replay(context.Background(), ds[0].ID))
	must(t, b.Discard(context.Background(), ds[1].ID))
	until(t, "replayed", 5*time.Second, func() bool { return got.len() == 1 })
	if got.all[0].Key != ds[0].Key {
		t.Errorf("replayed %+v, want key %s", got.all[0], ds[0].Key)
	}
	if err := b.Replay(context.Background(), ds[0].ID); !errors.Is(err, ErrNoDead) {
		t.Errorf("second replay: %v", err)
	}
	must(t, b.Close(timeout(t, 5*time.Second)))

	b = open(got.handler)
	if ds := list(b, "", 10); len(ds) != 3 || ds[0].ID != rest[0].ID {
		t.Errorf("after a restart %+v", ds)
	}
	if other.len() != 5 {
		t.Errorf("the other group was given a replayed record: %d", other.len())
	}
}

func TestPublishRawAndBadRequests(t *testing.T) {
	tp := topic("raw")
	var got seen
	b := consuming(t, tp, Consumer[note]{}, got.handler)
	ctx := context.Background()
	must(t, b.PublishRaw(ctx, tp.Name, []byte(`{"key":"timer","n":7}`)))
	until(t, "handled", 5*time.Second, func() bool { return slices.Equal(got.of("timer"), []int{7}) })
	if got.all[0].Key != "timer" {
		t.Errorf("key %q", got.all[0].Key)
	}
	if err := b.PublishRaw(ctx, tp.Name, []byte("{")); !isPermanent(err) {
		t.Errorf("bad value: %v", err)
	}
	if err := b.PublishRaw(ctx, "nowhere", []byte("{}")); !errors.Is(err, ErrUnknownTopic) {
		t.Errorf("unknown topic: %v", err)
	}
	if err := Publish(ctx, b, topic("other"), note{}); !errors.Is(err, ErrUnknownTopic) {
		t.Errorf("unknown topic: %v", err)
	}
	if err := Consume(b, tp, Consumer[note]{Group: "g"}, got.handler); err == nil {
		t.Error("one group twice on a node is refused")
	}
	if err := Publish(ctx, b, tp, note{Key: "k", Pad: strings.Repeat("x", defaultMessage)}); !errors.Is(err, ErrTooLarge) || !isPermanent(err) {
		t.Errorf("too large: %v", err)
	}
	must(t, Publish(ctx, b, tp, note{Key: "large", N: 1, Pad: strings.Repeat("x", defaultMessage-1000)}))
	until(t, "the large one handled", 5*time.Second, func() bool { return len(got.of("large")) == 1 })
}

func TestMessageTooLargeSparesItsNeighbours(t *testing.T) {
	tp := topic("large")
	var got seen
	b := consuming(t, tp, Consumer[note]{}, got.handler)
	b.cfg.Message, b.writer.settings.bytes, b.writer.settings.record = 8<<20, 8<<20, 8<<20 // what the broker refuses
	var wg sync.WaitGroup
	var refused atomic.Int64
	for i := range 40 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			n := note{Key: "k", N: i}
			if i%10 == 0 {
				n.Pad = strings.Repeat("x", 3<<20)
			}
			switch err := Publish(context.Background(), b, tp, n); {
			case n.Pad != "" && errors.Is(err, ErrTooLarge):
				refused.Add(1)
			case err != nil || n.Pad != "":
				t.Errorf("%d: %v", i, err)
			}
		}()
	}
	wg.Wait()
	until(t, "the others", 5*time.Second, func() bool { return got.len() == 36 })
	if refused.Load() != 4 {
		t.Errorf("%d refused", refused.Load())
	}
}

func TestClosedBusRefuses(t *testing.T) {
	tp := topic("closed")
	var got seen
	b := consuming(t, tp, Consumer[note]{}, got.handler)
	must(t, b.Close(timeout(t, 5*time.Second)))
	if err := Publish(context.Background(), b, tp, note{}); !errors.Is(err, ErrClosed) {
		t.Errorf("publish: %v", err)
	}
	if err := Consume(b, tp, Consumer[note]{Group: "h"}, got.handler); !errors.Is(err, ErrClosed) {
		t.Errorf("consume: %v", err)
	}
}

func TestAPauseOfOneLaneHoldsUpNoOther(t *testing.T) {
	tp := topic("lane")
	var up atomic.Bool
	var got seen
	b := consuming(t, tp, Consumer[note]{Workers: 1}, func(ctx context.Context, run []Record[note]) error {
		for i, r := range run {
			if r.Value.Key == "slow" && !up.Load() {
				return &RunError{Index: i, Err: down{}}
			}
			got.add(r)
		}
		return nil
	})
	for i := range 20 {
		must(t, Publish(context.Background(), b, tp, note{Key: "slow", N: i}, note{Key: fmt.Sprint(i), N: i}))
	}
	until(t, "the others", 5*time.Second, func() bool { return got.len() == 20 })
	up.Store(true)
	until(t, "the slow one", 10*time.Second, func() bool { return got.len() == 40 })
	if ns := got.of("slow"); !slices.IsSorted(ns) {
		t.Errorf("out of order: %v", ns)
	}
}

func TestPublishWhileClosing(t *testing.T) {
	tp := topic("closing")
	var got seen
	b := consuming(t, tp, Consumer[note]{}, got.handler)
	var wg sync.WaitGroup
	var acked atomic.Int64
	for k := range 16 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for n := 0; ; n++ {
				err := Publish(context.Background(), b, tp, note{Key: fmt.Sprint(k), N: n})
				if err != nil {
					if !errors.Is(err, ErrClosed) && !errors.Is(err, ErrUnavailable) {
						t.Error(err)
					}
					return
				}
				acked.Add(1)
			}
		}()
	}
	until(t, "load", 5*time.Second, func() bool { return acked.Load() > 100 })
	must(t, b.Close(timeout(t, 10*time.Second)))
	wg.Wait()
}

func TestALargeRecordCanBeBuriedAndReplayed(t *testing.T) {
	tp := topic("heavy")
	var fixed atomic.Bool
	var got seen
	b := consuming(t, tp, Consumer[note]{}, func(ctx context.Context, run []Record[note]) error {
		if !fixed.Load() {
			return Permanent(errors.New(strings.Repeat("why ", 4096)))
		}
		return got.handler(ctx, run)
	})
	full := note{Key: "k", Pad: strings.Repeat("x", defaultMessage-2*overhead)}
	must(t, Publish(context.Background(), b, tp, full))
	var ds []Dead
	until(t, "buried", 10*time.Second, func() bool {
		var err error
		ds, err = b.DeadLetters(context.Background(), tp.Name, "", 1)
		return err == nil && len(ds) == 1
	})
	fixed.Store(true)
	must(t, b.Replay(context.Background(), ds[0].ID))
	until(t, "replayed", 10*time.Second, func() bool { return got.len() == 1 })
}
