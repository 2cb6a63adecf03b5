package storetest

import (
	"errors"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/parley-hub/parley/internal/store"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// alike compares plain values; 1 and 1.0 are one number.
func alike(a, b any) bool {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for k := range x {
			if _, ok := y[k]; !ok || !alike(x[k], y[k]) {
				return false
			}
		}
		return true
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !alike(x[i], y[i]) {
				return false
			}
		}
		return true
	case int64:
		if f, ok := b.(float64); ok {
			return float64(x) == f
		}
	case float64:
		if n, ok := b.(int64); ok {
			return x == float64(n)
		}
	case time.Time:
		y, ok := b.(time.Time)
		return ok && x.Equal(y)
	}
	return reflect.DeepEqual(a, b)
}

var updateCases = []struct {
	name           string
	before, update bson.D
	after          bson.D
}{
	{"set", d("a", 1), d("$set", d("a", 2, "b", "x")), d("a", 2, "b", "x")},
	{"set null", d("a", 1), d("$set", d("a", nil)), d("a", nil)},
	{"set path", d(), d("$set", d("a.b.c", 1)), d("a", d("b", d("c", 1)))},
	{"set beside", d("a", d("x", 1)), d("$set", d("a.b", 1)), d("a", d("x", 1, "b", 1))},
	{"set two below", d("a", d("x", 1)), d("$set", d("a.b", 1, "a.x", 2)), d("a", d("x", 2, "b", 1))},
	{"set element", d("a", bson.A{1, 2}), d("$set", d("a.1", 9)), d("a", bson.A{1, 9})},
	{"set in element", d("a", bson.A{d("k", 1), d("k", 2)}), d("$set", d("a.1.k", 9)), d("a", bson.A{d("k", 1), d("k", 9)})},
	{"set element behind", d("a", bson.A{1}), d("$set", d("a.3", 9)), d("a", bson.A{1, nil, nil, 9})},
	{"set same", d("a", 1), d("$set", d("a", 1)), d("a", 1)},
	{"unset", d("a", 1, "b", 2), d("$unset", d("a", "")), d("b", 2)},
	{"unset path", d("a", d("x", 1, "y", 2)), d("$unset", d("a.x", "")), d("a", d("y", 2))},
	{"unset missing", d("a", 1), d("$unset", d("b", "", "c.d", "")), d("a", 1)},
	{"unset element", d("a", bson.A{1, 2}), d("$unset", d("a.0", "")), d("a", bson.A{nil, 2})},
	{"inc", d("a", 1), d("$inc", d("a", 2, "b", 5)), d("a", 3, "b", 5)},
	{"inc down", d("a", 1), d("$inc", d("a", -2)), d("a", -1)},
	{"inc path", d("a", d("n", 1)), d("$inc", d("a.n", 1)), d("a", d("n", 2))},
	{"inc fraction", d("a", 1), d("$inc", d("a", 0.5)), d("a", 1.5)},
	{"inc big", d("a", int64(1<<60)), d("$inc", d("a", 1)), d("a", int64(1<<60+1))},
	{"max raises", d("a", 1), d("$max", d("a", 2, "b", 1)), d("a", 2, "b", 1)},
	{"max keeps", d("a", 3), d("$max", d("a", 2)), d("a", 3)},
	{"min lowers", d("a", 3), d("$min", d("a", 2)), d("a", 2)},
	{"min keeps", d("a", 1), d("$min", d("a", 2)), d("a", 1)},
	{"max of times", d("a", at(1)), d("$max", d("a", at(2))), d("a", at(2))},
	{"push", d("a", bson.A{1}), d("$push", d("a", 2, "b", 1)), d("a", bson.A{1, 2}, "b", bson.A{1})},
	{"push document", d(), d("$push", d("a", d("k", 1))), d("a", bson.A{d("k", 1)})},
	{"push each", d("a", bson.A{1}), d("$push", d("a", d("$each", bson.A{2, 3}))), d("a", bson.A{1, 2, 3})},
	{"push, keep the last", d("a", bson.A{1, 2}), d("$push", d("a", d("$each", bson.A{3}, "$slice", -2))), d("a", bson.A{2, 3})},
	{"push array", d("a", bson.A{}), d("$push", d("a", bson.A{1})), d("a", bson.A{bson.A{1}})},
	{"pull", d("a", bson.A{1, 2, 1}), d("$pull", d("a", 1)), d("a", bson.A{2})},
	{"pull missing", d("b", 1), d("$pull", d("a", 1)), d("b", 1)},
	{"pull by condition", d("a", bson.A{d("k", 1, "v", 1), d("k", 2)}), d("$pull", d("a", d("k", 1))), d("a", bson.A{d("k", 2)})},
	{"add to set", d("a", bson.A{1}), d("$addToSet", d("a", 1, "b", "x")), d("a", bson.A{1}, "b", bson.A{"x"})},
	{"add each to set", d("a", bson.A{1}), d("$addToSet", d("a", d("$each", bson.A{1, 2, 2}))), d("a", bson.A{1, 2})},
	{"set on insert is not for updates", d("a", 1), d("$setOnInsert", d("a", 2), "$set", d("b", 1)), d("a", 1, "b", 1)},
	{"several", d("a", 1, "b", bson.A{}), d("$set", d("c", 1), "$inc", d("a", 1), "$push", d("b", 1)), d("a", 2, "b", bson.A{1}, "c", 1)},
}

