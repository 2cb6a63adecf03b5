// Package bus carries facts and commands between the hub's parts: typed topics over
// Kafka's protocol, on a real cluster or on the embedded broker.
//
// What may be assumed. A record is handled at least once: handlers are idempotent. Records
// with one key are handled one after another, in the order they were published, by one
// worker at a time; different keys run in parallel. An offset is committed only after the
// handler's run returned nil, after everything it published was acknowledged, and, on
// topics marked Durable, is known to be on disk. A record that keeps failing goes to the
// topic's dead letters and holds up only its own key while it is retried.
//
// Publish returns when the record is acknowledged by all replicas and, on a Durable topic
// of the embedded broker, fdatasync'ed. An error means that the outcome is unknown: the
// record may still be delivered. Callers publish again with the same derived id. A handler's
// Publish, known by its ctx, waits for the acknowledgement only: the disk is waited for once for
// many runs, before their offsets are committed.
package bus

import (
	"context"
	"errors"
	"time"
)

// Topic is a typed stream. The zero value is not usable; see the variables in topics.go.
type Topic[T any] struct {
	Name    string
	Durable bool           // cannot be rebuilt: a publish waits until it is on disk
	Key     func(T) string // unit of order; also picks the partition
	Depth   func(T) int    // automatic causes behind the record
}

// Record is one message of a topic.
type Record[T any] struct {
	Value     T
	Key       string
	Topic     string
	Partition int
	Offset    int64
	At        time.Time
	Attempt   int // from 1
}

// ErrClosed is returned by calls on a bus that is closing.
var ErrClosed = errors.New("bus: closed")

// Permanent wraps an error that trying again cannot mend: the record goes to the dead
// letters at once.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanent{err}
}

type permanent struct{ err error }

func (p *permanent) Error() string { return p.err.Error() }
func (p *permanent) Unwrap() error { return p.err }

// Handler handles a run of records of one partition that share a key lane, in order. It is
// given as many as are waiting (at most the consumer's MaxRun), so that it can write them
// in one call. It returns one error for the run, or a *RunError that names the record which
// failed: those before it count as handled.
type Handler[T any] func(ctx context.Context, run []Record[T]) error

// RunError tells a consumer that the record at Index of the run failed, and only those before it are done.
type RunError struct {
	Index int
	Err   error
}

func (e *RunError) Error() string { return e.Err.Error() }
func (e *RunError) Unwrap() error { return e.Err }
