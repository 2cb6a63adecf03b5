package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/parley-hub/parley/internal/auth"
	"github.com/parley-hub/parley/internal/bus"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"github.com/parley-hub/parley/web/api"
)

func TestSendWritesOneCommand(t *testing.T) {
	w := newWorld(t)
	a, token := w.agent("agent")
	c := w.conversation()
	in := api.SendInput{ID: newULID(), Text: "Hello"}
	path := "/api/conversations/" + string(c.ID) + "/messages"
	first := into[api.Taken](t, w.want(w.call(token, http.MethodPost, path, in), http.StatusAccepted, ""))
	again := into[api.Taken](t, w.want(w.call(token, http.MethodPost, path, in), http.StatusAccepted, ""))
	if first != again || first.Event != timeline.EventID(string(c.ID)+"."+string(a.ID)+"."+in.ID) {
		t.Errorf("events %q and %q", first.Event, again.Event)
	}
	cmds := w.journal.take()
	if len(cmds) != 2 || cmds[0].ID != cmds[1].ID || cmds[0].ID != first.Event {
		t.Fatalf("commands %+v", cmds)
	}
	e := cmds[0].Event
	if e.Kind != timeline.KindMessage || e.Direction != timeline.Out || e.Leg != c.Legs[0].ID || e.Thread != c.Legs[0].Thread ||
		e.Client != in.ID || e.Actor.ID != string(a.ID) || e.Message.Text != "Hello" {
		t.Errorf("event %+v", e)
	}
	if wait := e.Message.SendAt.Sub(e.At); wait != 5*time.Second {
		t.Errorf("it can be undone for %s", wait)
	}
	// Once it is recorded a repeat writes nothing, and the id cannot mean something else.
	w.event(c, 1, func(x *timeline.Event) { *x = e; x.Seq = 1 })
	w.want(w.call(token, http.MethodPost, path, in), http.StatusAccepted, "")
	in.Text = "Something else"
	w.want(w.call(token, http.MethodPost, path, in), http.StatusUnprocessableEntity, "reused")
	if got := w.journal.take(); len(got) > 0 {
		t.Errorf("commands %+v", got)
	}
}

