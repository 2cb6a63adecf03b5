package continuity

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/parley-hub/parley/internal/bus"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// world is continuity over a real embedded store; the writer is played by a map that keeps the
// first command of an id, as it does.
type world struct {
	t       *testing.T
	store   store.Store
	c       *Continuity
	now     time.Time
	present bool
	chat    Chat
	fail    func(op string) error // of what continuity writes
	mails   map[timeline.EventID]timeline.Command
	begun   int
}

func newWorld(t *testing.T) *world {
	s, err := store.OpenEmbedded(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, store: s, now: at(0), chat: Chat{Continue: "post"}, mails: map[timeline.EventID]timeline.Command{}, fail: func(string) error { return nil }}
	w.c = New(Deps{Store: failing{s, w}, Now: func() time.Time { return w.now },
		Chat: func(_ context.Context, id timeline.AccountID) (Chat, error) {
			if id != "chat" {
				return Chat{}, nil
			}
			return w.chat, nil
		},
		Present: func(timeline.ConversationID, timeline.LegID) bool { return w.present },
		Begin: func(a timeline.AccountID, to, about, id string) (timeline.Inbound, error) {
			w.begun++
			return timeline.Inbound{Channel: "email", Peer: timeline.Identity{Scheme: "email", Value: to}, About: about,
				Event: timeline.Event{Thread: timeline.Thread{Account: a, ID: timeline.ThreadID("new:" + id)}}}, nil
		},
		Ask: func(_ context.Context, cs ...timeline.Command) error {
			for _, cmd := range cs {
				if err := w.fail("ask"); err != nil {
					return err
				}
				if _, again := w.mails[cmd.ID]; !again {
					w.mails[cmd.ID] = cmd
				}
				if err := w.fail("asked"); err != nil {
					return err
				}
			}
			return nil
		}})
	w.put(store.Persons, timeline.Person{ID: "p1", Name: "Maya", Profile: timeline.Profile{Name: "Maya Hikes", Locale: "en"}})
	w.put(store.Identities, timeline.Known{ID: "|email|maya@x.org", Identity: timeline.Identity{Scheme: "email", Value: "maya@x.org", Proof: timeline.ProofSigned}, Person: "p1"})
	w.put(store.Conversations, timeline.Conversation{ID: "c1", Person: "p1", State: timeline.Open, Legs: []timeline.Leg{
		{ID: "chat|v1", Thread: timeline.Thread{Account: "chat", ID: "v1"}, Channel: "webchat", Identity: "chat|visitor|v1"}}})
	return w
}

func (w *world) put(collection string, doc any) {
	w.t.Helper()
	if err := w.store.C(collection).Insert(w.t.Context(), doc); err != nil {
		w.t.Fatal(err)
	}
}

// says records an answer and lets continuity follow, twice: entries may be repeated.
func (w *world) says(seq int64, minute int, change ...func(*timeline.Event)) {
	w.t.Helper()
	ev := answer(seq, minute, change...)
	ev.ID = timeline.EventID(fmt.Sprintf("a%d", seq))
	ev.Message.Text = fmt.Sprintf("answer %d.", seq)
	w.put(store.Events, *ev)
	receipt := timeline.Entry{Event: timeline.Event{Kind: timeline.KindReceipt, Receipt: &timeline.Receipt{State: timeline.Delivered}}, Target: ev}
	for range 2 {
		if err := w.c.Follow(w.t.Context(), []bus.Record[timeline.Entry]{{Value: receipt}}); err != nil {
			w.t.Fatal(err)
		}
	}
}

