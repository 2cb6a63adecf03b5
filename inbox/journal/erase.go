package journal

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/parley-hub/parley/inbox"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// ErrErasing is returned for changing a person who is being erased, or was.
var ErrErasing = errors.New("journal: the person is being erased")

// erasure is the erasing of one person, as far as it got. It holds no more of them than it
// needs to go on, and nothing when it is done.
type erasure struct {
	ID         timeline.PersonID         `json:"id" bson:"_id"`
	By         timeline.Actor            `json:"by"`
	At         time.Time                 `json:"at"`
	State      string                    `json:"state"` // due, done
	Round      int                       `json:"round"` // from 1
	DueAt      time.Time                 `json:"dueAt"`
	Persons    []timeline.PersonID       `json:"persons,omitempty"`
	Identities []timeline.Identity       `json:"identities,omitempty"`
	Guest      []timeline.ConversationID `json:"guest,omitempty"` // others' conversations in which they wrote
}

// visitorIn is an identity with the conversations of others in which it wrote.
type visitorIn struct {
	timeline.Known `bson:",inline"`
	GuestIn        []timeline.ConversationID `json:"guestIn,omitempty"`
}

// The timing of erasures.
const (
	eraseLease = 30 * time.Second // who carries one out and died is followed by another
	eraseLook  = time.Second      // between looks whether the writer is done
	eraseGrace = time.Minute      // until the second round, for what was on its way
	erasePoll  = 2 * time.Second
)

// eraseRounds is how often everything is gone over: what was on its way during the first round
// is caught by the second.
const eraseRounds = 2

// Erase makes it durable that everything known of a person is to go, and hides them at once.
// [Journal.RunErasures] carries it out. Erasing twice is erasing once. store.ErrNotFound if
// there is no such person.
func (j *Journal) Erase(ctx context.Context, p timeline.PersonID, by timeline.Actor) error {
	free, err := j.lockMerges(ctx)
	if err != nil {
		return err
	}
	defer free()
	who, err := ReadPerson(ctx, j.deps.Store, p)
	if err != nil || who.Erased != nil {
		return err
	}
	job := erasure{ID: who.ID, By: by, At: j.now(), State: "due", Round: 1, DueAt: j.now(), Persons: []timeline.PersonID{who.ID}}
	var before []timeline.Person
	if err := j.deps.Store.C(store.Persons).All(ctx, bson.D{{Key: "mergedInto", Value: string(who.ID)}}, &before); err != nil {
		return fmt.Errorf("read who was merged before: %w", err)
	}
	for _, x := range before {
		job.Persons = append(job.Persons, x.ID)
	}
	var known []visitorIn
	if err := j.deps.Store.C(store.Identities).All(ctx, bson.D{in("person", job.Persons)}, &known); err != nil {
		return fmt.Errorf("read identities: %w", err)
	}
	for _, k := range known {
		job.Identities = append(job.Identities, k.Identity)
		job.Guest = append(job.Guest, k.GuestIn...)
	}
	if err := j.deps.Store.C(store.Erasures).Insert(ctx, job); err != nil && !store.IsDuplicate(err, "_id_") {
		return fmt.Errorf("record an erasure: %w", err)
	}
	_, err = j.deps.Store.C(store.Persons).Update(ctx, byID(who.ID), set(bson.E{Key: "erased", Value: job.At}))
	select {
	case j.erasing <- struct{}{}:
	default:
	}
	return wrap("hide a person", err)
}

