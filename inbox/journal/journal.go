// Package journal holds the two consumers that make the record: resolve finds whose an
// inbound event is and which conversation it belongs to, append is the only writer of
// conversations and their events.
//
// Both are idempotent. A run of records is handled with few round trips: reads by batch,
// then events, then conversations, then the messages they changed, then one publish. What is
// found half-done after a crash is done again to the same result: the commands of an
// unfinished run come again, in order.
//
// Merging persons, waking snoozed conversations and repairing derived topics live here too,
// because they speak the same documents. All types are safe for concurrent use.
package journal

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/parley-hub/parley/internal/bus"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/internal/timers"
	"github.com/parley-hub/parley/timeline"
)

// Publisher is what the journal needs of the bus. Each call publishes in order and returns
// when everything is acknowledged; an error means that the outcome is unknown.
type Publisher interface {
	Journal(ctx context.Context, cs ...timeline.Command) error
	Timeline(ctx context.Context, es ...timeline.Entry) error
	Outbound(ctx context.Context, os ...timeline.Outbound) error
}

// Deps is what a journal is made of. Store and Publish are required.
type Deps struct {
	Store   store.Store
	Publish Publisher
	Now     func() time.Time // nil: the clock
	Log     *slog.Logger     // nil: discarded
	Timers  *timers.Timers   // wakes snoozed conversations; nil: nobody does
	// Reopen is how long after it was resolved a conversation is taken up again when the
	// person writes; later, a new one begins. Zero: DefaultReopen; negative: always a new one.
	Reopen time.Duration
	// Key keeps what is remembered of erased identities from being guessed. Empty: anybody
	// with the store can try addresses.
	Key []byte
}

// DefaultReopen is two weeks.
const DefaultReopen = 14 * 24 * time.Hour

// Journal is resolve, append and what belongs to them.
type Journal struct {
	deps   Deps
	cache  *cache
	routes *routes
	Stats  Stats

	erasing chan struct{} // somebody asked for an erasure
}

// New makes a journal. It starts nothing; see [Journal.Start].
func New(d Deps) (*Journal, error) {
	if d.Store == nil || d.Publish == nil {
		return nil, errors.New("journal: a store and a publisher are needed")
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Reopen == 0 {
		d.Reopen = DefaultReopen
	}
	return &Journal{deps: d, cache: newCache(cachedConversations), routes: newRoutes(d.Now, routeAge(d.Reopen)),
		erasing: make(chan struct{}, 1)}, nil
}

func (j *Journal) now() time.Time { return timeline.Moment(j.deps.Now()) }

// Start registers the consumers on a bus: resolve, append, likeness and, with timers, snooze.
func (j *Journal) Start(b *bus.Bus) error {
	wait := func(err error) bool { return errors.Is(err, store.ErrUnavailable) || errors.Is(err, ErrBusy) }
	if err := bus.Consume(b, bus.Inbound, bus.Consumer[timeline.Inbound]{Group: "resolve", Workers: 2, Pause: wait}, j.Resolve); err != nil {
		return err
	}
	if err := bus.Consume(b, bus.Journal, bus.Consumer[timeline.Command]{Group: "append", Workers: 2, Pause: wait}, j.Append); err != nil {
		return err
	}
	if err := bus.Consume(b, bus.Timeline, bus.Consumer[timeline.Entry]{Group: "likeness", Workers: 1, Pause: wait}, j.Likeness); err != nil {
		return err
	}
	if j.deps.Timers == nil {
		return nil
	}
	return bus.Consume(b, bus.Timeline, bus.Consumer[timeline.Entry]{Group: "snooze", Workers: 1, Pause: wait}, j.Snooze)
}

// OnBus publishes on a bus.
func OnBus(b *bus.Bus) Publisher { return onBus{b} }

type onBus struct{ b *bus.Bus }

func (p onBus) Journal(ctx context.Context, cs ...timeline.Command) error {
	return bus.Publish(ctx, p.b, bus.Journal, cs...)
}

func (p onBus) Timeline(ctx context.Context, es ...timeline.Entry) error {
	return bus.Publish(ctx, p.b, bus.Timeline, es...)
}

func (p onBus) Outbound(ctx context.Context, os ...timeline.Outbound) error {
	return bus.Publish(ctx, p.b, bus.Outbound, os...)
}
