package world

import (
	"encoding/json"
	"sort"
	"strconv"
	"time"

	"github.com/parley-hub/parley/channels/instagram/metasim/internal/hook"
	"github.com/parley-hub/parley/channels/instagram/metasim/internal/wire"
)

// Objects of webhooks.
const (
	ObjectInstagram = "instagram"
	ObjectPage      = "page"
	ObjectWhatsApp  = "whatsapp_business_account"
)

// Dispatch is an event for one receiver, ready to go.
type Dispatch struct {
	Target hook.Target
	Event  *hook.Event
}

// Deliver queues events in order. It needs no lock.
func (w *World) Deliver(list []Dispatch) {
	for _, d := range list {
		w.sender.Send(d.Target, d.Event)
	}
}

// receiver is a callback that wants a field of a business.
type receiver struct {
	app  *App
	node string
	hook.Target
}

// receivers lists the callbacks whose handshake succeeded, whose app is live and who
// subscribed both the object's field and the node. The same app may be there twice, by the
// Page and by the Instagram account: it is told twice.
func (w *World) receivers(b *Business, object, field string) []receiver {
	var out []receiver
	for _, s := range b.Subs {
		app := w.st.Apps[s.App]
		if app == nil || app.Unpublished || !belongs(object, s.Node) {
			continue
		}
		h := app.Hooks[object]
		if h == nil || !h.Verified || !wants(h.Fields, field) {
			continue
		}
		// The Page's own fields say nothing about Instagram's; any subscription will do.
		anyField := object == ObjectInstagram && s.Node == "page"
		if !anyField && !wants(s.Fields, field) {
			continue
		}
		secret := app.Secret
		if s.Node == "ig" && app.IGSecret != "" {
			secret = app.IGSecret
		}
		out = append(out, receiver{app, s.Node, hook.Target{App: app.ID, Object: object, URL: h.URL, Secret: secret}})
	}
	return out
}

func belongs(object, node string) bool {
	switch object {
	case ObjectInstagram:
		return node == "ig" || node == "page"
	case ObjectPage:
		return node == "page"
	}
	return node == "waba"
}

func wants(fields []string, field string) bool {
	if len(fields) == 0 || has(fields, field) {
		return true
	}
	// The documentation spells this field in two ways.
	return field == "message_reactions" && has(fields, "messaging_reactions")
}

// talk makes the events of one thing that happened in a thread of Instagram or Messenger.
func (w *World) talk(t *Thread, field string, body wire.Obj) []Dispatch {
	b, p := w.st.Businesses[t.Business], w.st.People[t.Person]
	object := ObjectInstagram
	if t.Surface == Messenger {
		object = ObjectPage
	}
	if object == ObjectInstagram && (b.MessagesOff || b.Unlinked || b.Creator && !b.HistoryRead) {
		return nil
	}
	entry := b.AccountID(t.Surface)
	if field == "messaging_postbacks" && w.st.Settings.PostbackEntry == "person" {
		entry = w.ScopedID(t.Surface, b, p)
	}
	var out []Dispatch
	for _, r := range w.receiversOf(b, object, field, t) {
		out = append(out, Dispatch{r.Target, hook.NewEvent(entry, r.node, body)})
	}
	return out
}

// receiversOf is receivers with node replaced by the container: an app that does not hold the
// thread gets its events as standby, if it subscribed that.
func (w *World) receiversOf(b *Business, object, field string, t *Thread) []receiver {
	var out []receiver
	for _, r := range w.receivers(b, object, field) {
		r.node = "messaging"
		if t.Owner != "" && t.Owner != r.app.ID {
			if h := r.app.Hooks[object]; !w.st.Settings.Standby || !wants(h.Fields, "standby") {
				continue
			}
			r.node = "standby"
		}
		out = append(out, r)
	}
	return out
}

