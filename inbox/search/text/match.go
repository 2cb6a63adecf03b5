package text

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Span is a stretch of a text, in bytes.
type Span struct{ Start, End int }

// Found is how well one unit of a query was found in a text.
type Found struct {
	Quality float64 // 0: not at all; 1: as it was typed
	Times   int
}

// The qualities of a find.
const (
	asTyped  = 1.0
	compact  = 0.95 // a compound in other spacing
	begun    = 0.8  // it goes on
	misspelt = 0.5
)

// Match looks for a query in a text: where each unit is, and how well it fits. Other
// spellings count where typos is true. Units that must not be found are left out.
func (q Query) Match(s string, typos bool) ([]Span, []Found) {
	ts := Tokens(s)
	found := make([]Found, len(q.Units))
	var spans []Span
	for i := range q.Units {
		if u := &q.Units[i]; !u.Not {
			spans, found[i] = u.match(s, ts, typos, spans)
		}
	}
	return merged(spans), found
}

// Has reports whether the unit is in a text.
func (u Unit) Has(s string, typos bool) bool {
	_, f := u.match(s, Tokens(s), typos, nil)
	return f.Quality > 0
}

func (u *Unit) match(src string, ts []Token, typos bool, spans []Span) ([]Span, Found) {
	var f Found
	hit := func(quality float64, start, end int) {
		f.Quality = max(f.Quality, quality)
		f.Times++
		spans = append(spans, Span{start, end})
	}
	if u.Loose {
		if u.together(ts) {
			for i := range ts {
				if k := slices.IndexFunc(u.Tokens, func(t Token) bool { return t.Term == ts[i].Term }); k >= 0 {
					hit(asTyped, ts[i].Start, ts[i].End)
				}
			}
		}
	} else {
		for i := range ts {
			if n, quality := u.at(ts[i:]); n > 0 {
				hit(quality, ts[i].Start, ts[i+n-1].End)
			}
		}
	}
	u.compounds(src, ts, hit)
	if f.Quality == 0 && typos && u.Plain() {
		word := u.Tokens[0].Term
		for i := range ts {
			if ts[i].Kind == Word && Near(word, ts[i].Term, u.Prefix) {
				hit(misspelt, ts[i].Start, ts[i].End)
			}
		}
	}
	return spans, f
}

// together reports whether all tokens of a loose unit are somewhere.
func (u *Unit) together(ts []Token) bool {
	for k, want := range u.Tokens {
		last := u.Prefix && k == len(u.Tokens)-1
		if !slices.ContainsFunc(ts, func(t Token) bool {
			return t.Term == want.Term || last && strings.HasPrefix(t.Term, want.Term)
		}) {
			return false
		}
	}
	return true
}

// at reports how many tokens from the first on are the unit, and how well.
func (u *Unit) at(ts []Token) (n int, quality float64) {
	if len(ts) < len(u.Tokens) {
		return 0, 0
	}
	quality = asTyped
	for k, want := range u.Tokens {
		if k > 0 && (want.Kind == Char && u.Tokens[k-1].Kind == Char) && want.Glued != ts[k].Glued {
			return 0, 0
		}
		last := k == len(u.Tokens)-1
		switch {
		case ts[k].Term == want.Term && ts[k].Kind == want.Kind:
		case last && u.Prefix && want.Kind != Char && ts[k].Kind == want.Kind && strings.HasPrefix(ts[k].Term, want.Term):
			quality = begun
		default:
			return 0, 0
		}
		if !last && want.Kind == Char && u.Tokens[k+1].Kind != Char && k+1 < len(ts) && ts[k+1].Kind == Char {
			return 0, 0
		}
	}
	return len(u.Tokens), quality
}

