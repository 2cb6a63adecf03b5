package api

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/inbox/views"
	"github.com/parley-hub/parley/internal/auth"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// View is a named list of conversations.
type View struct {
	ID      string           `json:"id"`
	Name    string           `json:"name" doc:"Of a saved view or a team; built-in views are named by the client."`
	BuiltIn bool             `json:"builtIn"`
	Share   string           `json:"share" enum:"own,team,all" doc:"Who sees it."`
	Team    timeline.TeamID  `json:"team,omitempty" doc:"Whose it is, where it is shared with a team."`
	Owner   timeline.AgentID `json:"owner,omitempty"`
	Filter  views.Filter     `json:"filter"`
	Sort    views.Sort       `json:"sort" enum:"newest,oldest,waiting,deadline,priority"`
	Number  *views.Number    `json:"number,omitempty" doc:"Absent where it is not known (yet)."`
	Mine    bool             `json:"mine" doc:"I may change it."`
}

// ViewList is every view that the caller sees, in the order to show them.
type ViewList struct {
	Views []View `json:"views"`
}

// ViewInput is a saved view.
type ViewInput struct {
	Name   string          `json:"name" minLength:"1" maxLength:"80"`
	Share  string          `json:"share,omitempty" enum:",own,team,all" doc:"Empty: own. Others need view.share."`
	Team   timeline.TeamID `json:"team,omitempty" maxLength:"64" doc:"With share team."`
	Filter views.Filter    `json:"filter"`
	Sort   views.Sort      `json:"sort,omitempty" enum:",newest,oldest,waiting,deadline,priority"`
}

// viewDoc is a saved view as the store keeps it.
type viewDoc struct {
	ID        string           `json:"id" bson:"_id"`
	Name      string           `json:"name"`
	Share     string           `json:"share"`
	Team      timeline.TeamID  `json:"team,omitempty"`
	Owner     timeline.AgentID `json:"owner"`
	Filter    views.Filter     `json:"filter"`
	Sort      views.Sort       `json:"sort"`
	CreatedAt time.Time        `json:"createdAt"`
}

// Who sees a view or a saved reply.
const (
	shareOwn  = "own"
	shareTeam = "team"
	shareAll  = "all"
)

type viewsInput struct {
	Count bool `query:"count" default:"true" doc:"With the numbers of saved views."`
}

type saveViewInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body ViewInput
}

// maxViews is how many saved views there may be of one agent, and of all shared ones.
const maxViews = 200

func (s *Server) viewRoutes() {
	s.bulkRoutes()
	s.replyRoutes()
	s.catalogueRoutes()
	s.scheduledRoutes()
	filter := views.Filter{And: []views.Filter{{Field: views.State, In: []string{"open"}}, {Field: views.Waiting, Over: "4h"}}}
	in := ViewInput{Name: "Waiting long", Share: shareAll, Filter: filter, Sort: views.Longest}
	out := View{ID: exampleID, Name: in.Name, Share: in.Share, Owner: exampleID, Filter: filter, Sort: in.Sort, Mine: true}
	register(s, Route{ID: "list-views", Method: http.MethodGet, Path: "/api/views", Tag: "views", Access: Needs(auth.ConversationRead),
		Summary: "Every view that I see, with its numbers", Help: "Built-in views first, then my teams', then saved ones.",
		Out: ViewList{Views: []View{{ID: "mine", BuiltIn: true, Share: shareOwn, Sort: views.Newest, Number: &views.Number{Total: 3, Unread: 1}}}}}, s.listViews)
	register(s, Route{ID: "create-view", Method: http.MethodPost, Path: "/api/views", Tag: "views", Access: Needs(auth.ConversationRead), Status: 201,
		Replays: true, Errors: []int{409}, Summary: "Save a view", In: in, Out: out}, s.createView)
	register(s, Route{ID: "change-view", Method: http.MethodPut, Path: "/api/views/{id}", Tag: "views", Access: Needs(auth.ConversationRead),
		Summary: "Change a saved view", In: in, Out: out}, s.changeView)
	register(s, Route{ID: "remove-view", Method: http.MethodDelete, Path: "/api/views/{id}", Tag: "views", Access: Needs(auth.ConversationRead),
		Status: 204, Summary: "Remove a saved view"}, s.removeView)
	register(s, Route{ID: "see-mentions", Method: http.MethodPost, Path: "/api/mentions/seen", Tag: "views", Access: Self, Status: 204,
		Summary: "I have seen every mention of me", Help: "Reading a conversation marks its own as seen."}, s.seeMentions)
}

