package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/parley-hub/parley/inbox/views"
	"github.com/parley-hub/parley/internal/auth"
	"github.com/parley-hub/parley/internal/bus"
	"github.com/parley-hub/parley/timeline"
	"github.com/parley-hub/parley/web/api"
)

// counted is a world whose views have numbers.
func counted(t *testing.T) (*world, *views.Counter) {
	var c *views.Counter
	w := newWorld(t, func(d *api.Deps) { c = views.NewCounter(d.Store, nil, nil); d.Counter = c })
	return w, c
}

func (w *world) listed(token, query string) string {
	w.t.Helper()
	a := w.want(w.call(token, http.MethodGet, "/api/conversations?"+query, nil), http.StatusOK, "")
	return fmt.Sprint(names(into[api.ConversationList](w.t, a).Conversations))
}

func TestViewsThatPeersHave(t *testing.T) {
	w, _ := counted(t)
	_, token := w.agent("agent")
	now := w.now.Now()
	due := func(d time.Duration) func(*timeline.Conversation) {
		return func(c *timeline.Conversation) { at := timeline.Moment(now.Add(d)); c.NextDeadline = &at }
	}
	w.conversation(named("late", due(-time.Hour)))
	w.conversation(named("near", due(time.Minute)))
	w.conversation(named("far", due(5*time.Hour)))
	w.conversation(named("lost", func(c *timeline.Conversation) { c.Undelivered, c.State = 1, timeline.Resolved }))
	urgent := w.conversation(named("urgent", func(c *timeline.Conversation) { c.Priority = 4; c.LastAt = c.LastAt.Add(-time.Hour) }))
	for query, want := range map[string]string{
		"view=overdue":                   "[late]",
		"view=soon":                      "[near]",
		"view=undelivered":               "[lost]",
		"view=all&sort=deadline":         "[late near far]",
		"view=all&sort=priority&limit=1": "[urgent]",
		"view=drafts":                    "[]",
		"view=mentions":                  "[]",
		"filter=" + url.QueryEscape(`{"field":"priority","in":["4"]}`): "[urgent]",
	} {
		if got := w.listed(token, query); got != want {
			t.Errorf("%s gives %s, want %s", query, got, want)
		}
	}
	w.want(w.call(token, http.MethodPut, "/api/conversations/"+string(urgent.ID)+"/draft", api.DraftInput{Text: "Hello", Version: 1}), 200, "")
	if got := w.listed(token, "view=drafts"); got != "[urgent]" {
		t.Errorf("drafts are %s", got)
	}
	for _, bad := range []string{`{"field":"colour"}`, `{"nonsense":1}`, `[]`, `{"and":[{"field":"waiting","over":"x"}]}`} {
		w.want(w.call(token, http.MethodGet, "/api/conversations?filter="+url.QueryEscape(bad), nil), 422, "invalid")
	}
}

