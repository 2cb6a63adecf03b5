package webchat

import (
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // hours are told in any zone, whatever the machine has
	"unicode/utf8"
)

// minSecret is how long a secret must be, in bytes: as long as what HS256 makes of it.
const minSecret = 32

// settings are an account's, read once.
type settings struct {
	title, greeting, color, replyTime, privacyURL, locale string

	team            []string
	origins         []origin
	form            []field
	hours           []span
	zone            *time.Location
	requireIdentity bool
	messageRate     float64 // per minute
	sessionRate     float64 // per minute
}

func read(v map[string]string) (settings, error) {
	s := settings{title: v["title"], greeting: v["greeting"], color: v["color"], replyTime: v["replyTime"], privacyURL: v["privacyUrl"],
		locale: v["locale"], team: lines(v["team"]), requireIdentity: v["requireIdentity"] == "true"}
	var err error
	named := func(name string, e error) {
		if e != nil && err == nil {
			err = fmt.Errorf("%s: %w", name, e)
		}
	}
	var e error
	s.origins, e = readOrigins(v["origins"])
	named("origins", e)
	s.form, e = readForm(v["form"])
	named("form", e)
	s.hours, e = readHours(v["hours"])
	named("hours", e)
	s.zone, e = time.LoadLocation(v["timeZone"])
	named("timeZone", e)
	s.messageRate, e = readRate(v["messageRate"])
	named("messageRate", e)
	s.sessionRate, e = readRate(v["sessionRate"])
	named("sessionRate", e)
	return s, err
}

func lines(v string) []string {
	var out []string
	for l := range strings.SplitSeq(v, "\n") {
		if l = strings.TrimSpace(l); l != "" {
			out = append(out, l)
		}
	}
	return out
}

func readRate(v string) (float64, error) {
	if v == "" {
		return 0, nil
	}
	n, err := strconv.ParseFloat(v, 64)
	if err != nil || !(n >= 0 && n <= 1e6) {
		return 0, errors.New("Enter a number from 0 to 1000000.") //nolint:staticcheck // shown to people
	}
	return n, nil
}

func checkRate(v string) error { _, err := readRate(v); return err }

// maxContinue is the longest that an answer may stay unread before it is mailed: a week, in minutes.
const maxContinue = 7 * 24 * 60

func checkMinutes(v string) error {
	if n, err := strconv.Atoi(v); err != nil || n < 1 || n > maxContinue {
		return fmt.Errorf("Enter minutes from 1 to %d.", maxContinue) //nolint:staticcheck // shown to people
	}
	return nil
}

func checkSecret(v string) error {
	if len(v) < minSecret {
		return fmt.Errorf("Use %d characters or more.", minSecret) //nolint:staticcheck // shown to people
	}
	return nil
}

func checkZone(v string) error {
	if _, err := time.LoadLocation(v); err != nil || v == "Local" {
		return errors.New("Enter a time zone such as Europe/Berlin.") //nolint:staticcheck // shown to people
	}
	return nil
}

// origin is a page's origin that may show the chat; with wild, every host below it.
type origin struct {
	any          bool
	wild         bool
	scheme, host string // host with its port
}

func readOrigins(v string) ([]origin, error) {
	var out []origin
	for _, l := range lines(v) {
		if l == "*" {
			out = append(out, origin{any: true})
			continue
		}
		scheme, host, ok := strings.Cut(strings.ToLower(l), "://")
		o := origin{scheme: scheme, host: strings.TrimSuffix(host, "/")}
		if o.host, o.wild = cutWild(o.host); !ok || (scheme != "https" && scheme != "http") || !validHost(o.host) {
			return nil, fmt.Errorf("%q is no origin such as https://shop.example.", l) //nolint:staticcheck // shown to people
		}
		out = append(out, o)
	}
	return out, nil
}

func cutWild(h string) (string, bool) {
	rest, wild := strings.CutPrefix(h, "*.")
	return rest, wild
}

func validHost(h string) bool {
	u, err := url.Parse("https://" + h)
	return err == nil && u.Host == h && u.Hostname() != "" && !strings.ContainsAny(h, "*/?#@ ")
}

func checkOrigins(v string) error { _, err := readOrigins(v); return err }

