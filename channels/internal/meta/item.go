package meta

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/parley-hub/parley/timeline"
)

// OpenMessage is the ledger of windows that a person opens by writing.
const OpenMessage = "message"

// Item is what all items of a messaging or standby list have in common, on every channel of the
// Messenger Platform. One of the pointers is set, or one that only the channel knows.
type Item struct {
	Sender    Party `json:"sender"`
	Recipient Party `json:"recipient"`
	Timestamp Stamp `json:"timestamp"`

	Edit     *Edit     `json:"message_edit"`
	Reaction *Reaction `json:"reaction"`
	Postback *Postback `json:"postback"`
	Referral *Referral `json:"referral"`
	OptIn    *OptIn    `json:"optin"`
	Pass     *Handover `json:"pass_thread_control"`
	Take     *Handover `json:"take_thread_control"`
	Request  *Handover `json:"request_thread_control"`
	Release  *Handover `json:"release_thread_control"`
}

// Party is one end of an item.
type Party struct {
	ID Text `json:"id"`
}

// Edit is a message whose words were changed, for the Nth time.
type Edit struct {
	MID  Text   `json:"mid"`
	Text string `json:"text"`
	N    Int    `json:"num_edit"`
}

// Reaction is a reaction to a message, by its emoji or by a name.
type Reaction struct {
	MID    Text   `json:"mid"`
	Action string `json:"action"` // react, unreact
	Name   string `json:"reaction"`
	Emoji  string `json:"emoji"`
}

// Postback is a button, an ice breaker or a menu item that was chosen.
type Postback struct {
	MID      Text      `json:"mid"`
	Title    string    `json:"title"`
	Payload  string    `json:"payload"`
	Referral *Referral `json:"referral"`
}

// Referral is where a person came from: a link, an ad, a product.
type Referral struct {
	Ref     string `json:"ref"`
	AdID    Text   `json:"ad_id"`
	Source  string `json:"source"`
	Referer string `json:"referer_uri"`
	Product *struct {
		ID Text `json:"id"`
	} `json:"product"`
	Ad *struct {
		Title string `json:"ad_title"`
		Photo string `json:"photo_url"`
		Video string `json:"video_url"`
	} `json:"ads_context_data"`
}

// OptIn is a person who agreed to something.
type OptIn struct {
	Type    string `json:"type"`
	Title   string `json:"title"`
	Payload string `json:"payload"`
	Ref     Text   `json:"ref"`
	UserRef string `json:"user_ref"`
}

// Handover is a thread that changes hands between apps.
type Handover struct {
	New      Text   `json:"new_owner_app_id"`
	Previous Text   `json:"previous_owner_app_id"`
	Asking   Text   `json:"requested_owner_app_id"`
	Metadata string `json:"metadata"`
}

// Inboxes are the platform's own apps.
var Inboxes = map[Text]string{"263902037430900": "Page inbox", "1217981644879628": "Instagram inbox"}

// Direct is an item under way: between whom, which way, when.
type Direct struct {
	*Reader
	U    Update
	Peer string
	At   time.Time
	Out  bool // from the account: written in the platform's own app, by another tool, or by us
}

// Begin finds out whose an item is. False: it is nobody's or the account's with itself, and is
// told as that.
func (m *Direct) Begin(it *Item, echo bool) bool {
	if m.At = it.Timestamp.Time(); m.At.IsZero() {
		m.At = m.U.At
	}
	m.Peer = string(it.Sender.ID)
	if echo || m.Mine(m.Peer) {
		m.Peer, m.Out = string(it.Recipient.ID), true
	}
	switch {
	case m.Out && m.Mine(m.Peer):
		m.Test(m.U, "self")
		return false
	case !Digits(m.Peer):
		m.Unknown(m.U, m.U.Field+" without sender")
		return false
	case m.U.Field == Standby:
		m.standby()
	}
	return true
}

// Tell makes the events of what every channel has. What is none of it is of kind unknown.
func (m *Direct) Tell(it *Item) {
	switch {
	case it.Edit != nil && it.Edit.MID != "":
		in := m.Event(fmt.Sprintf("edit:%s:%d", it.Edit.MID, it.Edit.N), timeline.KindEdit)
		in.Event.Edit = &timeline.Edit{Of: Of(it.Edit.MID), Text: it.Edit.Text, Rev: int(it.Edit.N)}
		m.Add(in)
	case it.Postback != nil:
		m.Pressed(it.Postback.MID, "postback", it.Postback.Title, it.Postback.Payload)
		if it.Postback.Referral != nil {
			m.Referred(it.Postback.Referral, m.Key("referral", it.Postback.MID))
		}
	case it.Referral != nil:
		m.Referred(it.Referral, m.hash("referral"))
	case it.OptIn != nil:
		m.control("opt_in", map[string]string{"type": it.OptIn.Type, "title": it.OptIn.Title, "payload": it.OptIn.Payload,
			"ref": string(it.OptIn.Ref), "userRef": it.OptIn.UserRef})
	case it.Pass != nil:
		m.owner("pass", it.Pass)
	case it.Take != nil:
		m.owner("take", it.Take)
	case it.Request != nil:
		m.owner("request", it.Request)
	case it.Release != nil:
		m.owner("release", it.Release)
	default:
		m.Unknown(m.U, kindOf(m.U.Raw))
	}
}

