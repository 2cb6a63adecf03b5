package journal

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/parley-hub/parley/inbox"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// defaultQueue is where conversations of accounts without a queue begin.
const defaultQueue = "default"

// quest is the search for one route: what the run's events say of it together.
type quest struct {
	x       *inbound // the first event
	peer    timeline.Identity
	profile *timeline.Profile
	links   []timeline.Identity
	speaks  *timeline.Event // the last event by which the person said something, or we write first
	person  timeline.PersonID
	name    string
	guest   bool
	sure    bool // decided by a verified link: whoever had the thread before
	queue   string
	head    *head
}

// finder finds routes, many at once: each step is one read or one bulk write.
type finder struct {
	r       *resolver
	now     time.Time
	quests  []*quest
	known   map[timeline.IdentityID]*timeline.Known
	fresh   []*timeline.Known // to be made
	persons map[timeline.PersonID]*timeline.Person
	made    map[timeline.PersonID]bool // in this run
	threads map[string]timeline.ConversationID
	convs   map[timeline.ConversationID]*timeline.Conversation
	heads   map[string]*head
	joins   []join
	claims  []join
	visits  []store.Write // of guests: an erasure looks for them there
}

// find makes the routes of events that have none yet.
func (r *resolver) find(ctx context.Context, xs []*inbound) error {
	if len(xs) == 0 {
		return nil
	}
	f := &finder{r: r, now: r.j.now(), known: map[timeline.IdentityID]*timeline.Known{}, persons: map[timeline.PersonID]*timeline.Person{},
		made: map[timeline.PersonID]bool{}, threads: map[string]timeline.ConversationID{},
		convs: map[timeline.ConversationID]*timeline.Conversation{}, heads: map[string]*head{}}
	byKey := map[string]*quest{}
	for _, x := range xs {
		q := byKey[x.key]
		if q == nil {
			q = &quest{x: x, peer: x.in.Peer, queue: x.in.Queue}
			byKey[x.key] = q
			f.quests = append(f.quests, q)
		}
		q.hear(x.in)
	}
	for _, step := range []func(context.Context) error{f.readQueues, f.readThreads, f.readIdentities, f.who, f.claim, f.writeIdentities,
		f.readPersons, f.join, f.guests, f.stay, f.writePersons, f.readHeads, f.writeHeads, f.readHeadConversations, f.generations, f.writeThreads} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	for _, x := range xs {
		t := r.routes[x.key]
		if t == nil {
			t = f.route(x.key, byKey[x.key])
			r.routes[x.key] = t
		}
		x.route, x.fresh = t, true
	}
	return nil
}

// hear takes in what one event says of the person.
func (q *quest) hear(in *timeline.Inbound) {
	if in.Profile != nil {
		q.profile = in.Profile
	}
	if len(in.Links) > 0 {
		q.links = in.Links
	}
	if inbox.Speaks(&in.Event) || starts(&in.Event) {
		q.speaks = &in.Event
	}
}

// starts reports whether one of us writes first: what comes in by the inbound topic as ours,
// and is no echo.
func starts(ev *timeline.Event) bool {
	return ev.Kind == timeline.KindMessage && ev.Direction == timeline.Out && !inbox.IsEcho(ev)
}

func (f *finder) store(name string) store.Collection { return f.r.j.deps.Store.C(name) }

// readQueues looks up where the accounts' conversations begin.
func (f *finder) readQueues(ctx context.Context) error {
	var ids []timeline.AccountID
	for _, q := range f.quests {
		if id := q.x.in.Event.Thread.Account; q.queue == "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	var found []struct {
		ID    timeline.AccountID `json:"id" bson:"_id"`
		Queue string             `json:"queue"`
	}
	if len(ids) > 0 {
		if err := f.store(store.Accounts).All(ctx, idIn(ids), &found); err != nil {
			return fmt.Errorf("read accounts' queues: %w", err)
		}
	}
	at := map[timeline.AccountID]string{}
	for _, a := range found {
		at[a.ID] = a.Queue
	}
	for _, q := range f.quests {
		if q.queue == "" {
			q.queue = at[q.x.in.Event.Thread.Account]
		}
		if q.queue == "" {
			q.queue = defaultQueue
		}
	}
	return nil
}

