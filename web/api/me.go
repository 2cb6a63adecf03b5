package api

import (
	"context"
	"net/http"
	"time"

	"github.com/parley-hub/parley/internal/auth"
)

const exampleID = "01JD8Z0V5M6T3QK4W2R9X7C1AB"

// Me is the signed-in agent.
type Me struct {
	Agent       Agent             `json:"agent"`
	Permissions []auth.Permission `json:"permissions"`
	Scope       auth.Scope        `json:"scope" doc:"Which conversations are visible: all, team or own."`
	Teams       []Team            `json:"teams" doc:"The agent's teams."`
	Settings    Settings          `json:"settings"`
	TOTP        bool              `json:"totp" doc:"A second factor is set."`
	Setup       bool              `json:"setup" doc:"There is no password yet."`
}

// Settings is what an agent chose, with the hub's choice where they chose nothing.
type Settings struct {
	Undo   int    `json:"undo" minimum:"0" maximum:"30" doc:"Seconds in which a message can be undone."`
	Locale string `json:"locale" doc:"BCP 47; empty: the browser's."`
	Theme  string `json:"theme" enum:",light,dark" doc:"Empty: the system's."`
}

// SettingsInput changes settings; absent fields stay.
type SettingsInput struct {
	Name   *string `json:"name,omitempty" minLength:"1" maxLength:"100"`
	Email  *string `json:"email,omitempty" maxLength:"254"`
	Color  *string `json:"color,omitempty" pattern:"^#[0-9a-fA-F]{6}$"`
	Undo   *int    `json:"undo,omitempty" minimum:"0" maximum:"30"`
	Locale *string `json:"locale,omitempty" maxLength:"35"`
	Theme  *string `json:"theme,omitempty" enum:",light,dark"`
}

// PasswordInput changes a password.
type PasswordInput struct {
	Present  string `json:"present,omitempty" maxLength:"1024" doc:"The present password; not needed where there is none."`
	Password string `json:"password" minLength:"1" maxLength:"1024"`
}

// EnrolInput begins setting a second factor.
type EnrolInput struct {
	Password string `json:"password" maxLength:"1024"`
}

// Enrolment is what an authenticator app needs; shown once.
type Enrolment struct {
	Secret string `json:"secret"`
	URL    string `json:"url" doc:"otpauth://, to be shown as a QR code."`
}

// CodeInput is a code of the authenticator app.
type CodeInput struct {
	Code string `json:"code" minLength:"1" maxLength:"32" example:"123456"`
}

// Recovery is the codes that replace a lost second factor; shown once.
type Recovery struct {
	Codes []string `json:"codes"`
}

// DisableInput removes the second factor.
type DisableInput struct {
	Password string `json:"password" maxLength:"1024"`
	Code     string `json:"code" maxLength:"32"`
}

// TokenInput makes an API token.
type TokenInput struct {
	Name        string            `json:"name" minLength:"1" maxLength:"100"`
	Permissions []auth.Permission `json:"permissions,omitempty" maxItems:"50" doc:"Empty: everything you may do."`
	ExpiresAt   *time.Time        `json:"expiresAt,omitempty"`
}

// TokenInfo is an API token; the token itself is shown once, when it is made.
type TokenInfo struct {
	ID          string            `json:"id"`
	Name        string            `json:"name"`
	Permissions []auth.Permission `json:"permissions,omitempty"`
	CreatedAt   time.Time         `json:"createdAt"`
	LastAt      *time.Time        `json:"lastAt,omitempty"`
	ExpiresAt   *time.Time        `json:"expiresAt,omitempty"`
	Token       string            `json:"token,omitempty"`
}

// TokenList is an agent's tokens.
type TokenList struct {
	Tokens []TokenInfo `json:"tokens"`
}

