package auth

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/parley-hub/parley/internal/httpx"
	"github.com/parley-hub/parley/internal/seal"
)

// OIDCConfig is how agents sign in at a provider of OpenID Connect.
type OIDCConfig struct {
	Issuer       string // as the provider writes it, to the letter
	ClientID     string
	ClientSecret string // empty: a public client
	Name         string // of the provider, for people
	Scopes       []string
	RolesClaim   string            // dotted path of the claim that says which roles somebody has; empty: we say
	Roles        map[string]string // role by value of the claim; empty: its values are names of roles
	AutoCreate   []string          // domains whose people become agents when they first sign in
	SignOut      bool              // signing out here may go on to signing out there
}

// The limits of a sign-in at a provider.
const (
	OIDCHolds = 10 * time.Minute // from its beginning to coming back

	oidcSkew  = time.Minute      // between the provider's clock and ours
	oidcFresh = time.Hour        // how long what a provider says of itself, and its keys, are kept
	oidcCall  = 10 * time.Second // to the provider
	oidcBody  = 1 << 20          // bytes of a provider's answer
)

// Why a sign-in at a provider came to nothing. The names are kinds of problem of the API.
const (
	OIDCState    = "oidc-state"    // not begun in this browser, too late, or used already
	OIDCRefused  = "oidc-refused"  // the provider, or the person there, said no
	OIDCToken    = "oidc-token"    // what came cannot be trusted
	OIDCEmail    = "oidc-email"    // no verified address, and nobody known by their subject
	OIDCNobody   = "oidc-nobody"   // no agent has the address
	OIDCLinked   = "oidc-linked"   // the agent with the address is somebody else there
	OIDCRole     = "oidc-role"     // they have no role here
	OIDCDisabled = "oidc-disabled" // the agent is disabled
	OIDCDown     = "oidc-down"     // the provider cannot be reached
)

// OIDCError says why a sign-in at a provider came to nothing. Err is for the log; it holds no
// secret, token or address.
type OIDCError struct {
	Code string
	Err  error
}

func (e *OIDCError) Error() string { return fmt.Sprintf("auth: %s: %v", e.Code, e.Err) }

// Unwrap gives the reason.
func (e *OIDCError) Unwrap() error { return e.Err }

func oidcError(code, format string, args ...any) error {
	return &OIDCError{Code: code, Err: fmt.Errorf(format, args...)}
}

// OIDC signs agents in at a provider, by the authorization code flow with PKCE. What the browser
// keeps meanwhile is sealed. It is safe for concurrent use.
type OIDC struct {
	s    *Service
	cfg  OIDCConfig
	http *http.Client

	mu       sync.Mutex
	provider *oidc.Provider
	known    time.Time // when the provider was last asked about itself
}

// everywhere is every network: operators name the provider, which is often inside the house.
var everywhere = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}

// NewOIDC makes it. Nothing is asked of the provider until somebody signs in.
func NewOIDC(s *Service, cfg OIDCConfig) *OIDC {
	if len(cfg.Scopes) == 0 {
		cfg.Scopes = []string{"profile", "email"}
	}
	if !slices.Contains(cfg.Scopes, oidc.ScopeOpenID) {
		cfg.Scopes = append([]string{oidc.ScopeOpenID}, cfg.Scopes...)
	}
	return &OIDC{s: s, cfg: cfg, http: httpx.New(httpx.Options{Allow: everywhere, Timeout: oidcCall, MaxBody: oidcBody})}
}

// Name is the provider's name, for people.
func (o *OIDC) Name() string { return o.cfg.Name }

// SignsOut reports whether signing out may go on at the provider.
func (o *OIDC) SignsOut() bool { return o.cfg.SignOut }

// discover asks the provider about itself, once an hour. While it does not answer, what it said
// last holds.
func (o *OIDC) discover(ctx context.Context) (*oidc.Provider, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.provider != nil && o.s.now().Sub(o.known) < oidcFresh {
		return o.provider, nil
	}
	p, err := oidc.NewProvider(oidc.ClientContext(ctx, o.http), o.cfg.Issuer)
	var mismatch *oidc.IssuerMismatchError
	if errors.As(err, &mismatch) {
		return nil, oidcError(OIDCToken, "the provider calls itself otherwise than PARLEY_OIDC_ISSUER does")
	}
	if err != nil {
		if o.provider != nil {
			return o.provider, nil
		}
		return nil, oidcError(OIDCDown, "asking the provider about itself: %w", httpx.Clean(err))
	}
	o.provider, o.known = p, o.s.now()
	return p, nil
}

// flow is what the browser keeps, sealed, while the person is at the provider.
type flow struct {
	Issuer   string    `json:"issuer"`
	State    string    `json:"state"`
	Nonce    string    `json:"nonce"`
	Verifier string    `json:"verifier"`
	Redirect string    `json:"redirect"`
	Back     string    `json:"back"`
	Until    time.Time `json:"until"`
}

const flowSealed = "oidc/flow"

