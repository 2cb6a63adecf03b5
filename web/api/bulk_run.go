package api

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/oklog/ulid/v2"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/inbox/views"
	"github.com/parley-hub/parley/internal/auth"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// The pace of bulks.
const (
	bulkPoll  = 250 * time.Millisecond
	bulkLease = 30 * time.Second // who worked on one and died is followed by another
	bulkChunk = 100
)

// itemDoc is one conversation of a bulk. Was is written down before the conversation is asked to
// change, and never again: after a crash it still says how it was before.
type itemDoc struct {
	ID           string                  `json:"id" bson:"_id"`
	Bulk         string                  `json:"bulk"`
	Conversation timeline.ConversationID `json:"conversation"`
	Was          *former                 `json:"was,omitempty"`
}

// former is what a conversation had before a bulk.
type former struct {
	State       timeline.State   `json:"state"`
	SnoozeUntil *time.Time       `json:"snoozeUntil,omitempty"`
	Assignee    timeline.AgentID `json:"assignee"`
	Team        timeline.TeamID  `json:"team"`
	Labels      []string         `json:"labels,omitempty"`
	Priority    int              `json:"priority"`
	Read        int64            `json:"read"`   // the agent's mark
	ReadTo      int64            `json:"readTo"` // where the bulk moves it
}

func formerOf(c *timeline.Conversation, read int64) *former {
	return &former{State: c.State, SnoozeUntil: c.SnoozeUntil, Assignee: c.Assignee, Team: c.Team, Labels: c.Labels, Priority: c.Priority, Read: read, ReadTo: c.Seq}
}

var errBulkLost = errors.New("api: the bulk was stopped, or another node does it")

// RunBulks does what was asked for of many conversations until ctx ends. Several nodes may.
func (s *Server) RunBulks(ctx context.Context) {
	t := time.NewTicker(bulkPoll)
	defer t.Stop()
	var swept time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		err := s.DoBulks(ctx)
		if now := time.Now(); now.Sub(swept) > bulkExpiry {
			swept, err = now, errors.Join(err, s.sweepBulks(ctx))
		}
		if err != nil && ctx.Err() == nil {
			s.Log.Warn("a change of many conversations halts; tried again", "err", err)
		}
	}
}

// DoBulks works once on everything that is due.
func (s *Server) DoBulks(ctx context.Context) error {
	var due []bulkDoc
	err := s.bulks().All(ctx, bson.D{{Key: "dueAt", Value: bson.D{{Key: "$lte", Value: s.now()}}}}, &due,
		store.Find{Sort: bson.D{{Key: "dueAt", Value: 1}, {Key: "_id", Value: 1}}, Limit: 10})
	if err != nil {
		return fmt.Errorf("api: read bulks: %w", err)
	}
	var failed []error
	for i := range due {
		w := &bulkWork{Server: s, d: &due[i]}
		if err := w.run(ctx); err != nil && !errors.Is(err, errBulkLost) {
			failed = append(failed, fmt.Errorf("api: bulk %s: %w", due[i].ID, err))
		}
	}
	return errors.Join(failed...)
}

// bulkWork is a bulk that this node has claimed.
type bulkWork struct {
	*Server
	d   *bulkDoc
	who *auth.Principal
}

func (w *bulkWork) run(ctx context.Context) error {
	if err := w.save(ctx); err != nil { // claims it
		return err
	}
	a, err := w.Auth.Agent(ctx, w.d.Agent)
	if err != nil {
		return err
	}
	w.who = auth.PrincipalOf(a)
	ctx = context.WithValue(ctx, callerKey{}, &caller{Principal: w.who})
	for w.d.DueAt != nil {
		if err := w.step(ctx); err != nil {
			return err
		}
		if err := w.save(ctx); err != nil {
			return err
		}
		if w.Tell != nil {
			w.Tell(w.d.Agent, map[string]any{"type": "bulk", "bulk": w.d.view(w.now())})
		}
	}
	return nil
}

// step does one chunk of work.
func (w *bulkWork) step(ctx context.Context) error {
	if w.d.State == bulkRunning {
		return w.collect(ctx)
	}
	return w.apply(ctx)
}

