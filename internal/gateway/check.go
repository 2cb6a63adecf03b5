package gateway

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/parley-hub/parley/channels"
)

// settingRunes is how long one setting may be.
const settingRunes = 20_000

// FieldError says what is wrong with one field of a form.
type FieldError struct {
	Field string `json:"field"`
	Text  string `json:"text"` // a sentence that says what to do
}

// Invalid is an account that cannot be like this. It holds no value that was entered.
type Invalid struct{ Fields []FieldError }

func (e *Invalid) Error() string {
	var b strings.Builder
	b.WriteString("gateway: the account cannot be like this")
	for _, f := range e.Fields {
		b.WriteString("; " + f.Field + ": " + f.Text)
	}
	return b.String()
}

func invalid(field, text string) error { return &Invalid{Fields: []FieldError{{field, text}}} }

func setting(ss []channels.Setting, name string) *channels.Setting {
	for i := range ss {
		if ss[i].Name == name {
			return &ss[i]
		}
	}
	return nil
}

// check looks at every value of a form, puts defaults in, and reports all that is wrong.
func check(ss []channels.Setting, values map[string]string) error {
	var bad []FieldError
	for name := range values {
		if setting(ss, name) == nil {
			bad = append(bad, FieldError{name, "There is no setting of this name."})
		}
	}
	for _, s := range ss {
		v, ok := values[s.Name]
		if !ok && s.Default != "" && s.Default != channels.Generated {
			v = s.Default
			values[s.Name] = v
		}
		if text := wrong(s, v); text != "" {
			bad = append(bad, FieldError{s.Name, text})
		}
	}
	if len(bad) == 0 {
		return nil
	}
	slices.SortFunc(bad, func(a, b FieldError) int { return strings.Compare(a.Field, b.Field) })
	return &Invalid{Fields: bad}
}

var color = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

// wrong says what is wrong with a value, in a sentence; empty: nothing.
func wrong(s channels.Setting, v string) string {
	switch {
	case v == "" && s.Optional:
		return ""
	case v == "":
		return "This is needed."
	case utf8.RuneCountInString(v) > settingRunes:
		return "This is too long."
	}
	if text := wrongKind(s, v); text != "" {
		return text
	}
	if s.Check != nil {
		if err := s.Check(v); err != nil {
			return err.Error()
		}
	}
	return ""
}

func wrongKind(s channels.Setting, v string) string {
	switch s.Kind {
	case "url":
		if u, err := url.Parse(v); err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
			return "Enter an address that begins with https://."
		}
	case "number":
		if _, err := strconv.ParseFloat(v, 64); err != nil {
			return "Enter a number."
		}
	case "bool":
		if v != "true" && v != "false" {
			return "Enter true or false."
		}
	case "choice":
		if !slices.Contains(s.Choices, v) {
			return "Choose one of: " + strings.Join(s.Choices, ", ") + "."
		}
	case "color":
		if !color.MatchString(v) {
			return "Enter a colour such as #2b53c6."
		}
	}
	return ""
}
