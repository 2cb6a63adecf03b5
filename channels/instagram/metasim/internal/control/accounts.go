package control

import (
	"fmt"
	"net/http"
	"time"

	"github.com/parley-hub/parley/channels/instagram/metasim/internal/world"
)

// newAccount is a business with what a test wants beside it: tokens of every kind, and
// subscriptions as if somebody had made them.
type newAccount struct {
	world.Business
	App       string   `json:"app"`       // tokens are for this app; the only one where empty
	Subscribe []string `json:"subscribe"` // nodes to subscribe at once: "ig", "page", "waba"
	Fields    []string `json:"fields"`    // of those subscriptions; empty is all
	Tokens    tokens   `json:"tokens"`    // wanted values; drawn where empty
}

type tokens struct {
	IG     string `json:"ig,omitempty"`     // graph.instagram.com, 60 days
	User   string `json:"user,omitempty"`   // graph.facebook.com, 60 days
	Page   string `json:"page,omitempty"`   // graph.facebook.com, no end
	System string `json:"system,omitempty"` // graph.facebook.com, no end: WhatsApp
}

type madeAccount struct {
	*world.Business
	Tokens tokens `json:"tokens"`
}

func (a *API) addAccount(_ *http.Request, body []byte) (any, error) {
	var in newAccount
	if err := read(body, &in); err != nil {
		return nil, err
	}
	return a.locked(func() (any, error) { return a.makeAccount(in) })
}

func (a *API) makeAccount(in newAccount) (any, error) {
	app, err := a.oneApp(in.App)
	if err != nil {
		return nil, err
	}
	if in.IG == "" && in.Page == "" && in.Phone == "" {
		in.IG = "auto"
	}
	if in.Phone != "" && in.WABA == "" {
		in.WABA = "auto"
	}
	b, err := a.w.AddBusiness(in.Business)
	if err != nil {
		return nil, err
	}
	for _, node := range in.Subscribe {
		if node != "ig" && node != "page" && node != "waba" {
			return nil, fmt.Errorf("subscribe has %q; it may have ig, page and waba", node)
		}
		b.Subs = append(b.Subs, world.Sub{App: app, Node: node, Fields: in.Fields})
	}
	var t tokens
	if b.IG != "" {
		t.IG = a.w.Issue("ig_long", app, b.Key, world.ScopesInstagram, world.LongLife, in.Tokens.IG).Value
	}
	if b.Page != "" {
		t.User = a.w.Issue("fb_long", app, b.Key, world.ScopesFacebook, world.LongLife, in.Tokens.User).Value
		t.Page = a.w.Issue("page", app, b.Key, world.ScopesFacebook, 0, in.Tokens.Page).Value
	}
	if b.Phone != "" {
		t.System = a.w.Issue("system", app, b.Key, world.ScopesFacebook, 0, in.Tokens.System).Value
	}
	for _, p := range a.w.PeopleInOrder() {
		for _, s := range []string{world.Instagram, world.Messenger} {
			if b.AccountID(s) != "" {
				a.w.ScopedID(s, b, p)
			}
		}
	}
	return clone(madeAccount{b, t})
}

// oneApp is the app asked for, or the only one there is.
func (a *API) oneApp(id string) (string, error) {
	apps := a.w.State().Apps
	if id == "" && len(apps) == 1 {
		for k := range apps {
			id = k
		}
	}
	if apps[id] == nil {
		return "", fmt.Errorf("app %q: %w; there are %d", id, errUnknown, len(apps))
	}
	return id, nil
}

func (a *API) addToken(_ *http.Request, body []byte) (any, error) {
	var in struct {
		Kind     string   `json:"kind"`
		App      string   `json:"app"`
		Business string   `json:"business"`
		Scopes   []string `json:"scopes"` // null is all of the login
		LifeS    int      `json:"life_s"` // 0 never ends
		Value    string   `json:"value"`
		Redirect string   `json:"redirect"` // of a code
	}
	if err := read(body, &in); err != nil {
		return nil, err
	}
	return a.locked(func() (any, error) {
		app, err := a.oneApp(in.App)
		if err != nil {
			return nil, err
		}
		b := a.w.Business(in.Business)
		if b == nil {
			return nil, fmt.Errorf("account %q: %w", in.Business, errUnknown)
		}
		scopes := in.Scopes
		switch in.Kind {
		case "ig_short", "ig_long":
			if scopes == nil {
				scopes = world.ScopesInstagram
			}
		case "fb_user", "fb_long", "page", "system", "code":
			if scopes == nil {
				scopes = world.ScopesFacebook
			}
		default:
			return nil, fmt.Errorf("kind %q is none of ig_short, ig_long, fb_user, fb_long, page, system, code", in.Kind)
		}
		t := a.w.Issue(in.Kind, app, b.Key, scopes, time.Duration(in.LifeS)*time.Second, in.Value)
		t.Redirect = in.Redirect
		return clone(t)
	})
}

// revoke ends tokens: one by its value, or all of an account. The subcode says why: 460 the
// password changed, 458 the app was removed, 467 the session was ended.
func (a *API) revoke(_ *http.Request, body []byte) (any, error) {
	var in struct {
		Value    string `json:"value"`
		Business string `json:"business"`
		Subcode  int    `json:"subcode"`
	}
	if err := read(body, &in); err != nil {
		return nil, err
	}
	return a.locked(func() (any, error) {
		n := 0
		for _, t := range a.w.State().Tokens {
			if t.Value == in.Value || in.Business != "" && t.Business == in.Business {
				t.Revoked, t.Subcode = true, in.Subcode
				n++
			}
		}
		if n == 0 {
			return nil, fmt.Errorf("token to revoke: %w", errUnknown)
		}
		return map[string]any{"ok": true, "revoked": n}, nil
	})
}
