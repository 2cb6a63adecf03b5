package whatsapp

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/parley-hub/parley/channels/internal/meta"
	"github.com/parley-hub/parley/timeline"
)

// said is a message under way: by whom, which way, when.
type said struct {
	*decoder
	raw json.RawMessage
	w   message
	who who
	at  time.Time
	out bool // written in the business's own app
}

// message reads one message.
func (d *decoder) message(raw json.RawMessage, v *value, u meta.Update, out bool) {
	m := said{decoder: d, raw: raw, out: out}
	if err := json.Unmarshal(raw, &m.w); err != nil {
		m.at = u.At
		d.unreadable(raw, v, u)
		return
	}
	if m.at = m.w.At.Time(); m.at.IsZero() {
		m.at = u.At
	}
	if out {
		m.who = party(m.w.To, m.w.ToUser).with(v.Contacts)
	} else {
		m.who = party(m.w.From, m.w.FromUser).with(v.Contacts)
	}
	switch {
	case m.w.Group != "":
		d.unknown(raw, "group message", m.at)
	case m.who.nobody():
		d.unknown(raw, "message without sender", m.at)
	default:
		m.read()
	}
}

// unreadable keeps a message of which only the sender can be read.
func (d *decoder) unreadable(raw json.RawMessage, v *value, u meta.Update) {
	w := party(meta.Text(meta.Plain(meta.Field(raw, "from"))), meta.Text(meta.Plain(meta.Field(raw, "from_user_id")))).with(v.Contacts)
	if w.nobody() || meta.Field(raw, "group_id") != nil {
		d.unknown(raw, "unreadable message", u.At)
		return
	}
	in := d.event("unknown:"+meta.Digest(raw), timeline.KindUnknown, w, u.At)
	in.Event.Unknown = meta.Novelty(brand, "unreadable message", raw)
	d.add(in)
}

// read makes the events of the message.
func (m *said) read() {
	w := &m.w
	switch {
	case w.Reaction != nil && w.Reaction.ID != "":
		m.reaction()
	case w.System != nil:
		m.system(w.System)
	case w.Button != nil:
		m.pressed(w.Button.Text, w.Button.Payload)
	case w.Interactive != nil && w.Interactive.Button != nil:
		m.pressed(w.Interactive.Button.Title, w.Interactive.Button.ID)
	case w.Interactive != nil && w.Interactive.List != nil:
		m.pressed(w.Interactive.List.Title, w.Interactive.List.ID)
	case w.Type == "edit" && w.Edit != nil && w.Edit.ID != "" && w.Edit.Text != "":
		in := m.event(m.key("edit"), timeline.KindEdit)
		in.Event.Edit = &timeline.Edit{Of: timeline.Ref{Remote: timeline.RemoteID(w.Edit.ID)}, Text: w.Edit.Text, Rev: 1}
		m.add(in)
	case w.Type == "revoke" && w.Revoke != nil && w.Revoke.ID != "":
		in := m.event(m.key("unsend"), timeline.KindUnsend)
		in.Event.Unsend = &timeline.Unsend{Of: timeline.Ref{Remote: timeline.RemoteID(w.Revoke.ID)}}
		m.add(in)
	default:
		m.words()
	}
	if w.Referral != nil {
		m.referral(w.Referral)
	}
}

// event is one of the message's events, by whom and when it says.
func (m *said) event(key string, k timeline.Kind) timeline.Inbound {
	in := m.decoder.event(key, k, m.who, m.at)
	if m.out {
		in.Event.Direction = timeline.Out
		in.Event.Actor = timeline.Actor{Kind: timeline.ActorExternal}
	}
	return in
}

// key is a key by the far side's id, where there is one.
func (m *said) key(kind string) string {
	if m.w.ID == "" {
		return kind + ":" + meta.Digest(m.raw)
	}
	return kind + ":" + string(m.w.ID)
}

// opens marks what lets us write: the far side counts every message of the person's.
func (m *said) opens(in *timeline.Inbound) {
	if !m.out {
		in.Opens = []string{openMessage, openKnown}
	} else {
		in.Opens = []string{openKnown}
	}
}

