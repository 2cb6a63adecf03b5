package api_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/parley-hub/parley/channels"
	hubjournal "github.com/parley-hub/parley/inbox/journal"
	"github.com/parley-hub/parley/internal/gateway"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"github.com/parley-hub/parley/web/api"
)

// starts begins threads by mail and hands what is opened to record, as the journal would.
type starts struct {
	record func(timeline.Inbound)
	opened []timeline.Inbound
}

func (s *starts) Begin(account timeline.AccountID, to, about, id string) (timeline.Inbound, error) {
	if !strings.Contains(to, "@") {
		return timeline.Inbound{}, &channels.Failure{Class: channels.Unreachable, Advice: "That is no address."}
	}
	return timeline.Inbound{Channel: "mail", Peer: timeline.Identity{Scheme: "email", Value: to}, About: about,
		Event: timeline.Event{Thread: timeline.Thread{Account: account, ID: timeline.ThreadID("new:" + id)}}}, nil
}

func (s *starts) Open(_ context.Context, in timeline.Inbound) error {
	s.opened = append(s.opened, in)
	if s.record != nil {
		s.record(in)
	}
	return nil
}

// people remembers what was asked.
type people struct {
	added   []timeline.Identity
	removed []timeline.IdentityID
	erased  []timeline.PersonID
	err     error
}

func (p *people) AddIdentity(_ context.Context, _ timeline.PersonID, i timeline.Identity) error {
	p.added = append(p.added, i)
	return p.err
}

func (p *people) RemoveIdentity(_ context.Context, _ timeline.PersonID, id timeline.IdentityID) error {
	p.removed = append(p.removed, id)
	return p.err
}

func (p *people) Erase(_ context.Context, id timeline.PersonID, _ timeline.Actor) error {
	p.erased = append(p.erased, id)
	return p.err
}

var letters = &channels.Channel{Kind: "mail", Title: map[string]string{"en": "Mail"}, Can: channels.Capabilities{
	Text: channels.TextLimit{Rich: "html"}, Subject: true, Envelope: true, Starts: true}}

var wall = &channels.Channel{Kind: "wall", Title: map[string]string{"en": "Wall"}, Can: channels.Capabilities{Text: channels.TextLimit{Max: 50, Unit: "runes"}},
	Places: map[string]channels.Capabilities{"comment": {Public: true, Moderation: []string{"hide", "unhide"}, Text: channels.TextLimit{Max: 5, Unit: "runes"}}}}

func withChannels(d *api.Deps) { d.Channels = append(d.Channels, letters, wall) }

