package world

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/parley-hub/parley/channels/instagram/metasim/internal/hook"
	"github.com/parley-hub/parley/channels/instagram/metasim/internal/wire"
)

// waChange makes the events of one value for a business's number.
func (w *World) waChange(b *Business, field string, value wire.Obj) []Dispatch {
	var out []Dispatch
	for _, r := range w.receivers(b, ObjectWhatsApp, field) {
		e := hook.NewEvent(b.WABA, "changes", wire.O("value", value, "field", field))
		e.Seconds = true
		out = append(out, Dispatch{r.Target, e})
	}
	return out
}

func (w *World) waValue(b *Business) wire.Obj {
	return wire.O("messaging_product", "whatsapp", "metadata",
		wire.O("display_phone_number", b.PhoneNumber, "phone_number_id", b.Phone))
}

// contact is how a message names its sender: by number, or by business-scoped id alone.
func contact(p *Person) (wire.Obj, wire.Obj) {
	profile := wire.O("profile", wire.O("name", p.Name))
	if p.WaID == "" {
		return profile.With("user_id", p.BSUID), wire.O("from_user_id", p.BSUID)
	}
	from := wire.O("from", p.WaID)
	profile = profile.With("wa_id", p.WaID)
	if p.BSUID != "" {
		profile, from = profile.With("user_id", p.BSUID), from.With("from_user_id", p.BSUID)
	}
	return profile, from
}

// waMessage are the events of a person's message.
func (w *World) waMessage(t *Thread, m *Message) []Dispatch {
	b, p := w.st.Businesses[t.Business], w.st.People[t.Person]
	profile, msg := contact(p)
	if m.ReplyTo != "" {
		msg = append(wire.O("context", wire.O("from", b.PhoneNumber, "id", m.ReplyTo)), msg...)
	}
	msg = msg.With("id", m.ID).With("timestamp", strconv.FormatInt(m.At.Unix(), 10))
	switch {
	case m.Unsupported:
		msg = msg.With("type", "unsupported").With("errors", []any{wire.O("code", 131051, "title", "Message type unknown",
			"message", "Message type unknown", "error_data", wire.O("details", "Message type is currently not supported."))})
	case m.QuickReply != "":
		msg = msg.With("type", "interactive").With("interactive", wire.O("type", "button_reply",
			"button_reply", wire.O("id", m.QuickReply, "title", m.Text)))
	case len(m.Attachments) > 0:
		a := m.Attachments[0]
		kind := waKind(a.Type)
		msg = msg.With("type", kind).With(kind, w.waMediaBody(a, kind, m.Text))
	default:
		msg = msg.With("type", "text").With("text", wire.O("body", m.Text))
	}
	return w.waChange(b, "messages", w.waValue(b).With("contacts", []any{profile}).With("messages", []any{msg}))
}

func waKind(t string) string {
	if t == "file" {
		return "document"
	}
	return t
}

func (w *World) waMediaBody(a Attachment, kind, caption string) wire.Obj {
	f := w.st.Assets[a.Asset]
	o := wire.O("caption", wire.NonEmpty(caption))
	if f == nil {
		return o.With("id", a.Asset).With("link", wire.NonEmpty(a.URL))
	}
	if kind == "document" {
		o = append(wire.O("filename", f.Name), o...)
	}
	return o.With("mime_type", f.Type).With("sha256", Digest(f.Bytes)).With("id", f.ID)
}

func (w *World) waReaction(t *Thread, m *Message, emoji string) []Dispatch {
	b, p := w.st.Businesses[t.Business], w.st.People[t.Person]
	profile, msg := contact(p)
	msg = msg.With("id", w.messageID(WhatsApp)).With("timestamp", strconv.FormatInt(w.now().Unix(), 10)).
		With("type", "reaction").With("reaction", wire.O("message_id", m.ID, "emoji", emoji))
	w.opened(t, w.now())
	return w.waChange(b, "messages", w.waValue(b).With("contacts", []any{profile}).With("messages", []any{msg}))
}

// waStatus are the events of a status of what the business sent.
func (w *World) waStatus(t *Thread, m *Message, status string, failure *Error) []Dispatch {
	b, p := w.st.Businesses[t.Business], w.st.People[t.Person]
	s := wire.O("id", m.ID, "status", status, "timestamp", strconv.FormatInt(w.now().Unix(), 10),
		"recipient_id", w.ScopedID(WhatsApp, b, p))
	if failure != nil {
		s = s.With("errors", []any{wire.O("code", failure.Code, "title", failure.Message, "message", failure.Message,
			"error_data", wire.O("details", failure.Details))})
	} else {
		s = s.With("conversation", wire.O("id", digestHex(t.ID), "origin", wire.O("type", "service"))).
			With("pricing", wire.O("billable", false, "pricing_model", "PMP", "category", "service", "type", "free_customer_service"))
	}
	return w.waChange(b, "messages", w.waValue(b).With("statuses", []any{s}))
}

