package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/parley-hub/parley/inbox/hours"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"github.com/parley-hub/parley/web/api"
)

func TestSavedRepliesAndMacros(t *testing.T) {
	w := newWorld(t)
	_, boss := w.agent("supervisor")
	me, token := w.agent("agent")
	c := w.conversation(func(c *timeline.Conversation) { c.Labels = []string{"late"} })
	w.insert(store.Persons, timeline.Person{ID: c.Person, Name: "Maya Lind", Profile: timeline.Profile{Locale: "de_DE"}})
	snoozed, whom := timeline.Snoozed, timeline.AgentID("me")
	in := api.ReplyInput{Title: "Late", Shortcut: "late", Share: "all", Snooze: "2d",
		Texts:  map[string]api.ReplyContent{"en": {Text: "Hello {{person.firstName}}"}, "de": {Text: "Hallo {{person.firstName}}, {{cursor}}#{{conversation.number}} {{person.email|keine}}"}},
		Change: &api.ChangeInput{State: &snoozed, Assignee: &whom, AddLabels: []string{"late", "told"}}}
	w.want(w.call(token, http.MethodPost, "/api/replies", in), 403, "forbidden")
	r := into[api.Reply](t, w.want(w.call(boss, http.MethodPost, "/api/replies", in), 201, ""))
	got := into[api.FilledReply](t, w.want(w.call(token, http.MethodPost, "/api/replies/"+r.ID+"/fill", api.FillInput{Conversation: c.ID, Use: true}), 200, ""))
	if want := fmt.Sprintf("Hallo Maya, #%d keine", c.Number); got.Text != want || got.Language != "de" || got.Cursor != len("Hallo Maya, ") {
		t.Errorf("filled %+v", got)
	}
	var effects []string
	for _, e := range got.Effects {
		effects = append(effects, e.Field)
	}
	if fmt.Sprint(effects) != "[state snoozeUntil assignee addLabels]" || fmt.Sprint(got.Change.AddLabels) != "[told]" || *got.Change.Assignee != me.ID {
		t.Errorf("effects %v, change %+v", got.Effects, got.Change)
	}
	if until := got.Change.SnoozeUntil; until == nil || until.Sub(w.now.Now()) < 47*time.Hour {
		t.Errorf("snoozed until %v", until)
	}
	w.want(w.call(token, http.MethodPatch, "/api/conversations/"+string(c.ID), got.Change), 202, "")
	own := in
	own.Share, own.Shortcut = "own", "LATE"
	w.want(w.call(token, http.MethodPost, "/api/replies", own), 409, "conflict")
	own.Shortcut, own.Texts = "mine", map[string]api.ReplyContent{"en": {Text: "{{weather}}"}}
	w.want(w.call(token, http.MethodPost, "/api/replies", own), 422, "invalid")
	own.Texts = in.Texts
	mine := into[api.Reply](t, w.want(w.call(token, http.MethodPost, "/api/replies", own), 201, ""))
	w.want(w.call(boss, http.MethodPost, "/api/replies/"+mine.ID+"/fill", api.FillInput{Conversation: c.ID}), 404, "not-found")
	w.want(w.call(token, http.MethodPut, "/api/replies/"+r.ID, in), 403, "forbidden")
	list := into[api.ReplyList](t, w.want(w.call(token, http.MethodGet, "/api/replies", nil), 200, "")).Replies
	if len(list) != 2 || list[0].Uses+list[1].Uses != 1 {
		t.Errorf("%+v", list)
	}
	w.want(w.call(token, http.MethodDelete, "/api/replies/"+mine.ID, nil), 204, "")
}

func TestLabelsAreRenamedAndMergedEverywhere(t *testing.T) {
	w := newWorld(t)
	x := &writer{w, map[timeline.EventID]bool{}}
	_, admin := w.agent("admin")
	_, agent := w.agent("agent")
	c := w.conversation(func(c *timeline.Conversation) { c.Labels, c.State = []string{"late"}, timeline.Resolved })
	w.now.add(time.Minute)
	w.want(w.call(agent, http.MethodPost, "/api/labels", api.LabelInput{Name: "late"}), 403, "forbidden")
	late := into[api.Label](t, w.want(w.call(admin, http.MethodPost, "/api/labels", api.LabelInput{Name: "late"}), 201, ""))
	vip := into[api.Label](t, w.want(w.call(admin, http.MethodPost, "/api/labels", api.LabelInput{Name: "VIP"}), 201, ""))
	w.want(w.call(admin, http.MethodPost, "/api/labels", api.LabelInput{Name: "Late"}), 409, "conflict")
	w.want(w.call(admin, http.MethodPut, "/api/labels/"+late.ID, api.LabelInput{Name: "vip"}), 409, "conflict")
	changed := into[api.LabelChanged](t, w.want(w.call(admin, http.MethodPut, "/api/labels/"+late.ID, api.LabelInput{Name: "delayed"}), 200, ""))
	w.run()
	x.work()
	if got := w.read(c.ID).Labels; fmt.Sprint(got) != "[delayed]" || changed.Bulk == nil {
		t.Errorf("renamed to %v", got)
	}
	w.want(w.call(admin, http.MethodPost, "/api/labels/"+late.ID+"/merge", api.LabelMerge{Into: vip.ID}), 202, "")
	w.run()
	x.work()
	if got := w.read(c.ID).Labels; fmt.Sprint(got) != "[VIP]" {
		t.Errorf("merged to %v", got)
	}
	if list := into[api.LabelList](t, w.want(w.call(agent, http.MethodGet, "/api/labels", nil), 200, "")).Labels; len(list) != 1 {
		t.Errorf("labels are %v", list)
	}
}

