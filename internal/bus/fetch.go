package bus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// fetch asks for the records from offset on; high is the offset after the newest.
func (b *Bus) fetch(ctx context.Context, topic string, partition int, offset int64) (es []*entry, high int64, err error) {
	res, err := b.client.Fetch(ctx, fetchRequest(topic, partition, offset))
	if err == nil {
		err = res.Error
	}
	if err != nil {
		return nil, 0, err
	}
	for {
		rec, err := res.Records.ReadRecord()
		if err != nil {
			if !errors.Is(err, io.EOF) && len(es) == 0 {
				return nil, 0, fmt.Errorf("reading records: %w", err)
			}
			return es, res.HighWatermark, nil // a batch cut off at the end comes again
		}
		e, err := readEntry(topic, partition, rec)
		if err != nil {
			return nil, 0, err
		}
		if e.offset >= offset { // a batch is sent whole
			es = append(es, e)
		}
	}
}

func readEntry(topic string, partition int, rec *kafka.Record) (*entry, error) {
	key, err := readBytes(rec.Key)
	if err != nil {
		return nil, err
	}
	value, err := readBytes(rec.Value)
	if err != nil {
		return nil, err
	}
	return &entry{topic: topic, partition: partition, offset: rec.Offset, key: string(key), raw: value,
		headers: rec.Headers, at: rec.Time}, nil
}

// readBytes copies b and gives its page back to kafka-go's pool.
func readBytes(b protocol.Bytes) ([]byte, error) {
	if b == nil {
		return nil, nil
	}
	out, err := protocol.ReadAll(b)
	return out, errors.Join(err, b.Close())
}

// bounds are the offsets of the oldest record and after the newest.
func (b *Bus) bounds(ctx context.Context, topic string, partition int) (first, last int64, err error) {
	res, err := b.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{
		topic: {kafka.FirstOffsetOf(partition), kafka.LastOffsetOf(partition)}}})
	if err != nil {
		return 0, 0, err
	}
	for _, p := range res.Topics[topic] {
		if p.Partition == partition {
			return p.FirstOffset, p.LastOffset, p.Error
		}
	}
	return 0, 0, fmt.Errorf("no offsets of %s %d", topic, partition)
}

// patience is how long a person's reading waits for a partition without a leader: a topic made a
// moment ago, or a broker that has just come back.
const patience = 5 * time.Second

// settled calls read again while the partition is changing its leader, for at most patience.
func settled(ctx context.Context, read func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := read(ctx)
		if err == nil || !moving(err) || sleep(ctx, 20*time.Millisecond) != nil {
			return err
		}
	}
}

// outOfRange raises the alarm and says where to go on: at the oldest record there is. Below the
// log's start records are gone unread; beyond its end the log was cut, and what was written since
// has offsets that were handled once, so that all of it must be read again.
func (b *Bus) outOfRange(ctx context.Context, topic, group string, partition int, offset int64) int64 {
	first, last, err := b.bounds(ctx, topic, partition)
	if err != nil || offset >= first && offset <= last {
		_ = sleep(ctx, 50*time.Millisecond) // an ended ctx is seen by the caller
		return offset
	}
	lost := max(first-offset, 0)
	b.m.skipped(topic, group, lost)
	b.cfg.Log.Error("bus: offset outside the log", "topic", topic, "group", group, "partition", partition,
		"offset", offset, "first", first, "last", last, "lost", lost)
	b.trouble("log of "+topic, fmt.Errorf("group %s was at %d of partition %d, the log holds %d to %d", group, offset, partition, first, last))
	return first
}