// head starts an event of a thread; fromPerson says who did it.
func (w *World) head(t *Thread, fromPerson bool, at time.Time) wire.Obj {
	b, p := w.st.Businesses[t.Business], w.st.People[t.Person]
	from, to := w.ScopedID(t.Surface, b, p), b.AccountID(t.Surface)
	if !fromPerson {
		from, to = to, from
	}
	return wire.O("sender", wire.O("id", from), "recipient", wire.O("id", to), "timestamp", w.stamp(at))
}

func (w *World) stamp(at time.Time) any {
	switch w.st.Settings.Timestamps {
	case "s":
		return at.Unix()
	case "string":
		return strconv.FormatInt(at.UnixMilli(), 10)
	}
	return at.UnixMilli()
}

// messageEvents are the events of a new message.
func (w *World) messageEvents(t *Thread, m *Message) []Dispatch {
	field := "messages"
	if !m.FromPerson {
		if w.st.Settings.Echo == "off" {
			return nil
		}
		if t.Surface == Messenger {
			field = "message_echoes"
		}
	}
	return w.talk(t, field, w.head(t, m.FromPerson, m.At).With("message", w.messageBody(t, m)))
}

func (w *World) messageBody(t *Thread, m *Message) wire.Obj {
	o := wire.O("mid", m.ID)
	if !m.FromPerson && t.Surface == Messenger {
		o = append(wire.O("is_echo", true, "app_id", appNumber(m.App)), o...)
	}
	o = o.With("text", wire.NonEmpty(m.Text))
	if atts := w.attachments(m); len(atts) > 0 {
		o = o.With("attachments", atts)
	}
	if m.QuickReply != "" {
		o = o.With("quick_reply", wire.O("payload", m.QuickReply))
	}
	switch {
	case m.StoryID != "":
		o = o.With("reply_to", wire.O("story", wire.O("url", m.StoryURL, "id", m.StoryID)))
	case m.ReplyTo != "":
		o = o.With("reply_to", wire.O("mid", m.ReplyTo))
	}
	if len(m.Referral) > 0 {
		o = o.With("referral", parsed(m.Referral))
	}
	if m.Unsupported {
		o = o.With("is_unsupported", true)
	}
	if !m.FromPerson && t.Surface == Instagram {
		o = o.With("is_echo", true)
	}
	return o
}

func appNumber(app string) any {
	n, err := strconv.ParseInt(app, 10, 64)
	if err != nil {
		return wire.Skip
	}
	return n
}

// parsed turns stored JSON back into ordered values; it was checked when it came in.
func parsed(raw json.RawMessage) any {
	v, err := wire.Parse(raw)
	if err != nil {
		return nil
	}
	return v
}

// attachments writes a message's parts, with the pairs the switches ask for.
func (w *World) attachments(m *Message) []any {
	var out []any
	for _, a := range m.Attachments {
		switch {
		case len(a.Raw) > 0:
			out = append(out, parsed(a.Raw))
		case a.Type == "like_heart" || a.Type == "ephemeral":
			out = append(out, wire.O("type", a.Type))
		case a.Type == "share" && a.MediaID != "":
			out = append(out, w.shared(a)...)
		case a.Type == "sticker":
			out = append(out, w.sticker(a)...)
		default:
			out = append(out, wire.O("type", a.Type, "payload", wire.O("url", a.URL)))
		}
	}
	return out
}

func (w *World) shared(a Attachment) []any {
	old := wire.O("type", "share", "payload", wire.O("url", a.URL))
	post := wire.O("type", "ig_post", "payload", wire.O("url", a.URL, "title", a.Title, "ig_post_media_id", a.MediaID))
	switch w.st.Settings.Share {
	case "share":
		return []any{old}
	case "both":
		return []any{old, post}
	}
	return []any{post}
}

