package meta

import (
	"cmp"
	"strings"
	"unicode/utf8"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

// The step that sends one text or one part, and what it carries beside it.
const (
	StepSend    = "send"
	DataButtons = "buttons" // "1": the message's buttons go with this step
)

// Limits are what one message of a channel carries.
type Limits struct {
	Channel string // its title
	Media   map[string]channels.MediaLimit
	Parts   int              // files at once
	Text    int              // of one text, by Measure
	Measure func(string) int // in the far side's unit
	Above   int              // runes of a text above buttons that take its place

	Replies, Links int // answers and link buttons that can be offered
	Title          int // runes of a button
}

// Pieces cuts a text to what one message carries. With above the last piece stands above
// buttons, where less fits.
func (l *Limits) Pieces(text string, above bool) []string {
	out := Cut(text, l.Text, l.Measure)
	if n := len(out); above && n > 0 && utf8.RuneCountInString(out[n-1]) > l.Above {
		out = append(out[:n-1], Cut(out[n-1], l.Above, utf8.RuneCountInString)...)
	}
	return out
}

// Sendable checks a part as far as can be told without its bytes: what is too large or of
// another type may still be made to fit when it is sent.
func (l *Limits) Sendable(p timeline.Part) *channels.Failure {
	if _, ok := l.Media[string(p.Kind)]; !ok {
		return Refused(channels.BadMedia, "%s carries no %s from here.", l.Channel, p.Kind)
	}
	if p.File == "" && WebURL(p.URL) == "" {
		return Refused(channels.BadMedia, "%s is no longer kept and cannot be sent.", cmp.Or(p.Name, string(p.Kind)))
	}
	return nil
}

// Buttons counts the answers and the links offered, and says what is wrong with them.
func (l *Limits) Buttons(bs []timeline.Button) (replies, links int, bad *channels.Failure) {
	for _, b := range bs {
		if b.Kind != "link" {
			replies++
		} else if links++; WebURL(b.Value) == "" {
			return 0, 0, Refused(channels.BadContent, "The button %q needs a web address.", b.Title)
		}
		if n := utf8.RuneCountInString(b.Title); n == 0 || n > l.Title {
			return 0, 0, Refused(channels.BadContent, "The button %q needs 1 to %d characters.", b.Title, l.Title)
		}
	}
	switch {
	case replies > l.Replies:
		return 0, 0, Refused(channels.BadContent, "At most %d answers can be offered.", l.Replies)
	case links > l.Links:
		return 0, 0, Refused(channels.BadContent, "At most %d link buttons fit below a message.", l.Links)
	case replies > 0 && links > 0:
		return 0, 0, Refused(channels.BadContent, "Offer either answers or links.")
	}
	return replies, links, nil
}

// Message makes the steps of a message on the Messenger Platform: its text in pieces, and each
// part alone. The buttons go with the last piece.
func (l *Limits) Message(m *timeline.Message) ([]channels.Step, error) {
	replies, links, bad := l.Buttons(m.Buttons)
	if bad != nil {
		return nil, bad
	}
	if len(m.Parts) > l.Parts {
		return nil, Refused(channels.BadMedia, "%s carries %d files at once. Send the others in another message.", l.Channel, l.Parts)
	}
	text := l.Pieces(m.Text, links > 0)
	switch {
	case len(text) > 0:
	case len(m.Buttons) > 0:
		return nil, Refused(channels.BadContent, "Buttons need a text above them.")
	case len(m.Parts) == 0:
		return nil, Refused(channels.BadContent, "There is nothing to send.")
	}
	steps := make([]channels.Step, 0, len(text)+len(m.Parts))
	for i, t := range text {
		st := channels.Step{Kind: StepSend, Text: t}
		if i == len(text)-1 && replies+links > 0 {
			st.Data = map[string]string{DataButtons: "1"}
		}
		steps = append(steps, st)
	}
	var files []channels.Step
	for _, p := range m.Parts {
		if bad := l.Sendable(p); bad != nil {
			return nil, bad
		}
		files = append(files, channels.Step{Kind: StepSend, Parts: []timeline.Part{p}})
	}
	if replies > 0 { // answers offered disappear with the next message: they come last
		return append(files, steps...), nil
	}
	return append(steps, files...), nil
}

// ReactionName is how the far side names an emoji, among the names it takes; empty: it does not
// know it.
func ReactionName(names map[string]string, emoji string) string {
	plain := strings.TrimSuffix(emoji, "\ufe0f")
	for name, e := range names {
		if name != "other" && strings.TrimSuffix(e, "\ufe0f") == plain {
			return name
		}
	}
	return ""
}
