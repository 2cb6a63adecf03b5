package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/parley-hub/parley/inbox"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// canary is in everything that the person said or is.
const canary = "canary"

// life is what a person leaves behind, in every collection.
func life(w *world) (ins []timeline.Inbound) {
	w.t.Helper()
	me := canary + "-visitor"
	hello := says(me, "m1", 1, "hello, I am "+canary)
	hello.Profile = &timeline.Profile{Name: "Maya " + canary, Avatar: "file2"}
	hello.Peer.Display = "@" + canary
	hello.Event.Message.Parts = []timeline.Part{{Kind: timeline.PartImage, File: "file1", Name: canary + ".png"}}
	of := timeline.Ref{Remote: "m1"}
	ins = []timeline.Inbound{hello, says(me, me+"-m0", 1, "an id with an address"),
		linked(says(me, "m2", 2, "my mail is "+canary+"@x.org"), mail(canary+"@x.org", timeline.ProofSigned)),
		about(me, "m1:1", 3, timeline.KindEdit, func(ev *timeline.Event) {
			ev.Edit = &timeline.Edit{Of: of, Rev: 1, Text: canary + " edited", HTML: canary}
		}),
		about(me, "m1", 4, timeline.KindReaction, func(ev *timeline.Event) { ev.Reaction = &timeline.Reaction{Of: of, Emoji: canary} }),
		about(me, "pb", 5, timeline.KindPostback, func(ev *timeline.Event) {
			ev.Postback = &timeline.Postback{Title: canary, Payload: canary}
		}),
		about(me, "rf", 6, timeline.KindReferral, func(ev *timeline.Event) { ev.Referral = &timeline.Referral{URL: "https://" + canary} }),
		about(me, "un", 7, timeline.KindUnknown, func(ev *timeline.Event) {
			ev.Unknown = &timeline.Unknown{Type: "x", Summary: canary, Raw: json.RawMessage(`{"a":"` + canary + `"}`)}
		}),
		about(me, "ct", 8, timeline.KindControl, func(ev *timeline.Event) {
			ev.Control = &timeline.Control{Name: "opt_in", Data: map[string]string{"who": canary}}
		}),
		about(me, "dangling", 9, timeline.KindEdit, func(ev *timeline.Event) {
			ev.Edit = &timeline.Edit{Of: timeline.Ref{Remote: canary + "-none"}, Rev: 1, Text: canary}
		}),
		byMail(canary+"@x.org", "ml", 10, "by mail: "+canary)}
	for _, f := range []string{"file1", "file2"} {
		w.put(store.Files, bson.D{{Key: "_id", Value: f}})
	}
	w.receive(ins...)
	return ins
}

func (w *world) put(collection string, doc any) {
	w.t.Helper()
	if err := w.store.C(collection).Insert(w.t.Context(), doc); err != nil {
		w.t.Fatal(err)
	}
}