// Begin starts a sign-in: where to send the browser, and what it keeps until it comes back to
// redirect. back is the page of ours that it is to land on; anything else than that is "/".
func (o *OIDC) Begin(ctx context.Context, redirect, back string) (to, kept string, err error) {
	p, err := o.discover(ctx)
	if err != nil {
		return "", "", err
	}
	f := flow{Issuer: o.cfg.Issuer, State: newSecret(), Nonce: newSecret(), Verifier: oauth2.GenerateVerifier(), Redirect: redirect,
		Back: LocalPath(back), Until: o.s.now().Add(OIDCHolds)}
	raw, err := json.Marshal(f)
	if err != nil {
		return "", "", fmt.Errorf("auth: encoding a sign-in: %w", err)
	}
	if kept, err = o.s.seal.Seal(seal.Secret(raw), flowSealed); err != nil {
		return "", "", fmt.Errorf("auth: sealing a sign-in: %w", err)
	}
	return o.client(p, redirect).AuthCodeURL(f.State, oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier)), kept, nil
}

func (o *OIDC) client(p *oidc.Provider, redirect string) *oauth2.Config {
	return &oauth2.Config{ClientID: o.cfg.ClientID, ClientSecret: o.cfg.ClientSecret, Endpoint: p.Endpoint(), RedirectURL: redirect, Scopes: o.cfg.Scopes}
}

// LocalPath is a page of ours that a browser may be sent to; what is not one is "/".
func LocalPath(back string) string {
	u, err := url.Parse(back)
	bad := func(r rune) bool { return r < ' ' || r == '\\' || r == 0x7f }
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" || !strings.HasPrefix(back, "/") ||
		strings.HasPrefix(back, "//") || strings.ContainsFunc(back, bad) || strings.ContainsFunc(u.Path, bad) || strings.HasPrefix(u.Path, "//") {
		return "/"
	}
	return back
}

// SignedInOIDC is what came of a sign-in at a provider.
type SignedInOIDC struct {
	Secret  string // of the session
	Agent   *Agent
	Back    string // the page of ours to land on
	Linked  bool   // the agent was connected with the provider's person just now
	Created bool   // and made just now
}

// Finish ends a sign-in: query is what the browser came back with, kept what it was given. What is
// wrong is an *OIDCError or a *ThrottledError.
func (o *OIDC) Finish(ctx context.Context, query url.Values, kept string, c Client, earlier string) (*SignedInOIDC, error) {
	if err := o.s.attempt(ctx, "", c.Address); err != nil {
		return nil, err
	}
	f, err := o.resume(ctx, query, kept)
	if err != nil {
		return nil, err
	}
	p, err := o.discover(ctx)
	if err != nil {
		return nil, err
	}
	claims, err := o.exchange(ctx, p, f, query.Get("code"))
	if err != nil {
		return nil, err
	}
	out, err := o.agent(ctx, claims)
	if err != nil {
		return nil, err
	}
	if err := o.s.forgive(ctx, "", c.Address); err != nil {
		return nil, err
	}
	out.Back = f.Back
	out.Secret, err = o.s.begin(ctx, out.Agent, c, earlier)
	return out, err
}

// resume finds the sign-in that an answer belongs to, and uses it up.
func (o *OIDC) resume(ctx context.Context, query url.Values, kept string) (*flow, error) {
	raw, err := o.s.seal.Open(kept, flowSealed)
	if err != nil {
		return nil, oidcError(OIDCState, "the browser keeps no sign-in: %w", err)
	}
	var f flow
	if err := json.Unmarshal([]byte(raw.Reveal()), &f); err != nil {
		return nil, oidcError(OIDCState, "the browser keeps something else")
	}
	switch {
	case len(query["state"]) != 1 || subtle.ConstantTimeCompare([]byte(query.Get("state")), []byte(f.State)) != 1:
		return nil, oidcError(OIDCState, "the state is another sign-in's")
	case !o.s.now().Before(f.Until):
		return nil, oidcError(OIDCState, "it took too long")
	case f.Issuer != o.cfg.Issuer:
		return nil, oidcError(OIDCState, "the provider was changed meanwhile")
	}
	if err := o.once(ctx, &f); err != nil {
		return nil, err
	}
	if iss := query["iss"]; len(iss) > 0 && (len(iss) != 1 || iss[0] != o.cfg.Issuer) { // RFC 9207
		return nil, oidcError(OIDCToken, "the answer is another provider's")
	}
	if query.Has("error") {
		return nil, oidcError(OIDCRefused, "the provider answered %s", errorCode(query.Get("error")))
	}
	if len(query["code"]) != 1 || query.Get("code") == "" {
		return nil, oidcError(OIDCRefused, "the provider gave no code")
	}
	return &f, nil
}

// errorCode is an error's code as RFC 6749, section 4.1.2.1, lists them; what a provider says
// beyond that is not repeated.
func errorCode(code string) string {
	if len(code) > 40 || strings.Trim(code, "abcdefghijklmnopqrstuvwxyz_") != "" || code == "" {
		return "an error"
	}
	return code
}

// claims is who signed in, as the provider says.
type claims struct {
	issuer, sub string
	all         map[string]any
}

// subject names the person among all providers'.
func (c *claims) subject() string { return c.issuer + "|" + c.sub }

