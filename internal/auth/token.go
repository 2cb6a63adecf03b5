package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// tokenPrefix lets people and secret scanners recognise a token.
const tokenPrefix = "parley_"

const kindAPI = "api"

// Token is an API token as the store keeps it.
type Token struct {
	Key         string           `json:"key" bson:"_id"` // SHA-256 of the token
	ID          string           `json:"id"`             // for people to name it
	Kind        string           `json:"kind"`
	Agent       timeline.AgentID `json:"agent"`
	Name        string           `json:"name"`
	Permissions []Permission     `json:"permissions,omitempty"` // empty: all the agent's
	CreatedAt   time.Time        `json:"createdAt"`
	LastAt      *time.Time       `json:"lastAt,omitempty"`
	ExpiresAt   *time.Time       `json:"expiresAt,omitempty"`
}

// CreateToken makes a token that acts as an agent; it is shown once.
func (s *Service) CreateToken(ctx context.Context, id timeline.AgentID, name string, limit []Permission, expires *time.Time) (secret string, t *Token, err error) {
	name = strings.TrimSpace(name)
	var wrong FieldErrors
	if name == "" || len(name) > 100 {
		wrong = append(wrong, FieldError{"name", "use 1 to 100 characters"})
	}
	for _, p := range limit {
		if !slices.Contains(allPermissions(), p) {
			wrong = append(wrong, FieldError{"permissions", "there is no permission " + string(p)})
		}
	}
	if expires != nil && !expires.After(s.now()) {
		wrong = append(wrong, FieldError{"expiresAt", "must lie ahead"})
	}
	if len(wrong) > 0 {
		return "", nil, wrong
	}
	secret = tokenPrefix + newSecret()
	t = &Token{Key: digest(secret), ID: s.newID(), Kind: kindAPI, Agent: id, Name: name, Permissions: limit,
		CreatedAt: s.now(), ExpiresAt: expires}
	if err := s.store.C(store.Tokens).Insert(ctx, t); err != nil {
		return "", nil, fmt.Errorf("auth: making a token: %w", err)
	}
	return secret, t, nil
}

// Token finds who a token acts as; ErrSession if it does not hold.
func (s *Service) Token(ctx context.Context, secret string) (*Principal, error) {
	if !strings.HasPrefix(secret, tokenPrefix) {
		return nil, ErrSession
	}
	return s.token(ctx, digest(secret), true)
}

func (s *Service) token(ctx context.Context, key string, used bool) (*Principal, error) {
	var t Token
	err := s.store.C(store.Tokens).One(ctx, bson.D{{Key: "_id", Value: key}}, &t)
	if errors.Is(err, store.ErrNotFound) || (err == nil && t.Kind != kindAPI) {
		return nil, ErrSession
	}
	if err != nil {
		return nil, fmt.Errorf("auth: reading a token: %w", err)
	}
	now := s.now()
	if t.ExpiresAt != nil && !now.Before(*t.ExpiresAt) {
		return nil, ErrSession
	}
	a, err := s.active(ctx, t.Agent)
	if err != nil {
		return nil, err
	}
	if used && (t.LastAt == nil || now.Sub(*t.LastAt) >= touchEvery) {
		_, err := s.store.C(store.Tokens).Update(ctx, bson.D{{Key: "_id", Value: key}},
			bson.D{{Key: "$max", Value: bson.D{{Key: "lastAt", Value: now}}}})
		if err != nil {
			return nil, fmt.Errorf("auth: noting a token's use: %w", err)
		}
	}
	p := newPrincipal(a, t.Permissions)
	p.Token, p.key = t.ID, t.Key
	return p, nil
}

// Tokens lists an agent's tokens, the oldest first.
func (s *Service) Tokens(ctx context.Context, id timeline.AgentID) ([]Token, error) {
	list := []Token{}
	err := s.store.C(store.Tokens).All(ctx, bson.D{{Key: "agent", Value: string(id)}, {Key: "kind", Value: kindAPI}}, &list)
	if err != nil {
		return nil, fmt.Errorf("auth: reading tokens: %w", err)
	}
	slices.SortFunc(list, func(a, b Token) int { return strings.Compare(a.ID, b.ID) })
	return list, nil
}

// EndToken revokes one of an agent's tokens by its public id.
func (s *Service) EndToken(ctx context.Context, id timeline.AgentID, token string) error {
	filter := bson.D{{Key: "agent", Value: string(id)}, {Key: "kind", Value: kindAPI}, {Key: "id", Value: token}}
	n, err := s.store.C(store.Tokens).Delete(ctx, filter)
	if err == nil && n == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("auth: revoking a token: %w", err)
	}
	s.hub.nudge(id)
	return nil
}
