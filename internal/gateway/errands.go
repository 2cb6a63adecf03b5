package gateway

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/internal/bus"
	"github.com/parley-hub/parley/internal/httpx"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// What takes its time is done beside the flow of events, as errands that the store keeps until
// they are done: attachments are fetched, persons looked up, doubtful messages looked for. A
// slow far side holds up its own account's errands only.
const (
	errandsEvery   = 2 * time.Second
	errandsBeside  = 16              // at once on a node
	errandsAccount = 4               // at once for one account
	errandsLook    = 500             // due ones read at a time
	errandLease    = 6 * time.Minute // longer than any errand takes
)

// The kinds of errand.
const (
	errandMedia   = "media"
	errandProfile = "profile"
	errandFind    = "find"
)

// errandDoc is one errand as the store keeps it. Without a time it is done, and kept only for
// what is known from it.
type errandDoc struct {
	ID       string             `json:"id" bson:"_id"` // kind|what
	Kind     string             `json:"kind"`
	Account  timeline.AccountID `json:"account"`
	Event    timeline.EventID   `json:"event,omitempty"`    // media: of which message
	Peer     *timeline.Identity `json:"peer,omitempty"`     // profile: whose
	Thread   *timeline.Thread   `json:"thread,omitempty"`   // profile: where they wrote
	Outbound string             `json:"outbound,omitempty"` // find: JSON
	N        int                `json:"n,omitempty"`        // find: the step
	Tries    int                `json:"tries,omitempty"`
	DueAt    *time.Time         `json:"dueAt,omitempty"`
	Node     string             `json:"node,omitempty"` // that is at it
	DoneAt   *time.Time         `json:"doneAt,omitempty"`
	Avatar   timeline.FileID    `json:"avatar,omitempty"`  // profile: the copy of the picture
	Picture  string             `json:"picture,omitempty"` // profile: what it is a copy of
}

// result is how an errand ended: done and forgotten, unless it is kept or comes again.
type result struct {
	again time.Duration // from now; 0: not
	keep  bson.D        // fields to set of one that is kept
}

// errands does what is due while the gateway is open.
func (g *Gateway) errands() {
	if err := g.resume(g.ctx); err != nil && g.ctx.Err() == nil {
		g.d.Log.Warn("errands of before the restart wait for their lease to end", "error", err)
	}
	t := time.NewTicker(errandsEvery)
	defer t.Stop()
	for {
		if err := g.runErrands(g.ctx); err != nil && g.ctx.Err() == nil {
			g.d.Log.Warn("errands could not be read; tried again soon", "error", err)
		}
		select {
		case <-g.ctx.Done():
			return
		case <-t.C:
		case <-g.sent:
		}
	}
}

// resume makes due what this node was at when it died.
func (g *Gateway) resume(ctx context.Context) error {
	_, err := g.col(store.Errands).UpdateMany(ctx, bson.D{{Key: "dueAt", Value: bson.D{{Key: "$gt", Value: g.now()}}}, {Key: "node", Value: g.d.Node}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "dueAt", Value: g.now()}}}, {Key: "$unset", Value: bson.D{{Key: "node", Value: ""}}}})
	return err
}

// hurry makes the loop look at once.
func (g *Gateway) hurry() {
	select {
	case g.sent <- struct{}{}:
	default:
	}
}

// running counts what is under way, by account.
type running struct {
	mu  sync.Mutex
	all int
	by  map[timeline.AccountID]int
}

// enter reports whether one more may begin.
func (r *running) enter(a timeline.AccountID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all >= errandsBeside || r.by[a] >= errandsAccount {
		return false
	}
	if r.by == nil {
		r.by = map[timeline.AccountID]int{}
	}
	r.all++
	r.by[a]++
	return true
}

func (r *running) leave(a timeline.AccountID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all--
	if r.by[a]--; r.by[a] == 0 {
		delete(r.by, a)
	}
}