// text is a claim that is a string.
func (c *claims) text(name string) string {
	v, _ := c.all[name].(string)
	return v
}

// email is the address that the provider vouches for; empty: none.
func (c *claims) email() string {
	if v := c.all["email_verified"]; v != true && v != "true" { // some providers write a string
		return ""
	}
	return NormalEmail(c.text("email"))
}

// values are those of a claim by its dotted path, one or several.
func (c *claims) values(path string) []string {
	if v, ok := c.all[path]; ok { // a name may hold dots itself
		return texts(v)
	}
	var at any = c.all
	for name := range strings.SplitSeq(path, ".") {
		m, _ := at.(map[string]any)
		at = m[name]
	}
	return texts(at)
}

func texts(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var out []string
		for _, x := range v {
			if s, ok := x.(string); ok {
				out = append(out, s)
			}
		}
		return out
	}
	return nil
}

// exchange turns a code into what the provider says of the person, and verifies it: OpenID Connect
// Core 1.0, section 3.1.3.7.
func (o *OIDC) exchange(ctx context.Context, p *oidc.Provider, f *flow, code string) (*claims, error) {
	ctx = oidc.ClientContext(ctx, o.http)
	token, err := o.client(p, f.Redirect).Exchange(ctx, code, oauth2.VerifierOption(f.Verifier))
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) {
		return nil, oidcError(OIDCToken, "the provider does not take the code: %s", errorCode(refused.ErrorCode))
	}
	if err != nil {
		return nil, oidcError(OIDCDown, "exchanging the code: %w", httpx.Clean(err))
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return nil, oidcError(OIDCToken, "there is no ID token")
	}
	id, err := p.VerifierContext(ctx, &oidc.Config{ClientID: o.cfg.ClientID, Now: func() time.Time { return o.s.now().Add(-oidcSkew) }}).Verify(ctx, raw)
	if err != nil {
		return nil, oidcError(OIDCToken, "%w", httpx.Clean(err))
	}
	c := &claims{issuer: o.cfg.Issuer, sub: id.Subject}
	if err := id.Claims(&c.all); err != nil {
		return nil, oidcError(OIDCToken, "reading the ID token: %w", err)
	}
	if err := o.trust(id, c, f, token.AccessToken); err != nil {
		return nil, err
	}
	return c, o.complete(ctx, p, c, token)
}

// trust checks what go-oidc leaves to its caller.
func (o *OIDC) trust(id *oidc.IDToken, c *claims, f *flow, access string) error {
	switch {
	case subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(f.Nonce)) != 1:
		return oidcError(OIDCToken, "the ID token was made for another sign-in")
	case id.Subject == "" || len(id.Subject) > 255:
		return oidcError(OIDCToken, "the ID token names nobody")
	case len(id.Audience) > 1 && c.text("azp") == "", c.all["azp"] != nil && c.text("azp") != o.cfg.ClientID:
		return oidcError(OIDCToken, "the ID token was made for another client")
	case id.IssuedAt.After(o.s.now().Add(oidcSkew)):
		return oidcError(OIDCToken, "the ID token comes from the future: compare the clocks")
	}
	if id.AccessTokenHash != "" {
		if err := id.VerifyAccessToken(access); err != nil {
			return oidcError(OIDCToken, "%w", err)
		}
	}
	return nil
}

// complete asks for the rest where the ID token does not say it all.
func (o *OIDC) complete(ctx context.Context, p *oidc.Provider, c *claims, token *oauth2.Token) error {
	enough := c.text("email") != "" && (o.cfg.RolesClaim == "" || c.values(o.cfg.RolesClaim) != nil)
	if enough || p.UserInfoEndpoint() == "" {
		return nil
	}
	info, err := p.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return oidcError(OIDCDown, "asking who it is: %w", httpx.Clean(err))
	}
	var more map[string]any
	if err := info.Claims(&more); err != nil || info.Subject != c.sub { // section 5.3.2: else it may be somebody else
		return oidcError(OIDCToken, "what the provider says of the person is of somebody else, or cannot be read")
	}
	for name, v := range more {
		if _, had := c.all[name]; !had {
			c.all[name] = v
		}
	}
	return nil
}

// End is where a browser signs out at the provider, coming back to after; empty where that is off,
// or the provider has no such page.
func (o *OIDC) End(ctx context.Context, after string) (string, error) {
	if !o.cfg.SignOut {
		return "", nil
	}
	p, err := o.discover(ctx)
	if err != nil {
		return "", err
	}
	var more struct {
		End string `json:"end_session_endpoint"`
	}
	if err := p.Claims(&more); err != nil {
		return "", oidcError(OIDCToken, "reading where to sign out: %w", err)
	}
	u, err := url.Parse(more.End)
	if err != nil {
		return "", oidcError(OIDCToken, "the provider's page for signing out has no address that can be read")
	}
	if u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return "", nil
	}
	q := u.Query()
	q.Set("client_id", o.cfg.ClientID)
	q.Set("post_logout_redirect_uri", after)
	u.RawQuery = q.Encode()
	return u.String(), nil
}
