package world

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/parley-hub/parley/channels/instagram/metasim/internal/wire"
)

// Utterance is what a person sends in a direct message.
type Utterance struct {
	Text        string          `json:"text"`
	Attachments []Attachment    `json:"attachments"`
	ReplyTo     string          `json:"reply_to"` // message id, known or not
	Story       string          `json:"story"`    // media id of the story answered
	QuickReply  string          `json:"quick_reply"`
	Referral    json.RawMessage `json:"referral"` // of an ad or a product
	Unsupported bool            `json:"unsupported"`
	ID          string          `json:"mid"` // a wanted id; drawn where empty
	At          time.Time       `json:"at"`  // simulated; now where zero
}

// Say is a person writing to a business. It opens the window.
func (w *World) Say(t *Thread, u Utterance) (*Message, []Dispatch, error) {
	b := w.st.Businesses[t.Business]
	if b.AccountID(t.Surface) == "" {
		return nil, nil, fmt.Errorf("%s is not on %s", b.Key, t.Surface)
	}
	m := &Message{ID: u.ID, Thread: t.ID, FromPerson: true, At: u.At, Text: u.Text, ReplyTo: u.ReplyTo,
		QuickReply: u.QuickReply, Referral: u.Referral, Unsupported: u.Unsupported}
	if m.At.IsZero() {
		m.At = w.now()
	}
	if m.ID == "" {
		m.ID = w.messageID(t.Surface)
	}
	if w.st.Messages[m.ID] != nil {
		return nil, nil, fmt.Errorf("there is a message %s already", m.ID)
	}
	if u.Story != "" {
		s := w.st.Media[u.Story]
		if s == nil {
			return nil, nil, fmt.Errorf("there is no story %s", u.Story)
		}
		m.StoryID, m.StoryURL = s.ID, w.Link(s.Asset)
	}
	for _, a := range u.Attachments {
		a, err := w.attach(a)
		if err != nil {
			return nil, nil, err
		}
		m.Attachments = append(m.Attachments, a)
	}
	if m.Text == "" && len(m.Attachments) == 0 && !m.Unsupported {
		return nil, nil, fmt.Errorf("a message needs a text or an attachment")
	}
	w.keep(t, m)
	w.opened(t, m.At)
	if t.Surface == WhatsApp {
		return m, w.waMessage(t, m), nil
	}
	return m, w.messageEvents(t, m), nil
}

// keep puts a message at the end of its thread.
func (w *World) keep(t *Thread, m *Message) {
	w.st.Messages[m.ID] = m
	t.Messages = append(t.Messages, m.ID)
	if m.At.After(t.Updated) {
		t.Updated = m.At
	}
	w.Touch()
}

// opened starts the window anew: a message, a postback or a menu click, never a comment.
func (w *World) opened(t *Thread, at time.Time) {
	if at.After(t.LastUserAt) {
		t.LastUserAt = at
	}
	t.Consent = true
}

// attach completes an attachment a person sends: a file without an address gets one.
func (w *World) attach(a Attachment) (Attachment, error) {
	if len(a.Raw) > 0 {
		v, err := wire.Parse(a.Raw)
		if err != nil {
			return a, fmt.Errorf("a raw attachment: %w", err)
		}
		if _, ok := v.(wire.Obj); !ok {
			return a, fmt.Errorf("a raw attachment has to be a JSON object")
		}
		return a, nil
	}
	switch a.Type {
	case "":
		return a, fmt.Errorf("an attachment needs a type")
	case "like_heart", "ephemeral":
		return a, nil
	case "share", "ig_post":
		if m := w.st.Media[a.MediaID]; m != nil {
			a.Type, a.Title = "share", m.Caption
			if a.Asset == "" {
				a.Asset = m.Asset
			}
		}
	case "sticker":
		if a.StickerID == "" {
			a.StickerID = "369239263222822"
		}
	}
	if a.URL == "" && a.Asset == "" {
		a.Asset = w.AddAsset(sample(a.Type, fmt.Sprint(w.st.Seq))).ID
	}
	if a.Asset != "" && w.st.Assets[a.Asset] == nil {
		return a, fmt.Errorf("there is no file %s", a.Asset)
	}
	if a.URL == "" {
		a.URL = w.Link(a.Asset)
	}
	return a, nil
}

