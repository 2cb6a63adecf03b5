package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
)

// Consumer says how a topic is handled. Only Group is required.
type Consumer[T any] struct {
	Group   string         // who consumes: the members of one group share the partitions
	MaxRun  int            // most records of one call; 500
	Lane    func(T) string // unit of order within a partition; the topic's Key
	Workers int            // calls at once for one partition; 4
	Retry   Retry
	// Pause names errors that say nothing about the record, such as a store that is down: the
	// consumer waits and tries again as long as it lasts. Errors with Temporary() true and
	// [ErrUnavailable] always do.
	Pause func(error) bool
}

// Retry is how often a failing record is tried, and how long its lane waits in between.
type Retry struct {
	Attempts int           // then it goes to the dead letters; 6
	Min, Max time.Duration // the wait doubles from Min to Max; 100 ms to 5 s
}

// Consume handles a topic's records in a group until the bus closes. It returns at once; see [Bus.Started].
// One group may consume a topic once on a node.
func Consume[T any](b *Bus, t Topic[T], c Consumer[T], h Handler[T]) error {
	if c.Group == "" || h == nil {
		return errors.New("bus: a consumer needs a group and a handler")
	}
	lane := c.Lane
	if lane == nil {
		lane = t.Key
	}
	s := &consumer{bus: b, topic: t.Name, group: c.Group, id: groupID(c.Group, t.Name),
		maxRun: c.MaxRun, workers: c.Workers, retry: c.Retry, pause: c.Pause, started: make(chan struct{}),
		decode: func(e *entry) error {
			var v T
			if err := json.Unmarshal(e.raw, &v); err != nil {
				return fmt.Errorf("decoding: %w", err)
			}
			e.val, e.lane, e.depth = v, lane(v), t.depth(v)
			return nil
		},
		handle: func(ctx context.Context, run []*entry) error {
			rs := make([]Record[T], len(run))
			for i, e := range run {
				rs[i] = record[T](e)
			}
			return h(ctx, rs)
		}}
	s.defaults()
	return b.start(s)
}

func record[T any](e *entry) Record[T] {
	return Record[T]{Value: e.val.(T), Key: e.key, Topic: e.topic, Partition: e.partition,
		Offset: e.offset, At: e.at, Attempt: e.attempt + 1}
}

// consumer is a registered consumer without its type.
type consumer struct {
	bus     *Bus
	topic   string
	group   string
	id      string // of the group on the broker
	maxRun  int
	workers int
	retry   Retry
	pause   func(error) bool
	decode  func(*entry) error
	handle  func(context.Context, []*entry) error
	started chan struct{} // closed with the first assignment
	once    sync.Once
	now     atomic.Pointer[generation]
}

func (s *consumer) defaults() {
	if s.maxRun <= 0 {
		s.maxRun = 500
	}
	if s.workers <= 0 {
		s.workers = 4
	}
	if s.retry.Attempts <= 0 {
		s.retry.Attempts = 6
	}
	if s.retry.Min <= 0 {
		s.retry.Min = 100 * time.Millisecond
	}
	if s.retry.Max <= 0 {
		s.retry.Max = 5 * time.Second
	}
}

func (s *consumer) waits(err error) bool {
	return unavailable(err) || s.pause != nil && s.pause(err)
}

// start registers a consumer and runs it.
func (b *Bus) start(s *consumer) error {
	b.state.mu.Lock()
	defer b.state.mu.Unlock()
	if b.ctx.Err() != nil {
		return ErrClosed
	}
	if _, ok := b.state.topics[s.topic]; !ok {
		return fmt.Errorf("%w: %s", ErrUnknownTopic, s.topic)
	}
	if _, ok := b.state.groups[s.id]; ok {
		return fmt.Errorf("bus: group %s already consumes %s on this node", s.group, s.topic)
	}
	b.state.groups[s.id] = s
	b.startRepair()
	b.wg.Add(1)
	go func() {
		defer b.wg.Done()
		s.run(b.ctx)
	}()
	return nil
}

