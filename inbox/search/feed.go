package search

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/parley-hub/parley/inbox"
	"github.com/parley-hub/parley/internal/bus"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// Group is the consumer group that follows the timeline.
const Group = "search"

// Feeder takes what happens into an engine. It is idempotent: entries may come twice, and those
// of different conversations in any order. It is safe for concurrent use.
type Feeder struct {
	engine Engine
	store  store.Store
	log    *slog.Logger
	now    func() time.Time

	mu   sync.Mutex
	seen map[timeline.ConversationID]likeness // what was told of conversations of late
	due  map[timeline.PersonID][]time.Time    // persons to look at again
}

// likeness is the sums by which is seen whether a document would be the same again.
type likeness struct{ conversation, person uint64 }

// maxSeen bounds how many conversations are remembered.
const maxSeen = 50000

var seed = maphash.MakeSeed()

// NewFeeder makes a feeder.
func NewFeeder(e Engine, s store.Store, log *slog.Logger) *Feeder {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Feeder{engine: e, store: s, log: log, now: time.Now, seen: map[timeline.ConversationID]likeness{}, due: map[timeline.PersonID][]time.Time{}}
}

// Pause names the errors that say nothing about what is fed.
func Pause(err error) bool {
	return errors.Is(err, ErrUnavailable) || errors.Is(err, store.ErrUnavailable)
}

// Start follows the timeline. group is [Group], unless each node has an index of its own.
func (f *Feeder) Start(b *bus.Bus, group string) error {
	return bus.Consume(b, bus.Timeline, bus.Consumer[timeline.Entry]{Group: group, Pause: Pause}, f.Handle)
}

// Handle takes a run of entries in. What it did is durable when it returns.
func (f *Feeder) Handle(ctx context.Context, run []bus.Record[timeline.Entry]) error {
	b := &batch{f: f, ctx: ctx, told: map[timeline.ConversationID]likeness{}}
	for i := range run {
		if err := b.entry(&run[i].Value); err != nil {
			return err
		}
	}
	if err := f.engine.Apply(ctx, b.changes); err != nil {
		return fmt.Errorf("search: taking in %d changes: %w", len(b.changes), err)
	}
	f.remember(b.told)
	f.again(b.again...)
	return nil
}

// batch is the changes that a run of entries makes.
type batch struct {
	f       *Feeder
	ctx     context.Context
	changes []Change
	told    map[timeline.ConversationID]likeness
	again   []timeline.PersonID // merged: what moves with them moves a little later
}

func (b *batch) doc(d Doc) { b.changes = append(b.changes, Change{Doc: &d}) }

func (b *batch) entry(e *timeline.Entry) error {
	if e.Event.Conversation == "" || e.Conversation.ID == "" {
		return nil
	}
	s := StandingOf(&e.Conversation)
	if inbox.IsErasure(&e.Event) {
		s.Erased = e.Event.Seq
	}
	b.changes = append(b.changes, Change{Standing: &s})
	if err := b.message(e); err != nil {
		return err
	}
	return b.around(e)
}

// message takes in what was said, or what became of it.
func (b *batch) message(e *timeline.Entry) error {
	if d, ok := MessageDoc(&e.Conversation, &e.Event, e.Event.Seq); ok {
		b.doc(d)
		return nil
	}
	if !rewrites(&e.Event) {
		return nil
	}
	target := e.Target
	if target == nil {
		var err error
		if target, err = b.f.target(b.ctx, &e.Event); err != nil || target == nil {
			return err
		}
	}
	t := *target
	inbox.Fold(&t, &e.Event) // what is published again may come without
	if d, ok := MessageDoc(&e.Conversation, &t, e.Event.Seq); ok {
		b.doc(d)
	}
	return nil
}

// rewrites reports whether an event changes the words of a message.
func rewrites(e *timeline.Event) bool {
	switch e.Kind {
	case timeline.KindEdit, timeline.KindUnsend, timeline.KindMedia:
		return true
	case timeline.KindModeration:
		return inbox.Erases(e)
	}
	return false
}

// target reads the message that an event is about; nil where it is not there yet: it will
// come with the event folded in.
func (f *Feeder) target(ctx context.Context, e *timeline.Event) (*timeline.Event, error) {
	of := inbox.RefOf(e)
	if of == nil {
		return nil, nil
	}
	filter := bson.D{{Key: "_id", Value: string(of.Event)}}
	if of.Event == "" {
		if of.Remote == "" || e.Leg == "" {
			return nil, nil
		}
		filter = bson.D{{Key: "leg", Value: string(e.Leg)}, {Key: "remote", Value: string(of.Remote)}}
	}
	var t timeline.Event
	err := f.store.C(store.Events).One(ctx, filter, &t)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("search: read a changed message: %w", err)
	}
	return &t, nil
}

