package email

import (
	"context"
	"sync"

	"github.com/parley-hub/parley/timeline"
)

// gatherMost is how many deliveries are kept as one.
const gatherMost = 32

// gathering lets deliveries that come at the same time wait for the disk together: whoever comes
// first carries those along that came while the last ones were being kept.
type gathering struct {
	mu      sync.Mutex
	waiting []*handed
	busy    bool // somebody is keeping deliveries
}

// handed is a mail that its sender keeps until done says that it is durable.
type handed struct {
	mail arrived
	done chan error // has room for one
}

// keepDelivered makes one delivered mail durable. After an error its sender tries again.
func (s *Session) keepDelivered(ctx context.Context, a arrived) error {
	h := &handed{mail: a, done: make(chan error, 1)}
	g := &s.handed
	g.mu.Lock()
	g.waiting = append(g.waiting, h)
	leads := !g.busy
	g.busy = true
	g.mu.Unlock()
	if leads {
		go s.keepHanded(ctx)
	}
	return <-h.done
}

// keepHanded keeps what waits until nothing does.
func (s *Session) keepHanded(ctx context.Context) {
	for {
		list := s.handed.next()
		if len(list) == 0 {
			return
		}
		err := s.takeDelivered(ctx, list...)
		for _, h := range list {
			one := err
			if err != nil && len(list) > 1 {
				one = s.takeDelivered(ctx, h) // another's trouble is not theirs
			}
			h.done <- one
		}
	}
}

// next takes deliveries out of the queue; where there are none, nobody keeps any more.
func (g *gathering) next() []*handed {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := min(len(g.waiting), gatherMost)
	list := g.waiting[:n:n]
	g.waiting = g.waiting[n:]
	g.busy = n > 0
	return list
}

func (s *Session) takeDelivered(ctx context.Context, list ...*handed) error {
	mails := make([]arrived, 0, len(list))
	for _, h := range list {
		mails = append(mails, h.mail)
	}
	return s.take(ctx, mails, func(in []timeline.Inbound) error {
		if len(in) == 0 {
			return nil
		}
		return s.host.Emit(ctx, in...)
	})
}
