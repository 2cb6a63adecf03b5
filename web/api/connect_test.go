package api_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/internal/gateway"
	"github.com/parley-hub/parley/timeline"
	"github.com/parley-hub/parley/web/api"
)

// edge is a far side that writes down what it is asked.
type edge struct {
	mu       sync.Mutex
	checked  timeline.AccountID
	set      map[string]string
	who      string
	redirect string
	err      error
}

func (e *edge) Check(_ context.Context, id timeline.AccountID) (gateway.Account, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.checked = id
	if id != "a1" {
		return gateway.Account{}, gateway.ErrNoAccount
	}
	return gateway.Account{ID: id, Channel: "webchat", Callback: "/hooks/webchat/a1", Settings: map[string]string{"title": "Shop", "token": "secret-canary"}, Health: channels.Health{State: channels.Amber, Reason: "slow"}}, nil
}

func (e *edge) App(_ context.Context, _ string) (map[string]string, map[string]bool, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return map[string]string{"appId": "1", "appSecret": "secret-canary"}, map[string]bool{"appSecret": true}, e.err
}

func (e *edge) SetApp(_ context.Context, kind string, values map[string]string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if kind != "webchat" {
		return gateway.ErrNoChannel
	}
	e.set = values
	return e.err
}

func (e *edge) Connections(string) []gateway.Connection {
	return []gateway.Connection{{Name: "far", Label: map[string]string{"en": "Sign in"}, Ready: true}}
}

func (e *edge) BeginConnect(_ context.Context, _, name, redirect, who string) (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if name != "far" {
		return "", gateway.ErrNoChannel
	}
	e.who, e.redirect = who, redirect
	return "https://far.example/authorize?state=s", nil
}

func (e *edge) FinishConnect(_ context.Context, _, _, redirect, who string, q map[string][]string) ([]gateway.Account, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if who != e.who || redirect != e.redirect || len(q["code"]) != 1 {
		return nil, gateway.ErrConnect
	}
	return []gateway.Account{{ID: "a1", Channel: "webchat", Name: "Shop"}, {ID: "a2", Channel: "webchat", Name: "Café & Co"}}, nil
}

// atEdge is a world whose channel shares settings and is connected by signing in.
func atEdge(t *testing.T) (*world, *edge) {
	e := &edge{}
	shared := *chat
	shared.App = []channels.Setting{{Name: "appId", Label: map[string]string{"en": "App"}, Kind: "text"}, {Name: "appSecret", Label: map[string]string{"en": "Secret"}, Kind: "secret"}}
	shared.Places = map[string]channels.Capabilities{"comment": {Public: true, Moderation: []string{"hide"}}}
	shared.Split = func(map[string]string, channels.Callback) ([]channels.Slice, channels.Answer, error) {
		return nil, channels.Answer{}, nil
	}
	return newWorld(t, func(d *api.Deps) { d.Edge, d.Channels = e, []*channels.Channel{&shared} }), e
}

func TestChannelsTellHowToConnect(t *testing.T) {
	w, _ := atEdge(t)
	_, token := w.agent("admin")
	list := into[api.ChannelList](t, w.want(w.call(token, http.MethodGet, "/api/channels", nil), 200, "")).Channels
	c := list[0]
	if len(c.App) != 2 || len(c.Connect) != 1 || !c.Connect[0].Ready || !c.Places["comment"].Public || c.Callback != w.url+"/hooks/webchat" {
		t.Errorf("%+v", c)
	}
}

func TestSharedSettings(t *testing.T) {
	w, e := atEdge(t)
	_, token := w.agent("admin")
	a := w.want(w.call(token, http.MethodPut, "/api/channels/webchat/app", api.AppInput{Settings: map[string]string{"appId": "2"}}), 200, "")
	got := into[api.AppSettings](t, a)
	if strings.Contains(string(a.body), "secret-canary") || !got.Secrets["appSecret"] || got.Settings["appId"] != "1" || got.Callback == "" || e.set["appId"] != "2" {
		t.Errorf("%s", a.body)
	}
	w.want(w.call(token, http.MethodGet, "/api/channels/fax/app", nil), 404, "not-found")
	w.want(w.call(token, http.MethodPut, "/api/channels/fax/app", api.AppInput{Settings: map[string]string{}}), 404, "not-found")
	e.err = &gateway.Invalid{Fields: []gateway.FieldError{{Field: "appId", Text: "This is needed."}}}
	bad := w.want(w.call(token, http.MethodPut, "/api/channels/webchat/app", api.AppInput{Settings: map[string]string{"appId": ""}}), 422, "invalid")
	if bad.problem.Errors[0].Field != "appId" {
		t.Errorf("%+v", bad.problem)
	}
}

