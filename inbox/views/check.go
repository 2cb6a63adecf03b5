package views

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/parley-hub/parley/timeline"
)

// The limits of a filter.
const (
	MaxDepth      = 6  // of And, Or and Not within one another
	MaxConditions = 50 // of fields altogether
)

// FieldError says where a filter is not right: a path such as "and[1].over".
type FieldError struct{ Path, Message string }

func (e *FieldError) Error() string { return "views: " + e.Path + ": " + e.Message }

// Check says what is wrong with a filter, as a *FieldError; nil if nothing is.
func (f *Filter) Check() error {
	n := 0
	return f.check("", 1, &n)
}

func (f *Filter) check(path string, depth int, n *int) error {
	if depth > MaxDepth {
		return wrong(path, "conditions lie in one another at most "+strconv.Itoa(MaxDepth)+" deep")
	}
	if *n++; *n > MaxConditions {
		return wrong(path, "a filter has at most "+strconv.Itoa(MaxConditions)+" conditions")
	}
	kinds := 0
	for _, set := range []bool{len(f.And) > 0, len(f.Or) > 0, f.Not != nil, f.Field != ""} {
		if set {
			kinds++
		}
	}
	if kinds > 1 {
		return wrong(path, "set one of and, or, not and field")
	}
	for name, list := range map[string][]Filter{"and": f.And, "or": f.Or} {
		for i := range list {
			if err := list[i].check(fmt.Sprintf("%s[%d]", under(path, name), i), depth+1, n); err != nil {
				return err
			}
		}
	}
	if f.Not != nil {
		return f.Not.check(under(path, "not"), depth+1, n)
	}
	return f.checkField(path)
}

func under(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func wrong(path, message string) error {
	if path == "" {
		path = "filter"
	}
	return &FieldError{path, message}
}

// members is which members a field's condition may set, and which of them it needs one of.
var members = map[Field][]string{
	State: {"in"}, Assignee: {"in"}, Team: {"in"}, Label: {"in"}, Priority: {"in"}, Channel: {"in"}, Account: {"in"}, Place: {"in"},
	LastActor: {"in"}, Waiting: {"over"}, Unread: {"is"}, Attachment: {"is"}, Failed: {"is"}, Created: {"from", "until"},
	Last: {"from", "until"}, Deadline: {"from", "until", "over", "within"}, Attribute: {"in", "name"}, Subject: {"text"},
}

func (f *Filter) set() []string {
	var out []string
	for _, m := range []struct {
		name string
		set  bool
	}{{"in", f.In != nil}, {"is", f.Is != nil}, {"over", f.Over != ""}, {"within", f.Within != ""}, {"from", f.From != nil},
		{"until", f.Until != nil}, {"name", f.Name != ""}, {"text", f.Text != ""}} {
		if m.set {
			out = append(out, m.name)
		}
	}
	return out
}

func (f *Filter) checkField(path string) error {
	set := f.set()
	if f.Field == "" {
		if len(set) > 0 {
			return wrong(under(path, "field"), "name what "+set[0]+" is about")
		}
		return nil
	}
	may, known := members[f.Field]
	if !known {
		return wrong(under(path, "field"), "there is no field "+strconv.Quote(string(f.Field)))
	}
	for _, m := range set {
		if !slices.Contains(may, m) {
			return wrong(under(path, m), string(f.Field)+" takes "+strings.Join(may, ", "))
		}
	}
	if needs := !slices.Contains(may, "is"); needs && len(set) == 0 || f.Field == Attribute && len(set) < 2 {
		return wrong(under(path, may[0]), string(f.Field)+" needs "+strings.Join(may, " or "))
	}
	return f.checkValues(path)
}

func (f *Filter) checkValues(path string) error {
	if f.In != nil && len(f.In) == 0 {
		return wrong(under(path, "in"), "name at least one")
	}
	var values []string
	switch f.Field {
	case State:
		for _, s := range timeline.States {
			values = append(values, string(s))
		}
	case Priority:
		values = priorities[:]
	case LastActor:
		for _, k := range []timeline.ActorKind{timeline.ActorCustomer, timeline.ActorAgent, timeline.ActorAssistant, timeline.ActorRule, timeline.ActorSystem, timeline.ActorExternal} {
			values = append(values, string(k))
		}
	}
	for i, v := range f.In {
		switch {
		case values != nil && !slices.Contains(values, v):
			return wrong(fmt.Sprintf("%s[%d]", under(path, "in"), i), "must be one of "+strings.Join(values, ", "))
		case utf8.RuneCountInString(v) > 200:
			return wrong(fmt.Sprintf("%s[%d]", under(path, "in"), i), "use at most 200 characters")
		}
	}
	return f.checkTimes(path)
}

func (f *Filter) checkTimes(path string) error {
	for name, v := range map[string]string{"over": f.Over, "within": f.Within} {
		if v == "" {
			continue
		}
		if _, err := parseSpan(v); err != nil {
			return wrong(under(path, name), err.Error())
		}
	}
	if f.From != nil && f.Until != nil && !f.From.Before(*f.Until) {
		return wrong(under(path, "until"), "must be after from")
	}
	if n := len(f.set()); f.Field == Deadline && n > 1 && (f.Over != "" || f.Within != "") {
		return wrong(under(path, "over"), "use either over, within, or from and until")
	}
	return nil
}

var errSpan = errors.New("use a number with m, h, d or w, such as 30m, 4h or 2d")

// maxSpan is the longest length of time in a filter.
const maxSpan = 10 * 366 * 24 * time.Hour

// parseSpan reads a length of time: a whole number and a unit.
func parseSpan(s string) (time.Duration, error) {
	if len(s) < 2 {
		return 0, errSpan
	}
	unit, ok := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}[s[len(s)-1]]
	n, err := strconv.ParseUint(s[:len(s)-1], 10, 31)
	if !ok || err != nil || time.Duration(n) > maxSpan/unit {
		return 0, errSpan
	}
	return time.Duration(n) * unit, nil
}
