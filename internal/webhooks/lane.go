package webhooks

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// How endpoints are worked on.
const (
	Parallel = 4 // calls at once to one endpoint
	Patience = 3 // attempts for which a delivery holds back those behind it in its conversation

	poll      = 500 * time.Millisecond
	leaseFor  = 30 * time.Second // a node that died is followed by another after it
	renew     = 10 * time.Second
	trimEvery = 10 * time.Minute
	page      = 100 // deliveries read at once
)

// errStopped ends a lane whose endpoint is off or gone.
var errStopped = errors.New("webhooks: the endpoint is off")

// Run delivers what is due until ctx ends. Several nodes may.
func (w *Webhooks) Run(ctx context.Context) {
	var lanes sync.WaitGroup
	defer lanes.Wait()
	look, trim := time.NewTicker(poll), time.NewTicker(trimEvery)
	defer look.Stop()
	defer trim.Stop()
	for {
		if err := w.look(ctx, &lanes); err != nil && ctx.Err() == nil {
			w.d.Log.Warn("webhooks: what is due was not looked at; tried again", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-w.woken:
		case <-look.C:
		case <-trim.C:
			if err := w.Trim(ctx); err != nil && ctx.Err() == nil {
				w.d.Log.Warn("webhooks: the log was not trimmed; tried again later", "err", err)
			}
		}
	}
}

// look begins a lane for each endpoint with something due that nobody works on.
func (w *Webhooks) look(ctx context.Context, lanes *sync.WaitGroup) error {
	list, err := w.List(ctx)
	if err != nil {
		return err
	}
	for i := range list {
		e := &list[i]
		if !e.Enabled || !w.enter(e.ID) {
			continue
		}
		mine, err := w.claim(ctx, e.ID)
		if err != nil || !mine {
			w.leave(e.ID)
			if err != nil {
				return err
			}
			continue
		}
		lanes.Go(func() {
			defer w.leave(e.ID)
			if err := w.lane(ctx, e.ID); err != nil && ctx.Err() == nil && !errors.Is(err, errStopped) {
				w.d.Log.Warn("webhooks: delivering to an endpoint was interrupted; tried again", "endpoint", e.ID, "err", err)
			}
		})
	}
	return nil
}

// enter marks an endpoint as worked on here; false where it is.
func (w *Webhooks) enter(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.busy[id] {
		return false
	}
	w.busy[id] = true
	return true
}

func (w *Webhooks) leave(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.busy, id)
}

// claim takes the lease of an endpoint that has something due. One that this node had before it
// was started again is taken over at once.
func (w *Webhooks) claim(ctx context.Context, id string) (bool, error) {
	due, err := w.due(ctx, id, 1)
	if err != nil || len(due) == 0 {
		return false, err
	}
	now := w.now()
	n, err := w.endpoints().Update(ctx, append(byID(id), bson.E{Key: "$or", Value: bson.A{
		bson.D{{Key: "lease", Value: bson.D{{Key: "$exists", Value: false}}}},
		bson.D{{Key: "lease", Value: bson.D{{Key: "$lte", Value: now}}}},
		bson.D{{Key: "node", Value: w.d.Node}},
	}}), bson.D{{Key: "$set", Value: bson.D{{Key: "node", Value: w.d.Node}, {Key: "lease", Value: now.Add(leaseFor)}}}})
	if err != nil {
		return false, fmt.Errorf("webhooks: taking an endpoint: %w", err)
	}
	return n > 0, nil
}

// due reads what an endpoint is to be sent now, the longest due first.
func (w *Webhooks) due(ctx context.Context, id string, limit int) ([]Delivery, error) {
	var list []Delivery
	err := w.deliveries().All(ctx, bson.D{{Key: "endpoint", Value: id}, {Key: "state", Value: Waiting}, {Key: "dueAt", Value: bson.D{{Key: "$lte", Value: w.now()}}}},
		&list, store.Find{Sort: bson.D{{Key: "dueAt", Value: 1}, {Key: "_id", Value: 1}}, Limit: limit})
	if err != nil {
		return nil, fmt.Errorf("webhooks: reading what is due: %w", err)
	}
	return list, nil
}

// lane is one endpoint being worked on: conversations beside one another, each in its order.
type lane struct {
	w       *Webhooks
	id      string
	slots   chan struct{}
	ended   chan struct{} // a conversation was done with
	mu      sync.Mutex
	running map[timeline.ConversationID]bool
	failed  error
}

// lane works on an endpoint until nothing is due, the endpoint is off, or the lease is lost.
func (w *Webhooks) lane(ctx context.Context, id string) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	l := &lane{w: w, id: id, slots: make(chan struct{}, Parallel), ended: make(chan struct{}, 1), running: map[timeline.ConversationID]bool{}}
	var work sync.WaitGroup
	work.Go(func() { cancel(w.keep(ctx, id)) })
	err := l.run(ctx, &work)
	cancel(nil)
	work.Wait()
	return errors.Join(err, l.failed, w.release(context.WithoutCancel(ctx), id))
}

