package store_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// text is a message of usual length.
const text = "Hello, I ordered the blue jacket last week and it still has not arrived. Could you have a look at where it is?"

func conversation(i int) timeline.Conversation {
	at := timeline.Moment(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(i) * time.Minute))
	return timeline.Conversation{ID: timeline.ConversationID(fmt.Sprintf("c%08d", i)), Number: int64(i), Person: timeline.PersonID(fmt.Sprintf("p%d", i/2)), Name: "Maya Hikes",
		Queue: "support", State: []timeline.State{timeline.Open, timeline.Snoozed, timeline.Resolved}[i%3], Assignee: timeline.AgentID(fmt.Sprintf("a%d", i%20)),
		Team: "t1", Labels: []string{"vip"}, Legs: []timeline.Leg{{ID: "acct|thread", Channel: "webchat", Peer: "visitor", LastIn: &at}}, Seq: 10, InCount: 5,
		Last: &timeline.Preview{Event: "e", Seq: 10, Text: text, Direction: timeline.In, At: at}, LastAt: at, CreatedAt: at, WaitingSince: &at}
}

func event(conv string, seq int) timeline.Event {
	at := timeline.Moment(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(seq) * time.Second))
	return timeline.Event{ID: timeline.EventID(fmt.Sprintf("acct|msg:%s.%d", conv, seq)), Kind: timeline.KindMessage, Conversation: timeline.ConversationID(conv), Seq: int64(seq),
		Leg: "acct|thread", Thread: timeline.Thread{Account: "acct", ID: "thread"}, Remote: timeline.RemoteID(fmt.Sprintf("r%s.%d", conv, seq)), Direction: timeline.In,
		Actor: timeline.Actor{Kind: timeline.ActorCustomer, ID: "p", Name: "Maya Hikes"}, At: at, Received: at, Message: &timeline.Message{Text: text}}
}

// fill writes documents in batches.
func fill[T any](b testing.TB, c store.Collection, n int, doc func(int) T) {
	b.Helper()
	for i := 0; i < n; i += 500 {
		var w []store.Write
		for j := i; j < min(i+500, n); j++ {
			w = append(w, store.Write{Insert: doc(j)})
		}
		errs, err := c.Bulk(context.Background(), w...)
		if err != nil || errs[0] != nil {
			b.Fatal(err, errs[0])
		}
	}
}

// cpu is the process's CPU time.
func cpu(b testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkPointRead(b *testing.B) {
	s := openEmbedded(b)
	c := s.C(store.Conversations)
	fill(b, c, 10000, conversation)
	i := 0
	for b.Loop() {
		var out timeline.Conversation
		if err := c.One(context.Background(), d("_id", fmt.Sprintf("c%08d", i%10000)), &out); err != nil {
			b.Fatal(err)
		}
		i += 7919
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reads/s")
}

func BenchmarkNewestConversations(b *testing.B) {
	for _, n := range []int{1000, 100000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := openEmbedded(b)
			c := s.C(store.Conversations)
			fill(b, c, n, conversation)
			for b.Loop() {
				var out []timeline.Conversation
				if err := c.All(context.Background(), d("state", "open"), &out, store.Find{Sort: newest, Limit: 50}); err != nil || len(out) != 50 {
					b.Fatal(len(out), err)
				}
			}
		})
	}
}

func BenchmarkNewestEvents(b *testing.B) {
	s := openEmbedded(b)
	c := s.C(store.Events)
	for conv := range 5 {
		fill(b, c, 10000, func(i int) timeline.Event { return event(fmt.Sprint("c", conv), i+1) })
	}
	for b.Loop() {
		var out []timeline.Event
		if err := c.All(context.Background(), d("conversation", "c2"), &out, store.Find{Sort: d("seq", -1), Limit: 60}); err != nil || len(out) != 60 {
			b.Fatal(len(out), err)
		}
	}
}

// BenchmarkAppend is what the journal does for a message: insert the event and compare-and-set
// the conversation, from 32 conversations at once.
func BenchmarkAppend(b *testing.B) {
	for _, n := range []int{1, 32} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := openEmbedded(b)
			events, convs := s.C(store.Events), s.C(store.Conversations)
			fill(b, convs, 1000, conversation)
			var wg sync.WaitGroup
			var next atomic.Int64
			before := cpu(b)
			b.ResetTimer()
			for g := range n {
				wg.Go(func() {
					conv := conversation(g)
					for seq := 11; next.Add(1) <= int64(b.N); seq++ {
						if err := appendOne(events, convs, string(conv.ID), seq); err != nil {
							b.Error(err)
						}
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			b.ReportMetric(float64(2*b.N)/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(2*b.N), "cpu-µs/row")
		})
	}
}

func appendOne(events, convs store.Collection, conv string, seq int) error {
	e := event(conv, seq)
	if err := events.Insert(context.Background(), e); err != nil {
		return err
	}
	n, err := convs.Update(context.Background(), d("_id", conv, "seq", seq-1), d("$set", d("seq", seq, "lastAt", e.At,
		"last", timeline.Preview{Event: e.ID, Seq: e.Seq, Text: text, Direction: timeline.In, At: e.At}), "$inc", d("inCount", 1)))
	if err == nil && n != 1 {
		return fmt.Errorf("lost at %d", seq)
	}
	return err
}

// BenchmarkBulkAppend writes runs of ten messages in one call, as the journal does under load.
func BenchmarkBulkAppend(b *testing.B) {
	s := openEmbedded(b)
	events := s.C(store.Events)
	var wg sync.WaitGroup
	var next atomic.Int64
	before := cpu(b)
	b.ResetTimer()
	for g := range 32 {
		wg.Go(func() {
			for seq := 1; next.Add(10) <= int64(b.N); seq += 10 {
				w := make([]store.Write, 10)
				for i := range w {
					w[i].Insert = event(fmt.Sprint("c", g), seq+i)
				}
				if _, err := events.Bulk(context.Background(), w...); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N), "cpu-µs/row")
}
