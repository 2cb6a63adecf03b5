package instagram

import (
	"testing"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/channeltest"
	"github.com/parley-hub/parley/timeline"
)

var now = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// toMaya is a message of an agent within the standard window.
func toMaya(text string) timeline.Outbound {
	return timeline.Outbound{ID: "m1", Conversation: "c1", Channel: Kind, Thread: timeline.Thread{Account: channeltest.Account, ID: maya}, To: maya, Attempt: 1,
		Actor: timeline.Actor{Kind: timeline.ActorAgent, ID: "g1"}, Message: &timeline.Message{Text: text}, At: now,
		Opened: map[string]timeline.Window{openMessage: {At: now.Add(-time.Hour), By: "m0"}}}
}

// planned plans as the hub does, with the tag of the window rule that allows it.
func planned(t testing.TB, s channels.Session, o timeline.Outbound) []channels.Step {
	t.Helper()
	steps, err := s.(channels.Planner).Plan(o)
	if err != nil {
		t.Fatal(err)
	}
	rule, _, _ := Channel.On(o.Place).Allowed(o.Opened, o.Actor.Kind, o.At)
	for i := range steps {
		steps[i].Key, steps[i].N, steps[i].Outbound, steps[i].Tag = channels.StepKey(o.ID, i), i, o, rule.Tag
	}
	return steps
}
