package inbox

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/parley-hub/parley/timeline"
)

// ErasedName is what a conversation shows of a person who was erased.
const ErasedName = "Erased person"

// ClosedErased is why a leg of somebody who was erased cannot be written to.
const ClosedErased = "erased"

// ErasedEvent is the datum of an erasure that names, by seq, the one event that it empties: of
// somebody who wrote in another person's conversation.
const ErasedEvent = "seq"

// ErasedAt is the datum that says when the event happened which is emptied.
const ErasedAt = "at"

// IsErasure reports whether an event says that all that is known of the conversation's person
// is to go.
func IsErasure(ev *timeline.Event) bool {
	return ev.Kind == timeline.KindControl && ev.Control != nil && ev.Control.Name == ControlErased
}

// ErasedThread stands for the threads of an account in a conversation whose person was
// erased: their own names may be addresses.
func ErasedThread(c timeline.ConversationID, a timeline.AccountID) timeline.Thread {
	return timeline.Thread{Account: a, ID: timeline.ThreadID("erased:" + string(c))}
}

// applyErased leaves of a conversation what says nothing of its person.
func applyErased(c *timeline.Conversation, ev *timeline.Event) {
	if of := ev.Control.Data[ErasedEvent]; of != "" {
		if c.Last != nil && strconv.FormatInt(c.Last.Seq, 10) == of {
			last := *c.Last
			last.Event, last.Text, last.Actor = "", "", faceless(last.Actor)
			c.Last = &last
		}
		forgetOpening(c, ev.Control.Data[ErasedAt])
		return
	}
	c.Name, c.Avatar, c.Subject, c.Opening = ErasedName, "", "", ""
	c.WaitingSince, c.SnoozeUntil, c.Undelivered, c.Attached = nil, nil, 0, false
	if c.State != timeline.Resolved {
		at := ev.Received
		c.State, c.ResolvedAt = timeline.Resolved, &at
	}
	if c.Last != nil {
		last := *c.Last
		last.Event, last.Text, last.Actor = "", "", faceless(last.Actor)
		if last.Leg != "" {
			last.Leg = erasedLeg(c.ID, last.Leg)
		}
		c.Last = &last
	}
	legs := make([]timeline.Leg, 0, len(c.Legs))
	for _, l := range c.Legs {
		th := ErasedThread(c.ID, l.Thread.Account)
		if slices.ContainsFunc(legs, func(x timeline.Leg) bool { return x.ID == th.Leg() }) {
			continue
		}
		legs = append(legs, timeline.Leg{ID: th.Leg(), Thread: th, Channel: l.Channel, LastIn: l.LastIn, Closed: ClosedErased})
	}
	c.Legs = legs
}

// forgetOpening drops from the ledgers what the far side called an event of that moment.
func forgetOpening(c *timeline.Conversation, at string) {
	for i, l := range c.Legs {
		ledger := maps.Clone(l.Opened)
		for name, w := range ledger {
			if w.At.Format(time.RFC3339Nano) == at {
				w.By = ""
				ledger[name] = w
			}
		}
		l.Opened = ledger
		setLeg(c, i, l)
	}
}

func erasedLeg(c timeline.ConversationID, leg timeline.LegID) timeline.LegID {
	th, _ := timeline.ThreadOf(leg)
	return ErasedThread(c, th.Account).Leg()
}

// IsErased reports whether a conversation's person was erased. What comes to it from outside
// afterwards was on its way, or comes again.
func IsErased(c *timeline.Conversation) bool {
	return slices.ContainsFunc(c.Legs, func(l timeline.Leg) bool { return l.Closed == ClosedErased })
}

// outside reports whether an actor is none of those who work in the hub.
func outside(a timeline.Actor) bool {
	return a.Kind == timeline.ActorCustomer || a.Kind == timeline.ActorExternal
}

// faceless is an actor without what names a person outside.
func faceless(a timeline.Actor) timeline.Actor {
	if outside(a) {
		return timeline.Actor{Kind: a.Kind}
	}
	return a
}

