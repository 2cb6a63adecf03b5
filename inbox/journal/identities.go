package journal

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/parley-hub/parley/inbox"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// Conflict says that an identity is another person's.
type Conflict struct{ Person timeline.PersonID }

func (c *Conflict) Error() string { return "journal: the identity is another person's" }

// AddIdentity gives a person an identity that one of us vouches for. What is another's is a
// *Conflict, and is suggested as a merge of the two. An identity that only was claimed before
// becomes vouched for.
func (j *Journal) AddIdentity(ctx context.Context, p timeline.PersonID, i timeline.Identity) error {
	free, err := j.lockMerges(ctx) // no merge moves identities meanwhile
	if err != nil {
		return err
	}
	defer free()
	who, err := ReadPerson(ctx, j.deps.Store, p)
	if err != nil {
		return err
	}
	if who.Erased != nil {
		return ErrErasing
	}
	c, now := j.deps.Store.C(store.Identities), j.now()
	err = c.Insert(ctx, timeline.Known{ID: i.ID(), Identity: i, Person: who.ID, FirstAt: now, LastAt: now})
	if err == nil || !store.IsDuplicate(err, "_id_") {
		return wrap("add an identity", err)
	}
	var known timeline.Known
	if err := c.One(ctx, byID(i.ID()), &known); err != nil {
		return fmt.Errorf("read an identity: %w", err)
	}
	owner, err := ReadPerson(ctx, j.deps.Store, known.Person)
	switch {
	case isMissing(err): // a crash came between the identity and its person
		owner = timeline.Person{ID: known.Person}
	case err != nil:
		return err
	}
	if owner.ID != who.ID {
		if err := j.Suggest(ctx, who.ID, owner.ID, timeline.Evidence{Kind: i.Scheme, How: inbox.EvidenceAgent, Value: i.Value}); err != nil {
			return err
		}
		return &Conflict{Person: owner.ID}
	}
	if known.Identity.Proof.Verified() {
		return nil
	}
	_, err = c.Update(ctx, byID(known.ID), set(bson.E{Key: "identity.proof", Value: string(i.Proof)}))
	return wrap("vouch for an identity", err)
}

// RemoveIdentity takes an identity from a person; store.ErrNotFound if it is not theirs. What
// comes from it later begins somebody new.
func (j *Journal) RemoveIdentity(ctx context.Context, p timeline.PersonID, id timeline.IdentityID) error {
	free, err := j.lockMerges(ctx)
	if err != nil {
		return err
	}
	defer free()
	n, err := j.deps.Store.C(store.Identities).Delete(ctx, bson.D{{Key: "_id", Value: string(id)}, {Key: "person", Value: string(p)}})
	if err != nil {
		return fmt.Errorf("remove an identity: %w", err)
	}
	if n == 0 {
		return fmt.Errorf("remove an identity: %w", store.ErrNotFound)
	}
	return j.bumpEpoch(ctx)
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// suggestion is a pair of persons who may be one, for people to decide.
type suggestion struct {
	ID       string              `json:"id" bson:"_id"` // the two persons, in order
	Persons  []timeline.PersonID `json:"persons"`
	Evidence []timeline.Evidence `json:"evidence"`
	Score    int                 `json:"score"` // 0 to 100
	At       time.Time           `json:"at"`    // of the first reason
	N        int                 `json:"n"`     // counts changes
}

// suggestTries is how often a suggestion that others change at the same time is tried.
const suggestTries = 8

// Suggest notes a reason to think that two persons are one. It merges nobody. A reason that
// is known changes nothing; what people dismissed stays dismissed.
func (j *Journal) Suggest(ctx context.Context, a, b timeline.PersonID, why timeline.Evidence) error {
	two := []timeline.PersonID{a, b}
	slices.Sort(two)
	if a == b {
		return nil
	}
	c := j.deps.Store.C(store.Suggestions)
	id := string(two[0]) + "|" + string(two[1])
	for range suggestTries {
		var was suggestion
		err := c.One(ctx, byID(id), &was)
		switch {
		case isMissing(err):
			s := suggestion{ID: id, Persons: two, Evidence: []timeline.Evidence{why}, At: j.now()}
			s.Score = inbox.Likeness(s.Evidence)
			if err = c.Insert(ctx, s); err == nil {
				return nil
			}
			if !store.IsDuplicate(err, "_id_") {
				return fmt.Errorf("suggest that two persons are one: %w", err)
			}
			continue
		case err != nil:
			return fmt.Errorf("read a suggestion: %w", err)
		}
		if slices.ContainsFunc(was.Evidence, func(e timeline.Evidence) bool { return e.Kind == why.Kind && e.How == why.How && e.Value == why.Value }) || len(was.Evidence) >= maxEvidence {
			return nil
		}
		all := append(was.Evidence, why)
		n, err := c.Update(ctx, bson.D{{Key: "_id", Value: id}, {Key: "n", Value: was.N}},
			set(bson.E{Key: "evidence", Value: all}, bson.E{Key: "score", Value: inbox.Likeness(all)}, bson.E{Key: "n", Value: was.N + 1}))
		if err != nil || n > 0 {
			return wrap("add to a suggestion", err)
		}
	}
	return errStale
}

// maxEvidence is how many reasons are kept for one pair: more make nothing clearer.
const maxEvidence = 20
