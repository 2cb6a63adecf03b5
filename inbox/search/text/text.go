// Package text turns what people write into what can be found, the same way for every engine:
// the text that is indexed, the words that are asked for, and where the one is in the other.
//
// Letters lose their case and marks (Zürich is zurich), full-width forms become ordinary, and
// traditional Chinese characters become simplified. Letters and digits are words of their own:
// HO-20418 is "ho" and "20418", and the whole of it, "ho20418", too, so that order and telephone
// numbers are found in any spacing. Scripts that put no spaces between words (Chinese, Japanese,
// Korean, Thai …) are found by any run of their characters: dictionaries miss names.
//
// The package is pure.
package text

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Kind says what sort of token something is.
type Kind uint8

// The kinds of token.
const (
	Word   Kind = iota // letters
	Number             // digits
	Char               // one character of a script without spaces
)

// Token is one piece of a text.
type Token struct {
	Term       string // folded
	Start, End int    // bytes of the original text
	Kind       Kind
	Glued      bool // nothing stands between it and the token before
}

// Tokens cuts a text.
func Tokens(s string) []Token {
	t := tokenizer{src: s, out: make([]Token, 0, len(s)/5+1)}
	t.run()
	return t.out
}

type tokenizer struct {
	src   string
	out   []Token
	buf   []byte // of the token that grows
	start int
	end   int
	kind  Kind
}

func (t *tokenizer) run() {
	for i := 0; i < len(t.src); {
		if c := t.src[i]; c < utf8.RuneSelf && (i+1 == len(t.src) || t.src[i+1] < utf8.RuneSelf) {
			t.ascii(c, i)
			i++
			continue
		}
		i = t.segment(i)
	}
	t.flush()
}

func (t *tokenizer) ascii(c byte, i int) {
	switch {
	case c >= 'A' && c <= 'Z':
		t.grow(Word, i, i+1, c+'a'-'A')
	case c >= 'a' && c <= 'z':
		t.grow(Word, i, i+1, c)
	case c >= '0' && c <= '9':
		t.grow(Number, i, i+1, c)
	default:
		t.flush()
	}
}

// segment takes one character with its marks, composed or not, and returns where the next begins.
func (t *tokenizer) segment(i int) int {
	end := i + norm.NFKC.NextBoundaryInString(t.src[i:], true)
	if end <= i {
		end = len(t.src)
	}
	folded := norm.NFKC.String(t.src[i:end])
	first, _ := utf8.DecodeRuneInString(folded)
	switch {
	case spaceless(first):
		t.flush()
		for _, piece := range clusters(folded) {
			t.emit(Token{Term: piece, Start: i, End: end, Kind: Char})
		}
	default:
		for _, r := range folded {
			t.rune(r, i, end)
		}
	}
	return end
}

// clusters cuts what one segment became into characters; marks stay with theirs.
func clusters(s string) []string {
	var out []string
	for _, r := range s {
		if len(out) > 0 && unicode.Is(unicode.M, r) {
			out[len(out)-1] += string(r)
			continue
		}
		out = append(out, string(simplified(unicode.ToLower(r))))
	}
	return out
}

func (t *tokenizer) rune(r rune, start, end int) {
	switch {
	case r == '\u200d' || r == '\u00ad' || r == '\u200b': // joiners and soft hyphens are invisible
		return
	case unicode.Is(unicode.M, r):
		if len(t.buf) > 0 {
			t.end = end
			t.buf = utf8.AppendRune(t.buf, r)
		}
	case unicode.IsDigit(r):
		if v := digit(r); v >= 0 {
			t.grow(Number, start, end, byte('0'+v))
			return
		}
		t.growRune(Number, start, end, r)
	case unicode.IsLetter(r) || unicode.IsNumber(r):
		for _, f := range foldRune(r) {
			t.growRune(Word, start, end, f)
		}
	default:
		t.flush()
	}
}

// digit is the value of a decimal digit of any script.
func digit(r rune) int {
	if r >= '0' && r <= '9' {
		return int(r - '0')
	}
	if !unicode.Is(unicode.Nd, r) {
		return -1
	}
	v := 0 // decimal digits come in runs of ten from zero
	for unicode.Is(unicode.Nd, r-1) && v < 9 {
		r--
		v++
	}
	return v
}

// letters that fold to others and have no decomposition.
var special = map[rune]string{'ß': "ss", 'ẞ': "ss", 'ø': "o", 'Ø': "o", 'ł': "l", 'Ł': "l", 'đ': "d", 'Đ': "d", 'æ': "ae", 'Æ': "ae",
	'œ': "oe", 'Œ': "oe", 'ı': "i", 'İ': "i", 'þ': "th", 'Þ': "th", 'ð': "d", 'Ð': "d", 'ħ': "h", 'Ħ': "h", 'ς': "σ", 'ё': "е", 'Ё': "е"}

// foldRune takes case and marks off a letter.
func foldRune(r rune) string {
	if f, ok := special[r]; ok {
		return f
	}
	r = unicode.ToLower(r)
	if r < utf8.RuneSelf {
		return string(r)
	}
	if !marked(r) {
		return string(r)
	}
	var b strings.Builder
	for _, d := range norm.NFD.String(string(r)) {
		if !unicode.Is(unicode.Mn, d) {
			b.WriteRune(unicode.ToLower(d))
		}
	}
	return b.String()
}

// marked reports whether a letter's script has marks that people leave out.
func marked(r rune) bool {
	return unicode.In(r, unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Arabic, unicode.Hebrew)
}

// spaceless reports whether a character is of a script that puts no spaces between words.
func spaceless(r rune) bool {
	if r < 0x0e00 {
		return false
	}
	return r == 'ー' || unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Bopomofo,
		unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

func (t *tokenizer) grow(k Kind, start, end int, c byte) {
	t.begin(k, start)
	t.buf = append(t.buf, c)
	t.end = end
}

func (t *tokenizer) growRune(k Kind, start, end int, r rune) {
	t.begin(k, start)
	t.buf = utf8.AppendRune(t.buf, r)
	t.end = end
}

func (t *tokenizer) begin(k Kind, start int) {
	if len(t.buf) > 0 && (t.kind != k || len(t.buf) >= maxTerm) {
		t.flush()
	}
	if len(t.buf) == 0 {
		t.kind, t.start = k, start
	}
}

// maxTerm bounds a word, in bytes: longer ones, such as encoded data, are cut.
const maxTerm = 64

func (t *tokenizer) flush() {
	if len(t.buf) == 0 {
		return
	}
	term := string(t.buf)
	t.buf = t.buf[:0]
	if stripped := strip(term); stripped != "" {
		t.emit(Token{Term: stripped, Start: t.start, End: t.end, Kind: t.kind})
	}
}

// strip drops the combining marks of scripts whose marks people leave out.
func strip(term string) string {
	ascii := true
	for i := range len(term) {
		if term[i] >= utf8.RuneSelf {
			ascii = false
			break
		}
	}
	if ascii {
		return term
	}
	first, _ := utf8.DecodeRuneInString(term)
	if !marked(first) && first >= utf8.RuneSelf {
		return term
	}
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, term)
}

func (t *tokenizer) emit(k Token) {
	if n := len(t.out); n > 0 {
		k.Glued = t.out[n-1].End >= k.Start
	}
	t.out = append(t.out, k)
}
