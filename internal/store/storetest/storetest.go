// Package storetest is the conformance suite of the store's engines: what Parley relies on,
// each with a name. An engine that passes it can hold the record.
package storetest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/parley-hub/parley/internal/store"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// The collections of the suite's schema.
const (
	things  = "things"
	uniques = "uniques"
)

// Specs is the schema that the stores under test are opened with.
var Specs = []store.Spec{
	{Name: things, Indexes: []store.Index{
		{Name: "group", Fields: []string{"group", "-at", "-_id"}},
		{Name: "value", Fields: []string{"group", "n", "_id"}},
		{Name: "state", Fields: []string{"group", "state", "-at", "-_id"}},
		{Name: "tags", Fields: []string{"tags", "group", "-at", "-_id"}, Array: true},
		{Name: "city", Fields: []string{"where.city", "_id"}},
		{Name: "ref", Fields: []string{"ref"}, Sparse: true},
	}},
	{Name: uniques, Indexes: []store.Index{
		{Name: "email", Fields: []string{"email"}, Unique: true},
		{Name: "pair", Fields: []string{"a", "b"}, Unique: true},
	}},
	{Name: store.Meta},
}

// Skip names a check, such as "bulk", or a case of it, such as "updates/unset element",
// that an engine cannot pass, and why.
type Skip struct{ Check, Reason string }

// suite is a store under test and what it is not asked.
type suite struct {
	store.Store
	skips []Skip
}

// leave skips a check or case that the engine cannot pass.
func (s suite) leave(t *testing.T, name string) {
	t.Helper()
	if i := slices.IndexFunc(s.skips, func(k Skip) bool { return k.Check == name }); i >= 0 {
		t.Skip(s.skips[i].Reason)
	}
}

// sub runs a case of a check.
func (s suite) sub(t *testing.T, check, name string, f func(*testing.T)) {
	t.Run(name, func(t *testing.T) {
		s.leave(t, check+"/"+name)
		f(t)
	})
}

// check is one named part of the suite.
type check struct {
	name string
	run  func(*testing.T, suite)
}

var checks = []check{
	{"filters", checkFilters}, {"refusals", checkRefusals}, {"scans", checkScans}, {"sorts", checkSorts}, {"paging", checkPaging},
	{"projection", checkProjection}, {"each", checkEach},
	{"updates", checkUpdates}, {"update errors", checkUpdateErrors}, {"update many", checkUpdateMany}, {"upserts", checkUpserts},
	{"modify", checkModify}, {"deletes", checkDeletes}, {"array index", checkArrayIndex}, {"sparse", checkSparse},
	{"duplicates", checkDuplicates}, {"bulk", checkBulk}, {"ids", checkIDs},
	{"values", checkValues}, {"times", checkTimes}, {"text", checkText}, {"large documents", checkLarge}, {"structs", checkStructs},
	{"compare and set races", checkRaces}, {"upsert races", checkUpsertRaces}, {"modify races", checkModifyRaces},
	{"migrate", checkMigrate}, {"cancelled", checkCancelled}, {"random", checkRandom}, {"closed", checkClosed},
}

// Run runs every check on a store of its own, which open opens empty with [Specs] and migrates.
func Run(t *testing.T, open func(testing.TB) store.Store, skips ...Skip) {
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			suite{skips: skips}.leave(t, c.name)
			c.run(t, suite{open(t), skips})
		})
	}
}

func background(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// d is a document of key, value, key, value.
func d(kv ...any) bson.D {
	out := bson.D{}
	for i := 0; i < len(kv); i += 2 {
		out = append(out, bson.E{Key: kv[i].(string), Value: kv[i+1]})
	}
	return out
}

func or(branches ...bson.D) bson.A {
	out := bson.A{}
	for _, b := range branches {
		out = append(out, b)
	}
	return out
}

var epoch = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func at(minutes int) time.Time { return epoch.Add(time.Duration(minutes) * time.Minute) }

func insert(t *testing.T, c store.Collection, docs ...bson.D) {
	t.Helper()
	for _, doc := range docs {
		if err := c.Insert(background(t), doc); err != nil {
			t.Fatalf("insert %v: %v", doc, err)
		}
	}
}

// ids reads the ids of what matches.
func ids(t *testing.T, c store.Collection, filter bson.D, opts ...store.Find) []string {
	t.Helper()
	var docs []struct {
		ID string `bson:"_id"`
	}
	if err := c.All(background(t), filter, &docs, opts...); err != nil {
		t.Fatalf("find %v: %v", filter, err)
	}
	out := make([]string, len(docs))
	for i, doc := range docs {
		out[i] = doc.ID
	}
	return out
}

func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}

// read is a document as plain Go values: int64, float64, string, time.Time, []any, map[string]any.
func read(t *testing.T, c store.Collection, id string) map[string]any {
	t.Helper()
	var doc bson.D
	if err := c.One(background(t), d("_id", id), &doc); err != nil {
		t.Fatalf("read %s: %v", id, err)
	}
	return plain(doc).(map[string]any)
}

// plain turns BSON's types into Go's.
func plain(v any) any {
	switch v := v.(type) {
	case bson.D:
		out := map[string]any{}
		for _, e := range v {
			out[e.Key] = plain(e.Value)
		}
		return out
	case bson.A:
		out := make([]any, len(v))
		for i := range v {
			out[i] = plain(v[i])
		}
		return out
	case []string:
		out := make([]any, len(v))
		for i := range v {
			out[i] = v[i]
		}
		return out
	case bson.DateTime:
		return v.Time().UTC()
	case time.Time:
		return v.UTC().Truncate(time.Millisecond)
	case int32:
		return int64(v)
	case int:
		return int64(v)
	case bson.Binary:
		return v.Data
	}
	return v
}
