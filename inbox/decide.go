package inbox

import (
	"fmt"
	"slices"
	"time"

	"github.com/parley-hub/parley/timeline"
)

// Refusal says why a command came to nothing. It is not an error of the hub: asking again gives the same.
type Refusal struct {
	Code Code
	Why  string // for the log; holds no message text
}

func (r *Refusal) Error() string { return "inbox: " + string(r.Code) + ": " + r.Why }

// Code is the kind of a refusal.
type Code string

// The codes of refusals.
const (
	Invalid   Code = "invalid"   // the command makes no sense
	Nothing   Code = "nothing"   // it would change nothing
	TooDeep   Code = "depth"     // bots answering bots
	Overtaken Code = "overtaken" // somebody spoke after what the author had seen
	Lost      Code = "lost"      // it is no longer theirs
	TooLate   Code = "too_late"  // the message has left, or the snooze was changed
	Gone      Code = "gone"      // the conversation's person was erased
	Dangling  Code = "dangling"  // a receipt for a message that is not there: keep it until it is
)

// Codes lists every code, for counters and exhaustive tests.
var Codes = []Code{Invalid, Nothing, TooDeep, Overtaken, Lost, TooLate, Gone, Dangling}

// Facts is what a decision needs beside the conversation and the command.
type Facts struct {
	Now       time.Time
	Target    *timeline.Event   // the message the command's event refers to; nil: it is not there (yet)
	Ours      []*timeline.Event // for a read or delivered mark: our messages on the leg that it may cover
	Overtaken bool              // see [OvertakenBy]
}

// Skew is how far the far side's clock may be ahead of ours before its times are not believed.
const Skew = 2 * time.Minute

// Decide says what a command comes to: the event itself with what follows from it, numbered,
// and what the first of them does to messages. The conversation already has the command's
// leg. It changes nothing.
//
// A message of an agent that was overtaken is not thrown away: it is recorded as cancelled
// with the class "overtaken", so that its author sees it and can send it again. The same
// message of a machine is refused.
func Decide(c *timeline.Conversation, cmd *timeline.Command, f Facts) ([]timeline.Event, []Change, error) {
	ev := stamp(c, cmd, f.Now)
	if err := Check(&ev); err != nil {
		return nil, nil, err
	}
	if IsErased(c) && outside(ev.Actor) {
		return nil, nil, &Refusal{Gone, "the person was erased"}
	}
	if ev.Depth > timeline.MaxDepth {
		return nil, nil, &Refusal{TooDeep, fmt.Sprintf("%d automatic causes", ev.Depth)}
	}
	if cmd.IfAssignee != nil && *cmd.IfAssignee != c.Assignee {
		return nil, nil, &Refusal{Lost, "assigned to somebody else"}
	}
	if f.Overtaken && ev.Actor.Automated() {
		return nil, nil, &Refusal{Overtaken, "somebody spoke meanwhile"}
	}
	changes, err := decideKind(c, &ev, f)
	if err != nil {
		return nil, nil, err
	}
	events := append([]timeline.Event{ev}, Consequences(c, &ev)...)
	for i := range events {
		events[i].Seq = c.Seq + int64(i) + 1
	}
	return events, changes, nil
}

// stamp fills in what the writer knows of a command's event.
func stamp(c *timeline.Conversation, cmd *timeline.Command, now time.Time) timeline.Event {
	ev := cmd.Event
	ev.ID, ev.Conversation = cmd.ID, c.ID
	if ev.Received.IsZero() {
		ev.Received = now
	}
	ev.Received = timeline.Moment(ev.Received)
	if ev.At.IsZero() || ev.At.After(ev.Received.Add(Skew)) {
		ev.At = ev.Received
	}
	ev.At = timeline.Moment(ev.At)
	if ev.Leg == "" && ev.Thread.ID != "" {
		ev.Leg = ev.Thread.Leg()
	}
	if ev.Kind == timeline.KindNote {
		ev.Direction, ev.Leg = timeline.Internal, ""
	}
	if ev.Direction == "" {
		ev.Direction = timeline.Internal
	}
	if leg, ok := LegOf(c, ev.Leg); ok && ev.Thread.ID == "" {
		ev.Thread = leg.Thread
	}
	return ev
}

