package api_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"golang.org/x/text/language"

	"github.com/parley-hub/parley/internal/auth"
	"github.com/parley-hub/parley/web/api"
)

// staff are the people that the provider knows.
type staff map[string]*storage.User

func (s staff) GetUserByID(id string) *storage.User { return s[id] }
func (s staff) GetUserByUsername(name string) *storage.User {
	for _, u := range s {
		if u.Username == name {
			return u
		}
	}
	return nil
}
func (staff) ExampleClientID() string { return "service" }

func person(id, email string, verified bool) *storage.User {
	return &storage.User{ID: id, Username: id, Password: "verysecure", FirstName: "Priya", LastName: "Nair", Email: email, EmailVerified: verified,
		PreferredLanguage: language.English}
}

// provider is a real provider of OpenID Connect on loopback, at which a hub is a client.
type provider struct {
	*httptest.Server
	clients map[string]*storage.Client
}

func newProvider(t *testing.T, people ...*storage.User) *provider {
	known := staff{}
	for _, u := range people {
		known[u.ID] = u
	}
	p := &provider{Server: httptest.NewUnstartedServer(nil), clients: map[string]*storage.Client{}}
	issuer := "http://" + p.Listener.Addr().String()
	p.Config.Handler = exampleop.SetupServer(issuer, storage.NewStorageWithClients(known, p.clients), nil, false)
	p.Start()
	t.Cleanup(p.Close)
	return p
}

// lateOIDC is made once the hub's address is known.
type lateOIDC struct{ *auth.OIDC }

// oidcWorld is a hub that is a client of a provider.
func oidcWorld(t *testing.T, p *provider, change ...func(*auth.OIDCConfig)) *world {
	late := &lateOIDC{}
	w := newWorld(t, func(d *api.Deps) { d.OIDC = late })
	cfg := auth.OIDCConfig{Issuer: p.URL, ClientID: "parley", ClientSecret: "hush", Name: "Example SSO"}
	for _, f := range change {
		f(&cfg)
	}
	p.clients["parley"] = storage.WebClient("parley", "hush", w.url+"/api/session/oidc/callback")
	late.OIDC = auth.NewOIDC(w.auth, cfg)
	return w
}

// surf begins at an address and follows redirects until a page of the app, which it names.
func (w *world) surf(browser *http.Client, to string) (landed string, page string) {
	w.t.Helper()
	browser.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), w.url) && !strings.HasPrefix(r.URL.Path, "/api/") {
			return http.ErrUseLastResponse
		}
		return nil
	}
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, to, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.visit(browser, req)
}

func (w *world) visit(browser *http.Client, req *http.Request) (landed, page string) {
	w.t.Helper()
	req.Header.Set("Accept", "text/html")
	resp, err := browser.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp.Header.Get("Location"), string(data)
}

// signIn goes through the provider's own pages.
func (w *world) signsInAt(browser *http.Client, user, back string) (landed string) {
	w.t.Helper()
	landed, page := w.surf(browser, w.url+"/api/session/oidc?back="+url.QueryEscape(back))
	if landed != "" {
		return landed
	}
	_, rest, ok := strings.Cut(page, `name="id" value="`)
	id, _, ok2 := strings.Cut(rest, `"`)
	if !ok || !ok2 {
		w.t.Fatalf("not the provider's sign-in page: %s", page)
	}
	issuer := w.issuer()
	form := url.Values{"username": {user}, "password": {"verysecure"}, "id": {id}}
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, issuer+"/login/username", strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	landed, _ = w.visit(browser, req)
	return landed
}

// issuer is where the hub sends browsers to sign in.
func (w *world) issuer() string {
	w.t.Helper()
	once := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.url+"/api/session/oidc", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	to, _ := w.visit(once, req)
	u, err := url.Parse(to)
	if err != nil {
		w.t.Fatal(err)
	}
	return u.Scheme + "://" + u.Host
}

