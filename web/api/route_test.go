package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	"github.com/parley-hub/parley/internal/auth"
)

// Every route that the server answers below /api is declared, and names who may use it.
func TestEveryRouteNamesItsAccess(t *testing.T) {
	w := newWorld(t)
	declared := map[string]bool{}
	for _, r := range w.api.Routes() {
		if !r.Access.Named() {
			t.Errorf("%s %s names no permission", r.Method, r.Path)
		}
		if r.Summary == "" || r.ID == "" {
			t.Errorf("%s %s has no id or summary", r.Method, r.Path)
		}
		declared[r.Method+" "+strings.NewReplacer("{", ":", "}", "").Replace(r.Path)] = true
	}
	for _, list := range w.app.Stack() {
		for _, r := range list {
			if r.Method == http.MethodHead || !strings.HasPrefix(r.Path, "/api") || isMiddleware(w.app, r) {
				continue
			}
			if !declared[r.Method+" "+r.Path] {
				t.Errorf("%s %s is served and not declared", r.Method, r.Path)
			}
		}
	}
	if len(declared) < 50 {
		t.Errorf("only %d routes are declared", len(declared))
	}
}

// isMiddleware tells app.Use("/api", …) from routes: it is there for every method.
func isMiddleware(_ *fiber.App, r *fiber.Route) bool { return r.Path == "/api" }

func TestPublicRoutesAreFew(t *testing.T) {
	w := newWorld(t)
	want := []string{"begin-oidc", "end-oidc", "finish-oidc", "get-problem", "list-problems", "list-sign-in-methods", "openapi", "sign-in", "sign-in-once"}
	var got []string
	for _, r := range w.api.Routes() {
		if r.Access.String() == "public" {
			got = append(got, r.ID)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("public routes are %v, want %v", got, want)
	}
}

// Every role is let through to exactly the routes whose permission it has.
func TestRolesTimesRoutes(t *testing.T) {
	w := newWorld(t)
	for _, role := range auth.Roles {
		_, token := w.agent(role.Name)
		for _, r := range w.api.Routes() {
			if r.Access.Permission() == "" || r.Path == "/api/realtime" {
				continue
			}
			t.Run(role.Name+"/"+r.ID, func(t *testing.T) {
				path := strings.NewReplacer("{id}", "none", "{event}", "none").Replace(r.Path)
				a := w.call(token, r.Method, path, strings.NewReplacer().Replace(`{}`))
				refused := a.status == http.StatusForbidden && strings.Contains(a.problem.Detail, string(r.Access.Permission()))
				if may := slices.Contains(role.Permissions, r.Access.Permission()); refused == may {
					t.Errorf("%s %s: %d %s; the role may: %v", r.Method, path, a.status, a.body, may)
				}
			})
		}
	}
}

func TestNobodyIsLetInWithoutSignIn(t *testing.T) {
	w := newWorld(t)
	for _, r := range w.api.Routes() {
		if r.Access.String() == "public" {
			continue
		}
		path := strings.NewReplacer("{id}", "none", "{event}", "none").Replace(r.Path)
		for _, token := range []string{"", "parley_forged"} {
			a := w.call(token, r.Method, path, nil)
			if r.Path == "/api/realtime" && token == "" {
				w.want(a, http.StatusForbidden, "csrf")
				continue
			}
			w.want(a, http.StatusUnauthorized, "unauthenticated")
		}
	}
}

func TestUnknownAddresses(t *testing.T) {
	w := newWorld(t)
	w.want(w.call("", http.MethodGet, "/api/nothing", nil), http.StatusNotFound, "not-found")
	w.want(w.call("", http.MethodDelete, "/api/teams", nil), http.StatusMethodNotAllowed, "method")
}
