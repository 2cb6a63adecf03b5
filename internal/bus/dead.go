package bus

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
)

// Dead is a record a consumer gave up. It stays listed until it is replayed or discarded.
type Dead struct {
	ID        string          `json:"id"`
	Topic     string          `json:"topic"`
	Group     string          `json:"group"`
	Key       string          `json:"key"`
	Partition int             `json:"partition"`
	Offset    int64           `json:"offset"`
	At        time.Time       `json:"at"`     // when it was published
	Failed    time.Time       `json:"failed"` // when it was given up
	Attempts  int             `json:"attempts"`
	Reason    string          `json:"reason"`
	Value     json.RawMessage `json:"value"`
}

// ErrNoDead says that no such dead letter is kept: it was replayed or discarded.
var ErrNoDead = errors.New("bus: no such dead letter")

// Headers of a dead letter, beside those the record had.
const (
	headerGroup    = "dead-group"
	headerKey      = "dead-key"
	headerPlace    = "dead-place" // partition:offset
	headerAt       = "dead-at"
	headerReason   = "dead-reason"
	headerAttempts = "dead-attempts"
	deadSuffix     = ".dead"
	maxReason      = 2048 // bytes
)

func deadName(topic string) string { return topic + deadSuffix }
func isDead(topic string) bool     { return strings.HasSuffix(topic, deadSuffix) }

// deadID names a record for good: a log cut by a power failure may give an offset out twice.
func deadID(topic, group string, e *entry) string {
	return fmt.Sprintf("%s~%s~%d~%d~%x", topic, group, e.partition, e.offset, e.at.UnixMilli())
}

// bury writes a record to the topic's dead letters.
func (b *Bus) bury(ctx context.Context, s *consumer, e *entry, cause error) error {
	reason := cause.Error()
	if len(reason) > maxReason {
		reason = strings.ToValidUTF8(reason[:maxReason], "")
	}
	m := kafka.Message{Topic: deadName(s.topic), Key: []byte(deadID(s.topic, s.group, e)), Value: e.raw, Headers: e.headers}
	h := (*carrier)(&m.Headers)
	h.Set(headerGroup, s.group)
	h.Set(headerKey, e.key)
	h.Set(headerPlace, fmt.Sprintf("%d:%d", e.partition, e.offset))
	h.Set(headerAt, e.at.UTC().Format(time.RFC3339Nano))
	h.Set(headerReason, reason)
	h.Set(headerAttempts, strconv.Itoa(e.attempt))
	return b.write(ctx, m.Topic, []kafka.Message{m})
}

// DeadLetters lists a topic's dead letters in the order they came, at most limit after the one with
// the id after (empty: from the first).
func (b *Bus) DeadLetters(ctx context.Context, topic, after string, limit int) ([]Dead, error) {
	live, err := b.deads(ctx, topic)
	if err != nil {
		return nil, err
	}
	out := []Dead{}
	on := after == ""
	for _, d := range live {
		if on && len(out) < limit {
			e, err := b.readDead(ctx, topic, d)
			if err != nil {
				return nil, err
			}
			out = append(out, deadOf(topic, e))
		}
		on = on || d.id == after
	}
	return out, nil
}

// Replay publishes a dead letter to its topic again, for the group that gave it up only, and takes
// it off the list.
func (b *Bus) Replay(ctx context.Context, id string) error {
	topic, e, err := b.dead(ctx, id)
	if err != nil {
		return err
	}
	d := deadOf(topic, e)
	m := kafka.Message{Topic: topic, Key: []byte(d.Key), Value: e.raw,
		Headers: []kafka.Header{{Key: headerOnly, Value: []byte(d.Group)}}}
	for _, h := range e.headers {
		if !strings.HasPrefix(h.Key, "dead-") && h.Key != headerOnly {
			m.Headers = append(m.Headers, h)
		}
	}
	if err := b.write(ctx, topic, []kafka.Message{m}); err != nil {
		return err
	}
	return b.forget(ctx, topic, id)
}

