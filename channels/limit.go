package channels

import (
	"path"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/parley-hub/parley/timeline"
)

// Length is a text's length in the limit's unit.
func (l TextLimit) Length(text string) int {
	switch l.Unit {
	case "bytes":
		return len(text)
	case "utf16":
		return len(utf16.Encode([]rune(text)))
	}
	return utf8.RuneCountInString(text)
}

// Fits reports whether a text is no longer than the limit.
func (l TextLimit) Fits(text string) bool { return l.Max <= 0 || l.Length(text) <= l.Max }

// Limit is what a part may be: its kind's limit, or that of files in general. ok is false
// where the far side takes neither.
func (c Capabilities) Limit(p timeline.Part) (l MediaLimit, ok bool) {
	if l, ok = c.Media[string(p.Kind)]; !ok {
		l, ok = c.Media[string(timeline.PartFile)]
	}
	return l, ok
}

// Small reports whether a size in bytes is within the limit; 0 limits nothing.
func (l MediaLimit) Small(size int64) bool { return l.MaxBytes <= 0 || size <= l.MaxBytes }

// Takes reports whether a media type matches one of the patterns; no pattern matches all.
func (l MediaLimit) Takes(mime string) bool {
	for _, p := range l.MIME {
		if ok, err := path.Match(p, mime); err == nil && ok {
			return true
		}
	}
	return len(l.MIME) == 0
}
