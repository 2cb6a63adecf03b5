package whatsapp

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/internal/meta"
)

// template is a message that the platform approved before. After 24 hours only these go out. An
// agent, or a macro, writes its text with the blanks filled in; what reads like none of them is
// refused before it leaves, with the list of those there are.
type template struct {
	name     string
	language string
	body     string // as approved, with {{1}} or {{name}} for each blank
	blanks   []string
	form     *regexp.Regexp // the body; a group for each blank
}

// The limits of templates; see the page on message templates.
const (
	maxTemplates = 250
	maxBody      = 1024 // runes
)

var (
	templateName = regexp.MustCompile(`^[a-z0-9_]{1,512}$`)
	languageCode = regexp.MustCompile(`^[a-z]{2,3}(_[A-Za-z]{2,4})?$`)
	blank        = regexp.MustCompile(`\{\{\s*([a-z0-9_]+)\s*\}\}`)
)

// readTemplates reads lines of name|language|body.
func readTemplates(v string) ([]template, error) {
	var out []template
	for line := range strings.Lines(v) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		t, err := readTemplate(line)
		if err != nil {
			return nil, err
		}
		if out = append(out, t); len(out) > maxTemplates {
			return nil, fmt.Errorf("at most %d templates", maxTemplates)
		}
	}
	return out, nil
}

func readTemplate(line string) (template, error) {
	f := strings.SplitN(line, "|", 3)
	if len(f) != 3 {
		return template{}, fmt.Errorf("%q is not name|language|text", short(line))
	}
	t := template{name: strings.TrimSpace(f[0]), language: strings.TrimSpace(f[1]), body: strings.ReplaceAll(strings.TrimSpace(f[2]), `\n`, "\n")}
	switch {
	case !templateName.MatchString(t.name):
		return t, fmt.Errorf("the name %q has other than small letters, digits and _", short(t.name))
	case !languageCode.MatchString(t.language):
		return t, fmt.Errorf("%s: the language %q is none such as en, pt_BR or zh_CN", t.name, short(t.language))
	case t.body == "" || utf8.RuneCountInString(t.body) > maxBody:
		return t, fmt.Errorf("%s: the text needs 1 to %d characters", t.name, maxBody)
	}
	var form strings.Builder
	end := 0
	form.WriteString(`^(?s)`)
	for _, at := range blank.FindAllStringSubmatchIndex(t.body, -1) {
		form.WriteString(quoted(t.body[end:at[0]]))
		form.WriteString(`(.+?)`)
		t.blanks = append(t.blanks, t.body[at[2]:at[3]])
		end = at[1]
	}
	form.WriteString(quoted(t.body[end:]) + `$`)
	var err error
	if t.form, err = regexp.Compile(form.String()); err != nil {
		return t, fmt.Errorf("%s: the text cannot be compared: %w", t.name, err)
	}
	return t, nil
}

// quoted matches a text as it is, but for how its white space is written.
func quoted(s string) string {
	var out strings.Builder
	for i, w := range spaces.Split(s, -1) {
		if i > 0 {
			out.WriteString(`\s+`)
		}
		out.WriteString(regexp.QuoteMeta(w))
	}
	return out.String()
}

var spaces = regexp.MustCompile(`\s+`)

func short(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

// checkTemplates checks the setting; its error stands beside the field.
func checkTemplates(v string) error {
	_, err := readTemplates(v)
	return err
}

// fill finds what a text puts into the blanks; ok is false where it is not this template's. A
// blank that stands twice must have the same words twice; the platform takes no line breaks in one.
func (t *template) fill(text string) (values []string, ok bool) {
	found := t.form.FindStringSubmatch(strings.TrimSpace(text))
	if found == nil {
		return nil, false
	}
	given := map[string]string{}
	for i, name := range t.blanks {
		v := found[i+1]
		if was, twice := given[name]; twice && was != v || strings.ContainsAny(v, "\n\t") {
			return nil, false
		} else if twice {
			continue
		}
		given[name] = v
		values = append(values, v)
	}
	return values, true
}

// names are the template's blanks, each once.
func (t *template) names() []string {
	var out []string
	seen := map[string]bool{}
	for _, n := range t.blanks {
		if !seen[n] {
			seen[n] = true
			out = append(out, n)
		}
	}
	return out
}

// named reports whether the blanks have names rather than numbers.
func (t *template) named() bool { return len(t.blanks) > 0 && !meta.Digits(t.blanks[0]) }

// errNoTemplate is how the advice begins where a text reads like no template.
var errNoTemplate = errors.New("the text reads like no approved template")

// match finds the template that a text reads like: of several, the one with the longest body
// of its own.
func (s *settings) match(text string) (t *template, values []string, bad *channels.Failure) {
	for i := range s.templates {
		c := &s.templates[i]
		if vs, ok := c.fill(text); ok && (t == nil || len(c.body) > len(t.body)) {
			t, values = c, vs
		}
	}
	if t != nil {
		return t, values, nil
	}
	if len(s.templates) == 0 {
		return nil, nil, &channels.Failure{Class: channels.WindowClosed, Err: errNoTemplate,
			Advice: "After 24 hours only approved templates can be sent, and the account's settings name none. Add them there, or wait until the person writes."}
	}
	var known []string
	for i, c := range s.templates {
		if i == 5 {
			known = append(known, "…")
			break
		}
		known = append(known, c.name+": “"+short(c.body)+"”")
	}
	return nil, nil, &channels.Failure{Class: channels.WindowClosed, Err: errNoTemplate,
		Advice: "After 24 hours only approved templates can be sent, and this reads like none. Use the words of one: " + strings.Join(known, "; ")}
}
