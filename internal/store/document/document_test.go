package document

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

func value(t testing.TB, v any) Value {
	t.Helper()
	out, err := ValueOf(v)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// ascending are values in MongoDB's order, each class's ends among them.
var ascending = []any{
	nil, math.NaN(), math.Inf(-1), -math.MaxFloat64, int64(math.MinInt64), int64(math.MinInt64) + 1, -1e15, -2, -1.5, -1, -math.SmallestNonzeroFloat64,
	0, math.SmallestNonzeroFloat64, 0.5, 1, 1.5, 2, int64(1)<<53 - 1, int64(1) << 53, int64(1)<<53 + 1, int64(1)<<53 + 2, int64(1)<<60 - 1, float64(1 << 60), int64(1)<<60 + 1,
	int64(math.MaxInt64) - 1, int64(math.MaxInt64), float64(1 << 63), 1e300, math.Inf(1),
	"", "\x00", "A", "a", "a\x00", "aa", "ab", "b", "é", "漢", "🙂",
	[]byte{}, []byte{0}, []byte{255}, []byte{0, 0},
	false, true,
	time.Time{}, time.UnixMilli(-1), time.UnixMilli(0), time.UnixMilli(1), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
}

func TestOrder(t *testing.T) {
	for i, a := range ascending {
		for j, b := range ascending {
			va, vb := value(t, a), value(t, b)
			want := 0
			if i != j {
				want = map[bool]int{true: -1, false: 1}[i < j]
			}
			if got := Compare(va, vb); got != want {
				t.Errorf("Compare(%v, %v) = %d", a, b, got)
			}
			if got := bytes.Compare(AppendKey(nil, va), AppendKey(nil, vb)); got != want {
				t.Errorf("the keys of %v and %v compare as %d", a, b, got)
			}
		}
	}
}

func TestKeysOfRandomNumbers(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	number := func() any {
		n := int64(r.Uint64()) >> r.IntN(64)
		switch r.IntN(3) {
		case 0:
			return float64(n)
		case 1:
			return float64(n) / 3
		}
		return n
	}
	for range 20000 {
		a, b := value(t, number()), value(t, number())
		if Compare(a, b) != bytes.Compare(AppendKey(nil, a), AppendKey(nil, b)) {
			t.Fatalf("%v and %v", a, b)
		}
	}
	if !Equal(value(t, 1), value(t, 1.0)) || !Equal(value(t, 0), value(t, math.Copysign(0, -1))) {
		t.Error("equal numbers of different types differ")
	}
}

type inner struct {
	A int `json:"a"`
}

type everything struct {
	ID      string           `json:"id" bson:"_id"`
	Named   kindOf           `json:"named"`
	Inline  bool             `json:"inline,omitempty"` // the name, not the option
	Ptr     *inner           `json:"ptr,omitempty"`
	Zero    inner            `json:"zero,omitzero"`
	At      time.Time        `json:"at"`
	Maybe   *time.Time       `json:"maybe,omitempty"`
	List    []inner          `json:"list"`
	Ptrs    []*inner         `json:"ptrs,omitempty"`
	Map     map[string]inner `json:"map,omitempty"`
	ByInt   map[int]string   `json:"byInt,omitempty"`
	Raw     json.RawMessage  `json:"raw,omitempty"`
	Hash    [4]byte          `json:"hash"`
	Pair    [2]int           `json:"pair"`
	Any     any              `json:"any,omitempty"`
	F32     float32          `json:"f32"`
	U8      uint8            `json:"u8"`
	Took    time.Duration    `json:"took"`
	Doc     bson.D           `json:"doc,omitempty"`
	Skipped string           `json:"-"`
	NoTag   string
}

type kindOf string

func TestRoundTrip(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 5e6, time.UTC)
	in := everything{ID: "x", Named: "k", Inline: true, Ptr: &inner{1}, At: now, Maybe: &now, List: []inner{{1}, {2}}, Ptrs: []*inner{{3}}, Map: map[string]inner{"b": {2}, "a": {1}},
		ByInt: map[int]string{-1: "m"}, Raw: json.RawMessage(`{"a":1}`), Hash: [4]byte{1, 2, 3, 4}, Pair: [2]int{5, 6},
		Any: map[string]any{"n": int64(1), "f": 1.5, "s": "x", "l": []any{nil, true}, "t": now}, F32: 1.5, U8: 255, Took: time.Second,
		Doc: bson.D{{Key: "k", Value: "v"}}, NoTag: "n"}
	d, err := Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var out everything
	if err := Unmarshal(d, &out); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(in, out) {
		t.Errorf("got  %+v\nwant %+v", out, in)
	}
	again, err := Marshal(&in)
	if err != nil || !bytes.Equal(d, again) {
		t.Error("the same value is not the same bytes")
	}
	if err := bson.Raw(d).Validate(); err != nil {
		t.Error(err)
	}
	for field, want := range map[string]bool{"_id": true, "zero": false, "notag": true, "Skipped": false, "list": true} {
		if _, ok := lookup(d, field); ok != want {
			t.Errorf("%s: %v", field, ok)
		}
	}
	clear(d) // the result shares nothing with the document
	if !reflect.DeepEqual(in, out) {
		t.Error("decoding shares memory")
	}
}

