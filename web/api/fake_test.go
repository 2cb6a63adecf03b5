package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/oklog/ulid/v2"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/inbox/realtime"
	"github.com/parley-hub/parley/internal/auth"
	"github.com/parley-hub/parley/internal/blob"
	"github.com/parley-hub/parley/internal/bus"
	"github.com/parley-hub/parley/internal/gateway"
	"github.com/parley-hub/parley/internal/seal"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/internal/webhooks"
	"github.com/parley-hub/parley/timeline"
	"github.com/parley-hub/parley/web/api"
)

const password = "correct horse battery"

// world is the API over a real server on loopback, the embedded store and fakes.
type world struct {
	t     testing.TB
	url   string
	store *faultyStore
	auth  *auth.Service
	api   *api.Server
	app   *fiber.App
	now   *clock
	fakes
}

// fakes stand for the rest of the hub.
type fakes struct {
	journal  *journal
	outbox   *outbox
	accounts *accounts
	files    *files
	live     *live
	merges   *merges
	starts   *starts
	people   *people
	dead     *dead
}

func newWorld(t testing.TB, opts ...func(*api.Deps)) *world {
	t.Helper()
	inner, err := store.OpenEmbedded(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := inner.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = inner.Close() })
	box, err := seal.New(bytes.Repeat([]byte{7}, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, store: &faultyStore{Store: inner}, now: &clock{t: time.Now()}}
	w.auth = auth.New(w.store, box, auth.Options{Now: w.now.Now})
	w.fakes = fakes{journal: &journal{}, outbox: &outbox{}, accounts: &accounts{m: map[timeline.AccountID]gateway.Account{}},
		files: &files{m: map[timeline.FileID][]byte{}}, live: &live{}, merges: &merges{}, starts: &starts{}, people: &people{}, dead: &dead{}}
	d := api.Deps{Store: w.store, Auth: w.auth, Commands: w.journal, Outbox: w.outbox, Accounts: w.accounts, Files: w.files,
		Realtime: w.live, Merges: w.merges, Starts: w.starts, People: w.people, Dead: w.dead, Channels: []*channels.Channel{chat},
		Status:  func(context.Context) api.HubStatus { return api.HubStatus{Version: "test", Node: "n1", Ready: true} },
		Options: api.Options{Undo: 5 * time.Second, UploadMax: 2 << 20, Version: "test", Now: w.now.Now}}
	d.Webhooks, err = webhooks.New(webhooks.Deps{Store: w.store, Box: box, Audit: w.auth.Audit, Now: w.now.Now, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range opts {
		o(&d)
	}
	w.api = api.New(d)
	w.app = fiber.New(api.FiberConfig(2 << 20))
	w.api.Mount(w.app)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.url = "http://" + ln.Addr().String()
	go func() { _ = w.app.Listener(ln) }()
	t.Cleanup(func() { _ = w.app.ShutdownWithTimeout(2 * time.Second) })
	return w
}

var chat = &channels.Channel{Kind: "webchat", Title: map[string]string{"en": "Web chat"}, Icon: "message-circle", Hue: 220,
	Embed: `<script src="{hub}/w.js" data-account="{account}"></script>`,
	Settings: []channels.Setting{{Name: "title", Label: map[string]string{"en": "Title"}, Kind: "text"},
		{Name: "token", Label: map[string]string{"en": "Token"}, Kind: "secret", Optional: true}},
	Can: channels.Capabilities{Text: channels.TextLimit{Max: 50, Unit: "runes"}, MaxParts: 2,
		Media: map[string]channels.MediaLimit{"image": {MaxBytes: 1000, MIME: []string{"image/*"}}}}}

// agent makes an agent with a role and gives their API token.
func (w *world) agent(role string, change ...func(*auth.NewAgent)) (*auth.Agent, string) {
	w.t.Helper()
	n := auth.NewAgent{Email: ulid.Make().String() + "@example.org", Name: "Priya Nair", Roles: []string{role}}
	for _, c := range change {
		c(&n)
	}
	a, err := w.auth.CreateAgent(w.t.Context(), n)
	if err != nil {
		w.t.Fatal(err)
	}
	secret, _, err := w.auth.CreateToken(w.t.Context(), a.ID, "test", nil, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return a, secret
}

// answer is what a call got.
type answer struct {
	status  int
	header  http.Header
	body    []byte
	problem api.Problem
}

// into decodes the body.
func into[T any](t testing.TB, a answer) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(a.body, &v); err != nil {
		t.Fatalf("decoding %q: %v", a.body, err)
	}
	return v
}

type header map[string]string

// call makes a request with a token; body is JSON, bytes as they are, or nil.
func (w *world) call(token, method, path string, in any, headers ...header) answer {
	w.t.Helper()
	return w.do(http.DefaultClient, token, method, path, in, headers...)
}

func (w *world) do(client *http.Client, token, method, path string, in any, headers ...header) answer {
	w.t.Helper()
	var body io.Reader
	switch b := in.(type) {
	case nil:
	case []byte:
		body = bytes.NewReader(b)
	case string:
		body = bytes.NewReader([]byte(b))
	default:
		data, err := json.Marshal(in)
		if err != nil {
			w.t.Fatal(err)
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, body)
	if err != nil {
		w.t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for _, h := range headers {
		for name, value := range h {
			req.Header.Set(name, value)
			if name == "Host" {
				req.Host = value
			}
		}
	}
	resp, err := client.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header, body: data}
	if resp.Header.Get("Content-Type") == "application/problem+json" {
		a.problem = into[api.Problem](w.t, a)
	}
	return a
}

// want fails unless the call answered with a status and, for an error, a kind of problem.
func (w *world) want(a answer, status int, kind string) answer {
	w.t.Helper()
	if a.status != status {
		w.t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	if kind != "" && a.problem.Type != "/api/problems/"+kind {
		w.t.Fatalf("problem %q, want %q: %s", a.problem.Type, kind, a.body)
	}
	if kind != "" && (a.problem.Title == "" || a.problem.Detail == "" || a.problem.Status != status) {
		w.t.Fatalf("problem without title, detail or status: %s", a.body)
	}
	return a
}

// browser is a client that keeps cookies.
func (w *world) browser() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return &http.Client{Jar: jar}
}

// conversation stores a conversation with events, as append would.
func (w *world) conversation(change ...func(*timeline.Conversation)) *timeline.Conversation {
	w.t.Helper()
	now := timeline.Now()
	id := ulid.Make().String()
	leg := timeline.Thread{Account: "demo", ID: timeline.ThreadID("v-" + id)}
	c := &timeline.Conversation{ID: timeline.ConversationID(id), Number: number.Add(1), Person: timeline.PersonID(ulid.Make().String()), Name: "Maya",
		Queue: "support", State: timeline.Open, LastAt: now, CreatedAt: now,
		Legs: []timeline.Leg{{ID: leg.Leg(), Thread: leg, Channel: "webchat", Peer: "v", LastIn: &now}}}
	for _, f := range change {
		f(c)
	}
	w.insert(store.Conversations, c)
	return c
}

func (w *world) insert(collection string, doc any) {
	w.t.Helper()
	if err := w.store.C(collection).Insert(w.t.Context(), doc); err != nil {
		w.t.Fatal(err)
	}
}

// number counts conversations: each has its own.
var number atomic.Int64

// event stores an event of a conversation.
func (w *world) event(c *timeline.Conversation, seq int64, change ...func(*timeline.Event)) *timeline.Event {
	w.t.Helper()
	at := timeline.Now()
	e := &timeline.Event{ID: timeline.EventID(ulid.Make().String()), Kind: timeline.KindMessage, Conversation: c.ID, Seq: seq, Leg: c.Legs[0].ID,
		Thread: c.Legs[0].Thread, Direction: timeline.In, Actor: timeline.Actor{Kind: timeline.ActorCustomer, Name: "Maya"}, At: at, Received: at,
		Message: &timeline.Message{Text: "hello"}}
	for _, f := range change {
		f(e)
	}
	w.insert(store.Events, e)
	return e
}

// journal records commands.
type journal struct {
	mu   sync.Mutex
	cmds []timeline.Command
	err  error
}

func (j *journal) Publish(_ context.Context, cmds ...timeline.Command) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return j.err
	}
	j.cmds = append(j.cmds, cmds...)
	return nil
}

func (j *journal) take() []timeline.Command {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := j.cmds
	j.cmds = nil
	return out
}

type outbox struct {
	ok  bool
	err error
	got timeline.EventID
}

func (o *outbox) Cancel(_ context.Context, id timeline.EventID) (bool, error) {
	o.got = id
	return o.ok, o.err
}

type accounts struct {
	m map[timeline.AccountID]gateway.Account
}

func (a *accounts) List(context.Context) ([]gateway.Account, error) {
	var list []gateway.Account
	for _, x := range a.m {
		list = append(list, x)
	}
	return list, nil
}

func (a *accounts) Get(_ context.Context, id timeline.AccountID) (gateway.Account, error) {
	x, ok := a.m[id]
	if !ok {
		return x, gateway.ErrNoAccount
	}
	return x, nil
}

func (a *accounts) Create(_ context.Context, d gateway.Draft) (gateway.Account, error) {
	if d.Settings["title"] == "" {
		return gateway.Account{}, &gateway.Invalid{Fields: []gateway.FieldError{{Field: "title", Text: "Write a title."}}}
	}
	x := gateway.Account{ID: timeline.AccountID(ulid.Make().String()), Channel: d.Channel, Name: d.Name, Settings: d.Settings}
	a.m[x.ID] = x
	return x, nil
}

func (a *accounts) Update(ctx context.Context, id timeline.AccountID, ch gateway.Change) (gateway.Account, error) {
	x, err := a.Get(ctx, id)
	if ch.Enabled != nil {
		x.Enabled = *ch.Enabled
	}
	return x, err
}

func (a *accounts) Remove(_ context.Context, id timeline.AccountID) error {
	if _, ok := a.m[id]; !ok {
		return gateway.ErrNoAccount
	}
	delete(a.m, id)
	return nil
}

type files struct {
	mu   sync.Mutex
	m    map[timeline.FileID][]byte
	mime string
	name string
}

type openFile struct{ *bytes.Reader }

func (openFile) Close() error { return nil }

func (f *files) part(id timeline.FileID, data []byte) timeline.Part {
	return timeline.Part{Kind: timeline.PartImage, File: id, Name: f.name, MIME: f.mime, Size: int64(len(data))}
}

func (f *files) Put(_ context.Context, name string, r io.Reader, _ int64) (timeline.Part, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return timeline.Part{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	id := timeline.FileID(ulid.Make().String())
	f.m[id], f.name, f.mime = data, name, http.DetectContentType(data)
	return f.part(id, data), nil
}

func (f *files) Open(_ context.Context, id timeline.FileID) (io.ReadSeekCloser, timeline.Part, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	data, ok := f.m[id]
	if !ok {
		return nil, timeline.Part{}, fs.ErrNotExist
	}
	return openFile{bytes.NewReader(data)}, f.part(id, data), nil
}

func (f *files) Thumb(ctx context.Context, id timeline.FileID, max int) (io.ReadSeekCloser, timeline.Part, error) {
	r, p, err := f.Open(ctx, id)
	if err == nil && !strings.HasPrefix(p.MIME, "image/") {
		return nil, p, &blob.Refusal{Kind: blob.ErrNoThumb, Reason: "There is no small picture of it."}
	}
	if err == nil {
		p.Name, p.Width = "small.jpg", max
	}
	return r, p, err
}

// live echoes frames, and tells what the viewer may see.
type live struct{}

func (l *live) ServeAgent(ctx context.Context, s realtime.Socket, v realtime.Viewer) error {
	if err := s.Write([]byte(`{"type":"hello","agent":"` + string(v.Agent) + `"}`)); err != nil {
		return err
	}
	for {
		data, err := s.Read()
		if err != nil {
			return err
		}
		if string(data) == "batch" {
			big := `{"big":"` + strings.Repeat("y", 300_000) + `"}`
			if err := s.(realtime.Batcher).WriteBatch([][]byte{[]byte("one"), []byte(big), []byte("three")}); err != nil {
				return err
			}
			continue
		}
		sees := v.CanSee(&timeline.Conversation{Team: timeline.TeamID(data)})
		if err := s.Write(append(data, map[bool]string{true: " seen", false: " hidden"}[sees]...)); err != nil {
			return err
		}
	}
}

type merges struct{ err error }

func (m *merges) Merge(context.Context, timeline.PersonID, timeline.PersonID, timeline.Actor) (string, error) {
	return "merge-1", m.err
}
func (m *merges) Undo(context.Context, string, timeline.Actor) error { return m.err }

type dead struct{ list []bus.Dead }

func (d *dead) DeadLetters(_ context.Context, _, after string, limit int) ([]bus.Dead, error) {
	out := []bus.Dead{}
	for _, x := range d.list {
		if x.ID > after && len(out) < limit {
			out = append(out, x)
		}
	}
	return out, nil
}
func (d *dead) Replay(_ context.Context, id string) error  { return d.find(id) }
func (d *dead) Discard(_ context.Context, id string) error { return d.find(id) }
func (d *dead) find(id string) error {
	for _, x := range d.list {
		if x.ID == id {
			return nil
		}
	}
	return bus.ErrNoDead
}

// faultyStore can go down.
type faultyStore struct {
	store.Store
	mu   sync.Mutex
	down bool
}

func (f *faultyStore) fail(down bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down = down
}

func (f *faultyStore) C(name string) store.Collection {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down {
		return downCollection{}
	}
	return f.Store.C(name)
}

// downCollection refuses everything.
type downCollection struct{}

var errDown = fmt.Errorf("%w: the test says so", store.ErrUnavailable)

func (downCollection) Insert(context.Context, any) error { return errDown }
func (downCollection) Bulk(context.Context, ...store.Write) ([]error, error) {
	return nil, errDown
}
func (downCollection) One(context.Context, bson.D, any, ...store.Find) error { return errDown }
func (downCollection) All(context.Context, bson.D, any, ...store.Find) error { return errDown }
func (downCollection) Each(context.Context, bson.D, func(bson.Raw) error, ...store.Find) error {
	return errDown
}
func (downCollection) Count(context.Context, bson.D) (int64, error)              { return 0, errDown }
func (downCollection) Update(context.Context, bson.D, bson.D) (int64, error)     { return 0, errDown }
func (downCollection) UpdateMany(context.Context, bson.D, bson.D) (int64, error) { return 0, errDown }
func (downCollection) Upsert(context.Context, bson.D, bson.D) (bool, error)      { return false, errDown }
func (downCollection) Modify(context.Context, bson.D, bson.D, bool, any) error   { return errDown }
func (downCollection) Delete(context.Context, bson.D) (int64, error)             { return 0, errDown }

func newULID() string { return ulid.Make().String() }
