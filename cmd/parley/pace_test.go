package main

import (
	"context"
	"sync/atomic"
	"testing"
	"time"
)

func TestPace(t *testing.T) {
	const most = 50 * time.Millisecond
	for name, c := range map[string]struct {
		waiting   []int64 // at each look; the last one stays
		least     int     // looks
		untilMost bool
	}{
		"little waits: answered at once":           {[]int64{24}, 1, false},
		"much waits: until it is done":             {[]int64{100, 60, 25, 3}, 4, false},
		"nothing moves, as when the store is down": {[]int64{100}, 2, true},
	} {
		t.Run(name, func(t *testing.T) {
			var looks atomic.Int64
			p := pace{limit: 24, most: most, step: time.Millisecond, waiting: func() int64 {
				i := min(int(looks.Add(1))-1, len(c.waiting)-1)
				return c.waiting[i]
			}}
			begun := time.Now()
			p.hold(t.Context())
			if took := time.Since(begun); c.untilMost != (took >= most) || int(looks.Load()) < c.least {
				t.Errorf("answered after %v and %d looks", took, looks.Load())
			}
		})
	}
}

func TestPaceEndsWithItsRequest(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	pace{limit: 1, most: time.Hour, step: time.Hour, waiting: func() int64 { return 2 }}.hold(ctx)
}
