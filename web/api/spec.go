package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"

	"github.com/parley-hub/parley/timeline"
)

var (
	partType    = reflect.TypeFor[timeline.Part]()
	problemType = reflect.TypeFor[Problem]()
)

// specRoutes serves the description, and the explanations of problems.
func (s *Server) specRoutes(app *fiber.App) {
	spec := sync.OnceValues(func() ([]byte, error) { return json.Marshal(s.huma.OpenAPI()) })
	s.public(app, Route{ID: "openapi", Path: "/api/openapi.json", Summary: "This description"}, "/api/openapi.json", func(c *fiber.Ctx) error {
		data, err := spec()
		if err != nil {
			return fmt.Errorf("api: encoding the description: %w", err)
		}
		c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
		c.Set(fiber.HeaderCacheControl, "no-cache")
		return c.Send(data)
	})
	s.public(app, Route{ID: "list-problems", Path: "/api/problems", Summary: "Every type of problem"}, "/api/problems", func(c *fiber.Ctx) error {
		return c.JSON(kinds)
	})
	s.public(app, Route{ID: "get-problem", Path: "/api/problems/{code}", Summary: "What a type of problem means"}, "/api/problems/:code", func(c *fiber.Ctx) error {
		k, ok := kindBy()[c.Params("code")]
		if !ok {
			return problem("not-found", "")
		}
		return c.JSON(k)
	})
}

// public adds a route that anybody may read.
func (s *Server) public(app *fiber.App, r Route, path string, h fiber.Handler) {
	r.Method, r.Access, r.Tag = http.MethodGet, Public, "description"
	s.routes = append(s.routes, r)
	app.Get(path, func(c *fiber.Ctx) error {
		if err := h(c); err != nil {
			s.answer(c, r, err)
		}
		return nil
	})
}

// describeSocket adds live updates to the description.
func (s *Server) describeSocket(r Route) {
	api := s.huma.OpenAPI()
	op := operation(r)
	op.Responses = map[string]*huma.Response{"101": {Description: "The talk begins; see docs/agent-protocol.md."}}
	problems := api.Components.Schemas.Schema(problemType, true, "Problem")
	for _, code := range []string{"401", "403", "426", "503"} {
		op.Responses[code] = &huma.Response{Description: "Problem", Content: map[string]*huma.MediaType{problemJSON: {Schema: problems}}}
	}
	op.Parameters = []*huma.Param{{Name: "token", In: "query", Description: "For programs that cannot set headers.", Schema: &huma.Schema{Type: "string"}}}
	api.AddOperation(&op)
}

// OpenAPI is the description of the API. It is there once the API was mounted.
func (s *Server) OpenAPI() *huma.OpenAPI { return s.huma.OpenAPI() }
