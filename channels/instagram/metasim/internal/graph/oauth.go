package graph

import (
	"bytes"
	"html/template"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"strings"

	"github.com/parley-hub/parley/channels/instagram/metasim/internal/wire"
	"github.com/parley-hub/parley/channels/instagram/metasim/internal/world"
)

// login answers the hosts a browser visits: the consent page and what follows it.
func (c *call) login() reply {
	if !strings.HasSuffix(c.path, "/oauth/authorize") && !strings.HasSuffix(c.path, "/dialog/oauth") &&
		c.path != "/oauth/authorize" && c.path != "/dialog/oauth" {
		return c.unimplemented()
	}
	c.api.w.Lock()
	defer c.api.w.Unlock()
	instagram := c.host == world.WWWInstagram
	app := c.app(c.p.str("client_id"), instagram)
	redirect, err := url.Parse(c.p.str("redirect_uri"))
	switch {
	case app == nil:
		return problem("Invalid platform app", "The client_id is not known.")
	case err != nil || redirect.Host == "":
		return problem("Invalid redirect_uri", "The redirect_uri has to be a full address.")
	case c.p.str("response_type") != "code" && c.p.has("response_type"):
		return problem("Invalid response_type", "Only code is possible.")
	}
	if c.r.Method == http.MethodPost {
		return c.consented(app, redirect, instagram)
	}
	return c.consent(app, instagram)
}

// app finds an app by the id of either login.
func (c *call) app(id string, instagram bool) *world.App {
	for _, a := range c.api.w.State().Apps {
		if id != "" && (a.ID == id || instagram && a.IGAppID == id) {
			return a
		}
	}
	return nil
}

func (c *call) scopes(instagram bool) []string {
	all := world.ScopesFacebook
	if instagram {
		all = world.ScopesInstagram
	}
	asked := c.p.strings("scope")
	if len(asked) == 0 {
		return all
	}
	var out []string
	for _, s := range asked {
		if contains(all, s) {
			out = append(out, s)
		}
	}
	return out
}

// consented sends the browser back: with a code and the #_ that no client asked for, or with
// the refusal. A form names the account and may leave scopes out.
func (c *call) consented(app *world.App, to *url.URL, instagram bool) reply {
	q := to.Query()
	if s := c.p.str("state"); s != "" {
		q.Set("state", s)
	}
	if c.p.str("decision") == "cancel" {
		q.Set("error", "access_denied")
		q.Set("error_reason", "user_denied")
		q.Set("error_description", "The user denied your request.")
		to.RawQuery = q.Encode()
		return reply{status: http.StatusFound, location: to.String()}
	}
	b := c.api.w.Business(c.p.str("account"))
	if b == nil || instagram && b.IG == "" {
		return problem("No account", "Choose an account that exists.")
	}
	scopes := c.scopes(instagram)
	if granted := c.r.PostForm["grant"]; len(granted) > 0 {
		scopes = granted
	}
	t := c.api.w.Issue("code", app.ID, b.Key, scopes, world.CodeLife, "")
	t.Redirect = c.p.str("redirect_uri")
	q.Set("code", t.Value)
	to.RawQuery = q.Encode()
	return reply{status: http.StatusFound, location: to.String() + "#_"}
}

type consentView struct {
	App, Host string
	Accounts  []consentAccount
	Scopes    []string
	Hidden    map[string]string
}

type consentAccount struct{ Key, Name, Username string }

func (c *call) consent(app *world.App, instagram bool) reply {
	v := consentView{App: app.Name, Host: c.host, Scopes: c.scopes(instagram), Hidden: map[string]string{}}
	for _, k := range []string{"client_id", "redirect_uri", "state", "scope", "response_type"} {
		if s := c.p.str(k); s != "" {
			v.Hidden[k] = s
		}
	}
	for _, b := range c.api.w.BusinessesInOrder() {
		if b.IG != "" || !instagram {
			v.Accounts = append(v.Accounts, consentAccount{b.Key, b.Name, b.Username})
		}
	}
	return page(http.StatusOK, consentPage, v)
}

func problem(title, text string) reply {
	return page(http.StatusBadRequest, problemPage, map[string]string{"Title": title, "Text": text})
}

func page(status int, t *template.Template, v any) reply {
	var b bytes.Buffer
	if err := t.Execute(&b, v); err != nil {
		return reply{status: http.StatusInternalServerError, raw: []byte(err.Error()), kind: "text/plain"}
	}
	return reply{status: status, raw: b.Bytes(), kind: "text/html; charset=utf-8"}
}

