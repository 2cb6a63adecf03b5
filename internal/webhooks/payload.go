package webhooks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// Payload is what endpoints are sent, in the form that Standard Webhooks recommends.
type Payload struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"` // when it happened, not when it was sent
	Data      Data      `json:"data"`
}

// Data is what happened. A test has neither event nor conversation.
type Data struct {
	Event        *timeline.Event `json:"event,omitempty"`
	Target       *timeline.Event `json:"target,omitempty"` // the message the event changed, as it is now
	Conversation *Summary        `json:"conversation,omitempty"`
	Endpoint     string          `json:"endpoint,omitempty"` // of a test
}

// Summary is how a conversation stands when the payload is sent. Its words are in its events.
type Summary struct {
	ID         timeline.ConversationID `json:"id"`
	Number     int64                   `json:"number"`
	Person     timeline.PersonID       `json:"person"`
	Name       string                  `json:"name"`
	Queue      string                  `json:"queue"`
	State      timeline.State          `json:"state"`
	Assignee   timeline.AgentID        `json:"assignee"`
	Team       timeline.TeamID         `json:"team"`
	Labels     []string                `json:"labels"`
	Priority   int                     `json:"priority"`
	Subject    string                  `json:"subject,omitempty"`
	Seq        int64                   `json:"seq"`
	CreatedAt  time.Time               `json:"createdAt"`
	LastAt     time.Time               `json:"lastAt"`
	ResolvedAt *time.Time              `json:"resolvedAt,omitempty"`
	Waiting    *time.Time              `json:"waitingSince,omitempty"`
}

// errGone says that what a delivery is about is not in the record any more.
var errGone = errors.New("webhooks: the event is not there any more")

// payload reads what a delivery sends, as it is now.
func (w *Webhooks) payload(ctx context.Context, d *Delivery) ([]byte, error) {
	p := Payload{Type: d.Kind, Timestamp: d.CreatedAt}
	if d.Conversation == "" {
		p.Data.Endpoint = d.Endpoint
		return encode(p)
	}
	var err error
	if p.Data.Event, err = w.event(ctx, d.Conversation, d.Seq); err != nil {
		return nil, err
	}
	if d.Target > 0 {
		if p.Data.Target, err = w.event(ctx, d.Conversation, d.Target); err != nil && !errors.Is(err, errGone) {
			return nil, err
		}
	}
	var c timeline.Conversation
	err = w.d.Store.C(store.Conversations).One(ctx, byID(string(d.Conversation)), &c)
	if errors.Is(err, store.ErrNotFound) {
		return nil, errGone
	}
	if err != nil {
		return nil, fmt.Errorf("webhooks: reading a conversation: %w", err)
	}
	p.Timestamp, p.Data.Conversation = p.Data.Event.At, summary(&c)
	strip(&p.Data)
	return encode(p)
}

func encode(p Payload) ([]byte, error) {
	body, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("webhooks: encoding a payload: %w", err)
	}
	return body, nil
}

func (w *Webhooks) event(ctx context.Context, c timeline.ConversationID, seq int64) (*timeline.Event, error) {
	var ev timeline.Event
	err := w.d.Store.C(store.Events).One(ctx, bson.D{{Key: "conversation", Value: string(c)}, {Key: "seq", Value: seq}}, &ev)
	if errors.Is(err, store.ErrNotFound) {
		return nil, errGone
	}
	if err != nil {
		return nil, fmt.Errorf("webhooks: reading an event: %w", err)
	}
	return &ev, nil
}

func summary(c *timeline.Conversation) *Summary {
	s := &Summary{ID: c.ID, Number: c.Number, Person: c.Person, Name: c.Name, Queue: c.Queue, State: c.State, Assignee: c.Assignee, Team: c.Team,
		Labels: c.Labels, Priority: c.Priority, Subject: c.Subject, Seq: c.Seq, CreatedAt: c.CreatedAt, LastAt: c.LastAt, ResolvedAt: c.ResolvedAt, Waiting: c.WaitingSince}
	if s.Labels == nil {
		s.Labels = []string{}
	}
	return s
}

// strip takes out what must not leave: the content of messages that were taken back, also in the
// words of their edits, which the writer may still be about to remove; and providers' raw callbacks.
func strip(d *Data) {
	for _, ev := range []*timeline.Event{d.Event, d.Target} {
		if ev == nil {
			continue
		}
		if ev.Message != nil && ev.Message.Unsent != nil {
			ev.Message = &timeline.Message{Unsent: ev.Message.Unsent, Delivery: ev.Message.Delivery, Automated: ev.Message.Automated}
		}
		if ev.Unknown != nil {
			ev.Unknown = &timeline.Unknown{Type: ev.Unknown.Type, Summary: ev.Unknown.Summary}
		}
	}
	if t := d.Target; t != nil && t.Message != nil && t.Message.Unsent != nil && d.Event.Edit != nil {
		d.Event.Edit = &timeline.Edit{Of: d.Event.Edit.Of, Rev: d.Event.Edit.Rev}
	}
}
