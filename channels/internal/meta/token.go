package meta

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/parley-hub/parley/channels"
)

// App is an app of the platform: what it is called, and what it proves itself with.
type App struct{ ID, Secret string }

// Grant is a token that was given out. It never logs itself.
type Grant struct {
	Token   string
	User    string        // whose it is, as the app knows them; empty where it is not told
	Expires time.Duration // from now; 0: never, or not told
	Scopes  []string      // what was agreed to; nil where it is not told
}

// String names nothing secret.
func (g Grant) String() string { return "grant of " + g.User }

// UnmarshalJSON takes a grant flat, or as the only element of data, as the documentation has
// both; scopes come as a list or separated by commas.
func (g *Grant) UnmarshalJSON(b []byte) error {
	var w struct {
		Data    []json.RawMessage `json:"data"`
		Token   string            `json:"access_token"`
		User    Text              `json:"user_id"`
		Expires Int               `json:"expires_in"`
		Scopes  json.RawMessage   `json:"permissions"`
	}
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	if w.Token == "" && len(w.Data) > 0 {
		return g.UnmarshalJSON(w.Data[0])
	}
	*g = Grant{Token: w.Token, User: string(w.User), Expires: time.Duration(min(w.Expires, 10*365*24*3600)) * time.Second}
	var list []string
	if json.Unmarshal(w.Scopes, &list) != nil && plain(w.Scopes) != "" {
		list = strings.FieldsFunc(plain(w.Scopes), func(r rune) bool { return r == ',' || r == ' ' })
	}
	g.Scopes = list
	return nil
}

// errNoToken is a good answer without a token.
var errNoToken = errors.New("graph: the answer holds no token")

// granted makes a grant without token an error.
func granted(g Grant, err error) (Grant, error) {
	if err == nil && g.Token == "" {
		err = errNoToken
	}
	return g, err
}

// Redeem trades the code that a person came back with for a token. A code is good once.
func (c Client) Redeem(ctx context.Context, a App, code, redirect string) (Grant, error) {
	var g Grant
	err := c.Form(ctx, "oauth/access_token", url.Values{"client_id": {a.ID}, "client_secret": {a.Secret},
		"grant_type": {"authorization_code"}, "redirect_uri": {redirect}, "code": {code}}, &g)
	return granted(g, err)
}

// Lengthen trades a person's short-lived token of the Facebook login for one of about 60 days.
// The Page tokens that it then lists have no end.
func (c Client) Lengthen(ctx context.Context, a App, token string) (Grant, error) {
	var g Grant
	err := c.Form(ctx, "oauth/access_token", url.Values{"client_id": {a.ID}, "client_secret": {a.Secret},
		"grant_type": {"fb_exchange_token"}, "fb_exchange_token": {token}}, &g)
	return granted(g, err)
}

// Ask gets a token by a query, as the Instagram login has it.
func (c Client) Ask(ctx context.Context, path string, query url.Values) (Grant, error) {
	var g Grant
	err := c.Get(ctx, path, query, &g)
	return granted(g, err)
}

// Consent is the address of a consent page.
func Consent(page string, a App, redirect, state string, scopes []string) string {
	return page + "?" + url.Values{"client_id": {a.ID}, "redirect_uri": {redirect}, "response_type": {"code"},
		"state": {state}, "scope": {strings.Join(scopes, ",")}}.Encode()
}

// Returned is the code that a person came back from a consent page with. Who said no gives a
// *channels.Problem. The #_ that the platform hangs on is cut off.
func Returned(query map[string][]string) (string, error) {
	q := url.Values(query)
	if q.Get("error") != "" || q.Get("error_code") != "" {
		return "", &channels.Problem{Status: http.StatusForbidden, Title: "Access was not granted",
			Detail: "The platform says: " + firstOf(q.Get("error_description"), q.Get("error_message"), q.Get("error")) + ". Try again and agree to all that is asked."}
	}
	code := strings.TrimSuffix(q.Get("code"), "#_")
	if code == "" {
		return "", &channels.Problem{Status: http.StatusBadRequest, Title: "The platform sent no code", Detail: "Begin again from the account settings."}
	}
	return code, nil
}

func firstOf(vs ...string) string {
	for _, v := range vs {
		if v != "" {
			return v
		}
	}
	return ""
}

// Told is an error of a sign-in as a *channels.Problem that says what helps.
func Told(what string, err error) error {
	f := Failure(err)
	if f == nil {
		return nil
	}
	detail := f.Advice
	if f.Said != "" {
		detail = "The platform says: " + f.Said
	}
	status := http.StatusBadGateway
	if !f.Class.Again() {
		status = http.StatusUnprocessableEntity
	}
	return errors.Join(&channels.Problem{Status: status, Title: what, Detail: detail}, err)
}

// Page is a Page that a person manages, with its own token and the Instagram account that is
// linked to it, if one is.
type Page struct {
	ID        Text   `json:"id"`
	Name      string `json:"name"`
	Token     string `json:"access_token"`
	Instagram *struct {
		ID       Text   `json:"id"`
		Username string `json:"username"`
		Name     string `json:"name"`
	} `json:"instagram_business_account"`
}

// SignedIn lists the Pages of a person who came back from Facebook's consent page, each with its
// own token, which has no end: the code is traded for a lasting token of the person, and that
// one's Pages are asked for. What fails is told as a *channels.Problem.
func (c Client) SignedIn(ctx context.Context, a App, query map[string][]string, redirect string) ([]Page, error) {
	code, err := Returned(query)
	if err != nil {
		return nil, err
	}
	short, err := c.Redeem(ctx, a, code, redirect)
	if err != nil {
		return nil, Told("Facebook did not give access", err)
	}
	long, err := c.Lengthen(ctx, a, short.Token)
	if err != nil {
		return nil, Told("Facebook did not give lasting access", err)
	}
	c.Token, c.Proof = long.Token, Proof(a.Secret, long.Token)
	pages, err := c.Pages(ctx)
	if err != nil {
		return nil, Told("Facebook did not list the Pages", err)
	}
	return pages, nil
}

// pagesMost is how many lists of Pages are read at most.
const pagesMost = 50

// Pages lists the Pages that the client's token manages.
func (c Client) Pages(ctx context.Context) ([]Page, error) {
	var all []Page
	after := ""
	for range pagesMost {
		q := url.Values{"fields": {"id,name,access_token,instagram_business_account{id,username,name}"}, "limit": {"100"}}
		if after != "" {
			q.Set("after", after)
		}
		var list struct {
			Data   []Page `json:"data"`
			Paging struct {
				Cursors struct {
					After string `json:"after"`
				} `json:"cursors"`
				Next string `json:"next"`
			} `json:"paging"`
		}
		if err := c.Get(ctx, "me/accounts", q, &list); err != nil {
			return nil, err
		}
		all = append(all, list.Data...)
		if next := list.Paging.Cursors.After; list.Paging.Next == "" || next == "" || next == after {
			break
		}
		after = list.Paging.Cursors.After
	}
	return all, nil
}
