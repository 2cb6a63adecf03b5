package inbox

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/parley-hub/parley/timeline"
)

func talk() timeline.Conversation {
	c := Begin("c", timeline.Create{Number: 1, Person: "p", Name: "Maya", Queue: "q"}, at(0))
	Attach(&c, timeline.Leg{ID: "a|t", Thread: timeline.Thread{Account: "a", ID: "t"}, Channel: "chat", Peer: "maya"})
	return c
}

func command(id string, kind timeline.Kind, fill func(*timeline.Event)) timeline.Command {
	cmd := timeline.Command{ID: timeline.EventID(id), Conversation: "c", At: at(9), Event: timeline.Event{Kind: kind, Direction: timeline.Internal,
		Actor: timeline.Actor{Kind: timeline.ActorAgent, ID: "ana"}, At: at(9), Received: at(9)}}
	fill(&cmd.Event)
	return cmd
}

func TestRefusals(t *testing.T) {
	until, other := at(100), at(200)
	agent := timeline.AgentID("ana")
	sent := ours()
	sent.Message.Delivery = &timeline.Delivery{State: timeline.Sent, Attempt: 1}
	theirs := timeline.Event{ID: "m", Kind: timeline.KindMessage, Direction: timeline.In, Message: &timeline.Message{}}
	receiptOf := func(s timeline.DeliveryState) func(*timeline.Event) {
		return func(ev *timeline.Event) { ev.Receipt = &timeline.Receipt{Of: timeline.Ref{Event: "m"}, State: s} }
	}
	status := func(s timeline.Status) func(*timeline.Event) { return func(ev *timeline.Event) { ev.Status = &s } }
	cases := []struct {
		name string
		conv func(*timeline.Conversation)
		kind timeline.Kind
		fill func(*timeline.Event)
		cmd  func(*timeline.Command)
		f    Facts
		want Code
	}{
		{name: "unknown kind", kind: "nonsense", fill: func(*timeline.Event) {}, want: Invalid},
		{name: "unknown state", kind: timeline.KindStatus, fill: status(timeline.Status{To: "lost"}), want: Invalid},
		{name: "status as it is", kind: timeline.KindStatus, fill: status(timeline.Status{To: timeline.Open}), want: Nothing},
		{name: "woken from another snooze", conv: func(c *timeline.Conversation) { c.State, c.SnoozeUntil = timeline.Snoozed, &other }, kind: timeline.KindStatus,
			fill: status(timeline.Status{To: timeline.Open, Why: WhySnoozeOver, Until: &until}), want: TooLate},
		{name: "assigned as it is", conv: func(c *timeline.Conversation) { c.Assignee = agent }, kind: timeline.KindAssignment,
			fill: func(ev *timeline.Event) { ev.Assignment = &timeline.Assignment{Agent: &agent} }, want: Nothing},
		{name: "no longer theirs", kind: timeline.KindSubject, fill: func(ev *timeline.Event) { ev.Subject = &timeline.Subject{Text: "x"} },
			cmd: func(c *timeline.Command) { c.IfAssignee = &agent }, want: Lost},
		{name: "labels as they are", kind: timeline.KindLabels, fill: func(ev *timeline.Event) { ev.Labels = &timeline.Labels{Remove: []string{"x"}} }, want: Nothing},
		{name: "too deep", kind: timeline.KindNote, fill: func(ev *timeline.Event) {
			ev.Depth, ev.Message = timeline.MaxDepth+1, &timeline.Message{}
		}, want: TooDeep},
		{name: "receipt without message", kind: timeline.KindReceipt, fill: receiptOf(timeline.Sent), want: Dangling},
		{name: "receipt for theirs", kind: timeline.KindReceipt, fill: receiptOf(timeline.Sent), f: Facts{Target: &theirs}, want: Invalid},
		{name: "receipt of a state nobody knows", kind: timeline.KindReceipt, fill: receiptOf("lost"), f: Facts{Target: &sent}, want: Invalid},
		{name: "receipt that says nothing new", kind: timeline.KindReceipt, fill: receiptOf(timeline.Sending), f: Facts{Target: &sent}, want: Nothing},
		{name: "undo of what was sent", kind: timeline.KindReceipt, fill: receiptOf(timeline.Cancelled), f: Facts{Target: &sent}, want: TooLate},
		{name: "retry of what was sent", kind: timeline.KindReceipt, fill: receiptOf(timeline.Queued), f: Facts{Target: &sent}, want: TooLate},
		{name: "a machine overtaken", kind: timeline.KindMessage, fill: func(ev *timeline.Event) {
			ev.Actor.Kind, ev.Message = timeline.ActorAssistant, &timeline.Message{}
		}, f: Facts{Overtaken: true}, want: Overtaken},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			conv := talk()
			if c.conv != nil {
				c.conv(&conv)
			}
			before := asJSON(t, conv)
			cmd := command("x", c.kind, c.fill)
			if c.cmd != nil {
				c.cmd(&cmd)
			}
			_, _, err := Decide(&conv, &cmd, c.f)
			var no *Refusal
			if !errors.As(err, &no) || no.Code != c.want {
				t.Errorf("%v, want %s", err, c.want)
			}
			if asJSON(t, conv) != before {
				t.Error("deciding changed the conversation")
			}
		})
	}
}