// Event is one of the item's events, by whom and when the item says.
func (m *Direct) Event(key string, k timeline.Kind) timeline.Inbound {
	in := m.Reader.Event(key, k, m.Peer, m.At)
	if m.Out {
		in.Event.Direction = timeline.Out
		in.Event.Actor = timeline.Actor{Kind: timeline.ActorExternal}
	}
	return in
}

// hash is a key for what has no id: the same item has the same, another item another.
func (m *Direct) hash(kind string) string { return kind + ":" + Digest(m.U.Raw) }

// Key is an event's key by the far side's id, where there is one.
func (m *Direct) Key(kind string, id Text) string {
	if id == "" {
		return m.hash(kind)
	}
	return kind + ":" + string(id)
}

// Of names a message of the far side's.
func Of(mid Text) timeline.Ref { return timeline.Ref{Remote: timeline.RemoteID(mid)} }

// Unsent is a message that was taken back.
func (m *Direct) Unsent(mid Text) {
	in := m.Event("unsend:"+string(mid), timeline.KindUnsend)
	in.Event.Unsend = &timeline.Unsend{Of: Of(mid)}
	m.Add(in)
}

// Reacted is a reaction with an emoji, or one that was taken away.
func (m *Direct) Reacted(mid Text, emoji string, removed bool) {
	mark := emoji
	if removed {
		emoji, mark = "", "-"
	}
	in := m.Event(fmt.Sprintf("react:%s:%s:%s:%d", mid, m.Peer, mark, m.At.UnixMilli()), timeline.KindReaction)
	in.Event.Reaction = &timeline.Reaction{Of: Of(mid), Emoji: emoji, Removed: removed}
	m.Add(in)
}

// Reached is what became of messages of ours.
func (m *Direct) Reached(key string, r timeline.Receipt) {
	in := m.Event(key, timeline.KindReceipt)
	in.Event.Direction, in.Event.Receipt = timeline.Internal, &r
	m.Add(in)
}

// Pressed is a button, a quick reply, an ice breaker or a menu item that was chosen.
func (m *Direct) Pressed(mid Text, kind, title, payload string) {
	in := m.Event(m.Key(kind, mid), timeline.KindPostback)
	in.Event.Remote = timeline.RemoteID(mid)
	if title == "" {
		title = payload
	}
	in.Event.Postback = &timeline.Postback{Title: title, Payload: payload}
	if !m.Out {
		in.Opens = []string{OpenMessage}
	}
	m.Add(in)
}

// Referred is where the person came from.
func (m *Direct) Referred(w *Referral, key string) {
	in := m.Event(key, timeline.KindReferral)
	r := &timeline.Referral{Source: w.Source, Ref: w.Ref, URL: WebURL(w.Referer)}
	if w.Product != nil {
		r.Source, r.Ref = "product", string(w.Product.ID)
	}
	if w.Ad != nil {
		r.Title = w.Ad.Title
		for _, u := range []string{w.Ad.Photo, w.Ad.Video} {
			if r.URL == "" {
				r.URL = WebURL(u)
			}
		}
	}
	if w.AdID != "" {
		if r.Title != "" {
			r.Title += " · "
		}
		r.Title += "ad " + string(w.AdID)
	}
	in.Event.Referral = r
	m.Add(in)
}

// standbyEvery is how often a thread is told to be held by another app, at most.
const standbyEvery = time.Hour

// standby says that another app holds the thread: messages come in, and machines keep out.
func (m *Direct) standby() {
	bucket := strconv.FormatInt(m.At.Truncate(standbyEvery).Unix(), 10)
	m.internal("standby:"+m.Peer+":"+bucket, &timeline.Control{Name: "standby"})
}

func (m *Direct) control(name string, data map[string]string) {
	for k, v := range data {
		if v == "" {
			delete(data, k)
		}
	}
	m.internal(m.hash(name), &timeline.Control{Name: name, Data: data})
}

func (m *Direct) internal(key string, c *timeline.Control) {
	in := m.Event(key, timeline.KindControl)
	in.Event.Direction, in.Event.Actor = timeline.Internal, timeline.Actor{Kind: timeline.ActorSystem}
	in.Event.Control = c
	m.Add(in)
}

// owner tells which app holds the thread from now on, or asks for it.
func (m *Direct) owner(action string, w *Handover) {
	app := w.New
	if app == "" {
		app = w.Asking
	}
	m.control("owner", map[string]string{"action": action, "app": string(app), "name": Inboxes[app],
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
