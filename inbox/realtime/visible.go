package realtime

import "github.com/parley-hub/parley/timeline"

// visible is an entry as the customer on one leg may see it; ok is false where they may
// not. It builds what leaves field by field, so that a field added to events later stays
// inside until it is named here. Target is the message the event changed, as it is now.
func visible(e, target *timeline.Event, leg timeline.LegID) (it timeline.Item, ok bool) {
	if e.Leg != leg && (target == nil || target.Leg != leg) {
		return timeline.Item{}, false
	}
	cursor := timeline.CursorOf(e.Conversation, e.Seq)
	if e.Kind == timeline.KindMessage {
		switch {
		case e.Direction == timeline.In && shown(e, leg):
			return timeline.Item{Cursor: cursor, Event: outward(e)}, true
		case e.Direction == timeline.Out && shown(e, leg): // it left before we heard of it: an echo
			t := outward(e)
			return timeline.Item{Cursor: cursor, Event: arrival(e), Target: &t}, true
		}
		return timeline.Item{}, false
	}
	if target == nil || !shown(target, leg) {
		return timeline.Item{}, false
	}
	switch e.Kind {
	case timeline.KindReceipt:
		if target.Direction != timeline.Out || e.Receipt == nil || !arrived(e.Receipt.State) {
			return timeline.Item{}, false
		}
	case timeline.KindEdit, timeline.KindUnsend, timeline.KindReaction:
	default:
		return timeline.Item{}, false
	}
	t := outward(target)
	ev := head(e)
	change(&ev, e, &t)
	return timeline.Item{Cursor: cursor, Event: ev, Target: &t}, true
}

// shown reports whether a message stands in the customer's view of a leg: their own, or
// one of ours that reached them.
func shown(m *timeline.Event, leg timeline.LegID) bool {
	if m.Kind != timeline.KindMessage || m.Message == nil || m.Leg != leg {
		return false
	}
	switch m.Direction {
	case timeline.In:
		return true
	case timeline.Out:
		return m.Message.Delivery != nil && arrived(m.Message.Delivery.State)
	}
	return false
}

func arrived(s timeline.DeliveryState) bool {
	return s == timeline.Sent || s == timeline.Delivered || s == timeline.Read
}

// head is what every outward event says.
func head(e *timeline.Event) timeline.Event {
	return timeline.Event{ID: e.ID, Kind: e.Kind, Conversation: e.Conversation, Seq: e.Seq, Leg: e.Leg, Thread: e.Thread,
		Direction: e.Direction, Actor: who(e.Actor), At: e.At, Received: e.Received}
}

// who is an actor as customers see one: a kind and, of those who speak in person, a name.
func who(a timeline.Actor) timeline.Actor {
	switch a.Kind {
	case timeline.ActorCustomer, timeline.ActorAgent, timeline.ActorAssistant:
		return timeline.Actor{Kind: a.Kind, Name: a.Name}
	case timeline.ActorExternal:
		return timeline.Actor{Kind: timeline.ActorAgent, Name: a.Name}
	}
	return timeline.Actor{Kind: timeline.ActorSystem}
}

// outward is a message as the customer may see it.
func outward(m *timeline.Event) timeline.Event {
	out := head(m)
	in := m.Message
	msg := &timeline.Message{Automated: in.Automated, Edited: in.Edited, Unsent: in.Unsent}
	out.Message = msg
	if m.Direction == timeline.In {
		out.Client = m.Client
	} else if in.Delivery != nil {
		msg.Delivery = &timeline.Delivery{State: in.Delivery.State, At: in.Delivery.At}
	}
	if in.Unsent != nil {
		return out
	}
	msg.Text, msg.HTML, msg.Subject, msg.Buttons = in.Text, in.HTML, in.Subject, in.Buttons
	for i := range in.Parts {
		msg.Parts = append(msg.Parts, part(&in.Parts[i]))
	}
	if in.ReplyTo != nil && in.ReplyTo.Event != "" {
		msg.ReplyTo = &timeline.Ref{Event: in.ReplyTo.Event}
	}
	for _, r := range in.Reactions {
		if r.Emoji == "" { // taken back
			continue
		}
		msg.Reactions = append(msg.Reactions, timeline.ReactionBy{By: who(r.By), Emoji: r.Emoji, At: r.At})
	}
	return out
}

// part is an attachment as the customer may see it.
func part(p *timeline.Part) timeline.Part {
	out := timeline.Part{Kind: p.Kind, Name: p.Name, MIME: p.MIME, Size: p.Size, File: p.File, Inline: p.Inline, Width: p.Width, Height: p.Height}
	if p.Kind == timeline.PartShare {
		out.URL = p.URL
	}
	if p.Kind == timeline.PartLocation {
		for _, k := range []string{"lat", "lng", "lon", "latitude", "longitude", "name", "address", "title"} {
			if v, ok := p.Data[k]; ok {
				if out.Data == nil {
					out.Data = map[string]string{}
				}
				out.Data[k] = v
			}
		}
	}
	return out
}

// change sets the payload of an event that changed a message: what it did, in the words of
// the message as it is now.
func change(out, e, target *timeline.Event) {
	of := timeline.Ref{Event: target.ID}
	switch e.Kind {
	case timeline.KindReceipt:
		out.Receipt = &timeline.Receipt{Of: of, State: e.Receipt.State}
	case timeline.KindEdit:
		out.Edit = &timeline.Edit{Of: of, Text: target.Message.Text, HTML: target.Message.HTML}
		if e.Edit != nil {
			out.Edit.Rev = e.Edit.Rev
		}
	case timeline.KindUnsend:
		out.Unsend = &timeline.Unsend{Of: of}
	case timeline.KindReaction:
		out.Reaction = &timeline.Reaction{Of: of}
		if e.Reaction != nil && target.Message.Unsent == nil {
			out.Reaction.Emoji, out.Reaction.Removed = e.Reaction.Emoji, e.Reaction.Removed
		}
	}
}

// arrival is the receipt that stands for a message of ours which had left when we heard of it.
func arrival(m *timeline.Event) timeline.Event {
	out := head(m)
	out.Kind = timeline.KindReceipt
	out.Receipt = &timeline.Receipt{Of: timeline.Ref{Event: m.ID}, State: m.Message.Delivery.State}
	return out
}