func (f *finder) readThreads(ctx context.Context) error {
	keys := make([]string, 0, len(f.quests))
	for _, q := range f.quests {
		keys = append(keys, q.x.in.Event.Thread.Key())
	}
	var found []thread
	if err := f.store(store.Threads).All(ctx, idIn(keys), &found); err != nil {
		return fmt.Errorf("read threads: %w", err)
	}
	var ids []timeline.ConversationID
	for _, t := range found {
		f.threads[t.ID] = t.Conversation
		ids = append(ids, t.Conversation)
	}
	return f.readConversations(ctx, ids)
}

func (f *finder) readConversations(ctx context.Context, ids []timeline.ConversationID) error {
	ids = slices.DeleteFunc(ids, func(id timeline.ConversationID) bool { return f.convs[id] != nil })
	if len(ids) == 0 {
		return nil
	}
	var found []timeline.Conversation
	fields := bson.D{{Key: "person", Value: 1}, {Key: "name", Value: 1}, {Key: "avatar", Value: 1}, {Key: "queue", Value: 1}, {Key: "state", Value: 1}, {Key: "resolvedAt", Value: 1}, {Key: "legs", Value: 1}}
	if err := f.store(store.Conversations).All(ctx, idIn(ids), &found, store.Find{Fields: fields}); err != nil {
		return fmt.Errorf("read conversations: %w", err)
	}
	for i := range found {
		f.convs[found[i].ID] = &found[i]
	}
	return nil
}

// readPersons reads the persons found, following a merge by its one hop.
func (f *finder) readPersons(ctx context.Context) error {
	for range 2 {
		var ids []timeline.PersonID
		for _, q := range f.quests {
			if p := f.persons[q.person]; p != nil && p.MergedInto != "" {
				if err := f.r.j.resumeMerge(ctx, p.ID, p.MergedInto); err != nil {
					return err
				}
				q.person = p.MergedInto
			}
			if f.persons[q.person] == nil && !f.made[q.person] {
				ids = append(ids, q.person)
			}
		}
		if len(ids) == 0 {
			return nil
		}
		var found []timeline.Person
		if err := f.store(store.Persons).All(ctx, idIn(ids), &found); err != nil {
			return fmt.Errorf("read persons: %w", err)
		}
		for i := range found {
			f.persons[found[i].ID] = &found[i]
		}
		for _, id := range ids {
			if f.persons[id] == nil {
				f.made[id] = true // a crash came between the identity and its person
			}
		}
	}
	return nil
}

// guests finds who writes in a thread that is somebody else's, such as a colleague in a mail
// thread: what they say stays in its conversation. A verified identity of the account's own,
// such as a signed-in user, takes the thread over instead.
func (f *finder) guests(ctx context.Context) error {
	for _, q := range f.quests {
		c := f.convs[f.threads[q.x.in.Event.Thread.Key()]]
		if c == nil || c.Person == q.person || q.sure || (q.peer.Account != "" && q.peer.Proof.Verified()) || f.joined(c.Person, q.person) {
			continue
		}
		p, err := ReadPerson(ctx, f.r.j.deps.Store, c.Person)
		if err != nil && !isMissing(err) {
			return err
		}
		if err != nil || p.ID == q.person {
			continue
		}
		f.writeGuest(q)
		f.visits = append(f.visits, store.Write{Filter: byID(q.peer.ID()), Update: bson.D{{Key: "$addToSet", Value: bson.D{{Key: "guestIn", Value: string(c.ID)}}}}})
		q.person, q.guest = p.ID, true
		f.persons[p.ID] = &p
	}
	return bulk(ctx, f.store(store.Identities), "note where somebody is a guest", f.visits)
}

// stay keeps a thread in the conversation it is attached to, whatever queue its account has:
// who answers a mail that continued a chat goes on where the chat was.
func (f *finder) stay(context.Context) error {
	for _, q := range f.quests {
		c := f.convs[f.threads[q.x.in.Event.Thread.Key()]]
		if c != nil && c.Person == q.person && c.State != timeline.Resolved && q.x.in.Queue == "" {
			q.queue = c.Queue
		}
	}
	return nil
}

