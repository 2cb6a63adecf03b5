package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/parley-hub/parley/internal/auth"
	"github.com/parley-hub/parley/web/api"
)

func withPassword(email string) func(*auth.NewAgent) {
	return func(n *auth.NewAgent) { n.Email, n.Password = email, password }
}

// signIn signs a browser in and gives its CSRF token.
func (w *world) signIn(email string) (*http.Client, string) {
	w.t.Helper()
	b := w.browser()
	a := w.want(w.do(b, "", http.MethodPost, "/api/session", api.SignInInput{Email: email, Password: password}), 200, "")
	return b, into[api.SignedIn](w.t, a).CSRF
}

func TestSignInSetsSafeCookies(t *testing.T) {
	w := newWorld(t, func(d *api.Deps) { d.Options.BaseURL = "https://inbox.example.org" })
	w.agent("agent", withPassword("priya@example.org"))
	a := w.want(w.call("", http.MethodPost, "/api/session", api.SignInInput{Email: "Priya@Example.org ", Password: password}), 200, "")
	cookies := a.header.Values("Set-Cookie")
	if len(cookies) != 2 {
		t.Fatalf("cookies %q", cookies)
	}
	session, csrf := cookies[0], cookies[1]
	for _, want := range []string{"parley_session=", "HttpOnly", "secure", "SameSite=Lax", "path=/"} {
		if !strings.Contains(session, want) {
			t.Errorf("session cookie %q lacks %s", session, want)
		}
	}
	if strings.Contains(csrf, "HttpOnly") || !strings.Contains(csrf, "secure") {
		t.Errorf("csrf cookie %q", csrf)
	}
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"} {
		if a.header.Get(name) != want {
			t.Errorf("%s is %q", name, a.header.Get(name))
		}
	}
	if csp := a.header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") {
		t.Errorf("CSP %q", csp)
	}
}

func TestCSRF(t *testing.T) {
	w := newWorld(t)
	w.agent("agent", withPassword("priya@example.org"))
	w.agent("agent", withPassword("tom@example.org"))
	b, token := w.signIn("priya@example.org")
	_, others := w.signIn("tom@example.org")
	c := w.conversation()
	path := "/api/conversations/" + string(c.ID) + "/read"
	for _, tc := range []struct {
		name   string
		header header
		status int
	}{
		{"no token", header{}, 403},
		{"a wrong token", header{"X-Parley-CSRF": "x"}, 403},
		{"another session's token", header{"X-Parley-CSRF": others}, 403},
		{"the session's token", header{"X-Parley-CSRF": token}, 200},
		{"own origin", header{"X-Parley-CSRF": token, "Origin": w.url, "Sec-Fetch-Site": "same-origin"}, 200},
		{"another origin", header{"X-Parley-CSRF": token, "Origin": "https://evil.example"}, 403},
		{"a sandboxed frame", header{"X-Parley-CSRF": token, "Origin": "null"}, 403},
		{"another site", header{"X-Parley-CSRF": token, "Sec-Fetch-Site": "cross-site"}, 403},
		{"a sibling of the site", header{"X-Parley-CSRF": token, "Sec-Fetch-Site": "same-site"}, 403},
	} {
		t.Run(tc.name, func(t *testing.T) {
			kind := ""
			if tc.status == 403 {
				kind = "csrf"
			}
			w.want(w.do(b, "", http.MethodPut, path, api.MarkInput{Seq: 1}, tc.header), tc.status, kind)
		})
	}
	w.want(w.do(b, "", http.MethodGet, "/api/me", nil, header{"Origin": "https://evil.example"}), 200, "")
	w.want(w.call("", http.MethodPost, "/api/session", api.SignInInput{Email: "priya@example.org", Password: password}, header{"Origin": "https://evil.example"}), 403, "csrf")
}

