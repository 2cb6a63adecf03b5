package views

import (
	"slices"
	"strings"
	"time"

	"github.com/parley-hub/parley/timeline"
)

// Field is what a condition looks at.
type Field string

// The fields. Beside each, what the condition sets.
const (
	State      Field = "state"      // In: open, snoozed, resolved
	Assignee   Field = "assignee"   // In: agents' ids, "me", "" for nobody
	Team       Field = "team"       // In: teams' ids, "mine", "" for none
	Label      Field = "label"      // In: it has one of these
	Priority   Field = "priority"   // In: "0" to "4"
	Channel    Field = "channel"    // In: kinds of channel of which it has a leg
	Account    Field = "account"    // In: accounts of which it has a leg
	Place      Field = "place"      // In: sorts of thread of which it has a leg; "" for the usual
	LastActor  Field = "lastActor"  // In: kinds of who spoke last
	Waiting    Field = "waiting"    // Over: the person waits for longer
	Unread     Field = "unread"     // Is: the reader has not read all that the person wrote
	Attachment Field = "attachment" // Is: one of its messages carried a file
	Failed     Field = "failed"     // Is: a message of ours did not reach the person
	Created    Field = "created"    // From, Until
	Last       Field = "last"       // From, Until: of the last message
	Deadline   Field = "deadline"   // From, Until, or Over: it has passed for longer; Within: it comes within
	Attribute  Field = "attribute"  // Name, In: of the person
	Subject    Field = "subject"    // Text: it holds these words, in any case
)

// Fields lists every field, for descriptions and exhaustive tests.
var Fields = []Field{State, Assignee, Team, Label, Priority, Channel, Account, Place, LastActor, Waiting, Unread, Attachment,
	Failed, Created, Last, Deadline, Attribute, Subject}

// Values that stand for whoever looks.
const (
	Me   = "me"   // of Assignee
	Mine = "mine" // of Team: those the reader is in
)

// Filter is a condition on conversations: And, Or, Not, or one field. The zero value holds for
// every conversation. It is a value; nothing changes it.
type Filter struct {
	And    []Filter   `json:"and,omitempty" maxItems:"20" doc:"All of these hold."`
	Or     []Filter   `json:"or,omitempty" maxItems:"20" doc:"One of these holds."`
	Not    *Filter    `json:"not,omitempty" doc:"This does not hold."`
	Field  Field      `json:"field,omitempty" doc:"What is looked at; the other members say what it must be."`
	In     []string   `json:"in,omitempty" maxItems:"100" doc:"One of these. me: the reader; mine: the reader's teams; empty: nobody, none."`
	Is     *bool      `json:"is,omitempty" doc:"Of unread, attachment and failed."`
	Over   string     `json:"over,omitempty" maxLength:"20" doc:"Longer than this, such as 30m, 4h or 2d." example:"4h"`
	Within string     `json:"within,omitempty" maxLength:"20" doc:"Of deadline: it comes within this." example:"1h"`
	From   *time.Time `json:"from,omitempty" doc:"Not before."`
	Until  *time.Time `json:"until,omitempty" doc:"Before."`
	Name   string     `json:"name,omitempty" maxLength:"100" doc:"Of attribute: which."`
	Text   string     `json:"text,omitempty" maxLength:"200" doc:"Of subject: what it holds."`
}

// Reader is who looks at a view.
type Reader struct {
	Agent timeline.AgentID
	Teams []timeline.TeamID
}

// Facts is what a filter is held against, beside the conversation.
type Facts struct {
	Reader     Reader
	Now        time.Time
	Read       int64             // InCount that the reader has read; see [Filter.Uses]
	Attributes map[string]string // of the person; see [Filter.Uses]
}

// Uses reports whether the filter looks at a field anywhere: what it does not use need not be read.
func (f *Filter) Uses(field Field) bool {
	if f.Field == field || f.Not != nil && f.Not.Uses(field) {
		return true
	}
	uses := func(g Filter) bool { return g.Uses(field) }
	return slices.ContainsFunc(f.And, uses) || slices.ContainsFunc(f.Or, uses)
}

