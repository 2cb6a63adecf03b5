package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-hub/parley/internal/bus"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/internal/timers"
	"github.com/parley-hub/parley/timeline"
	"go.mongodb.org/mongo-driver/v2/bson"
)

func user(v string) timeline.Identity {
	return timeline.Identity{Account: acct, Scheme: "user", Value: v, Proof: timeline.ProofSigned}
}

func mail(v string, p timeline.Proof) timeline.Identity {
	return timeline.Identity{Scheme: "email", Value: v, Proof: p}
}

func linked(in timeline.Inbound, links ...timeline.Identity) timeline.Inbound {
	in.Links = links
	return in
}

// signedIn tells that a visitor turned out to be a user.
func signedIn(u, v string, s int) timeline.Inbound {
	in := about(v, "identified:"+u+v, s, timeline.KindControl, func(ev *timeline.Event) { ev.Control = &timeline.Control{Name: "identified"} })
	in.Event.Direction, in.Event.Thread.ID, in.Peer = timeline.Internal, timeline.ThreadID("u-"+u), user(u)
	in.Links = []timeline.Identity{visitor(v)}
	return in
}

// byMail is a message of somebody who writes by mail.
func byMail(from, id string, s int, text string) timeline.Inbound {
	in := says(from, id, s, text)
	in.Peer = mail(from, timeline.ProofSigned)
	in.Channel, in.Event.Thread.ID = "mail", timeline.ThreadID("mail-"+from)
	return in
}

// whose is the person of an identity.
func (w *world) whose(i timeline.Identity) timeline.PersonID {
	w.t.Helper()
	var k timeline.Known
	if err := w.store.C(store.Identities).One(context.Background(), byID(i.ID()), &k); errors.Is(err, store.ErrNotFound) {
		return ""
	} else if err != nil {
		w.t.Fatal(err)
	}
	p, err := ReadPerson(context.Background(), w.store, k.Person)
	if err != nil {
		w.t.Fatalf("identity %s: %v", i.ID(), err)
	}
	return p.ID
}

