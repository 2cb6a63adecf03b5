package inbox

import (
	"maps"
	"slices"
	"time"

	"github.com/parley-hub/parley/timeline"
)

// Change is what an event did to one message: the message before and after. For a message
// that is itself new, Before is nil.
type Change struct{ Before, After *timeline.Event }

// Begin makes the conversation that a command creates.
func Begin(id timeline.ConversationID, by timeline.Create, at time.Time) timeline.Conversation {
	return timeline.Conversation{ID: id, Number: by.Number, Person: by.Person, Name: by.Name, Queue: by.Queue,
		State: timeline.Open, Legs: []timeline.Leg{}, LastAt: at, CreatedAt: at}
}

// Attach adds a leg, or takes over what is newly known of one: its peer, display, identity,
// place and what it is about. It reports whether that changed anything. What was observed of a leg (windows, marks) stays.
func Attach(c *timeline.Conversation, leg timeline.Leg) bool {
	i := legIndex(c, leg.ID)
	if i < 0 {
		c.Legs = append(slices.Clone(c.Legs), leg)
		return true
	}
	now := c.Legs[i]
	if leg.Identity != "" {
		now.Identity = leg.Identity
	}
	if leg.Peer != "" {
		now.Peer = leg.Peer
	}
	if leg.Display != "" {
		now.Display = leg.Display
	}
	if leg.Channel != "" {
		now.Channel = leg.Channel
	}
	if leg.Place != "" {
		now.Place = leg.Place
	}
	if leg.About != "" {
		now.About = leg.About
	}
	if SameAddress(now, c.Legs[i]) {
		return false
	}
	setLeg(c, i, now)
	return true
}

// SameAddress reports whether two legs say the same of where they lead; their marks and windows aside.
func SameAddress(a, b timeline.Leg) bool {
	return a.Identity == b.Identity && a.Peer == b.Peer && a.Display == b.Display && a.Channel == b.Channel &&
		a.Place == b.Place && a.About == b.About
}

// Offer attaches a leg that an event offers, and enters into its ledger the windows that the
// event opened there. A leg that is there keeps what was observed of it.
func Offer(c *timeline.Conversation, leg timeline.Leg, at time.Time) {
	opened := leg.Opened
	leg.Opened = nil
	Attach(c, leg)
	for name, w := range opened {
		Opened(c, leg.ID, []string{name}, at, w.By)
	}
}

// Opened enters into a leg's ledger that the person opened these windows, by what the far
// side calls by. Older openings change nothing.
func Opened(c *timeline.Conversation, id timeline.LegID, opens []string, at time.Time, by timeline.RemoteID) {
	i := legIndex(c, id)
	if i < 0 || len(opens) == 0 {
		return
	}
	leg := c.Legs[i]
	ledger := maps.Clone(leg.Opened)
	if ledger == nil {
		ledger = make(map[string]timeline.Window, len(opens))
	}
	for _, name := range opens {
		if w, seen := ledger[name]; !seen || at.After(w.At) {
			ledger[name] = timeline.Window{At: at, By: by}
		}
	}
	leg.Opened = ledger
	setLeg(c, i, leg)
}

// LegOf finds a conversation's leg.
func LegOf(c *timeline.Conversation, id timeline.LegID) (timeline.Leg, bool) {
	if i := legIndex(c, id); i >= 0 {
		return c.Legs[i], true
	}
	return timeline.Leg{}, false
}

func legIndex(c *timeline.Conversation, id timeline.LegID) int {
	return slices.IndexFunc(c.Legs, func(l timeline.Leg) bool { return l.ID == id })
}

// setLeg replaces a leg in a copy of the slice: snapshots keep the old one.
func setLeg(c *timeline.Conversation, i int, leg timeline.Leg) {
	c.Legs = slices.Clone(c.Legs)
	c.Legs[i] = leg
}

// Apply takes the next event into the conversation. Events come in the order of seq; changes
// are what the event did to messages, see [Effects].
func Apply(c *timeline.Conversation, ev *timeline.Event, changes ...Change) {
	c.Seq = ev.Seq
	switch ev.Kind {
	case timeline.KindMessage, timeline.KindPostback, timeline.KindUnknown:
		applyMessage(c, ev)
	case timeline.KindEdit, timeline.KindUnsend, timeline.KindReaction, timeline.KindReceipt, timeline.KindModeration, timeline.KindMedia:
		for _, ch := range changes {
			applyChange(c, ch)
		}
		applySeen(c, ev, changes)
	case timeline.KindStatus:
		applyStatus(c, ev)
	case timeline.KindAssignment:
		applyAssignment(c, ev.Assignment)
	case timeline.KindLabels:
		applyLabels(c, ev.Labels)
	case timeline.KindSubject:
		c.Subject = ev.Subject.Text
	case timeline.KindControl:
		applyControl(c, ev)
	case timeline.KindMerge:
		applyMerge(c, ev.Merge)
	}
}