func readerOf(p *auth.Principal) views.Reader { return views.Reader{Agent: p.Agent, Teams: p.Teams} }

func limitOf(p *auth.Principal) views.Scope {
	return views.Scope{Own: p.Scope == auth.ScopeOwn, Teams: p.Scope == auth.ScopeTeam}
}

// view finds a view by id: a built-in one, or a saved one that the agent may see.
func (s *Server) view(ctx context.Context, p *auth.Principal, id string) (views.View, error) {
	if v, ok := views.Builtin(id); ok {
		if id == views.ViewUnassigned && p.Scope == auth.ScopeOwn {
			return v, problem("forbidden", "You see only conversations assigned to you.")
		}
		return v, nil
	}
	d, err := s.savedView(ctx, p, id)
	if errors.Is(err, store.ErrNotFound) {
		return views.View{}, invalid("view", "must be "+strings.Join(views.Builtins, ", ")+", team:ID, or the id of a saved view")
	}
	if err != nil {
		return views.View{}, err
	}
	return views.View{ID: d.ID, Filter: d.Filter, Sort: d.Sort}, nil
}

func (s *Server) savedView(ctx context.Context, p *auth.Principal, id string) (*viewDoc, error) {
	var d viewDoc
	if err := s.Store.C(store.Views).One(ctx, bson.D{{Key: "_id", Value: id}}, &d); err != nil {
		return nil, err
	}
	if !shared(p, d.Share, d.Owner, d.Team) {
		return nil, store.ErrNotFound
	}
	return &d, nil
}

// shared reports whether somebody sees what is shared so.
func shared(p *auth.Principal, share string, owner timeline.AgentID, team timeline.TeamID) bool {
	return owner == p.Agent || share == shareAll || share == shareTeam && (slices.Contains(p.Teams, team) || p.Scope == auth.ScopeAll)
}

// mayShare refuses what somebody may not share so.
func (s *Server) mayShare(ctx context.Context, p *auth.Principal, need auth.Permission, share string, team timeline.TeamID) error {
	if (share == shareTeam) != (team != "") {
		return invalid("team", "name a team where share is team, and only there")
	}
	if share != shareOwn && !p.Has(need) {
		return problem("forbidden", "This needs the permission "+string(need)+". Ask an administrator for it.")
	}
	if team == "" {
		return nil
	}
	if _, err := s.Auth.Team(ctx, team); errors.Is(err, store.ErrNotFound) {
		return invalid("team", "there is no such team")
	} else if err != nil {
		return err
	}
	return nil
}

func (s *Server) listConversations(ctx context.Context, in *listInput) (*body[ConversationList], error) {
	who := callerOf(ctx)
	v, err := s.listed(ctx, who.Principal, in.View, in.Filter)
	if err != nil {
		return nil, err
	}
	r := views.Request{Reader: readerOf(who.Principal), Scope: limitOf(who.Principal), See: who.CanSee, Sort: v.Sort, Limit: in.Limit, Now: s.now()}
	if in.Sort != "" && v.Source == views.FromFilter {
		r.Sort = views.Sort(in.Sort)
	}
	if in.After != "" {
		if r.From, err = parseKey(in.After, r.Sort); err != nil {
			return nil, err
		}
	}
	page, err := v.Page(ctx, s.Store, r)
	if err != nil {
		return nil, err
	}
	out := ConversationList{Conversations: page.Conversations}
	if page.Next != nil {
		out.Next = encodeKey(*page.Next)
	}
	out.Reads, err = s.marks(ctx, who.Agent, out.Conversations)
	return &body[ConversationList]{out}, err
}

// listed is the view asked for: by id, or by a filter of its own.
func (s *Server) listed(ctx context.Context, p *auth.Principal, id, filter string) (views.View, error) {
	if filter == "" {
		return s.view(ctx, p, id)
	}
	v := views.View{Sort: views.Newest}
	d := json.NewDecoder(strings.NewReader(filter))
	d.DisallowUnknownFields()
	if err := d.Decode(&v.Filter); err != nil {
		return v, invalid("filter", "is not a filter as JSON; see /api/openapi.json")
	}
	return v, checkFilter("filter", &v.Filter)
}

// checkFilter says what is wrong with a filter by the paths of the request.
func checkFilter(at string, f *views.Filter) error {
	var wrong *views.FieldError
	if err := f.Check(); errors.As(err, &wrong) {
		if wrong.Path != at {
			at += "." + wrong.Path
		}
		return invalid(at, wrong.Message)
	}
	return nil
}

