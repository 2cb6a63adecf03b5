package telegram

import (
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/parley-hub/parley/timeline"
)

// message reads what somebody wrote. A /start that carries something is where
// the person came from, too: https://core.telegram.org/bots/features#deep-linking.
func (r reader) message() ([]timeline.Inbound, bool) {
	var m message
	if json.Unmarshal(r.raw, &m) != nil || m.Chat.ID == 0 || m.ID == 0 {
		return nil, false
	}
	parts, text := m.parts(), m.text()
	if m.Dice != nil && text == "" {
		text = m.Dice.Emoji + " " + strconv.Itoa(m.Dice.Value)
	}
	if text == "" && len(parts) == 0 {
		return r.unknown("message."+r.content(), "") // a service message, or what is newer than this
	}
	for _, k := range r.strange() {
		parts = append(parts, timeline.Part{Kind: timeline.PartKind(k), Name: k, Retention: timeline.RetainNever})
	}
	in := r.base(m.Chat, m.topic(), m.sender(), m.Date)
	in.Event.ID = r.id("msg:%d/%d", m.Chat.ID, m.ID)
	in.Event.Kind = timeline.KindMessage
	in.Event.Remote = remote(m.Chat.ID, m.ID)
	in.Event.Message = &timeline.Message{Text: text, Parts: parts, ReplyTo: m.answers()}
	if m.Quote != nil {
		in.Event.Message.Quoted = m.Quote.Text
	}
	if c := m.Contact; c != nil && m.From != nil && c.UserID == m.From.ID && m.As == nil {
		// Telegram sets user_id itself: this is the person's own number.
		if tel := phone(c.Phone); tel != "" {
			in.Links = []timeline.Identity{{Scheme: "tel", Value: tel, Proof: timeline.ProofProvider, Display: tel}}
		}
	}
	out := []timeline.Inbound{in}
	if ref, ok := strings.CutPrefix(m.Text, "/start "); ok && strings.TrimSpace(ref) != "" && m.Chat.Type == "private" {
		from := in
		from.Links = nil
		from.Event.ID = r.id("start:%d/%d", m.Chat.ID, m.ID)
		from.Event.Kind, from.Event.Remote, from.Event.Message = timeline.KindReferral, "", nil
		from.Event.Referral = &timeline.Referral{Source: "start", Ref: strings.TrimSpace(ref)}
		out = append(out, from)
	}
	return out, true
}

func (m *message) text() string {
	if m.Text != "" {
		return m.Text
	}
	return m.Caption
}

// topic is the forum topic; elsewhere the number only threads replies.
func (m *message) topic() int64 {
	if m.InTopic {
		return m.Topic
	}
	return 0
}

func (m *message) answers() *timeline.Ref {
	switch {
	case m.ReplyToStory != nil:
		return &timeline.Ref{Kind: "story", Remote: remote(m.ReplyToStory.Chat.ID, m.ReplyToStory.ID)}
	case m.ReplyTo == nil || m.ReplyTo.ID == 0:
		return nil
	case m.InTopic && m.ReplyTo.ID == m.Topic:
		return nil // that is how a topic's messages hang together
	}
	return &timeline.Ref{Remote: remote(m.Chat.ID, m.ReplyTo.ID)}
}

// parts is all that is not text. Files are named by their file_id: an address
// would hold the token.
func (m *message) parts() []timeline.Part {
	var out []timeline.Part
	add := func(kind timeline.PartKind, what, mime string, f *file) {
		if f == nil || f.ID == "" {
			return
		}
		p := timeline.Part{
			Kind: kind, Name: f.Name, MIME: f.MIME, Size: max(f.Size, 0), Remote: timeline.RemoteID(f.ID),
			Width: max(f.Width, f.Length), Height: max(f.Height, f.Length), Data: map[string]string{"telegram": what},
		}
		if p.MIME == "" {
			p.MIME = mime
		}
		if title := strings.Trim(f.Performer+" – "+f.Title, " –"); p.Name == "" && title != "" {
			p.Name = title
		}
		if f.Emoji != "" {
			p.Data["emoji"] = f.Emoji
		}
		if m.Album != "" {
			p.Data["album"] = m.Album
		}
		out = append(out, p)
	}
	if n := len(m.Photo); n > 0 {
		best := m.Photo[0]
		for _, f := range m.Photo {
			if f.Width*f.Height > best.Width*best.Height {
				best = f
			}
		}
		add(timeline.PartImage, "photo", "image/jpeg", &best)
	}
	add(timeline.PartVideo, "video", "video/mp4", m.Video)
	add(timeline.PartVideo, "animation", "video/mp4", m.Animation)
	add(timeline.PartVideo, "video_note", "video/mp4", m.VideoNote)
	add(timeline.PartAudio, "audio", "audio/mpeg", m.Audio)
	add(timeline.PartAudio, "voice", "audio/ogg", m.Voice)
	if m.Animation == nil { // an animation is repeated as a document, for older programs
		add(timeline.PartFile, "document", "application/octet-stream", m.Document)
	}
	if s := m.Sticker; s != nil {
		mime := "image/webp"
		if s.Animated {
			mime = "application/x-tgsticker"
		} else if s.Video {
			mime = "video/webm"
		}
		add(timeline.PartSticker, "sticker", mime, s)
	}
	return append(append(out, m.facts()...), m.links()...)
}

