package search

import (
	"unicode"
	"unicode/utf8"

	"github.com/parley-hub/parley/inbox/search/text"
)

// Asked is a query's text, understood once.
type Asked struct {
	text.Query
}

// Ask understands the text of a query.
func Ask(q Query) Asked { return Asked{text.Parse(q.Text, q.Typing)} }

// Rank says how well a document fits: more is better. A word counts for most where it stands as
// typed in the first field; long texts count a little less.
func (a Asked) Rank(d *Doc) float64 {
	best := make([]float64, len(a.Units))
	length := 0
	for i, f := range d.Fields {
		weight := 1 / (1 + 0.5*float64(i))
		_, found := a.Match(f.Text, true)
		for k, x := range found {
			score := weight * x.Quality * (1 + 0.1*float64(min(x.Times, 5)))
			best[k] = max(best[k], score)
		}
		length += len(f.Text)
	}
	sum := 0.0
	for _, b := range best {
		sum += b
	}
	return sum / (1 + float64(length)/2000)
}

// Shown is a field as a list of finds shows it.
type Shown struct {
	Name   string
	Text   string  // all of it, or a stretch around the first find
	Ranges []Range // what was found
}

// Range is a stretch of a text in UTF-16 code units, as browsers count: from, and before.
type Range [2]int

// ShownRunes is how long the stretch is at most.
const ShownRunes = 180

// Show is the fields of a document in which something was found, or else its first field.
func (a Asked) Show(d *Doc) []Shown {
	out := []Shown{}
	for _, f := range d.Fields {
		if spans, _ := a.Match(f.Text, true); len(spans) > 0 {
			out = append(out, stretch(f, spans))
		}
	}
	if len(out) == 0 && len(d.Fields) > 0 {
		out = append(out, stretch(d.Fields[0], nil))
	}
	return out
}

// stretch cuts a field around its first find.
func stretch(f Field, spans []text.Span) Shown {
	from := 0
	if len(spans) > 0 && utf8.RuneCountInString(f.Text) > ShownRunes {
		from = before(f.Text, spans[0].Start, ShownRunes/4)
	}
	to, n := from, 0
	for to < len(f.Text) && n < ShownRunes {
		_, size := utf8.DecodeRuneInString(f.Text[to:])
		to += size
		n++
	}
	s := Shown{Name: f.Name, Text: f.Text[from:to], Ranges: []Range{}}
	if from > 0 {
		s.Text = "…" + s.Text
	}
	if to < len(f.Text) {
		s.Text += "…"
	}
	lead := 0
	if from > 0 {
		lead = 1
	}
	at, units := from, lead
	for _, p := range spans {
		if p.Start < from || p.Start >= to {
			continue
		}
		start := units + utf16Len(f.Text[at:p.Start])
		end := start + utf16Len(f.Text[p.Start:min(p.End, to)])
		s.Ranges = append(s.Ranges, Range{start, end})
		at, units = min(p.End, to), end
	}
	return s
}

// before is a place at most so many runes before another, at the beginning of a word where there is one.
func before(s string, at, runes int) int {
	i := at
	for ; i > 0 && runes > 0; runes-- {
		_, size := utf8.DecodeLastRuneInString(s[:i])
		i -= size
	}
	if i == 0 {
		return 0
	}
	for k, r := range s[i:at] {
		if unicode.IsSpace(r) {
			return i + k + utf8.RuneLen(r)
		}
	}
	return i
}

func utf16Len(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > 0xffff {
			n++
		}
	}
	return n
}
