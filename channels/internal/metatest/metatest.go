// Package metatest runs an adapter against the simulator of the platform: a far side in a
// process of its own, with real HTTP both ways. It is for tests.
package metatest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

// patience is how long an event is waited for, and how long a call may take.
const patience = 10 * time.Second

// M is a JSON object.
type M = map[string]any

// Rig is a far side of its own, and the hub that it talks to. It is a channels.Host over the one
// given to [Start]: HTTP, the clock, file links and the callback address are real.
type Rig struct {
	channels.Host
	URL string // of the far side
	App map[string]string

	t       *testing.T
	channel *channels.Channel
	srv     *httptest.Server

	mu      sync.Mutex
	session channels.Session
	got     []timeline.Inbound
	ahead   time.Duration
}

// Start builds the simulator in a folder and starts it; both end with the test. app makes the
// settings that accounts share, given the far side's address.
func Start(t *testing.T, folder string, c *channels.Channel, host channels.Host, app func(url string) map[string]string) *Rig {
	t.Helper()
	path := filepath.Join(t.TempDir(), "far")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", path, ".")
	build.Dir = folder
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("the simulator does not build: %v\n%s", err, out)
	}
	run := exec.CommandContext(t.Context(), path, "-addr", "127.0.0.1:0", "-seed", "7")
	out, err := run.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = run.Wait() }) // it was killed
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	addr = strings.TrimSpace(addr)
	if _, _, err := net.SplitHostPort(addr); err != nil {
		t.Fatal(err)
	}
	r := &Rig{Host: host, URL: "http://" + addr, t: t, channel: c}
	r.App = app(r.URL)
	r.srv = httptest.NewServer(r)
	t.Cleanup(r.srv.Close)
	return r
}

// HTTP reaches the network.
func (r *Rig) HTTP() *http.Client { return &http.Client{Timeout: patience} }

// Now is the far side's clock.
func (r *Rig) Now() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return timeline.Now().Add(r.ahead)
}

// Callback is where the rig listens.
func (r *Rig) Callback(bool) string { return r.srv.URL + "/hooks" }

// Files are the host's, with links that work.
func (r *Rig) Files() channels.Files { return files{r.Host.Files(), r.srv.URL} }

type files struct {
	channels.Files
	url string
}

func (f files) URL(id timeline.FileID, _ time.Duration) string { return f.url + "/files/" + string(id) }

// ServeHTTP is the hub's door: the handshake, callbacks, and files.
func (r *Rig) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	if id, ok := strings.CutPrefix(q.URL.Path, "/files/"); ok {
		r.file(w, q, timeline.FileID(id))
		return
	}
	body, err := io.ReadAll(q.Body)
	if err != nil {
		http.Error(w, "cut off", http.StatusBadRequest)
		return
	}
	slices, a, err := r.channel.Split(r.App, channels.Callback{Method: q.Method, Query: q.URL.Query(), Header: q.Header, Body: body, At: time.Now()})
	if err != nil {
		http.Error(w, "refused", http.StatusForbidden)
		return
	}
	for _, s := range slices {
		s.Verified = true
		if !r.take(s.Callback) {
			http.Error(w, "unreadable", http.StatusInternalServerError)
			return
		}
	}
	_, _ = w.Write(a.Body) // who hung up needs no answer
}

func (r *Rig) file(w http.ResponseWriter, q *http.Request, id timeline.FileID) {
	f, p, err := r.Host.Files().Open(q.Context(), id)
	if err != nil {
		http.Error(w, "no such file", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", p.MIME)
	_, _ = io.Copy(w, f)
	_ = f.Close()
}

func (r *Rig) take(c channels.Callback) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	d, ok := r.session.(channels.Decoder)
	if !ok {
		return true
	}
	in, _, err := d.Decode(c)
	r.got = append(r.got, in...)
	return err == nil
}

// Open opens the account under test.
func (r *Rig) Open(a channels.Account) channels.Session {
	r.t.Helper()
	a.App = r.App
	s, err := r.channel.Open(a, r)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		if err := s.Close(); err != nil {
			r.t.Error(err)
		}
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	r.session = s
	return s
}

// Control makes a call of the simulator's control API, which must succeed.
func (r *Rig) Control(method, path string, body, into any) {
	r.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		r.t.Fatal(err)
	}
	q, err := http.NewRequestWithContext(r.t.Context(), method, r.URL+"/_sim"+path, bytes.NewReader(b))
	if err != nil {
		r.t.Fatal(err)
	}
	resp, err := r.HTTP().Do(q)
	if err != nil {
		r.t.Fatal(err)
	}
	raw, err := io.ReadAll(resp.Body)
	if err != nil || resp.Body.Close() != nil || resp.StatusCode != http.StatusOK {
		r.t.Fatalf("%s %s: %d %s %v", method, path, resp.StatusCode, raw, err)
	}
	if into != nil {
		if err := json.Unmarshal(raw, into); err != nil {
			r.t.Fatal(err)
		}
	}
}

// Pass moves both clocks.
func (r *Rig) Pass(d time.Duration) {
	r.t.Helper()
	r.Control(http.MethodPost, "/clock", M{"advance": d.String()}, nil)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ahead += d
}

// Until waits for an event.
func (r *Rig) Until(what string, is func(timeline.Inbound) bool) timeline.Inbound {
	r.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		for _, in := range r.Heard() {
			if is(in) {
				return in
			}
		}
	}
	b, err := json.Marshal(r.Heard())
	r.t.Fatalf("never: %s; heard %s %v", what, b, err)
	return timeline.Inbound{}
}

// Heard are the events so far, repeats left out as the hub would.
func (r *Rig) Heard() []timeline.Inbound {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := map[timeline.EventID]bool{}
	var out []timeline.Inbound
	for _, in := range r.got {
		if !seen[in.Event.ID] {
			seen[in.Event.ID] = true
			out = append(out, in)
		}
	}
	return out
}

// Answer is a message to whoever events came from: its window is the newest message's of the same
// thread.
func (r *Rig) Answer(in timeline.Inbound, text string) timeline.Outbound {
	o := timeline.Outbound{ID: "m1", Channel: r.channel.Kind, Thread: in.Event.Thread, Place: in.Place, To: in.To, Attempt: 1, At: r.Now(),
		Actor: timeline.Actor{Kind: timeline.ActorAgent, ID: "g1"}, Message: &timeline.Message{Text: text}, Opened: map[string]timeline.Window{}}
	for _, opens := range in.Opens {
		o.Opened[opens] = timeline.Window{At: in.Event.At, By: in.Event.Remote}
	}
	return o
}

// Do plans a message as the hub would and takes its steps.
func (r *Rig) Do(s channels.Session, o timeline.Outbound) []channels.Result {
	r.t.Helper()
	steps, err := s.(channels.Planner).Plan(o)
	if err != nil {
		r.t.Fatal(err)
	}
	rule, _, _ := r.channel.On(o.Place).Allowed(o.Opened, o.Actor.Kind, r.Now())
	var out []channels.Result
	for i, st := range steps {
		st.Key, st.N, st.Outbound, st.Tag = channels.StepKey(o.ID, i), i, o, rule.Tag
		out = append(out, s.Do(r.t.Context(), st))
	}
	return out
}