// WaOutgoing is a call of WhatsApp's messages edge, read.
type WaOutgoing struct {
	To         string
	Kind       string // text, image, audio, video, document, sticker, template, interactive, reaction, location, contacts
	Text       string
	Attachment *Attachment
	ReplyTo    string
	ReactTo    string
	Emoji      string
	Template   string
	Language   string
	Params     int
	Buttons    []Button
	App        string
	Raw        json.RawMessage
}

// CheckWa applies the rules that need no file. Outside 24 hours only a template goes; the real
// platform accepts other messages there and tells by a failed status, and so it is here: the
// second result is the failure to tell.
func (w *World) CheckWa(b *Business, o *WaOutgoing) (*Person, *Error, *Error) {
	if b.Restricted {
		return nil, nil, &Error{Status: forbidden, Code: 131031, Message: "(#131031) Account has been locked", Details: "Business account is restricted."}
	}
	p := w.ByWhatsApp(o.To)
	if p == nil || has(p.Blocks, b.Key) {
		return nil, nil, ErrWaUndeliver
	}
	if o.Kind == "template" {
		return p, nil, w.checkTemplate(b, o)
	}
	if o.Kind == "text" && (o.Text == "" || len([]rune(o.Text)) > 4096) {
		return nil, nil, &Error{Status: bad, Code: 100, Message: "(#100) Invalid parameter", Details: "Param text['body'] must be 1 to 4096 characters long."}
	}
	if len(o.Buttons) > 3 {
		return nil, nil, &Error{Status: bad, Code: 131009, Message: "(#131009) Parameter value is not valid", Details: "Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: 3"}
	}
	if n := w.st.Settings.PairPerSeconds; n > 0 && !w.Use("pair:"+b.Phone+":"+p.Key, 1, time.Duration(n)*time.Second) {
		return nil, nil, ErrWaPair
	}
	t := w.FindThread(WhatsApp, b, p)
	window := time.Duration(w.st.Settings.WindowHours) * time.Hour
	if t == nil || t.LastUserAt.IsZero() || w.now().Sub(t.LastUserAt) > window {
		return p, ErrWaWindow, nil
	}
	return p, nil, nil
}

func (w *World) checkTemplate(b *Business, o *WaOutgoing) *Error {
	for _, t := range b.Templates {
		if t.Name == o.Template && t.Language == o.Language {
			if t.Params != o.Params {
				return &Error{Status: bad, Code: 132000, Message: "(#132000) Number of parameters does not match the expected number of params",
					Details: fmt.Sprintf("body: number of localizable_params (%d) does not match the expected number of params (%d)", o.Params, t.Params)}
			}
			return nil
		}
	}
	return ErrWaTemplate
}

// SendWa sends a message. Its statuses come as events.
func (w *World) SendWa(b *Business, p *Person, o *WaOutgoing, failure *Error) (*Message, []Dispatch) {
	t := w.Thread(WhatsApp, b, p)
	if o.Kind == "reaction" {
		if m := w.st.Messages[o.ReactTo]; m != nil {
			if m.Reactions == nil {
				m.Reactions = map[string]Reaction{}
			}
			m.Reactions["business"] = Reaction{Name: "other", Emoji: o.Emoji}
			if o.Emoji == "" {
				delete(m.Reactions, "business")
			}
			w.Touch()
		}
		return &Message{ID: w.messageID(WhatsApp)}, nil
	}
	m := &Message{ID: w.messageID(WhatsApp), Thread: t.ID, At: w.now(), Text: o.Text, Buttons: o.Buttons,
		ReplyTo: o.ReplyTo, App: o.App, Raw: o.Raw}
	if o.Attachment != nil {
		m.Attachments = []Attachment{*o.Attachment}
	}
	if failure != nil {
		w.st.Messages[m.ID] = m // accepted and never shown to the person
		return m, w.waStatus(t, m, "failed", failure)
	}
	w.keep(t, m)
	return m, w.waStatuses(t, m)
}

func (w *World) waStatuses(t *Thread, m *Message) []Dispatch {
	if w.st.Settings.WaStatuses == "none" {
		return nil
	}
	sent := w.waStatus(t, m, "sent", nil)
	if w.st.Settings.WaStatuses == "sent" {
		return sent
	}
	delivered := w.waStatus(t, m, "delivered", nil)
	if w.st.Settings.WaShuffle {
		return append(delivered, sent...)
	}
	return append(sent, delivered...)
}
