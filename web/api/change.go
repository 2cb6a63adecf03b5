package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/parley-hub/parley/internal/auth"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// ChangeInput changes a conversation; absent fields stay.
type ChangeInput struct {
	State        *timeline.State   `json:"state,omitempty" enum:"open,snoozed,resolved"`
	SnoozeUntil  *time.Time        `json:"snoozeUntil,omitempty" doc:"With state snoozed; without it, until the person writes."`
	Assignee     *timeline.AgentID `json:"assignee,omitempty" maxLength:"64" doc:"An agent's id, me, or empty for nobody."`
	Team         *timeline.TeamID  `json:"team,omitempty" maxLength:"64" doc:"A team's id, or empty for none."`
	IfAssignee   *timeline.AgentID `json:"ifAssignee,omitempty" maxLength:"64" doc:"Refuse with 409 unless it is assigned to this agent now; empty: to nobody. To claim safely."`
	AddLabels    []string          `json:"addLabels,omitempty" maxItems:"50"`
	RemoveLabels []string          `json:"removeLabels,omitempty" maxItems:"50"`
	Priority     *int              `json:"priority,omitempty" minimum:"0" maximum:"4" doc:"0 none, 1 low, 2 normal, 3 high, 4 urgent."`
	Subject      *string           `json:"subject,omitempty" maxLength:"500"`
}

// Changing names the events that will come of a change.
type Changing struct {
	Events []timeline.EventID `json:"events"`
}

type changeInput struct {
	ID   string `path:"id" maxLength:"64"`
	Key  string `header:"Idempotency-Key" maxLength:"100" doc:"A ULID made by the client: the same change twice is one change."`
	Body ChangeInput
}

// maxLabel is the longest label, in runes.
const maxLabel = 64

func (s *Server) changeRoutes() {
	s.sendRoutes()
	register(s, Route{ID: "change-conversation", Method: http.MethodPatch, Path: "/api/conversations/{id}", Tag: "conversations",
		Access: Needs(auth.ConversationRead), Status: 202, Errors: []int{409}, Summary: "Change state, assignment, labels, priority or subject",
		Help: "202: it is durable; each change comes as an event. Assigning needs `conversation.assign`, everything else `conversation.manage`.",
		In:   map[string]any{"state": "resolved", "addLabels": []string{"delivery"}}, Out: Changing{Events: []timeline.EventID{exampleEventID + ".state"}}}, s.change)
}

