package gateway

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// Accounts are looked after whether or not anything happens on them: credentials are renewed
// in time, subscriptions to callbacks are checked, silence is noticed. One node at a time looks
// after an account; what it finds is in the account's record, where every node shows it from.
const (
	careEvery  = 15 * time.Second
	careLease  = 3 * time.Minute // longer than careCall twice
	careCall   = time.Minute     // one call of the far side
	careBeside = 8               // accounts looked after at once on a node
)

// care is what is known of looking after an account. Times are zero for never.
type care struct {
	LastIn   *time.Time     `json:"lastIn,omitempty"`
	LastTest *time.Time     `json:"lastTest,omitempty"`
	Gaps     map[string]gap `json:"gaps,omitempty"` // see traffic

	Owner string    `json:"owner,omitempty"` // the node that looks after it, until
	Until time.Time `json:"until"`

	Concerns  map[string]channels.Health `json:"concerns,omitempty"` // by concern, those that are not green
	Refresh   errand                     `json:"refresh"`
	Subscribe errand                     `json:"subscribe"`
	Warned    int                        `json:"warned,omitempty"` // days before the end at which people were told last
}

// errand is something that is done again and again for an account.
type errand struct {
	Next    time.Time `json:"next"` // not before
	Fails   int       `json:"fails,omitempty"`
	Done    time.Time `json:"done"`              // when it went well last
	Version int64     `json:"version,omitempty"` // of the account it was done for last, or refused for
}

// againIn is how long to wait after so many failures, within a quarter more or less.
func againIn(fails int, waits ...time.Duration) time.Duration {
	w := waits[min(fails, len(waits))-1]
	return w*3/4 + rand.N(w/2)
}

// kick looks after accounts soon.
func (g *Gateway) kick() {
	select {
	case g.kicked <- struct{}{}:
	default:
	}
}

// care looks after accounts while the gateway is open.
func (g *Gateway) care() {
	t := time.NewTicker(careEvery)
	defer t.Stop()
	for {
		select {
		case <-g.ctx.Done():
			return
		case <-t.C:
		case <-g.kicked:
		}
		if err := g.tend(g.ctx); err != nil && g.ctx.Err() == nil {
			g.d.Log.Warn("accounts could not be looked after; tried again soon", "error", err)
		}
	}
}

// tend writes down what came in, takes over what other nodes found, and looks after what is due.
func (g *Gateway) tend(ctx context.Context) error {
	if err := g.Reload(ctx); err != nil {
		return err
	}
	open := g.open.Load().byID
	for _, l := range open {
		if err := l.jot(ctx); err != nil {
			return err
		}
	}
	var rs []record
	if err := g.col(store.Accounts).All(ctx, bson.D{}, &rs); err != nil {
		return fmt.Errorf("gateway: reading accounts: %w", err)
	}
	for _, r := range rs {
		l := open[r.ID]
		if l == nil || l.record.Version != r.Version || l.session == nil {
			continue
		}
		if r.Care.LastIn != nil {
			l.traffic.knows(*r.Care.LastIn)
		}
		l.passing()
		l.health.follow(r.Care.Concerns)
		if l.due(&r) {
			g.after(l)
		}
	}
	return nil
}

// passing ends what is over by itself.
func (l *live) passing() {
	now := l.g.now()
	l.health.passing(now, 24*time.Hour)
	l.mu.Lock()
	resting := now.Before(l.rest)
	l.mu.Unlock()
	if !resting {
		l.health.of(concernRate, channels.Health{State: channels.Green})
	}
}

// due reports whether an account wants looking after.
func (l *live) due(r *record) bool {
	now := l.g.now()
	if l.refreshDue(r, now) || l.subscribeDue(r, now) {
		return true
	}
	return l.noticed(r, now, concernSilence, l.silence(r, now)) || l.noticed(r, now, concernExpiry, l.expiry(r, now))
}

// noticed reports whether a light is to change.
func (l *live) noticed(r *record, _ time.Time, c concern, now channels.Health) bool {
	was, lit := r.Care.Concerns[string(c)]
	if !lit {
		was.State = channels.Green
	}
	return differs(was, now)
}

// after looks after one account beside everything else.
func (g *Gateway) after(l *live) {
	if !l.caring.CompareAndSwap(false, true) {
		return
	}
	g.work.Go(func() {
		defer l.caring.Store(false)
		select {
		case g.caring <- struct{}{}:
			defer func() { <-g.caring }()
		case <-l.ctx.Done():
			return
		}
		if err := l.attend(l.ctx, false); err != nil && l.ctx.Err() == nil {
			l.log.Warn("the account could not be looked after; tried again soon", "error", err)
		}
	})
}

// errElsewhere says that another node looks after the account at this moment.
var errElsewhere = errors.New("gateway: another node looks after this account now")

