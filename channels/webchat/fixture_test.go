package webchat

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/channeltest"
	"github.com/parley-hub/parley/timeline"
)

var (
	tokenSecret    = strings.Repeat("t", 43)
	identitySecret = strings.Repeat("i", 40)
)

// site is one account with a hub in memory.
type site struct {
	t   *testing.T
	hub *channeltest.Hub
	s   *Session
	ip  string
}

func newSite(t *testing.T, settings ...string) *site {
	t.Helper()
	hub := channeltest.NewHub()
	a := account(settings...)
	s, err := Channel.Open(a, hub)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &site{t: t, hub: hub, s: s.(*Session), ip: "192.0.2.1"}
}

func account(settings ...string) channels.Account {
	a := channels.Account{ID: channeltest.Account, Settings: map[string]string{}}
	for _, s := range Channel.Settings {
		if s.Default != channels.Generated {
			a.Settings[s.Name] = s.Default
		}
	}
	a.Settings["tokenSecret"], a.Settings["identitySecret"] = tokenSecret, identitySecret
	for i := 0; i+1 < len(settings); i += 2 {
		a.Settings[settings[i]] = settings[i+1]
	}
	return a
}

// call makes a request. A body that is no string is sent as JSON.
func (s *site) call(method, path, token string, body any, header ...string) (int, map[string]any, http.Header) {
	s.t.Helper()
	u, err := url.Parse(path)
	if err != nil {
		s.t.Fatal(err)
	}
	r := channels.Request{Remote: s.ip, Host: "hub.example", Secure: true, Callback: channels.Callback{Method: method, Path: u.Path, Query: u.Query(), Header: http.Header{}}}
	switch b := body.(type) {
	case nil:
	case string:
		r.Body = []byte(b)
	default:
		if r.Body, err = json.Marshal(b); err != nil {
			s.t.Fatal(err)
		}
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp := s.s.Serve(s.t.Context(), r)
	var out map[string]any
	if len(resp.Body) > 0 && strings.Contains(resp.Header.Get("Content-Type"), "json") {
		if err := json.Unmarshal(resp.Body, &out); err != nil {
			s.t.Fatalf("%s: %v", resp.Body, err)
		}
	} else if len(resp.Body) > 0 {
		out = map[string]any{"bytes": string(resp.Body)}
	}
	status := resp.Status
	if status == 0 {
		status = 200
	}
	if status >= 400 && (out["title"] == "" || out["detail"] == "" || resp.Header.Get("Content-Type") != "application/problem+json") {
		s.t.Errorf("%s %s: %d is no problem document: %v", method, path, status, out)
	}
	return status, out, resp.Header
}

type hello struct {
	token, visitor, thread string
	verified               bool
	body                   map[string]any
}

func (s *site) begin(visit map[string]any) hello {
	s.t.Helper()
	status, b, _ := s.call("POST", "/session", "", visit)
	if status != 200 {
		s.t.Fatalf("session: %d %v", status, b)
	}
	return hello{b["token"].(string), b["visitor"].(string), b["thread"].(string), b["verified"].(bool), b}
}

func newULID() string { return ulid.Make().String() }

func (s *site) send(token, text string) int {
	s.t.Helper()
	status, _, _ := s.call("POST", "/messages", token, map[string]any{"id": newULID(), "text": text})
	return status
}

func (s *site) thread(id string) timeline.Thread {
	return timeline.Thread{Account: channeltest.Account, ID: timeline.ThreadID(id)}
}

// page is an open socket.
type openPage struct {
	t    *testing.T
	sock *channeltest.Socket
	done chan error
}

func (s *site) open(token, after string) *openPage {
	s.t.Helper()
	return s.openWith(token, after, 1024, "")
}

func (s *site) openWith(token, after string, slack int, origin string) *openPage {
	s.t.Helper()
	r := channels.Request{Remote: s.ip, Host: "hub.example", Secure: true, Callback: channels.Callback{Method: "GET", Path: "/socket", Header: http.Header{},
		Query: url.Values{"token": {token}, "after": {after}}}}
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	p := &openPage{t: s.t, sock: channeltest.NewSocket(slack), done: make(chan error, 1)}
	go func() { p.done <- s.s.Attach(s.t.Context(), r, p.sock) }()
	s.t.Cleanup(func() { p.leave() })
	return p
}

func (p *openPage) leave() {
	_ = p.sock.Close(1001, "")
	select {
	case <-p.done:
		p.done <- nil
	case <-time.After(5 * time.Second):
		p.t.Error("Attach does not return")
	}
}

func (p *openPage) next() map[string]any {
	p.t.Helper()
	select {
	case b := <-p.sock.Heard():
		var f map[string]any
		if err := json.Unmarshal(b, &f); err != nil {
			p.t.Fatalf("%s: %v", b, err)
		}
		return f
	case <-time.After(5 * time.Second):
		p.t.Fatal("nothing is heard")
		return nil
	}
}

// until reads frames up to one of a type, and gives the items among them.
func (p *openPage) until(kind string) (items []map[string]any, last map[string]any) {
	p.t.Helper()
	for {
		f := p.next()
		if f["type"] == "item" {
			items = append(items, f["item"].(map[string]any))
		}
		if f["type"] == kind {
			return items, f
		}
	}
}

func (p *openPage) code() int {
	p.t.Helper()
	select {
	case <-p.sock.Over():
		return p.sock.Code()
	case <-time.After(5 * time.Second):
		p.t.Fatal("the socket stays open")
		return 0
	}
}

// said adds a visitor's recorded message to the thread.
func (s *site) said(thread, text string) timeline.Item {
	return s.hub.Thread().Add(s.thread(thread), timeline.Item{Event: timeline.Event{ID: timeline.EventID("in:" + text), Kind: timeline.KindMessage, Direction: timeline.In,
		Actor: timeline.Actor{Kind: timeline.ActorCustomer, ID: "v"}, Client: newULID(), Message: &timeline.Message{Text: text}}})
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		if f() {
			return
		}
		if time.Now().After(end) {
			t.Fatal("never: " + what)
		}
	}
}
