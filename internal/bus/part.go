package bus

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/parley-hub/parley/timeline"
)

// grace is how long a handler may go on after its generation ended, so that a rebalance need not
// cut its run short. It is well below the rebalance timeout, in which the group waits for us.
const grace = 2 * time.Second

// entry is one fetched record on its way through the lanes.
type entry struct {
	topic     string
	partition int
	offset    int64
	key       string
	raw       []byte
	headers   []kafka.Header
	at        time.Time

	val     any
	lane    string
	depth   int
	attempt int   // failed ones
	pauses  int   // attempts that failed for want of something else
	bad     error // it cannot be decoded, or must not be handled
	alone   bool  // was part of a run that failed: handle it by itself, to find out which one it is
	done    bool
}

// part works on one partition: it fetches, hands records to lanes, and knows the oldest that is
// not handled yet, which is where a commit may reach.
type part struct {
	g       *generation
	id      int
	hctx    context.Context // handlers'
	mu      sync.Mutex
	window  []*entry // in order, from the oldest unfinished
	next    int64    // offset after the last one fetched
	pending int      // unfinished ones
	bytes   int
	lanes   []*lanes
	high    atomic.Int64 // after the newest on the broker, when last heard
	room    chan struct{}
	running sync.WaitGroup
	stopped bool
	failing bool // only the fetching goroutine looks at it
}

func newPart(g *generation, id int, offset int64) *part {
	p := &part{g: g, id: id, next: offset, room: make(chan struct{}, 1)}
	for range g.s.workers {
		p.lanes = append(p.lanes, &lanes{p: p, held: map[string][]*entry{}})
	}
	return p
}

// run fetches until ctx ends and then waits for the handlers.
func (p *part) run(ctx context.Context) {
	hctx, cancel := context.WithCancel(context.WithValue(context.Background(), runKey{}, p.g))
	defer cancel()
	p.hctx = hctx
	defer p.stop(cancel)
	defer p.fetches(nil)
	if !p.position(ctx) {
		return
	}
	for ctx.Err() == nil {
		if !p.waitRoom(ctx) {
			return
		}
		es, ok := p.fetch(ctx)
		if ok && len(es) > 0 {
			p.accept(es)
		}
	}
}

// stop lets running handlers end, within the grace, and drops what waits.
func (p *part) stop(cancel context.CancelFunc) {
	p.mu.Lock()
	p.stopped = true
	p.mu.Unlock()
	t := time.AfterFunc(grace, cancel)
	defer t.Stop()
	p.running.Wait()
}

func (p *part) waitRoom(ctx context.Context) bool {
	for {
		p.mu.Lock()
		full := p.pending >= maxPending || p.bytes >= maxPendingBytes || len(p.window) >= 16*maxPending
		p.mu.Unlock()
		if !full {
			return true
		}
		select {
		case <-p.room:
		case <-ctx.Done():
			return false
		}
	}
}

// position finds where a group without a committed offset begins: at the oldest record.
func (p *part) position(ctx context.Context) bool {
	for wait := 20 * time.Millisecond; p.next < 0; wait = min(2*wait, time.Second) {
		first, _, err := p.g.s.bus.bounds(ctx, p.g.s.topic, p.id)
		if err == nil {
			p.mu.Lock()
			p.next = first
			p.mu.Unlock()
			return true
		}
		if sleep(ctx, wait) != nil {
			return false
		}
	}
	return true
}

// heard takes note of how far the log reaches: by a fetch, or by what this node published.
func (p *part) heard(high int64) {
	for {
		was := p.high.Load()
		if was >= high || p.high.CompareAndSwap(was, high) {
			return
		}
	}
}

// fetch asks for the next records, and waits for them up to fetchWait.
func (p *part) fetch(ctx context.Context) ([]*entry, bool) {
	b, topic := p.g.s.bus, p.g.s.topic
	es, high, err := b.fetch(ctx, topic, p.id, p.next)
	switch {
	case err == nil:
		p.heard(high)
		p.fetches(nil)
		return es, true
	case ctx.Err() != nil:
	case errors.Is(err, kafka.OffsetOutOfRange):
		to := b.outOfRange(ctx, topic, p.g.s.id, p.id, p.next)
		p.mu.Lock()
		p.next = to
		p.mu.Unlock()
	default:
		p.fetches(err)
		_ = sleep(ctx, 50*time.Millisecond) // an ended ctx is seen by the caller
	}
	return nil, false
}

// fetches reports when fetching begins to fail, and when it works again.
func (p *part) fetches(err error) {
	if (err != nil) == p.failing {
		return
	}
	p.failing = err != nil
	s := p.g.s
	s.bus.trouble(fmt.Sprintf("fetching %s %d for %s", s.topic, p.id, s.group), classify(err))
	if err != nil {
		s.bus.cfg.Log.Warn("bus: fetching", "topic", s.topic, "group", s.group, "partition", p.id, "error", err)
	}
}

// accept decodes records and hands them to the lanes.
func (p *part) accept(es []*entry) {
	s := p.g.s
	for _, e := range es {
		if only := e.header(headerOnly); only != "" && only != s.group {
			e.done = true // a replayed record, for another group
			continue
		}
		e.lane = e.key
		if e.bad = s.decode(e); e.bad == nil {
			e.bad = tooDeep(e)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.window = append(p.window, es...)
	p.next = es[len(es)-1].offset + 1
	woken := map[*lanes]bool{}
	for _, e := range es {
		if e.done {
			continue
		}
		p.pending++
		p.bytes += len(e.raw)
		l := p.lanes[maphash.String(seed, e.lane)%uint64(len(p.lanes))]
		l.queue = append(l.queue, e)
		woken[l] = true
	}
	p.trim()
	for l := range woken {
		l.wake()
	}
}

var seed = maphash.MakeSeed()

func (e *entry) header(key string) string { return (*carrier)(&e.headers).Get(key) }

func tooDeep(e *entry) error {
	if e.depth > timeline.MaxDepth {
		return fmt.Errorf("%d automatic causes behind it, at most %d are allowed", e.depth, timeline.MaxDepth)
	}
	return nil
}

// finish marks records as handled.
func (p *part) finish(es []*entry) {
	p.mu.Lock()
	for _, e := range es {
		e.done = true
		p.pending--
		p.bytes -= len(e.raw)
		e.val, e.raw = nil, nil
	}
	p.trim()
	p.mu.Unlock()
	select {
	case p.room <- struct{}{}:
	default:
	}
}

// trim forgets what is done at the front of the window. The caller holds mu.
func (p *part) trim() {
	n := 0
	for n < len(p.window) && p.window[n].done {
		p.window[n] = nil
		n++
	}
	p.window = p.window[n:]
}

// handled is the offset up to which everything is done: what may be committed.
func (p *part) handled() (int64, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.window) > 0 {
		return p.window[0].offset, true
	}
	return p.next, p.next >= 0
}
