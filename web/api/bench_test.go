package api_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// fill writes many documents in few transactions.
func (w *world) fill(collection string, n int, doc func(i int) any) {
	w.t.Helper()
	const batch = 1000
	for from := 0; from < n; from += batch {
		var writes []store.Write
		for i := from; i < min(n, from+batch); i++ {
			writes = append(writes, store.Write{Insert: doc(i)})
		}
		errs, err := w.store.C(collection).Bulk(w.t.Context(), writes...)
		for _, e := range append(errs, err) {
			if e != nil {
				w.t.Fatal(e)
			}
		}
	}
}

// BenchmarkOpen opens a conversation of 10,000 messages; the goal is 5 ms in one round trip.
func BenchmarkOpen(b *testing.B) {
	w := newWorld(b)
	_, token := w.agent("agent")
	c := w.conversation(func(c *timeline.Conversation) { c.Seq, c.InCount = 10_000, 10_000 })
	w.insert(store.Persons, timeline.Person{ID: c.Person, Name: "Maya"})
	at := timeline.Now()
	w.fill(store.Events, 10_000, func(i int) any {
		return timeline.Event{ID: timeline.EventID(fmt.Sprintf("e%d", i)), Kind: timeline.KindMessage, Conversation: c.ID, Seq: int64(i + 1), Leg: c.Legs[0].ID,
			Direction: timeline.In, Actor: timeline.Actor{Kind: timeline.ActorCustomer, Name: "Maya"}, At: at, Received: at,
			Message: &timeline.Message{Text: "Where is my parcel? It should have come on Monday, and it is Thursday now."}}
	})
	b.ResetTimer()
	for b.Loop() {
		w.want(w.call(token, http.MethodGet, "/api/conversations/"+string(c.ID), nil), 200, "")
	}
}

// BenchmarkList lists 50 conversations of many; the goal is 5 ms at 100,000.
func BenchmarkList(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			w := newWorld(b)
			_, token := w.agent("agent")
			at := timeline.Now()
			w.fill(store.Conversations, n, func(i int) any {
				return timeline.Conversation{ID: timeline.ConversationID(fmt.Sprintf("c%06d", i)), Number: int64(i), Name: "Maya", State: timeline.Open, Queue: "support",
					LastAt: at.Add(time.Duration(i) * time.Second), CreatedAt: at, Legs: []timeline.Leg{{ID: "demo|v", Channel: "webchat"}},
					Last: &timeline.Preview{Text: "Where is my parcel?", At: at}}
			})
			b.ResetTimer()
			for b.Loop() {
				w.want(w.call(token, http.MethodGet, "/api/conversations?view=all", nil), 200, "")
			}
		})
	}
}