// run starts what is due until there is nothing to start and nothing under way.
func (l *lane) run(ctx context.Context, work *sync.WaitGroup) error {
	for {
		due, err := l.w.due(ctx, l.id, page)
		if err != nil {
			return err
		}
		for i := range due {
			if err := l.start(ctx, work, due[i].Conversation); err != nil {
				return err
			}
		}
		idle, broken := l.state()
		if broken || (idle && len(due) == 0) {
			return nil
		}
		if idle {
			continue
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-l.ended:
		case <-time.After(poll):
		}
	}
}

// state reports whether nothing is under way, and whether something failed so that nothing more
// is to be started.
func (l *lane) state() (idle, broken bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.running) == 0, l.failed != nil
}

// start works on a conversation as soon as there is a slot, unless it is worked on already.
func (l *lane) start(ctx context.Context, work *sync.WaitGroup, c timeline.ConversationID) error {
	l.mu.Lock()
	skip := l.running[c] || l.failed != nil
	if !skip {
		l.running[c] = true
	}
	l.mu.Unlock()
	if skip {
		return nil
	}
	select {
	case <-ctx.Done():
		l.end(c, nil)
		return context.Cause(ctx)
	case l.slots <- struct{}{}:
	}
	work.Go(func() {
		err := l.conversation(ctx, c)
		<-l.slots
		l.end(c, err)
	})
	return nil
}

// end notes that a conversation was done with; its error ends the lane.
func (l *lane) end(c timeline.ConversationID, err error) {
	l.mu.Lock()
	delete(l.running, c)
	if l.failed == nil && err != nil {
		l.failed = err
	}
	l.mu.Unlock()
	select {
	case l.ended <- struct{}{}:
	default:
	}
}

// conversation sends what is due of one conversation, in the order of its events.
func (l *lane) conversation(ctx context.Context, c timeline.ConversationID) error {
	e, err := l.w.Get(ctx, l.id)
	if errors.Is(err, store.ErrNotFound) {
		return errStopped
	}
	if err != nil {
		return err
	}
	for after := int64(0); ; {
		var queue []Delivery
		err := l.w.deliveries().All(ctx, bson.D{{Key: "endpoint", Value: l.id}, {Key: "state", Value: Waiting}, {Key: "conversation", Value: string(c)},
			{Key: "seq", Value: bson.D{{Key: "$gt", Value: after}}}}, &queue, store.Find{Sort: bson.D{{Key: "seq", Value: 1}}, Limit: page})
		if err != nil {
			return fmt.Errorf("webhooks: reading what a conversation waits for: %w", err)
		}
		for i := range queue {
			d := &queue[i]
			if !e.Enabled {
				return errStopped
			}
			if !d.DueAt.After(l.w.now()) {
				if err := l.w.try(ctx, e, d); err != nil {
					return err
				}
			}
			if d.State == Waiting && d.Attempts < Patience {
				return l.w.hold(ctx, d)
			}
			after = d.Seq
		}
		if len(queue) < page {
			return nil
		}
	}
}

// hold makes what is behind a delivery in its conversation wait as long as it does.
func (w *Webhooks) hold(ctx context.Context, d *Delivery) error {
	_, err := w.deliveries().UpdateMany(ctx, bson.D{{Key: "endpoint", Value: d.Endpoint}, {Key: "state", Value: Waiting}, {Key: "conversation", Value: string(d.Conversation)},
		{Key: "seq", Value: bson.D{{Key: "$gt", Value: d.Seq}}}, {Key: "dueAt", Value: bson.D{{Key: "$lt", Value: d.DueAt}}}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "dueAt", Value: d.DueAt}}}})
	if err != nil {
		return fmt.Errorf("webhooks: holding back what is behind a delivery: %w", err)
	}
	return nil
}

// keep renews the lease until ctx ends; it returns when it was lost.
func (w *Webhooks) keep(ctx context.Context, id string) error {
	t := time.NewTicker(renew)
	defer t.Stop()
	until := w.now().Add(leaseFor)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
		}
		next := w.now().Add(leaseFor)
		n, err := w.endpoints().Update(ctx, append(byID(id), bson.E{Key: "node", Value: w.d.Node}), bson.D{{Key: "$set", Value: bson.D{{Key: "lease", Value: next}}}})
		switch {
		case err == nil && n > 0:
			until = next
		case err == nil, !w.now().Before(until):
			return fmt.Errorf("webhooks: another node works on the endpoint: %w", errStopped)
		}
	}
}

// release gives the lease back.
func (w *Webhooks) release(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, recordTime)
	defer cancel()
	_, err := w.endpoints().Update(ctx, append(byID(id), bson.E{Key: "node", Value: w.d.Node}), bson.D{{Key: "$unset", Value: bson.D{{Key: "node", Value: ""}, {Key: "lease", Value: ""}}}})
	if err != nil {
		return fmt.Errorf("webhooks: giving an endpoint back: %w", err)
	}
	return nil
}
