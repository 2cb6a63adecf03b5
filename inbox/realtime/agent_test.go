package realtime

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-hub/parley/timeline"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestReconnectGap(t *testing.T) {
	m := newMemory()
	h := newHub(t, m)
	for i := range 500 {
		h.Deliver(m.append("c1", says(fmt.Sprint(i+1))))
	}
	c := connect(t, h, Viewer{Agent: "maya"})
	c.say(`{"type":"subscribe","conversation":"c1","after":0}`)
	for i := range 500 {
		g := c.hear()
		if g.Type != "event" || g.Seq != int64(i+1) || g.Event.Message.Text != fmt.Sprint(i+1) || g.conv() != "c1" {
			t.Fatalf("frame %d is %s", i+1, g.raw)
		}
	}
	if g := c.hear(); g.Type != "subscribed" || g.Seq != 500 || g.conv() != "c1" {
		t.Fatalf("after the replay: %s", g.raw)
	}
	h.Deliver(m.append("c1", says("live")))
	if g := c.hear(); g.Seq != 501 {
		t.Fatalf("live: %s", g.raw)
	}
	c.quiet()
}

func TestGapWhenTooMuchWasMissed(t *testing.T) {
	m := newMemory()
	h := newHub(t, m)
	for range 501 {
		m.append("c1", says("x"))
	}
	c := connect(t, h, Viewer{Agent: "maya"})
	for name, after := range map[string]int{"behind": 0, "ahead of the store": 900} {
		c.say(`{"type":"subscribe","conversation":"c1","after":%d}`, after)
		if g := c.hear(); g.Type != "gap" || g.Seq != 501 || g.conv() != "c1" {
			t.Fatalf("%s: %s", name, g.raw)
		}
	}
	h.Deliver(m.append("c1", says("x")))
	c.quiet()
}

func TestSeamHasNoGapAndNoRepeat(t *testing.T) {
	for _, feed := range []bool{false, true} {
		t.Run(fmt.Sprintf("feed=%v", feed), func(t *testing.T) {
			m := newMemory()
			h := newHub(t, m)
			const total = 400
			var deliver sync.WaitGroup
			started := make(chan struct{})
			deliver.Go(func() {
				for i := range total {
					h.Deliver(m.append("c1", says("x")))
					if i == 20 {
						close(started)
					}
				}
			})
			<-started
			var clients []*client
			for i := range 8 {
				c := connect(t, h, Viewer{Agent: timeline.AgentID(fmt.Sprint("a", i))})
				c.say(`{"type":"subscribe","conversation":"c1","after":0}`)
				if feed {
					c.say(`{"type":"subscribe","feed":"inbox"}`)
				}
				clients = append(clients, c)
			}
			deliver.Wait()
			for _, c := range clients {
				for want := int64(1); want <= total; {
					g := c.hear("event")
					if g.Seq != want {
						t.Fatalf("seq %d, want %d", g.Seq, want)
					}
					want++
				}
			}
		})
	}
}

func TestSlowConsumerFullBuffer(t *testing.T) {
	m := newMemory()
	h := newHub(t, m, func(d *Deps) { d.Limits.QueueFrames = 50 })
	c := &client{t: t, p: newPipe(), done: make(chan struct{})}
	c.p.stuck = make(chan struct{})
	serve(t, h, Viewer{Agent: "maya"}, c)
	c.say(`{"type":"subscribe","conversation":"c1","after":0}`) // denied: not there yet
	c.say(`{"type":"subscribe","feed":"inbox"}`)
	fast := connect(t, h, Viewer{Agent: "li"})
	fast.say(`{"type":"subscribe","feed":"inbox"}`)
	fast.hear("subscribed")
	for range 200 {
		h.Deliver(m.append("c1", says("x")))
		fast.hear("event")
	}
	close(c.p.stuck)
	var last got
	var seen int64
	for last.Type != "resync" {
		last = c.hear()
		if last.Type == "event" {
			seen++
			if last.Seq != seen {
				t.Fatalf("seq %d after %d", last.Seq, seen-1)
			}
		}
	}
	<-c.p.closed
	if last.Reason != "slow" || c.p.code != codeSlow {
		t.Fatalf("resync %s, code %d", last.raw, c.p.code)
	}
	again := connect(t, h, Viewer{Agent: "maya"})
	again.say(`{"type":"subscribe","conversation":"c1","after":%d}`, seen)
	for want := seen + 1; want <= 200; want++ {
		if g := again.hear("event"); g.Seq != want {
			t.Fatalf("after the resync: seq %d, want %d", g.Seq, want)
		}
	}
}

