package gateway

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

func rejected(c channels.Class) channels.Result {
	return channels.Result{Outcome: channels.Rejected, Failure: &channels.Failure{Class: c, Code: "42", Said: "no", Advice: "do this"}}
}

func TestEndsOfACall(t *testing.T) {
	cases := []struct {
		name   string
		can    channels.Capabilities
		result channels.Result
		states string
		class  channels.Class
		green  bool
	}{
		{"accepted", channels.Capabilities{}, channels.Result{Outcome: channels.Accepted, Remote: "r1"}, "sent", "", true},
		{"accepted_by_idempotent", channels.Capabilities{Idempotent: true}, channels.Result{Outcome: channels.Accepted, Remote: "r1"}, "sent", "", true},
		{"bad_content", channels.Capabilities{}, rejected(channels.BadContent), "failed", channels.BadContent, true},
		{"permanent_without_words", channels.Capabilities{}, channels.Result{Outcome: channels.Rejected}, "failed", channels.Permanent, true},
		{"transient", channels.Capabilities{}, rejected(channels.Transient), "queued", channels.Transient, true},
		{"auth_expired", channels.Capabilities{}, rejected(channels.AuthExpired), "queued", channels.AuthExpired, false},
		{"unsure", channels.Capabilities{}, channels.Result{Outcome: channels.Unsure}, "unknown", channels.Transient, true},
		{"unsure_of_idempotent_is_tried_again", channels.Capabilities{Idempotent: true}, channels.Result{Outcome: channels.Unsure}, "queued", channels.Transient, true},
		{"says_nothing_at_all", channels.Capabilities{}, channels.Result{}, "unknown", channels.Transient, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, &toy{can: c.can, do: func(context.Context, channels.Step) channels.Result { return c.result }})
			w.account("a")
			w.deliver(w.message("m", "hi"))
			if got := w.states("m"); got != c.states {
				t.Fatalf("states %q, want %q", got, c.states)
			}
			r := w.lastReceipt("m")
			if c.class != "" && (r.Failure == nil || r.Failure.Class != string(c.class) || r.Failure.Advice == "") {
				t.Errorf("failure %+v", r.Failure)
			}
			if c.class == "" && (len(r.Remotes) != 1 || r.Remotes[0] != "r1") {
				t.Errorf("remotes %v", r.Remotes)
			}
			if a, _ := w.g.Get(t.Context(), "a"); (a.Health.State != channels.Red) != c.green {
				t.Errorf("health %+v", a.Health)
			}
		})
	}
}

func TestRedeliveryCallsOnce(t *testing.T) {
	for _, idem := range []bool{false, true} {
		w := newWorld(t, &toy{can: channels.Capabilities{Idempotent: idem}})
		w.account("a")
		for range 3 {
			w.deliver(w.message("m1", "x"), w.message("m2", "y"))
		}
		if n := w.toy.calls.Load(); n != 2 {
			t.Errorf("idempotent %v: %d calls", idem, n)
		}
		ids := map[timeline.EventID]bool{}
		for _, in := range w.inbound() {
			ids[in.Event.ID] = true
		}
		if len(ids) != 2 {
			t.Errorf("receipts must have derived ids: %v", ids)
		}
	}
}

// TestCrashWhileSending is a process that dies between the call and its result.
func TestCrashWhileSending(t *testing.T) {
	cases := []struct {
		name   string
		toy    *toy
		states string
		calls  int64
	}{
		{"unknown_and_never_resent", &toy{}, "unknown", 0},
		{"idempotent_is_sent_again", &toy{can: channels.Capabilities{Idempotent: true}}, "sent", 1},
		{"found_by_looking", &toy{find: func(channels.Step) (timeline.RemoteID, bool, error) { return "r9", true, nil }}, "sent", 0},
		{"not_found", &toy{find: func(channels.Step) (timeline.RemoteID, bool, error) { return "", false, nil }}, "unknown", 0},
		{"looking_fails", &toy{find: func(channels.Step) (timeline.RemoteID, bool, error) { return "", false, errors.New("x") }}, "unknown", 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, c.toy)
			w.account("a")
			o := w.message("m", "hi")
			if err := w.store.C(store.Steps).Insert(t.Context(), w.g.newStep(&o, 0, timeline.Sending)); err != nil {
				t.Fatal(err)
			}
			w.deliver(o)
			w.deliver(o)
			if got := strings.Fields(w.states("m")); len(got) == 0 || got[0] != c.states || w.toy.calls.Load() != c.calls {
				t.Fatalf("states %q, %d calls", got, w.toy.calls.Load())
			}
			if c.states == "unknown" {
				o.Attempt = 2 // the agent asks for it
				w.deliver(o)
				if w.toy.calls.Load() != c.calls+1 || w.lastReceipt("m").State != timeline.Sent || w.lastReceipt("m").Attempt != 2 {
					t.Errorf("asked again: %d calls, %+v", w.toy.calls.Load(), w.lastReceipt("m"))
				}
			}
		})
	}
}

