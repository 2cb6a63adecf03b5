package api

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"golang.org/x/sync/errgroup"

	"github.com/parley-hub/parley/internal/auth"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// ConversationList is one page of the inbox.
type ConversationList struct {
	Conversations []timeline.Conversation          `json:"conversations"`
	Next          string                           `json:"next,omitempty" doc:"Send it as after for the next page; absent on the last. A page may be short, even empty, and yet have a next one: where few conversations fit the filter, each page looks at so many."`
	Reads         map[timeline.ConversationID]Mark `json:"reads" doc:"My reading marks; unread = inCount of the conversation less that of the mark."`
}

// Mark is how far somebody has read.
type Mark struct {
	InCount int64 `json:"inCount" doc:"Messages from the person that were read."`
	Seq     int64 `json:"seq"`
}

// Opened is a conversation with what is needed to show it.
type Opened struct {
	Conversation timeline.Conversation `json:"conversation"`
	Person       *timeline.Person      `json:"person,omitempty"`
	Identities   []timeline.Known      `json:"identities"`
	Read         Mark                  `json:"read"`
	Draft        *Draft                `json:"draft,omitempty"`
	Presence     Presence              `json:"presence"`
	Events       []timeline.Event      `json:"events" doc:"The last ones, oldest first."`
	More         bool                  `json:"more" doc:"There are events before these."`
}

// Presence is who has a conversation open.
type Presence struct {
	Agents   []PresentAgent  `json:"agents"`
	Customer PresentCustomer `json:"customer"`
}

// PresentAgent is one of us who has a conversation open.
type PresentAgent struct {
	ID    timeline.AgentID `json:"id"`
	Name  string           `json:"name"`
	State string           `json:"state" doc:"viewing, typing, idle or away."`
}

// PresentCustomer is whether the person is there.
type PresentCustomer struct {
	Online bool           `json:"online"`
	Typing bool           `json:"typing"`
	Leg    timeline.LegID `json:"leg,omitempty"`
}

// EventList is a stretch of a timeline.
type EventList struct {
	Events []timeline.Event `json:"events" doc:"Oldest first."`
	More   bool             `json:"more" doc:"There are more in the direction asked for."`
}

