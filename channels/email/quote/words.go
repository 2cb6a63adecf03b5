package quote

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// squeeze trims a line, makes each run of blanks one space and removes characters that are not
// seen (zero width, marks of direction), which some programs put around names.
func squeeze(s string) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	space := false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r) || r == '\u3164':
			space = b.Len() > 0
			continue
		case invisible(r):
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// maxLine is how much of a line is looked at, in bytes: more than any header has.
const maxLine = 1000

func shorten(s string) string {
	if len(s) <= maxLine {
		return s
	}
	return strings.ToValidUTF8(s[:maxLine], "")
}

// plain reports whether squeeze would change nothing; most lines are so.
func plain(s string) bool {
	space := true
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= utf8.RuneSelf || c < ' ' || c == ' ' && space {
			return false
		}
		space = c == ' '
	}
	return s == "" || !space
}

func invisible(r rune) bool {
	switch {
	case r == '\u00ad', r == '\ufeff', r >= '\u200b' && r <= '\u200f',
		r >= '\u202a' && r <= '\u202e', r >= '\u2060' && r <= '\u2069', r == '\u034f', r == '\u061c':
		return true
	}
	return false
}

func startsLower(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return unicode.IsLower(r)
}

func hasDigit(s string) bool { return strings.IndexFunc(s, unicode.IsDigit) >= 0 }

// ruleRunes are what people and programs draw lines with.
const ruleRunes = "-_=*~+#—–─━＿－ "

// isRule reports whether a line is drawn: two or more of the same, or of a few, signs.
func isRule(s string) bool {
	return utf8.RuneCountInString(s) >= 2 && strings.Trim(s, ruleRunes) == ""
}

// unruled removes what is drawn around a text and says how much that was, in characters.
func unruled(s string) (string, int) {
	t := strings.Trim(s, ruleRunes+"<>|")
	return t, utf8.RuneCountInString(s) - utf8.RuneCountInString(t)
}

func words(s string) int { return len(strings.Fields(s)) }

// cutColon removes a last colon, of ASCII or full width, with the blank French puts before it.
func cutColon(s string) (string, bool) {
	for _, c := range []string{":", "：", "︰"} {
		if t, ok := strings.CutSuffix(s, c); ok {
			return strings.TrimRight(t, " "), true
		}
	}
	return s, false
}
