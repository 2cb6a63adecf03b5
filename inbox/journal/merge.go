package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/parley-hub/parley/inbox"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// Merged is the record of a merge: all that is needed to take it apart again.
type Merged struct {
	ID         string                `json:"id" bson:"_id"`
	From       timeline.PersonID     `json:"from"`
	Into       timeline.PersonID     `json:"into"`
	By         timeline.Actor        `json:"by"`
	At         time.Time             `json:"at"`
	Identities []timeline.IdentityID `json:"identities"` // that moved
	Followers  []timeline.PersonID   `json:"followers"`  // merged into From before, now into Into
	Heads      []MergedHead          `json:"heads"`
	Done       bool                  `json:"done,omitempty"` // everything was moved
	UndoneAt   *time.Time            `json:"undoneAt,omitempty"`
	UndoneBy   *timeline.Actor       `json:"undoneBy,omitempty"`
}

// MergedHead is what a merge did in one queue.
type MergedHead struct {
	Queue    string                  `json:"queue"`
	From     timeline.ConversationID `json:"from,omitempty"` // From's; empty: they had none
	FromNo   int64                   `json:"fromNo,omitempty"`
	Into     timeline.ConversationID `json:"into,omitempty"` // Into's; empty: they had none
	IntoNo   int64                   `json:"intoNo,omitempty"`
	Survivor timeline.ConversationID `json:"survivor"` // where both write from now on
	Closed   timeline.ConversationID `json:"closed,omitempty"`
	Was      timeline.State          `json:"was,omitempty"` // of the closed one
	Until    *time.Time              `json:"until,omitempty"`
}

// ErrSamePerson is returned for a merge of a person with themselves.
var ErrSamePerson = errors.New("journal: they are one person already")

// ErrBusy is returned where another merge, or the entering of this one, is under way.
var ErrBusy = errors.New("journal: a merge is under way; try again")

// ErrUndone is returned for undoing what was undone.
var ErrUndone = errors.New("journal: this merge was undone already")

// ReadPerson reads a person, following a merge by its one hop. store.ErrNotFound if there is none.
func ReadPerson(ctx context.Context, s store.Store, id timeline.PersonID) (timeline.Person, error) {
	var p timeline.Person
	for range 4 { // one hop, unless a merge is being written at this moment
		p = timeline.Person{}
		if err := s.C(store.Persons).One(ctx, byID(id), &p); err != nil {
			return p, fmt.Errorf("read person %s: %w", id, err)
		}
		if p.MergedInto == "" {
			break
		}
		id = p.MergedInto
	}
	return p, nil
}

// Merge makes one person of two: what is known of from belongs to into from now on. It returns
// the merge's id, by which it can be undone. No message is touched. Where both have a
// conversation in a queue, the one with the latest message goes on with the legs of both; the
// other is resolved, unless the person waits for an answer there.
//
// It is safe to call again after an error: the same merge goes on where it stopped.
func (j *Journal) Merge(ctx context.Context, from, into timeline.PersonID, by timeline.Actor) (id string, err error) {
	free, err := j.lockMerges(ctx)
	if err != nil {
		return "", err
	}
	defer free()
	if m, err := j.halfDone(ctx, from, into); err != nil {
		return "", err
	} else if m != nil {
		return m.ID, j.carryOut(ctx, m)
	}
	a, err := ReadPerson(ctx, j.deps.Store, from)
	if err != nil {
		return "", err
	}
	b, err := ReadPerson(ctx, j.deps.Store, into)
	if err != nil {
		return "", err
	}
	if a.ID == b.ID {
		return "", ErrSamePerson
	}
	if a.Erased != nil || b.Erased != nil {
		return "", ErrErasing
	}
	m, err := j.planMerge(ctx, ulid.Make().String(), a.ID, b.ID, by)
	if err != nil {
		return "", err
	}
	if err := j.deps.Store.C(store.Merges).Insert(ctx, m); err != nil {
		return "", fmt.Errorf("record a merge: %w", err)
	}
	return m.ID, j.carryOut(ctx, m)
}

// halfDone finds a merge of two persons that was recorded and not finished.
func (j *Journal) halfDone(ctx context.Context, from, into timeline.PersonID) (*Merged, error) {
	var all []Merged
	if err := j.deps.Store.C(store.Merges).All(ctx, bson.D{{Key: "from", Value: string(from)}}, &all); err != nil {
		return nil, fmt.Errorf("read merges: %w", err)
	}
	for i := range all {
		if all[i].Into == into && all[i].UndoneAt == nil && !all[i].Done {
			return &all[i], nil
		}
	}
	return nil, nil
}

