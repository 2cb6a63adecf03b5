package gateway

import (
	"context"
	"testing"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

// action makes an outbound that is no message.
func (w *world) action(id string, set func(*timeline.Outbound)) timeline.Outbound {
	o := w.message(id, "")
	o.Message = nil
	set(&o)
	return o
}

func TestModerationEndsAsAnEvent(t *testing.T) {
	for name, c := range map[string]struct {
		result channels.Result
		state  string
		advice string
	}{
		"done":         {channels.Result{Outcome: channels.Accepted}, timeline.ModerationDone, ""},
		"refused":      {rejected(channels.Permanent), timeline.ModerationFailed, "do this"},
		"nobody_knows": {channels.Result{Outcome: channels.Unsure}, timeline.ModerationFailed, lookThere},
	} {
		t.Run(name, func(t *testing.T) {
			kind := ""
			window := channels.WindowRule{Name: "standard", Opens: []string{"message"}, For: time.Hour}
			w := newWorld(t, &toy{can: channels.Capabilities{Windows: []channels.WindowRule{window}}, do: func(_ context.Context, s channels.Step) channels.Result {
				kind = s.Kind
				return c.result
			}})
			w.account("a")
			o := w.action("ask", func(o *timeline.Outbound) {
				o.Moderation = &timeline.Moderation{Of: timeline.Ref{Event: "comment"}, Action: timeline.ModerateHide, State: timeline.ModerationAsked}
			})
			w.deliver(o, o)
			in := w.inbound()
			if len(in) == 0 || kind != timeline.ModerateHide || w.toy.calls.Load() != 1 {
				t.Fatalf("%d events, step %q, %d calls", len(in), kind, w.toy.calls.Load())
			}
			e, m := in[0].Event, in[0].Event.Moderation
			if e.Kind != timeline.KindModeration || m == nil || m.State != c.state || m.Asked != "ask" || m.Of.Event != "comment" || e.Direction != timeline.Internal {
				t.Fatalf("%+v %+v", e, m)
			}
			if (m.Failure != nil) != (c.advice != "") || m.Failure != nil && m.Failure.Advice != c.advice {
				t.Errorf("failure %+v", m.Failure)
			}
			for _, again := range in[1:] {
				if again.Event.ID != e.ID {
					t.Error("a repeat is another event:", again.Event.ID)
				}
			}
		})
	}
}

func TestFailedActionsAreSeen(t *testing.T) {
	of := timeline.Ref{Event: "m1", Remote: "r1"}
	for name, c := range map[string]struct {
		set    func(*timeline.Outbound)
		result channels.Result
		action string
		advice string
	}{
		"edit_refused":        {func(o *timeline.Outbound) { o.Edit = &timeline.Edit{Of: of, Text: "x"} }, rejected(channels.BadContent), "edit", "do this"},
		"unsend_in_doubt":     {func(o *timeline.Outbound) { o.Unsend = &timeline.Unsend{Of: of} }, channels.Result{Outcome: channels.Unsure}, "unsend", lookThere},
		"reaction_refused":    {func(o *timeline.Outbound) { o.Reaction = &timeline.Reaction{Of: of, Emoji: "👍"} }, rejected(channels.Permanent), "react", "do this"},
		"edit_done":           {func(o *timeline.Outbound) { o.Edit = &timeline.Edit{Of: of, Text: "x"} }, channels.Result{Outcome: channels.Accepted}, "", ""},
		"edit_is_tried_again": {func(o *timeline.Outbound) { o.Edit = &timeline.Edit{Of: of, Text: "x"} }, rejected(channels.Transient), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, &toy{do: func(context.Context, channels.Step) channels.Result { return c.result }})
			w.account("a")
			w.deliver(w.action("act", c.set))
			if n := len(w.inbound()); n != 0 {
				t.Errorf("%d events about what is no message", n)
			}
			asked := w.commands()
			if c.action == "" {
				if len(asked) != 0 {
					t.Errorf("%+v", asked[0].Event.Control)
				}
				return
			}
			if len(asked) != 1 || asked[0].Conversation != "c1" || asked[0].Event.Leg != "a|t1" {
				t.Fatalf("%+v", asked)
			}
			got := asked[0].Event.Control
			if got == nil || got.Name != ActionFailed || got.Data["action"] != c.action || got.Data["of"] != "m1" || got.Data["advice"] != c.advice {
				t.Errorf("%+v", got)
			}
		})
	}
}

// TestPlacesHaveLimitsOfTheirOwn: what may be written in public is not what may be written in private.
func TestPlacesHaveLimitsOfTheirOwn(t *testing.T) {
	w := newWorld(t, &toy{can: channels.Capabilities{Windows: []channels.WindowRule{{Name: "standard", Opens: []string{"message"}, For: time.Hour}}},
		places: map[string]channels.Capabilities{"comment": {Rates: []channels.RateRule{{Name: "replies", Scope: "account", N: 1, Per: time.Hour}}}}})
	w.account("a")
	closed := w.message("dm", "hi")
	w.deliver(closed)
	public := w.message("public", "hi")
	public.Place = "comment"
	w.deliver(public)
	second := w.message("second", "hi")
	second.Place, second.Thread.ID = "comment", "t2"
	w.deliver(second)
	if w.states("dm") != "failed" || w.states("public") != "sent" || w.states("second") != "" {
		t.Errorf("dm %q, public %q, second %q", w.states("dm"), w.states("public"), w.states("second"))
	}
}
