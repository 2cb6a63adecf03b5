package replies

import (
	"fmt"
	"testing"

	"github.com/parley-hub/parley/timeline"
)

func TestFill(t *testing.T) {
	full := Facts{Person: &timeline.Person{Name: "Maya Lind", Attributes: map[string]string{"tier": "gold", "wild": "<b>{{agent.name}}</b>"}},
		Identities:   []timeline.Known{{Identity: timeline.Identity{Scheme: "tel", Value: "+4912"}}, {Identity: timeline.Identity{Scheme: "email", Value: "maya@example.org"}}},
		Conversation: &timeline.Conversation{Number: 1042, Subject: "Parcel"}, Agent: "Priya Nair", Email: "priya@example.org", Team: "Orders"}
	for _, tc := range []struct {
		name, text string
		f          Facts
		want       string
		missing    string
		cursor     int
	}{
		{"names", "Hello {{person.name}}, {{ person.firstName }}", full, "Hello Maya Lind, Maya", "[]", -1},
		{"ways to reach", "{{person.email}} {{person.phone}}", full, "maya@example.org +4912", "[]", -1},
		{"us", "{{agent.name}}/{{agent.firstName}}/{{agent.email}}/{{team.name}}", full, "Priya Nair/Priya/priya@example.org/Orders", "[]", -1},
		{"the matter", "#{{conversation.number}} {{conversation.subject}}", full, "#1042 Parcel", "[]", -1},
		{"an attribute", "{{person.attributes.tier}}", full, "gold", "[]", -1},
		{"a value is not filled in again", "{{person.attributes.wild}}", full, "<b>{{agent.name}}</b>", "[]", -1},
		{"nothing known, something to say", "Hello {{person.firstName|there}}!", Facts{}, "Hello there!", "[]", -1},
		{"nothing known, nothing to say", "Hello {{person.firstName}}{{person.firstName}}!", Facts{}, "Hello !", "[person.firstName]", -1},
		{"an empty thing to say", "Hello{{person.firstName|}}!", Facts{}, "Hello!", "[]", -1},
		{"a value wins over it", "{{person.firstName|there}}", full, "Maya", "[]", -1},
		{"the conversation's name", "{{person.firstName}}", Facts{Conversation: &timeline.Conversation{Name: "Maya"}}, "Maya", "[]", -1},
		{"unknown ones stay", "{{weather}} {{ }} {{person.name", full, "{{weather}} {{ }} {{person.name", "[]", -1},
		{"the cursor after an emoji", "😀 {{cursor}}Bye", full, "😀 Bye", "[]", 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := Fill(tc.text, "", tc.f)
			if got.Text != tc.want || fmt.Sprint(got.Missing) != tc.missing || got.Cursor != tc.cursor {
				t.Errorf("got %q, missing %v, cursor %d", got.Text, got.Missing, got.Cursor)
			}
		})
	}
	got := Fill("", "<p>{{person.attributes.wild}} {{person.attributes.none|<i>}}</p>", full)
	if want := "<p>&lt;b&gt;{{agent.name}}&lt;/b&gt; &lt;i&gt;</p>"; got.HTML != want {
		t.Errorf("markup %q, want %q", got.HTML, want)
	}
	if got := Unknown("{{weather}} {{person.name}} {{weather}} {{person.attributes.}} {{cursor}} {{person.attributes.x|y}}"); fmt.Sprint(got) != "[weather person.attributes.]" {
		t.Errorf("unknown %v", got)
	}
}

func FuzzFill(f *testing.F) {
	f.Add("Hello {{person.firstName|there}}", "x")
	f.Fuzz(func(_ *testing.T, text, value string) {
		Unknown(text)
		Fill(text, text, Facts{Person: &timeline.Person{Name: value}})
	})
}
