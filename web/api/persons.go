package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/internal/auth"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// PersonView is a person and how to reach them.
type PersonView struct {
	Person     timeline.Person  `json:"person"`
	Identities []timeline.Known `json:"identities"`
}

// PersonInput changes a person; absent fields stay.
type PersonInput struct {
	Name       *string            `json:"name,omitempty" minLength:"1" maxLength:"200"`
	Note       *string            `json:"note,omitempty" maxLength:"20000"`
	Attributes map[string]*string `json:"attributes,omitempty" doc:"Sets attributes by name; null removes one."`
}

// PersonConversations is one page of a person's conversations, the latest first.
type PersonConversations struct {
	Conversations []timeline.Conversation `json:"conversations"`
	Next          string                  `json:"next,omitempty"`
}

// MergeInput names the person to take in.
type MergeInput struct {
	From timeline.PersonID `json:"from" minLength:"1" maxLength:"64" doc:"Becomes part of the person in the path."`
}

// Merged names a merge, so that it can be undone.
type Merged struct {
	ID string `json:"id"`
}

type changePersonInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body PersonInput
}

type personListInput struct {
	ID    string `path:"id" maxLength:"64"`
	After string `query:"after" maxLength:"400"`
	Limit int    `query:"limit" minimum:"1" maximum:"200" default:"20"`
}

type mergeInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body MergeInput
}

// maxAttributes is how many attributes a person may have.
const maxAttributes = 100

func (s *Server) personRoutes() {
	view := PersonView{Person: examplePerson, Identities: []timeline.Known{}}
	register(s, Route{ID: "get-person", Method: http.MethodGet, Path: "/api/persons/{id}", Tag: "persons", Access: Needs(auth.PersonRead),
		Summary: "A person and how to reach them", Help: "A person who became part of another gives that other.", Out: view}, s.getPerson)
	register(s, Route{ID: "change-person", Method: http.MethodPatch, Path: "/api/persons/{id}", Tag: "persons", Access: Needs(auth.PersonWrite),
		Summary: "Change a person", In: map[string]any{"note": "Prefers mail", "attributes": map[string]any{"tier": "gold"}}, Out: view}, s.changePerson)
	register(s, Route{ID: "list-person-conversations", Method: http.MethodGet, Path: "/api/persons/{id}/conversations", Tag: "persons",
		Access: Needs(auth.ConversationRead), Summary: "A person's conversations, the latest first",
		Out: PersonConversations{Conversations: []timeline.Conversation{exampleConversation}}}, s.personConversations)
	register(s, Route{ID: "merge-person", Method: http.MethodPost, Path: "/api/persons/{id}/merge", Tag: "persons", Access: Needs(auth.PersonMerge),
		Summary: "Make two persons one", Replays: true, Errors: []int{409}, In: MergeInput{From: exampleID}, Out: Merged{ID: exampleID}}, s.merge)
	register(s, Route{ID: "undo-merge", Method: http.MethodPost, Path: "/api/merges/{id}/undo", Tag: "persons", Access: Needs(auth.PersonMerge),
		Status: 204, Errors: []int{409}, Summary: "Take a merge apart again"}, s.undoMerge)
}

// person reads a person, following one merge, and their identities.
func (s *Server) person(ctx context.Context, id timeline.PersonID) (*timeline.Person, []timeline.Known, error) {
	p, err := s.personDoc(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, []timeline.Known{}, nil
	}
	if err != nil {
		return nil, nil, err
	}
	known := []timeline.Known{}
	err = s.Store.C(store.Identities).All(ctx, bson.D{{Key: "person", Value: string(p.ID)}}, &known,
		store.Find{Sort: bson.D{{Key: "_id", Value: 1}}, Limit: 200})
	return p, known, err
}

func (s *Server) personDoc(ctx context.Context, id timeline.PersonID) (*timeline.Person, error) {
	var p timeline.Person
	persons := s.Store.C(store.Persons)
	if err := persons.One(ctx, bson.D{{Key: "_id", Value: string(id)}}, &p); err != nil {
		return nil, err
	}
	if p.MergedInto == "" {
		return &p, nil
	}
	var into timeline.Person
	err := persons.One(ctx, bson.D{{Key: "_id", Value: string(p.MergedInto)}}, &into)
	return &into, err
}