// Tombstone is an event of a person who was erased at a moment: that it happened, what sort
// it was, when and by which of us. Its id stays, so that the same event never comes twice.
func Tombstone(ev timeline.Event, at time.Time) timeline.Event {
	out := timeline.Event{ID: ev.ID, Kind: ev.Kind, Conversation: ev.Conversation, Seq: ev.Seq, Direction: ev.Direction, Actor: faceless(ev.Actor),
		At: ev.At, Received: ev.Received, Late: ev.Late, Depth: ev.Depth, Status: ev.Status, Assignment: ev.Assignment, Labels: ev.Labels}
	if ev.Leg != "" {
		out.Leg = erasedLeg(ev.Conversation, ev.Leg)
		th, _ := timeline.ThreadOf(out.Leg)
		out.Thread = th
	}
	switch {
	case ev.Message != nil:
		out.Message = tombMessage(ev.Message, at)
	case ev.Edit != nil:
		out.Edit = &timeline.Edit{Of: tombRef(ev.Edit.Of), Rev: ev.Edit.Rev}
	case ev.Unsend != nil:
		out.Unsend = &timeline.Unsend{Of: tombRef(ev.Unsend.Of)}
	case ev.Reaction != nil:
		out.Reaction = &timeline.Reaction{Of: tombRef(ev.Reaction.Of), Removed: ev.Reaction.Removed}
	case ev.Receipt != nil:
		r := ev.Receipt
		out.Receipt = &timeline.Receipt{Of: tombRef(r.Of), UpTo: r.UpTo, State: r.State, Attempt: r.Attempt, Failure: tombFailure(r.Failure)}
	default:
		tombRest(&ev, &out)
	}
	return out
}

func tombRest(ev, out *timeline.Event) {
	switch {
	case ev.Postback != nil:
		out.Postback = &timeline.Postback{}
	case ev.Referral != nil:
		out.Referral = &timeline.Referral{}
	case ev.Subject != nil:
		out.Subject = &timeline.Subject{}
	case ev.Control != nil:
		out.Control = &timeline.Control{Name: ev.Control.Name}
		if of := ev.Control.Data[ErasedEvent]; of != "" && IsErasure(ev) {
			out.Control.Data = map[string]string{ErasedEvent: of, ErasedAt: ev.Control.Data[ErasedAt]}
		}
	case ev.Moderation != nil:
		m := ev.Moderation
		out.Moderation = &timeline.Moderation{Of: tombRef(m.Of), Action: m.Action, State: m.State, Failure: tombFailure(m.Failure)}
	case ev.Media != nil:
		out.Media = &timeline.Media{Of: tombRef(ev.Media.Of), Parts: []timeline.MediaPart{}}
	case ev.Merge != nil:
		m := ev.Merge
		out.Merge = &timeline.Merge{ID: m.ID, From: m.From, Into: m.Into, Undone: m.Undone, Back: m.Back}
	case ev.Unknown != nil:
		out.Unknown = &timeline.Unknown{Type: ev.Unknown.Type}
	}
}

func tombMessage(m *timeline.Message, at time.Time) *timeline.Message {
	out := &timeline.Message{Automated: m.Automated, SendAt: m.SendAt, Unsent: &at}
	if m.Unsent != nil && m.Unsent.Before(at) {
		out.Unsent = m.Unsent
	}
	if d := m.Delivery; d != nil {
		out.Delivery = &timeline.Delivery{State: d.State, At: d.At, Attempt: d.Attempt, Failure: tombFailure(d.Failure)}
	}
	if x := m.Moderated; x != nil {
		out.Moderated = &timeline.Moderated{Action: x.Action, State: x.State, By: faceless(x.By), At: x.At}
	}
	return out
}

// tombFailure keeps the sort of a failure; what the far side said may quote an address.
func tombFailure(f *timeline.Failure) *timeline.Failure {
	if f == nil {
		return nil
	}
	return &timeline.Failure{Class: f.Class}
}

// tombRef keeps what sort of thing was meant: ids of messages may be made of addresses.
func tombRef(r timeline.Ref) timeline.Ref { return timeline.Ref{Kind: r.Kind} }