func TestOIDCAgainstARealProvider(t *testing.T) {
	p := newProvider(t, person("id1", "Priya@Example.org", true), person("id2", "eve@example.org", false), person("id3", "new@example.net", true))
	w := oidcWorld(t, p)
	a, _ := w.agent("agent", func(n *auth.NewAgent) { n.Email = "priya@example.org" })
	w.agent("agent", func(n *auth.NewAgent) { n.Email = "eve@example.org" })
	m := into[api.SignInMethods](t, w.want(w.call("", http.MethodGet, "/api/session/methods", nil), 200, ""))
	if !m.Password || m.OIDC == nil || m.OIDC.Name != "Example SSO" || m.OIDC.Begin != "/api/session/oidc" || m.OIDC.SignOut != "" {
		t.Errorf("methods %+v", m)
	}
	b := w.browser()
	if landed := w.signsInAt(b, "id1", "/inbox?view=mine"); landed != "/inbox?view=mine" {
		t.Fatalf("landed at %q", landed)
	}
	me := into[api.Me](t, w.want(w.do(b, "", http.MethodGet, "/api/me", nil), 200, ""))
	if me.Agent.ID != a.ID {
		t.Errorf("signed in as %+v", me)
	}
	for name, c := range map[string]struct{ user, back, want string }{
		"unverified":         {"id2", "/", "/?failed=oidc-email"},
		"nobody here":        {"id3", "/", "/?failed=oidc-nobody"},
		"known, by subject":  {"id1", "/x", "/x"},
		"a page of somebody": {"id1", "//evil.example/", "/"},
	} {
		t.Run(name, func(t *testing.T) {
			if landed := w.signsInAt(w.browser(), c.user, c.back); landed != c.want {
				t.Errorf("landed at %q", landed)
			}
		})
	}
}

func TestOIDCRolesOfARealProvider(t *testing.T) {
	p := newProvider(t, person("id1", "new@example.org", true))
	w := oidcWorld(t, p, func(c *auth.OIDCConfig) {
		c.Scopes, c.AutoCreate = []string{"profile", "email", storage.CustomScope}, []string{"example.org"}
		c.RolesClaim, c.Roles = storage.CustomClaim+".client", map[string]string{"parley": "supervisor"}
	})
	b := w.browser()
	if landed := w.signsInAt(b, "id1", "/"); landed != "/" {
		t.Fatalf("landed at %q", landed)
	}
	me := into[api.Me](t, w.want(w.do(b, "", http.MethodGet, "/api/me", nil), 200, ""))
	if me.Agent.Email != "new@example.org" || me.Agent.Name != "Priya Nair" || len(me.Agent.Roles) != 1 || me.Agent.Roles[0] != "supervisor" {
		t.Errorf("made %+v", me)
	}
}

func TestOIDCCallbackForPrograms(t *testing.T) {
	p := newProvider(t)
	w := oidcWorld(t, p, func(c *auth.OIDCConfig) { c.SignOut = true })
	w.want(w.call("", http.MethodGet, "/api/session/oidc/callback?state=x&code=y", nil), 409, "oidc-state")
	w.want(w.call("", http.MethodGet, "/api/session/oidc/callback?state=%zz", nil), 409, "oidc-state")
	b := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	begun := w.do(b, "", http.MethodGet, "/api/session/oidc", nil)
	cookie := begun.header.Get("Set-Cookie")
	if begun.status != 302 || !strings.HasPrefix(cookie, "parley_oidc=s1.") || !strings.Contains(cookie, "HttpOnly") || !strings.Contains(cookie, "SameSite=Lax") ||
		!strings.Contains(strings.ToLower(cookie), "path=/api/session/oidc") || begun.header.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("%d, %s", begun.status, cookie)
	}
	end := w.do(b, "", http.MethodGet, "/api/session/oidc/end", nil)
	if to := end.header.Get("Location"); end.status != 302 || !strings.HasPrefix(to, p.URL+"/end_session?") {
		t.Errorf("%d, %s", end.status, to)
	}
	p.Close()
	late := oidcWorld(t, p)
	late.want(late.call("", http.MethodGet, "/api/session/oidc", nil), 503, "oidc-down")
}

func TestNoOIDC(t *testing.T) {
	w := newWorld(t)
	if m := into[api.SignInMethods](t, w.want(w.call("", http.MethodGet, "/api/session/methods", nil), 200, "")); m.OIDC != nil || !m.Password {
		t.Errorf("methods %+v", m)
	}
	for _, path := range []string{"", "/callback", "/end"} {
		w.want(w.call("", http.MethodGet, "/api/session/oidc"+path, nil), 404, "not-found")
	}
}

func TestUnlinkAgent(t *testing.T) {
	w := newWorld(t)
	_, admin := w.agent("admin")
	a, token := w.agent("agent")
	w.want(w.call(token, http.MethodDelete, "/api/agents/"+string(a.ID)+"/oidc", nil), 403, "forbidden")
	w.want(w.call(admin, http.MethodDelete, "/api/agents/"+string(a.ID)+"/oidc", nil), 204, "")
	w.want(w.call(admin, http.MethodDelete, "/api/agents/none/oidc", nil), 404, "not-found")
}

var _ api.OIDC = (*auth.OIDC)(nil)
