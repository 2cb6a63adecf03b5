package search_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/parley-hub/parley/inbox/search"
)

func TestShowCutsAroundTheFirstFindAndCountsAsBrowsersDo(t *testing.T) {
	long := strings.Repeat("before 😀 ", 60) + "the parcel " + strings.Repeat("after 订 ", 60)
	for _, c := range []struct{ name, query, text, hit string }{
		{"short", "parcel", "a parcel", "parcel"}, {"after a face", "parcel", "😀 a parcel", "parcel"}, {"long", "parcel", long, "parcel"}, {"Chinese", "退款", "请退款吧", "退款"},
	} {
		t.Run(c.name, func(t *testing.T) {
			shown := search.Ask(search.Query{Text: c.query}).Show(&search.Doc{Fields: []search.Field{{Name: "text", Text: c.text}, {Name: "other", Text: "nothing"}}})
			if len(shown) != 1 || len(shown[0].Ranges) != 1 {
				t.Fatalf("%+v", shown)
			}
			units := utf16.Encode([]rune(shown[0].Text))
			r := shown[0].Ranges[0]
			if got := string(utf16.Decode(units[r[0]:r[1]])); got != c.hit {
				t.Errorf("highlights %q in %q", got, shown[0].Text)
			}
			if n := len([]rune(shown[0].Text)); n > search.ShownRunes+2 {
				t.Errorf("%d runes are shown", n)
			}
		})
	}
}

func TestShowGivesTheFirstFieldWhereNothingIsShown(t *testing.T) {
	shown := search.Ask(search.Query{}).Show(&search.Doc{Fields: []search.Field{{Name: "name", Text: "Maya"}, {Name: "note", Text: "tea"}}})
	if len(shown) != 1 || shown[0].Name != "name" || len(shown[0].Ranges) != 0 {
		t.Errorf("%+v", shown)
	}
}

func TestRankPrefersWhatFits(t *testing.T) {
	doc := func(texts ...string) *search.Doc {
		d := &search.Doc{}
		for _, s := range texts {
			d.Fields = append(d.Fields, search.Field{Name: "f", Text: s})
		}
		return d
	}
	a := search.Ask(search.Query{Text: "order", Typing: true})
	order := []float64{a.Rank(doc("order", "x")), a.Rank(doc("ordering", "x")), a.Rank(doc("x", "order")), a.Rank(doc("ordre", "x")), a.Rank(doc("x", "y"))}
	if !slices.IsSortedFunc(order, func(x, y float64) int {
		if x > y {
			return -1
		}
		return 1
	}) {
		t.Errorf("ranks %v, want them to fall", order)
	}
}
