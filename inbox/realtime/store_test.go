package realtime

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// TestReadsOnTheEmbeddedEngine asks the real engine everything that this package asks: each
// filter must be known to it and find what the memory of the other tests finds.
func TestReadsOnTheEmbeddedEngine(t *testing.T) {
	ctx := context.Background()
	st, err := store.OpenEmbedded(ctx, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = st.Close() }()
	if err := st.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	m := newMemory()
	for c := range 3 {
		id := timeline.ConversationID(fmt.Sprint("c", c))
		for i := range 60 {
			out := timeline.EventID(fmt.Sprintf("out-%d-%d", c, i))
			m.append(id, says(fmt.Sprint(i)))
			m.append(id, answer(out, "hello"))
			m.append(id, receipt(out, timeline.Sent))
			m.append(id, receipt(out, timeline.Read))
		}
	}
	for _, e := range m.events {
		if err := st.C(store.Events).Insert(ctx, e); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range m.convs {
		c.Number = int64(c.ID[1])
		if err := st.C(store.Conversations).Insert(ctx, c); err != nil {
			t.Fatal(err)
		}
	}
	if err := st.C(store.Threads).Insert(ctx, bson.D{{Key: "_id", Value: visit.Key()}, {Key: "conversation", Value: "c2"}}); err != nil {
		t.Fatal(err)
	}
	real, fake := New(Deps{Store: st}), newHub(t, m)
	defer real.Close()
	if id, err := real.rec.attached(ctx, visit.Leg()); err != nil || id != "c2" {
		t.Fatal(id, err)
	}
	if _, err := real.rec.conversation(ctx, "none"); !absent(err) {
		t.Fatal(err)
	}
	c, err := real.rec.conversation(ctx, "c1")
	if err != nil || c.Seq != 240 {
		t.Fatal(c, err)
	}
	entries, err := real.rec.entries(ctx, c, 100, 200, 500)
	if err != nil || len(entries) != 100 || entries[0].Event.Seq != 101 {
		t.Fatal(len(entries), err)
	}
	for _, e := range entries {
		if (e.Event.Kind == timeline.KindReceipt) != (e.Target != nil) || e.Target != nil && deliveryOf(e.Target) != "read" {
			t.Fatalf("seq %d: target %v", e.Event.Seq, e.Target)
		}
	}
	for _, last := range []int{0, 30} {
		for cursor, more := timeline.Cursor(""), true; more; {
			a, moreA, errA := real.Threads().Replay(ctx, visit, cursor, last)
			b, moreB, errB := fake.Threads().Replay(ctx, visit, cursor, last)
			if errA != nil || errB != nil || moreA != moreB || len(a) == 0 || !slices.Equal(labels(a), labels(b)) {
				t.Fatalf("last %d after %s: %d and %d items, %v %v %v %v", last, cursor, len(a), len(b), moreA, moreB, errA, errB)
			}
			cursor, more = a[len(a)-1].Cursor, moreA
			if last > 0 {
				cursor = a[0].Cursor
			}
		}
	}
}
