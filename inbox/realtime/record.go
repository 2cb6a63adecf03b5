package realtime

import (
	"context"
	"fmt"
	"slices"

	"github.com/parley-hub/parley/inbox"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// record reads what the live view needs of the store. Each read is an index seek.
type record struct{ store store.Store }

func (r record) conversation(ctx context.Context, id timeline.ConversationID) (*timeline.Conversation, error) {
	var c timeline.Conversation
	if err := r.store.C(store.Conversations).One(ctx, bson.D{{Key: "_id", Value: string(id)}}, &c); err != nil {
		return nil, fmt.Errorf("read conversation: %w", err)
	}
	return &c, nil
}

// events reads a conversation's events with after < seq ≤ upTo, oldest first.
func (r record) events(ctx context.Context, id timeline.ConversationID, after, upTo int64, limit int) ([]timeline.Event, error) {
	var out []timeline.Event
	err := r.store.C(store.Events).All(ctx, bson.D{{Key: "conversation", Value: string(id)},
		{Key: "seq", Value: bson.D{{Key: "$gt", Value: after}, {Key: "$lte", Value: upTo}}}}, &out,
		store.Find{Sort: bson.D{{Key: "seq", Value: 1}}, Limit: limit})
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	return out, nil
}

// entries reads events as live views receive them: with the conversation as it stands now
// and the message each of them changed.
func (r record) entries(ctx context.Context, c *timeline.Conversation, after, upTo int64, limit int) ([]timeline.Entry, error) {
	events, err := r.events(ctx, c.ID, after, upTo, limit)
	if err != nil {
		return nil, err
	}
	targets, err := r.targets(ctx, events)
	if err != nil {
		return nil, err
	}
	out := make([]timeline.Entry, len(events))
	for i := range events {
		out[i] = timeline.Entry{Event: events[i], Conversation: *c, Target: targets[events[i].ID], Repeat: true}
	}
	return out, nil
}

// targets finds the messages that events changed, as they are now, by the id of the event
// that changed them. What dangles is left out. An event is in the record a moment before the
// message knows of it, and after a crash for longer: it is folded in once more here, which
// changes nothing where it was folded in already.
func (r record) targets(ctx context.Context, events []timeline.Event) (map[timeline.EventID]*timeline.Event, error) {
	var ids []string
	remote := map[timeline.LegID][]string{}
	for i := range events {
		switch of := refOf(&events[i]); {
		case of.Event != "":
			ids = append(ids, string(of.Event))
		case of.Remote != "" && events[i].Leg != "":
			remote[events[i].Leg] = append(remote[events[i].Leg], string(of.Remote))
		}
	}
	if len(ids) == 0 && len(remote) == 0 {
		return nil, nil
	}
	found, err := r.lookUp(ctx, ids, remote)
	if err != nil {
		return nil, err
	}
	out := make(map[timeline.EventID]*timeline.Event, len(events))
	for i := range events {
		e := &events[i]
		for j := range found {
			if t := &found[j]; e.ID != t.ID && meant(e, t) {
				inbox.Fold(t, e)
				out[e.ID] = t
				break
			}
		}
	}
	return out, nil
}

func (r record) lookUp(ctx context.Context, ids []string, remote map[timeline.LegID][]string) ([]timeline.Event, error) {
	var found []timeline.Event
	if len(ids) > 0 {
		slices.Sort(ids)
		err := r.store.C(store.Events).All(ctx, in("_id", slices.Compact(ids)), &found)
		if err != nil {
			return nil, fmt.Errorf("read changed messages: %w", err)
		}
	}
	for leg, names := range remote {
		var more []timeline.Event
		err := r.store.C(store.Events).All(ctx, append(bson.D{{Key: "leg", Value: string(leg)}}, in("remote", names)...), &more)
		if err != nil {
			return nil, fmt.Errorf("read changed messages: %w", err)
		}
		found = append(found, more...)
	}
	return found, nil
}

// meant reports whether t is the message that e changed.
func meant(e, t *timeline.Event) bool {
	of := refOf(e)
	if t.Kind != timeline.KindMessage && t.Kind != timeline.KindNote {
		return false
	}
	if of.Event != "" {
		return of.Event == t.ID
	}
	return of.Remote != "" && of.Remote == t.Remote && e.Leg == t.Leg
}

// refOf is what an event points at; zero for events that change no message.
func refOf(e *timeline.Event) timeline.Ref {
	switch {
	case e.Edit != nil:
		return e.Edit.Of
	case e.Unsend != nil:
		return e.Unsend.Of
	case e.Reaction != nil:
		return e.Reaction.Of
	case e.Receipt != nil:
		return e.Receipt.Of
	}
	return timeline.Ref{}
}

// attached is the conversation a thread was last attached to.
func (r record) attached(ctx context.Context, leg timeline.LegID) (timeline.ConversationID, error) {
	var t struct {
		Conversation timeline.ConversationID `json:"conversation"`
	}
	if err := r.store.C(store.Threads).One(ctx, bson.D{{Key: "_id", Value: string(leg)}}, &t); err != nil {
		return "", fmt.Errorf("read thread: %w", err)
	}
	return t.Conversation, nil
}

func in(field string, values []string) bson.D {
	return bson.D{{Key: field, Value: bson.D{{Key: "$in", Value: values}}}}
}