const pageHead = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:10vh auto;padding:0 1rem}
form{border:1px solid color-mix(in srgb,currentColor 18%,transparent);border-radius:16px;padding:1.5rem}h1{font-size:1.25rem;margin:0 0 .75rem}
label{display:block;padding:.3rem 0}select,button{font:inherit;width:100%;padding:.65rem;border-radius:10px;border:1px solid color-mix(in srgb,currentColor 25%,transparent);margin:.4rem 0}
button[value=allow]{background:#0064e0;color:#fff;border:0;font-weight:600}small{opacity:.7}</style>`

var consentPage = template.Must(template.New("consent").Parse(pageHead + `<title>Log in</title>
<form method="post"><h1>{{.App}} asks for access</h1>
<label>Account <select name="account">{{range .Accounts}}<option value="{{.Key}}">{{.Name}} (@{{.Username}})</option>{{end}}</select></label>
{{range .Scopes}}<label><input type="checkbox" name="grant" value="{{.}}" checked> {{.}}</label>{{end}}
{{range $k, $v := .Hidden}}<input type="hidden" name="{{$k}}" value="{{$v}}">{{end}}
<button name="decision" value="allow">Allow</button><button name="decision" value="cancel">Cancel</button>
<small>metasim, in the place of {{.Host}}</small></form>`))

var problemPage = template.Must(template.New("problem").Parse(pageHead + `<title>{{.Title}}</title><form><h1>{{.Title}}</h1>{{.Text}}</form>`))

// redeemInstagram answers POST api.instagram.com/oauth/access_token.
func (c *call) redeemInstagram() reply {
	c.api.w.Lock()
	defer c.api.w.Unlock()
	app, rep := c.client(true)
	if app == nil {
		return rep
	}
	if c.p.str("grant_type") != "authorization_code" {
		return fail(world.BadParam("grant_type has to be authorization_code"))
	}
	t, err := c.api.w.Redeem(c.p.str("code"), c.p.str("redirect_uri"), app, true)
	if err != nil {
		return fail(err)
	}
	// The documentation shows the id as text in one place and as a number in another.
	b := c.api.w.Business(t.Business)
	o := wire.O("access_token", t.Value, "user_id", b.IGUser, "permissions", strings.Join(t.Scopes, ","))
	if c.api.w.Settings().TokenAnswer == "data" {
		return ok(wire.O("data", []any{o}))
	}
	return ok(o)
}

// client checks client_id and client_secret.
func (c *call) client(instagram bool) (*world.App, reply) {
	app := c.app(c.p.str("client_id"), instagram)
	if app == nil {
		return nil, fail(&world.Error{Status: 400, Code: 101, Message: "Error validating application. Cannot get application info due to a system error."})
	}
	secret := c.p.str("client_secret")
	if secret == app.Secret || instagram && app.IGSecret != "" && secret == app.IGSecret {
		return app, reply{}
	}
	return nil, fail(&world.Error{Status: 400, Code: 1, Message: "Error validating client secret."})
}

// tokens answers the calls that make tokens from tokens; done is false for all others.
func (c *call) tokens() (rep reply, done bool) {
	c.api.w.Lock()
	defer c.api.w.Unlock()
	switch {
	case c.host == world.GraphInstagram && c.path == "/access_token":
		return c.lengthenInstagram(), true
	case c.host == world.GraphInstagram && c.path == "/refresh_access_token":
		return c.refreshInstagram(), true
	case c.host == world.GraphFacebook && c.path == "/oauth/access_token":
		return c.facebookToken(), true
	case c.host == world.GraphFacebook && c.path == "/debug_token":
		return c.debugToken(), true
	}
	return reply{}, false
}

func (c *call) answer(t *world.Token) reply {
	o := wire.O("access_token", t.Value, "token_type", "bearer")
	if !t.Expires.IsZero() {
		o = o.With("expires_in", int(t.Expires.Sub(t.Issued).Seconds()))
	}
	return ok(o)
}

func (c *call) lengthenInstagram() reply {
	if c.p.str("grant_type") != "ig_exchange_token" {
		return fail(world.BadParam("grant_type has to be ig_exchange_token"))
	}
	t, err := c.api.w.Token(c.host, c.p.str("access_token"), "")
	if err != nil {
		return fail(err)
	}
	app := c.api.w.State().Apps[t.App]
	if s := c.p.str("client_secret"); s != app.Secret && (app.IGSecret == "" || s != app.IGSecret) {
		return fail(&world.Error{Status: 400, Code: 1, Message: "Error validating client secret."})
	}
	return c.answer(c.api.w.Lengthen(t))
}

func (c *call) refreshInstagram() reply {
	if c.p.str("grant_type") != "ig_refresh_token" {
		return fail(world.BadParam("grant_type has to be ig_refresh_token"))
	}
	t, err := c.api.w.Token(c.host, c.p.str("access_token"), "")
	if err != nil {
		return fail(err)
	}
	fresh, err := c.api.w.Refresh(t)
	if err != nil {
		return fail(err)
	}
	return c.answer(fresh)
}

// facebookToken answers oauth/access_token: a code, an exchange, or an app's own token.
func (c *call) facebookToken() reply {
	app, rep := c.client(false)
	if app == nil {
		return rep
	}
	switch c.p.str("grant_type") {
	case "client_credentials":
		return ok(wire.O("access_token", app.ID+"|"+app.Secret, "token_type", "bearer"))
	case "fb_exchange_token":
		t, err := c.api.w.Token(c.host, c.p.str("fb_exchange_token"), "")
		if err != nil {
			return fail(err)
		}
		return c.answer(c.api.w.Lengthen(t))
	}
	t, err := c.api.w.Redeem(c.p.str("code"), c.p.str("redirect_uri"), app, false)
	if err != nil {
		return fail(err)
	}
	return c.answer(t)
}

func (c *call) debugToken() reply {
	if _, err := c.api.w.Token(c.host, c.p.str("access_token"), ""); err != nil {
		return fail(err)
	}
	t := c.api.w.State().Tokens[c.p.str("input_token")]
	if t == nil {
		return fail(world.BadParam("The parameter input_token is not a token"))
	}
	_, err := c.api.w.Token(map[bool]string{true: world.GraphInstagram, false: world.GraphFacebook}[t.Instagram()],
		t.Value, wire.Proof(c.api.w.State().Apps[t.App].Secret, t.Value))
	expires := int64(0)
	if !t.Expires.IsZero() {
		expires = t.Expires.Unix()
	}
	return ok(wire.O("data", wire.O("app_id", t.App, "type", strings.ToUpper(t.Kind), "is_valid", err == nil,
		"issued_at", t.Issued.Unix(), "expires_at", expires, "scopes", t.Scopes)))
}

// subscriptions answers /{app}/subscriptions: the callbacks of an app, with its own token. A
// new callback is shaken hands with first.
func (c *call) subscriptions(id string) reply {
	if c.token.Kind != "app" || c.token.App != id {
		return fail(world.Missing(c.r.Method, id))
	}
	switch c.r.Method {
	case http.MethodGet:
		return c.callbacks(id)
	case http.MethodPost:
		h := world.Hook{Object: c.p.str("object"), URL: c.p.str("callback_url"), VerifyToken: c.p.str("verify_token"), Fields: c.p.strings("fields")}
		if err := c.api.w.Subscribe(c.r.Context(), id, h); err != nil {
			return fail(&world.Error{Status: 400, Code: 2200, Message: "(#2200) Callback verification failed: " + err.Error()})
		}
		return success()
	case http.MethodDelete:
		c.api.w.Lock()
		defer c.api.w.Unlock()
		delete(c.api.w.State().Apps[id].Hooks, c.p.str("object"))
		return success()
	}
	return c.unimplemented()
}

func (c *call) callbacks(id string) reply {
	c.api.w.Lock()
	defer c.api.w.Unlock()
	data := []any{}
	hooks := c.api.w.State().Apps[id].Hooks
	objects := make([]string, 0, len(hooks))
	for o := range hooks {
		objects = append(objects, o)
	}
	sort.Strings(objects)
	for _, o := range objects {
		h := hooks[o]
		fields := []any{}
		for _, f := range h.Fields {
			fields = append(fields, wire.O("name", f, "version", "v"+strconv.Itoa(c.api.w.Settings().MaxVersion)+".0"))
		}
		data = append(data, wire.O("object", h.Object, "callback_url", h.URL, "active", h.Verified, "fields", fields))
	}
	return ok(wire.O("data", data))
}
