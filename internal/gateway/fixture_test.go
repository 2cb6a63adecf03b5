package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/internal/bus"
	"github.com/parley-hub/parley/internal/seal"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/internal/timers"
	"github.com/parley-hub/parley/timeline"
)

const canary = "canary-5be1-provider-token"

// toy is an adapter whose behaviour a test writes down.
type toy struct {
	can     channels.Capabilities
	do      func(ctx context.Context, s channels.Step) channels.Result
	decode  func(channels.Callback) ([]timeline.Inbound, channels.Answer, error)
	plan    func(timeline.Outbound) ([]channels.Step, error)
	find    func(channels.Step) (timeline.RemoteID, bool, error)
	run     func(ctx context.Context, cursor []byte, emit func(context.Context, []byte, ...timeline.Inbound) error) error
	serve   func(channels.Request) channels.Response
	talk    func(context.Context, channels.Request, channels.Socket) error
	openErr func(channels.Account) error

	refreshAt func(now time.Time) time.Time // with refresh: credentials end
	refresh   func(channels.Account) (map[string]string, error)
	ends      time.Time
	subscribe func() (bool, error)
	fetch     func(timeline.Part) (io.ReadCloser, error)
	profile   func(timeline.Identity) (timeline.Profile, error)
	places    map[string]channels.Capabilities
	connect   []channels.Connect

	calls  atomic.Int64
	opened atomic.Int64
	closed atomic.Int64
}

type toySession struct {
	t *toy
	h channels.Host
	a channels.Account
}

func (s *toySession) Do(ctx context.Context, st channels.Step) channels.Result {
	s.t.calls.Add(1)
	if s.t.do == nil {
		return channels.Result{Outcome: channels.Accepted, Remote: timeline.RemoteID("r-" + st.Key)}
	}
	return s.t.do(ctx, st)
}
func (s *toySession) Close() error { s.t.closed.Add(1); return nil }
func (s *toySession) Decode(c channels.Callback) ([]timeline.Inbound, channels.Answer, error) {
	if s.t.decode == nil {
		return nil, channels.Answer{}, channels.ErrForged
	}
	return s.t.decode(c)
}
func (s *toySession) Plan(o timeline.Outbound) ([]channels.Step, error) {
	if s.t.plan == nil {
		return []channels.Step{plain(o)}, nil
	}
	return s.t.plan(o)
}
func (s *toySession) Serve(_ context.Context, r channels.Request) channels.Response {
	if s.t.serve == nil {
		return channels.Response{Status: 204}
	}
	return s.t.serve(r)
}
func (s *toySession) Attach(ctx context.Context, r channels.Request, k channels.Socket) error {
	if s.t.talk == nil {
		return k.Close(1000, "")
	}
	return s.t.talk(ctx, r, k)
}

type findSession struct{ *toySession }

func (s findSession) Find(_ context.Context, st channels.Step, _ time.Time) (timeline.RemoteID, bool, error) {
	return s.t.find(st)
}

// careSession is looked after: its credentials end and its callbacks are a subscription.
type careSession struct{ *toySession }

func (s careSession) RefreshAt(now time.Time) time.Time                  { return s.t.refreshAt(now) }
func (s careSession) Refresh(context.Context) (map[string]string, error) { return s.t.refresh(s.a) }
func (s careSession) ExpiresAt() time.Time                               { return s.t.ends }

type subscribedSession struct{ *toySession }

func (s subscribedSession) EnsureSubscribed(context.Context) (bool, error) { return s.t.subscribe() }

// fetchSession has attachments of its own.
type fetchSession struct{ *toySession }

func (s fetchSession) Fetch(_ context.Context, p timeline.Part, _ int64) (io.ReadCloser, error) {
	return s.t.fetch(p)
}

type profileSession struct{ *toySession }

func (s profileSession) Profile(_ context.Context, i timeline.Identity) (timeline.Profile, error) {
	return s.t.profile(i)
}

type runSession struct{ *toySession }

func (s runSession) Run(ctx context.Context, cursor []byte, emit func(context.Context, []byte, ...timeline.Inbound) error) error {
	return s.t.run(ctx, cursor, emit)
}