// save writes down how far it is, unless it is no longer this node's; while there is work to do
// it is claimed for a while more.
func (w *bulkWork) save(ctx context.Context) error {
	d := w.d
	was := d.DueAt
	set := bson.D{{Key: "state", Value: d.State}, {Key: "last", Value: d.Last}, {Key: "total", Value: d.Total}, {Key: "done", Value: d.Done},
		{Key: "changed", Value: d.Changed}, {Key: "skipped", Value: d.Skipped}, {Key: "limited", Value: d.Limited}}
	if d.From != nil {
		set = append(set, bson.E{Key: "from", Value: d.From})
	}
	update := bson.D{}
	if d.Ended != nil {
		d.DueAt = nil
		set = append(set, bson.E{Key: "ended", Value: *d.Ended})
		update = append(update, bson.E{Key: "$unset", Value: bson.D{{Key: "dueAt", Value: ""}}})
	} else {
		until := w.now().Add(bulkLease)
		if !until.After(*was) {
			until = was.Add(time.Millisecond)
		}
		d.DueAt = &until
		set = append(set, bson.E{Key: "dueAt", Value: until})
	}
	n, err := w.bulks().Update(ctx, bson.D{{Key: "_id", Value: d.ID}, {Key: "dueAt", Value: *was}}, append(update, bson.E{Key: "$set", Value: set}))
	if err == nil && n == 0 {
		err = errBulkLost
	}
	return err
}

func (w *bulkWork) end(state string) {
	now := w.now()
	w.d.State, w.d.Ended = state, &now
}

// collect writes down which conversations it is about. Those of a filter are read in the order in
// which nothing that moves is missed: what gets a message meanwhile comes again at the end.
func (w *bulkWork) collect(ctx context.Context) error {
	if w.d.IDs != nil {
		n, err := w.items(ctx, w.d.IDs)
		w.d.Total, w.d.State = n, bulkCollected
		return err
	}
	limit := maxBulk
	r := views.Request{Reader: readerOf(w.who), Scope: limitOf(w.who), See: w.who.CanSee, Sort: views.Oldest, Limit: 200, Now: w.d.At}
	if w.d.All {
		limit, r.Scope, r.See = 1<<31-1, views.Scope{}, nil
	}
	if w.d.From != nil {
		r.From = *w.d.From
	}
	page, err := w.d.Source.Page(ctx, w.Store, r)
	if err != nil {
		return err
	}
	var ids []timeline.ConversationID
	for i := range page.Conversations {
		if c := &page.Conversations[i]; !c.CreatedAt.After(w.d.At) && !slices.Contains(w.d.Except, c.ID) {
			ids = append(ids, c.ID)
		}
	}
	if room := limit - w.d.Total; len(ids) > room {
		ids, w.d.Limited = ids[:room], true
	}
	n, err := w.items(ctx, ids)
	if err != nil {
		return err
	}
	w.d.Total += n
	w.d.From = page.Next
	if page.Next == nil || w.d.Limited {
		w.d.State = bulkCollected
	}
	return nil
}

// items writes conversations down, and says how many were not there yet.
func (w *bulkWork) items(ctx context.Context, ids []timeline.ConversationID) (n int, err error) {
	writes := make([]store.Write, len(ids))
	for i, id := range ids {
		writes[i].Insert = itemDoc{ID: w.d.ID + "|" + string(id), Bulk: w.d.ID, Conversation: id}
	}
	if len(writes) == 0 {
		return 0, nil
	}
	errs, err := w.Store.C(store.BulkItems).Bulk(ctx, writes...)
	if err != nil {
		return 0, err
	}
	for _, err := range errs {
		switch {
		case err == nil:
			n++
		case !store.IsDuplicate(err, ""):
			return 0, err
		}
	}
	return n, nil
}

// apply does a chunk of what was collected.
func (w *bulkWork) apply(ctx context.Context) error {
	var items []itemDoc
	err := w.Store.C(store.BulkItems).All(ctx, bson.D{{Key: "bulk", Value: w.d.ID}, {Key: "_id", Value: bson.D{{Key: "$gt", Value: w.d.Last}}}}, &items,
		store.Find{Sort: bson.D{{Key: "_id", Value: 1}}, Limit: bulkChunk})
	if err != nil {
		return err
	}
	if len(items) == 0 {
		if w.d.State == bulkUndoing {
			w.end(bulkUndone)
		} else {
			w.d.Total = w.d.Done
			w.end(bulkDone)
		}
		return nil
	}
	cs, err := w.conversations(ctx, items)
	if err != nil {
		return err
	}
	do := w.forth
	if w.d.State == bulkUndoing {
		do = w.back
	}
	changed, err := do(ctx, items, cs)
	if err != nil {
		return err
	}
	w.d.Last = items[len(items)-1].ID
	w.d.Done += len(items)
	w.d.Changed += changed
	w.d.Skipped += len(items) - changed
	return nil
}

