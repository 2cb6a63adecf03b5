package main

import (
	"context"
	"time"

	"github.com/parley-hub/parley/internal/bus"
	"github.com/parley-hub/parley/timeline"
)

// Customers' programs send the next message when the last was acknowledged. Taking messages
// is cheaper than showing them, so under full load a backlog would grow until agents saw
// everything late. pace answers a little later instead while much waits: senders slow down
// to what can be shown. What was taken is durable already; only its answer waits, and never
// long, so that taking goes on when the store is down.
type pace struct {
	waiting func() int64
	limit   int64         // records that may wait before answers do
	most    time.Duration // that an answer waits
	step    time.Duration // between looks
}

const (
	paceLimit = 24
	paceMost  = 60 * time.Millisecond
	paceStep  = time.Millisecond
)

func newPace(b *bus.Bus) pace {
	return pace{limit: paceLimit, most: paceMost, step: paceStep,
		waiting: func() int64 { return b.Waiting(bus.Inbound.Name) + b.Waiting(bus.Journal.Name) }}
}

// hold returns when little waits, when it has waited long enough, or when ctx ends.
func (p pace) hold(ctx context.Context) {
	if p.waiting() <= p.limit {
		return
	}
	end := time.NewTimer(p.most)
	defer end.Stop()
	look := time.NewTicker(p.step)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-end.C:
			return
		case <-look.C:
			if p.waiting() <= p.limit {
				return
			}
		}
	}
}

// take makes inbound events durable.
func (n *node) take(ctx context.Context, in ...timeline.Inbound) error {
	if err := bus.Publish(ctx, n.bus, bus.Inbound, in...); err != nil {
		return err
	}
	newPace(n.bus).hold(ctx)
	return nil
}
