package webhooks

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.uber.org/goleak"

	"github.com/parley-hub/parley/internal/auth"
	"github.com/parley-hub/parley/internal/bus"
	"github.com/parley-hub/parley/internal/seal"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var t0 = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// world is webhooks over a real embedded store and real receivers.
type world struct {
	t     *testing.T
	store store.Store
	box   *seal.Box
	w     *Webhooks
	mu    sync.Mutex
	clock time.Time
	audit []auth.Record
	log   bytes.Buffer
}

func newWorld(t *testing.T) *world {
	s, err := store.OpenEmbedded(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	x := &world{t: t, store: s, clock: t0}
	if x.box, err = seal.New(bytes.Repeat([]byte{7}, seal.KeySize)); err != nil {
		t.Fatal(err)
	}
	x.w = x.node("n1", s)
	return x
}

// node is the webhooks of a node, as after a restart.
func (x *world) node(name string, s store.Store) *Webhooks {
	x.t.Helper()
	w, err := New(Deps{Store: s, Box: x.box, Allow: loopback, Node: name, Now: x.now, Log: slog.New(slog.NewTextHandler(&x.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Audit: func(_ context.Context, r auth.Record) error {
			x.mu.Lock()
			defer x.mu.Unlock()
			x.audit = append(x.audit, r)
			return nil
		}})
	if err != nil {
		x.t.Fatal(err)
	}
	w.jitter = func() float64 { return 0.5 }
	x.t.Cleanup(w.http.CloseIdleConnections)
	return w
}

func (x *world) now() time.Time {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.clock
}

func (x *world) pass(d time.Duration) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.clock = x.clock.Add(d)
}

// call is one request as a receiver got it.
type call struct {
	header http.Header
	body   []byte
	Payload
}

func (c call) id() string { return c.header.Get("webhook-id") }

// receiver is a program outside. answer, if there is one, answers the nth call, from 0.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	calls  []call
	answer func(n int, w http.ResponseWriter, c call)
}

func (x *world) receiver(answer func(n int, w http.ResponseWriter, c call)) *receiver {
	r := &receiver{answer: answer}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		c := call{header: req.Header.Clone()}
		var err error
		if c.body, err = io.ReadAll(req.Body); err == nil {
			err = json.Unmarshal(c.body, &c.Payload)
		}
		if err != nil {
			x.t.Errorf("reading a call: %v", err)
		}
		r.mu.Lock()
		n := len(r.calls)
		r.calls = append(r.calls, c)
		r.mu.Unlock()
		if r.answer != nil {
			r.answer(n, w, c)
		}
	}))
	x.t.Cleanup(r.Close)
	return r
}

func (r *receiver) got() []call {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]call(nil), r.calls...)
}

// seqs is which events were received, in order.
func (r *receiver) seqs() []int64 {
	var out []int64
	for _, c := range r.got() {
		out = append(out, c.Data.Event.Seq)
	}
	return out
}

func status(code int) func(int, http.ResponseWriter, call) {
	return func(_ int, w http.ResponseWriter, _ call) { w.WriteHeader(code) }
}

// gate is closed until it is opened, at the latest by the end of the test.
func gate(t *testing.T) (closed <-chan struct{}, open func()) {
	c := make(chan struct{})
	open = sync.OnceFunc(func() { close(c) })
	t.Cleanup(open)
	return c, open
}

// endpoint adds an endpoint for a receiver.
func (x *world) endpoint(url string, kinds ...string) (*Endpoint, seal.Secret) {
	x.t.Helper()
	e, secret, err := x.w.Create(x.t.Context(), Draft{Name: "CRM", URL: url, Kinds: kinds, Enabled: true})
	if err != nil {
		x.t.Fatal(err)
	}
	return e, secret
}

// records stores an event as append would, and gives it to the consumer.
func (x *world) records(ev timeline.Event, target ...*timeline.Event) timeline.Entry {
	x.t.Helper()
	if ev.ID == "" {
		ev.ID = timeline.EventID(fmt.Sprintf("%s-%d", ev.Conversation, ev.Seq))
	}
	ev.At, ev.Received = x.now(), x.now()
	_, err := x.store.C(store.Conversations).Upsert(x.t.Context(), byID(string(ev.Conversation)), bson.D{{Key: "$set", Value: bson.D{{Key: "number", Value: 1000 + int(ev.Conversation[len(ev.Conversation)-1])},
		{Key: "name", Value: "Maya"}, {Key: "person", Value: "p1"}, {Key: "state", Value: "open"}, {Key: "seq", Value: ev.Seq}, {Key: "labels", Value: []string{"vip"}}}}})
	if err != nil {
		x.t.Fatal(err)
	}
	if err := x.store.C(store.Events).Insert(x.t.Context(), ev); err != nil {
		x.t.Fatal(err)
	}
	entry := timeline.Entry{Event: ev}
	if len(target) > 0 {
		entry.Target = target[0]
	}
	x.follow(entry)
	return entry
}

func (x *world) follow(entries ...timeline.Entry) {
	x.t.Helper()
	var run []bus.Record[timeline.Entry]
	for _, e := range entries {
		run = append(run, bus.Record[timeline.Entry]{Value: e})
	}
	if err := x.w.Follow(x.t.Context(), run); err != nil {
		x.t.Fatal(err)
	}
}

func says(c string, seq int64, text string) timeline.Event {
	return timeline.Event{Kind: timeline.KindMessage, Conversation: timeline.ConversationID(c), Seq: seq, Direction: timeline.In,
		Actor: timeline.Actor{Kind: timeline.ActorCustomer, Name: "Maya"}, Message: &timeline.Message{Text: text}}
}

// work delivers all that is due, once.
func (x *world) work(nodes ...*Webhooks) {
	x.t.Helper()
	if len(nodes) == 0 {
		nodes = []*Webhooks{x.w}
	}
	var lanes sync.WaitGroup
	for _, n := range nodes {
		if err := n.look(x.t.Context(), &lanes); err != nil {
			x.t.Fatal(err)
		}
	}
	lanes.Wait()
}

func (x *world) deliveries(e *Endpoint) []Delivery {
	x.t.Helper()
	list, err := x.w.Deliveries(x.t.Context(), e.ID, Page{})
	if err != nil {
		x.t.Fatal(err)
	}
	return list
}

func (x *world) get(e *Endpoint) *Endpoint {
	x.t.Helper()
	got, err := x.w.Get(x.t.Context(), e.ID)
	if err != nil {
		x.t.Fatal(err)
	}
	return got
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("never: %s", what)
}
