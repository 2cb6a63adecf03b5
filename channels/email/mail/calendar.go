package mail

import (
	"strings"
	"time"
)

// Invite is what matters of a calendar event sent along (RFC 5545, 5546).
type Invite struct {
	Method    string // REQUEST, CANCEL, REPLY …
	UID       string
	Summary   string
	Location  string
	Organizer Address
	// Start and End are zero when absent. A time without a zone is read as UTC and Floating is set.
	Start, End time.Time
	AllDay     bool
	Floating   bool
	Zone       string // the zone's name as the sender's calendar wrote it
}

// calendar reads the first event of a part that holds one.
func (p *parser) calendar(n *part, data []byte) {
	if p.m.Calendar != nil {
		return
	}
	s, _ := decodeCharset(data[:min(len(data), maxText)], n.params["charset"])
	inv := parseInvite(s)
	if inv == nil {
		p.problem("a calendar invitation cannot be read")
		return
	}
	if inv.Method == "" {
		inv.Method = strings.ToUpper(n.params["method"])
	}
	p.m.Calendar = inv
}

// parseInvite reads iCalendar text; nil if there is no event in it.
func parseInvite(s string) *Invite {
	s = strings.NewReplacer("\n ", "", "\n\t", "").Replace(lines(s))
	inv := &Invite{}
	in, seen := 0, false
	var stack []string
	for line := range strings.SplitSeq(s, "\n") {
		name, params, value := property(line)
		switch name {
		case "BEGIN":
			stack = append(stack, strings.ToUpper(value))
			if strings.EqualFold(value, "VEVENT") && !seen {
				in, seen = len(stack), true
			}
		case "END":
			if len(stack) > 0 {
				stack = stack[:len(stack)-1]
			}
			if len(stack) < in {
				in = 0
			}
		case "METHOD":
			inv.Method = strings.ToUpper(value)
		default:
			if in > 0 && len(stack) == in {
				inv.set(name, params, value)
			}
		}
	}
	if !seen {
		return nil
	}
	return inv
}

func (v *Invite) set(name string, params map[string]string, value string) {
	switch name {
	case "SUMMARY":
		v.Summary = unescapeICal(value)
	case "LOCATION":
		v.Location = unescapeICal(value)
	case "UID":
		v.UID = value
	case "ORGANIZER":
		addr := value
		if i := strings.IndexByte(addr, ':'); i >= 0 {
			addr = addr[i+1:]
		}
		v.Organizer = Address{Name: strings.Trim(params["CN"], `"`), Address: normalise(addr, "")}
	case "DTSTART":
		v.Start = v.moment(params, value)
		v.AllDay = len(value) == len("20060102")
	case "DTEND":
		v.End = v.moment(params, value)
	case "DURATION":
		if d, ok := icalDuration(value); ok && v.End.IsZero() && !v.Start.IsZero() {
			v.End = v.Start.Add(d)
		}
	}
}

// moment reads a date or a time.
func (v *Invite) moment(params map[string]string, s string) time.Time {
	if t, err := time.Parse("20060102T150405Z", s); err == nil {
		return t
	}
	zone := strings.Trim(params["TZID"], `"`)
	if zone != "" {
		v.Zone = zone
	}
	loc := time.UTC
	if l, ok := fixedZone(zone); ok {
		loc = l
	} else {
		v.Floating = true
	}
	if t, err := time.ParseInLocation("20060102T150405", s, loc); err == nil {
		return t
	}
	t, err := time.Parse("20060102", s)
	if err != nil {
		return time.Time{}
	}
	return t
}

// fixedZone finds zones by the names calendars give them. Names of Windows are mapped for the
// zones without daylight saving and the commonest with it.
func fixedZone(name string) (*time.Location, bool) {
	if name == "" {
		return nil, false
	}
	if iana, ok := windowsZones[name]; ok {
		name = iana
	}
	l, err := time.LoadLocation(name)
	return l, err == nil && name != "Local"
}

var windowsZones = map[string]string{
	"China Standard Time": "Asia/Shanghai", "Tokyo Standard Time": "Asia/Tokyo", "Korea Standard Time": "Asia/Seoul",
	"Singapore Standard Time": "Asia/Singapore", "India Standard Time": "Asia/Kolkata", "Taipei Standard Time": "Asia/Taipei",
	"UTC": "UTC", "GMT Standard Time": "Europe/London", "W. Europe Standard Time": "Europe/Berlin",
	"Romance Standard Time": "Europe/Paris", "Central European Standard Time": "Europe/Warsaw", "Russian Standard Time": "Europe/Moscow",
	"Eastern Standard Time": "America/New_York", "Central Standard Time": "America/Chicago",
	"Mountain Standard Time": "America/Denver", "Pacific Standard Time": "America/Los_Angeles",
	"AUS Eastern Standard Time": "Australia/Sydney", "E. South America Standard Time": "America/Sao_Paulo",
}

// property splits "NAME;PARAM=value:value".
func property(line string) (name string, params map[string]string, value string) {
	quote := false
	colon := -1
	for i := 0; i < len(line) && colon < 0; i++ {
		switch {
		case line[i] == '"':
			quote = !quote
		case line[i] == ':' && !quote:
			colon = i
		}
	}
	if colon < 0 {
		return "", nil, ""
	}
	head, value := line[:colon], strings.TrimSpace(line[colon+1:])
	parts := strings.Split(head, ";")
	params = map[string]string{}
	for _, kv := range parts[1:] {
		k, v, _ := strings.Cut(kv, "=")
		params[strings.ToUpper(k)] = v
	}
	return strings.ToUpper(strings.TrimSpace(parts[0])), params, value
}

func unescapeICal(s string) string {
	return strings.NewReplacer(`\n`, "\n", `\N`, "\n", `\,`, ",", `\;`, ";", `\\`, `\`).Replace(s)
}

// icalDuration reads P1DT2H30M.
func icalDuration(s string) (time.Duration, bool) {
	s, ok := strings.CutPrefix(strings.TrimPrefix(s, "+"), "P")
	if !ok {
		return 0, false
	}
	units := map[byte]time.Duration{'W': 7 * 24 * time.Hour, 'D': 24 * time.Hour, 'H': time.Hour, 'M': time.Minute, 'S': time.Second}
	var total time.Duration
	n := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == 'T':
		case c >= '0' && c <= '9' && n < 100000:
			n = n*10 + int(c-'0')
		case units[c] > 0:
			total += time.Duration(n) * units[c]
			n = 0
		default:
			return 0, false
		}
	}
	return total, true
}
