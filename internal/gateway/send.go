package gateway

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/internal/httpx"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// send takes one message as far as it goes now: its steps in order, each at most once,
// those that arrived skipped.
func (d *delivery) send(ctx context.Context, j *job) error {
	if j.live.session == nil {
		return d.hold(ctx, j)
	}
	var remotes []timeline.RemoteID
	at := time.Time{}
	for n := range j.steps {
		s, goOn, err := d.claim(ctx, j, n, remotes)
		if err != nil || !goOn {
			return err
		}
		if !s.arrived() {
			if s, goOn, err = d.call(ctx, j, s, remotes); err != nil || !goOn {
				return err
			}
		}
		remotes = append(remotes, s.Remote)
		at = s.Ended
	}
	d.tell(j, timeline.Sent, max(j.o.Attempt, 1), nil, remotes, "")
	if !at.IsZero() && j.o.Message != nil {
		d.news[len(d.news)-1].Event.At = timeline.Moment(at)
	}
	return nil
}

// claim makes a step this run's to send. goOn is false where the message ends or waits
// here; a step that arrived before is returned as it is.
func (d *delivery) claim(ctx context.Context, j *job, n int, sent []timeline.RemoteID) (s step, goOn bool, err error) {
	if n == 0 && j.first != nil {
		return *j.first, true, nil
	}
	now, was, err := d.place(ctx, j, n)
	if err != nil {
		return now, false, err
	}
	if was != nil {
		if now.Attempt < was.Attempt {
			return now, false, nil // an older attempt's timer: the newer one decides
		}
		if was.State == timeline.Queued && was.Attempt == now.Attempt && was.Why != whyHeld && was.DueAt.After(d.g.now().Add(early)) {
			d.blocks(*was)
			return now, false, d.g.wake(ctx, *was) // as it is; the timer may have been lost in a crash
		}
		if goOn, done, err := d.settled(ctx, j, was, sent); done || err != nil {
			return *was, goOn, err
		}
	}
	waits, err := d.delay(ctx, j, n, &now)
	if err != nil {
		return now, false, err
	}
	if waits {
		if now.Why == whyHeld {
			d.tell(j, timeline.Queued, now.Attempt, now.Failure, nil, ":held")
		}
		return now, false, d.postpone(ctx, j, was, now)
	}
	if was == nil {
		err = d.g.col(store.Steps).Insert(ctx, now)
		if store.IsDuplicate(err, "_id_") {
			return d.claim(ctx, j, n, sent)
		}
		if err != nil {
			err = fmt.Errorf("gateway: writing step %s: %w", now.ID, err)
		}
		return now, err == nil, err
	}
	ok, err := d.g.swap(ctx, *was, now)
	if err == nil && !ok {
		return d.claim(ctx, j, n, sent) // somebody was faster: look again
	}
	return now, ok, err
}

// place reads the step as it is, and says how it would be while it is sent.
func (d *delivery) place(ctx context.Context, j *job, n int) (now step, was *step, err error) {
	now = d.g.newStep(j.o, n, timeline.Sending)
	var s step
	switch err := d.g.col(store.Steps).One(ctx, bson.D{{Key: "_id", Value: now.ID}}, &s); {
	case err == nil:
		if s.Attempt == now.Attempt {
			now.Tries, now.Outbound = s.Tries, s.Outbound // kept while it is sent, for who finds it after a crash
		}
		return now, &s, nil
	case isNotFound(err):
		return now, nil, nil
	default:
		return now, nil, fmt.Errorf("gateway: reading step %s: %w", now.ID, err)
	}
}

// settled ends a step that needs no call: it arrived, was taken back, was refused, or nobody
// knows and nobody asked for another attempt.
func (d *delivery) settled(ctx context.Context, j *job, was *step, sent []timeline.RemoteID) (goOn, done bool, err error) {
	asked := max(j.o.Attempt, 1) > was.Attempt
	switch {
	case was.arrived():
		return true, true, nil
	case asked && was.State == timeline.Unsure: // it may have been found meanwhile: nobody gets it twice
		found, err := d.reconcile(ctx, j, was)
		return found, found || err != nil, err
	case was.State == timeline.Queued, asked:
		return false, false, nil
	case was.State == timeline.Sending && j.can.Idempotent:
		return false, false, nil
	case was.State == timeline.Sending, was.State == timeline.Unsure:
		found, err := d.reconcile(ctx, j, was)
		if found || err != nil {
			return found, true, err
		}
		d.tell(j, timeline.Unsure, was.Attempt, was.Failure, sent, "")
	default: // cancelled, failed
		d.tell(j, was.State, cmp.Or(was.Attempt, max(j.o.Attempt, 1)), was.Failure, sent, "")
	}
	return false, true, nil
}

