package store

import (
	"context"
	"errors"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

func TestMigrationsRunOnce(t *testing.T) {
	s, err := OpenEmbedded(context.Background(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	var mu sync.Mutex
	ran := map[string]int{}
	fail := true
	count := func(name string) func(context.Context, Store) error {
		return func(ctx context.Context, s Store) error {
			mu.Lock()
			defer mu.Unlock()
			ran[name]++
			if name == "third" && fail {
				fail = false
				return errors.New("the migration failed")
			}
			_, err := s.C(Counters).Upsert(ctx, bson.D{{Key: "_id", Value: name}}, bson.D{{Key: "$inc", Value: bson.D{{Key: "n", Value: 1}}}})
			return err
		}
	}
	list := []migration{{1, "first", count("first")}, {2, "second", count("second")}}
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if err := migrateWith(context.Background(), s, nil, list); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	list = append(list, migration{3, "third", count("third")})
	if err := migrateWith(context.Background(), s, nil, list); err == nil {
		t.Error("a failed migration went unnoticed")
	}
	if err := migrateWith(context.Background(), s, nil, list); err != nil {
		t.Error(err)
	}
	if ran["first"] != 1 || ran["second"] != 1 || ran["third"] != 2 {
		t.Errorf("ran %v", ran)
	}
}
