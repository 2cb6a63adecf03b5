// Package realtime is the live view: it tells agents' programs and customers' programs what
// happens, each thing once and in order, without a gap at the seam between what was missed
// and what is new.
//
// What may be assumed. [Hub.Deliver] is called on every node with every entry of the
// timeline, in order per conversation; different conversations may run in parallel. An
// entry is in the store before it is delivered, so whatever a socket missed is read from
// there. The hub counts by seq: a repeat is dropped, a hole is filled from the store before
// what follows it is sent.
//
// Each event is encoded once and the same bytes are queued for every socket that may see
// it. A socket has its own writer and a bounded queue; one that falls behind is told to
// resync and closed, never skipped in silence. Presence and typing are lossy by nature and
// travel between nodes by [Gossip].
package realtime

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"github.com/prometheus/client_golang/prometheus"
)

// Limits bound what one socket may ask for and hold. Zero fields take their default.
type Limits struct {
	Replay        int           // events replayed on a subscription before the client is told of a gap; 500
	QueueFrames   int           // frames waiting for one socket; 8192
	QueueBytes    int           // bytes waiting for one socket; 8 MiB
	Subscriptions int           // conversations one socket may watch; 512
	FrameBytes    int           // of one frame from a client; 16 KiB
	Problems      int           // malformed frames before a socket is closed; 50
	Silence       time.Duration // without a frame from the client; 60 s
	PresenceFor   time.Duration // an agent's presence without a repeat; 15 s
	TypingFor     time.Duration // a customer's typing without a repeat; 6 s
	OnlineFor     time.Duration // a customer's presence on another node without a repeat; 60 s
}

// Deps is what a hub is made of. Store is required.
type Deps struct {
	Store      store.Store
	Log        *slog.Logger
	Now        func() time.Time
	Node       string                // unique name of this node
	Registerer prometheus.Registerer // nil: metrics are not exposed
	Gossip     Gossip                // nil: a single node
	Limits     Limits
}

// Hub fans the timeline out to sockets. It is safe for concurrent use.
type Hub struct {
	rec    record
	log    *slog.Logger
	now    func() time.Time
	node   string
	gossip Gossip
	lim    Limits
	met    *metrics
	lanes  *lanes
	here   *presence

	mu      sync.RWMutex
	sockets map[*agentSocket]struct{}
	feed    map[*agentSocket]struct{}
	subs    map[timeline.ConversationID]map[*agentSocket]struct{}
	watched map[timeline.LegID]map[*watcher]struct{}

	stop context.CancelFunc
	done chan struct{}
}

// New makes a hub and starts its housekeeping, which ends with [Hub.Close].
func New(d Deps) *Hub {
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	ctx, stop := context.WithCancel(context.Background())
	h := &Hub{
		rec: record{d.Store}, log: d.Log, now: d.Now, node: d.Node, gossip: d.Gossip, lim: d.Limits.filled(),
		met: newMetrics(d.Registerer), lanes: newLanes(), here: newPresence(),
		sockets: map[*agentSocket]struct{}{}, feed: map[*agentSocket]struct{}{},
		subs:    map[timeline.ConversationID]map[*agentSocket]struct{}{},
		watched: map[timeline.LegID]map[*watcher]struct{}{},
		stop:    stop, done: make(chan struct{}),
	}
	go h.keep(ctx)
	return h
}

// Close tells every socket to come back soon and ends the housekeeping. Sockets served
// end by themselves when their ctx does.
func (h *Hub) Close() {
	h.stop()
	<-h.done
	for _, s := range h.all() {
		s.end(codeRestart, "the server restarts")
	}
}

// Disconnect closes every socket of an agent on this node, as after a sign-out or when the
// agent was removed.
func (h *Hub) Disconnect(agent timeline.AgentID) {
	for _, s := range h.all() {
		if s.viewer.Agent == agent {
			s.end(codeSignedOut, "signed out")
		}
	}
}

func (l Limits) filled() Limits {
	def := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	long := func(v *time.Duration, d time.Duration) {
		if *v <= 0 {
			*v = d
		}
	}
	def(&l.Replay, 500)
	def(&l.QueueFrames, 8192)
	def(&l.QueueBytes, 8<<20)
	def(&l.Subscriptions, 512)
	def(&l.FrameBytes, 16<<10)
	def(&l.Problems, 50)
	long(&l.Silence, time.Minute)
	long(&l.PresenceFor, 15*time.Second)
	long(&l.TypingFor, 6*time.Second)
	long(&l.OnlineFor, time.Minute)
	return l
}

// keep runs what is due by the clock until the hub closes.
func (h *Hub) keep(ctx context.Context) {
	defer close(h.done)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			h.sweep(h.now())
		}
	}
}

// sweep closes silent sockets and lets presence run out.
func (h *Hub) sweep(now time.Time) {
	for _, s := range h.all() {
		if s.silent(now) > h.lim.Silence {
			s.end(codeSilent, "no frame for too long")
		}
	}
	h.sweepPresence(now)
}

func (h *Hub) all() []*agentSocket {
	h.mu.RLock()
	defer h.mu.RUnlock()
	out := make([]*agentSocket, 0, len(h.sockets))
	for s := range h.sockets {
		out = append(out, s)
	}
	return out
}

func (h *Hub) add(s *agentSocket) {
	h.mu.Lock()
	h.sockets[s] = struct{}{}
	n := len(h.sockets)
	h.mu.Unlock()
	h.met.sockets.Set(float64(n))
}

func (h *Hub) remove(s *agentSocket) {
	h.mu.Lock()
	delete(h.sockets, s)
	delete(h.feed, s)
	for c := range s.forget() {
		h.unindex(c, s)
	}
	n := len(h.sockets)
	h.mu.Unlock()
	h.met.sockets.Set(float64(n))
}

func (h *Hub) index(c timeline.ConversationID, s *agentSocket) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.subs[c] == nil {
		h.subs[c] = map[*agentSocket]struct{}{}
	}
	h.subs[c][s] = struct{}{}
}

// unindex is called with h.mu held.
func (h *Hub) unindex(c timeline.ConversationID, s *agentSocket) {
	delete(h.subs[c], s)
	if len(h.subs[c]) == 0 {
		delete(h.subs, c)
	}
}