func TestRefusedSignInsLookAlike(t *testing.T) {
	w := newWorld(t)
	w.agent("agent", withPassword("priya@example.org"))
	off, _ := w.agent("agent", withPassword("gone@example.org"))
	w.agent("agent", func(n *auth.NewAgent) { n.Email = "invited@example.org" })
	yes := true
	if _, err := w.auth.UpdateAgent(t.Context(), off.ID, auth.AgentChange{Disabled: &yes}); err != nil {
		t.Fatal(err)
	}
	bodies := map[string]bool{}
	for _, in := range []api.SignInInput{{Email: "priya@example.org", Password: "wrong"}, {Email: "nobody@example.org", Password: "wrong"},
		{Email: "gone@example.org", Password: password}, {Email: "invited@example.org", Password: "x"}} {
		bodies[string(w.want(w.call("", http.MethodPost, "/api/session", in), 401, "sign-in").body)] = true
	}
	if len(bodies) != 1 {
		t.Errorf("answers differ: %v", bodies)
	}
}

func TestSignInIsThrottled(t *testing.T) {
	w := newWorld(t)
	w.agent("agent", withPassword("priya@example.org"))
	for _, email := range []string{"priya@example.org", "nobody@example.org"} {
		status := 0
		for range 8 {
			a := w.call("", http.MethodPost, "/api/session", api.SignInInput{Email: email, Password: "wrong"})
			if status = a.status; status == 429 {
				if w.want(a, 429, "throttled").header.Get("Retry-After") == "" {
					t.Error("no Retry-After")
				}
				break
			}
		}
		if status != 429 {
			t.Fatalf("%s: never throttled", email)
		}
	}
	w.want(w.call("", http.MethodPost, "/api/session", api.SignInInput{Email: "priya@example.org", Password: password}), 429, "throttled")
	w.now.add(2 * time.Minute)
	w.want(w.call("", http.MethodPost, "/api/session", api.SignInInput{Email: "priya@example.org", Password: password}), 200, "")
}

func TestOneTimeSignInAndFirstPassword(t *testing.T) {
	w := newWorld(t)
	secret, err := w.auth.First(t.Context())
	if err != nil || secret == "" {
		t.Fatal(secret, err)
	}
	b := w.browser()
	in := into[api.SignedIn](t, w.want(w.do(b, "", http.MethodPost, "/api/session/once", api.OnceInput{Secret: secret}), 200, ""))
	if !in.Setup {
		t.Error("the first administrator has a password already")
	}
	w.want(w.call("", http.MethodPost, "/api/session/once", api.OnceInput{Secret: secret}), 401, "sign-in")
	csrf := header{"X-Parley-CSRF": in.CSRF}
	w.want(w.do(b, "", http.MethodPatch, "/api/me", `{"email":"ada@example.org","name":"Ada Byron"}`, csrf), 200, "")
	w.want(w.do(b, "", http.MethodPut, "/api/me/password", api.PasswordInput{Password: "short"}, csrf), 422, "invalid")
	w.want(w.do(b, "", http.MethodPut, "/api/me/password", api.PasswordInput{Password: password}, csrf), 204, "")
	w.want(w.do(b, "", http.MethodPut, "/api/me/password", api.PasswordInput{Password: password + "!"}, csrf), 422, "invalid")
	w.signIn("ada@example.org")
	me := into[api.Me](t, w.want(w.do(b, "", http.MethodGet, "/api/me", nil), 200, ""))
	if me.Agent.Initials != "AB" || me.Setup || len(me.Permissions) != len(auth.Permissions) || me.Settings.Undo != 5 {
		t.Errorf("me %+v", me)
	}
	if secret, err := w.auth.First(t.Context()); secret != "" || err != nil {
		t.Errorf("a second first secret: %q, %v", secret, err)
	}
}

func TestSessions(t *testing.T) {
	w := newWorld(t)
	w.agent("agent", withPassword("priya@example.org"))
	one, csrf := w.signIn("priya@example.org")
	two, _ := w.signIn("priya@example.org")
	list := into[api.SessionList](t, w.want(w.do(one, "", http.MethodGet, "/api/sessions", nil), 200, "")).Sessions
	if len(list) != 2 {
		t.Fatalf("sessions %+v", list)
	}
	for _, x := range list {
		if !x.Current {
			w.want(w.do(one, "", http.MethodDelete, "/api/sessions/"+x.ID, nil, header{"X-Parley-CSRF": csrf}), 204, "")
		}
	}
	w.want(w.do(two, "", http.MethodGet, "/api/me", nil), 401, "unauthenticated")
	w.want(w.do(one, "", http.MethodDelete, "/api/sessions/none", nil, header{"X-Parley-CSRF": csrf}), 404, "not-found")
	w.want(w.do(one, "", http.MethodDelete, "/api/session", nil, header{"X-Parley-CSRF": csrf}), 204, "")
	w.want(w.do(one, "", http.MethodGet, "/api/me", nil), 401, "unauthenticated")
	three, _ := w.signIn("priya@example.org")
	w.now.add(73 * time.Hour)
	w.want(w.do(three, "", http.MethodGet, "/api/me", nil), 401, "unauthenticated")
}