// reconcile finds out whether a call that nobody knows the end of arrived. Where that
// cannot be found out, the step is unknown from now on.
func (d *delivery) reconcile(ctx context.Context, j *job, was *step) (found bool, err error) {
	now := *was
	now.Ended, now.Outbound = d.g.now(), ""
	if remote, ok := d.find(ctx, j, was); ok {
		now.State, now.Remote, now.Failure = timeline.Sent, remote, nil
	} else {
		now.State = timeline.Unsure
		if now.Failure == nil {
			now.Failure = &timeline.Failure{Class: string(channels.Transient), Advice: notFoundOut}
		}
	}
	if now.State == was.State {
		return false, nil
	}
	if _, err := d.g.swap(ctx, *was, now); err != nil {
		return false, err
	}
	*was = now
	return now.State == timeline.Sent, nil
}

func (d *delivery) find(ctx context.Context, j *job, s *step) (remote timeline.RemoteID, found bool) {
	r, ok := j.live.session.(channels.Reconciler)
	if !ok || s.N >= len(j.steps) {
		return "", false
	}
	var err error
	func() {
		defer contain(j.live.log, &err)
		remote, found, err = r.Find(ctx, j.steps[s.N], s.Started)
	}()
	if err != nil {
		j.live.log.Warn("a doubtful message could not be looked for", "step", s.ID, "error", err)
		return "", false
	}
	return remote, found
}

// delay says whether a step must wait, and puts when and why into it.
func (d *delivery) delay(ctx context.Context, j *job, n int, s *step) (bool, error) {
	l, now := j.live, d.g.now()
	l.mu.Lock()
	held, rest := l.held, l.rest
	l.mu.Unlock()
	if m := j.o.Message; n == 0 && m != nil && m.SendAt != nil && m.SendAt.After(now) {
		s.DueAt, s.Why = *m.SendAt, whyScheduled
		if m.SendAt.Sub(j.o.At) <= undoMost {
			s.Why = whyUndo
		}
		return true, nil
	}
	if held != nil {
		s.Why, s.Failure = whyHeld, &timeline.Failure{Class: string(held.Class), Advice: heldHealth(held).Next}
		return true, nil
	}
	if now.Before(rest) {
		s.DueAt, s.Why = rest, whyRate
		return true, nil
	}
	q, err := d.waiting(ctx, s.Account)
	if err != nil {
		return false, err
	}
	if b := before(q, s); b != nil {
		s.DueAt, s.Why = b.DueAt.Add(time.Millisecond), whyBehind
		if !s.DueAt.After(now) {
			s.DueAt = now.Add(rateSleep) // it is on its way, or is about to be released
		}
		return true, nil
	}
	return d.throttle(ctx, j, s)
}

// before finds a waiting step of an earlier message of the same thread.
func before(q []step, s *step) *step {
	for i := range q {
		b := &q[i]
		if b.Thread != s.Thread || b.Message == s.Message || b.Why == whyScheduled {
			continue
		}
		if b.At.Before(s.At) || b.At.Equal(s.At) && b.Message < s.Message {
			return b
		}
	}
	return nil
}

// throttle keeps to the far side's rates: it waits a moment in place, or puts the step off.
func (d *delivery) throttle(ctx context.Context, j *job, s *step) (bool, error) {
	for {
		wait := j.live.rates.take(j.can.Rates, s.Thread, time.Now())
		if wait == 0 {
			return false, nil
		}
		if wait > rateSleep {
			s.DueAt, s.Why = d.g.now().Add(wait), whyRate
			return true, nil
		}
		if !pause(ctx, wait) {
			return false, ctx.Err()
		}
	}
}