func (s *Server) getPerson(ctx context.Context, in *idInput) (*body[PersonView], error) {
	p, known, err := s.reachable(ctx, timeline.PersonID(in.ID))
	if err != nil {
		return nil, err
	}
	return &body[PersonView]{PersonView{*p, known}}, nil
}

// reachable reads a person whom the caller may see: with a narrow scope only one of whose
// conversations is visible.
func (s *Server) reachable(ctx context.Context, id timeline.PersonID) (*timeline.Person, []timeline.Known, error) {
	p, known, err := s.person(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	if p == nil {
		return nil, nil, problem("not-found", "")
	}
	who := callerOf(ctx)
	if who.Scope == auth.ScopeAll {
		return p, known, nil
	}
	var list []timeline.Conversation
	err = s.Store.C(store.Conversations).All(ctx, bson.D{{Key: "person", Value: string(p.ID)}}, &list,
		store.Find{Sort: bson.D{{Key: "lastAt", Value: -1}, {Key: "_id", Value: -1}}, Limit: 200})
	if err != nil {
		return nil, nil, err
	}
	for i := range list {
		if who.CanSee(&list[i]) {
			return p, known, nil
		}
	}
	return nil, nil, problem("not-found", "")
}

func (s *Server) changePerson(ctx context.Context, in *changePersonInput) (*body[PersonView], error) {
	p, _, err := s.reachable(ctx, timeline.PersonID(in.ID))
	if err != nil {
		return nil, err
	}
	if p.Erased != nil {
		return nil, problem("conflict", "The person was erased; nothing is kept of them any more.")
	}
	if err := s.fits(ctx, in.Body.Attributes); err != nil {
		return nil, err
	}
	update, err := personUpdate(p, in.Body)
	if err != nil {
		return nil, err
	}
	if len(update) > 0 {
		if _, err := s.Store.C(store.Persons).Update(ctx, bson.D{{Key: "_id", Value: string(p.ID)}}, update); err != nil {
			return nil, err
		}
	}
	if in.Body.Name != nil {
		if err := s.rename(ctx, p.ID, strings.TrimSpace(*in.Body.Name)); err != nil {
			return nil, err
		}
	}
	s.personChanged(ctx, p.ID)
	return s.getPerson(ctx, &idInput{ID: string(p.ID)})
}

// renamed is the control by which a conversation learns its person's new name.
const renamed = "renamed"

// maxRenamed is how many of a person's conversations, the latest, show a new name at once.
const maxRenamed = 50

// rename asks for a person's new name on their conversations: lists show it.
func (s *Server) rename(ctx context.Context, id timeline.PersonID, name string) error {
	var list []timeline.Conversation
	err := s.Store.C(store.Conversations).All(ctx, bson.D{{Key: "person", Value: string(id)}}, &list,
		store.Find{Sort: bson.D{{Key: "lastAt", Value: -1}, {Key: "_id", Value: -1}}, Limit: maxRenamed})
	if err != nil {
		return err
	}
	var cmds []timeline.Command
	key := s.newID()
	for i := range list {
		if list[i].Name == name {
			continue
		}
		e := s.begin(ctx, &list[i], timeline.KindControl, key+".name")
		e.Control = &timeline.Control{Name: renamed, Data: map[string]string{"from": list[i].Name, "to": name}}
		cmds = append(cmds, timeline.Command{ID: e.ID, Conversation: list[i].ID, Event: e, Name: name, At: e.At})
	}
	if len(cmds) == 0 {
		return nil
	}
	if err := s.Commands.Publish(ctx, cmds...); err != nil {
		return fmt.Errorf("api: asking for a new name: %w", err)
	}
	return nil
}

func personUpdate(p *timeline.Person, b PersonInput) (bson.D, error) {
	var set, unset bson.D
	if b.Name != nil {
		name := strings.TrimSpace(*b.Name)
		if name == "" {
			return nil, invalid("name", "must not be empty")
		}
		set = append(set, bson.E{Key: "name", Value: name}, bson.E{Key: "named", Value: true})
	}
	if b.Note != nil {
		set = append(set, bson.E{Key: "note", Value: *b.Note})
	}
	if len(p.Attributes)+len(b.Attributes) > maxAttributes {
		return nil, invalid("attributes", "a person has at most 100")
	}
	for name, value := range b.Attributes {
		if name == "" || utf8.RuneCountInString(name) > 100 || strings.ContainsAny(name, ".$\x00") {
			return nil, invalid("attributes", "names have 1 to 100 characters and no dot and no dollar sign")
		}
		switch {
		case value == nil:
			unset = append(unset, bson.E{Key: "attributes." + name, Value: ""})
		case len(*value) > 2000:
			return nil, invalid("attributes."+name, "use at most 2000 characters")
		default:
			set = append(set, bson.E{Key: "attributes." + name, Value: *value})
		}
	}
	var update bson.D
	if len(set) > 0 {
		update = append(update, bson.E{Key: "$set", Value: set})
	}
	if len(unset) > 0 {
		update = append(update, bson.E{Key: "$unset", Value: unset})
	}
	return update, nil
}

func (s *Server) personConversations(ctx context.Context, in *personListInput) (*body[PersonConversations], error) {
	who, o := callerOf(ctx), orders["newest"]
	var p place
	var err error
	if in.After != "" {
		if p, err = parsePlace(in.After, "newest"); err != nil {
			return nil, err
		}
	}
	id := timeline.PersonID(in.ID)
	if person, perr := s.personDoc(ctx, id); perr == nil {
		id = person.ID
	}
	list := []timeline.Conversation{}
	err = s.Store.C(store.Conversations).All(ctx, from(bson.D{{Key: "person", Value: string(id)}}, nil, o, p), &list,
		store.Find{Sort: bson.D{{Key: o.field, Value: o.dir}, {Key: "_id", Value: o.dir}}, Limit: in.Limit + 1})
	if err != nil {
		return nil, err
	}
	out := PersonConversations{Conversations: []timeline.Conversation{}}
	if len(list) > in.Limit {
		last := &list[in.Limit-1]
		out.Next = place{At: last.LastAt, ID: string(last.ID), Sort: "newest"}.key()
		list = list[:in.Limit]
	}
	for i := range list {
		if who.CanSee(&list[i]) {
			out.Conversations = append(out.Conversations, list[i])
		}
	}
	return &body[PersonConversations]{out}, nil
}

func (s *Server) merge(ctx context.Context, in *mergeInput) (*body[Merged], error) {
	if in.ID == string(in.Body.From) {
		return nil, invalid("from", "a person cannot be merged with themselves")
	}
	if _, _, err := s.reachable(ctx, timeline.PersonID(in.ID)); err != nil {
		return nil, err
	}
	if _, _, err := s.reachable(ctx, in.Body.From); err != nil {
		return nil, err
	}
	id, err := s.Merges.Merge(ctx, timeline.PersonID(in.ID), in.Body.From, callerOf(ctx).Actor())
	if err != nil {
		return nil, err
	}
	return &body[Merged]{Merged{id}}, s.audit(ctx, "person.merge", in.ID, map[string]string{"from": string(in.Body.From), "merge": id})
}

func (s *Server) undoMerge(ctx context.Context, in *idInput) (*nothing, error) {
	if err := s.Merges.Undo(ctx, in.ID, callerOf(ctx).Actor()); err != nil {
		return nil, err
	}
	return nil, s.audit(ctx, "person.unmerge", in.ID, nil)
}

// Suggestion is two persons who may be one.
type Suggestion struct {
	ID       string              `json:"id" bson:"_id"`
	Persons  []timeline.PersonID `json:"persons"`
	Evidence []timeline.Evidence `json:"evidence" doc:"What is the same, and how it is known. linked: a channel names the other's address, unverified; said: one wrote it; profile: the profile of one, or what they filled in, holds it; alike: a full name with the same picture or user name; agent: one of us said so; shared: both used one place; undone: a verified link that was taken apart before."`
	Why      string              `json:"why" doc:"How the first of it is known."`
	Score    int                 `json:"score" doc:"How much speaks for it, 0 to 99. Nobody is merged by it."`
	At       time.Time           `json:"at"`
}

// SuggestionList is what may be merged with a person.
type SuggestionList struct {
	Suggestions []Suggestion `json:"suggestions"`
}

func (s *Server) suggestionRoutes() {
	register(s, Route{ID: "list-suggestions", Method: http.MethodGet, Path: "/api/persons/{id}/suggestions", Tag: "persons",
		Access: Needs(auth.PersonRead), Summary: "Persons who may be the same",
		Out: SuggestionList{Suggestions: []Suggestion{{ID: exampleID, Persons: []timeline.PersonID{exampleID, exampleID}, Score: 45,
			Evidence: []timeline.Evidence{{Kind: "email", How: "said", Value: "maya@example.org", Event: "demo|msg:1"}}, At: exampleTime}}}}, s.listSuggestions)
	register(s, Route{ID: "dismiss-suggestion", Method: http.MethodDelete, Path: "/api/suggestions/{id}", Tag: "persons",
		Access: Needs(auth.PersonMerge), Status: 204, Summary: "They are not the same", Help: "The id is percent-encoded."}, s.dismissSuggestion)
}

func (s *Server) listSuggestions(ctx context.Context, in *idInput) (*body[SuggestionList], error) {
	if _, _, err := s.reachable(ctx, timeline.PersonID(in.ID)); err != nil {
		return nil, err
	}
	out := SuggestionList{Suggestions: []Suggestion{}}
	err := s.Store.C(store.Suggestions).All(ctx, bson.D{{Key: "persons", Value: in.ID}, {Key: "dismissed", Value: bson.D{{Key: "$exists", Value: false}}}},
		&out.Suggestions, store.Find{Sort: bson.D{{Key: "_id", Value: 1}}, Limit: 50})
	if err == nil {
		out.Suggestions, err = s.stillTwo(ctx, out.Suggestions)
	}
	for i := range out.Suggestions {
		if len(out.Suggestions[i].Evidence) == 0 {
			out.Suggestions[i].Evidence = []timeline.Evidence{}
		} else {
			out.Suggestions[i].Why = out.Suggestions[i].Evidence[0].How
		}
	}
	slices.SortStableFunc(out.Suggestions, func(a, b Suggestion) int { return b.Score - a.Score })
	return &body[SuggestionList]{out}, err
}

// stillTwo leaves out pairs that were merged meanwhile. They are kept: undone, a merge is asked for again.
func (s *Server) stillTwo(ctx context.Context, list []Suggestion) ([]Suggestion, error) {
	if len(list) == 0 {
		return list, nil
	}
	var ids []timeline.PersonID
	for i := range list {
		ids = append(ids, list[i].Persons...)
	}
	var gone []timeline.Person
	merged := bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: ids}}}, {Key: "mergedInto", Value: bson.D{{Key: "$exists", Value: true}}}}
	if err := s.Store.C(store.Persons).All(ctx, merged, &gone); err != nil {
		return nil, fmt.Errorf("read who was merged: %w", err)
	}
	into := map[timeline.PersonID]timeline.PersonID{}
	for i := range gone {
		into[gone[i].ID] = gone[i].MergedInto
	}
	one := func(id timeline.PersonID) timeline.PersonID { return cmp.Or(into[id], id) }
	return slices.DeleteFunc(list, func(x Suggestion) bool { return len(x.Persons) == 2 && one(x.Persons[0]) == one(x.Persons[1]) }), nil
}

func (s *Server) dismissSuggestion(ctx context.Context, in *idInput) (*nothing, error) {
	id, err := unescape(in.ID)
	if err != nil {
		return nil, err
	}
	n, err := s.Store.C(store.Suggestions).Update(ctx, bson.D{{Key: "_id", Value: id}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "dismissed", Value: s.now()}}}})
	if err == nil && n == 0 {
		err = store.ErrNotFound
	}
	return nil, err
}
