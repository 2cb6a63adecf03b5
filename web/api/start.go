package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/oklog/ulid/v2"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/internal/auth"
	"github.com/parley-hub/parley/internal/gateway"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// StartInput is a first message of ours to an address.
type StartInput struct {
	ID      string             `json:"id" minLength:"26" maxLength:"26" doc:"A ULID made by the client: the same id twice is one message." example:"01JD8Z0V5M6T3QK4W2R9X7C1AB"`
	Account timeline.AccountID `json:"account" minLength:"1" maxLength:"64" doc:"By which to write."`
	To      string             `json:"to" minLength:"1" maxLength:"1000" doc:"An address as the account's channel has them." example:"maya@example.org"`
	About   string             `json:"about,omitempty" maxLength:"500" doc:"What it is about; where the channel has subjects, the subject."`
	Message StartMessage       `json:"message"`
}

// StartMessage is what is written.
type StartMessage struct {
	Text     string             `json:"text,omitempty" maxLength:"100000"`
	HTML     string             `json:"html,omitempty" maxLength:"500000"`
	Parts    []PartInput        `json:"parts,omitempty" maxItems:"20"`
	Envelope *timeline.Envelope `json:"envelope,omitempty"`
	Undo     *int               `json:"undo,omitempty" minimum:"0" maximum:"30"`
	SendAt   *time.Time         `json:"sendAt,omitempty"`
}

// Started names the message and where it is.
type Started struct {
	Event        timeline.EventID        `json:"event"`
	Conversation timeline.ConversationID `json:"conversation"`
}

type startInput struct{ Body StartInput }

// ModerateInput asks to hide, show again or delete what the person said in public.
type ModerateInput struct {
	ID     string           `json:"id" minLength:"26" maxLength:"26" doc:"A ULID made by the client." example:"01JD8Z0V5M6T3QK4W2R9X7C1AB"`
	Of     timeline.EventID `json:"of" minLength:"1" maxLength:"2000" doc:"The message's event."`
	Action string           `json:"action" enum:"hide,unhide,delete"`
}

type moderateInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body ModerateInput
}

func (s *Server) startRoutes() {
	register(s, Route{ID: "start-conversation", Method: http.MethodPost, Path: "/api/conversations", Tag: "conversations",
		Access: Needs(auth.ConversationReply), Status: 201, Errors: []int{404, 409}, Summary: "Write to somebody first",
		Help: "Where the person has a conversation already, the message goes there. The conversation becomes yours if it is nobody's. 503: it may be recorded yet; send it again with the same id.",
		In:   StartInput{ID: exampleID, Account: exampleID, To: "maya@example.org", About: "Your order", Message: StartMessage{Text: "Your parcel left this morning."}},
		Out:  Started{Event: "start." + exampleID + "." + exampleID, Conversation: exampleID}}, s.start)
	register(s, Route{ID: "moderate-message", Method: http.MethodPost, Path: "/api/conversations/{id}/moderate", Tag: "conversations",
		Access: Needs(auth.ConversationManage), Status: 202, Errors: []int{409}, Summary: "Hide or delete what the person said in public",
		Help: "202: it is durable; what the far side answers comes as an event. The channel's `moderation` says what can be asked.",
		In:   ModerateInput{ID: exampleID, Of: "demo|msg:1", Action: timeline.ModerateHide}, Out: Taken{Event: exampleEventID}}, s.moderate)
}

func (s *Server) start(ctx context.Context, in *startInput) (*body[Started], error) {
	b := in.Body
	send := SendInput{ID: b.ID, Text: b.Message.Text, HTML: b.Message.HTML, Parts: b.Message.Parts, Envelope: b.Message.Envelope, Undo: b.Message.Undo, SendAt: b.Message.SendAt}
	if err := checkSend(send, s.now()); err != nil {
		return nil, err
	}
	first, err := s.first(ctx, b, send)
	if err != nil {
		return nil, err
	}
	done, err := s.sentBefore(ctx, first.Event)
	if err != nil {
		return nil, err
	}
	if !done {
		if err := s.Starts.Open(ctx, first); err != nil {
			return nil, fmt.Errorf("api: writing first: %w", err)
		}
	}
	id, err := s.place(ctx, first.Event.ID)
	if err != nil {
		return nil, err
	}
	return &body[Started]{Started{Event: first.Event.ID, Conversation: id}}, s.takeOn(ctx, first.Event, id)
}

// first is the message as the inbound topic takes it.
func (s *Server) first(ctx context.Context, b StartInput, send SendInput) (in timeline.Inbound, err error) {
	a, err := s.Accounts.Get(ctx, b.Account)
	if err != nil {
		return in, err
	}
	ch := s.channel(a.Channel)
	if ch == nil || !a.Enabled || !startable(ch) {
		return in, gateway.ErrNoStart
	}
	in, err = s.Starts.Begin(b.Account, b.To, b.About, b.ID)
	var no *channels.Failure
	switch {
	case errors.As(err, &no):
		return in, invalid("to", no.Advice)
	case err != nil:
		return in, err
	}
	can := ch.On(in.Place)
	if can.Subject {
		send.Subject = b.About
	}
	who, now := callerOf(ctx), s.now()
	e := &in.Event
	e.ID, e.Client = timeline.EventID("start."+string(who.Agent)+"."+b.ID), b.ID
	e.Kind, e.Direction, e.Actor, e.At, e.Received = timeline.KindMessage, timeline.Out, who.Actor(), now, now
	if e.Message, err = s.content(ctx, send); err != nil {
		return in, err
	}
	if e.Message.SendAt, err = s.sendAt(ctx, send, now); err != nil {
		return in, err
	}
	return in, checkLimits(can, e.Message)
}

