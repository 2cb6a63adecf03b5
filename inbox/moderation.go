package inbox

import (
	"slices"
	"strings"

	"github.com/parley-hub/parley/timeline"
)

// moderationRank orders how far a moderation got.
var moderationRank = map[string]int{timeline.ModerationAsked: 1, timeline.ModerationFailed: 2, timeline.ModerationDone: 3}

// foldModeration takes in that a moderation was asked for, or what became of one. All that
// were asked for are kept, so that what became of an earlier one never speaks for a later one,
// whichever is heard of first.
func foldModeration(m *timeline.Message, ev *timeline.Event) bool {
	changed := Erases(ev) && foldUnsend(m, ev)
	all := moderations(m.Moderated)
	id := asked(ev)
	i := slices.IndexFunc(all, func(x timeline.PastModeration) bool { return x.Asked == id })
	fresh := i < 0
	if fresh {
		all, i = append(all, timeline.PastModeration{Asked: id}), len(all)
	}
	was := all[i]
	if climbModeration(&all[i], ev); !fresh && sameModerated(was, all[i]) {
		return changed
	}
	slices.SortFunc(all, laterModerated)
	top := all[0]
	m.Moderated = &timeline.Moderated{Action: top.Action, State: top.State, Asked: top.Asked, By: top.By, At: top.At, Failure: top.Failure}
	if len(all) > 1 {
		m.Moderated.Earlier = all[1:]
	}
	return true
}

// asked is the event that asked for a moderation; one done in the channel's own app asked for itself.
func asked(ev *timeline.Event) timeline.EventID {
	if ev.Moderation.Asked != "" {
		return ev.Moderation.Asked
	}
	return ev.ID
}

// moderations lists what was asked for, each on its own.
func moderations(m *timeline.Moderated) []timeline.PastModeration {
	if m == nil {
		return nil
	}
	top := timeline.PastModeration{Action: m.Action, State: m.State, Asked: m.Asked, By: m.By, At: m.At, Failure: m.Failure}
	return append([]timeline.PastModeration{top}, m.Earlier...)
}

func climbModeration(now *timeline.PastModeration, ev *timeline.Event) {
	m := ev.Moderation
	if m.Action > now.Action { // the same for all events of one moderation
		now.Action = m.Action
	}
	if m.Asked == "" {
		now.By, now.At = ev.Actor, ev.At
	}
	switch {
	case moderationRank[m.State] > moderationRank[now.State]:
		now.State, now.Failure = m.State, m.Failure
	case m.State == now.State:
		now.Failure = worse(now.Failure, m.Failure)
	}
}

func sameModerated(a, b timeline.PastModeration) bool {
	return a.Action == b.Action && a.State == b.State && a.Asked == b.Asked && a.By == b.By && a.At.Equal(b.At) && a.Failure == b.Failure
}

// laterModerated puts the latest asked for first.
func laterModerated(a, b timeline.PastModeration) int {
	if c := b.At.Compare(a.At); c != 0 {
		return c
	}
	return strings.Compare(string(b.Asked), string(a.Asked))
}

// decideModeration checks what is asked to be done to a person's message, or takes in what
// became of it.
func decideModeration(c *timeline.Conversation, ev *timeline.Event, f Facts) ([]Change, error) {
	m := *ev.Moderation
	ev.Moderation = &m
	switch {
	case m.Action != timeline.ModerateHide && m.Action != timeline.ModerateUnhide && m.Action != timeline.ModerateDelete:
		return nil, &Refusal{Invalid, "unknown moderation"}
	case moderationRank[m.State] == 0:
		return nil, &Refusal{Invalid, "unknown state of a moderation"}
	case f.Target == nil && m.State == timeline.ModerationAsked:
		return nil, &Refusal{Invalid, "a moderation of a message that is not there"}
	case f.Target == nil:
		return nil, &Refusal{Dangling, "the outcome of moderating a message that is not there"}
	case f.Target.Message == nil || f.Target.Direction != timeline.In || f.Target.Leg == "":
		return nil, &Refusal{Invalid, "only what the person said can be moderated"}
	}
	if m.State == timeline.ModerationAsked {
		if err := askable(c, ev, f.Target); err != nil {
			return nil, err
		}
	}
	ev.Leg, ev.Thread = "", timeline.Thread{}
	bindTo(ev, f.Target)
	changes := Effects(ev, f)
	if len(changes) == 0 {
		return nil, &Refusal{Nothing, "it is moderated so already"}
	}
	return changes, nil
}

// askable refuses a moderation that no provider needs to be called for.
func askable(c *timeline.Conversation, ev, target *timeline.Event) error {
	if ev.Actor.Kind == timeline.ActorCustomer || ev.Actor.Kind == timeline.ActorExternal {
		return &Refusal{Invalid, "only one of us can moderate"}
	}
	if _, ok := LegOf(c, target.Leg); !ok {
		return &Refusal{Invalid, "its thread is not in this conversation"}
	}
	if target.Message.Unsent != nil {
		return &Refusal{TooLate, "the message is gone"}
	}
	is := target.Message.Moderated
	switch {
	case is != nil && is.Action == ev.Moderation.Action && is.State != timeline.ModerationFailed:
		return &Refusal{Nothing, "it is moderated so already"}
	case ev.Moderation.Action == timeline.ModerateUnhide && (is == nil || is.Action != timeline.ModerateHide):
		return &Refusal{Nothing, "it is not hidden"}
	}
	ev.Direction, ev.Moderation.Asked, ev.Moderation.Failure = timeline.Out, "", nil
	return nil
}