func TestSecondFactor(t *testing.T) {
	w := newWorld(t)
	w.agent("agent", withPassword("priya@example.org"))
	b, token := w.signIn("priya@example.org")
	csrf := header{"X-Parley-CSRF": token}
	w.want(w.do(b, "", http.MethodPost, "/api/me/totp", api.EnrolInput{Password: "wrong"}, csrf), 422, "invalid")
	e := into[api.Enrolment](t, w.want(w.do(b, "", http.MethodPost, "/api/me/totp", api.EnrolInput{Password: password}, csrf), 200, ""))
	code := func() string {
		c, err := totp.GenerateCode(e.Secret, w.now.Now())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	w.want(w.do(b, "", http.MethodPost, "/api/me/totp/confirm", api.CodeInput{Code: "000000"}, csrf), 422, "invalid")
	recovery := into[api.Recovery](t, w.want(w.do(b, "", http.MethodPost, "/api/me/totp/confirm", api.CodeInput{Code: code()}, csrf), 200, "")).Codes
	in := api.SignInInput{Email: "priya@example.org", Password: password}
	w.want(w.call("", http.MethodPost, "/api/session", in), 401, "code-needed")
	in.Code = code()
	w.want(w.call("", http.MethodPost, "/api/session", in), 401, "sign-in") // used to confirm
	w.now.add(time.Minute)
	in.Code = code()
	w.want(w.call("", http.MethodPost, "/api/session", in), 200, "")
	w.want(w.call("", http.MethodPost, "/api/session", in), 401, "sign-in") // replayed
	in.Code = strings.ToUpper(recovery[0])
	w.want(w.call("", http.MethodPost, "/api/session", in), 200, "")
	w.want(w.call("", http.MethodPost, "/api/session", in), 401, "sign-in") // each once
	w.now.add(time.Minute)
	w.want(w.do(b, "", http.MethodPost, "/api/me/totp/disable", api.DisableInput{Password: password, Code: code()}, csrf), 204, "")
	in.Code = ""
	w.want(w.call("", http.MethodPost, "/api/session", in), 200, "")
}

func TestTokens(t *testing.T) {
	w := newWorld(t)
	_, program := w.agent("agent", withPassword("priya@example.org"))
	b, token := w.signIn("priya@example.org")
	csrf := header{"X-Parley-CSRF": token}
	w.want(w.call(program, http.MethodPost, "/api/tokens", api.TokenInput{Name: "more"}), 403, "forbidden")
	w.want(w.do(b, "", http.MethodPost, "/api/tokens", `{"name":"x","permissions":["fly"]}`, csrf), 422, "invalid")
	made := into[api.TokenInfo](t, w.want(w.do(b, "", http.MethodPost, "/api/tokens", `{"name":"reader","permissions":["conversation.read"]}`, csrf), 201, ""))
	c := w.conversation()
	w.want(w.call(made.Token, http.MethodGet, "/api/conversations/"+string(c.ID), nil), 200, "")
	w.want(w.call(made.Token, http.MethodPost, "/api/conversations/"+string(c.ID)+"/messages", api.SendInput{ID: newULID(), Text: "x"}), 403, "forbidden")
	list := into[api.TokenList](t, w.want(w.do(b, "", http.MethodGet, "/api/tokens", nil), 200, "")).Tokens
	if len(list) != 2 || list[0].Token != "" || list[1].Token != "" {
		t.Errorf("tokens %+v", list)
	}
	w.want(w.do(b, "", http.MethodDelete, "/api/tokens/"+made.ID, nil, csrf), 204, "")
	w.want(w.call(made.Token, http.MethodGet, "/api/me", nil), 401, "unauthenticated")
}
