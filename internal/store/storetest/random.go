package storetest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/parley-hub/parley/internal/store"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// seedVariable repeats a failed random test.
const seedVariable = "PARLEY_TEST_SEED"

// rounds is how many random steps one test takes.
const rounds = 400

// model is the store as the naive evaluator holds it.
type model struct {
	r    *rand.Rand
	c    store.Collection
	docs map[string]map[string]any
}

// checkRandom does random writes and reads on an engine and on the naive evaluator side by side.
func checkRandom(t *testing.T, s suite) {
	seed := uint64(time.Now().UnixNano())
	if v := os.Getenv(seedVariable); v != "" {
		n, err := strconv.ParseUint(v, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		seed = n
	}
	t.Logf("%s=%d", seedVariable, seed)
	m := &model{r: rand.New(rand.NewPCG(seed, 1)), c: s.C(things), docs: map[string]map[string]any{}}
	for step := range rounds {
		switch n := m.r.IntN(10); {
		case n < 3:
			m.insert(t)
		case n < 5:
			m.update(t)
		case n == 5 && step%5 == 0:
			m.remove(t)
		default:
			m.find(t)
		}
		if t.Failed() {
			t.Fatalf("step %d", step)
		}
	}
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

func (m *model) scalar() any {
	return pick[any](m.r, nil, 0, 1, 2, 3, 1.5, -1, "", "a", "b", "ab", true, false, at(0), at(1), at(2), int64(1)<<40)
}

func (m *model) doc() bson.D {
	doc := d("_id", fmt.Sprintf("k%03d", m.r.IntN(300)), "group", pick(m.r, "g", "g", "h"))
	add := func(key string, v any) {
		if m.r.IntN(4) > 0 {
			doc = append(doc, bson.E{Key: key, Value: v})
		}
	}
	add("n", m.scalar())
	add("s", m.scalar())
	add("at", at(m.r.IntN(5)))
	add("state", pick(m.r, "open", "snoozed", "resolved"))
	tags := bson.A{}
	for range m.r.IntN(4) {
		tags = append(tags, pick(m.r, "x", "y", "z"))
	}
	add("tags", tags)
	add("where", d("city", m.scalar(), "zip", m.r.IntN(3)))
	return doc
}

func (m *model) insert(t *testing.T) {
	doc := m.doc()
	id := doc[0].Value.(string)
	err := m.c.Insert(background(t), doc)
	if _, taken := m.docs[id]; taken {
		if !store.IsDuplicate(err, "_id_") {
			t.Errorf("insert %v again: %v", doc, err)
		}
		return
	}
	if err != nil {
		t.Errorf("insert %v: %v", doc, err)
	}
	m.docs[id] = plain(doc).(map[string]any)
}

func (m *model) condition() any {
	switch m.r.IntN(8) {
	case 0, 1, 2:
		return m.scalar()
	case 3:
		return d("$in", bson.A{m.scalar(), m.scalar(), m.scalar()})
	case 4:
		return d("$ne", m.scalar())
	case 5:
		return d("$exists", m.r.IntN(2) == 0)
	case 6:
		return d(pick(m.r, "$gt", "$gte"), m.bound(), pick(m.r, "$lt", "$lte"), m.bound())
	}
	return d(pick(m.r, "$gt", "$gte", "$lt", "$lte"), m.bound())
}

func (m *model) bound() any {
	for {
		if v := m.scalar(); v != nil {
			return v
		}
	}
}

func (m *model) filter(depth int) bson.D {
	filter := bson.D{}
	for _, key := range []string{"group", "n", "s", "at", "state", "tags", "where.city", "where.zip", "_id"} {
		if m.r.IntN(5) > 0 {
			continue
		}
		switch key {
		case "group":
			filter = append(filter, bson.E{Key: key, Value: pick[any](m.r, "g", "h", d("$in", bson.A{"g", "h"}))})
		case "state":
			filter = append(filter, bson.E{Key: key, Value: pick[any](m.r, "open", d("$in", bson.A{"open", "snoozed"}))})
		case "at":
			filter = append(filter, bson.E{Key: key, Value: pick[any](m.r, at(2), d("$lt", at(3)), d("$gte", at(1), "$lt", at(4)))})
		case "tags":
			filter = append(filter, bson.E{Key: key, Value: pick[any](m.r, "x", "y", d("$in", bson.A{"x", "z"}), d("$ne", "x"))})
		case "_id":
			filter = append(filter, bson.E{Key: key, Value: d(pick(m.r, "$gt", "$lte"), fmt.Sprintf("k%03d", m.r.IntN(300)))})
		default:
			filter = append(filter, bson.E{Key: key, Value: m.condition()})
		}
	}
	if depth == 0 && m.r.IntN(4) == 0 {
		filter = append(filter, bson.E{Key: "$or", Value: or(m.filter(1), m.filter(1))})
	}
	return filter
}

func (m *model) matching(filter bson.D) []string {
	var out []string
	for id, doc := range m.docs {
		if naiveMatch(doc, filter) {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

func (m *model) find(t *testing.T) {
	filter := m.filter(0)
	sort := pick(m.r, nil, d("at", -1, "_id", -1), d("at", 1, "_id", 1), d("n", 1, "_id", 1), d("n", -1, "_id", -1), d("where.city", 1, "_id", 1),
		d("s", -1, "_id", 1), d("_id", -1), d("state", 1, "at", -1, "_id", -1))
	f := store.Find{Sort: sort, Scan: true}
	want := m.matching(filter)
	if sort != nil {
		slices.SortFunc(want, func(a, b string) int { return naiveLess(m.docs[a], m.docs[b], sort) })
		if f.Limit = m.r.IntN(8); f.Limit > 0 {
			want = want[:min(f.Limit, len(want))]
		}
	}
	got := ids(t, m.c, filter, f)
	if sort == nil {
		got = sorted(got)
	}
	if !slices.Equal(got, want) {
		t.Errorf("find %v by %v, %d: got %v, want %v", filter, sort, f.Limit, got, want)
	}
}

func (m *model) update(t *testing.T) {
	if len(m.docs) == 0 {
		return
	}
	all := m.matching(bson.D{})
	id := pick(m.r, all...)
	update := pick(m.r,
		d("$set", d("n", m.scalar(), "where.city", m.scalar())), d("$set", d("at", at(m.r.IntN(5)), "state", pick(m.r, "open", "resolved"))),
		d("$unset", d(pick(m.r, "n", "s", "at", "tags", "where.city"), "")), d("$inc", d("count", pick[any](m.r, 1, 2, 0.5))),
		d("$max", d("top", m.scalar()), "$min", d("low", m.scalar())), d("$push", d("tags", pick(m.r, "x", "y", "z"))),
		d("$addToSet", d("tags", pick(m.r, "x", "y", "z"))), d("$pull", d("tags", pick(m.r, "x", "y"))), d("$set", d("group", pick(m.r, "g", "h")), "$inc", d("where.zip", 1)),
	)
	n, err := m.c.Update(background(t), d("_id", id), update)
	if err != nil || n != 1 {
		t.Errorf("update %s %v of %v: %d, %v", id, update, m.docs[id], n, err)
		return
	}
	naiveUpdate(m.docs[id], update)
	if got := read(t, m.c, id); !alike(got, m.docs[id]) {
		t.Errorf("update %s %v: got %v, want %v", id, update, got, m.docs[id])
	}
}

func (m *model) remove(t *testing.T) {
	filter := d("group", "h", "n", m.condition())
	want := m.matching(filter)
	if n, err := m.c.Delete(background(t), filter); err != nil || int(n) != len(want) {
		t.Errorf("delete %v: %d, %v; want %v", filter, n, err, want)
	}
	for _, id := range want {
		delete(m.docs, id)
	}
}
