package journal

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/parley-hub/parley/internal/bus"
	"github.com/parley-hub/parley/internal/timers"
	"github.com/parley-hub/parley/timeline"
)

// TestOnTheBus runs resolve, append and snooze on the embedded broker: what customers say
// comes out as one gap-free timeline each.
func TestOnTheBus(t *testing.T) {
	w := newWorld(t)
	b, err := bus.Open(t.Context(), bus.Config{Node: "test", Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := b.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	ts := timers.New(w.store, b.PublishRaw, nil, nil)
	j, err := New(Deps{Store: w.store, Publish: OnBus(b), Timers: ts})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	seqs := map[timeline.ConversationID][]int64{}
	total := 0
	err = bus.Broadcast(b, bus.Timeline, func(r bus.Record[timeline.Entry]) error {
		mu.Lock()
		defer mu.Unlock()
		if !r.Value.Repeat {
			c := r.Value.Event.Conversation
			seqs[c] = append(seqs[c], r.Value.Event.Seq)
			total++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Start(b); err != nil {
		t.Fatal(err)
	}
	if err := b.Started(t.Context()); err != nil {
		t.Fatal(err)
	}
	const people, each = 20, 10
	for i := range each {
		var ins []timeline.Inbound
		for p := range people {
			ins = append(ins, says(fmt.Sprint("v", p), fmt.Sprintf("m%d-%d", p, i), i, "hello"))
		}
		if err := bus.Publish(t.Context(), b, bus.Inbound, ins...); err != nil {
			t.Fatal(err)
		}
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		mu.Lock()
		n := total
		mu.Unlock()
		if n >= people*each {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%d of %d events", n, people*each)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(seqs) != people {
		t.Errorf("%d conversations", len(seqs))
	}
	for c, s := range seqs {
		for i, n := range s {
			if n != int64(i)+1 {
				t.Fatalf("conversation %s: %v", c, s)
			}
		}
	}
	w.sound()
}