// writeGuest keeps the guest's own person to be written as well.
func (f *finder) writeGuest(q *quest) {
	if p := f.persons[q.person]; p == nil {
		p := f.newPerson(q)
		f.persons[q.person] = &p
	}
}

func (f *finder) newPerson(q *quest) timeline.Person {
	p := timeline.Person{ID: q.person, Name: inbox.NameOf(q.peer, q.profile), CreatedAt: f.now, LastAt: f.now}
	if q.profile != nil {
		p.Profile = *q.profile
	}
	return p
}

// writePersons makes new persons and takes in what is newly known of others.
func (f *finder) writePersons(ctx context.Context) error {
	var writes []store.Write
	for _, q := range f.quests {
		p := f.persons[q.person]
		if p == nil {
			made := f.newPerson(q)
			p = &made
			f.persons[q.person] = p
		}
		fields := bson.D{}
		if !q.guest && !f.made[q.person] && inbox.Introduce(p, q.peer, q.profile) {
			fields = append(fields, bson.E{Key: "name", Value: p.Name}, bson.E{Key: "profile", Value: p.Profile})
		}
		q.name = p.Name
		if len(fields) > 0 {
			writes = append(writes, store.Write{Filter: byID(p.ID), Update: bson.D{{Key: "$set", Value: fields}, {Key: "$max", Value: bson.D{{Key: "lastAt", Value: f.now}}}}})
		} else if !f.made[q.person] {
			writes = append(writes, store.Write{Filter: byID(p.ID), Update: bson.D{{Key: "$max", Value: bson.D{{Key: "lastAt", Value: f.now}}}}})
		}
	}
	for id := range f.made {
		if p := f.persons[id]; p != nil {
			writes = append(writes, store.Write{Filter: byID(id), Upsert: true, Update: bson.D{{Key: "$setOnInsert", Value: bson.D{
				{Key: "name", Value: p.Name}, {Key: "profile", Value: p.Profile}, {Key: "createdAt", Value: p.CreatedAt}, {Key: "lastAt", Value: p.LastAt}}}}})
		}
	}
	return bulk(ctx, f.store(store.Persons), "write persons", writes)
}

// bulk does writes of which none may be refused, except that what they change may be gone.
func bulk(ctx context.Context, c store.Collection, doing string, writes []store.Write) error {
	b := batch{writes: writes, of: make([]*group, len(writes))}
	return b.run(ctx, c, doing, ignoreRepeats)
}

