package auth

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// Agent is one of us: who may sign in. It holds hashes and sealed secrets and is never
// sent to a browser; see web/api for what is.
type Agent struct {
	ID        timeline.AgentID  `json:"id" bson:"_id"`
	Email     string            `json:"email"` // lower case; unique
	Name      string            `json:"name"`
	Initials  string            `json:"initials"`
	Color     string            `json:"color"` // of the avatar: #rrggbb
	Password  string            `json:"password,omitempty"`
	Subject   string            `json:"subject,omitempty"` // issuer|sub at the provider they sign in at; unique
	Roles     []string          `json:"roles"`
	Teams     []timeline.TeamID `json:"teams"`
	Scope     Scope             `json:"scope,omitempty"` // empty: the roles'
	TOTP      *TOTP             `json:"totp,omitempty"`
	Settings  AgentSettings     `json:"settings,omitzero"`
	Disabled  *time.Time        `json:"disabled,omitempty"`
	CreatedAt time.Time         `json:"createdAt"`
	SignedIn  *time.Time        `json:"signedIn,omitempty"` // last
}

// AgentSettings is what an agent chose for themselves.
type AgentSettings struct {
	Undo   *int   `json:"undo,omitempty"`   // seconds; nil: the hub's
	Locale string `json:"locale,omitempty"` // BCP 47; empty: the browser's
	Theme  string `json:"theme,omitempty"`  // light, dark; empty: the system's
}

// MaxUndo is the longest undo window, in seconds.
const MaxUndo = 30

// Team is a group of agents.
type Team struct {
	ID        timeline.TeamID `json:"id" bson:"_id"`
	Name      string          `json:"name"`
	Color     string          `json:"color"`
	CreatedAt time.Time       `json:"createdAt"`
}

// FieldError says which field of a request is wrong, and why.
type FieldError struct{ Field, Message string }

// FieldErrors are all that is wrong with a request.
type FieldErrors []FieldError

func (e FieldErrors) Error() string {
	list := make([]string, len(e))
	for i, f := range e {
		list[i] = f.Field + ": " + f.Message
	}
	return strings.Join(list, "; ")
}

// NewAgent is what an agent begins with.
type NewAgent struct {
	Email    string
	Name     string
	Password string // empty: signs in by a one-time secret first
	Roles    []string
	Teams    []timeline.TeamID
	Scope    Scope
}

// CreateAgent adds an agent. What is wrong with the fields is FieldErrors.
func (s *Service) CreateAgent(ctx context.Context, n NewAgent) (*Agent, error) {
	a := &Agent{ID: timeline.AgentID(s.newID()), Email: NormalEmail(n.Email), Name: strings.TrimSpace(n.Name),
		Roles: n.Roles, Teams: n.Teams, Scope: n.Scope, CreatedAt: s.now()}
	if a.Roles == nil {
		a.Roles = []string{"agent"}
	}
	if a.Teams == nil {
		a.Teams = []timeline.TeamID{}
	}
	a.Initials, a.Color = initials(a.Name), color(string(a.ID))
	wrong, err := s.checkAgent(ctx, a)
	if err != nil {
		return nil, err
	}
	if n.Password != "" {
		if err := CheckPassword(n.Password, a.Email, a.Name); err != nil {
			wrong = append(wrong, FieldError{"password", err.Error()})
		}
	}
	if len(wrong) > 0 {
		return nil, wrong
	}
	if n.Password != "" {
		if a.Password, err = s.hash.hash(ctx, n.Password); err != nil {
			return nil, err
		}
	}
	err = s.store.C(store.Agents).Insert(ctx, a)
	if store.IsDuplicate(err, "email") {
		return nil, emailTaken
	}
	if err != nil {
		return nil, fmt.Errorf("auth: adding an agent: %w", err)
	}
	return a, nil
}

var emailTaken = FieldErrors{{"email", "another agent has this address"}}

