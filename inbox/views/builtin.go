package views

import (
	"strings"
	"time"

	"github.com/parley-hub/parley/timeline"
)

// View is a named list of conversations.
type View struct {
	ID     string `json:"id"`
	Filter Filter `json:"filter"`
	Sort   Sort   `json:"sort"`
	Source Source `json:"source,omitempty"`
}

// Source is where a view's conversations come from, where it is not a filter.
type Source string

// The sources beside filters: what one agent wrote, or was called to.
const (
	FromFilter   Source = ""
	FromMentions Source = "mentions"
	FromDrafts   Source = "drafts"
)

// The built-in views; a team's is "team:" and its id.
const (
	ViewMine        = "mine"
	ViewUnassigned  = "unassigned"
	ViewMentions    = "mentions"
	ViewAll         = "all"
	ViewSnoozed     = "snoozed"
	ViewResolved    = "resolved"
	ViewDrafts      = "drafts"
	ViewOverdue     = "overdue"
	ViewSoon        = "soon"
	ViewUndelivered = "undelivered"
	TeamPrefix      = "team:"
)

// Builtins lists the built-in views in the order that people see them; teams come after them.
var Builtins = []string{ViewMine, ViewMentions, ViewUnassigned, ViewAll, ViewDrafts, ViewOverdue, ViewSoon, ViewUndelivered, ViewSnoozed, ViewResolved}

// Soon is how near a deadline is that is due soon.
const Soon = time.Hour

// Builtin finds a built-in view.
func Builtin(id string) (View, bool) {
	in := func(f Field, v string) Filter { return Filter{Field: f, In: []string{v}} }
	open := in(State, string(timeline.Open))
	v := View{ID: id, Sort: Newest}
	switch team, isTeam := strings.CutPrefix(id, TeamPrefix); {
	case isTeam && team != "":
		v.Filter = Filter{And: []Filter{open, in(Team, team)}}
	case id == ViewMine:
		v.Filter = Filter{And: []Filter{open, in(Assignee, Me)}}
	case id == ViewUnassigned:
		v.Filter = Filter{And: []Filter{open, in(Assignee, "")}}
	case id == ViewAll:
		v.Filter = open
	case id == ViewSnoozed:
		v.Filter = in(State, string(timeline.Snoozed))
	case id == ViewResolved:
		v.Filter = in(State, string(timeline.Resolved))
	case id == ViewOverdue:
		v.Filter, v.Sort = Filter{And: []Filter{open, {Field: Deadline, Over: "0m"}}}, NextDue
	case id == ViewSoon:
		v.Filter, v.Sort = Filter{And: []Filter{open, {Field: Deadline, Within: "1h"}}}, NextDue
	case id == ViewUndelivered:
		v.Filter = Filter{Field: Failed}
	case id == ViewMentions:
		v.Source = FromMentions
	case id == ViewDrafts:
		v.Source = FromDrafts
	default:
		return View{}, false
	}
	return v, true
}

// Move says which views a conversation came into and which it left by a change; before is nil
// for a new one. Views whose source is no filter are left out. It is pure.
func Move(list []View, before, after *timeline.Conversation, x Facts) (into, out []string) {
	for i := range list {
		v := &list[i]
		if v.Source != FromFilter {
			continue
		}
		was, is := before != nil && v.Filter.Match(before, x), after != nil && v.Filter.Match(after, x)
		switch {
		case is && !was:
			into = append(into, v.ID)
		case was && !is:
			out = append(out, v.ID)
		}
	}
	return into, out
}
