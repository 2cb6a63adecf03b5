package messenger

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/channeltest"
	"github.com/parley-hub/parley/channels/internal/metatest"
	"github.com/parley-hub/parley/timeline"
)

type m = metatest.M

// simulated is a Page on the simulator, subscribed.
func simulated(t *testing.T) (*metatest.Rig, channels.Session) {
	t.Helper()
	r := metatest.Start(t, "../instagram/metasim", &Channel, channeltest.NewHub(), func(url string) map[string]string {
		return map[string]string{"appId": "4242", "appSecret": secret, "verifyToken": "canary-verify-token", "graph": url + "/graph.facebook.com", "www": url + "/www.facebook.com"}
	})
	r.Control("POST", "/apps", m{"id": "4242", "name": "Hub", "secret": secret, "require_proof": true}, nil)
	var page struct {
		ID     string `json:"page_id"`
		Tokens struct {
			Page string `json:"page"`
		} `json:"tokens"`
	}
	r.Control("POST", "/accounts", m{"username": "moss.and.clay", "name": "Moss & Clay", "page_id": "auto"}, &page)
	r.Control("POST", "/people", m{"key": "maya", "name": "Maya Rivera"}, nil)
	s := r.Open(channels.Account{ID: channeltest.Account, Handle: timeline.Handle(page.ID), Settings: map[string]string{setPage: page.ID, setToken: page.Tokens.Page}})
	if changed, err := s.(channels.Subscriber).EnsureSubscribed(t.Context()); err != nil || !changed {
		t.Fatal(changed, err)
	}
	if changed, err := s.(channels.Subscriber).EnsureSubscribed(t.Context()); err != nil || changed {
		t.Fatal("asked once more, it subscribed again:", changed, err)
	}
	return r, s
}

func isText(text string) func(timeline.Inbound) bool {
	return func(in timeline.Inbound) bool { return in.Event.Message != nil && in.Event.Message.Text == text }
}

func say(r *metatest.Rig, text string) {
	r.Control("POST", "/act", m{"do": "dm", "person": "maya", "surface": "messenger", "text": text}, nil)
}

// Twenty messages with repeats and overtaking come in once each, signed.
func TestSimReceives(t *testing.T) {
	r, _ := simulated(t)
	r.Control("PATCH", "/settings", m{"delivery": m{"duplicate": 40, "reorder": 40, "batch": 5, "batch_wait_ms": 5}}, nil)
	for i := range 20 {
		say(r, fmt.Sprintf("number %d – 您好", i))
	}
	for i := range 20 {
		r.Until("each message", isText(fmt.Sprintf("number %d – 您好", i)))
	}
	n := 0
	for _, in := range r.Heard() {
		if in.Event.Kind == timeline.KindMessage {
			n++
		}
	}
	if n != 20 {
		t.Errorf("%d messages", n)
	}
}

// A message is answered; its echo, delivery and read come back; after a day a person may answer,
// after a week nobody.
func TestSimAnswers(t *testing.T) {
	r, s := simulated(t)
	say(r, "hello")
	in := r.Until("her message", isText("hello"))
	res := r.Do(s, r.Answer(in, "hi Maya 👋"))[0]
	if res.Outcome != channels.Accepted {
		t.Fatal(res.Outcome, res.Failure)
	}
	echo := r.Until("the echo", func(i timeline.Inbound) bool { return i.Event.Remote == res.Remote })
	if echo.Event.Direction != timeline.Out || echo.Event.Thread != in.Event.Thread || echo.Event.Message.Text != "hi Maya 👋" {
		t.Error(brief(echo))
	}
	r.Until("the delivery", func(i timeline.Inbound) bool {
		return i.Event.Receipt != nil && i.Event.Receipt.State == timeline.Delivered && i.Event.Receipt.Of.Remote == res.Remote
	})
	r.Control("POST", "/act", m{"do": "read", "person": "maya", "surface": "messenger"}, nil)
	r.Until("the read", func(i timeline.Inbound) bool {
		return i.Event.Receipt != nil && i.Event.Receipt.State == timeline.Read && i.Event.Receipt.UpTo != nil && !i.Event.Receipt.UpTo.Before(echo.Event.At)
	})
	for i, res := range r.Do(s, r.Answer(in, strings.Repeat("字", 3000))) {
		if res.Outcome != channels.Accepted {
			t.Errorf("piece %d: %v", i, res.Failure)
		}
	}
	if p, err := s.(channels.Profiler).Profile(t.Context(), in.Peer); err != nil || p.Name != "Maya Rivera" {
		t.Errorf("%+v %v", p, err)
	}
	if err := s.(channels.Typist).Typing(t.Context(), in.Event.Thread, in.To, true); err != nil {
		t.Error(err)
	}
	if id, ok, err := s.(channels.Reconciler).Find(t.Context(), channels.Step{Kind: stepSend, Text: "hi Maya 👋", Outbound: r.Answer(in, "")}, in.Event.At); err != nil || !ok || id != res.Remote {
		t.Error(id, ok, err)
	}
	r.Pass(25 * time.Hour)
	if res := r.Do(s, r.Answer(in, "still there?"))[0]; res.Outcome != channels.Accepted {
		t.Error(res.Failure)
	}
	r.Pass(7 * 24 * time.Hour)
	if res := r.Do(s, r.Answer(in, "still there?"))[0]; res.Outcome != channels.Rejected || res.Failure.Class != channels.WindowClosed {
		t.Error(res.Outcome, res.Failure)
	}
}

// A picture is fetched from us, and the person's can be fetched from the far side.
func TestSimFiles(t *testing.T) {
	r, s := simulated(t)
	r.Control("POST", "/act", m{"do": "dm", "person": "maya", "surface": "messenger", "attachments": []m{{"type": "image"}}}, nil)
	in := r.Until("her picture", func(i timeline.Inbound) bool { return i.Event.Message != nil && len(i.Event.Message.Parts) == 1 })
	body, err := s.(channels.Fetcher).Fetch(t.Context(), in.Event.Message.Parts[0], 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.Files().Put(t.Context(), "a.png", body, 1<<20)
	if err != nil || body.Close() != nil || p.Kind != timeline.PartImage {
		t.Fatalf("%+v %v", p, err)
	}
	o := r.Answer(in, "")
	o.Message.Parts = []timeline.Part{p}
	if res := r.Do(s, o)[0]; res.Outcome != channels.Accepted {
		t.Error(res.Failure)
	}
}

// send_timeout_after_write, and ambiguous answers: doubt, and never a second try by ourselves.
func TestSimDoubt(t *testing.T) {
	r, s := simulated(t)
	say(r, "hello")
	in := r.Until("her message", isText("hello"))
	for _, fault := range []m{{"path": "/messages$", "kind": "drop_after"}, {"path": "/messages$", "kind": "error_after", "error": "ambiguous"}} {
		r.Control("POST", "/faults", fault, nil)
		text := "once only: " + fmt.Sprint(fault["kind"])
		if res := r.Do(s, r.Answer(in, text))[0]; res.Outcome != channels.Unsure {
			t.Errorf("%v: %s", fault, res.Outcome)
		}
		r.Until("the echo that tells", isText(text))
	}
}
