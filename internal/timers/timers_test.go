package timers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-hub/parley/internal/store"
)

func open(t *testing.T) store.Store {
	t.Helper()
	s, err := store.OpenEmbedded(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// fired records what was published and when.
type fired struct {
	mu  sync.Mutex
	all []string
	at  []time.Time
}

func (f *fired) publish(_ context.Context, topic string, v []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all = append(f.all, topic+" "+string(v))
	f.at = append(f.at, time.Now())
	return nil
}

func (f *fired) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.all)
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("never: %s", what)
}

func run(t *testing.T, ts ...*Timers) {
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for _, one := range ts {
		wg.Go(func() { one.Run(ctx) })
	}
	t.Cleanup(func() { cancel(); wg.Wait() })
}

func TestDueTimersFireInTimeAndOnce(t *testing.T) {
	s, f := open(t), &fired{}
	a, b := New(s, f.publish, nil, nil), New(s, f.publish, nil, nil)
	run(t, a, b)
	due := time.Now().Add(300 * time.Millisecond)
	for i := range 20 {
		if err := a.Set(t.Context(), Timer{ID: fmt.Sprint(i), DueAt: due, Topic: "x", Value: json.RawMessage(fmt.Sprint(i))}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "20 fired", func() bool { return f.count() >= 20 })
	eventually(t, "all removed", func() bool { n, err := a.c.Count(t.Context(), nil); return err == nil && n == 0 })
	if f.count() != 20 {
		t.Errorf("fired %d times, want 20", f.count())
	}
	for _, at := range f.at {
		if late := at.Sub(due); late < 0 || late > time.Second {
			t.Errorf("fired %v after its time", late)
		}
	}
}

func TestSetReplacesAndCancelRemoves(t *testing.T) {
	s, f := open(t), &fired{}
	ts := New(s, f.publish, nil, nil)
	past := time.Now().Add(-time.Second)
	ctx := t.Context()
	set := func(id, v string, at time.Time) {
		t.Helper()
		if err := ts.Set(ctx, Timer{ID: id, DueAt: at, Topic: "x", Value: json.RawMessage(v)}); err != nil {
			t.Fatal(err)
		}
	}
	set("a", "1", past)
	set("a", "2", past)
	set("b", "3", past)
	set("c", "4", time.Now().Add(time.Hour))
	if err := ts.Cancel(ctx, "b"); err != nil {
		t.Fatal(err)
	}
	if err := ts.Cancel(ctx, "never there"); err != nil {
		t.Fatal(err)
	}
	if _, err := ts.look(ctx); err != nil {
		t.Fatal(err)
	}
	if len(f.all) != 1 || f.all[0] != "x 2" {
		t.Errorf("fired %v", f.all)
	}
}

func TestATimerWhoseNodeDiedIsTakenOver(t *testing.T) {
	s, f := open(t), &fired{}
	var clock atomic.Int64
	clock.Store(time.Now().UnixMilli())
	now := func() time.Time { return time.UnixMilli(clock.Load()) }
	down := New(s, func(context.Context, string, []byte) error { return errors.New("died") }, now, nil)
	up := New(s, f.publish, now, nil)
	if err := down.Set(t.Context(), Timer{ID: "a", DueAt: now(), Topic: "x", Value: json.RawMessage("1")}); err != nil {
		t.Fatal(err)
	}
	if _, err := down.look(t.Context()); err == nil {
		t.Fatal("the failure was swallowed")
	}
	if _, err := up.look(t.Context()); err != nil || f.count() != 0 {
		t.Fatalf("taken over at once: %v, %v", f.all, err)
	}
	clock.Add(claim.Milliseconds())
	if _, err := up.look(t.Context()); err != nil || f.count() != 1 {
		t.Fatalf("not taken over: %v, %v", f.all, err)
	}
}

func TestARestartedNodeTakesItsOwnClaimsOverAtOnce(t *testing.T) {
	s, f := open(t), &fired{}
	var clock atomic.Int64
	clock.Store(time.Now().UnixMilli())
	now := func() time.Time { return time.UnixMilli(clock.Load()) }
	died := New(s, func(context.Context, string, []byte) error { return errors.New("died") }, now, nil).Named("a")
	if err := died.Set(t.Context(), Timer{ID: "x", DueAt: now(), Topic: "x", Value: json.RawMessage("1")}); err != nil {
		t.Fatal(err)
	}
	if _, err := died.look(t.Context()); err == nil {
		t.Fatal("the failure was swallowed")
	}
	clock.Add(100)
	for _, c := range []struct {
		name, node string
		want       int
	}{{"another node", "b", 0}, {"no name", "", 0}, {"itself", "a", 1}} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := New(s, f.publish, now, nil).Named(c.node).look(t.Context()); err != nil || f.count() != c.want {
				t.Errorf("%d fired, %v", f.count(), err)
			}
		})
	}
}

func TestATimerSetAnewWhileFiringStays(t *testing.T) {
	s := open(t)
	var ts *Timers
	later := time.Now().Add(time.Hour)
	ts = New(s, func(ctx context.Context, _ string, _ []byte) error {
		return ts.Set(ctx, Timer{ID: "a", DueAt: later, Topic: "x", Value: json.RawMessage("2")})
	}, nil, nil)
	if err := ts.Set(t.Context(), Timer{ID: "a", DueAt: time.Now().Add(-time.Second), Topic: "x", Value: json.RawMessage("1")}); err != nil {
		t.Fatal(err)
	}
	if _, err := ts.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, err := ts.c.Count(t.Context(), nil); err != nil || n != 1 {
		t.Errorf("%d timers left, %v; want the new one", n, err)
	}
}