func (s *Server) change(ctx context.Context, in *changeInput) (*body[Changing], error) {
	who, b := callerOf(ctx), in.Body
	if err := mayChange(who.Principal, b); err != nil {
		return nil, err
	}
	if strings.ContainsAny(in.Key, "/|") {
		return nil, invalid("Idempotency-Key", "must hold no slash and no bar")
	}
	c, err := s.visible(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	key := in.Key
	if key == "" {
		key = s.newID()
	}
	events, err := s.changes(ctx, c, b, key)
	if err != nil {
		return nil, err
	}
	out := Changing{Events: []timeline.EventID{}}
	cmds := make([]timeline.Command, 0, len(events))
	for _, e := range events {
		cmd := timeline.Command{ID: e.ID, Conversation: c.ID, Event: e, At: e.At}
		if e.Kind == timeline.KindAssignment {
			cmd.IfAssignee = b.IfAssignee
		}
		cmds = append(cmds, cmd)
		out.Events = append(out.Events, e.ID)
	}
	if err := s.Commands.Publish(ctx, cmds...); err != nil {
		return nil, fmt.Errorf("api: asking to change: %w", err)
	}
	return &body[Changing]{out}, nil
}

func mayChange(p *auth.Principal, b ChangeInput) error {
	var need []auth.Permission
	if b.Assignee != nil || b.Team != nil {
		need = append(need, auth.ConversationAssign)
	}
	if b.State != nil || len(b.AddLabels)+len(b.RemoveLabels) > 0 || b.Priority != nil || b.Subject != nil {
		need = append(need, auth.ConversationManage)
	}
	if len(need) == 0 {
		return problem("invalid", "Name at least one thing to change.")
	}
	for _, perm := range need {
		if !p.Has(perm) {
			return problem("forbidden", "This needs the permission "+string(perm)+". Ask an administrator for it.")
		}
	}
	return nil
}

// changes are the events that a change asks for, in the order they should happen.
func (s *Server) changes(ctx context.Context, c *timeline.Conversation, b ChangeInput, key string) ([]timeline.Event, error) {
	var list []timeline.Event
	if b.Assignee != nil || b.Team != nil {
		a, err := s.assignment(ctx, c, b)
		if err != nil {
			return nil, err
		}
		e := s.begin(ctx, c, timeline.KindAssignment, key+".assign")
		e.Assignment = a
		list = append(list, e)
	}
	if len(b.AddLabels)+len(b.RemoveLabels) > 0 || b.Priority != nil {
		add, err := labels("addLabels", b.AddLabels)
		if err != nil {
			return nil, err
		}
		remove, err := labels("removeLabels", b.RemoveLabels)
		if err != nil {
			return nil, err
		}
		e := s.begin(ctx, c, timeline.KindLabels, key+".labels")
		e.Labels = &timeline.Labels{Add: add, Remove: remove, Priority: b.Priority}
		list = append(list, e)
	}
	if b.Subject != nil {
		e := s.begin(ctx, c, timeline.KindSubject, key+".subject")
		e.Subject = &timeline.Subject{Text: strings.TrimSpace(*b.Subject)}
		list = append(list, e)
	}
	if b.State != nil {
		st, err := s.status(c, b)
		if err != nil {
			return nil, err
		}
		e := s.begin(ctx, c, timeline.KindStatus, key+".state")
		e.Status = st
		list = append(list, e)
	}
	return list, nil
}

func (s *Server) status(c *timeline.Conversation, b ChangeInput) (*timeline.Status, error) {
	st := &timeline.Status{From: c.State, To: *b.State, Why: "agent"}
	if *b.State != timeline.Snoozed {
		if b.SnoozeUntil != nil {
			return nil, invalid("snoozeUntil", "belongs to the state snoozed")
		}
		return st, nil
	}
	if b.SnoozeUntil == nil { // until the person writes
		return st, nil
	}
	if !b.SnoozeUntil.After(s.now()) {
		return nil, invalid("snoozeUntil", "name a time ahead")
	}
	until := timeline.Moment(*b.SnoozeUntil)
	st.Until = &until
	return st, nil
}

// assignment resolves who is meant, and refuses where it is somebody else's meanwhile.
func (s *Server) assignment(ctx context.Context, c *timeline.Conversation, b ChangeInput) (*timeline.Assignment, error) {
	if b.IfAssignee != nil && *b.IfAssignee != c.Assignee {
		return nil, s.taken(ctx, c)
	}
	a := &timeline.Assignment{Was: c.Assignee}
	if b.Assignee != nil {
		id := *b.Assignee
		if id == "me" {
			id = callerOf(ctx).Agent
		}
		a.Agent = &id
		if id != "" {
			to, err := s.Auth.Agent(ctx, id)
			if errors.Is(err, store.ErrNotFound) || (err == nil && to.Disabled != nil) {
				return nil, invalid("assignee", "there is no such agent, or no longer")
			}
			if err != nil {
				return nil, err
			}
			a.AgentName = to.Name
		}
	}
	if b.Team != nil {
		id := *b.Team
		a.Team = &id
		if id != "" {
			to, err := s.Auth.Team(ctx, id)
			if errors.Is(err, store.ErrNotFound) {
				return nil, invalid("team", "there is no such team")
			}
			if err != nil {
				return nil, err
			}
			a.TeamName = to.Name
		}
	}
	return a, nil
}

func (s *Server) taken(ctx context.Context, c *timeline.Conversation) error {
	if c.Assignee == "" {
		return problem("taken", "It is assigned to nobody now.")
	}
	name := "somebody else"
	if a, err := s.Auth.Agent(ctx, c.Assignee); err == nil {
		name = a.Name
	}
	return problem("taken", "It is assigned to "+name+" now.")
}

func labels(field string, list []string) ([]string, error) {
	var out []string
	for _, l := range list {
		l = strings.TrimSpace(l)
		if n := utf8.RuneCountInString(l); n < 1 || n > maxLabel {
			return nil, invalid(field, fmt.Sprintf("use 1 to %d characters in each", maxLabel))
		}
		if !slices.Contains(out, l) {
			out = append(out, l)
		}
	}
	return out, nil
}