func (t *toy) channel() channels.Channel {
	return channels.Channel{Kind: "toy", Title: map[string]string{"en": "Toy", "zh": "玩具"}, Icon: "box", Can: t.can, Places: t.places, Connect: t.connect,
		Settings: []channels.Setting{
			{Name: "url", Kind: "url", Default: "https://toy.example", Label: map[string]string{"en": "Address"}},
			{Name: "token", Kind: "secret", Label: map[string]string{"en": "Token"}},
			{Name: "key", Kind: "secret", Default: channels.Generated, Optional: true, Label: map[string]string{"en": "Key"}},
		},
		App: []channels.Setting{{Name: "appSecret", Kind: "secret", Label: map[string]string{"en": "App secret"}}},
		Open: func(a channels.Account, h channels.Host) (channels.Session, error) {
			t.opened.Add(1)
			if t.openErr != nil {
				if err := t.openErr(a); err != nil {
					return nil, err
				}
			}
			s := &toySession{t, h, a}
			switch {
			case t.find != nil:
				return findSession{s}, nil
			case t.run != nil:
				return runSession{s}, nil
			case t.refresh != nil:
				return careSession{s}, nil
			case t.subscribe != nil:
				return subscribedSession{s}, nil
			case t.fetch != nil:
				return fetchSession{s}, nil
			case t.profile != nil:
				return profileSession{s}, nil
			}
			return s, nil
		},
		Split: func(app map[string]string, c channels.Callback) ([]channels.Slice, channels.Answer, error) {
			if app["appSecret"] == "" || c.Header.Get("X-Toy") != app["appSecret"] {
				return nil, channels.Answer{}, channels.ErrForged
			}
			var out []channels.Slice
			for line := range strings.SplitSeq(string(c.Body), "\n") {
				to, body, _ := strings.Cut(line, ":")
				s := c
				s.Body = []byte(body)
				out = append(out, channels.Slice{Account: timeline.Handle(to), Callback: s})
			}
			return out, channels.Answer{Body: []byte("taken")}, nil
		}}
}

// textDecode makes one message of a body.
func textDecode(account timeline.AccountID) func(channels.Callback) ([]timeline.Inbound, channels.Answer, error) {
	return func(c channels.Callback) ([]timeline.Inbound, channels.Answer, error) {
		return []timeline.Inbound{said(account, "t1", string(c.Body))}, channels.Answer{Status: 200, Type: "text/plain", Body: []byte("ok")}, nil
	}
}

func said(a timeline.AccountID, thread, text string) timeline.Inbound {
	return timeline.Inbound{Peer: timeline.Identity{Account: a, Scheme: "toy", Value: thread}, Event: timeline.Event{ID: timeline.DeriveID(a, "msg:"+text), Kind: timeline.KindMessage,
		Thread: timeline.Thread{Account: a, ID: timeline.ThreadID(thread)}, Direction: timeline.In, Message: &timeline.Message{Text: text}}}
}

// world is a gateway with everything around it.
type world struct {
	t     *testing.T
	toy   *toy
	g     *Gateway
	store store.Store
	files FileStore
	media *http.Client
	box   *seal.Box
	log   *lockedBuffer
	url   string

	mu        sync.Mutex
	down      bool
	in        []timeline.Inbound
	asked     []timeline.Command
	publishes int
	metrics   *prometheus.Registry // of the node opened last
	timers    map[string]timers.Timer
	at        time.Time
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}
func (l *lockedBuffer) String() string { l.mu.Lock(); defer l.mu.Unlock(); return l.b.String() }

func newWorld(t *testing.T, ty *toy, change ...func(*world)) *world {
	t.Helper()
	s, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	box, err := seal.New(bytes.Repeat([]byte{7}, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, toy: ty, store: s, files: noFiles{}, box: box, log: &lockedBuffer{}, timers: map[string]timers.Timer{}, at: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	for _, c := range change {
		c(w)
	}
	w.g = w.gateway("node-a")
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := w.g.Close(ctx); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if strings.Contains(w.log.String(), canary) {
			t.Error("a secret is in the log")
		}
	})
	return w
}

func (w *world) gateway(node string) *Gateway {
	w.t.Helper()
	w.metrics = prometheus.NewRegistry()
	g, err := New(Deps{Channels: []channels.Channel{w.toy.channel()}, Store: w.store, Box: w.box, Publish: w.publish, Ask: w.ask, Timers: w, Files: w.files, Media: w.media, MediaMax: 1 << 20, Threads: noThreads{},
		Log: slog.New(slog.NewJSONHandler(w.log, nil)), Registerer: w.metrics, Now: w.now, Node: node})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := g.Start(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	return g
}

func (w *world) now() time.Time       { w.mu.Lock(); defer w.mu.Unlock(); return w.at }
func (w *world) pass(d time.Duration) { w.mu.Lock(); defer w.mu.Unlock(); w.at = w.at.Add(d) }

func (w *world) publish(_ context.Context, in ...timeline.Inbound) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down {
		return errors.New("the broker is down")
	}
	w.in = append(w.in, in...)
	w.publishes++
	return nil
}

// ask keeps what the conversations' writer is asked.
func (w *world) ask(_ context.Context, cs ...timeline.Command) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down {
		return errors.New("the broker is down")
	}
	w.asked = append(w.asked, cs...)
	return nil
}

func (w *world) commands() []timeline.Command {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]timeline.Command(nil), w.asked...)
}

func (w *world) broker(down bool) { w.mu.Lock(); defer w.mu.Unlock(); w.down = down }

