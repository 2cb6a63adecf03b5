// Package timers keeps what is due later: the end of a snooze, a message that is sent at
// nine. A timer is a record that is published on a topic when its time has come.
//
// Timers are in the store: they survive a restart and any node may fire them. A timer fires
// at least once, usually within a quarter of a second of its time; what is published must
// therefore be idempotent. Several nodes may run at once: one claims a timer for a few
// seconds, and another takes over if it died.
package timers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/parley-hub/parley/internal/store"
	"go.mongodb.org/mongo-driver/v2/bson"
)

const (
	poll  = 250 * time.Millisecond // longest wait between looks
	claim = 2 * time.Second        // how long a node has for firing what it claimed
	most  = 200                    // timers fired between looks
)

// Timer is something due.
type Timer struct {
	ID    string          `json:"id" bson:"_id"`
	DueAt time.Time       `json:"dueAt"`
	Topic string          `json:"topic"`
	Value json.RawMessage `json:"value"` // what to publish
}

// stored is a timer with what the nodes agree on.
type stored struct {
	Timer   `bson:",inline"`
	Claimed *time.Time `json:"claimed,omitempty"`
	Node    string     `json:"node,omitempty"` // who claimed it
}

// free reports whether a timer may be claimed: nobody did, or who did had long enough, or who
// did was this node before it died and was started again.
func (t *Timers) free(s *stored, now time.Time) bool {
	return s.Claimed == nil || now.Sub(*s.Claimed) >= claim || t.node != "" && s.Node == t.node && s.Claimed.Before(t.began)
}

// Publish publishes a value on a topic and returns when it is acknowledged.
type Publish func(ctx context.Context, topic string, value []byte) error

// Timers sets, cancels and fires timers. It is safe for concurrent use.
type Timers struct {
	c       store.Collection
	publish Publish
	now     func() time.Time
	log     *slog.Logger
	node    string
	began   time.Time
	woken   chan struct{}
}

// New makes timers over a store. A nil clock is the real one; a nil log discards.
func New(s store.Store, publish Publish, clock func() time.Time, log *slog.Logger) *Timers {
	if clock == nil {
		clock = time.Now
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Timers{c: s.C(store.Timers), publish: publish, now: clock, log: log, began: clock().UTC().Truncate(time.Millisecond), woken: make(chan struct{}, 1)}
}

// Named names this node, before Run. One that is started again under its name takes over at
// once what it had claimed, instead of waiting until the claim ends. No two nodes that run at
// the same time may share a name.
func (t *Timers) Named(node string) *Timers {
	t.node = node
	return t
}

// Set makes a timer, or replaces the one with the same id.
func (t *Timers) Set(ctx context.Context, timer Timer) error {
	if timer.ID == "" || timer.Topic == "" || timer.DueAt.IsZero() {
		return errors.New("timers: a timer needs an id, a topic and a time")
	}
	timer.DueAt = timer.DueAt.UTC().Truncate(time.Millisecond)
	_, err := t.c.Upsert(ctx, bson.D{{Key: "_id", Value: timer.ID}}, bson.D{
		{Key: "$set", Value: bson.D{{Key: "dueAt", Value: timer.DueAt}, {Key: "topic", Value: timer.Topic}, {Key: "value", Value: timer.Value}}},
		{Key: "$unset", Value: bson.D{{Key: "claimed", Value: ""}, {Key: "node", Value: ""}}},
	})
	if err != nil {
		return fmt.Errorf("timers: set %s: %w", timer.ID, err)
	}
	select {
	case t.woken <- struct{}{}:
	default:
	}
	return nil
}

// Cancel removes a timer; one that is not there is no error. A timer that is being fired at
// this moment may still fire.
func (t *Timers) Cancel(ctx context.Context, id string) error {
	if _, err := t.c.Delete(ctx, bson.D{{Key: "_id", Value: id}}); err != nil {
		return fmt.Errorf("timers: cancel %s: %w", id, err)
	}
	return nil
}

// Run fires timers until ctx ends. A store or bus that is down delays them; it never ends Run.
func (t *Timers) Run(ctx context.Context) {
	for {
		wait, err := t.look(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			t.log.Warn("timers: firing failed, trying again", "err", err)
			wait = poll
		}
		sleep := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			sleep.Stop()
			return
		case <-t.woken:
			sleep.Stop()
		case <-sleep.C:
		}
	}
}

// look fires what is due and says how long until the next look.
func (t *Timers) look(ctx context.Context) (time.Duration, error) {
	var next []stored
	if err := t.c.All(ctx, bson.D{}, &next, store.Find{Sort: bson.D{{Key: "dueAt", Value: 1}, {Key: "_id", Value: 1}}, Limit: most}); err != nil {
		return 0, fmt.Errorf("timers: look: %w", err)
	}
	wait := poll
	var errs []error
	for i := range next {
		now := t.now()
		if until := next[i].DueAt.Sub(now); until > 0 {
			wait = min(wait, until)
			break
		}
		if !t.free(&next[i], now) {
			continue
		}
		if err := t.fire(ctx, &next[i], now); err != nil {
			errs = append(errs, err)
		}
	}
	if len(next) == most && len(errs) == 0 && !next[most-1].DueAt.After(t.now()) {
		wait = time.Millisecond
	}
	return wait, errors.Join(errs...)
}

// fire claims a timer, publishes it and removes it, unless it was set anew meanwhile.
func (t *Timers) fire(ctx context.Context, s *stored, now time.Time) error {
	was := bson.E{Key: "claimed", Value: bson.D{{Key: "$exists", Value: false}}}
	if s.Claimed != nil {
		was.Value = *s.Claimed
	}
	same := bson.D{{Key: "_id", Value: s.ID}, {Key: "dueAt", Value: s.DueAt}}
	mine, err := t.c.Update(ctx, append(same[:2:2], was), bson.D{{Key: "$set", Value: bson.D{
		{Key: "claimed", Value: now.UTC().Truncate(time.Millisecond)}, {Key: "node", Value: t.node}}}})
	if err != nil {
		return fmt.Errorf("timers: claim %s: %w", s.ID, err)
	}
	if mine == 0 {
		return nil
	}
	if err := t.publish(ctx, s.Topic, s.Value); err != nil {
		return fmt.Errorf("timers: publish %s: %w", s.ID, err)
	}
	if _, err := t.c.Delete(ctx, same); err != nil {
		return fmt.Errorf("timers: remove %s: %w", s.ID, err)
	}
	return nil
}
