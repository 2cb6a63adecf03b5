package gateway

import (
	"context"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/internal/store"
)

// health is an account's traffic light: the worst of what the hub and the session say.
type health struct {
	live *live // nil: nowhere to record it

	mu      sync.Mutex
	ours    channels.Health
	his     channels.Health
	writing bool // somebody writes it down
}

func newHealth(l *live) *health {
	return &health{live: l, ours: channels.Health{State: channels.Green}, his: channels.Health{State: channels.Green}}
}

var severity = map[channels.HealthState]int{channels.Green: 0, channels.Amber: 1, channels.Red: 2}

func (h *health) hub(s channels.Health)     { h.change(&h.ours, s) }
func (h *health) session(s channels.Health) { h.change(&h.his, s) }

// worst is what people see. Of two equally bad ones the hub's is told.
func (h *health) worst() channels.Health {
	h.mu.Lock()
	defer h.mu.Unlock()
	if severity[h.his.State] > severity[h.ours.State] {
		return h.his
	}
	return h.ours
}

func (h *health) change(to *channels.Health, s channels.Health) {
	before := h.worst()
	h.mu.Lock()
	same := to.State == s.State && to.Reason == s.Reason
	if s.Since.IsZero() && h.live != nil {
		s.Since = h.live.g.now()
	}
	if same {
		s.Since = to.Since
	}
	*to = s
	h.mu.Unlock()
	if after := h.worst(); h.live != nil && differs(after, before) {
		h.live.log.Info("account health", "state", after.State, "reason", after.Reason)
		h.record()
	}
}

func differs(a, b channels.Health) bool { return a.State != b.State || a.Reason != b.Reason }

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
