package meta

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCut(t *testing.T) {
	bytes := func(s string) int { return len(s) }
	for name, c := range map[string]struct {
		text    string
		max     int
		measure func(string) int
		want    []string
	}{
		"fits":                  {"hello", 5, bytes, []string{"hello"}},
		"nothing but space":     {" \n\t", 5, bytes, nil},
		"at white space":        {"hello you there", 10, bytes, []string{"hello you ", "there"}},
		"a space too early":     {"a bcdefghijkl", 10, bytes, []string{"a bcdefghi", "jkl"}},
		"bytes of 汉字":           {"您好吗", 7, bytes, []string{"您好", "吗"}},
		"runes":                 {"您好吗", 2, utf8.RuneCountInString, []string{"您好", "吗"}},
		"a family stays whole":  {"ab👩‍👩‍👧", 5, utf8.RuneCountInString, []string{"ab", "👩‍👩‍👧"}},
		"a family that is torn": {"👩‍👩‍👧", 3, utf8.RuneCountInString, []string{"👩‍👩", "\u200d👧"}},
		"a byte of no rune":     {"a\xffb", 1, bytes, []string{"a", "\xff", "b"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Cut(c.text, c.max, c.measure); !slices.Equal(got, c.want) {
				t.Errorf("%q", got)
			}
		})
	}
}

// FuzzCut: the pieces are the text, and none is over the limit by more than one rune that alone is.
func FuzzCut(f *testing.F) {
	f.Add("hello 您好 👩‍👩‍👧 \xff", 4)
	f.Fuzz(func(t *testing.T, text string, max int) {
		if max < 4 || max > 1000 {
			return
		}
		out := Cut(text, max, func(s string) int { return len(s) })
		if strings.TrimSpace(text) == "" {
			if out != nil {
				t.Fatal("space became a message")
			}
			return
		}
		if strings.Join(out, "") != text {
			t.Fatalf("%q became %q", text, out)
		}
		for _, p := range out {
			if p == "" || len(p) > max {
				t.Fatalf("a piece has %d bytes of %d", len(p), max)
			}
		}
	})
}

func TestForms(t *testing.T) {
	for v, want := range map[string]bool{"17841405726653026": true, "": false, "1a": false, "-1": false, strings.Repeat("1", 33): false} {
		if Digits(v) != want {
			t.Errorf("Digits(%q)", v)
		}
	}
	for v, want := range map[string]string{"https://x.example/a": "https://x.example/a", "javascript:1": "", "//x": "", "https://": "", "%": ""} {
		if got := WebURL(v); got != want {
			t.Errorf("WebURL(%q) = %q", v, got)
		}
	}
	for name, check := range map[string]struct {
		f         func(string) error
		good, bad []string
	}{
		"id":      {CheckID, []string{"", "12"}, []string{"a", "1 2"}},
		"version": {CheckVersion, []string{"v25.0"}, []string{"25", "v25", "v1.0/x"}},
		"base":    {CheckBase, []string{"https://graph.facebook.com", "http://127.0.0.1:1/x"}, []string{"graph", "ftp://x", "https://x?a=1"}},
		"token":   {CheckToken, []string{"EAAB"}, []string{"", "a b", "a\nb", "\x00"}},
	} {
		for _, v := range check.good {
			if err := check.f(v); err != nil {
				t.Errorf("%s %q: %v", name, v, err)
			}
		}
		for _, v := range check.bad {
			if check.f(v) == nil {
				t.Errorf("%s %q was taken", name, v)
			}
		}
	}
}

// What an error says in detail stands behind its message; what is no object says nothing.
func TestDetails(t *testing.T) {
	for raw, want := range map[string]string{`{"details":"too late"}`: "too late", `"text"`: "", `null`: "", `[1]`: "", `{"details":7}`: ""} {
		var d Details
		if err := d.UnmarshalJSON([]byte(raw)); err != nil || string(d) != want {
			t.Errorf("%s: %q %v", raw, d, err)
		}
	}
	f := Failure(&Error{Code: 131047, Message: "Re-engagement message", Details: "too late"})
	if f.Said != "Re-engagement message: too late" || f.Code != "131047" || f.Advice != adviseWindow {
		t.Errorf("%+v", f)
	}
	for code, w := range cloud {
		if _, taken := words[pair{code, 0}]; taken || w.advice == "" {
			t.Errorf("code %d", code)
		}
	}
}