// conversations reads those of items that the agent may see.
func (w *bulkWork) conversations(ctx context.Context, items []itemDoc) (map[timeline.ConversationID]*timeline.Conversation, error) {
	ids := make([]string, len(items))
	for i := range items {
		ids[i] = string(items[i].Conversation)
	}
	var list []timeline.Conversation
	if err := w.Store.C(store.Conversations).All(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: ids}}}}, &list); err != nil {
		return nil, err
	}
	out := make(map[timeline.ConversationID]*timeline.Conversation, len(list))
	for i := range list {
		if c := &list[i]; w.d.All || w.who.CanSee(c) {
			out[c.ID] = c
		}
	}
	return out, nil
}

// forth asks for the change of each conversation, and says of how many. What is asked for has the
// same id after a crash: it is done once.
func (w *bulkWork) forth(ctx context.Context, items []itemDoc, cs map[timeline.ConversationID]*timeline.Conversation) (int, error) {
	if err := w.remember(ctx, items, cs); err != nil {
		return 0, err
	}
	var cmds []timeline.Command
	changed := 0
	for i := range items {
		c := cs[items[i].Conversation]
		if c == nil {
			continue
		}
		if w.d.Read {
			if _, err := w.moveMark(ctx, &markInput{ID: string(c.ID), Body: MarkInput{Seq: c.Seq}}); err != nil {
				return 0, err
			}
		}
		more := w.commands(ctx, c, w.d.Change.needed(c), w.d.ID)
		cmds = append(cmds, more...)
		if w.d.Read || len(more) > 0 {
			changed++
		}
	}
	return changed, w.ask(ctx, cmds)
}

func (w *bulkWork) ask(ctx context.Context, cmds []timeline.Command) error {
	if len(cmds) == 0 {
		return nil
	}
	if err := w.Commands.Publish(ctx, cmds...); err != nil {
		return fmt.Errorf("api: asking to change many: %w", err)
	}
	return nil
}

// remember writes down how conversations are before they change.
func (w *bulkWork) remember(ctx context.Context, items []itemDoc, cs map[timeline.ConversationID]*timeline.Conversation) error {
	var list []timeline.Conversation
	for _, c := range cs {
		list = append(list, *c)
	}
	marks, err := w.marks(ctx, w.d.Agent, list)
	if err != nil {
		return err
	}
	var writes []store.Write
	for i := range items {
		c := cs[items[i].Conversation]
		if c == nil || items[i].Was != nil {
			continue
		}
		writes = append(writes, store.Write{Filter: bson.D{{Key: "_id", Value: items[i].ID}},
			Update: bson.D{{Key: "$set", Value: bson.D{{Key: "was", Value: formerOf(c, marks[c.ID].Seq)}}}}})
	}
	if len(writes) == 0 {
		return nil
	}
	errs, err := w.Store.C(store.BulkItems).Bulk(ctx, writes...)
	return errors.Join(append(errs, err)...)
}

// commands are what a change asks of one conversation; none where it cannot be.
func (w *bulkWork) commands(ctx context.Context, c *timeline.Conversation, b ChangeInput, key string) []timeline.Command {
	if b.IfAssignee != nil && *b.IfAssignee != c.Assignee {
		return nil
	}
	events, err := w.changes(ctx, c, b, key)
	if err != nil { // an agent or a team that is gone meanwhile, a time that has passed
		w.Log.InfoContext(ctx, "a conversation of many is left as it is", "bulk", w.d.ID, "conversation", c.ID, "err", err)
		return nil
	}
	var cmds []timeline.Command
	for _, e := range events {
		cmd := timeline.Command{ID: e.ID, Conversation: c.ID, Event: e, At: e.At}
		if e.Kind == timeline.KindAssignment {
			cmd.IfAssignee = b.IfAssignee
		}
		cmds = append(cmds, cmd)
	}
	return cmds
}

// back restores what conversations had, where nobody changed it since.
func (w *bulkWork) back(ctx context.Context, items []itemDoc, cs map[timeline.ConversationID]*timeline.Conversation) (int, error) {
	var cmds []timeline.Command
	restored := 0
	for i := range items {
		c, was := cs[items[i].Conversation], items[i].Was
		if c == nil || was == nil {
			continue
		}
		unread, err := w.unread(ctx, c, was)
		if err != nil {
			return 0, err
		}
		more := w.commands(ctx, c, w.d.Change.undone(c, was, w.now()), w.d.ID+".undo")
		cmds = append(cmds, more...)
		if unread || len(more) > 0 {
			restored++
		}
	}
	return restored, w.ask(ctx, cmds)
}

