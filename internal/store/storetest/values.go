package storetest

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"go.mongodb.org/mongo-driver/v2/bson"
)

func checkValues(t *testing.T, s suite) {
	c := s.C(things)
	doc := d("_id", "a", "int", 1, "big", int64(math.MaxInt64), "small", int64(math.MinInt64), "float", 0.1, "bool", true, "null", nil, "text", "x",
		"time", at(1), "doc", d("b", 1, "a", d()), "list", bson.A{1, "x", nil, d("k", 1)}, "bytes", []byte{0, 1, 255}, "empty", []byte{})
	insert(t, c, doc)
	want := plain(doc).(map[string]any)
	want["bytes"], want["empty"] = []byte{0, 1, 255}, []byte{}
	if got := read(t, c, "a"); !alike(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
	s.sub(t, "values", "nested arrays", func(t *testing.T) {
		nested := d("_id", "nested", "list", bson.A{bson.A{}, bson.A{1, bson.A{2}}})
		insert(t, c, nested)
		if got := read(t, c, "nested"); !alike(got, plain(nested)) {
			t.Errorf("got %v", got)
		}
	})
	if err := c.Insert(background(t), map[string]any{"_id": "m", "u": uint64(math.MaxUint64)}); err == nil {
		t.Error("a number that does not fit was stored")
	}
	if err := c.Insert(background(t), d("_id", "f", "f", func() {})); err == nil {
		t.Error("a function was stored")
	}
}

func checkTimes(t *testing.T, s suite) {
	c, ctx := s.C(things), background(t)
	type timed struct {
		ID    string     `json:"id" bson:"_id"`
		Group string     `json:"group"`
		At    time.Time  `json:"at"`
		Maybe *time.Time `json:"maybe,omitempty"`
		Zero  time.Time  `json:"zero"`
		Gone  time.Time  `json:"gone,omitzero"`
	}
	moments := []time.Time{time.Date(1969, 12, 31, 23, 59, 59, 999e6, time.UTC), time.Unix(0, 0), at(0),
		time.Date(2026, 7, 1, 9, 0, 0, 123456789, time.FixedZone("there", 7200)), time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)}
	for i, m := range moments {
		in := timed{ID: string(rune('a' + i)), Group: "g", At: m, Maybe: &m}
		if err := c.Insert(ctx, in); err != nil {
			t.Fatal(err)
		}
		var out timed
		if err := c.One(ctx, d("_id", in.ID), &out); err != nil {
			t.Fatal(err)
		}
		want := timeline.Moment(m)
		if !out.At.Equal(want) || out.At.Location() != time.UTC || !out.Maybe.Equal(want) || !out.Zero.IsZero() || !out.Gone.IsZero() {
			t.Errorf("%v came back as %+v", m, out)
		}
	}
	if got := strings.Join(ids(t, c, d("group", "g"), store.Find{Sort: d("at", 1, "_id", 1)}), ""); got != "abcde" {
		t.Errorf("order %s", got)
	}
	if got := strings.Join(ids(t, c, d("group", "g", "at", d("$gt", moments[0], "$lte", moments[3])), store.Find{Sort: d("at", -1, "_id", -1)}), ""); got != "dcb" {
		t.Errorf("range %s", got)
	}
	if got := read(t, c, "a"); got["gone"] != nil {
		t.Errorf("a zero time was stored: %v", got)
	}
}

func checkText(t *testing.T, s suite) {
	c, ctx := s.C(things), background(t)
	for i, text := range []string{"", "plain", "ünïcødé", "漢字かな", "🙂👩‍👩‍👧", "line\nbreak\ttab", "quote\"'`", strings.Repeat("x", 5000), "nul\x00inside"} {
		id := string(rune('a' + i))
		insert(t, c, d("_id", id, "group", text, "s", text))
		if got := read(t, c, id); got["s"] != text {
			t.Errorf("%q came back as %q", text, got["s"])
		}
		if got := ids(t, c, d("group", text)); len(got) != 1 || got[0] != id {
			t.Errorf("%q found %v", text, got)
		}
	}
	insert(t, c, d("_id", "invalid", "group", "bad", "s", "a\xff\xfeb"))
	if got := read(t, c, "invalid"); got["s"] != "a\uFFFDb" {
		t.Errorf("invalid UTF-8 became %q", got["s"])
	}
	if _, err := c.Update(ctx, d("_id", "invalid"), d("$set", d("s", "\xc3"))); err != nil {
		t.Fatal(err)
	}
	if got := read(t, c, "invalid"); got["s"] != "\uFFFD" {
		t.Errorf("invalid UTF-8 in an update became %q", got["s"])
	}
}

