package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/parley-hub/parley/inbox"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// repairBatch is how many conversations are published again at once.
const repairBatch = 200

// Repair publishes again, from the store, what derived topics may have lost in an unclean
// stop: every event recorded since, and messages recorded since that still wait to be sent.
// Entries are marked Repeat. It reads only conversations that changed since; their last
// message may be older, so those with a message within a day before are looked at.
func (j *Journal) Repair(ctx context.Context, since time.Time) error {
	for _, state := range timeline.States {
		if err := j.repairState(ctx, state, since); err != nil {
			return fmt.Errorf("repair: %w", err)
		}
	}
	return nil
}

// lookback is how much older than the stop the last message of a conversation may be whose
// other events are published again.
const lookback = 24 * time.Hour

var errEnough = errors.New("enough")

func (j *Journal) repairState(ctx context.Context, state timeline.State, since time.Time) error {
	var batch []timeline.Conversation
	err := j.deps.Store.C(store.Conversations).Each(ctx,
		bson.D{{Key: "state", Value: string(state)}, {Key: "lastAt", Value: bson.D{{Key: "$gte", Value: since.Add(-lookback)}}}},
		func(raw bson.Raw) error {
			var c struct {
				ID timeline.ConversationID `bson:"_id"`
			}
			if err := bson.Unmarshal(raw, &c); err != nil {
				return fmt.Errorf("decode a conversation: %w", err)
			}
			batch = append(batch, timeline.Conversation{ID: c.ID})
			if len(batch) >= 100*repairBatch {
				return errEnough
			}
			return nil
		}, store.Find{Sort: bson.D{{Key: "lastAt", Value: -1}, {Key: "_id", Value: -1}}, Fields: bson.D{{Key: "_id", Value: 1}}})
	if err != nil && !errors.Is(err, errEnough) {
		return fmt.Errorf("read recent conversations: %w", err)
	}
	for some := range slices.Chunk(batch, repairBatch) {
		if err := j.repairSome(ctx, some, since); err != nil {
			return err
		}
	}
	return nil
}

func (j *Journal) repairSome(ctx context.Context, some []timeline.Conversation, since time.Time) error {
	w := &writer{j: j}
	var ids []timeline.ConversationID
	for _, c := range some {
		ids = append(ids, c.ID)
	}
	var convs []timeline.Conversation
	if err := j.deps.Store.C(store.Conversations).All(ctx, idIn(ids), &convs); err != nil {
		return fmt.Errorf("read conversations: %w", err)
	}
	var groups []*group
	for i := range convs {
		s := &state{id: convs[i].ID}
		s.is(&convs[i])
		if err := w.recall(ctx, s, since); err != nil {
			return err
		}
		groups = append(groups, &group{id: s.id, s: s})
	}
	return w.publish(ctx, groups)
}

// recall notes for publishing what a conversation recorded since a moment, oldest first.
func (w *writer) recall(ctx context.Context, s *state, since time.Time) error {
	var found []message
	err := w.j.deps.Store.C(store.Events).All(ctx, bson.D{{Key: "conversation", Value: string(s.id)}}, &found,
		store.Find{Sort: bson.D{{Key: "seq", Value: -1}}, Limit: markReach})
	if err != nil {
		return fmt.Errorf("read recent events: %w", err)
	}
	found = slices.DeleteFunc(found, func(m message) bool { return m.Received.Before(since) || m.Seq > s.conv.Seq })
	slices.Reverse(found)
	var ids []timeline.EventID
	for i := range found {
		s.know(found[i])
		if of := inbox.RefOf(&found[i].Event); of != nil && of.Event != "" && s.find(of.Event) == nil {
			ids = append(ids, of.Event)
		}
	}
	if len(ids) > 0 {
		want := map[timeline.EventID]*state{}
		for _, id := range ids {
			want[id] = s
		}
		if err := w.fetchIDs(ctx, want); err != nil {
			return err
		}
	}
	for i := range found {
		w.tell(s, s.conv, found[i].ID, nil, nil, true)
	}
	return nil
}
