package api

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/inbox/hours"
	"github.com/parley-hub/parley/inbox/views"
	"github.com/parley-hub/parley/internal/auth"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// Label is a label as the catalogue has it. Conversations may have labels that it does not have.
type Label struct {
	ID          string `json:"id" bson:"_id"`
	Key         string `json:"-" bson:"key"` // the name in lower case: there is one of each
	Name        string `json:"name"`
	Color       string `json:"color"`
	Description string `json:"description,omitempty"`
}

// LabelList is every label.
type LabelList struct {
	Labels []Label `json:"labels"`
}

// LabelInput defines a label.
type LabelInput struct {
	Name        string `json:"name" minLength:"1" maxLength:"64"`
	Color       string `json:"color,omitempty" pattern:"^(#[0-9a-fA-F]{6})?$"`
	Description string `json:"description,omitempty" maxLength:"500"`
}

// LabelChanged is a label, and the bulk that carries its new name to conversations.
type LabelChanged struct {
	Label Label `json:"label"`
	Bulk  *Bulk `json:"bulk,omitempty"`
}

// LabelMerge names the label that another becomes part of.
type LabelMerge struct {
	Into string `json:"into" minLength:"1" maxLength:"64" doc:"The label's id."`
}

type labelInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body LabelInput
}

type labelMergeInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body LabelMerge
}

// AttributeDef says what an attribute of persons may hold.
type AttributeDef struct {
	Name     string   `json:"name" bson:"_id" minLength:"1" maxLength:"100" pattern:"^[^.$]+$"`
	Title    string   `json:"title,omitempty" maxLength:"100"`
	Kind     string   `json:"kind" enum:"text,number,date,choice,bool,url"`
	Choices  []string `json:"choices,omitempty" maxItems:"200" doc:"Of kind choice."`
	Help     string   `json:"help,omitempty" maxLength:"500"`
	Position int      `json:"position,omitempty" doc:"Smaller ones are shown first."`
}

// AttributeList is every attribute that is defined.
type AttributeList struct {
	Attributes []AttributeDef `json:"attributes"`
}

// HoursView is when we are open.
type HoursView struct {
	ID    string      `json:"id"`
	Name  string      `json:"name"`
	Hours hours.Hours `json:"hours"`
	Open  bool        `json:"open" doc:"At this moment."`
	Next  *time.Time  `json:"next,omitempty" doc:"When it opens next; now, if it is open."`
}

// HoursList is every set of business hours.
type HoursList struct {
	Hours []HoursView `json:"hours"`
}

// HoursInput defines business hours.
type HoursInput struct {
	Name  string      `json:"name" minLength:"1" maxLength:"80"`
	Hours hours.Hours `json:"hours"`
}

type hoursDoc struct {
	ID    string      `json:"id" bson:"_id"`
	Name  string      `json:"name"`
	Hours hours.Hours `json:"hours"`
}

type hoursInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body HoursInput
}