func encodeKey(k views.Key) string {
	data, err := json.Marshal(k)
	if err != nil { // times, numbers and strings always encode
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

func parseKey(key string, sort views.Sort) (k views.Key, err error) {
	data, err := base64.RawURLEncoding.DecodeString(key)
	if err == nil {
		err = json.Unmarshal(data, &k)
	}
	if err != nil || k.ID == "" || k.Sort != sort || k.Priority < 0 || k.Priority > 4 {
		return k, invalid("after", "send next of the page before, with the same view and sort")
	}
	return k, nil
}

// numbers are those of the built-in views for an agent, as live updates tell them; nil until
// they are known.
func (s *Server) numbers(p *auth.Principal) any {
	if s.Counter == nil || p == nil {
		return nil
	}
	n, ok := s.Counter.Numbers(readerOf(p), limitOf(p))
	if !ok {
		return nil
	}
	return n
}

func (s *Server) listViews(ctx context.Context, in *viewsInput) (*body[ViewList], error) {
	p := callerOf(ctx).Principal
	known, err := s.known(ctx, p)
	if err != nil {
		return nil, err
	}
	out := ViewList{Views: []View{}}
	add := func(id, name string) {
		v, _ := views.Builtin(id)
		view := View{ID: id, Name: name, BuiltIn: true, Share: shareAll, Filter: v.Filter, Sort: v.Sort}
		if n, ok := known[id]; ok {
			view.Number = &n
		}
		out.Views = append(out.Views, view)
	}
	for _, id := range views.Builtins {
		if id != views.ViewUnassigned || p.Scope != auth.ScopeOwn {
			add(id, "")
		}
	}
	teams, err := s.Auth.Teams(ctx)
	if err != nil {
		return nil, err
	}
	for _, t := range teams {
		if p.Scope == auth.ScopeAll || slices.Contains(p.Teams, t.ID) {
			add(views.TeamPrefix+string(t.ID), t.Name)
		}
	}
	saved, err := s.savedViews(ctx, p, in.Count)
	out.Views = append(out.Views, saved...)
	return &body[ViewList]{out}, err
}

// known are the numbers of the built-in views for an agent.
func (s *Server) known(ctx context.Context, p *auth.Principal) (map[string]views.Number, error) {
	out := map[string]views.Number{}
	if n, ok := s.numbers(p).(map[string]views.Number); ok {
		out = n
		if p.Scope == auth.ScopeAll { // a team without any has no sum
			teams, err := s.Auth.Teams(ctx)
			if err != nil {
				return nil, err
			}
			for _, t := range teams {
				out[views.TeamPrefix+string(t.ID)] = n[views.TeamPrefix+string(t.ID)]
			}
		}
	}
	var err error
	if out[views.ViewMentions], err = views.Unseen(ctx, s.Store, p.Agent); err != nil {
		return nil, err
	}
	out[views.ViewDrafts], err = views.Drafts(ctx, s.Store, p.Agent)
	return out, err
}

// savedViews are those that an agent sees: their own, then shared ones, by name.
func (s *Server) savedViews(ctx context.Context, p *auth.Principal, count bool) ([]View, error) {
	var docs []viewDoc
	if err := s.Store.C(store.Views).All(ctx, bson.D{}, &docs); err != nil {
		return nil, err
	}
	list := []View{}
	for i := range docs {
		d := &docs[i]
		if !shared(p, d.Share, d.Owner, d.Team) {
			continue
		}
		v := d.view(p)
		if count {
			n, err := s.bounded(ctx, p, d)
			if err != nil {
				return nil, err
			}
			v.Number = n
		}
		list = append(list, v)
	}
	slices.SortFunc(list, func(a, b View) int {
		if (a.Share == shareOwn) != (b.Share == shareOwn) {
			return strings.Compare(b.Share, a.Share) // own before all and team
		}
		return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
	return list, nil
}

// lookAt is how many conversations are looked at to count a saved view.
const lookAt = 500

// bounded counts a saved view by looking, as far as 99 or as the budget goes.
func (s *Server) bounded(ctx context.Context, p *auth.Principal, d *viewDoc) (*views.Number, error) {
	page, err := views.List(ctx, s.Store, views.Request{Filter: &d.Filter, Reader: readerOf(p), Scope: limitOf(p), See: p.CanSee, Sort: d.Sort,
		Limit: views.Bounded, Now: s.now(), Budget: lookAt})
	if err != nil {
		return nil, err
	}
	n := &views.Number{Total: len(page.Conversations), More: page.Next != nil}
	for i := range page.Conversations {
		c := &page.Conversations[i]
		if c.WaitingSince != nil {
			n.Waiting++
		}
		if c.NextDeadline != nil && c.NextDeadline.Before(s.now()) {
			n.Overdue++
		}
	}
	return n, nil
}

func (d *viewDoc) view(p *auth.Principal) View {
	return View{ID: d.ID, Name: d.Name, Share: d.Share, Team: d.Team, Owner: d.Owner, Filter: d.Filter, Sort: d.Sort,
		Mine: d.Share == shareOwn || p.Has(auth.ViewShare)}
}

func (s *Server) checkView(ctx context.Context, p *auth.Principal, b *ViewInput) error {
	if b.Share == "" {
		b.Share = shareOwn
	}
	if b.Sort == "" {
		b.Sort = views.Newest
	}
	if b.Name = strings.TrimSpace(b.Name); b.Name == "" {
		return invalid("name", "must not be empty")
	}
	if err := checkFilter("filter", &b.Filter); err != nil {
		return err
	}
	return s.mayShare(ctx, p, auth.ViewShare, b.Share, b.Team)
}

func (s *Server) createView(ctx context.Context, in *body[ViewInput]) (*body[View], error) {
	p, b := callerOf(ctx).Principal, in.Body
	if err := s.checkView(ctx, p, &b); err != nil {
		return nil, err
	}
	n := 0
	err := s.Store.C(store.Views).Each(ctx, bson.D{{Key: "owner", Value: string(p.Agent)}}, func(bson.Raw) error { n++; return nil }, store.Find{Limit: maxViews})
	if err != nil {
		return nil, err
	}
	if n >= maxViews {
		return nil, problem("conflict", "You have 200 views. Remove some first.")
	}
	d := viewDoc{ID: s.newID(), Name: b.Name, Share: b.Share, Team: b.Team, Owner: p.Agent, Filter: b.Filter, Sort: b.Sort, CreatedAt: s.now()}
	if err := s.Store.C(store.Views).Insert(ctx, d); err != nil {
		return nil, err
	}
	return &body[View]{d.view(p)}, s.audit(ctx, "view.create", d.ID, map[string]string{"share": d.Share})
}

// ours reads a saved view that the caller may change.
func (s *Server) ours(ctx context.Context, p *auth.Principal, id string) (*viewDoc, error) {
	d, err := s.savedView(ctx, p, id)
	if err != nil {
		return nil, err
	}
	if !d.view(p).Mine {
		return nil, problem("forbidden", "This needs the permission "+string(auth.ViewShare)+". Ask an administrator for it.")
	}
	return d, nil
}

func (s *Server) changeView(ctx context.Context, in *saveViewInput) (*body[View], error) {
	p, b := callerOf(ctx).Principal, in.Body
	if _, err := s.ours(ctx, p, in.ID); err != nil {
		return nil, err
	}
	if err := s.checkView(ctx, p, &b); err != nil {
		return nil, err
	}
	var d viewDoc
	err := s.Store.C(store.Views).Modify(ctx, bson.D{{Key: "_id", Value: in.ID}}, bson.D{{Key: "$set", Value: bson.D{{Key: "name", Value: b.Name},
		{Key: "share", Value: b.Share}, {Key: "team", Value: b.Team}, {Key: "filter", Value: b.Filter}, {Key: "sort", Value: b.Sort}}}}, false, &d)
	if err != nil {
		return nil, err
	}
	return &body[View]{d.view(p)}, s.audit(ctx, "view.update", d.ID, map[string]string{"share": d.Share})
}

func (s *Server) removeView(ctx context.Context, in *idInput) (*nothing, error) {
	if _, err := s.ours(ctx, callerOf(ctx).Principal, in.ID); err != nil {
		return nil, err
	}
	if _, err := s.Store.C(store.Views).Delete(ctx, bson.D{{Key: "_id", Value: in.ID}}); err != nil {
		return nil, err
	}
	return nil, s.audit(ctx, "view.remove", in.ID, nil)
}

func (s *Server) seeMentions(ctx context.Context, _ *struct{}) (*nothing, error) {
	return nil, views.SeenAll(ctx, s.Store, callerOf(ctx).Agent)
}
