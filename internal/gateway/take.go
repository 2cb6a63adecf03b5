package gateway

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

// errUnsound is what an adapter's events are that nothing can be done with: a fault of the adapter.
var errUnsound = errors.New("gateway: the adapter made an unsound event")

// controlTest names the control events that are a test of the far side's: they are told in the
// account's health and begin no conversation.
const controlTest = "test"

// take decodes a callback and makes its events durable.
func (l *live) take(ctx context.Context, cb channels.Callback) (channels.Answer, error) {
	in, a, err := l.read(cb)
	if err != nil {
		return a, err
	}
	if err := l.g.publish(ctx, in); err != nil {
		return a, errors.Join(errLater, err)
	}
	return a, nil
}

// read decodes a callback into events that are ready to be published.
func (l *live) read(cb channels.Callback) ([]timeline.Inbound, channels.Answer, error) {
	l.uses.enter()
	defer l.uses.leave()
	d, ok := l.session.(channels.Decoder)
	if !ok {
		return nil, channels.Answer{}, notFound
	}
	in, a, err := decode(d, cb, l)
	if err != nil {
		return nil, a, err
	}
	real := in[:0:0]
	for i := range in {
		if c := in[i].Event.Control; c != nil && c.Name == controlTest {
			l.tested()
			continue
		}
		real = append(real, in[i])
	}
	return real, a, l.stamp(real)
}

func decode(d channels.Decoder, cb channels.Callback, l *live) (in []timeline.Inbound, a channels.Answer, err error) {
	defer contain(l.log, &err)
	return d.Decode(cb)
}

// stamp fills in what the hub knows of an account's events, and refuses what is not its to say.
func (l *live) stamp(in []timeline.Inbound) error {
	now := l.g.now()
	for i := range in {
		e := &in[i].Event
		if e.ID == "" || e.Thread.ID == "" {
			return fmt.Errorf("%w: one of account %s has no id or no thread", errUnsound, l.account.ID)
		}
		if e.Thread.Account != l.account.ID {
			return fmt.Errorf("%w: account %s may not emit for account %s", errUnsound, l.account.ID, e.Thread.Account)
		}
		if e.Received.IsZero() {
			e.Received = now
		}
		if e.At.IsZero() {
			e.At = e.Received
		}
		in[i].Channel = l.kind.Kind
		if in[i].Queue == "" {
			in[i].Queue = l.account.Queue
		}
	}
	return nil
}

// publish makes stamped events durable, in one go.
func (g *Gateway) publish(ctx context.Context, in []timeline.Inbound) error {
	if len(in) == 0 {
		return nil
	}
	count := g.metrics.taken
	err := g.d.Publish(ctx, in...)
	if err != nil {
		count = g.metrics.refused
	}
	now := g.now()
	var last *live
	for i := range in { // those of one account mostly follow one another
		if a := in[i].Event.Thread.Account; last == nil || last.account.ID != a {
			last = g.live(a)
		}
		count.WithLabelValues(in[i].Channel).Inc()
		if last != nil && err == nil {
			last.traffic.saw(now)
		}
	}
	if err != nil {
		return fmt.Errorf("gateway: publishing: %w", err)
	}
	return nil
}

// slice is what one slice of a shared callback came to.
type slice struct {
	live *live
	in   []timeline.Inbound
	why  string // it is parked: why
}

// takeAll makes every slice durable, the events of all in one go. What nobody can read yet is
// parked; a slice that poisons its adapter is parked too and does not hold up the others.
func (g *Gateway) takeAll(ctx context.Context, k *channels.Channel, slices []channels.Slice) error {
	read := g.readAll(k, slices)
	var in []timeline.Inbound
	for i := range read {
		in = append(in, read[i].in...)
	}
	if err := g.publish(ctx, in); err != nil {
		return errors.Join(errLater, err)
	}
	for i := range read {
		if read[i].why == "" {
			continue
		}
		if err := g.park(ctx, k.Kind, slices[i], read[i].why); err != nil {
			return errors.Join(errLater, err)
		}
	}
	return nil
}

// readBeside is how many slices make it worth reading them side by side.
const readBeside = 32

// readAll reads the slices, as many at a time as there are processors.
func (g *Gateway) readAll(k *channels.Channel, slices []channels.Slice) []slice {
	out := make([]slice, len(slices))
	workers := min(runtime.GOMAXPROCS(0), len(slices)/readBeside)
	if workers < 2 {
		for i := range slices {
			out[i] = g.readSlice(k, slices[i])
		}
		return out
	}
	var wg sync.WaitGroup
	per := (len(slices) + workers - 1) / workers
	for from := 0; from < len(slices); from += per {
		wg.Go(func() {
			for i := from; i < min(from+per, len(slices)); i++ {
				out[i] = g.readSlice(k, slices[i])
			}
		})
	}
	wg.Wait()
	return out
}

func (g *Gateway) readSlice(k *channels.Channel, s channels.Slice) slice {
	t := g.open.Load()
	if s.Account == "" {
		for _, l := range t.byID {
			if l.kind == k {
				l.tested()
			}
		}
		return slice{}
	}
	l := t.byHandle[k.Kind+"|"+string(s.Account)]
	switch {
	case l == nil:
		return slice{why: "no_account"}
	case l.session == nil:
		return slice{live: l, why: "not_open"}
	}
	s.Verified = true
	in, _, err := l.read(s.Callback)
	if err != nil {
		l.log.Error("a callback could not be read and is kept", "error", err)
		l.health.of(concernCallbacks, channels.Health{State: channels.Amber, Reason: "A callback could not be read; it is kept.", Next: "Update the channel, then replay what is kept."})
		return slice{live: l, why: "unreadable"}
	}
	return slice{live: l, in: in}
}
