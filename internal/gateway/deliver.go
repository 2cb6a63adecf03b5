package gateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/internal/bus"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// outboundTopic is where timers publish what is due.
var outboundTopic = bus.Outbound.Name

const (
	undoMost  = 30 * time.Second       // a send-at this near is an undo window, which keeps its place in the thread
	rateSleep = 100 * time.Millisecond // a rate that allows the call so soon is waited for in place
	early     = time.Second            // a timer of another node's clock may fire so much too soon
	triesMax  = 8
	settleFor = 10 * time.Second // for writing down what a call came to, also while closing
)

// backOff is how long to wait before each further try.
var backOff = [triesMax]time.Duration{2 * time.Second, 5 * time.Second, 15 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 3 * time.Hour}

// Lane is the lane of an outbound message: one thread's are sent in order, different
// threads' side by side.
func Lane(o timeline.Outbound) string { return o.Thread.Key() }

// Deliver sends a run of messages of the outbound topic. What it returns nil for was sent,
// refused, or written down as waiting; its receipts are durable.
func (g *Gateway) Deliver(ctx context.Context, run []bus.Record[timeline.Outbound]) error {
	if g.closing.Load() {
		return bus.ErrClosed
	}
	g.calls.enter()
	defer g.calls.leave()
	d := &delivery{g: g, queued: map[timeline.AccountID][]step{}}
	jobs, err := d.prepare(ctx, run)
	if err != nil {
		return err
	}
	if err := d.claimAll(ctx, jobs); err != nil {
		return err
	}
	for i := range jobs {
		if jobs[i].done {
			continue
		}
		if err := d.send(ctx, &jobs[i]); err != nil {
			if lost := d.flush(ctx); lost != nil {
				return fmt.Errorf("gateway: %w, after %w", lost, err) // those before it are not done either
			}
			return &bus.RunError{Index: i, Err: err}
		}
	}
	return d.flush(ctx)
}

// delivery is one run being sent.
type delivery struct {
	g      *Gateway
	queued map[timeline.AccountID][]step // waiting steps, read once per account and run
	writes []store.Write                 // results of calls the far side de-duplicates
	news   []timeline.Inbound            // what became of it
	asks   []timeline.Command            // what the conversation's writer is to record
}

// job is one message of the run.
type job struct {
	o     *timeline.Outbound
	live  *live
	can   channels.Capabilities // of the place it goes to
	steps []channels.Step
	first *step // step 0, claimed by this run
	done  bool
}

// prepare plans every message and writes down those that cannot go now.
func (d *delivery) prepare(ctx context.Context, run []bus.Record[timeline.Outbound]) ([]job, error) {
	jobs := make([]job, len(run))
	for i := range run {
		j := &jobs[i]
		j.o = &run[i].Value
		if err := d.ready(ctx, j); err != nil {
			return nil, err
		}
	}
	return jobs, nil
}

func (d *delivery) ready(ctx context.Context, j *job) error {
	id := j.o.Thread.Account
	if j.live = d.g.live(id); j.live == nil {
		if err := d.g.Reload(ctx); err != nil {
			return err
		}
		if j.live = d.g.live(id); j.live == nil {
			return d.refuse(ctx, j, &channels.Failure{Class: channels.Misconfigured, Advice: "The account was removed. Answer on another channel."})
		}
	}
	if !j.live.record.Enabled {
		return d.refuse(ctx, j, &channels.Failure{Class: channels.Misconfigured, Advice: "The account is switched off. Switch it on, then send again."})
	}
	if j.live.kind != nil {
		j.can = j.live.kind.On(j.o.Place)
	}
	if j.live.session == nil {
		return nil // held, see send
	}
	return d.plan(ctx, j)
}

// plan makes the steps, unless the far side would refuse the message as we know already.
func (d *delivery) plan(ctx context.Context, j *job) error {
	rule, _, ok := j.can.Allowed(j.o.Opened, j.o.Actor.Kind, d.g.now())
	if !ok && windowed(j.o) {
		return d.refuse(ctx, j, &channels.Failure{Class: channels.WindowClosed, Advice: "The time to answer on this channel is over. Answer on another channel, or wait until the person writes."})
	}
	steps, err := planned(j, *j.o)
	if err != nil {
		var f *channels.Failure
		if !errors.As(err, &f) {
			f = &channels.Failure{Class: channels.Permanent, Advice: "This message cannot be sent like this.", Err: err}
		}
		return d.refuse(ctx, j, f)
	}
	for i := range steps {
		steps[i].Tag = cmp.Or(steps[i].Tag, rule.Tag)
	}
	j.steps = steps
	return nil
}

// windowed reports whether the far side's windows bind what is sent: taking back what was
// said, or tidying up in public, is no message.
func windowed(o *timeline.Outbound) bool { return o.Moderation == nil && o.Unsend == nil }

// planned asks the session, or makes the one step that most messages are.
func planned(j *job, o timeline.Outbound) (steps []channels.Step, err error) {
	defer contain(j.live.log, &err)
	p, ok := j.live.session.(channels.Planner)
	if !ok {
		if f := fits(j.can, &o); f != nil {
			return nil, f
		}
		return []channels.Step{plain(o)}, nil
	}
	if steps, err = p.Plan(o); err != nil {
		return nil, err
	}
	if len(steps) == 0 {
		return nil, &channels.Failure{Class: channels.BadContent, Advice: "There is nothing in the message that this channel can carry."}
	}
	for i := range steps {
		steps[i].Key, steps[i].N, steps[i].Outbound = channels.StepKey(o.ID, i), i, o
	}
	return steps, nil
}

