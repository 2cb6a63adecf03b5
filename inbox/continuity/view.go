package continuity

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/parley-hub/parley/inbox"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// view is what is known of one leg when it is looked at.
type view struct {
	facts    Facts
	chat     Chat
	conv     timeline.Conversation
	person   timeline.Person
	identity timeline.Identity // the e-mail address
}

// reach is how many events after the last mail are looked at.
const reach = 200

// view reads it; nil where there is nothing to look at any more.
func (c *Continuity) view(ctx context.Context, w *watch) (*view, error) {
	var v view
	err := c.d.Store.C(store.Conversations).One(ctx, bson.D{{Key: "_id", Value: string(w.Conversation)}}, &v.conv)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the conversation: %w", err)
	}
	i := slices.IndexFunc(v.conv.Legs, func(l timeline.Leg) bool { return l.ID == w.Leg })
	if i < 0 {
		return nil, nil
	}
	leg := v.conv.Legs[i]
	if v.chat, err = c.d.Chat(ctx, leg.Thread.Account); err != nil || v.chat.Continue == "" {
		return nil, err
	}
	if ok, err := c.who(ctx, &v); err != nil || !ok {
		return nil, err
	}
	v.facts = Facts{Now: c.now(), Leg: leg, After: v.chat.after(), Address: v.identity.Value, Present: c.d.Present(w.Conversation, w.Leg)}
	v.facts.Messages, err = c.messages(ctx, w)
	return &v, err
}

// who reads the person and their e-mail address: a verified one before another, the latest
// used first, and last what they gave in a form.
func (c *Continuity) who(ctx context.Context, v *view) (bool, error) {
	err := c.d.Store.C(store.Persons).One(ctx, bson.D{{Key: "_id", Value: string(v.conv.Person)}}, &v.person)
	if errors.Is(err, store.ErrNotFound) || (err == nil && (v.person.Erased != nil || v.person.MergedInto != "")) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read the person: %w", err)
	}
	var known []timeline.Known
	if err := c.d.Store.C(store.Identities).All(ctx, bson.D{{Key: "person", Value: string(v.person.ID)}}, &known); err != nil {
		return false, fmt.Errorf("read how to reach the person: %w", err)
	}
	known = slices.DeleteFunc(known, func(k timeline.Known) bool { return k.Identity.Scheme != "email" || k.Identity.Account != "" })
	slices.SortFunc(known, func(a, b timeline.Known) int {
		if x, y := a.Identity.Proof.Verified(), b.Identity.Proof.Verified(); x != y {
			if x {
				return -1
			}
			return 1
		}
		return b.LastAt.Compare(a.LastAt)
	})
	if len(known) > 0 {
		v.identity = known[0].Identity
		return true, nil
	}
	v.identity = claimed(v.person.Profile)
	return v.identity.Value != "", nil
}

// claimed is the address that a person gave in a form. Nobody vouches for it, so it names
// nobody; what is sent there is what they would read in the chat.
func claimed(p timeline.Profile) timeline.Identity {
	for _, name := range slices.Sorted(maps.Keys(p.Extra)) {
		for _, i := range inbox.Said(p.Extra[name]) {
			if i.Scheme == "email" {
				return i
			}
		}
	}
	return timeline.Identity{}
}

// messages reads ours on the leg after what was mailed, including what a mail that was
// written down holds.
func (c *Continuity) messages(ctx context.Context, w *watch) ([]*timeline.Event, error) {
	var found []timeline.Event
	err := c.d.Store.C(store.Events).All(ctx, bson.D{{Key: "leg", Value: string(w.Leg)}, {Key: "conversation", Value: string(w.Conversation)},
		{Key: "seq", Value: bson.D{{Key: "$gt", Value: w.Mailed}}}}, &found, store.Find{Sort: bson.D{{Key: "seq", Value: 1}}, Limit: reach})
	if err != nil {
		return nil, fmt.Errorf("read the answers: %w", err)
	}
	var out []*timeline.Event
	for i := range found {
		if Counts(&found[i]) || found[i].Message != nil {
			out = append(out, &found[i])
		}
	}
	return out, nil
}

// command asks the writer for the mail that was written down, on the person's mail leg in this
// conversation or on a new one; ok is false where everything in it was read meanwhile.
func (c *Continuity) command(w *watch, v *view) (cmd timeline.Command, ok bool, err error) {
	f := v.facts
	f.Mailed = w.Mailed
	var send []*timeline.Event
	for _, m := range Unread(&f) {
		if slices.Contains(w.Mail.Of, m.Seq) {
			send = append(send, m)
		}
	}
	if len(send) == 0 {
		return cmd, false, nil
	}
	subject, text := Compose(send, v.person.Profile)
	if v.conv.Subject != "" {
		subject = v.conv.Subject
	}
	leg, err := c.leg(w, v, subject)
	if err != nil {
		return cmd, false, err
	}
	to := timeline.Address{Address: v.identity.Value, Name: v.person.Profile.Name}
	ev := timeline.Event{ID: w.Mail.ID, Kind: timeline.KindMessage, Conversation: w.Conversation, Leg: leg.ID, Thread: leg.Thread, Direction: timeline.Out,
		Actor: timeline.Actor{Kind: timeline.ActorSystem}, At: w.Mail.At, Received: w.Mail.At,
		Message: &timeline.Message{Text: text, Subject: subject, Automated: true, Parts: files(send), Envelope: &timeline.Envelope{To: []timeline.Address{to}}}}
	return timeline.Command{ID: ev.ID, Conversation: w.Conversation, Event: ev, Attach: &leg, At: w.Mail.At}, true, nil
}

// leg is the way by mail: the one the conversation has, or a new thread.
func (c *Continuity) leg(w *watch, v *view, subject string) (timeline.Leg, error) {
	for _, l := range v.conv.Legs {
		if l.Thread.Account == v.chat.Continue && l.Closed == "" && l.Identity == v.identity.ID() {
			return timeline.Leg{ID: l.ID, Thread: l.Thread, Channel: l.Channel}, nil
		}
	}
	in, err := c.d.Begin(v.chat.Continue, v.identity.Value, subject, string(w.Mail.ID))
	if err != nil {
		return timeline.Leg{}, fmt.Errorf("begin a mail: %w", err)
	}
	to := in.To
	if to == "" {
		to = timeline.Handle(in.Peer.Value)
	}
	return timeline.Leg{ID: in.Event.Thread.Leg(), Thread: in.Event.Thread, Channel: in.Channel, Place: in.Place, About: in.About,
		Identity: in.Peer.ID(), Peer: to, Display: in.Peer.Display}, nil
}
