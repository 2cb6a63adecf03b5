package telegram

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

const (
	pollFor   = 25 * time.Second // how long Telegram holds a question open
	pollGrace = 10 * time.Second // and how much longer its answer may take
	pollMost  = 100              // #getupdates: updates in an answer
)

// Run asks for updates until ctx ends or a question fails. The cursor is the
// first update not yet taken. Asking from there tells Telegram to forget those
// before it, which therefore are durable by then; what a crash makes come twice
// has the same ids twice.
func (p *polled) Run(ctx context.Context, cursor []byte, emit func(context.Context, []byte, ...timeline.Inbound) error) error {
	next, _ := strconv.ParseInt(string(cursor), 10, 64) // none yet: from the oldest that waits
	for healthy := false; ctx.Err() == nil; {
		updates, err := p.ask(ctx, next)
		if err != nil {
			return p.trouble(ctx, err)
		}
		if !healthy {
			healthy = true
			p.host.Health(channels.Health{State: channels.Green})
		}
		for _, raw := range updates {
			u, err := p.read(raw, p.host.Now())
			if err != nil {
				return err // no update has no number; Telegram is not what answers there
			}
			if err := emit(ctx, strconv.AppendInt(nil, u.id+1, 10), u.events...); err != nil {
				return err
			}
			next = u.id + 1
			p.acknowledge(ctx, u.query)
		}
	}
	return nil
}

func (p *polled) ask(ctx context.Context, next int64) ([]json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, pollFor+pollGrace)
	defer cancel()
	var updates []json.RawMessage
	q := params{"timeout": int(pollFor / time.Second), "limit": pollMost, "allowed_updates": wanted}
	if next > 0 {
		q["offset"] = next
	}
	err := p.call(ctx, "getUpdates", q, &updates)
	return updates, err
}

// acknowledge ends the waiting shown on a pressed button. One that is too old
// has ended it by itself.
func (p *polled) acknowledge(ctx context.Context, query string) {
	if query == "" {
		return
	}
	if err := p.call(ctx, "answerCallbackQuery", params{"callback_query_id": query}, nil); err != nil {
		p.host.Log().DebugContext(ctx, "a pressed button was not answered", "error", err.Error())
	}
}

// trouble reports what only a person can mend, and rests as long as Telegram
// asks. That a question ended with ctx is no trouble.
func (p *polled) trouble(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	var f *channels.Failure
	if !errors.As(err, &f) {
		return err
	}
	switch {
	case f.Class == channels.RateLimited:
		t := time.NewTimer(f.After)
		defer t.Stop()
		select {
		case <-ctx.Done():
		case <-t.C:
		}
	case !f.Class.Again():
		p.host.Health(channels.Health{State: channels.Red, Reason: "Messages do not arrive: Telegram says " + strconv.Quote(f.Said) + ".", Next: f.Advice, Since: p.host.Now()})
	}
	return err
}