func (s *Service) checkAgent(ctx context.Context, a *Agent) (FieldErrors, error) {
	var wrong FieldErrors
	if addr, err := mail.ParseAddress(a.Email); err != nil || addr.Address != a.Email || len(a.Email) > 254 {
		wrong = append(wrong, FieldError{"email", "write an address such as priya@example.org"})
	}
	if n := utf8.RuneCountInString(a.Name); n < 1 || n > 100 {
		wrong = append(wrong, FieldError{"name", "use 1 to 100 characters"})
	}
	if len(a.Roles) == 0 {
		wrong = append(wrong, FieldError{"roles", "choose at least one"})
	}
	for _, r := range a.Roles {
		if _, ok := RoleNamed(r); !ok {
			wrong = append(wrong, FieldError{"roles", "there is no role " + r})
		}
	}
	if a.Scope != "" && !slices.Contains(Scopes, a.Scope) {
		wrong = append(wrong, FieldError{"scope", "must be all, team or own"})
	}
	for _, id := range a.Teams {
		if _, err := s.Team(ctx, id); errors.Is(err, store.ErrNotFound) {
			wrong = append(wrong, FieldError{"teams", "there is no team " + string(id)})
		} else if err != nil {
			return nil, err
		}
	}
	return wrong, nil
}