func startable(ch *channels.Channel) bool {
	for _, can := range ch.Places {
		if can.Starts {
			return true
		}
	}
	return ch.Can.Starts
}

// startedWithin is how long a first message may take to be recorded.
const startedWithin = 5 * time.Second

// place waits until a first message is recorded and tells where.
func (s *Server) place(ctx context.Context, id timeline.EventID) (timeline.ConversationID, error) {
	for waited := time.Duration(0); ; waited += recordedPoll {
		var e timeline.Event
		err := s.Store.C(store.Events).One(ctx, bson.D{{Key: "_id", Value: string(id)}}, &e, store.Find{Fields: bson.D{{Key: "conversation", Value: 1}}})
		switch {
		case err == nil:
			return e.Conversation, nil
		case !errors.Is(err, store.ErrNotFound):
			return "", err
		case waited >= startedWithin:
			return "", retryAfter(problem("unavailable", "It is kept, and not recorded yet. Send it again with the same id to learn where it is."), unavailableFor)
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(recordedPoll):
		}
	}
}

// takeOn opens the conversation of a first message again, and gives it to who wrote it where
// it is nobody's. The ids derive from the message's: a repeat changes nothing twice.
func (s *Server) takeOn(ctx context.Context, e timeline.Event, id timeline.ConversationID) error {
	var c timeline.Conversation
	err := s.Store.C(store.Conversations).One(ctx, bson.D{{Key: "_id", Value: string(id)}}, &c)
	if errors.Is(err, store.ErrNotFound) {
		c, err = timeline.Conversation{ID: id, State: timeline.Open}, nil // it is being written
	}
	if err != nil {
		return err
	}
	who := callerOf(ctx)
	var cmds []timeline.Command
	ask := func(what string, kind timeline.Kind) *timeline.Command {
		ev := timeline.Event{ID: e.ID + timeline.EventID("."+what), Kind: kind, Conversation: id, Direction: timeline.Internal, Actor: e.Actor, At: e.At, Received: e.Received}
		cmds = append(cmds, timeline.Command{ID: ev.ID, Conversation: id, Event: ev, At: e.At})
		return &cmds[len(cmds)-1]
	}
	if c.State != timeline.Open {
		ask("open", timeline.KindStatus).Event.Status = &timeline.Status{To: timeline.Open, Why: "agent"}
	}
	if nobody := timeline.AgentID(""); c.Assignee == nobody && who.Has(auth.ConversationAssign) {
		cmd := ask("assign", timeline.KindAssignment)
		cmd.Event.Assignment, cmd.IfAssignee = &timeline.Assignment{Agent: &who.Agent, AgentName: who.Name}, &nobody
	}
	if len(cmds) == 0 {
		return nil
	}
	return s.Commands.Publish(ctx, cmds...)
}

func (s *Server) moderate(ctx context.Context, in *moderateInput) (*body[Taken], error) {
	b := in.Body
	if _, err := ulid.ParseStrict(b.ID); err != nil {
		return nil, invalid("id", "must be a ULID")
	}
	c, err := s.visible(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	var of timeline.Event
	err = s.Store.C(store.Events).One(ctx, bson.D{{Key: "_id", Value: string(b.Of)}}, &of)
	switch {
	case errors.Is(err, store.ErrNotFound) || (err == nil && of.Conversation != c.ID):
		return nil, invalid("of", "there is no such message in this conversation")
	case err != nil:
		return nil, err
	}
	if err := s.moderatable(c, &of, b.Action); err != nil {
		return nil, err
	}
	e := s.begin(ctx, c, timeline.KindModeration, b.ID)
	e.Client, e.Leg, e.Thread, e.Direction = b.ID, of.Leg, of.Thread, timeline.Out
	e.Moderation = &timeline.Moderation{Of: timeline.Ref{Event: of.ID, Remote: of.Remote}, Action: b.Action, State: timeline.ModerationAsked}
	if err := s.Commands.Publish(ctx, timeline.Command{ID: e.ID, Conversation: c.ID, Event: e, At: e.At}); err != nil {
		return nil, fmt.Errorf("api: asking to moderate: %w", err)
	}
	return &body[Taken]{Taken{e.ID}}, s.audit(ctx, "message."+b.Action, string(c.ID), map[string]string{"of": string(of.ID), "event": string(e.ID)})
}

func (s *Server) moderatable(c *timeline.Conversation, of *timeline.Event, action string) error {
	if of.Kind != timeline.KindMessage || of.Direction != timeline.In || of.Message == nil {
		return invalid("of", "only what the person said can be moderated")
	}
	if of.Message.Unsent != nil {
		return problem("too-late", "The message is gone already.")
	}
	i := slices.IndexFunc(c.Legs, func(l timeline.Leg) bool { return l.ID == of.Leg })
	if i < 0 {
		return invalid("of", "its thread is not in this conversation")
	}
	if ch := s.channel(c.Legs[i].Channel); ch == nil || !slices.Contains(ch.On(c.Legs[i].Place).Moderation, action) {
		return invalid("action", "this channel cannot do that to a message")
	}
	return nil
}
