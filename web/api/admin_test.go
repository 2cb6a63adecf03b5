package api_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fasthttp/websocket"

	"github.com/parley-hub/parley/internal/auth"
	"github.com/parley-hub/parley/internal/bus"
	"github.com/parley-hub/parley/timeline"
	"github.com/parley-hub/parley/web/api"
)

func TestAgentsAndTeams(t *testing.T) {
	w := newWorld(t)
	admin, token := w.agent("admin")
	_, supervisor := w.agent("supervisor")
	team := into[api.Team](t, w.want(w.call(token, http.MethodPost, "/api/teams", `{"name":"Orders"}`), 201, ""))
	w.want(w.call(token, http.MethodPatch, "/api/teams/"+string(team.ID), `{"name":"Returns"}`), 200, "")
	in := api.AgentInput{Email: "Tom@Example.org", Name: "Tom de Vries", Teams: []timeline.TeamID{team.ID}}
	made := into[api.Invited](t, w.want(w.call(token, http.MethodPost, "/api/agents", in), 201, ""))
	if made.Secret == "" || made.Agent.Email != "tom@example.org" || made.Agent.Initials != "TV" || !made.Agent.Invited {
		t.Errorf("invited %+v", made)
	}
	path := "/api/agents/" + string(made.Agent.ID)
	w.want(w.call("", http.MethodPost, "/api/session/once", api.OnceInput{Secret: made.Secret}), 200, "")
	again := into[api.Invited](t, w.want(w.call(token, http.MethodPost, path+"/invite", nil), 200, ""))
	if again.Secret == made.Secret {
		t.Error("the same secret again")
	}
	w.want(w.call(token, http.MethodPost, "/api/agents", in), 422, "invalid")
	for _, bad := range []string{`{"email":"x","name":"x"}`, `{"email":"a@b.c","name":""}`, `{"email":"a@b.c","name":"x","roles":["king"]}`,
		`{"email":"a@b.c","name":"x","teams":["none"]}`, `{"email":"a@b.c","name":"x","scope":"some"}`} {
		a := w.want(w.call(token, http.MethodPost, "/api/agents", bad), 422, "invalid")
		if len(a.problem.Errors) == 0 || a.problem.Errors[0].Field == "" {
			t.Errorf("%s: no field named: %s", bad, a.body)
		}
	}
	w.want(w.call(supervisor, http.MethodPatch, path, `{"disabled":true}`), 403, "forbidden")
	w.want(w.call(token, http.MethodPatch, "/api/agents/"+string(admin.ID), `{"roles":["agent"]}`), 409, "last-admin")
	w.want(w.call(token, http.MethodPatch, "/api/agents/"+string(admin.ID), `{"disabled":true}`), 409, "last-admin")
	w.want(w.call(token, http.MethodDelete, "/api/teams/"+string(team.ID), nil), 204, "")
	if a := into[api.Agent](t, w.want(w.call(token, http.MethodGet, path, nil), 200, "")); len(a.Teams) != 0 {
		t.Errorf("still in %v", a.Teams)
	}
	w.want(w.call(token, http.MethodPatch, path, `{"disabled":true}`), 200, "")
	w.want(w.call("", http.MethodPost, "/api/session/once", api.OnceInput{Secret: again.Secret}), 401, "sign-in")
	w.want(w.call(token, http.MethodDelete, path+"/sessions", nil), 204, "")
	log := into[api.AuditList](t, w.want(w.call(token, http.MethodGet, "/api/audit?limit=3", nil), 200, ""))
	if len(log.Records) != 3 || log.Next == 0 || log.Records[0].Action != "agent.sessions.end" || log.Records[0].Actor != string(admin.ID) {
		t.Errorf("audit %+v", log)
	}
	if err := w.auth.VerifyAudit(t.Context()); err != nil {
		t.Error(err)
	}
}

