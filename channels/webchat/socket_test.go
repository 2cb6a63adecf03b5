package webchat

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/parley-hub/parley/channels/channeltest"
	"github.com/parley-hub/parley/timeline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSocketTalks(t *testing.T) {
	s := newSite(t)
	h := s.begin(nil)
	p := s.open(h.token, "")
	if _, ready := p.until("ready"); ready["online"] != true || ready["cursor"] != "" {
		t.Fatal(ready)
	}
	id := newULID()
	p.sock.Say(`{"type":"message","id":"` + id + `","text":"hello"}`)
	if f := p.next(); f["type"] != "ack" || f["id"] != id {
		t.Fatal(f)
	}
	s.hub.Down(errors.New("down"))
	p.sock.Say(`{"type":"message","id":"` + id + `","text":"hello"}`)
	if f := p.next(); f["type"] != "refused" || f["id"] != id || f["problem"].(map[string]any)["status"] != 503.0 || f["problem"].(map[string]any)["retryAfter"] == nil {
		t.Fatal(f)
	}
	s.hub.Down(nil)
	for _, bad := range []string{`{`, `[]`, `{"type":"shout"}`, `{"type":5}`, ``, `{"type":"read","cursor":"x"}`} {
		p.sock.Say(bad)
		if f := p.next(); f["type"] != "problem" {
			t.Errorf("%q: %v", bad, f)
		}
	}
	p.sock.Say(`{"type":"ping"}`)
	if f := p.next(); f["type"] != "pong" {
		t.Error(f)
	}
	for range 3 {
		p.sock.Say(`{"type":"typing","on":true}`)
	}
	eventually(t, "typing is told once", func() bool { return fmt.Sprint(s.hub.Thread().Typed()) == fmt.Sprint([]string{h.thread + " true"}) })
	on := true
	s.hub.Thread().Add(s.thread(h.thread), timeline.Item{Typing: &on, Name: "Priya"})
	if f := p.next(); f["type"] != "typing" || f["name"] != "Priya" || f["on"] != true {
		t.Error(f)
	}
	p.leave()
	if got := s.hub.Thread().Present(); got[0] != h.thread+" true" || got[len(got)-1] != h.thread+" false" {
		t.Error(got)
	}
}

func TestSocketRefuses(t *testing.T) {
	s := newSite(t)
	h := s.begin(nil)
	if got := s.open("nonsense", "").code(); got != closeToken {
		t.Error("token:", got)
	}
	if got := s.openWith(h.token, "", 8, "https://evil.example").code(); got != closeOrigin {
		t.Error("origin:", got)
	}
	for range socketsEach {
		s.open(h.token, "").until("ready")
	}
	if got := s.open(h.token, "").code(); got != closeMany {
		t.Error("many:", got)
	}
	if err := s.s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := s.open(s.begin(nil).token, "").code(); got != closeRestart {
		t.Error("restart:", got)
	}
}

// TestReconnectGap is reconnect_gap: what was said while the page was away comes once, in order.
func TestReconnectGap(t *testing.T) {
	s := newSite(t)
	h := s.begin(nil)
	p := s.open(h.token, "")
	p.until("ready")
	first := s.said(h.thread, "hello")
	if f := p.next(); f["item"].(map[string]any)["cursor"] != string(first.Cursor) {
		t.Fatal(f)
	}
	p.leave()
	for i := range 250 {
		s.hub.Thread().Say(s.thread(h.thread), fmt.Sprintf("m%03d", i), fmt.Sprint(i), timeline.Sent)
	}
	p = s.open(h.token, string(first.Cursor))
	stop := make(chan struct{})
	go func() { // and more while it is replayed
		defer close(stop)
		for i := range 50 {
			s.hub.Thread().Say(s.thread(h.thread), fmt.Sprintf("n%03d", i), fmt.Sprint(i), timeline.Sent)
		}
	}()
	<-stop
	prev, n := string(first.Cursor), 0
	for n < 300 {
		f := p.next()
		if f["type"] != "item" {
			continue
		}
		it := f["item"].(map[string]any)
		if it["prev"] != prev {
			t.Fatalf("item %d: prev %v, want %v", n, it["prev"], prev)
		}
		prev, n = it["cursor"].(string), n+1
	}
	p = s.open(h.token, prev)
	if items, ready := p.until("ready"); len(items) != 0 || ready["cursor"] != prev {
		t.Error(len(items), ready)
	}
}

func TestTwoTabs(t *testing.T) {
	s := newSite(t)
	h := s.begin(nil)
	a, b := s.open(h.token, ""), s.open(h.token, "")
	a.until("ready")
	b.until("ready")
	s.said(h.thread, "one")
	s.hub.Thread().Say(s.thread(h.thread), "m1", "two", timeline.Sent)
	for range 2 {
		if x, y := a.next(), b.next(); fmt.Sprint(x) != fmt.Sprint(y) {
			t.Errorf("%v\n%v", x, y)
		}
	}
	a.leave()
	if got := s.hub.Thread().Present(); got[len(got)-1] != h.thread+" true" {
		t.Error("one tab is still open:", got)
	}
}

