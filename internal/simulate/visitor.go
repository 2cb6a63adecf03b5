package simulate

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/parley-hub/parley/timeline"
)

// VisitorConfig is where a visitor is and what they want to know. The functions are called
// from the goroutine that reads the socket; they must not block.
type VisitorConfig struct {
	Base    string // http://127.0.0.1:8080
	Account string
	Origin  string // of the page; empty: Base
	HTTP    *http.Client
	Window  int  // messages on their way at once; 0: 1
	Post    bool // send by POST instead of over the socket

	Identity string // a JWT that signs the visitor in; empty: anonymous
	Locale   string // empty: en

	OnItem  func(timeline.Item)
	OnAck   func(id string)
	OnReady func()
}

// VisitorClient is a customer's program: a session, a socket that comes back, and an outbox
// that keeps messages until they are acknowledged. It is safe for concurrent use.
type VisitorClient struct {
	cfg VisitorConfig

	mu      sync.Mutex
	sock    *socket // nil: not connected
	token   string
	thread  string
	cursor  timeline.Cursor
	items   []timeline.Item
	outbox  []*Sent
	turn    int // counts transmissions
	refused []string
	wake    chan struct{}
}

// Sent is a message in an outbox.
type Sent struct {
	ID      string
	Text    string
	Turn    int // of the last transmission: the order of sending
	onWire  bool
	holdTil time.Time
}

// NewVisitor makes a visitor who has not come yet.
func NewVisitor(c VisitorConfig) *VisitorClient {
	if c.HTTP == nil {
		c.HTTP = NewHTTP()
	}
	if c.Origin == "" {
		c.Origin = c.Base
	}
	if c.Locale == "" {
		c.Locale = "en"
	}
	c.Window = max(c.Window, 1)
	return &VisitorClient{cfg: c, wake: make(chan struct{}, 1)}
}

type visitorSession struct {
	Token  string          `json:"token"`
	Thread string          `json:"thread"`
	Items  []timeline.Item `json:"items"`
	Cursor timeline.Cursor `json:"cursor"`
	More   bool            `json:"more"`
}

// Begin opens the session, or takes it up again.
func (v *VisitorClient) Begin(ctx context.Context) error {
	v.mu.Lock()
	token, fresh := v.token, v.cursor == ""
	v.mu.Unlock()
	in := map[string]any{"locale": v.cfg.Locale, "page": map[string]string{"url": v.cfg.Origin + "/demo/shop", "title": "Shop"}}
	if token != "" {
		in["token"] = token
	}
	if v.cfg.Identity != "" {
		in["identity"] = v.cfg.Identity
	}
	var s visitorSession
	if err := call(ctx, v.cfg.HTTP, http.MethodPost, v.url("/session"), v.head(false), in, &s); err != nil {
		return err
	}
	v.mu.Lock()
	v.token, v.thread = s.Token, s.Thread
	v.mu.Unlock()
	if fresh {
		for _, it := range s.Items {
			v.take(it)
		}
	}
	return nil
}

// Thread is the name of the visitor's thread, once a session began.
func (v *VisitorClient) Thread() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.thread
}

// Send puts a message into the outbox and gives its id. It leaves while [VisitorClient.Run] runs.
func (v *VisitorClient) Send(text string) string {
	id := NewID()
	v.SendAs(id, text)
	return id
}

// SendAs is Send with an id made before, see [NewID].
func (v *VisitorClient) SendAs(id, text string) {
	v.mu.Lock()
	v.outbox = append(v.outbox, &Sent{ID: id, Text: text})
	v.mu.Unlock()
	v.nudge()
}

// Typing tells agents that the visitor types. Without a connection nobody hears.
func (v *VisitorClient) Typing(on bool) error {
	return v.tell(map[string]any{"type": "typing", "on": on})
}

// Read says that the visitor saw everything that arrived so far.
func (v *VisitorClient) Read() error {
	v.mu.Lock()
	cursor := v.cursor
	v.mu.Unlock()
	if cursor == "" {
		return nil
	}
	return v.tell(map[string]any{"type": "read", "cursor": cursor})
}

func (v *VisitorClient) tell(frame any) error {
	v.mu.Lock()
	s := v.sock
	v.mu.Unlock()
	if s == nil {
		return nil
	}
	return s.write(frame)
}

// Waiting is how many messages are not acknowledged yet.
func (v *VisitorClient) Waiting() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.outbox)
}

// Refused are the ids of messages that the server refused for good.
func (v *VisitorClient) Refused() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.refused)
}

// Items are what the visitor saw, in the order of arrival.
func (v *VisitorClient) Items() []timeline.Item {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.items)
}

// Run keeps the socket open and the outbox moving until ctx ends.
func (v *VisitorClient) Run(ctx context.Context) {
	for wait := 20 * time.Millisecond; ctx.Err() == nil; wait = min(2*wait, 500*time.Millisecond) {
		began := time.Now()
		err := v.connect(ctx)
		if time.Since(began) > time.Second {
			wait = 20 * time.Millisecond
		}
		var p *Problem
		if err != nil && asProblem(err, &p) && p.Status == http.StatusUnauthorized {
			v.mu.Lock()
			v.token = ""
			v.mu.Unlock()
		}
		if !pause(ctx, wait) {
			return
		}
	}
}