// A token or role that manages agents cannot make itself more than it is.
func TestNobodyGrantsMoreThanTheyHave(t *testing.T) {
	w := newWorld(t)
	admin, _ := w.agent("admin")
	limited, _, err := w.auth.CreateToken(t.Context(), admin.ID, "hr", []auth.Permission{auth.AgentManage, auth.AgentRead}, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := w.agent("viewer")
	w.want(w.call(limited, http.MethodPatch, "/api/agents/"+string(a.ID), `{"roles":["admin"]}`), 403, "forbidden")
	w.want(w.call(limited, http.MethodPost, "/api/agents", `{"email":"a@b.c","name":"x","roles":["admin"]}`), 403, "forbidden")
	w.want(w.call(limited, http.MethodPost, "/api/agents", `{"email":"a@b.c","name":"x"}`), 403, "forbidden")
	w.want(w.call(limited, http.MethodPost, "/api/agents/"+string(admin.ID)+"/invite", nil), 403, "forbidden")
}

func TestAccountsNeverShowSecrets(t *testing.T) {
	w := newWorld(t)
	_, token := w.agent("admin")
	in := map[string]any{"channel": "webchat", "name": "Shop", "settings": map[string]string{"title": "Shop", "token": "hush"}}
	a := w.want(w.call(token, http.MethodPost, "/api/accounts", in), 201, "")
	if bytes.Contains(a.body, []byte("hush")) {
		t.Errorf("the secret is shown: %s", a.body)
	}
	id := string(into[api.Account](t, a).ID)
	if list := w.want(w.call(token, http.MethodGet, "/api/accounts", nil), 200, ""); bytes.Contains(list.body, []byte("hush")) || !bytes.Contains(list.body, []byte(id)) {
		t.Errorf("list %s", list.body)
	}
	p := w.want(w.call(token, http.MethodPost, "/api/accounts", `{"channel":"webchat","name":"x"}`), 422, "invalid").problem
	if len(p.Errors) != 1 || p.Errors[0].Field != "title" {
		t.Errorf("errors %+v", p.Errors)
	}
	w.want(w.call(token, http.MethodPatch, "/api/accounts/"+id, `{"enabled":true}`), 200, "")
	w.want(w.call(token, http.MethodGet, "/api/accounts/none", nil), 404, "not-found")
	w.want(w.call(token, http.MethodDelete, "/api/accounts/"+id, nil), 204, "")
	w.want(w.call(token, http.MethodDelete, "/api/accounts/"+id, nil), 404, "not-found")
	ch := into[api.ChannelList](t, w.want(w.call(token, http.MethodGet, "/api/channels", nil), 200, "")).Channels
	if len(ch) != 1 || len(ch[0].Settings) != 2 || ch[0].Can.Text.Max != 50 {
		t.Errorf("channels %+v", ch)
	}
}

func TestSnippetNamesTheHub(t *testing.T) {
	for name, c := range map[string]struct{ base, begins string }{
		"as configured":       {"https://inbox.example.org", `<script src="https://inbox.example.org/w.js"`},
		"as this one reached": {"", `<script src="http://`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(d *api.Deps) { d.Options.BaseURL = c.base })
			_, token := w.agent("admin")
			in := map[string]any{"channel": "webchat", "name": "Shop", "settings": map[string]string{"title": "Shop"}}
			a := into[api.Account](t, w.want(w.call(token, http.MethodPost, "/api/accounts", in), 201, ""))
			if !strings.HasPrefix(a.Snippet, c.begins) || !strings.HasSuffix(a.Snippet, `/w.js" data-account="`+string(a.ID)+`"></script>`) {
				t.Errorf("snippet %s", a.Snippet)
			}
		})
	}
}

func TestIdempotencyKey(t *testing.T) {
	w := newWorld(t)
	_, token := w.agent("admin")
	key := header{"Idempotency-Key": "team-1"}
	first := w.want(w.call(token, http.MethodPost, "/api/teams", `{"name":"Orders"}`, key), 201, "")
	again := w.want(w.call(token, http.MethodPost, "/api/teams", `{"name":"Orders"}`, key), 201, "")
	if string(first.body) != string(again.body) {
		t.Errorf("%s, then %s", first.body, again.body)
	}
	w.want(w.call(token, http.MethodPost, "/api/teams", `{"name":"Returns"}`, key), 422, "reused")
	if l := into[api.TeamList](t, w.call(token, http.MethodGet, "/api/teams", nil)); len(l.Teams) != 1 {
		t.Errorf("teams %+v", l)
	}
	// A refusal is not remembered: the request may be corrected.
	bad := header{"Idempotency-Key": "team-2"}
	w.want(w.call(token, http.MethodPost, "/api/teams", `{"name":""}`, bad), 422, "invalid")
	w.want(w.call(token, http.MethodPost, "/api/teams", `{"name":"Returns"}`, bad), 201, "")
	// A secret is shown once.
	secret := header{"Idempotency-Key": "agent-1"}
	in := api.AgentInput{Email: "tom@example.org", Name: "Tom"}
	w.want(w.call(token, http.MethodPost, "/api/agents", in, secret), 201, "")
	w.want(w.call(token, http.MethodPost, "/api/agents", in, secret), 409, "conflict")
	w.now.add(25 * time.Hour)
	w.want(w.call(token, http.MethodPost, "/api/teams", `{"name":"Other"}`, key), 201, "")
	// Many at once do the work once.
	race := header{"Idempotency-Key": "team-3"}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { w.call(token, http.MethodPost, "/api/teams", `{"name":"Race"}`, race) })
	}
	wg.Wait()
	if l := into[api.TeamList](t, w.call(token, http.MethodGet, "/api/teams", nil)); len(l.Teams) != 4 {
		t.Errorf("teams %+v", l)
	}
}

