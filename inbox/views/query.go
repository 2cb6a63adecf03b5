package views

import (
	"slices"
	"time"

	"github.com/parley-hub/parley/timeline"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// Sort is the order of a list.
type Sort string

// The orders. Two of them list only those that they are about.
const (
	Newest     Sort = "newest"   // the last message first
	Oldest     Sort = "oldest"   // the last message last
	Longest    Sort = "waiting"  // only where the person waits, the longest first
	NextDue    Sort = "deadline" // only with a deadline, the next first
	ByPriority Sort = "priority" // the most urgent first, then the last message first
)

// Sorts lists every order.
var Sorts = []Sort{Newest, Oldest, Longest, NextDue, ByPriority}

// Key is where a conversation stands in an order; pages go on after it.
type Key struct {
	At       time.Time `json:"t"`
	ID       string    `json:"i"`
	Priority int       `json:"p,omitempty"`
	Sort     Sort      `json:"s"`
	Of       string    `json:"v,omitempty"` // what is listed: a page of one list does not continue another
}

// KeyOf is a conversation's key in an order.
func KeyOf(c *timeline.Conversation, s Sort) Key {
	k := Key{At: c.LastAt, ID: string(c.ID), Sort: s}
	switch {
	case s == Longest && c.WaitingSince != nil:
		k.At = *c.WaitingSince
	case s == NextDue && c.NextDeadline != nil:
		k.At = *c.NextDeadline
	case s == ByPriority:
		k.Priority = c.Priority
	}
	return k
}

// Has reports whether a conversation has a place in an order at all.
func (s Sort) Has(c *timeline.Conversation) bool {
	return (s != Longest || c.WaitingSince != nil) && (s != NextDue || c.NextDeadline != nil)
}

// Less reports whether a comes before b in the order.
func (k Key) Less(b Key) bool {
	if k.Sort == ByPriority && k.Priority != b.Priority {
		return k.Priority > b.Priority
	}
	up := k.field().dir > 0
	if !k.At.Equal(b.At) {
		return k.At.Before(b.At) == up
	}
	return k.ID != b.ID && (k.ID < b.ID) == up
}

// order is a field and a direction that an index gives.
type order struct {
	name string
	dir  int
	on   string // the comparison that goes on from a key
}

func (k Key) field() order {
	switch k.Sort {
	case Oldest:
		return order{"lastAt", 1, "$gt"}
	case Longest:
		return order{"waitingSince", 1, "$gt"}
	case NextDue:
		return order{"nextDeadline", 1, "$gt"}
	}
	return order{"lastAt", -1, "$lt"}
}

// Query is one way to read conversations, to be matched by the filter it was compiled from.
type Query struct {
	base   bson.D   // all of these
	either []bson.D // one of these; none: nothing more
	bounds bson.D   // of the field that is sorted by
	from   Key
}

// After is the filter and the sort that read on after a key, the zero key: where the query begins.
func (q Query) After(k Key) (filter, sort bson.D) {
	if k.ID == "" {
		k = q.from
	}
	o := k.field()
	return after(slices.Clone(q.base), q.either, slices.Clone(q.bounds), k), bson.D{{Key: o.name, Value: o.dir}, {Key: "_id", Value: o.dir}}
}

// Scope narrows a view to what its reader may see: conversations of these teams, or assigned to
// the reader. The zero value is no limit.
type Scope struct {
	Own   bool // only the reader's
	Teams bool // only the reader's teams', those of none, and the reader's
}

// Compile makes the queries that read a filter's conversations in order from a key on (the zero
// key: from the start). They are read one after another.
//
// Cost. Each is a seek in one index of conversations: the states that the filter allows lead,
// and an assignee, a team or a label where the filter names one. The rest is matched on what
// comes; a reader stops after [Budget] conversations and goes on from there in the next page.
func Compile(f *Filter, r Reader, scope Scope, s Sort, from Key, now time.Time) []Query {
	lead, ok := leadOf(f, r)
	lead.bounds = bounds(f, Key{Sort: s}.field().name, now)
	if scope.Own && ok {
		lead.agents, ok = narrow(lead.agents, []string{string(r.Agent)})
	}
	if !ok {
		return nil
	}
	from.Sort = s
	if s != ByPriority {
		return []Query{lead.query(r, scope, from, nil)}
	}
	var out []Query
	top := len(priorities) - 1
	if from.ID != "" {
		top = from.Priority
	}
	for p := top; p >= 0; p-- {
		if len(lead.priorities) > 0 && !slices.Contains(lead.priorities, priorities[p]) {
			continue
		}
		k := Key{Sort: s}
		if p == from.Priority && from.ID != "" {
			k = from
		}
		is := any(p)
		if p == 0 {
			is = bson.D{{Key: "$exists", Value: false}}
		}
		out = append(out, lead.query(r, scope, k, bson.D{{Key: "priority", Value: is}}))
	}
	return out
}

// lead is what a filter says for certain of fields that indexes begin with; nil: anything.
type lead struct {
	states, agents, teams, labels, priorities []string
	failed                                    bool
	bounds                                    bson.D
}

// bounds is what must hold of the field that is sorted by, for the filter to hold.
func bounds(f *Filter, field string, now time.Time) (out bson.D) {
	for _, g := range f.And {
		out = append(out, bounds(&g, field, now)...)
	}
	add := func(op string, at *time.Time) {
		if at != nil {
			out = append(out, bson.E{Key: op, Value: *at})
		}
	}
	ago := func(s string, dir time.Duration) *time.Time {
		d, err := parseSpan(s)
		if err != nil {
			return nil
		}
		at := now.Add(dir * d)
		return &at
	}
	switch {
	case f.Field == Waiting && field == "waitingSince":
		add("$lt", ago(f.Over, -1))
	case f.Field == Deadline && field == "nextDeadline" && f.Over != "":
		add("$lt", ago(f.Over, -1))
	case f.Field == Deadline && field == "nextDeadline" && f.Within != "":
		add("$gte", &now)
		add("$lte", ago(f.Within, 1))
	case f.Field == Deadline && field == "nextDeadline", f.Field == Last && field == "lastAt":
		add("$gte", f.From)
		add("$lt", f.Until)
	}
	return out
}

// tighten leaves one bound of each operator: a document names each once.
func tighten(d bson.D) bson.D {
	var out bson.D
	for _, e := range d {
		i := slices.IndexFunc(out, func(o bson.E) bool { return o.Key == e.Key })
		if i < 0 {
			out = append(out, e)
			continue
		}
		was, now := out[i].Value.(time.Time), e.Value.(time.Time)
		if lower := e.Key == "$gt" || e.Key == "$gte"; now.After(was) == lower {
			out[i].Value = now
		}
	}
	return out
}

// leadOf collects what must hold for a filter to hold; ok is false where nothing can.
func leadOf(f *Filter, r Reader) (l lead, ok bool) {
	ok = true
	take := func(to *[]string, values []string) {
		var some bool
		*to, some = narrow(*to, values)
		ok = ok && some
	}
	for _, g := range append([]Filter{{Field: f.Field, In: f.In, Is: f.Is}}, f.And...) {
		switch {
		case len(g.And) > 0:
			for _, h := range g.And {
				sub, some := leadOf(&h, r)
				ok = ok && some
				for _, pair := range []struct {
					to   *[]string
					from []string
				}{{&l.states, sub.states}, {&l.agents, sub.agents}, {&l.teams, sub.teams}, {&l.labels, sub.labels}, {&l.priorities, sub.priorities}} {
					if pair.from != nil {
						take(pair.to, pair.from)
					}
				}
				l.failed = l.failed || sub.failed
			}
		case g.Field == State:
			take(&l.states, g.In)
		case g.Field == Assignee:
			take(&l.agents, g.agents(r))
		case g.Field == Team:
			take(&l.teams, g.teams(r))
		case g.Field == Label && l.labels == nil: // it has one of these, and perhaps one of others
			l.labels = g.In
		case g.Field == Priority:
			take(&l.priorities, g.In)
		case g.Field == Failed:
			l.failed = l.failed || g.Is == nil || *g.Is
		}
	}
	return l, ok
}

// narrow is what both lists allow; nil allows everything.
func narrow(was, by []string) ([]string, bool) {
	if was == nil {
		return by, len(by) > 0
	}
	out := slices.DeleteFunc(slices.Clone(was), func(v string) bool { return !slices.Contains(by, v) })
	return out, len(out) > 0
}

// mostFailed is how many failed messages in one conversation an index is asked for.
const mostFailed = 32

// failures is every number of failed messages that an index is asked for: a sparse one takes no range.
func failures() bson.D {
	counts := make(bson.A, mostFailed)
	for i := range counts {
		counts[i] = i + 1
	}
	return bson.D{{Key: "$in", Value: counts}}
}

func (l lead) query(r Reader, scope Scope, from Key, also bson.D) Query {
	states := l.states
	if states == nil {
		states = []string{string(timeline.Open), string(timeline.Snoozed), string(timeline.Resolved)}
	}
	base := bson.D{{Key: "state", Value: oneOf(states)}}
	for _, p := range []struct {
		name string
		in   []string
	}{{"assignee", l.agents}, {"team", l.teams}, {"labels", l.labels}} {
		if p.in != nil {
			base = append(base, bson.E{Key: p.name, Value: oneOf(p.in)})
		}
	}
	if l.failed && (from.Sort == Newest || from.Sort == Oldest) {
		base = append(base, bson.E{Key: "undelivered", Value: failures()})
	}
	base = append(base, also...)
	base, either := l.limit(base, r, scope)
	return Query{base, either, l.bounds, from}
}

// limit narrows a filter to what a reader of some teams may see, where an index helps with it.
func (l lead) limit(base bson.D, r Reader, scope Scope) (bson.D, []bson.D) {
	if !scope.Teams || l.agents != nil {
		return base, nil
	}
	if l.teams == nil {
		return base, visible(r)
	}
	mine := (&Filter{In: []string{Mine, ""}}).teams(r)
	shared, some := narrow(l.teams, mine)
	switch {
	case len(shared) == len(l.teams):
		return base, nil
	case some:
		return base, visible(r)
	}
	return append(base, bson.E{Key: "assignee", Value: string(r.Agent)}), nil
}

func oneOf(values []string) any {
	if len(values) == 1 {
		return values[0]
	}
	return bson.D{{Key: "$in", Value: values}}
}

// visible is what a reader of some teams may see, as alternatives that an index each serves.
func visible(r Reader) []bson.D {
	teams := []string{""}
	for _, t := range r.Teams {
		teams = append(teams, string(t))
	}
	return []bson.D{{{Key: "team", Value: bson.D{{Key: "$in", Value: teams}}}}, {{Key: "assignee", Value: string(r.Agent)}}}
}

// after narrows a filter to what follows a key. The range alone lets the index seek; the
// alternatives break ties by id.
func after(base bson.D, either []bson.D, bounds bson.D, k Key) bson.D {
	o := k.field()
	if k.ID == "" {
		if o.name != "lastAt" {
			bounds = append(bounds, bson.E{Key: "$gt", Value: time.Unix(0, 0).UTC()})
		}
		if len(bounds) > 0 {
			base = append(base, bson.E{Key: o.name, Value: tighten(bounds)})
		}
		return withOr(base, either)
	}
	base = append(base, bson.E{Key: o.name, Value: tighten(append(bounds, bson.E{Key: o.on + "e", Value: k.At}))})
	next := []bson.D{
		{{Key: o.name, Value: bson.D{{Key: o.on, Value: k.At}}}},
		{{Key: o.name, Value: k.At}, {Key: "_id", Value: bson.D{{Key: o.on, Value: k.ID}}}},
	}
	if len(either) == 0 {
		return withOr(base, next)
	}
	var both []bson.D
	for _, e := range either {
		for _, n := range next {
			both = append(both, append(slices.Clone(e), n...))
		}
	}
	return withOr(base, both)
}

func withOr(base bson.D, either []bson.D) bson.D {
	if len(either) == 0 {
		return base
	}
	list := make(bson.A, len(either))
	for i, e := range either {
		list[i] = e
	}
	return append(base, bson.E{Key: "$or", Value: list})
}
