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

// oneLine joins words by single spaces and cuts the text to [timeline.PreviewRunes].
func oneLine(s string) string {
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
		if n >= timeline.PreviewRunes-1 && strings.TrimSpace(s) != "" {
			b.WriteRune('…')
			break
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}