// work is what we did for the person.
func work(w *world) {
	w.t.Helper()
	c := w.one()
	w.do(w.reply("a1", c, 20, "dear "+canary), w.reply("a2", c, 21, "again, "+canary),
		w.ask("n1", c.ID, 22, timeline.KindNote, func(ev *timeline.Event) { ev.Message = &timeline.Message{Text: "about " + canary} }),
		w.ask("s1", c.ID, 23, timeline.KindSubject, func(ev *timeline.Event) { ev.Subject = &timeline.Subject{Text: "the " + canary + " case"} }),
		w.ask("r1", c.ID, 24, timeline.KindReceipt, func(ev *timeline.Event) {
			ev.Actor = timeline.Actor{Kind: timeline.ActorSystem}
			ev.Receipt = &timeline.Receipt{Of: timeline.Ref{Event: "a1"}, State: timeline.Failed, Attempt: 1, Remotes: []timeline.RemoteID{canary + "-1", canary + "-2"},
				Failure: &timeline.Failure{Class: "permanent", Said: "no such user " + canary, Code: canary}}
		}))
	w.put(store.Steps, bson.D{{Key: "_id", Value: "a2/0"}, {Key: "message", Value: "a2"}, {Key: "n", Value: 0}, {Key: "account", Value: "acct"}, {Key: "thread", Value: "acct|t-" + canary},
		{Key: "state", Value: "queued"}, {Key: "attempt", Value: 1}, {Key: "tries", Value: 0}, {Key: "dueAt", Value: at(5000)}, {Key: "outbound", Value: canary}})
	w.put(store.Timers, bson.D{{Key: "_id", Value: "send|a2|1|0"}, {Key: "dueAt", Value: at(5000)}, {Key: "topic", Value: "outbound"}, {Key: "value", Value: canary}})
	w.put(store.Drafts, bson.D{{Key: "_id", Value: "d"}, {Key: "conversation", Value: string(c.ID)}, {Key: "agent", Value: "ana"}, {Key: "text", Value: canary}})
	w.put(store.Reads, bson.D{{Key: "_id", Value: "r"}, {Key: "conversation", Value: string(c.ID)}, {Key: "agent", Value: "ana"}})
	w.put(store.Notes, bson.D{{Key: "_id", Value: "acct|of:" + canary + "-visitor"}, {Key: "account", Value: "acct"}, {Key: "value", Value: []byte("x")}})
	w.put(store.Notes, bson.D{{Key: "_id", Value: "acct|other"}, {Key: "account", Value: "acct"}, {Key: "value", Value: []byte("x")}})
	w.put(store.Parked, bson.D{{Key: "_id", Value: "p"}, {Key: "channel", Value: "x"}, {Key: "handle", Value: "y"}, {Key: "body", Value: []byte(`{"from":"` + canary + `-visitor"}`)}})
	w.put(store.Errands, bson.D{{Key: "_id", Value: "profile|acct|x|" + canary + "-visitor"}, {Key: "account", Value: "acct"}})
	if err := w.j.Suggest(w.t.Context(), c.Person, "other", timeline.Evidence{Kind: "email", How: inbox.EvidenceSaid, Value: canary + "@x.org"}); err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.store.C(store.Persons).Update(w.t.Context(), byID(c.Person), set(bson.E{Key: "note", Value: canary}, bson.E{Key: "attributes", Value: bson.D{{Key: "a", Value: canary}}})); err != nil {
		w.t.Fatal(err)
	}
}