func (s *Server) catalogueRoutes() {
	const tag = "catalogue"
	label := Label{ID: exampleID, Name: "delivery", Color: "#2b53c6"}
	in := LabelInput{Name: "delivery", Color: "#2b53c6"}
	read, manage := Needs(auth.ConversationRead), Needs(auth.CatalogueManage)
	register(s, Route{ID: "list-labels", Method: http.MethodGet, Path: "/api/labels", Tag: tag, Access: read, Summary: "Every label", Out: LabelList{[]Label{label}}}, s.listLabels)
	register(s, Route{ID: "create-label", Method: http.MethodPost, Path: "/api/labels", Tag: tag, Access: manage, Status: 201, Replays: true, Errors: []int{409},
		Summary: "Define a label", In: in, Out: label}, s.createLabel)
	register(s, Route{ID: "change-label", Method: http.MethodPut, Path: "/api/labels/{id}", Tag: tag, Access: manage, Errors: []int{409},
		Summary: "Change a label", Help: "A new name is carried to every conversation by a bulk.", In: in, Out: LabelChanged{Label: label}}, s.changeLabel)
	register(s, Route{ID: "merge-label", Method: http.MethodPost, Path: "/api/labels/{id}/merge", Tag: tag, Access: manage, Status: 202,
		Summary: "Make a label part of another", In: LabelMerge{Into: exampleID}, Out: LabelChanged{Label: label}}, s.mergeLabel)
	register(s, Route{ID: "remove-label", Method: http.MethodDelete, Path: "/api/labels/{id}", Tag: tag, Access: manage, Status: 204,
		Summary: "Remove a label from the catalogue", Help: "Conversations keep it."}, s.removeLabel)
	members := Members{Agents: []timeline.AgentID{exampleID}}
	register(s, Route{ID: "set-team-members", Method: http.MethodPut, Path: "/api/teams/{id}/members", Tag: "agents", Access: Needs(auth.TeamManage),
		Summary: "Say who is in a team", In: members, Out: members}, s.setMembers)
	def := AttributeDef{Name: "tier", Kind: "choice", Choices: []string{"gold", "silver"}}
	register(s, Route{ID: "list-attributes", Method: http.MethodGet, Path: "/api/attributes", Tag: tag, Access: Needs(auth.PersonRead),
		Summary: "Which attributes persons have", Out: AttributeList{[]AttributeDef{def}}}, s.listAttributes)
	register(s, Route{ID: "define-attribute", Method: http.MethodPut, Path: "/api/attributes", Tag: tag, Access: manage, Summary: "Define an attribute of persons",
		Help: "Values that are there stay as they are; new ones must fit.", In: def, Out: def}, s.defineAttribute)
	register(s, Route{ID: "remove-attribute", Method: http.MethodDelete, Path: "/api/attributes/{id}", Tag: tag, Access: manage, Status: 204,
		Summary: "Define an attribute no longer", Help: "Persons keep its values. The name is percent-encoded."}, s.removeAttribute)
	hoursIn := HoursInput{Name: "Office", Hours: hours.Hours{Zone: "Europe/Berlin", Week: [7][]hours.Span{1: {{From: "09:00", To: "17:30"}}}}}
	hoursOut := HoursView{ID: exampleID, Name: "Office", Hours: hoursIn.Hours, Open: true}
	register(s, Route{ID: "list-hours", Method: http.MethodGet, Path: "/api/hours", Tag: tag, Access: read, Summary: "When we are open", Out: HoursList{[]HoursView{hoursOut}}}, s.listHours)
	register(s, Route{ID: "create-hours", Method: http.MethodPost, Path: "/api/hours", Tag: tag, Access: manage, Status: 201, Replays: true,
		Summary: "Define business hours", In: hoursIn, Out: hoursOut}, s.createHours)
	register(s, Route{ID: "change-hours", Method: http.MethodPut, Path: "/api/hours/{id}", Tag: tag, Access: manage, Summary: "Change business hours",
		In: hoursIn, Out: hoursOut}, s.changeHours)
	register(s, Route{ID: "remove-hours", Method: http.MethodDelete, Path: "/api/hours/{id}", Tag: tag, Access: manage, Status: 204, Summary: "Remove business hours"}, s.removeHours)
}

func (s *Server) listLabels(ctx context.Context, _ *struct{}) (*body[LabelList], error) {
	out := LabelList{Labels: []Label{}}
	err := s.Store.C(store.Labels).All(ctx, bson.D{}, &out.Labels)
	slices.SortFunc(out.Labels, func(a, b Label) int { return strings.Compare(a.Key, b.Key) })
	return &body[LabelList]{out}, err
}

func (s *Server) labelDoc(id string, b LabelInput) (Label, error) {
	name, err := labels("name", []string{b.Name})
	if err != nil {
		return Label{}, err
	}
	if b.Color == "" {
		b.Color = "#64748b"
	}
	return Label{ID: id, Key: strings.ToLower(name[0]), Name: name[0], Color: b.Color, Description: b.Description}, nil
}

func labelTaken(err error) error {
	if store.IsDuplicate(err, "name") {
		return problem("conflict", "There is a label of this name. Merge the two to make them one.")
	}
	return err
}

func (s *Server) createLabel(ctx context.Context, in *body[LabelInput]) (*body[Label], error) {
	l, err := s.labelDoc(s.newID(), in.Body)
	if err != nil {
		return nil, err
	}
	if err := s.Store.C(store.Labels).Insert(ctx, l); err != nil {
		return nil, labelTaken(err)
	}
	return &body[Label]{l}, s.audit(ctx, "label.create", l.ID, nil)
}

func (s *Server) label(ctx context.Context, id string) (l Label, err error) {
	err = s.Store.C(store.Labels).One(ctx, bson.D{{Key: "_id", Value: id}}, &l)
	return l, err
}

