package inbox

import (
	"fmt"
	"hash/fnv"
	"maps"
	"strings"

	"github.com/parley-hub/parley/timeline"
)

// NameOf is what to call a person of whom only an identity and perhaps a profile are known:
// their name, their address as people read it, or "Visitor" with four digits that stay the same.
func NameOf(i timeline.Identity, p *timeline.Profile) string {
	for _, name := range named(p) {
		if s := oneLine(name); s != "" {
			return s
		}
	}
	if s := oneLine(i.Display); s != "" {
		return s
	}
	if i.Scheme == "email" || i.Scheme == "tel" {
		return i.Value
	}
	return Placeholder(i)
}

func named(p *timeline.Profile) []string {
	if p == nil {
		return nil
	}
	return []string{p.Name, p.Username}
}

// Placeholder is the name of somebody who gave none.
func Placeholder(i timeline.Identity) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(i.ID())) // never fails
	return fmt.Sprintf("Visitor %04d", h.Sum32()%10000)
}

// Introduce takes what is newly known of a person into them, and reports whether that
// changed anything. A name that somebody of us gave them stays.
func Introduce(p *timeline.Person, i timeline.Identity, profile *timeline.Profile) bool {
	if profile == nil {
		return false
	}
	given := p.Named || p.Name != "" && p.Name != p.Profile.Name && p.Name != p.Profile.Username && !borrowed(p.Name, i)
	was, name := p.Profile, p.Name
	p.Profile = overlay(p.Profile, *profile)
	if !given {
		p.Name = NameOf(i, &p.Profile)
	}
	return p.Name != name || !sameProfile(was, p.Profile)
}

// borrowed reports whether a name only repeats an address.
func borrowed(name string, i timeline.Identity) bool {
	return name == Placeholder(i) || name == oneLine(i.Display) || name == i.Value || strings.HasPrefix(name, "Visitor ")
}

// overlay puts what a newer profile says over an older one.
func overlay(old, with timeline.Profile) timeline.Profile {
	pick := func(dst *string, s string) {
		if s != "" {
			*dst = s
		}
	}
	pick(&old.Name, with.Name)
	pick(&old.Username, with.Username)
	pick(&old.Avatar, with.Avatar)
	pick(&old.Locale, with.Locale)
	pick(&old.TimeZone, with.TimeZone)
	if len(with.Extra) > 0 {
		extra := maps.Clone(old.Extra)
		if extra == nil {
			extra = map[string]string{}
		}
		maps.Copy(extra, with.Extra)
		old.Extra = extra
	}
	return old
}

func sameProfile(a, b timeline.Profile) bool {
	return a.Name == b.Name && a.Username == b.Username && a.Avatar == b.Avatar && a.Locale == b.Locale &&
		a.TimeZone == b.TimeZone && maps.Equal(a.Extra, b.Extra)
}