// mergeOnce merges under an id that derives from the two persons. done is false where that
// was undone before, or where they changed meanwhile: then another look tells more.
func (j *Journal) mergeOnce(ctx context.Context, from, into timeline.PersonID, by timeline.Actor) (done bool, err error) {
	free, err := j.lockMerges(ctx)
	if err != nil {
		return false, err
	}
	defer free()
	id := "auto|" + string(from) + "|" + string(into)
	var m Merged
	merges := j.deps.Store.C(store.Merges)
	switch err := merges.One(ctx, byID(id), &m); {
	case isMissing(err):
	case err != nil:
		return false, fmt.Errorf("read a merge: %w", err)
	case m.UndoneAt != nil:
		return false, nil
	default:
		return true, j.carryOut(ctx, &m)
	}
	for _, p := range []timeline.PersonID{from, into} {
		now, err := ReadPerson(ctx, j.deps.Store, p)
		if err != nil {
			return false, err
		}
		if now.ID != p {
			return false, ErrBusy
		}
	}
	plan, err := j.planMerge(ctx, id, from, into, by)
	if err != nil {
		return false, err
	}
	if err := merges.Insert(ctx, plan); err != nil {
		return false, fmt.Errorf("record a merge: %w", err)
	}
	return true, j.carryOut(ctx, plan)
}

