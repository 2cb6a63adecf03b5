package gateway

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

func TestRunnerResumesAtItsCursor(t *testing.T) {
	var mu sync.Mutex
	var began []string
	w := newWorld(t, &toy{run: func(ctx context.Context, cursor []byte, emit func(context.Context, []byte, ...timeline.Inbound) error) error {
		mu.Lock()
		began = append(began, string(cursor))
		n := len(began)
		mu.Unlock()
		if n > 2 {
			<-ctx.Done()
			return ctx.Err()
		}
		if err := emit(ctx, []byte(strconv.Itoa(n)), said("a", "t", strconv.Itoa(n))); err != nil {
			return err
		}
		if n == 2 {
			panic("lost")
		}
		return errors.New("the connection was lost")
	}})
	w.account("a")
	eventually(t, "it is run a third time", func() bool { mu.Lock(); defer mu.Unlock(); return len(began) == 3 })
	if began[0] != "" || began[1] != "1" || began[2] != "2" || texts(w.inbound()) != "1 2" {
		t.Errorf("%q %q", began, texts(w.inbound()))
	}
	if a, _ := w.g.Get(t.Context(), "a"); a.Health.State != channels.Amber {
		t.Error(a.Health)
	}
}

func TestRunnerHasOneOwner(t *testing.T) {
	var running, most atomic.Int64
	w := newWorld(t, &toy{run: func(ctx context.Context, _ []byte, _ func(context.Context, []byte, ...timeline.Inbound) error) error {
		n := running.Add(1)
		defer running.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		<-ctx.Done()
		return ctx.Err()
	}})
	w.account("a")
	eventually(t, "one node runs it", func() bool { return running.Load() == 1 })
	b := w.gateway("node-b")
	defer b.Close(context.WithoutCancel(t.Context()))
	if err := w.g.live("a").emit(t.Context(), []byte("1"), said("a", "t", "x")); err != nil {
		t.Fatal(err)
	}
	if err := b.live("a").emit(t.Context(), []byte("2"), said("a", "t", "x")); !errors.Is(err, errFenced) {
		t.Error("a node without the lease moved the cursor:", err)
	}
	if most.Load() != 1 {
		t.Error("two nodes ran at once")
	}
	if err := w.g.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := b.live("a").lease(); err != nil || !got {
		t.Error("the lease was not given back:", got, err)
	}
}
