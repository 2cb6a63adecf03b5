package text

import (
	"strings"
)

// Between fields stands a word that nobody asks for, so that no phrase goes over two of them.
const (
	gap     = "·"
	gapWord = "parleygap"
)

// TailMark begins the word by which a long number is found by its end.
const TailMark = "§"

// The lengths of numbers that are found by their ends, so that +49 170 1234567 is 0170 1234567.
const (
	tailFrom = 9 // digits
	tailLen  = 8
)

// Body is a text as words with single spaces between: what an index of words is given, and
// finds phrases in. Each character of a script without spaces is joined with the next of its run,
// and the last stands alone.
func Body(fields ...string) string {
	var b strings.Builder
	for i, f := range fields {
		if i > 0 && b.Len() > 0 && f != "" {
			b.WriteString(" " + gap)
		}
		for _, term := range bodyTerms(Tokens(f)) {
			if b.Len() > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(term)
		}
	}
	return b.String()
}

// Spaced is a text as words with single spaces between, where each character of a script without
// spaces stands alone: for engines that find such a run as a phrase.
func Spaced(fields ...string) string {
	var out []string
	for _, f := range fields {
		if len(out) > 0 && f != "" {
			out = append(out, gapWord)
		}
		for _, t := range Tokens(f) {
			out = append(out, t.Term)
		}
	}
	return strings.Join(out, " ")
}

func bodyTerms(ts []Token) []string {
	out := make([]string, 0, len(ts))
	for i, t := range ts {
		if t.Kind == Char && i+1 < len(ts) && ts[i+1].Kind == Char && ts[i+1].Glued {
			out = append(out, t.Term+ts[i+1].Term)
			continue
		}
		out = append(out, t.Term)
	}
	return out
}

// Extra is what is found beside the words of the body: compounds such as ho20418 in one
// word, from each of their pieces on, and the ends of long numbers.
func Extra(fields ...string) string {
	var out []string
	seen := map[string]bool{}
	add := func(s string) {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	for _, f := range fields {
		ts := Tokens(f)
		for i := 0; i < len(ts); {
			n := compound(f, ts[i:])
			for k := i; k < i+n-1; k++ {
				if j := joined(ts[k : i+n]); worth(j) {
					add(j)
				}
			}
			if d := digits(ts[i : i+n]); len(d) >= tailFrom {
				add(TailMark + d[len(d)-tailLen:])
			}
			i += n
		}
	}
	return strings.Join(out, " ")
}

// The sizes of compounds: pieces, and bytes.
const (
	maxPieces = 8
	minJoined = 3
	maxJoined = 40
)

// worth reports whether a compound is kept: short ones are found by their pieces, long ones are no names.
func worth(j string) bool { return len(j) >= minJoined && len(j) <= maxJoined }

// compound is how many tokens from the first on belong together: at least one.
func compound(src string, ts []Token) int {
	n := 1
	for n < len(ts) && n < maxPieces && connected(src, ts[n-1], ts[n]) {
		n++
	}
	return n
}

// connected reports whether two tokens are pieces of one compound.
func connected(src string, a, b Token) bool {
	if a.Kind == Char || b.Kind == Char {
		return false
	}
	if b.Glued {
		return true
	}
	between := src[a.End:b.Start]
	if len(between) > 3 {
		return false
	}
	if a.Kind == Number && b.Kind == Number {
		return strings.Trim(between, " \u00a0-./()") == ""
	}
	if a.Kind == Word && b.Kind == Word {
		return between == "-"
	}
	return len(between) == 1 && strings.ContainsAny(between, "-_/#.")
}

func joined(ts []Token) string {
	var b strings.Builder
	for _, t := range ts {
		b.WriteString(t.Term)
	}
	return b.String()
}

// digits is the number that tokens make; empty where there is a letter.
func digits(ts []Token) string {
	var b strings.Builder
	for _, t := range ts {
		if t.Kind != Number {
			return ""
		}
		b.WriteString(t.Term)
	}
	return b.String()
}