// planMerge writes down what the merge will move, while both are apart.
func (j *Journal) planMerge(ctx context.Context, id string, from, into timeline.PersonID, by timeline.Actor) (*Merged, error) {
	m := &Merged{ID: id, From: from, Into: into, By: by, At: j.now()}
	var known []timeline.Known
	if err := j.deps.Store.C(store.Identities).All(ctx, bson.D{{Key: "person", Value: string(from)}}, &known); err != nil {
		return nil, fmt.Errorf("read identities: %w", err)
	}
	for _, k := range known {
		m.Identities = append(m.Identities, k.ID)
	}
	var followers []timeline.Person
	if err := j.deps.Store.C(store.Persons).All(ctx, bson.D{{Key: "mergedInto", Value: string(from)}}, &followers); err != nil {
		return nil, fmt.Errorf("read who was merged before: %w", err)
	}
	for _, p := range followers {
		m.Followers = append(m.Followers, p.ID)
	}
	var heads []head
	if err := j.deps.Store.C(store.Heads).All(ctx, bson.D{in("person", []timeline.PersonID{from, into})}, &heads); err != nil {
		return nil, fmt.Errorf("read heads: %w", err)
	}
	for _, h := range heads {
		i := slices.IndexFunc(m.Heads, func(x MergedHead) bool { return x.Queue == h.Queue })
		if i < 0 {
			m.Heads = append(m.Heads, MergedHead{Queue: h.Queue})
			i = len(m.Heads) - 1
		}
		if h.Person == from {
			m.Heads[i].From, m.Heads[i].FromNo = h.Conversation, h.Number
		} else {
			m.Heads[i].Into, m.Heads[i].IntoNo = h.Conversation, h.Number
		}
	}
	for i := range m.Heads {
		if err := j.survivor(ctx, &m.Heads[i]); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// survivor picks the conversation that goes on: an open one before one that is resolved, then the
// newer. Places on a thread are ordered by the conversation's id; were the older one to go on, a
// customer's program would take what comes next for what it has seen.
func (j *Journal) survivor(ctx context.Context, h *MergedHead) error {
	if h.From == "" || h.Into == "" || h.From == h.Into {
		h.Survivor = h.Into + h.From
		if h.From == h.Into {
			h.Survivor = h.Into
		}
		return nil
	}
	var cs []timeline.Conversation
	if err := j.deps.Store.C(store.Conversations).All(ctx, idIn([]timeline.ConversationID{h.From, h.Into}), &cs); err != nil {
		return fmt.Errorf("read conversations: %w", err)
	}
	slices.SortFunc(cs, func(a, b timeline.Conversation) int {
		if (a.State == timeline.Resolved) != (b.State == timeline.Resolved) {
			if a.State == timeline.Resolved {
				return 1
			}
			return -1
		}
		return -compare(a.ID, b.ID)
	})
	h.Survivor = h.Into
	if len(cs) > 0 {
		h.Survivor = cs[0].ID
	}
	if len(cs) > 1 && cs[1].State != timeline.Resolved && cs[1].WaitingSince == nil {
		h.Closed, h.Was, h.Until = cs[1].ID, cs[1].State, cs[1].SnoozeUntil
	}
	return nil
}

func compare[T ~string](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// carryOut does what a merge says. Each step may be done twice. The identities move last:
// until then the reason for the merge is still seen, and a crash does not leave it half done.
func (j *Journal) carryOut(ctx context.Context, m *Merged) error {
	for _, h := range m.Heads {
		if err := j.putHeads(ctx, m, h.Queue, headOf(h.Survivor, h), headOf(h.Survivor, h)); err != nil {
			return err
		}
	}
	if err := j.bumpEpoch(ctx); err != nil {
		return err
	}
	if err := j.tellMerge(ctx, m); err != nil {
		return err
	}
	if _, err := j.deps.Store.C(store.Persons).Update(ctx, byID(m.From), set(bson.E{Key: "mergedInto", Value: string(m.Into)})); err != nil {
		return fmt.Errorf("merge a person: %w", err)
	}
	if err := j.repoint(ctx, m, m.From, m.Into); err != nil {
		return err
	}
	if _, err := j.deps.Store.C(store.Merges).Update(ctx, byID(m.ID), set(bson.E{Key: "done", Value: true})); err != nil {
		return fmt.Errorf("finish a merge: %w", err)
	}
	return j.bumpEpoch(ctx)
}

// resumeMerge finishes a merge that a crash interrupted after the person was merged.
func (j *Journal) resumeMerge(ctx context.Context, from, into timeline.PersonID) error {
	free, err := j.lockMerges(ctx)
	if err != nil {
		return err
	}
	defer free()
	m, err := j.halfDone(ctx, from, into)
	if err != nil || m == nil {
		return err
	}
	return j.carryOut(ctx, m)
}

// headOf is a survivor with its number.
func headOf(c timeline.ConversationID, h MergedHead) head {
	if c == h.From {
		return head{Conversation: c, Number: h.FromNo}
	}
	return head{Conversation: c, Number: h.IntoNo}
}

// repoint moves identities, and those who were merged before, from one person to the other.
func (j *Journal) repoint(ctx context.Context, m *Merged, from, to timeline.PersonID) error {
	var ids, ps []store.Write
	for _, id := range m.Identities {
		ids = append(ids, store.Write{Filter: bson.D{{Key: "_id", Value: string(id)}, {Key: "person", Value: string(from)}}, Update: set(bson.E{Key: "person", Value: string(to)})})
	}
	for _, p := range m.Followers {
		ps = append(ps, store.Write{Filter: bson.D{{Key: "_id", Value: string(p)}, {Key: "mergedInto", Value: string(from)}}, Update: set(bson.E{Key: "mergedInto", Value: string(to)})})
	}
	if err := bulk(ctx, j.deps.Store.C(store.Identities), "move identities", ids); err != nil {
		return err
	}
	return bulk(ctx, j.deps.Store.C(store.Persons), "move merged persons", ps)
}

// putHeads makes the heads of both persons in a queue what they should be; one without
// conversation is removed.
func (j *Journal) putHeads(ctx context.Context, m *Merged, queue string, from, into head) error {
	c := j.deps.Store.C(store.Heads)
	for _, h := range []head{{Person: m.From, Conversation: from.Conversation, Number: from.Number}, {Person: m.Into, Conversation: into.Conversation, Number: into.Number}} {
		id := headID(h.Person, queue)
		if h.Conversation == "" {
			if _, err := c.Delete(ctx, byID(id)); err != nil {
				return fmt.Errorf("remove a head: %w", err)
			}
			continue
		}
		_, err := c.Upsert(ctx, byID(id), bson.D{
			{Key: "$set", Value: bson.D{{Key: "conversation", Value: string(h.Conversation)}, {Key: "number", Value: h.Number}}},
			{Key: "$setOnInsert", Value: bson.D{{Key: "person", Value: string(h.Person)}, {Key: "queue", Value: queue}, {Key: "at", Value: m.At}}}})
		if err != nil {
			return fmt.Errorf("move a head: %w", err)
		}
	}
	return nil
}

// bumpEpoch tells every node that what it remembers of persons is over.
func (j *Journal) bumpEpoch(ctx context.Context) error {
	var out struct {
		N int64 `json:"n"`
	}
	if err := j.deps.Store.C(store.Counters).Modify(ctx, byID(epochID), bson.D{{Key: "$inc", Value: bson.D{{Key: "n", Value: int64(1)}}}}, true, &out); err != nil {
		return fmt.Errorf("count a merge: %w", err)
	}
	return nil
}

// tellMerge asks the writer to enter the merge in both persons' conversations.
func (j *Journal) tellMerge(ctx context.Context, m *Merged) error {
	into, err := ReadPerson(ctx, j.deps.Store, m.Into)
	if err != nil {
		return err
	}
	cs, err := j.conversations(ctx, m)
	if err != nil {
		return err
	}
	var out []timeline.Command
	for i := range cs {
		c := &cs[i]
		e := timeline.Merge{ID: m.ID, From: m.From, Into: m.Into, Name: into.Name}
		for _, h := range m.Heads {
			if c.ID != h.Survivor {
				continue
			}
			for k := range cs {
				if o := cs[k].ID; o != c.ID && (o == h.From || o == h.Into) {
					e.Legs = append(e.Legs, cs[k].Legs...)
				}
			}
		}
		if c.Person == m.Into && len(e.Legs) == 0 && !m.isHead(c.ID) {
			continue // nothing changes for it
		}
		out = append(out, m.command("merge", c.ID, timeline.KindMerge, func(ev *timeline.Event) { ev.Merge = &e }))
	}
	for _, h := range m.Heads {
		if h.Closed != "" {
			out = append(out, m.command("merge-close", h.Closed, timeline.KindStatus, func(ev *timeline.Event) {
				ev.Status = &timeline.Status{To: timeline.Resolved, Why: inbox.WhyMerged}
			}))
		}
	}
	return j.ask(ctx, out)
}

func (m *Merged) isHead(id timeline.ConversationID) bool {
	return slices.ContainsFunc(m.Heads, func(h MergedHead) bool { return h.From == id || h.Into == id })
}

func (j *Journal) ask(ctx context.Context, cs []timeline.Command) error {
	if len(cs) == 0 {
		return nil
	}
	if err := j.deps.Publish.Journal(ctx, cs...); err != nil {
		return fmt.Errorf("publish commands: %w", err)
	}
	return nil
}

// conversations reads all conversations of both persons, and those the merge names.
func (j *Journal) conversations(ctx context.Context, m *Merged) ([]timeline.Conversation, error) {
	var all []timeline.Conversation
	if err := j.deps.Store.C(store.Conversations).All(ctx, bson.D{in("person", []timeline.PersonID{m.From, m.Into})}, &all); err != nil {
		return nil, fmt.Errorf("read the persons' conversations: %w", err)
	}
	slices.SortFunc(all, func(a, b timeline.Conversation) int { return compare(a.ID, b.ID) })
	return all, nil
}

func (m *Merged) eventID(what string, c timeline.ConversationID) timeline.EventID {
	return timeline.EventID(what + "|" + m.ID + "|" + string(c))
}

// command is a command of a merge to one conversation; its id derives from both.
func (m *Merged) command(what string, c timeline.ConversationID, kind timeline.Kind, fill func(*timeline.Event)) timeline.Command {
	at, by := m.At, m.By
	if m.UndoneAt != nil {
		at, by = *m.UndoneAt, *m.UndoneBy
	}
	cmd := timeline.Command{ID: m.eventID(what, c), Conversation: c, At: at,
		Event: timeline.Event{Kind: kind, Direction: timeline.Internal, Actor: by, At: at, Received: at}}
	fill(&cmd.Event)
	return cmd
}

// lockMerges lets one merge at a time happen on all nodes: two at once could point at each
// other. The lock ends by itself if its node died.
func (j *Journal) lockMerges(ctx context.Context) (free func(), err error) {
	const id, lease, patience = "merge-lock", 5 * time.Second, 3 * time.Second
	c := j.deps.Store.C(store.Counters)
	if err := c.Insert(ctx, bson.D{{Key: "_id", Value: id}, {Key: "until", Value: time.UnixMilli(0).UTC()}}); err != nil && !store.IsDuplicate(err, "_id_") {
		return nil, fmt.Errorf("lock merges: %w", err)
	}
	me := ulid.Make().String()
	for end := time.Now().Add(patience); ; {
		now := j.now()
		n, err := c.Update(ctx, bson.D{{Key: "_id", Value: id}, {Key: "until", Value: bson.D{{Key: "$lt", Value: now}}}},
			set(bson.E{Key: "until", Value: now.Add(lease)}, bson.E{Key: "holder", Value: me}))
		switch {
		case err != nil:
			return nil, fmt.Errorf("lock merges: %w", err)
		case n > 0:
			return func() { j.freeMerges(context.WithoutCancel(ctx), c, id, me) }, nil
		case time.Now().After(end):
			return nil, ErrBusy
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (j *Journal) freeMerges(ctx context.Context, c store.Collection, id, me string) {
	if _, err := c.Update(ctx, bson.D{{Key: "_id", Value: id}, {Key: "holder", Value: me}}, set(bson.E{Key: "until", Value: time.UnixMilli(0).UTC()})); err != nil {
		j.deps.Log.Warn("the lock on merges ends by itself", "err", err)
	}
}
