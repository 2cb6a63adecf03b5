package api

import (
	"context"
	"errors"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/parley-hub/parley/internal/auth"
)

// The cookies and the header of a browser's sign-in.
const (
	sessionCookie = "parley_session"
	csrfCookie    = "parley_csrf"
	csrfHeader    = "X-Parley-CSRF"
)

// caller is who makes a request.
type caller struct {
	*auth.Principal
	client auth.Client
	secret string // of the session, where it came by cookie
	fiber  *fiber.Ctx
}

type callerKey struct{}

// callerOf is the caller of a request; its Principal is nil on public routes.
func callerOf(ctx context.Context) *caller {
	c, _ := ctx.Value(callerKey{}).(*caller)
	return c
}

// middleware lets a request through to its route, or answers why not.
func (s *Server) middleware(ctx huma.Context, next func(huma.Context)) {
	c := humafiber.Unwrap(ctx)
	r, ok := ctx.Operation().Metadata["route"].(Route)
	if !ok {
		panic("api: a route without a declaration")
	}
	who, err := s.admit(c.UserContext(), c, r.Access)
	if err != nil {
		s.answer(c, r, err)
		return
	}
	ctx = huma.WithValue(ctx, callerKey{}, who)
	if key := c.Get("Idempotency-Key"); r.Replays && key != "" {
		s.replay(ctx, r, who, key, next)
		return
	}
	next(ctx)
}

func (s *Server) answer(c *fiber.Ctx, r Route, err error) {
	var p *Problem
	errors.As(s.fail(c.UserContext(), r, err), &p)
	if err := writeProblem(c, p); err != nil {
		s.Log.Error("writing a problem", "route", r.ID, "err", err)
	}
}

// admit finds out who makes a request and whether they may.
func (s *Server) admit(ctx context.Context, c *fiber.Ctx, a Access) (*caller, error) {
	if c.Get(fiber.HeaderContentEncoding) != "" {
		return nil, problem("media", "")
	}
	who := &caller{client: auth.Client{Address: s.address(c), Program: c.Get(fiber.HeaderUserAgent)}, fiber: c}
	if a == Public {
		return who, s.sameSite(c)
	}
	if err := s.identify(ctx, c, who); err != nil {
		return nil, err
	}
	if a.perm != "" && !who.Has(a.perm) {
		return nil, problem("forbidden", "This needs the permission "+string(a.perm)+". Ask an administrator for it.")
	}
	return who, nil
}

// identify finds the principal by token or cookie. A cookie's writes must prove that they
// come from the app.
func (s *Server) identify(ctx context.Context, c *fiber.Ctx, who *caller) (err error) {
	if token, ok := bearer(c); ok {
		who.Principal, err = s.Auth.Token(ctx, token)
		return err
	}
	secret := c.Cookies(sessionCookie)
	if who.Principal, err = s.Auth.Session(ctx, secret); err != nil {
		return err
	}
	who.secret = secret
	if safe(c.Method()) {
		return nil
	}
	if err := s.sameSite(c); err != nil {
		return err
	}
	if !auth.CheckCSRF(secret, c.Get(csrfHeader)) {
		return problem("csrf", "")
	}
	return nil
}

func bearer(c *fiber.Ctx) (string, bool) {
	scheme, token, ok := strings.Cut(c.Get(fiber.HeaderAuthorization), " ")
	return strings.TrimSpace(token), ok && strings.EqualFold(scheme, "Bearer")
}

func safe(method string) bool { return method == fiber.MethodGet || method == fiber.MethodHead }

// sameSite refuses a browser's write from another site. Programs send neither header.
func (s *Server) sameSite(c *fiber.Ctx) error {
	if safe(c.Method()) {
		return nil
	}
	if site := c.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return problem("csrf", "")
	}
	if origin := c.Get(fiber.HeaderOrigin); origin != "" && !s.ownOrigin(c, origin) {
		return problem("csrf", "")
	}
	return nil
}

// ownOrigin reports whether an origin is the hub itself: the address it is reached at by
// configuration, or the host the request names.
func (s *Server) ownOrigin(c *fiber.Ctx, origin string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false
	}
	if base, err := url.Parse(s.Options.BaseURL); err == nil && base.Host != "" {
		if strings.EqualFold(base.Host, u.Host) && base.Scheme == u.Scheme {
			return true
		}
	}
	return strings.EqualFold(u.Host, string(c.Request().Host()))
}

// address is the client's network address, behind trusted proxies.
func (s *Server) address(c *fiber.Ctx) string {
	peer, ok := netip.AddrFromSlice(c.Context().RemoteIP())
	if !ok {
		return ""
	}
	return s.Options.Proxies.Client(peer, c.Get(fiber.HeaderXForwardedFor)).String()
}

// overTLS reports whether the browser reached the hub over TLS.
func (s *Server) overTLS(c *fiber.Ctx) bool {
	if strings.HasPrefix(s.Options.BaseURL, "https://") || c.Context().IsTLS() {
		return true
	}
	peer, ok := netip.AddrFromSlice(c.Context().RemoteIP())
	return ok && s.Options.Proxies.Trusts(peer) && strings.EqualFold(c.Get(fiber.HeaderXForwardedProto), "https")
}

// secure sets the headers every answer of the API has: nothing of it is a page.
func secure(c *fiber.Ctx) error {
	h := &c.Response().Header
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	return c.Next()
}

// uploadTime is how long an upload may take on a slow line.
const uploadTime = 10 * time.Minute

// drain is how much of a body over its limit is read all the same: a server that hangs up
// on a client still sending keeps it from reading the 413. What is larger is cut off.
const drain = 8 << 20

// limitBodies bounds what is read of an API body by the request's head; only uploads may
// be large. The exact limits are the routes'.
func limitBodies(app *fiber.App) {
	before := app.Server().HeaderReceived
	app.Server().HeaderReceived = func(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
		path := string(h.RequestURI())
		switch {
		case strings.HasPrefix(path, "/api/files"):
			return fasthttp.RequestConfig{ReadTimeout: uploadTime}
		case strings.HasPrefix(path, "/api/"):
			return fasthttp.RequestConfig{MaxRequestBodySize: bodyMax + drain}
		case before != nil:
			return before(h)
		}
		return fasthttp.RequestConfig{}
	}
}

// nothing answers what no route does.
func (s *Server) nothing(c *fiber.Ctx) error {
	path := strings.TrimSuffix(c.Path(), "/")
	for _, r := range s.routes {
		if matches(r.Path, path) && r.Method != c.Method() {
			return writeProblem(c, problem("method", ""))
		}
	}
	return writeProblem(c, problem("not-found", "There is nothing at this address. See /api/openapi.json."))
}

// matches reports whether a path fits a pattern such as /api/teams/{id}.
func matches(pattern, path string) bool {
	a, b := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] && !strings.HasPrefix(a[i], "{") {
			return false
		}
	}
	return true
}
