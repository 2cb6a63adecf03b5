package journal

import (
	"context"
	"fmt"

	"github.com/parley-hub/parley/inbox"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// unnamed is the id of an erased event whose own was made of an address. It derives from that,
// so that the same event is known when it comes again.
func (j *Journal) unnamed(id timeline.EventID) timeline.EventID {
	return timeline.EventID("erased|" + j.hash(timeline.IdentityID(id)))
}

// rename gives an event another id where its own holds an address of the person. An id cannot
// be changed in place and a seq is there once: the event steps aside, to its negative seq,
// its tombstone takes the place, and then it goes. keep leaves it on its thread, which is another's.
func (e *eraser) rename(ctx context.Context, m *message, keep bool) error {
	if !e.names([]byte(m.ID)) {
		return nil
	}
	_, err := e.j.deps.Store.C(store.Events).Update(ctx, bson.D{{Key: "_id", Value: string(m.ID)}, {Key: "seq", Value: m.Seq}}, set(bson.E{Key: "seq", Value: -m.Seq}))
	if err != nil {
		return fmt.Errorf("move an event aside: %w", err)
	}
	return e.replace(ctx, m, keep)
}

// replace puts a tombstone in the place of an event that stepped aside.
func (e *eraser) replace(ctx context.Context, m *message, keep bool) error {
	c := e.j.deps.Store.C(store.Events)
	if err := e.j.discard(ctx, append(filesOf(&m.Event), inbox.Spare(nil, &m.Event)...)); err != nil {
		return err
	}
	now := message{Event: inbox.Tombstone(m.Event, e.job.At), Folds: m.Folds + 1}
	if keep {
		now.Leg, now.Thread = m.Leg, m.Thread
	}
	now.ID = e.j.unnamed(m.ID)
	if err := c.Insert(ctx, now); err != nil && !store.IsDuplicate(err, "") {
		return fmt.Errorf("put a tombstone in an event's place: %w", err)
	}
	_, err := c.Delete(ctx, byID(m.ID))
	return wrap("remove an event that stepped aside", err)
}

// renaming goes on with events that stepped aside before a crash.
func (e *eraser) renaming(ctx context.Context, id timeline.ConversationID, keep bool) error {
	var aside []message
	err := e.j.deps.Store.C(store.Events).All(ctx, bson.D{{Key: "conversation", Value: string(id)}, {Key: "seq", Value: bson.D{{Key: "$lt", Value: int64(0)}}}}, &aside)
	if err != nil {
		return fmt.Errorf("look for events that stepped aside: %w", err)
	}
	for i := range aside {
		aside[i].Seq = -aside[i].Seq
		if err := e.replace(ctx, &aside[i], keep); err != nil {
			return err
		}
	}
	return nil
}