// around takes in the conversation itself and its person, where they are not what they were.
func (b *batch) around(e *timeline.Entry) error {
	c := &e.Conversation
	was, known := b.told[c.ID]
	if !known {
		was = b.f.recall(c.ID)
	}
	is := likenessOf(c)
	if is.conversation != was.conversation {
		b.doc(ConversationDoc(c))
	}
	b.told[c.ID] = is
	ids := []timeline.PersonID{}
	if is.person != was.person || e.Event.Kind == timeline.KindControl {
		ids = append(ids, c.Person)
	}
	if m := e.Event.Merge; m != nil {
		ids = append(ids, m.From, m.Into)
		b.again = append(b.again, m.From, m.Into)
	}
	if inbox.IsErasure(&e.Event) {
		b.again = append(b.again, c.Person)
	}
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		d, ok, err := b.f.person(b.ctx, id)
		if err != nil {
			return err
		}
		if ok {
			b.doc(d)
		}
	}
	return nil
}

func likenessOf(c *timeline.Conversation) likeness {
	var conv, person maphash.Hash
	conv.SetSeed(seed)
	person.SetSeed(seed)
	write := func(h *maphash.Hash, list ...string) {
		for _, s := range list {
			_, _ = h.WriteString(s) // never fails
			_ = h.WriteByte(0)
		}
	}
	hour := c.LastAt.UTC().Truncate(time.Hour).String()
	write(&conv, c.Name, c.Subject, c.Opening, hour, string(c.Person))
	write(&conv, c.Labels...)
	write(&person, string(c.Person), c.Name, hour)
	for i := range c.Legs {
		write(&person, string(c.Legs[i].Identity), c.Legs[i].Display)
	}
	return likeness{conv.Sum64(), person.Sum64()}
}

func (f *Feeder) recall(id timeline.ConversationID) likeness {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.seen[id]
}

func (f *Feeder) remember(told map[timeline.ConversationID]likeness) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.seen)+len(told) > maxSeen {
		clear(f.seen)
	}
	for id, l := range told {
		f.seen[id] = l
	}
}

// person reads a person as they are found; ok is false where there is none.
func (f *Feeder) person(ctx context.Context, id timeline.PersonID) (d Doc, ok bool, err error) {
	if id == "" {
		return d, false, nil
	}
	rev := f.now().UnixMicro()
	var p timeline.Person
	err = f.store.C(store.Persons).One(ctx, bson.D{{Key: "_id", Value: string(id)}}, &p)
	if errors.Is(err, store.ErrNotFound) {
		return Doc{Kind: People, ID: string(id), Rev: rev, Gone: true}, true, nil
	}
	if err != nil {
		return d, false, fmt.Errorf("search: read a person: %w", err)
	}
	var known []timeline.Known
	if err := f.store.C(store.Identities).All(ctx, bson.D{{Key: "person", Value: string(id)}}, &known); err != nil {
		return d, false, fmt.Errorf("search: read a person's identities: %w", err)
	}
	return PersonDoc(&p, known, rev), true, nil
}

// PersonChanged takes a person in anew: for what changes without an entry of the timeline.
func (f *Feeder) PersonChanged(ctx context.Context, id timeline.PersonID) error {
	d, ok, err := f.person(ctx, id)
	if err != nil || !ok {
		return err
	}
	return f.engine.Apply(ctx, []Change{{Doc: &d}})
}

// What moves with a merge or goes with an erasure is looked at again so much later.
var lookAgain = []time.Duration{500 * time.Millisecond, 5 * time.Second, time.Minute}

func (f *Feeder) again(ids ...timeline.PersonID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	for _, id := range ids {
		f.due[id] = nil
		for _, d := range lookAgain {
			f.due[id] = append(f.due[id], now.Add(d))
		}
	}
}

// Run looks again at persons who were merged or erased, until ctx ends.
func (f *Feeder) Run(ctx context.Context) {
	t := time.NewTicker(250 * time.Millisecond)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		for _, id := range f.ripe() {
			if err := f.PersonChanged(ctx, id); err != nil && ctx.Err() == nil {
				f.log.Warn("search: a person was not looked at again", "person", id, "err", err)
			}
		}
	}
}

// ripe takes the persons whose time has come.
func (f *Feeder) ripe() (out []timeline.PersonID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	for id, times := range f.due {
		if times[0].After(now) {
			continue
		}
		out = append(out, id)
		if f.due[id] = times[1:]; len(times) == 1 {
			delete(f.due, id)
		}
	}
	return out
}
