package auth

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parley-hub/parley/timeline"
)

// crook is a provider that answers as a test wants. What a well-behaved one answers is tested in
// web/api, against a real one.
type crook struct {
	*httptest.Server
	mu        sync.Mutex
	key       *rsa.PrivateKey
	kid       string
	discovery map[string]any
	status    int // of the token endpoint
	token     func(answer map[string]any)
	sign      func(claims jwt.MapClaims) (string, error) // nil: as it should be
	claims    jwt.MapClaims
	info      map[string]any
	form      url.Values // of the last exchange
}

func newCrook(t *testing.T) *crook {
	c := &crook{kid: "k1", status: 200, discovery: map[string]any{}}
	c.newKey(t, "k1")
	mux := http.NewServeMux()
	answer := func(f func(*http.Request) (int, any)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			c.mu.Lock()
			defer c.mu.Unlock()
			code, v := f(r)
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(code)
			if err := json.NewEncoder(w).Encode(v); err != nil {
				t.Error(err)
			}
		}
	}
	mux.HandleFunc("/.well-known/openid-configuration", answer(func(*http.Request) (int, any) {
		d := map[string]any{"issuer": c.URL, "authorization_endpoint": c.URL + "/auth", "token_endpoint": c.URL + "/token", "jwks_uri": c.URL + "/keys",
			"userinfo_endpoint": c.URL + "/info", "end_session_endpoint": c.URL + "/end", "id_token_signing_alg_values_supported": []string{"RS256", "HS256", "none"}}
		for k, v := range c.discovery {
			d[k] = v
		}
		return 200, d
	}))
	mux.HandleFunc("/keys", answer(func(*http.Request) (int, any) {
		b64 := base64.RawURLEncoding.EncodeToString
		return 200, map[string]any{"keys": []any{map[string]any{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": c.kid, "n": b64(c.key.N.Bytes()), "e": b64(big.NewInt(int64(c.key.E)).Bytes())}}}
	}))
	mux.HandleFunc("/token", answer(func(r *http.Request) (int, any) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		c.form = r.PostForm
		out := map[string]any{"access_token": "at", "token_type": "Bearer", "expires_in": 60, "error": "invalid_grant"}
		if c.status == 200 {
			delete(out, "error")
			id, err := c.signed()
			if err != nil {
				t.Error(err)
			}
			out["id_token"] = id
		}
		if c.token != nil {
			c.token(out)
		}
		return c.status, out
	}))
	mux.HandleFunc("/info", answer(func(*http.Request) (int, any) { return 200, c.info }))
	c.Server = httptest.NewServer(mux)
	t.Cleanup(c.Close)
	return c
}

// mustMember adds an agent without a password, which costs nothing to hash.
func (s *Service) mustMember(t *testing.T, email, role string) *Agent {
	t.Helper()
	a, err := s.CreateAgent(t.Context(), NewAgent{Email: email, Name: "Priya Nair", Roles: []string{role}})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// firstKey is drawn once: drawing one takes long.
var firstKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func (c *crook) newKey(t *testing.T, kid string) {
	key, err := firstKey()
	if err == nil && kid != "k1" {
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.key, c.kid = key, kid
}

func (c *crook) signed() (string, error) {
	if c.sign != nil {
		return c.sign(c.claims)
	}
	tok := jwt.NewWithClaims(jwt.SigningMethodRS256, c.claims)
	tok.Header["kid"] = c.kid
	return tok.SignedString(c.key)
}

// visit is one sign-in at a crook.
type visit struct {
	o     *OIDC
	c     *crook
	query url.Values
	kept  string
}

// begins starts a sign-in and prepares what a good provider would answer.
func begins(t *testing.T, o *OIDC, c *crook, now time.Time) *visit {
	t.Helper()
	to, kept, err := o.Begin(t.Context(), "https://hub.example.org/api/session/oidc/callback", "/inbox?view=mine")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if !strings.HasPrefix(to, c.URL+"/auth?") || q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) < 40 || len(q.Get("nonce")) < 20 ||
		q.Get("response_type") != "code" || q.Get("scope") != "openid profile email" || strings.Contains(kept, q.Get("nonce")) {
		t.Fatalf("sent to %s", to)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.claims = jwt.MapClaims{"iss": c.URL, "sub": "s1", "aud": "parley", "exp": now.Add(time.Minute).Unix(), "iat": now.Unix(), "nonce": q.Get("nonce"),
		"email": "Priya@example.org", "email_verified": true, "name": "Priya Nair"}
	return &visit{o, c, url.Values{"state": {q.Get("state")}, "code": {"c1"}}, kept}
}

func (v *visit) finish(ctx context.Context) (*SignedInOIDC, error) {
	return v.o.Finish(ctx, v.query, v.kept, Client{Address: "203.0.113.7"}, "")
}

// code is the kind of problem of an error; empty for none.
func code(t *testing.T, err error) string {
	t.Helper()
	var e *OIDCError
	if err != nil && !errors.As(err, &e) {
		t.Fatalf("another error: %v", err)
	}
	if e == nil {
		return ""
	}
	return e.Code
}

func newOIDC(t *testing.T, change ...func(*OIDCConfig)) (*OIDC, *crook, *Service, *clock) {
	t.Helper()
	s, now := newService(t)
	c := newCrook(t)
	cfg := OIDCConfig{Issuer: c.URL, ClientID: "parley", ClientSecret: "hush", Name: "SSO"}
	for _, f := range change {
		f(&cfg)
	}
	o := NewOIDC(s, cfg)
	t.Cleanup(o.http.CloseIdleConnections)
	return o, c, s, now
}

func TestOIDCHostileAnswers(t *testing.T) {
	evil, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		change func(*visit, *clock)
		want   string
	}{
		"nothing wrong":                  {func(*visit, *clock) {}, ""},
		"another issuer":                 {func(v *visit, _ *clock) { v.c.claims["iss"] = "https://evil.example" }, OIDCToken},
		"another nonce":                  {func(v *visit, _ *clock) { v.c.claims["nonce"] = "x" }, OIDCToken},
		"no nonce":                       {func(v *visit, _ *clock) { delete(v.c.claims, "nonce") }, OIDCToken},
		"another audience":               {func(v *visit, _ *clock) { v.c.claims["aud"] = "other" }, OIDCToken},
		"several audiences":              {func(v *visit, _ *clock) { v.c.claims["aud"] = []string{"parley", "other"} }, OIDCToken},
		"several audiences, made for us": {func(v *visit, _ *clock) { v.c.claims["aud"], v.c.claims["azp"] = []string{"parley", "x"}, "parley" }, ""},
		"made for another client":        {func(v *visit, _ *clock) { v.c.claims["azp"] = "other" }, OIDCToken},
		"expired":                        {func(v *visit, n *clock) { v.c.claims["exp"] = n.Now().Add(-2 * time.Minute).Unix() }, OIDCToken},
		"expired a moment ago":           {func(v *visit, n *clock) { v.c.claims["exp"] = n.Now().Add(-30 * time.Second).Unix() }, ""},
		"from the future":                {func(v *visit, n *clock) { v.c.claims["iat"] = n.Now().Add(time.Hour).Unix() }, OIDCToken},
		"not valid yet":                  {func(v *visit, n *clock) { v.c.claims["nbf"] = n.Now().Add(time.Hour).Unix() }, OIDCToken},
		"about nobody":                   {func(v *visit, _ *clock) { delete(v.c.claims, "sub") }, OIDCToken},
		"another access token": {func(v *visit, _ *clock) {
			v.c.claims["at_hash"] = base64.RawURLEncoding.EncodeToString(make([]byte, 16))
		}, OIDCToken},
		"unsigned": {func(v *visit, _ *clock) {
			v.c.sign = func(c jwt.MapClaims) (string, error) {
				return jwt.NewWithClaims(jwt.SigningMethodNone, c).SignedString(jwt.UnsafeAllowNoneSignatureType)
			}
		}, OIDCToken},
		"signed with our secret": {func(v *visit, _ *clock) {
			v.c.sign = func(c jwt.MapClaims) (string, error) {
				return jwt.NewWithClaims(jwt.SigningMethodHS256, c).SignedString([]byte("hush"))
			}
		}, OIDCToken},
		"signed with another key": {func(v *visit, _ *clock) {
			v.c.sign = func(c jwt.MapClaims) (string, error) {
				tok := jwt.NewWithClaims(jwt.SigningMethodRS256, c)
				tok.Header["kid"] = "k1"
				return tok.SignedString(evil)
			}
		}, OIDCToken},
		"no ID token":          {func(v *visit, _ *clock) { v.c.token = func(a map[string]any) { delete(a, "id_token") } }, OIDCToken},
		"a code that is spent": {func(v *visit, _ *clock) { v.c.status = 400 }, OIDCToken},
		"somebody else's details": {func(v *visit, _ *clock) {
			delete(v.c.claims, "email")
			v.c.info = map[string]any{"sub": "s2", "email": "priya@example.org", "email_verified": true}
		}, OIDCToken},
		"another state":            {func(v *visit, _ *clock) { v.query.Set("state", "x") }, OIDCState},
		"no state":                 {func(v *visit, _ *clock) { v.query.Del("state") }, OIDCState},
		"two states":               {func(v *visit, _ *clock) { v.query.Add("state", "x") }, OIDCState},
		"another browser":          {func(v *visit, _ *clock) { v.kept = "" }, OIDCState},
		"a cookie of their own":    {func(v *visit, _ *clock) { v.kept = v.kept[:len(v.kept)-4] + "AAAA" }, OIDCState},
		"too late":                 {func(_ *visit, n *clock) { n.add(OIDCHolds) }, OIDCState},
		"another provider's":       {func(v *visit, _ *clock) { v.query.Set("iss", "https://evil.example") }, OIDCToken},
		"the provider's own":       {func(v *visit, _ *clock) { v.query.Set("iss", v.c.URL) }, ""},
		"the provider was changed": {func(v *visit, _ *clock) { v.o.cfg.Issuer = "https://other.example" }, OIDCState},
		"the person said no":       {func(v *visit, _ *clock) { v.query.Set("error", "access_denied") }, OIDCRefused},
		"no code":                  {func(v *visit, _ *clock) { v.query.Del("code") }, OIDCRefused},
		"two codes":                {func(v *visit, _ *clock) { v.query.Add("code", "x") }, OIDCRefused},
		"the provider is away":     {func(v *visit, _ *clock) { v.c.Close() }, OIDCDown},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			o, crook, s, now := newOIDC(t)
			s.mustMember(t, "priya@example.org", "agent")
			v := begins(t, o, crook, now.Now())
			c.change(v, now)
			in, err := v.finish(t.Context())
			if got := code(t, err); got != c.want {
				t.Fatalf("%q (%v), want %q", got, err, c.want)
			}
			if err != nil {
				for _, secret := range []string{"hush", "priya", "c1\"", v.query.Get("state")} {
					if secret != "" && strings.Contains(strings.ToLower(err.Error()), secret) {
						t.Errorf("the error shows %q: %v", secret, err)
					}
				}
				return
			}
			if p, err := s.Session(t.Context(), in.Secret); err != nil || p.Email != "priya@example.org" || in.Back != "/inbox?view=mine" || !in.Linked || in.Created {
				t.Errorf("%+v, %v", in, err)
			}
			if crook.form.Get("code_verifier") == "" || crook.form.Get("redirect_uri") != "https://hub.example.org/api/session/oidc/callback" {
				t.Errorf("exchanged with %v", crook.form)
			}
		})
	}
}