func TestAdapterPanicsWhileSending(t *testing.T) {
	boom := true
	w := newWorld(t, &toy{do: func(context.Context, channels.Step) channels.Result {
		if boom {
			panic(canary)
		}
		return channels.Result{Outcome: channels.Accepted}
	}})
	w.account("a")
	w.deliver(w.message("m", "hi"))
	if w.states("m") != "unknown" {
		t.Error(w.states("m"))
	}
	boom = false
	w.deliver(w.message("m2", "hi"))
	if a, _ := w.g.Get(t.Context(), "a"); w.states("m2") != "sent" || a.Health.State != channels.Green {
		t.Error(w.states("m2"), a.Health)
	}
}

func TestUndo(t *testing.T) {
	w := newWorld(t, &toy{})
	w.account("a")
	due := w.now().Add(5 * time.Second)
	waiting := w.message("m", "hi")
	waiting.Message.SendAt = &due
	t.Run("in_time", func(t *testing.T) {
		w.deliver(waiting)
		if ok, err := w.g.Cancel(t.Context(), "m"); !ok || err != nil {
			t.Fatal(ok, err)
		}
		w.pass(10 * time.Second)
		w.fire()
		w.deliver(waiting)
		if w.toy.calls.Load() != 0 || !strings.HasPrefix(w.states("m"), "cancelled") {
			t.Error(w.toy.calls.Load(), w.states("m"))
		}
		if ok, err := w.g.Cancel(t.Context(), "m"); !ok || err != nil {
			t.Error("cancelling twice:", ok, err)
		}
	})
	t.Run("before_it_came_by", func(t *testing.T) {
		if ok, err := w.g.Cancel(t.Context(), "early"); !ok || err != nil {
			t.Fatal(ok, err)
		}
		w.deliver(w.message("early", "hi"))
		if w.toy.calls.Load() != 0 || w.states("early") != "cancelled" {
			t.Error(w.toy.calls.Load(), w.states("early"))
		}
	})
	t.Run("too_late", func(t *testing.T) {
		w.deliver(w.message("gone", "hi"))
		if ok, err := w.g.Cancel(t.Context(), "gone"); ok || err != nil {
			t.Error(ok, err)
		}
	})
}

func TestUndoAgainstSending(t *testing.T) {
	w := newWorld(t, &toy{})
	w.account("a")
	for i := range 40 {
		id := fmt.Sprintf("race%d", i)
		before := w.toy.calls.Load()
		var wg sync.WaitGroup
		var undone bool
		wg.Go(func() {
			ok, err := w.g.Cancel(t.Context(), timeline.EventID(id))
			if err != nil {
				t.Error(err)
			}
			undone = ok
		})
		wg.Go(func() { w.deliver(w.message(id, "x")) })
		wg.Wait()
		if sent := w.toy.calls.Load() > before; sent == undone {
			t.Fatalf("sent %v and undone %v", sent, undone)
		}
	}
}

func TestSendLater(t *testing.T) {
	w := newWorld(t, &toy{})
	w.account("a")
	due := w.now().Add(time.Hour)
	o := w.message("m", "hi")
	o.Message.SendAt = &due
	w.deliver(o, w.message("now", "at once"))
	if w.states("m") != "" || w.states("now") != "sent" {
		t.Fatalf("%q %q", w.states("m"), w.states("now"))
	}
	w.deliver(o) // again, after a crash
	w.pass(time.Hour)
	if n := w.fire(); n != 1 || w.states("m") != "sent" || w.toy.calls.Load() != 2 {
		t.Errorf("%d timers, %q, %d calls", n, w.states("m"), w.toy.calls.Load())
	}
}

func TestRetryKeepsTheOrder(t *testing.T) {
	var got []string
	fail := true
	w := newWorld(t, &toy{do: func(_ context.Context, s channels.Step) channels.Result {
		if fail {
			fail = false
			return rejected(channels.Transient)
		}
		got = append(got, s.Text)
		return channels.Result{Outcome: channels.Accepted}
	}})
	w.account("a")
	first := w.message("m1", "one")
	w.pass(time.Millisecond)
	w.deliver(first, w.message("m2", "two"))
	w.pass(time.Millisecond)
	w.deliver(w.message("m3", "three"))
	if len(got) != 0 {
		t.Fatal("overtaken:", got)
	}
	if r := w.lastReceipt("m1"); r.State != timeline.Queued || r.Failure.Retry == nil {
		t.Errorf("%+v", r)
	}
	for range 100 {
		w.pass(500 * time.Millisecond)
		w.fire()
	}
	if strings.Join(got, " ") != "one two three" {
		t.Error(got)
	}
}

