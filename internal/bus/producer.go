package bus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
)

// producer is the one writer of the bus. A partition has at most one produce request under way;
// what arrives meanwhile goes out together in the next one. So a lone record leaves at once and
// many share requests, without the timer of kafka-go's Writer (its shortest is a millisecond a
// hop), and order holds within a partition. A record whose caller gave up before it was sent is
// not sent any more.
type producer struct {
	client   *kafka.Client
	settings produceSettings
	wrote    func(place)                // told of each acknowledged batch before its callers are; nil: nobody
	newest   func(at place, next int64) // told the offset after each acknowledged batch; nil: nobody

	mu     sync.Mutex
	parts  map[string][]int
	queues map[place]*queue
	closed bool
	wg     sync.WaitGroup
}

// produceSettings are asserted by a test, as measured.
type produceSettings struct {
	acks       kafka.RequiredAcks
	balancer   kafka.Balancer
	bytes      int // of one request that holds several records
	record     int // of one record: what a publisher may send, and room for what a dead letter adds
	records    int // of one request
	attempts   int
	min, max   time.Duration // back-off
	perRequest time.Duration
}

func defaultProduce(message int) produceSettings {
	return produceSettings{acks: kafka.RequireAll, balancer: &kafka.Hash{}, bytes: message, record: 2 * message, records: 500,
		attempts: 5, min: 20 * time.Millisecond, max: 250 * time.Millisecond, perRequest: 3 * time.Second}
}

// queue is what waits for one partition.
type queue struct {
	p      *producer
	at     place
	chunks []*chunk // p.mu guards both
	busy   bool
}

// chunk is one caller's records for one partition, or a part of them that fits a request.
type chunk struct {
	ctx   context.Context
	at    place
	msgs  []kafka.Message
	bytes int
	done  chan error
}

// overhead is what a record needs beside key, value and headers, at most.
const overhead = 64

func sizeOf(m *kafka.Message) int {
	n := len(m.Key) + len(m.Value) + overhead
	for _, h := range m.Headers {
		n += len(h.Key) + len(h.Value) + 8
	}
	return n
}

// know tells the producer a topic's partitions.
func (p *producer) know(topic string, n int) {
	ids := make([]int, n)
	for i := range ids {
		ids[i] = i
	}
	p.mu.Lock()
	p.parts[topic] = ids
	p.mu.Unlock()
}

// write sends the messages of one topic and waits for their acknowledgement. It tells where they went.
func (p *producer) write(ctx context.Context, topic string, msgs []kafka.Message) ([]place, error) {
	chunks, err := p.enqueue(ctx, topic, msgs)
	if err != nil {
		return nil, err
	}
	var first error
	places := make([]place, len(chunks))
	for i, c := range chunks {
		places[i] = c.at
		select {
		case err = <-c.done:
		case <-ctx.Done():
			err = ctx.Err()
		}
		if first == nil {
			first = err
		}
	}
	return places, classify(first)
}

func (p *producer) enqueue(ctx context.Context, topic string, msgs []kafka.Message) ([]*chunk, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, ErrClosed
	}
	ids := p.parts[topic]
	if len(ids) == 0 {
		return nil, fmt.Errorf("%w: %s", ErrUnknownTopic, topic)
	}
	open := map[int]*chunk{}
	var all []*chunk
	now := time.Now()
	for _, m := range msgs {
		size := sizeOf(&m)
		if size > p.settings.record {
			return nil, fmt.Errorf("%w: %d bytes, at most %d fit", ErrTooLarge, size, p.settings.record)
		}
		id := p.settings.balancer.Balance(m, ids...)
		c := open[id]
		if c == nil || c.bytes+size > p.settings.bytes || len(c.msgs) == p.settings.records {
			c = &chunk{ctx: ctx, at: place{topic, id}, done: make(chan error, 1)}
			open[id] = c
			all = append(all, c)
		}
		m.Time = now
		c.msgs, c.bytes = append(c.msgs, m), c.bytes+size
	}
	for _, c := range all {
		p.push(c)
	}
	return all, nil
}

