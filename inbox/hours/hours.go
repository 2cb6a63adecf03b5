// Package hours says when somebody is there: hours of the week in a time zone, and days that are
// different. It is pure; the zone's data come with the program.
package hours

import (
	"fmt"
	"slices"
	"time"

	_ "time/tzdata" // zones are there on every machine
)

// Span is open from a time of day to another, such as 09:00 to 17:30; 24:00 is midnight at the end.
type Span struct {
	From string `json:"from" pattern:"^([01][0-9]|2[0-3]):[0-5][0-9]$" example:"09:00"`
	To   string `json:"to" pattern:"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$" example:"17:30"`
}

// Holiday is a day that is different: closed, or open at other hours.
type Holiday struct {
	Date  string `json:"date" pattern:"^[0-9]{4}-[0-9]{2}-[0-9]{2}$" example:"2026-12-25"`
	Name  string `json:"name,omitempty" maxLength:"80"`
	Spans []Span `json:"spans,omitempty" maxItems:"10" doc:"Open at these hours; none: closed all day."`
}

// Hours is when somebody is there. The zero value is never.
type Hours struct {
	Zone     string    `json:"zone" maxLength:"60" example:"Europe/Berlin" doc:"Of the IANA database."`
	Week     [7][]Span `json:"week" doc:"From Sunday on."`
	Holidays []Holiday `json:"holidays,omitempty" maxItems:"400"`
}

// FieldError says what is not right.
type FieldError struct{ Path, Message string }

func (e *FieldError) Error() string { return "hours: " + e.Path + ": " + e.Message }

// Check says what is wrong, as a *FieldError.
func (h *Hours) Check() error {
	if _, err := time.LoadLocation(h.Zone); err != nil || h.Zone == "" || h.Zone == "Local" {
		return &FieldError{"zone", "there is no such time zone; name one such as Europe/Berlin"}
	}
	for i, day := range h.Week {
		if err := checkDay(fmt.Sprintf("week[%d]", i), day); err != nil {
			return err
		}
	}
	for i, d := range h.Holidays {
		path := fmt.Sprintf("holidays[%d]", i)
		if _, err := time.Parse(time.DateOnly, d.Date); err != nil {
			return &FieldError{path + ".date", "write the date as 2026-12-25"}
		}
		if slices.IndexFunc(h.Holidays, func(o Holiday) bool { return o.Date == d.Date }) != i {
			return &FieldError{path + ".date", "the day is there already"}
		}
		if err := checkDay(path+".spans", d.Spans); err != nil {
			return err
		}
	}
	return nil
}

func checkDay(path string, day []Span) error {
	last := -1
	for i, s := range day {
		from, ok1 := minutes(s.From)
		to, ok2 := minutes(s.To)
		at := fmt.Sprintf("%s[%d]", path, i)
		switch {
		case !ok1 || from == 24*60:
			return &FieldError{at + ".from", "write the time as 09:00"}
		case !ok2:
			return &FieldError{at + ".to", "write the time as 17:30"}
		case to <= from:
			return &FieldError{at + ".to", "must be after from; what goes on past midnight is a span of the next day"}
		case from < last:
			return &FieldError{at + ".from", "spans of a day are in order and do not overlap"}
		}
		last = to
	}
	return nil
}

func minutes(s string) (int, bool) {
	if s == "24:00" {
		return 24 * 60, true
	}
	t, err := time.Parse("15:04", s)
	return t.Hour()*60 + t.Minute(), err == nil && len(s) == 5
}

// day is the spans of the day that a moment lies in, as moments.
func (h *Hours) day(at time.Time) (out [][2]time.Time) {
	y, m, d := at.Date()
	spans := h.Week[at.Weekday()]
	date := at.Format(time.DateOnly)
	if i := slices.IndexFunc(h.Holidays, func(o Holiday) bool { return o.Date == date }); i >= 0 {
		spans = h.Holidays[i].Spans
	}
	for _, s := range spans {
		from, ok1 := minutes(s.From)
		to, ok2 := minutes(s.To)
		if ok1 && ok2 {
			out = append(out, [2]time.Time{time.Date(y, m, d, 0, from, 0, 0, at.Location()), time.Date(y, m, d, 0, to, 0, 0, at.Location())})
		}
	}
	return out
}

// Open reports whether it is open at a moment. From is open, to is closed.
func (h *Hours) Open(at time.Time) bool {
	zone, err := time.LoadLocation(h.Zone)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(h.day(at.In(zone)), func(s [2]time.Time) bool { return !at.Before(s[0]) && at.Before(s[1]) })
}

// ahead is how many days are looked at for the next opening: holidays may follow one another.
const ahead = 400

// Next is the first moment from at on when it is open; ok is false where there is none within a year.
func (h *Hours) Next(at time.Time) (time.Time, bool) {
	zone, err := time.LoadLocation(h.Zone)
	if err != nil {
		return time.Time{}, false
	}
	day := at.In(zone)
	for range ahead {
		for _, s := range h.day(day) {
			if at.Before(s[1]) && s[0].Before(s[1]) { // a clock put forward may swallow a span
				if at.After(s[0]) {
					return at, true
				}
				return s[0].UTC(), true
			}
		}
		y, m, d := day.Date()
		day = time.Date(y, m, d+1, 12, 0, 0, 0, zone) // noon is there on every day
	}
	return time.Time{}, false
}
