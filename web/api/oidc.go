package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"

	"github.com/parley-hub/parley/internal/auth"
)

// OIDC signs agents in at a provider of OpenID Connect; *auth.OIDC does.
type OIDC interface {
	Name() string
	SignsOut() bool
	Begin(ctx context.Context, redirect, back string) (to, kept string, err error)
	Finish(ctx context.Context, query url.Values, kept string, c auth.Client, earlier string) (*auth.SignedInOIDC, error)
	End(ctx context.Context, after string) (string, error)
}

// SignInMethods is how people may sign in.
type SignInMethods struct {
	Password bool        `json:"password" doc:"POST /api/session"`
	OIDC     *OIDCMethod `json:"oidc,omitempty" doc:"Absent: there is none."`
}

// OIDCMethod is signing in at a provider.
type OIDCMethod struct {
	Name    string `json:"name" example:"Example SSO" doc:"The provider's, for the button."`
	Begin   string `json:"begin" doc:"Where to send the browser, with back as the page to land on."`
	SignOut string `json:"signOut,omitempty" doc:"Where to send the browser after DELETE /api/session, to sign out there as well; absent: nowhere."`
}

const (
	oidcPath   = "/api/session/oidc"
	oidcBack   = oidcPath + "/callback"
	oidcEnd    = oidcPath + "/end"
	oidcCookie = "parley_oidc"
)

func (s *Server) oidcRoutes(app *fiber.App) {
	register(s, Route{ID: "list-sign-in-methods", Method: http.MethodGet, Path: "/api/session/methods", Tag: "session", Access: Public,
		Summary: "How people may sign in", Out: SignInMethods{Password: true, OIDC: &OIDCMethod{Name: "Example SSO", Begin: oidcPath}}}, s.methods)
	s.browser(app, Route{ID: "begin-oidc", Path: oidcPath, Status: http.StatusFound, Summary: "Sign in at the provider",
		Help: "For browsers: leads to the provider. `back` is the page to land on, a path of the app."}, s.beginOIDC)
	s.browser(app, Route{ID: "finish-oidc", Path: oidcBack, Status: http.StatusSeeOther, Summary: "Back from the provider",
		Help: "The provider sends the browser here. It lands signed in on the page it was to, or on `/?failed=` with the kind of problem, which `/api/problems/{code}` explains."}, s.finishOIDC)
	s.browser(app, Route{ID: "end-oidc", Path: oidcEnd, Status: http.StatusFound, Summary: "Sign out at the provider",
		Help: "For browsers, after signing out here: leads to the provider, if it offers that, and comes back to the app."}, s.endOIDC)
	register(s, Route{ID: "unlink-agent", Method: http.MethodDelete, Path: "/api/agents/{id}/oidc", Tag: "agents", Access: Needs(auth.AgentManage), Status: 204,
		Summary: "Disconnect an agent from the provider", Help: "Ends their sign-ins. Who next signs in there with their address is connected anew."}, s.unlinkAgent)
}

// browser adds a public route for browsers, which are sent on; programs get problems.
func (s *Server) browser(app *fiber.App, r Route, h func(context.Context, *caller) (string, error)) {
	r.Method, r.Access, r.Tag = http.MethodGet, Public, "session"
	r.Errors = []int{401, 403, 404, 409, 429}
	s.routes = append(s.routes, r)
	op := operation(r)
	op.Responses = map[string]*huma.Response{strconv.Itoa(r.Status): {Description: "On the way"}}
	problems := s.huma.OpenAPI().Components.Schemas.Schema(problemType, true, "Problem")
	for _, code := range op.Errors {
		op.Responses[strconv.Itoa(code)] = &huma.Response{Description: http.StatusText(code), Content: map[string]*huma.MediaType{problemJSON: {Schema: problems}}}
	}
	s.huma.OpenAPI().AddOperation(&op)
	app.Get(r.Path, func(c *fiber.Ctx) error {
		ctx, cancel := context.WithTimeout(c.UserContext(), handlerTime)
		defer cancel()
		who, err := s.admit(ctx, c, r.Access)
		if err == nil {
			ctx = context.WithValue(ctx, callerKey{}, who)
			var to string
			if to, err = h(ctx, who); err == nil {
				return c.Redirect(to, r.Status)
			}
		}
		return s.astray(ctx, c, r, err)
	})
}