func TestGivesUp(t *testing.T) {
	w := newWorld(t, &toy{do: func(context.Context, channels.Step) channels.Result { return rejected(channels.Transient) }})
	w.account("a")
	w.deliver(w.message("m", "hi"))
	for range 20 {
		w.pass(5 * time.Hour)
		w.fire()
	}
	if r := w.lastReceipt("m"); r.State != timeline.Failed || w.toy.calls.Load() != triesMax+1 {
		t.Errorf("%+v after %d calls", r, w.toy.calls.Load())
	}
}

func TestRateLimitedAccountRests(t *testing.T) {
	limited := true
	w := newWorld(t, &toy{do: func(_ context.Context, s channels.Step) channels.Result {
		if limited && s.Outbound.Thread.Account == "a" {
			return channels.Result{Outcome: channels.Rejected, Failure: &channels.Failure{Class: channels.RateLimited, After: 19 * time.Minute}}
		}
		return channels.Result{Outcome: channels.Accepted}
	}})
	w.account("a")
	w.account("b")
	w.deliver(w.message("m1", "one"))
	other := w.message("m2", "other thread")
	other.Thread.ID = "t2"
	w.deliver(other)
	b := w.message("m3", "other account")
	b.Thread.Account = "b"
	w.deliver(b)
	if w.toy.calls.Load() != 2 || w.states("m3") != "sent" {
		t.Fatalf("%d calls, %q", w.toy.calls.Load(), w.states("m3"))
	}
	limited = false
	w.pass(20 * time.Minute)
	w.fire()
	if w.lastReceipt("m1").State != timeline.Sent || w.states("m2") != "sent" {
		t.Error(w.states("m1"), w.states("m2"))
	}
}

func TestAuthExpiredHoldsTheQueue(t *testing.T) {
	expired := true
	w := newWorld(t, &toy{do: func(context.Context, channels.Step) channels.Result {
		if expired {
			return rejected(channels.AuthExpired)
		}
		return channels.Result{Outcome: channels.Accepted}
	}, decode: textDecode("a")})
	w.account("a")
	w.listen()
	w.deliver(w.message("m1", "one"))
	w.pass(time.Millisecond)
	w.deliver(w.message("m2", "two"))
	if w.toy.calls.Load() != 1 {
		t.Fatal("called while held:", w.toy.calls.Load())
	}
	if status, _, _ := w.post("/hooks/toy/a", []byte("still comes in")); status != 200 {
		t.Error("inbound stops with sending:", status)
	}
	g := w.gateway("node-b") // a restart forgets nothing
	if h := g.live("a").health.worst(); h.State != channels.Red || h.Next == "" {
		t.Error(h)
	}
	if err := g.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	expired = false
	if _, err := w.g.Update(t.Context(), "a", Change{Settings: map[string]string{"token": canary + "2"}}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "held messages are sent", func() bool {
		w.fire()
		w.pass(50 * time.Millisecond)
		return strings.HasSuffix(w.states("m1"), "sent") && strings.HasSuffix(w.states("m2"), "sent")
	})
}

func TestPartialMessageSendsOnlyTheRest(t *testing.T) {
	fail := true
	var keys []string
	w := newWorld(t, &toy{
		plan: func(o timeline.Outbound) ([]channels.Step, error) {
			return []channels.Step{{Kind: "send", Text: "a"}, {Kind: "send", Text: "b"}, {Kind: "send", Text: "c"}}, nil
		},
		do: func(_ context.Context, s channels.Step) channels.Result {
			keys = append(keys, s.Key)
			if s.N == 1 && fail {
				return rejected(channels.BadMedia)
			}
			return channels.Result{Outcome: channels.Accepted, Remote: timeline.RemoteID(s.Text)}
		}})
	w.account("a")
	o := w.message("m", "abc")
	w.deliver(o)
	if r := w.lastReceipt("m"); r.State != timeline.Failed || len(r.Remotes) != 1 || !strings.Contains(r.Failure.Advice, "1 of 3") {
		t.Fatalf("%+v %+v", r, r.Failure)
	}
	fail = false
	o.Attempt = 2
	w.deliver(o)
	if r := w.lastReceipt("m"); r.State != timeline.Sent || len(r.Remotes) != 3 || r.Attempt != 2 {
		t.Fatalf("%+v", r)
	}
	if got := strings.Join(keys, " "); got != "m/0 m/1 m/1 m/2" {
		t.Error("calls:", got)
	}
}

