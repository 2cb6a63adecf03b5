package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/parley-hub/parley/inbox/realtime"
	"github.com/parley-hub/parley/internal/bus"
)

// presence carries who is where between the nodes of a cluster. What it says runs out by
// itself within seconds: nothing is lost with it, and a single node does without.
var presence = bus.Topic[realtime.Signal]{Name: "presence", Key: func(s realtime.Signal) string { return string(s.Conversation) }}

const (
	// gossipWaits is how many signals may wait to be told; more are dropped, as presence may be.
	gossipWaits = 1024
	// gossipFor is how long telling may take: later it is no longer true.
	gossipFor = 2 * time.Second
	// gossipBatch is how many signals are told in one call.
	gossipBatch = 128
)

// gossip tells other nodes over the bus. It implements [realtime.Gossip].
type gossip struct {
	b    *bus.Bus
	log  *slog.Logger
	wait chan realtime.Signal
}

func newGossip(b *bus.Bus, log *slog.Logger) *gossip {
	return &gossip{b: b, log: log, wait: make(chan realtime.Signal, gossipWaits)}
}

// Tell never blocks.
func (g *gossip) Tell(s realtime.Signal) {
	select {
	case g.wait <- s:
	default:
	}
}

// run tells what waits until ctx ends, and hands what other nodes tell to the hub.
func (g *gossip) run(ctx context.Context, h *realtime.Hub) error {
	err := bus.Broadcast(g.b, presence, func(r bus.Record[realtime.Signal]) error {
		h.Hear(r.Value)
		return nil
	})
	if err != nil {
		return err
	}
	go g.tell(ctx)
	return nil
}

func (g *gossip) tell(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case s := <-g.wait:
			g.publish(ctx, g.batch(s))
		}
	}
}

// batch takes what waits behind the first.
func (g *gossip) batch(first realtime.Signal) []realtime.Signal {
	out := []realtime.Signal{first}
	for len(out) < gossipBatch {
		select {
		case s := <-g.wait:
			out = append(out, s)
		default:
			return out
		}
	}
	return out
}

func (g *gossip) publish(ctx context.Context, signals []realtime.Signal) {
	ctx, cancel := context.WithTimeout(ctx, gossipFor)
	defer cancel()
	if err := bus.Publish(ctx, g.b, presence, signals...); err != nil && ctx.Err() == nil {
		g.log.Debug("presence was not told to other nodes", "err", err)
	}
}
