package journal

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/parley-hub/parley/inbox"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// erasePage is how many events are emptied at once.
const erasePage = 100

// tombstone empties a conversation's events up to the erasure, a page at a time, and marks
// their files. Done again it changes nothing.
func (w *writer) tombstone(ctx context.Context, s *state, by erased) error {
	if len(by.only) > 0 {
		if err := w.tombstones(ctx, s.id, by); err != nil || by.seq == 0 {
			return err
		}
	}
	c := w.j.deps.Store.C(store.Events)
	for after := int64(0); ; {
		var page []message
		err := c.All(ctx, bson.D{{Key: "conversation", Value: string(s.id)}, {Key: "seq", Value: bson.D{{Key: "$gt", Value: after}, {Key: "$lte", Value: by.seq}}}},
			&page, store.Find{Sort: bson.D{{Key: "seq", Value: 1}}, Limit: erasePage})
		if err != nil {
			return fmt.Errorf("read what is to be erased: %w", err)
		}
		var writes []store.Write
		for i := range page {
			ev := &page[i].Event
			if err := w.j.discard(ctx, append(filesOf(ev), inbox.Spare(nil, ev)...)); err != nil {
				return err
			}
			writes = append(writes, store.Write{Filter: byID(ev.ID), Update: emptied(inbox.Tombstone(*ev, by.at))})
			after = ev.Seq
		}
		if err := bulk(ctx, c, "erase events", writes); err != nil {
			return err
		}
		if len(page) < erasePage {
			break
		}
	}
	if _, err := w.j.deps.Store.C(store.Pending).Delete(ctx, bson.D{{Key: "conversation", Value: string(s.id)}}); err != nil {
		return fmt.Errorf("erase what waits: %w", err)
	}
	return nil
}

// erased is an erasure that a run met: what came before it is emptied, or only the events named.
type erased struct {
	seq  int64
	at   time.Time
	only []int64 // by seq
}

// tombstones empties single events: those of a guest in somebody else's conversation.
func (w *writer) tombstones(ctx context.Context, id timeline.ConversationID, by erased) error {
	c := w.j.deps.Store.C(store.Events)
	var some []message
	if err := c.All(ctx, bson.D{{Key: "conversation", Value: string(id)}, {Key: "seq", Value: bson.D{{Key: "$in", Value: by.only}}}}, &some); err != nil {
		return fmt.Errorf("read what is to be erased: %w", err)
	}
	var writes []store.Write
	for i := range some {
		ev := &some[i].Event
		if err := w.j.discard(ctx, append(filesOf(ev), inbox.Spare(nil, ev)...)); err != nil {
			return err
		}
		now := inbox.Tombstone(*ev, by.at)
		now.Leg, now.Thread = ev.Leg, ev.Thread // the thread is the other's
		writes = append(writes, store.Write{Filter: byID(ev.ID), Update: emptied(now)})
	}
	return bulk(ctx, c, "erase a guest's events", writes)
}

// visits asks the writer to empty what the person wrote in others' conversations, and reports
// whether nothing is left.
func (e *eraser) visits(ctx context.Context) (gone bool, err error) {
	mine := map[string]bool{}
	for _, i := range e.job.Identities {
		mine[string(i.ID())] = true
	}
	gone = true
	for _, c := range e.job.Guest {
		if err := e.renaming(ctx, c, true); err != nil {
			return false, err
		}
		var cmds []timeline.Command
		for after, more := int64(0), true; more; {
			var page []message
			err := e.j.deps.Store.C(store.Events).All(ctx, bson.D{{Key: "conversation", Value: string(c)}, {Key: "seq", Value: bson.D{{Key: "$gt", Value: after}}}},
				&page, store.Find{Sort: bson.D{{Key: "seq", Value: 1}}, Limit: erasePage})
			if err != nil {
				return false, fmt.Errorf("read a conversation with a guest: %w", err)
			}
			for i := range page {
				after = page[i].Seq
				if err := e.rename(ctx, &page[i], true); err != nil {
					return false, err
				}
				if ev := &page[i].Event; mine[ev.Actor.ID] {
					cmds = append(cmds, e.job.emptying(c, ev, e.j.now()))
				}
			}
			more = len(page) == erasePage
		}
		gone = gone && len(cmds) == 0
		if err := e.j.ask(ctx, cmds); err != nil {
			return false, err
		}
	}
	return gone, nil
}

// emptying asks for one event of a guest to be emptied.
func (job *erasure) emptying(c timeline.ConversationID, of *timeline.Event, now time.Time) timeline.Command {
	seq := strconv.FormatInt(of.Seq, 10)
	id := timeline.EventID(fmt.Sprintf("erase|%s|%s|of|%s", job.ID, c, seq))
	return timeline.Command{ID: id, Conversation: c, At: job.At, Event: timeline.Event{ID: id, Kind: timeline.KindControl, Direction: timeline.Internal,
		Actor: job.By, At: job.At, Received: now, Control: &timeline.Control{Name: inbox.ControlErased, Data: map[string]string{inbox.ErasedEvent: seq, inbox.ErasedAt: of.At.Format(time.RFC3339Nano)}}}}
}

