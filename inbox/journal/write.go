package journal

import (
	"context"
	"errors"
	"fmt"

	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"go.mongodb.org/mongo-driver/v2/bson"
)

func isMissing(err error) bool { return errors.Is(err, store.ErrNotFound) }

// write makes the groups' plans durable: events first, so that they exist before anything
// speaks of them; then conversations, each only if nobody else wrote it; then the messages
// that changed. Groups that lost to another writer are returned as stale.
func (w *writer) write(ctx context.Context, groups []*group) (ok, stale []*group, err error) {
	lost := map[*group]bool{}
	if err := w.writeEvents(ctx, groups, lost); err != nil {
		return nil, nil, err
	}
	if err := w.writeConversations(ctx, groups, lost); err != nil {
		return nil, nil, err
	}
	for _, g := range groups {
		if lost[g] {
			stale = append(stale, g)
		} else {
			ok = append(ok, g)
		}
	}
	if err := w.writeChanges(ctx, ok); err != nil {
		return nil, nil, err
	}
	return ok, stale, nil
}

// batch is writes of one collection and whose each of them is.
type batch struct {
	writes []store.Write
	of     []*group
}

func (b *batch) add(g *group, w store.Write) {
	b.writes = append(b.writes, w)
	b.of = append(b.of, g)
}

// run does the writes and hands each refused one to f.
func (b *batch) run(ctx context.Context, c store.Collection, doing string, f func(i int, err error) error) error {
	if len(b.writes) == 0 {
		return nil
	}
	errs, err := c.Bulk(ctx, b.writes...)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	for i, err := range errs {
		if err == nil {
			continue
		}
		if err := f(i, err); err != nil {
			return fmt.Errorf("%s: %w", doing, err)
		}
	}
	return nil
}

func (w *writer) writeEvents(ctx context.Context, groups []*group, lost map[*group]bool) error {
	var b batch
	for _, g := range groups {
		for i := range g.s.inserts {
			b.add(g, store.Write{Insert: &g.s.inserts[i]})
		}
	}
	return b.run(ctx, w.j.deps.Store.C(store.Events), "insert events", func(i int, err error) error {
		if !store.IsDuplicate(err, "") {
			return err
		}
		lost[b.of[i]] = true
		return nil
	})
}

func (w *writer) writeConversations(ctx context.Context, groups []*group, lost map[*group]bool) error {
	var b batch
	for _, g := range groups {
		s := g.s
		switch {
		case lost[g], s.conv == nil:
		case s.base == nil:
			b.add(g, store.Write{Insert: s.conv})
		default:
			if u := diff(s.base, s.conv); len(u) > 0 {
				b.add(g, store.Write{Filter: bson.D{{Key: "_id", Value: string(s.id)}, {Key: "seq", Value: s.base.Seq}}, Update: u})
			}
		}
	}
	return b.run(ctx, w.j.deps.Store.C(store.Conversations), "write conversations", func(i int, err error) error {
		g := b.of[i]
		switch {
		case store.IsDuplicate(err, "number"):
			n, err := w.j.number(ctx, 1)
			if err != nil {
				return err
			}
			w.numbers[g.id] = n
		case !store.IsDuplicate(err, "") && !errors.Is(err, store.ErrNoMatch):
			return err
		}
		lost[g] = true
		return nil
	})
}

// number gives out n numbers for conversations and returns the last of them. Those that end
// up unused are gaps.
func (j *Journal) number(ctx context.Context, n int) (int64, error) {
	var c struct {
		N int64 `json:"n"`
	}
	err := j.deps.Store.C(store.Counters).Modify(ctx, byID("conversation"), bson.D{{Key: "$inc", Value: bson.D{{Key: "n", Value: int64(n)}}}}, true, &c)
	if err != nil {
		return 0, fmt.Errorf("give out numbers: %w", err)
	}
	return c.N, nil
}