func (f *finder) readHeads(ctx context.Context) error {
	var ids []string
	for _, q := range f.quests {
		if id := headID(q.person, q.queue); !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return f.readHeadsOf(ctx, ids)
}

func (f *finder) readHeadsOf(ctx context.Context, ids []string) error {
	var found []head
	if err := f.store(store.Heads).All(ctx, idIn(ids), &found); err != nil {
		return fmt.Errorf("read heads: %w", err)
	}
	for i := range found {
		f.heads[found[i].ID] = &found[i]
	}
	return nil
}

// writeHeads begins conversations for persons who have none in the queue. Who inserts the
// head first decides which it is.
func (f *finder) writeHeads(ctx context.Context) error {
	var made []*head
	for _, q := range f.quests {
		id := headID(q.person, q.queue)
		if f.heads[id] == nil {
			h := &head{ID: id, Person: q.person, Queue: q.queue, Conversation: newConversationID(), At: f.now}
			f.heads[id] = h
			made = append(made, h)
		}
	}
	if len(made) > 0 {
		last, err := f.r.j.number(ctx, len(made))
		if err != nil {
			return err
		}
		var b batch
		for i, h := range made {
			h.Number = last - int64(len(made)-1-i)
			b.add(nil, store.Write{Insert: h})
		}
		var lost []string
		err = b.run(ctx, f.store(store.Heads), "begin conversations", func(i int, err error) error {
			if !store.IsDuplicate(err, "_id_") {
				return err
			}
			lost = append(lost, made[i].ID)
			return nil
		})
		if err != nil {
			return err
		}
		if len(lost) > 0 {
			if err := f.readHeadsOf(ctx, lost); err != nil {
				return err
			}
		}
	}
	for _, q := range f.quests {
		q.head = f.heads[headID(q.person, q.queue)]
	}
	return nil
}

func newConversationID() timeline.ConversationID {
	return timeline.ConversationID(ulid.Make().String())
}

func (f *finder) readHeadConversations(ctx context.Context) error {
	var ids []timeline.ConversationID
	for _, q := range f.quests {
		ids = append(ids, q.head.Conversation)
	}
	return f.readConversations(ctx, ids)
}

// generations begins a new conversation for who writes long after theirs was resolved.
func (f *finder) generations(ctx context.Context) error {
	for _, q := range f.quests {
		c := f.convs[q.head.Conversation]
		if c == nil || q.speaks == nil || c.State != timeline.Resolved || c.ResolvedAt == nil || !f.over(*c.ResolvedAt, q.speaks) {
			continue
		}
		if at, err := f.r.places(ctx, []timeline.EventID{q.speaks.ID}, nil); err != nil {
			return err
		} else if at[string(q.speaks.ID)] != "" {
			continue // a repeat of what was said back then
		}
		if err := f.nextGeneration(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

func (f *finder) over(resolved time.Time, ev *timeline.Event) bool {
	at := ev.Received
	if at.IsZero() {
		at = f.now
	}
	return f.r.j.deps.Reopen < 0 || at.Sub(resolved) > f.r.j.deps.Reopen
}

func (f *finder) nextGeneration(ctx context.Context, q *quest) error {
	number, err := f.r.j.number(ctx, 1)
	if err != nil {
		return err
	}
	next := *q.head
	next.Conversation, next.Number, next.At = newConversationID(), number, f.now
	n, err := f.store(store.Heads).Update(ctx, bson.D{{Key: "_id", Value: next.ID}, {Key: "conversation", Value: string(q.head.Conversation)}},
		set(bson.E{Key: "conversation", Value: string(next.Conversation)}, bson.E{Key: "number", Value: number}, bson.E{Key: "at", Value: f.now}))
	if err != nil {
		return fmt.Errorf("begin another conversation: %w", err)
	}
	if n == 0 {
		if err := f.readHeadsOf(ctx, []string{next.ID}); err != nil {
			return err
		}
		next = *f.heads[next.ID]
	}
	for _, other := range f.quests {
		if other.head.ID == next.ID {
			other.head = &next
		}
	}
	f.heads[next.ID] = &next
	return f.readConversations(ctx, []timeline.ConversationID{next.Conversation})
}

// writeThreads remembers where threads go now.
func (f *finder) writeThreads(ctx context.Context) error {
	var writes []store.Write
	for _, q := range f.quests {
		if key := q.x.in.Event.Thread.Key(); f.threads[key] != q.head.Conversation {
			f.threads[key] = q.head.Conversation
			writes = append(writes, store.Write{Filter: byID(key), Upsert: true,
				Update: set(bson.E{Key: "conversation", Value: string(q.head.Conversation)}, bson.E{Key: "at", Value: f.now})})
		}
	}
	return bulk(ctx, f.store(store.Threads), "write threads", writes)
}

func (f *finder) route(key string, q *quest) *route {
	t := &route{key: key, person: q.person, name: q.name, queue: q.queue, head: *q.head, guest: q.guest,
		profile: q.profile, links: q.links, at: f.r.j.routes.now()}
	if p := f.persons[q.person]; p != nil {
		t.avatar = p.Profile.Avatar
	}
	if c := f.convs[q.head.Conversation]; c != nil {
		t.exists, t.state, t.ended = true, c.State, c.ResolvedAt
		t.shown, t.picture = c.Name, c.Avatar
		t.legs = make(map[timeline.LegID]timeline.Leg, len(c.Legs))
		for _, l := range c.Legs {
			t.legs[l.ID] = l
		}
	}
	return t
}