func TestEveryKindNeedsItsPayload(t *testing.T) {
	for _, k := range timeline.Kinds {
		if err := Check(&timeline.Event{ID: "x", Kind: k}); err == nil || !strings.Contains(err.Error(), string(k)) {
			t.Errorf("%s without payload: %v", k, err)
		}
	}
}

func TestMessagesThatCannotBeSent(t *testing.T) {
	for name, c := range map[string]struct {
		leg  timeline.LegID
		shut string
		want timeline.DeliveryState
	}{
		"an open leg": {"a|t", "", timeline.Queued}, "a leg it does not have": {"a|other", "", timeline.Failed}, "the person opted out": {"a|t", "opt_out", timeline.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			conv := talk()
			conv.Legs[0].Closed = c.shut
			cmd := command("x", timeline.KindMessage, func(ev *timeline.Event) {
				ev.Direction, ev.Leg, ev.Message = timeline.Out, c.leg, &timeline.Message{Text: "hi"}
			})
			events, _, err := Decide(&conv, &cmd, Facts{Now: at(9)})
			if err != nil || events[0].Message.Delivery.State != c.want {
				t.Errorf("%s, %v", asJSON(t, events), err)
			}
			if cmd.Event.Message.Delivery != nil {
				t.Error("deciding changed the command")
			}
		})
	}
}

func TestTimesThatAreNotBelieved(t *testing.T) {
	conv := talk()
	for name, c := range map[string]struct{ said, want time.Time }{
		"none": {time.Time{}, at(9)}, "in a year": {at(9).AddDate(1, 0, 0), at(9)}, "a little ahead": {at(10), at(10)}, "last week": {at(9).AddDate(0, 0, -7), at(9).AddDate(0, 0, -7)},
	} {
		cmd := command("x", timeline.KindNote, func(ev *timeline.Event) { ev.At, ev.Message = c.said, &timeline.Message{} })
		events, _, err := Decide(&conv, &cmd, Facts{Now: at(9)})
		if err != nil || !events[0].At.Equal(c.want) {
			t.Errorf("%s: %v, %v", name, events[0].At, err)
		}
	}
}

func TestWindowLedger(t *testing.T) {
	c := talk()
	out := timeline.Event{ID: "o", Kind: timeline.KindMessage, Direction: timeline.Out, Leg: "a|t", Actor: timeline.Actor{Kind: timeline.ActorAgent},
		Message: &timeline.Message{Delivery: &timeline.Delivery{State: timeline.Queued}}}
	Opened(&c, "a|t", []string{"message"}, at(10), "")
	out.Seq = 1
	Apply(&c, &out)
	Opened(&c, "a|t", []string{"message"}, at(5), "") // came late: changes nothing
	if w := c.Legs[0].Opened["message"]; w.Used != 1 || !w.At.Equal(at(10)) {
		t.Errorf("window %+v", w)
	}
	snapshot := c
	Opened(&c, "a|t", []string{"message"}, at(20), "")
	if w := c.Legs[0].Opened["message"]; w.Used != 0 || !w.At.Equal(at(20)) {
		t.Errorf("window %+v", w)
	}
	if w := snapshot.Legs[0].Opened["message"]; w.Used != 1 {
		t.Errorf("the snapshot changed: %+v", w)
	}
}