func (s *Server) meRoutes() {
	example := Me{Agent: exampleAgent, Permissions: []auth.Permission{auth.ConversationRead}, Scope: auth.ScopeTeam, Teams: []Team{exampleTeam}, Settings: Settings{Undo: 5}}
	register(s, Route{ID: "get-me", Method: http.MethodGet, Path: "/api/me", Tag: "me", Access: Self, Summary: "Who I am and what I may do",
		Out: example}, s.getMe)
	register(s, Route{ID: "change-me", Method: http.MethodPatch, Path: "/api/me", Tag: "me", Access: Self, Summary: "Change my name and settings",
		In: map[string]any{"undo": 10, "theme": "dark"}, Out: example}, s.changeMe)
	register(s, Route{ID: "set-password", Method: http.MethodPut, Path: "/api/me/password", Tag: "me", Access: Self, Status: 204, Errors: []int{429},
		Summary: "Change my password", Help: "All my other sign-ins end.",
		In: PasswordInput{Present: "…", Password: "correct horse battery"}}, s.setPassword)
	register(s, Route{ID: "enrol-totp", Method: http.MethodPost, Path: "/api/me/totp", Tag: "me", Access: Self, Summary: "Begin a second factor",
		Errors: []int{429}, In: EnrolInput{Password: "…"}, Out: Enrolment{Secret: "JBSWY3DP…", URL: "otpauth://totp/…"}}, s.enrol)
	register(s, Route{ID: "confirm-totp", Method: http.MethodPost, Path: "/api/me/totp/confirm", Tag: "me", Access: Self,
		Summary: "Turn the second factor on", Errors: []int{429}, In: CodeInput{Code: "123456"}, Out: Recovery{Codes: []string{"abcd2345-efgh6723"}}}, s.confirmTOTP)
	register(s, Route{ID: "disable-totp", Method: http.MethodPost, Path: "/api/me/totp/disable", Tag: "me", Access: Self, Status: 204,
		Summary: "Turn the second factor off", Errors: []int{429}, In: DisableInput{Password: "…", Code: "123456"}}, s.disableTOTP)
	token := TokenInfo{ID: exampleID, Name: "nightly export", Token: "parley_…"}
	register(s, Route{ID: "list-tokens", Method: http.MethodGet, Path: "/api/tokens", Tag: "me", Access: Self, Summary: "My API tokens",
		Out: TokenList{Tokens: []TokenInfo{{ID: exampleID, Name: "nightly export"}}}}, s.listTokens)
	register(s, Route{ID: "create-token", Method: http.MethodPost, Path: "/api/tokens", Tag: "me", Access: Self, Status: 201, Replays: true, Secret: true,
		Errors: []int{409}, Summary: "Make an API token", Help: "Not with a token: sign in for it.", In: TokenInput{Name: "nightly export"}, Out: token}, s.createToken)
	register(s, Route{ID: "revoke-token", Method: http.MethodDelete, Path: "/api/tokens/{id}", Tag: "me", Access: Self, Status: 204,
		Summary: "Revoke one of my API tokens"}, s.revokeToken)
}

func (s *Server) getMe(ctx context.Context, _ *struct{}) (*body[Me], error) {
	who := callerOf(ctx)
	a, err := s.Auth.Agent(ctx, who.Agent)
	if err != nil {
		return nil, err
	}
	teams := []Team{}
	for _, id := range a.Teams {
		if t, err := s.Auth.Team(ctx, id); err == nil {
			teams = append(teams, teamView(t))
		}
	}
	return &body[Me]{Me{Agent: agentView(a), Permissions: who.Permissions(), Scope: who.Scope, Teams: teams, Settings: s.settings(a),
		TOTP: a.TOTP != nil && a.TOTP.Confirmed != nil, Setup: a.Password == ""}}, nil
}

func (s *Server) settings(a *auth.Agent) Settings {
	out := Settings{Undo: int(s.Options.Undo.Seconds()), Locale: a.Settings.Locale, Theme: a.Settings.Theme}
	if a.Settings.Undo != nil {
		out.Undo = *a.Settings.Undo
	}
	return out
}