// run is a member of the group until ctx ends: one generation after another.
func (s *consumer) run(ctx context.Context) {
	select {
	case <-s.bus.repaired:
	case <-ctx.Done():
		return
	}
	if err := s.bus.evict(ctx, s.bus.cfg.Node, s.id); err != nil { // our former self would hold its partitions for a session
		s.bus.cfg.Log.Debug("bus: evicting this node's former self", "group", s.id, "error", err)
	}
	group, err := kafka.NewConsumerGroup(groupConfig(s.bus.addr, s.bus.tr, s.id, s.topic, s.bus.cfg.Session))
	if err != nil { // only wrong settings come here
		s.bus.trouble("consumer "+s.id, err)
		return
	}
	defer func() { _ = group.Close() }() // it only ever answers nil
	for {
		gen, err := group.Next(ctx)
		switch {
		case err == nil:
			s.bus.trouble("consumer "+s.id, nil)
			s.generation(ctx, gen)
		case ctx.Err() != nil || errors.Is(err, kafka.ErrGroupClosed):
			return
		case !errors.Is(err, kafka.RebalanceInProgress):
			s.bus.trouble("consumer "+s.id, classify(err))
			s.bus.cfg.Log.Warn("bus: joining group", "group", s.id, "error", err)
		}
	}
}

// generation is one assignment of partitions to this member.
type generation struct {
	s       *consumer
	gen     *kafka.Generation
	parts   []*part
	durable atomic.Bool // a handler published to a durable topic since the last commit
	workers sync.WaitGroup
	last    map[int]int64 // committed
	synced  time.Time     // when a commit last had to wait for the disk
}

// generation runs one assignment: a worker for each partition and one committer. It returns at
// once; kafka-go waits for all of them before it joins again.
func (s *consumer) generation(ctx context.Context, gen *kafka.Generation) {
	g := &generation{s: s, gen: gen, last: map[int]int64{}}
	assigned := gen.Assignments[s.topic]
	for _, a := range assigned {
		p := newPart(g, a.ID, a.Offset)
		g.parts = append(g.parts, p)
		if a.Offset >= 0 {
			g.last[a.ID] = a.Offset
		}
		g.workers.Add(1)
		gen.Start(func(gctx context.Context) {
			defer g.workers.Done()
			both, cancel := context.WithCancel(ctx) // ends with the generation or with the bus
			defer cancel()
			defer context.AfterFunc(gctx, cancel)()
			p.run(both)
		})
	}
	s.now.Store(g)
	gen.Start(func(gctx context.Context) { g.commits(gctx, ctx) })
	s.bus.cfg.Log.Debug("bus: assigned", "group", s.id, "generation", gen.ID, "partitions", len(assigned))
	s.once.Do(func() { close(s.started) })
}

// commits is the generation's only committer: every 50 ms, and once more when its last worker has
// ended, which the broker still accepts before the next join.
func (g *generation) commits(gctx, ctx context.Context) {
	t := time.NewTicker(commitEvery)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			g.commit(false)
			continue
		case <-gctx.Done():
		case <-ctx.Done():
		}
		g.workers.Wait()
		g.commit(true)
		return
	}
}

// commit tells the broker what is handled. What handlers published to durable topics is on disk
// before; as that costs a sync of every partition they wrote to, it is done less often, but at
// last in any case.
func (g *generation) commit(last bool) {
	next := g.handled()
	b := g.s.bus
	if len(next) == 0 || !last && g.durable.Load() && b.broker != nil && time.Since(g.synced) < commitSynced {
		return
	}
	if b.broker != nil && g.durable.Swap(false) {
		if err := b.broker.gate.wait(context.Background()); err != nil {
			g.durable.Store(true)
			b.cfg.Log.Error("bus: not committing what is not on disk", "group", g.s.id, "error", err)
			return
		}
		g.synced = time.Now()
	}
	if err := g.gen.CommitOffsets(map[string]map[int]int64{g.s.topic: next}); err != nil {
		b.m.commitFailed(g.s.topic, g.s.group)
		b.cfg.Log.Info("bus: commit refused", "group", g.s.id, "generation", g.gen.ID, "error", err)
		return
	}
	maps.Copy(g.last, next)
	if b.broker != nil {
		b.broker.committed(g.s.id, g.s.topic, next)
	}
}

// handled is where each partition stands that moved since the last commit.
func (g *generation) handled() map[int]int64 {
	next := map[int]int64{}
	for _, p := range g.parts {
		off, ok := p.handled()
		if was, known := g.last[p.id]; ok && (!known || was != off) {
			next[p.id] = off
		}
	}
	return next
}

type runKey struct{}

// runOf is the generation whose handler ctx belongs to; nil outside handlers.
func runOf(ctx context.Context) *generation {
	g, _ := ctx.Value(runKey{}).(*generation)
	return g
}