// RunErasures carries out what was asked of [Journal.Erase], until ctx ends. Several nodes may.
func (j *Journal) RunErasures(ctx context.Context) {
	t := time.NewTicker(erasePoll)
	defer t.Stop()
	for {
		if _, err := j.EraseDue(ctx); err != nil && ctx.Err() == nil {
			j.deps.Log.Warn("erasing failed; tried again", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-j.erasing:
		case <-t.C:
		}
	}
}

// EraseDue carries erasures that are due on by one step each and reports how many are left.
func (j *Journal) EraseDue(ctx context.Context) (left int, err error) {
	c := j.deps.Store.C(store.Erasures)
	var jobs []erasure
	if err := c.All(ctx, bson.D{{Key: "state", Value: "due"}}, &jobs, store.Find{Sort: bson.D{{Key: "dueAt", Value: 1}, {Key: "_id", Value: 1}}, Limit: 50}); err != nil {
		return 0, fmt.Errorf("read erasures: %w", err)
	}
	for i := range jobs {
		job := &jobs[i]
		if job.DueAt.After(j.now()) {
			continue
		}
		until := j.now().Add(eraseLease)
		n, err := c.Update(ctx, bson.D{{Key: "_id", Value: string(job.ID)}, {Key: "state", Value: "due"}, {Key: "dueAt", Value: job.DueAt}}, set(bson.E{Key: "dueAt", Value: until}))
		if err != nil {
			return len(jobs), fmt.Errorf("claim an erasure: %w", err)
		}
		if n == 0 {
			continue // another node has it
		}
		if err := j.eraseStep(ctx, job); err != nil {
			return len(jobs), fmt.Errorf("erase person %s: %w", job.ID, err)
		}
	}
	return len(jobs), nil
}

// eraseStep goes over everything once. Each part may be done any number of times; what tells
// where the person's things are goes last.
func (j *Journal) eraseStep(ctx context.Context, job *erasure) error {
	var cs []timeline.Conversation
	if err := j.deps.Store.C(store.Conversations).All(ctx, bson.D{in("person", job.Persons)}, &cs); err != nil {
		return fmt.Errorf("read conversations: %w", err)
	}
	if err := j.forget(ctx, job); err != nil {
		return err
	}
	if err := j.bumpEpoch(ctx); err != nil {
		return err
	}
	sweep := &eraser{j: j, job: job, words: job.words(cs)}
	for i := range cs {
		if err := sweep.conversation(ctx, &cs[i]); err != nil {
			return err
		}
	}
	if err := sweep.elsewhere(ctx); err != nil {
		return err
	}
	done, err := j.told(ctx, job, cs)
	if err != nil {
		return err
	}
	if gone, err := sweep.visits(ctx); err != nil || !gone {
		if done = false; err != nil {
			return err
		}
	}
	c := j.deps.Store.C(store.Erasures)
	next := bson.D{{Key: "dueAt", Value: j.now().Add(eraseLook)}}
	switch {
	case !done:
	case job.Round < eraseRounds:
		next = bson.D{{Key: "dueAt", Value: j.now().Add(eraseGrace)}, {Key: "round", Value: job.Round + 1}}
	default:
		_, err := c.Update(ctx, byID(job.ID), bson.D{{Key: "$set", Value: bson.D{{Key: "state", Value: "done"}}},
			{Key: "$unset", Value: bson.D{{Key: "identities", Value: ""}, {Key: "persons", Value: ""}, {Key: "guest", Value: ""}}}})
		return wrap("finish an erasure", err)
	}
	_, err = c.Update(ctx, byID(job.ID), bson.D{{Key: "$set", Value: next}})
	return wrap("go on with an erasure", err)
}

// words are the addresses by which adapters' notes and parked callbacks are the person's.
func (job *erasure) words(cs []timeline.Conversation) (out [][]byte) {
	add := func(s string) {
		if len(s) >= 4 { // shorter ones are in everything
			out = append(out, []byte(s))
		}
	}
	for _, i := range job.Identities {
		add(i.Value)
	}
	for i := range cs {
		for _, l := range cs[i].Legs {
			if l.Closed != inbox.ClosedErased {
				add(string(l.Peer))
			}
		}
	}
	return out
}

// told asks the writer to empty the conversations, and reports whether it has done so.
func (j *Journal) told(ctx context.Context, job *erasure, cs []timeline.Conversation) (bool, error) {
	ids := make([]timeline.EventID, 0, len(cs))
	for i := range cs {
		ids = append(ids, job.event(cs[i].ID))
	}
	var there []place
	if err := j.deps.Store.C(store.Events).All(ctx, idIn(ids), &there, store.Find{Fields: bson.D{{Key: "conversation", Value: 1}}}); err != nil {
		return false, fmt.Errorf("look whether conversations are empty: %w", err)
	}
	has := map[timeline.ConversationID]bool{}
	for _, p := range there {
		has[p.Conversation] = true
	}
	var cmds []timeline.Command
	for i := range cs {
		if id := job.event(cs[i].ID); !has[cs[i].ID] {
			ev := timeline.Event{ID: id, Kind: timeline.KindControl, Direction: timeline.Internal, Actor: job.By, At: job.At, Received: j.now(),
				Control: &timeline.Control{Name: inbox.ControlErased}}
			cmds = append(cmds, timeline.Command{ID: id, Conversation: cs[i].ID, Event: ev, At: job.At, Name: inbox.ErasedName})
		}
	}
	return len(cmds) == 0, j.ask(ctx, cmds)
}

func (job *erasure) event(c timeline.ConversationID) timeline.EventID {
	return timeline.EventID(fmt.Sprintf("erase|%s|%s|%d", job.ID, c, job.Round))
}

// forget removes who the person was. Their identities stay as hashes.
func (j *Journal) forget(ctx context.Context, job *erasure) error {
	var hashes []store.Write
	for _, i := range job.Identities {
		hashes = append(hashes, store.Write{Filter: byID(j.hash(i.ID())), Upsert: true, Update: set(bson.E{Key: "at", Value: job.At})})
	}
	if err := bulk(ctx, j.deps.Store.C(store.Erased), "remember that an identity was erased", hashes); err != nil {
		return err
	}
	mine := in("person", job.Persons)
	for _, d := range []struct {
		collection string
		filter     bson.D
	}{{store.Identities, bson.D{mine}}, {store.Heads, bson.D{mine}}, {store.Suggestions, bson.D{in("persons", job.Persons)}},
		{store.Merges, bson.D{in("from", job.Persons)}}, {store.Merges, bson.D{in("into", job.Persons)}}} {
		if _, err := j.deps.Store.C(d.collection).Delete(ctx, d.filter); err != nil {
			return fmt.Errorf("remove a person's %s: %w", d.collection, err)
		}
	}
	if err := j.faces(ctx, job); err != nil {
		return err
	}
	for _, p := range job.Persons {
		_, err := j.deps.Store.C(store.Persons).Update(ctx, byID(p), bson.D{
			{Key: "$set", Value: bson.D{{Key: "name", Value: inbox.ErasedName}, {Key: "erased", Value: job.At}}},
			{Key: "$unset", Value: bson.D{{Key: "profile", Value: ""}, {Key: "attributes", Value: ""}, {Key: "note", Value: ""}, {Key: "named", Value: ""}}}})
		if err != nil {
			return fmt.Errorf("empty a person: %w", err)
		}
	}
	return nil
}

// faces marks the pictures of persons, which are files where they are not addresses.
func (j *Journal) faces(ctx context.Context, job *erasure) error {
	var all []timeline.Person
	if err := j.deps.Store.C(store.Persons).All(ctx, idIn(job.Persons), &all); err != nil {
		return fmt.Errorf("read persons: %w", err)
	}
	var files []timeline.FileID
	for _, p := range all {
		if p.Profile.Avatar != "" {
			files = append(files, timeline.FileID(p.Profile.Avatar))
		}
	}
	return j.discard(ctx, files)
}

// hash is an identity as it is remembered after it was erased: without the hub's key it says
// nothing of the address.
func (j *Journal) hash(id timeline.IdentityID) string {
	h := hmac.New(sha256.New, j.deps.Key)
	_, _ = h.Write([]byte(id)) // never fails
	return hex.EncodeToString(h.Sum(nil))
}

// eraser removes what other parts of the hub keep of a person.
type eraser struct {
	j     *Journal
	job   *erasure
	words [][]byte
}

// elsewhere removes adapters' notes, parked callbacks and what is still to be looked up or
// fetched, where they name the person.
func (e *eraser) elsewhere(ctx context.Context) error {
	for _, name := range []string{store.Notes, store.Parked, store.Errands} {
		c := e.j.deps.Store.C(name)
		var ids []string
		err := c.Each(ctx, bson.D{}, func(raw bson.Raw) error {
			if e.names(raw) {
				ids = append(ids, raw.Lookup("_id").StringValue())
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("look for a person in %s: %w", name, err)
		}
		if err := deleteAll(ctx, c, ids); err != nil {
			return fmt.Errorf("remove a person from %s: %w", name, err)
		}
	}
	return nil
}

func (e *eraser) names(raw []byte) bool {
	for _, w := range e.words {
		if bytes.Contains(raw, w) {
			return true
		}
	}
	return false
}

func deleteAll(ctx context.Context, c store.Collection, ids []string) error {
	const some = 200
	for len(ids) > 0 {
		n := min(some, len(ids))
		if _, err := c.Delete(ctx, idIn(ids[:n])); err != nil {
			return err
		}
		ids = ids[n:]
	}
	return nil
}
