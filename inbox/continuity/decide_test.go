package continuity

import (
	"strings"
	"testing"
	"time"

	"github.com/parley-hub/parley/timeline"
)

var t0 = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

func at(minutes int) time.Time { return t0.Add(time.Duration(minutes) * time.Minute) }

func ptr[T any](v T) *T { return &v }

// answer is a message of ours that has left, numbered and written at a minute.
func answer(seq int64, minute int, change ...func(*timeline.Event)) *timeline.Event {
	ev := &timeline.Event{ID: timeline.EventID("a" + string(rune('0'+seq%10))), Kind: timeline.KindMessage, Conversation: "c1", Seq: seq, Leg: "chat|v1",
		Thread: timeline.Thread{Account: "chat", ID: "v1"}, Direction: timeline.Out, Actor: timeline.Actor{Kind: timeline.ActorAgent, ID: "ana", Name: "Ana"}, At: at(minute),
		Message: &timeline.Message{Text: "answer " + string(rune('0'+seq%10)), Delivery: &timeline.Delivery{State: timeline.Delivered}}}
	for _, f := range change {
		f(ev)
	}
	return ev
}

func TestDecide(t *testing.T) {
	state := func(s timeline.DeliveryState) func(*timeline.Event) {
		return func(ev *timeline.Event) { ev.Message.Delivery.State = s }
	}
	many := make([]*timeline.Event, 13)
	for i := range many {
		many[i] = answer(int64(i+1), 0)
	}
	cases := []struct {
		name   string
		change func(*Facts)
		send   int
		look   time.Time
	}{
		{"nothing was said", func(f *Facts) { f.Messages = nil }, 0, time.Time{}},
		{"unread for ten minutes", func(f *Facts) {}, 2, time.Time{}},
		{"not yet", func(f *Facts) { f.Now = at(9) }, 0, at(10)},
		{"the person is there", func(f *Facts) { f.Present = true }, 0, at(21)},
		{"no address", func(f *Facts) { f.Address = "" }, 0, time.Time{}},
		{"the leg is closed", func(f *Facts) { f.Leg.Closed = "opt_out" }, 0, time.Time{}},
		{"read by seq", func(f *Facts) { f.Leg.ReadSeq = 2 }, 0, time.Time{}},
		{"the first read by seq", func(f *Facts) { f.Leg.ReadSeq = 1 }, 1, time.Time{}},
		{"read by time", func(f *Facts) { f.Leg.Seen = ptr(at(1)) }, 0, time.Time{}},
		{"answered", func(f *Facts) { f.Leg.LastIn = ptr(at(5)) }, 0, time.Time{}},
		{"answered before the last", func(f *Facts) { f.Leg.LastIn = ptr(at(0)) }, 1, time.Time{}},
		{"mailed already", func(f *Facts) { f.Mailed, f.MailedAt = 2, at(10) }, 0, time.Time{}},
		{"mailed a moment ago", func(f *Facts) { f.Mailed, f.MailedAt = 1, at(10) }, 0, at(25)},
		{"mailed long ago", func(f *Facts) { f.Mailed, f.MailedAt, f.Now = 1, at(10), at(25) }, 1, time.Time{}},
		{"at most ten", func(f *Facts) { f.Messages = many }, 10, time.Time{}},
		{"what is not delivered yet", func(f *Facts) {
			f.Messages = []*timeline.Event{answer(1, 0, state(timeline.Queued)), answer(2, 0, state(timeline.Failed)), answer(3, 0, state(timeline.Unsure)), answer(4, 0, state(timeline.Cancelled))}
		}, 0, time.Time{}},
		{"what was read by receipt", func(f *Facts) { f.Messages = []*timeline.Event{answer(1, 0, state(timeline.Read))} }, 0, time.Time{}},
		{"what was taken back", func(f *Facts) {
			f.Messages = []*timeline.Event{answer(1, 0, func(ev *timeline.Event) { ev.Message.Unsent = ptr(at(1)) })}
		}, 0, time.Time{}},
		{"what a machine said", func(f *Facts) {
			f.Messages = []*timeline.Event{answer(1, 0, func(ev *timeline.Event) { ev.Actor.Kind = timeline.ActorSystem }),
				answer(2, 0, func(ev *timeline.Event) { ev.Message.Automated = true })}
		}, 0, time.Time{}},
		{"on another leg", func(f *Facts) {
			f.Messages = []*timeline.Event{answer(1, 0, func(ev *timeline.Event) { ev.Leg = "mail|x" })}
		}, 0, time.Time{}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := Facts{Now: at(20), Leg: timeline.Leg{ID: "chat|v1"}, After: DefaultAfter, Address: "maya@x.org", Messages: []*timeline.Event{answer(1, 0), answer(2, 1)}}
			c.change(&f)
			p := Decide(f)
			if len(p.Send) != c.send || !p.Look.Equal(c.look) {
				t.Errorf("sends %d and looks at %s, want %d and %s", len(p.Send), p.Look, c.send, c.look)
			}
		})
	}
}

func TestCompose(t *testing.T) {
	m := answer(1, 0, func(ev *timeline.Event) {
		ev.Message.Parts = []timeline.Part{{Kind: timeline.PartImage, File: "f1", Name: "boots.png"}, {Kind: timeline.PartVideo}}
	})
	subject, text := Compose([]*timeline.Event{m, answer(2, 1)}, timeline.Profile{Locale: "de-DE", TimeZone: "Europe/Berlin"})
	for _, want := range []string{"Ana, 2026-03-01 10:00 CET:\nanswer 1\n(attached: boots.png)\n(attached: video)\n", "10:01 CET:\nanswer 2"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in:\n%s", want, text)
		}
	}
	if subject == "" {
		t.Error("no subject")
	}
	subject, text = Compose([]*timeline.Event{m}, timeline.Profile{Locale: "zh_CN", TimeZone: "nowhere"})
	if !strings.Contains(text, "Ana，2026-03-01 09:00 UTC：") || !strings.Contains(text, "附件：boots.png") || subject == "We answered you in the chat" {
		t.Errorf("%s\n%s", subject, text)
	}
}