func TestStartAConversation(t *testing.T) {
	w := newWorld(t, withChannels)
	a, token := w.agent("agent")
	_, viewer := w.agent("viewer")
	w.accounts.m["mail"] = gateway.Account{ID: "mail", Channel: "mail", Enabled: true}
	w.accounts.m["off"] = gateway.Account{ID: "off", Channel: "mail"}
	w.accounts.m["chat"] = gateway.Account{ID: "chat", Channel: "webchat", Enabled: true}
	c := w.conversation(func(c *timeline.Conversation) { c.State = timeline.Resolved })
	w.starts.record = func(in timeline.Inbound) {
		in.Event.Conversation, in.Event.Seq = c.ID, int64(len(w.starts.opened))
		w.insert(store.Events, in.Event)
	}
	good := api.StartInput{ID: newULID(), Account: "mail", To: "maya@example.org", About: "Your order",
		Message: api.StartMessage{Text: "It left.", HTML: `<p onclick="x()">It <b>left</b>.<script>y()</script></p>`,
			Envelope: &timeline.Envelope{To: []timeline.Address{{Address: "maya@example.org"}}, Bcc: []timeline.Address{{Name: "Log", Address: "log@example.org"}}}}}
	change := func(f func(*api.StartInput)) api.StartInput {
		in := good
		in.ID = newULID()
		f(&in)
		return in
	}
	for _, tc := range []struct {
		name, token string
		in          api.StartInput
		status      int
		kind        string
	}{
		{"by a viewer", viewer, good, 403, "forbidden"},
		{"empty", token, change(func(b *api.StartInput) { b.Message = api.StartMessage{} }), 422, "invalid"},
		{"no such account", token, change(func(b *api.StartInput) { b.Account = "none" }), 404, "not-found"},
		{"an account that is off", token, change(func(b *api.StartInput) { b.Account = "off" }), 409, "no-start"},
		{"a channel on which nobody writes first", token, change(func(b *api.StartInput) { b.Account = "chat" }), 409, "no-start"},
		{"no address", token, change(func(b *api.StartInput) { b.To = "maya" }), 422, "invalid"},
		{"a recipient that is none", token, change(func(b *api.StartInput) {
			b.Message.Envelope = &timeline.Envelope{Cc: []timeline.Address{{Address: "x\r\nBcc: y@example.org"}}}
		}), 422, "invalid"},
		{"a name of two lines", token, change(func(b *api.StartInput) {
			b.Message.Envelope = &timeline.Envelope{To: []timeline.Address{{Name: "a\nb", Address: "x@example.org"}}}
		}), 422, "invalid"},
		{"a sender of their own", token, change(func(b *api.StartInput) {
			b.Message.Envelope = &timeline.Envelope{From: timeline.Address{Address: "ceo@example.org"}, To: []timeline.Address{{Address: "x@example.org"}}}
		}), 422, "invalid"},
		{"a subject of two lines", token, change(func(b *api.StartInput) { b.About = "a\r\nb" }), 422, "invalid"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w.want(w.call(tc.token, http.MethodPost, "/api/conversations", tc.in), tc.status, tc.kind)
		})
	}
	if len(w.starts.opened) > 0 {
		t.Fatalf("something was sent: %+v", w.starts.opened)
	}
	first := into[api.Started](t, w.want(w.call(token, http.MethodPost, "/api/conversations", good), http.StatusCreated, ""))
	again := into[api.Started](t, w.want(w.call(token, http.MethodPost, "/api/conversations", good), http.StatusCreated, ""))
	if first != again || first.Conversation != c.ID || len(w.starts.opened) != 1 {
		t.Errorf("first %+v, again %+v, %d sent", first, again, len(w.starts.opened))
	}
	e := w.starts.opened[0].Event
	if e.Message.HTML != "<p>It <b>left</b>.</p>" || e.Message.Subject != "Your order" || e.Direction != timeline.Out || e.Actor.ID != string(a.ID) || e.Client != good.ID ||
		e.Message.Envelope.Bcc[0].Name != "Log" || e.ID != first.Event {
		t.Errorf("event %+v, message %+v", e, e.Message)
	}
	cmds := w.journal.take()
	if len(cmds) < 2 || cmds[0].Event.Status == nil || cmds[1].Event.Assignment == nil || *cmds[1].Event.Assignment.Agent != a.ID || *cmds[1].IfAssignee != "" {
		t.Errorf("commands %+v", cmds)
	}
	w.want(w.call(token, http.MethodPost, "/api/conversations", change(func(b *api.StartInput) { b.ID, b.Message.Text = good.ID, "other" })), 422, "reused")
}

func TestModerate(t *testing.T) {
	w := newWorld(t, withChannels)
	_, token := w.agent("agent")
	_, viewer := w.agent("viewer")
	c := w.conversation(func(c *timeline.Conversation) { c.Legs[0].Channel, c.Legs[0].Place = "wall", "comment" })
	said := w.event(c, 1)
	ours := w.event(c, 2, func(e *timeline.Event) { e.Direction = timeline.Out })
	gone := w.event(c, 3, func(e *timeline.Event) { e.Message.Unsent = &e.At })
	other := w.conversation()
	elsewhere := w.event(other, 1)
	path := "/api/conversations/" + string(c.ID) + "/moderate"
	in := func(of *timeline.Event, action string) api.ModerateInput {
		return api.ModerateInput{ID: newULID(), Of: of.ID, Action: action}
	}
	w.want(w.call(viewer, http.MethodPost, path, in(said, "hide")), 403, "forbidden")
	w.want(w.call(token, http.MethodPost, path, in(said, "praise")), 422, "invalid")
	w.want(w.call(token, http.MethodPost, path, in(said, "delete")), 422, "invalid") // the channel cannot
	w.want(w.call(token, http.MethodPost, path, in(ours, "hide")), 422, "invalid")
	w.want(w.call(token, http.MethodPost, path, in(elsewhere, "hide")), 422, "invalid")
	w.want(w.call(token, http.MethodPost, path, in(gone, "hide")), 409, "too-late")
	if got := w.journal.take(); len(got) > 0 {
		t.Fatalf("commands %+v", got)
	}
	w.want(w.call(token, http.MethodPost, path, in(said, "hide")), http.StatusAccepted, "")
	cmds := w.journal.take()
	if m := cmds[0].Event.Moderation; m == nil || m.Of.Event != said.ID || m.State != timeline.ModerationAsked || cmds[0].Event.Leg != c.Legs[0].ID {
		t.Errorf("command %+v", cmds[0])
	}
	// The place's limits count, not the channel's usual ones.
	w.want(w.call(token, http.MethodPost, "/api/conversations/"+string(c.ID)+"/messages", api.SendInput{ID: newULID(), Text: "longer"}), 422, "invalid")
	for _, b := range []api.SendInput{{Text: "x", HTML: "<b>x</b>"}, {Text: "x", Subject: "y"}, {Text: "x", Envelope: &timeline.Envelope{To: []timeline.Address{{Address: "a@example.org"}}}}} {
		b.ID = newULID()
		w.want(w.call(token, http.MethodPost, "/api/conversations/"+string(c.ID)+"/messages", b), 422, "invalid")
	}
}

