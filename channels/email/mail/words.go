package mail

import (
	"bytes"
	"strings"
	"unicode"
)

// word is an encoded word of RFC 2047, its bytes still in its charset.
type word struct {
	charset string
	data    []byte
}

// decodeHeader decodes a header value: encoded words, wherever they stand, and 8-bit text that
// nobody declared. Words side by side in one charset are joined before they are decoded,
// because mailers cut them inside a character.
func decodeHeader(v []byte, charset string) string {
	v = bytes.TrimSpace(v)
	if !bytes.Contains(v, []byte("=?")) {
		return plainHeader(v, charset)
	}
	var out strings.Builder
	var open *word
	flush := func() {
		if open != nil {
			s, _ := decodeCharset(open.data, open.charset)
			out.WriteString(s)
			open = nil
		}
	}
	for len(v) > 0 {
		i := bytes.Index(v, []byte("=?"))
		if i < 0 {
			break
		}
		w, n := encodedWord(v[i:])
		if n == 0 {
			flush()
			out.WriteString(plainHeader(v[:i+2], charset))
			v = v[i+2:]
			continue
		}
		if open == nil || !blank(v[:i]) && i > 0 {
			flush()
			out.WriteString(plainHeader(v[:i], charset))
		}
		if open != nil && !strings.EqualFold(open.charset, w.charset) {
			flush()
		}
		if open == nil {
			open = &word{charset: w.charset}
		}
		open.data = append(open.data, w.data...)
		v = v[i+n:]
	}
	flush()
	out.WriteString(plainHeader(v, charset))
	return printable(out.String())
}

// maxWord is how long an encoded word is read. RFC 2047 allows 75 bytes; some mailers write a whole
// subject as one.
const maxWord = 8000

// encodedWord reads "=?charset?B?text?=" at the start of b and returns its length, 0 if it is
// none. The text may hold spaces and the end may lack its "=": both are seen.
func encodedWord(b []byte) (word, int) {
	rest := b[2:]
	i := bytes.IndexByte(rest, '?')
	if i <= 0 || i > 60 || i+2 >= len(rest) || rest[i+2] != '?' {
		return word{}, 0
	}
	charset, _, _ := strings.Cut(string(rest[:i]), "*")
	if strings.ContainsAny(charset, " \t\"<>()") {
		return word{}, 0
	}
	kind, text := rest[i+1], rest[i+3:]
	text = text[:min(len(text), maxWord)]
	end := bytes.Index(text, []byte("?="))
	skip := 2
	if end < 0 {
		if end = bytes.IndexAny(text, "? \t"); end < 0 {
			end, skip = len(text), 0
		} else if text[end] == '?' {
			skip = 1
		} else {
			skip = 0
		}
	}
	n := 2 + i + 3 + end + skip
	switch kind {
	case 'B', 'b':
		return word{charset, decodeBase64(text[:end])}, n
	case 'Q', 'q':
		return word{charset, decodeQ(text[:end])}, n
	}
	return word{}, 0
}

// decodeQ decodes the Q encoding of RFC 2047 §4.2; a bad escape stays as it is.
func decodeQ(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] == '_':
			out = append(out, ' ')
		case b[i] == '=' && i+2 < len(b) && hexVal(b[i+1]) >= 0 && hexVal(b[i+2]) >= 0:
			out = append(out, byte(hexVal(b[i+1])<<4|hexVal(b[i+2])))
			i += 2
		default:
			out = append(out, b[i])
		}
	}
	return out
}

func hexVal(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// plainHeader decodes text outside encoded words. What is ASCII is taken as it is, even in a mail
// whose body is in UTF-7 or UTF-16.
func plainHeader(v []byte, charset string) string {
	if ascii(v) || strings.HasPrefix(simplify(charset), "utf") {
		charset = ""
	}
	s, _ := decodeCharset(v, charset)
	return printable(s)
}

// printable replaces control characters by spaces.
func printable(s string) string {
	if strings.IndexFunc(s, unicode.IsControl) < 0 {
		return s
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}

// oneLine squeezes white space.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
