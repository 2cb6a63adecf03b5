package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/parley-hub/parley/internal/bus"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"go.mongodb.org/mongo-driver/v2/bson"
)

var t0 = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

func at(s int) time.Time { return t0.Add(time.Duration(s) * time.Second) }

// world is a journal over a real embedded store, with the bus played by slices.
type world struct {
	t     testing.TB
	store store.Store
	j     *Journal
	clock time.Time

	mu      sync.Mutex
	journal []timeline.Command
	entries []timeline.Entry
	outs    []timeline.Outbound
	fail    func(topic string) error
}

func (w *world) Journal(_ context.Context, cs ...timeline.Command) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail != nil {
		if err := w.fail("journal"); err != nil {
			return err
		}
	}
	w.journal = append(w.journal, wire(w.t, cs)...)
	return nil
}

func (w *world) Timeline(_ context.Context, es ...timeline.Entry) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail != nil {
		if err := w.fail("timeline"); err != nil {
			return err
		}
	}
	w.entries = append(w.entries, wire(w.t, es)...)
	return nil
}

func (w *world) Outbound(_ context.Context, os ...timeline.Outbound) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail != nil {
		if err := w.fail("outbound"); err != nil {
			return err
		}
	}
	w.outs = append(w.outs, wire(w.t, os)...)
	return nil
}

// wire sends values through JSON, as the bus does.
func wire[T any](t testing.TB, in []T) (out []T) {
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// migrated is an empty store with every collection: copying it is much quicker than making
// them, which hundreds of worlds would do each.
var migrated = sync.OnceValues(func() (files fs.FS, err error) {
	dir, err := os.MkdirTemp("", "journal-*")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s, err := store.OpenEmbedded(context.Background(), dir)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(s.Migrate(context.Background()), s.Close()); err != nil {
		return nil, err
	}
	kept := fstest.MapFS{}
	return kept, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		kept[filepath.ToSlash(name)] = &fstest.MapFile{Data: data, Mode: 0o600}
		return err
	})
})

