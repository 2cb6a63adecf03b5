package webchat

import (
	"github.com/parley-hub/parley/timeline"
)

// item is one thing on a visitor's stream, as it goes over the wire.
type item struct {
	Cursor timeline.Cursor `json:"cursor"`
	Prev   timeline.Cursor `json:"prev,omitempty"`
	Event  timeline.Event  `json:"event"`
	Target *timeline.Event `json:"target,omitempty"`
	thread string          // it is on
}

// arrived are the states in which a message of ours may be seen.
var arrived = map[timeline.DeliveryState]bool{timeline.Sent: true, timeline.Delivered: true, timeline.Read: true}

// public builds what a visitor may see of an item. ok is false where that is nothing. What
// goes out is put together here field by field: a new internal field stays inside by itself.
func (s *Session) public(thread string, in timeline.Item) (out item, ok bool) {
	if in.Cursor == "" {
		return item{}, false
	}
	e := &in.Event
	out = item{thread: thread, Cursor: in.Cursor, Event: timeline.Event{ID: e.ID, Kind: e.Kind, Direction: e.Direction, Actor: actor(e.Actor), At: e.At, Received: e.Received}}
	switch e.Kind {
	case timeline.KindMessage:
		if e.Direction != timeline.In || e.Message == nil {
			return item{}, false
		}
		out.Event.Client, out.Event.Message = e.Client, s.shown(thread, e)
		return out, true
	case timeline.KindReceipt:
		if e.Receipt == nil || !arrived[e.Receipt.State] || in.Target == nil || in.Target.Direction != timeline.Out {
			return item{}, false
		}
		out.Event.Actor = timeline.Actor{Kind: timeline.ActorSystem}
		out.Event.Receipt = &timeline.Receipt{Of: timeline.Ref{Event: in.Target.ID}, State: e.Receipt.State}
	case timeline.KindEdit:
		out.Event.Edit = &timeline.Edit{}
		if e.Edit != nil {
			out.Event.Edit.Rev = e.Edit.Rev
		}
	case timeline.KindUnsend:
		out.Event.Unsend = &timeline.Unsend{}
	case timeline.KindReaction:
		if e.Reaction == nil {
			return item{}, false
		}
		out.Event.Reaction = &timeline.Reaction{Emoji: e.Reaction.Emoji, Removed: e.Reaction.Removed}
	default:
		return item{}, false
	}
	if out.Target, ok = s.target(thread, in.Target); !ok {
		return item{}, false
	}
	of := timeline.Ref{Event: out.Target.ID}
	switch {
	case out.Event.Edit != nil:
		out.Event.Edit.Of = of
		out.Event.Edit.Text = out.Target.Message.Text
	case out.Event.Unsend != nil:
		out.Event.Unsend.Of = of
	case out.Event.Reaction != nil:
		out.Event.Reaction.Of = of
	}
	return out, true
}

// target is a message as the visitor sees it now: their own, or one of ours that arrived.
func (s *Session) target(thread string, t *timeline.Event) (*timeline.Event, bool) {
	if t == nil || t.Kind != timeline.KindMessage || t.Message == nil {
		return nil, false
	}
	switch t.Direction {
	case timeline.In:
	case timeline.Out:
		if t.Message.Delivery == nil || !arrived[t.Message.Delivery.State] {
			return nil, false
		}
	default:
		return nil, false
	}
	return &timeline.Event{ID: t.ID, Kind: t.Kind, Direction: t.Direction, Actor: actor(t.Actor), At: t.At, Received: t.Received,
		Client: own(t), Message: s.shown(thread, t)}, true
}

// own is the id a visitor's program gave; agents' programs' ids are nobody else's business.
func own(t *timeline.Event) string {
	if t.Direction == timeline.In {
		return t.Client
	}
	return ""
}

// actor is who did it: what sort of somebody, and one of ours by name.
func actor(a timeline.Actor) timeline.Actor {
	out := timeline.Actor{Kind: a.Kind}
	switch a.Kind {
	case timeline.ActorAgent, timeline.ActorAssistant, timeline.ActorExternal:
		out.Name = a.Name
	case timeline.ActorCustomer, timeline.ActorRule, timeline.ActorSystem:
	default:
		out.Kind = timeline.ActorSystem
	}
	return out
}

// shown is the content of a message as the visitor sees it.
func (s *Session) shown(thread string, e *timeline.Event) *timeline.Message {
	m := e.Message
	out := &timeline.Message{Edited: m.Edited, Unsent: m.Unsent, Automated: m.Automated}
	if m.Delivery != nil && e.Direction == timeline.Out {
		out.Delivery = &timeline.Delivery{State: m.Delivery.State, At: m.Delivery.At}
	}
	if m.Unsent != nil {
		return out // its content is gone
	}
	out.Text = m.Text
	if m.ReplyTo != nil && m.ReplyTo.Event != "" {
		out.ReplyTo = &timeline.Ref{Event: m.ReplyTo.Event}
	}
	for _, b := range m.Buttons {
		out.Buttons = append(out.Buttons, timeline.Button{Kind: b.Kind, Title: b.Title, Value: b.Value})
	}
	for _, r := range m.Reactions {
		out.Reactions = append(out.Reactions, timeline.ReactionBy{By: actor(r.By), Emoji: r.Emoji, At: r.At})
	}
	for _, p := range m.Parts {
		shown := timeline.Part{Kind: p.Kind, Name: p.Name, MIME: p.MIME, Size: p.Size, Width: p.Width, Height: p.Height}
		if p.File != "" {
			shown.File = s.keys.file(thread, p.File)
		}
		out.Parts = append(out.Parts, shown)
	}
	return out
}
