// Package api is the agents' HTTP API, as docs/agent-protocol.md and /api/openapi.json
// describe it.
//
// Reads come straight from the store, by index seeks. Writes to a conversation are commands
// in the journal: 202 says that one is durable, and its effect comes as an event. Ids are
// derived from what the client sent, so that the same write twice is one write.
//
// Every route names the permission it needs; nothing is served where none is named.
package api

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"
	"github.com/oklog/ulid/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/inbox/realtime"
	"github.com/parley-hub/parley/inbox/views"
	"github.com/parley-hub/parley/internal/auth"
	"github.com/parley-hub/parley/internal/bus"
	"github.com/parley-hub/parley/internal/config"
	"github.com/parley-hub/parley/internal/gateway"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// Deps is what the API works with.
type Deps struct {
	Store    store.Store
	Auth     *auth.Service
	OIDC     OIDC // nil: nobody signs in at a provider
	Commands Commands
	Outbox   Outbox
	Accounts Accounts
	Edge     Edge
	Channels []*channels.Channel
	Files    Files
	Realtime Realtime
	Present  func(timeline.ConversationID) Presence // who has it open; nil: live updates tell
	Merges   Merges
	Starts   Starts
	People   People
	Search   Search // nil: nothing is found
	Dead     Dead
	Counter  *views.Counter                        // nil: views have no numbers
	Tell     func(agent timeline.AgentID, say any) // a frame to an agent's sockets; nil: nobody is told
	Webhooks Webhooks
	Status   func(context.Context) HubStatus
	Log      *slog.Logger
	Metrics  prometheus.Registerer // nil: figures are kept by nobody
	Options  Options
}

// Options shape the API.
type Options struct {
	BaseURL   string         // as people reach the hub; empty: as each request names it
	Proxies   config.Proxies // whose forwarding headers are believed
	Undo      time.Duration  // where the agent chose nothing
	UploadMax int64          // bytes
	Version   string
	Now       func() time.Time // nil: the clock
}

// Commands asks the single writer. Publish returns when all are durable; an error means
// that the outcome is unknown. Commands of one conversation are done in their order.
type Commands interface {
	Publish(ctx context.Context, cmds ...timeline.Command) error
}

// Outbox holds messages that have not left.
type Outbox interface {
	// Cancel takes a message back; false where it is being sent or was sent.
	Cancel(ctx context.Context, id timeline.EventID) (bool, error)
}

// Accounts is the configured accounts; *gateway.Gateway keeps them. What is wrong with
// settings is a *gateway.Invalid; an unknown id is gateway.ErrNoAccount.
type Accounts interface {
	List(ctx context.Context) ([]gateway.Account, error)
	Get(ctx context.Context, id timeline.AccountID) (gateway.Account, error)
	Create(ctx context.Context, d gateway.Draft) (gateway.Account, error)
	Update(ctx context.Context, id timeline.AccountID, ch gateway.Change) (gateway.Account, error)
	Remove(ctx context.Context, id timeline.AccountID) error
}

// Files keeps bytes; internal/blob does.
type Files interface {
	Put(ctx context.Context, name string, r io.Reader, max int64) (timeline.Part, error)
	Open(ctx context.Context, id timeline.FileID) (io.ReadSeekCloser, timeline.Part, error)
	// Thumb opens a picture whose longer side has at most max pixels.
	Thumb(ctx context.Context, id timeline.FileID, max int) (io.ReadSeekCloser, timeline.Part, error)
}

// Realtime talks with agents over websockets; *realtime.Hub does. ServeAgent returns when
// the talk is over or ctx has ended.
type Realtime interface {
	ServeAgent(ctx context.Context, s realtime.Socket, v realtime.Viewer) error
}

// Merges makes persons one, reversibly.
type Merges interface {
	Merge(ctx context.Context, into, from timeline.PersonID, by timeline.Actor) (id string, err error)
	Undo(ctx context.Context, id string, by timeline.Actor) error
}

