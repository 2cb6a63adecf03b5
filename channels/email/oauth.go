package email

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

const (
	tokenBytes  = 1 << 20
	tokenEarly  = 5 * time.Minute  // an access token is renewed so long before its end
	tokenStale  = time.Minute      // and is not used any more in its last minute
	tokenUsual  = time.Hour        // life of a token that does not tell
	tokenRetell = 30 * time.Second // a token renewed so lately is not renewed again
)

// oauthSettings are an inbox's credentials by OAuth 2.0.
type oauthSettings struct {
	url, client, secret, scope string
	refresh, access            string
	expires                    time.Time
}

func readOAuth(kind string, a channels.Account) (*oauthSettings, error) {
	p := providers[kind]
	o := &oauthSettings{url: app(a.App, p.token), client: app(a.App, p.id), secret: app(a.App, p.secret), scope: p.scope,
		refresh: a.Settings["refreshToken"], access: a.Settings["accessToken"]}
	if o.refresh == "" && o.access == "" {
		return nil, errors.New("refreshToken: sign in to get one; an inbox of this provider is added with its sign-in button")
	}
	if v := a.Settings["tokenExpires"]; v != "" {
		t, err := time.Parse(time.RFC3339, v)
		if err != nil {
			return nil, fmt.Errorf("tokenExpires: %w", err)
		}
		o.expires = t
	}
	return o, nil
}

// tokens hands out the access token, renewed when it must be. It is safe for concurrent use.
type tokens struct {
	host channels.Host
	mu   sync.Mutex
	set  oauthSettings
	last time.Time // of the last renewal here
}

func newTokens(set oauthSettings, h channels.Host) *tokens { return &tokens{set: set, host: h} }

// get is an access token that is good for a while yet.
func (t *tokens) get(ctx context.Context) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.set.access != "" && t.host.Now().Add(tokenStale).Before(t.set.expires) {
		return t.set.access, nil
	}
	return t.set.access, t.renew(ctx)
}

// refused renews a token that the far side did not take; false where that was done just now
// and did not help.
func (t *tokens) refused(ctx context.Context, token string) (bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.set.access != token {
		return true, nil // somebody else renewed it meanwhile
	}
	if now := t.host.Now(); !t.last.IsZero() && now.Sub(t.last) < tokenRetell {
		return false, nil
	}
	return true, t.renew(ctx)
}

// renew trades the refresh token for an access token (RFC 6749 §6).
func (t *tokens) renew(ctx context.Context) error {
	if t.set.refresh == "" {
		return &channels.Failure{Class: channels.Revoked, Advice: "The sign-in has ended. Sign in to the inbox again."}
	}
	got, err := exchange(ctx, t.host.HTTP(), t.set.url, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {t.set.refresh},
		"client_id": {t.set.client}, "client_secret": {t.set.secret}, "scope": {t.set.scope}})
	if err != nil {
		return err
	}
	now := t.host.Now()
	t.set.access, t.set.expires, t.last = got.Access, got.ends(now), now
	if got.Refresh != "" { // Microsoft gives a new one each time
		t.set.refresh = got.Refresh
	}
	return nil
}

// RefreshAt is a little before the access token ends.
func (s signedIn) RefreshAt(now time.Time) time.Time {
	s.tokens.mu.Lock()
	defer s.tokens.mu.Unlock()
	if s.tokens.set.expires.IsZero() {
		return now
	}
	return s.tokens.set.expires.Add(-tokenEarly)
}

// Refresh renews the access token and returns the settings that changed.
func (s signedIn) Refresh(ctx context.Context) (map[string]string, error) {
	t := s.tokens
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.renew(ctx); err != nil {
		var f *channels.Failure
		if errors.As(err, &f) && f.Class.Holds() {
			s.report(channels.Red, "The provider no longer accepts the sign-in.", "Sign in to the inbox again.")
		}
		return nil, err
	}
	return map[string]string{"accessToken": t.set.access, "refreshToken": t.set.refresh, "tokenExpires": t.set.expires.UTC().Format(time.RFC3339)}, nil
}

// granted is a token endpoint's answer (RFC 6749 §5).
type granted struct {
	Access  string      `json:"access_token"`
	Refresh string      `json:"refresh_token"`
	Expires json.Number `json:"expires_in"`
	ID      string      `json:"id_token"`
	Error   string      `json:"error"`
	Said    string      `json:"error_description"`
}

func (g granted) ends(now time.Time) time.Time {
	life := tokenUsual
	if n, err := g.Expires.Int64(); err == nil && n > 0 {
		life = time.Duration(n) * time.Second
	}
	return now.Add(life).UTC().Truncate(time.Second)
}

