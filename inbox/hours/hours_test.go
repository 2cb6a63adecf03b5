package hours

import (
	"errors"
	"testing"
	"time"
)

func office() Hours {
	day := []Span{{"09:00", "12:00"}, {"13:00", "17:30"}}
	return Hours{Zone: "Europe/Berlin", Week: [7][]Span{nil, day, day, day, day, day, {{"22:00", "24:00"}}},
		Holidays: []Holiday{{Date: "2026-12-25", Name: "Christmas"}, {Date: "2026-12-24", Spans: []Span{{"09:00", "12:00"}}}}}
}

func TestOpenAndNext(t *testing.T) {
	h := office()
	at := func(s string) time.Time {
		zone, err := time.LoadLocation(h.Zone)
		if err != nil {
			t.Fatal(err)
		}
		v, err := time.ParseInLocation("2006-01-02 15:04", s, zone)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, tc := range []struct {
		name, at string
		open     bool
		next     string
	}{
		{"in the morning", "2026-03-02 09:00", true, "2026-03-02 09:00"},
		{"before it opens", "2026-03-02 08:59", false, "2026-03-02 09:00"},
		{"at noon", "2026-03-02 12:00", false, "2026-03-02 13:00"},
		{"when it closes", "2026-03-02 17:30", false, "2026-03-03 09:00"},
		{"until midnight", "2026-03-07 23:59", true, "2026-03-07 23:59"},
		{"over a Sunday", "2026-03-08 00:00", false, "2026-03-09 09:00"},
		{"after half a day and a holiday", "2026-12-24 12:00", false, "2026-12-26 22:00"},
		{"over the change of the clock", "2026-03-28 23:59", true, "2026-03-28 23:59"},
		{"after the change of the clock", "2026-03-29 12:00", false, "2026-03-30 09:00"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			now := at(tc.at)
			if got := h.Open(now); got != tc.open {
				t.Errorf("open: %v", got)
			}
			if got, ok := h.Next(now); !ok || !got.Equal(at(tc.next)) {
				t.Errorf("next: %s, want %s", got, tc.next)
			}
			if got := h.Open(now.UTC()); got != tc.open {
				t.Errorf("open in UTC: %v", got)
			}
		})
	}
	never := Hours{Zone: "UTC"}
	if _, ok := never.Next(time.Now()); ok || never.Open(time.Now()) {
		t.Error("open without hours")
	}
}

func TestCheck(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*Hours)
		path   string
	}{
		"right":               {func(*Hours) {}, ""},
		"no zone":             {func(h *Hours) { h.Zone = "" }, "zone"},
		"unknown zone":        {func(h *Hours) { h.Zone = "Mars/Base" }, "zone"},
		"no time":             {func(h *Hours) { h.Week[0] = []Span{{"9", "10:00"}} }, "week[0][0].from"},
		"backwards":           {func(h *Hours) { h.Week[2] = []Span{{"10:00", "09:00"}} }, "week[2][0].to"},
		"overlapping":         {func(h *Hours) { h.Week[2] = []Span{{"09:00", "12:00"}, {"11:00", "13:00"}} }, "week[2][1].from"},
		"no date":             {func(h *Hours) { h.Holidays[0].Date = "25.12." }, "holidays[0].date"},
		"the same day twice":  {func(h *Hours) { h.Holidays[1].Date = h.Holidays[0].Date }, "holidays[1].date"},
		"a holiday backwards": {func(h *Hours) { h.Holidays[1].Spans[0].To = "08:00" }, "holidays[1].spans[0].to"},
	} {
		t.Run(name, func(t *testing.T) {
			h := office()
			tc.change(&h)
			var wrong *FieldError
			err := h.Check()
			got := ""
			if errors.As(err, &wrong) {
				got = wrong.Path
			}
			if got != tc.path {
				t.Errorf("got %v, want %s", err, tc.path)
			}
		})
	}
}