func (s *Server) changeMe(ctx context.Context, in *body[SettingsInput]) (*body[Me], error) {
	who := callerOf(ctx)
	a, err := s.Auth.Agent(ctx, who.Agent)
	if err != nil {
		return nil, err
	}
	set, b := a.Settings, in.Body
	if b.Undo != nil {
		set.Undo = b.Undo
	}
	if b.Locale != nil {
		set.Locale = *b.Locale
	}
	if b.Theme != nil {
		set.Theme = *b.Theme
	}
	if b.Email != nil && a.Email != auth.FirstEmail && !who.Has(auth.AgentManage) {
		return nil, problem("forbidden", "Ask an administrator to change your address.")
	}
	if _, err := s.Auth.UpdateAgent(ctx, who.Agent, auth.AgentChange{Name: b.Name, Email: b.Email, Color: b.Color, Settings: &set}); err != nil {
		return nil, err
	}
	if b.Email != nil {
		if err := s.audit(ctx, "agent.email", string(who.Agent), nil); err != nil {
			return nil, err
		}
	}
	return s.getMe(ctx, nil)
}

func (s *Server) setPassword(ctx context.Context, in *body[PasswordInput]) (*nothing, error) {
	who, err := s.signedInPerson(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.Auth.SetPassword(ctx, who.Principal, in.Body.Present, in.Body.Password); err != nil {
		return nil, err
	}
	return nil, s.audit(ctx, "agent.password", string(who.Agent), nil)
}

// signedInPerson refuses tokens where only a person at a browser should act.
func (s *Server) signedInPerson(ctx context.Context) (*caller, error) {
	who := callerOf(ctx)
	if who.Token != "" {
		return nil, problem("forbidden", "A token cannot do this; sign in.")
	}
	return who, nil
}

func (s *Server) enrol(ctx context.Context, in *body[EnrolInput]) (*body[Enrolment], error) {
	who, err := s.signedInPerson(ctx)
	if err != nil {
		return nil, err
	}
	e, err := s.Auth.Enrol(ctx, who.Principal, in.Body.Password)
	if err != nil {
		return nil, err
	}
	return &body[Enrolment]{Enrolment{Secret: e.Secret, URL: e.URL}}, nil
}

func (s *Server) confirmTOTP(ctx context.Context, in *body[CodeInput]) (*body[Recovery], error) {
	who, err := s.signedInPerson(ctx)
	if err != nil {
		return nil, err
	}
	codes, err := s.Auth.Confirm(ctx, who.Principal, in.Body.Code)
	if err != nil {
		return nil, err
	}
	return &body[Recovery]{Recovery{codes}}, s.audit(ctx, "totp.enable", string(who.Agent), nil)
}

func (s *Server) disableTOTP(ctx context.Context, in *body[DisableInput]) (*nothing, error) {
	who, err := s.signedInPerson(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.Auth.Disable(ctx, who.Principal, in.Body.Password, in.Body.Code); err != nil {
		return nil, err
	}
	return nil, s.audit(ctx, "totp.disable", string(who.Agent), nil)
}

func tokenView(t *auth.Token) TokenInfo {
	return TokenInfo{ID: t.ID, Name: t.Name, Permissions: t.Permissions, CreatedAt: t.CreatedAt, LastAt: t.LastAt, ExpiresAt: t.ExpiresAt}
}

func (s *Server) listTokens(ctx context.Context, _ *struct{}) (*body[TokenList], error) {
	list, err := s.Auth.Tokens(ctx, callerOf(ctx).Agent)
	if err != nil {
		return nil, err
	}
	out := TokenList{Tokens: make([]TokenInfo, 0, len(list))}
	for i := range list {
		out.Tokens = append(out.Tokens, tokenView(&list[i]))
	}
	return &body[TokenList]{out}, nil
}

func (s *Server) createToken(ctx context.Context, in *body[TokenInput]) (*body[TokenInfo], error) {
	who, err := s.signedInPerson(ctx)
	if err != nil {
		return nil, err
	}
	secret, t, err := s.Auth.CreateToken(ctx, who.Agent, in.Body.Name, in.Body.Permissions, in.Body.ExpiresAt)
	if err != nil {
		return nil, err
	}
	view := tokenView(t)
	view.Token = secret
	return &body[TokenInfo]{view}, s.audit(ctx, "token.create", t.ID, map[string]string{"name": t.Name})
}

func (s *Server) revokeToken(ctx context.Context, in *idInput) (*nothing, error) {
	if err := s.Auth.EndToken(ctx, callerOf(ctx).Agent, in.ID); err != nil {
		return nil, err
	}
	return nil, s.audit(ctx, "token.revoke", in.ID, nil)
}
