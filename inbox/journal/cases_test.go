package journal

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/parley-hub/parley/inbox"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"go.mongodb.org/mongo-driver/v2/bson"
)

func TestCase25DupSameMidTwoDeliveriesConcurrent(t *testing.T) {
	w := newWorld(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			j, err := New(Deps{Store: w.store, Publish: w, Now: func() time.Time { return w.clock }})
			if err != nil {
				t.Error(err)
				return
			}
			if err := j.Resolve(context.Background(), records([]timeline.Inbound{says("v1", "m1", 1, "hello"), says("v1", "m1", 1, "hello")})); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	w.pump()
	if got := w.messages(w.one().ID); len(got) != 1 {
		t.Errorf("messages %v", got)
	}
	if n, err := w.store.C(store.Persons).Count(t.Context(), bson.D{}); err != nil || n != 1 {
		t.Errorf("%d persons, %v", n, err)
	}
	w.sound()
}

func TestCase26DupTwoLoginsSameMid(t *testing.T) {
	w := newWorld(t)
	w.receive(says("v1", "m1", 1, "hello"))
	w.restart()
	w.receive(says("v1", "m1", 1, "hello"))
	if c := w.one(); c.InCount != 1 || c.Seq != 1 {
		t.Errorf("conversation %s", asJSON(t, c))
	}
	if last := w.entries[len(w.entries)-1]; len(w.entries) != 2 || !last.Repeat {
		t.Errorf("the repeat was not published again as one")
	}
}

func TestCase28SameMidDifferentKind(t *testing.T) {
	w := newWorld(t)
	of := timeline.Ref{Remote: "m1"}
	w.receive(says("v1", "m1", 1, "hello"),
		about("v1", "m1", 2, timeline.KindReaction, func(ev *timeline.Event) { ev.Reaction = &timeline.Reaction{Of: of, Emoji: "🔥"} }),
		about("v1", "m1", 3, timeline.KindUnsend, func(ev *timeline.Event) { ev.Unsend = &timeline.Unsend{Of: of} }))
	if evs := w.events(w.one().ID); len(evs) != 3 {
		t.Errorf("%d events", len(evs))
	}
	w.sound()
}

func TestCase29EchoAfterResponse(t *testing.T) {
	w := newWorld(t)
	w.receive(says("v1", "m1", 1, "hello"))
	w.do(w.reply("a1", w.one(), 5, "hi"))
	w.receive(receiptIn("v1", "r", 6, timeline.Receipt{Of: timeline.Ref{Event: "a1"}, State: timeline.Sent, Remotes: []timeline.RemoteID{"M"}}))
	w.restart()
	w.receive(echo("v1", "M", 6, "hi"))
	if got := w.messages(w.one().ID); len(got) != 2 {
		t.Errorf("messages %v", got)
	}
	w.sound()
}

func TestCase30EchoBeforeResponse(t *testing.T) {
	w := newWorld(t)
	w.receive(says("v1", "m1", 1, "hello"))
	w.do(w.reply("a1", w.one(), 5, "hi  there"))
	w.restart()
	w.receive(echo("v1", "M", 6, "hi there"))
	w.receive(receiptIn("v1", "r", 7, timeline.Receipt{Of: timeline.Ref{Event: "a1"}, State: timeline.Sent, Remotes: []timeline.RemoteID{"M"}}))
	m := w.event("a1")
	if got := w.messages(w.one().ID); len(got) != 2 || m.Message.Delivery.State != timeline.Sent || m.Remote != "M" {
		t.Errorf("messages %v, ours %s", got, asJSON(t, m))
	}
	w.sound()
}

func TestCase31EchoTwoParts(t *testing.T) {
	w := newWorld(t)
	w.receive(says("v1", "m1", 1, "hello"))
	cmd := w.reply("a1", w.one(), 5, "look")
	cmd.Event.Message.Parts = []timeline.Part{{Kind: timeline.PartImage, File: "f"}}
	w.do(cmd)
	picture := echo("v1", "M2", 7, "")
	picture.Event.Message.Parts = []timeline.Part{{Kind: timeline.PartImage, URL: "https://cdn.example/1"}}
	w.receive(echo("v1", "M1", 6, "look"), picture)
	w.restart()
	// Both ids find the one message.
	w.receive(receiptIn("v1", "r", 9, timeline.Receipt{Of: timeline.Ref{Remote: "M2"}, State: timeline.Delivered}))
	m := w.event("a1")
	if got := w.messages(w.one().ID); len(got) != 2 || m.Message.Delivery.State != timeline.Delivered || len(m.Message.Delivery.Remotes) != 2 {
		t.Errorf("messages %v, ours %s", got, asJSON(t, m))
	}
	w.sound()
}

func TestCase32EchoFromPhoneApp(t *testing.T) {
	w := newWorld(t)
	w.receive(says("v1", "m1", 1, "hello"), echo("v1", "M", 6, "typed on the phone"))
	c := w.one()
	if c.WaitingSince != nil || c.LastOutSeq != 2 || len(w.outs) != 0 || c.Last.Actor.Kind != timeline.ActorExternal {
		t.Errorf("conversation %s, outbound %v", asJSON(t, c), w.outs)
	}
	bot := w.reply("bot", c, 7, "auto")
	bot.Event.Actor, bot.BaseSeq = timeline.Actor{Kind: timeline.ActorAssistant, ID: "ai"}, 1
	w.do(bot)
	if len(w.outs) != 0 || w.j.Stats.Refused(inbox.Overtaken) != 1 {
		t.Error("the bot answered after a human had")
	}
}

func TestCase33EchoReopensResolved(t *testing.T) {
	w := newWorld(t)
	w.receive(says("v1", "m1", 1, "hello"))
	w.do(w.status("s", w.one().ID, 5, timeline.Resolved, nil))
	w.clock = at(40 * 24 * 3600)
	late := echo("v1", "M", 40*24*3600, "thank you for your patience")
	w.restart()
	w.receive(late)
	if c := w.one(); c.State != timeline.Resolved || c.Seq != 3 {
		t.Errorf("conversation %s", asJSON(t, c))
	}
}

func TestCase36Reorder10Messages(t *testing.T) {
	w := newWorld(t)
	order := []int{7, 2, 9, 1, 4, 10, 3, 8, 6, 5}
	for _, i := range order {
		w.receive(says("v1", fmt.Sprintf("m%02d", i), i, fmt.Sprint(i)))
	}
	c := w.one()
	got := w.messages(c.ID)
	if !slices.IsSorted(got) || len(got) != 10 || c.Last.Text != "10" || !c.LastAt.Equal(at(10)) {
		t.Errorf("shown %v, last %v", got, c.Last)
	}
	for _, ev := range w.events(c.ID) {
		late := ev.ID != "acct|msg:m07" && ev.ID != "acct|msg:m09" && ev.ID != "acct|msg:m10"
		if ev.Late != late {
			t.Errorf("%s late: %v", ev.ID, ev.Late)
		}
	}
	w.sound()
}

// TestCase37AnyOrder delivers every order of a message and what happened to it, each event in
// its own run with a restart between, and wants one state.
func TestCase37AnyOrder(t *testing.T) {
	of := timeline.Ref{Remote: "m1"}
	ins := []timeline.Inbound{
		says("v1", "m1", 1, "first"),
		about("v1", "m1:1", 2, timeline.KindEdit, func(ev *timeline.Event) { ev.Edit = &timeline.Edit{Of: of, Rev: 1, Text: "second"} }),
		about("v1", "m1:2", 3, timeline.KindEdit, func(ev *timeline.Event) { ev.Edit = &timeline.Edit{Of: of, Rev: 2, Text: "third"} }),
		about("v1", "m1", 4, timeline.KindReaction, func(ev *timeline.Event) { ev.Reaction = &timeline.Reaction{Of: of, Emoji: "🔥"} }),
	}
	gone := about("v1", "m1", 5, timeline.KindUnsend, func(ev *timeline.Event) { ev.Unsend = &timeline.Unsend{Of: of} })
	for name, set := range map[string][]timeline.Inbound{"edit_reaction_before_original": ins, "unsend_before_original": append(slices.Clone(ins[:3]), gone)} {
		t.Run(name, func(t *testing.T) {
			want := ""
			permutations(len(set), func(order []int) {
				w := newWorld(t)
				for _, i := range order {
					w.restart()
					w.receive(set[i])
				}
				for _, i := range order { // replay twice = once
					w.receive(set[i])
				}
				w.sound()
				m := w.event("acct|msg:m1")
				m.Seq = 0
				m.Conversation = ""
				m.Actor.Name = ""
				c := w.one()
				got := asJSON(t, m) + " " + c.Last.Text
				if want == "" {
					want = got
				}
				if got != want {
					t.Fatalf("order %v:\n got %s\nwant %s", order, got, want)
				}
				if name == "unsend_before_original" {
					for _, ev := range w.events(c.ID) {
						if ev.Edit != nil && ev.Edit.Text != "" {
							t.Fatalf("order %v: an edit still says %q", order, ev.Edit.Text)
						}
					}
				}
				if n, err := w.store.C(store.Pending).Count(t.Context(), bson.D{}); err != nil || n != 0 {
					t.Fatalf("order %v: %d pending, %v", order, n, err)
				}
				_ = w.store.Close()
			})
		})
	}
}

func permutations(n int, f func([]int)) {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	var walk func(int)
	walk = func(k int) {
		if k == n {
			f(order)
			return
		}
		for i := k; i < n; i++ {
			order[k], order[i] = order[i], order[k]
			walk(k + 1)
			order[k], order[i] = order[i], order[k]
		}
	}
	walk(0)
}

func TestCase38UnsendRedacts(t *testing.T) {
	w := newWorld(t)
	in := says("v1", "m1", 1, "secret")
	in.Event.Message.Parts = []timeline.Part{{Kind: timeline.PartImage, File: "file1"}}
	if err := w.store.C(store.Files).Insert(t.Context(), bson.D{{Key: "_id", Value: "file1"}}); err != nil {
		t.Fatal(err)
	}
	of := timeline.Ref{Remote: "m1"}
	w.receive(in, about("v1", "m1", 2, timeline.KindEdit, func(ev *timeline.Event) { ev.Edit = &timeline.Edit{Of: of, Rev: 1, Text: "secret 2"} }))
	w.receive(about("v1", "m1", 5, timeline.KindUnsend, func(ev *timeline.Event) { ev.Unsend = &timeline.Unsend{Of: of} }))
	c := w.one()
	if m := w.event(in.Event.ID); m.Message.Text != "" || len(m.Message.Parts) != 0 || m.Message.Unsent == nil || c.Last.Text != "" {
		t.Errorf("left: %s, preview %q", asJSON(t, m), c.Last.Text)
	}
	for _, ev := range w.events(c.ID) {
		if ev.Edit != nil && ev.Edit.Text != "" {
			t.Errorf("the edit still says %q", ev.Edit.Text)
		}
	}
	var f struct {
		UnsentAt *time.Time `json:"unsentAt"`
	}
	if err := w.store.C(store.Files).One(t.Context(), byID("file1"), &f); err != nil || f.UnsentAt == nil {
		t.Errorf("the file is not marked: %v", err)
	}
	w.sound()
}

func TestCase41StatusForUnknownMessage(t *testing.T) {
	w := newWorld(t)
	w.receive(says("v1", "m1", 1, "hello"))
	w.do(w.reply("a1", w.one(), 5, "hi"))
	w.receive(receiptIn("v1", "r2", 7, timeline.Receipt{Of: timeline.Ref{Remote: "M"}, State: timeline.Delivered})) // M is nobody's yet
	w.restart()
	w.receive(receiptIn("v1", "r1", 8, timeline.Receipt{Of: timeline.Ref{Event: "a1"}, State: timeline.Sent, Remotes: []timeline.RemoteID{"M"}}))
	if s := w.event("a1").Message.Delivery.State; s != timeline.Delivered {
		t.Errorf("state %s", s)
	}
	w.sound()
}

func TestCase42ReadMidVsWatermark(t *testing.T) {
	until := at(11)
	for name, r := range map[string]timeline.Receipt{
		"mid":       {Of: timeline.Ref{Event: "a2"}, State: timeline.Read},
		"watermark": {UpTo: &until, State: timeline.Read},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.receive(says("v1", "m1", 1, "hello"))
			c := w.one()
			w.do(w.reply("a1", c, 10, "1"), w.reply("a2", c, 11, "2"), w.reply("a3", c, 12, "3"), w.reply("a4", c, 10, "waits"))
			for i, id := range []timeline.EventID{"a1", "a2", "a3"} {
				w.receive(receiptIn("v1", fmt.Sprint("s", i), 13, timeline.Receipt{Of: timeline.Ref{Event: id}, State: timeline.Sent}))
			}
			w.restart()
			w.receive(receiptIn("v1", "seen", 20, r))
			w.receive(receiptIn("v1", "unknown", 20, timeline.Receipt{Of: timeline.Ref{Remote: "nobody's"}, State: timeline.Read}))
			for id, want := range map[timeline.EventID]timeline.DeliveryState{"a1": timeline.Read, "a2": timeline.Read, "a3": timeline.Sent, "a4": timeline.Queued} {
				if got := w.event(id).Message.Delivery.State; got != want {
					t.Errorf("%s is %s, want %s", id, got, want)
				}
			}
			if l := w.one().Legs[0]; l.ReadSeq != 3 || l.Seen == nil || !l.Seen.Equal(at(11)) {
				t.Errorf("leg %s", asJSON(t, l))
			}
			w.sound()
		})
	}
}

