package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
)

// cast is a broadcast: it reads every partition on this node, in no group.
type cast struct {
	bus     *Bus
	topic   string
	handle  func(*entry) error
	started chan struct{}
	missing atomic.Int64 // partitions without a position yet
	at      []atomic.Int64
}

// position is where the broadcast stands in a partition; ok is false before it has begun.
func (c *cast) position(partition int) (offset int64, ok bool) {
	select {
	case <-c.started:
		return c.at[partition].Load(), true
	default:
		return 0, false
	}
}

// Broadcast calls f with every record published to the topic from now on, on each node that asks,
// in order within a partition and for several partitions at once. It survives lost connections
// without skipping; what happened while the node was down is not repeated. A record for which f
// fails three times is logged and passed over.
func Broadcast[T any](b *Bus, t Topic[T], f func(Record[T]) error) error {
	c := &cast{bus: b, topic: t.Name, started: make(chan struct{}), handle: func(e *entry) error {
		var v T
		if err := json.Unmarshal(e.raw, &v); err != nil {
			return Permanent(fmt.Errorf("decoding: %w", err))
		}
		e.val = v
		return f(record[T](e))
	}}
	b.state.mu.Lock()
	defer b.state.mu.Unlock()
	if b.ctx.Err() != nil {
		return ErrClosed
	}
	if _, ok := b.state.topics[t.Name]; !ok {
		return fmt.Errorf("%w: %s", ErrUnknownTopic, t.Name)
	}
	b.state.casts = append(b.state.casts, c)
	b.startRepair()
	b.wg.Add(1)
	go func() {
		defer b.wg.Done()
		c.run(b.ctx)
	}()
	return nil
}

func (c *cast) run(ctx context.Context) {
	n := 0
	for wait := 20 * time.Millisecond; n == 0; wait = min(2*wait, time.Second) {
		var err error
		if n, err = c.bus.partitions(ctx, c.topic); err != nil && sleep(ctx, wait) != nil {
			return
		}
	}
	c.at = make([]atomic.Int64, n)
	c.missing.Store(int64(n))
	var wg sync.WaitGroup
	for p := range n {
		wg.Add(1)
		go func() {
			defer wg.Done()
			c.follow(ctx, p)
		}()
	}
	wg.Wait()
}

// follow reads one partition from its end.
func (c *cast) follow(ctx context.Context, partition int) {
	offset := int64(-1)
	for wait := 20 * time.Millisecond; offset < 0; wait = min(2*wait, time.Second) {
		_, last, err := c.bus.bounds(ctx, c.topic, partition)
		if err == nil {
			offset = last
		} else if sleep(ctx, wait) != nil {
			return
		}
	}
	c.at[partition].Store(offset)
	if c.missing.Add(-1) == 0 {
		close(c.started)
	}
	for ctx.Err() == nil {
		es, _, err := c.bus.fetch(ctx, c.topic, partition, offset)
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return
		case errors.Is(err, kafka.OffsetOutOfRange):
			offset = c.bus.outOfRange(ctx, c.topic, "broadcast", partition, offset)
		default:
			_ = sleep(ctx, 50*time.Millisecond) // an ended ctx ends the loop
		}
		for _, e := range es {
			c.deliver(ctx, e)
			offset = e.offset + 1
			c.at[partition].Store(offset)
		}
	}
}

func (c *cast) deliver(ctx context.Context, e *entry) {
	if e.header(headerOnly) != "" {
		return
	}
	for wait := 50 * time.Millisecond; e.attempt < 3; wait *= 2 {
		err := c.handle(e)
		if err == nil {
			return
		}
		e.attempt++
		c.bus.cfg.Log.Error("bus: broadcast", "topic", c.topic, "partition", e.partition, "offset", e.offset,
			"attempt", e.attempt, "error", err)
		if isPermanent(err) || sleep(ctx, wait) != nil {
			return
		}
	}
}

// partitions is how many a topic has.
func (b *Bus) partitions(ctx context.Context, topic string) (int, error) {
	res, err := b.client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return 0, err
	}
	for _, t := range res.Topics {
		if t.Name == topic && t.Error == nil {
			return len(t.Partitions), nil
		}
	}
	return 0, fmt.Errorf("%w: %s", ErrUnknownTopic, topic)
}