func checkUpdates(t *testing.T, s suite) {
	c, ctx := s.C(things), background(t)
	for _, tc := range updateCases {
		s.sub(t, "updates", tc.name, func(t *testing.T) {
			insert(t, c, append(d("_id", tc.name), tc.before...))
			n, err := c.Update(ctx, d("_id", tc.name), tc.update)
			if err != nil || n != 1 {
				t.Fatalf("matched %d, %v", n, err)
			}
			want := plain(append(d("_id", tc.name), tc.after...))
			if got := read(t, c, tc.name); !alike(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
	if n, err := c.Update(ctx, d("_id", "nobody"), d("$set", d("a", 1))); n != 0 || err != nil {
		t.Errorf("no match: %d, %v", n, err)
	}
}

func checkUpdateErrors(t *testing.T, s suite) {
	c, ctx := s.C(things), background(t)
	insert(t, c, d("_id", "a", "s", "x", "n", int64(math.MaxInt64), "o", d("k", 1), "list", bson.A{1}))
	for name, u := range map[string]bson.D{
		"inc a string": d("$inc", d("s", 1)), "inc by a string": d("$inc", d("q", "1")), "inc too far": d("$inc", d("n", 1)),
		"push to a string": d("$push", d("s", 1)), "path into a string": d("$set", d("s.a", 1)), "name in an array": d("$set", d("list.x", 1)),
		"change the id": d("$set", d("_id", "b")), "twice": d("$set", d("q", 1), "$inc", d("q", 1)), "above and below": d("$set", d("o", 1, "o.k", 2)),
		"add to a document": d("$addToSet", d("o", 1)),
	} {
		before := read(t, c, "a")
		if _, err := c.Update(ctx, d("_id", "a"), u); err == nil || errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
		if got := read(t, c, "a"); !alike(got, before) {
			t.Errorf("%s: changed the document to %v", name, got)
		}
	}
	if n, err := c.Update(ctx, d("_id", "a"), d("$set", d("_id", "a", "q", 1))); n != 1 || err != nil {
		t.Errorf("setting the same id: %d, %v", n, err)
	}
}

func checkUpdateMany(t *testing.T, s suite) {
	c, ctx := s.C(things), background(t)
	insert(t, c, zoo()...)
	if n, err := c.UpdateMany(ctx, d("group", "g", "n", d("$gte", 1)), d("$set", d("group", "h"))); n != 3 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	if got := ids(t, c, d("group", "h"), store.Find{Sort: d("n", 1, "_id", 1)}); len(got) != 3 {
		t.Errorf("moved %v", got)
	}
	if n, err := c.UpdateMany(ctx, d(), d("$set", d("q", 1))); n != 10 || err != nil {
		t.Errorf("all: %d, %v", n, err)
	}
	if n, err := c.UpdateMany(ctx, d("group", "nobody"), d("$set", d("q", 1))); n != 0 || err != nil {
		t.Errorf("none: %d, %v", n, err)
	}
}

func checkUpserts(t *testing.T, s suite) {
	c, ctx := s.C(things), background(t)
	u := d("$set", d("s", "x"), "$inc", d("n", 1), "$setOnInsert", d("made", true), "$max", d("top", 3), "$push", d("list", 1))
	for _, want := range []bool{true, false} {
		inserted, err := c.Upsert(ctx, d("_id", "k", "group", "g"), u)
		if err != nil || inserted != want {
			t.Fatalf("inserted %v, %v", inserted, err)
		}
	}
	want := plain(d("_id", "k", "group", "g", "s", "x", "n", 2, "made", true, "top", 3, "list", bson.A{1, 1}))
	if got := read(t, c, "k"); !alike(got, want) {
		t.Errorf("got %v", got)
	}
	if _, err := c.Upsert(ctx, d("_id", "p", "where.city", "Oslo", "n", d("$gt", 1)), d("$set", d("s", 1))); err != nil {
		t.Fatal(err)
	}
	if got := read(t, c, "p"); !alike(got, plain(d("_id", "p", "where", d("city", "Oslo"), "s", 1))) {
		t.Errorf("from a path and a range: %v", got)
	}
	if inserted, err := c.Upsert(ctx, d("group", "new"), d("$set", d("s", 1))); !inserted || err != nil {
		t.Fatal(inserted, err)
	}
	if got := ids(t, c, d("group", "new")); len(got) != 1 || len(got[0]) != 26 {
		t.Errorf("made ids %v", got)
	}
	// The id is there but the rest of the filter does not match: a compare-and-set that lost.
	if _, err := c.Upsert(ctx, d("_id", "k", "n", 77), d("$set", d("s", 1))); !store.IsDuplicate(err, "_id_") {
		t.Errorf("lost: %v", err)
	}
}

func checkModify(t *testing.T, s suite) {
	c, ctx := s.C(things), background(t)
	var out struct {
		ID string `bson:"_id"`
		N  int64  `json:"n"`
	}
	if err := c.Modify(ctx, d("_id", "k"), d("$inc", d("n", 1)), false, &out); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("nothing there: %v", err)
	}
	for want := int64(1); want <= 3; want++ {
		if err := c.Modify(ctx, d("_id", "k"), d("$inc", d("n", 1)), true, &out); err != nil || out.N != want || out.ID != "k" {
			t.Fatalf("got %+v, %v", out, err)
		}
	}
	if err := c.Modify(ctx, d("_id", "k"), d("$max", d("n", 1)), false, &out); err != nil || out.N != 3 {
		t.Errorf("unchanged: %+v, %v", out, err)
	}
	if err := c.Modify(ctx, d("_id", "k"), d("$inc", d("_id", 1)), false, &out); err == nil {
		t.Error("an id was incremented")
	}
}

func checkDeletes(t *testing.T, s suite) {
	c, ctx := s.C(things), background(t)
	insert(t, c, zoo()...)
	for _, tc := range []struct {
		filter bson.D
		want   int64
	}{{d("_id", "a"), 1}, {d("_id", "a"), 0}, {d("tags", "red", "group", "g"), 1}, {d("group", "g"), 7}, {d(), 1}, {d(), 0}} {
		if n, err := c.Delete(ctx, tc.filter); n != tc.want || err != nil {
			t.Errorf("delete %v: %d, %v", tc.filter, n, err)
		}
	}
	insert(t, c, zoo()...) // nothing of the deleted is left in any index
	if got := ids(t, c, d("tags", "red", "group", "g")); len(got) != 2 {
		t.Errorf("again: %v", got)
	}
}

func checkArrayIndex(t *testing.T, s suite) {
	c, ctx := s.C(things), background(t)
	insert(t, c, d("_id", "a", "group", "g", "at", at(1), "tags", bson.A{"x", "y", "x"}))
	steps := []struct {
		update     bson.D
		x, y, z, w int
	}{
		{nil, 1, 1, 0, 0},
		{d("$push", d("tags", "z")), 1, 1, 1, 0}, {d("$pull", d("tags", "x")), 0, 1, 1, 0},
		{d("$addToSet", d("tags", "y")), 0, 1, 1, 0}, {d("$set", d("at", at(9))), 0, 1, 1, 0},
		{d("$set", d("tags", bson.A{"w"})), 0, 0, 0, 1}, {d("$set", d("tags", "z")), 0, 0, 1, 0}, {d("$unset", d("tags", "")), 0, 0, 0, 0},
	}
	for i, st := range steps {
		if st.update != nil {
			if _, err := c.Update(ctx, d("_id", "a"), st.update); err != nil {
				t.Fatal(err)
			}
		}
		for tag, want := range map[string]int{"x": st.x, "y": st.y, "z": st.z, "w": st.w} {
			if got := ids(t, c, d("tags", tag, "group", "g"), store.Find{Sort: d("at", -1, "_id", -1)}); len(got) != want {
				t.Errorf("step %d: %s found %v", i, tag, got)
			}
		}
	}
}

func checkSparse(t *testing.T, s suite) {
	c := s.C(things)
	insert(t, c, d("_id", "a", "ref", "r"), d("_id", "b"), d("_id", "c", "ref", "r"), d("_id", "e", "ref", "s"))
	if got := sorted(ids(t, c, d("ref", "r"))); len(got) != 2 || got[0] != "a" {
		t.Errorf("found %v", got)
	}
	if _, err := c.Update(background(t), d("_id", "a"), d("$unset", d("ref", ""))); err != nil {
		t.Fatal(err)
	}
	if got := ids(t, c, d("ref", d("$in", bson.A{"r", "s"}))); len(got) != 2 {
		t.Errorf("after: %v", got)
	}
}
