package telegram

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/channeltest"
	"github.com/parley-hub/parley/channels/telegram/sim"
	"github.com/parley-hub/parley/timeline"
)

// nowhere is a hub without an address.
type nowhere struct{ *channeltest.Hub }

func (nowhere) Callback(bool) string { return "" }

func TestOpen(t *testing.T) {
	for name, bad := range map[string]map[string]string{
		"token":  {"token": "hello"},
		"mode":   {"token": testToken, "mode": "pigeon", "secret": testSecret},
		"secret": {"token": testToken, "mode": modeWebhook},
		"api":    {"token": testToken, "secret": testSecret, "api": "nowhere"},
	} {
		_, err := Channel.Open(channels.Account{Settings: bad}, channeltest.NewHub())
		if err == nil || !strings.HasPrefix(err.Error(), name+": ") {
			t.Errorf("a bad %s gives %v", name, err)
		}
	}
	auto := channels.Account{Settings: map[string]string{"token": testToken, "secret": testSecret}}
	s, err := Channel.Open(auto, nowhere{channeltest.NewHub()})
	if _, ok := s.(*polled); !ok || err != nil {
		t.Errorf("without an address it is %T, %v", s, err)
	}
	s, err = Channel.Open(auto, channeltest.NewHub())
	if _, ok := s.(*hooked); !ok || err != nil {
		t.Errorf("with an address it is %T, %v", s, err)
	}
}

func TestSubscribe(t *testing.T) {
	ctx, api, hub := context.Background(), sim.New(testToken), channeltest.NewHub()
	s := opened(t, hub.Far(far(api)))
	ensure := func(s channels.Subscriber, want bool) {
		t.Helper()
		if changed, err := s.EnsureSubscribed(ctx); err != nil || changed != want {
			t.Errorf("changed %v, %v", changed, err)
		}
	}
	ensure(s, true)
	c := api.Calls("setWebhook")
	if len(c) != 1 || c[0].Params["url"] != hub.Callback(false) || c[0].Params["secret_token"] != testSecret || !strings.Contains(c[0].Params["allowed_updates"], "message_reaction") {
		t.Fatalf("calls: %+v", c)
	}
	ensure(s, false)
	a := account(modeWebhook)
	a.Settings["secret"] = "a-new-secret-of-the-webhook"
	renewed, err := Channel.Open(a, hub)
	if err != nil {
		t.Fatal(err)
	}
	ensure(renewed.(channels.Subscriber), true)
	p := polling(t, hub)
	ensure(p, true)
	ensure(p, false)
	if c := api.Calls("deleteWebhook"); len(c) != 1 || c[0].Params["drop_pending_updates"] != "false" {
		t.Errorf("calls: %+v", c)
	}
}

func TestSubscribeWithoutAddress(t *testing.T) {
	hub := channeltest.NewHub().Far(far(sim.New(testToken)))
	s, err := Channel.Open(account(modeWebhook), nowhere{hub})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.(channels.Subscriber).EnsureSubscribed(context.Background())
	var f *channels.Failure
	if !errors.As(err, &f) || f.Class != channels.Misconfigured || !strings.Contains(f.Advice, "polling") {
		t.Errorf("it gives %v", err)
	}
}

func TestFetch(t *testing.T) {
	ctx, api := context.Background(), sim.New(testToken)
	s := opened(t, channeltest.NewHub().Far(far(api)))
	api.Keep("f1", []byte("the bytes"))
	body, err := s.Fetch(ctx, timeline.Part{Remote: "f1"}, 100)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(body); err != nil || string(b) != "the bytes" {
		t.Errorf("it is %q, %v", b, err)
	}
	body.Close()
	for name, c := range map[string]struct {
		part   timeline.Part
		status int
	}{
		"gone":                    {timeline.Part{Remote: "f2"}, http.StatusNotFound},
		"larger than it says":     {timeline.Part{Remote: "f1", Size: 1}, http.StatusRequestEntityTooLarge},
		"said to be large":        {timeline.Part{Remote: "f1", Size: 1 << 40}, http.StatusRequestEntityTooLarge},
		"without a name":          {timeline.Part{URL: "https://example.com"}, http.StatusNotFound},
		"of what may not be kept": {timeline.Part{Remote: "f1", Retention: timeline.RetainNever}, http.StatusNotFound},
	} {
		_, err := s.Fetch(ctx, c.part, 5)
		var p *channels.Problem
		if !errors.As(err, &p) || p.Status != c.status {
			t.Errorf("a file %s gives %v", name, err)
		}
	}
	api.Refuse(func(sim.Call) sim.Refusal {
		return sim.Refusal{Status: 400, Body: `{"ok":false,"error_code":400,"description":"Bad Request: file is too big"}`}
	})
	var p *channels.Problem
	if _, err := s.Fetch(ctx, timeline.Part{Remote: "f1"}, 100); !errors.As(err, &p) || p.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("a file over 20 MB gives %v", err)
	}
}