func lookup(d Doc, name string) (Value, bool) { return field(d, name) }

func TestEmptyAndNil(t *testing.T) {
	d, err := Marshal(everything{})
	if err != nil {
		t.Fatal(err)
	}
	if v, _ := field(d, "list"); v.Type != bsoncore.TypeArray {
		t.Errorf("a nil slice became a %s", kind(v))
	}
	out := everything{Ptr: &inner{9}, NoTag: "old"}
	if err := Unmarshal(d, &out); err != nil || out.Ptr != nil || out.NoTag != "" {
		t.Errorf("what was there before remains: %+v, %v", out, err)
	}
}

func TestMismatches(t *testing.T) {
	d, err := Marshal(bson.D{{Key: "a", Value: "text"}, {Key: "u8", Value: 256}, {Key: "at", Value: 1}, {Key: "list", Value: "x"}, {Key: "pair", Value: bson.A{1}}, {Key: "f", Value: 1.5}})
	if err != nil {
		t.Fatal(err)
	}
	for name, out := range map[string]any{
		"string in a number": &struct{ A int }{}, "too large": &struct{ U8 uint8 }{}, "number in a time": &struct{ At time.Time }{}, "string in a list": &struct{ List []int }{},
		"wrong length": &struct{ Pair [2]int }{}, "fraction in a number": &struct{ F int }{}, "not a pointer": struct{}{}, "number in a struct": &struct{ At inner }{},
		"string in a bool": &struct{ A bool }{}, "string in a map": &struct{ A map[string]int }{},
	} {
		if err := Unmarshal(d, out); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for name, v := range map[string]any{"number": 1, "channel": bson.D{{Key: "c", Value: make(chan int)}}, "zero byte in a name": map[string]int{"a\x00": 1},
		"broken raw": bson.Raw{1, 2, 3}, "float keys": map[float64]int{1: 1}} {
		if _, err := Marshal(v); err == nil {
			t.Errorf("%s: stored", name)
		}
	}
}

func FuzzUnmarshal(f *testing.F) {
	d, err := Marshal(everything{ID: "x", List: []inner{{1}}, Raw: json.RawMessage("1"), Any: []any{"a", 1.5}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(d))
	f.Add([]byte{5, 0, 0, 0, 0})
	filter, err := ParseFilter(mustDoc(f, bson.D{{Key: "a.b", Value: bson.D{{Key: "$gt", Value: 1}}}, {Key: "list.a", Value: 1}}))
	if err != nil {
		f.Fatal(err)
	}
	update, err := ParseUpdate(mustDoc(f, bson.D{{Key: "$set", Value: bson.D{{Key: "list.0.a", Value: 1}}}, {Key: "$push", Value: bson.D{{Key: "a", Value: 1}}}}))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(_ *testing.T, b []byte) {
		// Only panics count: what is malformed may be refused or read in part.
		var out everything
		var m map[string]any
		_, _ = Unmarshal(b, &out), Unmarshal(b, &m)
		filter.Match(b)
		_, _ = update.Apply(b, true)
		_, _ = ParseFilter(b)
		_, _ = ParseUpdate(b)
	})
}

func mustDoc(t testing.TB, d bson.D) Doc {
	t.Helper()
	out, err := Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestUpdateKeepsWhatItDoesNotTouch(t *testing.T) {
	d := mustDoc(t, bson.D{{Key: "_id", Value: "a"}, {Key: "text", Value: strings.Repeat("x", 100)}, {Key: "o", Value: bson.D{{Key: "k", Value: 1}}}})
	u, err := ParseUpdate(mustDoc(t, bson.D{{Key: "$set", Value: bson.D{{Key: "o.k", Value: 1}}}}))
	if err != nil {
		t.Fatal(err)
	}
	same, err := u.Apply(d, false)
	if err != nil || &same[0] != &d[0] {
		t.Errorf("a change to the same value made another document: %v", err)
	}
}
