package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-hub/parley/channels/instagram/metasim/internal/wire"
)

const secret = "s3cret"

// rig is a simulator with one app, one account of each product, one person and a receiver.
type rig struct {
	t   *testing.T
	sim *Sim
	url string
	hub *receiver
	acc account
	ana person
}

type account struct {
	Key    string `json:"key"`
	IG     string `json:"ig_id"`
	IGUser string `json:"ig_user_id"`
	Page   string `json:"page_id"`
	Phone  string `json:"phone_id"`
	WABA   string `json:"waba_id"`
	Tokens struct {
		IG, User, Page, System string
	} `json:"tokens"`
}

type person struct {
	Key    string            `json:"key"`
	Scoped map[string]string `json:"scoped"`
	WaID   string            `json:"wa_id"`
}

// receiver is a hub: it shakes hands, checks signatures and keeps bodies.
type receiver struct {
	mu     sync.Mutex
	bodies []string
	bad    int
	status func(n int) int // answer to the nth body, 200 where nil
	onPost func()
	srv    *httptest.Server
}

func (h *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		if r.URL.Query().Get("hub.verify_token") != "verify" {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		io.WriteString(w, r.URL.Query().Get("hub.challenge"))
		return
	}
	body, _ := io.ReadAll(r.Body)
	h.mu.Lock()
	h.bodies = append(h.bodies, string(body))
	if r.Header.Get("X-Hub-Signature-256") != wire.Sign(secret, body) {
		h.bad++
	}
	status := http.StatusOK
	if h.status != nil {
		status = h.status(len(h.bodies))
	}
	on := h.onPost
	h.mu.Unlock()
	if on != nil {
		on()
	}
	w.WriteHeader(status)
}

func (h *receiver) all() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.bodies...)
}

// with returns the bodies that contain a text.
func (h *receiver) with(s string) []string {
	var out []string
	for _, b := range h.all() {
		if strings.Contains(b, s) {
			out = append(out, b)
		}
	}
	return out
}

func newRig(t *testing.T, subscribe ...string) *rig {
	t.Helper()
	r := &rig{t: t, hub: &receiver{}}
	r.hub.srv = httptest.NewServer(r.hub)
	t.Cleanup(r.hub.srv.Close)
	var h http.Handler
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { h.ServeHTTP(w, q) }))
	t.Cleanup(srv.Close)
	r.url = srv.URL
	r.sim = New(srv.URL, 7, 0)
	h = r.sim
	t.Cleanup(r.sim.Close)
	if subscribe == nil {
		subscribe = []string{"ig"}
	}
	r.control("POST", "/apps", m{"id": "4242", "name": "Hub", "secret": secret}, nil)
	r.control("POST", "/accounts", m{"username": "moss.and.clay", "name": "Moss & Clay", "ig_id": "auto", "page_id": "auto",
		"phone_id": "auto", "subscribe": subscribe}, &r.acc)
	r.control("POST", "/people", m{"key": "ana", "name": "Ana Lópe", "wa_id": "auto", "followers": 12}, &r.ana)
	for _, o := range []string{"instagram", "page", "whatsapp_business_account"} {
		r.control("POST", "/apps/4242/webhook", m{"object": o, "callback_url": r.hub.srv.URL + "/hook", "verify_token": "verify"}, nil)
	}
	return r
}

type m = map[string]any

// control makes a control call that has to succeed.
func (r *rig) control(method, path string, body any, out any) {
	r.t.Helper()
	status, raw := r.raw(method, "/_sim"+path, body, "")
	if status != http.StatusOK {
		r.t.Fatalf("%s %s: %d %s", method, path, status, raw)
	}
	if out != nil {
		if err := json.Unmarshal(raw, out); err != nil {
			r.t.Fatalf("%s %s: %v in %s", method, path, err, raw)
		}
	}
}

func (r *rig) raw(method, path string, body any, token string) (int, []byte) {
	r.t.Helper()
	var rd io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			r.t.Fatal(err)
		}
		rd = bytes.NewReader(b)
	}
	req, err := http.NewRequest(method, r.url+path, rd)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, []byte(err.Error())
	}
	defer resp.Body.Close()
	raw, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, raw
}

