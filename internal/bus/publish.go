package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"
	"go.opentelemetry.io/otel/propagation"
)

// Headers of a record.
const (
	headerDepth = "depth" // automatic causes behind it
	headerOnly  = "only"  // the one group a replayed record is for
)

// Publish writes the values to their topic, in order within a key. It returns when all are
// acknowledged and, on a Durable topic of the embedded broker, on disk. Without a deadline in ctx
// it gives up after 3 s. An error means that the outcome is unknown for each of the values.
//
// Called with a handler's ctx it does not wait for the disk: the consumer does, before it
// commits what the handler was given. So a power cut repeats the handler's run.
func Publish[T any](ctx context.Context, b *Bus, t Topic[T], vs ...T) error {
	msgs := make([]kafka.Message, len(vs))
	for i, v := range vs {
		value, err := json.Marshal(v)
		if err != nil {
			return Permanent(fmt.Errorf("bus: %s: encoding: %w", t.Name, err))
		}
		if msgs[i], err = b.message(ctx, t.Name, t.Key(v), value, t.depth(v)); err != nil {
			return err
		}
	}
	return b.write(ctx, t.Name, msgs)
}

// PublishRaw publishes a value that was encoded before, such as one a timer kept. The topic must be
// one the bus was opened with; its type gives the key.
func (b *Bus) PublishRaw(ctx context.Context, topic string, value []byte) error {
	b.state.mu.Lock()
	s, ok := b.state.topics[topic]
	b.state.mu.Unlock()
	if !ok || s.keyOf == nil {
		return Permanent(fmt.Errorf("%w: %s", ErrUnknownTopic, topic))
	}
	key, depth, err := s.keyOf(value)
	if err != nil {
		return Permanent(err)
	}
	m, err := b.message(ctx, topic, key, value, depth)
	if err != nil {
		return err
	}
	return b.write(ctx, topic, []kafka.Message{m})
}

func (b *Bus) message(ctx context.Context, topic, key string, value []byte, depth int) (kafka.Message, error) {
	m := kafka.Message{Topic: topic, Key: []byte(key), Value: value}
	if depth > 0 {
		m.Headers = append(m.Headers, kafka.Header{Key: headerDepth, Value: strconv.AppendInt(nil, int64(depth), 10)})
	}
	propagation.TraceContext{}.Inject(ctx, (*carrier)(&m.Headers))
	if size := sizeOf(&m); size > b.cfg.Message {
		return m, fmt.Errorf("bus: publishing to %s: %w: %d bytes, at most %d are allowed", topic, ErrTooLarge, size, b.cfg.Message)
	}
	return m, nil
}

// write sends messages of one topic and waits for what the topic promises.
func (b *Bus) write(ctx context.Context, topic string, msgs []kafka.Message) error {
	if len(msgs) == 0 {
		return nil
	}
	run := runOf(ctx)
	if b.ctx.Err() != nil && run == nil { // handlers may finish their run
		return ErrClosed
	}
	b.state.mu.Lock()
	s, known := b.state.topics[topic]
	b.state.mu.Unlock()
	if !known {
		return Permanent(fmt.Errorf("%w: %s", ErrUnknownTopic, topic))
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, publishTimeout)
		defer cancel()
	}
	start := time.Now()
	err := b.send(ctx, s, msgs, run)
	b.m.published(topic, len(msgs), time.Since(start), err)
	if err != nil {
		return fmt.Errorf("bus: publishing to %s: %w", topic, err)
	}
	return nil
}

func (b *Bus) send(ctx context.Context, s spec, msgs []kafka.Message, run *generation) error {
	if b.broker != nil && s.durable {
		if err := b.broker.gate.failed(); err != nil {
			return err
		}
		if run != nil { // before the write: a commit must not slip in between
			run.durable.Store(true)
		}
	}
	places, err := b.writer.write(ctx, s.name, msgs)
	if err != nil || b.broker == nil || !s.durable || run != nil {
		return err
	}
	return b.broker.gate.wait(ctx, places...)
}

// carrier lets OpenTelemetry read and write headers.
type carrier []kafka.Header

func (c *carrier) Get(key string) string {
	for _, h := range *c {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

func (c *carrier) Set(key, value string) {
	*c = append(*c, kafka.Header{Key: key, Value: []byte(value)})
}

func (c *carrier) Keys() []string {
	out := make([]string, len(*c))
	for i, h := range *c {
		out[i] = h.Key
	}
	return out
}