func checkLarge(t *testing.T, s suite) {
	c, ctx := s.C(things), background(t)
	text := strings.Repeat("0123456789abcdef", 1<<16) // 1 MiB
	insert(t, c, d("_id", "a", "group", "g", "text", text))
	if _, err := c.Update(ctx, d("_id", "a"), d("$set", d("n", 1))); err != nil {
		t.Fatal(err)
	}
	if got := read(t, c, "a"); got["text"] != text || got["n"] != int64(1) {
		t.Error("a large document came back differently")
	}
	if err := c.Insert(ctx, d("_id", "b", "text", strings.Repeat(text, 17))); err == nil {
		t.Error("17 MiB were stored")
	}
}

// checkStructs stores the hub's own documents.
func checkStructs(t *testing.T, s suite) {
	c, ctx := s.C(things), background(t)
	now := timeline.Now()
	event := timeline.Event{ID: "acct|msg:1", Kind: timeline.KindMessage, Conversation: "c", Seq: 1, Direction: timeline.In, At: now, Received: now,
		Actor:   timeline.Actor{Kind: timeline.ActorCustomer, ID: "p", Name: "Maya"},
		Message: &timeline.Message{Text: "hi", Parts: []timeline.Part{{Kind: "image", Size: 12, Expires: &now}}, Reactions: []timeline.ReactionBy{{Emoji: "👍", At: now}}},
		Unknown: &timeline.Unknown{Type: "x", Raw: json.RawMessage(`{"a": [1, 2]}`)}, Control: &timeline.Control{Name: "owner", Data: map[string]string{"b": "2", "a": "1"}}}
	conv := timeline.Conversation{ID: "c", Number: 5, State: timeline.Open, Labels: []string{"vip"}, Legs: []timeline.Leg{{ID: "l", LastIn: &now,
		Opened: map[string]timeline.Window{"message": {At: now, Used: 1}}}}, LastAt: now, CreatedAt: now, Last: &timeline.Preview{Text: "hi", At: now}}
	for _, in := range []any{event, conv} {
		if err := c.Insert(ctx, in); err != nil {
			t.Fatal(err)
		}
	}
	var e timeline.Event
	if err := c.One(ctx, d("_id", event.ID), &e); err != nil || !reflect.DeepEqual(e, event) {
		t.Errorf("event: %v\ngot  %+v\nwant %+v", err, e, event)
	}
	var v timeline.Conversation
	if err := c.One(ctx, d("_id", conv.ID), &v); err != nil || !reflect.DeepEqual(v, conv) {
		t.Errorf("conversation: %v\ngot  %+v\nwant %+v", err, v, conv)
	}
	raw := read(t, c, "acct|msg:1")
	for _, field := range []string{"thread", "leg", "edit", "late", "id"} {
		if _, ok := raw[field]; ok {
			t.Errorf("%s was stored", field)
		}
	}
	if _, err := c.Update(ctx, d("_id", conv.ID), d("$set", d("last", timeline.Preview{Text: "new", Seq: 2, At: now}, "state", timeline.Resolved, "legs.0.readSeq", 2))); err != nil {
		t.Fatal(err)
	}
	if err := c.One(ctx, d("_id", conv.ID), &v); err != nil || v.Last.Text != "new" || v.Last.Seq != 2 || v.State != timeline.Resolved || v.Legs[0].ReadSeq != 2 {
		t.Errorf("after an update: %+v, %v", v, err)
	}
	var list []*timeline.Conversation
	if err := c.All(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: []timeline.ConversationID{"c"}}}}}, &list); err != nil || len(list) != 1 || list[0].Number != 5 {
		t.Errorf("pointers: %v, %v", list, err)
	}
}
