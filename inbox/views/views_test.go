package views

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

var base = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func ptr[T any](v T) *T { return &v }

func openStore(t testing.TB) store.Store {
	t.Helper()
	s, err := store.OpenEmbedded(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

// random makes a conversation in which every field that filters look at may be anything.
func random(r *rand.Rand, n int) timeline.Conversation {
	at := func() *time.Time {
		if r.IntN(2) == 0 {
			return nil
		}
		return ptr(base.Add(time.Duration(r.IntN(240)-120) * time.Minute))
	}
	c := timeline.Conversation{ID: timeline.ConversationID(fmt.Sprintf("c%05d", n)), Number: int64(n), Person: timeline.PersonID(fmt.Sprintf("p%d", r.IntN(6))),
		State: pick(r, timeline.States...), Assignee: pick[timeline.AgentID](r, "", "a1", "a2", "a3"), Team: pick[timeline.TeamID](r, "", "t1", "t2", "t3"),
		Priority: r.IntN(5), Subject: pick(r, "", "Late parcel", "INVOICE 7", "parcel"), InCount: int64(r.IntN(4)), Undelivered: max(0, r.IntN(6)-3),
		Attached: r.IntN(2) == 0, LastAt: base.Add(-time.Duration(r.IntN(40)) * time.Minute), CreatedAt: base.Add(-time.Duration(r.IntN(9)) * time.Hour),
		WaitingSince: at(), NextDeadline: at(), Legs: []timeline.Leg{}}
	for _, l := range []string{"delivery", "vip", "refund"} {
		if r.IntN(3) == 0 {
			c.Labels = append(c.Labels, l)
		}
	}
	for range r.IntN(3) {
		c.Legs = append(c.Legs, timeline.Leg{Channel: pick(r, "webchat", "email"), Place: pick(r, "", "comment"), Thread: timeline.Thread{Account: pick[timeline.AccountID](r, "x", "y")}})
	}
	if r.IntN(4) > 0 {
		c.Last = &timeline.Preview{Actor: timeline.Actor{Kind: pick(r, timeline.ActorCustomer, timeline.ActorAgent)}}
	}
	return c
}

func randomFilter(r *rand.Rand, depth int) Filter {
	if k := r.IntN(6); depth > 0 && k < 3 {
		var list []Filter
		for range 1 + r.IntN(3) {
			list = append(list, randomFilter(r, depth-1))
		}
		switch k {
		case 0:
			return Filter{Or: list}
		case 1:
			return Filter{Not: &list[0]}
		}
		return Filter{And: list}
	}
	some := func(all ...string) []string {
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		return all[:1+r.IntN(len(all))]
	}
	f := Filter{Field: pick(r, Fields...)}
	switch f.Field {
	case State:
		f.In = some("open", "snoozed", "resolved")
	case Assignee:
		f.In = some("", "me", "a2", "a3")
	case Team:
		f.In = some("", "mine", "t1", "t3")
	case Label:
		f.In = some("delivery", "vip", "refund", "none")
	case Priority:
		f.In = some(priorities[:]...)
	case Channel:
		f.In = some("webchat", "email")
	case Account:
		f.In = some("x", "y")
	case Place:
		f.In = some("", "comment")
	case LastActor:
		f.In = some("customer", "agent")
	case Waiting:
		f.Over = pick(r, "0m", "30m", "1h")
	case Unread, Attachment, Failed:
		f.Is = pick(r, nil, ptr(true), ptr(false))
	case Created:
		f.From = ptr(base.Add(-4 * time.Hour))
	case Last:
		f.From, f.Until = ptr(base.Add(-30*time.Minute)), ptr(base.Add(-10*time.Minute))
	case Deadline:
		switch r.IntN(3) {
		case 0:
			f.Over = "0m"
		case 1:
			f.Within = "1h"
		default:
			f.Until = ptr(base.Add(time.Hour))
		}
	case Attribute:
		f.Name, f.In = "tier", some("gold", "silver", "")
	case Subject:
		f.Text = pick(r, "PARCEL", "invoice")
	}
	return f
}

// What the store's query lists, page by page, is what the filter holds for in memory, in order.
func TestTheQueryAndTheFilterAgree(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 41))
	s := openStore(t)
	all, reads, people := seed(t, s, r, 400)
	for n := range 400 {
		f := randomFilter(r, 3)
		if err := f.Check(); err != nil {
			t.Fatalf("%+v: %v", f, err)
		}
		req := Request{Filter: &f, Reader: Reader{Agent: "a1", Teams: []timeline.TeamID{"t1", "t2"}}, Sort: pick(r, Sorts...), Limit: 1 + r.IntN(60), Now: base,
			Scope: pick(r, Scope{}, Scope{Teams: true}, Scope{Own: true}), Budget: 50 + r.IntN(400)}
		req.See = sees(req)
		var want []Key
		for i := range all {
			c := &all[i]
			x := Facts{Reader: req.Reader, Now: base, Read: reads[c.ID], Attributes: people[c.Person]}
			if req.Sort.Has(c) && req.See(c) && f.Match(c, x) {
				want = append(want, KeyOf(c, req.Sort))
			}
		}
		slices.SortFunc(want, func(a, b Key) int {
			if a.Less(b) {
				return -1
			}
			return 1
		})
		if got, w := pages(t, s, req), ids(want); !slices.Equal(got, w) {
			t.Fatalf("filter %d %+v sort %s scope %+v:\n got %v\nwant %v", n, f, req.Sort, req.Scope, got, w)
		}
	}
}