// exchange asks a token endpoint. Its errors are *channels.Failure and hold no token.
func exchange(ctx context.Context, h *http.Client, endpoint string, form url.Values) (granted, error) {
	var g granted
	later := func(err error) error {
		return &channels.Failure{Class: channels.Transient, Advice: "The provider's sign-in does not answer. It is tried again by itself.", Err: err}
	}
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return g, &channels.Failure{Class: channels.Misconfigured, Advice: "The token endpoint in the app's settings is not an address.", Err: err}
	}
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	q.Header.Set("Accept", "application/json")
	a, err := h.Do(q)
	if err != nil {
		return g, later(fmt.Errorf("email: asking for a token: %w", err))
	}
	body, err := io.ReadAll(io.LimitReader(a.Body, tokenBytes))
	if err = errors.Join(err, a.Body.Close()); err != nil {
		return g, later(fmt.Errorf("email: reading a token: %w", err))
	}
	if err := json.Unmarshal(body, &g); err != nil {
		return g, later(fmt.Errorf("email: the token endpoint answered %d with something else than JSON", a.StatusCode))
	}
	switch {
	case g.Error == "invalid_grant", g.Error == "interaction_required":
		return g, &channels.Failure{Class: channels.Revoked, Code: g.Error, Said: g.Said, Advice: "The provider no longer accepts the sign-in. Sign in to the inbox again."}
	case g.Error == "invalid_client", g.Error == "unauthorized_client":
		return g, &channels.Failure{Class: channels.Misconfigured, Code: g.Error, Said: g.Said, Advice: "The provider does not know the client id and secret. Correct them in the channel's app settings."}
	case g.Error != "":
		return g, &channels.Failure{Class: channels.AuthExpired, Code: g.Error, Said: g.Said, Advice: "The provider refused to renew the sign-in. Sign in to the inbox again."}
	case a.StatusCode >= http.StatusBadRequest || g.Access == "":
		return g, later(fmt.Errorf("email: the token endpoint answered %d without a token", a.StatusCode))
	}
	return g, nil
}

// connect is the way to add an inbox by signing in at a provider.
func connect(kind string) channels.Connect {
	p := providers[kind]
	return channels.Connect{Name: kind, Label: p.title, Needs: []string{p.id, p.secret},
		Begin: func(values map[string]string, redirect, state string) (string, error) {
			u, err := url.Parse(app(values, p.authorize))
			if err != nil {
				return "", fmt.Errorf("%s: %w", p.authorize, err)
			}
			q := u.Query()
			for k, v := range p.extra {
				q.Set(k, v)
			}
			for k, v := range map[string]string{"response_type": "code", "client_id": app(values, p.id), "redirect_uri": redirect, "scope": p.scope, "state": state} {
				q.Set(k, v)
			}
			u.RawQuery = q.Encode()
			return u.String(), nil
		},
		Finish: func(ctx context.Context, h *http.Client, values map[string]string, query map[string][]string, redirect string) ([]channels.Found, error) {
			return finish(ctx, h, p, values, query, redirect)
		},
	}
}

// finish trades the code for tokens (RFC 6749 §4.1.3) and makes the inbox of whom they are for.
func finish(ctx context.Context, h *http.Client, p provider, values map[string]string, query map[string][]string, redirect string) ([]channels.Found, error) {
	q := url.Values(query)
	if e := q.Get("error"); e != "" {
		return nil, &channels.Problem{Status: http.StatusForbidden, Title: "The provider did not grant access", Detail: strings.TrimSpace(e + ": " + q.Get("error_description"))}
	}
	g, err := exchange(ctx, h, app(values, p.token), url.Values{"grant_type": {"authorization_code"}, "code": {q.Get("code")}, "redirect_uri": {redirect},
		"client_id": {app(values, p.id)}, "client_secret": {app(values, p.secret)}})
	if err != nil {
		return nil, err
	}
	address, name := claims(g.ID)
	switch {
	case address == "":
		return nil, &channels.Problem{Status: http.StatusBadGateway, Title: "The provider did not say which inbox this is", Detail: "Allow the application to read the address, then sign in again."}
	case g.Refresh == "":
		return nil, &channels.Problem{Status: http.StatusBadGateway, Title: "The provider gave access for an hour only", Detail: "Remove the application's access in the provider's account settings, then sign in again."}
	}
	set := map[string]string{"provider": p.name, "address": address, "name": name, "refreshToken": g.Refresh, "accessToken": g.Access,
		"tokenExpires": g.ends(time.Now()).Format(time.RFC3339)}
	return []channels.Found{{Name: address, Handle: timeline.Handle(normal(address)), Settings: set}}, nil
}

// claims reads who signed in from an ID token. It came from the token endpoint itself over TLS,
// so that its signature need not be checked (OpenID Connect Core §3.1.3.7, 6).
func claims(token string) (address, name string) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", ""
	}
	b, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", ""
	}
	var c struct {
		Email string `json:"email"`
		User  string `json:"preferred_username"`
		UPN   string `json:"upn"`
		Name  string `json:"name"`
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return "", ""
	}
	for _, v := range []string{c.Email, c.User, c.UPN} {
		if checkAddress(v) == nil {
			return v, c.Name
		}
	}
	return "", ""
}
