package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/inbox/views"
	"github.com/parley-hub/parley/internal/auth"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// MarkInput moves my reading mark.
type MarkInput struct {
	Seq    int64 `json:"seq" minimum:"0" doc:"Everything up to here was read."`
	Unread bool  `json:"unread,omitempty" doc:"Allows moving the mark back; otherwise it only moves forward."`
}

// Draft is what an agent has written and not sent.
type Draft struct {
	Text      string         `json:"text"`
	Leg       timeline.LegID `json:"leg,omitempty"`
	Version   int64          `json:"version"`
	UpdatedAt time.Time      `json:"updatedAt"`
}

// DraftInput saves a draft. An empty text removes it; the version stays, so that a late
// save does not bring it back.
type DraftInput struct {
	Text    string         `json:"text" maxLength:"100000"`
	Leg     timeline.LegID `json:"leg,omitempty" maxLength:"1000"`
	Version int64          `json:"version" minimum:"1" doc:"Greater than that of the draft before."`
}

// The kinds of draft.
const (
	draftReply = "reply"
	draftNote  = "note"
)

type markInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body MarkInput
}

type draftInput struct {
	ID   string `path:"id" maxLength:"64"`
	Kind string `query:"kind" enum:"reply,note" default:"reply"`
}

type saveDraftInput struct {
	ID   string `path:"id" maxLength:"64"`
	Kind string `query:"kind" enum:"reply,note" default:"reply"`
	Body DraftInput
}

func (s *Server) markRoutes() {
	register(s, Route{ID: "read-conversation", Method: http.MethodPut, Path: "/api/conversations/{id}/read", Tag: "conversations",
		Access: Needs(auth.ConversationRead), Summary: "Move my reading mark", In: MarkInput{Seq: 12}, Out: Mark{InCount: 3, Seq: 12}}, s.moveMark)
	register(s, Route{ID: "get-draft", Method: http.MethodGet, Path: "/api/conversations/{id}/draft", Tag: "conversations",
		Access: Needs(auth.ConversationRead), Summary: "My draft", Help: "Version 0 where there never was one.",
		Out: Draft{Text: "Hello Maya, ", Version: 7}}, s.getDraft)
	register(s, Route{ID: "save-draft", Method: http.MethodPut, Path: "/api/conversations/{id}/draft", Tag: "conversations",
		Access: Needs(auth.ConversationRead), Errors: []int{409}, Summary: "Save my draft",
		In: DraftInput{Text: "Hello Maya, ", Version: 8}, Out: Draft{Text: "Hello Maya, ", Version: 8}}, s.saveDraft)
}

func markID(c timeline.ConversationID, a timeline.AgentID) string { return string(c) + "|" + string(a) }

// readDoc is a reading mark as the store keeps it.
type readDoc struct {
	ID           string                  `json:"id" bson:"_id"`
	Agent        timeline.AgentID        `json:"agent"`
	Conversation timeline.ConversationID `json:"conversation"`
	InCount      int64                   `json:"inCount"`
	Seq          int64                   `json:"seq"`
}

func (s *Server) mark(ctx context.Context, c timeline.ConversationID, a timeline.AgentID) (Mark, error) {
	var d readDoc
	err := s.Store.C(store.Reads).One(ctx, bson.D{{Key: "_id", Value: markID(c, a)}}, &d)
	if errors.Is(err, store.ErrNotFound) {
		return Mark{}, nil
	}
	return Mark{InCount: d.InCount, Seq: d.Seq}, err
}

// marks reads an agent's marks of many conversations at once.
func (s *Server) marks(ctx context.Context, a timeline.AgentID, list []timeline.Conversation) (map[timeline.ConversationID]Mark, error) {
	out := make(map[timeline.ConversationID]Mark, len(list))
	if len(list) == 0 {
		return out, nil
	}
	ids := make(bson.A, len(list))
	for i := range list {
		ids[i] = markID(list[i].ID, a)
	}
	var docs []readDoc
	err := s.Store.C(store.Reads).All(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: ids}}}}, &docs)
	for _, d := range docs {
		out[d.Conversation] = Mark{InCount: d.InCount, Seq: d.Seq}
	}
	return out, err
}

