package world

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/parley-hub/parley/channels/instagram/metasim/internal/wire"
)

// Limits of what a business sends.
const (
	InstagramText   = 1000
	MessengerText   = 2000
	QuickReplies    = 13
	QuickReplyTitle = 20
	ButtonText      = 640
	Buttons         = 3
	Images          = 10
)

// Outgoing is a call of the Send API, read.
type Outgoing struct {
	Recipient   string
	CommentID   string
	Text        string
	Attachments []Attachment
	Buttons     []Button // quick replies and those of templates
	Template    string   // type of template
	ReplyTo     string
	Type        string // messaging_type
	Tag         string
	Action      string // typing_on, typing_off, mark_seen, react, unreact
	ActionMID   string
	Reaction    string
	PassTo      string // app that gets the thread
	App         string
	Raw         json.RawMessage
}

// Sent is what became of a call.
type Sent struct {
	Recipient string
	Message   *Message // nil for actions
	Echo      []Dispatch
	Other     []Dispatch
}

// CheckSend finds the thread of a call and applies every rule that needs no file. Send repeats
// it, because time passes while files are fetched.
func (w *World) CheckSend(b *Business, o *Outgoing) (*Thread, *Error) {
	if err := w.accountState(b); err != nil {
		return nil, err
	}
	if o.CommentID != "" {
		return w.privateReply(b, o)
	}
	p, surface := w.ByScoped(b, o.Recipient)
	if p == nil {
		return nil, ErrNoUser
	}
	t := w.FindThread(surface, b, p)
	if t == nil {
		if surface == Messenger {
			return nil, ErrNoPSID
		}
		return nil, ErrWindow // known from a comment only
	}
	if has(p.Blocks, b.Key) {
		return nil, ErrBlocked
	}
	if t.Owner != "" && t.Owner != o.App {
		return nil, ErrThreadOwner
	}
	if o.Action != "" {
		return t, w.checkAction(t, o)
	}
	if err := w.checkWindow(t, o); err != nil {
		return nil, err
	}
	return t, w.checkContent(surface, o)
}

func (w *World) accountState(b *Business) *Error {
	switch {
	case b.Restricted:
		return ErrRestricted
	case b.Unlinked:
		return ErrUnlinked
	case b.NeedTwoFactor:
		return ErrTwoFactor
	case b.MessagesOff:
		return ErrAccessOff
	}
	return nil
}

// privateReply applies the rules of answering a comment in private: once, within seven days,
// during the broadcast for a live one, and below an own media.
func (w *World) privateReply(b *Business, o *Outgoing) (*Thread, *Error) {
	c := w.st.Comments[o.CommentID]
	if c == nil || c.Deleted || c.Person == "" || c.Replied {
		return nil, ErrPrivateReply
	}
	m := w.st.Media[c.Media]
	limit := time.Duration(w.st.Settings.ReplyHours) * time.Hour
	if m.Business != b.Key || m.Ended || w.now().Sub(c.At) > limit {
		return nil, ErrPrivateReply
	}
	p := w.st.People[c.Person]
	if has(p.Blocks, b.Key) {
		return nil, ErrBlocked
	}
	if err := w.checkContent(Instagram, o); err != nil {
		return nil, err
	}
	return w.Thread(Instagram, b, p), nil
}

func (w *World) checkWindow(t *Thread, o *Outgoing) *Error {
	app := w.st.Apps[o.App]
	limit := w.st.Settings.WindowHours
	switch {
	case o.Tag == "" && o.Type == "MESSAGE_TAG":
		return BadParam("A tag is required with messaging_type MESSAGE_TAG")
	case o.Tag != "" && o.Tag != "HUMAN_AGENT":
		return BadParam("Invalid message tag %s", o.Tag)
	case o.Tag == "HUMAN_AGENT" && app != nil && app.NoHumanAgent:
		return Forbidden("human_agent")
	case o.Tag == "HUMAN_AGENT":
		limit = w.st.Settings.HumanHours
	}
	if t.LastUserAt.IsZero() || w.now().Sub(t.LastUserAt) > time.Duration(limit)*time.Hour {
		return ErrWindow
	}
	return nil
}

