package gateway

import (
	"cmp"
	"fmt"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

// ActionFailed names the control event that tells agents of an edit, an unsending or a
// reaction of ours that the far side refused. Its data: action, of (the message), class,
// code, said, advice. A message's failure is in its receipt, a moderation's in its event.
const ActionFailed = "action_failed"

// The data of an [ActionFailed] event.
const (
	failedAction = "action"
	failedOf     = "of"
	failedClass  = "class"
	failedCode   = "code"
	failedSaid   = "said"
	failedAdvice = "advice"
)

// lookThere is what helps where nobody knows whether an action was done.
const lookThere = "It may have been done. Look on the channel itself before you do it again."

// tell adds the news of a step to what is published at the end of the run: a receipt of a
// message, the end of a moderation, or that another action failed. mark tells several receipts
// of one state and attempt apart.
func (d *delivery) tell(j *job, s timeline.DeliveryState, attempt int, f *timeline.Failure, remotes []timeline.RemoteID, mark string) {
	if j.live != nil {
		d.g.metrics.steps.WithLabelValues(j.live.record.Channel, string(s)).Inc()
	}
	switch o := j.o; {
	case o.Message != nil:
		var given []timeline.RemoteID
		for _, r := range remotes {
			if r != "" {
				given = append(given, r)
			}
		}
		d.news = append(d.news, d.g.receipt(o, timeline.Receipt{State: s, Attempt: attempt, Failure: f, Remotes: given}, mark))
	case o.Moderation != nil:
		if in, ok := d.g.moderated(o, s, attempt, f); ok {
			d.news = append(d.news, in)
		}
	default:
		if cmd, ok := d.g.actionFailed(o, s, attempt, f); ok {
			d.asks = append(d.asks, cmd)
		}
	}
}

// receipt is what became of a message, as an event on its way in.
func (g *Gateway) receipt(o *timeline.Outbound, r timeline.Receipt, mark string) timeline.Inbound {
	r.Of = timeline.Ref{Event: o.ID}
	if r.Attempt == 0 {
		r.Attempt = max(o.Attempt, 1)
	}
	ev := g.news(o, fmt.Sprintf("receipt:%s:%d:%s%s", o.ID, r.Attempt, r.State, mark))
	ev.Kind, ev.Receipt = timeline.KindReceipt, &r
	return timeline.Inbound{Channel: o.Channel, Event: ev}
}

// news is an event of the hub's own about what it was asked to send.
func (g *Gateway) news(o *timeline.Outbound, key string) timeline.Event {
	now := g.now()
	return timeline.Event{ID: timeline.DeriveID(o.Thread.Account, key), Conversation: o.Conversation, Thread: o.Thread, Leg: o.Thread.Leg(),
		Direction: timeline.Internal, Actor: timeline.Actor{Kind: timeline.ActorSystem}, At: now, Received: now}
}

// moderated is how a moderation ended; ok is false while it has not.
func (g *Gateway) moderated(o *timeline.Outbound, s timeline.DeliveryState, attempt int, f *timeline.Failure) (in timeline.Inbound, ok bool) {
	m := &timeline.Moderation{Of: o.Moderation.Of, Action: o.Moderation.Action, Asked: o.ID}
	switch s {
	case timeline.Sent, timeline.Delivered, timeline.Read:
		m.State = timeline.ModerationDone
	case timeline.Failed, timeline.Unsure, timeline.Cancelled:
		m.State, m.Failure = timeline.ModerationFailed, ended(s, f)
	default:
		return in, false
	}
	ev := g.news(o, fmt.Sprintf("moderated:%s:%d:%s", o.ID, max(attempt, 1), m.State))
	ev.Kind, ev.Moderation = timeline.KindModeration, m
	return timeline.Inbound{Channel: o.Channel, Event: ev}, true
}

// ended is why an action came to nothing, as far as anybody knows.
func ended(s timeline.DeliveryState, f *timeline.Failure) *timeline.Failure {
	out := timeline.Failure{Class: string(channels.Permanent)}
	if f != nil {
		out = *f
	}
	if s == timeline.Unsure {
		out.Advice, out.Retry = lookThere, nil
	}
	return &out
}

// actionFailed asks the conversation's writer to record that an action of ours was refused,
// or may have been; ok is false where it was not.
func (g *Gateway) actionFailed(o *timeline.Outbound, s timeline.DeliveryState, attempt int, f *timeline.Failure) (cmd timeline.Command, ok bool) {
	if s != timeline.Failed && s != timeline.Unsure {
		return cmd, false
	}
	action, of := actionOf(o)
	why := ended(s, f)
	data := map[string]string{failedAction: action, failedClass: why.Class, failedAdvice: why.Advice}
	for k, v := range map[string]string{failedOf: cmp.Or(string(of.Event), string(of.Remote)), failedCode: why.Code, failedSaid: why.Said} {
		if v != "" {
			data[k] = v
		}
	}
	ev := g.news(o, fmt.Sprintf("failed:%s:%d:%s", o.ID, max(attempt, 1), s))
	ev.Kind, ev.Control = timeline.KindControl, &timeline.Control{Name: ActionFailed, Data: data}
	return timeline.Command{ID: ev.ID, Conversation: o.Conversation, Event: ev, At: ev.Received}, true
}

// actionOf names what was asked beside a message, and of which message.
func actionOf(o *timeline.Outbound) (action string, of timeline.Ref) {
	switch {
	case o.Edit != nil:
		return stepEdit, o.Edit.Of
	case o.Unsend != nil:
		return stepUnsend, o.Unsend.Of
	case o.Reaction != nil:
		return stepReact, o.Reaction.Of
	}
	return stepSend, timeline.Ref{}
}
