package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-hub/parley/internal/simulate"
)

const (
	batchUpdates = 1000 // the most that one callback carries; see Meta's Webhooks, Getting Started
	batchPeople  = 200
	callsAtOnce  = 32
	mailsPerRun  = 600
	mailsAtOnce  = 20 // connections of a mail server: as many as Postfix makes to one destination
	mailPeople   = 50
)

// Where an event of a written channel has the id by which it is known again.
var (
	callMark = []byte(`"remote":"aWdf`)
	mailMark = []byte(`"remote":"`)
)

// channelLoad measures callbacks and mail end to end, from the wire to an agent's socket.
func (b *bench) channelLoad(ctx context.Context) (err error) {
	s, token, err := b.prepared(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.remove()) }()
	w, err := s.openWritten(ctx, token)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	for _, part := range []struct {
		names []string
		mark  []byte
		run   func(context.Context, *crowd, *written) error
	}{
		{[]string{"meta_batch1000_ack_ms", "meta_batch1000_shown_ms"}, callMark, b.batch},
		{[]string{"meta_accepted_per_s", "meta_accept_p99_ms"}, callMark, b.calls},
		{[]string{"mails_per_s"}, mailMark, b.mails},
	} {
		if !b.wants(part.names...) {
			continue
		}
		c, err := attend(ctx, s, token, part.mark)
		for i := 0; err == nil && i < b.runs; i++ {
			c.watch.reset()
			err = part.run(ctx, c, w)
		}
		c.close()
		if err != nil {
			return fmt.Errorf("%s: %w\n%s", part.names[0], err, s.tail())
		}
	}
	return s.stop()
}

func personOf(n int) string { return fmt.Sprintf("77%013d", n+1) }

// batch delivers one callback of a thousand messages.
func (b *bench) batch(ctx context.Context, c *crowd, w *written) error {
	list := make([]saidThere, batchUpdates)
	for i := range list {
		list[i] = saidThere{personOf(i % batchPeople), "aWdf" + simulate.NewID(), said}
	}
	body, err := callback(list...)
	if err != nil {
		return err
	}
	began := time.Now()
	for _, m := range list {
		c.watch.sending(m.mid[len("aWdf"):])
	}
	if err := w.call(ctx, body); err != nil {
		return err
	}
	b.add("meta_batch1000_ack_ms", milliseconds(time.Since(began)))
	if err := c.settle(ctx); err != nil {
		return err
	}
	b.add("meta_batch1000_shown_ms", milliseconds(c.watch.last.Sub(began)))
	return nil
}

// calls delivers callbacks of one message, so many at a time, as fast as they are answered.
func (b *bench) calls(ctx context.Context, c *crowd, w *written) error {
	began := time.Now()
	took := make([][]time.Duration, callsAtOnce)
	errs := make([]error, callsAtOnce)
	var all sync.WaitGroup
	for i := range callsAtOnce {
		all.Go(func() {
			for time.Since(began) < b.long && errs[i] == nil {
				id := simulate.NewID()
				body, err := callback(saidThere{personOf(i), "aWdf" + id, said})
				c.watch.sending(id)
				at := time.Now()
				errs[i] = errors.Join(err, w.call(ctx, body))
				took[i] = append(took[i], time.Since(at))
			}
		})
	}
	all.Wait()
	lasted := time.Since(began)
	if err := errors.Join(errs...); err != nil {
		return err
	}
	sorted := slices.Sorted(slices.Values(slices.Concat(took...)))
	b.add("meta_accepted_per_s", float64(len(sorted))/lasted.Seconds())
	b.add("meta_accept_p99_ms", milliseconds(quantile(sorted, 0.99)))
	return c.settle(ctx)
}

// mails delivers mail by LMTP; it counts once an agent sees it.
func (b *bench) mails(ctx context.Context, c *crowd, w *written) error {
	began := time.Now()
	var next atomic.Int64
	errs := make([]error, mailsAtOnce)
	var all sync.WaitGroup
	for i := range mailsAtOnce {
		all.Go(func() {
			p := &postman{lmtp: w.lmtp}
			defer p.close()
			for n := next.Add(1); n <= mailsPerRun && errs[i] == nil; n = next.Add(1) {
				from, id := fmt.Sprintf("person.%d@people.example", n%mailPeople), mailID(simulate.NewID())
				c.watch.sending(id[:26])
				errs[i] = p.deliver(ctx, from, letter(from, id, "", said))
			}
		})
	}
	all.Wait()
	if err := errors.Join(append(errs, c.settle(ctx))...); err != nil {
		return err
	}
	b.add("mails_per_s", mailsPerRun/c.watch.last.Sub(began).Seconds())
	return nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