func (w *world) count(collection string) int64 {
	w.t.Helper()
	n, err := w.store.C(collection).Count(context.Background(), bson.D{})
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

func TestLinks(t *testing.T) {
	cases := []struct {
		name  string
		ins   []timeline.Inbound
		check func(w *world)
	}{
		{"a new peer with a known verified link is that person", []timeline.Inbound{byMail("maya@x", "1", 1, "hi"), linked(says("v1", "2", 2, "me again"), mail("maya@x", timeline.ProofSigned))},
			func(w *world) {
				if a, b := w.whose(mail("maya@x", "")), w.whose(visitor("v1")); a != b {
					w.t.Errorf("two persons %s, %s", a, b)
				}
				if c := w.one(); len(c.Legs) != 2 || c.InCount != 2 {
					w.t.Errorf("conversation %s", asJSON(w.t, c))
				}
			}},
		{"visitor_upgrades_to_user: a known anonymous visitor is merged into the user", []timeline.Inbound{byMail("maya@x", "1", 1, "hi"), says("v1", "2", 2, "anonymous"), linked(says("v1", "3", 3, "signed in"), mail("maya@x", timeline.ProofSigned))},
			func(w *world) {
				if a, b := w.whose(mail("maya@x", "")), w.whose(visitor("v1")); a != b {
					w.t.Errorf("two persons %s, %s", a, b)
				}
				if n := w.count(store.Merges); n != 1 {
					w.t.Errorf("%d merges", n)
				}
			}},
		{"an unverified link is a suggestion, and claims nothing", []timeline.Inbound{byMail("maya@x", "1", 1, "hi"), linked(says("v1", "2", 2, "I am Maya"), mail("maya@x", timeline.ProofNone), mail("else@x", timeline.ProofNone))},
			func(w *world) {
				if a, b := w.whose(mail("maya@x", "")), w.whose(visitor("v1")); a == b {
					w.t.Error("linked by a claim")
				}
				if w.whose(mail("else@x", "")) != "" {
					w.t.Error("a claim took an address")
				}
				if n := w.count(store.Suggestions); n != 1 {
					w.t.Errorf("%d suggestions", n)
				}
			}},
		{"two users in one browser stay two", []timeline.Inbound{linked(says("v1", "1", 1, "I am one"), user("u1")), linked(says("v1", "2", 2, "I am another"), user("u2"))},
			func(w *world) {
				if a, b := w.whose(user("u1")), w.whose(user("u2")); a == b {
					w.t.Error("made one person of two")
				}
				cs := w.conversations()
				if len(cs) != 2 || cs[0].InCount != 1 || cs[1].InCount != 1 {
					w.t.Errorf("conversations %s", asJSON(w.t, cs))
				}
			}},
		{"a signed-in user brings a second browser", []timeline.Inbound{says("v0", "0", 1, "first browser"), signedIn("u1", "v0", 2), says("v1", "1", 3, "second browser"), signedIn("u1", "v1", 4)},
			func(w *world) {
				if a, b, c := w.whose(user("u1")), w.whose(visitor("v0")), w.whose(visitor("v1")); a != b || b != c {
					w.t.Errorf("persons %s, %s, %s", a, b, c)
				}
			}},
		{"another user signs in with the same browser", []timeline.Inbound{says("v0", "0", 1, "hi"), signedIn("u1", "v0", 2), signedIn("u2", "v0", 3)},
			func(w *world) {
				if a, b, c := w.whose(user("u1")), w.whose(visitor("v0")), w.whose(user("u2")); a != b || b == c || c == "" {
					w.t.Errorf("persons %s, %s, %s", a, b, c)
				}
				if n := len(w.conversations()); n != 1 {
					w.t.Errorf("signing in began a conversation: %d", n)
				}
			}},
		{"a known user in somebody else's browser", []timeline.Inbound{signedIn("u2", "v9", 1), says("v0", "0", 2, "hi"), signedIn("u1", "v0", 3), signedIn("u2", "v0", 4)},
			func(w *world) {
				if a, b, c := w.whose(user("u1")), w.whose(visitor("v0")), w.whose(user("u2")); a != b || b == c || c == "" {
					w.t.Errorf("persons %s, %s, %s", a, b, c)
				}
			}},
		{"a colleague in a mail thread writes into its conversation", []timeline.Inbound{byMail("maya@x", "1", 1, "hi"), func() timeline.Inbound {
			in := byMail("cc@x", "2", 2, "me too")
			in.Event.Thread.ID = "mail-maya@x"
			return in
		}()}, func(w *world) {
			if c := w.one(); c.InCount != 2 || c.Legs[0].Peer != "maya@x" {
				w.t.Errorf("conversation %s", asJSON(w.t, c))
			}
			if a, b := w.whose(mail("maya@x", "")), w.whose(mail("cc@x", "")); a == b || b == "" {
				w.t.Errorf("persons %s, %s", a, b)
			}
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			for _, in := range c.ins {
				w.receive(in)
			}
			c.check(w)
			w.sound()
			before := w.dump()
			for _, in := range c.ins { // again: nothing changes
				w.receive(in)
			}
			if after := w.dump(); after != before {
				t.Errorf("a replay changed something%s", differ(before, after))
			}
		})
	}
}

func TestNames(t *testing.T) {
	w := newWorld(t)
	w.receive(says("v1", "m1", 1, "hello"))
	c := w.one()
	if !strings.HasPrefix(c.Name, "Visitor ") {
		t.Errorf("name %q", c.Name)
	}
	in := says("v1", "m2", 2, "I filled in the form")
	in.Profile = &timeline.Profile{Name: "Maya", Locale: "de"}
	w.receive(in)
	if got := w.one().Name; got != "Maya" {
		t.Errorf("name %q", got)
	}
	if _, err := w.store.C(store.Persons).Update(t.Context(), byID(c.Person), set(bson.E{Key: "name", Value: "Dr. Maya Lin"})); err != nil {
		t.Fatal(err)
	}
	in = says("v1", "m3", 3, "and again")
	in.Profile = &timeline.Profile{Name: "maya!"}
	w.receive(in)
	if p, err := ReadPerson(t.Context(), w.store, c.Person); err != nil || p.Name != "Dr. Maya Lin" || p.Profile.Locale != "de" {
		t.Errorf("person %+v, %v", p, err)
	}
}

// apart is two persons with a conversation each, and what they leave in the record.
func apart(t *testing.T) (w *world, maya, anon timeline.PersonID) {
	w = newWorld(t)
	w.receive(byMail("maya@x", "1", 1, "hi"))
	w.receive(says("v1", "2", 10, "anonymous"))
	w.do(w.reply("a1", w.conversations()[0], 3, "hello"))
	w.receive(receiptIn("", "r", 4, timeline.Receipt{Of: timeline.Ref{Event: "a1"}, State: timeline.Sent}))
	until := at(9000)
	w.do(w.status("z", w.conversations()[0].ID, 5, timeline.Snoozed, &until))
	return w, w.whose(mail("maya@x", "")), w.whose(visitor("v1"))
}

func TestMergeAndUndoGivesTheSameBytes(t *testing.T) {
	for _, dir := range []string{"into the older", "into the newer"} {
		t.Run(dir, func(t *testing.T) {
			w, maya, anon := apart(t)
			from, into := anon, maya
			if dir == "into the newer" {
				from, into = maya, anon
			}
			untouched := []string{store.Identities, store.Heads, store.Persons}
			before := w.dump(untouched...)
			convs := w.conversations()
			events := [][]timeline.Event{w.events(convs[0].ID), w.events(convs[1].ID)}
			id, err := w.j.Merge(t.Context(), from, into, timeline.Actor{Kind: timeline.ActorAgent, ID: "ana"})
			if err != nil {
				t.Fatal(err)
			}
			if err := w.j.Undo(t.Context(), id, timeline.Actor{}); !errors.Is(err, ErrBusy) {
				t.Fatalf("undone before it was entered: %v", err)
			}
			w.pump()
			merged := w.conversations()
			for _, c := range merged {
				if c.Person != into {
					t.Errorf("conversation %s is still of %s", c.ID, c.Person)
				}
			}
			if merged[0].State != timeline.Resolved || merged[1].State != timeline.Open || len(merged[1].Legs) != 2 {
				t.Errorf("conversations %s", asJSON(t, merged))
			}
			w.receive(receiptIn("v1", "seen", 6, timeline.Receipt{Of: timeline.Ref{Remote: "no one's"}, State: timeline.Read}))
			if _, err := w.j.Merge(t.Context(), from, into, timeline.Actor{}); !errors.Is(err, ErrSamePerson) {
				t.Errorf("merged twice: %v", err)
			}
			if err := w.j.Undo(t.Context(), id, timeline.Actor{Kind: timeline.ActorAgent, ID: "ana"}); err != nil {
				t.Fatal(err)
			}
			w.pump()
			if after := w.dump(untouched...); after != before {
				t.Errorf("the record differs%s", differ(before, after))
			}
			for i, c := range w.conversations() {
				was := convs[i]
				c.Seq = was.Seq
				if asJSON(t, c) != asJSON(t, was) {
					t.Errorf("conversation\n got %s\nwant %s", asJSON(t, c), asJSON(t, was))
				}
				if got := w.events(c.ID)[:len(events[i])]; asJSON(t, got) != asJSON(t, events[i]) {
					t.Error("messages were touched")
				}
			}
			if err := w.j.Undo(t.Context(), id, timeline.Actor{}); !errors.Is(err, ErrUndone) {
				t.Errorf("undone twice: %v", err)
			}
			w.sound()
		})
	}
}

func TestCase58MergeContactsThenMessage(t *testing.T) {
	w, maya, anon := apart(t)
	other, err := New(Deps{Store: w.store, Publish: w, Now: func() time.Time { return w.clock }}) // another node, with a memory of its own
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Resolve(t.Context(), records([]timeline.Inbound{says("v1", "3", 6, "still anonymous"), byMail("maya@x", "4", 6, "mail")})); err != nil {
		t.Fatal(err)
	}
	w.pump()
	if _, err := w.j.Merge(t.Context(), anon, maya, timeline.Actor{Kind: timeline.ActorAgent}); err != nil {
		t.Fatal(err)
	}
	w.pump()
	if err := other.Resolve(t.Context(), records([]timeline.Inbound{says("v1", "5", 7, "by chat"), byMail("maya@x", "6", 8, "by mail")})); err != nil {
		t.Fatal(err)
	}
	w.pump()
	a, b := w.event("acct|msg:5"), w.event("acct|msg:6")
	if a.Conversation != b.Conversation {
		t.Error("two conversations after the merge")
	}
	for _, c := range w.conversations() {
		if c.Person != maya {
			t.Errorf("conversation of %s", c.Person)
		}
		if c.ID == a.Conversation && len(c.Legs) != 2 {
			t.Errorf("legs %s", asJSON(t, c.Legs))
		}
	}
	w.sound()
}

// TestTheNewerConversationGoesOn lets the older one have the last word before the merge. Who has
// the chat open counts places on the thread by the conversation's id: what comes later is after.
func TestTheNewerConversationGoesOn(t *testing.T) {
	w := newWorld(t)
	w.receive(byMail("maya@x", "1", 1, "hi"))
	w.receive(says("v1", "2", 10, "anonymous"))
	w.receive(byMail("maya@x", "3", 20, "are you there?"))
	seen := w.event("acct|msg:2").Conversation
	if _, err := w.j.Merge(t.Context(), w.whose(visitor("v1")), w.whose(mail("maya@x", "")), timeline.Actor{Kind: timeline.ActorAgent}); err != nil {
		t.Fatal(err)
	}
	w.pump()
	w.receive(says("v1", "4", 30, "and here?"))
	if next := w.event("acct|msg:4").Conversation; next < seen {
		t.Errorf("what comes next is in %s, before %s", next, seen)
	}
	w.sound()
}

func TestCase58RaceOfTwoMerges(t *testing.T) {
	w, maya, anon := apart(t)
	var wg sync.WaitGroup
	done := make([]error, 2)
	for i, pair := range [][2]timeline.PersonID{{maya, anon}, {anon, maya}} {
		wg.Go(func() { _, done[i] = w.j.Merge(context.Background(), pair[0], pair[1], timeline.Actor{}) })
	}
	wg.Wait()
	w.pump()
	if (done[0] == nil) == (done[1] == nil) {
		t.Errorf("merges: %v", done)
	}
	root := w.whose(visitor("v1"))
	if got := w.whose(mail("maya@x", "")); got != root {
		t.Errorf("persons %s and %s", got, root)
	}
	for _, c := range w.conversations() {
		if c.Person != root {
			t.Errorf("an orphan: conversation of %s", c.Person)
		}
	}
}

// TestCrashWhileResolving kills resolve at every write and publish; the run comes again.
func TestCrashWhileResolving(t *testing.T) {
	ins := []timeline.Inbound{byMail("maya@x", "1", 1, "hi"), linked(says("v1", "2", 2, "a"), mail("maya@x", timeline.ProofSigned)), says("v2", "3", 3, "b"), says("v1", "4", 4, "c"),
		linked(says("v2", "5", 5, "signed in"), mail("maya@x", timeline.ProofSigned)), started("v2", "s1", 6, "we write first")}
	runs := [][]timeline.Inbound{ins[:4], ins[4:]}
	play := func(w *world, f *faulty) {
		resolving := w.j
		w.restart()
		appending := w.j
		for _, run := range runs {
			w.j = resolving
			if err := w.j.Resolve(context.Background(), records(wire(t, run))); err != nil {
				if f.at == 0 || f.n < f.at {
					t.Fatal(err)
				}
				f.at = 0
				w.restart()
				resolving = w.j
				w.clock = w.clock.Add(10 * time.Second)
				if err := w.j.Resolve(context.Background(), records(wire(t, run))); err != nil {
					t.Fatal(err)
				}
			}
			w.j = appending
			w.pump()
		}
	}
	check := func(w *world) {
		w.sound()
		maya := w.whose(mail("maya@x", ""))
		for _, v := range []string{"v1", "v2"} {
			if got := w.whose(visitor(v)); got != maya {
				t.Errorf("%s is %s, not %s", v, got, maya)
			}
		}
		if m := w.event("start.s1"); m.Message.Delivery.State != timeline.Queued || !slices.ContainsFunc(w.outs, func(o timeline.Outbound) bool { return o.ID == m.ID }) {
			t.Errorf("the first message of ours: %s", asJSON(t, m))
		}
		all := 0
		for _, c := range w.conversations() {
			all += int(c.InCount)
			if c.Person != maya {
				t.Errorf("conversation %s of %s", c.ID, c.Person)
			}
		}
		if all != 5 || w.count(store.Persons) != 2 {
			t.Errorf("%d messages, %d persons", all, w.count(store.Persons))
		}
	}
	calm := newWorld(t)
	f := &faulty{Store: calm.store}
	calm.restartOn(f)
	play(calm, f)
	check(calm)
	for _, how := range []string{"before", "first half"} {
		for k := 1; k <= f.n; k += stride() {
			t.Run(fmt.Sprintf("%s write %d", how, k), func(t *testing.T) {
				w := newWorld(t)
				f := &faulty{Store: w.store, at: k, how: how}
				w.restartOn(f)
				play(w, f)
				check(w)
			})
		}
	}
}

func TestSnoozeWakesInTime(t *testing.T) {
	w := newWorld(t)
	w.clock = timeline.Now()
	fired := make(chan []byte, 4)
	ts := timers.New(w.store, func(_ context.Context, topic string, v []byte) error {
		if topic != bus.Journal.Name {
			t.Errorf("published on %s", topic)
		}
		fired <- v
		return nil
	}, nil, nil)
	w.j.deps.Timers = ts
	w.receive(says("v1", "m1", 1, "hello"))
	id := w.one().ID
	soon, later := timeline.Now().Add(50*time.Millisecond), timeline.Now().Add(time.Hour)
	w.do(w.status("s1", id, 5, timeline.Snoozed, &soon))
	if err := w.j.Snooze(t.Context(), records(w.entries)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go ts.Run(ctx)
	var wake timeline.Command
	select {
	case v := <-fired:
		if err := unmarshal(v, &wake); err != nil {
			t.Fatal(err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("never woken")
	}
	w.do(w.status("s2", id, 6, timeline.Snoozed, &later), wake)
	if c := w.one(); c.State != timeline.Snoozed {
		t.Error("woken although it was snoozed anew")
	}
	wake.Event.Status.Until, wake.ID = &later, "other"
	w.do(wake, w.status("s3", id, 7, timeline.Snoozed, nil))
	if c := w.one(); c.State != timeline.Snoozed || c.SnoozeUntil != nil || len(w.events(id)) != 5 {
		t.Errorf("conversation %s", asJSON(t, c))
	}
	if err := w.j.Snooze(t.Context(), records(w.entries)); err != nil {
		t.Fatal(err)
	}
	if n := w.count(store.Timers); n != 0 {
		t.Errorf("%d timers for a snooze until reply", n)
	}
}

func TestRepairPublishesWhatIsRecent(t *testing.T) {
	w := newWorld(t)
	w.receive(says("old", "m0", 1, "old"))
	w.receive(says("v1", "m1", 500, "hello"))
	c := w.conversations()[1]
	w.do(w.reply("a1", c, 505, "hi"), w.reply("a2", c, 506, "sent"))
	w.receive(receiptIn("v1", "r", 507, timeline.Receipt{Of: timeline.Ref{Event: "a2"}, State: timeline.Sent}))
	w.entries, w.outs = nil, nil
	w.restart()
	if err := w.j.Repair(t.Context(), at(400)); err != nil {
		t.Fatal(err)
	}
	if len(w.entries) != 4 || len(w.outs) != 1 || w.outs[0].ID != "a1" {
		t.Fatalf("entries %s\nouts %s", asJSON(t, w.entries), asJSON(t, w.outs))
	}
	for i, e := range w.entries {
		if e.Event.Seq != int64(i)+1 || !e.Repeat {
			t.Errorf("entry %d: %s", i, asJSON(t, e))
		}
	}
	if w.entries[3].Target == nil || w.entries[3].Target.ID != "a2" {
		t.Error("the receipt lost its message")
	}
}
