package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/internal/auth"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// Scheduled is a message that is to be sent later.
type Scheduled struct {
	Event        timeline.Event        `json:"event"`
	Conversation timeline.Conversation `json:"conversation"`
	SendAt       time.Time             `json:"sendAt"`
}

// ScheduledList is what is to be sent later, the next first.
type ScheduledList struct {
	Scheduled []Scheduled `json:"scheduled"`
}

// RescheduleInput puts another in the place of a message that has not left.
type RescheduleInput struct {
	ID     string     `json:"id" minLength:"26" maxLength:"26" doc:"A ULID made by the client, of the message in its place."`
	SendAt *time.Time `json:"sendAt,omitempty" doc:"Absent: now."`
	Text   *string    `json:"text,omitempty" maxLength:"100000" doc:"Absent: as it was. A new text has no markup."`
}

type scheduledInput struct {
	Limit int `query:"limit" minimum:"1" maximum:"200" default:"100"`
}

type rescheduleInput struct {
	ID    string `path:"id" maxLength:"64"`
	Event string `path:"event" maxLength:"2000" doc:"The event's id, percent-encoded."`
	Body  RescheduleInput
}

func (s *Server) scheduledRoutes() {
	register(s, Route{ID: "list-scheduled", Method: http.MethodGet, Path: "/api/scheduled", Tag: "conversations", Access: Needs(auth.ConversationRead),
		Summary: "Messages that are to be sent later, the next first", Help: "Undo one to cancel it.",
		Out: ScheduledList{Scheduled: []Scheduled{{Event: exampleEvent, Conversation: exampleConversation, SendAt: exampleTime}}}}, s.listScheduled)
	register(s, Route{ID: "reschedule-message", Method: http.MethodPost, Path: "/api/conversations/{id}/messages/{event}/reschedule", Tag: "conversations",
		Access: Needs(auth.ConversationReply), Status: 202, Errors: []int{409}, Summary: "Send it at another time, or say something else",
		Help: "The message is cancelled and another takes its place.",
		In:   RescheduleInput{ID: exampleID, SendAt: &exampleTime}, Out: Taken{Event: exampleEventID}}, s.reschedule)
}

func (s *Server) listScheduled(ctx context.Context, in *scheduledInput) (*body[ScheduledList], error) {
	var steps []struct {
		Message string    `json:"message"`
		DueAt   time.Time `json:"dueAt"`
	}
	filter := bson.D{{Key: "state", Value: string(timeline.Queued)}, {Key: "dueAt", Value: bson.D{{Key: "$gt", Value: s.now()}}}, {Key: "why", Value: "scheduled"}}
	err := s.Store.C(store.Steps).All(ctx, filter, &steps, store.Find{Sort: bson.D{{Key: "dueAt", Value: 1}, {Key: "_id", Value: 1}}, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	out := ScheduledList{Scheduled: []Scheduled{}}
	for _, st := range steps {
		var e timeline.Event
		var c timeline.Conversation
		err := s.Store.C(store.Events).One(ctx, bson.D{{Key: "_id", Value: st.Message}}, &e)
		if err == nil {
			err = s.Store.C(store.Conversations).One(ctx, bson.D{{Key: "_id", Value: string(e.Conversation)}}, &c)
		}
		if err != nil {
			return nil, fmt.Errorf("api: reading what is scheduled: %w", err)
		}
		if callerOf(ctx).CanSee(&c) {
			out.Scheduled = append(out.Scheduled, Scheduled{Event: e, Conversation: c, SendAt: st.DueAt})
		}
	}
	return &body[ScheduledList]{out}, nil
}

// reschedule cancels and sends anew. One that was cancelled already is sent anew as well: the
// answer to an earlier call may have been lost in between.
func (s *Server) reschedule(ctx context.Context, in *rescheduleInput) (*body[Taken], error) {
	c, err := s.visible(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	e, err := s.event(ctx, c, in.Event)
	if err != nil {
		return nil, err
	}
	m := e.Message
	if m == nil || m.Delivery == nil || e.Direction != timeline.Out {
		return nil, problem("conflict", "Only messages of ours that have not left can be sent at another time.")
	}
	b := SendInput{ID: in.Body.ID, Leg: e.Leg, Text: m.Text, HTML: m.HTML, Envelope: m.Envelope, ReplyTo: m.ReplyTo, Subject: m.Subject, SendAt: in.Body.SendAt}
	for _, p := range m.Parts {
		b.Parts = append(b.Parts, PartInput{File: p.File})
	}
	if in.Body.Text != nil {
		b.Text, b.HTML = *in.Body.Text, ""
	}
	if err := checkSend(b, s.now()); err != nil {
		return nil, err
	}
	if m.Delivery.State != timeline.Cancelled {
		if _, err := s.undo(ctx, &messageInput{ID: in.ID, Event: in.Event}); err != nil {
			return nil, err
		}
	}
	return s.send(ctx, &sendInput{ID: in.ID, Body: b})
}
