package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// touchEvery is how exact a session's last use is: writing it at each call would cost a
// disk write each.
const touchEvery = time.Minute

// Session is a sign-in, as the store keeps it.
type Session struct {
	Key       string           `json:"key" bson:"_id"` // SHA-256 of the cookie's value
	ID        string           `json:"id"`             // for people to name it
	Agent     timeline.AgentID `json:"agent"`
	CreatedAt time.Time        `json:"createdAt"`
	LastAt    time.Time        `json:"lastAt"`
	EndsAt    time.Time        `json:"endsAt"`    // at the latest
	ExpiresAt time.Time        `json:"expiresAt"` // unless it is used before
	Client    Client           `json:"client"`
}

// Client is where a request came from.
type Client struct {
	Address string `json:"address,omitempty"`
	Program string `json:"program,omitempty"` // User-Agent
}

// maxProgram is how much of a User-Agent is kept.
const maxProgram = 256

// begin makes a new session; its secret is never seen again. An earlier session of the
// same browser ends, so that nobody can plant one.
func (s *Service) begin(ctx context.Context, a *Agent, c Client, earlier string) (secret string, err error) {
	if earlier != "" {
		if err := s.End(ctx, earlier); err != nil {
			return "", err
		}
	}
	if len(c.Program) > maxProgram {
		c.Program = c.Program[:maxProgram]
	}
	secret = newSecret()
	now := s.now()
	sess := Session{Key: digest(secret), ID: s.newID(), Agent: a.ID, CreatedAt: now, LastAt: now,
		EndsAt: now.Add(s.opt.Max), ExpiresAt: now.Add(min(s.opt.Idle, s.opt.Max)), Client: c}
	if err := s.store.C(store.Sessions).Insert(ctx, sess); err != nil {
		return "", fmt.Errorf("auth: beginning a session: %w", err)
	}
	_, err = s.store.C(store.Agents).Update(ctx, bson.D{{Key: "_id", Value: string(a.ID)}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "signedIn", Value: now}}}})
	if err != nil {
		return "", fmt.Errorf("auth: noting a sign-in: %w", err)
	}
	return secret, nil
}

// Session finds who a session's secret belongs to; ErrSession if it does not hold.
func (s *Service) Session(ctx context.Context, secret string) (*Principal, error) {
	if secret == "" {
		return nil, ErrSession
	}
	return s.session(ctx, digest(secret), true)
}

func (s *Service) session(ctx context.Context, key string, used bool) (*Principal, error) {
	var sess Session
	err := s.store.C(store.Sessions).One(ctx, bson.D{{Key: "_id", Value: key}}, &sess)
	if errors.Is(err, store.ErrNotFound) {
		return nil, ErrSession
	}
	if err != nil {
		return nil, fmt.Errorf("auth: reading a session: %w", err)
	}
	now := s.now()
	if !now.Before(sess.ExpiresAt) || !now.Before(sess.EndsAt) {
		return nil, ErrSession
	}
	a, err := s.active(ctx, sess.Agent)
	if err != nil {
		return nil, err
	}
	if used && now.Sub(sess.LastAt) >= touchEvery {
		if err := s.touch(ctx, &sess, now); err != nil {
			return nil, err
		}
	}
	p := newPrincipal(a, nil)
	p.Session, p.key = sess.ID, sess.Key
	return p, nil
}

// active reads an agent who may act: there, and not disabled.
func (s *Service) active(ctx context.Context, id timeline.AgentID) (*Agent, error) {
	a, err := s.Agent(ctx, id)
	if errors.Is(err, store.ErrNotFound) || (err == nil && a.Disabled != nil) {
		return nil, ErrSession
	}
	return a, err
}

func (s *Service) touch(ctx context.Context, sess *Session, now time.Time) error {
	expires := now.Add(s.opt.Idle)
	if expires.After(sess.EndsAt) {
		expires = sess.EndsAt
	}
	_, err := s.store.C(store.Sessions).Update(ctx, bson.D{{Key: "_id", Value: sess.Key}},
		bson.D{{Key: "$max", Value: bson.D{{Key: "lastAt", Value: now}, {Key: "expiresAt", Value: expires}}}})
	if err != nil {
		return fmt.Errorf("auth: keeping a session: %w", err)
	}
	return nil
}

// Again works out anew what a principal may do; ErrSession once the sign-in has ended or
// the agent was disabled. It does not count as use.
func (s *Service) Again(ctx context.Context, p *Principal) (*Principal, error) {
	if p.Token != "" {
		return s.token(ctx, p.key, false)
	}
	return s.session(ctx, p.key, false)
}

// Sessions lists an agent's sign-ins that hold, the latest first.
func (s *Service) Sessions(ctx context.Context, id timeline.AgentID) ([]Session, error) {
	all := []Session{}
	if err := s.store.C(store.Sessions).All(ctx, bson.D{{Key: "agent", Value: string(id)}}, &all); err != nil {
		return nil, fmt.Errorf("auth: reading sessions: %w", err)
	}
	now := s.now()
	all = slices.DeleteFunc(all, func(x Session) bool { return !now.Before(x.ExpiresAt) })
	slices.SortFunc(all, func(a, b Session) int { return b.LastAt.Compare(a.LastAt) })
	return all, nil
}

// End ends the session of a secret; one that does not hold is no error.
func (s *Service) End(ctx context.Context, secret string) error {
	var sess Session
	filter := bson.D{{Key: "_id", Value: digest(secret)}}
	err := s.store.C(store.Sessions).One(ctx, filter, &sess)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err == nil {
		_, err = s.store.C(store.Sessions).Delete(ctx, filter)
	}
	if err != nil {
		return fmt.Errorf("auth: ending a session: %w", err)
	}
	s.hub.nudge(sess.Agent)
	return nil
}

// EndSession ends one of an agent's sign-ins by its public id; store.ErrNotFound if it is
// not theirs.
func (s *Service) EndSession(ctx context.Context, id timeline.AgentID, session string) error {
	n, err := s.store.C(store.Sessions).Delete(ctx, bson.D{{Key: "agent", Value: string(id)}, {Key: "id", Value: session}})
	if err == nil && n == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("auth: ending a session: %w", err)
	}
	s.hub.nudge(id)
	return nil
}

// EndSessions ends all of an agent's sign-ins but one, named by its public id.
func (s *Service) EndSessions(ctx context.Context, id timeline.AgentID, but string) error {
	filter := bson.D{{Key: "agent", Value: string(id)}, {Key: "id", Value: bson.D{{Key: "$ne", Value: but}}}}
	if _, err := s.store.C(store.Sessions).Delete(ctx, filter); err != nil {
		return fmt.Errorf("auth: ending sessions: %w", err)
	}
	s.hub.nudge(id)
	return nil
}

// CSRF is the token that writes made with a session's cookie must carry. It is bound to
// the session and nothing of the session can be learnt from it.
func CSRF(secret string) string {
	sum := sha256.Sum256([]byte("parley csrf\x00" + secret))
	return base64.RawURLEncoding.EncodeToString(sum[:24])
}

// CheckCSRF compares a token with the session's, in constant time.
func CheckCSRF(secret, token string) bool {
	return subtle.ConstantTimeCompare([]byte(CSRF(secret)), []byte(token)) == 1
}

// MaxAge is how long a sign-in lasts at most.
func (s *Service) MaxAge() time.Duration { return s.opt.Max }
