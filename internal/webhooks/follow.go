package webhooks

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/internal/bus"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// The states of a delivery.
const (
	Waiting = "waiting" // it is tried, or tried again, at DueAt
	Taken   = "taken"   // the endpoint answered 2xx
	GivenUp = "given_up"
)

// States lists every state.
var States = []string{Waiting, Taken, GivenUp}

// Delivery is one event for one endpoint. It names the event by its number, which stays what it
// is when the event is erased, and holds none of it.
type Delivery struct {
	ID           string                  `json:"id" bson:"_id"` // the webhook-id
	Pos          string                  `json:"pos"`           // a ULID: the log's order
	Endpoint     string                  `json:"endpoint"`
	Kind         string                  `json:"kind"`
	Conversation timeline.ConversationID `json:"conversation"` // empty: a test
	Seq          int64                   `json:"seq"`
	Target       int64                   `json:"target,omitempty"` // seq of the message that the event changed
	State        string                  `json:"state"`
	DueAt        time.Time               `json:"dueAt"`
	EndsAt       time.Time               `json:"endsAt"` // given up then
	CreatedAt    time.Time               `json:"createdAt"`
	Attempts     int                     `json:"attempts"`
	Last         *Attempt                `json:"last,omitempty"`
}

// Attempt is one call to an endpoint.
type Attempt struct {
	At      time.Time `json:"at"`
	Status  int       `json:"status,omitempty"` // HTTP; 0: no answer
	Took    int64     `json:"took"`             // milliseconds
	Error   string    `json:"error,omitempty"`  // why there was no answer
	Snippet string    `json:"snippet,omitempty"`
}

// deliveryID names the delivery of an event to an endpoint, the same on any node at any time.
func deliveryID(endpoint string, c timeline.ConversationID, seq int64) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{endpoint, string(c), strconv.FormatInt(seq, 10)}, "\x00")))
	return "msg_" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:20]))
}

// Follow makes the deliveries of events. A repeat finds them made.
func (w *Webhooks) Follow(ctx context.Context, run []bus.Record[timeline.Entry]) error {
	list, err := w.List(ctx)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return nil
	}
	var writes []store.Write
	forget := map[timeline.ConversationID]bool{}
	for i := range run {
		entry := &run[i].Value
		if takesBack(&entry.Event) {
			forget[entry.Event.Conversation] = true
		}
		for j := range list {
			if d := w.delivery(&list[j], entry); d != nil {
				writes = append(writes, store.Write{Insert: d})
			}
		}
	}
	if err := w.make(ctx, writes); err != nil {
		return err
	}
	for c := range forget {
		if err := w.forget(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// make inserts deliveries; those that are there stay as they are.
func (w *Webhooks) make(ctx context.Context, writes []store.Write) error {
	if len(writes) == 0 {
		return nil
	}
	errs, err := w.deliveries().Bulk(ctx, writes...)
	if err != nil {
		return fmt.Errorf("webhooks: making deliveries: %w", err)
	}
	for _, err := range errs {
		if err != nil && !store.IsDuplicate(err, "") {
			return fmt.Errorf("webhooks: making a delivery: %w", err)
		}
	}
	w.nudge()
	return nil
}

// delivery is the delivery of an event to an endpoint; nil where it does not want it, or was not
// there yet when it happened.
func (w *Webhooks) delivery(e *Endpoint, entry *timeline.Entry) *Delivery {
	ev := &entry.Event
	kind := KindOf(ev)
	if !e.wants(kind) || ev.Seq == 0 || ev.Received.Before(e.CreatedAt) {
		return nil
	}
	now := w.now()
	d := &Delivery{ID: deliveryID(e.ID, ev.Conversation, ev.Seq), Pos: w.newID(), Endpoint: e.ID, Kind: kind, Conversation: ev.Conversation, Seq: ev.Seq,
		State: Waiting, DueAt: now, EndsAt: now.Add(TriedFor), CreatedAt: now}
	if entry.Target != nil {
		d.Target = entry.Target.Seq
	}
	return d
}

// forget removes what endpoints answered about a conversation: it may repeat what was taken back.
func (w *Webhooks) forget(ctx context.Context, c timeline.ConversationID) error {
	_, err := w.deliveries().UpdateMany(ctx, bson.D{{Key: "conversation", Value: string(c)}, {Key: "last.snippet", Value: bson.D{{Key: "$exists", Value: true}}}},
		bson.D{{Key: "$unset", Value: bson.D{{Key: "last.snippet", Value: ""}}}})
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("webhooks: forgetting answers: %w", err)
	}
	return nil
}
