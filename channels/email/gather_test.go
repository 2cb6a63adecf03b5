package email

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

func TestDeliveriesThatComeTogether(t *testing.T) {
	for _, c := range []struct {
		name string
		down error
	}{
		{"are_all_kept", nil},
		{"are_all_told_to_come_again", errors.New("the disk is full")},
	} {
		t.Run(c.name, func(t *testing.T) {
			const n = 3 * gatherMost / 2 // more than are kept at once
			b := newBench(t, nil)
			b.hub.Down(c.down)
			b.s.reading.Lock() // until all of them wait
			told := make(chan error, n)
			for i := range n {
				raw := mailOf("Hello", "Message-ID: <g"+fmt.Sprint(i)+"@h>", "Subject: x")
				go func() {
					told <- b.s.keepDelivered(context.Background(), arrived{raw: []byte(raw), at: day, size: int64(len(raw))})
				}()
			}
			b.until("they wait", func() bool {
				b.s.handed.mu.Lock()
				defer b.s.handed.mu.Unlock()
				return b.s.handed.busy && len(b.s.handed.waiting) >= n-gatherMost
			})
			b.s.reading.Unlock()
			for range n {
				if err := <-told; !errors.Is(err, c.down) {
					t.Fatalf("a sender was told %v", err)
				}
			}
			want := n
			if c.down != nil {
				want = 0
			}
			if got := len(b.messages()); got != want {
				t.Errorf("%d of %d mails are in", got, want)
			}
			b.until("nobody waits", func() bool {
				b.s.handed.mu.Lock()
				defer b.s.handed.mu.Unlock()
				return !b.s.handed.busy && len(b.s.handed.waiting) == 0
			})
		})
	}
}