func (w *bulkWork) unread(ctx context.Context, c *timeline.Conversation, was *former) (bool, error) {
	if !w.d.Read || was.Read >= was.ReadTo {
		return false, nil
	}
	now, err := w.mark(ctx, c.ID, w.d.Agent)
	if err != nil || now.Seq != was.ReadTo {
		return false, err
	}
	_, err = w.moveMark(ctx, &markInput{ID: string(c.ID), Body: MarkInput{Seq: was.Read, Unread: true}})
	return true, err
}

// needed is what of a change is not so already.
func (b ChangeInput) needed(c *timeline.Conversation) ChangeInput {
	out := b
	if b.Assignee != nil && *b.Assignee == c.Assignee {
		out.Assignee = nil
	}
	if b.Team != nil && *b.Team == c.Team {
		out.Team = nil
	}
	if b.Priority != nil && *b.Priority == c.Priority {
		out.Priority = nil
	}
	if b.State != nil && *b.State == c.State && sameTime(b.SnoozeUntil, c.SnoozeUntil) {
		out.State, out.SnoozeUntil = nil, nil
	}
	out.AddLabels = slices.DeleteFunc(slices.Clone(b.AddLabels), func(l string) bool { return slices.Contains(c.Labels, l) })
	out.RemoveLabels = slices.DeleteFunc(slices.Clone(b.RemoveLabels), func(l string) bool { return !slices.Contains(c.Labels, l) })
	return out
}

// undone is the change that gives a conversation back what it had, as far as it still has what
// the change gave it.
func (b ChangeInput) undone(c *timeline.Conversation, was *former, now time.Time) (out ChangeInput) {
	if b.Assignee != nil && c.Assignee == *b.Assignee && was.Assignee != c.Assignee {
		out.Assignee = &was.Assignee
	}
	if b.Team != nil && c.Team == *b.Team && was.Team != c.Team {
		out.Team = &was.Team
	}
	if b.Priority != nil && c.Priority == *b.Priority && was.Priority != c.Priority {
		out.Priority = &was.Priority
	}
	for _, l := range b.AddLabels {
		if slices.Contains(c.Labels, l) && !slices.Contains(was.Labels, l) {
			out.RemoveLabels = append(out.RemoveLabels, l)
		}
	}
	for _, l := range b.RemoveLabels {
		if !slices.Contains(c.Labels, l) && slices.Contains(was.Labels, l) {
			out.AddLabels = append(out.AddLabels, l)
		}
	}
	same := was.State == c.State && sameTime(was.SnoozeUntil, c.SnoozeUntil)
	if b.State != nil && c.State == *b.State && sameTime(b.SnoozeUntil, c.SnoozeUntil) && !same {
		state := was.State
		out.State, out.SnoozeUntil = &state, was.SnoozeUntil
		if was.SnoozeUntil != nil && !was.SnoozeUntil.After(now) { // it would have ended meanwhile
			state, out.SnoozeUntil = timeline.Open, nil
		}
	}
	return out
}

func sameTime(a, b *time.Time) bool {
	if a == nil || b == nil {
		return a == b
	}
	return timeline.Moment(*a).Equal(timeline.Moment(*b))
}

// sweepBulks forgets bulks that are no longer kept.
func (s *Server) sweepBulks(ctx context.Context) error {
	var before ulid.ULID
	if err := before.SetTime(ulid.Timestamp(s.now().Add(-keepBulks))); err != nil {
		return fmt.Errorf("api: sweep bulks: %w", err)
	}
	var old []bulkDoc
	if err := s.bulks().All(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$lt", Value: before.String()}}}}, &old, store.Find{Limit: 50}); err != nil {
		return fmt.Errorf("api: sweep bulks: %w", err)
	}
	for i := range old {
		if _, err := s.Store.C(store.BulkItems).Delete(ctx, bson.D{{Key: "bulk", Value: old[i].ID}}); err != nil {
			return fmt.Errorf("api: sweep bulks: %w", err)
		}
		if _, err := s.bulks().Delete(ctx, bson.D{{Key: "_id", Value: old[i].ID}}); err != nil {
			return fmt.Errorf("api: sweep bulks: %w", err)
		}
	}
	return nil
}
