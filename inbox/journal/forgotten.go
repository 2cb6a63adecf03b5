package journal

import (
	"context"
	"fmt"
	"slices"

	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// forgotten drops events that come again of people who were erased: what is on record already,
// and what refers to it. What such a person writes anew begins somebody new.
func (r *resolver) forgotten(ctx context.Context, xs []*inbound) ([]*inbound, error) {
	hashes := map[string]bool{}
	var keys []string
	for _, x := range xs {
		if h := r.j.hash(x.in.Peer.ID()); !hashes[h] {
			hashes[h] = true
			keys = append(keys, h)
		}
	}
	clear(hashes)
	var found []struct {
		ID string `json:"id" bson:"_id"`
	}
	if err := r.j.deps.Store.C(store.Erased).All(ctx, idIn(keys), &found); err != nil {
		return nil, fmt.Errorf("look who was erased: %w", err)
	}
	if len(found) == 0 {
		return xs, nil
	}
	for _, f := range found {
		hashes[f.ID] = true
	}
	var theirs []*inbound
	for _, x := range xs {
		if hashes[r.j.hash(x.in.Peer.ID())] {
			theirs = append(theirs, x)
		}
	}
	gone, err := r.again(ctx, theirs)
	if err != nil {
		return nil, err
	}
	drop := func(x *inbound) bool { return gone[x] }
	r.run = slices.DeleteFunc(r.run, drop)
	return slices.DeleteFunc(xs, drop), nil
}

// again picks from events of erased people those that tell nothing new.
func (r *resolver) again(ctx context.Context, xs []*inbound) (map[*inbound]bool, error) {
	var events []timeline.EventID
	var peers []timeline.IdentityID
	for _, x := range xs {
		events, peers = append(events, x.in.Event.ID, r.j.unnamed(x.in.Event.ID)), append(peers, x.in.Peer.ID())
	}
	at, err := r.places(ctx, events, nil)
	if err != nil {
		return nil, err
	}
	var known []timeline.Known
	if err := r.j.deps.Store.C(store.Identities).All(ctx, idIn(peers), &known, store.Find{Fields: bson.D{{Key: "_id", Value: 1}}}); err != nil {
		return nil, fmt.Errorf("look who came back: %w", err)
	}
	out := map[*inbound]bool{}
	for _, x := range xs {
		back := slices.ContainsFunc(known, func(k timeline.Known) bool { return k.ID == x.in.Peer.ID() })
		out[x] = at[string(x.in.Event.ID)] != "" || at[string(r.j.unnamed(x.in.Event.ID))] != "" || (!back && (targeted(x.in.Event.Kind) || quiet(&x.in.Event)))
	}
	return out, nil
}
