package telegram

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

// secretHeader is how Telegram shows the webhook's secret.
const secretHeader = "X-Telegram-Bot-Api-Secret-Token"

// errShape is a body that is no update at all.
var errShape = errors.New("telegram: the body is no update")

// Decode reads one update. A pressed button is answered in the answer itself:
// https://core.telegram.org/bots/api#making-requests-when-getting-updates.
func (h *hooked) Decode(c channels.Callback) ([]timeline.Inbound, channels.Answer, error) {
	if !h.genuine(c.Header.Get(secretHeader)) {
		return nil, channels.Answer{}, channels.ErrForged
	}
	if c.Method != http.MethodPost {
		return nil, channels.Answer{Status: http.StatusMethodNotAllowed}, nil
	}
	u, err := h.read(c.Body, c.At)
	if err != nil {
		return nil, channels.Answer{}, err
	}
	if u.query == "" {
		return u.events, channels.Answer{}, nil
	}
	body, err := json.Marshal(map[string]string{"method": "answerCallbackQuery", "callback_query_id": u.query})
	return u.events, channels.Answer{Type: "application/json", Body: body}, err
}

// genuine compares with the secret and the one before it, whatever their lengths.
func (s *Session) genuine(shown string) bool {
	got := sha256.Sum256([]byte(shown))
	ok := 0
	for _, secret := range []string{s.account.Settings["secret"], s.account.Previous["secret"]} {
		if secret == "" {
			continue
		}
		want := sha256.Sum256([]byte(secret))
		ok |= subtle.ConstantTimeCompare(got[:], want[:])
	}
	return ok == 1
}

// update is one update as it was read.
type update struct {
	id     int64
	query  string // the pressed button to answer
	events []timeline.Inbound
}

// read makes an update into events. It is pure; at stands in for times that the
// update does not name.
func (s *Session) read(body []byte, at time.Time) (update, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil {
		return update{}, fmt.Errorf("%w: %w", errShape, err)
	}
	var u update
	if err := json.Unmarshal(fields["update_id"], &u.id); err != nil || u.id <= 0 {
		return update{}, fmt.Errorf("%w: it has no update_id", errShape)
	}
	delete(fields, "update_id")
	kinds := make([]string, 0, len(fields))
	for k := range fields {
		kinds = append(kinds, k)
	}
	sort.Strings(kinds)
	if len(kinds) == 0 {
		kinds, fields = []string{"update"}, map[string]json.RawMessage{"update": body}
	}
	for _, k := range kinds {
		r := reader{account: s.account.ID, update: u.id, at: at, raw: fields[k]}
		in, ok := r.one(k)
		if !ok {
			in, _ = r.unknown(k, "")
		}
		if k == "callback_query" {
			var q struct{ ID string }
			if json.Unmarshal(fields[k], &q) == nil {
				u.query = q.ID
			}
		}
		u.events = append(u.events, in...)
	}
	return u, nil
}

// reader reads one update's payload.
type reader struct {
	account timeline.AccountID
	update  int64
	at      time.Time
	raw     json.RawMessage
}

// one reads a payload of a known kind; ok is false for anything else.
func (r reader) one(kind string) (in []timeline.Inbound, ok bool) {
	switch kind {
	case "message":
		return r.message()
	case "edited_message":
		return r.edited()
	case "callback_query":
		return r.pressed()
	case "message_reaction":
		return r.reacted()
	case "my_chat_member":
		return r.member()
	}
	return nil, false
}

// remote names a message: the number of a message counts within its chat.
func remote(chat, message int64) timeline.RemoteID {
	return timeline.RemoteID(strconv.FormatInt(chat, 10) + "/" + strconv.FormatInt(message, 10))
}

// cutRemote is what remote put together.
func cutRemote(id timeline.RemoteID) (chat, message int64, ok bool) {
	c, m, ok := strings.Cut(string(id), "/")
	chat, err1 := strconv.ParseInt(c, 10, 64)
	message, err2 := strconv.ParseInt(m, 10, 64)
	return chat, message, ok && err1 == nil && err2 == nil
}

// base is what all events have in common: who, where and when. Where the far
// side names no time it is when the update reached us.
func (r reader) base(c chat, topic int64, u user, date int64) timeline.Inbound {
	at := r.at
	if date > 0 {
		at = time.Unix(date, 0)
	}
	who := strconv.FormatInt(u.ID, 10)
	in := timeline.Inbound{
		Event: timeline.Event{
			Thread:    timeline.Thread{Account: r.account, ID: timeline.ThreadID(who)},
			Direction: timeline.In,
			Actor:     timeline.Actor{Kind: timeline.ActorCustomer, ID: who, Name: u.name()},
			At:        timeline.Moment(at),
		},
		Channel: "telegram",
		Peer:    timeline.Identity{Account: r.account, Scheme: scheme, Value: who, Proof: timeline.ProofProvider, Display: u.name()},
	}
	if u.Username != "" {
		in.Peer.Display = "@" + u.Username
	}
	if u.name() != "" {
		in.Profile = &timeline.Profile{Name: u.name(), Username: u.Username, Locale: u.Language}
	}
	if c.Type != "private" && c.ID != 0 {
		in.To = to(c.ID, topic)
		in.Event.Thread.ID = timeline.ThreadID(string(in.To) + "/" + who)
		in.Place, in.About = placeGroup, c.Title
	}
	return in
}

