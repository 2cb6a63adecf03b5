package journal

import (
	"context"
	"fmt"
	"testing"

	"github.com/parley-hub/parley/timeline"
)

// TestAMarkRaisesEveryMessageBeforeIt has more messages of ours than are read at once.
func TestAMarkRaisesEveryMessageBeforeIt(t *testing.T) {
	const n = 2*markReach + 50
	w := newWorld(t)
	w.receive(says("v1", "m1", 1, "hello"))
	c := w.one()
	run := make([]timeline.Command, 0, n)
	for i := range n {
		run = append(run, w.reply(fmt.Sprint("a", i), c, 2+i, "news"))
	}
	w.do(run...)
	var sent []timeline.Inbound
	for i := range n {
		sent = append(sent, receiptIn("v1", fmt.Sprint("s", i), 2+i, timeline.Receipt{Of: timeline.Ref{Event: timeline.EventID(fmt.Sprint("a", i))}, State: timeline.Sent, Attempt: 1}))
	}
	w.receive(sent...)
	states := func() map[timeline.DeliveryState]int {
		got := map[timeline.DeliveryState]int{}
		for _, ev := range w.events(c.ID) {
			if ev.Direction == timeline.Out && ev.Message != nil {
				got[ev.Message.Delivery.State]++
			}
		}
		return got
	}
	for _, mark := range []struct {
		name  string
		state timeline.DeliveryState
		until int
		want  map[timeline.DeliveryState]int
	}{
		{"the oldest", timeline.Delivered, 2 + 19, map[timeline.DeliveryState]int{timeline.Delivered: 20, timeline.Sent: n - 20}},
		{"delivered", timeline.Delivered, 2 + n - 11, map[timeline.DeliveryState]int{timeline.Delivered: n - 10, timeline.Sent: 10}},
		{"read", timeline.Read, 2 + n, map[timeline.DeliveryState]int{timeline.Read: n}},
	} {
		t.Run(mark.name, func(t *testing.T) {
			w.restart()
			until := at(mark.until)
			w.receive(receiptIn("v1", mark.name, 5000, timeline.Receipt{UpTo: &until, State: mark.state}))
			if got := states(); fmt.Sprint(got) != fmt.Sprint(mark.want) {
				t.Errorf("messages are %v, want %v", got, mark.want)
			}
		})
	}
	w.sound()
}

// TestARepeatShowsTheMessageAsItIs crashes between the conversation, its message and what is
// published, and wants the last word of live views to be what is stored.
func TestARepeatShowsTheMessageAsItIs(t *testing.T) {
	until := at(50)
	m1 := timeline.Ref{Remote: "m1"}
	kinds := map[string]struct {
		message timeline.EventID
		in      timeline.Inbound
	}{
		"receipt": {"a1", receiptIn("v1", "r", 60, timeline.Receipt{Of: timeline.Ref{Event: "a1"}, State: timeline.Delivered, Attempt: 1})},
		"mark":    {"a1", receiptIn("v1", "r", 60, timeline.Receipt{UpTo: &until, State: timeline.Read})},
		"edit": {timeline.DeriveID(acct, "msg:m1"), about("v1", "e", 60, timeline.KindEdit, func(ev *timeline.Event) {
			ev.Edit = &timeline.Edit{Of: m1, Rev: 1, Text: "hello!"}
		})},
		"reaction": {timeline.DeriveID(acct, "msg:m1"), about("v1", "h", 60, timeline.KindReaction, func(ev *timeline.Event) {
			ev.Reaction = &timeline.Reaction{Of: m1, Emoji: "❤"}
		})},
		"unsend": {timeline.DeriveID(acct, "msg:m1"), about("v1", "u", 60, timeline.KindUnsend, func(ev *timeline.Event) {
			ev.Unsend = &timeline.Unsend{Of: m1}
		})},
	}
	for name, kind := range kinds {
		for crash := 1; crash <= 4; crash++ { // at the events, the conversation, the message, the timeline
			t.Run(fmt.Sprintf("%s, crash %d", name, crash), func(t *testing.T) {
				w := newWorld(t)
				w.receive(says("v1", "m1", 1, "hello"))
				w.do(w.reply("a1", w.one(), 5, "hi"))
				w.receive(receiptIn("v1", "sent", 6, timeline.Receipt{Of: timeline.Ref{Event: "a1"}, State: timeline.Sent, Attempt: 1}))
				if err := w.j.Resolve(context.Background(), records(wire(t, []timeline.Inbound{kind.in}))); err != nil {
					t.Fatal(err)
				}
				run := w.journal
				w.restartOn(&faulty{Store: w.store, at: crash, how: "before"})
				if crash == 4 {
					w.restart()
					w.fail = func(string) error { return errKilled }
				}
				if err := w.j.Append(context.Background(), records(wire(t, run))); err == nil {
					t.Fatal("no crash")
				}
				w.fail, w.entries = nil, nil
				w.restart()
				w.pump()
				if len(w.entries) == 0 {
					t.Fatal("nothing was published again")
				}
				last := w.entries[len(w.entries)-1]
				stored := w.event(kind.message)
				if last.Target == nil || asJSON(t, last.Target) != asJSON(t, stored) {
					t.Errorf("live views see %s\nthe store has  %s", asJSON(t, last.Target), asJSON(t, stored))
				}
				w.sound()
			})
		}
	}
}