func TestIdentities(t *testing.T) {
	w := newWorld(t)
	_, token := w.agent("agent")
	_, viewer := w.agent("viewer")
	c := w.conversation()
	w.insert(store.Persons, timeline.Person{ID: c.Person, Name: "Maya"})
	w.accounts.m["demo"] = gateway.Account{ID: "demo", Channel: "webchat", Enabled: true}
	path := "/api/persons/" + string(c.Person) + "/identities"
	for _, tc := range []struct {
		name   string
		token  string
		in     api.IdentityInput
		status int
		kind   string
	}{
		{"by a viewer", viewer, api.IdentityInput{Scheme: "email", Value: "a@example.org"}, 403, "forbidden"},
		{"no e-mail address", token, api.IdentityInput{Scheme: "email", Value: "a@"}, 422, "invalid"},
		{"a name with it", token, api.IdentityInput{Scheme: "email", Value: "A <a@example.org>"}, 422, "invalid"},
		{"no number", token, api.IdentityInput{Scheme: "tel", Value: "555 0100"}, 422, "invalid"},
		{"an address of an account", token, api.IdentityInput{Scheme: "email", Value: "a@example.org", Account: "demo"}, 422, "invalid"},
		{"a scheme without account", token, api.IdentityInput{Scheme: "igsid", Value: "1"}, 422, "invalid"},
		{"no such account", token, api.IdentityInput{Scheme: "igsid", Value: "1", Account: "none"}, 422, "invalid"},
		{"e-mail", token, api.IdentityInput{Scheme: "email", Value: " Maya@Example.org "}, 200, ""},
		{"number", token, api.IdentityInput{Scheme: "tel", Value: "+1 (555) 010-0200"}, 200, ""},
		{"of an account", token, api.IdentityInput{Scheme: "igsid", Value: "1", Account: "demo"}, 200, ""},
	} {
		t.Run(tc.name, func(t *testing.T) { w.want(w.call(tc.token, http.MethodPost, path, tc.in), tc.status, tc.kind) })
	}
	var got []string
	for _, i := range w.people.added {
		if i.Proof != timeline.ProofAgent {
			t.Errorf("proof %q", i.Proof)
		}
		got = append(got, string(i.ID()))
	}
	if want := []string{"|email|maya@example.org", "|tel|+15550100200", "demo|igsid|1"}; !slices.Equal(got, want) {
		t.Errorf("identities %q", got)
	}
	w.people.err = &hubjournal.Conflict{Person: "other"}
	a := w.want(w.call(token, http.MethodPost, path, api.IdentityInput{Scheme: "email", Value: "b@example.org"}), 409, "identity-taken")
	if a.problem.Person != "other" {
		t.Errorf("problem %+v", a.problem)
	}
	w.people.err = nil
	w.want(w.call(token, http.MethodDelete, path+"?identity="+url.QueryEscape("|email|maya@example.org"), nil), 204, "")
	w.people.err = store.ErrNotFound
	w.want(w.call(token, http.MethodDelete, path+"?identity=none", nil), 404, "not-found")
}

