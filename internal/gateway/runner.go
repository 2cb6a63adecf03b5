package gateway

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

const (
	leaseFor   = 15 * time.Second // a node that does not renew for so long has lost it
	leaseRenew = 5 * time.Second
	backMin    = time.Second
	backMax    = 2 * time.Minute
	wellAfter  = time.Minute // a run as long as this was good: back-off begins anew
)

// errFenced says that another node runs the account now.
var errFenced = errors.New("gateway: another node runs this account")

// cursorDoc is where a runner is, and which node may move it.
type cursorDoc struct {
	ID     string    `json:"id" bson:"_id"` // the account
	Owner  string    `json:"owner"`
	Until  time.Time `json:"until"`
	Cursor []byte    `json:"cursor"`
}

// run keeps an account's connection while this node holds its lease.
func (l *live) run(r channels.Runner) {
	wait := backMin
	for l.ctx.Err() == nil {
		got, err := l.lease()
		if err != nil && l.ctx.Err() == nil {
			l.log.Warn("the account's lease could not be read", "error", err)
		}
		if !got {
			pause(l.ctx, leaseRenew)
			continue
		}
		began := time.Now()
		err = l.runOnce(r)
		if l.ctx.Err() != nil {
			break
		}
		if time.Since(began) > wellAfter {
			wait = backMin
		}
		if err != nil && !errors.Is(err, errFenced) {
			l.log.Warn("the connection was lost", "error", err, "retry", wait)
			l.health.hub(channels.Health{State: channels.Amber, Reason: "The connection was lost.", Next: "It is tried again by itself."})
		}
		pause(l.ctx, wait/2+rand.N(wait/2+1))
		wait = min(wait*2, backMax)
	}
	l.yield()
}

// runOnce runs until the connection or the lease is lost.
func (l *live) runOnce(r channels.Runner) (err error) {
	ctx, cancel := context.WithCancelCause(l.ctx)
	defer cancel(nil)
	var renew gate
	defer func() { cancel(nil); _ = renew.wait(context.Background()) }()
	renew.Go(func() { l.renew(ctx, cancel) })
	d, err := l.cursor(ctx)
	if err != nil {
		return err
	}
	if err := runContained(ctx, r, d.Cursor, l); err != nil {
		return err
	}
	return context.Cause(ctx)
}

func runContained(ctx context.Context, r channels.Runner, cursor []byte, l *live) (err error) {
	defer contain(l.log, &err)
	return r.Run(ctx, cursor, l.emit)
}

// emit makes events durable and then moves the cursor, if this node still may.
func (l *live) emit(ctx context.Context, cursor []byte, in ...timeline.Inbound) error {
	if err := l.host.Emit(ctx, in...); err != nil {
		return err
	}
	l.health.well()
	n, err := l.g.col(store.Cursors).Update(ctx, l.owned(), bson.D{{Key: "$set", Value: bson.D{{Key: "cursor", Value: cursor}}}})
	if err != nil {
		return fmt.Errorf("gateway: moving the cursor: %w", err)
	}
	if n == 0 {
		return errFenced
	}
	return nil
}

func (l *live) owned() bson.D {
	return bson.D{{Key: "_id", Value: string(l.account.ID)}, {Key: "owner", Value: l.g.d.Node}}
}

func (l *live) cursor(ctx context.Context) (cursorDoc, error) {
	var d cursorDoc
	if err := l.g.col(store.Cursors).One(ctx, l.owned(), &d); err != nil {
		return d, fmt.Errorf("gateway: reading the cursor: %w", err)
	}
	return d, nil
}

// lease takes the account for this node, if nobody has it.
func (l *live) lease() (bool, error) {
	now := l.g.now()
	id, until := bson.E{Key: "_id", Value: string(l.account.ID)}, bson.E{Key: "until", Value: now.Add(leaseFor)}
	free := bson.D{id, {Key: "$or", Value: bson.A{bson.D{{Key: "owner", Value: l.g.d.Node}}, bson.D{{Key: "until", Value: bson.D{{Key: "$lt", Value: now}}}}}}}
	n, err := l.g.col(store.Cursors).Update(l.ctx, free, bson.D{{Key: "$set", Value: bson.D{{Key: "owner", Value: l.g.d.Node}, until}}})
	if err != nil || n == 1 {
		return n == 1, err
	}
	err = l.g.col(store.Cursors).Insert(l.ctx, cursorDoc{ID: string(l.account.ID), Owner: l.g.d.Node, Until: now.Add(leaseFor)})
	if store.IsDuplicate(err, "_id_") {
		return false, nil
	}
	return err == nil, err
}

// renew keeps the lease, and ends the run when it is lost.
func (l *live) renew(ctx context.Context, lost context.CancelCauseFunc) {
	good := time.Now()
	for pause(ctx, leaseRenew) {
		n, err := l.g.col(store.Cursors).Update(ctx, l.owned(), bson.D{{Key: "$set", Value: bson.D{{Key: "until", Value: l.g.now().Add(leaseFor)}}}})
		switch {
		case err == nil && n == 1:
			good = time.Now()
		case err == nil, time.Since(good) > leaseFor-leaseRenew:
			lost(errFenced)
			return
		}
	}
}

// yield gives the lease back, so that another node need not wait for its end.
func (l *live) yield() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if _, err := l.g.col(store.Cursors).Update(ctx, l.owned(), bson.D{{Key: "$set", Value: bson.D{{Key: "until", Value: time.Unix(0, 0).UTC()}}}}); err != nil {
		l.log.Debug("the lease was not given back; it ends by itself", "error", err)
	}
}

// pause waits; false: ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