func TestAttributesFitTheirDefinition(t *testing.T) {
	w := newWorld(t)
	_, admin := w.agent("admin")
	p := timeline.Person{ID: timeline.PersonID(ulid.Make().String()), Name: "Maya"}
	w.insert(store.Persons, p)
	for _, d := range []api.AttributeDef{{Name: "tier", Kind: "choice", Choices: []string{"gold", "silver"}}, {Name: "age", Kind: "number"}, {Name: "born", Kind: "date"},
		{Name: "news", Kind: "bool"}, {Name: "site", Kind: "url"}, {Name: "free", Kind: "text"}} {
		w.want(w.call(admin, http.MethodPut, "/api/attributes", d), 200, "")
	}
	w.want(w.call(admin, http.MethodPut, "/api/attributes", api.AttributeDef{Name: "x", Kind: "choice"}), 422, "invalid")
	for value, ok := range map[string]bool{"tier=gold": true, "tier=lead": false, "age=41.5": true, "age=old": false, "age=NaN": false, "born=2026-03-02": true,
		"born=yesterday": false, "news=true": true, "news=yes": false, "site=https://example.org": true, "site=javascript:x": false, "free=anything": true, "other=anything": true} {
		name, v, _ := strings.Cut(value, "=")
		a := w.call(admin, http.MethodPatch, "/api/persons/"+string(p.ID), map[string]any{"attributes": map[string]string{name: v}})
		if (a.status == 200) != ok {
			t.Errorf("%s: %d %s", value, a.status, a.body)
		}
	}
	w.want(w.call(admin, http.MethodDelete, "/api/attributes/tier", nil), 204, "")
	w.want(w.call(admin, http.MethodDelete, "/api/attributes/tier", nil), 404, "not-found")
}

func TestBusinessHoursAndMembers(t *testing.T) {
	w := newWorld(t)
	_, admin := w.agent("admin")
	a, _ := w.agent("agent")
	in := api.HoursInput{Name: "Always", Hours: hours.Hours{Zone: "UTC"}}
	for i := range in.Hours.Week {
		in.Hours.Week[i] = []hours.Span{{From: "00:00", To: "24:00"}}
	}
	v := into[api.HoursView](t, w.want(w.call(admin, http.MethodPost, "/api/hours", in), 201, ""))
	if !v.Open || v.Next == nil {
		t.Errorf("%+v", v)
	}
	in.Hours.Zone = "Nowhere"
	w.want(w.call(admin, http.MethodPut, "/api/hours/"+v.ID, in), 422, "invalid")
	w.want(w.call(admin, http.MethodDelete, "/api/hours/"+v.ID, nil), 204, "")
	team, err := w.auth.CreateTeam(t.Context(), "Orders")
	if err != nil {
		t.Fatal(err)
	}
	path := "/api/teams/" + string(team.ID) + "/members"
	for _, want := range [][]timeline.AgentID{{a.ID}, {}} {
		w.want(w.call(admin, http.MethodPut, path, api.Members{Agents: want}), 200, "")
		if now, err := w.auth.Agent(t.Context(), a.ID); err != nil || len(now.Teams) != len(want) {
			t.Errorf("teams %v, %v", now, err)
		}
	}
	w.want(w.call(admin, http.MethodPut, path, api.Members{Agents: []timeline.AgentID{"x"}}), 422, "invalid")
}

func TestScheduledMessages(t *testing.T) {
	w := newWorld(t)
	_, token := w.agent("agent")
	c := w.conversation()
	later := w.now.Now().Add(time.Hour)
	e := w.event(c, 1, func(e *timeline.Event) {
		e.Direction = timeline.Out
		e.Message = &timeline.Message{Text: "Good morning", SendAt: &later, Delivery: &timeline.Delivery{State: timeline.Queued}}
	})
	w.insert(store.Steps, map[string]any{"_id": string(e.ID) + ".0", "message": string(e.ID), "n": 0, "state": "queued", "why": "scheduled", "dueAt": later, "account": "demo"})
	w.insert(store.Steps, map[string]any{"_id": "undo.0", "message": "undo", "n": 0, "state": "queued", "why": "undo", "dueAt": later, "account": "demo"})
	list := into[api.ScheduledList](t, w.want(w.call(token, http.MethodGet, "/api/scheduled", nil), 200, "")).Scheduled
	if len(list) != 1 || list[0].Event.ID != e.ID || list[0].Conversation.ID != c.ID {
		t.Fatalf("%+v", list)
	}
	text, path := "Good evening", "/api/conversations/"+string(c.ID)+"/messages/"+string(e.ID)+"/reschedule"
	w.want(w.call(token, http.MethodPost, path, api.RescheduleInput{ID: ulid.Make().String(), Text: &text}), 409, "too-late")
	w.outbox.ok = true
	in := api.RescheduleInput{ID: ulid.Make().String(), Text: &text, SendAt: &later}
	w.want(w.call(token, http.MethodPost, path, in), 202, "")
	cmds := w.journal.take()
	if len(cmds) == 0 || w.outbox.got != e.ID {
		t.Fatalf("asked %v, cancelled %q", cmds, w.outbox.got)
	}
	if m := cmds[len(cmds)-1].Event.Message; m == nil || m.Text != text || m.SendAt == nil {
		t.Errorf("in its place: %+v", m)
	}
}