type listInput struct {
	View   string `query:"view" default:"mine" maxLength:"80" doc:"The id of a view: mine, unassigned, mentions, all, team:ID, snoozed, resolved, drafts, overdue, soon, undelivered, or a saved one." example:"mine"`
	Filter string `query:"filter" maxLength:"20000" doc:"A filter as JSON, in place of a view."`
	Sort   string `query:"sort" enum:",newest,oldest,waiting,deadline,priority" doc:"Empty: the view's. waiting: only those in which the person waits, the longest first; deadline: only those with one, the next first."`
	After  string `query:"after" maxLength:"400" doc:"next of the page before."`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

type openInput struct {
	ID     string `path:"id" maxLength:"64"`
	Events int    `query:"events" minimum:"0" maximum:"200" default:"60" doc:"How many of the last events."`
}

type eventsInput struct {
	ID     string `path:"id" maxLength:"64"`
	Before int64  `query:"before" minimum:"0" doc:"Events with a smaller seq."`
	After  int64  `query:"after" minimum:"-1" default:"-1" doc:"Events with a greater seq."`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"60"`
}

func (s *Server) conversationRoutes() {
	register(s, Route{ID: "list-conversations", Method: http.MethodGet, Path: "/api/conversations", Tag: "conversations",
		Access: Needs(auth.ConversationRead), Summary: "One page of the inbox",
		Out: ConversationList{Conversations: []timeline.Conversation{exampleConversation}, Next: "eyJ0Ijox…",
			Reads: map[timeline.ConversationID]Mark{exampleID: {InCount: 3, Seq: 12}}}}, s.listConversations)
	register(s, Route{ID: "open-conversation", Method: http.MethodGet, Path: "/api/conversations/{id}", Tag: "conversations",
		Access: Needs(auth.ConversationRead), Summary: "A conversation with its person and last events",
		Out: Opened{Conversation: exampleConversation, Identities: []timeline.Known{}, Presence: Presence{Agents: []PresentAgent{}},
			Events: []timeline.Event{exampleEvent}, More: true}}, s.openConversation)
	register(s, Route{ID: "list-events", Method: http.MethodGet, Path: "/api/conversations/{id}/events", Tag: "conversations",
		Access: Needs(auth.ConversationRead), Summary: "A stretch of a timeline",
		Out: EventList{Events: []timeline.Event{exampleEvent}, More: true}}, s.listEvents)
}

// place is where a page of the inbox ends.
type place struct {
	At   time.Time `json:"t"`
	ID   string    `json:"i"`
	Sort string    `json:"s"`
}

func (p place) key() string {
	data, err := json.Marshal(p)
	if err != nil { // a time and strings always encode
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

func parsePlace(key, sort string) (p place, err error) {
	data, err := base64.RawURLEncoding.DecodeString(key)
	if err == nil {
		err = json.Unmarshal(data, &p)
	}
	if err != nil || p.ID == "" || p.Sort != sort {
		return p, invalid("after", "send next of the page before, with the same sort")
	}
	return p, nil
}

// order is how a list is sorted: by one time and the id, in one direction.
type order struct {
	field string
	dir   int
	op    string // comparison that goes on from a place
}

var orders = map[string]order{"newest": {"lastAt", -1, "$lt"}}

// from narrows a filter to what follows a place. The range alone lets the index seek; the
// alternatives break ties by id.
func from(base bson.D, either []bson.D, o order, p place) bson.D {
	if p.ID == "" {
		return withOr(base, either)
	}
	base = append(base, bson.E{Key: o.field, Value: bson.D{{Key: o.op + "e", Value: p.At}}})
	after := []bson.D{
		{{Key: o.field, Value: bson.D{{Key: o.op, Value: p.At}}}},
		{{Key: o.field, Value: p.At}, {Key: "_id", Value: bson.D{{Key: o.op, Value: p.ID}}}},
	}
	if len(either) == 0 {
		return withOr(base, after)
	}
	var both []bson.D
	for _, e := range either {
		for _, a := range after {
			both = append(both, append(slices.Clone(e), a...))
		}
	}
	return withOr(base, both)
}

func withOr(base bson.D, either []bson.D) bson.D {
	if len(either) == 0 {
		return base
	}
	list := bson.A{}
	for _, e := range either {
		list = append(list, e)
	}
	return append(base, bson.E{Key: "$or", Value: list})
}

// visible reads a conversation that the caller may see. One they may not see is not there.
func (s *Server) visible(ctx context.Context, id string) (*timeline.Conversation, error) {
	var c timeline.Conversation
	err := s.Store.C(store.Conversations).One(ctx, bson.D{{Key: "_id", Value: id}}, &c)
	if err != nil {
		return nil, err
	}
	if !callerOf(ctx).CanSee(&c) {
		return nil, problem("not-found", "")
	}
	return &c, nil
}

func (s *Server) openConversation(ctx context.Context, in *openInput) (*body[Opened], error) {
	who := callerOf(ctx)
	c, err := s.visible(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	out := Opened{Conversation: *c, Identities: []timeline.Known{}, Events: []timeline.Event{}}
	g, gctx := errgroup.WithContext(ctx)
	if who.Has(auth.PersonRead) {
		g.Go(func() (err error) { out.Person, out.Identities, err = s.person(gctx, c.Person); return err })
	}
	g.Go(func() (err error) { out.Read, err = s.mark(gctx, c.ID, who.Agent); return err })
	g.Go(func() (err error) { out.Draft, err = s.draft(gctx, c.ID, who.Agent, draftReply); return err })
	if in.Events > 0 {
		g.Go(func() (err error) {
			out.Events, out.More, err = s.events(gctx, c.ID, nil, -1, in.Events)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	out.Presence = Presence{Agents: []PresentAgent{}}
	if s.Present != nil {
		out.Presence = s.Present(c.ID)
	}
	return &body[Opened]{out}, nil
}

// events reads a stretch of a timeline in a direction, oldest first.
func (s *Server) events(ctx context.Context, id timeline.ConversationID, bound bson.D, dir, limit int) ([]timeline.Event, bool, error) {
	filter := bson.D{{Key: "conversation", Value: string(id)}}
	if len(bound) > 0 {
		filter = append(filter, bson.E{Key: "seq", Value: bound})
	}
	list := make([]timeline.Event, 0, limit+1)
	err := s.Store.C(store.Events).All(ctx, filter, &list, store.Find{Sort: bson.D{{Key: "seq", Value: dir}}, Limit: limit + 1})
	if err != nil {
		return nil, false, err
	}
	more := len(list) > limit
	if more {
		list = list[:limit]
	}
	if dir < 0 {
		slices.Reverse(list)
	}
	return list, more, nil
}

func (s *Server) listEvents(ctx context.Context, in *eventsInput) (*body[EventList], error) {
	c, err := s.visible(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	var out EventList
	switch {
	case in.Before > 0 && in.After >= 0:
		return nil, invalid("after", "send before or after, not both")
	case in.After >= 0:
		out.Events, out.More, err = s.events(ctx, c.ID, bson.D{{Key: "$gt", Value: in.After}}, 1, in.Limit)
	case in.Before > 0:
		out.Events, out.More, err = s.events(ctx, c.ID, bson.D{{Key: "$lt", Value: in.Before}}, -1, in.Limit)
	default:
		out.Events, out.More, err = s.events(ctx, c.ID, nil, -1, in.Limit)
	}
	return &body[EventList]{out}, err
}

// event reads one event of a conversation by the id in a path.
func (s *Server) event(ctx context.Context, c *timeline.Conversation, raw string) (*timeline.Event, error) {
	id, err := url.PathUnescape(raw)
	if err != nil {
		return nil, problem("not-found", "")
	}
	var e timeline.Event
	err = s.Store.C(store.Events).One(ctx, bson.D{{Key: "_id", Value: id}}, &e)
	if errors.Is(err, store.ErrNotFound) || (err == nil && e.Conversation != c.ID) {
		return nil, problem("not-found", "There is no such message in this conversation.")
	}
	return &e, err
}
