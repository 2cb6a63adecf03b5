package text

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Unit is one thing asked for: all units of a query must be found.
type Unit struct {
	Tokens []Token // in order
	Exact  bool    // in quotes: no other spelling will do
	Not    bool    // must not be found
	Loose  bool    // the tokens need not stand side by side
	Prefix bool    // the last token may go on: it is being typed
	Joined string  // all in one word; empty: they are no compound
	Tail   string  // the end of a long number, as [Extra] has it
}

// Query is what somebody typed, understood.
type Query struct {
	Units []Unit
}

// Limits of a query: what is beyond them is left out.
const (
	MaxQuery = 512 // bytes
	maxUnits = 16
)

// Parse understands what was typed. Quotes ask for a phrase, a hyphen before a word excludes
// it. typing says that the last word may not be complete.
func Parse(s string, typing bool) Query {
	s = cut(s)
	var q Query
	for len(s) > 0 && len(q.Units) < maxUnits {
		s = strings.TrimLeft(s, " \t\n\r\u00a0\u3000")
		not := len(s) > 1 && s[0] == '-' && s[1] != ' ' && s[1] != '-'
		rest := s
		if not {
			rest = s[1:]
		}
		if quoted, after, ok := quotation(rest); ok {
			q.phrase(quoted, not)
			s = after
			continue
		}
		if not {
			word, after := nextWord(rest)
			q.phrase(word, true)
			s = after
			continue
		}
		plain, after := untilSpecial(s)
		q.plain(plain)
		s = after
	}
	if n := len(q.Units); typing && n > 0 {
		u := &q.Units[n-1]
		u.Prefix = !u.Exact && !u.Not
	}
	return q
}

func cut(s string) string {
	s = strings.ToValidUTF8(s, " ")
	for len(s) > MaxQuery {
		_, n := utf8.DecodeLastRuneInString(s[:MaxQuery])
		s = s[:MaxQuery-n]
	}
	return s
}

var quotes = map[rune]rune{'"': '"', '“': '”', '„': '“', '«': '»', '「': '」', '『': '』', '《': '》'}

// quotation cuts a phrase in quotes off the front; one that is not closed yet goes to the end.
func quotation(s string) (inside, after string, ok bool) {
	open, n := utf8.DecodeRuneInString(s)
	end, ok := quotes[open]
	if !ok {
		return "", s, false
	}
	s = s[n:]
	if i := strings.IndexRune(s, end); i >= 0 {
		return s[:i], s[i+utf8.RuneLen(end):], true
	}
	return s, "", true
}

func nextWord(s string) (word, after string) {
	if i := strings.IndexAny(s, " \t\n\r\u00a0\u3000"); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

// untilSpecial is what stands before the next quote or excluding hyphen.
func untilSpecial(s string) (plain, after string) {
	space := false
	for i, r := range s {
		if i > 0 && (quotes[r] != 0 || (r == '-' && space && i+1 < len(s) && s[i+1] != ' ' && s[i+1] != '-')) {
			return s[:i], s[i:]
		}
		space = r == ' ' || r == '\u3000' || r == '\t'
	}
	return s, ""
}

func (q *Query) phrase(s string, not bool) {
	if ts := Tokens(s); len(ts) > 0 {
		q.Units = append(q.Units, Unit{Tokens: ts, Exact: true, Not: not})
	}
}

// plain takes words without quotes: each a unit, compounds and runs of characters together.
func (q *Query) plain(s string) {
	ts := Tokens(s)
	for i := 0; i < len(ts) && len(q.Units) < maxUnits; {
		n := run(ts[i:])
		if ts[i].Kind == Char {
			q.Units = append(q.Units, Unit{Tokens: ts[i : i+n]})
			i += n
			continue
		}
		n = together(s, ts[i:])
		u := Unit{Tokens: ts[i : i+n]}
		if n > 1 {
			u.Loose = spaced(s, u.Tokens)
			if j := joined(u.Tokens); compound(s, u.Tokens) == n && len(j) >= minJoined && len(j) <= maxJoined {
				u.Joined = j
			}
		}
		if d := digits(u.Tokens); len(d) >= tailFrom {
			u.Tail = TailMark + d[len(d)-tailLen:]
		}
		q.Units = append(q.Units, u)
		i += n
	}
}

// run is how many characters of a script without spaces follow one another.
func run(ts []Token) int {
	n := 1
	for n < len(ts) && ts[n].Kind == Char && ts[n].Glued {
		n++
	}
	return n
}

// together is how many tokens were typed as one: a compound, an address, a word with a hyphen.
func together(src string, ts []Token) int {
	n := 1
	for n < len(ts) && n < maxPieces && ts[n].Kind != Char {
		between := src[ts[n-1].End:ts[n].Start]
		if !connected(src, ts[n-1], ts[n]) && (between == "" || strings.ContainsAny(between, " \t\n\r\u00a0\u3000")) {
			break
		}
		n++
	}
	return n
}

// spaced reports whether there is a space between two of the tokens.
func spaced(src string, ts []Token) bool {
	return strings.ContainsAny(src[ts[0].Start:ts[len(ts)-1].End], " \t\n\r\u00a0\u3000")
}

// Empty reports whether nothing is asked for: there is no unit that must be found.
func (q Query) Empty() bool {
	return !slices.ContainsFunc(q.Units, func(u Unit) bool { return !u.Not })
}

// Plain reports whether the unit is one word without compound or quotes: the sort that other
// spellings are tried for.
func (u Unit) Plain() bool {
	return len(u.Tokens) == 1 && !u.Exact && !u.Not && u.Tokens[0].Kind == Word
}

// Terms are the unit's words as [Body] has them, to be found side by side; open says that the
// last is only the beginning of a word.
func (u Unit) Terms() (terms []string, open bool) {
	terms = bodyTerms(u.Tokens)
	n := len(u.Tokens)
	if u.Tokens[n-1].Kind != Char {
		return terms, u.Prefix
	}
	if n > 1 && u.Tokens[n-2].Kind == Char && u.Tokens[n-1].Glued {
		return terms[:n-1], false // the last character is in the pair before it
	}
	return terms, true // one character: the beginning of a pair, or the last of a run
}
