package journal

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/parley-hub/parley/inbox"
	"github.com/parley-hub/parley/internal/bus"
	"github.com/parley-hub/parley/internal/timers"
	"github.com/parley-hub/parley/timeline"
)

// Snooze sets and cancels the timers that wake snoozed conversations. What a timer publishes
// is a command that the writer refuses if the snooze was changed meanwhile.
func (j *Journal) Snooze(ctx context.Context, run []bus.Record[timeline.Entry]) error {
	for i := range run {
		e := &run[i].Value
		if e.Event.Kind != timeline.KindStatus || e.Event.Status == nil {
			continue
		}
		if err := j.snooze(ctx, e); err != nil {
			return fmt.Errorf("snooze: %w", err)
		}
	}
	return nil
}

func (j *Journal) snooze(ctx context.Context, e *timeline.Entry) error {
	c := &e.Conversation
	id := "snooze|" + string(c.ID)
	if c.State != timeline.Snoozed || c.SnoozeUntil == nil {
		return j.deps.Timers.Cancel(ctx, id)
	}
	until := *c.SnoozeUntil
	cmd := timeline.Command{ID: timeline.EventID(fmt.Sprintf("wake|%s|%d", c.ID, e.Event.Seq)), Conversation: c.ID, At: until,
		Event: timeline.Event{Kind: timeline.KindStatus, Direction: timeline.Internal, Actor: timeline.Actor{Kind: timeline.ActorSystem},
			Status: &timeline.Status{To: timeline.Open, Until: &until, Why: inbox.WhySnoozeOver}}}
	value, err := json.Marshal(cmd)
	if err != nil {
		return bus.Permanent(fmt.Errorf("encode a wake-up: %w", err))
	}
	return j.deps.Timers.Set(ctx, timers.Timer{ID: id, DueAt: until, Topic: bus.Journal.Name, Value: value})
}