// Match reports whether the filter holds for a conversation. A filter that is not right
// (see [Filter.Check]) holds for none. It is pure.
func (f *Filter) Match(c *timeline.Conversation, x Facts) bool {
	switch {
	case len(f.And) > 0:
		return !slices.ContainsFunc(f.And, func(g Filter) bool { return !g.Match(c, x) })
	case len(f.Or) > 0:
		return slices.ContainsFunc(f.Or, func(g Filter) bool { return g.Match(c, x) })
	case f.Not != nil:
		return !f.Not.Match(c, x)
	case f.Field == "":
		return true
	}
	return f.matchField(c, x)
}

func (f *Filter) matchField(c *timeline.Conversation, x Facts) bool {
	switch f.Field {
	case State, Priority, Assignee, Team, LastActor, Label, Channel, Account, Place, Attribute:
		return f.matchChoice(c, x)
	case Unread:
		return f.is(c.InCount > x.Read)
	case Attachment:
		return f.is(c.Attached)
	case Failed:
		return f.is(c.Undelivered > 0)
	case Waiting:
		d, err := parseSpan(f.Over)
		return err == nil && c.WaitingSince != nil && x.Now.Sub(*c.WaitingSince) > d
	case Created:
		return f.between(c.CreatedAt)
	case Last:
		return f.between(c.LastAt)
	case Deadline:
		return c.NextDeadline != nil && f.due(*c.NextDeadline, x.Now)
	case Subject:
		return strings.Contains(strings.ToLower(c.Subject), strings.ToLower(f.Text))
	}
	return false
}

func (f *Filter) matchChoice(c *timeline.Conversation, x Facts) bool {
	in := func(v string) bool { return slices.Contains(f.In, v) }
	leg := func(of func(timeline.Leg) string) bool {
		return slices.ContainsFunc(c.Legs, func(l timeline.Leg) bool { return in(of(l)) })
	}
	switch f.Field {
	case State:
		return in(string(c.State))
	case Priority:
		return c.Priority >= 0 && c.Priority < len(priorities) && in(priorities[c.Priority])
	case Assignee:
		return slices.Contains(f.agents(x.Reader), string(c.Assignee))
	case Team:
		return slices.Contains(f.teams(x.Reader), string(c.Team))
	case LastActor:
		return c.Last != nil && in(string(c.Last.Actor.Kind))
	case Label:
		return slices.ContainsFunc(c.Labels, in)
	case Channel:
		return leg(func(l timeline.Leg) string { return l.Channel })
	case Account:
		return leg(func(l timeline.Leg) string { return string(l.Thread.Account) })
	case Place:
		return leg(func(l timeline.Leg) string { return l.Place })
	case Attribute:
		return in(x.Attributes[f.Name])
	}
	return false
}

func (f *Filter) is(v bool) bool { return f.Is == nil && v || f.Is != nil && *f.Is == v }

func (f *Filter) between(at time.Time) bool {
	return (f.From == nil || !at.Before(*f.From)) && (f.Until == nil || at.Before(*f.Until))
}

// due holds a deadline against the condition's own bounds and against those that move with the clock.
func (f *Filter) due(at, now time.Time) bool {
	if f.Over != "" {
		d, err := parseSpan(f.Over)
		return err == nil && now.Sub(at) > d
	}
	if f.Within != "" {
		d, err := parseSpan(f.Within)
		return err == nil && !at.Before(now) && at.Sub(now) <= d
	}
	return f.between(at)
}

// agents are the ids that In means for a reader.
func (f *Filter) agents(r Reader) []string {
	return f.stand(Me, func() []string {
		if r.Agent == "" {
			return nil
		}
		return []string{string(r.Agent)}
	})
}

// teams are the ids that In means for a reader.
func (f *Filter) teams(r Reader) []string {
	return f.stand(Mine, func() []string {
		out := make([]string, 0, len(r.Teams))
		for _, t := range r.Teams {
			out = append(out, string(t))
		}
		return out
	})
}

func (f *Filter) stand(word string, means func() []string) []string {
	i := slices.Index(f.In, word)
	if i < 0 {
		return f.In
	}
	return append(slices.Delete(slices.Clone(f.In), i, i+1), means()...)
}

var priorities = [...]string{"0", "1", "2", "3", "4"}
