// Package replies fills saved replies in: texts with variables such as {{person.firstName|there}}.
// It is pure.
//
// A variable is a name between double braces, and after a bar what is said where it has no value.
// {{cursor}} says where to go on writing. Anything else between braces is left as it is written.
package replies

import (
	"html"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/parley-hub/parley/timeline"
)

// Facts is what variables take their values from. Nil pointers say nothing.
type Facts struct {
	Person       *timeline.Person
	Identities   []timeline.Known
	Conversation *timeline.Conversation
	Agent        string // name
	Email        string // of the agent
	Team         string // name
}

// Filled is a reply that was filled in.
type Filled struct {
	Text    string
	HTML    string
	Cursor  int      // in Text, in UTF-16 code units as browsers count; -1: at the end
	Missing []string // variables without a value and without something to say instead
}

// Names lists every variable; those of a person's attributes are "person.attributes." and a name.
var Names = []string{"person.name", "person.firstName", "person.email", "person.phone", "agent.name", "agent.firstName", "agent.email",
	"conversation.number", "conversation.subject", "team.name"}

const (
	cursor    = "cursor"
	attribute = "person.attributes."
)

var variable = regexp.MustCompile(`\{\{\s*([a-zA-Z][^{}|]*?)\s*(?:\|([^{}]*))?\}\}`)

// Unknown lists the variables of a text that mean nothing.
func Unknown(text string) (out []string) {
	for _, m := range variable.FindAllStringSubmatch(text, -1) {
		name := m[1]
		known := name == cursor || slices.Contains(Names, name) || len(name) > len(attribute) && strings.HasPrefix(name, attribute)
		if !known && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// Fill fills a text and its markup in. Values are escaped in markup.
func Fill(text, markup string, f Facts) Filled {
	out := Filled{Cursor: -1}
	out.Text = fill(text, f, &out, func(s string) string { return s })
	if i := strings.Index(out.Text, mark); i >= 0 {
		out.Cursor = utf16Len(out.Text[:i])
		out.Text = strings.ReplaceAll(out.Text, mark, "")
	}
	out.HTML = strings.ReplaceAll(fill(markup, f, &out, html.EscapeString), mark, "")
	return out
}

// mark stands for the cursor while a text is filled in. It is no character, so no text holds it.
const mark = "\xff"

func fill(text string, f Facts, out *Filled, escape func(string) string) string {
	return variable.ReplaceAllStringFunc(text, func(s string) string {
		m := variable.FindStringSubmatch(s)
		if m[1] == cursor {
			return mark
		}
		v, known := f.value(m[1])
		switch {
		case !known:
			return s
		case v != "":
			return escape(v)
		case strings.Contains(s, "|"):
			return escape(strings.TrimSpace(m[2]))
		case !slices.Contains(out.Missing, m[1]):
			out.Missing = append(out.Missing, m[1])
		}
		return ""
	})
}

func utf16Len(s string) (n int) {
	for _, r := range s {
		n++
		if r > 0xFFFF {
			n++
		}
	}
	return n
}

// value is what a variable stands for.
func (f Facts) value(name string) (v string, known bool) {
	if a, ok := strings.CutPrefix(name, attribute); ok {
		if f.Person != nil {
			v = f.Person.Attributes[a]
		}
		return clean(v), true
	}
	if !slices.Contains(Names, name) {
		return "", false
	}
	of, what, _ := strings.Cut(name, ".")
	switch of {
	case "person":
		v = f.person(what)
	case "agent":
		v = map[string]string{"name": f.Agent, "firstName": first(f.Agent), "email": f.Email}[what]
	case "team":
		v = f.Team
	case "conversation":
		if c := f.Conversation; c != nil {
			v = map[string]string{"number": strconv.FormatInt(c.Number, 10), "subject": c.Subject}[what]
		}
	}
	return clean(v), true
}

func (f Facts) person(what string) string {
	switch what {
	case "email", "phone":
		scheme := map[string]string{"email": "email", "phone": "tel"}[what]
		for _, k := range f.Identities {
			if k.Identity.Scheme == scheme {
				return k.Identity.Value
			}
		}
		return ""
	}
	name := ""
	if f.Person != nil {
		name = f.Person.Name
	} else if f.Conversation != nil {
		name = f.Conversation.Name
	}
	if what == "firstName" {
		return first(name)
	}
	return name
}

// first is the first of a name's words. A name without spaces, as Chinese ones are, stays whole.
func first(name string) string {
	if words := strings.Fields(name); len(words) > 0 {
		return words[0]
	}
	return ""
}

// clean takes out of a value what is no text: it may come from outside.
func clean(v string) string {
	if !utf8.ValidString(v) {
		v = strings.ToValidUTF8(v, "")
	}
	return strings.TrimSpace(v)
}