// postpone writes a step down as waiting. What comes after it on the thread waits too.
func (d *delivery) postpone(ctx context.Context, j *job, was *step, now step) error {
	if was != nil && was.State == timeline.Queued {
		now.Tries++ // a timer of its own
	}
	ok, err := d.g.wait(ctx, j.o, was, now)
	if err != nil {
		return err
	}
	if ok {
		now.State = timeline.Queued
		d.blocks(now)
		return nil
	}
	return d.send(ctx, j) // changed meanwhile, such as cancelled: look again
}

func (d *delivery) blocks(s step) { d.queued[s.Account] = append(d.queued[s.Account], s) }

// hold keeps a message until a person mended the account.
func (d *delivery) hold(ctx context.Context, j *job) error {
	now, was, err := d.place(ctx, j, 0)
	if err != nil {
		return err
	}
	if was != nil && was.State != timeline.Queued && max(j.o.Attempt, 1) <= was.Attempt {
		if goOn, done, err := d.settled(ctx, j, was, nil); done && !goOn || err != nil {
			return err
		}
	}
	now.Why, now.DueAt = whyHeld, d.g.now()
	now.Failure = &timeline.Failure{Class: string(channels.Misconfigured), Advice: "The account does not open. Mend its settings; what waits is sent then."}
	if err := d.postpone(ctx, j, was, now); err != nil {
		return err
	}
	d.tell(j, timeline.Queued, now.Attempt, now.Failure, nil, ":held")
	return nil
}

// call makes the provider call of a claimed step and acts on how it ended.
func (d *delivery) call(ctx context.Context, j *job, s step, sent []timeline.RemoteID) (step, bool, error) {
	began := time.Now()
	r := d.do(ctx, j, s)
	d.g.metrics.call.WithLabelValues(j.live.record.Channel).Observe(time.Since(began).Seconds())
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleFor) // the call was made: its end is written down
	defer cancel()
	was, now := s, s
	now.Ended, now.Outbound = d.g.now(), ""
	if !r.At.IsZero() {
		now.Ended = timeline.Moment(r.At)
	}
	switch r.Outcome {
	case channels.Accepted:
		return d.accepted(ctx, j, was, now, r)
	case channels.Rejected:
		return now, false, d.rejected(ctx, j, was, now, r.Failure, sent)
	default:
		return d.unsure(ctx, j, was, now, r, sent)
	}
}

// do calls the session. A panic leaves it open whether the far side was reached.
func (d *delivery) do(ctx context.Context, j *job, s step) (r channels.Result) {
	l := j.live
	l.uses.enter()
	defer l.uses.leave()
	var err error
	func() {
		defer contain(l.log, &err)
		r = l.session.Do(ctx, j.steps[s.N])
	}()
	if err != nil {
		l.health.hub(channels.Health{State: channels.Amber, Reason: "A message could not be sent because the channel failed.", Next: "See the log, then update the channel."})
		return channels.Result{Outcome: channels.Unsure, Failure: &channels.Failure{Class: channels.Permanent, Advice: "The channel failed while sending. Ask whether it arrived before sending it again."}}
	}
	if r.Failure != nil {
		l.log.Warn("a step did not go through", "step", s.ID, "outcome", r.Outcome.String(), "class", string(r.Failure.Class), "code", r.Failure.Code, "error", httpx.Clean(r.Failure))
	}
	return r
}

func (d *delivery) accepted(ctx context.Context, j *job, was, now step, r channels.Result) (step, bool, error) {
	now.State, now.Remote, now.Failure = cmp.Or(r.State, timeline.Sent), r.Remote, nil
	if j.can.Idempotent { // repeating is harmless: written with the run's others
		d.writes = append(d.writes, store.Write{Filter: asRead(was), Update: stepUpdate(now)})
	} else if _, err := d.g.swap(ctx, was, now); err != nil {
		return now, false, err
	}
	j.live.health.well()
	return now, true, nil
}

