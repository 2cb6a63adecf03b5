package journal

import (
	"context"
	"fmt"
	"slices"

	"github.com/parley-hub/parley/inbox"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// Undo takes a merge apart: identities, heads, persons and conversations are as they were.
// What was said meanwhile stays where it was said. ErrUndone if it was undone before;
// store.ErrNotFound if there is no such merge.
func (j *Journal) Undo(ctx context.Context, id string, by timeline.Actor) error {
	free, err := j.lockMerges(ctx)
	if err != nil {
		return err
	}
	defer free()
	var m Merged
	merges := j.deps.Store.C(store.Merges)
	if err := merges.One(ctx, byID(id), &m); err != nil {
		return fmt.Errorf("read merge %s: %w", id, err)
	}
	var p timeline.Person
	if err := j.deps.Store.C(store.Persons).One(ctx, byID(m.From), &p); err != nil {
		return fmt.Errorf("read person %s: %w", m.From, err)
	}
	if m.UndoneAt != nil && p.MergedInto == "" {
		return ErrUndone
	}
	told, err := j.entered(ctx, &m)
	if err != nil {
		return err
	}
	if m.UndoneAt == nil {
		now := j.now()
		m.UndoneAt, m.UndoneBy = &now, &by
		if _, err := merges.Update(ctx, byID(id), set(bson.E{Key: "undoneAt", Value: now}, bson.E{Key: "undoneBy", Value: by})); err != nil {
			return fmt.Errorf("record the undoing: %w", err)
		}
	}
	return j.takeApart(ctx, &m, &p, told)
}

// entered reads what a merge did to conversations; ErrBusy until the writer has entered all of it.
func (j *Journal) entered(ctx context.Context, m *Merged) ([]message, error) {
	cs, err := j.conversations(ctx, m)
	if err != nil {
		return nil, err
	}
	ids := make([]timeline.EventID, 0, len(cs))
	for i := range cs {
		ids = append(ids, m.eventID("merge", cs[i].ID))
	}
	var found []message
	if err := j.deps.Store.C(store.Events).All(ctx, idIn(ids), &found); err != nil {
		return nil, fmt.Errorf("read what a merge did: %w", err)
	}
	for i := range cs {
		there := slices.ContainsFunc(found, func(f message) bool { return f.Conversation == cs[i].ID })
		if !there && (m.isHead(cs[i].ID) || cs[i].Person == m.From) {
			return nil, ErrBusy
		}
	}
	return found, nil
}

// takeApart does the steps of a merge backwards; the person is freed last, so that an
// interrupted undoing can be asked for again.
func (j *Journal) takeApart(ctx context.Context, m *Merged, from *timeline.Person, told []message) error {
	root, err := ReadPerson(ctx, j.deps.Store, m.Into) // Into may have been merged itself since
	if err != nil {
		return err
	}
	if err := j.repoint(ctx, m, root.ID, m.From); err != nil {
		return err
	}
	for _, h := range m.Heads {
		if err := j.restoreHeads(ctx, m, h); err != nil {
			return err
		}
	}
	if err := j.tellUndone(ctx, m, from, &root, told); err != nil {
		return err
	}
	if _, err := j.deps.Store.C(store.Persons).Update(ctx, byID(m.From), bson.D{{Key: "$unset", Value: bson.D{{Key: "mergedInto", Value: ""}}}}); err != nil {
		return fmt.Errorf("free a person: %w", err)
	}
	return j.bumpEpoch(ctx)
}

// restoreHeads gives each person their conversation back. Where a new one began since, the
// survivor's person keeps it.
func (j *Journal) restoreHeads(ctx context.Context, m *Merged, h MergedHead) error {
	var now head
	err := j.deps.Store.C(store.Heads).One(ctx, byID(headID(m.Into, h.Queue)), &now)
	if err != nil && !isMissing(err) {
		return fmt.Errorf("read a head: %w", err)
	}
	from, into := head{Conversation: h.From, Number: h.FromNo}, head{Conversation: h.Into, Number: h.IntoNo}
	if err == nil && now.Conversation != h.Survivor && now.Conversation != h.Into {
		into = now // theirs since
	}
	return j.putHeads(ctx, m, h.Queue, from, into)
}

// tellUndone asks the writer to give the conversations back.
func (j *Journal) tellUndone(ctx context.Context, m *Merged, from, into *timeline.Person, told []message) error {
	var out []timeline.Command
	for i := range told {
		e := *told[i].Merge
		e.Undone, e.Name = true, into.Name
		if e.Back {
			e.Name = from.Name
		}
		out = append(out, m.command("unmerge", told[i].Conversation, timeline.KindMerge, func(ev *timeline.Event) { ev.Merge = &e }))
	}
	for _, h := range m.Heads {
		if h.Closed != "" {
			out = append(out, m.command("unmerge-open", h.Closed, timeline.KindStatus, func(ev *timeline.Event) {
				ev.Status = &timeline.Status{To: h.Was, Until: h.Until, Why: inbox.WhyUnmerged}
			}))
		}
	}
	return j.ask(ctx, out)
}