// Edit changes what a person wrote.
func (w *World) Edit(m *Message, text string) ([]Dispatch, error) {
	if !m.FromPerson || m.Deleted {
		return nil, fmt.Errorf("only a person's own message that still stands can be edited")
	}
	m.Text = text
	m.Edits++
	var n any = m.Edits
	if w.st.Settings.NumEdit == "string" {
		n = fmt.Sprint(m.Edits)
	}
	w.Touch()
	t := w.st.Threads[m.Thread]
	if t.Surface == WhatsApp {
		return nil, fmt.Errorf("edits are not told on WhatsApp")
	}
	return w.talk(t, "message_edit", w.head(t, true, w.now()).
		With("message_edit", wire.O("mid", m.ID, "text", text, "num_edit", n))), nil
}

// Unsend takes a person's message back.
func (w *World) Unsend(m *Message) ([]Dispatch, error) {
	if !m.FromPerson || m.Deleted {
		return nil, fmt.Errorf("only a person's own message that still stands can be unsent")
	}
	m.Deleted, m.Text, m.Attachments = true, "", nil
	w.Touch()
	t := w.st.Threads[m.Thread]
	if t.Surface == WhatsApp {
		return nil, fmt.Errorf("unsending is not told on WhatsApp")
	}
	return w.talk(t, "messages", w.head(t, true, w.now()).
		With("message", wire.O("mid", m.ID, "is_deleted", true))), nil
}

var reactionNames = map[string]string{
	"❤️": "love", "😆": "laugh", "😮": "wow", "😢": "sad", "😠": "angry", "👍": "like",
}

// React is a person's reaction to a message; an empty emoji takes it back.
func (w *World) React(m *Message, emoji string) []Dispatch {
	if m.Reactions == nil {
		m.Reactions = map[string]Reaction{}
	}
	t := w.st.Threads[m.Thread]
	body := wire.O("mid", m.ID, "action", "unreact")
	if emoji == "" {
		delete(m.Reactions, "person")
	} else {
		name := reactionNames[emoji]
		if name == "" {
			name = "other"
		}
		m.Reactions["person"] = Reaction{Name: name, Emoji: emoji}
		body = wire.O("mid", m.ID, "action", "react", "reaction", name, "emoji", emoji)
	}
	w.Touch()
	if t.Surface == WhatsApp {
		return w.waReaction(t, m, emoji)
	}
	return w.talk(t, "message_reactions", w.head(t, true, w.now()).With("reaction", body))
}

// Read is a person reading a thread up to a message; the last one where m is nil.
func (w *World) Read(t *Thread, m *Message) ([]Dispatch, error) {
	var last *Message
	var unseen []*Message
	for _, id := range t.Messages {
		x := w.st.Messages[id]
		if !x.FromPerson {
			if !x.Seen {
				unseen = append(unseen, x)
			}
			x.Seen, last = true, x
		}
		if m != nil && id == m.ID {
			break
		}
	}
	if last == nil {
		return nil, fmt.Errorf("there is nothing to read")
	}
	w.Touch()
	switch {
	case t.Surface == WhatsApp:
		var out []Dispatch
		for _, x := range unseen {
			out = append(out, w.waStatus(t, x, "read", nil)...)
		}
		return out, nil
	case !w.st.Settings.Seen:
		return nil, nil
	case t.Surface == Messenger:
		return w.talk(t, "message_reads", w.head(t, true, w.now()).
			With("read", wire.O("watermark", last.At.UnixMilli()))), nil
	}
	return w.talk(t, "messaging_seen", w.head(t, true, w.now()).With("read", wire.O("mid", last.ID))), nil
}

// Press is a postback: a button, an ice breaker or a menu entry. It opens the window.
func (w *World) Press(t *Thread, title, payload string) ([]Dispatch, error) {
	if t.Surface == WhatsApp {
		return nil, fmt.Errorf("postbacks are not of WhatsApp")
	}
	m := &Message{ID: w.messageID(t.Surface), Thread: t.ID, FromPerson: true, At: w.now(), Text: title}
	w.keep(t, m)
	w.opened(t, m.At)
	body := wire.O("title", title, "payload", payload)
	if w.st.Settings.PostbackMID {
		body = append(wire.O("mid", m.ID), body...)
	}
	return w.talk(t, "messaging_postbacks", w.head(t, true, m.At).With("postback", body)), nil
}