// The kinds of step that the hub makes itself; those of moderation are the action's name.
const (
	stepSend   = "send"
	stepEdit   = "edit"
	stepUnsend = "unsend"
	stepReact  = "react"
)

func plain(o timeline.Outbound) channels.Step {
	s := channels.Step{Key: channels.StepKey(o.ID, 0), Kind: stepSend, Outbound: o}
	switch {
	case o.Edit != nil:
		s.Kind, s.Text = stepEdit, o.Edit.Text
	case o.Unsend != nil:
		s.Kind = stepUnsend
	case o.Reaction != nil:
		s.Kind = stepReact
	case o.Moderation != nil:
		s.Kind = o.Moderation.Action
	case o.Message != nil:
		s.Text, s.Parts = o.Message.Text, o.Message.Parts
	}
	return s
}

// refuse writes down that a message was never sent, so that undoing and repeats see it.
func (d *delivery) refuse(ctx context.Context, j *job, f *channels.Failure) error {
	j.done = true
	s := d.g.newStep(j.o, 0, timeline.Failed)
	s.Failure, s.Ended = f.Wire(), d.g.now()
	err := d.g.col(store.Steps).Insert(ctx, s)
	if store.IsDuplicate(err, "_id_") {
		was, e := d.g.stepOf(ctx, s.ID)
		if e != nil {
			return e
		}
		if was.arrived() || was.State == timeline.Cancelled && was.Attempt >= s.Attempt || was.State == timeline.Unsure && was.Attempt >= s.Attempt {
			d.tell(j, was.State, was.Attempt, was.Failure, []timeline.RemoteID{was.Remote}, "")
			return nil
		}
		_, err = d.g.swap(ctx, was, s)
	}
	if err != nil {
		return fmt.Errorf("gateway: writing step %s: %w", s.ID, err)
	}
	d.tell(j, timeline.Failed, s.Attempt, s.Failure, nil, "")
	return nil
}

// claimAll claims the first steps of a run in one write, where repeating a call is harmless.
// Elsewhere each is claimed just before its call: a crash must not leave more calls in doubt
// than the one under way.
func (d *delivery) claimAll(ctx context.Context, jobs []job) error {
	var writes []store.Write
	var at []int
	for i := range jobs {
		j := &jobs[i]
		if j.done || j.live.session == nil || !j.can.Idempotent || d.waits(j) {
			continue
		}
		s := d.g.newStep(j.o, 0, timeline.Sending)
		j.first = &s
		writes, at = append(writes, store.Write{Insert: s}), append(at, i)
	}
	if len(writes) == 0 {
		return nil
	}
	if waiting, err := d.anyQueued(ctx, jobs, at); err != nil || waiting {
		for _, i := range at {
			jobs[i].first = nil
		}
		return err
	}
	errs, err := d.g.col(store.Steps).Bulk(ctx, writes...)
	if err != nil {
		return fmt.Errorf("gateway: claiming steps: %w", err)
	}
	for k, e := range errs {
		if store.IsDuplicate(e, "_id_") {
			jobs[at[k]].first = nil
		} else if e != nil {
			return fmt.Errorf("gateway: claiming step %s: %w", jobs[at[k]].first.ID, e)
		}
	}
	return nil
}

// waits reports whether a message cannot go right now for a reason of its own.
func (d *delivery) waits(j *job) bool {
	l := j.live
	l.mu.Lock()
	resting := l.held != nil || d.g.now().Before(l.rest)
	l.mu.Unlock()
	return resting || len(j.can.Rates) > 0 || j.o.Message != nil && j.o.Message.SendAt != nil && j.o.Message.SendAt.After(d.g.now())
}

func (d *delivery) anyQueued(ctx context.Context, jobs []job, at []int) (bool, error) {
	for _, i := range at {
		q, err := d.waiting(ctx, jobs[i].o.Thread.Account)
		if err != nil {
			return false, err
		}
		for _, s := range q {
			if s.Thread == jobs[i].o.Thread.Key() {
				return true, nil
			}
		}
	}
	return false, nil
}

// waiting are the account's queued steps, as they were when the run first asked.
func (d *delivery) waiting(ctx context.Context, a timeline.AccountID) ([]step, error) {
	if q, ok := d.queued[a]; ok {
		return q, nil
	}
	q := []step{}
	err := d.g.col(store.Steps).All(ctx, bson.D{{Key: "account", Value: string(a)}, {Key: "state", Value: string(timeline.Queued)}}, &q)
	if err != nil {
		return nil, fmt.Errorf("gateway: reading waiting steps: %w", err)
	}
	d.queued[a] = q
	return q, nil
}

// flush writes down results and publishes what became of them: first what happened, then the news of it.
func (d *delivery) flush(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleFor)
	defer cancel()
	if len(d.writes) > 0 {
		errs, err := d.g.col(store.Steps).Bulk(ctx, d.writes...)
		if err != nil {
			return fmt.Errorf("gateway: writing results: %w", err)
		}
		for _, e := range errs {
			if e != nil && !errors.Is(e, store.ErrNoMatch) { // no match: another node was faster, with the same result
				return fmt.Errorf("gateway: writing a result: %w", e)
			}
		}
		d.writes = nil
	}
	if len(d.news) > 0 {
		if err := d.g.d.Publish(ctx, d.news...); err != nil {
			return fmt.Errorf("gateway: publishing what became of messages: %w", err)
		}
		d.news = nil
	}
	if len(d.asks) > 0 {
		if err := d.g.d.Ask(ctx, d.asks...); err != nil {
			return fmt.Errorf("gateway: asking for failures to be recorded: %w", err)
		}
		d.asks = nil
	}
	return nil
}
