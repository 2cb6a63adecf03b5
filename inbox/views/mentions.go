package views

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/parley-hub/parley/internal/bus"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// Mention is where one of us was called to a conversation last.
type Mention struct {
	ID           string                  `json:"id" bson:"_id"` // agent|conversation
	Agent        timeline.AgentID        `json:"agent"`
	Conversation timeline.ConversationID `json:"conversation"`
	Event        timeline.EventID        `json:"event"` // the note
	Seq          int64                   `json:"seq"`
	By           string                  `json:"by"` // name, as it was then
	At           time.Time               `json:"at"`
	Unseen       bool                    `json:"unseen"`
}

// Mentions notes who is called in notes.
type Mentions struct{ store store.Store }

// NewMentions makes one over a store.
func NewMentions(s store.Store) *Mentions { return &Mentions{s} }

// Start registers the consumer on a bus.
func (m *Mentions) Start(b *bus.Bus) error {
	wait := func(err error) bool { return errors.Is(err, store.ErrUnavailable) }
	return bus.Consume(b, bus.Timeline, bus.Consumer[timeline.Entry]{Group: "mentions", Workers: 1, Pause: wait}, m.Handle)
}

// Handle notes the mentions of a run of entries. A repeat, also of a mention that was seen since,
// changes nothing.
func (m *Mentions) Handle(ctx context.Context, run []bus.Record[timeline.Entry]) error {
	for i := range run {
		e := &run[i].Value.Event
		if e.Kind != timeline.KindNote || e.Message == nil {
			continue
		}
		for _, agent := range e.Message.Mentions {
			if err := m.note(ctx, e, agent); err != nil {
				return fmt.Errorf("views: note a mention: %w", err)
			}
		}
	}
	return nil
}

func (m *Mentions) note(ctx context.Context, e *timeline.Event, agent timeline.AgentID) error {
	c := m.store.C(store.Mentions)
	d := Mention{ID: mentionID(agent, e.Conversation), Agent: agent, Conversation: e.Conversation, Event: e.ID, Seq: e.Seq,
		By: e.Actor.Name, At: e.At, Unseen: e.Actor.ID != string(agent)}
	err := c.Insert(ctx, d)
	if !store.IsDuplicate(err, "") {
		return err
	}
	_, err = c.Update(ctx, bson.D{{Key: "_id", Value: d.ID}, {Key: "seq", Value: bson.D{{Key: "$lt", Value: d.Seq}}}}, bson.D{{Key: "$set", Value: bson.D{
		{Key: "event", Value: d.Event}, {Key: "seq", Value: d.Seq}, {Key: "by", Value: d.By}, {Key: "at", Value: d.At}, {Key: "unseen", Value: d.Unseen}}}})
	return err
}

func mentionID(a timeline.AgentID, c timeline.ConversationID) string {
	return string(a) + "|" + string(c)
}

// Seen notes that somebody has read a conversation up to a seq: what they were called for until then is seen.
func Seen(ctx context.Context, s store.Store, c timeline.ConversationID, a timeline.AgentID, seq int64) error {
	_, err := s.C(store.Mentions).Update(ctx, bson.D{{Key: "_id", Value: mentionID(a, c)}, {Key: "unseen", Value: true},
		{Key: "seq", Value: bson.D{{Key: "$lte", Value: seq}}}}, bson.D{{Key: "$set", Value: bson.D{{Key: "unseen", Value: false}}}})
	if err != nil {
		return fmt.Errorf("views: note that a mention was seen: %w", err)
	}
	return nil
}

// SeenAll notes that somebody has seen everything they were called for.
func SeenAll(ctx context.Context, s store.Store, a timeline.AgentID) error {
	_, err := s.C(store.Mentions).UpdateMany(ctx, bson.D{{Key: "agent", Value: string(a)}, {Key: "unseen", Value: true}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "unseen", Value: false}}}})
	if err != nil {
		return fmt.Errorf("views: note that mentions were seen: %w", err)
	}
	return nil
}

// Bounded is the most that is counted by looking.
const Bounded = 99