func TestFiles(t *testing.T) {
	w := newWorld(t)
	_, token := w.agent("agent")
	png := append([]byte("\x89PNG\r\n\x1a\n"), bytes.Repeat([]byte("x"), 100)...)
	p := into[timeline.Part](t, w.want(w.call(token, http.MethodPost, "/api/files?name="+url.QueryEscape("a \"b\".png"), png), 201, ""))
	path := "/api/files/" + string(p.File)
	a := w.want(w.call(token, http.MethodGet, path+"?inline=1", nil), 200, "")
	if !bytes.Equal(a.body, png) || !strings.HasPrefix(a.header.Get("Content-Disposition"), "inline") || a.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%v %q", a.header, a.body)
	}
	if a := w.call(token, http.MethodGet, path, nil); !strings.HasPrefix(a.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("disposition %q", a.header.Get("Content-Disposition"))
	}
	for spec, want := range map[string]string{"bytes=0-3": "\x89PNG", "bytes=-2": "xx", "bytes=106-": "xx", "bytes=1-2,5-6": string(png), "lines=1-2": string(png)} {
		a := w.call(token, http.MethodGet, path, nil, header{"Range": spec})
		if string(a.body) != want {
			t.Errorf("%s: %d %q", spec, a.status, a.body)
		}
	}
	if a := w.call(token, http.MethodGet, path, nil, header{"Range": "bytes=5000-"}); a.status != 416 {
		t.Errorf("a range past the end: %d", a.status)
	}
	small := w.want(w.call(token, http.MethodGet, path+"?size=small&inline=1", nil), 200, "")
	if !strings.Contains(small.header.Get("Content-Disposition"), "small.jpg") || !strings.HasPrefix(small.header.Get("Content-Disposition"), "inline") {
		t.Errorf("the small picture is %v", small.header)
	}
	w.want(w.call(token, http.MethodGet, path+"?size=vast", nil), 422, "invalid")
	page := into[timeline.Part](t, w.want(w.call(token, http.MethodPost, "/api/files?name=x.html", []byte("<html><script>alert(1)</script></html>")), 201, ""))
	a = w.call(token, http.MethodGet, "/api/files/"+string(page.File)+"?inline=1", nil)
	if a.header.Get("Content-Type") != "application/octet-stream" || !strings.HasPrefix(a.header.Get("Content-Disposition"), "attachment") ||
		!strings.Contains(a.header.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("a page is served as %v", a.header)
	}
	w.want(w.call(token, http.MethodGet, "/api/files/none", nil), 404, "not-found")
	w.want(w.call(token, http.MethodGet, "/api/files/none?size=small", nil), 404, "not-found")
	if a := w.want(w.call(token, http.MethodGet, "/api/files/"+string(page.File)+"?size=small", nil), 404, "not-found"); !strings.Contains(string(a.body), "no small picture of it") {
		t.Errorf("no reason: %s", a.body)
	}
	w.want(w.call(token, http.MethodPost, "/api/files", nil), 400, "malformed")
	w.want(w.call(token, http.MethodPost, "/api/files", bytes.Repeat([]byte("x"), 2<<20)), 201, "")
	w.want(w.call(token, http.MethodPost, "/api/files", bytes.Repeat([]byte("x"), 2<<20+1)), 413, "too-large")
}