func TestRefusedBeforeAnyCall(t *testing.T) {
	day := channels.WindowRule{Name: "standard", Opens: []string{"message"}, For: 24 * time.Hour}
	week := channels.WindowRule{Name: "human", Opens: []string{"message"}, For: 7 * 24 * time.Hour, By: []timeline.ActorKind{timeline.ActorAgent}, Tag: "HUMAN"}
	cases := []struct {
		name  string
		age   time.Duration
		actor timeline.ActorKind
		plan  error
		want  string
		class channels.Class
		tag   string
	}{
		{name: "open", age: time.Hour, actor: timeline.ActorAssistant, want: "sent"},
		{name: "window_closed_bot", age: 25 * time.Hour, actor: timeline.ActorAssistant, want: "failed", class: channels.WindowClosed},
		{name: "window_open_human", age: 25 * time.Hour, actor: timeline.ActorAgent, want: "sent", tag: "HUMAN"},
		{name: "window_closed_human", age: 8 * 24 * time.Hour, actor: timeline.ActorAgent, want: "failed", class: channels.WindowClosed},
		{name: "plan_refuses", age: time.Hour, actor: timeline.ActorAgent, plan: &channels.Failure{Class: channels.BadContent, Advice: "shorter"}, want: "failed", class: channels.BadContent},
		{name: "plan_fails_oddly", age: time.Hour, actor: timeline.ActorAgent, plan: errors.New("odd"), want: "failed", class: channels.Permanent},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			tag := ""
			w := newWorld(t, &toy{can: channels.Capabilities{Windows: []channels.WindowRule{day, week}},
				plan: func(o timeline.Outbound) ([]channels.Step, error) { return []channels.Step{plain(o)}, c.plan },
				do: func(_ context.Context, s channels.Step) channels.Result {
					tag = s.Tag
					return channels.Result{Outcome: channels.Accepted}
				}})
			w.account("a")
			o := w.message("m", "x")
			o.Actor.Kind = c.actor
			o.Opened = map[string]timeline.Window{"message": {At: w.now().Add(-c.age)}}
			w.deliver(o)
			w.deliver(o)
			if got := strings.Fields(w.states("m")); got[0] != c.want || tag != c.tag {
				t.Fatalf("%v, tag %q", got, tag)
			}
			if c.class != "" && (w.lastReceipt("m").Failure.Class != string(c.class) || w.toy.calls.Load() != 0) {
				t.Errorf("%+v, %d calls", w.lastReceipt("m").Failure, w.toy.calls.Load())
			}
		})
	}
}

func TestAccountGone(t *testing.T) {
	w := newWorld(t, &toy{})
	w.account("a")
	off := false
	if _, err := w.g.Update(t.Context(), "a", Change{Enabled: &off}); err != nil {
		t.Fatal(err)
	}
	w.deliver(w.message("m1", "x"))
	if err := w.g.Remove(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	w.deliver(w.message("m2", "x"))
	if w.states("m1") != "failed" || w.states("m2") != "failed" || w.lastReceipt("m2").Failure.Advice == "" {
		t.Error(w.states("m1"), w.states("m2"))
	}
}

func TestBrokerDownWhileReporting(t *testing.T) {
	w := newWorld(t, &toy{})
	w.account("a")
	w.broker(true)
	if err := w.try(w.message("m", "x")); err == nil {
		t.Fatal("a lost receipt was reported as done")
	}
	w.broker(false)
	w.deliver(w.message("m", "x"))
	if w.states("m") != "sent" || w.toy.calls.Load() != 1 {
		t.Error(w.states("m"), w.toy.calls.Load())
	}
}

func TestRates(t *testing.T) {
	w := newWorld(t, &toy{can: channels.Capabilities{Rates: []channels.RateRule{{Name: "account", Scope: "account", N: 3, Per: time.Hour}, {Name: "thread", Scope: "thread", N: 2, Per: time.Hour}}}})
	w.account("a")
	w.account("b")
	for i := range 4 {
		w.pass(time.Millisecond)
		w.deliver(w.message(fmt.Sprintf("m%d", i), "x"))
	}
	if n := w.toy.calls.Load(); n != 2 {
		t.Fatalf("one thread got %d calls", n)
	}
	for i := range 4 {
		o := w.message(fmt.Sprintf("n%d", i), "x")
		o.Thread.ID = timeline.ThreadID(fmt.Sprintf("other%d", i))
		w.deliver(o)
	}
	if n := w.toy.calls.Load(); n != 3 {
		t.Fatalf("one account got %d calls", n)
	}
	o := w.message("b0", "x")
	o.Thread.Account = "b"
	w.deliver(o)
	if w.states("b0") != "sent" {
		t.Error("another account is affected")
	}
	waiting, err := w.store.C(store.Steps).Count(t.Context(), bson.D{{Key: "state", Value: "queued"}})
	if err != nil || waiting != 5 || len(w.timers) != 5 {
		t.Errorf("%d wait with %d timers, %v", waiting, len(w.timers), err)
	}
}
