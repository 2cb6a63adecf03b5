package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/internal/auth"
	"github.com/parley-hub/parley/internal/gateway"
	"github.com/parley-hub/parley/timeline"
)

// Edge is what accounts need of the far side; *gateway.Gateway does it. An unknown kind, or a way
// of connecting that there is not, is gateway.ErrNoChannel.
type Edge interface {
	// Check looks after an account now: its subscription and its credentials.
	Check(ctx context.Context, id timeline.AccountID) (gateway.Account, error)
	App(ctx context.Context, kind string) (settings map[string]string, secrets map[string]bool, err error)
	SetApp(ctx context.Context, kind string, values map[string]string) error
	Connections(kind string) []gateway.Connection
	BeginConnect(ctx context.Context, kind, name, redirect, who string) (string, error)
	FinishConnect(ctx context.Context, kind, name, redirect, who string, query map[string][]string) ([]gateway.Account, error)
}

// ConnectInfo is a way to make accounts by signing in on the far side.
type ConnectInfo struct {
	Name  string            `json:"name"`
	Label map[string]string `json:"label" doc:"Of the button, by language."`
	Ready bool              `json:"ready" doc:"Whether the settings that the accounts share have what it needs."`
}

// AppSettings is what the accounts of a kind share.
type AppSettings struct {
	Settings map[string]string `json:"settings" doc:"Without secrets."`
	Secrets  map[string]bool   `json:"secrets" doc:"Which secrets are set."`
	Callback string            `json:"callback,omitempty" doc:"Where the far side's callbacks for all of them come in."`
}

// AppInput changes them. A setting named with an empty value is removed, except secrets: an
// empty secret stays as it is.
type AppInput struct {
	Settings map[string]string `json:"settings"`
}

// ConnectAddress is where to send the person's browser.
type ConnectAddress struct {
	URL string `json:"url" doc:"The far side's page on which the person lets the hub in."`
}

type kindInput struct {
	Kind string `path:"kind" maxLength:"64"`
}

type appInput struct {
	Kind string `path:"kind" maxLength:"64"`
	Body AppInput
}

type connectInput struct {
	Kind string `path:"kind" maxLength:"64"`
	Name string `path:"name" maxLength:"64"`
}

// noEdge is a hub without a far side.
type noEdge struct{}

func (noEdge) Check(context.Context, timeline.AccountID) (gateway.Account, error) {
	return gateway.Account{}, gateway.ErrNoAccount
}
func (noEdge) App(context.Context, string) (map[string]string, map[string]bool, error) {
	return nil, nil, gateway.ErrNoChannel
}
func (noEdge) SetApp(context.Context, string, map[string]string) error { return gateway.ErrNoChannel }
func (noEdge) Connections(string) []gateway.Connection                 { return nil }
func (noEdge) BeginConnect(context.Context, string, string, string, string) (string, error) {
	return "", gateway.ErrNoChannel
}
func (noEdge) FinishConnect(context.Context, string, string, string, string, map[string][]string) ([]gateway.Account, error) {
	return nil, gateway.ErrNoChannel
}

func (s *Server) connectRoutes(app *fiber.App) {
	if s.Edge == nil {
		s.Edge = noEdge{}
	}
	example := AppSettings{Settings: map[string]string{"appId": "1234567890"}, Secrets: map[string]bool{"appSecret": true}, Callback: "https://inbox.example.org/hooks/example"}
	register(s, Route{ID: "check-account", Method: http.MethodPost, Path: "/api/accounts/{id}/check", Tag: "accounts", Access: Needs(auth.AccountManage),
		Summary: "Check an account now", Help: "Asks the far side whether its callbacks come to the hub, and renews credentials that are due. The account's health tells what was found.",
		Out: exampleAccount}, s.checkAccount)
	register(s, Route{ID: "get-channel-app", Method: http.MethodGet, Path: "/api/channels/{kind}/app", Tag: "accounts", Access: Needs(auth.AccountManage),
		Summary: "What the accounts of a kind share", Out: example}, s.getApp)
	register(s, Route{ID: "change-channel-app", Method: http.MethodPut, Path: "/api/channels/{kind}/app", Tag: "accounts", Access: Needs(auth.AccountManage),
		Summary: "Change what the accounts of a kind share", Help: "A secret that is changed goes on verifying callbacks that were signed with it.",
		In: AppInput{Settings: map[string]string{"appId": "1234567890"}}, Out: example}, s.setApp)
	register(s, Route{ID: "connect-account", Method: http.MethodPost, Path: "/api/channels/{kind}/connect/{name}", Tag: "accounts", Access: Needs(auth.AccountManage), Errors: []int{409},
		Summary: "Sign in on the far side", Help: "Send the browser to the address. It comes back within ten minutes, with the same sign-in, and lands on the settings page.",
		Out: ConnectAddress{URL: "https://provider.example/authorize?state=…"}}, s.beginConnect)
	back := Route{ID: "connected", Method: http.MethodGet, Path: "/connect/{kind}/{name}", Tag: "accounts", Access: Needs(auth.AccountManage),
		Status: http.StatusSeeOther, Errors: []int{409}, Summary: "Back from signing in on the far side",
		Help: "The far side sends the browser here. It lands on the settings page, with `connected` or `failed` saying what came of it."}
	s.routes = append(s.routes, back)
	op := operation(back)
	op.Responses = map[string]*huma.Response{"303": {Description: "To the settings page"}}
	problems := s.huma.OpenAPI().Components.Schemas.Schema(problemType, true, "Problem")
	for _, code := range op.Errors {
		op.Responses[strconv.Itoa(code)] = &huma.Response{Description: http.StatusText(code), Content: map[string]*huma.MediaType{problemJSON: {Schema: problems}}}
	}
	op.Parameters = []*huma.Param{{Name: "kind", In: "path", Required: true, Schema: &huma.Schema{Type: "string"}},
		{Name: "name", In: "path", Required: true, Schema: &huma.Schema{Type: "string"}}, {Name: "state", In: "query", Schema: &huma.Schema{Type: "string"}}}
	s.huma.OpenAPI().AddOperation(&op)
	app.Get("/connect/:kind/:name", secure, s.connected(back))
}

