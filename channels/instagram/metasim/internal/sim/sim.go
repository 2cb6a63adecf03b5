// Package sim puts the parts of the simulator behind one handler.
package sim

import (
	"net/http"
	"time"

	"github.com/parley-hub/parley/channels/instagram/metasim/internal/clock"
	"github.com/parley-hub/parley/channels/instagram/metasim/internal/control"
	"github.com/parley-hub/parley/channels/instagram/metasim/internal/graph"
	"github.com/parley-hub/parley/channels/instagram/metasim/internal/hook"
	"github.com/parley-hub/parley/channels/instagram/metasim/internal/page"
	"github.com/parley-hub/parley/channels/instagram/metasim/internal/world"
)

// Sim is a platform ready to be called.
type Sim struct {
	World   *world.World
	Graph   *graph.API
	Control *control.API
	clock   *clock.Clock
	sender  *hook.Sender
	mux     *http.ServeMux
}

// New returns an empty platform. base is the address it will be reached at; the clock starts
// now and runs scale times as fast as real time.
func New(base string, seed int64, scale float64) *Sim {
	c := clock.New(time.Now(), scale)
	s := &Sim{clock: c}
	s.sender = hook.New(c, seed, func(hook.Delivery) { s.World.Touch() })
	s.World = world.New(c, s.sender, base, seed)
	s.Graph = graph.New(s.World)
	s.Control = control.New(s.World, s.Graph)
	s.mux = http.NewServeMux()
	s.mux.Handle("/_sim/", s.Control)
	s.mux.Handle("/", page.Handler())
	return s
}

// Close stops clock, deliveries and streams.
func (s *Sim) Close() {
	s.Control.Close()
	s.sender.Close()
	s.clock.Close()
}

// ServeHTTP gives calls on one of Meta's hosts to the platform, and the rest to the control
// API and the page.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, _, _, found := graph.Host(r); found {
		s.Graph.ServeHTTP(w, r)
		return
	}
	s.mux.ServeHTTP(w, r)
}