// until lets time pass, a minute at a time, as Run does.
func (w *world) until(minute int) {
	w.t.Helper()
	for ; !w.now.After(at(minute)); w.now = w.now.Add(time.Minute) {
		if err := w.c.Look(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
	}
}

// mailed counts how often each answer was mailed.
func (w *world) mailed() map[int]int {
	n := map[int]int{}
	for _, cmd := range w.mails {
		for i := range 30 {
			if strings.Contains(cmd.Event.Message.Text, fmt.Sprintf("answer %d.", i)) {
				n[i]++
			}
		}
	}
	return n
}

func (w *world) leg(change bson.D) {
	w.t.Helper()
	if _, err := w.store.C(store.Conversations).Update(w.t.Context(), bson.D{{Key: "_id", Value: "c1"}}, bson.D{{Key: "$set", Value: change}}); err != nil {
		w.t.Fatal(err)
	}
}

func TestCase124ContinuityEmail(t *testing.T) {
	w := newWorld(t)
	w.says(1, 0)
	w.says(2, 1, func(ev *timeline.Event) {
		ev.Message.Parts = []timeline.Part{{Kind: timeline.PartImage, File: "f1", Name: "boots.png"}}
	})
	w.until(9)
	if len(w.mails) > 0 {
		t.Fatal("mailed too early")
	}
	w.until(12)
	cmd, ok := w.mails["continue|c1|chat|v1|2"]
	if !ok || len(w.mails) != 1 {
		t.Fatalf("mails %+v", w.mails)
	}
	m := cmd.Event.Message
	if !m.Automated || cmd.Event.Actor.Kind != timeline.ActorSystem || m.Envelope.To[0].Address != "maya@x.org" || len(m.Parts) != 1 || cmd.Conversation != "c1" ||
		cmd.Attach == nil || cmd.Attach.Thread.Account != "post" || cmd.Attach.Identity != "|email|maya@x.org" || cmd.Event.Leg != cmd.Attach.ID {
		t.Errorf("mail %+v, message %+v, leg %+v", cmd, m, cmd.Attach)
	}
	w.leg(bson.D{{Key: "legs", Value: []timeline.Leg{{ID: "chat|v1", Thread: timeline.Thread{Account: "chat", ID: "v1"}, Channel: "webchat"}, *cmd.Attach}}})
	for i := int64(3); i < 16; i++ { // thirteen more at once
		w.says(i, 13)
	}
	w.until(24)
	if len(w.mails) != 1 {
		t.Errorf("%d mails within a quarter of an hour", len(w.mails))
	}
	w.until(39)
	if len(w.mails) != 2 || w.begun != 1 {
		t.Errorf("%d mails on %d threads", len(w.mails), w.begun)
	}
	w.until(60)
	for i, n := range w.mailed() {
		if n != 1 {
			t.Errorf("answer %d was mailed %d times", i, n)
		}
	}
	if len(w.mails) != 3 || len(w.mailed()) != 15 {
		t.Errorf("%d mails with %d answers", len(w.mails), len(w.mailed()))
	}
	w.says(16, 60)
	w.leg(bson.D{{Key: "legs.0.readSeq", Value: int64(16)}})
	w.until(100)
	if len(w.mails) != 3 {
		t.Error("what was read was mailed")
	}
}

func TestSomebodyWhoIsThereGetsNoMail(t *testing.T) {
	w := newWorld(t)
	w.present = true
	w.says(1, 0)
	w.until(30)
	if len(w.mails) > 0 {
		t.Fatal("mailed although the person is there")
	}
	w.present = false
	w.until(33)
	if len(w.mails) != 1 {
		t.Errorf("%d mails once they left", len(w.mails))
	}
}

func TestTheAddressGivenInAForm(t *testing.T) {
	w := newWorld(t)
	if _, err := w.store.C(store.Identities).Delete(t.Context(), bson.D{{Key: "_id", Value: "|email|maya@x.org"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.store.C(store.Persons).Update(t.Context(), bson.D{{Key: "_id", Value: "p1"}}, bson.D{{Key: "$set", Value: bson.D{
		{Key: "profile.extra", Value: bson.D{{Key: "email", Value: "Given@x.org"}, {Key: "page", Value: "https://shop.example"}}}}}}); err != nil {
		t.Fatal(err)
	}
	w.says(1, 0)
	w.until(12)
	for _, cmd := range w.mails {
		if to := cmd.Event.Message.Envelope.To[0].Address; to != "given@x.org" {
			t.Errorf("mailed to %s", to)
		}
	}
	if len(w.mails) != 1 {
		t.Errorf("%d mails", len(w.mails))
	}
}

func TestNoMailWithout(t *testing.T) {
	for name, change := range map[string]func(*world){
		"an account to mail by": func(w *world) { w.chat = Chat{} },
		"an address": func(w *world) {
			if _, err := w.store.C(store.Identities).Delete(w.t.Context(), bson.D{{Key: "_id", Value: "|email|maya@x.org"}}); err != nil {
				w.t.Fatal(err)
			}
		},
		"a person": func(w *world) {
			if _, err := w.store.C(store.Persons).Update(w.t.Context(), bson.D{{Key: "_id", Value: "p1"}}, bson.D{{Key: "$set", Value: bson.D{{Key: "erased", Value: at(0)}}}}); err != nil {
				w.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			change(w)
			w.says(1, 0)
			w.until(60)
			if len(w.mails) > 0 {
				t.Errorf("%+v", w.mails)
			}
		})
	}
}

var errKilled = errors.New("killed")

// TestACrashAnywhereMailsOnce kills continuity before and after everything that it writes or
// asks for, and lets it go on: each answer is mailed once.
func TestACrashAnywhereMailsOnce(t *testing.T) {
	play := func(w *world) {
		w.says(1, 0)
		w.says(2, 2)
		for minute := 0; minute < 45; minute++ {
			if minute == 12 {
				w.says(3, 12)
			}
			w.now = at(minute)
			if err := w.c.Look(w.t.Context()); err != nil && !errors.Is(err, errKilled) {
				w.t.Fatal(err)
			}
		}
	}
	n := 0
	calm := newWorld(t)
	calm.fail = func(string) error { n++; return nil }
	play(calm)
	if len(calm.mailed()) != 3 {
		t.Fatalf("mailed %v", calm.mailed())
	}
	for k := 1; k <= n; k++ {
		t.Run(fmt.Sprintf("at %d", k), func(t *testing.T) {
			w := newWorld(t)
			i, looking := 0, false
			w.fail = func(string) error {
				i++
				if i >= k && !looking {
					looking = true
					return errKilled
				}
				return nil
			}
			play(w)
			if !looking {
				t.Fatal("nothing was killed")
			}
			for a := 1; a <= 3; a++ {
				if got := w.mailed()[a]; got != 1 {
					t.Errorf("answer %d was mailed %d times", a, got)
				}
			}
		})
	}
}

// failing is a store whose writes of continuity's own collection may fail, before or after.
type failing struct {
	store.Store
	w *world
}

func (f failing) C(name string) store.Collection {
	if name != store.Continuity {
		return f.Store.C(name)
	}
	return failingC{f.Store.C(name), f.w}
}

type failingC struct {
	store.Collection
	w *world
}

func (c failingC) Update(ctx context.Context, filter, update bson.D) (int64, error) {
	if err := c.w.fail("before"); err != nil {
		return 0, err
	}
	n, err := c.Collection.Update(ctx, filter, update)
	return n, errors.Join(err, c.w.fail("after"))
}
