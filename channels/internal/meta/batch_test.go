package meta

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

func TestRead(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		want []string // entry field raw
	}{
		"a list":                {`{"object":"o","entry":[{"id":"1","messaging":[{"a":1},{"b":2}]}]}`, []string{`1 messaging {"a":1}`, `1 messaging {"b":2}`}},
		"top_level_array":       {`[{"object":"o","entry":[{"id":"1","messaging":[{"a":1}]}]}]`, []string{`1 messaging {"a":1}`}},
		"standby":               {`{"object":"o","entry":[{"id":"1","standby":[{"a":1}]}]}`, []string{`1 standby {"a":1}`}},
		"comment_changes":       {`{"object":"o","entry":[{"changes":[{"field":"comments","value":{"a":1}}],"id":1}]}`, []string{`1 comments {"a":1}`}},
		"comment_flat":          {`{"object":"o","entry":[{"id":"1","field":"comments","value":{"a":1}}]}`, []string{`1 comments {"a":1}`}},
		"everything at once":    {`{"entry":[{"id":"1","standby":[1],"changes":[{"field":"f","value":3}],"messaging":[2]}],"object":"o"}`, []string{`1 messaging 2`, `1 standby 1`, `1 f 3`}},
		"an unknown entry":      {`{"object":"o","entry":[{"id":"1","hologram":[{"x":"y"}]}]}`, []string{`1  {"id":"1","hologram":[{"x":"y"}]}`}},
		"no entry":              {`{"object":"o","what":1}`, []string{`  {"object":"o","what":1}`}},
		"an entry that is none": {`{"object":"o","entry":[null,5,{"id":"1","messaging":[{}]}]}`, []string{`  null`, `  5`, `1 messaging {}`}},
		"an object as list":     {`{"object":"o","entry":{"id":"1","messaging":{"a":1}}}`, []string{`1 messaging {"a":1}`}},
		"white space":           {"{ \"object\" : \"o\" ,\n \"entry\" : [ { \"id\" : \"1\" , \"messaging\" : [ {\"a\" : [1 , 2]} ] } ] }\n", []string{`1 messaging {"a" : [1 , 2]}`}},
		"quotes and brackets":   {`{"object":"o","entry":[{"id":"1","messaging":[{"a":"\\\"]}"},{"b":"{[\\"}]}]}`, []string{`1 messaging {"a":"\\\"]}"}`, `1 messaging {"b":"{[\\"}`}},
		"a change without":      {`{"object":"o","entry":[{"id":"1","changes":[{"field":"f"}]}]}`, []string{`1 f {"field":"f"}`}},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := Read([]byte(c.body))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, u := range b.Updates {
				got = append(got, fmt.Sprintf("%s %s %s", u.Entry, u.Field, u.Raw))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%q", got)
			}
		})
	}
	for _, bad := range []string{"", "{", "nonsense", `{"object":"o"}{`} {
		if _, err := Read([]byte(bad)); !errors.Is(err, ErrUnreadable) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// door routes by a field of the item, else by the entry.
var door = Door{Object: "o", Account: func(u Update) timeline.Handle {
	var it struct{ To string }
	if u.Listed() && json.Unmarshal(u.Raw, &it) == nil && it.To != "" {
		return timeline.Handle(it.To)
	}
	return timeline.Handle(u.Entry)
}}

func call(body string) channels.Callback {
	return channels.Callback{Method: http.MethodPost, Header: header(Sign(secret, []byte(body))), Body: []byte(body)}
}

func TestSplit(t *testing.T) {
	for name, c := range map[string]struct {
		body string
		want []string // account body
	}{
		"one account keeps every byte": {`{"object":"o", "entry":[{"id":"1","time":5,"messaging":[{"x":"\u00e4"}]}]}`,
			[]string{`1 {"object":"o", "entry":[{"id":"1","time":5,"messaging":[{"x":"\u00e4"}]}]}`}},
		"whole entries keep theirs": {`{"object":"o","entry":[{"id":"1","k":[1, 2],"messaging":[{"x":1}]},{"id":"2","messaging":[{"x":2}]},{"id":"1","messaging":[{"x":3}]}]}`,
			[]string{`1 {"object":"o","entry":[{"id":"1","k":[1, 2],"messaging":[{"x":1}]},{"id":"1","messaging":[{"x":3}]}]}`, `2 {"object":"o","entry":[{"id":"2","messaging":[{"x":2}]}]}`}},
		"object_page_vs_instagram_vs_whatsapp": {`{"object":"page","entry":[{"id":"1","messaging":[{}]}]}`, nil},
		"no object":                            {`{"entry":[{"id":"1","messaging":[{}]}]}`, nil},
		"an account that is not told":          {`{"object":"o","entry":[{"messaging":[{}]}]}`, nil},
		"dashboard_test_event":                 {`{"object":"o","entry":[{"id":"0","changes":[{"field":"f","value":{}}]}]}`, []string{` {"object":"o","entry":[{"id":"0","changes":[{"field":"f","value":{}}]}]}`}},
	} {
		t.Run(name, func(t *testing.T) {
			ss, a, err := door.Split(call(c.body), "tok", []string{secret})
			if err != nil || a.Status != 0 {
				t.Fatal(a, err)
			}
			var got []string
			for _, s := range ss {
				got = append(got, string(s.Account)+" "+string(s.Body))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%q", got)
			}
		})
	}
}

// An entry about two accounts is cut between its items, and nothing is lost or doubled.
func TestSplitInsideAnEntry(t *testing.T) {
	body := `{"object":"o","entry":[{"id":"1","time":7,"messaging":[{"To":"1","n":1},{"To":"2","n":2}],"standby":[{"To":"2","n":3}],"changes":[{"field":"f\"","value":{"n":4}}]}]}`
	ss, _, err := door.Split(call(body), "tok", []string{secret})
	if err != nil || len(ss) != 2 {
		t.Fatal(ss, err)
	}
	var got []string
	for _, s := range ss {
		b, err := Read(s.Body)
		if err != nil {
			t.Fatalf("%s: %v", s.Body, err)
		}
		for _, u := range b.Updates {
			got = append(got, fmt.Sprintf("%s %s %s %s %d", s.Account, u.Entry, u.Field, u.Raw, u.At.Unix()))
		}
	}
	want := []string{`1 1 messaging {"To":"1","n":1} 7`, `1 1 f" {"n":4} 7`, `2 1 messaging {"To":"2","n":2} 7`, `2 1 standby {"To":"2","n":3} 7`}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestSplitRefuses(t *testing.T) {
	forged := call(`{"object":"o"}`)
	forged.Header = header("sha256=no")
	if ss, _, err := door.Split(forged, "tok", []string{secret}); !errors.Is(err, channels.ErrForged) || ss != nil {
		t.Error(ss, err)
	}
	var p *channels.Problem
	if _, _, err := door.Split(call("not json"), "tok", []string{secret}); !errors.As(err, &p) || p.Status != http.StatusBadRequest {
		t.Error(err)
	}
	put := call("{}")
	put.Method = http.MethodPut
	if _, _, err := door.Split(put, "tok", []string{secret}); !errors.As(err, &p) || p.Status != http.StatusMethodNotAllowed {
		t.Error(err)
	}
}

// webhook_3mb_batch: a thousand updates in one body are cut up within a moment.
func TestSplitThousand(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"object":"o","entry":[`)
	for i := range 1000 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":"%d","messaging":[{"n":%d,"text":"%s"}]}`, i%2, i, strings.Repeat(`\u60a8`, 500))
	}
	b.WriteString(`]}`)
	began := time.Now()
	d := Door{Object: "o", Account: func(u Update) timeline.Handle { return timeline.Handle("a" + u.Entry) }}
	ss, _, err := d.Split(call(strings.ReplaceAll(b.String(), `"id":"0"`, `"id":"7"`)), "tok", []string{secret})
	if err != nil || len(ss) != 2 {
		t.Fatal(len(ss), err)
	}
	n := 0
	for _, s := range ss {
		batch, err := Read(s.Body)
		if err != nil {
			t.Fatal(err)
		}
		n += len(batch.Updates)
	}
	if n != 1000 {
		t.Errorf("%d updates", n)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestTimestamps(t *testing.T) {
	want := time.Date(2018, 5, 24, 17, 3, 44, 0, time.UTC)
	for name, raw := range map[string]string{"timestamps_s_ms_string: seconds": `1527181424`, "milliseconds": `1527181424000`, "string of seconds": `"1527181424"`,
		"string of milliseconds": `"1527181424000"`, "no colon in the zone": `"2018-05-24T17:03:44+0000"`, "RFC 3339": `"2018-05-24T19:03:44+02:00"`} {
		var s Stamp
		if err := json.Unmarshal([]byte(raw), &s); err != nil || !s.Time().Equal(want) || s.Time().Location() != time.UTC {
			t.Errorf("%s: %v %v", name, s.Time(), err)
		}
	}
	for _, raw := range []string{`null`, `"not-a-number"`, `[]`, `{}`, `-5`, `0`, `""`, `true`} {
		var s Stamp
		if err := json.Unmarshal([]byte(raw), &s); err != nil || !s.Time().IsZero() {
			t.Errorf("%s: %v %v", raw, s.Time(), err)
		}
	}
	var far Stamp
	if err := json.Unmarshal([]byte(`9223372036854775807`), &far); err != nil {
		t.Fatal(err)
	}
	if _, err := json.Marshal(far.Time()); err != nil {
		t.Error("a moment of the far future cannot be written:", err)
	}
}

func TestTolerantValues(t *testing.T) {
	var v struct {
		A, B, C Text
		N, M, O Int
	}
	if err := json.Unmarshal([]byte(`{"A":"1","B":17841405726653026,"C":{"x":1},"N":2,"M":"3","O":"many"}`), &v); err != nil {
		t.Fatal(err)
	}
	if v.A != "1" || v.B != "17841405726653026" || v.C != "" || v.N != 2 || v.M != 3 || v.O != 0 {
		t.Errorf("%+v", v)
	}
}

// FuzzRead: whatever is valid JSON is cut up without panic, and each part is JSON itself.
func FuzzRead(f *testing.F) {
	for _, s := range []string{body, `[]`, `{"entry":[{"messaging":[{"a":"\\\""}],"changes":[{"field":"f","value":[1,{"b":2}]}]}]}`, `{"object":"o","entry":[{"id":"1","standby":[{"To":"2"}],"messaging":[{"To":"1"}]}]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		b, err := Read(body)
		if err != nil {
			return
		}
		for _, u := range b.Updates {
			if len(u.Raw) > 0 && !json.Valid(u.Raw) {
				t.Fatalf("%q is no JSON", u.Raw)
			}
		}
		ss, _, err := door.Split(call(string(body)), "tok", []string{secret})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, s := range ss {
			part, err := Read(s.Body)
			if err != nil {
				t.Fatalf("a slice is no JSON: %q", s.Body)
			}
			n += len(part.Updates)
		}
		if n > len(b.Updates) {
			t.Fatalf("%d updates became %d", len(b.Updates), n)
		}
	})
}
