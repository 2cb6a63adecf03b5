package instagram

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/parley-hub/parley/channels/internal/meta"
	"github.com/parley-hub/parley/timeline"
)

// direct is an item under way: between whom, which way, when.
type direct struct {
	*decoder
	u    meta.Update
	it   item
	peer string
	at   time.Time
	out  bool // from the account: written in Instagram's own app, by another tool, or by us
}

// item reads one item of a messaging or standby list.
func (d *decoder) item(u meta.Update) {
	m := direct{decoder: d, u: u}
	if err := json.Unmarshal(u.Raw, &m.it); err != nil {
		d.unknown(u, "unreadable "+u.Field)
		return
	}
	m.at = m.it.Timestamp.Time()
	if m.at.IsZero() {
		m.at = u.At
	}
	m.peer = string(m.it.Sender.ID)
	if d.s.set.mine(m.peer) {
		m.peer, m.out = string(m.it.Recipient.ID), true
	}
	switch {
	case m.it.Message != nil && m.it.Message.Self, m.out && d.s.set.mine(m.peer):
		d.test(u, "self")
		return
	case !meta.Digits(m.peer):
		d.unknown(u, u.Field+" without sender")
		return
	case u.Field == meta.Standby:
		m.standby()
	}
	m.read()
}

// read makes the events of the item.
func (m *direct) read() {
	it := &m.it
	switch {
	case it.Message != nil:
		m.message(it.Message)
	case it.Edit != nil && it.Edit.MID != "":
		m.edit(it.Edit)
	case it.Reaction != nil && it.Reaction.MID != "":
		m.reaction(it.Reaction)
	case it.Read != nil && it.Read.MID != "":
		in := m.event("read:"+string(it.Read.MID), timeline.KindReceipt)
		in.Event.Direction = timeline.Internal
		in.Event.Receipt = &timeline.Receipt{Of: of(it.Read.MID), State: timeline.Read}
		m.add(in)
	case it.Postback != nil:
		m.postback(it.Postback)
	case it.Referral != nil:
		m.referral(it.Referral, m.hash("referral"))
	case it.OptIn != nil:
		m.control("opt_in", map[string]string{"type": it.OptIn.Type, "payload": it.OptIn.Payload, "ref": string(it.OptIn.Ref)})
	case it.Pass != nil:
		m.owner("pass", it.Pass)
	case it.Take != nil:
		m.owner("take", it.Take)
	case it.Request != nil:
		m.owner("request", it.Request)
	case it.Release != nil:
		m.owner("release", it.Release)
	default:
		m.unknown(m.u, kindOf(m.u.Raw))
	}
}

// event is one of the item's events, by whom and when the item says.
func (m *direct) event(key string, k timeline.Kind) timeline.Inbound {
	in := m.decoder.event(key, k, m.peer, m.at)
	if m.out {
		in.Event.Direction = timeline.Out
		in.Event.Actor = timeline.Actor{Kind: timeline.ActorExternal}
	}
	return in
}

// hash is a key for what has no id: the same item has the same, another item another.
func (m *direct) hash(kind string) string { return kind + ":" + meta.Digest(m.u.Raw) }

// key is a key by the far side's id, where there is one.
func (m *direct) key(kind string, id meta.Text) string {
	if id == "" {
		return m.hash(kind)
	}
	return kind + ":" + string(id)
}

func of(mid meta.Text) timeline.Ref { return timeline.Ref{Remote: timeline.RemoteID(mid)} }

func (m *direct) message(w *message) {
	switch {
	case w.Deleted && w.MID != "":
		in := m.event("unsend:"+string(w.MID), timeline.KindUnsend)
		in.Event.Unsend = &timeline.Unsend{Of: of(w.MID)}
		m.add(in)
		return
	case w.QuickReply != nil && !m.out:
		m.pressed(w.MID, "msg", w.Text, w.QuickReply.Payload)
	default:
		m.said(w)
	}
	if w.Referral != nil {
		m.referral(w.Referral, m.key("referral", w.MID))
	}
}

// said is a message with words or parts.
func (m *direct) said(w *message) {
	in := m.event(m.key("msg", w.MID), timeline.KindMessage)
	in.Event.Remote = timeline.RemoteID(w.MID)
	if m.out {
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
		m.unknown(m.u, "empty message")
		return
	}
	in.Event.Message = msg
	m.add(in)
}

func (r *replyTo) ref() *timeline.Ref {
	switch {
	case r == nil:
		return nil
	case r.Story != nil:
		return &timeline.Ref{Remote: timeline.RemoteID(r.Story.ID), Kind: "story", URL: r.Story.URL}
	case r.MID != "":
		ref := of(r.MID)
		return &ref
	}
	return nil
}