func applyMessage(c *timeline.Conversation, ev *timeline.Event) {
	c.Attached = c.Attached || carries(ev)
	switch ev.Direction {
	case timeline.In:
		c.InCount++
		c.LastInSeq = ev.Seq
		if c.Opening == "" {
			c.Opening = opening(ev)
		}
		if i := legIndex(c, ev.Leg); i >= 0 && (c.Legs[i].LastIn == nil || ev.At.After(*c.Legs[i].LastIn)) {
			leg, at := c.Legs[i], ev.At
			leg.LastIn = &at
			setLeg(c, i, leg)
		}
		if Speaks(ev) && c.WaitingSince == nil {
			at := ev.At
			c.WaitingSince = &at
		}
	case timeline.Out:
		if isCancelled(ev) {
			break
		}
		if answers(ev.Actor) {
			c.LastOutSeq = ev.Seq
			if arrived(ev) {
				c.WaitingSince = nil
			}
		}
		use(c, ev.Leg, 1)
		if Undelivered(ev) {
			c.Undelivered++
		}
	default:
		return
	}
	if c.Last == nil || !ev.At.Before(c.Last.At) {
		c.Last = preview(ev)
		c.LastAt = ev.At
	}
}

// carries reports whether an event brings a file that people would call an attachment.
func carries(ev *timeline.Event) bool {
	return ev.Message != nil && slices.ContainsFunc(ev.Message.Parts, func(p timeline.Part) bool {
		switch p.Kind {
		case timeline.PartImage, timeline.PartVideo, timeline.PartAudio, timeline.PartFile:
			return p.Inline == ""
		}
		return false
	})
}

// Speaks reports whether the person themselves said something that wants an answer, as
// opposed to their program's out-of-office note.
func Speaks(ev *timeline.Event) bool {
	if ev.Direction != timeline.In || ev.Actor.Automated() {
		return false
	}
	switch ev.Kind {
	case timeline.KindMessage:
		return ev.Message != nil && !ev.Message.Automated
	case timeline.KindPostback, timeline.KindUnknown:
		return true
	}
	return false
}

// answers reports whether a message by this actor answers the person. An automatic
// confirmation does not.
func answers(a timeline.Actor) bool {
	return a.Kind == timeline.ActorAgent || a.Kind == timeline.ActorExternal || a.Kind == timeline.ActorAssistant
}

func isCancelled(ev *timeline.Event) bool {
	return ev.Message != nil && ev.Message.Delivery != nil && ev.Message.Delivery.State == timeline.Cancelled
}

// use counts messages of ours against the leg's windows: 1 more, or 1 less when it never left.
func use(c *timeline.Conversation, id timeline.LegID, n int) {
	i := legIndex(c, id)
	if i < 0 || len(c.Legs[i].Opened) == 0 {
		return
	}
	leg := c.Legs[i]
	ledger := make(map[string]timeline.Window, len(leg.Opened))
	for name, w := range leg.Opened {
		w.Used = max(0, w.Used+n)
		ledger[name] = w
	}
	leg.Opened = ledger
	setLeg(c, i, leg)
}

func applyChange(c *timeline.Conversation, ch Change) {
	if ch.After == nil {
		return
	}
	was, is := Undelivered(ch.Before), Undelivered(ch.After)
	if is && !was {
		c.Undelivered++
	}
	if was && !is && c.Undelivered > 0 {
		c.Undelivered--
	}
	if ch.After.Direction == timeline.Out && answers(ch.After.Actor) && arrived(ch.After) && !arrived(ch.Before) {
		answered(c, ch.After)
	}
	if isCancelled(ch.After) && ch.Before != nil && !isCancelled(ch.Before) {
		use(c, ch.After.Leg, -1)
	}
	if was := opening(ch.Before); was != "" && was == c.Opening {
		c.Opening = opening(ch.After) // edited, or taken back: its words are gone here too
	}
	if c.Last != nil && c.Last.Event == ch.After.ID {
		c.Last = preview(ch.After)
	}
}

