package webhooks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/prometheus/client_golang/prometheus"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/internal/auth"
	"github.com/parley-hub/parley/internal/bus"
	"github.com/parley-hub/parley/internal/httpx"
	"github.com/parley-hub/parley/internal/seal"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// Deps is what webhooks work with. Store, Box and Audit are required.
type Deps struct {
	Store      store.Store
	Box        *seal.Box // seals the endpoints' secrets
	Audit      func(context.Context, auth.Record) error
	Allow      []netip.Prefix // networks inside the house that may be called
	Node       string         // this node's name, unique among those that run
	Now        func() time.Time
	Log        *slog.Logger
	Registerer prometheus.Registerer // nil: figures are kept by nobody
}

// Webhooks keeps endpoints and delivers to them. It is safe for concurrent use.
type Webhooks struct {
	d      Deps
	http   *http.Client
	jitter func() float64 // from 0 to 1
	woken  chan struct{}
	kept   int // deliveries in the log of each endpoint
	m      figures

	mu   sync.Mutex
	busy map[string]bool // endpoints whose lane runs here
}

// New makes webhooks; it starts nothing.
func New(d Deps) (*Webhooks, error) {
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Node == "" {
		d.Node = "node"
	}
	client := httpx.New(httpx.Options{Allow: d.Allow, Timeout: CallTime, MaxBody: maxAnswer})
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // signed for one address only
	w := &Webhooks{d: d, http: client, jitter: rand.Float64, woken: make(chan struct{}, 1), kept: Keep, m: newFigures(), busy: map[string]bool{}}
	if d.Registerer != nil {
		if err := errors.Join(d.Registerer.Register(w.m.attempts), d.Registerer.Register(w.m.took)); err != nil {
			return nil, fmt.Errorf("webhooks: registering figures: %w", err)
		}
	}
	return w, nil
}

func (w *Webhooks) endpoints() store.Collection  { return w.d.Store.C(store.Webhooks) }
func (w *Webhooks) deliveries() store.Collection { return w.d.Store.C(store.Deliveries) }

func (w *Webhooks) now() time.Time { return timeline.Moment(w.d.Now()) }

func (w *Webhooks) newID() string {
	return ulid.MustNew(ulid.Timestamp(w.now()), ulid.DefaultEntropy()).String()
}

func byID(id string) bson.D { return bson.D{{Key: "_id", Value: id}} }

// nudge has the lanes looked at now.
func (w *Webhooks) nudge() {
	select {
	case w.woken <- struct{}{}:
	default:
	}
}

// Start registers the consumer on a bus.
func (w *Webhooks) Start(b *bus.Bus) error {
	wait := func(err error) bool { return errors.Is(err, store.ErrUnavailable) }
	return bus.Consume(b, bus.Timeline, bus.Consumer[timeline.Entry]{Group: "webhooks", Workers: 1, Pause: wait}, w.Follow)
}

// figures are what operators watch.
type figures struct {
	attempts *prometheus.CounterVec
	took     prometheus.Histogram
}

func newFigures() figures {
	return figures{
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "parley_webhook_attempts_total",
			Help: "Calls to endpoints, by what came of them: taken, refused (an HTTP status), failed (no answer)."}, []string{"result"}),
		took: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "parley_webhook_seconds",
			Help: "How long calls to endpoints took.", Buckets: []float64{.01, .05, .1, .5, 1, 5, 15}}),
	}
}
