package gateway

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/internal/httpx"
	"github.com/parley-hub/parley/internal/store"
)

const (
	refreshSpread = 10 * time.Minute // accounts that are due together are renewed within so long
	refreshEarly  = time.Hour        // credentials refused so soon after they were renewed need a person
	refreshIdle   = time.Hour        // until it is asked again, where nothing new was given
)

var refreshWaits = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 3 * time.Hour}

// warnDays are how many days before credentials end people are told, and told again.
var warnDays = []int{20, 10, 3}

// refreshDue reports whether the credentials are to be renewed now: their time has come, or the
// far side refused them although it has not.
func (l *live) refreshDue(r *record, now time.Time) bool {
	s, ok := l.session.(channels.Refresher)
	if !ok || now.Before(r.Care.Refresh.Next) || r.Care.Refresh.Version == r.Version {
		return false
	}
	at := s.RefreshAt(now)
	if at.IsZero() || r.Held != nil && r.Held.Class != channels.AuthExpired {
		return false
	}
	if r.Held != nil {
		return now.Sub(r.Care.Refresh.Done) > refreshEarly
	}
	spread := min(refreshSpread, max(0, at.Sub(r.UpdatedAt)/20))
	return !now.Before(at.Add(time.Duration(share(r.ID) * float64(spread))))
}

// refresh renews the credentials. Another node cannot be at it: the account is in this one's care.
func (l *live) refresh(ctx context.Context, r *record) error {
	settings, err := l.renewed(ctx)
	if err != nil {
		return l.unrenewed(ctx, r, err)
	}
	now := l.g.now()
	done := bson.D{{Key: "care.refresh", Value: errand{Done: now}}, {Key: "care.warned", Value: 0}}
	if len(settings) == 0 {
		done = bson.D{{Key: "care.refresh", Value: errand{Done: now, Next: now.Add(refreshIdle)}}}
	}
	keep, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleFor) // the far side may take the old ones no more
	defer cancel()
	if len(settings) > 0 {
		if _, err := l.g.Update(keep, l.record.ID, Change{Settings: settings}); err != nil {
			return l.unrenewed(keep, r, fmt.Errorf("gateway: keeping renewed credentials: %w", err))
		}
		l.log.Info("the account's credentials were renewed")
	}
	l.g.metrics.refreshes.WithLabelValues(l.record.Channel, "renewed").Inc()
	return errors.Join(l.found(keep, concernRefresh, channels.Health{State: channels.Green}), l.put(keep, done))
}

func (l *live) renewed(ctx context.Context) (settings map[string]string, err error) {
	s, ok := l.session.(channels.Refresher)
	if !ok {
		return nil, nil
	}
	l.uses.enter()
	defer l.uses.leave()
	ctx, cancel := context.WithTimeout(ctx, careCall)
	defer cancel()
	defer contain(l.log, &err)
	return s.Refresh(ctx)
}

// unrenewed tries again later, or stops sending where the far side refused for good.
func (l *live) unrenewed(ctx context.Context, r *record, err error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleFor)
	defer cancel()
	l.log.Warn("the account's credentials could not be renewed", "error", httpx.Clean(err), "fails", r.Care.Refresh.Fails+1)
	l.g.metrics.refreshes.WithLabelValues(l.record.Channel, "failed").Inc()
	var f *channels.Failure
	if errors.As(err, &f) && (f.Class.Holds() || f.Class == channels.Misconfigured) {
		return l.refused(ctx, r, f)
	}
	e := r.Care.Refresh
	e.Fails++
	e.Next = l.g.now().Add(againIn(e.Fails, refreshWaits...))
	s := channels.Health{State: channels.Amber, Reason: "The account's credentials could not be renewed yet.",
		Next: "It is tried again by itself. If this lasts, sign in to the account anew."}
	return errors.Join(l.put(ctx, bson.D{{Key: "care.refresh", Value: e}}), l.found(ctx, concernRefresh, s))
}

// refused stops sending until a person signs in again; receiving goes on.
func (l *live) refused(ctx context.Context, r *record, f *channels.Failure) error {
	h := &hold{Class: f.Class, Reason: refusalOf(f), At: l.g.now()}
	l.mu.Lock()
	l.held = h
	l.mu.Unlock()
	l.health.hub(heldHealth(h))
	e := r.Care.Refresh
	e.Fails++
	e.Version = r.Version // not again with these
	_, err := l.g.col(store.Accounts).Update(ctx, bson.D{{Key: "_id", Value: string(l.record.ID)}, {Key: "version", Value: r.Version}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "held", Value: h}}}})
	if err != nil {
		return fmt.Errorf("gateway: holding account %s: %w", l.record.ID, err)
	}
	return errors.Join(l.put(ctx, bson.D{{Key: "care.refresh", Value: e}}), l.found(ctx, concernRefresh, channels.Health{State: channels.Green}))
}

// refusalOf is why the far side renewed nothing, in words for people.
func refusalOf(f *channels.Failure) string {
	switch {
	case f.Advice != "":
		return f.Advice
	case f.Said != "":
		return "The far side refused to renew the account's credentials: " + f.Said
	}
	return "The far side refused to renew the account's credentials."
}

// expiry tells people before credentials end that nothing will renew.
func (l *live) expiry(r *record, now time.Time) channels.Health {
	green := channels.Health{State: channels.Green}
	s, ok := l.session.(channels.Expirer)
	if !ok {
		return green
	}
	end := s.ExpiresAt()
	if end.IsZero() {
		return green
	}
	if f, ok := l.session.(channels.Refresher); ok && r.Care.Refresh.Fails == 0 && !f.RefreshAt(now).IsZero() {
		return green // they are renewed in time
	}
	const next = "Sign in to the account anew in its settings."
	if !now.Before(end) {
		return channels.Health{State: channels.Red, Reason: "The account's credentials ended on " + end.UTC().Format("2 January 2006") + ".", Next: next, Since: end}
	}
	for i := len(warnDays) - 1; i >= 0; i-- {
		if days := warnDays[i]; end.Sub(now) <= time.Duration(days)*24*time.Hour {
			return channels.Health{State: channels.Amber, Next: next,
				Reason: fmt.Sprintf("The account's credentials end on %s, in less than %d days.", end.UTC().Format("2 January 2006"), days+1)}
		}
	}
	return green
}
