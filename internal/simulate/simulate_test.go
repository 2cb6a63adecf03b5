package simulate

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/parley-hub/parley/timeline"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not within 10 s: " + what)
		}
	}
}

// run starts programs and stops them at the end of the test.
func run(t *testing.T, programs ...func(context.Context)) {
	ctx, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for _, p := range programs {
		all.Go(func() { p(ctx) })
	}
	t.Cleanup(func() { stop(); all.Wait() })
}

func TestTalkSurvivesCutsAndRefusals(t *testing.T) {
	for name, c := range map[string]VisitorConfig{"one by one": {}, "window": {Window: 4}, "post": {Post: true}} {
		t.Run(name, func(t *testing.T) {
			f := newFakeHub(t)
			web := NewHTTP()
			t.Cleanup(web.CloseIdleConnections)
			c.Base, c.Account, c.HTTP = f.srv.URL, "acc", web
			v := NewVisitor(c)
			a := NewAgent(AgentConfig{Base: f.srv.URL, Token: "tok", HTTP: web})
			run(t, v.Run, a.Run)
			const total = 60
			for i := range total {
				v.Send(text(i))
				if i%20 == 10 {
					f.hangUp()
				}
				if i == 35 && c.Window < 2 { // a refusal lets later messages of a window overtake
					f.mu.Lock()
					f.refuse = 2
					f.mu.Unlock()
				}
				if i == 45 {
					f.mu.Lock()
					f.skip = true
					f.mu.Unlock()
				}
			}
			until(t, "outbox empty", func() bool { return v.Waiting() == 0 })
			if err := a.Reply(context.Background(), "c1", fakeLeg, NewID(), "thanks"); err != nil {
				t.Fatal(err)
			}
			until(t, "screen level", func() bool { return a.Screen.Seq("c1") == total+1 })
			f.mu.Lock()
			defer f.mu.Unlock()
			if len(f.events) != total+1 {
				t.Fatalf("%d events", len(f.events))
			}
			for i := range total {
				if f.events[i].Message.Text != text(i) {
					t.Fatalf("event %d is %q", i, f.events[i].Message.Text)
				}
			}
			if d := a.Screen.Differences("c1", f.events); len(d) > 0 {
				t.Fatal(d)
			}
		})
	}
}

func TestScreenRaisesEveryMessageThatAMarkCovers(t *testing.T) {
	at := timeline.Now()
	msg := func(seq int64, at time.Time, s timeline.DeliveryState) Frame {
		e := timeline.Event{ID: timeline.EventID(text(int(seq))), Kind: timeline.KindMessage, Conversation: "c1", Seq: seq, Leg: fakeLeg, Direction: timeline.Out, At: at,
			Message: &timeline.Message{Delivery: &timeline.Delivery{State: s, Attempt: 1}}}
		return Frame{Type: "event", Seq: seq, Event: &e}
	}
	s := NewScreen()
	s.Apply(msg(1, at, timeline.Sent))
	s.Apply(msg(2, at, timeline.Failed))
	s.Apply(msg(3, at.Add(time.Minute), timeline.Sent))
	upTo := at.Add(time.Second)
	s.Apply(Frame{Type: "event", Seq: 4, Event: &timeline.Event{ID: "r", Kind: timeline.KindReceipt, Conversation: "c1", Seq: 4, Leg: fakeLeg,
		Receipt: &timeline.Receipt{UpTo: &upTo, State: timeline.Read}}})
	want := []timeline.DeliveryState{timeline.Read, timeline.Failed, timeline.Sent}
	for i, e := range s.Events("c1")[:3] {
		if got := e.Message.Delivery.State; got != want[i] {
			t.Errorf("message %d is %s, want %s", i+1, got, want[i])
		}
	}
}

func TestIDsGrow(t *testing.T) {
	last := ""
	for range 10_000 {
		id := NewID()
		if len(id) != 26 || id <= last {
			t.Fatalf("%s after %s", id, last)
		}
		last = id
	}
}