// Check refuses an event without the payload its kind names.
func Check(ev *timeline.Event) error {
	has := map[timeline.Kind]bool{
		timeline.KindMessage: ev.Message != nil, timeline.KindNote: ev.Message != nil, timeline.KindEdit: ev.Edit != nil,
		timeline.KindUnsend: ev.Unsend != nil, timeline.KindReaction: ev.Reaction != nil, timeline.KindReceipt: ev.Receipt != nil,
		timeline.KindPostback: ev.Postback != nil, timeline.KindReferral: ev.Referral != nil, timeline.KindStatus: ev.Status != nil,
		timeline.KindAssignment: ev.Assignment != nil, timeline.KindLabels: ev.Labels != nil, timeline.KindSubject: ev.Subject != nil,
		timeline.KindModeration: ev.Moderation != nil, timeline.KindMedia: ev.Media != nil,
		timeline.KindControl: ev.Control != nil, timeline.KindMerge: ev.Merge != nil, timeline.KindUnknown: ev.Unknown != nil,
	}
	switch ok, known := has[ev.Kind]; {
	case ev.ID == "":
		return &Refusal{Invalid, "no id"}
	case !known:
		return &Refusal{Invalid, "unknown kind " + string(ev.Kind)}
	case !ok:
		return &Refusal{Invalid, "no payload for kind " + string(ev.Kind)}
	}
	return nil
}

func decideKind(c *timeline.Conversation, ev *timeline.Event, f Facts) ([]Change, error) {
	switch ev.Kind {
	case timeline.KindMessage, timeline.KindPostback, timeline.KindUnknown:
		decideMessage(c, ev, f)
		return nil, nil
	case timeline.KindEdit, timeline.KindUnsend, timeline.KindReaction:
		return decideChange(ev, f)
	case timeline.KindReceipt:
		return decideReceipt(c, ev, f)
	case timeline.KindModeration:
		return decideModeration(c, ev, f)
	case timeline.KindMedia:
		return decideMedia(ev, f)
	case timeline.KindStatus:
		return nil, decideStatus(c, ev)
	case timeline.KindAssignment:
		return nil, decideAssignment(c, ev)
	case timeline.KindLabels:
		was := *c
		applyLabels(&was, ev.Labels)
		if slices.Equal(was.Labels, c.Labels) && was.Priority == c.Priority {
			return nil, &Refusal{Nothing, "labels are so already"}
		}
	case timeline.KindSubject:
		if c.Subject == ev.Subject.Text {
			return nil, &Refusal{Nothing, "the subject is so already"}
		}
	case timeline.KindMerge:
		decideMerge(c, ev)
	}
	return nil, nil
}

func decideMessage(c *timeline.Conversation, ev *timeline.Event, f Facts) {
	ev.Late = c.Last != nil && ev.At.Before(c.Last.At) && ev.Direction != timeline.Internal
	if ev.Message == nil {
		return
	}
	m := *ev.Message
	ev.Message = &m
	if f.Target != nil && m.ReplyTo != nil {
		of := *m.ReplyTo
		bind(&of, f.Target)
		m.ReplyTo = &of
	}
	if ev.Direction != timeline.Out || ev.Actor.Kind == timeline.ActorExternal || ev.Actor.Kind == timeline.ActorCustomer {
		return
	}
	d := timeline.Delivery{State: timeline.Queued, At: ev.Received, Attempt: 1}
	switch leg, ok := LegOf(c, ev.Leg); {
	case f.Overtaken:
		d.State = timeline.Cancelled
		d.Failure = &timeline.Failure{Class: string(Overtaken),
			Advice: "Somebody else answered while you wrote. Read what they said and send yours again if it still helps."}
	case !ok:
		d.State = timeline.Failed
		d.Failure = &timeline.Failure{Class: "unreachable", Advice: "This conversation has no such way to reach the person. Choose another one."}
	case leg.Closed != "":
		d.State = timeline.Failed
		d.Failure = &timeline.Failure{Class: "unreachable", Code: leg.Closed, Advice: closedAdvice(leg.Closed)}
	}
	m.Delivery = &d
}

// closedAdvice says what to do where a leg cannot be written to.
func closedAdvice(why string) string {
	if why == ClosedStandby {
		return "Another app answers in this thread at present. Take the thread over there, or choose another way."
	}
	return "The person can no longer be written to here. Choose another way."
}

// bind completes a reference by what is known of its target.
func bind(of *timeline.Ref, target *timeline.Event) {
	of.Event = target.ID
	if of.Remote == "" {
		of.Remote = target.Remote
	}
}

