package api

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/internal/auth"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// SendInput is a message or a note.
type SendInput struct {
	ID       string             `json:"id" minLength:"26" maxLength:"26" doc:"A ULID made by the client: the same id twice is one message." example:"01JD8Z0V5M6T3QK4W2R9X7C1AB"`
	Leg      timeline.LegID     `json:"leg,omitempty" maxLength:"1000" doc:"Empty: the leg the person wrote on last."`
	Text     string             `json:"text,omitempty" maxLength:"100000"`
	HTML     string             `json:"html,omitempty" maxLength:"500000" doc:"The same with markup, where the channel takes it; it is made harmless."`
	Envelope *timeline.Envelope `json:"envelope,omitempty" doc:"Whom it is for, where messages name their recipients; absent: who took part so far. The account decides from."`
	Parts    []PartInput        `json:"parts,omitempty" maxItems:"20"`
	ReplyTo  *timeline.Ref      `json:"replyTo,omitempty"`
	SendAt   *time.Time         `json:"sendAt,omitempty" doc:"Not before; at most a year ahead."`
	Undo     *int               `json:"undo,omitempty" minimum:"0" maximum:"30" doc:"Seconds in which it can be undone; absent: my setting."`
	BaseSeq  int64              `json:"baseSeq,omitempty" minimum:"0" doc:"Refuse with 409 if somebody else of us answered after it; 0: no guard."`
	Note     bool               `json:"note,omitempty" doc:"For colleagues only."`
	Mentions []timeline.AgentID `json:"mentions,omitempty" maxItems:"50" doc:"Of a note."`
	Subject  string             `json:"subject,omitempty" maxLength:"500" doc:"Where the channel has subjects."`
}

// PartInput attaches an uploaded file.
type PartInput struct {
	File timeline.FileID `json:"file" minLength:"1" maxLength:"64"`
}

// Taken names the event that will come of a write.
type Taken struct {
	Event timeline.EventID `json:"event"`
}

type sendInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body SendInput
}

type messageInput struct {
	ID    string `path:"id" maxLength:"64"`
	Event string `path:"event" maxLength:"2000" doc:"The event's id, percent-encoded."`
}

// latestSend is how far ahead a message may be timed.
const latestSend = 366 * 24 * time.Hour

func (s *Server) sendRoutes() {
	register(s, Route{ID: "send-message", Method: http.MethodPost, Path: "/api/conversations/{id}/messages", Tag: "conversations",
		Access: Needs(auth.ConversationRead), Status: 202, Errors: []int{409}, Summary: "Answer the person, or write a note",
		Help: "202: it is durable; the message comes as an event. Answers need `conversation.reply`, notes `conversation.note`.",
		In:   SendInput{ID: exampleID, Text: "Your parcel left this morning.", BaseSeq: 12}, Out: Taken{Event: exampleEventID}}, s.send)
	register(s, Route{ID: "undo-message", Method: http.MethodDelete, Path: "/api/conversations/{id}/messages/{event}", Tag: "conversations",
		Access: Needs(auth.ConversationReply), Status: 204, Errors: []int{409}, Summary: "Undo a message that has not left"}, s.undo)
	register(s, Route{ID: "retry-message", Method: http.MethodPost, Path: "/api/conversations/{id}/messages/{event}/retry", Tag: "conversations",
		Access: Needs(auth.ConversationReply), Status: 202, Errors: []int{409}, Summary: "Send a failed or unknown message again",
		Out: Taken{Event: exampleEventID + ".retry.2"}}, s.retry)
}

// eventID derives the id of what an agent does, so that a repeat has the same.
func eventID(c timeline.ConversationID, a timeline.AgentID, client string) timeline.EventID {
	return timeline.EventID(string(c) + "." + string(a) + "." + client)
}

// begin is an event of the caller, without its payload.
func (s *Server) begin(ctx context.Context, c *timeline.Conversation, kind timeline.Kind, client string) timeline.Event {
	who, now := callerOf(ctx), s.now()
	return timeline.Event{ID: eventID(c.ID, who.Agent, client), Kind: kind, Conversation: c.ID, Direction: timeline.Internal,
		Actor: who.Actor(), At: now, Received: now}
}