// facts are parts without a file.
func (m *message) facts() []timeline.Part {
	var out []timeline.Part
	switch {
	case m.Venue != nil: // repeats its location beside it
		p := place(m.Venue.Location)
		p.Name = strings.Trim(m.Venue.Title+", "+m.Venue.Address, ", ")
		out = append(out, p)
	case m.Location != nil:
		out = append(out, place(*m.Location))
	}
	if c := m.Contact; c != nil {
		out = append(out, timeline.Part{
			Kind: "contact", Name: strings.TrimSpace(c.FirstName + " " + c.LastName), Retention: timeline.RetainNever,
			Data: map[string]string{"phone": c.Phone, "vcard": c.VCard},
		})
	}
	if m.Poll != nil {
		out = append(out, timeline.Part{Kind: "poll", Name: m.Poll.Question, Retention: timeline.RetainNever})
	}
	if f := m.Forward; f != nil {
		name := f.Name
		switch {
		case f.User != nil:
			name = f.User.name()
		case f.Chat != nil:
			name = f.Chat.Title
		case f.Sender != nil:
			name = f.Sender.Title
		}
		out = append(out, timeline.Part{Kind: "forward", Name: name, Retention: timeline.RetainNever})
	}
	return out
}

func place(l location) timeline.Part {
	lat, lon := degrees(l.Latitude), degrees(l.Longitude)
	p := timeline.Part{
		Kind: timeline.PartLocation, Retention: timeline.RetainURL,
		URL:  "https://www.openstreetmap.org/?mlat=" + lat + "&mlon=" + lon,
		Data: map[string]string{"latitude": lat, "longitude": lon},
	}
	if l.Live > 0 {
		p.Data["live"] = strconv.Itoa(l.Live)
	}
	return p
}

func degrees(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// links are addresses that hide behind words.
func (m *message) links() []timeline.Part {
	text, marks := m.Text, m.Entities
	if text == "" {
		text, marks = m.Caption, m.CaptionEntities
	}
	var out []timeline.Part
	units := utf16.Encode([]rune(text))
	for _, e := range marks {
		if e.Type != "text_link" || e.URL == "" || e.Offset < 0 || e.Length < 0 || e.Offset > len(units) || e.Length > len(units)-e.Offset {
			continue
		}
		words := string(utf16.Decode(units[e.Offset : e.Offset+e.Length]))
		out = append(out, timeline.Part{Kind: timeline.PartShare, Name: words, URL: e.URL, Retention: timeline.RetainURL})
	}
	return out
}

// phone is a number as identities have it: + and digits. Telegram leaves the + out.
func phone(s string) string {
	digits := strings.Map(func(c rune) rune {
		if c < '0' || c > '9' {
			return -1
		}
		return c
	}, s)
	if len(digits) < 7 {
		return ""
	}
	return "+" + digits
}

// known are the fields of a message that are read or say only how it looks.
var known = func() map[string]bool {
	m := map[string]bool{}
	for _, k := range strings.Fields(`
		message_id message_thread_id is_topic_message direct_messages_topic from sender_chat sender_boost_count sender_business_bot
		sender_tag date edit_date chat business_connection_id reply_to_message external_reply quote reply_to_story
		reply_to_checklist_task_id reply_markup forward_origin is_automatic_forward via_bot has_protected_content is_from_offline
		is_paid_post paid_star_count media_group_id author_signature link_preview_options effect_id show_caption_above_media
		has_media_spoiler suggested_post_info forward_from forward_from_chat forward_from_message_id forward_signature
		forward_sender_name forward_date text entities caption caption_entities photo video animation audio voice video_note
		document sticker location venue contact poll dice`) {
		m[k] = true
	}
	return m
}()

// strange are the fields of a message that nobody here knows.
func (r reader) strange() []string {
	var fields map[string]json.RawMessage
	if json.Unmarshal(r.raw, &fields) != nil {
		return nil
	}
	var out []string
	for k := range fields {
		if !known[k] {
			out = append(out, k)
		}
	}
	sort.Strings(out)
	return out
}

// content names what a message holds that is not read.
func (r reader) content() string {
	for _, k := range r.strange() {
		return k
	}
	var m message
	if json.Unmarshal(r.raw, &m) == nil && m.Location != nil {
		return "location"
	}
	return "empty"
}

// unknown keeps and shows what has no name here, with whoever it says it is from.
func (r reader) unknown(kind, summary string) ([]timeline.Inbound, bool) {
	var h hint
	_ = json.Unmarshal(r.raw, &h) // what cannot be read stays empty
	if h.Chat == nil && h.Nested != nil {
		h.Chat = &h.Nested.Chat
	}
	var c chat
	if h.Chat != nil {
		c = *h.Chat
	}
	who := user{FirstName: "Telegram"}
	switch {
	case h.As != nil && h.As.ID != 0:
		who = h.As.sender()
	case h.From != nil && h.From.ID != 0:
		who = *h.From
	case h.User != nil && h.User.ID != 0:
		who = *h.User
	case c.ID != 0:
		who = c.sender()
	}
	in := r.base(c, 0, who, clamp(h.Date))
	in.Event.ID = r.id("update:%d:%s:%d", r.update, kind, h.Date)
	in.Event.Kind = timeline.KindUnknown
	if summary == "" {
		summary = strings.TrimSpace(fmt.Sprintf("%s %s", kind, h.Text))
	}
	in.Event.Unknown = &timeline.Unknown{Type: kind, Summary: summary, Raw: r.raw}
	return []timeline.Inbound{in}, true
}

// clamp leaves out times that cannot be.
func clamp(date int64) int64 {
	if date < 0 || date > time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC).Unix() {
		return 0
	}
	return date
}
