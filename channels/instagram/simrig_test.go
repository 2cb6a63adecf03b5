package instagram

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/channeltest"
	"github.com/parley-hub/parley/channels/internal/metatest"
	"github.com/parley-hub/parley/timeline"
)

// simFolder is the module of the far side that these tests run against.
const simFolder = "metasim"

// built is the simulator's program, made once.
var built struct {
	sync.Once
	path, dir string
	err       error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built.dir != "" {
		if err := os.RemoveAll(built.dir); err != nil && code == 0 {
			code = 1
		}
	}
	os.Exit(code)
}

func simulator(t *testing.T) string {
	t.Helper()
	if !exists(filepath.Join(simFolder, "main.go")) {
		t.Skip("SKIPPED: there is no simulator in " + simFolder)
	}
	built.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "metasim"); built.err != nil {
			return
		}
		built.path = filepath.Join(built.dir, "metasim")
		c := exec.Command("go", "build", "-o", built.path, ".")
		c.Dir = simFolder
		var out []byte
		if out, built.err = c.CombinedOutput(); built.err != nil {
			built.err = &channels.Problem{Title: "the simulator does not build", Detail: string(out)}
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.path
}

// rig is a far side of its own, an app with an account on it, and a hub that listens.
type rig struct {
	t       *testing.T
	url     string
	account struct {
		Key    string `json:"key"`
		IG     string `json:"ig_id"`
		IGUser string `json:"ig_user_id"`
		Page   string `json:"page_id"`
	}
	host *simHost
	s    channels.Session
}

// simHost is a hub in memory with real HTTP both ways.
type simHost struct {
	*channeltest.Hub
	srv *httptest.Server
	app map[string]string

	mu      sync.Mutex
	session channels.Session
	got     []timeline.Inbound
	ahead   time.Duration // how far the far side's clock was moved
}

func (h *simHost) HTTP() *http.Client { return &http.Client{Timeout: 10 * time.Second} }
func (h *simHost) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return timeline.Now().Add(h.ahead)
}
func (h *simHost) Callback(bool) string  { return h.srv.URL + "/hooks/instagram" }
func (h *simHost) Files() channels.Files { return simFiles{h.Hub.Files(), h} }

type simFiles struct {
	channels.Files
	h *simHost
}

func (f simFiles) URL(id timeline.FileID, _ time.Duration) string {
	return f.h.srv.URL + "/files/" + string(id)
}

// ServeHTTP is the hub's door: the handshake, callbacks, and files.
func (h *simHost) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if id, ok := strings.CutPrefix(r.URL.Path, "/files/"); ok {
		f, p, err := h.Hub.Files().Open(r.Context(), timeline.FileID(id))
		if err != nil {
			http.Error(w, "no such file", http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", p.MIME)
		_, _ = io.Copy(w, f)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "cut off", http.StatusBadRequest)
		return
	}
	slices, a, err := Channel.Split(h.app, channels.Callback{Method: r.Method, Query: r.URL.Query(), Header: r.Header, Body: body, At: time.Now()})
	if err != nil {
		http.Error(w, "refused", http.StatusForbidden)
		return
	}
	for _, s := range slices {
		s.Verified = true
		h.mu.Lock()
		if d, ok := h.session.(channels.Decoder); ok {
			in, _, err := d.Decode(s.Callback)
			if err != nil {
				http.Error(w, "unreadable", http.StatusInternalServerError)
			}
			h.got = append(h.got, in...)
		}
		h.mu.Unlock()
	}
	_, _ = w.Write(a.Body)
}

// heard are the events so far, repeats left out as the hub would.
func (h *simHost) heard() []timeline.Inbound {
	h.mu.Lock()
	defer h.mu.Unlock()
	seen := map[timeline.EventID]bool{}
	var out []timeline.Inbound
	for _, in := range h.got {
		if !seen[in.Event.ID] {
			seen[in.Event.ID] = true
			out = append(out, in)
		}
	}
	return out
}

type m = map[string]any

// newRig starts a far side. The account is not connected yet.
func newRig(t *testing.T, more ...string) *rig {
	t.Helper()
	path := simulator(t)
	ctx, cancel := context.WithCancel(context.Background())
	c := exec.CommandContext(ctx, path, append([]string{"-addr", "127.0.0.1:0", "-seed", "7"}, more...)...)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = c.Wait() // it was killed
	})
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := net.SplitHostPort(strings.TrimSpace(addr)); err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, url: "http://" + strings.TrimSpace(addr)}
	r.host = &simHost{Hub: channeltest.NewHub(), app: map[string]string{"appId": "4242", "appSecret": secret, "instagramAppId": "4343", "instagramAppSecret": secret, "verifyToken": "canary-verify-token",
		"graphFacebook": r.url + "/graph.facebook.com", "graphInstagram": r.url + "/graph.instagram.com", "apiInstagram": r.url + "/api.instagram.com",
		"wwwInstagram": r.url + "/www.instagram.com", "wwwFacebook": r.url + "/www.facebook.com"}}
	r.host.srv = httptest.NewServer(r.host)
	t.Cleanup(r.host.srv.Close)
	r.sim("POST", "/apps", m{"id": "4242", "ig_app_id": "4343", "name": "Hub", "secret": secret}, nil)
	r.sim("POST", "/accounts", m{"username": "moss.and.clay", "name": "Moss & Clay", "ig_id": "auto", "ig_user_id": "26000000000000001", "page_id": "auto"}, &r.account)
	r.sim("POST", "/people", m{"key": "maya", "name": "Maya", "username": "maya.hikes", "followers": 12}, nil)
	return r
}

