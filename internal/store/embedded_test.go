package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"go.mongodb.org/mongo-driver/v2/bson"
)

func openEmbedded(t testing.TB, opts ...store.Option) store.Store {
	t.Helper()
	s, err := store.OpenEmbedded(context.Background(), t.TempDir(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := s.Migrate(context.Background()); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConversationRoundTrip(t *testing.T) {
	s, ctx := openEmbedded(t), context.Background()
	c := s.C(store.Conversations)
	now := timeline.Now()
	want := timeline.Conversation{ID: "c1", Number: 7, Person: "p", State: timeline.Open, Labels: []string{"a", "b"}, LastAt: now, CreatedAt: now, WaitingSince: &now,
		Legs: []timeline.Leg{{ID: "l", Opened: map[string]timeline.Window{"message": {At: now, Used: 2}}}}}
	if err := c.Insert(ctx, want); err != nil {
		t.Fatal(err)
	}
	if err := c.Insert(ctx, want); !store.IsDuplicate(err, "_id_") {
		t.Fatalf("again: %v", err)
	}
	other := want
	other.ID = "c2"
	if err := c.Insert(ctx, other); !store.IsDuplicate(err, "number") {
		t.Fatalf("same number: %v", err)
	}
	var got timeline.Conversation
	if err := c.One(ctx, bson.D{{Key: "_id", Value: "c1"}}, &got); err != nil {
		t.Fatal(err)
	}
	if got.Number != 7 || !got.LastAt.Equal(now) || got.Legs[0].Opened["message"].Used != 2 || got.LastAt.Location() != time.UTC {
		t.Fatalf("got %+v", got)
	}
	n, err := c.Update(ctx, bson.D{{Key: "_id", Value: timeline.ConversationID("c1")}, {Key: "seq", Value: 0}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "seq", Value: 1}, {Key: "labels", Value: []string{"b", "c"}}}}, {Key: "$inc", Value: bson.D{{Key: "inCount", Value: 1}}}})
	if n != 1 || err != nil {
		t.Fatal(n, err)
	}
	for label, want := range map[string]int{"a": 0, "b": 1, "c": 1} {
		var list []timeline.Conversation
		if err := c.All(ctx, bson.D{{Key: "labels", Value: label}, {Key: "state", Value: "open"}}, &list,
			store.Find{Sort: bson.D{{Key: "lastAt", Value: -1}, {Key: "_id", Value: -1}}, Limit: 10}); err != nil || len(list) != want {
			t.Fatalf("%s: %d, %v", label, len(list), err)
		}
	}
	var after timeline.Conversation
	if err := c.Modify(ctx, bson.D{{Key: "_id", Value: "c1"}}, bson.D{{Key: "$inc", Value: bson.D{{Key: "seq", Value: 1}}}}, false, &after); err != nil || after.Seq != 2 {
		t.Fatal(after.Seq, err)
	}
	if err := c.One(ctx, bson.D{{Key: "subject", Value: "x"}}, &got); !errors.Is(err, store.ErrUnsupported) {
		t.Fatalf("no index: %v", err)
	}
	if n, err := c.Delete(ctx, bson.D{{Key: "_id", Value: "c1"}}); n != 1 || err != nil {
		t.Fatal(n, err)
	}
}
