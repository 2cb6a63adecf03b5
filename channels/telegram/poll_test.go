package telegram

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/channeltest"
	"github.com/parley-hub/parley/channels/telegram/sim"
	"github.com/parley-hub/parley/timeline"
)

func polling(t *testing.T, hub *channeltest.Hub) *polled {
	t.Helper()
	s, err := Channel.Open(account(modePolling), hub)
	if err != nil {
		t.Fatal(err)
	}
	return s.(*polled)
}

// keeper plays the hub's part of Run: it makes durable, and then moves the cursor.
type keeper struct {
	mu     sync.Mutex
	cursor []byte
	events []timeline.Inbound
	crash  error // between making durable and moving the cursor
	came   chan struct{}
}

func newKeeper() *keeper { return &keeper{came: make(chan struct{}, 1000)} }

func (k *keeper) emit(_ context.Context, cursor []byte, in ...timeline.Inbound) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.events = append(k.events, in...)
	if k.crash != nil {
		return k.crash
	}
	k.cursor = cursor
	k.came <- struct{}{}
	return nil
}

func (k *keeper) texts() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var out []string
	for _, e := range k.events {
		if e.Event.Message != nil {
			out = append(out, e.Event.Message.Text)
		}
	}
	return out
}

// await waits for n emitted updates.
func (k *keeper) await(t *testing.T, n int) {
	t.Helper()
	over := time.After(10 * time.Second)
	for range n {
		select {
		case <-k.came:
		case <-over:
			t.Fatal("nothing came")
		}
	}
}

// run polls until the test calls what it returns, which gives Run's error.
func run(t *testing.T, p *polled, k *keeper) (end func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	done := make(chan error, 1)
	k.mu.Lock()
	cursor := k.cursor
	k.mu.Unlock()
	go func() { done <- p.Run(ctx, cursor, k.emit) }()
	return func() error {
		cancel()
		select {
		case err := <-done:
			return err
		case <-time.After(10 * time.Second):
			return errors.New("it does not end")
		}
	}
}

func text(message string, words string) string {
	return `{"message_id":` + message + `,"date":1790000000,"text":"` + words + `","from":{"id":5550101,"first_name":"Maya"},"chat":{"id":5550101,"type":"private"}}`
}

// served is a Bot API behind a real socket, as the hub's client sees it.
func served(t *testing.T, api http.Handler) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: api}
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close() })
	return "http://" + l.Addr().String()
}

// wired is a hub in memory whose HTTP reaches sockets.
type wired struct{ *channeltest.Hub }

func (wired) HTTP() *http.Client { return http.DefaultClient }