func (o origin) allows(scheme, host string) bool {
	switch {
	case o.any:
		return true
	case o.scheme != scheme:
		return false
	case o.wild:
		return strings.HasSuffix(host, "."+o.host)
	}
	return host == o.host
}

// field is one question of the form before the chat.
type field struct {
	Name     string `json:"name"`
	Label    string `json:"label"`
	Kind     string `json:"kind"`
	Required bool   `json:"required"`
}

var (
	fieldName  = regexp.MustCompile(`^[a-z][a-zA-Z0-9_]{0,31}$`)
	fieldKinds = []string{"text", "email", "tel"}
	telShape   = regexp.MustCompile(`^\+?[0-9 ()./-]{5,24}$`)
)

// fieldMax is how long an answer may be, in runes.
const fieldMax = 200

func readForm(v string) ([]field, error) {
	var out []field
	for _, l := range lines(v) {
		p := strings.Split(l, ",")
		for i := range p {
			p[i] = strings.TrimSpace(p[i])
		}
		if len(p) != 4 || !fieldName.MatchString(p[0]) || p[1] == "" || !slices.Contains(fieldKinds, p[2]) || (p[3] != "required" && p[3] != "optional") {
			return nil, fmt.Errorf("%q is not: name, label, kind, required or optional.", l) //nolint:staticcheck // shown to people
		}
		out = append(out, field{p[0], p[1], p[2], p[3] == "required"})
	}
	return out, nil
}

func checkForm(v string) error { _, err := readForm(v); return err }

// answer checks what a visitor entered; the error is for the visitor.
func (f field) answer(v string) (string, error) {
	v = strings.TrimSpace(v)
	switch {
	case v == "" && f.Required:
		return "", fmt.Errorf("fill in %s", f.Label)
	case v == "":
		return "", nil
	case utf8.RuneCountInString(v) > fieldMax:
		return "", fmt.Errorf("%s is too long", f.Label)
	case f.Kind == "email":
		a, err := mail.ParseAddress(v)
		if err != nil || a.Address != v {
			return "", fmt.Errorf("%s is not an e-mail address", f.Label)
		}
	case f.Kind == "tel" && !telShape.MatchString(v):
		return "", fmt.Errorf("%s is not a telephone number", f.Label)
	}
	return v, nil
}

// span is a time of the week when somebody answers.
type span struct {
	days     [7]bool // from Sunday
	from, to int     // minutes of the day
}

var (
	weekdays = []string{"su", "mo", "tu", "we", "th", "fr", "sa"}
	spanForm = regexp.MustCompile(`^(?i)(su|mo|tu|we|th|fr|sa)(?:-(su|mo|tu|we|th|fr|sa))? +(\d\d):(\d\d) ?- ?(\d\d):(\d\d)$`)
)

func readHours(v string) ([]span, error) {
	var out []span
	for _, l := range lines(v) {
		m := spanForm.FindStringSubmatch(l)
		if m == nil {
			return nil, fmt.Errorf("%q is not like: Mo-Fr 09:00-18:00.", l) //nolint:staticcheck // shown to people
		}
		var n [4]int
		for i := range n {
			n[i], _ = strconv.Atoi(m[3+i]) // two digits, says the pattern
		}
		s := span{from: n[0]*60 + n[1], to: n[2]*60 + n[3]}
		if n[1] > 59 || n[3] > 59 || s.from >= s.to || s.to > 24*60 {
			return nil, fmt.Errorf("%q does not end after it begins.", l) //nolint:staticcheck // shown to people
		}
		first := slices.Index(weekdays, strings.ToLower(m[1]))
		last := first
		if m[2] != "" {
			last = slices.Index(weekdays, strings.ToLower(m[2]))
		}
		for d := first; ; d = (d + 1) % 7 {
			s.days[d] = true
			if d == last {
				break
			}
		}
		out = append(out, s)
	}
	return out, nil
}

func checkHours(v string) error { _, err := readHours(v); return err }

// online reports whether somebody answers at a moment.
func (s settings) online(now time.Time) bool {
	if len(s.hours) == 0 {
		return true
	}
	now = now.In(s.zone)
	minute := now.Hour()*60 + now.Minute()
	for _, h := range s.hours {
		if h.days[now.Weekday()] && minute >= h.from && minute < h.to {
			return true
		}
	}
	return false
}