func TestOIDCAnswerCountsOnce(t *testing.T) {
	o, c, s, now := newOIDC(t)
	s.mustMember(t, "priya@example.org", "agent")
	v := begins(t, o, c, now.Now())
	var wg sync.WaitGroup
	results := make([]error, 8)
	for i := range results {
		wg.Go(func() { _, results[i] = v.finish(context.WithoutCancel(t.Context())) })
	}
	wg.Wait()
	ok := 0
	for _, err := range results {
		if code(t, err) == "" {
			ok++
		}
	}
	if ok != 1 {
		t.Errorf("signed in %d times with one answer", ok)
	}
}

func TestOIDCProviderThatCallsItselfOtherwise(t *testing.T) {
	o, c, _, _ := newOIDC(t)
	c.discovery["issuer"] = "https://evil.example"
	if _, _, err := o.Begin(t.Context(), "https://hub/cb", "/"); code(t, err) != OIDCToken {
		t.Error(err)
	}
}

func TestOIDCKeysChange(t *testing.T) {
	o, c, s, now := newOIDC(t)
	s.mustMember(t, "priya@example.org", "agent")
	for _, kid := range []string{"k1", "k2", "k3"} {
		c.newKey(t, kid)
		if _, err := begins(t, o, c, now.Now()).finish(t.Context()); err != nil {
			t.Errorf("with key %s: %v", kid, err)
		}
	}
}