// compounds looks for the unit in one word, in compounds of any spacing.
func (u *Unit) compounds(src string, ts []Token, hit func(float64, int, int)) {
	word, number := u.Joined, u.Joined
	if word == "" && !u.Exact && len(u.Tokens) == 1 && u.Tokens[0].Kind != Char {
		word, number = u.Tokens[0].Term, ""
	}
	if word == "" || u.Exact {
		return
	}
	for i := 0; i < len(ts); {
		n := compound(src, ts[i:])
		for k := i; k < i+n; k++ {
			j := joined(ts[k : i+n])
			if n-(k-i) == 1 && number == "" { // a single word was looked at
				continue
			}
			if end := covers(ts[k:i+n], j, word, u.Prefix); end > 0 {
				hit(compact, ts[k].Start, ts[k+end-1].End)
			}
		}
		if d := digits(ts[i : i+n]); u.Tail != "" && len(d) >= tailFrom && TailMark+d[len(d)-tailLen:] == u.Tail {
			hit(compact, ts[i].Start, ts[i+n-1].End)
		}
		i += n
	}
}

// covers reports how many tokens of a compound make the word, or begin with it.
func covers(ts []Token, all, word string, prefix bool) int {
	if all == word {
		return len(ts)
	}
	if !prefix || !strings.HasPrefix(all, word) {
		return 0
	}
	length := 0
	for i, t := range ts {
		if length += len(t.Term); length >= len(word) {
			return i + 1
		}
	}
	return 0
}

// merged sorts spans and joins those that touch.
func merged(spans []Span) []Span {
	slices.SortFunc(spans, func(a, b Span) int {
		if a.Start != b.Start {
			return a.Start - b.Start
		}
		return b.End - a.End
	})
	out := spans[:0]
	for _, s := range spans {
		if n := len(out); n > 0 && s.Start <= out[n-1].End {
			out[n-1].End = max(out[n-1].End, s.End)
			continue
		}
		out = append(out, s)
	}
	return out
}

// MinTypo is how many letters a word has at least for another spelling to count.
const MinTypo = 4

// Near reports whether two words differ by one letter changed, left out, put in, or swapped
// with its neighbour. With prefix, the second may go on.
func Near(a, b string, prefix bool) bool {
	x, y := []rune(a), []rune(b)
	if len(x) < MinTypo {
		return false
	}
	if near(x, y) {
		return true
	}
	if prefix {
		for _, n := range []int{len(x) - 1, len(x), len(x) + 1} {
			if n > 0 && n < len(y) && near(x, y[:n]) {
				return true
			}
		}
	}
	return false
}

func near(x, y []rune) bool {
	if d := len(x) - len(y); d > 1 || d < -1 {
		return false
	}
	i := 0
	for i < len(x) && i < len(y) && x[i] == y[i] {
		i++
	}
	j := 0
	for j < len(x)-i && j < len(y)-i && x[len(x)-1-j] == y[len(y)-1-j] {
		j++
	}
	restX, restY := x[i:len(x)-j], y[i:len(y)-j]
	switch {
	case len(restX) <= 1 && len(restY) <= 1:
		return true
	case len(restX) == 2 && len(restY) == 2:
		return restX[0] == restY[1] && restX[1] == restY[0]
	}
	return false
}

// Letters is the alphabet that a word is misspelt in; nil where no other spelling is tried.
func Letters(word string) []rune {
	r, _ := utf8.DecodeRuneInString(word)
	switch {
	case r >= 'a' && r <= 'z':
		return []rune("abcdefghijklmnopqrstuvwxyz")
	case r >= 'а' && r <= 'я':
		return []rune("абвгдежзиклмнопрстуфхцчшщъыьэюяіє")
	case r >= 'α' && r <= 'ω':
		return []rune("αβγδεζηθικλμνξοπρστυφχψω")
	}
	return nil
}

// Spellings are the words that differ from one by one letter.
func Spellings(word string) []string {
	w, letters := []rune(word), Letters(word)
	if len(w) < MinTypo || len(w) > 24 || letters == nil {
		return nil
	}
	out := make([]string, 0, len(w)*2*(len(letters)+2))
	for i := range w {
		out = append(out, string(w[:i])+string(w[i+1:]))
		if i+1 < len(w) && w[i] != w[i+1] {
			out = append(out, string(w[:i])+string(w[i+1])+string(w[i])+string(w[i+2:]))
		}
		for _, l := range letters {
			if l != w[i] {
				out = append(out, string(w[:i])+string(l)+string(w[i+1:]))
			}
			out = append(out, string(w[:i])+string(l)+string(w[i:]))
		}
	}
	for _, l := range letters {
		out = append(out, word+string(l))
	}
	slices.Sort(out)
	return slices.Compact(out)
}
