package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"golang.org/x/sync/errgroup"

	"github.com/parley-hub/parley/inbox/search"
	"github.com/parley-hub/parley/internal/auth"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// Search finds what was said.
type Search interface {
	Search(ctx context.Context, q search.Query) (search.Results, error)
	// PersonChanged takes a person in anew whom the API changed.
	PersonChanged(ctx context.Context, id timeline.PersonID) error
}

// Found is what was found, by kind.
type Found struct {
	Groups        []FoundGroup                                      `json:"groups"`
	Conversations map[timeline.ConversationID]timeline.Conversation `json:"conversations" doc:"Those of the finds, for drawing rows."`
}

// FoundGroup is one page of finds of a kind.
type FoundGroup struct {
	Kind search.Kind `json:"kind" enum:"conversation,person,message"`
	Hits []Hit       `json:"hits"`
	Next string      `json:"next,omitempty" doc:"Send it as after, with the same kind and filters, for the next page; absent on the last."`
}

// Hit is one find.
type Hit struct {
	ID           string                  `json:"id" doc:"Of the event, conversation or person."`
	Conversation timeline.ConversationID `json:"conversation,omitempty"`
	Seq          int64                   `json:"seq,omitempty" doc:"Of a message, for opening its conversation there."`
	Person       timeline.PersonID       `json:"person,omitempty"`
	At           time.Time               `json:"at"`
	Direction    timeline.Direction      `json:"direction,omitempty"`
	Channel      string                  `json:"channel,omitempty"`
	Account      timeline.AccountID      `json:"account,omitempty"`
	Attachment   bool                    `json:"attachment,omitempty"`
	Fields       []HitField              `json:"fields" doc:"Where the words are; the first field where they are in none that is shown."`
}

// HitField is a text in which something was found.
type HitField struct {
	Name   string         `json:"name" example:"text"`
	Text   string         `json:"text" doc:"Plain text, all of it or a stretch around the first find."`
	Ranges []search.Range `json:"ranges" doc:"What to highlight: from and before, in UTF-16 code units."`
}

type searchInput struct {
	Q            string    `query:"q" maxLength:"512" doc:"What to look for. Words in quotes are a phrase; a hyphen before a word excludes it. Empty: what the filters let pass." example:"HO-20418"`
	Kind         string    `query:"kind" enum:",conversation,person,message" doc:"Empty: a few of each."`
	Typing       bool      `query:"typing" default:"true" doc:"The last word may not be complete."`
	Sort         string    `query:"sort" enum:"relevance,newest" default:"relevance"`
	Channel      []string  `query:"channel,explode" maxItems:"50"`
	Account      []string  `query:"account,explode" maxItems:"50"`
	Assignee     string    `query:"assignee" maxLength:"64" doc:"An agent's id, me, or none."`
	Team         []string  `query:"team,explode" maxItems:"50" doc:"Ids; none for conversations of no team."`
	Label        []string  `query:"label,explode" maxItems:"20" doc:"All of them."`
	State        []string  `query:"state,explode" maxItems:"3" doc:"open, snoozed, resolved."`
	Direction    string    `query:"direction" enum:",in,out,internal" doc:"internal: notes."`
	Since        time.Time `query:"since" doc:"From this moment."`
	Until        time.Time `query:"until" doc:"Before this moment."`
	Person       string    `query:"person" maxLength:"64"`
	Conversation string    `query:"conversation" maxLength:"64"`
	Attachment   string    `query:"attachment" enum:",yes,no"`
	After        string    `query:"after" maxLength:"400" doc:"next of the page before; needs kind."`
	Limit        int       `query:"limit" minimum:"0" maximum:"100" default:"0" doc:"0: 20 of one kind, 5 of each."`
}

const (
	// searchTime is how long a search may take: whoever types has gone on by then.
	searchTime = 2 * time.Second
	fewOfEach  = 5
	manyOfOne  = 20
)