// RefOf is the message an event refers to; nil where its kind refers to none.
func RefOf(ev *timeline.Event) *timeline.Ref {
	switch {
	case ev.Edit != nil:
		return &ev.Edit.Of
	case ev.Unsend != nil:
		return &ev.Unsend.Of
	case ev.Reaction != nil:
		return &ev.Reaction.Of
	case ev.Receipt != nil:
		return &ev.Receipt.Of
	case ev.Moderation != nil:
		return &ev.Moderation.Of
	case ev.Media != nil:
		return &ev.Media.Of
	case ev.Postback != nil:
		return ev.Postback.Of
	case ev.Message != nil:
		return ev.Message.ReplyTo
	}
	return nil
}

// bindTo replaces the event's payload by a copy that names the target.
func bindTo(ev *timeline.Event, target *timeline.Event) {
	switch {
	case ev.Edit != nil:
		e := *ev.Edit
		bind(&e.Of, target)
		ev.Edit = &e
	case ev.Unsend != nil:
		u := *ev.Unsend
		bind(&u.Of, target)
		ev.Unsend = &u
	case ev.Reaction != nil:
		r := *ev.Reaction
		bind(&r.Of, target)
		ev.Reaction = &r
	case ev.Receipt != nil && ev.Receipt.UpTo == nil:
		r := *ev.Receipt
		bind(&r.Of, target)
		ev.Receipt = &r
	case ev.Moderation != nil:
		m := *ev.Moderation
		bind(&m.Of, target)
		ev.Moderation = &m
	case ev.Media != nil:
		m := *ev.Media
		bind(&m.Of, target)
		ev.Media = &m
	}
	if ev.Leg == "" {
		ev.Leg, ev.Thread = target.Leg, target.Thread
	}
}

func decideChange(ev *timeline.Event, f Facts) ([]Change, error) {
	if f.Target == nil {
		return nil, nil // it waits for its message
	}
	if f.Target.Message == nil {
		return nil, &Refusal{Invalid, "what it refers to is no message"}
	}
	bindTo(ev, f.Target)
	changes := Effects(ev, f)
	if len(changes) == 0 {
		return nil, &Refusal{Nothing, "the message is so already"}
	}
	return changes, nil
}

// Effects says what an event that refers to messages does to them. Messages that it does not
// change are left out.
func Effects(ev *timeline.Event, f Facts) []Change {
	var out []Change
	add := func(target *timeline.Event) {
		now := *target
		if Fold(&now, ev) {
			out = append(out, Change{Before: target, After: &now})
		}
	}
	for _, m := range f.Ours {
		if f.Target == nil || m.ID != f.Target.ID {
			add(m)
		}
	}
	if f.Target != nil && RefOf(ev) != nil && ev.Message == nil {
		add(f.Target)
	}
	return out
}

func decideReceipt(c *timeline.Conversation, ev *timeline.Event, f Facts) ([]Change, error) {
	r := ev.Receipt
	if rank[r.State] == 0 {
		return nil, &Refusal{Invalid, "unknown delivery state"}
	}
	if f.Target == nil && r.UpTo == nil {
		return nil, &Refusal{Dangling, "a receipt for a message that is not there"}
	}
	if f.Target != nil {
		if f.Target.Direction != timeline.Out || f.Target.Message == nil {
			return nil, &Refusal{Invalid, "a receipt for what is no message of ours"}
		}
		bindTo(ev, f.Target)
		if err := decideAttempt(ev, f.Target); err != nil {
			return nil, err
		}
	}
	changes := Effects(ev, f)
	if len(changes) > 0 {
		return changes, nil
	}
	after := *c
	applySeen(&after, ev, nil)
	if was, ok := LegOf(c, ev.Leg); ok && r.UpTo != nil {
		if is, _ := LegOf(&after, ev.Leg); is.Seen != was.Seen {
			return nil, nil
		}
	}
	return nil, &Refusal{Nothing, "the message is so already"}
}

// decideAttempt checks what people ask of a message's delivery: undo it, or send it again.
func decideAttempt(ev, target *timeline.Event) error {
	if ev.Actor.Kind != timeline.ActorAgent || target.Message.Delivery == nil {
		return nil
	}
	is := target.Message.Delivery
	switch ev.Receipt.State {
	case timeline.Cancelled:
		if is.State != timeline.Queued {
			return &Refusal{TooLate, "the message is no longer waiting"}
		}
	case timeline.Queued:
		if is.State != timeline.Failed && is.State != timeline.Unsure && is.State != timeline.Cancelled {
			return &Refusal{TooLate, "the message has not failed"}
		}
		if ev.Receipt.Attempt == 0 {
			ev.Receipt.Attempt = is.Attempt + 1
		}
		if ev.Receipt.Attempt <= is.Attempt {
			return &Refusal{Nothing, "that attempt was made already"}
		}
	}
	return nil
}

