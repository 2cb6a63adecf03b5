package gateway

import (
	"context"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/internal/store"
)

// concern is one thing that can be wrong with an account, each with a light of its own.
type concern string

// The concerns, in the order in which equally bad ones are told.
const (
	concernHub          concern = "hub"          // opening, sending, the connection
	concernRefresh      concern = "refresh"      // renewing credentials
	concernExpiry       concern = "expiry"       // credentials that end soon
	concernSubscription concern = "subscription" // callbacks are a subscription that was lost
	concernCallbacks    concern = "callbacks"    // callbacks that could not be read
	concernSilence      concern = "silence"      // nothing comes in any more
	concernRate         concern = "rate"         // the far side takes no more for now
	concernSession      concern = "session"      // what the session itself reports
)

var concerns = []concern{concernHub, concernRefresh, concernExpiry, concernSubscription, concernCallbacks, concernSilence, concernRate, concernSession}

// health is an account's traffic light: the worst of its concerns.
type health struct {
	live *live // nil: nowhere to record it

	mu      sync.Mutex
	lights  map[concern]channels.Health // those that are not green
	green   channels.Health
	writing bool // somebody writes it down
}

func newHealth(l *live) *health {
	return &health{live: l, lights: map[concern]channels.Health{}, green: channels.Health{State: channels.Green}}
}

var severity = map[channels.HealthState]int{channels.Green: 0, channels.Amber: 1, channels.Red: 2}

func (h *health) hub(s channels.Health)     { h.of(concernHub, s) }
func (h *health) session(s channels.Health) { h.of(concernSession, s) }

// well says that the account works: what was amber about that is over.
func (h *health) well() {
	h.mu.Lock()
	amber := h.lights[concernHub].State == channels.Amber
	h.mu.Unlock()
	if amber {
		h.hub(channels.Health{State: channels.Green})
	}
}

// light is one concern's; green where there is nothing to say.
func (h *health) light(c concern) channels.Health {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s, ok := h.lights[c]; ok {
		return s
	}
	return h.green
}

// worst is what people see. Of equally bad ones the first concern's is told.
func (h *health) worst() channels.Health {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.worstNow()
}

func (h *health) worstNow() channels.Health {
	worst := h.green
	for _, c := range concerns {
		if s, ok := h.lights[c]; ok && severity[s.State] > severity[worst.State] {
			worst = s
		}
	}
	return worst
}

// of sets one concern's light.
func (h *health) of(c concern, s channels.Health) {
	h.mu.Lock()
	before := h.worstNow()
	was, lit := h.lights[c]
	if s.Since.IsZero() && h.live != nil {
		s.Since = h.live.g.now()
	}
	if s.State == channels.Green {
		delete(h.lights, c)
	} else {
		if lit && !differs(was, s) {
			s.Since = was.Since
		}
		h.lights[c] = s
	}
	after := h.worstNow()
	if after.State == channels.Green && (before.State != channels.Green || before.Since.IsZero()) {
		h.green.Since = s.Since
	}
	h.mu.Unlock()
	if h.live != nil && differs(after, before) {
		h.live.log.Info("account health", "state", after.State, "reason", after.Reason)
		h.record()
	}
}

func differs(a, b channels.Health) bool {
	return a.State != b.State || a.Reason != b.Reason || a.Next != b.Next
}

// record writes the light down in the background, the latest last; another node shows it
// from there.
func (h *health) record() {
	h.mu.Lock()
	busy := h.writing
	h.writing = true
	h.mu.Unlock()
	if busy {
		return
	}
	h.live.g.work.Go(func() {
		for {
			s := h.worst()
			h.write(s)
			now := h.worst()
			h.mu.Lock()
			if !differs(now, s) || h.live.g.ctx.Err() != nil {
				h.writing = false
				h.mu.Unlock()
				return
			}
			h.mu.Unlock()
		}
	})
}

func (h *health) write(s channels.Health) {
	l := h.live
	ctx, cancel := context.WithTimeout(l.g.ctx, 5*time.Second)
	defer cancel()
	_, err := l.g.col(store.Accounts).Update(ctx, bson.D{{Key: "_id", Value: string(l.record.ID)}}, bson.D{{Key: "$set", Value: bson.D{{Key: "health", Value: s}}}})
	if err != nil && l.g.ctx.Err() == nil {
		l.log.Warn("the account's health could not be recorded", "error", err)
	}
}

func heldHealth(h *hold) channels.Health {
	s := channels.Health{State: channels.Red, Reason: h.Reason, Next: "Renew the account's credentials; what waits is sent then.", Since: h.At}
	if s.Reason == "" {
		s.Reason = "The far side no longer accepts the account's credentials."
	}
	return s
}

// shared are the concerns that one node looks after for all; see care.
var shared = []concern{concernRefresh, concernExpiry, concernSubscription, concernSilence}

// follow shows what the node that looks after the account found.
func (h *health) follow(found map[string]channels.Health) {
	for _, c := range shared {
		s, ok := found[string(c)]
		if !ok {
			s = channels.Health{State: channels.Green}
		}
		h.of(c, s)
	}
}

// passing ends lights that tell of a moment long ago.
func (h *health) passing(now time.Time, older time.Duration) {
	for _, c := range []concern{concernCallbacks} {
		if s := h.light(c); s.State != channels.Green && now.Sub(s.Since) > older {
			h.of(c, channels.Health{State: channels.Green})
		}
	}
}
