package bus

import (
	"context"
	"fmt"
	"testing"
	"time"
)

func TestPublishConsumeBroadcast(t *testing.T) {
	tp := topic("simple")
	start := time.Now()
	b := mustOpen(t, config(t, t.TempDir(), tp))
	opened := time.Since(start)
	var got, cast seen
	must(t, Consume(b, tp, Consumer[note]{Group: "g"}, got.handler))
	must(t, Broadcast(b, tp, func(r Record[note]) error { cast.add(r); return nil }))
	must(t, b.Started(timeout(t, 10*time.Second)))
	t.Logf("open %v, consumers assigned %v", opened, time.Since(start))
	for i := range 100 {
		must(t, Publish(context.Background(), b, tp, note{Key: fmt.Sprint("k", i%7), N: i}))
	}
	until(t, "all handled", 5*time.Second, func() bool { return got.len() >= 100 && cast.len() >= 100 })
	for k := range 7 {
		for _, s := range []*seen{&got, &cast} {
			ns := s.of(fmt.Sprint("k", k))
			for i := 1; i < len(ns); i++ {
				if ns[i] <= ns[i-1] {
					t.Fatalf("key %d out of order: %v", k, ns)
				}
			}
		}
	}
	start = time.Now()
	must(t, b.Close(timeout(t, 5*time.Second)))
	t.Logf("close %v", time.Since(start))
}
