package main

import (
	"fmt"

	"github.com/parley-hub/parley/internal/auth"
	"github.com/parley-hub/parley/internal/config"
	"github.com/parley-hub/parley/web/api"
)

// oidc is signing in at a provider; nil where none is set.
func (n *node) oidc() api.OIDC {
	c := n.cfg.OIDC
	if c.Issuer == "" {
		return nil
	}
	return auth.NewOIDC(n.auth, auth.OIDCConfig{Issuer: c.Issuer, ClientID: c.ClientID, ClientSecret: c.ClientSecret.Reveal(), Name: c.Name, Scopes: c.Scopes,
		RolesClaim: c.RolesClaim, Roles: c.Roles, AutoCreate: c.AutoCreate, SignOut: c.SignOut})
}

// checkOIDC refuses roles that there are not: who has one of them would never be let in.
func checkOIDC(c config.OIDC) error {
	for value, role := range c.Roles {
		if _, ok := auth.RoleNamed(role); !ok {
			return fmt.Errorf("PARLEY_OIDC_ROLES: %s stands for %s, and there is no such role", value, role)
		}
	}
	return nil
}