// writeChanges writes folded messages and what belongs to them. Each of these writes is
// idempotent, and the commands come again if it was not reached.
func (w *writer) writeChanges(ctx context.Context, groups []*group) error {
	for _, f := range []func(context.Context, []*group) error{w.writeMessages, w.writePending, w.writeAliases, w.writeThreads} {
		if err := f(ctx, groups); err != nil {
			return err
		}
	}
	for _, g := range groups {
		for _, r := range g.s.unsent {
			if err := w.redact(ctx, g.s, r); err != nil {
				return err
			}
		}
		if err := w.j.discard(ctx, g.s.loose); err != nil {
			return err
		}
		if g.s.erased != nil {
			if err := w.tombstone(ctx, g.s, *g.s.erased); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *writer) writeMessages(ctx context.Context, groups []*group) error {
	var b batch
	var of []*known
	for _, g := range groups {
		for _, k := range g.s.dirty {
			b.add(g, k.write())
			of = append(of, k)
		}
	}
	var again []int
	err := b.run(ctx, w.j.deps.Store.C(store.Events), "write messages", func(i int, err error) error {
		if !errors.Is(err, store.ErrNoMatch) {
			return err
		}
		again = append(again, i)
		return nil
	})
	if err != nil {
		return err
	}
	for _, k := range of {
		k.Folds++
		k.dirty = false
	}
	for _, i := range again {
		if err := w.foldAgain(ctx, b.of[i].s, of[i]); err != nil {
			return err
		}
	}
	return nil
}

// write is the compare-and-set of a changed message.
func (k *known) write() store.Write {
	filter := bson.D{{Key: "_id", Value: string(k.ID)}}
	if k.Folds == 0 {
		filter = append(filter, bson.E{Key: "folds", Value: bson.D{{Key: "$exists", Value: false}}})
	} else {
		filter = append(filter, bson.E{Key: "folds", Value: k.Folds})
	}
	fields := []bson.E{{Key: "message", Value: k.Message}, {Key: "folds", Value: k.Folds + 1}}
	if k.Remote != "" {
		fields = append(fields, bson.E{Key: "remote", Value: string(k.Remote)})
	}
	return store.Write{Filter: filter, Update: set(fields...)}
}

// foldAgain folds a conversation's events once more into a message that another writer
// changed meanwhile. Folding is commutative and idempotent, so nothing is lost or doubled.
func (w *writer) foldAgain(ctx context.Context, s *state, k *known) error {
	for range maxRounds {
		var m message
		if err := w.j.deps.Store.C(store.Events).One(ctx, byID(k.ID), &m); err != nil {
			return fmt.Errorf("read a message again: %w", err)
		}
		if err := w.refold(ctx, s, &m); err != nil {
			return err
		}
		k.message = m
		u := k.write()
		n, err := w.j.deps.Store.C(store.Events).Update(ctx, u.Filter, u.Update)
		if err != nil {
			return fmt.Errorf("write a message again: %w", err)
		}
		if n > 0 {
			k.Folds++
			s.retarget(&k.Event)
			return nil
		}
	}
	return errStale
}

// retarget shows a message as it is stored in what is about to be published of it.
func (s *state) retarget(m *timeline.Event) {
	now := *m
	for i := range s.entries {
		if t := s.entries[i].Target; t != nil && t.ID == now.ID {
			s.entries[i].Target = &now
		}
	}
}

// refold takes every later event of the conversation that refers to a message into it.
func (w *writer) refold(ctx context.Context, s *state, m *message) error {
	var all []message
	err := w.j.deps.Store.C(store.Events).All(ctx, bson.D{{Key: "conversation", Value: string(s.id)}, {Key: "seq", Value: bson.D{{Key: "$gt", Value: m.Seq}}}}, &all)
	if err != nil {
		return fmt.Errorf("read what changed a message: %w", err)
	}
	for i := range all {
		if all[i].Message == nil && refers(&all[i].Event, &m.Event) {
			foldInto(&m.Event, &all[i].Event)
		}
	}
	return nil
}

func (w *writer) writePending(ctx context.Context, groups []*group) error {
	var b batch
	var met []timeline.EventID
	for _, g := range groups {
		for i := range g.s.held {
			b.add(g, store.Write{Insert: &g.s.held[i]})
		}
		met = append(met, g.s.met...)
	}
	c := w.j.deps.Store.C(store.Pending)
	if err := b.run(ctx, c, "keep pending events", ignoreRepeats); err != nil {
		return err
	}
	if len(met) == 0 {
		return nil
	}
	if _, err := c.Delete(ctx, idIn(met)); err != nil {
		return fmt.Errorf("drop pending events: %w", err)
	}
	return nil
}

func ignoreRepeats(_ int, err error) error {
	if store.IsDuplicate(err, "_id_") || errors.Is(err, store.ErrNoMatch) {
		return nil
	}
	return err
}

func (w *writer) writeAliases(ctx context.Context, groups []*group) error {
	var b batch
	for _, g := range groups {
		for i := range g.s.names {
			b.add(g, store.Write{Insert: &g.s.names[i]})
		}
	}
	return b.run(ctx, w.j.deps.Store.C(store.Aliases), "write aliases", ignoreRepeats)
}

// writeThreads remembers the conversation of legs that were attached. Resolve usually has done so.
func (w *writer) writeThreads(ctx context.Context, groups []*group) error {
	var b batch
	for _, g := range groups {
		for leg, fresh := range g.s.legs {
			fields := bson.D{{Key: "conversation", Value: string(g.id)}, {Key: "at", Value: w.j.now()}}
			u := bson.D{{Key: "$setOnInsert", Value: fields}}
			if fresh {
				u[0].Key = "$set"
			}
			b.add(g, store.Write{Filter: byID(leg), Update: u, Upsert: true})
		}
	}
	return b.run(ctx, w.j.deps.Store.C(store.Threads), "write threads", ignoreRepeats)
}