func (w *World) checkContent(surface string, o *Outgoing) *Error {
	if o.Text == "" && len(o.Attachments) == 0 && o.Template == "" {
		return BadMessage("The message must contain a text or an attachment")
	}
	if o.Text != "" && len(o.Attachments) > 0 {
		return BadMessage("A message cannot contain both a text and an attachment")
	}
	if err := w.checkText(surface, o.Text); err != nil {
		return err
	}
	images := 0
	for _, a := range o.Attachments {
		if a.Type == "image" {
			images++
		}
	}
	if len(o.Attachments) > 1 && (images != len(o.Attachments) || images > Images) {
		return BadMessage("Only up to %d images may be sent in one message", Images)
	}
	return checkButtons(o)
}

func (w *World) checkText(surface, text string) *Error {
	n, limit, what := len(text), InstagramText, "bytes"
	if surface == Messenger {
		n, limit, what = utf8.RuneCountInString(text), MessengerText, "characters"
	} else if w.st.Settings.TextLimit == "chars" {
		n, what = utf8.RuneCountInString(text), "characters"
	}
	if n > limit {
		return BadMessage("Length of param message[text] must be less than or equal to %d %s", limit, what)
	}
	if !utf8.ValidString(text) {
		return BadMessage("The text is not valid UTF-8")
	}
	return nil
}

func checkButtons(o *Outgoing) *Error {
	quick, other := 0, 0
	for _, b := range o.Buttons {
		if b.Title == "" {
			return BadMessage("A button needs a title")
		}
		if b.Kind == "quick_reply" {
			quick++
		} else {
			other++
		}
		if utf8.RuneCountInString(b.Title) > QuickReplyTitle {
			return BadMessage("Title %q has more than %d characters", b.Title, QuickReplyTitle)
		}
	}
	switch {
	case quick > QuickReplies:
		return BadMessage("At most %d quick replies are allowed", QuickReplies)
	case o.Template == "button" && (other < 1 || other > Buttons):
		return BadMessage("A button template needs 1 to %d buttons", Buttons)
	case o.Template == "button" && utf8.RuneCountInString(o.Text) > ButtonText:
		return BadMessage("The text of a button template has at most %d characters", ButtonText)
	}
	return nil
}

func (w *World) checkAction(t *Thread, o *Outgoing) *Error {
	switch o.Action {
	case "typing_on", "typing_off", "mark_seen":
		return nil
	case "react", "unreact":
		m := w.st.Messages[o.ActionMID]
		if m == nil || m.Thread != t.ID || m.Deleted {
			return BadParam("Invalid message_id")
		}
		if o.Action == "react" && o.Reaction == "" {
			return BadParam("A reaction is required")
		}
		return nil
	}
	return BadParam("Param sender_action must be one of {TYPING_ON, TYPING_OFF, MARK_SEEN, REACT, UNREACT}")
}

// Send does what a call asks. Attachments must be fetched by now.
func (w *World) Send(b *Business, o *Outgoing) (*Sent, *Error) {
	t, err := w.CheckSend(b, o)
	if err != nil {
		return nil, err
	}
	p := w.st.People[t.Person]
	sent := &Sent{Recipient: w.ScopedID(t.Surface, b, p)}
	if o.Action != "" {
		w.act(t, o)
		return sent, nil
	}
	if o.CommentID != "" {
		w.st.Comments[o.CommentID].Replied = true
	}
	m := &Message{ID: w.messageID(t.Surface), Thread: t.ID, At: w.now(), Text: o.Text, Attachments: o.Attachments,
		Buttons: o.Buttons, ReplyTo: o.ReplyTo, App: o.App, CommentID: o.CommentID, Raw: o.Raw}
	w.keep(t, m)
	if o.CommentID == "" {
		t.Requests = false
	}
	t.TypingAt = time.Time{}
	sent.Message, sent.Echo = m, w.messageEvents(t, m)
	if t.Surface == Messenger {
		sent.Other = w.talk(t, "message_deliveries", w.head(t, true, m.At).With("delivery",
			wire.O("mids", []string{m.ID}, "watermark", m.At.UnixMilli())))
	}
	if o.PassTo != "" {
		sent.Other = append(sent.Other, w.Pass(t, o.App, o.PassTo)...)
	}
	return sent, nil
}

func (w *World) act(t *Thread, o *Outgoing) {
	switch o.Action {
	case "typing_on":
		t.TypingAt = w.now()
	case "typing_off":
		t.TypingAt = time.Time{}
	case "mark_seen":
		t.SeenAt = w.now()
		for _, id := range t.Messages {
			if m := w.st.Messages[id]; m.FromPerson {
				m.Seen = true
			}
		}
	case "react", "unreact":
		m := w.st.Messages[o.ActionMID]
		if m.Reactions == nil {
			m.Reactions = map[string]Reaction{}
		}
		delete(m.Reactions, "business")
		if o.Action == "react" {
			m.Reactions["business"] = Reaction{Name: o.Reaction, Emoji: reactionEmoji(o.Reaction)}
		}
	}
	w.Touch()
}