func TestCase44LockContention(t *testing.T) {
	w := newWorld(t)
	var ins []timeline.Inbound
	for i := range 20 {
		ins = append(ins, says("v1", fmt.Sprintf("m%02d", i), i, "x"))
	}
	w.receive(ins...)
	if got := w.messages(w.one().ID); len(got) != 20 || !slices.IsSorted(got) {
		t.Errorf("messages %v", got)
	}
	w.sound()
}

func TestCase45ReplayFullLog(t *testing.T) {
	w := newWorld(t)
	log := []timeline.Inbound{says("v1", "m1", 1, "a"), says("v2", "m2", 2, "b"), echo("v1", "e1", 3, "c"),
		about("v1", "m1", 4, timeline.KindReaction, func(ev *timeline.Event) {
			ev.Reaction = &timeline.Reaction{Of: timeline.Ref{Remote: "m1"}, Emoji: "🔥"}
		}), says("v1", "m3", 5, "d")}
	w.receive(log...)
	before := w.dump()
	w.restart()
	for _, in := range log {
		w.receive(in)
	}
	if after := w.dump(); after != before {
		t.Errorf("before %s\nafter  %s", before, after)
	}
}

// dump is the record in one string.
func (w *world) dump(collections ...string) string {
	w.t.Helper()
	if len(collections) == 0 {
		collections = []string{store.Conversations, store.Events, store.Identities, store.Heads, store.Persons}
	}
	out := ""
	for _, name := range collections {
		var all []string
		err := w.store.C(name).Each(context.Background(), bson.D{}, func(raw bson.Raw) error {
			all = append(all, raw.String())
			return nil
		})
		if err != nil {
			w.t.Fatal(err)
		}
		slices.Sort(all)
		out += name + ":\n"
		for _, s := range all {
			out += "  " + s + "\n"
		}
	}
	return out
}

