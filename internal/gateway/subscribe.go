package gateway

import (
	"context"
	"errors"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/internal/httpx"
)

const (
	subscribeEvery  = 20 * time.Hour // so that a loss is noticed within a day
	subscribeSpread = 3 * time.Hour
	subscribeQuiet  = 2 // failures before people are told
)

var subscribeWaits = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour}

// subscribeDue reports whether the subscription to callbacks is to be checked: the account
// changed, or it is a day ago.
func (l *live) subscribeDue(r *record, now time.Time) bool {
	if _, ok := l.session.(channels.Subscriber); !ok {
		return false
	}
	return r.Care.Subscribe.Version != r.Version && r.Care.Subscribe.Fails == 0 || !now.Before(r.Care.Subscribe.Next)
}

// subscribe makes sure that callbacks come, and tells people where they did not.
func (l *live) subscribe(ctx context.Context, r *record) error {
	changed, known, err := l.subscribed(ctx)
	if !known {
		return nil
	}
	keep, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleFor)
	defer cancel()
	now := l.g.now()
	e := r.Care.Subscribe
	if err != nil {
		e.Fails++
		e.Next = now.Add(againIn(e.Fails, subscribeWaits...))
		l.log.Warn("the account's subscription could not be checked", "error", httpx.Clean(err), "fails", e.Fails)
		return errors.Join(l.put(keep, bson.D{{Key: "care.subscribe", Value: e}}), l.found(keep, concernSubscription, unsubscribed(err, e.Fails)))
	}
	s := channels.Health{State: channels.Green}
	if changed && !e.Done.IsZero() && e.Version == r.Version {
		s = channels.Health{State: channels.Amber, Reason: "The far side had stopped telling the hub about this account; that is mended.",
			Next: "Look on the channel for what was written since " + e.Done.UTC().Format("2 Jan 15:04 UTC") + "."}
		l.log.Warn("the account's subscription was lost and is set again")
	}
	e = errand{Done: now, Version: r.Version, Next: now.Add(subscribeEvery + time.Duration(share(r.ID)*float64(subscribeSpread)))}
	return errors.Join(l.put(keep, bson.D{{Key: "care.subscribe", Value: e}}), l.found(keep, concernSubscription, s))
}

func (l *live) subscribed(ctx context.Context) (changed, known bool, err error) {
	s, ok := l.session.(channels.Subscriber)
	if !ok {
		return false, false, nil
	}
	l.uses.enter()
	defer l.uses.leave()
	ctx, cancel := context.WithTimeout(ctx, careCall)
	defer cancel()
	defer contain(l.log, &err)
	changed, err = s.EnsureSubscribed(ctx)
	return changed, true, err
}

// unsubscribed is how bad it is that nobody knows whether callbacks come.
func unsubscribed(err error, fails int) channels.Health {
	var f *channels.Failure
	var p *channels.Problem
	switch {
	case errors.As(err, &f) && !f.Class.Again():
		s := channels.Health{State: channels.Red, Reason: "The far side does not tell the hub about this account.", Next: f.Advice}
		if f.Said != "" {
			s.Reason += " It says: " + f.Said
		}
		if s.Next == "" {
			s.Next = "Check the account's settings, then connect it anew."
		}
		return s
	case errors.As(err, &p):
		return channels.Health{State: channels.Red, Reason: p.Title + ".", Next: p.Detail}
	case fails > subscribeQuiet:
		return channels.Health{State: channels.Amber, Reason: "Whether the far side tells the hub about this account could not be checked.", Next: "It is tried again by itself."}
	}
	return channels.Health{State: channels.Green}
}