// changeLabel renames in the catalogue, and then asks for the new name on conversations.
func (s *Server) changeLabel(ctx context.Context, in *labelInput) (*body[LabelChanged], error) {
	was, err := s.label(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	l, err := s.labelDoc(in.ID, in.Body)
	if err != nil {
		return nil, err
	}
	_, err = s.Store.C(store.Labels).Update(ctx, bson.D{{Key: "_id", Value: in.ID}}, bson.D{{Key: "$set", Value: bson.D{{Key: "key", Value: l.Key},
		{Key: "name", Value: l.Name}, {Key: "color", Value: l.Color}, {Key: "description", Value: l.Description}}}})
	if err != nil {
		return nil, labelTaken(err)
	}
	out := LabelChanged{Label: l}
	if was.Name != l.Name {
		if out.Bulk, err = s.relabel(ctx, was.Name, l.Name); err != nil {
			return nil, err
		}
	}
	return &body[LabelChanged]{out}, s.audit(ctx, "label.update", l.ID, map[string]string{"from": was.Name, "to": l.Name})
}

// relabel replaces a label on every conversation.
func (s *Server) relabel(ctx context.Context, from, to string) (*Bulk, error) {
	b, err := s.beginBulk(ctx, &bulkDoc{Agent: callerOf(ctx).Agent, All: true, Source: &views.View{Filter: views.Filter{Field: views.Label, In: []string{from}}},
		Change: ChangeInput{RemoveLabels: []string{from}, AddLabels: []string{to}}})
	if err != nil {
		return nil, err
	}
	return &b.Body, nil
}

func (s *Server) mergeLabel(ctx context.Context, in *labelMergeInput) (*body[LabelChanged], error) {
	from, err := s.label(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	into, err := s.label(ctx, in.Body.Into)
	if err != nil || into.ID == from.ID {
		return nil, invalid("into", "there is no such label, or it is the same")
	}
	b, err := s.relabel(ctx, from.Name, into.Name)
	if err != nil {
		return nil, err
	}
	if _, err := s.Store.C(store.Labels).Delete(ctx, bson.D{{Key: "_id", Value: from.ID}}); err != nil {
		return nil, err
	}
	return &body[LabelChanged]{LabelChanged{Label: into, Bulk: b}}, s.audit(ctx, "label.merge", into.ID, map[string]string{"from": from.Name, "to": into.Name})
}

// removed deletes one document of the catalogue.
func (s *Server) removed(ctx context.Context, collection, id, action string) (*nothing, error) {
	n, err := s.Store.C(collection).Delete(ctx, bson.D{{Key: "_id", Value: id}})
	if err == nil && n == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return nil, s.audit(ctx, action, id, nil)
}

func (s *Server) removeLabel(ctx context.Context, in *idInput) (*nothing, error) {
	return s.removed(ctx, store.Labels, in.ID, "label.remove")
}

func (s *Server) listAttributes(ctx context.Context, _ *struct{}) (*body[AttributeList], error) {
	out := AttributeList{Attributes: []AttributeDef{}}
	err := s.Store.C(store.Attributes).All(ctx, bson.D{}, &out.Attributes)
	slices.SortStableFunc(out.Attributes, func(a, b AttributeDef) int {
		return (a.Position-b.Position)*2 + strings.Compare(a.Name, b.Name)
	})
	return &body[AttributeList]{out}, err
}

func (s *Server) defineAttribute(ctx context.Context, in *body[AttributeDef]) (*body[AttributeDef], error) {
	d := in.Body
	if (d.Kind == "choice") != (len(d.Choices) > 0) {
		return nil, invalid("choices", "name choices where kind is choice, and only there")
	}
	_, err := s.Store.C(store.Attributes).Upsert(ctx, bson.D{{Key: "_id", Value: d.Name}}, bson.D{{Key: "$set", Value: bson.D{{Key: "title", Value: d.Title},
		{Key: "kind", Value: d.Kind}, {Key: "choices", Value: d.Choices}, {Key: "help", Value: d.Help}, {Key: "position", Value: d.Position}}}})
	if err != nil {
		return nil, err
	}
	return &body[AttributeDef]{d}, s.audit(ctx, "attribute.define", d.Name, nil)
}

func (s *Server) removeAttribute(ctx context.Context, in *idInput) (*nothing, error) {
	name, err := unescape(in.ID)
	if err != nil {
		return nil, err
	}
	return s.removed(ctx, store.Attributes, name, "attribute.remove")
}

// fits refuses values that are not what their attributes are defined to hold.
func (s *Server) fits(ctx context.Context, values map[string]*string) error {
	var names []string
	for name, v := range values {
		if v != nil {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	var defs []AttributeDef
	if err := s.Store.C(store.Attributes).All(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: names}}}}, &defs); err != nil {
		return err
	}
	for i := range defs {
		if why := defs[i].refuses(*values[defs[i].Name]); why != "" {
			return invalid("attributes."+defs[i].Name, why)
		}
	}
	return nil
}

