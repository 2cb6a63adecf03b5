package text

import (
	_ "embed" // the table
	"strings"
	"sync"
)

// The table of simplified forms is OpenCC's (TSCharacters, the first form of each; Apache
// License 2.0, https://github.com/BYVoid/OpenCC): on each line so many traditional characters,
// a tab, and as many simplified ones.
//
//go:embed simplified.txt
var simplifiedTable string

var simpler = sync.OnceValue(func() map[rune]rune {
	m := make(map[rune]rune, 4200)
	for line := range strings.Lines(simplifiedTable) {
		from, to, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if a, b := []rune(from), []rune(to); ok && len(a) == len(b) {
			for i := range a {
				m[a[i]] = b[i]
			}
		}
	}
	return m
})

// simplified is the simplified form of a traditional Chinese character; any other is itself.
func simplified(r rune) rune {
	if r < 0x3400 {
		return r
	}
	if s, ok := simpler()[r]; ok {
		return s
	}
	return r
}
