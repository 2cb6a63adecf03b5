package views

import (
	"context"
	"errors"
	"time"

	"github.com/parley-hub/parley/internal/bus"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// Number is how many conversations a view lists.
type Number struct {
	Total   int  `json:"total"`
	Unread  int  `json:"unread" doc:"Of the open ones: the assignee has not read all; of unassigned ones: nobody has."`
	Waiting int  `json:"waiting" doc:"Of the open ones: the person waits for an answer."`
	Overdue int  `json:"overdue" doc:"Of the open ones: the deadline has passed."`
	More    bool `json:"more,omitempty" doc:"There are more than total says: show it as 99+."`
}

func open(n Count) Number {
	return Number{Total: n.Open, Unread: n.Unread, Waiting: n.Waiting, Overdue: n.Overdue}
}

// Numbers are the numbers of the built-in views that are filters, for a reader; ok is false
// until everything was counted once. It reads sums only: the cost does not grow with the number
// of conversations.
func (c *Counter) Numbers(r Reader, scope Scope) (out map[string]Number, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.sums.visible(r, scope)
	out = map[string]Number{
		ViewMine: open(at(c.sums.agent, r.Agent)), ViewAll: open(all), ViewUnassigned: open(c.sums.unassigned(r, scope)),
		ViewSnoozed: {Total: all.Snoozed}, ViewOverdue: {Total: all.Overdue, Overdue: all.Overdue}, ViewSoon: {Total: all.Soon},
		ViewUndelivered: {Total: all.Failed},
	}
	if r.Agent == "" {
		out[ViewMine] = Number{}
	}
	for t := range c.sums.team {
		if t != "" && !scope.Teams && !scope.Own {
			out[TeamPrefix+string(t)] = open(at(c.sums.team, t))
		}
	}
	for _, t := range r.Teams {
		if scope.Own {
			out[TeamPrefix+string(t)] = open(at(c.sums.cells, cell{r.Agent, t}))
		} else {
			out[TeamPrefix+string(t)] = open(at(c.sums.team, t))
		}
	}
	return out, c.ready
}

// Version grows with every change of a number.
func (c *Counter) Version() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.version
}

func isGone(err error) bool { return errors.Is(err, store.ErrNotFound) }

// The pace of [Counter.Run].
const (
	// Throttle is how often changes are told, at most.
	Throttle = 500 * time.Millisecond
	retry    = 2 * time.Second
	again    = 30 * time.Minute // what another node did to marks is counted at last
)

// Follow registers the counter on a bus: every node counts for itself. Call it before [Counter.Run].
func (c *Counter) Follow(b *bus.Bus) error {
	return bus.Broadcast(b, bus.Timeline, func(r bus.Record[timeline.Entry]) error {
		c.Take(&r.Value)
		return nil
	})
}

// Run counts from the store and then keeps time until ctx ends. told is called after changes,
// at most once in [Throttle].
func (c *Counter) Run(ctx context.Context, told func()) {
	rebuild := time.NewTimer(0)
	defer rebuild.Stop()
	tick := time.NewTicker(Throttle)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-rebuild.C:
			wait := again
			if err := c.Rebuild(ctx); err != nil && ctx.Err() == nil {
				c.log.Warn("views were not counted from the store; tried again", "err", err)
				wait = retry
			}
			rebuild.Reset(wait)
		case <-tick.C:
			c.Tick()
			if err := c.Settle(ctx); err != nil && ctx.Err() == nil {
				c.log.Warn("who has read new conversations was not counted; tried again", "err", err)
			}
			select {
			case <-c.changed:
				told()
			default:
			}
		}
	}
}
