package instagram

import (
	"encoding/json"

	"github.com/parley-hub/parley/channels/internal/meta"
	"github.com/parley-hub/parley/timeline"
)

// direct is an item under way.
type direct struct {
	meta.Direct
	s  *Session
	it item
}

// item reads one item of a messaging or standby list.
func (d *decoder) item(u meta.Update) {
	m := direct{s: d.s, Direct: meta.Direct{Reader: &d.Reader, U: u}}
	if err := json.Unmarshal(u.Raw, &m.it); err != nil {
		d.Unknown(u, "unreadable "+u.Field)
		return
	}
	if m.it.Message != nil && m.it.Message.Self {
		d.Test(u, "self")
		return
	}
	if m.Begin(&m.it.Item, false) {
		m.read()
	}
}

// read makes the events of the item.
func (m *direct) read() {
	it := &m.it
	switch {
	case it.Message != nil:
		m.message(it.Message)
	case it.Reaction != nil && it.Reaction.MID != "":
		m.reaction(it.Reaction)
	case it.Read != nil && it.Read.MID != "":
		m.Reached("read:"+string(it.Read.MID), timeline.Receipt{Of: meta.Of(it.Read.MID), State: timeline.Read})
	default:
		m.Tell(&it.Item)
	}
}

func (m *direct) message(w *message) {
	switch {
	case w.Deleted && w.MID != "":
		m.Unsent(w.MID)
		return
	case w.QuickReply != nil && !m.Out:
		m.Pressed(w.MID, "msg", w.Text, w.QuickReply.Payload)
	default:
		m.said(w)
	}
	if w.Referral != nil {
		m.Referred(w.Referral, m.Key("referral", w.MID))
	}
}

// said is a message with words or parts.
func (m *direct) said(w *message) {
	in := m.Event(m.Key("msg", w.MID), timeline.KindMessage)
	in.Event.Remote = timeline.RemoteID(w.MID)
	if m.Out {
		in.Event.Actor.ID = string(w.App)
	} else {
		in.Opens = []string{openMessage}
	}
	msg := &timeline.Message{Text: w.Text, ReplyTo: w.ReplyTo.ref()}
	heart := false
	msg.Parts, heart = m.parts(w)
	if heart && msg.Text == "" {
		msg.Text = "❤️"
	}
	if msg.Text == "" && len(msg.Parts) == 0 {
		m.Unknown(m.U, "empty message")
		return
	}
	in.Event.Message = msg
	m.Add(in)
}

func (r *replyTo) ref() *timeline.Ref {
	switch {
	case r == nil:
		return nil
	case r.Story != nil:
		return &timeline.Ref{Remote: timeline.RemoteID(r.Story.ID), Kind: "story", URL: r.Story.URL}
	case r.MID != "":
		ref := meta.Of(r.MID)
		return &ref
	}
	return nil
}

// emojis are the reactions that come by name.
var emojis = map[string]string{"love": "❤️", "laugh": "😆", "wow": "😮", "sad": "😢", "angry": "😠", "like": "👍", "dislike": "👎", "other": "❔"}

func (m *direct) reaction(w *meta.Reaction) {
	emoji := w.Emoji
	if emoji == "" {
		emoji = emojis[w.Name]
	}
	m.Reacted(w.MID, emoji, w.Action == "unreact" || emoji == "")
}
