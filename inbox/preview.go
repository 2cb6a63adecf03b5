package inbox

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/parley-hub/parley/timeline"
)

// preview is a message in one line, for lists.
func preview(ev *timeline.Event) *timeline.Preview {
	p := &timeline.Preview{Event: ev.ID, Seq: ev.Seq, Direction: ev.Direction, Actor: ev.Actor, Leg: ev.Leg, At: ev.At}
	switch {
	case ev.Message != nil:
		p.Text = oneLine(ev.Message.Text)
		if len(ev.Message.Parts) > 0 {
			p.Part = ev.Message.Parts[0].Kind
		}
		if ev.Message.Delivery != nil {
			p.Delivery = ev.Message.Delivery.State
		}
	case ev.Postback != nil:
		p.Text = oneLine(ev.Postback.Title)
	case ev.Unknown != nil:
		p.Text = oneLine(ev.Unknown.Summary)
	}
	return p
}

// opening is how a person's message begins; empty for what is none, or has no words.
func opening(ev *timeline.Event) string {
	if ev == nil || ev.Message == nil || ev.Kind != timeline.KindMessage || !Speaks(ev) {
		return ""
	}
	return cut(ev.Message.Text, timeline.PreviewRunes/2)
}

// oneLine is a text as lists show it.
func oneLine(s string) string { return cut(s, timeline.PreviewRunes) }

// cut joins words by single spaces and cuts the text to so many runes.
func cut(s string, runes int) string {
	var b strings.Builder
	n, space := 0, false
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		s = s[size:]
		if unicode.IsSpace(r) {
			space = n > 0
			continue
		}
		if space {
			b.WriteByte(' ')
			n, space = n+1, false
		}
		if n >= runes-1 && strings.TrimSpace(s) != "" {
			b.WriteRune('…')
			break
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}
