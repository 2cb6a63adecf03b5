package journal

import (
	"errors"
	"testing"
	"time"

	"github.com/parley-hub/parley/inbox"
	"github.com/parley-hub/parley/internal/bus"
	"github.com/parley-hub/parley/timeline"
)

func TestReopening(t *testing.T) {
	day := 24 * 3600
	cases := []struct {
		name   string
		status timeline.State
		after  int // seconds
		reopen time.Duration
		wants  int // conversations
	}{
		{"snoozed", timeline.Snoozed, 10, 0, 1},
		{"resolved yesterday", timeline.Resolved, day, 0, 1},
		{"resolved 15 days ago", timeline.Resolved, 15 * day, 0, 2},
		{"never taken up again", timeline.Resolved, 10, -1, 2},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.j.deps.Reopen, w.j.routes.age = c.reopen, routeAge(c.reopen)
			if c.reopen == 0 {
				w.j.deps.Reopen, w.j.routes.age = DefaultReopen, routeAge(DefaultReopen)
			}
			w.receive(says("v1", "m1", 1, "hello"))
			id := w.one().ID
			w.do(w.status("s", id, 5, c.status, nil))
			w.do(w.reply("a1", w.one(), 6, "one more thing"))
			if got := w.one().State; got != c.status {
				t.Fatalf("an agent's message made it %s", got)
			}
			w.clock = at(5 + c.after)
			w.receive(says("v1", "m2", 5+c.after, "and then"), says("v1", "m3", 6+c.after, "and then"))
			all := w.conversations()
			if len(all) != c.wants {
				t.Fatalf("%d conversations", len(all))
			}
			last := all[len(all)-1]
			if last.State != timeline.Open || last.Person != all[0].Person || last.Last.Text != "and then" {
				t.Errorf("conversation %s", asJSON(t, last))
			}
			if c.wants == 1 {
				if evs := w.events(id); len(evs) != 6 || evs[4].Status == nil || evs[4].Status.Why != inbox.WhyCustomerWrote {
					t.Errorf("events %s", asJSON(t, evs))
				}
			} else {
				if all[0].State != c.status || last.InCount != 2 || last.Number != 2 {
					t.Errorf("conversations %s", asJSON(t, all))
				}
				w.receive(says("v1", "m1", 1, "hello")) // a repeat from back then
				if got := w.conversations(); len(got) != 2 || got[1].InCount != 2 {
					t.Errorf("a repeat began another conversation or counted: %s", asJSON(t, got))
				}
			}
			w.sound()
		})
	}
}

func TestOvertakenMessageOfAnAgentIsKept(t *testing.T) {
	w := newWorld(t)
	w.receive(says("v1", "m1", 1, "hello"))
	c := w.one()
	ben := w.reply("b1", c, 5, "mine too")
	ben.Event.Actor.ID, ben.BaseSeq = "ben", 1
	again := w.reply("a2", c, 6, "and one more thing")
	again.BaseSeq = 1
	w.do(w.reply("a1", c, 4, "mine"), ben)
	w.restart()
	w.do(again)
	m := w.event("b1").Message.Delivery
	if m.State != timeline.Cancelled || m.Failure == nil || m.Failure.Class != "overtaken" {
		t.Errorf("overtaken: %s", asJSON(t, m))
	}
	if s := w.event("a2").Message.Delivery.State; s != timeline.Queued || len(w.outs) != 2 {
		t.Errorf("one's own message counted against oneself: %s", s)
	}
}

func TestBotsDoNotAnswerBotsForEver(t *testing.T) {
	w := newWorld(t)
	w.receive(says("v1", "m1", 1, "hello"))
	bot := w.reply("b", w.one(), 5, "auto")
	bot.Event.Actor, bot.Event.Depth = timeline.Actor{Kind: timeline.ActorRule}, timeline.MaxDepth+1
	w.do(bot)
	if len(w.outs) != 0 || w.j.Stats.Refused(inbox.TooDeep) != 1 {
		t.Error("not refused")
	}
}

func TestRecordsThatCanNeverBeHandled(t *testing.T) {
	w := newWorld(t)
	anonymous := says("", "m2", 1, "who am I")
	err := w.j.Resolve(t.Context(), records([]timeline.Inbound{says("v1", "m1", 1, "hello"), anonymous, says("v1", "m3", 2, "x")}))
	var at *bus.RunError
	if !errors.As(err, &at) || at.Index != 1 {
		t.Fatalf("resolve: %v", err)
	}
	w.pump()
	if c := w.one(); c.InCount != 2 {
		t.Errorf("the others were not handled: %s", asJSON(t, c))
	}
	err = w.j.Append(t.Context(), records([]timeline.Command{w.status("s", "nowhere", 1, timeline.Resolved, nil)}))
	if !errors.As(err, &at) || at.Index != 0 {
		t.Errorf("append to nothing: %v", err)
	}
	err = w.j.Append(t.Context(), records([]timeline.Command{{ID: "x", Conversation: w.one().ID, Event: timeline.Event{Kind: "nonsense"}}}))
	if !errors.As(err, &at) {
		t.Errorf("nonsense: %v", err)
	}
}