// words is a message with words or parts; what has neither is shown by its type.
func (m *said) words() {
	in := m.event(m.key("msg"), timeline.KindMessage)
	in.Event.Remote = timeline.RemoteID(m.w.ID)
	m.opens(&in)
	msg := &timeline.Message{Text: m.w.Text.Body, Parts: m.parts(), ReplyTo: m.replyTo()}
	for _, p := range []*media{m.w.Image, m.w.Video, m.w.Document} {
		if p != nil && msg.Text == "" {
			msg.Text = p.Caption
		}
	}
	if m.w.Order != nil {
		msg.Text = m.w.Order.Text
	}
	in.Event.Message = msg
	if msg.Text == "" && len(msg.Parts) == 0 {
		in.Event.Kind, in.Event.Message, in.Event.Remote = timeline.KindUnknown, nil, ""
		in.Event.Unknown = meta.Novelty(brand, m.w.Type, m.raw)
		if f := failureOf(m.w.Errors); f != nil && f.Said != "" {
			in.Event.Unknown.Summary = "WhatsApp does not pass this on: " + f.Said
		}
	}
	m.add(in)
}

func (m *said) replyTo() *timeline.Ref {
	c := m.w.Context
	switch {
	case c == nil:
		return nil
	case c.Product != nil && c.Product.ID != "":
		return &timeline.Ref{Remote: timeline.RemoteID(c.Product.ID), Kind: "product"}
	case c.ID != "":
		return &timeline.Ref{Remote: timeline.RemoteID(c.ID)}
	}
	return nil
}

func (m *said) reaction() {
	r := m.w.Reaction
	in := m.event(m.key("react"), timeline.KindReaction)
	in.Event.Reaction = &timeline.Reaction{Of: timeline.Ref{Remote: timeline.RemoteID(r.ID)}, Emoji: r.Emoji, Removed: r.Emoji == ""}
	m.opens(&in)
	m.add(in)
}

// pressed is a button, or a row of a list, that was chosen.
func (m *said) pressed(title, payload string) {
	in := m.event(m.key("msg"), timeline.KindPostback)
	in.Event.Remote = timeline.RemoteID(m.w.ID)
	if title == "" {
		title = payload
	}
	in.Event.Postback = &timeline.Postback{Title: title, Payload: payload, Of: m.replyTo()}
	m.opens(&in)
	m.add(in)
}

// referral is the advertisement that the person came from.
func (m *said) referral(r *referral) {
	in := m.event(m.key("referral"), timeline.KindReferral)
	title := r.Headline
	if title == "" {
		title = r.Body
	}
	if r.ID != "" {
		title = strings.TrimPrefix(title+" · "+r.Type+" "+string(r.ID), " · ")
	}
	in.Event.Referral = &timeline.Referral{Source: r.Type, Ref: r.Click, URL: meta.WebURL(r.URL), Title: title}
	m.add(in)
}

// system tells that the person's number or id changed: who they were and who they are is one.
func (m *said) system(w *system) {
	now := party(meta.Text(first(string(w.NewWaID), string(w.WaID))), w.UserID)
	was := m.who
	if now.bsuid != "" && was.bsuid == now.bsuid {
		was.bsuid = "" // the sender is told as they are now
	}
	if was.bsuid == "" && w.Previous != "" {
		was.bsuid = party("", w.Previous).bsuid
	}
	if was.nobody() {
		was = m.who
	}
	in := m.decoder.event(m.key("system"), timeline.KindControl, was, m.at)
	in.Event.Direction, in.Event.Actor = timeline.Internal, timeline.Actor{Kind: timeline.ActorSystem}
	if !now.nobody() {
		peer, links := now.identities(m.s.id)
		for _, i := range append([]timeline.Identity{peer}, links...) {
			if i.ID() != in.Peer.ID() {
				in.Links = append(in.Links, i)
			}
		}
		in.To = now.to()
	}
	in.Event.Control = &timeline.Control{Name: "identity", Data: map[string]string{"type": w.Type, "said": w.Body}}
	m.add(in)
}

