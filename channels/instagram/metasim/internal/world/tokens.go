package world

import (
	"strings"
	"time"

	"github.com/parley-hub/parley/channels/instagram/metasim/internal/wire"
)

// Lives of tokens and codes.
const (
	CodeLife    = time.Hour
	ShortLife   = time.Hour
	LongLife    = 5183944 * time.Second
	RefreshFrom = 24 * time.Hour
)

// Hosts tokens belong to.
const (
	GraphFacebook  = "graph.facebook.com"
	GraphInstagram = "graph.instagram.com"
	APIInstagram   = "api.instagram.com"
	WWWInstagram   = "www.instagram.com"
	WWWFacebook    = "www.facebook.com"
	CDN            = "lookaside.fbsbx.com"
)

// ScopesInstagram are the Instagram login's.
var ScopesInstagram = []string{
	"instagram_business_basic", "instagram_business_manage_messages", "instagram_business_manage_comments",
}

// ScopesFacebook are the Facebook login's, WhatsApp included.
var ScopesFacebook = []string{
	"instagram_basic", "instagram_manage_messages", "instagram_manage_comments", "pages_manage_metadata",
	"pages_messaging", "pages_show_list", "whatsapp_business_messaging", "whatsapp_business_management",
}

// Issue makes a token. An empty value is drawn; a life of 0 is no end.
func (w *World) Issue(kind, app, business string, scopes []string, life time.Duration, value string) *Token {
	prefix := map[string]string{"ig_short": "IGAA", "ig_long": "IGAA", "code": "AQ", "page": "EAAP", "system": "EAAS"}[kind]
	if prefix == "" {
		prefix = "EAAU"
	}
	if value == "" {
		value = prefix + w.opaque(48)
	}
	t := &Token{Value: value, Kind: kind, App: app, Business: business,
		Scopes: append([]string(nil), scopes...), Issued: w.now()}
	if life > 0 {
		t.Expires = t.Issued.Add(life)
	}
	w.st.Tokens[t.Value] = t
	return t
}

// Instagram says whether a token belongs to graph.instagram.com.
func (t *Token) Instagram() bool { return strings.HasPrefix(t.Kind, "ig_") }

// Has says whether the token was granted one of the scopes.
func (t *Token) Has(scopes ...string) bool {
	for _, s := range scopes {
		if has(t.Scopes, s) {
			return true
		}
	}
	return false
}

// Token checks a token for a host, and its proof where the app demands one.
func (w *World) Token(host, value, proof string) (*Token, *Error) {
	if value == "" {
		return nil, &Error{Status: bad, Code: 104, Message: "An access token is required to request this resource."}
	}
	if t := w.appToken(value); t != nil && host == GraphFacebook {
		return t, nil
	}
	t := w.st.Tokens[value]
	switch {
	case t == nil || t.Kind == "code":
		return nil, tokenError(0, "Invalid OAuth access token - Cannot parse access token")
	case t.Instagram() != (host == GraphInstagram):
		return nil, tokenError(0, "Invalid OAuth access token - Cannot parse access token")
	case t.Revoked:
		return nil, tokenError(t.Subcode, "Error validating access token: The session has been invalidated.")
	case w.expired(t):
		return nil, tokenError(463, "Error validating access token: Session has expired on "+
			t.Expires.Format("Monday, 02-Jan-06 15:04:05 MST")+".")
	}
	return t, w.checkProof(t, host, proof)
}

func (w *World) expired(t *Token) bool {
	return !t.Expires.IsZero() && !w.now().Before(t.Expires)
}

func (w *World) checkProof(t *Token, host, proof string) *Error {
	app := w.st.Apps[t.App]
	if app == nil || host != GraphFacebook {
		return nil
	}
	switch {
	case proof == "" && app.RequireProof:
		return BadParam("API calls from the server require an appsecret_proof argument")
	case proof != "" && proof != wire.Proof(app.Secret, t.Value):
		return BadParam("Invalid appsecret_proof provided in the API argument")
	}
	return nil
}

// appToken reads an app token, "id|secret".
func (w *World) appToken(value string) *Token {
	id, secret, ok := strings.Cut(value, "|")
	if !ok {
		return nil
	}
	if a := w.st.Apps[id]; a != nil && a.Secret == secret {
		return &Token{Value: value, Kind: "app", App: id}
	}
	return nil
}

// Redeem turns a code into a short token; a code works once, for an hour, with the same
// redirect address. The #_ that the login appends belongs to no code.
func (w *World) Redeem(code, redirect string, app *App, instagram bool) (*Token, *Error) {
	t := w.st.Tokens[code]
	if t == nil || t.Kind != "code" || t.App != app.ID || w.expired(t) {
		return nil, &Error{Status: bad, Code: 100, Subcode: 36009, Message: "This authorization code has been used or has expired."}
	}
	if t.Redirect != redirect {
		return nil, &Error{Status: bad, Code: 100, Subcode: 36008, Message: "Error validating verification code. Please make sure your redirect_uri is identical to the one you used in the OAuth dialog request"}
	}
	delete(w.st.Tokens, code)
	if instagram {
		return w.Issue("ig_short", app.ID, t.Business, t.Scopes, ShortLife, ""), nil
	}
	return w.Issue("fb_user", app.ID, t.Business, t.Scopes, 2*time.Hour, ""), nil
}

// Lengthen exchanges a short token for one of 60 days.
func (w *World) Lengthen(t *Token) *Token {
	kind := "fb_long"
	if t.Instagram() {
		kind = "ig_long"
	}
	return w.Issue(kind, t.App, t.Business, t.Scopes, LongLife, "")
}

// Refresh renews a long Instagram token: only one at least 24 hours old and still alive. The
// old one lives on until its own end.
func (w *World) Refresh(t *Token) (*Token, *Error) {
	if t.Kind != "ig_long" {
		return nil, BadParam("Only a long-lived access token can be refreshed")
	}
	if w.now().Sub(t.Issued) < RefreshFrom {
		return nil, BadParam("The access token is too new: it must be at least 24 hours old to be refreshed")
	}
	return w.Issue("ig_long", t.App, t.Business, t.Scopes, LongLife, ""), nil
}

// PageToken is the token of a business's Page, derived from a person's login.
func (w *World) PageToken(t *Token, b *Business) *Token {
	for _, p := range w.sortedTokens() {
		if p.Kind == "page" && p.App == t.App && p.Business == b.Key && !p.Revoked && equalSets(p.Scopes, t.Scopes) {
			return p
		}
	}
	return w.Issue("page", t.App, b.Key, t.Scopes, 0, "")
}

func equalSets(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for _, s := range a {
		if !has(b, s) {
			return false
		}
	}
	return true
}
