package telegram

import (
	"strings"
	"unicode"
	"unicode/utf16"
)

// cut makes pieces of at most limit UTF-16 units, at the end of a line or word
// where there is one in the latter half, and never within what people see as one
// character.
func cut(text string, limit int) []string {
	var out []string
	for text != "" {
		n := prefix(text, limit)
		if n < len(text) {
			if i := strings.LastIndexByte(text[:n], '\n'); i >= n/2 {
				n = i + 1
			} else if i := strings.LastIndexByte(text[:n], ' '); i >= n/2 {
				n = i + 1
			}
		}
		out, text = append(out, text[:n]), text[n:]
	}
	return out
}

// prefix is the length in bytes of the longest beginning within the limit that
// ends between two characters.
func prefix(text string, limit int) int {
	units, whole, flags := 0, 0, 0
	prev := rune(0)
	for i, c := range text {
		joined := c == '\u200d' || prev == '\u200d' || unicode.In(c, unicode.M, unicode.Variation_Selector) ||
			c >= 0x1f3fb && c <= 0x1f3ff || c >= 0xe0020 && c <= 0xe007f || c == '\n' && prev == '\r'
		if flag := c >= 0x1f1e6 && c <= 0x1f1ff; flag {
			flags++
			joined = joined || flags%2 == 0
		} else {
			flags = 0
		}
		if !joined {
			whole = i
		}
		if units += utf16.RuneLen(c); units > limit {
			if whole == 0 {
				return i // one character alone is over the limit
			}
			return whole
		}
		prev = c
	}
	return len(text)
}