func TestOIDCProviderAwayWhileKnown(t *testing.T) {
	o, c, _, now := newOIDC(t)
	begins(t, o, c, now.Now())
	c.Close()
	now.add(2 * oidcFresh)
	if _, _, err := o.Begin(t.Context(), "https://hub/cb", "/"); err != nil {
		t.Errorf("what it said last holds: %v", err)
	}
}

// TestOIDCWhoIsWho: whom a person at the provider becomes here.
func TestOIDCWhoIsWho(t *testing.T) {
	auto := func(c *OIDCConfig) { c.AutoCreate = []string{"example.org"} }
	roles := func(c *OIDCConfig) { c.RolesClaim, c.Roles = "realm.groups", map[string]string{"leads": "supervisor"} }
	claim := func(name string, v any) func(jwt.MapClaims) { return func(c jwt.MapClaims) { c[name] = v } }
	cases := map[string]struct {
		config  func(*OIDCConfig)
		agent   string // who is there, by address
		claims  func(jwt.MapClaims)
		want    string
		created bool
		roles   []string
	}{
		"an agent with the address":               {agent: "priya@example.org", roles: []string{"agent"}},
		"a provider that writes a string":         {agent: "priya@example.org", claims: claim("email_verified", "true"), roles: []string{"agent"}},
		"an address nobody vouches for":           {agent: "priya@example.org", claims: claim("email_verified", false), want: OIDCEmail},
		"an address that is said nothing of":      {agent: "priya@example.org", claims: func(c jwt.MapClaims) { delete(c, "email_verified") }, want: OIDCEmail},
		"no address":                              {agent: "priya@example.org", claims: claim("email", ""), want: OIDCEmail},
		"nobody with the address":                 {agent: "tom@example.org", want: OIDCNobody},
		"somebody new of a domain that is let in": {config: auto, created: true, roles: []string{"agent"}},
		"somebody new of another domain":          {config: auto, claims: claim("email", "eve@evil-example.org"), want: OIDCNobody},
		"a domain within another":                 {config: auto, claims: claim("email", "eve@example.org.evil.org"), want: OIDCNobody},
		"two domains":                             {config: auto, claims: claim("email", "eve@example.org@evil.org"), want: OIDCNobody},
		"two domains, ours first":                 {config: auto, claims: claim("email", "eve@evil.org@example.org"), want: OIDCNobody},
		"somebody new, unverified":                {config: auto, claims: claim("email_verified", false), want: OIDCEmail},
		"a role":                                  {config: roles, agent: "priya@example.org", claims: claim("realm", map[string]any{"groups": []string{"leads", "all"}}), roles: []string{"supervisor"}},
		"no role":                                 {config: roles, agent: "priya@example.org", claims: claim("realm", map[string]any{"groups": []string{"admin"}}), want: OIDCRole},
		"no claim of roles":                       {config: roles, agent: "priya@example.org", want: OIDCRole},
		"roles by their names": {config: func(c *OIDCConfig) { c.RolesClaim = "https://example.org/roles" }, agent: "priya@example.org",
			claims: claim("https://example.org/roles", []string{"viewer", "agent", "king"}), roles: []string{"agent", "viewer"}},
		"one role, as a string": {config: func(c *OIDCConfig) { c.RolesClaim = "role" }, agent: "priya@example.org", claims: claim("role", "viewer"), roles: []string{"viewer"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var change []func(*OIDCConfig)
			if c.config != nil {
				change = append(change, c.config)
			}
			o, crook, s, now := newOIDC(t, change...)
			crook.info = map[string]any{"sub": "s1"}
			if c.agent != "" {
				s.mustMember(t, c.agent, "agent")
			}
			v := begins(t, o, crook, now.Now())
			if c.claims != nil {
				c.claims(crook.claims)
			}
			in, err := v.finish(t.Context())
			if got := code(t, err); got != c.want {
				t.Fatalf("%q (%v), want %q", got, err, c.want)
			}
			if err == nil && (in.Created != c.created || !slices.Equal(in.Agent.Roles, c.roles) || in.Agent.Subject != crook.URL+"|s1") {
				t.Errorf("%+v", in.Agent)
			}
		})
	}
}

