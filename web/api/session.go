package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/parley-hub/parley/internal/auth"
	"github.com/parley-hub/parley/timeline"
)

// SignInInput is what a browser signs in with.
type SignInInput struct {
	Email    string `json:"email" minLength:"1" maxLength:"254" example:"priya@example.org"`
	Password string `json:"password" minLength:"1" maxLength:"1024"`
	Code     string `json:"code,omitempty" maxLength:"32" example:"123456" doc:"Of the authenticator app, or a recovery code; only where a second factor is set."`
}

// OnceInput is a one-time sign-in.
type OnceInput struct {
	Secret string `json:"secret" minLength:"1" maxLength:"256"`
}

// SignedIn answers a sign-in. The session itself is in cookies.
type SignedIn struct {
	Agent timeline.AgentID `json:"agent"`
	CSRF  string           `json:"csrf" doc:"Send it as X-Parley-CSRF with every write; also in the cookie parley_csrf."`
	Setup bool             `json:"setup" doc:"The agent has no password yet: PUT /api/me/password."`
}

type body[T any] struct{ Body T }

type nothing struct{}

// SessionInfo is one sign-in of an agent.
type SessionInfo struct {
	ID        string    `json:"id"`
	Address   string    `json:"address"`
	Program   string    `json:"program"`
	CreatedAt time.Time `json:"createdAt"`
	LastAt    time.Time `json:"lastAt"`
	ExpiresAt time.Time `json:"expiresAt"`
	Current   bool      `json:"current" doc:"The one this request was made with."`
}

// SessionList is an agent's sign-ins.
type SessionList struct {
	Sessions []SessionInfo `json:"sessions"`
}

type idInput struct {
	ID string `path:"id" maxLength:"200"`
}

func (s *Server) sessionRoutes() {
	register(s, Route{ID: "sign-in", Method: http.MethodPost, Path: "/api/session", Tag: "session", Access: Public,
		Summary: "Sign in with a password", Errors: []int{401, 429},
		Help: "Sets the cookies parley_session and parley_csrf. An earlier session of the browser ends.",
		In:   SignInInput{Email: "priya@example.org", Password: "correct horse battery"},
		Out:  SignedIn{Agent: exampleID, CSRF: "kq0…"}}, s.signIn)
	register(s, Route{ID: "sign-in-once", Method: http.MethodPost, Path: "/api/session/once", Tag: "session", Access: Public,
		Summary: "Sign in with a one-time secret", Errors: []int{401, 429},
		Help: "Takes the secret of an invitation, or the one a first start prints. It works once.",
		In:   OnceInput{Secret: "x3Jm…"}, Out: SignedIn{Agent: exampleID, CSRF: "kq0…", Setup: true}}, s.signInOnce)
	register(s, Route{ID: "sign-out", Method: http.MethodDelete, Path: "/api/session", Tag: "session", Access: Self, Status: 204,
		Summary: "Sign out"}, s.signOut)
	register(s, Route{ID: "list-sessions", Method: http.MethodGet, Path: "/api/sessions", Tag: "session", Access: Self,
		Summary: "My sign-ins", Out: SessionList{Sessions: []SessionInfo{{ID: exampleID, Address: "203.0.113.7", Program: "Firefox", Current: true}}}},
		s.listSessions)
	register(s, Route{ID: "end-session", Method: http.MethodDelete, Path: "/api/sessions/{id}", Tag: "session", Access: Self, Status: 204,
		Summary: "End one of my sign-ins", Help: "`others` as the id ends all but this one."}, s.endSession)
}

func (s *Server) signIn(ctx context.Context, in *body[SignInInput]) (*body[SignedIn], error) {
	who := callerOf(ctx)
	secret, a, err := s.Auth.SignIn(ctx, auth.SignIn{Email: in.Body.Email, Password: in.Body.Password, Code: in.Body.Code,
		Client: who.client, Earlier: who.fiber.Cookies(sessionCookie)})
	return s.signedIn(ctx, who, "session.begin", auth.NormalEmail(in.Body.Email), secret, a, err)
}

func (s *Server) signInOnce(ctx context.Context, in *body[OnceInput]) (*body[SignedIn], error) {
	who := callerOf(ctx)
	secret, a, err := s.Auth.Once(ctx, in.Body.Secret, who.client, who.fiber.Cookies(sessionCookie))
	return s.signedIn(ctx, who, "session.once", "", secret, a, err)
}

