package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/parley-hub/parley/internal/auth"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"github.com/parley-hub/parley/web/api"
)

func names(list []timeline.Conversation) []string {
	out := []string{}
	for _, c := range list {
		out = append(out, c.Name)
	}
	return out
}

func named(name string, change ...func(*timeline.Conversation)) func(*timeline.Conversation) {
	return func(c *timeline.Conversation) {
		c.Name = name
		for _, f := range change {
			f(c)
		}
	}
}

func TestListViews(t *testing.T) {
	w := newWorld(t)
	team, err := w.auth.CreateTeam(t.Context(), "Orders")
	if err != nil {
		t.Fatal(err)
	}
	other, err := w.auth.CreateTeam(t.Context(), "Returns")
	if err != nil {
		t.Fatal(err)
	}
	_, all := w.agent("supervisor")
	me, scoped := w.agent("agent", func(n *auth.NewAgent) { n.Teams = []timeline.TeamID{team.ID} })
	_, own := w.agent("agent", func(n *auth.NewAgent) { n.Scope = auth.ScopeOwn })
	base := timeline.Now()
	at := func(n int) func(*timeline.Conversation) {
		return func(c *timeline.Conversation) { c.LastAt = base.Add(time.Duration(n) * time.Second) }
	}
	w.conversation(named("free", at(1)))
	w.conversation(named("mine", at(2), func(c *timeline.Conversation) { c.Assignee = me.ID; c.Team = other.ID }))
	w.conversation(named("team", at(3), func(c *timeline.Conversation) { c.Team = team.ID }))
	w.conversation(named("other", at(4), func(c *timeline.Conversation) { c.Team = other.ID; c.WaitingSince = &base }))
	w.conversation(named("snoozed", at(5), func(c *timeline.Conversation) { c.State = timeline.Snoozed }))
	w.conversation(named("resolved", at(6), func(c *timeline.Conversation) { c.State = timeline.Resolved; c.Team = other.ID }))
	for _, tc := range []struct {
		name, token, query, want string
	}{
		{"all sees everything", all, "view=all", "[other team mine free]"},
		{"oldest first", all, "view=all&sort=oldest", "[free mine team other]"},
		{"waiting only", all, "view=all&sort=waiting", "[other]"},
		{"team scope hides other teams", scoped, "view=all", "[team mine free]"},
		{"unassigned within scope", scoped, "view=unassigned", "[team free]"},
		{"unassigned for all", all, "view=unassigned", "[other team free]"},
		{"mine", scoped, "view=mine", "[mine]"},
		{"my team", scoped, "view=team:" + string(team.ID), "[team]"},
		{"another team shows what is mine", scoped, "view=team:" + string(other.ID), "[mine]"},
		{"any team for all", all, "view=team:" + string(other.ID), "[other mine]"},
		{"snoozed", scoped, "view=snoozed", "[snoozed]"},
		{"resolved out of scope", scoped, "view=resolved", "[]"},
		{"resolved", all, "view=resolved", "[resolved]"},
		{"own scope sees nothing of others", own, "view=all", "[]"},
		{"waiting within scope", scoped, "view=all&sort=waiting", "[]"},
		{"mine waiting", scoped, "view=mine&sort=waiting", "[]"},
		{"team waiting", all, "view=team:" + string(other.ID) + "&sort=waiting", "[other]"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := w.want(w.call(tc.token, http.MethodGet, "/api/conversations?"+tc.query, nil), http.StatusOK, "")
			if got := fmt.Sprint(names(into[api.ConversationList](t, a).Conversations)); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
	w.want(w.call(all, http.MethodGet, "/api/conversations?view=nonsense", nil), http.StatusUnprocessableEntity, "invalid")
	w.want(w.call(all, http.MethodGet, "/api/conversations?after=zzz", nil), http.StatusUnprocessableEntity, "invalid")
	w.want(w.call(all, http.MethodGet, "/api/conversations?limit=100000", nil), http.StatusUnprocessableEntity, "invalid")
	w.want(w.call(own, http.MethodGet, "/api/conversations?view=unassigned", nil), http.StatusForbidden, "forbidden")
}

// Pages neither repeat nor leave out what was there when paging began, though new
// conversations come in above and many share one moment.
func TestPagingIsStableUnderInserts(t *testing.T) {
	for _, sort := range []string{"newest", "oldest"} {
		for _, view := range []string{"all", "unassigned"} {
			t.Run(sort+"/"+view, func(t *testing.T) {
				w := newWorld(t)
				_, token := w.agent("agent")
				moment, want := timeline.Now(), map[timeline.ConversationID]bool{}
				for i := range 25 {
					c := w.conversation(func(c *timeline.Conversation) { c.LastAt = moment.Add(time.Duration(i/7) * time.Second) })
					want[c.ID] = true
				}
				got := map[timeline.ConversationID]int{}
				after := ""
				for range 20 {
					a := w.want(w.call(token, http.MethodGet, "/api/conversations?view="+view+"&limit=4&sort="+sort+"&after="+url.QueryEscape(after), nil), 200, "")
					page := into[api.ConversationList](t, a)
					for _, c := range page.Conversations {
						got[c.ID]++
					}
					if after = page.Next; after == "" {
						break
					}
					edge := map[string]time.Duration{"newest": time.Hour, "oldest": -time.Hour}[sort]
					w.conversation(func(c *timeline.Conversation) { c.LastAt = moment.Add(edge) })
				}
				for id := range want {
					if got[id] != 1 {
						t.Errorf("%s came %d times", id, got[id])
					}
				}
				if len(got) != len(want) {
					t.Errorf("%d came, want %d", len(got), len(want))
				}
			})
		}
	}
}

func TestOpenIsOneRoundTrip(t *testing.T) {
	w := newWorld(t)
	a, token := w.agent("agent")
	c := w.conversation(func(c *timeline.Conversation) { c.Seq, c.InCount = 5, 3 })
	w.insert(store.Persons, timeline.Person{ID: c.Person, Name: "Maya"})
	known := timeline.Identity{Scheme: "email", Value: "maya@example.org"}
	w.insert(store.Identities, timeline.Known{ID: known.ID(), Identity: known, Person: c.Person})
	for seq := int64(1); seq <= 5; seq++ {
		w.event(c, seq)
	}
	w.insert(store.Reads, map[string]any{"_id": string(c.ID) + "|" + string(a.ID), "agent": a.ID, "conversation": c.ID, "inCount": 2, "seq": 3})
	o := into[api.Opened](t, w.want(w.call(token, http.MethodGet, "/api/conversations/"+string(c.ID)+"?events=3", nil), 200, ""))
	if o.Person == nil || o.Person.Name != "Maya" || len(o.Identities) != 1 || o.Read.Seq != 3 || o.Read.InCount != 2 || !o.More {
		t.Errorf("opened %+v", o)
	}
	if len(o.Events) != 3 || o.Events[0].Seq != 3 || o.Events[2].Seq != 5 {
		t.Errorf("events %+v", o.Events)
	}
	list := into[api.EventList](t, w.want(w.call(token, http.MethodGet, "/api/conversations/"+string(c.ID)+"/events?before=3&limit=1", nil), 200, ""))
	if len(list.Events) != 1 || list.Events[0].Seq != 2 || !list.More {
		t.Errorf("before: %+v", list)
	}
	list = into[api.EventList](t, w.want(w.call(token, http.MethodGet, "/api/conversations/"+string(c.ID)+"/events?after=3", nil), 200, ""))
	if len(list.Events) != 2 || list.Events[0].Seq != 4 || list.More {
		t.Errorf("after: %+v", list)
	}
	w.want(w.call(token, http.MethodGet, "/api/conversations/"+string(c.ID)+"/events?after=3&before=9", nil), 422, "invalid")
	w.want(w.call(token, http.MethodGet, "/api/conversations/none", nil), 404, "not-found")
}

func TestWhatIsNotVisibleIsNotThere(t *testing.T) {
	w := newWorld(t)
	_, own := w.agent("agent", func(n *auth.NewAgent) { n.Scope = auth.ScopeOwn })
	c := w.conversation()
	e := w.event(c, 1)
	p := "/api/conversations/" + string(c.ID)
	for _, tc := range []struct {
		method, path string
		in           any
	}{
		{http.MethodGet, p, nil}, {http.MethodGet, p + "/events", nil}, {http.MethodGet, p + "/draft", nil},
		{http.MethodPut, p + "/read", api.MarkInput{Seq: 1}}, {http.MethodPut, p + "/draft", api.DraftInput{Text: "x", Version: 1}},
		{http.MethodPost, p + "/messages", api.SendInput{ID: newULID(), Text: "x"}}, {http.MethodPatch, p, map[string]any{"state": "resolved"}},
		{http.MethodDelete, p + "/messages/" + string(e.ID), nil}, {http.MethodPost, p + "/messages/" + string(e.ID) + "/retry", nil},
		{http.MethodGet, "/api/persons/" + string(c.Person), nil},
	} {
		w.want(w.call(own, tc.method, tc.path, tc.in), http.StatusNotFound, "not-found")
	}
	if got := w.journal.take(); len(got) > 0 {
		t.Errorf("commands were written: %+v", got)
	}
}