func TestSlowPage(t *testing.T) {
	s := newSite(t)
	h := s.begin(nil)
	slow := s.openWith(h.token, "", 1, "")
	slow.until("ready")
	quick := s.open(h.token, "")
	quick.until("ready")
	for i := range queueFrames + 10 { // read as they come: a page that is read late is slow, too
		s.said(h.thread, fmt.Sprint(i))
		if quick.next()["type"] != "item" {
			t.Fatal("the quick page lost something")
		}
	}
	eventually(t, "the slow page is closed", func() bool {
		select {
		case <-slow.sock.Heard():
		case <-slow.sock.Over():
		default:
		}
		select {
		case <-slow.sock.Over():
			return true
		default:
			return false
		}
	})
	if slow.code() != closeSlow {
		t.Error(slow.code())
	}
}

func TestStoreDownWhileReplaying(t *testing.T) {
	s := newSite(t)
	h := s.begin(nil)
	s.hub.Thread().Break(errors.New("the store is down"))
	p := s.open(h.token, "")
	if _, f := p.until("problem"); f["problem"].(map[string]any)["status"] != 503.0 {
		t.Error(f)
	}
	if p.code() != closeRestart {
		t.Error(p.code())
	}
	if s.send(h.token, "still taken") != 202 {
		t.Error("a message needs the store")
	}
	if status, _, hd := s.call("GET", "/items", h.token, nil); status != 503 || hd.Get("Retry-After") == "" {
		t.Error(status)
	}
}

func TestDeliveredAndRead(t *testing.T) {
	s := newSite(t)
	h := s.begin(nil)
	p := s.open(h.token, "")
	p.until("ready")
	var last timeline.Item
	for i := range 5 {
		last = s.hub.Thread().Say(s.thread(h.thread), fmt.Sprintf("m%d", i), "x", timeline.Sent)
	}
	states := func() string {
		var out []string
		for _, in := range s.hub.Emitted() {
			if r := in.Event.Receipt; r != nil && r.UpTo != nil {
				out = append(out, string(r.State))
			}
		}
		return strings.Join(out, " ")
	}
	eventually(t, "one delivered receipt for all", func() bool { return states() == "delivered" })
	for range 3 {
		p.sock.Say(`{"type":"read","cursor":"` + string(last.Cursor) + `"}`)
	}
	eventually(t, "one read receipt", func() bool { return states() == "delivered read" })
	p.sock.Say(`{"type":"ping"}`)
	p.until("pong")
	if states() != "delivered read" {
		t.Error(states())
	}
	if status, _, _ := s.call("POST", "/read", h.token, map[string]any{"cursor": last.Cursor}); status != 204 {
		t.Error(status)
	}
}

func TestHours(t *testing.T) {
	s := newSite(t, "hours", "Mo-Fr 09:00-18:00\nSa 10:00-12:00", "timeZone", "Europe/Berlin")
	cases := map[string]bool{"2026-03-04T08:30:00Z": true, "2026-03-04T07:30:00Z": false, "2026-03-04T17:30:00Z": false, "2026-03-07T09:30:00Z": true, "2026-03-08T09:30:00Z": false, "2026-07-01T07:30:00Z": true}
	for at, want := range cases {
		when, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.s.set.online(when); got != want {
			t.Errorf("%s: %v", at, got)
		}
	}
	h := s.begin(nil) // Wednesday, 06:06
	p := s.open(h.token, "")
	if _, ready := p.until("ready"); ready["online"] != false {
		t.Error(ready)
	}
	s.hub.Pass(3 * time.Hour)
	p.sock.Say(`{"type":"ping"}`)
	if _, f := p.until("presence"); f["online"] != true {
		t.Error(f)
	}
}

func TestUserSeesBothThreads(t *testing.T) {
	s := newSite(t)
	v := s.begin(nil)
	s.said(v.thread, "before")
	u := s.begin(map[string]any{"token": v.token, "identity": s.jwt("maya")})
	s.said(u.thread, "after")
	p := s.open(u.token, "")
	items, _ := p.until("ready")
	if len(items) != 2 || items[1]["prev"] != items[0]["cursor"] {
		t.Fatal(items)
	}
	s.hub.Thread().Say(s.thread(v.thread), "m1", "on the old leg", timeline.Sent)
	if f := p.next(); f["item"].(map[string]any)["prev"] != items[1]["cursor"] {
		t.Error(f)
	}
}

// TestNothingInternalLeaves is agent_private_note: whatever happens on a thread, only what
// is written here comes out.
func TestNothingInternalLeaves(t *testing.T) {
	s := newSite(t)
	h := s.begin(nil)
	p := s.open(h.token, "")
	p.until("ready")
	n := 0
	for _, kind := range timeline.Kinds {
		for _, dir := range []timeline.Direction{timeline.In, timeline.Out, timeline.Internal, ""} {
			for _, state := range append([]timeline.DeliveryState{""}, timeline.DeliveryStates...) {
				for _, target := range []timeline.Kind{"", timeline.KindMessage, timeline.KindNote, timeline.KindControl} {
					s.hub.Thread().Add(s.thread(h.thread), internal(kind, dir, state, target))
					n++
				}
			}
		}
		p.sock.Say(`{"type":"ping"}`)
		p.drain(t)
	}
	if n < 2000 {
		t.Error("only", n)
	}
}