// emptied is the update that puts a tombstone in an event's place. It counts as a fold, so that
// nobody writes an older state over it.
func emptied(now timeline.Event) bson.D {
	put := bson.D{{Key: "actor", Value: now.Actor}}
	drop := bson.D{{Key: "remote", Value: ""}, {Key: "client", Value: ""}}
	field := func(name string, there bool, v any) {
		if there {
			put = append(put, bson.E{Key: name, Value: v})
		} else {
			drop = append(drop, bson.E{Key: name, Value: ""})
		}
	}
	field("leg", now.Leg != "", string(now.Leg))
	field("thread", now.Leg != "", now.Thread)
	field("message", now.Message != nil, now.Message)
	field("edit", now.Edit != nil, now.Edit)
	field("unsend", now.Unsend != nil, now.Unsend)
	field("reaction", now.Reaction != nil, now.Reaction)
	field("receipt", now.Receipt != nil, now.Receipt)
	field("postback", now.Postback != nil, now.Postback)
	field("referral", now.Referral != nil, now.Referral)
	field("subject", now.Subject != nil, now.Subject)
	field("control", now.Control != nil, now.Control)
	field("moderation", now.Moderation != nil, now.Moderation)
	field("media", now.Media != nil, now.Media)
	field("merge", now.Merge != nil, now.Merge)
	field("unknown", now.Unknown != nil, now.Unknown)
	return bson.D{{Key: "$set", Value: put}, {Key: "$unset", Value: drop}, {Key: "$inc", Value: bson.D{{Key: "folds", Value: int64(1)}}}}
}

// conversation removes what belongs to a conversation and is not the writer's: sending steps
// with their timers, further names of messages, drafts, reading marks, and where its threads led.
func (e *eraser) conversation(ctx context.Context, c *timeline.Conversation) error {
	if err := e.renaming(ctx, c.ID, false); err != nil {
		return err
	}
	for after := int64(0); ; {
		var page []message
		err := e.j.deps.Store.C(store.Events).All(ctx, bson.D{{Key: "conversation", Value: string(c.ID)}, {Key: "seq", Value: bson.D{{Key: "$gt", Value: after}}}},
			&page, store.Find{Sort: bson.D{{Key: "seq", Value: 1}}, Limit: erasePage})
		if err != nil {
			return fmt.Errorf("read a conversation's messages: %w", err)
		}
		if err := e.messages(ctx, page); err != nil {
			return err
		}
		for i := range page {
			if err := e.rename(ctx, &page[i], false); err != nil {
				return err
			}
		}
		if len(page) < erasePage {
			break
		}
		after = page[len(page)-1].Seq
	}
	mine := bson.D{{Key: "conversation", Value: string(c.ID)}}
	for _, name := range []string{store.Drafts, store.Reads, store.Threads, store.Continuity} {
		if _, err := e.j.deps.Store.C(name).Delete(ctx, mine); err != nil {
			return fmt.Errorf("remove a conversation's %s: %w", name, err)
		}
	}
	return nil
}

// sending is a step as far as it has to be emptied.
type sending struct {
	ID      string           `json:"id" bson:"_id"`
	Message timeline.EventID `json:"message"`
	State   string           `json:"state"`
	Attempt int              `json:"attempt"`
	Tries   int              `json:"tries"`
}

// messages takes back what has not left, empties the steps of what has, and drops aliases.
func (e *eraser) messages(ctx context.Context, page []message) error {
	var ids []timeline.EventID
	var aliases []string
	for i := range page {
		m := &page[i].Event
		if m.Direction != timeline.Out {
			continue
		}
		ids = append(ids, m.ID)
		if m.Message != nil && m.Message.Delivery != nil {
			for _, r := range m.Message.Delivery.Remotes {
				aliases = append(aliases, aliasID(m.Leg, r))
			}
		}
	}
	if err := deleteAll(ctx, e.j.deps.Store.C(store.Aliases), aliases); err != nil {
		return fmt.Errorf("remove further names of messages: %w", err)
	}
	if len(ids) == 0 {
		return nil
	}
	c := e.j.deps.Store.C(store.Steps)
	var steps []sending
	if err := c.All(ctx, bson.D{in("message", ids)}, &steps); err != nil {
		return fmt.Errorf("read steps: %w", err)
	}
	var timers []string
	var writes []store.Write
	for _, s := range steps {
		timers = append(timers, fmt.Sprintf("send|%s|%d|%d", s.Message, s.Attempt, s.Tries))
		state := s.State
		if state == string(timeline.Queued) {
			state = string(timeline.Cancelled)
		}
		writes = append(writes, store.Write{Filter: byID(s.ID), Update: bson.D{{Key: "$set", Value: bson.D{{Key: "state", Value: state}, {Key: "thread", Value: "erased"}}},
			{Key: "$unset", Value: bson.D{{Key: "outbound", Value: ""}, {Key: "failure", Value: ""}, {Key: "remote", Value: ""}}}}})
	}
	if err := bulk(ctx, c, "empty steps", writes); err != nil {
		return err
	}
	return wrap("remove timers of steps", deleteAll(ctx, e.j.deps.Store.C(store.Timers), timers))
}