func (s *Server) send(ctx context.Context, in *sendInput) (*body[Taken], error) {
	who, b := callerOf(ctx), in.Body
	need := auth.ConversationReply
	if b.Note {
		need = auth.ConversationNote
	}
	if !who.Has(need) {
		return nil, problem("forbidden", "This needs the permission "+string(need)+". Ask an administrator for it.")
	}
	if err := checkSend(b, s.now()); err != nil {
		return nil, err
	}
	c, err := s.visible(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	e, err := s.message(ctx, c, b)
	if err != nil {
		return nil, err
	}
	if done, err := s.sentBefore(ctx, e); err != nil || done {
		return &body[Taken]{Taken{e.ID}}, err
	}
	cmd := timeline.Command{ID: e.ID, Conversation: c.ID, Event: e, At: e.At}
	if !b.Note {
		if err := s.sendable(c, &e); err != nil {
			return nil, err
		}
		if err := s.guard(ctx, c, b.BaseSeq); err != nil {
			return nil, err
		}
		cmd.BaseSeq = b.BaseSeq // somebody may answer before the writer sees it
	}
	if err := s.Commands.Publish(ctx, cmd); err != nil {
		return nil, fmt.Errorf("api: asking to send: %w", err)
	}
	return &body[Taken]{Taken{e.ID}}, nil
}

func checkSend(b SendInput, now time.Time) error {
	if _, err := ulid.ParseStrict(b.ID); err != nil {
		return invalid("id", "must be a ULID")
	}
	if strings.TrimSpace(b.Text) == "" && len(b.Parts) == 0 {
		return invalid("text", "write something or attach a file")
	}
	if b.SendAt != nil && b.SendAt.After(now.Add(latestSend)) {
		return invalid("sendAt", "must lie within a year")
	}
	if b.Note && (b.SendAt != nil || b.Leg != "" || b.Envelope != nil || b.HTML != "") {
		return invalid("note", "a note is plain text, has no leg and is written at once")
	}
	return nil
}

// message is the event that a send asks for.
func (s *Server) message(ctx context.Context, c *timeline.Conversation, b SendInput) (timeline.Event, error) {
	kind := timeline.KindMessage
	if b.Note {
		kind = timeline.KindNote
	}
	e := s.begin(ctx, c, kind, b.ID)
	e.Client = b.ID
	var err error
	if e.Message, err = s.content(ctx, b); err != nil {
		return e, err
	}
	if b.Note {
		e.Message.Mentions = b.Mentions
		return e, nil
	}
	leg, err := legFor(c, b.Leg)
	if err != nil {
		return e, err
	}
	e.Direction, e.Leg, e.Thread = timeline.Out, leg.ID, leg.Thread
	e.Message.SendAt, err = s.sendAt(ctx, b, e.At)
	return e, err
}

// content is what a send says.
func (s *Server) content(ctx context.Context, b SendInput) (*timeline.Message, error) {
	m := &timeline.Message{Text: b.Text, HTML: harmless(b.HTML), ReplyTo: b.ReplyTo, Subject: b.Subject, Envelope: b.Envelope}
	for i, p := range b.Parts {
		part, err := s.part(ctx, p.File)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, invalid("parts["+strconv.Itoa(i)+"].file", "there is no such file; upload it first")
		}
		if err != nil {
			return nil, err
		}
		m.Parts = append(m.Parts, part)
	}
	return m, nil
}

func (s *Server) part(ctx context.Context, id timeline.FileID) (timeline.Part, error) {
	f, part, err := s.Files.Open(ctx, id)
	if err != nil {
		return part, fmt.Errorf("api: reading an attachment: %w", err)
	}
	return part, f.Close()
}

// sendAt is when a message leaves: at its time, or when it can no longer be undone.
func (s *Server) sendAt(ctx context.Context, b SendInput, now time.Time) (*time.Time, error) {
	if b.SendAt != nil && b.SendAt.After(now) {
		at := timeline.Moment(*b.SendAt)
		return &at, nil
	}
	undo := b.Undo
	if undo == nil {
		a, err := s.Auth.Agent(ctx, callerOf(ctx).Agent)
		if err != nil {
			return nil, err
		}
		set := s.settings(a).Undo
		undo = &set
	}
	if *undo == 0 {
		return nil, nil
	}
	at := now.Add(time.Duration(*undo) * time.Second)
	return &at, nil
}

// legFor is the leg asked for, or the open one the person wrote on last.
func legFor(c *timeline.Conversation, id timeline.LegID) (*timeline.Leg, error) {
	var found *timeline.Leg
	for i := range c.Legs {
		l := &c.Legs[i]
		switch {
		case id != "" && l.ID == id:
			if l.Closed != "" {
				return nil, problem("leg-closed", "This way is closed: "+l.Closed+". Answer by another leg.")
			}
			return l, nil
		case id == "" && l.Closed == "" && (found == nil || later(l.LastIn, found.LastIn)):
			found = l
		}
	}
	if id != "" {
		return nil, invalid("leg", "the conversation has no such leg")
	}
	if found == nil {
		return nil, problem("leg-closed", "No leg of this conversation can be written to.")
	}
	return found, nil
}

func later(a, b *time.Time) bool { return a != nil && (b == nil || a.After(*b)) }