// drain reads frames up to a pong and looks at each.
func (p *openPage) drain(t *testing.T) {
	t.Helper()
	for {
		f := p.next()
		if f["type"] == "pong" {
			return
		}
		b, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), x) {
			t.Fatalf("leaks: %s", b)
		}
		if f["type"] != "item" {
			continue
		}
		it := f["item"].(map[string]any)
		ev := it["event"].(map[string]any)
		switch ev["kind"] {
		case "message", "receipt", "edit", "unsend", "reaction":
		default:
			t.Fatalf("kind %v leaves", ev["kind"])
		}
		if tg, ok := it["target"].(map[string]any); ok {
			if d, _ := tg["message"].(map[string]any)["delivery"].(map[string]any); tg["kind"] != "message" || tg["direction"] == "out" && (d["state"] == "queued" || d["state"] == "failed" || d["state"] == "cancelled" || d["state"] == "unknown" || d["state"] == "sending") {
				t.Fatalf("target %v leaves", tg)
			}
		}
	}
}

// x is what no visitor may ever see.
const x = "canary-internal"

// internal is an item full of what is nobody else's business.
func internal(kind timeline.Kind, dir timeline.Direction, state timeline.DeliveryState, target timeline.Kind) timeline.Item {
	message := func(k timeline.Kind) *timeline.Message {
		m := &timeline.Message{HTML: x, Quoted: x, Subject: x, Mentions: []timeline.AgentID{x}, Text: "fine",
			Parts:     []timeline.Part{{Kind: "file", URL: x, Remote: x, Data: map[string]string{x: x}, Inline: x}},
			ReplyTo:   &timeline.Ref{Remote: x, Client: x, URL: x},
			Delivery:  &timeline.Delivery{State: state, Failure: &timeline.Failure{Class: x, Code: x, Said: x, Advice: x}, Remotes: []timeline.RemoteID{x}},
			Reactions: []timeline.ReactionBy{{By: timeline.Actor{Kind: timeline.ActorAgent, ID: x}, Emoji: "👍"}}}
		if k == timeline.KindNote {
			m.Text = x
		}
		return m
	}
	event := func(k timeline.Kind) timeline.Event {
		e := timeline.Event{ID: "e", Kind: k, Conversation: x, Seq: 7, Leg: x, Thread: timeline.Thread{Account: x, ID: x, Parent: x}, Remote: x, Direction: dir,
			Actor: timeline.Actor{Kind: timeline.ActorAgent, ID: x, Name: "Priya"}, Depth: 2}
		if dir != timeline.In {
			e.Client = x
		}
		e.Message = message(k)
		e.Edit = &timeline.Edit{Of: timeline.Ref{Remote: x}, Text: x, HTML: x}
		e.Unsend = &timeline.Unsend{Of: timeline.Ref{Remote: x}}
		e.Reaction = &timeline.Reaction{Of: timeline.Ref{Remote: x}, Emoji: "👍"}
		e.Receipt = &timeline.Receipt{Of: timeline.Ref{Remote: x}, State: state, Failure: &timeline.Failure{Said: x}, Remotes: []timeline.RemoteID{x}}
		e.Postback, e.Referral, e.Status = &timeline.Postback{Title: x}, &timeline.Referral{Ref: x}, &timeline.Status{Why: x}
		e.Assignment, e.Labels, e.Subject = &timeline.Assignment{AgentName: x}, &timeline.Labels{Add: []string{x}}, &timeline.Subject{Text: x}
		e.Control, e.Merge, e.Unknown = &timeline.Control{Name: x}, &timeline.Merge{ID: x}, &timeline.Unknown{Type: x}
		return e
	}
	it := timeline.Item{Event: event(kind)}
	if target != "" {
		tg := event(target)
		it.Target = &tg
	}
	return it
}

func BenchmarkMessage(b *testing.B) {
	hub := channeltest.NewHub()
	opened, err := Channel.Open(account("messageRate", "0"), hub)
	if err != nil {
		b.Fatal(err)
	}
	s := opened.(*Session)
	c := s.keys.sign(claims{ID: "j", Visitor: newULID(), Expires: hub.Now().Add(time.Hour).Unix()})
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		cl, err := s.auth(c)
		if err != nil {
			b.Fatal(err)
		}
		var f frame
		if err := json.Unmarshal([]byte(`{"type":"message","id":"01J00000000000000000000000","text":"hello there"}`), &f); err != nil {
			b.Fatal(err)
		}
		if bad := s.take(ctx, cl, f.written); bad != nil {
			b.Fatal(bad)
		}
	}
}