// Discard takes a dead letter off the list for good.
func (b *Bus) Discard(ctx context.Context, id string) error {
	topic, _, err := b.dead(ctx, id)
	if err != nil {
		return err
	}
	return b.forget(ctx, topic, id)
}

// forget writes the tombstone that ends a dead letter.
func (b *Bus) forget(ctx context.Context, topic, id string) error {
	name := deadName(topic)
	return b.write(ctx, name, []kafka.Message{{Topic: name, Key: []byte(id)}})
}

func (b *Bus) dead(ctx context.Context, id string) (topic string, e *entry, err error) {
	topic, _, ok := strings.Cut(id, "~")
	if !ok {
		return "", nil, fmt.Errorf("%w: %s", ErrNoDead, id)
	}
	live, err := b.deads(ctx, topic)
	if err != nil {
		return "", nil, err
	}
	for _, d := range live {
		if d.id == id {
			e, err := b.readDead(ctx, topic, d)
			return topic, e, err
		}
	}
	return "", nil, fmt.Errorf("%w: %s", ErrNoDead, id)
}

// deadRef is where a dead letter lies: bodies are read only when they are asked for.
type deadRef struct {
	id     string
	offset int64
}

// deads finds a topic's dead letters, without those that have a tombstone.
func (b *Bus) deads(ctx context.Context, topic string) ([]deadRef, error) {
	name := deadName(topic)
	b.state.mu.Lock()
	_, ok := b.state.topics[name]
	b.state.mu.Unlock()
	if !ok {
		return nil, fmt.Errorf("%w: %s", ErrUnknownTopic, topic)
	}
	var next, end int64
	err := settled(ctx, func(ctx context.Context) (err error) {
		next, end, err = b.bounds(ctx, name, 0)
		return err
	})
	latest := map[string]int64{} // negative: a tombstone
	for err == nil && next < end {
		var es []*entry
		err = settled(ctx, func(ctx context.Context) (err error) {
			es, _, err = b.fetch(ctx, name, 0, next)
			return err
		})
		for _, e := range es {
			next = e.offset + 1
			latest[e.key] = e.offset
			if e.raw == nil {
				latest[e.key] = -1
			}
		}
		if len(es) == 0 { // the rest was compacted away
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("bus: reading dead letters of %s: %w", topic, classify(err))
	}
	var live []deadRef
	for id, offset := range latest {
		if offset >= 0 {
			live = append(live, deadRef{id, offset})
		}
	}
	slices.SortFunc(live, func(a, b deadRef) int { return cmp.Compare(a.offset, b.offset) })
	return live, nil
}

func (b *Bus) readDead(ctx context.Context, topic string, d deadRef) (*entry, error) {
	var es []*entry
	err := settled(ctx, func(ctx context.Context) (err error) {
		es, _, err = b.fetch(ctx, deadName(topic), 0, d.offset)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("bus: reading dead letter %s: %w", d.id, classify(err))
	}
	if len(es) == 0 || es[0].offset != d.offset {
		return nil, fmt.Errorf("%w: %s", ErrNoDead, d.id)
	}
	return es[0], nil
}

func deadOf(topic string, e *entry) Dead {
	d := Dead{ID: e.key, Topic: topic, Group: e.header(headerGroup), Key: e.header(headerKey),
		Failed: e.at.UTC(), Reason: e.header(headerReason), Value: json.RawMessage(e.raw)}
	if !json.Valid(e.raw) { // shown as text
		d.Value, _ = json.Marshal(string(e.raw)) // a string always encodes
	}
	part, off, _ := strings.Cut(e.header(headerPlace), ":")
	d.Partition, _ = strconv.Atoi(part) // our own headers
	d.Offset, _ = strconv.ParseInt(off, 10, 64)
	d.Attempts, _ = strconv.Atoi(e.header(headerAttempts))
	d.At, _ = time.Parse(time.RFC3339Nano, e.header(headerAt))
	return d
}
