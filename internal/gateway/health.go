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

	mu   sync.Mutex
	ours channels.Health
	his  channels.Health
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
	if after := h.worst(); h.live != nil && (after.State != before.State || after.Reason != before.Reason) {
		h.record(after)
	}
}

// record writes the light down in the background; another node shows it from there.
func (h *health) record(s channels.Health) {
	l := h.live
	l.log.Info("account health", "state", s.State, "reason", s.Reason)
	l.g.work.Go(func() {
		ctx, cancel := context.WithTimeout(l.g.ctx, 5*time.Second)
		defer cancel()
		_, err := l.g.col(store.Accounts).Update(ctx, bson.D{{Key: "_id", Value: string(l.record.ID)}}, bson.D{{Key: "$set", Value: bson.D{{Key: "health", Value: s}}}})
		if err != nil && l.g.ctx.Err() == nil {
			l.log.Warn("the account's health could not be recorded", "error", err)
		}
	})
}

func heldHealth(h *hold) channels.Health {
	s := channels.Health{State: channels.Red, Reason: h.Reason, Next: "Renew the account's credentials; what waits is sent then.", Since: h.At}
	if s.Reason == "" {
		s.Reason = "The far side no longer accepts the account's credentials."
	}
	return s
}