func newWorld(t testing.TB) *world {
	t.Helper()
	dir := t.TempDir()
	files, err := migrated()
	if err == nil {
		err = os.CopyFS(dir, files)
	}
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.OpenEmbedded(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	w := &world{t: t, store: s, clock: at(1000)}
	w.restart()
	return w
}

// restart forgets everything that is not in the store.
func (w *world) restart() { w.restartOn(w.store) }

func (w *world) restartOn(s store.Store) {
	j, err := New(Deps{Store: s, Publish: w, Now: func() time.Time { return w.clock }})
	if err != nil {
		w.t.Fatal(err)
	}
	w.j = j
}

func records[T any](vs []T) []bus.Record[T] {
	out := make([]bus.Record[T], len(vs))
	for i, v := range vs {
		out[i] = bus.Record[T]{Value: v, Offset: int64(i), Attempt: 1}
	}
	return out
}

// receive resolves inbound events and appends what that asks for, all in one run each.
func (w *world) receive(ins ...timeline.Inbound) {
	w.t.Helper()
	if err := w.j.Resolve(context.Background(), records(wire(w.t, ins))); err != nil {
		w.t.Fatal(err)
	}
	w.pump()
}

// pump appends all commands that wait.
func (w *world) pump() {
	w.t.Helper()
	for len(w.journal) > 0 {
		cs := w.journal
		w.journal = nil
		w.do(cs...)
	}
}

func (w *world) do(cs ...timeline.Command) {
	w.t.Helper()
	if err := w.j.Append(context.Background(), records(wire(w.t, cs))); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) conversations() (out []timeline.Conversation) {
	w.t.Helper()
	if err := w.store.C(store.Conversations).All(context.Background(), bson.D{}, &out); err != nil {
		w.t.Fatal(err)
	}
	slices.SortFunc(out, func(a, b timeline.Conversation) int { return compare(a.ID, b.ID) })
	return out
}

// one is the only conversation there is.
func (w *world) one() timeline.Conversation {
	w.t.Helper()
	cs := w.conversations()
	if len(cs) != 1 {
		w.t.Fatalf("%d conversations, want 1", len(cs))
	}
	return cs[0]
}

func (w *world) events(id timeline.ConversationID) (out []timeline.Event) {
	w.t.Helper()
	err := w.store.C(store.Events).All(context.Background(), bson.D{{Key: "conversation", Value: string(id)}}, &out, store.Find{Sort: bson.D{{Key: "seq", Value: 1}}})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

func (w *world) event(id timeline.EventID) timeline.Event {
	w.t.Helper()
	var ev timeline.Event
	if err := w.store.C(store.Events).One(context.Background(), byID(id), &ev); err != nil {
		w.t.Fatalf("event %s: %v", id, err)
	}
	return ev
}

// messages are the ids of a conversation's messages as people see them.
func (w *world) messages(id timeline.ConversationID) (out []timeline.EventID) {
	evs := w.events(id)
	slices.SortStableFunc(evs, func(a, b timeline.Event) int { return a.At.Compare(b.At) })
	for _, ev := range evs {
		if ev.Kind == timeline.KindMessage {
			out = append(out, ev.ID)
		}
	}
	return out
}

// sound checks that every conversation's events are numbered from 1 without gaps and that it knows the last.
func (w *world) sound() {
	w.t.Helper()
	for _, c := range w.conversations() {
		evs := w.events(c.ID)
		for i, ev := range evs {
			if ev.Seq != int64(i)+1 {
				w.t.Errorf("conversation %s: event %d has seq %d", c.ID, i, ev.Seq)
			}
		}
		if c.Seq != int64(len(evs)) {
			w.t.Errorf("conversation %s: seq %d with %d events", c.ID, c.Seq, len(evs))
		}
	}
}

const acct = timeline.AccountID("acct")

func visitor(v string) timeline.Identity {
	return timeline.Identity{Account: acct, Scheme: "visitor", Value: v, Proof: timeline.ProofProvider}
}

// says is a message of a visitor.
func says(who, id string, s int, text string) timeline.Inbound {
	return timeline.Inbound{Channel: "chat", Peer: visitor(who), Opens: []string{"message"},
		Event: timeline.Event{ID: timeline.DeriveID(acct, "msg:"+id), Kind: timeline.KindMessage, Direction: timeline.In,
			Thread: timeline.Thread{Account: acct, ID: timeline.ThreadID("t-" + who)}, Remote: timeline.RemoteID(id),
			Actor: timeline.Actor{Kind: timeline.ActorCustomer}, At: at(s), Received: at(s), Message: &timeline.Message{Text: text}}}
}

// about is another event of a visitor's thread.
func about(who, id string, s int, kind timeline.Kind, fill func(*timeline.Event)) timeline.Inbound {
	in := says(who, id, s, "")
	in.Opens = nil
	in.Event.ID, in.Event.Kind, in.Event.Message, in.Event.Remote = timeline.DeriveID(acct, string(kind)+":"+id), kind, nil, ""
	fill(&in.Event)
	return in
}

func receiptIn(who, id string, s int, r timeline.Receipt) timeline.Inbound {
	in := about(who, id, s, timeline.KindReceipt, func(ev *timeline.Event) { ev.Receipt = &r })
	in.Peer = timeline.Identity{}
	return in
}

func echo(who, id string, s int, text string) timeline.Inbound {
	in := says(who, id, s, text)
	in.Opens = nil
	in.Event.Direction, in.Event.Actor = timeline.Out, timeline.Actor{Kind: timeline.ActorExternal}
	return in
}

func (w *world) ask(id string, c timeline.ConversationID, s int, kind timeline.Kind, fill func(*timeline.Event)) timeline.Command {
	cmd := timeline.Command{ID: timeline.EventID(id), Conversation: c, At: at(s), Event: timeline.Event{Kind: kind, Direction: timeline.Internal,
		Actor: timeline.Actor{Kind: timeline.ActorAgent, ID: "ana", Name: "Ana"}, At: at(s), Received: at(s)}}
	fill(&cmd.Event)
	return cmd
}

// reply is an agent's message on a leg.
func (w *world) reply(id string, c timeline.Conversation, s int, text string) timeline.Command {
	return w.ask(id, c.ID, s, timeline.KindMessage, func(ev *timeline.Event) {
		ev.Direction, ev.Leg, ev.Message = timeline.Out, c.Legs[0].ID, &timeline.Message{Text: text}
	})
}

func (w *world) status(id string, c timeline.ConversationID, s int, to timeline.State, until *time.Time) timeline.Command {
	return w.ask(id, c, s, timeline.KindStatus, func(ev *timeline.Event) { ev.Status = &timeline.Status{To: to, Until: until} })
}

func asJSON(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestFirstMessageMakesAPersonAndAConversation(t *testing.T) {
	w := newWorld(t)
	in := says("v1", "m1", 1, "hello\n  there")
	in.Profile = &timeline.Profile{Name: "Maya"}
	w.receive(in)
	c := w.one()
	if c.Name != "Maya" || c.State != timeline.Open || c.InCount != 1 || c.Seq != 1 || c.Number != 1 || c.Last.Text != "hello there" ||
		c.WaitingSince == nil || !c.WaitingSince.Equal(at(1)) || len(c.Legs) != 1 || !c.Legs[0].Opened["message"].At.Equal(at(1)) {
		t.Errorf("conversation %s", asJSON(t, c))
	}
	p, err := ReadPerson(t.Context(), w.store, c.Person)
	if err != nil || p.Name != "Maya" {
		t.Errorf("person %+v, %v", p, err)
	}
	if len(w.entries) != 1 || w.entries[0].Conversation.Seq != 1 || w.entries[0].Event.Seq != 1 {
		t.Errorf("published %s", asJSON(t, w.entries))
	}
	w.sound()
}

func TestAgentAnswersAndTheMessageClimbs(t *testing.T) {
	w := newWorld(t)
	w.receive(says("v1", "m1", 1, "hello"))
	w.do(w.reply("a1", w.one(), 5, "hi"))
	if len(w.outs) != 1 || w.outs[0].ID != "a1" || w.outs[0].To != "v1" || w.outs[0].Attempt != 1 || w.outs[0].Opened["message"].Used != 0 {
		t.Fatalf("outbound %s", asJSON(t, w.outs))
	}
	if c := w.one(); c.WaitingSince == nil {
		t.Error("no longer waiting before the answer left")
	}
	for i, s := range []timeline.DeliveryState{timeline.Sending, timeline.Sent, timeline.Delivered, timeline.Sent} {
		w.receive(receiptIn("v1", fmt.Sprint("r", i), 6+i, timeline.Receipt{Of: timeline.Ref{Event: "a1"}, State: s, Attempt: 1, Remotes: []timeline.RemoteID{"M1"}}))
	}
	c := w.one()
	m := w.event("a1")
	if m.Message.Delivery.State != timeline.Delivered || m.Remote != "M1" || c.WaitingSince != nil || c.Last.Delivery != timeline.Delivered {
		t.Errorf("message %s\nconversation %s", asJSON(t, m), asJSON(t, c))
	}
	if c.Legs[0].Opened["message"].Used != 1 {
		t.Errorf("window %v", c.Legs[0].Opened)
	}
	if last := w.entries[len(w.entries)-1]; last.Target == nil || last.Target.Message.Delivery.State != timeline.Delivered {
		t.Errorf("the last entry shows %s", asJSON(t, last))
	}
	if c.Seq != 5 {
		t.Errorf("seq %d, want 5: the late receipt says nothing new", c.Seq)
	}
	w.sound()
}

func TestFailuresAreCountedAndRetried(t *testing.T) {
	w := newWorld(t)
	w.receive(says("v1", "m1", 1, "hello"))
	c := w.one()
	w.do(w.reply("a1", c, 5, "hi"))
	w.receive(receiptIn("v1", "r1", 6, timeline.Receipt{Of: timeline.Ref{Event: "a1"}, State: timeline.Failed, Attempt: 1, Failure: &timeline.Failure{Class: "bad_content"}}))
	if c := w.one(); c.Undelivered != 1 || c.WaitingSince == nil {
		t.Errorf("after a failure: %s", asJSON(t, c))
	}
	w.do(w.ask("again", c.ID, 9, timeline.KindReceipt, func(ev *timeline.Event) {
		ev.Receipt = &timeline.Receipt{Of: timeline.Ref{Event: "a1"}, State: timeline.Queued}
	}))
	if c := w.one(); c.Undelivered != 0 {
		t.Errorf("after a retry: %s", asJSON(t, c))
	}
	if len(w.outs) != 2 || w.outs[1].ID != "a1" || w.outs[1].Attempt != 2 || w.outs[1].Message.Text != "hi" {
		t.Errorf("outbound %s", asJSON(t, w.outs))
	}
	w.sound()
}

func TestUndoAMessageThatWaits(t *testing.T) {
	w := newWorld(t)
	w.receive(says("v1", "m1", 1, "hello"))
	c := w.one()
	undo := func(id, of string) timeline.Command {
		return w.ask(id, c.ID, 9, timeline.KindReceipt, func(ev *timeline.Event) {
			ev.Receipt = &timeline.Receipt{Of: timeline.Ref{Event: timeline.EventID(of)}, State: timeline.Cancelled}
		})
	}
	w.do(w.reply("a1", c, 5, "oops"), w.reply("a2", c, 6, "sent"))
	w.receive(receiptIn("v1", "r", 7, timeline.Receipt{Of: timeline.Ref{Event: "a2"}, State: timeline.Sending}))
	w.do(undo("u1", "a1"), undo("u2", "a2"))
	if s := w.event("a1").Message.Delivery.State; s != timeline.Cancelled {
		t.Errorf("undone message is %s", s)
	}
	if s := w.event("a2").Message.Delivery.State; s != timeline.Sending {
		t.Errorf("message under way is %s", s)
	}
	if c := w.one(); c.WaitingSince == nil || c.Legs[0].Opened["message"].Used != 1 {
		t.Errorf("conversation %s", asJSON(t, c))
	}
	w.sound()
}

var errKilled = errors.New("killed")