func sees(r Request) func(*timeline.Conversation) bool {
	return func(c *timeline.Conversation) bool {
		mine := c.Assignee == r.Reader.Agent
		return mine || !r.Scope.Own && (!r.Scope.Teams || c.Team == "" || slices.Contains(r.Reader.Teams, c.Team))
	}
}

func ids(keys []Key) []string {
	var out []string
	for _, k := range keys {
		out = append(out, k.ID)
	}
	return out
}

func pages(t *testing.T, s store.Store, r Request) (got []string) {
	t.Helper()
	for range 1000 {
		p, err := List(t.Context(), s, r)
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Conversations) > r.Limit || p.Looked > r.Budget+chunk {
			t.Fatalf("%d conversations of %d, looked at %d of %d", len(p.Conversations), r.Limit, p.Looked, r.Budget)
		}
		for _, c := range p.Conversations {
			got = append(got, string(c.ID))
		}
		if p.Next == nil {
			return got
		}
		r.From = *p.Next
	}
	t.Fatal("pages never end")
	return nil
}

func seed(t *testing.T, s store.Store, r *rand.Rand, n int) ([]timeline.Conversation, map[timeline.ConversationID]int64, map[timeline.PersonID]map[string]string) {
	t.Helper()
	all, reads := make([]timeline.Conversation, n), map[timeline.ConversationID]int64{}
	insert := func(c string, doc any) {
		if err := s.C(c).Insert(context.WithoutCancel(t.Context()), doc); err != nil {
			t.Fatal(err)
		}
	}
	for i := range all {
		all[i] = random(r, i)
		insert(store.Conversations, all[i])
		if r.IntN(2) == 0 {
			reads[all[i].ID] = all[i].InCount
			insert(store.Reads, map[string]any{"_id": string(all[i].ID) + "|a1", "agent": "a1", "conversation": string(all[i].ID), "inCount": all[i].InCount})
		}
	}
	people := map[timeline.PersonID]map[string]string{"p0": {"tier": "gold"}, "p1": {"tier": "silver"}, "p2": {}}
	for id, a := range people {
		insert(store.Persons, timeline.Person{ID: id, Attributes: a})
	}
	return all, reads, people
}

func TestCheckSaysWhatIsWrong(t *testing.T) {
	deep := Filter{Field: State, In: []string{"open"}}
	for range MaxDepth {
		deep = Filter{Not: &Filter{And: []Filter{deep}}}
	}
	for _, tc := range []struct {
		name string
		f    Filter
		path string // empty: nothing is wrong
	}{
		{"everything", Filter{}, ""},
		{"a state", Filter{Field: State, In: []string{"open"}}, ""},
		{"is may be left out", Filter{Field: Unread}, ""},
		{"unknown field", Filter{Field: "colour", In: []string{"red"}}, "field"},
		{"unknown state", Filter{And: []Filter{{}, {Field: State, In: []string{"open", "shut"}}}}, "and[1].in[1]"},
		{"nothing named", Filter{Field: Label, In: []string{}}, "in"},
		{"no value", Filter{Not: &Filter{Field: Label}}, "not.in"},
		{"a member that does not belong", Filter{Or: []Filter{{Field: Label, Over: "3h", In: []string{"x"}}}}, "or[0].over"},
		{"two kinds at once", Filter{Field: State, In: []string{"open"}, And: []Filter{{}}}, "filter"},
		{"a value without a field", Filter{In: []string{"open"}}, "field"},
		{"no length of time", Filter{Field: Waiting, Over: "soon"}, "over"},
		{"a length too long", Filter{Field: Waiting, Over: "99999w"}, "over"},
		{"an attribute without a name", Filter{Field: Attribute, In: []string{"gold"}}, "in"},
		{"until before from", Filter{Field: Created, From: ptr(base), Until: ptr(base)}, "until"},
		{"over and within", Filter{Field: Deadline, Over: "1h", Within: "1h"}, "over"},
		{"too deep", deep, strings.Repeat("not.and[0].", MaxDepth/2)[:len("not.and[0].")*MaxDepth/2-1]},
		{"too many", Filter{And: []Filter{{Or: make([]Filter, 20)}, {Or: make([]Filter, 20)}, {Or: make([]Filter, 20)}}}, "and[2].or[6]"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var fe *FieldError
			switch err := tc.f.Check(); {
			case tc.path == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tc.path != "" && (!errors.As(err, &fe) || fe.Path != tc.path):
				t.Errorf("got %v, want something wrong with %s", err, tc.path)
			}
		})
	}
}

func TestMoveTellsWhatAConversationEntersAndLeaves(t *testing.T) {
	var list []View
	for _, id := range append(slices.Clone(Builtins), "team:t1") {
		v, ok := Builtin(id)
		if !ok {
			t.Fatalf("no view %s", id)
		}
		if err := v.Filter.Check(); err != nil {
			t.Errorf("%s: %v", id, err)
		}
		list = append(list, v)
	}
	before := timeline.Conversation{State: timeline.Open, NextDeadline: ptr(base.Add(time.Minute))}
	after := before
	after.Assignee, after.Team, after.NextDeadline = "a1", "t1", ptr(base.Add(-time.Minute))
	into, out := Move(list, &before, &after, Facts{Reader: Reader{Agent: "a1"}, Now: base})
	if fmt.Sprint(into, out) != "[mine overdue team:t1] [unassigned soon]" {
		t.Errorf("into %v, out of %v", into, out)
	}
	if into, _ = Move(list, nil, &before, Facts{Now: base}); fmt.Sprint(into) != "[unassigned all soon]" {
		t.Errorf("a new one comes into %v", into)
	}
}