func decideStatus(c *timeline.Conversation, ev *timeline.Event) error {
	s := *ev.Status
	switch {
	case !slices.Contains(timeline.States, s.To):
		return &Refusal{Invalid, "unknown state"}
	case s.Why == WhySnoozeOver && (c.State != timeline.Snoozed || !sameTime(c.SnoozeUntil, s.Until)):
		return &Refusal{TooLate, "the snooze was changed"}
	case s.To == c.State && (s.To != timeline.Snoozed || sameTime(c.SnoozeUntil, s.Until)):
		return &Refusal{Nothing, "it stands so already"}
	}
	s.From = c.State
	if s.To != timeline.Snoozed {
		s.Until = nil
	} else if s.Until != nil {
		at := timeline.Moment(*s.Until)
		s.Until = &at
	}
	ev.Status = &s
	return nil
}

func sameTime(a, b *time.Time) bool {
	return (a == nil && b == nil) || (a != nil && b != nil && a.Equal(*b))
}

func decideAssignment(c *timeline.Conversation, ev *timeline.Event) error {
	a := *ev.Assignment
	if (a.Agent == nil || *a.Agent == c.Assignee) && (a.Team == nil || *a.Team == c.Team) {
		return &Refusal{Nothing, "it is assigned so already"}
	}
	a.Was = c.Assignee
	ev.Assignment = &a
	return nil
}

// decideMerge notes whose the conversation was, and keeps of the legs offered those it does
// not have, so that undoing takes away exactly these.
func decideMerge(c *timeline.Conversation, ev *timeline.Event) {
	m := *ev.Merge
	if !m.Undone {
		m.Back = c.Person == m.From
		m.Legs = slices.DeleteFunc(slices.Clone(m.Legs), func(l timeline.Leg) bool { return legIndex(c, l.ID) >= 0 })
	}
	ev.Merge = &m
}

// Why a status changed.
const (
	WhyAgent         = "agent"
	WhyCustomerWrote = "customer_wrote"
	WhySnoozeOver    = "snooze_over"
	WhyMerged        = "merged"
	WhyUnmerged      = "unmerged"
)

// Consequences are the events that an event brings with it, given the conversation before
// it: what the person writes opens a conversation that was snoozed or resolved. Their ids
// derive from the event's. Seq is left to the caller.
func Consequences(before *timeline.Conversation, ev *timeline.Event) []timeline.Event {
	if before.State == timeline.Open || !Speaks(ev) {
		return nil
	}
	return []timeline.Event{{ID: ev.ID + "/status", Kind: timeline.KindStatus, Conversation: ev.Conversation,
		Direction: timeline.Internal, Actor: timeline.Actor{Kind: timeline.ActorSystem}, At: ev.Received, Received: ev.Received,
		Depth: ev.Depth, Status: &timeline.Status{From: before.State, To: timeline.Open, Why: WhyCustomerWrote}}}
}

// Guarded reports whether a command's guard needs a look at what was said since. See [OvertakenBy].
func Guarded(c *timeline.Conversation, cmd *timeline.Command) bool {
	return cmd.BaseSeq > 0 && cmd.Event.Kind == timeline.KindMessage &&
		(c.LastOutSeq > cmd.BaseSeq || (cmd.Event.Actor.Automated() && c.LastInSeq > cmd.BaseSeq))
}

// OvertakenBy reports whether what was said after the command's BaseSeq stands against it:
// an answer by another of us, or, for a machine, anything the person said.
func OvertakenBy(cmd *timeline.Command, since []*timeline.Event) bool {
	for _, ev := range since {
		if ev.Seq <= cmd.BaseSeq || isCancelled(ev) {
			continue
		}
		ours := ev.Kind == timeline.KindMessage && ev.Direction == timeline.Out && answers(ev.Actor)
		if ours && !sameActor(ev.Actor, cmd.Event.Actor) {
			return true
		}
		if cmd.Event.Actor.Automated() && (Speaks(ev) || ours) {
			return true
		}
	}
	return false
}
