package channeltest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

// Transport is a far side in memory.
type Transport func(*Request) Reply

// Request is a call as the far side sees it.
type Request struct {
	*http.Request
	Body []byte
}

// Reply is what it answers. With Err the connection breaks instead.
type Reply struct {
	Status int
	Header http.Header
	Body   string
	Err    error
}

// Hub is a hub in memory: it keeps what is emitted, has files and threads, and notices what
// is used when nothing may be. It is safe for concurrent use.
type Hub struct {
	mu        sync.Mutex
	now       time.Time
	forbidden bool
	used      []string
	emitted   []timeline.Inbound
	down      error
	far       Transport
	health    channels.Health
	files     map[timeline.FileID][]byte
	parts     map[timeline.FileID]timeline.Part
	log       bytes.Buffer
	threads   *Threads
	notes     map[string][]byte
}

var _ channels.Host = (*Hub)(nil)

// NewHub makes a hub whose clock stands still.
func NewHub() *Hub {
	h := &Hub{notes: map[string][]byte{}, now: epoch, files: map[timeline.FileID][]byte{}, parts: map[timeline.FileID]timeline.Part{}}
	h.threads = &Threads{hub: h, items: map[string][]timeline.Item{}, watch: map[string]map[int]func(timeline.Item){}}
	return h
}

// At sets the clock.
func (h *Hub) At(t time.Time) *Hub { h.mu.Lock(); defer h.mu.Unlock(); h.now = t; return h }

// Pass moves the clock.
func (h *Hub) Pass(d time.Duration) { h.mu.Lock(); defer h.mu.Unlock(); h.now = h.now.Add(d) }

// Far sets the far side that HTTP reaches.
func (h *Hub) Far(t Transport) *Hub { h.mu.Lock(); defer h.mu.Unlock(); h.far = t; return h }

// Down makes Emit fail until it is called with nil.
func (h *Hub) Down(err error) { h.mu.Lock(); defer h.mu.Unlock(); h.down = err }

// Forbid makes the hub note every use from now on: Decode and Plan may use nothing.
func (h *Hub) Forbid(on bool) { h.mu.Lock(); defer h.mu.Unlock(); h.forbidden = on }

// Used is what was used while it was forbidden.
func (h *Hub) Used() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Compact(slices.Clone(h.used))
}

// Emitted is what was made durable.
func (h *Hub) Emitted() []timeline.Inbound {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.emitted)
}

// Logged is what was logged.
func (h *Hub) Logged() string { h.mu.Lock(); defer h.mu.Unlock(); return h.log.String() }

// State is the health last reported.
func (h *Hub) State() channels.Health { h.mu.Lock(); defer h.mu.Unlock(); return h.health }

func (h *Hub) use(what string) {
	if h.forbidden {
		h.used = append(h.used, what)
	}
}

// Emit keeps events, or fails while the hub is down.
func (h *Hub) Emit(ctx context.Context, in ...timeline.Inbound) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.use("Emit")
	if h.down != nil {
		return h.down
	}
	h.emitted = append(h.emitted, in...)
	return ctx.Err()
}

// HTTP reaches the far side in memory and nothing else.
func (h *Hub) HTTP() *http.Client {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.use("HTTP")
	return &http.Client{Transport: transport{h}, Timeout: 5 * time.Second}
}

type transport struct{ h *Hub }

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	t.h.mu.Lock()
	far := t.h.far
	t.h.use("network")
	t.h.mu.Unlock()
	if far == nil {
		return nil, fmt.Errorf("channeltest: there is no network: %s %s", r.Method, r.URL.Host)
	}
	q := &Request{Request: r}
	if r.Body != nil {
		b, err := io.ReadAll(r.Body)
		if err = errors.Join(err, r.Body.Close()); err != nil {
			return nil, err
		}
		q.Body = b
	}
	a := far(q)
	if a.Err != nil {
		return nil, a.Err
	}
	if a.Status == 0 {
		a.Status = http.StatusOK
	}
	if a.Header == nil {
		a.Header = http.Header{"Content-Type": {"application/json"}}
	}
	return &http.Response{StatusCode: a.Status, Status: http.StatusText(a.Status), Header: a.Header, Request: r, ProtoMajor: 1, ProtoMinor: 1,
		ContentLength: int64(len(a.Body)), Body: io.NopCloser(bytes.NewReader([]byte(a.Body)))}, nil
}

