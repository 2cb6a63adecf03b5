package gateway

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/internal/timers"
	"github.com/parley-hub/parley/timeline"
)

// reopen plays a node that died and was started again: the old gateway is closed, and a new
// one of the same name opens the accounts.
func (w *world) reopen() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := w.g.Close(ctx); err != nil {
		w.t.Fatal(err)
	}
	w.g = w.gateway("node-a")
}

// lose forgets the timers, as a power cut does with one that had just published.
func (w *world) lose() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timers = map[string]timers.Timer{}
}

func TestWhatWaitedIsSentAfterARestart(t *testing.T) {
	for name, c := range map[string]struct {
		waits  func(w *world, o *timeline.Outbound)
		early  bool // not due yet when the node comes back
		states string
		calls  int64
	}{
		"undo window, timer lost": {func(w *world, o *timeline.Outbound) {
			due := w.now().Add(5 * time.Second)
			o.Message.SendAt = &due
			w.deliver(*o)
		}, false, "sent", 1},
		"not due yet": {func(w *world, o *timeline.Outbound) {
			due := w.now().Add(time.Hour)
			o.Message.SendAt = &due
			w.deliver(*o)
		}, true, "", 0},
		"killed while sending what had waited": {func(w *world, o *timeline.Outbound) {
			due := w.now().Add(5 * time.Second)
			o.Message.SendAt = &due
			w.deliver(*o)
			n, err := w.store.C(store.Steps).Update(w.t.Context(), bson.D{{Key: "_id", Value: channels.StepKey(o.ID, 0)}},
				bson.D{{Key: "$set", Value: bson.D{{Key: "state", Value: string(timeline.Sending)}}}})
			if n != 1 || err != nil {
				w.t.Fatal(n, err)
			}
		}, false, "sent", 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, &toy{can: channels.Capabilities{Idempotent: true}})
			w.account("a")
			o := w.message("m", "hi")
			c.waits(w, &o)
			w.lose()
			w.pass(10 * time.Second)
			w.reopen()
			fired := 0
			if c.early {
				if n := w.fire(); n != 0 {
					t.Errorf("%d timers fired", n)
				}
			} else {
				eventually(t, "it is published once more", func() bool { fired += w.fire(); return fired > 0 })
			}
			if w.states("m") != c.states || w.toy.calls.Load() != c.calls {
				t.Errorf("states %q, %d calls", w.states("m"), w.toy.calls.Load())
			}
		})
	}
}

// TestAStepKeepsItsMessageOnlyUntilItEnded looks into the store while and after a call.
func TestAStepKeepsItsMessageOnlyUntilItEnded(t *testing.T) {
	var w *world
	during := ""
	look := func() string {
		s, err := w.g.stepOf(t.Context(), channels.StepKey("m", 0))
		if err != nil {
			t.Error(err)
		}
		return s.Outbound
	}
	w = newWorld(t, &toy{do: func(context.Context, channels.Step) channels.Result {
		during = look()
		return channels.Result{Outcome: channels.Rejected, Failure: &channels.Failure{Class: channels.Permanent, Err: errors.New("no")}}
	}})
	w.account("a")
	o := w.message("m", "hi")
	due := w.now().Add(time.Second)
	o.Message.SendAt = &due
	w.deliver(o)
	w.pass(2 * time.Second)
	if n := w.fire(); n != 1 || during == "" || look() != "" {
		t.Errorf("%d timers, kept while sending: %v, afterwards: %v", n, during != "", look() != "")
	}
}