// signedIn records a sign-in, or that it was refused, and sets the cookies.
func (s *Server) signedIn(ctx context.Context, who *caller, action, email, secret string, a *auth.Agent, err error) (*body[SignedIn], error) {
	if errors.Is(err, auth.ErrSignIn) {
		r := auth.Record{Action: action + ".refused", Address: who.client.Address}
		if known, kerr := s.Auth.AgentByEmail(ctx, email); kerr == nil { // what strangers type, such as a password, is not kept
			r.Target = string(known.ID)
		}
		if aerr := s.Auth.Audit(ctx, r); aerr != nil {
			return nil, aerr
		}
	}
	if err != nil {
		return nil, err
	}
	err = s.Auth.Audit(ctx, auth.Record{Action: action, Actor: string(a.ID), Name: a.Name, Target: string(a.ID), Address: who.client.Address})
	if err != nil {
		return nil, err
	}
	s.setCookies(who.fiber, secret)
	return &body[SignedIn]{SignedIn{Agent: a.ID, CSRF: auth.CSRF(secret), Setup: a.Password == ""}}, nil
}

func (s *Server) setCookies(c *fiber.Ctx, secret string) {
	tls := s.overTLS(c)
	c.Cookie(&fiber.Cookie{Name: sessionCookie, Value: secret, Path: "/", HTTPOnly: true, Secure: tls, SameSite: fiber.CookieSameSiteLaxMode,
		MaxAge: int(s.Auth.MaxAge().Seconds())})
	c.Cookie(&fiber.Cookie{Name: csrfCookie, Value: auth.CSRF(secret), Path: "/", Secure: tls, SameSite: fiber.CookieSameSiteLaxMode,
		MaxAge: int(s.Auth.MaxAge().Seconds())})
}

func (s *Server) clearCookies(c *fiber.Ctx) {
	for _, name := range []string{sessionCookie, csrfCookie} {
		c.Cookie(&fiber.Cookie{Name: name, Path: "/", MaxAge: -1, Expires: time.Unix(1, 0), HTTPOnly: name == sessionCookie, SameSite: fiber.CookieSameSiteLaxMode})
	}
}

func (s *Server) signOut(ctx context.Context, _ *struct{}) (*nothing, error) {
	who := callerOf(ctx)
	if who.secret == "" {
		return nil, problem("conflict", "A token is not signed out; revoke it at DELETE /api/tokens/{id}.")
	}
	if err := s.Auth.End(ctx, who.secret); err != nil {
		return nil, err
	}
	s.clearCookies(who.fiber)
	return nil, s.audit(ctx, "session.end", who.Session, nil)
}

func (s *Server) listSessions(ctx context.Context, _ *struct{}) (*body[SessionList], error) {
	who := callerOf(ctx)
	all, err := s.Auth.Sessions(ctx, who.Agent)
	if err != nil {
		return nil, err
	}
	out := SessionList{Sessions: make([]SessionInfo, 0, len(all))}
	for _, x := range all {
		out.Sessions = append(out.Sessions, SessionInfo{ID: x.ID, Address: x.Client.Address, Program: x.Client.Program,
			CreatedAt: x.CreatedAt, LastAt: x.LastAt, ExpiresAt: x.ExpiresAt, Current: x.ID == who.Session})
	}
	return &body[SessionList]{out}, nil
}

func (s *Server) endSession(ctx context.Context, in *idInput) (*nothing, error) {
	who := callerOf(ctx)
	var err error
	if in.ID == "others" {
		err = s.Auth.EndSessions(ctx, who.Agent, who.Session)
	} else {
		err = s.Auth.EndSession(ctx, who.Agent, in.ID)
	}
	if err != nil {
		return nil, err
	}
	return nil, s.audit(ctx, "session.revoke", in.ID, nil)
}

// audit writes down what the caller did.
func (s *Server) audit(ctx context.Context, action, target string, data map[string]string) error {
	who := callerOf(ctx)
	return s.Auth.Audit(ctx, auth.Record{Action: action, Target: target, Data: data, Actor: string(who.Agent), Name: who.Name,
		Address: who.client.Address})
}