func (s *Server) checkAccount(ctx context.Context, in *idInput) (*body[Account], error) {
	a, err := s.Edge.Check(ctx, timeline.AccountID(in.ID))
	if err != nil {
		return nil, edgeError(err)
	}
	return &body[Account]{*s.masked(ctx, a)}, nil
}

func (s *Server) getApp(ctx context.Context, in *kindInput) (*body[AppSettings], error) {
	c := s.channel(in.Kind)
	if c == nil {
		return nil, edgeError(gateway.ErrNoChannel)
	}
	settings, secrets, err := s.Edge.App(ctx, in.Kind)
	if err != nil {
		return nil, err
	}
	out := AppSettings{Settings: map[string]string{}, Secrets: map[string]bool{}, Callback: s.sharedCallback(ctx, c)}
	for _, set := range c.App {
		if set.Secret() {
			out.Secrets[set.Name] = secrets[set.Name]
		} else if v := settings[set.Name]; v != "" {
			out.Settings[set.Name] = v
		}
	}
	return &body[AppSettings]{out}, nil
}

func (s *Server) setApp(ctx context.Context, in *appInput) (*body[AppSettings], error) {
	if err := s.Edge.SetApp(ctx, in.Kind, in.Body.Settings); err != nil {
		return nil, edgeError(err)
	}
	if err := s.audit(ctx, "channel.app", in.Kind, nil); err != nil {
		return nil, err
	}
	return s.getApp(ctx, &kindInput{in.Kind})
}

func (s *Server) beginConnect(ctx context.Context, in *connectInput) (*body[ConnectAddress], error) {
	who := signInOf(callerOf(ctx))
	if who == "" {
		return nil, problem("conflict", "Begin this in a browser in which you are signed in: the far side sends you back to it.")
	}
	to, err := s.Edge.BeginConnect(ctx, in.Kind, in.Name, s.connectURL(ctx, in.Kind, in.Name), who)
	if err != nil {
		return nil, edgeError(err)
	}
	return &body[ConnectAddress]{ConnectAddress{URL: to}}, s.audit(ctx, "account.connect", in.Kind, map[string]string{"by": in.Name})
}

// signInOf names the sign-in that a state belongs to; empty for a token, which no browser has.
func signInOf(who *caller) string {
	if who == nil || who.Principal == nil || who.Session == "" {
		return ""
	}
	return string(who.Agent) + "|" + who.Session
}

// connectURL is where the far side sends the browser back to.
func (s *Server) connectURL(ctx context.Context, kind, name string) string {
	return s.reachedAt(ctx) + "/connect/" + url.PathEscape(kind) + "/" + url.PathEscape(name)
}

// sharedCallback is where callbacks for all accounts of a kind come in; empty where each has its own.
func (s *Server) sharedCallback(ctx context.Context, c *channels.Channel) string {
	if c.Split == nil {
		return ""
	}
	return s.reachedAt(ctx) + "/hooks/" + c.Kind
}

// settingsPage is where a browser that came back lands, with what came of it.
const settingsPage = "/settings/accounts"

// connected takes a browser that comes back from the far side. Its address holds a code: it is
// kept by nobody and told to nobody.
func (s *Server) connected(r Route) fiber.Handler {
	return func(c *fiber.Ctx) error {
		ctx := c.UserContext()
		who, err := s.admit(ctx, c, r.Access)
		if err == nil {
			ctx = context.WithValue(ctx, callerKey{}, who)
			var names []string
			if names, err = s.finishConnect(ctx, c, who); err == nil {
				return c.Redirect(settingsPage+"?connected="+url.QueryEscape(strings.Join(names, ", ")), http.StatusSeeOther)
			}
		}
		if !strings.Contains(c.Get(fiber.HeaderAccept), "text/html") {
			s.answer(c, r, err)
			return nil
		}
		var p *Problem
		errors.As(s.fail(ctx, r, err), &p)
		return c.Redirect(settingsPage+"?failed="+url.QueryEscape(p.Title+". "+p.Detail), http.StatusSeeOther)
	}
}

func (s *Server) finishConnect(ctx context.Context, c *fiber.Ctx, who *caller) (names []string, err error) {
	query, err := url.ParseQuery(string(c.Request().URI().QueryString()))
	if err != nil {
		return nil, edgeError(gateway.ErrConnect)
	}
	kind, name := c.Params("kind"), c.Params("name")
	list, err := s.Edge.FinishConnect(ctx, kind, name, s.connectURL(ctx, kind, name), signInOf(who), query)
	for i := range list { // those that were made before one failed are told too
		names = append(names, list[i].Name)
		if audited := s.audit(ctx, "account.connected", string(list[i].ID), map[string]string{"channel": kind, "by": name, "name": list[i].Name}); audited != nil {
			err = errors.Join(err, audited)
		}
	}
	return names, edgeError(err)
}

// edgeError is an error of the edge as clients read it.
func edgeError(err error) error {
	switch {
	case errors.Is(err, gateway.ErrNoChannel):
		return problem("not-found", "There is no such channel, or no such way to connect it.")
	case errors.Is(err, gateway.ErrConnect):
		return problem("conflict", "This sign-in was not begun here, took longer than ten minutes, or was used already. Begin again.")
	}
	return err
}