// sentBefore reports whether the message was recorded already: a repeat. The same id with
// something else in it is a mistake of the client.
func (s *Server) sentBefore(ctx context.Context, e timeline.Event) (bool, error) {
	var was timeline.Event
	err := s.Store.C(store.Events).One(ctx, bson.D{{Key: "_id", Value: string(e.ID)}}, &was)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	files := func(ps []timeline.Part) (ids []timeline.FileID) {
		for _, p := range ps {
			ids = append(ids, p.File)
		}
		return ids
	}
	m := was.Message
	if m == nil || was.Kind != e.Kind {
		return false, problem("reused", "")
	}
	changed := m.Edited != nil || m.Unsent != nil
	if !changed && (m.Text != e.Message.Text || !slices.Equal(files(m.Parts), files(e.Message.Parts))) {
		return false, problem("reused", "")
	}
	return true, nil
}

// guard refuses a send where somebody else of us answered after base. The caller's own
// messages, and those that were undone, do not count.
func (s *Server) guard(ctx context.Context, c *timeline.Conversation, base int64) error {
	if base == 0 || c.LastOutSeq <= base {
		return nil
	}
	events, _, err := s.events(ctx, c.ID, bson.D{{Key: "$gt", Value: base}}, 1, 200)
	if err != nil {
		return err
	}
	me := callerOf(ctx).Actor()
	p := problem("answered-meanwhile", "")
	for _, e := range events {
		mine := e.Actor.Kind == me.Kind && e.Actor.ID == me.ID
		if e.Kind == timeline.KindMessage && e.Direction == timeline.Out && !mine && !undone(&e) {
			p.Events = append(p.Events, e)
		}
	}
	if len(p.Events) > 0 {
		return p
	}
	return nil
}

func undone(e *timeline.Event) bool {
	return e.Message != nil && e.Message.Delivery != nil && e.Message.Delivery.State == timeline.Cancelled
}

func (s *Server) undo(ctx context.Context, in *messageInput) (*nothing, error) {
	c, err := s.visible(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	e, err := s.recorded(ctx, c, in.Event)
	if err != nil {
		return nil, err
	}
	done, err := s.Outbox.Cancel(ctx, e.ID)
	if err != nil {
		return nil, fmt.Errorf("api: undoing: %w", err)
	}
	if !done {
		return nil, problem("too-late", "")
	}
	return nil, nil
}

// How long an undo waits for a message that was sent a moment ago to be recorded.
const (
	recordedWithin = time.Second
	recordedPoll   = 20 * time.Millisecond
)

// recorded reads a message of the caller's, which may still be on its way from the journal.
func (s *Server) recorded(ctx context.Context, c *timeline.Conversation, raw string) (*timeline.Event, error) {
	id, err := unescape(raw)
	if err != nil {
		return nil, err
	}
	mine := strings.HasPrefix(id, string(eventID(c.ID, callerOf(ctx).Agent, "")))
	for waited := time.Duration(0); ; waited += recordedPoll {
		e, err := s.event(ctx, c, raw)
		if err == nil || !mine || waited >= recordedWithin {
			return e, err
		}
		if p, ok := asProblem(err); !ok || p.Status != http.StatusNotFound {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(recordedPoll):
		}
	}
}

// retry asks for the next attempt. Its id is the attempt's, so that two clicks are one.
func (s *Server) retry(ctx context.Context, in *messageInput) (*body[Taken], error) {
	c, err := s.visible(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	e, err := s.event(ctx, c, in.Event)
	if err != nil {
		return nil, err
	}
	if e.Message == nil || e.Message.Delivery == nil || e.Direction != timeline.Out {
		return nil, problem("conflict", "Only messages of ours can be sent again.")
	}
	d := e.Message.Delivery
	if !slices.Contains([]timeline.DeliveryState{timeline.Failed, timeline.Unsure, timeline.Cancelled}, d.State) {
		return nil, problem("conflict", "The message is "+string(d.State)+"; only one that failed, is unknown or was cancelled can be sent again.")
	}
	next := s.begin(ctx, c, timeline.KindReceipt, "")
	next.ID = e.ID + timeline.EventID(".retry."+strconv.Itoa(d.Attempt+1))
	next.Leg, next.Thread = e.Leg, e.Thread
	next.Receipt = &timeline.Receipt{Of: timeline.Ref{Event: e.ID}, State: timeline.Queued, Attempt: d.Attempt + 1}
	err = s.Commands.Publish(ctx, timeline.Command{ID: next.ID, Conversation: c.ID, Event: next, At: next.At})
	if err != nil {
		return nil, fmt.Errorf("api: asking to send again: %w", err)
	}
	return &body[Taken]{Taken{next.ID}}, nil
}