const ig = "/graph.instagram.com/v25.0"
const fb = "/graph.facebook.com/v25.0"

// call makes a Graph call with the account's token for the host.
func (r *rig) call(method, path string, body any) (int, m) {
	r.t.Helper()
	token := r.acc.Tokens.Page
	if strings.HasPrefix(path, ig) {
		token = r.acc.Tokens.IG
	}
	if strings.Contains(path, r.acc.Phone) || strings.Contains(path, r.acc.WABA) {
		token = r.acc.Tokens.System
	}
	status, raw := r.raw(method, path, body, token)
	var v m
	if err := json.Unmarshal(raw, &v); err != nil {
		v = m{"raw": string(raw)}
	}
	return status, v
}

type did struct {
	Thread, Message, Comment, Media string
	Person                          string   `json:"person_id"`
	IDs                             []string `json:"ids"`
	Events                          int
}

func (r *rig) act(body m) did {
	r.t.Helper()
	var d did
	r.control("POST", "/act", body, &d)
	return d
}

// settle waits for the first attempts of all events.
func (r *rig) settle() {
	r.t.Helper()
	r.control("GET", "/idle", nil, nil)
}

func (r *rig) set(s m) {
	r.t.Helper()
	r.control("PATCH", "/settings", s, nil)
}

func (r *rig) advance(d time.Duration) {
	r.t.Helper()
	r.control("POST", "/clock", m{"advance": d.String()}, nil)
}

func (r *rig) igsid() string { return r.ana.Scoped["instagram:moss.and.clay"] }

func (r *rig) text(s string) m {
	return m{"recipient": m{"id": r.igsid()}, "message": m{"text": s}}
}

func code(v m) string {
	e, _ := v["error"].(m)
	if e == nil {
		return "none"
	}
	if e["error_subcode"] == nil {
		return fmt.Sprintf("%.0f", e["code"])
	}
	return fmt.Sprintf("%.0f/%.0f", e["code"], e["error_subcode"])
}

func (r *rig) want(what string, status int, v m, wantStatus int, wantCode string) {
	r.t.Helper()
	if got := code(v); status != wantStatus || got != wantCode {
		r.t.Errorf("%s: HTTP %d, %s; want %d, %s (%v)", what, status, got, wantStatus, wantCode, v)
	}
	if e, isError := v["error"].(m); isError && e["fbtrace_id"] == "" {
		r.t.Errorf("%s: no fbtrace_id", what)
	}
}

func TestMessageIsSignedAndDelivered(t *testing.T) {
	r := newRig(t)
	d := r.act(m{"do": "dm", "person": "ana", "text": "您好 ä/ö 😀"})
	r.settle()
	got := r.hub.all()
	if len(got) != 1 || r.hub.bad != 0 {
		t.Fatalf("%d bodies, %d with a bad signature", len(got), r.hub.bad)
	}
	for _, s := range []string{`{"object":"instagram","entry":[{"id":"` + r.acc.IG, `"sender":{"id":"` + r.igsid(),
		`"mid":"` + d.Message, `\u60a8\u597d \u00e4\/\u00f6 \ud83d\ude00`} {
		if !strings.Contains(got[0], s) {
			t.Errorf("no %s in %s", s, got[0])
		}
	}
}

func TestSendAndEcho(t *testing.T) {
	r := newRig(t)
	r.act(m{"do": "dm", "person": "ana", "text": "hi"})
	status, v := r.call("POST", ig+"/me/messages", r.text("hello"))
	if status != 200 || v["recipient_id"] != r.igsid() || v["message_id"] == nil {
		t.Fatalf("%d %v", status, v)
	}
	r.settle()
	if n := len(r.hub.with(`"is_echo":true`)); n != 1 {
		t.Errorf("%d echoes", n)
	}
	r.control("POST", "/expect", m{"no_unimplemented": true, "messages": []m{{"person": "ana", "from": "business", "contains": "hello"}},
		"calls": []m{{"method": "POST", "path": "^/me/messages$", "body": m{"message": m{"text": "hello"}}, "count": 1}}}, nil)
}