func (s *Server) moveMark(ctx context.Context, in *markInput) (*body[Mark], error) {
	who := callerOf(ctx)
	c, err := s.visible(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	seq := min(in.Body.Seq, c.Seq)
	count, err := s.countIn(ctx, c, seq)
	if err != nil {
		return nil, err
	}
	op := "$max"
	if in.Body.Unread {
		op = "$set"
	}
	var d readDoc
	err = s.Store.C(store.Reads).Modify(ctx, bson.D{{Key: "_id", Value: markID(c.ID, who.Agent)}}, bson.D{
		{Key: op, Value: bson.D{{Key: "inCount", Value: count}, {Key: "seq", Value: seq}}},
		{Key: "$setOnInsert", Value: bson.D{{Key: "agent", Value: string(who.Agent)}, {Key: "conversation", Value: string(c.ID)}}}}, true, &d)
	if err == nil {
		err = s.seen(ctx, c, who.Agent, d)
	}
	return &body[Mark]{Mark{InCount: d.InCount, Seq: d.Seq}}, err
}

// seen tells those who count that somebody read.
func (s *Server) seen(ctx context.Context, c *timeline.Conversation, a timeline.AgentID, d readDoc) error {
	if s.Counter != nil {
		s.Counter.Read(c.ID, a, d.InCount)
	}
	return views.Seen(ctx, s.Store, c.ID, a, d.Seq)
}

// countIn is how many messages of the person there are up to a seq: all of them, less
// those after it, which are few where somebody reads along.
func (s *Server) countIn(ctx context.Context, c *timeline.Conversation, seq int64) (int64, error) {
	if seq >= c.LastInSeq {
		return c.InCount, nil
	}
	after, up := bson.D{{Key: "$gt", Value: seq}}, false
	if seq < c.Seq/2 {
		after, up = bson.D{{Key: "$lte", Value: seq}}, true
	}
	var n int64
	filter := bson.D{{Key: "conversation", Value: string(c.ID)}, {Key: "seq", Value: after},
		{Key: "direction", Value: string(timeline.In)}, {Key: "kind", Value: bson.D{{Key: "$in", Value: countedKinds}}}}
	err := s.Store.C(store.Events).Each(ctx, filter, func(bson.Raw) error { n++; return nil },
		store.Find{Fields: bson.D{{Key: "seq", Value: 1}}})
	if up {
		return n, err
	}
	return max(0, c.InCount-n), err
}

// draftDoc is a draft as the store keeps it.
type draftDoc struct {
	ID           string                  `json:"id" bson:"_id"`
	Agent        timeline.AgentID        `json:"agent"`
	Conversation timeline.ConversationID `json:"conversation"`
	Kind         string                  `json:"kind"`
	Text         string                  `json:"text"`
	Leg          timeline.LegID          `json:"leg"`
	Version      int64                   `json:"version"`
	UpdatedAt    time.Time               `json:"updatedAt"`
}

func (d draftDoc) view() *Draft {
	return &Draft{Text: d.Text, Leg: d.Leg, Version: d.Version, UpdatedAt: d.UpdatedAt}
}

func draftID(c timeline.ConversationID, a timeline.AgentID, kind string) string {
	return markID(c, a) + "|" + kind
}

// draft reads a draft; nil where there never was one.
func (s *Server) draft(ctx context.Context, c timeline.ConversationID, a timeline.AgentID, kind string) (*Draft, error) {
	var d draftDoc
	err := s.Store.C(store.Drafts).One(ctx, bson.D{{Key: "_id", Value: draftID(c, a, kind)}}, &d)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return d.view(), nil
}

func (s *Server) getDraft(ctx context.Context, in *draftInput) (*body[Draft], error) {
	c, err := s.visible(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	d, err := s.draft(ctx, c.ID, callerOf(ctx).Agent, in.Kind)
	if d == nil {
		d = &Draft{}
	}
	return &body[Draft]{*d}, err
}

// saveDraft is a compare-and-set on the version: the insert or the update of a smaller one
// succeeds, or somebody was faster.
func (s *Server) saveDraft(ctx context.Context, in *saveDraftInput) (*body[Draft], error) {
	who, b := callerOf(ctx), in.Body
	c, err := s.visible(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	d := draftDoc{ID: draftID(c.ID, who.Agent, in.Kind), Agent: who.Agent, Conversation: c.ID, Kind: in.Kind,
		Text: b.Text, Leg: b.Leg, Version: b.Version, UpdatedAt: s.now()}
	n, err := s.Store.C(store.Drafts).Update(ctx,
		bson.D{{Key: "_id", Value: d.ID}, {Key: "version", Value: bson.D{{Key: "$lt", Value: d.Version}}}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "text", Value: d.Text}, {Key: "leg", Value: string(d.Leg)},
			{Key: "version", Value: d.Version}, {Key: "updatedAt", Value: d.UpdatedAt}}}})
	if err != nil {
		return nil, err
	}
	if n > 0 {
		return &body[Draft]{*d.view()}, nil
	}
	err = s.Store.C(store.Drafts).Insert(ctx, d)
	if err == nil {
		return &body[Draft]{*d.view()}, nil
	}
	if !store.IsDuplicate(err, "") {
		return nil, err
	}
	kept, err := s.draft(ctx, c.ID, who.Agent, in.Kind)
	if err != nil {
		return nil, err
	}
	if kept != nil && kept.Version == b.Version && kept.Text == b.Text && kept.Leg == b.Leg {
		return &body[Draft]{*kept}, nil
	}
	p := problem("draft-older", "")
	p.Draft = kept
	return nil, p
}

// countedKinds are the events that count as a message from the person; see package inbox.
var countedKinds = bson.A{string(timeline.KindMessage), string(timeline.KindPostback), string(timeline.KindUnknown)}