func (w *world) inbound() []timeline.Inbound {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]timeline.Inbound(nil), w.in...)
}

// Set and Cancel keep timers; fire delivers what is due.
func (w *world) Set(_ context.Context, t timers.Timer) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timers[t.ID] = t
	return nil
}
func (w *world) Cancel(_ context.Context, id string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.timers, id)
	return nil
}

func (w *world) fire() int {
	w.t.Helper()
	w.mu.Lock()
	var due []timeline.Outbound
	for id, t := range w.timers {
		if !t.DueAt.After(w.at) {
			var o timeline.Outbound
			if err := json.Unmarshal(t.Value, &o); err != nil || t.Topic != "outbound" {
				w.t.Errorf("timer %s: topic %q, %v", id, t.Topic, err)
			}
			due = append(due, o)
			delete(w.timers, id)
		}
	}
	w.mu.Unlock()
	for _, o := range due {
		w.deliver(o)
	}
	return len(due)
}

func (w *world) deliver(os ...timeline.Outbound) {
	w.t.Helper()
	if err := w.try(os...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) try(os ...timeline.Outbound) error {
	var run []bus.Record[timeline.Outbound]
	for _, o := range os {
		run = append(run, bus.Record[timeline.Outbound]{Value: o})
	}
	return w.g.Deliver(w.t.Context(), run)
}

// account makes an account of the toy channel.
func (w *world) account(id string) Account {
	w.t.Helper()
	a, err := w.g.Create(w.t.Context(), Draft{ID: timeline.AccountID(id), Channel: "toy", Handle: timeline.Handle("@" + id), Queue: "support", Settings: map[string]string{"token": canary}})
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

func (w *world) message(id, text string) timeline.Outbound {
	return timeline.Outbound{ID: timeline.EventID(id), Conversation: "c1", Channel: "toy", Thread: timeline.Thread{Account: "a", ID: "t1"}, To: "peer", Attempt: 1,
		Actor: timeline.Actor{Kind: timeline.ActorAgent, ID: "g1"}, Message: &timeline.Message{Text: text}, At: timeline.Moment(w.now())}
}

// states are the receipts of a message, in order.
func (w *world) states(id string) string {
	var out []string
	for _, in := range w.inbound() {
		if r := in.Event.Receipt; r != nil && r.Of.Event == timeline.EventID(id) {
			out = append(out, string(r.State))
		}
	}
	return strings.Join(out, " ")
}

func (w *world) lastReceipt(id string) timeline.Receipt {
	w.t.Helper()
	ins := w.inbound()
	for i := len(ins) - 1; i >= 0; i-- {
		if r := ins[i].Event.Receipt; r != nil && r.Of.Event == timeline.EventID(id) {
			return *r
		}
	}
	w.t.Fatalf("no receipt of %s", id)
	return timeline.Receipt{}
}

func (w *world) listen() {
	w.t.Helper()
	app := fiber.New(fiber.Config{DisableStartupMessage: true, BodyLimit: 32 << 20})
	w.g.Mount(app)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- app.Listener(l) }()
	w.url = "http://" + l.Addr().String()
	w.t.Cleanup(func() {
		if err := app.ShutdownWithTimeout(2 * time.Second); err != nil {
			w.t.Log(err)
		}
		<-done
	})
}

func (w *world) post(path string, body []byte, header ...string) (int, string, http.Header) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.url+path, bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp.StatusCode, string(b), resp.Header
}

// eventually polls until it holds.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if f() {
			return
		}
		if time.Now().After(end) {
			t.Fatal("never: " + what)
		}
	}
}

type noFiles struct{}

func (noFiles) Put(context.Context, string, io.Reader, int64) (timeline.Part, error) {
	return timeline.Part{}, errors.New("no files here")
}
func (noFiles) Open(context.Context, timeline.FileID) (io.ReadSeekCloser, timeline.Part, error) {
	return nil, timeline.Part{}, errors.New("no files here")
}
func (noFiles) Fit(context.Context, timeline.FileID, channels.MediaLimit) (timeline.Part, error) {
	return timeline.Part{}, errors.New("no files here")
}
func (noFiles) Keep(context.Context, timeline.FileID, string, io.Reader, int64) (timeline.Part, error) {
	return timeline.Part{}, errors.New("no files here")
}
func (noFiles) Forget(context.Context, timeline.FileID) error { return errors.New("no files here") }
func (noFiles) URL(timeline.FileID, time.Duration) string     { return "" }

type noThreads struct{}

func (noThreads) Replay(context.Context, timeline.Thread, channels.Cursor, int) ([]channels.Item, bool, error) {
	return nil, false, nil
}
func (noThreads) Watch(timeline.Thread, func(channels.Item)) func() { return func() {} }
func (noThreads) Typing(timeline.Thread, bool)                      {}
func (noThreads) Presence(timeline.Thread, bool)                    {}

var _ = fmt.Sprint
