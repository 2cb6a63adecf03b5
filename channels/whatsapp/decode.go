package whatsapp

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/internal/meta"
	"github.com/parley-hub/parley/timeline"
)

// whose is the account that an update is for: the phone number in its metadata. What concerns
// the whole business account goes by that one's name.
func whose(u meta.Update) timeline.Handle {
	if id := meta.Plain(meta.Field(u.Raw, "metadata", "phone_number_id")); meta.Digits(id) {
		return timeline.Handle(id)
	}
	return timeline.Handle(u.Entry)
}

// Decode reads a callback. One that was not verified by [Channel].Split is verified here.
func (s *Session) Decode(c channels.Callback) ([]timeline.Inbound, channels.Answer, error) {
	b, a, err := meta.Take(c, s.app.verify, s.app.secrets)
	if err != nil {
		return nil, a, err
	}
	d := decoder{s: s, Events: meta.Gather(Kind, len(b.Updates))}
	for _, u := range b.Updates {
		d.update(u)
	}
	if d.Strange > 0 && s.warned.CompareAndSwap(false, true) {
		s.host.Log().Warn("a callback is about another number and is let go; this is told once", "updates", d.Strange)
	}
	return d.All, a, nil
}

// decoder gathers the events of one callback.
type decoder struct {
	meta.Events
	s *Session
}

// update reads one update. The dashboard's test has a number's id that is nobody's.
func (d *decoder) update(u meta.Update) {
	of := string(whose(u))
	switch {
	case u.Test():
		in := d.own("test:"+meta.Digest(u.Raw), timeline.KindControl, u.At)
		in.Event.Control = &timeline.Control{Name: "test", Data: map[string]string{"by": "dashboard", "field": u.Field}}
		d.add(in)
	case u.Object != object && u.Object != "", of != "" && of != d.s.set.phone && of != d.s.set.business:
		d.Strange++
	case u.Field == "messages", u.Field == "smb_message_echoes":
		d.value(u)
	default:
		d.unknown(u.Raw, u.Field, u.At)
	}
}

// value reads the value of a change.
func (d *decoder) value(u meta.Update) {
	var v value
	if err := json.Unmarshal(u.Raw, &v); err != nil {
		d.unknown(u.Raw, "unreadable "+u.Field, u.At)
		return
	}
	for _, raw := range v.Messages {
		d.message(raw, &v, u, false)
	}
	for _, raw := range v.Echoes {
		d.message(raw, &v, u, true)
	}
	for _, raw := range v.Statuses {
		d.status(raw, u)
	}
	for _, raw := range v.Errors {
		d.unknown(raw, "error", u.At)
	}
	if len(v.Messages)+len(v.Echoes)+len(v.Statuses)+len(v.Errors) == 0 {
		d.unknown(u.Raw, u.Field, u.At)
	}
}

// add keeps an event, unless the callback told of it already.
func (d *decoder) add(in timeline.Inbound) {
	if d.Add(in) {
		d.s.latest.note(&in)
	}
}

// event is something that a person did, or that was done to them.
func (d *decoder) event(key string, k timeline.Kind, w who, at time.Time) timeline.Inbound {
	peer, links := w.identities(d.s.id)
	return timeline.Inbound{To: w.to(), Peer: peer, Links: links, Profile: w.profile(),
		Event: timeline.Event{ID: timeline.DeriveID(d.s.id, key), Kind: k, Direction: timeline.In, At: at,
			Thread: timeline.Thread{Account: d.s.id, ID: timeline.ThreadID(w.thread())},
			Actor:  timeline.Actor{Kind: timeline.ActorCustomer, ID: peer.Value, Name: w.name}}}
}

// own is an event on the account's own thread.
func (d *decoder) own(key string, k timeline.Kind, at time.Time) timeline.Inbound {
	return timeline.Inbound{Peer: timeline.Identity{Account: d.s.id, Scheme: "account", Value: d.s.set.phone, Display: "WhatsApp"}, To: timeline.Handle(d.s.set.phone),
		Event: timeline.Event{ID: timeline.DeriveID(d.s.id, key), Kind: k, Direction: timeline.Internal, At: at,
			Thread: timeline.Thread{Account: d.s.id, ID: meta.OwnThread}, Actor: timeline.Actor{Kind: timeline.ActorSystem}}}
}

// unknown keeps what has no better name and is nobody's.
func (d *decoder) unknown(raw json.RawMessage, what string, at time.Time) {
	in := d.own("unknown:"+meta.Digest(raw), timeline.KindUnknown, at)
	in.Event.Direction, in.Event.Actor = timeline.In, timeline.Actor{Kind: timeline.ActorCustomer, ID: in.Peer.Value}
	in.Event.Unknown = meta.Novelty(brand, what, raw)
	d.add(in)
}

// states are the statuses of messages of ours.
var states = map[string]timeline.DeliveryState{"sent": timeline.Sent, "delivered": timeline.Delivered, "read": timeline.Read,
	"played": timeline.Read, "failed": timeline.Failed}

// status reads what became of a message of ours. Statuses come in any order: which counts is
// not for us to say.
func (d *decoder) status(raw json.RawMessage, u meta.Update) {
	var w status
	if err := json.Unmarshal(raw, &w); err != nil {
		d.unknown(raw, "unreadable status", u.At)
		return
	}
	at := w.At.Time()
	if at.IsZero() {
		at = u.At
	}
	to := party(w.Recipient, w.RecipientUser)
	state := states[w.Status]
	key := w.Status + ":" + string(w.ID)
	in := d.own(key, timeline.KindReceipt, at)
	if !to.nobody() && w.RecipientType != "group" {
		in = d.event(key, timeline.KindReceipt, to, at)
	}
	in.Event.Direction = timeline.Internal
	ref := timeline.Ref{Remote: timeline.RemoteID(w.ID)}
	switch {
	case w.ID == "", state == "" && w.Status != "deleted":
		d.unknown(raw, "status "+w.Status, at)
		return
	case w.Status == "deleted":
		in.Event.Kind, in.Event.Direction = timeline.KindUnsend, timeline.Out
		in.Event.Actor = timeline.Actor{Kind: timeline.ActorExternal}
		in.Event.Unsend = &timeline.Unsend{Of: ref}
	default:
		in.Event.Receipt = &timeline.Receipt{Of: ref, State: state, Failure: failureOf(w.Errors)}
		if id := ours(w.Opaque); id != "" {
			in.Event.Receipt.Of.Event, in.Event.Receipt.Remotes = id, []timeline.RemoteID{ref.Remote}
		}
	}
	d.add(in)
}

// ours is the message of ours that a status names by what we sent with it; empty: it names none.
func ours(data string) timeline.EventID {
	key, ok := strings.CutPrefix(data, opaque)
	if !ok {
		return ""
	}
	if i := strings.LastIndexByte(key, '/'); i > 0 {
		return timeline.EventID(key[:i])
	}
	return ""
}

// failureOf is the first error of a status or of a message, with what helps.
func failureOf(all []problem) *timeline.Failure {
	if len(all) == 0 {
		return nil
	}
	p := all[0]
	said := p.Message
	if said == "" {
		said = p.Title
	}
	return meta.Failure(&meta.Error{Code: int(p.Code), Message: said, Details: p.Details}).Wire()
}