// connect is one connection: from the handshake to the end of the socket.
func (v *VisitorClient) connect(ctx context.Context) error {
	v.mu.Lock()
	known := v.token != ""
	v.mu.Unlock()
	if !known {
		if err := v.Begin(ctx); err != nil {
			return err
		}
	}
	v.mu.Lock()
	q := url.Values{"token": {v.token}}
	if v.cursor != "" {
		q.Set("after", string(v.cursor))
	}
	for _, m := range v.outbox {
		m.onWire = false
	}
	v.mu.Unlock()
	s, err := dial(ctx, v.cfg.Base, "/c/"+v.cfg.Account+"/socket?"+q.Encode(), http.Header{"Origin": {v.cfg.Origin}})
	if err != nil {
		return err
	}
	defer s.close()
	defer func() {
		v.mu.Lock()
		v.sock = nil
		v.mu.Unlock()
	}()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer context.AfterFunc(ctx, s.close)()
	var flusher sync.WaitGroup
	defer flusher.Wait()
	defer stop()
	for {
		b, err := s.read()
		if err != nil {
			return fmt.Errorf("simulate: visitor's socket: %w", err)
		}
		var f visitorFrame
		if err := json.Unmarshal(b, &f); err != nil {
			return fmt.Errorf("simulate: visitor's frame %.100s: %w", b, err)
		}
		switch f.Type {
		case "ready":
			v.mu.Lock()
			v.sock = s
			v.mu.Unlock()
			if v.cfg.OnReady != nil {
				v.cfg.OnReady()
			}
			flusher.Go(func() { v.flush(ctx, s) })
		case "item":
			v.take(f.Item)
		case "ack":
			v.settle(f.ID, true)
		case "refused":
			v.refuse(f.ID, f.Problem)
		case "resync":
			return fmt.Errorf("simulate: told to resync")
		}
	}
}

type visitorFrame struct {
	Type    string        `json:"type"`
	ID      string        `json:"id"`
	Item    timeline.Item `json:"item"`
	Problem *Problem      `json:"problem"`
}

// flush sends what is in the outbox, at most a window of it at once.
func (v *VisitorClient) flush(ctx context.Context, s *socket) {
	ping := time.NewTicker(20 * time.Second)
	defer ping.Stop()
	for {
		for _, m := range v.due() {
			if err := v.transmit(ctx, s, m); err != nil {
				if v.cfg.Post {
					v.unsend(m)
					if !pause(ctx, 50*time.Millisecond) {
						return
					}
					continue
				}
				s.close()
				return
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-v.wake:
		case <-ping.C:
			if err := s.write(map[string]string{"type": "ping"}); err != nil {
				return
			}
		}
	}
}

func (v *VisitorClient) transmit(ctx context.Context, s *socket, m Sent) error {
	if !v.cfg.Post {
		return s.write(map[string]any{"type": "message", "id": m.ID, "text": m.Text})
	}
	err := v.Post(ctx, m.ID, m.Text)
	if err != nil && !Again(err) {
		v.settle(m.ID, false)
		return nil
	}
	if err == nil {
		v.settle(m.ID, true)
	}
	return err
}

// Post sends one message by HTTP; nil means that it is durable.
func (v *VisitorClient) Post(ctx context.Context, id, text string) error {
	return call(ctx, v.cfg.HTTP, http.MethodPost, v.url("/messages"), v.head(true), map[string]any{"id": id, "text": text}, nil)
}

// due takes what may go on the wire now.
func (v *VisitorClient) due() []Sent {
	v.mu.Lock()
	defer v.mu.Unlock()
	var out []Sent
	now := time.Now()
	for i, m := range v.outbox {
		if i >= v.cfg.Window || now.Before(m.holdTil) {
			break // nothing overtakes what is held back
		}
		if !m.onWire {
			v.turn++
			m.onWire, m.Turn = true, v.turn
			out = append(out, *m)
		}
	}
	return out
}

func (v *VisitorClient) unsend(m Sent) {
	v.mu.Lock()
	for _, x := range v.outbox {
		if x.ID == m.ID {
			x.onWire = false
		}
	}
	v.mu.Unlock()
	v.nudge()
}

// settle takes a message out of the outbox: acknowledged, or refused for good.
func (v *VisitorClient) settle(id string, acked bool) {
	v.mu.Lock()
	n := len(v.outbox)
	v.outbox = slices.DeleteFunc(v.outbox, func(m *Sent) bool { return m.ID == id })
	was := n > len(v.outbox)
	if was && !acked {
		v.refused = append(v.refused, id)
	}
	v.mu.Unlock()
	if was && acked && v.cfg.OnAck != nil {
		v.cfg.OnAck(id)
	}
	v.nudge()
}

// refuse keeps a message for later, where the server asks for that.
func (v *VisitorClient) refuse(id string, p *Problem) {
	if p == nil || !Again(p) {
		v.settle(id, false)
		return
	}
	after := max(time.Duration(p.RetryAfter)*time.Second, 100*time.Millisecond)
	v.mu.Lock()
	for _, m := range v.outbox {
		if m.ID == id {
			m.onWire, m.holdTil = false, time.Now().Add(after)
		}
	}
	v.mu.Unlock()
	time.AfterFunc(after, v.nudge)
}

// take processes an item: what is not after the cursor was seen before.
func (v *VisitorClient) take(it timeline.Item) {
	v.mu.Lock()
	if it.Cursor == "" || it.Cursor <= v.cursor {
		v.mu.Unlock()
		return
	}
	v.cursor = it.Cursor
	v.items = append(v.items, it)
	v.mu.Unlock()
	if v.cfg.OnItem != nil {
		v.cfg.OnItem(it)
	}
}

func (v *VisitorClient) nudge() {
	select {
	case v.wake <- struct{}{}:
	default:
	}
}

func (v *VisitorClient) url(path string) string { return v.cfg.Base + "/c/" + v.cfg.Account + path }

func (v *VisitorClient) head(signedIn bool) http.Header {
	h := http.Header{"Origin": {v.cfg.Origin}}
	if signedIn {
		v.mu.Lock()
		h.Set("Authorization", "Bearer "+v.token)
		v.mu.Unlock()
	}
	return h
}
