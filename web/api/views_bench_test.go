package api_test

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-hub/parley/inbox/views"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"github.com/parley-hub/parley/web/api"
)

// Among 100,000 conversations the first page of every built-in view comes within 5 ms at the median,
// over HTTP, and so do the numbers. It takes a minute: PARLEY_BENCH_VIEWS=1 runs it.
func TestEveryViewAmongMany(t *testing.T) {
	if os.Getenv("PARLEY_BENCH_VIEWS") == "" {
		t.Skip("PARLEY_BENCH_VIEWS is not set")
	}
	const n = 100_000
	var counter *views.Counter
	w := newWorld(t, func(d *api.Deps) { counter = views.NewCounter(d.Store, nil, nil); d.Counter = counter })
	me, token := w.agent("supervisor")
	now := timeline.Now()
	w.fill(store.Conversations, n, func(i int) any {
		c := timeline.Conversation{ID: timeline.ConversationID(fmt.Sprintf("c%06d", i)), Number: int64(i + 1), Seq: 4, InCount: 2, Name: "Maya", State: timeline.Open, Queue: "support",
			LastAt: now.Add(-time.Duration(i) * time.Second), CreatedAt: now, Legs: []timeline.Leg{{ID: "demo|v", Channel: "webchat"}}, Last: &timeline.Preview{Text: "Where is my parcel?", At: now}}
		c.Assignee, c.Team = []timeline.AgentID{"", me.ID, "a2", "a3"}[i%4], []timeline.TeamID{"", "t1", "t2"}[i%3]
		c.State, c.Priority, c.Undelivered = timeline.States[max(0, i%8-5)], max(0, i%20-15), max(0, i%50-48)
		if i%3 == 0 {
			c.WaitingSince = &c.LastAt
		}
		if at := now.Add(time.Duration(i%2000-200) * time.Minute); i%5 == 0 {
			c.NextDeadline = &at
		}
		return c
	})
	began := time.Now()
	if err := counter.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("counted from the store in %s", time.Since(began).Round(time.Millisecond))
	paths := []string{"/api/views"}
	for _, id := range append(slices.Clone(views.Builtins), "team:t1") {
		paths = append(paths, "/api/conversations?view="+id)
	}
	for _, s := range views.Sorts {
		paths = append(paths, "/api/conversations?view=all&sort="+string(s))
	}
	for _, path := range paths {
		var took []time.Duration
		for range 41 {
			at := time.Now()
			a := w.want(w.call(token, http.MethodGet, path, nil), 200, "")
			took = append(took, time.Since(at))
			if got := len(into[api.ConversationList](t, a).Conversations); got < 50 && !strings.Contains(path, "/views") && !strings.Contains(path, "mentions") && !strings.Contains(path, "drafts") {
				t.Fatalf("%s lists %d", path, got)
			}
		}
		slices.Sort(took)
		t.Logf("%-45s p50 %6.2f ms  p95 %6.2f ms", path, took[20].Seconds()*1000, took[38].Seconds()*1000)
		if took[20] > 5*time.Millisecond {
			t.Errorf("%s takes %s", path, took[20])
		}
	}
}