// attend does what is due for an account, or with all whatever can be done now.
func (l *live) attend(ctx context.Context, all bool) error {
	r, err := l.own(ctx)
	if errors.Is(err, errElsewhere) && !all {
		return nil
	}
	if err != nil {
		return err
	}
	defer l.disown(ctx)
	now := l.g.now()
	if l.subscribeDue(&r, now) || all {
		if err := l.subscribe(ctx, &r); err != nil {
			return err
		}
	}
	for c, s := range map[concern]channels.Health{concernSilence: l.silence(&r, now), concernExpiry: l.expiry(&r, now)} {
		if l.noticed(&r, now, c, s) {
			if err := l.found(ctx, c, s); err != nil {
				return err
			}
		}
	}
	if l.refreshDue(&r, now) {
		return l.refresh(ctx, &r) // last: it opens the account anew
	}
	return nil
}

// own takes the lease of looking after the account, and reads it as it is.
func (l *live) own(ctx context.Context) (record, error) {
	now := l.g.now()
	free := bson.A{bson.D{{Key: "care.owner", Value: l.g.d.Node}}, bson.D{{Key: "care.until", Value: bson.D{{Key: "$lt", Value: now}}}},
		bson.D{{Key: "care.until", Value: bson.D{{Key: "$exists", Value: false}}}}}
	var r record
	err := l.g.col(store.Accounts).Modify(ctx,
		bson.D{{Key: "_id", Value: string(l.record.ID)}, {Key: "version", Value: l.record.Version}, {Key: "$or", Value: free}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "care.owner", Value: l.g.d.Node}, {Key: "care.until", Value: now.Add(careLease)}}}}, false, &r)
	if errors.Is(err, store.ErrNotFound) {
		return r, errElsewhere // or it has changed, and is opened anew
	}
	if err != nil {
		return r, fmt.Errorf("gateway: taking account %s in care: %w", l.record.ID, err)
	}
	return r, nil
}

// disown gives the lease back.
func (l *live) disown(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if _, err := l.g.col(store.Accounts).Update(ctx, l.cared(), bson.D{{Key: "$set", Value: bson.D{{Key: "care.until", Value: time.Unix(0, 0).UTC()}, {Key: "care.owner", Value: ""}}}}); err != nil {
		l.log.Debug("an account's lease was not given back; it ends by itself", "error", err)
	}
}

func (l *live) cared() bson.D {
	return bson.D{{Key: "_id", Value: string(l.record.ID)}, {Key: "care.owner", Value: l.g.d.Node}}
}

// put writes down fields of care, while this node has the account.
func (l *live) put(ctx context.Context, set bson.D) error {
	n, err := l.g.col(store.Accounts).Update(ctx, l.cared(), bson.D{{Key: "$set", Value: set}})
	if err != nil {
		return fmt.Errorf("gateway: writing down the care of account %s: %w", l.record.ID, err)
	}
	if n == 0 {
		return errElsewhere
	}
	return nil
}

// found writes down and shows what a concern came to.
func (l *live) found(ctx context.Context, c concern, s channels.Health) error {
	field := "care.concerns." + string(c)
	change := bson.D{{Key: "$unset", Value: bson.D{{Key: field, Value: ""}}}}
	if s.State != channels.Green {
		if s.Since.IsZero() {
			s.Since = l.g.now()
		}
		change = bson.D{{Key: "$set", Value: bson.D{{Key: field, Value: s}}}}
	}
	if _, err := l.g.col(store.Accounts).Update(ctx, bson.D{{Key: "_id", Value: string(l.record.ID)}}, change); err != nil {
		return fmt.Errorf("gateway: writing down the health of account %s: %w", l.record.ID, err)
	}
	if open := l.g.live(l.record.ID); open != nil { // it may have been opened anew meanwhile
		open.health.of(c, s)
	}
	return nil
}

// silence is amber where an account that is told of things by callbacks has heard nothing for
// much longer than it usually does.
func (l *live) silence(r *record, now time.Time) channels.Health {
	green := channels.Health{State: channels.Green}
	if _, ok := l.session.(channels.Decoder); !ok || r.Care.LastIn == nil {
		return green
	}
	usual, is := silent(r.Care.Gaps, *r.Care.LastIn, now)
	if !is {
		return green
	}
	return channels.Health{State: channels.Amber,
		Reason: fmt.Sprintf("Nothing has come in since %s; silences of this account seldom last longer than %s.", r.Care.LastIn.UTC().Format("2 Jan 15:04 UTC"), inWords(usual)),
		Next:   "Write to the account yourself. If that does not appear here, check its subscription and connect it anew."}
}

// inWords is a duration as people say it.
func inWords(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", d/time.Hour)
	}
	return fmt.Sprintf("%d minutes", max(1, d/time.Minute))
}

// share is a number from 0 to 1 that is the account's own: what many accounts do, they do not
// do at the same moment.
func share(id timeline.AccountID) float64 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // never fails
	return float64(h.Sum32()%1000) / 1000
}

// Check looks after an account now and tells how it is: its subscription, and its credentials
// where they are due.
func (g *Gateway) Check(ctx context.Context, id timeline.AccountID) (Account, error) {
	if err := g.Reload(ctx); err != nil {
		return Account{}, err
	}
	l := g.live(id)
	if l == nil {
		return Account{}, ErrNoAccount
	}
	if l.session != nil && l.record.Enabled {
		if err := l.attend(ctx, true); err != nil && !errors.Is(err, errElsewhere) {
			return Account{}, err
		}
	}
	return g.Get(ctx, id)
}
