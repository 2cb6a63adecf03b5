package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/internal/timers"
	"github.com/parley-hub/parley/timeline"
)

// Why a step waits.
const (
	whyUndo      = "undo"      // it can still be taken back
	whyScheduled = "scheduled" // a person chose a later time; what was written meanwhile goes first
	whyRetry     = "retry"     // the far side could not take it
	whyRate      = "rate"      // the far side takes no more for now
	whyHeld      = "held"      // the account waits for a person
	whyBehind    = "behind"    // an earlier message of the thread waits
)

// step is one provider call as the store keeps it. Its id is the step's key: whoever
// inserts or changes it first decides between sending and undoing.
type step struct {
	ID       string                 `json:"id" bson:"_id"`
	Message  timeline.EventID       `json:"message"`
	N        int                    `json:"n"`
	Account  timeline.AccountID     `json:"account"`
	Thread   string                 `json:"thread"` // its key
	State    timeline.DeliveryState `json:"state"`
	Attempt  int                    `json:"attempt"` // as asked by people, from 1
	Tries    int                    `json:"tries"`   // of this attempt, by ourselves
	Why      string                 `json:"why,omitempty"`
	DueAt    time.Time              `json:"dueAt"`
	At       time.Time              `json:"at"` // of the message; its place in the thread
	Started  time.Time              `json:"started"`
	Ended    time.Time              `json:"ended"`
	Remote   timeline.RemoteID      `json:"remote,omitempty"`
	Failure  *timeline.Failure      `json:"failure,omitempty"`
	Node     string                 `json:"node"`
	Outbound string                 `json:"outbound,omitempty"` // JSON, while it waits
}

// arrived reports whether the far side took the step.
func (s step) arrived() bool {
	return s.State == timeline.Sent || s.State == timeline.Delivered || s.State == timeline.Read
}

func (g *Gateway) newStep(o *timeline.Outbound, n int, state timeline.DeliveryState) step {
	return step{ID: channels.StepKey(o.ID, n), Message: o.ID, N: n, Account: o.Thread.Account, Thread: o.Thread.Key(),
		State: state, Attempt: max(o.Attempt, 1), At: o.At, Started: g.now(), Node: g.d.Node}
}

func (g *Gateway) stepOf(ctx context.Context, id string) (step, error) {
	var s step
	if err := g.col(store.Steps).One(ctx, bson.D{{Key: "_id", Value: id}}, &s); err != nil {
		return s, fmt.Errorf("gateway: reading step %s: %w", id, err)
	}
	return s, nil
}

// swap changes a step if it still is as it was read: same state, attempt and tries.
func (g *Gateway) swap(ctx context.Context, was, now step) (bool, error) {
	n, err := g.col(store.Steps).Update(ctx, asRead(was), stepUpdate(now))
	if err != nil {
		return false, fmt.Errorf("gateway: changing step %s: %w", was.ID, err)
	}
	return n == 1, nil
}

func asRead(s step) bson.D {
	return bson.D{{Key: "_id", Value: s.ID}, {Key: "state", Value: string(s.State)}, {Key: "attempt", Value: s.Attempt}, {Key: "tries", Value: s.Tries}}
}

func stepUpdate(s step) bson.D {
	put := bson.D{{Key: "state", Value: string(s.State)}, {Key: "attempt", Value: s.Attempt}, {Key: "tries", Value: s.Tries}, {Key: "dueAt", Value: s.DueAt},
		{Key: "started", Value: s.Started}, {Key: "ended", Value: s.Ended}, {Key: "node", Value: s.Node}}
	drop := bson.D{}
	text := func(name, v string) {
		if v == "" {
			drop = append(drop, bson.E{Key: name, Value: ""})
		} else {
			put = append(put, bson.E{Key: name, Value: v})
		}
	}
	text("why", s.Why)
	text("remote", string(s.Remote))
	text("outbound", s.Outbound)
	if s.Failure == nil {
		drop = append(drop, bson.E{Key: "failure", Value: ""})
	} else {
		put = append(put, bson.E{Key: "failure", Value: s.Failure})
	}
	u := bson.D{{Key: "$set", Value: put}}
	if len(drop) > 0 {
		u = append(u, bson.E{Key: "$unset", Value: drop})
	}
	return u
}

// timerID names the wake-up of one try: a later one never meets an earlier one's.
func timerID(id timeline.EventID, attempt, tries int) string {
	return fmt.Sprintf("send|%s|%d|%d", id, attempt, tries)
}

