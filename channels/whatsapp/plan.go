package whatsapp

import (
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/internal/meta"
	"github.com/parley-hub/parley/timeline"
)

// The kinds of step beyond those of the contract.
const (
	stepSend     = meta.StepSend
	stepReact    = "react"
	stepTemplate = "template" // an approved template, which goes at any time
)

// What a step carries beside its text.
const (
	dataButtons  = meta.DataButtons
	dataTemplate = "template" // its name
	dataLanguage = "language"
	dataValues   = "values" // what fills the blanks, a JSON array
	dataNames    = "names"  // the blanks' names, where they have some
)

// limits are what one message carries.
var limits = meta.Limits{Channel: brand, Media: Channel.Can.Media, Parts: maxParts, Text: maxText, Measure: utf8.RuneCountInString,
	Above: maxInteractive}

// Plan makes the calls that a message becomes: texts of at most 4096 characters, cut between
// characters as people see them, and each file alone, with the text as its caption where it
// carries one. Where only templates may go, it is the template that the text reads like.
func (s *Session) Plan(o timeline.Outbound) ([]channels.Step, error) {
	rule, _, ok := Channel.Can.Allowed(o.Opened, o.Actor.Kind, o.At)
	late := ok && rule.Name == ruleTemplate
	switch {
	case o.Moderation != nil:
		return nil, meta.Refused(channels.BadContent, "There is nothing public on WhatsApp.")
	case o.Edit != nil:
		return nil, meta.Refused(channels.BadContent, "Messages on WhatsApp cannot be edited from here.")
	case o.Unsend != nil:
		return nil, meta.Refused(channels.BadContent, "Messages on WhatsApp cannot be taken back from here.")
	case o.Reaction != nil:
		return planReaction(o.Reaction, late)
	case o.Message == nil:
		return nil, meta.Refused(channels.BadContent, "There is nothing to send.")
	case late:
		return s.planTemplate(o.Message)
	}
	return planMessage(o.Message)
}

func planReaction(r *timeline.Reaction, late bool) ([]channels.Step, error) {
	switch {
	case r.Of.Remote == "":
		return nil, meta.Refused(channels.BadContent, "The message is not known to WhatsApp yet.")
	case late:
		return nil, meta.Refused(channels.WindowClosed, "After 24 hours nothing but approved templates can be sent, reactions neither.")
	}
	return []channels.Step{{Kind: stepReact}}, nil
}

// planTemplate is the template that a text reads like.
func (s *Session) planTemplate(m *timeline.Message) ([]channels.Step, error) {
	if len(m.Parts) > 0 || len(m.Buttons) > 0 {
		return nil, meta.Refused(channels.WindowClosed, "After 24 hours only the text of an approved template can be sent, without files and buttons.")
	}
	t, values, bad := s.set.match(m.Text)
	if bad != nil {
		return nil, bad
	}
	st := channels.Step{Kind: stepTemplate, Text: m.Text, Data: map[string]string{dataTemplate: t.name, dataLanguage: t.language, dataValues: list(values)}}
	if t.named() {
		st.Data[dataNames] = list(t.names())
	}
	return []channels.Step{st}, nil
}

// list is a JSON array of strings. Encoding them cannot fail.
func list(vs []string) string {
	b, err := json.Marshal(vs)
	if err != nil || vs == nil {
		return "[]"
	}
	return string(b)
}

func planMessage(m *timeline.Message) ([]channels.Step, error) {
	if bad := checkButtons(m.Buttons); bad != nil {
		return nil, bad
	}
	if len(m.Parts) > maxParts {
		return nil, meta.Refused(channels.BadMedia, "At most %d files go in one message. Send the others in another.", maxParts)
	}
	for _, p := range m.Parts {
		if bad := limits.Sendable(p); bad != nil {
			return nil, bad
		}
	}
	if captioned(m) {
		return []channels.Step{{Kind: stepSend, Text: m.Text, Parts: m.Parts}}, nil
	}
	words := limits.Pieces(m.Text, len(m.Buttons) > 0)
	switch {
	case len(words) > 0:
	case len(m.Buttons) > 0:
		return nil, meta.Refused(channels.BadContent, "Buttons need a text above them.")
	case len(m.Parts) == 0:
		return nil, meta.Refused(channels.BadContent, "There is nothing to send.")
	}
	var steps []channels.Step
	for _, p := range m.Parts {
		steps = append(steps, channels.Step{Kind: stepSend, Parts: []timeline.Part{p}})
	}
	for i, t := range words {
		st := channels.Step{Kind: stepSend, Text: t}
		if i == len(words)-1 && len(m.Buttons) > 0 {
			st.Data = map[string]string{dataButtons: "1"}
		}
		steps = append(steps, st)
	}
	return steps, nil
}

// captioned reports whether a message is one file that carries the text.
func captioned(m *timeline.Message) bool {
	if len(m.Parts) != 1 || len(m.Buttons) > 0 || strings.TrimSpace(m.Text) == "" || utf8.RuneCountInString(m.Text) > maxCaption {
		return false
	}
	k := m.Parts[0].Kind
	return k == timeline.PartImage || k == timeline.PartVideo || k == timeline.PartFile
}

// checkButtons says what is wrong with the answers or the link offered.
func checkButtons(bs []timeline.Button) *channels.Failure {
	links, seen := 0, map[string]bool{}
	for _, b := range bs {
		n := utf8.RuneCountInString(b.Title)
		switch {
		case n == 0 || n > maxTitle:
			return meta.Refused(channels.BadContent, "The button %q needs 1 to %d characters.", b.Title, maxTitle)
		case seen[b.Title]:
			return meta.Refused(channels.BadContent, "There are two buttons %q. Give each another title.", b.Title)
		case b.Kind == "link" && meta.WebURL(b.Value) == "":
			return meta.Refused(channels.BadContent, "The button %q needs a web address.", b.Title)
		case b.Kind != "link" && len(b.Value) > maxValue:
			return meta.Refused(channels.BadContent, "The value of the button %q is longer than %d bytes.", b.Title, maxValue)
		case b.Kind == "link":
			links++
		}
		seen[b.Title] = true
	}
	switch {
	case links > 1:
		return meta.Refused(channels.BadContent, "WhatsApp shows one link button below a message.")
	case links > 0 && len(bs) > links:
		return meta.Refused(channels.BadContent, "Offer either answers or a link.")
	case len(bs) > maxRows:
		return meta.Refused(channels.BadContent, "At most %d answers can be offered.", maxRows)
	}
	return nil
}