func reactionEmoji(name string) string {
	for emoji, n := range reactionNames {
		if n == name {
			return emoji
		}
	}
	return name
}

// FromPhone is the business writing in the app on a phone, or by another tool: the hub learns
// of it by an echo alone.
func (w *World) FromPhone(t *Thread, u Utterance, self bool) (*Message, []Dispatch, error) {
	m := &Message{ID: u.ID, Thread: t.ID, At: w.now(), Text: u.Text, ReplyTo: u.ReplyTo}
	if m.ID == "" {
		m.ID = w.messageID(t.Surface)
	}
	for _, a := range u.Attachments {
		a, err := w.attach(a)
		if err != nil {
			return nil, nil, err
		}
		m.Attachments = append(m.Attachments, a)
	}
	w.keep(t, m)
	t.Requests = false
	if t.Surface == WhatsApp {
		return m, nil, nil
	}
	if !self {
		return m, w.messageEvents(t, m), nil
	}
	b := w.st.Businesses[t.Business]
	id := b.AccountID(t.Surface)
	body := wire.O("sender", wire.O("id", id), "recipient", wire.O("id", id), "timestamp", w.stamp(m.At),
		"message", wire.O("mid", m.ID, "text", m.Text, "is_self", true, "is_echo", true))
	return m, w.talk(t, "messages", body), nil
}

// Pass gives a thread to an app; an empty one gives it to nobody.
func (w *World) Pass(t *Thread, from, to string) []Dispatch {
	t.Owner = to
	w.Touch()
	if to == "" {
		return nil
	}
	return w.talk(t, "messaging_handovers", w.head(t, true, w.now()).With("pass_thread_control",
		wire.O("previous_owner_app_id", from, "new_owner_app_id", to, "metadata", "")))
}

// Take takes a thread from whoever holds it.
func (w *World) Take(t *Thread, app string) []Dispatch {
	previous := t.Owner
	t.Owner = app
	w.Touch()
	return w.talk(t, "messaging_handovers", w.head(t, true, w.now()).With("take_thread_control",
		wire.O("previous_owner_app_id", previous, "new_owner_app_id", app, "metadata", "")))
}

// Request asks the holder of a thread for it.
func (w *World) Request(t *Thread, app string) []Dispatch {
	return w.talk(t, "messaging_handovers", w.head(t, true, w.now()).With("request_thread_control",
		wire.O("requested_owner_app_id", app, "metadata", "")))
}

// BusinessesInOrder lists the companies by key.
func (w *World) BusinessesInOrder() []*Business {
	out := make([]*Business, 0, len(w.st.Businesses))
	for _, b := range w.st.Businesses {
		out = append(out, b)
	}
	sort.Slice(out, func(i, j int) bool { return strings.Compare(out[i].Key, out[j].Key) < 0 })
	return out
}

// sample is a small file of a kind, for people who send something and no file was given.
func sample(kind, name string) Asset {
	switch kind {
	case "video", "ig_reel", "reel":
		return Asset{Name: "clip.mp4", Type: "video/mp4", Bytes: []byte("\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom")}
	case "audio":
		return Asset{Name: "voice.wav", Type: "audio/wav", Bytes: silence()}
	case "file":
		return Asset{Name: "file.pdf", Type: "application/pdf", Bytes: []byte("%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n")}
	}
	return Asset{Name: "photo.png", Type: "image/png", Bytes: Picture(fmt.Sprint(kind, name), 480, 360)}
}

// silence is half a second of nothing: a WAV file, 8 kHz, 8 bit, mono.
func silence() []byte {
	const n = 4000
	le := func(v uint32) []byte { return []byte{byte(v), byte(v >> 8), byte(v >> 16), byte(v >> 24)} }
	b := append([]byte("RIFF"), le(36+n)...)
	b = append(b, "WAVEfmt "...)
	b = append(b, le(16)...)
	b = append(b, 1, 0, 1, 0)
	b = append(b, le(8000)...)
	b = append(b, le(8000)...)
	b = append(b, 1, 0, 8, 0)
	b = append(b, "data"...)
	b = append(b, le(n)...)
	for range n {
		b = append(b, 0x80)
	}
	return b
}