func TestDeadLetters(t *testing.T) {
	w := newWorld(t)
	_, token := w.agent("supervisor")
	w.dead.list = []bus.Dead{{ID: "inbound~a~1", Value: json.RawMessage(`{}`)}, {ID: "inbound~a~2", Value: json.RawMessage(`{}`)}}
	l := into[api.DeadList](t, w.want(w.call(token, http.MethodGet, "/api/dead?limit=1", nil), 200, ""))
	if len(l.Letters) != 1 || l.Next != "inbound~a~1" {
		t.Errorf("page %+v", l)
	}
	l = into[api.DeadList](t, w.want(w.call(token, http.MethodGet, "/api/dead?limit=1&after="+l.Next, nil), 200, ""))
	if len(l.Letters) != 1 || l.Next != "" {
		t.Errorf("page %+v", l)
	}
	w.want(w.call(token, http.MethodPost, "/api/dead/inbound~a~1/replay", nil), 204, "")
	w.want(w.call(token, http.MethodDelete, "/api/dead/inbound~a~2", nil), 204, "")
	w.want(w.call(token, http.MethodDelete, "/api/dead/none", nil), 404, "not-found")
	w.want(w.call(token, http.MethodGet, "/api/status", nil), 200, "")
}

// dial opens live updates.
func (w *world) dial(h http.Header, query string) (*websocket.Conn, int) {
	w.t.Helper()
	conn, resp, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(w.url, "http")+"/api/realtime"+query, h)
	if resp == nil {
		w.t.Fatal(err)
	}
	if err != nil {
		return nil, resp.StatusCode
	}
	w.t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		w.t.Fatal(err)
	}
	return conn, resp.StatusCode
}

func read(t *testing.T, c *websocket.Conn) string {
	t.Helper()
	_, data, err := c.ReadMessage()
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestLiveUpdatesWhoMayOpenThem(t *testing.T) {
	w := newWorld(t)
	_, token := w.agent("agent", withPassword("priya@example.org"))
	b, _ := w.signIn("priya@example.org")
	u, _ := url.Parse(w.url)
	cookie := ""
	for _, c := range b.Jar.Cookies(u) {
		cookie += c.Name + "=" + c.Value + "; "
	}
	for _, tc := range []struct {
		name   string
		header http.Header
		query  string
		status int
	}{
		{"nobody", http.Header{}, "", 403},
		{"a token", http.Header{"Authorization": {"Bearer " + token}}, "", 101},
		{"a token in the address", http.Header{}, "?token=" + token, 101},
		{"a forged token", http.Header{"Authorization": {"Bearer parley_x"}}, "", 401},
		{"a cookie from our origin", http.Header{"Cookie": {cookie}, "Origin": {w.url}}, "", 101},
		{"a cookie from elsewhere", http.Header{"Cookie": {cookie}, "Origin": {"https://evil.example"}}, "", 403},
		{"a cookie without origin", http.Header{"Cookie": {cookie}}, "", 403},
		{"our origin without cookie", http.Header{"Origin": {w.url}}, "", 401},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, status := w.dial(tc.header, tc.query); status != tc.status {
				t.Errorf("status %d, want %d", status, tc.status)
			}
		})
	}
	if a := w.call(token, http.MethodGet, "/api/realtime", nil); a.status != http.StatusUpgradeRequired {
		t.Errorf("without upgrade: %d", a.status)
	}
}

func TestLiveUpdatesFollowPermissions(t *testing.T) {
	w := newWorld(t)
	a, token := w.agent("agent")
	conn, _ := w.dial(http.Header{"Authorization": {"Bearer " + token}}, "")
	if hello := read(t, conn); !strings.Contains(hello, string(a.ID)) {
		t.Fatal(hello)
	}
	ask := func(team string) string {
		if err := conn.WriteMessage(websocket.TextMessage, []byte(team)); err != nil {
			t.Fatal(err)
		}
		return read(t, conn)
	}
	team, err := w.auth.CreateTeam(t.Context(), "Orders")
	if err != nil {
		t.Fatal(err)
	}
	if got := ask(string(team.ID)); !strings.HasSuffix(got, "hidden") {
		t.Fatal(got)
	}
	if _, err := w.auth.UpdateAgent(t.Context(), a.ID, auth.AgentChange{Teams: &[]timeline.TeamID{team.ID}}); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(5 * time.Second); !strings.HasSuffix(ask(string(team.ID)), "seen"); {
		if time.Now().After(deadline) {
			t.Fatal("the new team never counted")
		}
	}
	yes := true
	if _, err := w.auth.UpdateAgent(t.Context(), a.ID, auth.AgentChange{Disabled: &yes}); err != nil {
		t.Fatal(err)
	}
	for {
		_, _, err := conn.ReadMessage()
		if err == nil {
			continue
		}
		if !websocket.IsCloseError(err, 4401) {
			t.Errorf("closed with %v", err)
		}
		return
	}
}