// sim makes a control call, which must succeed.
func (r *rig) sim(method, path string, body, into any) {
	r.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		r.t.Fatal(err)
	}
	q, err := http.NewRequestWithContext(r.t.Context(), method, r.url+"/_sim"+path, bytes.NewReader(b))
	if err != nil {
		r.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(q)
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

// did is what came of an act.
type did struct {
	Message string `json:"message"`
	Comment string `json:"comment"`
	Person  string `json:"person_id"`
	Media   string `json:"media"`
}

func (r *rig) act(a m) (d did) {
	r.t.Helper()
	r.sim("POST", "/act", a, &d)
	return d
}

// pass moves both clocks.
func (r *rig) pass(d time.Duration) {
	r.t.Helper()
	r.sim("POST", "/clock", m{"advance": d.String()}, nil)
	r.host.mu.Lock()
	defer r.host.mu.Unlock()
	r.host.ahead += d
}

// connect signs in on the consent page, and opens what was found.
func (r *rig) connect(flavour string) map[string]string {
	r.t.Helper()
	at, err := way(r.t, flavour).Begin(r.host.app, back, "state-1")
	if err != nil {
		r.t.Fatal(err)
	}
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := browser.PostForm(at, url.Values{"account": {r.account.Key}, "decision": {"allow"}})
	if err != nil {
		r.t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		r.t.Fatal(err)
	}
	to, err := resp.Location()
	if err != nil || to.Query().Get("state") != "state-1" {
		r.t.Fatal(resp.Status, to, err)
	}
	found, err := way(r.t, flavour).Finish(r.t.Context(), r.host.HTTP(), r.host.app, to.Query(), back)
	if err != nil || len(found) != 1 || string(found[0].Handle) != r.account.IG {
		r.t.Fatalf("%+v %v", found, err)
	}
	settings := maps.Clone(found[0].Settings)
	settings["version"] = "v25.0"
	r.open(settings)
	return settings
}

func (r *rig) open(settings map[string]string) {
	r.t.Helper()
	s, err := Channel.Open(channels.Account{ID: channeltest.Account, Handle: timeline.Handle(r.account.IG), Settings: settings, App: r.host.app}, r.host)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		if err := s.Close(); err != nil {
			r.t.Error(err)
		}
	})
	r.s = s
	r.host.mu.Lock()
	r.host.session = s
	r.host.mu.Unlock()
}

// subscribed makes the far side tell us.
func (r *rig) subscribed() {
	r.t.Helper()
	if changed, err := r.s.(channels.Subscriber).EnsureSubscribed(r.t.Context()); err != nil || !changed {
		r.t.Fatal(changed, err)
	}
	if changed, err := r.s.(channels.Subscriber).EnsureSubscribed(r.t.Context()); err != nil || changed {
		r.t.Fatal("asked once more, it subscribed again:", changed, err)
	}
}

// until waits for an event.
func (r *rig) until(what string, is func(timeline.Inbound) bool) timeline.Inbound {
	r.t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		for _, in := range r.host.heard() {
			if is(in) {
				return in
			}
		}
	}
	r.t.Fatalf("never: %s; heard %q", what, briefs(r.host.heard()))
	return timeline.Inbound{}
}

// to is a message to whoever an event came from, at the present moment.
func (r *rig) to(in timeline.Inbound, text string) timeline.Outbound {
	now := r.host.Now()
	o := timeline.Outbound{ID: "m1", Channel: Kind, Thread: in.Event.Thread, Place: in.Place, To: in.To, Attempt: 1, At: now,
		Actor: timeline.Actor{Kind: timeline.ActorAgent, ID: "g1"}, Message: &timeline.Message{Text: text}}
	for _, opens := range in.Opens {
		o.Opened = map[string]timeline.Window{opens: {At: in.Event.At, By: in.Event.Remote}}
	}
	return o
}

// do plans a message and takes its steps.
func (r *rig) do(o timeline.Outbound) []channels.Result {
	r.t.Helper()
	var out []channels.Result
	for _, st := range metatest.Planned(r.t, &Channel, r.s, o) {
		res := r.s.Do(r.t.Context(), st)
		out = append(out, res)
	}
	return out
}

// ends fails unless a call ended in a way.
func (r *rig) ends(res channels.Result, o channels.Outcome, c channels.Class) {
	r.t.Helper()
	if res.Outcome != o || c != "" && (res.Failure == nil || res.Failure.Class != c) {
		r.t.Fatalf("%s %v", res.Outcome, res.Failure)
	}
}
