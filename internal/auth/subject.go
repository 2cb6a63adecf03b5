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

// once uses a sign-in up: its answer counts once, on any node.
func (o *OIDC) once(ctx context.Context, f *flow) error {
	err := o.s.store.C(store.Attempts).Insert(ctx, struct {
		Key       string    `bson:"_id"`
		ExpiresAt time.Time `json:"expiresAt"`
	}{"oidc|" + digest(f.State), f.Until})
	if store.IsDuplicate(err, "") {
		return oidcError(OIDCState, "it was used already")
	}
	if err != nil {
		return fmt.Errorf("auth: using a sign-in up: %w", err)
	}
	return nil
}

// agent finds who signed in: by the provider's subject, which was connected with an agent earlier,
// or by the address that the provider vouches for.
func (o *OIDC) agent(ctx context.Context, c *claims) (*SignedInOIDC, error) {
	roles, err := o.roles(c)
	if err != nil {
		return nil, err
	}
	out := &SignedInOIDC{}
	out.Agent, err = o.s.agentBy(ctx, bson.D{{Key: "subject", Value: c.subject()}})
	if errors.Is(err, store.ErrNotFound) {
		err = o.meet(ctx, c, roles, out)
	}
	if err != nil {
		return nil, err
	}
	if out.Agent.Disabled != nil {
		return nil, oidcError(OIDCDisabled, "the agent is disabled")
	}
	return out, o.follow(ctx, out.Agent, roles)
}

// meet connects somebody who signs in for the first time with the agent of their address, or
// makes one of them.
func (o *OIDC) meet(ctx context.Context, c *claims, roles []string, out *SignedInOIDC) error {
	email := c.email()
	if email == "" {
		return oidcError(OIDCEmail, "the provider vouches for no address")
	}
	a, err := o.s.AgentByEmail(ctx, email)
	if errors.Is(err, store.ErrNotFound) {
		if a, err = o.create(ctx, c, email, roles); err == nil {
			out.Created = true
		}
	}
	if err != nil {
		return err
	}
	if a.Disabled != nil {
		return oidcError(OIDCDisabled, "the agent is disabled")
	}
	if a, err = o.link(ctx, a, c); err != nil {
		return err
	}
	out.Agent, out.Linked = a, true
	return nil
}

// create makes an agent of somebody from a domain that is let in.
func (o *OIDC) create(ctx context.Context, c *claims, email string, roles []string) (*Agent, error) {
	_, domain, _ := strings.Cut(email, "@")
	if !slices.Contains(o.cfg.AutoCreate, domain) || strings.Count(email, "@") != 1 {
		return nil, oidcError(OIDCNobody, "no agent has the address")
	}
	name := strings.TrimSpace(c.text("name"))
	if name == "" {
		name, _, _ = strings.Cut(email, "@")
	}
	if r := []rune(name); len(r) > 100 {
		name = string(r[:100])
	}
	a, err := o.s.CreateAgent(ctx, NewAgent{Email: email, Name: name, Roles: roles})
	var wrong FieldErrors
	if errors.As(err, &wrong) {
		if a, again := o.s.AgentByEmail(ctx, email); again == nil { // came by another tab at the same moment
			return a, nil
		}
		return nil, oidcError(OIDCNobody, "no agent can be made of it: %s", wrong[0].Field)
	}
	return a, err
}

// link connects an agent with a provider's person. One who is connected with another person of the
// same provider stays so: addresses change hands.
func (o *OIDC) link(ctx context.Context, a *Agent, c *claims) (*Agent, error) {
	if strings.HasPrefix(a.Subject, c.issuer+"|") {
		return nil, oidcError(OIDCLinked, "the agent with the address is connected with somebody else")
	}
	was := bson.E{Key: "subject", Value: bson.D{{Key: "$exists", Value: false}}}
	if a.Subject != "" {
		was.Value = a.Subject
	}
	var linked Agent
	err := o.s.store.C(store.Agents).Modify(ctx, bson.D{{Key: "_id", Value: string(a.ID)}, was},
		bson.D{{Key: "$set", Value: bson.D{{Key: "subject", Value: c.subject()}}}}, false, &linked)
	if store.IsDuplicate(err, "subject") || errors.Is(err, store.ErrNotFound) { // twice at once
		return nil, oidcError(OIDCState, "somebody else was connected meanwhile")
	}
	if err != nil {
		return nil, fmt.Errorf("auth: connecting an agent: %w", err)
	}
	return &linked, nil
}

// roles are those that the provider gives; nil where it has no say.
func (o *OIDC) roles(c *claims) ([]string, error) {
	if o.cfg.RolesClaim == "" {
		return nil, nil
	}
	var roles []string
	for _, v := range c.values(o.cfg.RolesClaim) {
		if len(o.cfg.Roles) > 0 {
			v = o.cfg.Roles[v]
		}
		if _, ok := RoleNamed(v); ok && !slices.Contains(roles, v) {
			roles = append(roles, v)
		}
	}
	if len(roles) == 0 {
		return nil, oidcError(OIDCRole, "the provider gives no role")
	}
	slices.Sort(roles)
	return roles, nil
}

// follow gives an agent the roles that the provider says, at each sign-in. The last administrator
// stays one: a mistake there must not lock everybody out here.
func (o *OIDC) follow(ctx context.Context, a *Agent, roles []string) error {
	had := slices.Sorted(slices.Values(a.Roles))
	if roles == nil || slices.Equal(roles, had) {
		return nil
	}
	changed, err := o.s.UpdateAgent(ctx, a.ID, AgentChange{Roles: &roles})
	if errors.Is(err, ErrLastAdmin) {
		return nil
	}
	if err == nil {
		a.Roles = changed.Roles
	}
	return err
}

// Unlink forgets whom at the provider an agent is. Their next sign-in there connects them anew, by
// their address.
func (s *Service) Unlink(ctx context.Context, id timeline.AgentID) error {
	n, err := s.store.C(store.Agents).Update(ctx, bson.D{{Key: "_id", Value: string(id)}}, bson.D{{Key: "$unset", Value: bson.D{{Key: "subject", Value: ""}}}})
	if err == nil && n == 0 {
		err = store.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("auth: disconnecting an agent: %w", err)
	}
	return s.EndSessions(ctx, id, "")
}