// NormalEmail is an address as it is kept and compared.
func NormalEmail(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

// Agent reads one agent; store.ErrNotFound if there is none.
func (s *Service) Agent(ctx context.Context, id timeline.AgentID) (*Agent, error) {
	return s.agentBy(ctx, bson.D{{Key: "_id", Value: string(id)}})
}

// AgentByEmail reads one agent by their address.
func (s *Service) AgentByEmail(ctx context.Context, email string) (*Agent, error) {
	return s.agentBy(ctx, bson.D{{Key: "email", Value: NormalEmail(email)}})
}

func (s *Service) agentBy(ctx context.Context, filter bson.D) (*Agent, error) {
	var a Agent
	if err := s.store.C(store.Agents).One(ctx, filter, &a); err != nil {
		return nil, fmt.Errorf("auth: reading an agent: %w", err)
	}
	return &a, nil
}

// Agents reads every agent, by address. There are few.
func (s *Service) Agents(ctx context.Context) ([]Agent, error) {
	list := []Agent{}
	err := s.store.C(store.Agents).All(ctx, bson.D{}, &list, store.Find{Sort: bson.D{{Key: "email", Value: 1}}})
	if err != nil {
		return nil, fmt.Errorf("auth: reading agents: %w", err)
	}
	return list, nil
}

// AgentChange is what to change of an agent; nil leaves a thing alone.
type AgentChange struct {
	Email    *string
	Name     *string
	Roles    *[]string
	Teams    *[]timeline.TeamID
	Scope    *Scope
	Disabled *bool
	Settings *AgentSettings
	Color    *string
}

// ErrLastAdmin refuses to leave the hub without an administrator who can sign in.
var ErrLastAdmin = errors.New("auth: the last administrator stays")

// UpdateAgent changes an agent. Disabling ends all of the agent's sign-ins at once.
func (s *Service) UpdateAgent(ctx context.Context, id timeline.AgentID, ch AgentChange) (*Agent, error) {
	s.admin.Lock() // one at a time on this node, so that two admins do not remove one another
	defer s.admin.Unlock()
	a, err := s.Agent(ctx, id)
	if err != nil {
		return nil, err
	}
	wasAdmin := isAdmin(a)
	s.change(a, ch)
	wrong, err := s.checkAgent(ctx, a)
	if err != nil {
		return nil, err
	}
	wrong = append(wrong, checkSettings(a)...)
	if len(wrong) > 0 {
		return nil, wrong
	}
	if wasAdmin && !isAdmin(a) {
		if err := s.otherAdmin(ctx, id); err != nil {
			return nil, err
		}
	}
	if err := s.saveAgent(ctx, a); err != nil {
		return nil, err
	}
	if a.Disabled != nil {
		return a, s.EndSessions(ctx, id, "")
	}
	s.hub.nudge(id)
	return a, nil
}

func (s *Service) change(a *Agent, ch AgentChange) {
	if ch.Email != nil {
		a.Email = NormalEmail(*ch.Email)
	}
	if ch.Name != nil {
		a.Name = strings.TrimSpace(*ch.Name)
		a.Initials = initials(a.Name)
	}
	if ch.Roles != nil {
		a.Roles = *ch.Roles
	}
	if ch.Teams != nil {
		a.Teams = *ch.Teams
	}
	if ch.Scope != nil {
		a.Scope = *ch.Scope
	}
	if ch.Settings != nil {
		a.Settings = *ch.Settings
	}
	if ch.Color != nil {
		a.Color = *ch.Color
	}
	if ch.Disabled != nil && *ch.Disabled != (a.Disabled != nil) {
		a.Disabled = nil
		if *ch.Disabled {
			now := s.now()
			a.Disabled = &now
		}
	}
}

func checkSettings(a *Agent) FieldErrors {
	var wrong FieldErrors
	if u := a.Settings.Undo; u != nil && (*u < 0 || *u > MaxUndo) {
		wrong = append(wrong, FieldError{"settings.undo", fmt.Sprintf("use 0 to %d seconds", MaxUndo)})
	}
	if !slices.Contains([]string{"", "light", "dark"}, a.Settings.Theme) {
		wrong = append(wrong, FieldError{"settings.theme", "must be light, dark or empty"})
	}
	if len(a.Settings.Locale) > 35 {
		wrong = append(wrong, FieldError{"settings.locale", "write a language tag such as en or zh-CN"})
	}
	if len(a.Color) != 7 || a.Color[0] != '#' || strings.Trim(a.Color[1:], "0123456789abcdefABCDEF") != "" {
		wrong = append(wrong, FieldError{"color", "write a colour such as #2b53c6"})
	}
	return wrong
}

// saveAgent writes what an administrator or the agent may change, and nothing else: a
// password or second factor set meanwhile stays.
func (s *Service) saveAgent(ctx context.Context, a *Agent) error {
	update := bson.D{{Key: "$set", Value: bson.D{{Key: "email", Value: a.Email}, {Key: "name", Value: a.Name},
		{Key: "initials", Value: a.Initials}, {Key: "color", Value: a.Color}, {Key: "roles", Value: a.Roles},
		{Key: "teams", Value: a.Teams}, {Key: "scope", Value: a.Scope}, {Key: "settings", Value: a.Settings},
		{Key: "disabled", Value: a.Disabled}}}}
	_, err := s.store.C(store.Agents).Update(ctx, bson.D{{Key: "_id", Value: a.ID}}, update)
	if store.IsDuplicate(err, "email") {
		return emailTaken
	}
	if err != nil {
		return fmt.Errorf("auth: changing an agent: %w", err)
	}
	return nil
}

func isAdmin(a *Agent) bool { return a.Disabled == nil && slices.Contains(a.Roles, "admin") }

func (s *Service) otherAdmin(ctx context.Context, but timeline.AgentID) error {
	list, err := s.Agents(ctx)
	if err != nil {
		return err
	}
	for i := range list {
		if list[i].ID != but && isAdmin(&list[i]) {
			return nil
		}
	}
	return ErrLastAdmin
}

// initials are the first letters of the first and last word of a name.
func initials(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || r == '-' })
	if len(words) == 0 {
		return "?"
	}
	first, _ := utf8.DecodeRuneInString(words[0])
	if len(words) == 1 {
		return strings.ToUpper(string(first))
	}
	last, _ := utf8.DecodeRuneInString(words[len(words)-1])
	return strings.ToUpper(string(first) + string(last))
}

// palette holds avatar colours that carry white text.
var palette = []string{"#2b53c6", "#0f766e", "#9333ea", "#b45309", "#be123c", "#4d7c0f", "#0369a1", "#a21caf"}

func color(id string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // never fails
	return palette[int(h.Sum32())%len(palette)]
}