func TestSendRefusals(t *testing.T) {
	w := newWorld(t)
	_, token := w.agent("agent")
	_, viewer := w.agent("viewer")
	closed := w.conversation(func(c *timeline.Conversation) { c.Legs[0].Closed = "revoked" })
	c := w.conversation()
	zero, long := 0, strings.Repeat("x", 51)
	for _, tc := range []struct {
		name   string
		token  string
		c      *timeline.Conversation
		in     any
		status int
		kind   string
	}{
		{"empty", token, c, api.SendInput{ID: newULID(), Text: " \n"}, 422, "invalid"},
		{"no id", token, c, map[string]any{"text": "x"}, 422, "invalid"},
		{"an id that is no ULID", token, c, api.SendInput{ID: strings.Repeat("!", 26), Text: "x"}, 422, "invalid"},
		{"unknown field", token, c, map[string]any{"id": newULID(), "text": "x", "colour": "red"}, 422, "invalid"},
		{"wrong type", token, c, map[string]any{"id": newULID(), "text": 5}, 422, "invalid"},
		{"not JSON", token, c, `{"id":`, 400, "malformed"},
		{"a list", token, c, `[]`, 422, "invalid"},
		{"unknown leg", token, c, api.SendInput{ID: newULID(), Text: "x", Leg: "demo|other"}, 422, "invalid"},
		{"closed leg", token, closed, api.SendInput{ID: newULID(), Text: "x", Leg: closed.Legs[0].ID}, 409, "leg-closed"},
		{"no open leg", token, closed, api.SendInput{ID: newULID(), Text: "x"}, 409, "leg-closed"},
		{"too long for the channel", token, c, api.SendInput{ID: newULID(), Text: long}, 422, "invalid"},
		{"no such file", token, c, api.SendInput{ID: newULID(), Parts: []api.PartInput{{File: "none"}}}, 422, "invalid"},
		{"too long an undo", token, c, map[string]any{"id": newULID(), "text": "x", "undo": 31}, 422, "invalid"},
		{"a note with a leg", token, c, api.SendInput{ID: newULID(), Text: "x", Note: true, Leg: c.Legs[0].ID}, 422, "invalid"},
		{"a viewer answers", viewer, c, api.SendInput{ID: newULID(), Text: "x"}, 403, "forbidden"},
		{"a viewer notes", viewer, c, api.SendInput{ID: newULID(), Text: "x", Note: true}, 403, "forbidden"},
		{"a body over the limit", token, c, `{"text":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "too-large"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w.want(w.call(tc.token, http.MethodPost, "/api/conversations/"+string(tc.c.ID)+"/messages", tc.in), tc.status, tc.kind)
		})
	}
	if got := w.journal.take(); len(got) > 0 {
		t.Fatalf("commands were written: %+v", got)
	}
	path := "/api/conversations/" + string(c.ID) + "/messages"
	w.want(w.call(token, http.MethodPost, path, api.SendInput{ID: newULID(), Text: "now", Undo: &zero}), 202, "")
	w.want(w.call(token, http.MethodPost, path, api.SendInput{ID: newULID(), Text: long, Note: true}), 202, "")
	cmds := w.journal.take()
	if cmds[0].Event.Message.SendAt != nil || cmds[1].Event.Kind != timeline.KindNote || cmds[1].Event.Direction != timeline.Internal || cmds[1].Event.Leg != "" {
		t.Errorf("commands %+v", cmds)
	}
	gz := w.call(token, http.MethodPost, path, "x", header{"Content-Encoding": "gzip"})
	w.want(gz, http.StatusUnsupportedMediaType, "media")
}

func TestStaleSendIsRefusedWithWhatWasSaid(t *testing.T) {
	w := newWorld(t)
	a, token := w.agent("agent")
	c := w.conversation(func(c *timeline.Conversation) { c.Seq, c.LastOutSeq = 3, 3 })
	out := func(by string) func(*timeline.Event) {
		return func(e *timeline.Event) {
			e.Direction, e.Actor = timeline.Out, timeline.Actor{Kind: timeline.ActorAgent, ID: by}
		}
	}
	w.event(c, 1)
	w.event(c, 2, out("somebody"))
	w.event(c, 3, out(string(a.ID)))
	path := "/api/conversations/" + string(c.ID) + "/messages"
	p := w.want(w.call(token, http.MethodPost, path, api.SendInput{ID: newULID(), Text: "x", BaseSeq: 1}), 409, "answered-meanwhile").problem
	if len(p.Events) != 1 || p.Events[0].Seq != 2 {
		t.Errorf("events %+v", p.Events)
	}
	w.want(w.call(token, http.MethodPost, path, api.SendInput{ID: newULID(), Text: "after mine", BaseSeq: 2}), 202, "")
	w.want(w.call(token, http.MethodPost, path, api.SendInput{ID: newULID(), Text: "up to date", BaseSeq: 3}), 202, "")
	w.want(w.call(token, http.MethodPost, path, api.SendInput{ID: newULID(), Text: "no guard"}), 202, "")
	if got := w.journal.take(); len(got) != 3 || got[0].BaseSeq != 2 {
		t.Errorf("commands %+v", got)
	}
}

func TestUndoAndRetry(t *testing.T) {
	w := newWorld(t)
	_, token := w.agent("agent")
	c := w.conversation()
	state := func(s timeline.DeliveryState) func(*timeline.Event) {
		return func(e *timeline.Event) {
			e.ID += "|with a slash/"
			e.Direction, e.Message.Delivery = timeline.Out, &timeline.Delivery{State: s, Attempt: 2}
		}
	}
	failed, sent := w.event(c, 1, state(timeline.Failed)), w.event(c, 2, state(timeline.Sent))
	path := func(e *timeline.Event) string {
		return "/api/conversations/" + string(c.ID) + "/messages/" + url.PathEscape(string(e.ID))
	}
	first := w.want(w.call(token, http.MethodPost, path(failed)+"/retry", nil), 202, "")
	second := w.want(w.call(token, http.MethodPost, path(failed)+"/retry", nil), 202, "")
	if string(first.body) != string(second.body) {
		t.Errorf("two clicks are two attempts: %s, %s", first.body, second.body)
	}
	r := w.journal.take()[0].Event.Receipt
	if r == nil || r.State != timeline.Queued || r.Attempt != 3 || r.Of.Event != failed.ID {
		t.Errorf("receipt %+v", r)
	}
	w.want(w.call(token, http.MethodPost, path(sent)+"/retry", nil), 409, "conflict")
	w.want(w.call(token, http.MethodDelete, path(sent), nil), 409, "too-late")
	w.outbox.ok = true
	w.want(w.call(token, http.MethodDelete, path(sent), nil), 204, "")
	if w.outbox.got != sent.ID {
		t.Errorf("undid %q", w.outbox.got)
	}
	w.want(w.call(token, http.MethodDelete, "/api/conversations/"+string(c.ID)+"/messages/none", nil), 404, "not-found")
}

func TestChange(t *testing.T) {
	w := newWorld(t)
	a, token := w.agent("agent")
	other, _ := w.agent("agent")
	c := w.conversation(func(c *timeline.Conversation) { c.Assignee = other.ID })
	path := "/api/conversations/" + string(c.ID)
	soon := time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond)
	w.want(w.call(token, http.MethodPatch, path, map[string]any{"assignee": "me", "addLabels": []string{" vip ", "vip"}, "priority": 3,
		"subject": "Parcel", "state": "snoozed", "snoozeUntil": soon}, header{"Idempotency-Key": "k1"}), 202, "")
	cmds := w.journal.take()
	var ids []string
	for _, cmd := range cmds {
		ids = append(ids, strings.TrimPrefix(string(cmd.ID), string(c.ID)+"."+string(a.ID)+"."))
	}
	if fmt.Sprint(ids) != "[k1.assign k1.labels k1.subject k1.state]" {
		t.Errorf("commands %v", ids)
	}
	if got := cmds[0].Event.Assignment; *got.Agent != a.ID || got.AgentName != a.Name || got.Was != other.ID {
		t.Errorf("assignment %+v", got)
	}
	if got := cmds[1].Event.Labels; fmt.Sprint(got.Add) != "[vip]" || *got.Priority != 3 {
		t.Errorf("labels %+v", got)
	}
	for _, tc := range []struct {
		name   string
		in     string
		status int
		kind   string
	}{
		{"nothing", `{}`, 422, "invalid"},
		{"unknown state", `{"state":"gone"}`, 422, "invalid"},
		{"a snooze that is over", `{"state":"snoozed","snoozeUntil":"2020-01-01T00:00:00Z"}`, 422, "invalid"},
		{"an end without snooze", `{"state":"open","snoozeUntil":"2050-01-01T00:00:00Z"}`, 422, "invalid"},
		{"nobody we know", `{"assignee":"x"}`, 422, "invalid"},
		{"no team we know", `{"team":"x"}`, 422, "invalid"},
		{"an empty label", `{"addLabels":[""]}`, 422, "invalid"},
		{"priority 5", `{"priority":5}`, 422, "invalid"},
		{"claimed by another", `{"assignee":"me","ifAssignee":""}`, 409, "taken"},
		{"no time", `{"state":"snoozed","snoozeUntil":"soon"}`, 422, "invalid"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w.want(w.call(token, http.MethodPatch, path, tc.in), tc.status, tc.kind)
		})
	}
	if got := w.journal.take(); len(got) > 0 {
		t.Errorf("commands were written: %+v", got)
	}
	w.want(w.call(token, http.MethodPatch, path, `{"assignee":"","state":"open"}`), 202, "")
	w.journal.take()
	w.want(w.call(token, http.MethodPatch, path, `{"state":"snoozed"}`), 202, "")
	if cmds := w.journal.take(); len(cmds) != 1 || cmds[0].Event.Status.To != timeline.Snoozed || cmds[0].Event.Status.Until != nil {
		t.Errorf("snoozed until they reply: %+v", cmds)
	}
}

func TestBrokerOrStoreDown(t *testing.T) {
	w := newWorld(t)
	_, token := w.agent("admin")
	c := w.conversation()
	path := "/api/conversations/" + string(c.ID)
	for _, err := range []error{bus.ErrUnavailable, bus.ErrClosed, bus.ErrNotDurable} {
		w.journal.err = fmt.Errorf("publishing: %w", err)
		a := w.want(w.call(token, http.MethodPost, path+"/messages", api.SendInput{ID: newULID(), Text: "x"}), 503, "unavailable")
		if a.header.Get("Retry-After") == "" || a.problem.RetryAfter == 0 {
			t.Errorf("no Retry-After: %v %s", a.header, a.body)
		}
	}
	w.store.fail(true)
	for _, p := range []string{path, "/api/conversations", "/api/me", "/api/agents", "/api/audit", "/api/persons/x"} {
		a := w.want(w.call(token, http.MethodGet, p, nil), 503, "unavailable")
		if a.header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", p)
		}
	}
	a := w.want(w.call("", http.MethodPost, "/api/session", api.SignInInput{Email: "a@b.c", Password: "x"}), 503, "unavailable")
	if strings.Contains(string(a.body), "the test says so") {
		t.Errorf("the cause leaks: %s", a.body)
	}
	w.store.fail(false)
	w.want(w.call(token, http.MethodGet, path, nil), 200, "")
}

func TestReadingMarksOnlyMoveForward(t *testing.T) {
	w := newWorld(t)
	_, token := w.agent("viewer")
	c := w.conversation(func(c *timeline.Conversation) { c.Seq, c.InCount, c.LastInSeq = 6, 4, 6 })
	for seq := int64(1); seq <= 6; seq++ {
		w.event(c, seq, func(e *timeline.Event) {
			if seq%3 == 2 {
				e.Direction = timeline.Out
			}
		})
	}
	path := "/api/conversations/" + string(c.ID) + "/read"
	for _, tc := range []struct {
		in   api.MarkInput
		want api.Mark
	}{
		{api.MarkInput{Seq: 2}, api.Mark{Seq: 2, InCount: 1}},
		{api.MarkInput{Seq: 4}, api.Mark{Seq: 4, InCount: 3}},
		{api.MarkInput{Seq: 1}, api.Mark{Seq: 4, InCount: 3}},
		{api.MarkInput{Seq: 900}, api.Mark{Seq: 6, InCount: 4}},
		{api.MarkInput{Seq: 3, Unread: true}, api.Mark{Seq: 3, InCount: 2}},
		{api.MarkInput{Seq: 0, Unread: true}, api.Mark{}},
	} {
		got := into[api.Mark](t, w.want(w.call(token, http.MethodPut, path, tc.in), 200, ""))
		if got != tc.want {
			t.Errorf("%+v gives %+v, want %+v", tc.in, got, tc.want)
		}
	}
	w.want(w.call(token, http.MethodPut, path, `{"seq":-1}`), 422, "invalid")
}

func TestDraftsHaveVersions(t *testing.T) {
	w := newWorld(t)
	_, token := w.agent("agent")
	c := w.conversation()
	path := "/api/conversations/" + string(c.ID) + "/draft"
	if d := into[api.Draft](t, w.want(w.call(token, http.MethodGet, path, nil), 200, "")); d.Version != 0 {
		t.Errorf("draft %+v", d)
	}
	w.want(w.call(token, http.MethodPut, path, api.DraftInput{Text: "a", Version: 1}), 200, "")
	w.want(w.call(token, http.MethodPut, path, api.DraftInput{Text: "", Version: 3}), 200, "")
	w.want(w.call(token, http.MethodPut, path, api.DraftInput{Text: "", Version: 3}), 200, "")
	p := w.want(w.call(token, http.MethodPut, path, api.DraftInput{Text: "late", Version: 2}), 409, "draft-older").problem
	if p.Draft == nil || p.Draft.Version != 3 || p.Draft.Text != "" {
		t.Errorf("kept %+v", p.Draft)
	}
	w.want(w.call(token, http.MethodPut, path+"?kind=note", api.DraftInput{Text: "a note", Version: 1}), 200, "")
	o := into[api.Opened](t, w.want(w.call(token, http.MethodGet, "/api/conversations/"+string(c.ID), nil), 200, ""))
	if o.Draft == nil || o.Draft.Version != 3 {
		t.Errorf("opened with draft %+v", o.Draft)
	}
}

func TestPersons(t *testing.T) {
	w := newWorld(t)
	_, token := w.agent("supervisor")
	_, scoped := w.agent("agent", func(n *auth.NewAgent) { n.Scope = auth.ScopeOwn })
	c := w.conversation()
	w.insert(store.Persons, timeline.Person{ID: c.Person, Name: "Maya", Attributes: map[string]string{"tier": "gold", "old": "x"}})
	w.insert(store.Persons, timeline.Person{ID: "merged", MergedInto: c.Person})
	path := "/api/persons/" + string(c.Person)
	v := into[api.PersonView](t, w.want(w.call(token, http.MethodGet, "/api/persons/merged", nil), 200, ""))
	if v.Person.ID != c.Person {
		t.Errorf("a merged person gives %+v", v.Person)
	}
	v = into[api.PersonView](t, w.want(w.call(token, http.MethodPatch, path, `{"note":"likes tea","attributes":{"tier":"silver","old":null}}`), 200, ""))
	if v.Person.Note != "likes tea" || fmt.Sprint(v.Person.Attributes) != "map[tier:silver]" || v.Person.Name != "Maya" {
		t.Errorf("changed to %+v", v.Person)
	}
	w.want(w.call(token, http.MethodPatch, path, `{"attributes":{"a.b":"x"}}`), 422, "invalid")
	w.want(w.call(token, http.MethodPatch, path, `{"name":"  "}`), 422, "invalid")
	w.want(w.call(scoped, http.MethodPatch, path, `{"note":"x"}`), 404, "not-found")
	l := into[api.PersonConversations](t, w.want(w.call(token, http.MethodGet, path+"/conversations", nil), 200, ""))
	if len(l.Conversations) != 1 {
		t.Errorf("conversations %+v", l)
	}
	w.insert(store.Persons, timeline.Person{ID: "other", Name: "Maya too"})
	m := into[api.Merged](t, w.want(w.call(token, http.MethodPost, path+"/merge", `{"from":"other"}`), 200, ""))
	w.want(w.call(token, http.MethodPost, "/api/merges/"+m.ID+"/undo", nil), 204, "")
	w.want(w.call(token, http.MethodPost, path+"/merge", `{"from":"none"}`), 404, "not-found")
	w.want(w.call(token, http.MethodPost, path+"/merge", map[string]any{"from": c.Person}), 422, "invalid")
	w.insert(store.Suggestions, map[string]any{"_id": "s|1", "persons": []string{string(c.Person), "other"}, "why": "same e-mail"})
	s := into[api.SuggestionList](t, w.want(w.call(token, http.MethodGet, path+"/suggestions", nil), 200, ""))
	if len(s.Suggestions) != 1 || len(s.Suggestions[0].Persons) != 2 {
		t.Errorf("suggestions %+v", s)
	}
	w.insert(store.Persons, timeline.Person{ID: "was", MergedInto: c.Person})
	w.insert(store.Suggestions, map[string]any{"_id": "s|2", "persons": []string{string(c.Person), "was"}, "why": "merged since"})
	s = into[api.SuggestionList](t, w.want(w.call(token, http.MethodGet, path+"/suggestions", nil), 200, ""))
	if len(s.Suggestions) != 1 || s.Suggestions[0].ID != "s|1" {
		t.Errorf("one person by now is suggested: %+v", s)
	}
	w.want(w.call(token, http.MethodDelete, "/api/suggestions/"+url.PathEscape("s|1"), nil), 204, "")
	s = into[api.SuggestionList](t, w.want(w.call(token, http.MethodGet, path+"/suggestions", nil), 200, ""))
	if len(s.Suggestions) != 0 {
		t.Errorf("suggestions %+v", s)
	}
}