func TestMentionsAreSeenByReading(t *testing.T) {
	w, _ := counted(t)
	me, token := w.agent("agent")
	c := w.conversation(named("call", func(c *timeline.Conversation) { c.Seq = 3 }))
	m := views.NewMentions(w.store)
	note := bus.Record[timeline.Entry]{Value: timeline.Entry{Event: timeline.Event{ID: "n1", Kind: timeline.KindNote, Conversation: c.ID, Seq: 3,
		Actor: timeline.Actor{Kind: timeline.ActorAgent, ID: "other", Name: "Sam"}, At: timeline.Now(), Message: &timeline.Message{Mentions: []timeline.AgentID{me.ID}}}}}
	unseen := func() int {
		for _, v := range into[api.ViewList](t, w.want(w.call(token, http.MethodGet, "/api/views", nil), 200, "")).Views {
			if v.ID == "mentions" {
				return v.Number.Total
			}
		}
		t.Fatal("no view of mentions")
		return 0
	}
	for range 2 { // a repeat
		if err := m.Handle(t.Context(), []bus.Record[timeline.Entry]{note}); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.listed(token, "view=mentions"); got != "[call]" || unseen() != 1 {
		t.Fatalf("mentions are %s, unseen %d", got, unseen())
	}
	w.want(w.call(token, http.MethodPut, "/api/conversations/"+string(c.ID)+"/read", api.MarkInput{Seq: 2}), 200, "")
	if unseen() != 1 {
		t.Error("seen before its note was read")
	}
	w.want(w.call(token, http.MethodPut, "/api/conversations/"+string(c.ID)+"/read", api.MarkInput{Seq: 3}), 200, "")
	if err := m.Handle(t.Context(), []bus.Record[timeline.Entry]{note}); err != nil {
		t.Fatal(err)
	}
	if unseen() != 0 {
		t.Error("not seen after reading, or unseen again by a repeat")
	}
	note.Value.Event.Seq, note.Value.Event.ID = 4, "n2"
	if err := m.Handle(t.Context(), []bus.Record[timeline.Entry]{note}); err != nil {
		t.Fatal(err)
	}
	if unseen() != 1 {
		t.Error("a later note does not call")
	}
	w.want(w.call(token, http.MethodPost, "/api/mentions/seen", nil), 204, "")
	if unseen() != 0 {
		t.Error("unseen after seeing all")
	}
}

func TestSavedViews(t *testing.T) {
	w, counter := counted(t)
	team, err := w.auth.CreateTeam(t.Context(), "Orders")
	if err != nil {
		t.Fatal(err)
	}
	_, boss := w.agent("supervisor")
	_, mate := w.agent("agent", func(n *auth.NewAgent) { n.Teams = []timeline.TeamID{team.ID} })
	_, other := w.agent("agent")
	w.conversation(named("vip", func(c *timeline.Conversation) { c.Labels = []string{"vip"} }))
	w.conversation(named("plain"))
	if err := counter.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	in := api.ViewInput{Name: "VIP", Filter: views.Filter{And: []views.Filter{{Field: views.State, In: []string{"open"}}, {Field: views.Label, In: []string{"vip"}}}}}
	own := into[api.View](t, w.want(w.call(mate, http.MethodPost, "/api/views", in), 201, ""))
	if got := w.listed(mate, "view="+own.ID); got != "[vip]" {
		t.Errorf("the view lists %s", got)
	}
	w.want(w.call(other, http.MethodGet, "/api/conversations?view="+own.ID, nil), 422, "invalid")
	w.want(w.call(other, http.MethodDelete, "/api/views/"+own.ID, nil), 404, "not-found")
	in.Share = "all"
	w.want(w.call(mate, http.MethodPost, "/api/views", in), 403, "forbidden")
	in.Share, in.Team = "team", team.ID
	shared := into[api.View](t, w.want(w.call(boss, http.MethodPost, "/api/views", in), 201, ""))
	if got := w.listed(mate, "view="+shared.ID); got != "[vip]" {
		t.Errorf("the team's view lists %s", got)
	}
	w.want(w.call(other, http.MethodGet, "/api/conversations?view="+shared.ID, nil), 422, "invalid")
	w.want(w.call(mate, http.MethodPut, "/api/views/"+shared.ID, in), 403, "forbidden")
	in.Filter.And[1].Over = "4h"
	bad := w.want(w.call(boss, http.MethodPut, "/api/views/"+shared.ID, in), 422, "invalid")
	if bad.problem.Errors[0].Field != "filter.and[1].over" {
		t.Errorf("the field is %q", bad.problem.Errors[0].Field)
	}
	numbers := map[string]string{}
	for _, v := range into[api.ViewList](t, w.want(w.call(mate, http.MethodGet, "/api/views", nil), 200, "")).Views {
		n, _ := json.Marshal(v.Number)
		numbers[v.Name+v.ID] = string(n)
	}
	for id, want := range map[string]string{"all": `{"total":2,"unread":0,"waiting":0,"overdue":0}`, "VIP" + own.ID: `{"total":1,"unread":0,"waiting":0,"overdue":0}`,
		"Orders" + "team:" + string(team.ID): `{"total":0,"unread":0,"waiting":0,"overdue":0}`} {
		if numbers[id] != want {
			t.Errorf("%s: %s, want %s", id, numbers[id], want)
		}
	}
	w.want(w.call(mate, http.MethodDelete, "/api/views/"+own.ID, nil), 204, "")
	w.want(w.call(mate, http.MethodDelete, "/api/views/"+own.ID, nil), 404, "not-found")
}