func (d *delivery) unsure(ctx context.Context, j *job, was, now step, r channels.Result, sent []timeline.RemoteID) (step, bool, error) {
	if j.can.Idempotent {
		f := r.Failure
		if f == nil || !f.Class.Again() {
			f = &channels.Failure{Class: channels.Transient, Advice: "It is tried again by itself."}
		}
		return now, false, d.rejected(ctx, j, was, now, f, sent)
	}
	now.State, now.Failure = timeline.Unsure, r.Failure.Wire()
	if now.Failure == nil {
		now.Failure = &timeline.Failure{Class: string(channels.Transient), Advice: notFoundOut}
	}
	if remote, ok := d.find(ctx, j, &was); ok {
		now.State, now.Remote, now.Failure = timeline.Sent, remote, nil
	}
	if _, err := d.g.swap(ctx, was, now); err != nil {
		return now, false, err
	}
	if now.State == timeline.Sent {
		return now, true, nil
	}
	sought, err := d.seek(ctx, j, now)
	if err != nil {
		return now, false, err
	}
	if sought {
		until, f := d.g.now().Add(findFor), *now.Failure
		f.Advice, f.Retry = beingSought, &until
		now.Failure = &f
	}
	d.tell(j, timeline.Unsure, now.Attempt, now.Failure, sent, "")
	return now, false, nil
}

// rejected tries again by itself, holds the account, or gives up, as the failure says.
func (d *delivery) rejected(ctx context.Context, j *job, was, now step, f *channels.Failure, sent []timeline.RemoteID) error {
	if f == nil {
		f = &channels.Failure{Class: channels.Permanent, Advice: "The far side refused it and did not say why."}
	}
	now.Failure = f.Wire()
	switch {
	case f.Class.Holds():
		return d.holds(ctx, j, was, now, f)
	case f.Class.Again() && now.Tries < triesMax:
		return d.again(ctx, j, was, now, f)
	}
	now.State = timeline.Failed
	if len(sent) > 0 {
		now.Failure.Advice = fmt.Sprintf("%d of %d parts arrived; sending again sends the rest. %s", len(sent), len(j.steps), now.Failure.Advice)
	}
	if f.Class.Again() {
		now.Failure.Advice = "It was tried " + fmt.Sprint(triesMax+1) + " times. Send it again later."
	}
	if _, err := d.g.swap(ctx, was, now); err != nil {
		return err
	}
	d.tell(j, timeline.Failed, now.Attempt, now.Failure, sent, "")
	return nil
}

func (d *delivery) again(ctx context.Context, j *job, was, now step, f *channels.Failure) error {
	wait := backOff[now.Tries]
	wait = wait*3/4 + rand.N(wait/2)
	now.Why = whyRetry
	if f.Class == channels.RateLimited {
		wait = max(f.After, time.Second)
		now.Why = whyRate
		j.live.rests(d.g.now().Add(wait))
	}
	now.Tries++
	now.DueAt = d.g.now().Add(wait)
	now.Failure.Retry = &now.DueAt
	if _, err := d.g.wait(ctx, j.o, &was, now); err != nil {
		return err
	}
	d.blocks(now)
	d.tell(j, timeline.Queued, now.Attempt, now.Failure, nil, fmt.Sprintf(":%d", now.Tries))
	return nil
}

// rests keeps the whole account from calling before a moment.
func (l *live) rests(until time.Time) {
	l.mu.Lock()
	if until.After(l.rest) {
		l.rest = until
	}
	l.mu.Unlock()
	l.health.of(concernRate, channels.Health{State: channels.Amber, Reason: "The far side takes no more for now.", Next: "Sending goes on by itself at " + until.Format("15:04:05") + " UTC."})
}

// holds stops the account's sending until a person renews its credentials.
func (d *delivery) holds(ctx context.Context, j *job, was, now step, f *channels.Failure) error {
	l := j.live
	h := &hold{Class: f.Class, Reason: f.Advice, At: d.g.now()}
	l.mu.Lock()
	l.held = h
	l.mu.Unlock()
	l.health.hub(heldHealth(h))
	now.Why, now.DueAt = whyHeld, d.g.now()
	if _, err := d.g.wait(ctx, j.o, &was, now); err != nil {
		return err
	}
	d.blocks(now)
	_, err := d.g.col(store.Accounts).Update(ctx, bson.D{{Key: "_id", Value: string(l.record.ID)}, {Key: "version", Value: l.record.Version}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "held", Value: h}}}})
	if err != nil {
		return fmt.Errorf("gateway: holding account %s: %w", l.record.ID, err)
	}
	d.tell(j, timeline.Queued, now.Attempt, now.Failure, nil, ":held")
	if _, ok := l.session.(channels.Refresher); ok && h.Class == channels.AuthExpired {
		d.g.kick() // perhaps they can be renewed before anybody notices
	}
	return nil
}