func (w *World) sticker(a Attachment) []any {
	image := wire.O("type", "image", "payload", wire.O("url", a.URL, "sticker_id", a.StickerID))
	sticker := wire.O("type", "sticker", "payload", wire.O("url", a.URL, "sticker_id", a.StickerID))
	switch w.st.Settings.Sticker {
	case "sticker":
		return []any{sticker}
	case "both":
		return []any{image, sticker}
	}
	return []any{image}
}

// change makes the events of a field of changes: mentions, story insights and comments.
func (w *World) change(b *Business, field string, value wire.Obj) []Dispatch {
	var out []Dispatch
	for _, r := range w.receivers(b, ObjectInstagram, field) {
		out = append(out, changed(r.Target, "changes", b.IG, field, value))
	}
	return out
}

func changed(t hook.Target, container, entry, field string, value wire.Obj) Dispatch {
	e := hook.NewEvent(entry, container, wire.O("field", field, "value", value))
	e.Seconds = true
	return Dispatch{t, e}
}

// commentEvents are the events of a new comment on a business's media. The two logins, and
// the documentation and live traffic, disagree on their shape.
func (w *World) commentEvents(b *Business, m *Media, c *Comment) []Dispatch {
	field := "comments"
	if m.Product == "LIVE" {
		field = "live_comments"
	}
	var out []Dispatch
	for _, r := range w.receivers(b, ObjectInstagram, field) {
		if r.node == "page" {
			out = append(out, changed(r.Target, "changes", b.IG, field, w.commentValue(b, m, c, true)))
			continue
		}
		v := w.commentValue(b, m, c, false)
		if w.st.Settings.Comments != "changes" {
			out = append(out, changed(r.Target, "flat", b.IG, field, v))
		}
		if w.st.Settings.Comments != "flat" {
			out = append(out, changed(r.Target, "changes", b.IG, field, v))
		}
	}
	return out
}

func (w *World) commentValue(b *Business, m *Media, c *Comment, facebook bool) wire.Obj {
	id, name := b.IG, b.Username
	if c.Person != "" {
		p := w.st.People[c.Person]
		id, name = w.ScopedID(Instagram, b, p), p.Username
	}
	from := wire.O("id", id, "username", name)
	media := wire.O("id", m.ID)
	if facebook && m.AdID != "" {
		media = media.With("ad_id", m.AdID).With("ad_title", m.AdTitle).With("original_media_id", m.ID)
	}
	media = media.With("media_product_type", m.Product)
	if facebook && w.st.Settings.CommentKey == "comment_id" {
		return wire.O("from", from, "comment_id", c.ID, "parent_id", wire.NonEmpty(c.Parent), "text", c.Text, "media", media)
	}
	return wire.O("id", c.ID, "parent_id", wire.NonEmpty(c.Parent), "from", from, "text", c.Text, "media", media)
}

// TestEvent is the dashboard's "Test" button: an account "0", strings where numbers belong,
// and a direct message among changes.
func (w *World) TestEvent(b *Business) []Dispatch {
	var out []Dispatch
	for _, r := range w.receivers(b, ObjectInstagram, "messages") {
		out = append(out, changed(r.Target, "changes", "0", "messages", wire.O("sender", wire.O("id", "12334"),
			"recipient", wire.O("id", "23245"), "timestamp", "1527459824",
			"message", wire.O("mid", "random_mid", "text", "random_text"))))
	}
	return out
}

// Surfaces are where a business can be written to: where somebody listens, or, as long as
// nobody listens anywhere, wherever it is.
func (w *World) Surfaces(b *Business) []string {
	var all, heard []string
	for s, object := range map[string]string{Instagram: ObjectInstagram, Messenger: ObjectPage, WhatsApp: ObjectWhatsApp} {
		if b.AccountID(s) == "" {
			continue
		}
		all = append(all, s)
		if len(w.receivers(b, object, "messages")) > 0 {
			heard = append(heard, s)
		}
	}
	if len(heard) > 0 {
		all = heard
	}
	sort.Strings(all)
	return all
}