func TestCase46ReplyToUnknownMid(t *testing.T) {
	w := newWorld(t)
	in := says("v1", "m2", 2, "as I said")
	in.Event.Message.ReplyTo = &timeline.Ref{Remote: "m1"}
	w.receive(in)
	if r := w.event(in.Event.ID).Message.ReplyTo; r == nil || r.Remote != "m1" || r.Event != "" {
		t.Errorf("reference %v", r)
	}
	w.receive(says("v1", "m1", 1, "history"))
	in = says("v1", "m3", 3, "again")
	in.Event.Message.ReplyTo = &timeline.Ref{Remote: "m1"}
	w.receive(in)
	if r := w.event(in.Event.ID).Message.ReplyTo; r.Event != "acct|msg:m1" {
		t.Errorf("reference %v", r)
	}
}

func TestCase114FirstMessageDoubleSend(t *testing.T) {
	w := newWorld(t)
	var wg sync.WaitGroup
	for i := range 2 {
		wg.Go(func() {
			j, err := New(Deps{Store: w.store, Publish: w, Now: func() time.Time { return w.clock }})
			if err == nil {
				err = j.Resolve(context.Background(), records([]timeline.Inbound{says("v1", fmt.Sprint("m", i), i, "hello")}))
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	w.pump()
	if got := w.messages(w.one().ID); len(got) != 2 {
		t.Errorf("messages %v", got)
	}
	w.sound()
}

func TestCase127AssignmentRace(t *testing.T) {
	w := newWorld(t)
	w.receive(says("v1", "m1", 1, "hello"))
	c := w.one()
	assign := func(id string, to timeline.AgentID, by timeline.ActorKind, if_ *timeline.AgentID) timeline.Command {
		cmd := w.ask(id, c.ID, 5, timeline.KindAssignment, func(ev *timeline.Event) {
			ev.Actor.Kind, ev.Assignment = by, &timeline.Assignment{Agent: &to}
		})
		cmd.IfAssignee = if_
		return cmd
	}
	nobody := timeline.AgentID("")
	w.do(assign("by hand", "ana", timeline.ActorAgent, nil), assign("auto", "ben", timeline.ActorRule, &nobody))
	if c := w.one(); c.Assignee != "ana" {
		t.Errorf("assigned to %s", c.Assignee)
	}
	if w.j.Stats.Refused(inbox.Lost) != 1 {
		t.Error("the loser was not refused")
	}
}