func TestPreview(t *testing.T) {
	long := strings.Repeat("wörter und ", 40)
	for name, c := range map[string]struct{ in, want string }{
		"short": {"hello", "hello"}, "lines": {" a\n\n b\t c ", "a b c"}, "empty": {"  ", ""},
	} {
		if got := oneLine(c.in); got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got := oneLine(long); utf8.RuneCountInString(got) > timeline.PreviewRunes || !strings.HasSuffix(got, "…") {
		t.Errorf("%d runes: %q", utf8.RuneCountInString(got), got)
	}
}

func TestOpeningIsTheFirstMessageOfThePerson(t *testing.T) {
	c := talk()
	in := func(seq int64, text string, fill func(*timeline.Event)) timeline.Event {
		ev := timeline.Event{ID: timeline.EventID(fmt.Sprint("m", seq)), Seq: seq, Kind: timeline.KindMessage, Direction: timeline.In, Leg: "a|t",
			Actor: timeline.Actor{Kind: timeline.ActorCustomer}, At: at(int(seq)), Received: at(int(seq)), Message: &timeline.Message{Text: text}}
		if fill != nil {
			fill(&ev)
		}
		return ev
	}
	long := strings.Repeat("wörter ", 40)
	events := []struct {
		name string
		ev   timeline.Event
	}{
		{"ours before", in(1, "can we help?", func(ev *timeline.Event) {
			ev.Direction, ev.Actor = timeline.Out, timeline.Actor{Kind: timeline.ActorAgent}
		})},
		{"an out-of-office note", in(2, "away", func(ev *timeline.Event) { ev.Message.Automated = true })},
		{"a picture without words", in(3, "", nil)},
		{"the first words", in(4, "  where is\n\n"+long, nil)},
		{"more words", in(5, "hello?", nil)},
	}
	for _, e := range events {
		Apply(&c, &e.ev)
		want := e.ev.Seq >= 4
		if got := strings.HasPrefix(c.Opening, "where is wörter"); got != want {
			t.Errorf("after %s: %q", e.name, c.Opening)
		}
	}
	if n := utf8.RuneCountInString(c.Opening); n > timeline.PreviewRunes/2 || !strings.HasSuffix(c.Opening, "…") {
		t.Errorf("%d runes: %q", n, c.Opening)
	}
	gone := unsend(9)
	gone.Seq = 6
	Apply(&c, &gone, Effects(&gone, Facts{Target: &events[3].ev})...)
	if c.Opening != "" {
		t.Errorf("words of an unsent message stay: %q", c.Opening)
	}
}

func TestNameOf(t *testing.T) {
	id := timeline.Identity{Account: "a", Scheme: "visitor", Value: "v"}
	for name, c := range map[string]struct {
		i    timeline.Identity
		p    *timeline.Profile
		want string
	}{
		"a name":         {id, &timeline.Profile{Name: "Maya", Username: "m"}, "Maya"},
		"a user name":    {id, &timeline.Profile{Username: "maya.hikes"}, "maya.hikes"},
		"as displayed":   {timeline.Identity{Value: "1", Display: "@maya"}, nil, "@maya"},
		"a mail address": {timeline.Identity{Scheme: "email", Value: "m@x"}, nil, "m@x"},
		"nothing":        {id, nil, Placeholder(id)},
	} {
		if got := NameOf(c.i, c.p); got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got := Placeholder(id); got != fmt.Sprintf("Visitor %s", got[len(got)-4:]) {
		t.Errorf("placeholder %q", got)
	}
}