func TestDescription(t *testing.T) {
	w := newWorld(t)
	a := w.want(w.call("", http.MethodGet, "/api/openapi.json", nil), 200, "")
	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			Summary     string
			RequestBody *struct {
				Content map[string]struct{ Example any }
			}
			Responses map[string]struct {
				Content map[string]struct{ Example any }
			}
		}
	}
	if err := json.Unmarshal(a.body, &doc); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1") {
		t.Errorf("openapi %q", doc.OpenAPI)
	}
	for path, ops := range doc.Paths {
		for method, op := range ops {
			name := method + " " + path
			if op.Summary == "" {
				t.Errorf("%s has no summary", name)
			}
			if op.RequestBody != nil && op.RequestBody.Content["application/json"].Example == nil && op.RequestBody.Content["application/octet-stream"].Example == nil && path != "/api/files" {
				t.Errorf("%s: the request has no example", name)
			}
			for code, r := range op.Responses {
				if m, ok := r.Content["application/json"]; ok && m.Example == nil {
					t.Errorf("%s: the answer %s has no example", name, code)
				}
			}
			if _, ok := op.Responses["503"]; !ok {
				t.Errorf("%s does not say that it may be unavailable", name)
			}
		}
	}
	for _, r := range w.api.Routes() {
		if r.Tag != "description" && doc.Paths[r.Path][strings.ToLower(r.Method)].Summary == "" {
			t.Errorf("%s %s is not described", r.Method, r.Path)
		}
	}
	w.want(w.call("", http.MethodGet, "/api/problems/invalid", nil), 200, "")
	w.want(w.call("", http.MethodGet, "/api/problems/none", nil), 404, "not-found")
	w.want(w.call("", http.MethodGet, "/api/problems", nil), 200, "")
}

// Frames of every length of header arrive whole, several to a write.
func TestLiveFramesOfEveryLength(t *testing.T) {
	w := newWorld(t)
	_, token := w.agent("agent")
	conn, _ := w.dial(http.Header{"Authorization": {"Bearer " + token}}, "")
	read(t, conn)
	for _, n := range []int{1, 100, 121, 122, 5000, 60_000} {
		text := strings.Repeat("x", n)
		if err := conn.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got := read(t, conn); got != text+" hidden" {
			t.Fatalf("%d bytes came back as %d", n, len(got))
		}
	}
	big := `{"big":"` + strings.Repeat("y", 300_000) + `"}`
	for range 3 {
		if err := conn.WriteMessage(websocket.TextMessage, []byte("batch")); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"one", big, "three"} {
			if got := read(t, conn); got != want {
				t.Fatalf("got %d bytes, want %d", len(got), len(want))
			}
		}
	}
	if err := conn.WriteMessage(websocket.BinaryMessage, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := conn.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseUnsupportedData) {
		t.Errorf("a binary frame: %v", err)
	}
}

func TestUndoWaitsForTheJournal(t *testing.T) {
	w := newWorld(t)
	a, token := w.agent("agent")
	c := w.conversation()
	id := timeline.EventID(string(c.ID) + "." + string(a.ID) + "." + newULID())
	w.outbox.ok = true
	done := make(chan answer)
	go func() {
		done <- w.call(token, http.MethodDelete, "/api/conversations/"+string(c.ID)+"/messages/"+string(id), nil)
	}()
	w.event(c, 1, func(e *timeline.Event) { e.ID, e.Direction = id, timeline.Out })
	w.want(<-done, 204, "")
}

func TestANewNameReachesTheConversations(t *testing.T) {
	w := newWorld(t)
	_, token := w.agent("agent")
	c := w.conversation()
	w.insert("persons", timeline.Person{ID: c.Person, Name: "Maya"})
	w.want(w.call(token, http.MethodPatch, "/api/persons/"+string(c.Person), `{"name":" Maya Lin "}`), 200, "")
	cmds := w.journal.take()
	if len(cmds) != 1 || cmds[0].Name != "Maya Lin" || cmds[0].Event.Kind != timeline.KindControl || cmds[0].Conversation != c.ID {
		t.Errorf("commands %+v", cmds)
	}
}
