package bus

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

func TestReadingWaitsForALeader(t *testing.T) {
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		answers []error // in turn; the last one stays
		calls   int
		want    error
	}{
		"a leader":             {[]error{nil}, 1, nil},
		"a topic just made":    {[]error{kafka.LeaderNotAvailable, kafka.UnknownTopicOrPartition, nil}, 3, nil},
		"a broker just back":   {[]error{kafka.NotLeaderForPartition, nil}, 2, nil},
		"another error":        {[]error{broken}, 1, broken},
		"an error after a try": {[]error{kafka.NotLeaderForPartition, broken}, 2, broken},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			err := settled(context.Background(), func(context.Context) error {
				calls++
				return c.answers[min(calls, len(c.answers))-1]
			})
			if !errors.Is(err, c.want) || calls != c.calls {
				t.Errorf("%v after %d calls, want %v after %d", err, calls, c.want, c.calls)
			}
		})
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	err := settled(ctx, func(context.Context) error { return kafka.NotLeaderForPartition })
	if !errors.Is(err, kafka.NotLeaderForPartition) {
		t.Errorf("%v, want the broker's own answer", err)
	}
}