// wait writes a step down as waiting and sets its timer. was is nil where there is none
// yet. It reports false where somebody else changed the step meanwhile.
func (g *Gateway) wait(ctx context.Context, o *timeline.Outbound, was *step, now step) (bool, error) {
	now.State = timeline.Queued
	if now.Outbound == "" {
		b, err := json.Marshal(o)
		if err != nil {
			return false, fmt.Errorf("gateway: encoding message %s: %w", o.ID, err)
		}
		now.Outbound = string(b)
	}
	if was == nil {
		err := g.col(store.Steps).Insert(ctx, now)
		if store.IsDuplicate(err, "_id_") {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("gateway: writing step %s: %w", now.ID, err)
		}
	} else if ok, err := g.swap(ctx, *was, now); !ok || err != nil {
		return false, err
	}
	return true, g.wake(ctx, now)
}

// wake sets the timer of a waiting step. A held one has none: a person wakes it.
func (g *Gateway) wake(ctx context.Context, s step) error {
	if s.Why == whyHeld {
		return nil
	}
	if err := g.d.Timers.Set(ctx, timers.Timer{ID: timerID(s.Message, s.Attempt, s.Tries), DueAt: s.DueAt, Topic: outboundTopic, Value: json.RawMessage(s.Outbound)}); err != nil {
		return fmt.Errorf("gateway: setting the timer of step %s: %w", s.ID, err)
	}
	return nil
}

// release sends what waits for an account that was opened: what was held for it, what is due
// although its timer is gone, and what this node was sending when it died. A timer is gone once
// it published, and what it published may be lost in a power cut.
func (g *Gateway) release(ctx context.Context, l *live) error {
	if l.record.Held != nil {
		return nil
	}
	for _, state := range []timeline.DeliveryState{timeline.Queued, timeline.Sending} {
		var waits []step
		err := g.col(store.Steps).All(ctx, bson.D{{Key: "account", Value: string(l.record.ID)}, {Key: "state", Value: string(state)}}, &waits,
			store.Find{Sort: bson.D{{Key: "dueAt", Value: 1}}})
		if err != nil {
			return fmt.Errorf("gateway: reading waiting steps: %w", err)
		}
		for _, s := range waits {
			if !g.left(s) {
				continue
			}
			s.DueAt, s.Why = g.now(), whyRetry
			if err := g.wake(ctx, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// left reports whether nobody may be left to send a step: its message is published once more.
// One that somebody sends after all finds it done.
func (g *Gateway) left(s step) bool {
	switch {
	case s.Outbound == "":
		return false // it never waited: its record is on the topic still
	case s.State == timeline.Sending:
		return s.Node == g.d.Node && s.Started.Before(g.began)
	}
	return s.Why == whyHeld || !s.DueAt.After(g.now())
}

// Cancel takes back a message that has not left yet. ok is false where it is too late: it
// is being sent, was sent, failed, or nobody knows.
func (g *Gateway) Cancel(ctx context.Context, message timeline.EventID) (ok bool, err error) {
	now := g.now()
	id := channels.StepKey(message, 0)
	err = g.col(store.Steps).Insert(ctx, step{ID: id, Message: message, State: timeline.Cancelled, Attempt: 1, Started: now, Ended: now, At: now, DueAt: now, Node: g.d.Node})
	if err == nil {
		return true, nil // delivery finds it and tells; it has not come by yet
	}
	if !store.IsDuplicate(err, "_id_") {
		return false, fmt.Errorf("gateway: cancelling %s: %w", message, err)
	}
	var s step
	err = g.col(store.Steps).Modify(ctx, bson.D{{Key: "_id", Value: id}, {Key: "state", Value: string(timeline.Queued)}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "state", Value: string(timeline.Cancelled)}, {Key: "ended", Value: now}}}}, false, &s)
	if errors.Is(err, store.ErrNotFound) {
		s, err := g.stepOf(ctx, id)
		return err == nil && s.State == timeline.Cancelled, err
	}
	if err != nil {
		return false, fmt.Errorf("gateway: cancelling %s: %w", message, err)
	}
	if err := g.d.Timers.Cancel(ctx, timerID(s.Message, s.Attempt, s.Tries)); err != nil {
		g.d.Log.Warn("a cancelled message's timer stays; it will find nothing to do", "error", err)
	}
	var o timeline.Outbound
	if err := json.Unmarshal([]byte(s.Outbound), &o); err != nil {
		return true, fmt.Errorf("gateway: decoding message %s: %w", message, err)
	}
	return true, g.d.Publish(ctx, g.receipt(&o, timeline.Receipt{State: timeline.Cancelled}, ""))
}

func isNotFound(err error) bool { return errors.Is(err, store.ErrNotFound) }
