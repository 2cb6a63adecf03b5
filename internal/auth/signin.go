package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// SignIn is what somebody signs in with.
type SignIn struct {
	Email    string
	Password string
	Code     string // of the second factor, or a recovery code
	Client   Client
	Earlier  string // the session the browser had, which ends
}

// hashWait is how long a sign-in waits for its turn to be checked.
const hashWait = 5 * time.Second

// SignIn checks a password and a code and begins a session. It answers ErrSignIn, ErrCode,
// ErrBusy, or a *ThrottledError. The attempt counts before it is checked, so that many at
// once gain nothing.
func (s *Service) SignIn(ctx context.Context, in SignIn) (secret string, a *Agent, err error) {
	email := NormalEmail(in.Email)
	if err := s.attempt(ctx, email, in.Client.Address); err != nil {
		return "", nil, err
	}
	a, err = s.AgentByEmail(ctx, email)
	if errors.Is(err, store.ErrNotFound) {
		a, err = &Agent{}, nil
	}
	if err != nil {
		return "", nil, err
	}
	if err := s.check(ctx, a, in); err != nil {
		return "", nil, err
	}
	if err := s.forgive(ctx, email, in.Client.Address); err != nil {
		return "", nil, err
	}
	secret, err = s.begin(ctx, a, in.Client, in.Earlier)
	return secret, a, err
}

func (s *Service) check(ctx context.Context, a *Agent, in SignIn) error {
	wait, cancel := context.WithTimeout(ctx, hashWait)
	defer cancel()
	password := in.Password
	if len(password) > MaxPassword {
		password = ""
	}
	ok, err := s.hash.verify(wait, a.Password, password)
	if err != nil {
		return err
	}
	if !ok || a.Disabled != nil {
		return ErrSignIn
	}
	if !a.TOTP.active() {
		return nil
	}
	if in.Code == "" {
		return ErrCode
	}
	return s.useCode(ctx, a, in.Code)
}

// SetPassword changes an agent's own password. The present one is needed, unless there is
// none yet. All other sign-ins end.
func (s *Service) SetPassword(ctx context.Context, p *Principal, present, next string) error {
	a, err := s.Agent(ctx, p.Agent)
	if err != nil {
		return err
	}
	if a.Password != "" {
		if err := s.confirm(ctx, a, present); err != nil {
			return err
		}
	}
	if err := CheckPassword(next, a.Email, a.Name); err != nil {
		return FieldErrors{{"password", err.Error()}}
	}
	hash, err := s.hash.hash(ctx, next)
	if err != nil {
		return err
	}
	_, err = s.store.C(store.Agents).Update(ctx, bson.D{{Key: "_id", Value: string(a.ID)}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "password", Value: hash}}}})
	if err != nil {
		return fmt.Errorf("auth: changing a password: %w", err)
	}
	return s.EndSessions(ctx, a.ID, p.Session)
}

// confirm checks the password of somebody who is signed in, before what matters. Wrong
// ones count as attempts to sign in.
func (s *Service) confirm(ctx context.Context, a *Agent, password string) error {
	if err := s.attempt(ctx, a.Email, ""); err != nil {
		return err
	}
	ok, err := s.hash.verify(ctx, a.Password, password)
	if err != nil {
		return err
	}
	if !ok {
		return FieldErrors{{"present", "this is not your password"}}
	}
	return s.forgive(ctx, a.Email, "")
}

// oneTime is a secret that signs in once.
type oneTime struct {
	Key       string           `json:"key" bson:"_id"`
	Kind      string           `json:"kind"`
	Agent     timeline.AgentID `json:"agent"`
	ExpiresAt time.Time        `json:"expiresAt"`
}

const kindOnce = "once"

// How long one-time secrets hold.
const (
	FirstHolds  = 24 * time.Hour
	InviteHolds = 7 * 24 * time.Hour
)

// Invite makes a secret with which an agent signs in once. Earlier ones end.
func (s *Service) Invite(ctx context.Context, id timeline.AgentID, holds time.Duration) (secret string, err error) {
	tokens := s.store.C(store.Tokens)
	if _, err := tokens.Delete(ctx, bson.D{{Key: "agent", Value: string(id)}, {Key: "kind", Value: kindOnce}}); err != nil {
		return "", fmt.Errorf("auth: ending an invitation: %w", err)
	}
	secret = newSecret()
	err = tokens.Insert(ctx, oneTime{Key: digest(secret), Kind: kindOnce, Agent: id, ExpiresAt: s.now().Add(holds)})
	if err != nil {
		return "", fmt.Errorf("auth: inviting: %w", err)
	}
	return secret, nil
}

// Once signs in with a one-time secret. It works once, also when tried twice at once.
func (s *Service) Once(ctx context.Context, secret string, c Client, earlier string) (session string, a *Agent, err error) {
	if err := s.attempt(ctx, "", c.Address); err != nil {
		return "", nil, err
	}
	var once oneTime
	filter := bson.D{{Key: "_id", Value: digest(secret)}, {Key: "kind", Value: kindOnce}}
	err = s.store.C(store.Tokens).One(ctx, filter, &once)
	if errors.Is(err, store.ErrNotFound) {
		return "", nil, ErrSignIn
	}
	if err != nil {
		return "", nil, fmt.Errorf("auth: reading a one-time secret: %w", err)
	}
	n, err := s.store.C(store.Tokens).Delete(ctx, filter)
	if err != nil {
		return "", nil, fmt.Errorf("auth: using a one-time secret: %w", err)
	}
	if n == 0 || !s.now().Before(once.ExpiresAt) {
		return "", nil, ErrSignIn
	}
	a, err = s.active(ctx, once.Agent)
	if errors.Is(err, ErrSession) {
		return "", nil, ErrSignIn
	}
	if err != nil {
		return "", nil, err
	}
	if err := s.forgive(ctx, "", c.Address); err != nil {
		return "", nil, err
	}
	session, err = s.begin(ctx, a, c, earlier)
	return session, a, err
}

// FirstEmail is the address the first administrator has until they write their own.
const FirstEmail = "admin@parley.invalid"

// First makes the first administrator where there is no agent yet, and a one-time secret
// for them. Until it was used, each start makes a new secret; afterwards it is empty.
func (s *Service) First(ctx context.Context) (secret string, err error) {
	agents, err := s.Agents(ctx)
	if err != nil {
		return "", err
	}
	if len(agents) == 0 {
		a, err := s.CreateAgent(ctx, NewAgent{Email: FirstEmail, Name: "Admin", Roles: []string{"admin"}})
		var taken FieldErrors
		if errors.As(err, &taken) { // another node was faster, and prints its own
			return "", nil
		}
		if err != nil {
			return "", err
		}
		agents = append(agents, *a)
	}
	if a := agents[0]; len(agents) == 1 && a.SignedIn == nil && a.Password == "" {
		return s.Invite(ctx, a.ID, FirstHolds)
	}
	return "", nil
}