// push queues a chunk and sees that somebody sends it. The caller holds mu.
func (p *producer) push(c *chunk) {
	q := p.queues[c.at]
	if q == nil {
		q = &queue{p: p, at: c.at}
		p.queues[c.at] = q
	}
	q.chunks = append(q.chunks, c)
	if !q.busy {
		q.busy = true
		p.wg.Add(1)
		go q.drain()
	}
}

// drain sends until nothing waits.
func (q *queue) drain() {
	defer q.p.wg.Done()
	for batch := q.take(); batch != nil; batch = q.take() {
		err := q.send(batch)
		if len(batch) > 1 && errors.Is(classify(err), ErrTooLarge) { // one of them spoils it for its neighbours
			for _, c := range batch {
				c.done <- q.send([]*chunk{c})
			}
			continue
		}
		for _, c := range batch {
			c.done <- err
		}
	}
}

// take cuts the chunks of the next request off the queue; nil when there are none.
func (q *queue) take() []*chunk {
	q.p.mu.Lock()
	defer q.p.mu.Unlock()
	n, bytes, records := 0, 0, 0
	for _, c := range q.chunks {
		bytes, records = bytes+c.bytes, records+len(c.msgs)
		if n > 0 && (bytes > q.p.settings.bytes || records > q.p.settings.records) {
			break
		}
		n++
	}
	batch := q.chunks[:n:n]
	q.chunks = q.chunks[n:]
	if n == 0 {
		q.chunks, q.busy = nil, false
		return nil
	}
	return batch
}

// send produces the chunks somebody still waits for, trying again what may pass.
func (q *queue) send(batch []*chunk) error {
	var err error
	wait := q.p.settings.min
	for attempt := 0; attempt < q.p.settings.attempts || moving(err); attempt++ {
		if attempt > 0 {
			time.Sleep(wait) // short, and nobody else may write to this partition meanwhile
			wait = min(2*wait, q.p.settings.max)
		}
		records := waiting(batch)
		if len(records) == 0 {
			return context.DeadlineExceeded
		}
		if err = q.produce(records); err == nil {
			if q.p.wrote != nil {
				q.p.wrote(q.at)
			}
			return nil
		}
		if !passing(err) {
			return err
		}
	}
	return err
}

// waiting are the records whose callers have not given up.
func waiting(batch []*chunk) (out []kafka.Record) {
	for _, c := range batch {
		if c.ctx.Err() != nil {
			continue
		}
		for i := range c.msgs {
			m := &c.msgs[i]
			r := kafka.Record{Key: kafka.NewBytes(m.Key), Time: m.Time, Headers: m.Headers}
			if m.Value != nil {
				r.Value = kafka.NewBytes(m.Value)
			}
			out = append(out, r)
		}
	}
	return out
}

func (q *queue) produce(records []kafka.Record) error {
	ctx, cancel := context.WithTimeout(context.Background(), q.p.settings.perRequest)
	defer cancel()
	res, err := q.p.client.Produce(ctx, &kafka.ProduceRequest{Topic: q.at.topic, Partition: q.at.partition,
		RequiredAcks: q.p.settings.acks, Records: kafka.NewRecordReader(records...)})
	if err != nil {
		return err
	}
	if res.Error == nil && q.p.newest != nil {
		q.p.newest(q.at, res.BaseOffset+int64(len(records)))
	}
	return res.Error
}

// passing errors are worth another attempt: the connection broke, or the broker asks for one.
func passing(err error) bool {
	var code kafka.Error
	if errors.As(err, &code) {
		return code.Temporary()
	}
	return !errors.Is(err, io.ErrShortBuffer)
}

// moving says that the partition is changing its leader, which ends.
func moving(err error) bool {
	return errors.Is(err, kafka.NotLeaderForPartition) || errors.Is(err, kafka.LeaderNotAvailable) ||
		errors.Is(err, kafka.NotEnoughReplicas) || errors.Is(err, kafka.UnknownTopicOrPartition)
}

// close waits for what was accepted.
func (p *producer) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.wg.Wait()
}
