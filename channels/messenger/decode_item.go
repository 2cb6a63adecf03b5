package messenger

import (
	"encoding/json"
	"fmt"

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
	if m.Begin(&m.it.Item, m.it.Message != nil && m.it.Message.Echo) {
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
	case it.Delivery != nil:
		m.receipt(it.Delivery, timeline.Delivered)
	case it.Read != nil:
		m.receipt(it.Read, timeline.Read)
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
		in.Event.Actor.ID, in.Event.Actor.Name = string(w.App), meta.Inboxes[w.App]
	} else {
		in.Opens = []string{openMessage}
	}
	msg := &timeline.Message{Text: w.Text, Parts: m.parts(w)}
	if w.ReplyTo != nil && w.ReplyTo.MID != "" {
		ref := meta.Of(w.ReplyTo.MID)
		msg.ReplyTo = &ref
	}
	if msg.Text == "" && len(msg.Parts) == 0 {
		m.Unknown(m.U, "empty message")
		return
	}
	in.Event.Message = msg
	m.Add(in)
}

// emojis are the reactions that come by name; the far side takes these names back.
var emojis = map[string]string{"love": "❤️", "smile": "😆", "wow": "😮", "sad": "😢", "angry": "😠", "like": "👍", "dislike": "👎"}

func (m *direct) reaction(w *meta.Reaction) {
	emoji := w.Emoji
	if emoji == "" {
		emoji = emojis[w.Name]
	}
	if emoji == "" {
		emoji = "❔"
	}
	m.Reacted(w.MID, emoji, w.Action == "unreact")
}

// receipt is a watermark. Deliveries name some of the messages too: those hold whatever the
// clocks say.
func (m *direct) receipt(w *receipt, state timeline.DeliveryState) {
	up := w.Watermark.Time()
	if up.IsZero() && len(w.MIDs) == 0 {
		m.Unknown(m.U, string(state)+" without a moment")
		return
	}
	for _, mid := range w.MIDs {
		if mid != "" {
			m.Reached(string(state)+":"+string(mid), timeline.Receipt{Of: meta.Of(mid), State: state})
		}
	}
	if !up.IsZero() {
		m.Reached(fmt.Sprintf("%s:%s:%d", state, m.Peer, up.UnixMilli()), timeline.Receipt{UpTo: &up, State: state})
	}
}
