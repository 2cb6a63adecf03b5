package channels

import (
	"testing"
	"time"

	"github.com/parley-hub/parley/timeline"
)

func TestTextLength(t *testing.T) {
	const text = "né👍" // 3 characters
	for unit, want := range map[string]int{"bytes": 7, "utf16": 4, "runes": 3, "": 3} {
		if n := (TextLimit{Unit: unit}).Length(text); n != want {
			t.Errorf("%q: %d, want %d", unit, n, want)
		}
	}
	for name, c := range map[string]struct {
		max  int
		fits bool
	}{"no limit": {0, true}, "exactly": {3, true}, "one over": {2, false}} {
		if got := (TextLimit{Max: c.max}).Fits(text); got != c.fits {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestPartLimits(t *testing.T) {
	can := Capabilities{Media: map[string]MediaLimit{"image": {MaxBytes: 8, MIME: []string{"image/png", "image/j*"}}, "file": {}}}
	for name, c := range map[string]struct {
		can              Capabilities
		part             timeline.Part
		ok, small, taken bool
	}{
		"its own kind":         {can, timeline.Part{Kind: "image", MIME: "image/jpeg", Size: 8}, true, true, true},
		"too large":            {can, timeline.Part{Kind: "image", MIME: "image/png", Size: 9}, true, false, true},
		"another type":         {can, timeline.Part{Kind: "image", MIME: "image/webp", Size: 1}, true, true, false},
		"any file":             {can, timeline.Part{Kind: "video", MIME: "video/mp4", Size: 1 << 40}, true, true, true},
		"no files at all":      {Capabilities{}, timeline.Part{Kind: "file"}, false, true, true},
		"images, but no files": {Capabilities{Media: map[string]MediaLimit{"image": {}}}, timeline.Part{Kind: "audio"}, false, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			l, ok := c.can.Limit(c.part)
			if ok != c.ok || l.Small(c.part.Size) != c.small || l.Takes(c.part.MIME) != c.taken {
				t.Errorf("ok %v, small %v, taken %v", ok, l.Small(c.part.Size), l.Takes(c.part.MIME))
			}
		})
	}
}

func TestAllowed(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	day := WindowRule{Name: "standard", Opens: []string{"message", "postback"}, For: 24 * time.Hour}
	week := WindowRule{Name: "human", Opens: []string{"message"}, For: 7 * 24 * time.Hour, By: []timeline.ActorKind{timeline.ActorAgent}, Tag: "HUMAN"}
	once := WindowRule{Name: "once", Opens: []string{"comment"}, For: 7 * 24 * time.Hour, Max: 1}
	ago := func(d time.Duration, used int) timeline.Window { return timeline.Window{At: now.Add(-d), Used: used} }
	for name, c := range map[string]struct {
		rules  []WindowRule
		opened map[string]timeline.Window
		by     timeline.ActorKind
		rule   string
		ok     bool
	}{
		"no rules: any time":         {nil, nil, timeline.ActorRule, "", true},
		"never opened":               {[]WindowRule{day}, nil, timeline.ActorAgent, "", false},
		"within":                     {[]WindowRule{day, week}, map[string]timeline.Window{"message": ago(time.Hour, 9)}, timeline.ActorRule, "standard", true},
		"one second left":            {[]WindowRule{day}, map[string]timeline.Window{"message": ago(24*time.Hour-time.Second, 0)}, timeline.ActorRule, "standard", true},
		"the very end":               {[]WindowRule{day}, map[string]timeline.Window{"message": ago(24*time.Hour, 0)}, timeline.ActorRule, "", false},
		"a person has longer":        {[]WindowRule{day, week}, map[string]timeline.Window{"message": ago(48*time.Hour, 0)}, timeline.ActorAgent, "human", true},
		"a machine has not":          {[]WindowRule{day, week}, map[string]timeline.Window{"message": ago(48*time.Hour, 0)}, timeline.ActorAssistant, "", false},
		"a comment opens no message": {[]WindowRule{day}, map[string]timeline.Window{"comment": ago(time.Minute, 0)}, timeline.ActorAgent, "", false},
		"once":                       {[]WindowRule{once}, map[string]timeline.Window{"comment": ago(time.Minute, 0)}, timeline.ActorAgent, "once", true},
		"not twice":                  {[]WindowRule{once}, map[string]timeline.Window{"comment": ago(time.Minute, 1)}, timeline.ActorAgent, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			rule, _, ok := Capabilities{Windows: c.rules}.Allowed(c.opened, c.by, now)
			if ok != c.ok || rule.Name != c.rule {
				t.Errorf("rule %q, %v", rule.Name, ok)
			}
		})
	}
}
