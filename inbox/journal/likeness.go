package journal

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/parley-hub/parley/inbox"
	"github.com/parley-hub/parley/internal/bus"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// Likeness looks in what happens for reasons to think that two persons are one, and suggests
// them. It merges nobody, and stands in nobody's way: it follows the timeline.
func (j *Journal) Likeness(ctx context.Context, run []bus.Record[timeline.Entry]) error {
	for i := range run {
		e := &run[i].Value
		if e.Repeat || e.Conversation.Person == "" {
			continue
		}
		if inbox.Speaks(&e.Event) && e.Event.Message != nil {
			if err := j.mentions(ctx, e, e.Event.Message.Text, inbox.EvidenceSaid); err != nil {
				return fmt.Errorf("likeness: %w", err)
			}
		}
		if isProfile(&e.Event) || e.Conversation.InCount == 1 && e.Event.Direction == timeline.In {
			if err := j.profile(ctx, e); err != nil {
				return fmt.Errorf("likeness: %w", err)
			}
		}
	}
	return nil
}

// mentions suggests those whose verified addresses are in a text.
func (j *Journal) mentions(ctx context.Context, e *timeline.Entry, text, how string) error {
	said := inbox.Said(text)
	if len(said) == 0 {
		return nil
	}
	var ids []timeline.IdentityID
	for _, i := range said {
		ids = append(ids, i.ID())
	}
	var known []timeline.Known
	if err := j.deps.Store.C(store.Identities).All(ctx, idIn(ids), &known); err != nil {
		return fmt.Errorf("read whose addresses were said: %w", err)
	}
	for _, k := range known {
		if !k.Identity.Proof.Verified() {
			continue
		}
		why := timeline.Evidence{Kind: k.Identity.Scheme, How: how, Value: k.Identity.Value, Event: e.Event.ID}
		if err := j.maybe(ctx, e.Conversation.Person, k.Person, why); err != nil {
			return err
		}
	}
	return nil
}

// maybe suggests two persons unless they are one by now, or one is being erased.
func (j *Journal) maybe(ctx context.Context, a, b timeline.PersonID, why timeline.Evidence) error {
	var two [2]timeline.PersonID
	for i, id := range []timeline.PersonID{a, b} {
		p, err := ReadPerson(ctx, j.deps.Store, id)
		if isMissing(err) || (err == nil && p.Erased != nil) {
			return nil
		}
		if err != nil {
			return err
		}
		two[i] = p.ID
	}
	return j.Suggest(ctx, two[0], two[1], why)
}

// namesakes is how many persons of one name are compared: of a name that more have, it says little.
const namesakes = 20

// profile compares what is known of a person with others.
func (j *Journal) profile(ctx context.Context, e *timeline.Entry) error {
	p, err := ReadPerson(ctx, j.deps.Store, e.Conversation.Person)
	if isMissing(err) || (err == nil && p.Erased != nil) {
		return nil
	}
	if err != nil {
		return err
	}
	var held []string
	for _, v := range p.Profile.Extra {
		held = append(held, v)
	}
	slices.Sort(held)
	if err := j.mentions(ctx, e, strings.Join(held, "\n"), inbox.EvidenceProfile); err != nil {
		return err
	}
	if !strings.Contains(strings.TrimSpace(p.Profile.Name), " ") {
		return nil
	}
	var others []timeline.Person
	if err := j.deps.Store.C(store.Persons).All(ctx, bson.D{{Key: "profile.name", Value: p.Profile.Name}}, &others, store.Find{Limit: namesakes + 1}); err != nil {
		return fmt.Errorf("read persons of one name: %w", err)
	}
	if len(others) > namesakes {
		return nil
	}
	for i := range others {
		o := &others[i]
		if o.ID == p.ID || o.MergedInto != "" || o.Erased != nil {
			continue
		}
		same, err := j.samePicture(ctx, p.Profile.Avatar, o.Profile.Avatar)
		if err != nil {
			return err
		}
		for _, why := range inbox.Alike(&p, o, same) {
			if err := j.Suggest(ctx, p.ID, o.ID, why); err != nil {
				return err
			}
		}
	}
	return nil
}

// samePicture reports whether two files, or two addresses, are one picture.
func (j *Journal) samePicture(ctx context.Context, a, b string) (bool, error) {
	if a == "" || b == "" || a == b {
		return a == b && a != "", nil
	}
	var found []struct {
		Sum string `json:"sha256"`
	}
	if err := j.deps.Store.C(store.Files).All(ctx, idIn([]string{a, b}), &found); err != nil {
		return false, fmt.Errorf("compare pictures: %w", err)
	}
	return len(found) == 2 && found[0].Sum != "" && found[0].Sum == found[1].Sum, nil
}
