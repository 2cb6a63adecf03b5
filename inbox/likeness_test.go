package inbox

import (
	"strings"
	"testing"

	"github.com/parley-hub/parley/timeline"
)

func TestSaid(t *testing.T) {
	cases := []struct{ name, text, want string }{
		{"an address in a sentence", "Write to Maya.Hikes@Example.org.", "email:maya.hikes@example.org"},
		{"in brackets", "<maya@example.org>, thanks", "email:maya@example.org"},
		{"a number with its country", "call +1 (555) 010-0200 please", "tel:+15550100200"},
		{"a number without", "call 555 0100", ""},
		{"both, twice", "a@x.org +441632960123 a@x.org", "email:a@x.org tel:+441632960123"},
		{"no address", "me @ home, 3+4=7, @maya", ""},
		{"too long for a number", "+1 234 567 890 123 456 789", ""},
		{"at most ten", strings.Repeat("a@x.org b@x.org c@x.org d@x.org e@x.org f@x.org g@x.org h@x.org i@x.org j@x.org k@x.org ", 2),
			"email:a@x.org email:b@x.org email:c@x.org email:d@x.org email:e@x.org email:f@x.org email:g@x.org email:h@x.org email:i@x.org email:j@x.org"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, i := range Said(c.text) {
				got = append(got, i.Scheme+":"+i.Value)
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("got %q, want %q", s, c.want)
			}
		})
	}
}

func TestLikeness(t *testing.T) {
	said := timeline.Evidence{Kind: "email", How: EvidenceSaid}
	alike := timeline.Evidence{Kind: "name", How: EvidenceAlike}
	score := func(all ...timeline.Evidence) int { return Likeness(all) }
	if score() != 0 || score(said) != 45 || score(said, said) != 45 || score(said, alike) != 56 || score(alike) >= score(said) {
		t.Errorf("%d, %d, %d, %d", score(), score(said), score(said, alike), score(alike))
	}
	for how := range weight {
		if s := score(timeline.Evidence{How: how}); s <= 0 || s > 99 {
			t.Errorf("%s alone says %d", how, s)
		}
	}
}

func TestAlike(t *testing.T) {
	maya := func(name, user string) *timeline.Person {
		return &timeline.Person{Profile: timeline.Profile{Name: name, Username: user}}
	}
	for _, c := range []struct {
		name    string
		a, b    *timeline.Person
		picture bool
		want    int
	}{
		{"a name alone says nothing", maya("Maya Hikes", "a"), maya("Maya Hikes", "b"), false, 0},
		{"a first name is none", maya("Maya", "maya"), maya("Maya", "maya"), true, 0},
		{"name and user name", maya("Maya Hikes", "maya.h"), maya("maya  hikes", "Maya.H"), false, 2},
		{"name and picture", maya("Maya Hikes", ""), maya("Maya Hikes", ""), true, 2},
		{"all three", maya("Maya Hikes", "m"), maya("Maya Hikes", "m"), true, 3},
		{"another name", maya("Maya Hikes", "m"), maya("Maja Hikes", "m"), true, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Alike(c.a, c.b, c.picture); len(got) != c.want {
				t.Errorf("%+v", got)
			}
		})
	}
}