// Now is the clock.
func (h *Hub) Now() time.Time { h.mu.Lock(); defer h.mu.Unlock(); h.use("Now"); return h.now }

// Log keeps what is logged.
func (h *Hub) Log() *slog.Logger { return slog.New(slog.NewTextHandler(logWriter{h}, nil)) }

type logWriter struct{ h *Hub }

func (w logWriter) Write(b []byte) (int, error) {
	w.h.mu.Lock()
	defer w.h.mu.Unlock()
	return w.h.log.Write(b)
}

// Health keeps the health reported.
func (h *Hub) Health(s channels.Health) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.use("Health")
	h.health = s
}

// Files are kept in memory.
func (h *Hub) Files() channels.Files { return memFiles{h} }

// Threads are kept in memory; see [Hub.Thread].
func (h *Hub) Threads() channels.Threads { return h.threads }

// Thread gives a test a hand on the threads.
func (h *Hub) Thread() *Threads { return h.threads }

// Callback is an address nobody answers at.
func (h *Hub) Callback(shared bool) string {
	if shared {
		return "https://hub.invalid/hooks/test"
	}
	return "https://hub.invalid/hooks/test/" + string(Account)
}

// Notes are kept in memory.
func (h *Hub) Notes() channels.Notes { return memNotes{h} }

type memNotes struct{ h *Hub }

// Get reads notes.
func (n memNotes) Get(_ context.Context, keys ...string) (map[string][]byte, error) {
	n.h.mu.Lock()
	defer n.h.mu.Unlock()
	n.h.use("Notes")
	out := map[string][]byte{}
	for _, k := range keys {
		if v, ok := n.h.notes[k]; ok {
			out[k] = bytes.Clone(v)
		}
	}
	return out, nil
}

// Put writes notes.
func (n memNotes) Put(_ context.Context, values map[string][]byte) error {
	n.h.mu.Lock()
	defer n.h.mu.Unlock()
	n.h.use("Notes")
	for k, v := range values {
		if v == nil {
			delete(n.h.notes, k)
		} else {
			n.h.notes[k] = bytes.Clone(v)
		}
	}
	return nil
}

type memFiles struct{ h *Hub }

type memFile struct{ *bytes.Reader }

func (memFile) Close() error { return nil }

// Put keeps a file under the next number.
func (f memFiles) Put(_ context.Context, name string, r io.Reader, max int64) (timeline.Part, error) {
	b, err := io.ReadAll(io.LimitReader(r, max+1))
	if err != nil {
		return timeline.Part{}, err
	}
	if int64(len(b)) > max {
		return timeline.Part{}, &channels.Problem{Status: http.StatusRequestEntityTooLarge, Title: "too large", Detail: "send less"}
	}
	f.h.mu.Lock()
	defer f.h.mu.Unlock()
	f.h.use("Files")
	id := timeline.FileID(fmt.Sprintf("F%d", len(f.h.files)+1))
	f.h.files[id] = b
	p := timeline.Part{Kind: timeline.PartFile, Name: name, MIME: http.DetectContentType(b), Size: int64(len(b)), File: id}
	if p.MIME == "image/png" {
		p.Kind = timeline.PartImage
	}
	f.h.parts[id] = p
	return p, nil
}

// Open reads a file.
func (f memFiles) Open(_ context.Context, id timeline.FileID) (io.ReadSeekCloser, timeline.Part, error) {
	f.h.mu.Lock()
	defer f.h.mu.Unlock()
	b, ok := f.h.files[id]
	if !ok {
		return nil, timeline.Part{}, fs.ErrNotExist
	}
	return memFile{bytes.NewReader(b)}, f.h.parts[id], nil
}

// Fit refuses what does not fit.
func (f memFiles) Fit(_ context.Context, id timeline.FileID, l channels.MediaLimit) (timeline.Part, error) {
	f.h.mu.Lock()
	defer f.h.mu.Unlock()
	p, ok := f.h.parts[id]
	if !ok {
		return timeline.Part{}, fs.ErrNotExist
	}
	if !l.Small(p.Size) || !l.Takes(p.MIME) {
		return timeline.Part{}, &channels.Failure{Class: channels.BadMedia, Advice: "The file does not fit."}
	}
	return p, nil
}

// URL is a link that leads nowhere.
func (memFiles) URL(id timeline.FileID, _ time.Duration) string {
	return "https://files.invalid/" + string(id)
}