func (m *direct) edit(w *edit) {
	in := m.event(fmt.Sprintf("edit:%s:%d", w.MID, w.N), timeline.KindEdit)
	in.Event.Edit = &timeline.Edit{Of: of(w.MID), Text: w.Text, Rev: int(w.N)}
	m.add(in)
}

// emojis are the reactions that come by name.
var emojis = map[string]string{"love": "❤️", "laugh": "😆", "wow": "😮", "sad": "😢", "angry": "😠", "like": "👍", "dislike": "👎", "other": "❔"}

func (m *direct) reaction(w *reaction) {
	emoji := w.Emoji
	if emoji == "" {
		emoji = emojis[w.Name]
	}
	removed := w.Action == "unreact" || emoji == ""
	mark := emoji
	if removed {
		emoji, mark = "", "-"
	}
	in := m.event(fmt.Sprintf("react:%s:%s:%s:%d", w.MID, m.peer, mark, m.at.UnixMilli()), timeline.KindReaction)
	in.Event.Reaction = &timeline.Reaction{Of: of(w.MID), Emoji: emoji, Removed: removed}
	m.add(in)
}

func (m *direct) postback(w *postback) {
	m.pressed(w.MID, "postback", w.Title, w.Payload)
	if w.Referral != nil {
		m.referral(w.Referral, m.key("referral", w.MID))
	}
}

// pressed is a button, a quick reply, an ice breaker or a menu item that was chosen.
func (m *direct) pressed(mid meta.Text, kind, title, payload string) {
	in := m.event(m.key(kind, mid), timeline.KindPostback)
	in.Event.Remote = timeline.RemoteID(mid)
	if title == "" {
		title = payload
	}
	in.Event.Postback = &timeline.Postback{Title: title, Payload: payload}
	in.Opens = []string{openMessage}
	m.add(in)
}

// referral is where the person came from.
func (m *direct) referral(w *referral, key string) {
	in := m.event(key, timeline.KindReferral)
	r := &timeline.Referral{Source: w.Source, Ref: w.Ref}
	if w.Product != nil {
		r.Source, r.Ref = "product", string(w.Product.ID)
	}
	if w.Ad != nil {
		r.Title, r.URL = w.Ad.Title, w.Ad.Photo
		if r.URL == "" {
			r.URL = w.Ad.Video
		}
	}
	if w.AdID != "" {
		if r.Title != "" {
			r.Title += " · "
		}
		r.Title += "ad " + string(w.AdID)
	}
	in.Event.Referral = r
	m.add(in)
}

// standbyEvery is how often a thread is told to be held by another app, at most.
const standbyEvery = time.Hour

// standby says that another app holds the thread: messages come in, and machines keep out.
func (m *direct) standby() {
	bucket := strconv.FormatInt(m.at.Truncate(standbyEvery).Unix(), 10)
	in := m.event("standby:"+m.peer+":"+bucket, timeline.KindControl)
	in.Event.Direction, in.Event.Actor = timeline.Internal, timeline.Actor{Kind: timeline.ActorSystem}
	in.Event.Control = &timeline.Control{Name: "standby"}
	m.add(in)
}

func (m *direct) control(name string, data map[string]string) {
	for k, v := range data {
		if v == "" {
			delete(data, k)
		}
	}
	in := m.event(m.hash(name), timeline.KindControl)
	in.Event.Direction, in.Event.Actor = timeline.Internal, timeline.Actor{Kind: timeline.ActorSystem}
	in.Event.Control = &timeline.Control{Name: name, Data: data}
	m.add(in)
}

// inboxes are the platform's own apps.
var inboxes = map[meta.Text]string{"1217981644879628": "Instagram inbox", "263902037430900": "Page inbox"}

// owner tells which app holds the thread from now on, or asks for it.
func (m *direct) owner(action string, w *handover) {
	app := w.New
	if app == "" {
		app = w.Asking
	}
	m.control("owner", map[string]string{"action": action, "app": string(app), "name": inboxes[app],
		"previous": string(w.Previous), "metadata": w.Metadata})
}

// kindOf is the name of what an item tells that is not known: its first field that is not
// about the envelope.
func kindOf(raw json.RawMessage) string {
	var all map[string]json.RawMessage
	if json.Unmarshal(raw, &all) != nil {
		return "update"
	}
	name := ""
	for k := range all {
		if k != "" && k != "sender" && k != "recipient" && k != "timestamp" && (name == "" || k < name) {
			name = k
		}
	}
	if name == "" {
		return "update"
	}
	return name
}