// Refer is a person coming by an ig.me or m.me link.
func (w *World) Refer(t *Thread, ref, source string) []Dispatch {
	if source == "" {
		source = "IGME-SOURCE-LINK"
	}
	w.Touch()
	return w.talk(t, "messaging_referral", w.head(t, true, w.now()).
		With("referral", wire.O("ref", ref, "source", source, "type", "OPEN_THREAD")))
}

// MentionInStory is a person mentioning a business in a story: a message with the story's
// address, gone with the story after 24 hours. A private account's story is told only where the
// business follows the person.
func (w *World) MentionInStory(p *Person, b *Business) (*Message, []Dispatch, error) {
	s, err := w.AddMedia(Media{Person: p.Key, Product: "STORY", Caption: "@" + b.Username, Mentions: []string{b.Key}})
	if err != nil {
		return nil, nil, err
	}
	w.st.Assets[s.Asset].Expires = w.now().Add(24 * time.Hour)
	if p.Private && !has(p.FollowedBy, b.Key) {
		return nil, nil, nil
	}
	return w.Say(w.Thread(Instagram, b, p), Utterance{Attachments: []Attachment{
		{Type: "story_mention", Asset: s.Asset, MediaID: s.ID},
	}})
}

// Comment is a person writing below a post. It opens no window.
func (w *World) Comment(p *Person, m *Media, parent, text string) (*Comment, []Dispatch, error) {
	if m.Ended {
		return nil, nil, fmt.Errorf("the broadcast is over")
	}
	if parent != "" {
		top := w.st.Comments[parent]
		if top == nil || top.Media != m.ID {
			return nil, nil, fmt.Errorf("there is no comment %s below this media", parent)
		}
		if top.Parent != "" {
			parent = top.Parent
		}
	}
	c := w.addComment(Comment{Media: m.ID, Parent: parent, Person: p.Key, Text: text})
	var out []Dispatch
	if owner := w.st.Businesses[m.Business]; owner != nil {
		out = w.commentEvents(owner, m, c)
	}
	return c, append(out, w.mentions(m, c)...), nil
}

// mentions tells businesses named in a comment below somebody else's media.
func (w *World) mentions(m *Media, c *Comment) []Dispatch {
	var out []Dispatch
	for _, b := range w.BusinessesInOrder() {
		if b.IG != "" && b.Key != m.Business && mentions(c.Text, b.Username) {
			out = append(out, w.change(b, "mentions", wire.O("comment_id", c.ID, "media_id", m.ID))...)
		}
	}
	return out
}

// MentionInPost is a person's post whose caption names a business.
func (w *World) MentionInPost(m *Media) []Dispatch {
	var out []Dispatch
	for _, b := range w.BusinessesInOrder() {
		if b.IG != "" && b.Key != m.Business && mentions(m.Caption, b.Username) {
			m.Mentions = append(m.Mentions, b.Key)
			out = append(out, w.change(b, "mentions", wire.O("media_id", m.ID))...)
		}
	}
	return out
}

func mentions(text, username string) bool {
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \n\t,;:!?()\"'", r) }) {
		if strings.TrimRight(strings.ToLower(word), ".") == "@"+strings.ToLower(username) {
			return true
		}
	}
	return false
}

func (w *World) addComment(c Comment) *Comment {
	c.ID, c.At = w.number("178", 17), w.now()
	w.st.Comments[c.ID] = &c
	w.st.Order = append(w.st.Order, c.ID)
	w.Touch()
	return &c
}

// StoryInsights tells a business how a story did, when it ends. Values below five are -1.
func (w *World) StoryInsights(b *Business, m *Media, values map[string]int) []Dispatch {
	o := wire.O("media_id", m.ID)
	for _, k := range []string{"impressions", "reach", "taps_forward", "taps_back", "exits", "replies"} {
		n := values[k]
		if n > 0 && n < 5 {
			n = -1
		}
		o = o.With(k, n)
	}
	return w.change(b, "story_insights", o)
}

// Answer is a business's public comment.
func (w *World) Answer(b *Business, m *Media, parent, text string) (*Comment, []Dispatch) {
	c := w.addComment(Comment{Media: m.ID, Parent: parent, Business: b.Key, Text: text})
	owner := w.st.Businesses[m.Business]
	if owner == nil || owner.Key == b.Key && !w.st.Settings.OwnComments {
		return c, nil
	}
	return c, w.commentEvents(owner, m, c)
}