// Unseen is how many mentions somebody has not seen, and in total.
func Unseen(ctx context.Context, s store.Store, a timeline.AgentID) (Number, error) {
	n, err := few(ctx, s.C(store.Mentions), bson.D{{Key: "agent", Value: string(a)}, {Key: "unseen", Value: true}})
	n.Unread = n.Total
	return n, err
}

// Drafts is how many drafts somebody has.
func Drafts(ctx context.Context, s store.Store, a timeline.AgentID) (Number, error) {
	return few(ctx, s.C(store.Drafts), bson.D{{Key: "agent", Value: string(a)}, {Key: "text", Value: bson.D{{Key: "$ne", Value: ""}}}})
}

func few(ctx context.Context, c store.Collection, filter bson.D) (Number, error) {
	n := 0
	err := c.Each(ctx, filter, func(bson.Raw) error { n++; return nil }, store.Find{Limit: Bounded + 1, Fields: bson.D{{Key: "_id", Value: 1}}})
	if err != nil {
		return Number{}, fmt.Errorf("views: count a few: %w", err)
	}
	return Number{Total: min(n, Bounded), More: n > Bounded}, nil
}

// Page reads a page of a view. Mentions and drafts come the latest first, whatever sort was asked for.
func (v *View) Page(ctx context.Context, s store.Store, r Request) (Page, error) {
	if v.Source == FromFilter {
		r.Filter = &v.Filter
		return List(ctx, s, r)
	}
	collection, field, filter := store.Mentions, "at", bson.D{{Key: "agent", Value: string(r.Reader.Agent)}}
	if v.Source == FromDrafts {
		collection, field = store.Drafts, "updatedAt"
		filter = append(filter, bson.E{Key: "text", Value: bson.D{{Key: "$ne", Value: ""}}})
	}
	if r.From.ID != "" {
		filter = append(filter, bson.E{Key: field, Value: bson.D{{Key: "$lte", Value: r.From.At}}}, bson.E{Key: "$or", Value: bson.A{
			bson.D{{Key: field, Value: bson.D{{Key: "$lt", Value: r.From.At}}}},
			bson.D{{Key: field, Value: r.From.At}, {Key: "_id", Value: bson.D{{Key: "$lt", Value: r.From.ID}}}}}})
	}
	var named []named
	err := s.C(collection).All(ctx, filter, &named, store.Find{Sort: bson.D{{Key: field, Value: -1}, {Key: "_id", Value: -1}}, Limit: r.Limit + 1})
	if err != nil {
		return Page{}, fmt.Errorf("views: read %s: %w", collection, err)
	}
	return load(ctx, s, r, named)
}

// named is a conversation that a mention or a draft names.
type named struct {
	ID           string                  `json:"id" bson:"_id"`
	Conversation timeline.ConversationID `json:"conversation"`
	At           time.Time               `json:"at"`
	UpdatedAt    time.Time               `json:"updatedAt"`
}

func load(ctx context.Context, s store.Store, r Request, list []named) (Page, error) {
	out := Page{Conversations: []timeline.Conversation{}, Looked: len(list)}
	if len(list) > r.Limit {
		list = list[:r.Limit]
		last := list[r.Limit-1]
		out.Next = &Key{At: last.At, ID: last.ID, Sort: r.Sort}
		if last.At.IsZero() {
			out.Next.At = last.UpdatedAt
		}
	}
	ids := make([]string, len(list))
	for i := range list {
		ids[i] = string(list[i].Conversation)
	}
	if len(ids) == 0 {
		return out, nil
	}
	var docs []timeline.Conversation
	if err := s.C(store.Conversations).All(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: ids}}}}, &docs); err != nil {
		return out, fmt.Errorf("views: read conversations: %w", err)
	}
	byID := make(map[timeline.ConversationID]*timeline.Conversation, len(docs))
	for i := range docs {
		byID[docs[i].ID] = &docs[i]
	}
	for _, n := range list {
		c := byID[n.Conversation]
		if c != nil && (r.See == nil || r.See(c)) {
			out.Conversations = append(out.Conversations, *c)
			delete(byID, n.Conversation) // a reply and a note: once
		}
	}
	return out, nil
}