func first(vs ...string) string {
	for _, v := range vs {
		if v != "" {
			return v
		}
	}
	return ""
}

// The kinds of parts that only this channel has. They are shown by name.
const (
	partContact timeline.PartKind = "contact"
	partOrder   timeline.PartKind = "order"
	partForm    timeline.PartKind = "form"
)

// parts are what the message carries beside its words. Files come by the far side's name, and
// are fetched with our credentials while it keeps them, for a week.
func (m *said) parts() []timeline.Part {
	w := &m.w
	var out []timeline.Part
	for _, f := range []struct {
		kind timeline.PartKind
		m    *media
	}{{timeline.PartImage, w.Image}, {timeline.PartVideo, w.Video}, {timeline.PartAudio, w.Audio}, {timeline.PartAudio, w.Voice},
		{timeline.PartFile, w.Document}, {timeline.PartSticker, w.Sticker}} {
		if f.m != nil {
			out = append(out, m.file(f.kind, f.m))
		}
	}
	if l := w.Location; l != nil {
		out = append(out, timeline.Part{Kind: timeline.PartLocation, Name: first(l.Name, l.Address), URL: meta.WebURL(l.URL), Retention: timeline.RetainURL,
			Data: map[string]string{"latitude": l.Latitude.String(), "longitude": l.Longitude.String(), "address": l.Address}})
	}
	for _, c := range w.Contacts {
		out = append(out, c.part())
	}
	if w.Order != nil {
		out = append(out, w.Order.part())
	}
	if w.Interactive != nil && w.Interactive.Flow != nil {
		f := w.Interactive.Flow
		out = append(out, timeline.Part{Kind: partForm, Name: first(f.Body, f.Name), Retention: timeline.RetainURL,
			Data: map[string]string{"name": f.Name, "answers": first(meta.Plain(f.Response), string(f.Response))}})
	}
	return out
}

// keptFor is how long the far side keeps what it sent us.
const keptFor = 7 * 24 * time.Hour

func (m *said) file(kind timeline.PartKind, f *media) timeline.Part {
	p := timeline.Part{Kind: kind, Name: f.Name, Remote: timeline.RemoteID(f.ID), MIME: bareType(f.MIME), Data: map[string]string{"type": m.w.Type}}
	if !m.at.IsZero() {
		end := m.at.Add(keptFor)
		p.Expires = &end
	}
	if f.Voice {
		p.Data["voice"] = "true"
	}
	if f.SHA != "" {
		p.Data["sha256"] = f.SHA
	}
	if p.Remote == "" {
		p.Retention, p.Missing = timeline.RetainNever, "gone"
	}
	return p
}

// bareType is a media type without its parameters: audio/ogg; codecs=opus.
func bareType(mime string) string {
	t, _, _ := strings.Cut(mime, ";")
	return strings.TrimSpace(t)
}

func (c *card) part() timeline.Part {
	p := timeline.Part{Kind: partContact, Name: first(c.Name.Formatted, c.Name.First), Retention: timeline.RetainURL, Data: map[string]string{}}
	var phones, mails []string
	for _, n := range c.Phones {
		phones = append(phones, first(n.Phone, string(n.WaID)))
	}
	for _, e := range c.Emails {
		mails = append(mails, e.Email)
	}
	for k, v := range map[string]string{"phone": strings.Join(phones, ", "), "email": strings.Join(mails, ", "), "company": c.Org.Company} {
		if v != "" {
			p.Data[k] = v
		}
	}
	return p
}

func (o *order) part() timeline.Part {
	p := timeline.Part{Kind: partOrder, Name: fmt.Sprintf("Order of %d items", len(o.Items)), Retention: timeline.RetainURL,
		Data: map[string]string{"catalog": string(o.Catalog)}}
	var lines []string
	for _, i := range o.Items {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s × %s, %s %s", i.Quantity, i.ID, i.Price, i.Currency)))
	}
	p.Data["items"] = strings.Join(lines, "\n")
	return p
}
