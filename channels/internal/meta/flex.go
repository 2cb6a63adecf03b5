package meta

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/parley-hub/parley/timeline"
)

// Text is a string that may come as a number: ids do both. What is neither is empty.
type Text string

// UnmarshalJSON takes a string or a number; it refuses nothing.
func (t *Text) UnmarshalJSON(b []byte) error {
	*t = Text(plain(b))
	return nil
}

// Int is a whole number that may come as a string. What is neither is 0.
type Int int64

// UnmarshalJSON takes a number or a string; it refuses nothing.
func (n *Int) UnmarshalJSON(b []byte) error {
	v, err := strconv.ParseInt(plain(b), 10, 64)
	if err != nil {
		v = 0
	}
	*n = Int(v)
	return nil
}

// Stamp is a moment in milliseconds or seconds since 1970, as a number or a string, or in one
// of the forms of ISO 8601 that the API answers with. What is none of these is zero.
type Stamp time.Time

// UnmarshalJSON takes any of the forms; it refuses nothing.
func (s *Stamp) UnmarshalJSON(b []byte) error {
	*s = Stamp(Moment(plain(b)))
	return nil
}

// Time is the moment in UTC, cut to milliseconds; zero where there was none.
func (s Stamp) Time() time.Time { return time.Time(s) }

// plain is a JSON string without its quotes, or a number as written.
func plain(b []byte) string {
	switch {
	case len(b) == 0:
	case len(b) > 1 && b[0] == '"':
		if in := b[1 : len(b)-1]; bytes.IndexByte(in, '\\') < 0 && utf8.Valid(in) {
			return string(in) // the usual case, without decoding
		}
		var s string
		if json.Unmarshal(b, &s) == nil {
			return s
		}
	case b[0] == '-' || b[0] >= '0' && b[0] <= '9':
		return string(b)
	}
	return ""
}

// secondsBelow tells seconds from milliseconds: as seconds it is the year 5138, as
// milliseconds March 1973, before any message.
const secondsBelow = 100_000_000_000

// moments are the forms of dates; the zone has no colon, which RFC 3339 would need.
var moments = []string{"2006-01-02T15:04:05-0700", time.RFC3339}

// Moment reads a moment; see [Stamp].
func Moment(s string) time.Time {
	s = strings.TrimSpace(s)
	n, err := strconv.ParseInt(s, 10, 64)
	switch {
	case err == nil && n <= 0, s == "":
		return time.Time{}
	case err == nil && n < secondsBelow:
		return time.Unix(n, 0).UTC()
	case err == nil:
		return time.UnixMilli(min(n, latest)).UTC()
	}
	for _, form := range moments {
		if t, err := time.Parse(form, s); err == nil {
			return timeline.Moment(t)
		}
	}
	return time.Time{}
}

// latest is the end of the year 9999 in milliseconds: later moments cannot be written as JSON.
const latest = 253402300799999
