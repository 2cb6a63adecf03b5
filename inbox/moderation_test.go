package inbox

import (
	"errors"
	"slices"
	"testing"

	"github.com/parley-hub/parley/timeline"
)

func TestModerationsThatAreRefused(t *testing.T) {
	hidden := comment()
	hidden.Message.Moderated = &timeline.Moderated{Action: timeline.ModerateHide, State: timeline.ModerationDone, Asked: "h"}
	gone := comment()
	u := unsend(3)
	Fold(&gone, &u)
	mine := ours()
	mine.Leg = "a|comment:1"
	theirs := comment()
	elsewhere := comment()
	elsewhere.Leg = "a|other"
	agent, customer := timeline.Actor{Kind: timeline.ActorAgent, ID: "ana"}, timeline.Actor{Kind: timeline.ActorCustomer, ID: "p"}
	cases := []struct {
		name          string
		target        *timeline.Event
		by            timeline.Actor
		action, state string
		want          Code // empty: it is taken
	}{
		{"a message that is not there", nil, agent, "hide", "asked", Invalid},
		{"an outcome of a message that is not there yet", nil, agent, "hide", "done", Dangling},
		{"a message of ours", &mine, agent, "hide", "asked", Invalid},
		{"asked for by the person", &theirs, customer, "hide", "asked", Invalid},
		{"no such action", &theirs, agent, "praise", "asked", Invalid},
		{"no such state", &theirs, agent, "hide", "perhaps", Invalid},
		{"on a leg the conversation does not have", &elsewhere, agent, "hide", "asked", Invalid},
		{"hidden already", &hidden, agent, "hide", "asked", Nothing},
		{"unhidden although it is not hidden", &theirs, agent, "unhide", "asked", Nothing},
		{"gone already", &gone, agent, "delete", "asked", TooLate},
		{"hide", &theirs, agent, "hide", "asked", ""},
		{"unhide", &hidden, agent, "unhide", "asked", ""},
		{"hidden in the channel's own app", &theirs, timeline.Actor{Kind: timeline.ActorExternal}, "hide", "done", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			conv := talk()
			conv.Legs = append(conv.Legs, timeline.Leg{ID: "a|comment:1", Thread: timeline.Thread{Account: "a", ID: "comment:1"}})
			cmd := command("x", timeline.KindModeration, func(ev *timeline.Event) {
				ev.Actor, ev.Moderation = c.by, &timeline.Moderation{Of: timeline.Ref{Event: "m"}, Action: c.action, State: c.state}
			})
			events, changes, err := Decide(&conv, &cmd, Facts{Now: at(10), Target: c.target})
			var no *Refusal
			switch {
			case c.want != "" && (!errors.As(err, &no) || no.Code != c.want):
				t.Errorf("refused with %v, want %s", err, c.want)
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want == "" && (len(changes) != 1 || changes[0].After.Message.Moderated.Action != c.action || events[0].Leg != "a|comment:1"):
				t.Errorf("events %+v, changes %+v", events, changes)
			}
		})
	}
}

func TestMediaOfAnUnsentMessageIsSpare(t *testing.T) {
	m := comment()
	u, ev := unsend(3), media(kept(1, "g"), kept(0, "other"))
	before := m
	Fold(&before, &ev)
	if before.Message.Parts[1].File != "g" || before.Message.Parts[1].Remote != "r1" || before.Message.Parts[1].Kind != timeline.PartImage || before.Message.Parts[0].File != "f" {
		t.Errorf("parts %+v", before.Message.Parts)
	}
	if got := Spare(before.Message, &ev); !slices.Equal(got, []timeline.FileID{"other"}) {
		t.Errorf("spare %v: what a kept part refuses belongs to nothing", got)
	}
	Fold(&m, &u)
	conv := talk()
	cmd := command("x", timeline.KindMedia, func(e *timeline.Event) { e.Media = ev.Media })
	var no *Refusal
	if _, _, err := Decide(&conv, &cmd, Facts{Now: at(10), Target: &m}); !errors.As(err, &no) || no.Code != TooLate {
		t.Errorf("taken: %v", err)
	}
	if got := Spare(m.Message, &ev); !slices.Equal(got, []timeline.FileID{"g", "other"}) {
		t.Errorf("spare %v", got)
	}
}

func TestAnotherAppHoldsTheThread(t *testing.T) {
	cases := []struct {
		name     string
		controls []string
		want     string
	}{
		{"standby", []string{"standby"}, ClosedStandby},
		{"standby and back", []string{"standby", "owner"}, ""},
		{"standby hides no opt_out", []string{"opt_out", "standby", "owner"}, "opt_out"},
		{"opt_in takes no thread from another app", []string{"standby", "opt_in"}, ClosedStandby},
		{"opt_out while another app holds it", []string{"standby", "opt_out", "owner"}, "opt_out"},
		{"opt_out and in", []string{"opt_out", "opt_in"}, ""},
		{"revoked", []string{"revoked"}, "revoked"},
		{"something else", []string{"test"}, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			conv := talk()
			for i, name := range c.controls {
				ev := timeline.Event{Kind: timeline.KindControl, Seq: int64(i + 1), Leg: conv.Legs[0].ID, Control: &timeline.Control{Name: name}}
				Apply(&conv, &ev)
			}
			if conv.Legs[0].Closed != c.want {
				t.Errorf("closed by %q, want %q", conv.Legs[0].Closed, c.want)
			}
		})
	}
}

func TestANameTypedByUsStays(t *testing.T) {
	p := timeline.Person{Name: "Visitor at the desk", Named: true, Profile: timeline.Profile{Name: "maya.hikes"}}
	Introduce(&p, timeline.Identity{Scheme: "igsid", Value: "1"}, &timeline.Profile{Name: "Maya Hikes", Avatar: "f1"})
	if p.Name != "Visitor at the desk" || p.Profile.Name != "Maya Hikes" || p.Profile.Avatar != "f1" {
		t.Errorf("%+v", p)
	}
}