// everything is the whole store as text.
func (w *world) everything() string {
	w.t.Helper()
	var b strings.Builder
	for _, spec := range store.Schema {
		err := w.store.C(spec.Name).Each(w.t.Context(), bson.D{}, func(raw bson.Raw) error {
			fmt.Fprintf(&b, "%s: %s\n", spec.Name, raw.String())
			b.Write(raw) // bytes that print as base64 are searched as they are
			b.WriteByte('\n')
			return nil
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
	return b.String()
}

// eraseAll carries erasures out to the end.
func (w *world) eraseAll() {
	w.t.Helper()
	for range 50 {
		left, err := w.j.EraseDue(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		if left == 0 {
			return
		}
		w.pump()
		w.clock = w.clock.Add(10 * time.Second)
	}
	w.t.Fatal("the erasure does not end")
}

func (w *world) wantGone() {
	w.t.Helper()
	for _, line := range strings.Split(w.everything(), "\n") {
		if strings.Contains(line, canary) {
			w.t.Errorf("still there: %.2000q", line)
		}
	}
}

var system = timeline.Actor{Kind: timeline.ActorAgent, ID: "boss", Name: "Boss"}

func TestErasingLeavesNoTrace(t *testing.T) {
	w := newWorld(t)
	ins := life(w)
	other := says("v2", "o1", 1, "somebody else")
	work(w)
	w.receive(other)
	c := w.conversations()[0]
	before := w.events(c.ID)
	if !strings.Contains(w.everything(), canary) {
		t.Fatal("there is nothing to erase")
	}
	if err := w.j.Erase(t.Context(), c.Person, system); err != nil {
		t.Fatal(err)
	}
	if err := w.j.Erase(t.Context(), c.Person, system); err != nil {
		t.Errorf("twice: %v", err)
	}
	w.entries = nil
	w.eraseAll()
	w.wantGone()
	after := w.events(c.ID)
	if len(after) != len(before)+eraseRounds {
		t.Fatalf("%d events, were %d", len(after), len(before))
	}
	for i, was := range before {
		is := after[i]
		kept := is.ID == was.ID || strings.Contains(string(was.ID), canary) && strings.HasPrefix(string(is.ID), "erased|")
		if !kept || is.Kind != was.Kind || !is.At.Equal(was.At) || is.Seq != was.Seq {
			t.Errorf("event %s became %s", asJSON(t, was), asJSON(t, is))
		}
		if err := inbox.Check(&is); err != nil {
			t.Errorf("%s: %v", is.ID, err)
		}
	}
	w.marked("file1")
	w.marked("file2")
	w.put(store.Files, bson.D{{Key: "_id", Value: "late"}})
	late := fetchedIn("late", 40, timeline.MediaPart{N: 0, Part: timeline.Part{File: "late"}})
	late.Event.Thread.ID, late.Event.Leg = "t-"+canary+"-visitor", ""
	w.receive(late)
	w.marked("late")
	rewound := says(canary+"-visitor", canary+"-visitor-m0", 1, "the bus was rewound: "+canary)
	th := rewound.Event.Thread
	w.do(timeline.Command{ID: rewound.Event.ID, Conversation: c.ID, Event: rewound.Event, At: at(1),
		Attach: &timeline.Leg{ID: th.Leg(), Thread: th, Channel: "chat", Peer: canary, Identity: rewound.Peer.ID()}})
	if n := w.j.Stats.Refused(inbox.Gone); n != 1 {
		t.Errorf("%d commands were refused", n)
	}
	w.wantGone()
	if now := w.conversations()[0]; now.Name != inbox.ErasedName || now.State != timeline.Resolved || now.Last.Text != "" {
		t.Errorf("conversation %s", asJSON(t, now))
	}
	if e := w.entries[0]; e.Event.Control == nil || e.Event.Control.Name != inbox.ControlErased || strings.Contains(asJSON(t, e), canary) {
		t.Errorf("live views are told %s", asJSON(t, e))
	}
	if ev := w.event(other.Event.ID); ev.Message.Text != "somebody else" {
		t.Error("somebody else was erased")
	}
	if n := w.count(store.Notes); n != 1 {
		t.Errorf("%d notes, want the one of somebody else", n)
	}
	w.comesAgain(ins, len(after))
}

// comesAgain delivers everything once more, and then something new.
func (w *world) comesAgain(ins []timeline.Inbound, events int) {
	t := w.t
	t.Helper()
	persons := w.count(store.Persons)
	for range 2 {
		w.restart()
		for _, in := range ins {
			w.receive(in)
		}
		w.receive(ins...)
	}
	w.wantGone()
	if n := w.count(store.Persons); n != persons {
		t.Errorf("%d persons, were %d: a repeat brought somebody back", n, persons)
	}
	if n := len(w.events(w.conversations()[0].ID)); n != events {
		t.Errorf("%d events, were %d", n, events)
	}
	w.receive(profiled(canary+"-visitor", "late", 30, timeline.Profile{Name: "Maya " + canary}))
	w.wantGone()
	w.receive(says(canary+"-visitor", "new", 5000, "I am back"))
	cs := w.conversations()
	last := cs[len(cs)-1]
	if last.Last.Text != "I am back" || last.Person == cs[0].Person || w.count(store.Persons) != persons+1 {
		t.Errorf("what is written anew: %s", asJSON(t, last))
	}
	w.sound()
}

func TestErasingAGuest(t *testing.T) {
	w := newWorld(t)
	first := byMail("owner@x.org", "g1", 1, "my order")
	first.Event.Thread.ID = "shared"
	guest := byMail(canary+"@x.org", canary+"@x.org-g2", 2, "I am "+canary)
	guest.Event.Thread.ID = "shared"
	guest.Peer.Proof, first.Peer.Proof = timeline.ProofNone, timeline.ProofNone
	guest.Event.Message.Parts = []timeline.Part{{Kind: timeline.PartFile, File: "file1", Name: canary}}
	w.put(store.Files, bson.D{{Key: "_id", Value: "file1"}})
	w.receive(first)
	w.receive(guest)
	c := w.conversations()[0]
	if c.Last.Event != guest.Event.ID {
		t.Fatalf("the guest writes elsewhere: %s", asJSON(t, w.conversations()))
	}
	if err := w.j.Erase(t.Context(), w.whose(guest.Peer), system); err != nil {
		t.Fatal(err)
	}
	w.eraseAll()
	w.wantGone()
	w.marked("file1")
	w.sound()
	if ev := w.event(first.Event.ID); ev.Message.Text != "my order" || ev.Thread.ID != "shared" {
		t.Errorf("the other's message: %s", asJSON(t, ev))
	}
	w.receive(first, guest)
	w.wantGone()
	if ev := w.event(w.j.unnamed(guest.Event.ID)); ev.Message.Unsent == nil || ev.Thread.ID != "shared" {
		t.Errorf("the guest's message: %s", asJSON(t, ev))
	}
	if now := w.conversations()[0]; now.Name == inbox.ErasedName || now.State != timeline.Open || now.Last.Text != "" || len(now.Legs) != 1 || now.Legs[0].Closed != "" {
		t.Errorf("the other's conversation: %s", asJSON(t, now))
	}
}

func TestErasingFollowsMerges(t *testing.T) {
	w, maya, anon := apart(t)
	if _, err := w.j.Merge(t.Context(), anon, maya, system); err != nil {
		t.Fatal(err)
	}
	w.pump()
	if err := w.j.Erase(t.Context(), anon, system); err != nil {
		t.Fatal(err)
	}
	w.eraseAll()
	for _, id := range []timeline.PersonID{maya, anon} {
		var p timeline.Person
		if err := w.store.C(store.Persons).One(t.Context(), byID(id), &p); err != nil || p.Erased == nil || p.Name != inbox.ErasedName {
			t.Errorf("%+v, %v", p, err)
		}
	}
	if w.count(store.Merges)+w.count(store.Identities)+w.count(store.Heads) != 0 {
		t.Error("merges, identities or heads are left")
	}
	for _, c := range w.conversations() {
		for _, ev := range w.events(c.ID) {
			if ev.Message != nil && ev.Message.Text != "" {
				t.Errorf("left: %q", ev.Message.Text)
			}
		}
	}
	if err := w.j.AddIdentity(t.Context(), maya, mail("x@x", timeline.ProofAgent)); !errors.Is(err, ErrErasing) {
		t.Errorf("an identity for somebody who was erased: %v", err)
	}
	w.receive(says("v77", "x", 6000, "hi"))
	if _, err := w.j.Merge(t.Context(), w.whose(visitor("v77")), maya, system); !errors.Is(err, ErrErasing) {
		t.Errorf("merging into somebody who was erased: %v", err)
	}
}

// TestACrashWhileErasing kills the erasing at every write and starts it again.
func TestACrashWhileErasing(t *testing.T) {
	count := func(k int) (n int, w *world) {
		w = newWorld(t)
		life(w)
		work(w)
		id := w.conversations()[0].Person
		f := &faulty{Store: w.store, at: k, how: "first half"}
		w.restartOn(f)
		for range 60 {
			err := w.j.Erase(t.Context(), id, system)
			left := 1
			if err == nil {
				left, err = w.j.EraseDue(t.Context())
			}
			for err == nil && len(w.journal) > 0 {
				cs := w.journal
				if err = w.j.Append(t.Context(), records(cs)); err == nil {
					w.journal = w.journal[len(cs):]
				}
			}
			if err == nil && left == 0 {
				break
			}
			if err != nil {
				w.restartOn(w.store) // the node is started again
			}
			w.clock = w.clock.Add(20 * time.Second)
		}
		return f.n, w
	}
	writes, _ := count(0)
	for k := 1; k <= writes; k += 3 * stride() {
		t.Run(fmt.Sprintf("write %d", k), func(t *testing.T) {
			_, w := count(k)
			w.t = t
			w.wantGone()
			w.sound()
			_ = w.store.Close()
		})
	}
}
