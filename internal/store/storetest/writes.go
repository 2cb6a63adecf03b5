package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/parley-hub/parley/internal/store"
	"go.mongodb.org/mongo-driver/v2/bson"
)

func checkDuplicates(t *testing.T, s suite) {
	c, ctx := s.C(uniques), background(t)
	insert(t, c, d("_id", "1", "email", "a@x", "a", 1, "b", 1), d("_id", "2", "email", "b@x", "a", 1, "b", 2))
	for name, tc := range map[string]struct {
		doc  bson.D
		want string
	}{
		"id": {d("_id", "1", "email", "c@x", "a", 2, "b", 1), "_id_"}, "email": {d("_id", "3", "email", "a@x", "a", 2, "b", 1), "email"},
		"pair": {d("_id", "3", "email", "c@x", "a", 1, "b", 1), "pair"}, "pair as floats": {d("_id", "3", "email", "c@x", "a", 1.0, "b", 1), "pair"},
	} {
		err := c.Insert(ctx, tc.doc)
		if !store.IsDuplicate(err, tc.want) || !store.IsDuplicate(err, "") {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.sub(t, "duplicates", "missing counts as a value", func(t *testing.T) {
		insert(t, c, d("_id", "4", "a", 4, "b", 4)) // no email
		if err := c.Insert(ctx, d("_id", "5", "a", 5, "b", 5)); !store.IsDuplicate(err, "email") {
			t.Errorf("a second without the field: %v", err)
		}
	})
	s.sub(t, "duplicates", "by update", func(t *testing.T) {
		if _, err := c.Update(ctx, d("_id", "2"), d("$set", d("b", 1))); !store.IsDuplicate(err, "pair") {
			t.Errorf("one index: %v", err)
		}
		if _, err := c.Update(ctx, d("_id", "2"), d("$set", d("email", "a@x"))); !store.IsDuplicate(err, "email") {
			t.Errorf("the other: %v", err)
		}
	})
	if got := read(t, c, "2"); got["b"] != int64(2) || got["email"] != "b@x" {
		t.Errorf("a refused update left %v", got)
	}
	if _, err := c.Upsert(ctx, d("_id", "9"), d("$set", d("email", "a@x", "a", 9))); !store.IsDuplicate(err, "email") {
		t.Errorf("upsert: %v", err)
	}
	var out bson.D
	if err := c.Modify(ctx, d("_id", "9"), d("$set", d("email", "a@x", "a", 9)), true, &out); !store.IsDuplicate(err, "email") {
		t.Errorf("modify: %v", err)
	}
}

func checkBulk(t *testing.T, s suite) {
	c, ctx := s.C(uniques), background(t)
	insert(t, c, d("_id", "0", "email", "0@x", "a", 0, "n", 0))
	errs, err := c.Bulk(ctx,
		store.Write{Insert: d("_id", "1", "email", "1@x", "a", 1)},
		store.Write{Insert: d("_id", "1", "email", "2@x", "a", 2)},
		store.Write{Filter: d("_id", "0", "n", 0), Update: d("$set", d("n", 1))},
		store.Write{Filter: d("_id", "0", "n", 0), Update: d("$set", d("n", 2))},
		store.Write{Insert: d("_id", "3", "email", "1@x", "a", 3)},
		store.Write{Filter: d("_id", "4"), Update: d("$set", d("email", "4@x", "a", 4)), Upsert: true},
		store.Write{Filter: d("_id", "4"), Update: d("$rename", d("a", "b"))},
		store.Write{Filter: d("_id", "1"), Update: d("$set", d("seen", true))},
		store.Write{Insert: d("email", "no id")},
		store.Write{Insert: d("_id", "5", "email", "5@x", "a", 5)},
	)
	if err != nil || len(errs) != 10 {
		t.Fatalf("%d, %v", len(errs), err)
	}
	for i, want := range map[int]func(error) bool{
		0: none, 1: func(err error) bool { return store.IsDuplicate(err, "_id_") }, 2: none, 3: func(err error) bool { return errors.Is(err, store.ErrNoMatch) },
		4: func(err error) bool { return store.IsDuplicate(err, "email") }, 5: none,
		6: func(err error) bool { return errors.Is(err, store.ErrUnsupported) }, 7: none, 8: func(err error) bool { return err != nil }, 9: none,
	} {
		if !want(errs[i]) {
			t.Errorf("write %d: %v", i, errs[i])
		}
	}
	if n, _ := c.Count(ctx, d()); n != 4 {
		t.Errorf("%d documents", n)
	}
	if got := read(t, c, "0"); got["n"] != int64(1) {
		t.Errorf("got %v", got)
	}
	if got := read(t, c, "1"); got["seen"] != true {
		t.Errorf("a later write did not see an earlier one: %v", got)
	}
	errs, err = c.Bulk(ctx, store.Write{Insert: d("_id", "7", "email", "7@x", "a", 7)}, store.Write{Insert: d("_id", "1", "email", "8@x", "a", 8)},
		store.Write{Insert: d("_id", "")}, store.Write{Insert: d("_id", "9", "email", "7@x", "a", 9)}, store.Write{Insert: d("_id", "8", "email", "8@x", "a", 8)})
	if err != nil || errs[0] != nil || !store.IsDuplicate(errs[1], "_id_") || errs[2] == nil || !store.IsDuplicate(errs[3], "email") || errs[4] != nil {
		t.Errorf("inserts: %v, %v", errs, err)
	}
	if errs, err := c.Bulk(ctx); len(errs) != 0 || err != nil {
		t.Errorf("nothing: %v, %v", errs, err)
	}
}

func none(err error) bool { return err == nil }

func checkIDs(t *testing.T, s suite) {
	c, ctx := s.C(things), background(t)
	for name, doc := range map[string]bson.D{"missing": d("a", 1), "empty": d("_id", ""), "number": d("_id", 1), "null": d("_id", nil)} {
		if err := c.Insert(ctx, doc); err == nil || errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, id := range []string{"a|b:c.d/e", "ü漢字🙂", `"quoted"`, "$x", " ", "a' OR 1=1"} {
		insert(t, c, d("_id", id))
		if got := ids(t, c, d("_id", id)); len(got) != 1 || got[0] != id {
			t.Errorf("%q: %q", id, got)
		}
	}
	var out bson.D
	if err := c.One(ctx, d("_id", "nobody"), &out); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
}

// writers is how many goroutines race.
const writers = 32

// together runs f in many goroutines at once.
func together(f func(i int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range writers {
		wg.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	wg.Wait()
}

// checkRaces gives out numbers by compare-and-set: each is given once.
func checkRaces(t *testing.T, s suite) {
	c, ctx := s.C(things), background(t)
	insert(t, c, d("_id", "k", "seq", 0))
	var won atomic.Int64
	together(func(int) {
		for range 10 {
			var doc struct{ Seq int64 }
			if err := c.One(ctx, d("_id", "k"), &doc); err != nil {
				t.Error(err)
				return
			}
			n, err := c.Update(ctx, d("_id", "k", "seq", doc.Seq), d("$set", d("seq", doc.Seq+1)))
			if err != nil {
				t.Error(err)
			}
			won.Add(n)
		}
	})
	if got := read(t, c, "k"); got["seq"] != won.Load() || won.Load() == 0 {
		t.Errorf("%d won, but seq is %v", won.Load(), got["seq"])
	}
}

func checkUpsertRaces(t *testing.T, s suite) {
	c, ctx := s.C(things), background(t)
	for round := range 10 {
		id := fmt.Sprint("k", round)
		var inserted atomic.Int64
		together(func(int) {
			ok, err := c.Upsert(ctx, d("_id", id), d("$inc", d("n", 1)))
			if err != nil {
				t.Error(err)
			}
			if ok {
				inserted.Add(1)
			}
		})
		if got := read(t, c, id); inserted.Load() != 1 || got["n"] != int64(writers) {
			t.Errorf("%d inserted, %v", inserted.Load(), got)
		}
	}
}

// checkModifyRaces counts by Modify: each number is read once.
func checkModifyRaces(t *testing.T, s suite) {
	c, ctx := s.C(things), background(t)
	var mu sync.Mutex
	seen := map[int64]bool{}
	together(func(int) {
		for range 5 {
			var doc struct{ N int64 }
			if err := c.Modify(ctx, d("_id", "counter"), d("$inc", d("n", 1)), true, &doc); err != nil {
				t.Error(err)
			}
			mu.Lock()
			seen[doc.N] = true
			mu.Unlock()
		}
	})
	if len(seen) != 5*writers {
		t.Errorf("%d different numbers of %d", len(seen), 5*writers)
	}
}

func checkMigrate(t *testing.T, s suite) {
	insert(t, s.C(things), d("_id", "a", "group", "g"))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := s.Migrate(background(t)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := ids(t, s.C(things), d("group", "g")); len(got) != 1 {
		t.Errorf("after migrating again: %v", got)
	}
	if err := s.Ping(background(t)); err != nil || s.Engine() == "" {
		t.Error(err, s.Engine())
	}
}

func checkCancelled(t *testing.T, s suite) {
	c := s.C(things)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := c.Insert(ctx, d("_id", "a")); !errors.Is(err, store.ErrUnavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("insert: %v", err)
	}
	var out bson.D
	if err := c.One(ctx, d("_id", "a"), &out); err == nil {
		t.Error("read")
	}
}

func checkClosed(t *testing.T, s suite) {
	c, ctx := s.C(things), background(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.Insert(ctx, d("_id", "a")); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("insert: %v", err)
	}
	var out bson.D
	if err := c.One(ctx, d("_id", "a"), &out); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("read: %v", err)
	}
	if _, err := c.Bulk(ctx, store.Write{Insert: d("_id", "a")}); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("bulk: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("close again: %v", err)
	}
}