// runErrands begins what is due, as far as there is room.
func (g *Gateway) runErrands(ctx context.Context) error {
	now := g.now()
	var due []errandDoc
	err := g.col(store.Errands).All(ctx, bson.D{{Key: "dueAt", Value: bson.D{{Key: "$lte", Value: now}}}}, &due,
		store.Find{Sort: bson.D{{Key: "dueAt", Value: 1}, {Key: "_id", Value: 1}}, Limit: errandsLook})
	if err != nil {
		return fmt.Errorf("gateway: reading errands: %w", err)
	}
	for _, e := range due {
		if !g.underWay.enter(e.Account) {
			continue
		}
		n, err := g.col(store.Errands).Update(ctx, bson.D{{Key: "_id", Value: e.ID}, {Key: "dueAt", Value: *e.DueAt}},
			bson.D{{Key: "$set", Value: bson.D{{Key: "dueAt", Value: now.Add(errandLease)}, {Key: "node", Value: g.d.Node}}}})
		if err != nil || n == 0 { // another node was faster
			g.underWay.leave(e.Account)
			if err != nil {
				return fmt.Errorf("gateway: taking an errand: %w", err)
			}
			continue
		}
		g.work.Go(func() {
			defer g.hurry()
			defer g.underWay.leave(e.Account)
			g.run(e)
		})
	}
	return nil
}

// run does one errand and writes down how it ended.
func (g *Gateway) run(e errandDoc) {
	ctx, cancel := context.WithTimeout(g.ctx, errandLease-time.Minute)
	defer cancel()
	l := g.live(e.Account)
	if l == nil || !l.record.Enabled {
		g.finish(e, result{})
		return
	}
	if l.session == nil {
		g.finish(e, result{again: 10 * time.Minute}) // its attachments may outlive what is wrong with it
		return
	}
	var r result
	var err error
	switch e.Kind {
	case errandMedia:
		r, err = l.fetchMedia(ctx, e)
	case errandProfile:
		r, err = l.lookUp(ctx, e)
	case errandFind:
		r, err = l.findAgain(ctx, e)
	}
	if err != nil {
		l.log.Warn("an errand came to nothing for now", "errand", e.Kind, "tries", e.Tries+1, "error", httpx.Clean(err))
		if r.again == 0 {
			r.again = againIn(e.Tries+1, errandWaits...)
		}
	}
	g.finish(e, r)
}

var errandWaits = []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, time.Hour, 3 * time.Hour}

// finish forgets an errand, keeps what it found, or sets when it is done again. What cannot be
// written down is done again when the lease ends.
func (g *Gateway) finish(e errandDoc, r result) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(g.ctx), settleFor)
	defer cancel()
	id := bson.D{{Key: "_id", Value: e.ID}}
	var err error
	switch {
	case r.again > 0:
		set := append(bson.D{{Key: "dueAt", Value: timeline.Moment(g.now().Add(r.again))}, {Key: "tries", Value: e.Tries + 1}}, r.keep...)
		_, err = g.col(store.Errands).Update(ctx, id, bson.D{{Key: "$set", Value: set}, {Key: "$unset", Value: bson.D{{Key: "node", Value: ""}}}})
	case r.keep != nil:
		set := append(bson.D{{Key: "tries", Value: 0}}, r.keep...)
		_, err = g.col(store.Errands).Update(ctx, id, bson.D{{Key: "$set", Value: set}, {Key: "$unset", Value: bson.D{{Key: "dueAt", Value: ""}, {Key: "node", Value: ""}}}})
	default:
		_, err = g.col(store.Errands).Delete(ctx, id)
	}
	if err != nil {
		g.d.Log.Warn("how an errand ended could not be written down; it is done again", "errand", e.Kind, "error", err)
	}
}

// Errands notes what has to be done beside because of what happened. It is the handler of a
// consumer of the timeline; the same entry twice is one errand.
func (g *Gateway) Errands(ctx context.Context, run []bus.Record[timeline.Entry]) error {
	if g.closing.Load() {
		return bus.ErrClosed
	}
	now := g.now()
	var writes []store.Write
	var seen []timeline.IdentityID
	for i := range run {
		entry := &run[i].Value
		if e := mediaErrand(entry, now); e != nil {
			writes = append(writes, store.Write{Insert: *e})
		}
		w, id := g.profileErrand(entry, now)
		if id == "" {
			continue
		}
		seen = append(seen, id)
		writes = append(writes, w...)
	}
	if len(writes) == 0 {
		return nil
	}
	errs, err := g.col(store.Errands).Bulk(ctx, writes...)
	if err != nil {
		return fmt.Errorf("gateway: noting errands: %w", err)
	}
	for _, e := range errs {
		if e != nil && !store.IsDuplicate(e, "_id_") && !errors.Is(e, store.ErrNoMatch) {
			return fmt.Errorf("gateway: noting an errand: %w", e)
		}
	}
	g.looked.add(now, seen...)
	g.hurry()
	return nil
}