func TestOIDCSubjectIsRemembered(t *testing.T) {
	o, c, s, now := newOIDC(t)
	a := s.mustMember(t, "priya@example.org", "agent")
	sign := func(change ...func(jwt.MapClaims)) (*SignedInOIDC, error) {
		v := begins(t, o, c, now.Now())
		for _, f := range change {
			f(c.claims)
		}
		return v.finish(t.Context())
	}
	if in, err := sign(); err != nil || in.Agent.ID != a.ID || !in.Linked {
		t.Fatal(err)
	}
	married := func(c jwt.MapClaims) { c["email"], c["email_verified"] = "priya.new@example.org", false }
	if in, err := sign(married); err != nil || in.Agent.ID != a.ID || in.Linked {
		t.Errorf("with another address: %v", err)
	}
	other := func(c jwt.MapClaims) { c["sub"] = "s2" }
	if _, err := sign(other); code(t, err) != OIDCLinked {
		t.Errorf("somebody who got the address later: %v", err)
	}
	if err := s.Unlink(t.Context(), a.ID); err != nil {
		t.Fatal(err)
	}
	if in, err := sign(other); err != nil || in.Agent.Subject != c.URL+"|s2" {
		t.Errorf("after an administrator disconnected them: %v", err)
	}
	off := true
	s.mustMember(t, "root@example.org", "admin")
	if _, err := s.UpdateAgent(t.Context(), a.ID, AgentChange{Disabled: &off}); err != nil {
		t.Fatal(err)
	}
	if _, err := sign(other); code(t, err) != OIDCDisabled {
		t.Errorf("disabled, known by subject: %v", err)
	}
	if err := s.Unlink(t.Context(), a.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := sign(other); code(t, err) != OIDCDisabled {
		t.Errorf("disabled, known by address: %v", err)
	}
	if err := s.Unlink(t.Context(), timeline.AgentID("none")); err == nil {
		t.Error("disconnected somebody who is not there")
	}
}

func TestOIDCLastAdministratorStays(t *testing.T) {
	o, c, s, now := newOIDC(t, func(c *OIDCConfig) { c.RolesClaim = "role" })
	s.mustMember(t, "priya@example.org", "admin")
	v := begins(t, o, c, now.Now())
	c.claims["role"] = "viewer"
	if in, err := v.finish(t.Context()); err != nil || !slices.Equal(in.Agent.Roles, []string{"admin"}) {
		t.Errorf("%+v, %v", in, err)
	}
	s.mustMember(t, "root@example.org", "admin")
	v = begins(t, o, c, now.Now())
	c.claims["role"] = "viewer"
	if in, err := v.finish(t.Context()); err != nil || !slices.Equal(in.Agent.Roles, []string{"viewer"}) {
		t.Errorf("%+v, %v", in, err)
	}
}

func TestOIDCAttemptsAreThrottled(t *testing.T) {
	o, _, _, _ := newOIDC(t)
	for range 40 {
		_, err := o.Finish(t.Context(), url.Values{"state": {"x"}}, "", Client{Address: "203.0.113.9"}, "")
		var slow *ThrottledError
		if errors.As(err, &slow) {
			return
		}
	}
	t.Error("nobody slows strangers down")
}

func TestLocalPath(t *testing.T) {
	for back, want := range map[string]string{"": "/", "/": "/", "/inbox?view=mine#x": "/inbox?view=mine#x", "/a/b": "/a/b",
		"//evil.example": "/", "/\\evil.example": "/", "\\\\evil.example": "/", "https://evil.example": "/", "javascript:alert(1)": "/", "inbox": "/",
		"/%5cevil.example": "/", "/%2fevil.example": "/", "/\tevil": "/", "/\r\nSet-Cookie: a=b": "/", "///evil.example": "/", "http:/evil.example": "/"} {
		if got := LocalPath(back); got != want {
			t.Errorf("%q leads to %q, want %q", back, got, want)
		}
	}
}

func TestOIDCSignOut(t *testing.T) {
	o, c, _, _ := newOIDC(t, func(c *OIDCConfig) { c.SignOut = true })
	to, err := o.End(t.Context(), "https://hub.example.org/")
	if err != nil || !strings.HasPrefix(to, c.URL+"/end?") || !strings.Contains(to, "post_logout_redirect_uri=https%3A%2F%2Fhub.example.org%2F") || !strings.Contains(to, "client_id=parley") {
		t.Errorf("%s, %v", to, err)
	}
	c.discovery["end_session_endpoint"] = "javascript:alert(1)"
	o.known = time.Time{}
	if to, err := o.End(t.Context(), "https://hub.example.org/"); err != nil || to != "" {
		t.Errorf("%q, %v", to, err)
	}
	o.cfg.SignOut = false
	if to, err := o.End(t.Context(), "https://hub.example.org/"); err != nil || to != "" {
		t.Errorf("%q, %v", to, err)
	}
}
