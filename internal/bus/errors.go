package bus

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/segmentio/kafka-go"
)

// Errors a caller can tell apart with errors.Is.
var (
	// ErrUnavailable says that the broker did not acknowledge in time: the outcome is unknown. Try again.
	ErrUnavailable = errors.New("bus: broker not available")
	// ErrTooLarge says that the record is larger than the broker takes. Trying again does not help.
	ErrTooLarge = errors.New("bus: record too large")
	// ErrNotDurable says that the disk refused to confirm a write. The node must be looked after and restarted.
	ErrNotDurable = errors.New("bus: the disk did not confirm a write")
	// ErrUnknownTopic says that the bus was not opened with this topic.
	ErrUnknownTopic = errors.New("bus: unknown topic")
)

// classify maps every shape of error kafka-go produces to one of ours, keeping the original in the chain.
func classify(err error) error {
	var (
		many  kafka.WriteErrors
		large kafka.MessageTooLargeError
		code  kafka.Error
		nerr  *net.OpError
	)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrNotDurable), errors.Is(err, ErrTooLarge), errors.Is(err, ErrUnavailable), errors.Is(err, ErrClosed):
		return err
	case errors.As(err, &many):
		for _, e := range many {
			if e != nil {
				return classify(e)
			}
		}
		return nil
	case errors.As(err, &large), errors.Is(err, kafka.MessageSizeTooLarge), errors.Is(err, kafka.RecordListTooLarge):
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	case errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &code), errors.As(err, &nerr), errors.Is(err, context.DeadlineExceeded), errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// unavailable is a handler's error that says nothing about the record: its consumer waits and tries again.
func unavailable(err error) bool {
	var t interface{ Temporary() bool }
	return errors.Is(err, ErrUnavailable) || errors.As(err, &t) && t.Temporary()
}

func isPermanent(err error) bool {
	var p *permanent
	return errors.As(err, &p) || errors.Is(err, ErrTooLarge)
}