// refuses says why a value does not fit; empty: it does. It is pure.
func (d *AttributeDef) refuses(v string) string {
	switch d.Kind {
	case "number":
		if _, err := strconv.ParseFloat(v, 64); err != nil || strings.ContainsAny(v, "xXpPnNiI_") {
			return "must be a number, such as 12.5"
		}
	case "date":
		if _, err := time.Parse(time.DateOnly, v); err != nil {
			return "must be a date, such as 2026-03-02"
		}
	case "bool":
		if v != "true" && v != "false" {
			return "must be true or false"
		}
	case "choice":
		if !slices.Contains(d.Choices, v) {
			return "must be one of " + join(d.Choices)
		}
	case "url":
		if u, err := url.Parse(v); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return "must be an address that begins with https:// or http://"
		}
	}
	return ""
}

func (s *Server) hoursView(d hoursDoc) HoursView {
	v := HoursView{ID: d.ID, Name: d.Name, Hours: d.Hours, Open: d.Hours.Open(s.now())}
	for i := range v.Hours.Week {
		if v.Hours.Week[i] == nil {
			v.Hours.Week[i] = []hours.Span{}
		}
	}
	if at, ok := d.Hours.Next(s.now()); ok {
		v.Next = &at
	}
	return v
}

func (s *Server) listHours(ctx context.Context, _ *struct{}) (*body[HoursList], error) {
	var docs []hoursDoc
	err := s.Store.C(store.Hours).All(ctx, bson.D{}, &docs)
	out := HoursList{Hours: []HoursView{}}
	for _, d := range docs {
		out.Hours = append(out.Hours, s.hoursView(d))
	}
	return &body[HoursList]{out}, err
}

func checkHours(h *hours.Hours) error {
	if err := h.Check(); err != nil {
		if wrong, ok := err.(*hours.FieldError); ok { //nolint:errorlint // Check answers nothing else
			return invalid("hours."+wrong.Path, wrong.Message)
		}
		return err
	}
	return nil
}

func (s *Server) createHours(ctx context.Context, in *body[HoursInput]) (*body[HoursView], error) {
	if err := checkHours(&in.Body.Hours); err != nil {
		return nil, err
	}
	d := hoursDoc{ID: s.newID(), Name: in.Body.Name, Hours: in.Body.Hours}
	if err := s.Store.C(store.Hours).Insert(ctx, d); err != nil {
		return nil, err
	}
	return &body[HoursView]{s.hoursView(d)}, s.audit(ctx, "hours.create", d.ID, nil)
}

func (s *Server) changeHours(ctx context.Context, in *hoursInput) (*body[HoursView], error) {
	if err := checkHours(&in.Body.Hours); err != nil {
		return nil, err
	}
	var d hoursDoc
	err := s.Store.C(store.Hours).Modify(ctx, bson.D{{Key: "_id", Value: in.ID}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "name", Value: in.Body.Name}, {Key: "hours", Value: in.Body.Hours}}}}, false, &d)
	if err != nil {
		return nil, err
	}
	return &body[HoursView]{s.hoursView(d)}, s.audit(ctx, "hours.update", d.ID, nil)
}

func (s *Server) removeHours(ctx context.Context, in *idInput) (*nothing, error) {
	return s.removed(ctx, store.Hours, in.ID, "hours.remove")
}

// Members is who is in a team.
type Members struct {
	Agents []timeline.AgentID `json:"agents" maxItems:"2000"`
}

type membersInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body Members
}

func (s *Server) setMembers(ctx context.Context, in *membersInput) (*body[Members], error) {
	team := timeline.TeamID(in.ID)
	if _, err := s.Auth.Team(ctx, team); err != nil {
		return nil, err
	}
	all, err := s.Auth.Agents(ctx)
	if err != nil {
		return nil, err
	}
	for _, id := range in.Body.Agents {
		if !slices.ContainsFunc(all, func(a auth.Agent) bool { return a.ID == id }) {
			return nil, invalid("agents", "there is no agent "+string(id))
		}
	}
	for id, teams := range swapMembers(all, team, in.Body.Agents) {
		if _, err := s.Auth.UpdateAgent(ctx, id, auth.AgentChange{Teams: &teams}); err != nil {
			return nil, err
		}
	}
	return &body[Members]{Members{Agents: append([]timeline.AgentID{}, in.Body.Agents...)}}, s.audit(ctx, "team.members", in.ID, nil)
}

// swapMembers is the teams of every agent who comes into a team or leaves it. It is pure.
func swapMembers(all []auth.Agent, team timeline.TeamID, want []timeline.AgentID) map[timeline.AgentID][]timeline.TeamID {
	out := map[timeline.AgentID][]timeline.TeamID{}
	for _, a := range all {
		is, wanted := slices.Contains(a.Teams, team), slices.Contains(want, a.ID)
		switch {
		case wanted && !is:
			out[a.ID] = append(slices.Clone(a.Teams), team)
		case is && !wanted:
			out[a.ID] = slices.DeleteFunc(slices.Clone(a.Teams), func(t timeline.TeamID) bool { return t == team })
		}
	}
	return out
}
