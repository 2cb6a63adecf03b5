package webhooks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/oklog/ulid/v2"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/internal/store"
)

// How much of the log is kept of each endpoint, beside what waits.
const (
	Keep    = 10_000 // deliveries
	KeepFor = 30 * 24 * time.Hour
)

// The errors callers act on, beside store.ErrNotFound.
var (
	// ErrOff says that an endpoint is switched off, so that nothing is sent to it.
	ErrOff = errors.New("webhooks: the endpoint is off")
	// ErrTest says that a test is not sent again.
	ErrTest = errors.New("webhooks: a test is not sent again")
)

// Page is which part of a log to read.
type Page struct {
	State  string // empty: every
	Before string // the Pos of the last delivery of the page before; empty: from the latest
	Limit  int
}

// Deliveries reads an endpoint's log, the latest first.
func (w *Webhooks) Deliveries(ctx context.Context, endpoint string, p Page) ([]Delivery, error) {
	if _, err := w.Get(ctx, endpoint); err != nil {
		return nil, err
	}
	filter := bson.D{{Key: "endpoint", Value: endpoint}}
	if p.Before != "" {
		filter = append(filter, bson.E{Key: "pos", Value: bson.D{{Key: "$lt", Value: p.Before}}})
	}
	if p.State != "" {
		filter = append(filter, bson.E{Key: "state", Value: p.State})
	}
	list := []Delivery{}
	if err := w.deliveries().All(ctx, filter, &list, store.Find{Sort: bson.D{{Key: "pos", Value: -1}}, Limit: p.Limit}); err != nil {
		return nil, fmt.Errorf("webhooks: reading the log: %w", err)
	}
	return list, nil
}

// Replay sends one delivery again, under its id, with what the event is by now.
func (w *Webhooks) Replay(ctx context.Context, endpoint, delivery string) (*Delivery, error) {
	if err := w.on(ctx, endpoint); err != nil {
		return nil, err
	}
	filter := bson.D{{Key: "_id", Value: delivery}, {Key: "endpoint", Value: endpoint}}
	var d Delivery
	if err := w.deliveries().One(ctx, filter, &d); err != nil {
		return nil, fmt.Errorf("webhooks: reading a delivery: %w", err)
	}
	if d.Conversation == "" {
		return nil, ErrTest
	}
	if err := w.deliveries().Modify(ctx, filter, w.again(), false, &d); err != nil {
		return nil, fmt.Errorf("webhooks: sending a delivery again: %w", err)
	}
	w.nudge()
	return &d, nil
}

// ReplayRange sends again what was made from one moment until before another, in a state; an
// empty state is everything that does not wait. It says how many deliveries that are.
func (w *Webhooks) ReplayRange(ctx context.Context, endpoint string, from, until time.Time, state string) (int64, error) {
	if err := w.on(ctx, endpoint); err != nil {
		return 0, err
	}
	states := bson.A{Taken, GivenUp}
	if state != "" {
		states = bson.A{state}
	}
	n, err := w.deliveries().UpdateMany(ctx, bson.D{{Key: "endpoint", Value: endpoint}, {Key: "pos", Value: bson.D{{Key: "$gte", Value: floor(from)}, {Key: "$lt", Value: floor(until)}}},
		{Key: "state", Value: bson.D{{Key: "$in", Value: states}}}, {Key: "conversation", Value: bson.D{{Key: "$ne", Value: ""}}}}, w.again())
	if err != nil {
		return 0, fmt.Errorf("webhooks: sending deliveries again: %w", err)
	}
	w.nudge()
	return n, nil
}

// again is the update that makes a delivery wait as if it were new.
func (w *Webhooks) again() bson.D {
	now := w.now()
	return bson.D{{Key: "$set", Value: bson.D{{Key: "state", Value: Waiting}, {Key: "dueAt", Value: now}, {Key: "endsAt", Value: now.Add(TriedFor)}, {Key: "attempts", Value: 0}}}}
}

// on refuses an endpoint that is off.
func (w *Webhooks) on(ctx context.Context, id string) error {
	e, err := w.Get(ctx, id)
	if err == nil && !e.Enabled {
		err = ErrOff
	}
	return err
}

// Test calls an endpoint once, also one that is off, and says what came of it. It is in the log,
// and changes nothing of how the endpoint is judged. ctx limits how long it takes.
func (w *Webhooks) Test(ctx context.Context, id string) (*Delivery, error) {
	e, err := w.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	now := w.now()
	d := &Delivery{ID: "msg_test_" + w.newID(), Pos: w.newID(), Endpoint: id, Kind: KindTest, State: GivenUp, DueAt: now, EndsAt: now, CreatedAt: now, Attempts: 1}
	body, err := w.payload(ctx, d)
	if err != nil {
		return nil, err
	}
	a, _ := w.attempt(ctx, e, d.ID, body)
	d.Last = &a
	if a.took() {
		d.State = Taken
	}
	save, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTime)
	defer cancel()
	if err := w.deliveries().Insert(save, d); err != nil {
		return nil, fmt.Errorf("webhooks: writing a test down: %w", err)
	}
	return d, nil
}

// Trim removes what is too old of the logs, and what is too much. What waits stays.
func (w *Webhooks) Trim(ctx context.Context) error {
	list, err := w.List(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for i := range list {
		errs = append(errs, w.trim(ctx, list[i].ID))
	}
	return errors.Join(errs...)
}

func (w *Webhooks) trim(ctx context.Context, id string) error {
	cut := floor(w.now().Add(-KeepFor))
	n := 0
	err := w.deliveries().Each(ctx, bson.D{{Key: "endpoint", Value: id}}, func(raw bson.Raw) error {
		if n++; n > w.kept {
			cut = max(cut, raw.Lookup("pos").StringValue()+"\x00") // this one too
		}
		return nil
	}, store.Find{Sort: bson.D{{Key: "pos", Value: -1}}, Limit: w.kept + 1, Fields: bson.D{{Key: "pos", Value: 1}}})
	if err == nil {
		_, err = w.deliveries().Delete(ctx, bson.D{{Key: "endpoint", Value: id}, {Key: "pos", Value: bson.D{{Key: "$lt", Value: cut}}},
			{Key: "state", Value: bson.D{{Key: "$in", Value: bson.A{Taken, GivenUp}}}}})
	}
	if err != nil {
		return fmt.Errorf("webhooks: trimming the log: %w", err)
	}
	return nil
}

// floor is the least ULID of a moment.
func floor(t time.Time) string {
	var id ulid.ULID
	_ = id.SetTime(ulid.Timestamp(t)) // only the year 10889 does not fit
	return id.String()
}