func TestOnlyThoseWithRightsHear(t *testing.T) {
	m := newMemory()
	h := newHub(t, m)
	mine := func(id timeline.AgentID) func(*timeline.Conversation) bool {
		return func(c *timeline.Conversation) bool { return c.Assignee == id || c.Assignee == "" }
	}
	maya := connect(t, h, Viewer{Agent: "maya", CanSee: mine("maya")})
	li := connect(t, h, Viewer{Agent: "li", CanSee: mine("li")})
	watch := connect(t, h, Viewer{Agent: "li", CanSee: mine("li")})
	for _, c := range []*client{maya, li} {
		c.say(`{"type":"subscribe","feed":"inbox"}`)
		if g := c.hear(); g.Type != "subscribed" || g.Feed != "inbox" {
			t.Fatal(g.raw)
		}
	}
	h.Deliver(m.append("c1", says("hello")))
	maya.hear("event")
	li.hear("event")
	watch.say(`{"type":"subscribe","conversation":"c1","after":0}`)
	watch.hear("subscribed")

	agent := timeline.AgentID("maya")
	h.Deliver(m.append("c1", timeline.Event{Kind: timeline.KindAssignment, Direction: timeline.Internal, Assignment: &timeline.Assignment{Agent: &agent}}))
	h.Deliver(m.append("c1", says("SECRET")))
	maya.hear("event")
	if g := maya.hear("event"); g.Event.Message.Text != "SECRET" {
		t.Fatal(g.raw)
	}
	for _, c := range []*client{li, watch} {
		g := c.hear()
		if g.Type != "denied" || g.conv() != "c1" || strings.Contains(g.raw, "SECRET") {
			t.Fatal(g.raw)
		}
		c.quiet()
		c.say(`{"type":"subscribe","conversation":"c1","after":0}`)
		if g := c.hear(); g.Type != "denied" {
			t.Fatal(g.raw)
		}
		c.say(`{"type":"presence","conversation":"c1","state":"viewing"}`)
		if g := c.hear(); g.Type != "denied" {
			t.Fatal(g.raw)
		}
		c.quiet()
	}
}

func TestMalformedFramesChangeNothing(t *testing.T) {
	m := newMemory()
	m.append("c1", says("x"))
	h := newHub(t, m)
	c := connect(t, h, Viewer{Agent: "maya"})
	for name, frame := range map[string]string{
		"not json":         `{`,
		"an array":         `[]`,
		"no type":          `{}`,
		"unknown type":     `{"type":"shutdown"}`,
		"wrong field type": `{"type":"subscribe","conversation":7}`,
		"both targets":     `{"type":"subscribe","feed":"inbox","conversation":"c1"}`,
		"unknown feed":     `{"type":"subscribe","feed":"everything"}`,
		"negative after":   `{"type":"subscribe","conversation":"c1","after":-1}`,
		"unknown state":    `{"type":"presence","conversation":"c1","state":"dancing"}`,
		"too large":        `{"type":"ping","x":"` + strings.Repeat("x", 17<<10) + `"}`,
	} {
		c.say("%s", frame)
		if g := c.hear(); g.Type != "problem" || g.Problem.Status < 400 || g.Problem.Detail == "" {
			t.Errorf("%s: answered %s", name, g.raw)
		}
	}
	h.Deliver(m.append("c1", says("x")))
	c.quiet()
	for range h.lim.Problems {
		c.say(`nonsense`)
	}
	<-c.p.closed
	if c.p.code != codeAbuse {
		t.Errorf("closed with %d", c.p.code)
	}
}

func TestNodeFillsHolesAndDropsRepeats(t *testing.T) {
	m := newMemory()
	h := newHub(t, m)
	c := connect(t, h, Viewer{Agent: "maya"})
	c.say(`{"type":"subscribe","feed":"inbox"}`)
	c.hear("subscribed")
	first := m.append("c1", says("1"))
	h.Deliver(first)
	m.append("c1", says("2"))
	m.append("c1", says("3"))
	h.Deliver(m.append("c1", says("4")))
	first.Repeat = true
	h.Deliver(first)
	for want := int64(1); want <= 4; want++ {
		if g := c.hear(); g.Seq != want || g.Event.Message.Text != fmt.Sprint(want) {
			t.Fatalf("want %d, got %s", want, g.raw)
		}
	}
	c.quiet()
}

func TestStoreDownIsAProblemAndNothingStays(t *testing.T) {
	m := newMemory()
	m.append("c1", says("x"))
	h := newHub(t, m)
	c := connect(t, h, Viewer{Agent: "maya"})
	m.mu.Lock()
	m.down = true
	m.mu.Unlock()
	c.say(`{"type":"subscribe","conversation":"c1","after":0}`)
	if g := c.hear(); g.Type != "problem" || g.Problem.Status != 503 || g.conv() != "c1" {
		t.Fatal(g.raw)
	}
	m.mu.Lock()
	m.down = false
	m.mu.Unlock()
	h.Deliver(m.append("c1", says("y")))
	c.quiet()
	c.say(`{"type":"subscribe","conversation":"c1","after":0}`)
	if g := c.hear(); g.Seq != 1 {
		t.Fatal(g.raw)
	}
}

func TestSilenceRestartAndSignOutClose(t *testing.T) {
	for name, tc := range map[string]struct {
		do   func(*Hub)
		code int
	}{
		"silence":  {func(h *Hub) { h.sweep(time.Now().Add(2 * time.Minute)) }, codeSilent},
		"sign out": {func(h *Hub) { h.Disconnect("maya") }, codeSignedOut},
		"restart":  {func(h *Hub) { h.Close() }, codeRestart},
	} {
		t.Run(name, func(t *testing.T) {
			h := New(Deps{Store: newMemory()})
			defer h.Close()
			c := connect(t, h, Viewer{Agent: "maya"})
			tc.do(h)
			<-c.p.closed
			<-c.done
			if c.p.code != tc.code {
				t.Errorf("closed with %d", c.p.code)
			}
		})
	}
}