// A path that leads elsewhere, or to the server's own disk, is not followed.
func TestFetchElsewhere(t *testing.T) {
	for _, path := range []string{"/etc/passwd", "../x", "a/../../x", ""} {
		calls := 0
		s := opened(t, channeltest.NewHub().Far(func(*channeltest.Request) channeltest.Reply {
			calls++
			return channeltest.Reply{Status: 200, Body: `{"ok":true,"result":{"file_path":"` + path + `"}}`}
		}))
		if _, err := s.Fetch(context.Background(), timeline.Part{Remote: "f"}, 100); err == nil || calls != 1 {
			t.Errorf("%q is followed: %v after %d calls", path, err, calls)
		}
	}
}

func TestProfile(t *testing.T) {
	ctx, api := context.Background(), sim.New(testToken)
	s := opened(t, channeltest.NewHub().Far(far(api)))
	who := timeline.Identity{Scheme: scheme, Value: "5550101"}
	p, err := s.Profile(ctx, who)
	if err != nil || p.Name != "Person 101" || p.Avatar != "" {
		t.Errorf("it is %+v, %v", p, err)
	}
	api.Keep("avatar", []byte("\xff\xd8\xff\xe0 a picture"))
	first, err := s.Profile(ctx, who)
	if err != nil || first.Avatar == "" || strings.Contains(first.Avatar, testToken) {
		t.Errorf("with a picture it is %+v, %v", first, err)
	}
	second, err := s.Profile(ctx, who)
	if err != nil || second.Avatar != first.Avatar || len(api.Calls("getFile")) != 1 {
		t.Errorf("asked again it is %+v, %v", second, err)
	}
	gone := opened(t, channeltest.NewHub().Far(no(400, `{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}`)))
	var f *channels.Failure
	if _, err := gone.Profile(ctx, who); !errors.As(err, &f) || f.Class.Again() {
		t.Errorf("somebody unknown gives %v", err)
	}
}

// The simulator plays against a hub that reads with the adapter itself.
func TestSimulate(t *testing.T) {
	hub := channeltest.NewHub()
	s := opened(t, hub)
	var took, refused atomic.Int64
	seen := newKeeper()
	front := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.URL.Path != "/hooks/telegram/acct" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		if refused.Add(1) <= 2 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		in, _, err := s.Decode(channels.Callback{Method: r.Method, Header: r.Header, Body: body, At: time.Now()})
		if err != nil {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		took.Add(1)
		_ = seen.emit(r.Context(), nil, in...) // it keeps everything
	})
	played, err := Channel.Simulate.Run(context.Background(), channels.Simulation{
		Hub: served(t, front), People: 5, Rate: 100, Duplicates: 0.3, Reorder: 0.3, For: 2 * time.Second, Seed: 7,
		Options: map[string]string{"account": "acct", "secret": testSecret, "listen": "127.0.0.1:0"},
	})
	if err != nil || played.Sent < 50 || played.Delivered < played.Sent/2 || played.Refused != 0 || played.Delivered > took.Load() || played.Slowest <= 0 {
		t.Errorf("%+v, %v; the hub took %d", played, err, took.Load())
	}
	ids, threads := map[timeline.EventID]int{}, map[timeline.ThreadID]bool{}
	for _, in := range seen.events {
		ids[in.Event.ID]++
		threads[in.Event.Thread.ID] = true
	}
	if len(ids) == len(seen.events) || len(threads) != 5 {
		t.Errorf("%d deliveries of %d events from %d people", len(seen.events), len(ids), len(threads))
	}
	if _, err := Channel.Simulate.Run(context.Background(), channels.Simulation{}); err == nil {
		t.Error("it plays without an account")
	}
}
