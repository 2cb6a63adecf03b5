package api

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/parley-hub/parley/internal/auth"
)

// Access is who may use a route. The zero value allows nobody.
type Access struct {
	kind string
	perm auth.Permission
}

// The kinds of access.
var (
	Public = Access{kind: "public"} // anybody
	Self   = Access{kind: "self"}   // any signed-in agent, for what is their own
)

// Needs allows agents who have a permission.
func Needs(p auth.Permission) Access { return Access{kind: "permission", perm: p} }

// Named reports whether the access is one of the three kinds.
func (a Access) Named() bool { return a.kind != "" }

// Permission is what the access needs; empty for Public and Self.
func (a Access) Permission() auth.Permission { return a.perm }

func (a Access) String() string {
	if a.perm != "" {
		return string(a.perm)
	}
	return a.kind
}

// Route is one operation of the API.
type Route struct {
	ID      string
	Method  string
	Path    string
	Tag     string
	Summary string
	Help    string
	Access  Access
	Status  int   // of success; 0: 200
	Errors  []int // beside those every route may answer
	In, Out any   // examples
	// Replays makes the answer repeatable by Idempotency-Key: for writes that have no id of
	// their own. Secret answers are not kept: a repeat is refused.
	Replays bool
	Secret  bool
}

// handlerTime is how long a request may take.
const handlerTime = 10 * time.Second

// register adds a route. A route without access is a mistake that shows at start.
func register[I, O any](s *Server, r Route, h func(context.Context, *I) (*O, error)) {
	if !r.Access.Named() {
		panic("api: " + r.ID + " names no permission")
	}
	op := operation(r)
	huma.Register(s.huma, op, func(ctx context.Context, in *I) (out *O, err error) {
		ctx, cancel := context.WithTimeout(ctx, handlerTime)
		defer cancel()
		ctx, end := s.observe(ctx, r)
		defer func() { end(err) }()
		defer func() {
			if p := recover(); p != nil {
				err = s.fail(ctx, r, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
			}
		}()
		out, err = h(ctx, in)
		if err != nil {
			return nil, s.fail(ctx, r, err)
		}
		return out, nil
	})
	s.routes = append(s.routes, r)
	s.examples(r)
}

func operation(r Route) huma.Operation {
	status := r.Status
	if status == 0 {
		status = http.StatusOK
	}
	op := huma.Operation{OperationID: r.ID, Method: r.Method, Path: r.Path, Summary: r.Summary, Description: describe(r),
		Tags: []string{r.Tag}, DefaultStatus: status, MaxBodyBytes: bodyMax, BodyReadTimeout: -1,
		Errors: routeErrors(r), Metadata: map[string]any{"route": r}}
	if r.Access != Public {
		op.Security = []map[string][]string{{"token": {}}, {"cookie": {}}}
	}
	if r.Replays {
		op.Parameters = append(op.Parameters, &huma.Param{Name: "Idempotency-Key", In: "header",
			Description: "A key made by the client: the same request twice is done once and answers the same.",
			Schema:      &huma.Schema{Type: "string"}, Example: "01JD8Z0V5M6T3QK4W2R9X7C1AB"})
	}
	return op
}

func describe(r Route) string {
	switch r.Access.kind {
	case "public":
		return strings.TrimSpace(r.Help + "\n\nNeeds no sign-in.")
	case "self":
		return strings.TrimSpace(r.Help + "\n\nFor every signed-in agent.")
	}
	return strings.TrimSpace(r.Help + "\n\nNeeds the permission `" + string(r.Access.perm) + "`.")
}

func routeErrors(r Route) []int {
	list := []int{422, 500, 503}
	if r.Access != Public {
		list = append(list, 401, 403)
	}
	if strings.Contains(r.Path, "{") {
		list = append(list, 404)
	}
	if r.Method != http.MethodGet && r.Method != http.MethodDelete {
		list = append(list, 400, 413)
	}
	return append(list, r.Errors...)
}

// examples adds the examples to the description.
func (s *Server) examples(r Route) {
	item := s.huma.OpenAPI().Paths[r.Path]
	op := map[string]*huma.Operation{"GET": item.Get, "POST": item.Post, "PUT": item.Put, "PATCH": item.Patch, "DELETE": item.Delete}[r.Method]
	if r.In != nil && op.RequestBody != nil {
		for _, m := range op.RequestBody.Content {
			m.Example = r.In
		}
	}
	status := op.DefaultStatus
	if resp := op.Responses[strconv.Itoa(status)]; r.Out != nil && resp != nil {
		for _, m := range resp.Content {
			m.Example = r.Out
		}
	}
}

// fail is the answer to an error; faults of ours are logged, what was sent is not.
func (s *Server) fail(ctx context.Context, r Route, err error) error {
	p, known := asProblem(err)
	if !known {
		level := s.Log.ErrorContext
		if p.Status == http.StatusServiceUnavailable {
			level = s.Log.WarnContext
		}
		level(ctx, "request failed", "route", r.ID, "status", p.Status, "err", err)
	}
	return p
}
