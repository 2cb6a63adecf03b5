package views

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// truth counts by looking at every conversation in the store.
func truth(t *testing.T, s store.Store, r Reader, scope Scope, now time.Time) map[string]Number {
	t.Helper()
	var all []timeline.Conversation
	var marks []struct {
		Agent        timeline.AgentID        `json:"agent"`
		Conversation timeline.ConversationID `json:"conversation"`
		InCount      int64                   `json:"inCount"`
	}
	for c, out := range map[string]any{store.Conversations: &all, store.Reads: &marks} {
		if err := s.C(c).All(t.Context(), bson.D{}, out); err != nil {
			t.Fatal(err)
		}
	}
	see := sees(Request{Reader: r, Scope: scope})
	out := map[string]Number{}
	views := []string{ViewMine, ViewUnassigned, ViewAll, ViewSnoozed, ViewOverdue, ViewSoon, ViewUndelivered}
	for _, team := range r.Teams {
		views = append(views, TeamPrefix+string(team))
	}
	for _, id := range views {
		v, _ := Builtin(id)
		n := Number{}
		for i := range all {
			c := &all[i]
			if !see(c) || !v.Filter.Match(c, Facts{Reader: r, Now: now}) || scope.Own && id == ViewUnassigned {
				continue
			}
			n.Total++
			if id == ViewSnoozed || id == ViewSoon || id == ViewUndelivered {
				continue
			}
			var read int64
			for _, m := range marks {
				if m.Conversation == c.ID && (c.Assignee == "" || m.Agent == c.Assignee) {
					read = max(read, m.InCount)
				}
			}
			overdue := c.NextDeadline != nil && c.NextDeadline.Before(now)
			n.Overdue += one(overdue)
			if id != ViewOverdue {
				n.Unread, n.Waiting = n.Unread+one(c.InCount > read), n.Waiting+one(c.WaitingSince != nil)
			}
		}
		out[id] = n
	}
	return out
}

func check(t *testing.T, what string, c *Counter, s store.Store, now time.Time) {
	t.Helper()
	for _, r := range []Reader{{Agent: "a1", Teams: []timeline.TeamID{"t1", "t2"}}, {Agent: "a2"}} {
		for _, scope := range []Scope{{}, {Teams: true}, {Own: true}} {
			want := truth(t, s, r, scope, now)
			got, ok := c.Numbers(r, scope)
			if !ok {
				t.Fatalf("%s: not counted", what)
			}
			maps.DeleteFunc(got, func(id string, _ Number) bool { _, asked := want[id]; return !asked })
			if !maps.Equal(got, want) {
				t.Fatalf("%s: %+v %+v\n got %v\nwant %v", what, r, scope, got, want)
			}
		}
	}
}

// However often the counter dies, and whatever comes twice or late, nothing drifts.
func TestCountersDoNotDriftOverCrashesAndRedelivery(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { crashes(t, rand.New(rand.NewPCG(seed, 7))) })
	}
}

func crashes(t *testing.T, r *rand.Rand) {
	s := openStore(t)
	now := base
	clock := func() time.Time { return now }
	c := NewCounter(s, clock, nil)
	var log []timeline.Entry // what was published, in order
	standing := map[int]timeline.Conversation{}
	for step := range 200 {
		n := r.IntN(40)
		conv := random(r, n)
		conv.Seq = standing[n].Seq + 1
		conv.InCount = max(conv.InCount, standing[n].InCount)
		standing[n] = conv
		_, err := s.C(store.Conversations).Delete(t.Context(), bson.D{{Key: "_id", Value: string(conv.ID)}})
		if err == nil {
			err = s.C(store.Conversations).Insert(t.Context(), conv)
		}
		if err != nil {
			t.Fatal(err)
		}
		e := timeline.Entry{Conversation: conv}
		log = append(log, e)
		c.Take(&e)
		if r.IntN(3) == 0 {
			agent := pick[timeline.AgentID](r, "a1", "a2", "a3")
			readTo(t, s, conv, agent)
			c.Read(conv.ID, agent, conv.InCount)
		}
		switch r.IntN(12) {
		case 0: // a crash: another begins, and some of what the first had seen comes again
			c = NewCounter(s, clock, nil)
			again := log[max(0, len(log)-r.IntN(60)):]
			half := r.IntN(len(again) + 1)
			for i := range again[:half] {
				c.Take(&again[i])
			}
			if err := c.Rebuild(t.Context()); err != nil {
				t.Fatal(err)
			}
			for i := range again[half:] {
				c.Take(&again[half+i])
			}
		case 1: // a repeat, out of order with everything else
			c.Take(&log[r.IntN(len(log))])
		case 2:
			now = now.Add(time.Duration(r.IntN(40)) * time.Minute)
			c.Tick()
		case 3:
			if err := c.Rebuild(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if step%10 == 9 {
			c.Tick()
			if err := c.Settle(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, ok := c.Numbers(Reader{}, Scope{}); ok {
				check(t, fmt.Sprint("step ", step), c, s, now)
			}
		}
	}
	if err := c.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	check(t, "at the end", c, s, now)
}

func readTo(t *testing.T, s store.Store, c timeline.Conversation, agent timeline.AgentID) {
	t.Helper()
	_, err := s.C(store.Reads).Upsert(t.Context(), bson.D{{Key: "_id", Value: string(c.ID) + "|" + string(agent)}}, bson.D{
		{Key: "$set", Value: bson.D{{Key: "agent", Value: string(agent)}, {Key: "conversation", Value: string(c.ID)}, {Key: "inCount", Value: c.InCount}}}})
	if err != nil {
		t.Fatal(err)
	}
}

// A conversation that is gone from the store is not counted for ever.
func TestWhatIsGoneIsCountedNoMore(t *testing.T) {
	s := openStore(t)
	c := NewCounter(s, nil, nil)
	c.Take(&timeline.Entry{Conversation: timeline.Conversation{ID: "x", Seq: 1, State: timeline.Open}})
	if n, _ := c.Numbers(Reader{}, Scope{}); n[ViewAll].Total != 1 {
		t.Fatalf("counted %v", n)
	}
	if err := c.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, _ := c.Numbers(Reader{}, Scope{}); n[ViewAll].Total != 0 {
		t.Errorf("counted %v", n)
	}
}

// BenchmarkTake is what one event costs, among 100,000 open conversations.
func BenchmarkTake(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	c := NewCounter(openStore(b), nil, nil)
	const n = 100_000
	entries := make([]timeline.Entry, n)
	for i := range entries {
		entries[i].Conversation = random(r, i)
		entries[i].Conversation.State = timeline.Open
		c.Take(&entries[i])
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		e := &entries[i%n]
		e.Conversation.Seq++
		e.Conversation.InCount++
		e.Conversation.Assignee = [...]timeline.AgentID{"", "a1", "a2", "a3"}[i%4]
		c.Take(e)
		i++
	}
}

// BenchmarkNumbers is what reading every number costs, among 100,000 open conversations.
func BenchmarkNumbers(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	c := NewCounter(openStore(b), nil, nil)
	for i := range 100_000 {
		c.Take(&timeline.Entry{Conversation: random(r, i)})
	}
	for b.Loop() {
		c.Numbers(Reader{Agent: "a1", Teams: []timeline.TeamID{"t1", "t2"}}, Scope{Teams: true})
	}
}
