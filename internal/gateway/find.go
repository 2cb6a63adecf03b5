package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// findFor is how long a message in doubt is looked for before the agent is asked. An echo
// settles it at any time.
const findFor = time.Minute

// findAfter is when it is looked for, since the last time.
var findAfter = []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second, 25 * time.Second}

// The advice on a message in doubt: while it is looked for, and when nobody found it.
const (
	beingSought = "It may have arrived; that is being found out. Wait a minute before you send it again."
	notFoundOut = "It may have arrived. Ask, or send it again."
)

// seek sets out to find what became of a step in doubt; false: nothing can be found out.
func (d *delivery) seek(ctx context.Context, j *job, s step) (bool, error) {
	if _, ok := j.live.session.(channels.Reconciler); !ok {
		return false, nil
	}
	b, err := json.Marshal(j.o)
	if err != nil {
		return false, fmt.Errorf("gateway: encoding message %s: %w", j.o.ID, err)
	}
	due := d.g.now().Add(findAfter[0])
	e := errandDoc{ID: fmt.Sprintf("%s|%s|%d", errandFind, s.ID, s.Attempt), Kind: errandFind, Account: s.Account, Outbound: string(b), N: s.N, DueAt: &due}
	if err := d.g.col(store.Errands).Insert(ctx, e); err != nil && !store.IsDuplicate(err, "_id_") {
		return false, fmt.Errorf("gateway: noting a doubtful message: %w", err)
	}
	return true, nil
}

// findAgain looks for a step in doubt once more, and at last asks the agent.
func (l *live) findAgain(ctx context.Context, e errandDoc) (result, error) {
	var o timeline.Outbound
	if err := json.Unmarshal([]byte(e.Outbound), &o); err != nil {
		l.log.Warn("a doubtful message cannot be read any more", "error", err)
		return result{}, nil // written by another version: the agent was told already that it is in doubt
	}
	d := &delivery{g: l.g, queued: map[timeline.AccountID][]step{}}
	j := &job{o: &o, live: l, can: l.kind.On(o.Place)}
	was, err := l.g.stepOf(ctx, channels.StepKey(o.ID, e.N))
	if isNotFound(err) {
		return result{}, nil
	}
	if err != nil {
		return result{}, err
	}
	if was.State != timeline.Unsure || was.Attempt != max(o.Attempt, 1) {
		return result{}, nil // sent again, or settled
	}
	var unplanned error
	if j.steps, unplanned = planned(j, o); len(j.steps) == 0 {
		l.log.Debug("a doubtful message cannot be planned any more", "error", unplanned)
		return result{}, nil // it cannot be looked for as it is; it stays in doubt
	}
	found, err := d.reconcile(ctx, j, &was)
	switch {
	case err != nil:
		return result{}, err
	case found:
		// Sending goes on where it was: what arrived is skipped, what is left is sent.
		return result{}, d.proceed(ctx, j)
	case e.Tries+1 < len(findAfter):
		return result{again: findAfter[e.Tries+1]}, nil
	}
	was.Failure = &timeline.Failure{Class: string(channels.Transient), Advice: notFoundOut}
	if _, err := l.g.col(store.Steps).Update(ctx, asRead(was), bson.D{{Key: "$set", Value: bson.D{{Key: "failure", Value: was.Failure}}}}); err != nil {
		return result{}, fmt.Errorf("gateway: writing step %s: %w", was.ID, err)
	}
	d.tell(j, timeline.Unsure, was.Attempt, was.Failure, nil, ":asked")
	return result{}, d.flush(ctx)
}

// proceed sends what is left of a message of which a step was found.
func (d *delivery) proceed(ctx context.Context, j *job) error {
	if err := d.send(ctx, j); err != nil {
		return err
	}
	return d.flush(ctx)
}