// to is where to answer: a chat, or a topic of a forum.
func to(chat, topic int64) timeline.Handle {
	h := strconv.FormatInt(chat, 10)
	if topic != 0 {
		h += ":" + strconv.FormatInt(topic, 10)
	}
	return timeline.Handle(h)
}

func (r reader) id(format string, a ...any) timeline.EventID {
	return timeline.DeriveID(r.account, fmt.Sprintf(format, a...))
}

func (r reader) edited() ([]timeline.Inbound, bool) {
	var m message
	if json.Unmarshal(r.raw, &m) != nil || m.Chat.ID == 0 || m.ID == 0 || m.EditDate == 0 {
		return nil, false
	}
	text := m.text()
	if text == "" && len(m.Photo) == 0 && m.Video == nil && m.Audio == nil && m.Document == nil && m.Voice == nil {
		return r.unknown("edited_message."+r.content(), "") // a live location that moved, for one
	}
	in := r.base(m.Chat, m.topic(), m.sender(), m.EditDate)
	in.Event.ID = r.id("edit:%d/%d:%d:%d", m.Chat.ID, m.ID, m.EditDate, r.update)
	in.Event.Kind = timeline.KindEdit
	in.Event.Edit = &timeline.Edit{Of: timeline.Ref{Remote: remote(m.Chat.ID, m.ID)}, Text: text, Rev: int(m.EditDate)}
	return []timeline.Inbound{in}, true
}

func (r reader) pressed() ([]timeline.Inbound, bool) {
	var q callbackQuery
	if json.Unmarshal(r.raw, &q) != nil || q.From.ID == 0 || q.ID == "" || q.Message == nil || q.Message.Chat.ID == 0 {
		return nil, false
	}
	m := q.Message
	in := r.base(m.Chat, m.topic(), q.From, 0)
	in.Event.ID = r.id("press:%s", q.ID)
	in.Event.Kind = timeline.KindPostback
	in.Event.Postback = &timeline.Postback{Title: q.Data, Payload: q.Data, Of: &timeline.Ref{Remote: remote(m.Chat.ID, m.ID)}}
	if q.Game != "" {
		in.Event.Postback.Title, in.Event.Postback.Payload = q.Game, q.Game
	}
	if m.Markup != nil {
		for _, row := range m.Markup.Rows {
			for _, b := range row {
				if b.Data == q.Data && b.Data != "" {
					in.Event.Postback.Title = b.Text
				}
			}
		}
	}
	return []timeline.Inbound{in}, true
}

func (r reader) reacted() ([]timeline.Inbound, bool) {
	var u reactionUpdate
	if json.Unmarshal(r.raw, &u) != nil || u.Chat.ID == 0 || u.MessageID == 0 {
		return nil, false
	}
	var who user
	switch {
	case u.User != nil && u.User.ID != 0:
		who = *u.User
	case u.Actor != nil && u.Actor.ID != 0:
		who = u.Actor.sender()
	default:
		return nil, false
	}
	now, was := emojis(u.New), emojis(u.Old)
	if now == "" && len(u.New) > 0 {
		return nil, false // of a kind that has no character
	}
	in := r.base(u.Chat, 0, who, u.Date)
	in.Event.ID = r.id("react:%d/%d:%d:%d:%d", u.Chat.ID, u.MessageID, who.ID, u.Date, r.update)
	in.Event.Kind = timeline.KindReaction
	in.Event.Reaction = &timeline.Reaction{Of: timeline.Ref{Remote: remote(u.Chat.ID, u.MessageID)}, Emoji: now}
	if len(u.New) == 0 {
		in.Event.Reaction.Emoji, in.Event.Reaction.Removed = was, true
	}
	return []timeline.Inbound{in}, true
}

// emojis are one person's reactions: several where they pay for it. A custom one
// is an id without a character.
func emojis(rs []reactionType) string {
	var b strings.Builder
	for _, r := range rs {
		if r.Type == "paid" {
			r.Emoji = "⭐"
		}
		b.WriteString(r.Emoji)
	}
	return b.String()
}

// member reads that the person blocked the bot or came back. In groups it tells
// that the bot was let in or out, which is no wish of a person's.
func (r reader) member() ([]timeline.Inbound, bool) {
	var u memberUpdate
	if json.Unmarshal(r.raw, &u) != nil || u.Chat.ID == 0 || u.From.ID == 0 {
		return nil, false
	}
	name := map[string]string{"kicked": "opt_out", "left": "opt_out", "member": "opt_in"}[u.New.Status]
	if u.Chat.Type != "private" {
		return r.unknown("my_chat_member", strings.TrimSpace(u.Chat.Title+": the bot is "+u.New.Status))
	}
	if name == "" {
		return nil, false
	}
	in := r.base(u.Chat, 0, u.From, u.Date)
	in.Event.ID = r.id("member:%d:%d:%d", u.Chat.ID, u.Date, r.update)
	in.Event.Kind = timeline.KindControl
	in.Event.Control = &timeline.Control{Name: name, Data: map[string]string{"status": u.New.Status}}
	return []timeline.Inbound{in}, true
}