// astray answers a browser for which it went wrong: the sign-in page says why. It is told by the
// kind of problem alone, so that nobody makes it say something else by a link.
func (s *Server) astray(ctx context.Context, c *fiber.Ctx, r Route, err error) error {
	err = s.oidcProblem(ctx, r, err)
	if !strings.Contains(c.Get(fiber.HeaderAccept), "text/html") {
		s.answer(c, r, err)
		return nil
	}
	var p *Problem
	errors.As(s.fail(ctx, r, err), &p)
	return c.Redirect("/?failed="+url.QueryEscape(strings.TrimPrefix(p.Type, problemBase)), http.StatusSeeOther)
}

// oidcProblem is an error of a sign-in at the provider as people read it; the reason is logged.
func (s *Server) oidcProblem(ctx context.Context, r Route, err error) error {
	var refused *auth.OIDCError
	if !errors.As(err, &refused) {
		return err
	}
	s.Log.WarnContext(ctx, "a sign-in at the provider came to nothing", "route", r.ID, "kind", refused.Code, "err", refused.Err)
	return problem(refused.Code, "")
}

func (s *Server) methods(context.Context, *struct{}) (*body[SignInMethods], error) {
	out := SignInMethods{Password: true}
	if s.OIDC != nil {
		out.OIDC = &OIDCMethod{Name: s.OIDC.Name(), Begin: oidcPath}
		if s.OIDC.SignsOut() {
			out.OIDC.SignOut = oidcEnd
		}
	}
	return &body[SignInMethods]{out}, nil
}

var errNoOIDC = problem("not-found", "There is no provider to sign in at.")

func (s *Server) beginOIDC(ctx context.Context, who *caller) (string, error) {
	if s.OIDC == nil {
		return "", errNoOIDC
	}
	to, kept, err := s.OIDC.Begin(ctx, s.reachedAt(ctx)+oidcBack, who.fiber.Query("back"))
	if err != nil {
		return "", err
	}
	s.keepOIDC(who.fiber, kept)
	return to, nil
}

// keepOIDC gives the browser a cookie for the way to the provider and back; empty takes it away.
func (s *Server) keepOIDC(c *fiber.Ctx, kept string) {
	cookie := &fiber.Cookie{Name: oidcCookie, Value: kept, Path: oidcPath, HTTPOnly: true, Secure: s.overTLS(c), SameSite: fiber.CookieSameSiteLaxMode,
		MaxAge: int(auth.OIDCHolds.Seconds())}
	if kept == "" {
		cookie.MaxAge, cookie.Expires = -1, time.Unix(1, 0)
	}
	c.Cookie(cookie)
}

// finishOIDC takes a browser that comes back. Its address holds a code: it is kept by nobody.
func (s *Server) finishOIDC(ctx context.Context, who *caller) (string, error) {
	if s.OIDC == nil {
		return "", errNoOIDC
	}
	query, err := url.ParseQuery(string(who.fiber.Request().URI().QueryString()))
	if err != nil {
		return "", problem(auth.OIDCState, "")
	}
	kept := who.fiber.Cookies(oidcCookie)
	s.keepOIDC(who.fiber, "")
	in, err := s.OIDC.Finish(ctx, query, kept, who.client, who.fiber.Cookies(sessionCookie))
	var refused *auth.OIDCError
	if errors.As(err, &refused) {
		if audited := s.Auth.Audit(ctx, auth.Record{Action: "session.oidc.refused", Address: who.client.Address, Data: map[string]string{"why": refused.Code}}); audited != nil {
			return "", audited
		}
	}
	if err != nil {
		return "", err
	}
	data := map[string]string{}
	for name, is := range map[string]bool{"created": in.Created, "linked": in.Linked} {
		if is {
			data[name] = "true"
		}
	}
	err = s.Auth.Audit(ctx, auth.Record{Action: "session.oidc", Actor: string(in.Agent.ID), Name: in.Agent.Name, Target: string(in.Agent.ID), Address: who.client.Address, Data: data})
	if err != nil {
		return "", err
	}
	s.setCookies(who.fiber, in.Secret)
	return in.Back, nil
}

func (s *Server) endOIDC(ctx context.Context, _ *caller) (string, error) {
	if s.OIDC == nil {
		return "", errNoOIDC
	}
	to, err := s.OIDC.End(ctx, s.reachedAt(ctx)+"/")
	if to == "" && err == nil {
		to = "/"
	}
	return to, err
}

func (s *Server) unlinkAgent(ctx context.Context, in *idInput) (*nothing, error) {
	a, err := s.managed(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if err := s.Auth.Unlink(ctx, a.ID); err != nil {
		return nil, err
	}
	return nil, s.audit(ctx, "agent.unlink", in.ID, nil)
}
