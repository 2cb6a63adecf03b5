package journal

import (
	"context"
	"errors"
	"fmt"

	"github.com/parley-hub/parley/inbox"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// tell notes what is to be published of an event: how things stand right after it.
func (w *writer) tell(s *state, next *timeline.Conversation, id timeline.EventID, changes []inbox.Change, ledger map[string]timeline.Window, repeat bool) {
	k := s.find(id)
	e := timeline.Entry{Event: k.Event, Conversation: *next, Repeat: repeat}
	if n := len(changes); n > 0 {
		e.Target = changes[n-1].After
	} else if t := s.target(&k.Event); t != nil && k.Message == nil && k.Postback == nil {
		e.Target = t
	}
	s.entries = append(s.entries, e)
	if out, ok := outbound(next, &e, ledger); ok {
		s.outs = append(s.outs, out)
	}
}

// ledger is how a leg's windows stood before a message used them.
func (w *writer) ledger(c *timeline.Conversation, ev *timeline.Event) map[string]timeline.Window {
	l, _ := inbox.LegOf(c, ev.Leg)
	return l.Opened
}

// outbound is what an event asks to be delivered; ok is false where it asks for nothing.
func outbound(c *timeline.Conversation, e *timeline.Entry, ledger map[string]timeline.Window) (timeline.Outbound, bool) {
	ev := &e.Event
	leg, ok := inbox.LegOf(c, ev.Leg)
	if !ok {
		return timeline.Outbound{}, false
	}
	if ledger == nil {
		ledger = leg.Opened
	}
	o := timeline.Outbound{ID: ev.ID, Conversation: c.ID, Channel: leg.Channel, Thread: leg.Thread, Place: leg.Place, To: leg.Peer,
		About: leg.About, Actor: ev.Actor, Attempt: 1, Opened: ledger, Subject: c.Subject, At: ev.Received}
	ours := ev.Direction == timeline.Out && ev.Actor.Kind != timeline.ActorExternal && ev.Actor.Kind != timeline.ActorCustomer
	switch {
	case ours && ev.Kind == timeline.KindMessage && ev.Message.Delivery != nil && ev.Message.Delivery.State == timeline.Queued:
		o.Message, o.Attempt = ev.Message, ev.Message.Delivery.Attempt
	case ours && ev.Kind == timeline.KindEdit && e.Target != nil:
		o.Edit = ev.Edit
	case ours && ev.Kind == timeline.KindUnsend && e.Target != nil:
		o.Unsend = ev.Unsend
	case ours && ev.Kind == timeline.KindReaction && e.Target != nil:
		o.Reaction = ev.Reaction
	case ours && ev.Kind == timeline.KindModeration && ev.Moderation.State == timeline.ModerationAsked && e.Target != nil:
		o.Moderation = ev.Moderation
	case again(e):
		o.ID, o.Actor, o.At = e.Target.ID, e.Target.Actor, e.Target.Received
		o.Message, o.Attempt = e.Target.Message, e.Target.Message.Delivery.Attempt
	default:
		return timeline.Outbound{}, false
	}
	if o.Message != nil && o.Message.Subject != "" {
		o.Subject = o.Message.Subject
	}
	return o, true
}

// again reports whether somebody asked for a message to be sent once more.
func again(e *timeline.Entry) bool {
	r, t := e.Event.Receipt, e.Target
	return r != nil && r.State == timeline.Queued && e.Event.Actor.Kind == timeline.ActorAgent && t != nil && t.Message != nil &&
		t.Message.Delivery != nil && t.Message.Delivery.State == timeline.Queued && t.Message.Delivery.Attempt > 1
}

// publish tells the world, all conversations in one call for each topic.
func (w *writer) publish(ctx context.Context, groups []*group) error {
	var entries []timeline.Entry
	var outs []timeline.Outbound
	for _, g := range groups {
		entries = append(entries, g.s.entries...)
		outs = append(outs, g.s.outs...)
	}
	if len(entries) > 0 {
		if err := w.j.deps.Publish.Timeline(ctx, entries...); err != nil {
			return fmt.Errorf("publish the timeline: %w", err)
		}
	}
	if len(outs) > 0 {
		if err := w.j.deps.Publish.Outbound(ctx, outs...); err != nil {
			return fmt.Errorf("publish what is to be sent: %w", err)
		}
	}
	w.j.Stats.Events.Add(int64(len(entries)))
	return nil
}

func foldInto(m, ev *timeline.Event) { inbox.Fold(m, ev) }

// redact removes the traces of an unsent message: the words of its edits, and its files,
// which are marked for whoever keeps them.
func (w *writer) redact(ctx context.Context, s *state, r redaction) error {
	c := w.j.deps.Store.C(store.Events)
	var edits []message
	filter := bson.D{{Key: "leg", Value: string(r.target.Leg)}, {Key: "conversation", Value: string(s.id)}, {Key: "kind", Value: string(timeline.KindEdit)}}
	if err := c.All(ctx, filter, &edits); err != nil {
		return fmt.Errorf("read edits of an unsent message: %w", err)
	}
	for i := range edits {
		ev := &edits[i].Event
		if !refers(ev, r.target) || !inbox.Erase(ev) {
			continue
		}
		if _, err := c.Update(ctx, byID(ev.ID), set(bson.E{Key: "edit", Value: ev.Edit})); err != nil {
			return fmt.Errorf("erase an edit: %w", err)
		}
		if k := s.find(ev.ID); k != nil {
			k.Edit = ev.Edit
		}
	}
	return w.j.discard(ctx, r.files)
}

// discard marks files that belong to nothing any more, for whoever keeps them.
func (j *Journal) discard(ctx context.Context, files []timeline.FileID) error {
	now := j.now()
	for _, f := range files {
		_, err := j.deps.Store.C(store.Files).Update(ctx, byID(f), set(bson.E{Key: "unsentAt", Value: now}))
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("mark a file that belongs to nothing: %w", err)
		}
	}
	return nil
}