func (s *Server) searchRoutes() {
	hit := Hit{ID: "demo|msg:1", Conversation: exampleID, Seq: 12, At: exampleTime, Direction: timeline.In, Channel: exampleConversation.Legs[0].Channel, Account: "demo",
		Fields: []HitField{{Name: "text", Text: "Where is my order HO-20418?", Ranges: []search.Range{{18, 26}}}}}
	register(s, Route{ID: "search", Method: http.MethodGet, Path: "/api/search", Tag: "conversations", Access: Needs(auth.ConversationRead),
		Summary: "Find messages, people and conversations",
		Help:    "Only what the agent may see is looked at. Messages are found within a second after they came. Other spellings are found too; numbers in any spacing; Chinese, Japanese and Korean by any run of characters.",
		Out: Found{Groups: []FoundGroup{{Kind: search.Messages, Hits: []Hit{hit}}},
			Conversations: map[timeline.ConversationID]timeline.Conversation{exampleID: exampleConversation}}}, s.search)
}

func (s *Server) search(ctx context.Context, in *searchInput) (*body[Found], error) {
	who := callerOf(ctx)
	if s.Search == nil {
		return nil, problem("unavailable", "")
	}
	kinds, err := s.searchKinds(who, in)
	if err != nil {
		return nil, err
	}
	q, err := searchQuery(who.Principal, in)
	if err != nil {
		return nil, err
	}
	limited, cancel := context.WithTimeout(ctx, searchTime)
	defer cancel()
	found := make([]search.Results, len(kinds))
	g, gctx := errgroup.WithContext(limited)
	for i, k := range kinds {
		q := q
		q.Kind = k
		g.Go(func() (err error) { found[i], err = s.Search.Search(gctx, q); return err })
	}
	if err := g.Wait(); err != nil {
		return nil, searchProblem(ctx, limited, err)
	}
	return s.found(ctx, search.Ask(q), kinds, found)
}

// searchKinds is what to look for: people only for those who may read them.
func (s *Server) searchKinds(who *caller, in *searchInput) ([]search.Kind, error) {
	if in.Kind == "" {
		if in.After != "" {
			return nil, invalid("after", "send kind too: each kind has pages of its own")
		}
		return slices.DeleteFunc(slices.Clone(search.Kinds), func(k search.Kind) bool { return k == search.People && !who.Has(auth.PersonRead) }), nil
	}
	if search.Kind(in.Kind) == search.People && !who.Has(auth.PersonRead) {
		return nil, problem("forbidden", "This needs the permission "+string(auth.PersonRead)+". Ask an administrator for it.")
	}
	return []search.Kind{search.Kind(in.Kind)}, nil
}

// searchProblem tells a search that took too long from one that failed.
func searchProblem(ctx, limited context.Context, err error) error {
	switch {
	case errors.Is(err, search.ErrAfter):
		return invalid("after", "send next of the page before, with the same search")
	case ctx.Err() == nil && errors.Is(limited.Err(), context.DeadlineExceeded):
		return retryAfter(problem("search-slow", ""), unavailableFor)
	}
	return err
}

