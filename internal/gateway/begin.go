package gateway

import (
	"context"
	"errors"
	"fmt"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

// ErrNoStart is returned for an account on which nobody can write first, or not at present.
var ErrNoStart = errors.New("gateway: the account cannot write first")

// Begin says how the first message to an address goes out by an account: whom it is to and on
// which thread. id is unique and may become part of the thread's name. An address that cannot
// be written to is a *channels.Failure.
func (g *Gateway) Begin(account timeline.AccountID, to, about, id string) (timeline.Inbound, error) {
	l := g.live(account)
	if l == nil {
		return timeline.Inbound{}, ErrNoAccount
	}
	s, ok := l.session.(channels.Starter)
	if !ok {
		return timeline.Inbound{}, ErrNoStart
	}
	l.uses.enter()
	defer l.uses.leave()
	in, err := begin(l, s, to, about, id)
	if err != nil {
		return timeline.Inbound{}, fmt.Errorf("gateway: beginning a thread: %w", err)
	}
	in.Channel, in.Event.Thread.Account = l.kind.Kind, account
	if in.Peer.Value == "" || in.Event.Thread.ID == "" {
		return timeline.Inbound{}, fmt.Errorf("gateway: %s began a thread without a name or a peer", l.kind.Kind)
	}
	if in.Queue == "" {
		in.Queue = l.record.Queue
	}
	return in, nil
}

func begin(l *live, s channels.Starter, to, about, id string) (in timeline.Inbound, err error) {
	defer contain(l.log, &err)
	return s.Start(to, about, id)
}

// Open takes what one of us writes first in: it is durable when Open returns.
func (g *Gateway) Open(ctx context.Context, in timeline.Inbound) error {
	return g.d.Publish(ctx, in)
}