// Starts begins threads: we write first. *gateway.Gateway does.
type Starts interface {
	// Begin says how a first message goes out; what is wrong with the address is a *channels.Failure.
	Begin(account timeline.AccountID, to, about, id string) (timeline.Inbound, error)
	// Open takes it in: it is durable on return.
	Open(ctx context.Context, in timeline.Inbound) error
}

// People changes what is known of persons; *journal.Journal does. An identity that is somebody
// else's is a *journal.Conflict.
type People interface {
	AddIdentity(ctx context.Context, p timeline.PersonID, i timeline.Identity) error
	RemoveIdentity(ctx context.Context, p timeline.PersonID, id timeline.IdentityID) error
	// Erase makes the erasing of a person durable; it is carried out soon after.
	Erase(ctx context.Context, p timeline.PersonID, by timeline.Actor) error
}

// Dead is what could not be handled; *bus.Bus does it.
type Dead interface {
	DeadLetters(ctx context.Context, topic, after string, limit int) ([]bus.Dead, error)
	Replay(ctx context.Context, id string) error
	Discard(ctx context.Context, id string) error
}

// Server is the API. It is safe for concurrent use.
type Server struct {
	Deps
	huma   huma.API
	routes []Route
	took   *prometheus.HistogramVec
}

// New makes the API.
func New(d Deps) *Server {
	if d.Options.Now == nil {
		d.Options.Now = time.Now
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	return &Server{Deps: d, took: newFigures(d.Metrics)}
}

func (s *Server) now() time.Time { return timeline.Moment(s.Options.Now()) }

func (s *Server) newID() string {
	return ulid.MustNew(ulid.Timestamp(s.now()), ulid.DefaultEntropy()).String()
}

// bodyMax is the largest JSON body.
const bodyMax = 1 << 20

// FiberConfig is the application's configuration that the API relies on: strings that stay
// what they are, bodies not much larger than an upload, errors as problems.
func FiberConfig(uploadMax int64) fiber.Config {
	return fiber.Config{
		AppName:               "Parley",
		DisableStartupMessage: true,
		Immutable:             true,
		BodyLimit:             int(uploadMax) + drain,
		ErrorHandler:          ErrorHandler,
		ReadTimeout:           time.Minute,
		IdleTimeout:           2 * time.Minute,
		ReadBufferSize:        16 << 10, // the request's head
	}
}

// Mount adds the API below /api. The application must have been made with [FiberConfig].
func (s *Server) Mount(app *fiber.App) {
	if !app.Config().Immutable {
		panic("api: the application must be made with api.FiberConfig: values of requests are kept")
	}
	hookErrors()
	limitBodies(app)
	app.Use("/api", secure)
	s.huma = humafiber.New(app, humaConfig(s.Options.Version))
	s.huma.UseMiddleware(s.middleware)
	s.sessionRoutes()
	s.oidcRoutes(app)
	s.meRoutes()
	s.conversationRoutes()
	s.changeRoutes()
	s.viewRoutes()
	s.markRoutes()
	s.startRoutes()
	s.personRoutes()
	s.identityRoutes()
	s.leaveRoutes(app)
	s.searchRoutes()
	s.accountRoutes()
	s.connectRoutes(app)
	s.agentRoutes()
	s.adminRoutes()
	s.webhookRoutes()
	s.fileRoutes(app)
	s.realtimeRoute(app)
	s.specRoutes(app)
	app.Use("/api", s.nothing)
}

// Routes lists every route with the permission it needs.
func (s *Server) Routes() []Route { return s.routes }

func humaConfig(version string) huma.Config {
	if version == "" {
		version = "dev"
	}
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{Title: "Parley", Version: version,
				Description: "The agents' API. Sending, signing in and live updates are explained in docs/agent-protocol.md."},
			Components: &huma.Components{
				Schemas: schemas(),
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"token":  {Type: "http", Scheme: "bearer", Description: "parley token create --agent <e-mail>"},
					"cookie": {Type: "apiKey", In: "cookie", Name: sessionCookie, Description: "POST /api/session; writes also need X-Parley-CSRF"},
				},
			},
		},
		Formats:       huma.DefaultFormats,
		DefaultFormat: "application/json",
	}
}
