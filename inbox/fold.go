package inbox

import (
	"github.com/parley-hub/parley/timeline"
)

// Fold takes an edit, unsend, reaction, receipt, moderation or fetched media into the message
// it refers to and reports whether that changed anything. Any order of the same events gives the same message, and an
// event twice is an event once:
//
//   - the edit with the highest revision counts; equal revisions fall back to time, then text;
//   - an unsend erases the content for good, whatever comes before or after it;
//   - a person has one reaction, the latest; a removed one stays behind as an entry without
//     emoji, so that a late repeat does not bring it back;
//   - receipts climb a ladder within an attempt, and attempts count up; see [Climb];
//   - of moderations the latest asked for counts, as far as it got; a done delete erases as an
//     unsend does;
//   - a fetched part fills its place unless that is kept already; a reason why it is missing
//     gives way to the part.
//
// The message is copied before it is changed.
func Fold(target, ev *timeline.Event) bool {
	if target == nil || target.Message == nil {
		return false
	}
	m := *target.Message
	changed := false
	switch {
	case ev.Kind == timeline.KindEdit && ev.Edit != nil:
		changed = foldEdit(&m, ev)
	case ev.Kind == timeline.KindUnsend && ev.Unsend != nil:
		changed = foldUnsend(&m, ev)
	case ev.Kind == timeline.KindReaction && ev.Reaction != nil:
		changed = foldReaction(&m, ev)
	case ev.Kind == timeline.KindReceipt && ev.Receipt != nil:
		return foldReceipt(target, &m, ev)
	case ev.Kind == timeline.KindModeration && ev.Moderation != nil:
		changed = foldModeration(&m, ev)
	case ev.Kind == timeline.KindMedia && ev.Media != nil:
		changed = foldMedia(&m, ev)
	}
	if changed {
		target.Message = &m
	}
	return changed
}

func foldEdit(m *timeline.Message, ev *timeline.Event) bool {
	now := timeline.EditState{Rev: ev.Edit.Rev, At: ev.At}
	if m.Unsent != nil || (m.Edited != nil && !later(now, ev.Edit.Text, *m.Edited, m.Text)) {
		return false
	}
	m.Text, m.HTML, m.Edited = ev.Edit.Text, ev.Edit.HTML, &now
	return true
}

// later orders edits: by revision, then time, then text, so that there is always one winner.
func later(a timeline.EditState, aText string, b timeline.EditState, bText string) bool {
	switch {
	case a.Rev != b.Rev:
		return a.Rev > b.Rev
	case !a.At.Equal(b.At):
		return a.At.After(b.At)
	}
	return aText > bText
}

func foldUnsend(m *timeline.Message, ev *timeline.Event) bool {
	if m.Unsent != nil && !ev.At.Before(*m.Unsent) {
		return false
	}
	at := ev.At
	*m = timeline.Message{ReplyTo: m.ReplyTo, Automated: m.Automated, Delivery: m.Delivery, SendAt: m.SendAt, Unsent: &at, Moderated: m.Moderated}
	return true
}

func foldReaction(m *timeline.Message, ev *timeline.Event) bool {
	if m.Unsent != nil {
		return false
	}
	now := timeline.ReactionBy{By: ev.Actor, Emoji: ev.Reaction.Emoji, At: ev.At}
	if ev.Reaction.Removed {
		now.Emoji = ""
	}
	all := make([]timeline.ReactionBy, 0, len(m.Reactions)+1)
	for i, was := range m.Reactions {
		if !sameActor(was.By, now.By) {
			continue
		}
		if now.At.Before(was.At) || (now.At.Equal(was.At) && now.Emoji <= was.Emoji) {
			return false
		}
		all = append(append(all, m.Reactions[:i]...), m.Reactions[i+1:]...)
		m.Reactions = insertReaction(all, now)
		return true
	}
	m.Reactions = insertReaction(append(all, m.Reactions...), now)
	return true
}

// insertReaction keeps reactions by time and actor, so that the order they came in leaves no trace.
func insertReaction(all []timeline.ReactionBy, r timeline.ReactionBy) []timeline.ReactionBy {
	all = append(all, r)
	for i := len(all) - 1; i > 0 && reactionLess(all[i], all[i-1]); i-- {
		all[i], all[i-1] = all[i-1], all[i]
	}
	return all
}

func reactionLess(a, b timeline.ReactionBy) bool {
	if !a.At.Equal(b.At) {
		return a.At.Before(b.At)
	}
	if a.By.Kind != b.By.Kind {
		return a.By.Kind < b.By.Kind
	}
	return a.By.ID < b.By.ID
}

func sameActor(a, b timeline.Actor) bool { return a.Kind == b.Kind && a.ID == b.ID }

func foldReceipt(target *timeline.Event, m *timeline.Message, ev *timeline.Event) bool {
	if target.Direction != timeline.Out {
		return false // only ours are delivered
	}
	var was timeline.Delivery
	if m.Delivery != nil {
		was = *m.Delivery
	}
	if target.Remote != "" && len(was.Remotes) == 0 {
		was.Remotes = []timeline.RemoteID{target.Remote}
	}
	now, changed := Climb(was, *ev.Receipt, ev.At)
	if !changed {
		return false
	}
	m.Delivery = &now
	target.Message = m
	if len(now.Remotes) > 0 {
		target.Remote = now.Remotes[0]
	}
	return true
}

// Erases reports whether an event takes a message's content away for good.
func Erases(ev *timeline.Event) bool {
	if ev.Kind == timeline.KindUnsend {
		return true
	}
	m := ev.Moderation
	return m != nil && m.Action == timeline.ModerateDelete && m.State == timeline.ModerationDone
}

// Erase takes the words out of an edit whose message was unsent. It reports whether there were any.
func Erase(ev *timeline.Event) bool {
	if ev.Edit == nil || (ev.Edit.Text == "" && ev.Edit.HTML == "") {
		return false
	}
	e := *ev.Edit
	e.Text, e.HTML = "", ""
	ev.Edit = &e
	return true
}
