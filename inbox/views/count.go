package views

import (
	"time"

	"github.com/parley-hub/parley/timeline"
)

// Count is how many conversations of some sort there are. Unread and those after it are of the
// open ones.
type Count struct {
	Open    int `json:"open"`
	Unread  int `json:"unread"`  // the assignee has not read them; of unassigned ones: nobody has
	Waiting int `json:"waiting"` // the person waits for an answer
	Overdue int `json:"overdue"`
	Soon    int `json:"soon"`
	Snoozed int `json:"snoozed"`
	Failed  int `json:"failed"` // in any state: a message of ours did not arrive
}

func (n *Count) add(d Count, sign int) {
	n.Open += sign * d.Open
	n.Unread += sign * d.Unread
	n.Waiting += sign * d.Waiting
	n.Overdue += sign * d.Overdue
	n.Soon += sign * d.Soon
	n.Snoozed += sign * d.Snoozed
	n.Failed += sign * d.Failed
}

// mark is how far one of us has read a conversation.
type mark struct {
	agent timeline.AgentID
	in    int64
}

// tally is what a conversation counts for at present, and what that was made of.
type tally struct {
	seq      int64
	agent    timeline.AgentID
	team     timeline.TeamID
	state    timeline.State
	waiting  bool
	failed   bool
	in       int64
	deadline time.Time
	marks    []mark
	counted  Count
	touched  int64 // the round in which it was last set
	readAt   int64 // which of the marks told was its last
}

func tallyOf(c *timeline.Conversation) tally {
	t := tally{seq: c.Seq, agent: c.Assignee, team: c.Team, state: c.State, waiting: c.WaitingSince != nil, failed: c.Undelivered > 0, in: c.InCount}
	if c.NextDeadline != nil {
		t.deadline = *c.NextDeadline
	}
	return t
}

// counts reports whether a conversation counts for anything: those that do not are not held.
func (t *tally) counts() bool { return t.state != timeline.Resolved || t.failed }

// count is what a conversation counts for at a moment.
func (t *tally) count(now time.Time) Count {
	var n Count
	if t.failed {
		n.Failed = 1
	}
	switch t.state {
	case timeline.Snoozed:
		n.Snoozed = 1
	case timeline.Open:
		n.Open, n.Unread, n.Waiting = 1, one(t.in > t.read()), one(t.waiting)
		if !t.deadline.IsZero() {
			n.Overdue = one(t.deadline.Before(now))
			n.Soon = one(!t.deadline.Before(now) && t.deadline.Sub(now) <= Soon)
		}
	}
	return n
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

// read is how far the assignee has read; of an unassigned conversation, whoever read most.
func (t *tally) read() (in int64) {
	for _, m := range t.marks {
		if t.agent == "" || m.agent == t.agent {
			in = max(in, m.in)
		}
	}
	return in
}

func (t *tally) mark(agent timeline.AgentID, in int64) {
	for i := range t.marks {
		if t.marks[i].agent == agent {
			t.marks[i].in = in
			return
		}
	}
	t.marks = append(t.marks, mark{agent, in})
}

// next is when a conversation will count for something else by the clock alone; zero: never.
func (t *tally) next(now time.Time) time.Time {
	switch {
	case t.state != timeline.Open || t.deadline.IsZero() || t.deadline.Before(now):
		return time.Time{}
	case t.deadline.Sub(now) > Soon:
		return t.deadline.Add(-Soon)
	}
	return t.deadline.Add(time.Millisecond)
}

// cell is whose a conversation is: an agent's, a team's, both's or nobody's.
type cell struct {
	agent timeline.AgentID
	team  timeline.TeamID
}

// sums are the counts of all cells, and along both ways, so that a number is read without
// looking at conversations.
type sums struct {
	all   Count
	cells map[cell]*Count
	agent map[timeline.AgentID]*Count
	team  map[timeline.TeamID]*Count
}

func newSums() *sums {
	return &sums{cells: map[cell]*Count{}, agent: map[timeline.AgentID]*Count{}, team: map[timeline.TeamID]*Count{}}
}

func (s *sums) add(c cell, d Count, sign int) {
	s.all.add(d, sign)
	addTo(s.cells, c, d, sign)
	addTo(s.agent, c.agent, d, sign)
	addTo(s.team, c.team, d, sign)
}

func addTo[K comparable](m map[K]*Count, k K, d Count, sign int) {
	n := m[k]
	if n == nil {
		n = &Count{}
		m[k] = n
	}
	if n.add(d, sign); *n == (Count{}) {
		delete(m, k)
	}
}

func at[K comparable](m map[K]*Count, k K) Count {
	if n := m[k]; n != nil {
		return *n
	}
	return Count{}
}

// visible is the count of what a reader may see.
func (s *sums) visible(r Reader, scope Scope) Count {
	switch {
	case scope.Own:
		return at(s.agent, r.Agent)
	case !scope.Teams:
		return s.all
	}
	n, seen := at(s.team, ""), map[timeline.TeamID]bool{"": true}
	for _, t := range r.Teams {
		if !seen[t] {
			n.add(at(s.team, t), 1)
		}
		seen[t] = true
	}
	n.add(at(s.agent, r.Agent), 1)
	for t := range seen { // mine in these teams were counted with the team
		n.add(at(s.cells, cell{r.Agent, t}), -1)
	}
	return n
}

// unassigned is the count of what is nobody's and visible.
func (s *sums) unassigned(r Reader, scope Scope) Count {
	switch {
	case scope.Own:
		return Count{}
	case !scope.Teams:
		return at(s.agent, "")
	}
	n, seen := at(s.cells, cell{}), map[timeline.TeamID]bool{"": true}
	for _, t := range r.Teams {
		if !seen[t] {
			n.add(at(s.cells, cell{"", t}), 1)
		}
		seen[t] = true
	}
	return n
}