func TestCheckAccount(t *testing.T) {
	w, e := atEdge(t)
	_, token := w.agent("admin")
	a := w.want(w.call(token, http.MethodPost, "/api/accounts/a1/check", nil), 200, "")
	got := into[api.Account](t, a)
	if e.checked != "a1" || got.Health.Reason != "slow" || got.Callback != w.url+"/hooks/webchat/a1" || strings.Contains(string(a.body), "secret-canary") {
		t.Errorf("%s", a.body)
	}
	w.want(w.call(token, http.MethodPost, "/api/accounts/none/check", nil), 404, "not-found")
}

func TestConnectInABrowser(t *testing.T) {
	w, e := atEdge(t)
	_, token := w.agent("admin", withPassword("priya@example.org"))
	w.agent("admin", withPassword("tom@example.org"))
	w.want(w.call(token, http.MethodPost, "/api/channels/webchat/connect/far", nil), 409, "conflict")
	b, csrf := w.signIn("priya@example.org")
	b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	page := header{"Accept": "text/html"}
	begin := func() {
		a := w.want(w.do(b, "", http.MethodPost, "/api/channels/webchat/connect/far", nil, header{"X-Parley-CSRF": csrf}), 200, "")
		if to := into[api.ConnectAddress](t, a).URL; !strings.HasPrefix(to, "https://far.example/") {
			t.Fatal(to)
		}
	}
	begin()
	if e.redirect != w.url+"/connect/webchat/far" || e.who == "" {
		t.Fatalf("%q %q", e.redirect, e.who)
	}
	where := func(a answer) url.Values {
		t.Helper()
		to, err := url.Parse(a.header.Get("Location"))
		if err != nil || a.status != http.StatusSeeOther || to.Path != "/settings/accounts" || to.Host != "" {
			t.Fatalf("%d to %q", a.status, a.header.Get("Location"))
		}
		if a.header.Get("Referrer-Policy") != "no-referrer" || a.header.Get("Cache-Control") != "no-store" {
			t.Error("the address with its code may be kept or passed on")
		}
		return to.Query()
	}
	if q := where(w.do(b, "", http.MethodGet, "/connect/webchat/far?code=c&state=s", nil, page)); q.Get("connected") != "Shop, Café & Co" {
		t.Error(q)
	}
	var done []string
	list, err := w.auth.AuditLog(t.Context(), 0, 50)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		done = append(done, r.Action)
	}
	if got := strings.Join(done, " "); strings.Count(got, "account.connected") != 2 || !strings.Contains(got, "account.connect") {
		t.Error(got)
	}
	if q := where(w.do(b, "", http.MethodGet, "/connect/webchat/far?error=access_denied&state=s", nil, page)); q.Get("failed") == "" {
		t.Error(q)
	}
	other, _ := w.signIn("tom@example.org")
	other.CheckRedirect = b.CheckRedirect
	if q := where(w.do(other, "", http.MethodGet, "/connect/webchat/far?code=c&state=s", nil, page)); q.Get("failed") == "" {
		t.Error("another sign-in used it:", q)
	}
	nobody := &http.Client{CheckRedirect: b.CheckRedirect}
	if q := where(w.do(nobody, "", http.MethodGet, "/connect/webchat/far?code=c&state=s", nil, page)); q.Get("failed") == "" {
		t.Error("nobody is signed in:", q)
	}
	w.want(w.do(other, "", http.MethodGet, "/connect/webchat/far?code=c", nil), 409, "conflict")
}