func TestEraseAsksForTheName(t *testing.T) {
	w := newWorld(t)
	_, admin := w.agent("admin")
	_, agent := w.agent("agent")
	c := w.conversation()
	other := w.conversation()
	w.insert(store.Persons, timeline.Person{ID: c.Person, Name: "Maya"})
	path := "/api/persons/" + string(c.Person) + "/erase"
	w.want(w.call(agent, http.MethodPost, path, api.EraseInput{Confirm: "Maya"}), 403, "forbidden")
	for _, wrong := range []string{"maya", "9999999", "#" + itoa(other.Number), "erase"} {
		w.want(w.call(admin, http.MethodPost, path, api.EraseInput{Confirm: wrong}), 422, "invalid")
	}
	if len(w.people.erased) > 0 {
		t.Fatal("erased without being confirmed")
	}
	w.want(w.call(admin, http.MethodPost, path, api.EraseInput{Confirm: "#" + itoa(c.Number)}), 204, "")
	w.want(w.call(admin, http.MethodPost, path, api.EraseInput{Confirm: "Maya"}), 204, "")
	if !slices.Equal(w.people.erased, []timeline.PersonID{c.Person, c.Person}) {
		t.Errorf("erased %v", w.people.erased)
	}
	gone := w.conversation()
	at := timeline.Now()
	w.insert(store.Persons, timeline.Person{ID: gone.Person, Name: "Erased person", Erased: &at})
	w.want(w.call(agent, http.MethodPatch, "/api/persons/"+string(gone.Person), `{"name":"Maya again"}`), 409, "conflict")
	log := into[api.AuditList](t, w.want(w.call(admin, http.MethodGet, "/api/audit", nil), 200, ""))
	if log.Records[0].Action != "person.erase" || log.Records[0].Target != string(c.Person) || len(log.Records[0].Data) > 0 {
		t.Errorf("audit %+v", log.Records[0])
	}
}

func itoa(n int64) string {
	b, _ := json.Marshal(n)
	return string(b)
}

func TestExport(t *testing.T) {
	w := newWorld(t)
	_, super := w.agent("supervisor")
	_, agent := w.agent("agent")
	c := w.conversation()
	w.insert(store.Persons, timeline.Person{ID: c.Person, Name: "Maya", Note: "likes boots"})
	w.insert(store.Identities, timeline.Known{ID: "|email|m", Identity: timeline.Identity{Scheme: "email", Value: "maya@example.org"}, Person: c.Person})
	w.insert(store.Merges, hubjournal.Merged{ID: "m1", From: "old", Into: c.Person})
	part, err := w.files.Put(t.Context(), "../in voice.png", strings.NewReader("bytes"), 100)
	if err != nil {
		t.Fatal(err)
	}
	for n := int64(1); n <= 450; n++ { // more than two pages
		w.event(c, n, func(e *timeline.Event) {
			switch {
			case n == 3:
				e.Kind, e.Message.Text = timeline.KindNote, "a note"
			case n%100 == 0:
				e.Message.Parts = []timeline.Part{{File: part.File, Name: "../in voice.png"}, {File: "gone"}}
			}
		})
	}
	path := "/api/persons/" + string(c.Person) + "/export"
	w.want(w.call(agent, http.MethodGet, path, nil), 403, "forbidden")
	w.want(w.call(super, http.MethodGet, "/api/persons/none/export", nil), 404, "not-found")
	a := w.want(w.call(super, http.MethodGet, path, nil), 200, "")
	z, err := zip.NewReader(bytes.NewReader(a.body), int64(len(a.body)))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		got[f.Name], err = io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(got) != 3 || a.header.Get("Content-Type") != "application/zip" {
		t.Fatalf("%d files", len(got))
	}
	var about api.ExportedPerson
	if err := json.Unmarshal(got["person.json"], &about); err != nil || about.Person.Note != "likes boots" || len(about.Identities) != 1 || len(about.Merges) != 1 {
		t.Errorf("%v: %s", err, got["person.json"])
	}
	var conv struct {
		Conversation timeline.Conversation `json:"conversation"`
		Events       []struct {
			Internal bool `json:"internal"`
			timeline.Event
		} `json:"events"`
	}
	if err := json.Unmarshal(got["conversations/"+itoa(c.Number)+".json"], &conv); err != nil || len(conv.Events) != 450 || conv.Conversation.ID != c.ID {
		t.Fatalf("%v: %d events", err, len(conv.Events))
	}
	if !conv.Events[2].Internal || conv.Events[2].Message.Text != "a note" || conv.Events[3].Internal || conv.Events[449].Seq != 450 {
		t.Errorf("events %+v", conv.Events[:4])
	}
	if string(got["files/"+string(part.File)+"-.._in voice.png"]) != "bytes" {
		t.Errorf("files: %v", z.File[2].Name)
	}
}
