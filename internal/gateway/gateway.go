// Package gateway is the hub's edge: it opens the sessions of configured accounts, takes
// what comes in by callback, connection or socket, and delivers what goes out.
//
// What comes in is durable on the inbound topic before anybody is told that it was taken;
// ingesting needs nothing but the bus. What goes out is marked in the store before the far
// side is called; what a crash left in between is never repeated unasked. An adapter that
// fails or panics turns its own account red and touches no other.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/internal/seal"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/internal/timers"
	"github.com/parley-hub/parley/timeline"
)

// pollEvery is how often a node looks whether another node changed the accounts.
const pollEvery = 2 * time.Second

// mediaMax is how large an attachment may be that is fetched, unless the settings say otherwise.
const mediaMax = 100 << 20

// Timers wakes things up: at the due time the value is published on the topic, at least once.
type Timers interface {
	Set(ctx context.Context, t timers.Timer) error
	Cancel(ctx context.Context, id string) error
}

// Deps is what a gateway stands on. Channels, Store, Box, Publish, Ask, Timers, Files and
// Threads are required.
type Deps struct {
	Channels   []channels.Channel
	Store      store.Store
	Box        *seal.Box
	Publish    func(context.Context, ...timeline.Inbound) error // to the inbound topic, durable when nil
	Ask        func(context.Context, ...timeline.Command) error // of conversations' writer, durable when nil
	Timers     Timers
	Files      FileStore
	Threads    channels.Threads
	HTTP       *http.Client // nil: http.DefaultClient; see package httpx
	Media      *http.Client // fetches attachments, which are large and slow; nil: HTTP
	MediaMax   int64        // bytes of an attachment that is fetched; 0: 100 MiB
	Log        *slog.Logger
	Registerer prometheus.Registerer
	Now        func() time.Time
	Node       string // names this node in leases; unique
	BaseURL    string // where the far side's callbacks reach the hub; empty: not known
}

// Gateway holds the open accounts of one node. It is safe for concurrent use.
type Gateway struct {
	d       Deps
	kinds   map[string]*channels.Channel
	metrics *metrics

	open    atomic.Pointer[table] // what is open now, read without a lock
	mu      sync.Mutex            // one reload at a time
	began   time.Time             // what this node was sending before is nobody's now
	seen    int64                 // the version of accounts that open shows; under mu
	ctx     context.Context       // ends when the gateway closes
	cancel  context.CancelFunc
	closing atomic.Bool
	kicked  chan struct{} // accounts are to be looked after now
	caring  chan struct{} // so many at a time
	sent    chan struct{} // errands may be due

	underWay running
	looked   looked
	work     gate // everything that runs on its own
	calls    gate // requests and deliveries under way
}

// New makes a gateway; Start opens its accounts.
func New(d Deps) (*Gateway, error) {
	switch {
	case d.Store == nil, d.Box == nil, d.Publish == nil, d.Ask == nil, d.Timers == nil, d.Files == nil, d.Threads == nil:
		return nil, errors.New("gateway: Store, Box, Publish, Ask, Timers, Files and Threads are required")
	case d.Node == "":
		return nil, errors.New("gateway: Node is required")
	}
	if d.HTTP == nil {
		d.HTTP = http.DefaultClient
	}
	if d.Media == nil {
		d.Media = d.HTTP
	}
	if d.MediaMax == 0 {
		d.MediaMax = mediaMax
	}
	if d.Log == nil {
		d.Log = slog.Default()
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	g := &Gateway{d: d, kinds: map[string]*channels.Channel{}, kicked: make(chan struct{}, 1), caring: make(chan struct{}, careBeside), sent: make(chan struct{}, 1)}
	for i := range d.Channels {
		c := &d.Channels[i]
		if g.kinds[c.Kind] != nil {
			return nil, fmt.Errorf("gateway: two channels of kind %q", c.Kind)
		}
		g.kinds[c.Kind] = c
	}
	g.began = g.now()
	g.metrics = newMetrics(d.Registerer, g)
	g.open.Store(&table{})
	g.ctx, g.cancel = context.WithCancel(context.Background())
	return g, nil
}

// Start opens every enabled account and follows changes that other nodes make. It returns
// when the accounts known now were tried; one that does not open is red, not an error.
func (g *Gateway) Start(ctx context.Context) error {
	if err := g.Reload(ctx); err != nil {
		return err
	}
	g.work.Go(g.follow)
	g.work.Go(g.care)
	g.work.Go(g.errands)
	return nil
}

// follow reloads while the gateway is open.
func (g *Gateway) follow() {
	t := time.NewTicker(pollEvery)
	defer t.Stop()
	for {
		select {
		case <-g.ctx.Done():
			return
		case <-t.C:
			if err := g.Reload(g.ctx); err != nil && g.ctx.Err() == nil {
				g.d.Log.Warn("accounts could not be read; the open ones go on", "error", err)
			}
		}
	}
}

// Close refuses what is new, lets what is under way finish until ctx ends, and closes
// every session.
func (g *Gateway) Close(ctx context.Context) error {
	if g.closing.Swap(true) {
		return nil
	}
	err := g.calls.wait(ctx)
	for _, l := range g.open.Load().byID {
		if lost := l.jot(ctx); lost != nil {
			l.log.Warn("what came in last is not written down", "error", lost)
		}
	}
	g.cancel()
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, l := range g.open.Load().byID {
		l.stop()
	}
	g.open.Store(&table{})
	return errors.Join(err, g.work.wait(ctx))
}

// now is the present moment as events carry it.
func (g *Gateway) now() time.Time { return timeline.Moment(g.d.Now()) }

// gate counts calls under way, and can be waited for while calls still come.
type gate struct {
	mu   sync.Mutex
	n    int
	idle chan struct{} // closed when n falls to 0; nil when nobody waits
}

func (g *gate) enter() { g.mu.Lock(); g.n++; g.mu.Unlock() }

// Go runs f and counts it.
func (g *gate) Go(f func()) {
	g.enter()
	go func() {
		defer g.leave()
		f()
	}()
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.n--; g.n == 0 && g.idle != nil {
		close(g.idle)
		g.idle = nil
	}
}

func (g *gate) wait(ctx context.Context) error {
	g.mu.Lock()
	if g.n == 0 {
		g.mu.Unlock()
		return nil
	}
	if g.idle == nil {
		g.idle = make(chan struct{})
	}
	idle := g.idle
	g.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("gateway: calls are still under way: %w", ctx.Err())
	}
}
