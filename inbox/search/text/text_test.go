package text

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestBody(t *testing.T) {
	for _, c := range []struct{ name, text, body, extra string }{
		{"words", "Hello, World!", "hello world", ""},
		{"letters and digits apart", "HO-20418", "ho 20418", "ho20418"},
		{"pairs of characters", "王建国", "王建 建国 国", ""},
		{"punctuation ends a run", "你好，王", "你好 好 王", ""},
		{"runs and words", "订单12ab", "订单 单 12 ab", "12ab"},
		{"traditional", "請確認", "请确 确认 认", ""},
		{"marks", "Zürich naïve Ærø", "zurich naive aero", ""},
		{"decomposed", "Zu\u0308rich", "zurich", ""},
		{"full width", "ＡＢ１２", "ab 12", "ab12"},
		{"half-width kana", "ｶﾞ", "ガ", ""},
		{"Korean in parts", "\u1112\u1161\u11ab\u1100\u116e\u11a8", "한국 국", ""},
		{"Arabic digits", "٠١٢", "012", ""},
		{"phone", "+49 (170) 123-4567", "49 170 123 4567", "491701234567 1701234567 1234567 §01234567"},
		{"address", "maya@example.org", "maya example org", ""},
		{"word with a hyphen", "e-mail", "e mail", "email"},
		{"date", "2026-02-14", "2026 02 14", "20260214 0214"},
		{"nothing", " \t…!", "", ""},
		{"not text", "a\xff\xfeb", "a b", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Body(c.text); got != c.body {
				t.Errorf("body %q, want %q", got, c.body)
			}
			if got := Extra(c.text); got != c.extra {
				t.Errorf("extra %q, want %q", got, c.extra)
			}
		})
	}
}

func TestFieldsAreApart(t *testing.T) {
	if got := Body("one two", "three"); got != "one two · three" {
		t.Errorf("%q", got)
	}
	q := Parse(`"two three"`, false)
	if terms, _ := q.Units[0].Terms(); strings.Contains(Body("one two", "three"), strings.Join(terms, " ")) {
		t.Error("a phrase goes over two fields")
	}
}

func TestLongWordsAreCut(t *testing.T) {
	for _, k := range Tokens(strings.Repeat("abcdefgh", 100)) {
		if len(k.Term) > maxTerm {
			t.Fatalf("a term of %d bytes", len(k.Term))
		}
	}
}

// highlighted shows what a query highlights in a text.
func highlighted(q Query, s string) string {
	spans, _ := q.Match(s, true)
	var b strings.Builder
	at := 0
	for _, p := range spans {
		fmt.Fprintf(&b, "%s[%s]", s[at:p.Start], s[p.Start:p.End])
		at = p.End
	}
	return b.String() + s[at:]
}

func TestHighlightsFitTheText(t *testing.T) {
	for _, c := range []struct{ name, query, text, want string }{
		{"word", "order", "My ORDER, the order", "My [ORDER], the [order]"},
		{"while typing", "ord", "the orders", "the [orders]"},
		{"marks", "zurich", "nach Zürich!", "nach [Zürich]!"},
		{"decomposed", "zürich", "nach Zu\u0308rich!", "nach [Zu\u0308rich]!"},
		{"Chinese", "小龙", "王建国和李小龙在", "王建国和李[小龙]在"},
		{"Chinese, traditional", "确认", "請確認報告", "請[確認]報告"},
		{"number in another spacing", "ho20418", "is HO-20418 there", "is [HO-20418] there"},
		{"phone", "0170 1234567", "call +49 (170) 123-4567 now", "call +[49 (170) 123-4567] now"},
		{"phrase", `"my order"`, "my, my order", "my, [my order]"},
		{"typo", "refnd", "a refund", "a [refund]"},
		{"two words", "order refund", "refund my order", "[refund] my [order]"},
		{"address", "maya@example.org", "to maya@example.org.", "to [maya@example.org]."},
		{"full width", "width", "ｗｉｄｔｈ", "[ｗｉｄｔｈ]"},
		{"what must not be there", "order -refund", "order refund", "[order] refund"},
		{"nothing", "tea", "coffee", "coffee"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := highlighted(Parse(c.query, true), c.text); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestNear(t *testing.T) {
	for _, c := range []struct {
		a, b   string
		prefix bool
		want   bool
	}{
		{"refund", "refund", false, true}, {"refnd", "refund", false, true}, {"refuund", "refund", false, true}, {"refubd", "refund", false, true},
		{"erfund", "refund", false, true}, {"refudn", "refund", false, true}, {"rfeudn", "refund", false, false}, {"tea", "sea", false, false},
		{"refnd", "refunding", false, false}, {"refnd", "refunding", true, true}, {"заказ", "заказы", false, true},
	} {
		if got := Near(c.a, c.b, c.prefix); got != c.want {
			t.Errorf("Near(%q, %q, %v) = %v", c.a, c.b, c.prefix, got)
		}
	}
}

func TestSpellingsAreNear(t *testing.T) {
	all := Spellings("refund")
	for _, want := range []string{"refnd", "refunds", "erfund", "defund", "refun"} {
		if !slices.Contains(all, want) {
			t.Errorf("%s is missing", want)
		}
	}
	for _, s := range all {
		if !Near("refund", s, false) {
			t.Errorf("%s is not near", s)
		}
	}
	if Spellings("tea") != nil || Spellings("会议室里") != nil {
		t.Error("short words and characters have other spellings")
	}
}

func FuzzTokens(f *testing.F) {
	for _, s := range []string{"", "HO-20418", "王建国", "e\u0301\u0301", "\xff", "ｶﾞ\u3099", "٣", "\u1100\u1161", "a\u200db"} {
		f.Add(s, "o")
	}
	f.Fuzz(func(t *testing.T, s, q string) {
		at := 0
		for _, k := range Tokens(s) {
			if k.Term == "" || k.Start < at || k.End <= k.Start && k.Kind != Char || k.End > len(s) || !utf8.ValidString(k.Term) {
				t.Fatalf("%q gives %+v after %d", s, k, at)
			}
			at = k.Start
		}
		Body(s)
		Extra(s)
		spans, _ := Parse(q, true).Match(s, true)
		end := 0
		for _, p := range spans {
			if p.Start < end || p.End < p.Start || p.End > len(s) {
				t.Fatalf("%q in %q: %v", q, s, spans)
			}
			end = p.End
		}
	})
}