// End to end over a socket: what people write arrives, what we answer leaves, a
// pressed button is answered, and the cursor makes Telegram forget.
func TestPollingEndToEnd(t *testing.T) {
	api := sim.New(testToken)
	a := account(modePolling)
	a.Settings["api"] = served(t, api)
	s, err := Channel.Open(a, wired{channeltest.NewHub()})
	if err != nil {
		t.Fatal(err)
	}
	p, k := s.(*polled), newKeeper()
	end := run(t, p, k)
	api.Push("message", text("1", "Hello"))
	k.await(t, 1)
	api.Push("message", text("2", "Anybody?"))
	api.Push("callback_query", `{"id":"77","from":{"id":5550101,"first_name":"Maya"},"message":{"message_id":9,"chat":{"id":5550101,"type":"private"},"date":0},"data":"yes"}`)
	k.await(t, 2)
	r := p.Do(context.Background(), channels.Step{Kind: "send", Text: "Yes!", Outbound: outbound(timeline.Message{Text: "Yes!"})})
	if r.Outcome != channels.Accepted {
		t.Errorf("the answer ended %s, %v", r.Outcome, r.Failure)
	}
	for range 1000 {
		if api.Waiting() == 0 && len(api.Calls("answerCallbackQuery")) == 1 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err := end(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if got := k.texts(); !slices.Equal(got, []string{"Hello", "Anybody?"}) || string(k.cursor) != "1004" {
		t.Errorf("came %q, the cursor is %s", got, k.cursor)
	}
	if api.Waiting() != 0 || api.Sent() != 1 || len(api.Calls("answerCallbackQuery")) != 1 {
		t.Errorf("%d wait, %d sent, calls %+v", api.Waiting(), api.Sent(), api.Calls("answerCallbackQuery"))
	}
}

// After a crash between making durable and moving the cursor everything comes
// again with the ids it had, and nothing is missing.
func TestCrashBeforeCursor(t *testing.T) {
	api, hub, k := sim.New(testToken), channeltest.NewHub(), newKeeper()
	p := polling(t, hub.Far(far(api)))
	for _, words := range []string{"one", "two", "three"} {
		api.Push("message", text(map[string]string{"one": "1", "two": "2", "three": "3"}[words], words))
	}
	crash := errors.New("the node is gone")
	k.crash = crash
	if err := p.Run(context.Background(), k.cursor, k.emit); !errors.Is(err, crash) {
		t.Fatalf("it ended with %v", err)
	}
	if k.cursor != nil || api.Waiting() != 3 {
		t.Errorf("the cursor is %q and %d wait after a crash", k.cursor, api.Waiting())
	}
	k.crash = nil
	end := run(t, polling(t, hub), k)
	k.await(t, 3)
	_ = end() // the far side in memory does not hear that it ends
	if got := k.texts(); !slices.Equal(got, []string{"one", "one", "two", "three"}) {
		t.Errorf("came %q", got)
	}
	if k.events[0].Event.ID != k.events[1].Event.ID {
		t.Error("what came again has another id")
	}
}

// Webhook and polling give the same events, so that an account may change over.
func TestSameByBothDoors(t *testing.T) {
	hub := channeltest.NewHub()
	hooks, polls := opened(t, hub), polling(t, hub)
	for name, body := range samples(t) {
		c := sign(good(modeWebhook), body)
		a, _, err := hooks.Decode(c)
		if err != nil {
			t.Fatal(err)
		}
		u, err := polls.read(body, c.At)
		if err != nil || len(u.events) != len(a) {
			t.Fatalf("%s: %v, %v", name, u, err)
		}
		for i := range a {
			if a[i].Event.ID != u.events[i].Event.ID {
				t.Errorf("%s has two ids", name)
			}
		}
	}
}

// An update that cannot be read is shown, and those after it arrive.
func TestPoisonedUpdate(t *testing.T) {
	api, k := sim.New(testToken), newKeeper()
	api.Push("message", `{"message_id":"not a number","chat":[]}`)
	api.Push("message", text("2", "after it"))
	end := run(t, polling(t, channeltest.NewHub().Far(far(api))), k)
	k.await(t, 2)
	_ = end() // the far side in memory does not hear that it ends
	if k.events[0].Event.Unknown == nil || !slices.Equal(k.texts(), []string{"after it"}) {
		t.Errorf("came %+v", k.events)
	}
}

func TestConflict(t *testing.T) {
	for words, next := range map[string]string{
		"Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first": "webhook",
		"Conflict: terminated by other getUpdates request; make sure that only one bot instance is running":            "Another program",
	} {
		hub := channeltest.NewHub().Far(no(409, `{"ok":false,"error_code":409,"description":"`+words+`"}`))
		err := polling(t, hub).Run(context.Background(), nil, newKeeper().emit)
		var f *channels.Failure
		if !errors.As(err, &f) || f.Class != channels.Misconfigured {
			t.Errorf("%s ended with %v", words, err)
		}
		if h := hub.State(); h.State != channels.Red || !strings.Contains(h.Next, next) || !strings.Contains(h.Reason, "Conflict") {
			t.Errorf("%s shows as %+v", words, h)
		}
	}
}

func TestPollingBadToken(t *testing.T) {
	hub := channeltest.NewHub().Far(no(401, `{"ok":false,"error_code":401,"description":"Unauthorized"}`))
	err := polling(t, hub).Run(context.Background(), nil, newKeeper().emit)
	if hub.State().State != channels.Red || err == nil || strings.Contains(err.Error(), testToken) {
		t.Errorf("it ended with %v and shows as %+v", err, hub.State())
	}
}

// A far side that is away is left to the hub's back-off, without an alarm.
func TestPollingDown(t *testing.T) {
	hub := channeltest.NewHub().Far(func(*channeltest.Request) channeltest.Reply {
		return channeltest.Reply{Err: errors.New("reset")}
	})
	if err := polling(t, hub).Run(context.Background(), []byte("1001"), newKeeper().emit); err == nil || hub.State().State != "" {
		t.Errorf("it ended with %v and shows as %+v", err, hub.State())
	}
}

func TestPollingRestsWhenAsked(t *testing.T) {
	hub := channeltest.NewHub().Far(no(429, `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 1","parameters":{"retry_after":1}}`))
	began := time.Now()
	if err := polling(t, hub).Run(context.Background(), nil, newKeeper().emit); err == nil || time.Since(began) < time.Second {
		t.Errorf("it ended with %v after %s", err, time.Since(began))
	}
}
