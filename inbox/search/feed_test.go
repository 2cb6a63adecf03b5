package search_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/inbox"
	"github.com/parley-hub/parley/inbox/search"
	"github.com/parley-hub/parley/inbox/search/embedded"
	"github.com/parley-hub/parley/internal/bus"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// world is a store, an engine, a feeder, and a writer that records as the journal does.
type world struct {
	t      testing.TB
	store  store.Store
	engine *embedded.Engine
	feeder *search.Feeder
	convs  map[timeline.ConversationID]*timeline.Conversation
	events map[timeline.EventID]*timeline.Event
}

func newWorld(t testing.TB) *world {
	t.Helper()
	s, err := store.OpenEmbedded(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	e, err := embedded.Open(embedded.Config{Dir: t.TempDir(), Pace: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return &world{t: t, store: s, engine: e, feeder: search.NewFeeder(e, s, nil), convs: map[timeline.ConversationID]*timeline.Conversation{}, events: map[timeline.EventID]*timeline.Event{}}
}

var began = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// begin records a conversation of a person.
func (w *world) begin(id timeline.ConversationID, p timeline.PersonID, name string) {
	w.t.Helper()
	th := timeline.Thread{Account: "shop", ID: timeline.ThreadID(id)}
	c := &timeline.Conversation{ID: id, Number: int64(len(w.convs) + 1), Person: p, Name: name, State: timeline.Open, CreatedAt: began, LastAt: began,
		Legs: []timeline.Leg{{ID: th.Leg(), Thread: th, Channel: "webchat", Identity: timeline.IdentityID("|email|" + string(p) + "@example.org")}}}
	w.convs[id] = c
	w.insert(store.Conversations, c)
	w.insert(store.Persons, &timeline.Person{ID: p, Name: name, CreatedAt: began, LastAt: began})
	i := timeline.Identity{Scheme: "email", Value: string(p) + "@example.org"}
	w.insert(store.Identities, &timeline.Known{ID: i.ID(), Identity: i, Person: p, FirstAt: began, LastAt: began})
}

func (w *world) insert(c string, doc any) {
	w.t.Helper()
	if err := w.store.C(c).Insert(w.t.Context(), doc); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) set(c, id, field string, v any) {
	w.t.Helper()
	_, err := w.store.C(c).Update(w.t.Context(), bson.D{{Key: "_id", Value: id}}, bson.D{{Key: "$set", Value: bson.D{{Key: field, Value: v}}}})
	if err != nil {
		w.t.Fatal(err)
	}
}

// record appends an event and gives the entry that the timeline carries.
func (w *world) record(id timeline.ConversationID, ev timeline.Event) timeline.Entry {
	w.t.Helper()
	c := *w.convs[id]
	ev.Conversation, ev.Seq = id, c.Seq+1
	if ev.ID == "" {
		ev.ID = timeline.EventID(fmt.Sprintf("shop|%s:%s-%d", ev.Kind, id, ev.Seq))
	}
	ev.At = began.Add(time.Duration(ev.Seq) * time.Minute)
	ev.Received, ev.Leg, ev.Thread = ev.At, c.Legs[0].ID, c.Legs[0].Thread
	var changes []inbox.Change
	if of := inbox.RefOf(&ev); of != nil && ev.Message == nil && w.events[of.Event] != nil {
		before := *w.events[of.Event]
		after := before
		if inbox.Fold(&after, &ev) {
			changes = append(changes, inbox.Change{Before: &before, After: &after})
			w.events[of.Event] = &after
			w.set(store.Events, string(after.ID), "message", after.Message)
		}
	}
	inbox.Apply(&c, &ev, changes...)
	w.convs[id], w.events[ev.ID] = &c, &ev
	w.insert(store.Events, &ev)
	if _, err := w.store.C(store.Conversations).Delete(w.t.Context(), bson.D{{Key: "_id", Value: string(id)}}); err != nil {
		w.t.Fatal(err)
	}
	w.insert(store.Conversations, &c)
	e := timeline.Entry{Event: ev, Conversation: c}
	if len(changes) > 0 {
		e.Target = changes[0].After
	}
	return e
}

func says(text string) timeline.Event {
	return timeline.Event{Kind: timeline.KindMessage, Direction: timeline.In, Actor: timeline.Actor{Kind: timeline.ActorCustomer}, Message: &timeline.Message{Text: text}}
}

func (w *world) feed(es ...timeline.Entry) {
	w.t.Helper()
	run := make([]bus.Record[timeline.Entry], len(es))
	for i := range es {
		run[i].Value = es[i]
	}
	if err := w.feeder.Handle(w.t.Context(), run); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) find(k search.Kind, text string) []string {
	w.t.Helper()
	res, err := w.engine.Search(w.t.Context(), search.Query{Kind: k, Text: text, Scope: search.Scope{All: true}, Limit: 100})
	if err != nil {
		w.t.Fatal(err)
	}
	out := []string{}
	for _, d := range res.Docs {
		out = append(out, strings.TrimPrefix(d.ID, "shop|"))
	}
	slices.Sort(out)
	return out
}

func (w *world) want(k search.Kind, text string, want ...string) {
	w.t.Helper()
	if got := w.find(k, text); !slices.Equal(got, append([]string{}, want...)) {
		w.t.Errorf("%s %q: found %v, want %v", k, text, got, want)
	}
}

func TestFollowsTheTimeline(t *testing.T) {
	w := newWorld(t)
	w.begin("c1", "maya", "Maya Hikes")
	first := w.record("c1", says("where is my parcel HO-20418"))
	note := w.record("c1", timeline.Event{Kind: timeline.KindNote, Direction: timeline.Internal, Message: &timeline.Message{Text: "parcel was lost by the carrier"}})
	press := w.record("c1", timeline.Event{Kind: timeline.KindPostback, Direction: timeline.In, Postback: &timeline.Postback{Title: "Talk to a human"}})
	file := says("")
	file.Message.Parts = []timeline.Part{{Kind: timeline.PartFile, Name: "invoice-march.pdf"}}
	attached := w.record("c1", file)
	odd := w.record("c1", timeline.Event{Kind: timeline.KindUnknown, Direction: timeline.In, Unknown: &timeline.Unknown{Type: "poll", Summary: "a poll about tea"}})
	w.feed(first, note, press, attached, odd)
	w.want(search.Messages, "parcel", "message:c1-1", "note:c1-2")
	w.want(search.Messages, "human", "postback:c1-3")
	w.want(search.Messages, "invoice", "message:c1-4")
	w.want(search.Messages, "tea", "unknown:c1-5")
	w.want(search.People, "maya", "maya")
	w.want(search.People, "maya@example.org", "maya")
	w.want(search.Conversations, "hikes", "c1")
	w.want(search.Conversations, "#1", "c1")

	edited := w.record("c1", timeline.Event{Kind: timeline.KindEdit, Direction: timeline.In, Edit: &timeline.Edit{Of: timeline.Ref{Event: first.Event.ID}, Text: "where is my suitcase", Rev: 1}})
	w.feed(edited)
	w.want(search.Messages, "suitcase", "message:c1-1")
	w.want(search.Messages, "parcel", "note:c1-2")

	labelled := w.record("c1", timeline.Event{Kind: timeline.KindLabels, Direction: timeline.Internal, Labels: &timeline.Labels{Add: []string{"vip"}}})
	named := w.record("c1", timeline.Event{Kind: timeline.KindSubject, Direction: timeline.Internal, Subject: &timeline.Subject{Text: "Lost luggage"}})
	w.feed(labelled, named)
	w.want(search.Conversations, "luggage", "c1")
	w.want(search.Conversations, "vip", "c1")

	gone := w.record("c1", timeline.Event{Kind: timeline.KindUnsend, Direction: timeline.In, Unsend: &timeline.Unsend{Of: timeline.Ref{Event: first.Event.ID}}})
	w.feed(gone)
	w.want(search.Messages, "suitcase")
	w.feed(first, edited) // given again
	w.want(search.Messages, "suitcase")
	w.want(search.Messages, "20418")
}

// What is published again after a crash may come without the message that it changed.
func TestChangedMessageIsReadWhereItDoesNotCome(t *testing.T) {
	w := newWorld(t)
	w.begin("c1", "maya", "Maya")
	first := w.record("c1", says("a blue parcel"))
	w.feed(first)
	edited := w.record("c1", timeline.Event{Kind: timeline.KindEdit, Direction: timeline.In, Edit: &timeline.Edit{Of: timeline.Ref{Event: first.Event.ID}, Text: "a green parcel", Rev: 1}})
	edited.Target, edited.Repeat = nil, true
	dangling := w.record("c1", timeline.Event{Kind: timeline.KindUnsend, Direction: timeline.In, Unsend: &timeline.Unsend{Of: timeline.Ref{Event: "shop|message:none"}}})
	w.feed(edited, dangling)
	w.want(search.Messages, "green", "message:c1-1")
	w.want(search.Messages, "blue")
}

// A stop after the batch was taken in and before its offset was committed gives all of it again.
func TestStopBetweenBatchAndOffset(t *testing.T) {
	w := newWorld(t)
	w.begin("c1", "maya", "Maya")
	first := w.record("c1", says("an umbrella"))
	second := w.record("c1", says("a suitcase"))
	gone := w.record("c1", timeline.Event{Kind: timeline.KindUnsend, Direction: timeline.In, Unsend: &timeline.Unsend{Of: timeline.Ref{Event: first.Event.ID}}})
	w.feed(first, second, gone)
	w.feeder = search.NewFeeder(w.engine, w.store, nil) // what was remembered is lost
	w.feed(first, second, gone)
	w.want(search.Messages, "umbrella")
	w.want(search.Messages, "suitcase", "message:c1-2")
	st, err := w.engine.Stats(t.Context())
	if err != nil || st.Docs[search.Messages] != 1 || st.Docs[search.Conversations] != 1 || st.Docs[search.People] != 1 {
		t.Errorf("the index holds %v, %v", st.Docs, err)
	}
}

func TestErasedPersonIsNotFound(t *testing.T) {
	w := newWorld(t)
	w.begin("c1", "maya", "Wilhelmina Zacharias")
	first := w.record("c1", says("I am Wilhelmina"))
	w.feed(first)
	w.want(search.People, "wilhelmina", "maya")
	w.set(store.Persons, "maya", "erased", timeline.Now())
	erased := w.record("c1", timeline.Event{Kind: timeline.KindControl, Direction: timeline.Internal, Control: &timeline.Control{Name: inbox.ControlErased}})
	w.feed(erased)
	w.feed(first) // was on its way
	for _, k := range search.Kinds {
		w.want(k, "wilhelmina")
		w.want(k, "zacharias")
	}
}

func TestMergedPersonsAreFoundAsOne(t *testing.T) {
	w := newWorld(t)
	w.begin("c1", "maya", "Maya Hikes")
	w.begin("c2", "other", "M Hikes")
	w.feed(w.record("c1", says("one parcel")), w.record("c2", says("two parcel")))
	w.want(search.People, "hikes", "maya", "other")
	m := &timeline.Merge{ID: "m1", From: "other", Into: "maya", Name: "Maya Hikes"}
	w.feed(w.record("c2", timeline.Event{Kind: timeline.KindMerge, Direction: timeline.Internal, Merge: m}))
	// The journal moves the persons a moment after it told.
	w.set(store.Persons, "other", "mergedInto", "maya")
	w.set(store.Identities, "|email|other@example.org", "person", "maya")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go w.feeder.Run(ctx)
	eventually(t, func() bool {
		return slices.Equal(w.find(search.People, "hikes"), []string{"maya"}) && slices.Equal(w.find(search.People, "other@example.org"), []string{"maya"})
	})
	res, err := w.engine.Search(t.Context(), search.Query{Kind: search.Messages, Text: "parcel", Scope: search.Scope{All: true}, Filter: search.Filter{Person: "maya"}})
	if err != nil || len(res.Docs) != 2 {
		t.Errorf("%d messages of the one they are now, %v", len(res.Docs), err)
	}
}

func eventually(t testing.TB, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(15 * time.Second); !ok(); {
		if time.Now().After(end) {
			t.Fatal("it did not come to pass")
		}
		select {
		case <-t.Context().Done():
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func TestChangedPersonIsFoundAsTheyAre(t *testing.T) {
	w := newWorld(t)
	w.begin("c1", "maya", "Maya")
	w.feed(w.record("c1", says("a parcel")))
	w.set(store.Persons, "maya", "note", "collects teapots")
	if err := w.feeder.PersonChanged(t.Context(), "maya"); err != nil {
		t.Fatal(err)
	}
	w.want(search.People, "teapots", "maya")
}

// answers is what a set of searches finds.
func (w *world) answers() string {
	var out []string
	for _, k := range search.Kinds {
		for _, q := range []string{"parcel", "green", "blue", "maya", "person3", "退款", "", "vip", "gone"} {
			out = append(out, fmt.Sprintf("%s %q %v", k, q, w.find(k, q)))
		}
	}
	return strings.Join(out, "\n")
}

// fillWorld records a little of everything.
func fillWorld(w *world) (all []timeline.Entry) {
	for i := range 7 {
		id := timeline.ConversationID(fmt.Sprint("c", i))
		w.begin(id, timeline.PersonID(fmt.Sprint("person", i)), fmt.Sprint("Maya person", i))
		for k := range 6 {
			all = append(all, w.record(id, says(fmt.Sprintf("parcel blue %d 退款", k))))
		}
		of := timeline.Ref{Event: all[len(all)-1].Event.ID}
		all = append(all, w.record(id, timeline.Event{Kind: timeline.KindEdit, Direction: timeline.In, Edit: &timeline.Edit{Of: of, Text: "parcel green", Rev: 1}}))
		of = timeline.Ref{Event: all[len(all)-3].Event.ID}
		all = append(all, w.record(id, timeline.Event{Kind: timeline.KindUnsend, Direction: timeline.In, Unsend: &timeline.Unsend{Of: of}}))
		all = append(all, w.record(id, timeline.Event{Kind: timeline.KindLabels, Direction: timeline.Internal, Labels: &timeline.Labels{Add: []string{"vip"}}}))
	}
	return all
}

func TestRebuildGivesTheSameAnswers(t *testing.T) {
	w := newWorld(t)
	w.feed(fillWorld(w)...)
	before := w.answers()
	r := search.NewRebuilder(w.feeder, "n1", "n1")
	var states []string
	r.OnProgress(func(_ context.Context, p search.Progress) { states = append(states, p.State) })
	if err := r.Rebuild(t.Context(), "asked", false); err != nil {
		t.Fatal(err)
	}
	if after := w.answers(); after != before {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
	if states[0] != search.Building || states[len(states)-1] != search.Idle {
		t.Errorf("the progress was %v", states)
	}
	p, ok, err := search.ReadProgress(t.Context(), w.store, "n1")
	if err != nil || !ok || p.Asked != "asked" || p.Done != p.Total || p.Total != 14 || p.Docs == 0 {
		t.Errorf("the progress reads %+v, %v", p, err)
	}
}

// breaks is an engine whose filling stops after so many batches.
type breaks struct {
	*embedded.Engine
	left  int
	marks []string
}

var errStopped = errors.New("stopped")

func (b *breaks) Begin(ctx context.Context, fresh bool) (search.Fill, error) {
	f, err := b.Engine.Begin(ctx, fresh)
	return &breaking{f, b}, err
}

type breaking struct {
	search.Fill
	b *breaks
}

func (f *breaking) Mark(ctx context.Context, at string) error {
	f.b.marks = append(f.b.marks, at)
	return f.Fill.Mark(ctx, at)
}

func (f *breaking) Put(ctx context.Context, cs []search.Change) error {
	if f.b.left--; f.b.left < 0 {
		return errStopped
	}
	return f.Fill.Put(ctx, cs)
}

// A rebuild that stopped goes on where it was, and takes in what happened meanwhile.
func TestRebuildGoesOnAfterAStop(t *testing.T) {
	w := newWorld(t)
	w.feed(fillWorld(w)...)
	b := &breaks{Engine: w.engine, left: 1}
	f := search.NewFeeder(b, w.store, nil)
	if err := search.NewRebuilder(f, "n1", "n1").Rebuild(t.Context(), "asked", false); !errors.Is(err, errStopped) {
		t.Fatalf("%v, want it to stop", err)
	}
	w.feed(w.record("c3", says("a parcel of meanwhile")))
	before := w.answers()
	b.left, b.marks = 100, nil
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { search.NewRebuilder(f, "n1", "n1").Run(ctx); close(ended) }()
	eventually(t, func() bool {
		p, _, err := search.ReadProgress(t.Context(), w.store, "n1")
		return err == nil && p.State == search.Idle
	})
	cancel()
	<-ended
	if after := w.answers(); after != before {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
	if len(b.marks) == 0 || strings.HasPrefix(b.marks[0], "conversations|") {
		t.Errorf("it went on with %v, want the people that were left", b.marks)
	}
}

// A hub that begins with a store and no index fills it by itself, and does what is asked.
func TestRunFillsAnEmptyIndexAndDoesWhatIsAsked(t *testing.T) {
	w := newWorld(t)
	fillWorld(w)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { search.NewRebuilder(w.feeder, "n1", "n1").Run(ctx); close(ended) }()
	eventually(t, func() bool { return len(w.find(search.Messages, "green")) == 7 })
	ask, err := search.AskRebuild(t.Context(), w.store, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool {
		p, _, err := search.ReadProgress(t.Context(), w.store, "n1")
		return err == nil && p.State == search.Idle && p.Asked == ask
	})
	cancel()
	<-ended
	w.want(search.People, "person3", "person3")
}

// TestFoundSoonAfterItWasPublished measures from the timeline's topic to a find.
func TestFoundSoonAfterItWasPublished(t *testing.T) {
	w := newWorld(t)
	w.begin("c1", "maya", "Maya")
	b, err := bus.Open(t.Context(), bus.Config{Dir: t.TempDir(), Node: "n1", Partitions: 2, Topics: bus.All})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close(context.Background()) }()
	if err := w.feeder.Start(b, search.Group); err != nil {
		t.Fatal(err)
	}
	if err := b.Started(t.Context()); err != nil {
		t.Fatal(err)
	}
	var took []time.Duration
	for i := range 12 {
		e := w.record("c1", says(fmt.Sprintf("parcel mark%d", i)))
		begin := time.Now()
		if err := bus.Publish(t.Context(), b, bus.Timeline, e); err != nil {
			t.Fatal(err)
		}
		eventually(t, func() bool { return len(w.find(search.Messages, fmt.Sprintf(`"mark%d"`, i))) == 1 })
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	t.Logf("found after %s (median), %s (slowest)", took[6].Round(time.Millisecond), took[11].Round(time.Millisecond))
	if took[6] > time.Second {
		t.Errorf("the median is %s, want at most a second", took[6])
	}
}