// searchQuery is what the agent asks, within what they may see.
func searchQuery(p *auth.Principal, in *searchInput) (search.Query, error) {
	q := search.Query{Text: in.Q, Typing: in.Typing, Sort: search.Sort(in.Sort), After: in.After, Limit: in.Limit, Scope: scopeOf(p)}
	if q.Limit == 0 {
		q.Limit = manyOfOne
		if in.Kind == "" {
			q.Limit = fewOfEach
		}
	}
	if strings.TrimSpace(q.Text) == "" {
		q.Sort = search.Newest
	}
	f := search.Filter{Channels: in.Channel, Labels: in.Label, Direction: timeline.Direction(in.Direction), Since: in.Since, Until: in.Until,
		Person: timeline.PersonID(in.Person), Conversation: timeline.ConversationID(in.Conversation)}
	for _, a := range in.Account {
		f.Accounts = append(f.Accounts, timeline.AccountID(a))
	}
	for _, t := range in.Team {
		if t == "none" {
			t = ""
		}
		f.Teams = append(f.Teams, timeline.TeamID(t))
	}
	for _, st := range in.State {
		if !slices.Contains(timeline.States, timeline.State(st)) {
			return q, invalid("state", "must be open, snoozed or resolved")
		}
		f.States = append(f.States, timeline.State(st))
	}
	switch in.Assignee {
	case "":
	case "me":
		f.Assignee = &p.Agent
	case "none":
		f.Assignee = new(timeline.AgentID)
	default:
		a := timeline.AgentID(in.Assignee)
		f.Assignee = &a
	}
	if in.Attachment != "" {
		yes := in.Attachment == "yes"
		f.HasAttachment = &yes
	}
	if !f.Since.IsZero() && !f.Until.IsZero() && !f.Since.Before(f.Until) {
		return q, invalid("until", "must be after since")
	}
	q.Filter = f
	return q, nil
}

// scopeOf is whose conversations an agent sees.
func scopeOf(p *auth.Principal) search.Scope {
	switch p.Scope {
	case auth.ScopeAll:
		return search.Scope{All: true}
	case auth.ScopeTeam:
		return search.Scope{Team: true, Agent: p.Agent, Teams: p.Teams}
	}
	return search.Scope{Agent: p.Agent}
}

// found adds the conversations to the finds. What an agent may no longer see since a moment ago
// is left out here: the index follows the record.
func (s *Server) found(ctx context.Context, asked search.Asked, kinds []search.Kind, results []search.Results) (*body[Found], error) {
	who := callerOf(ctx)
	var ids []string
	for _, r := range results {
		for i := range r.Docs {
			if c := r.Docs[i].Conversation; c != "" {
				ids = append(ids, string(c))
			}
		}
	}
	slices.Sort(ids)
	out := Found{Groups: []FoundGroup{}, Conversations: map[timeline.ConversationID]timeline.Conversation{}}
	if len(ids) > 0 {
		var list []timeline.Conversation
		if err := s.Store.C(store.Conversations).All(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: slices.Compact(ids)}}}}, &list); err != nil {
			return nil, err
		}
		for i := range list {
			if who.CanSee(&list[i]) {
				out.Conversations[list[i].ID] = list[i]
			}
		}
	}
	for i, r := range results {
		group := FoundGroup{Kind: kinds[i], Hits: []Hit{}, Next: r.Next}
		for k := range r.Docs {
			d := &r.Docs[k]
			if _, ok := out.Conversations[d.Conversation]; ok || d.Conversation == "" {
				group.Hits = append(group.Hits, hitOf(asked, d))
			}
		}
		out.Groups = append(out.Groups, group)
	}
	return &body[Found]{out}, nil
}

func hitOf(asked search.Asked, d *search.Doc) Hit {
	h := Hit{ID: d.ID, Conversation: d.Conversation, Seq: d.Seq, Person: d.Person, At: d.At, Direction: d.Direction, Channel: d.Channel,
		Account: d.Account, Attachment: d.Attachment, Fields: []HitField{}}
	if d.Kind != search.Messages {
		h.Direction = ""
	}
	for _, f := range asked.Show(d) {
		h.Fields = append(h.Fields, HitField{Name: f.Name, Text: f.Text, Ranges: f.Ranges})
	}
	return h
}

// personChanged lets a person be found as they are now. The change itself is done: where the search
// cannot take it in now, it does with the person's next message.
func (s *Server) personChanged(ctx context.Context, id timeline.PersonID) {
	if s.Search == nil {
		return
	}
	if err := s.Search.PersonChanged(ctx, id); err != nil {
		s.Log.WarnContext(ctx, "a changed person is not found as they are now", "person", id, "err", err)
	}
}