// answered ends the wait for what was written before a message of ours. What came after it
// waits on, at least since it was written.
func answered(c *timeline.Conversation, by *timeline.Event) {
	if c.WaitingSince == nil {
		return
	}
	if c.LastInSeq < by.Seq {
		c.WaitingSince = nil
	} else if c.WaitingSince.Before(by.At) {
		at := by.At
		c.WaitingSince = &at
	}
}

// applySeen moves a leg's mark of what the person has read.
func applySeen(c *timeline.Conversation, ev *timeline.Event, changes []Change) {
	if ev.Kind != timeline.KindReceipt || ev.Receipt.State != timeline.Read {
		return
	}
	i := legIndex(c, ev.Leg)
	if i < 0 {
		return
	}
	leg := c.Legs[i]
	if up := ev.Receipt.UpTo; up != nil && (leg.Seen == nil || up.After(*leg.Seen)) {
		at := *up
		leg.Seen = &at
	}
	for _, ch := range changes {
		if ch.After == nil || ch.After.Leg != ev.Leg {
			continue
		}
		leg.ReadSeq = max(leg.ReadSeq, ch.After.Seq)
		if leg.Seen == nil || ch.After.At.After(*leg.Seen) {
			at := ch.After.At
			leg.Seen = &at
		}
	}
	setLeg(c, i, leg)
}

func applyStatus(c *timeline.Conversation, ev *timeline.Event) {
	c.State, c.SnoozeUntil = ev.Status.To, nil
	switch ev.Status.To {
	case timeline.Snoozed:
		c.SnoozeUntil, c.ResolvedAt = ev.Status.Until, nil
	case timeline.Resolved:
		at := ev.Received
		c.ResolvedAt, c.WaitingSince = &at, nil
	case timeline.Open:
		c.ResolvedAt = nil
	}
}

func applyAssignment(c *timeline.Conversation, a *timeline.Assignment) {
	if a.Agent != nil {
		c.Assignee = *a.Agent
	}
	if a.Team != nil {
		c.Team = *a.Team
	}
}

func applyLabels(c *timeline.Conversation, l *timeline.Labels) {
	if len(l.Add)+len(l.Remove) > 0 {
		all := append(slices.Clone(c.Labels), l.Add...)
		all = slices.DeleteFunc(all, func(s string) bool { return s == "" || slices.Contains(l.Remove, s) })
		slices.Sort(all)
		c.Labels = slices.Compact(all)
		if len(c.Labels) == 0 {
			c.Labels = nil
		}
	}
	if l.Priority != nil {
		c.Priority = *l.Priority
	}
}

// Why a leg is closed, beside what the far side calls it.
const ClosedStandby = "standby" // another app holds the thread

// What the hub says of a person, as controls of its own.
const (
	ControlProfile = "profile" // the far side told their name or picture
	ControlErased  = "erased"  // all that was known of them is gone
)

func applyControl(c *timeline.Conversation, ev *timeline.Event) {
	if ev.Control.Name == ControlErased {
		applyErased(c, ev)
		return
	}
	if ev.Control.Name == ControlProfile {
		if a := ev.Control.Data["avatar"]; a != "" {
			c.Avatar = a
		}
		return
	}
	i := legIndex(c, ev.Leg)
	if i < 0 {
		return
	}
	leg := c.Legs[i]
	switch ev.Control.Name {
	case "opt_out", "revoked":
		leg.Closed = ev.Control.Name
	case ClosedStandby:
		if leg.Closed == "" {
			leg.Closed = ClosedStandby
		}
	case "owner":
		if leg.Closed == ClosedStandby {
			leg.Closed = ""
		}
	case "opt_in":
		if leg.Closed != ClosedStandby {
			leg.Closed = ""
		}
	default:
		return
	}
	setLeg(c, i, leg)
}

func applyMerge(c *timeline.Conversation, m *timeline.Merge) {
	gained := func(l timeline.Leg) bool {
		return slices.ContainsFunc(m.Legs, func(g timeline.Leg) bool { return g.ID == l.ID })
	}
	if m.Undone {
		if m.Back {
			c.Person = m.From
		}
		c.Legs = slices.DeleteFunc(slices.Clone(c.Legs), gained)
	} else {
		if c.Person == m.From {
			c.Person = m.Into
		}
		c.Legs = append(slices.DeleteFunc(slices.Clone(c.Legs), gained), m.Legs...)
	}
	if m.Name != "" {
		c.Name = m.Name
	}
}
