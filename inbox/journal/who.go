package journal

import (
	"context"
	"fmt"
	"slices"

	"github.com/oklog/ulid/v2"
	"github.com/parley-hub/parley/inbox"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// join is what two identities of one event say about two persons.
type join struct {
	q    *quest
	a, b timeline.PersonID // the peer's and the link's
	link timeline.Identity
	sure bool // the link is verified: merge; else suggest
}

func (f *finder) readIdentities(ctx context.Context) error {
	var ids []timeline.IdentityID
	add := func(i timeline.Identity) {
		if id := i.ID(); id != "" && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	for _, q := range f.quests {
		add(q.peer)
		for _, l := range q.links {
			add(l)
		}
	}
	return f.readKnown(ctx, ids)
}

func (f *finder) readKnown(ctx context.Context, ids []timeline.IdentityID) error {
	var found []timeline.Known
	if err := f.store(store.Identities).All(ctx, idIn(ids), &found); err != nil {
		return fmt.Errorf("read identities: %w", err)
	}
	for i := range found {
		f.known[found[i].ID] = &found[i]
	}
	return nil
}

// who decides whose each event is. Only verified links decide or join persons; an unverified
// one is no more than a suggestion, and claims no identity for anybody.
func (f *finder) who(context.Context) error {
	for _, q := range f.quests {
		var linked timeline.PersonID
		var by timeline.Identity
		for _, l := range q.links {
			if k := f.known[l.ID()]; k != nil && l.Proof.Verified() && linked == "" {
				linked, by = k.Person, l
			}
		}
		peer := f.known[q.peer.ID()]
		switch {
		case peer == nil && linked != "":
			q.person = linked
			f.claims = append(f.claims, join{q: q, a: linked, link: q.peer})
		case peer == nil:
			q.person = timeline.PersonID(ulid.Make().String())
			f.made[q.person] = true
			f.learn(q.peer, q.person)
		case linked != "" && linked != peer.Person:
			q.person = peer.Person
			f.joins = append(f.joins, join{q: q, a: peer.Person, b: linked, link: by, sure: true})
		default:
			q.person = peer.Person
		}
		f.links(q)
	}
	return nil
}

// links learns verified identities nobody had, and notes what unverified ones suggest.
func (f *finder) links(q *quest) {
	for _, l := range q.links {
		k := f.known[l.ID()]
		switch {
		case l.ID() == "":
		case k == nil && l.Proof.Verified() && strong(l) && !f.made[q.person]:
			f.claims = append(f.claims, join{q: q, a: q.person, link: l})
		case k == nil && l.Proof.Verified():
			f.learn(l, q.person)
		case k != nil && k.Person != q.person && !l.Proof.Verified():
			f.joins = append(f.joins, join{q: q, a: q.person, b: k.Person, link: l})
		}
	}
}

// claim gives new verified identities to known persons, or to new ones where the known one
// cannot be them: somebody else signed in with the same browser.
func (f *finder) claim(ctx context.Context) error {
	for i := range f.claims {
		c := &f.claims[i]
		if k := f.known[c.link.ID()]; k != nil {
			c.q.person = k.Person
			continue
		}
		excluded := false
		if strong(c.link) && !f.made[c.a] {
			s, err := f.standing(ctx, c.a)
			if err != nil {
				return err
			}
			excluded = s.excludes(c.link)
		}
		if excluded {
			c.q.person, c.q.sure = timeline.PersonID(ulid.Make().String()), true
			f.made[c.q.person] = true
		}
		f.learn(c.link, c.q.person)
	}
	return nil
}

func (f *finder) learn(i timeline.Identity, p timeline.PersonID) {
	k := &timeline.Known{ID: i.ID(), Identity: i, Person: p, FirstAt: f.now, LastAt: f.now}
	f.known[k.ID] = k
	f.fresh = append(f.fresh, k)
}

// writeIdentities makes the identities; who inserts first decides whose they are. A new
// person who lost is the winner's from then on.
func (f *finder) writeIdentities(ctx context.Context) error {
	var b batch
	for _, k := range f.fresh {
		b.add(nil, store.Write{Insert: k})
	}
	var lost []*timeline.Known
	err := b.run(ctx, f.store(store.Identities), "make identities", func(i int, err error) error {
		if !store.IsDuplicate(err, "_id_") {
			return err
		}
		lost = append(lost, f.fresh[i])
		return nil
	})
	if err != nil || len(lost) == 0 {
		return err
	}
	var ids []timeline.IdentityID
	for _, k := range lost {
		ids = append(ids, k.ID)
	}
	if err := f.readKnown(ctx, ids); err != nil {
		return err
	}
	for _, k := range lost {
		if err := f.yield(ctx, k.Person, f.known[k.ID].Person); err != nil {
			return err
		}
	}
	return nil
}

// yield gives what was meant for a person who was never made to the one who won.
func (f *finder) yield(ctx context.Context, from, to timeline.PersonID) error {
	if !f.made[from] || from == to {
		return nil
	}
	delete(f.made, from)
	for _, q := range f.quests {
		if q.person == from {
			q.person = to
		}
	}
	for _, k := range f.fresh {
		if k.Person != from || f.known[k.ID] != k {
			continue
		}
		k.Person = to
		if _, err := f.store(store.Identities).Update(ctx, bson.D{{Key: "_id", Value: string(k.ID)}, {Key: "person", Value: string(from)}},
			set(bson.E{Key: "person", Value: string(to)})); err != nil {
			return fmt.Errorf("give an identity to its person: %w", err)
		}
	}
	return nil
}

// joined reports whether two persons are being made one by this run.
func (f *finder) joined(a, b timeline.PersonID) bool {
	return slices.ContainsFunc(f.joins, func(j join) bool {
		return j.sure && ((j.a == a && j.b == b) || (j.a == b && j.b == a))
	})
}

// join merges persons whom a verified link shows to be one, and suggests the others.
func (f *finder) join(ctx context.Context) error {
	for _, jn := range f.joins {
		if jn.a == jn.b {
			continue
		}
		if !jn.sure {
			if err := f.suggest(ctx, jn, inbox.EvidenceLinked); err != nil {
				return err
			}
			continue
		}
		if err := f.merge(ctx, jn); err != nil {
			return err
		}
	}
	return nil
}

// merge joins two persons, unless each has a strong identity that excludes the other, such as
// two user accounts of one site: then a browser is shared, and the event is whose the
// stronger identity is.
func (f *finder) merge(ctx context.Context, jn join) error {
	a, err := f.standing(ctx, jn.a)
	if err != nil {
		return err
	}
	b, err := f.standing(ctx, jn.b)
	if err != nil {
		return err
	}
	if a.person.ID == b.person.ID {
		jn.q.person = a.person.ID
		f.persons[a.person.ID] = &a.person
		return nil
	}
	if slices.ContainsFunc(b.verified, a.excludes) {
		if !strong(jn.q.peer) {
			a = b
		}
		jn.q.person, jn.q.sure = a.person.ID, true
		f.persons[a.person.ID] = &a.person
		return f.suggest(ctx, jn, inbox.EvidenceShared)
	}
	from, into := a, b
	if b.lessThan(a) {
		from, into = b, a
	}
	done, err := f.r.j.mergeOnce(ctx, from.person.ID, into.person.ID, timeline.Actor{Kind: timeline.ActorSystem})
	if err != nil {
		return err
	}
	if !done { // somebody undid it: people know better
		return f.suggest(ctx, jn, inbox.EvidenceUndone)
	}
	for _, q := range f.quests {
		if q.person == from.person.ID {
			q.person = into.person.ID
		}
	}
	f.persons[into.person.ID] = &into.person
	return nil
}

// standing is how well a person is known.
type standing struct {
	person   timeline.Person
	verified []timeline.Identity
}

func (f *finder) standing(ctx context.Context, id timeline.PersonID) (standing, error) {
	var s standing
	p, err := ReadPerson(ctx, f.r.j.deps.Store, id)
	if isMissing(err) {
		p, err = timeline.Person{ID: id, CreatedAt: f.now}, nil
	}
	if err != nil {
		return s, err
	}
	s.person = p
	var all []timeline.Known
	if err := f.store(store.Identities).All(ctx, bson.D{{Key: "person", Value: string(p.ID)}}, &all); err != nil {
		return s, fmt.Errorf("read a person's identities: %w", err)
	}
	for _, k := range all {
		if k.Identity.Proof.Verified() {
			s.verified = append(s.verified, k.Identity)
		}
	}
	return s, nil
}

// lessThan reports whether one person is less established than another: fewer strong, then
// fewer verified identities, then no name of their own, then younger.
func (s standing) lessThan(t standing) bool {
	named := func(x standing) bool { return x.person.Profile.Name != "" }
	switch {
	case s.strong() != t.strong():
		return s.strong() < t.strong()
	case len(s.verified) != len(t.verified):
		return len(s.verified) < len(t.verified)
	case named(s) != named(t):
		return named(t)
	}
	return s.person.ID > t.person.ID
}

func (s standing) strong() (n int) {
	for _, i := range s.verified {
		if strong(i) {
			n++
		}
	}
	return n
}

// strong reports whether an identity is one that an account gives a person only one of, and
// for which somebody signed. A browser's token is not: people have several.
func strong(i timeline.Identity) bool {
	return i.Account != "" && (i.Proof == timeline.ProofSigned || i.Proof == timeline.ProofAgent)
}

// excludes reports whether a person cannot be whom an identity names, because theirs of that
// kind is another.
func (s standing) excludes(i timeline.Identity) bool {
	return strong(i) && slices.ContainsFunc(s.verified, func(a timeline.Identity) bool {
		return strong(a) && a.Account == i.Account && a.Scheme == i.Scheme && a.Value != i.Value
	})
}

// suggest leaves it to people whether two persons are one.
func (f *finder) suggest(ctx context.Context, jn join, how string) error {
	return f.r.j.Suggest(ctx, jn.a, jn.b, timeline.Evidence{Kind: jn.link.Scheme, How: how, Value: jn.link.Value, Event: jn.q.x.in.Event.ID})
}
