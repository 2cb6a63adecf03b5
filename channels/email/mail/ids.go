package mail

import (
	netmail "net/mail"
	"strings"
	"time"
)

// messageID returns the mail's id without brackets. Two @, spaces and missing brackets occur
// and are part of what others will refer to, so they are kept.
func messageID(h Header) string {
	for _, v := range h.raws("Message-Id") {
		s := strings.TrimSpace(plainHeader(v, ""))
		if i := strings.IndexByte(s, '<'); i >= 0 {
			if inner, _, ok := strings.Cut(s[i+1:], ">"); ok {
				s = inner
			} else {
				s = s[i+1:]
			}
		}
		if s = trimID(s); s != "" {
			return s
		}
	}
	return ""
}

func trimID(s string) string { return strings.Trim(strings.TrimSpace(s), "<>\"' \t,;") }

// ids finds every message id in the fields: what stands in angle brackets, and outside of them
// every word with an @.
func ids(values [][]byte) []string {
	var out []string
	seen := map[string]bool{}
	add := func(s string) {
		if s = trimID(s); s != "" && len(out) < maxIDs && !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	for _, v := range values {
		s := plainHeader(v, "")
		for s != "" {
			i := strings.IndexByte(s, '<')
			if i < 0 {
				bareIDs(s, add)
				break
			}
			bareIDs(s[:i], add)
			s = s[i+1:]
			end := strings.IndexAny(s, "<>")
			if end < 0 {
				end = len(s)
			}
			if inner := s[:end]; strings.Count(inner, "@") > 1 && strings.ContainsAny(inner, ", \t") {
				bareIDs(inner, add)
			} else {
				add(inner)
			}
			s = strings.TrimPrefix(s[end:], ">")
		}
	}
	return out
}

func bareIDs(s string, add func(string)) {
	for _, w := range strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '\t' || r == ',' || r == ';' }) {
		if i := strings.IndexByte(w, '@'); i > 0 && i < len(w)-1 {
			add(w)
		}
	}
}

// The years in which an e-mail can have been written.
const (
	firstYear = 1980
	lastYear  = 2200
)

// date reads when the sender's program says the mail was written.
func date(h Header) (time.Time, bool) {
	for _, v := range h.raws("Date") {
		if t, ok := parseDate(plainHeader(v, "")); ok {
			return t, true
		}
	}
	return time.Time{}, false
}

// layouts are forms of dates beyond RFC 5322 that mailers write.
var layouts = []string{
	time.RFC3339, "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05", "2006-01-02T15:04:05",
	time.ANSIC, time.UnixDate, time.RubyDate, "Monday, 2 January 2006 15:04:05 -0700",
	"Mon, 2 Jan 2006 15:04:05", "Mon, 2 Jan 2006 15:04", "2 Jan 2006 15:04:05", "Monday, 02-Jan-06 15:04:05 MST",
	"Mon, 02 Jan 2006 03:04:05 PM -0700", "Mon Jan 2 15:04:05 2006 -0700", "Mon, Jan 2 2006 15:04:05 -0700",
	"Mon, 2 January 2006 15:04:05 -0700", "Mon, 2 Jan 2006 15.04.05 -0700", "Mon,2 Jan 2006 15:04:05 -0700",
}

func parseDate(s string) (time.Time, bool) {
	s = oneLine(stripComments(s))
	s = strings.NewReplacer("GMT+", "+", "GMT-", "-", "UTC+", "+", " UTC", " +0000", " Z", " +0000").Replace(s)
	t, err := netmail.ParseDate(s)
	for i := 0; err != nil && i < len(layouts); i++ {
		t, err = time.Parse(layouts[i], s)
	}
	if err != nil || t.Year() < firstYear || t.Year() > lastYear {
		return time.Time{}, false
	}
	return t, true
}
