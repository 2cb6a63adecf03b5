package realtime

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// memory is a store that holds conversations, events and threads, and knows the filters
// that this package uses. What it is not asked for panics.
type memory struct {
	store.Store
	mu     sync.Mutex
	convs  map[timeline.ConversationID]timeline.Conversation
	events []timeline.Event
	legs   map[string]timeline.ConversationID
	down   bool
	onRead func()
}

func newMemory() *memory {
	return &memory{convs: map[timeline.ConversationID]timeline.Conversation{}, legs: map[string]timeline.ConversationID{}}
}

func (m *memory) C(name string) store.Collection { return collection{m: m, name: name} }

type collection struct {
	store.Collection
	m    *memory
	name string
}

func (c collection) One(_ context.Context, filter bson.D, out any, _ ...store.Find) error {
	c.m.mu.Lock()
	defer c.m.mu.Unlock()
	if c.m.down {
		return fmt.Errorf("test: %w", store.ErrUnavailable)
	}
	id := filter[0].Value.(string)
	var v any
	switch c.name {
	case store.Conversations:
		conv, ok := c.m.convs[timeline.ConversationID(id)]
		if !ok {
			return store.ErrNotFound
		}
		v = conv
	case store.Threads:
		conv, ok := c.m.legs[id]
		if !ok {
			return store.ErrNotFound
		}
		v = map[string]any{"conversation": conv}
	}
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, out)
}

func (c collection) All(_ context.Context, filter bson.D, out any, opts ...store.Find) error {
	if f := c.m.onRead; f != nil {
		f()
	}
	c.m.mu.Lock()
	defer c.m.mu.Unlock()
	if c.m.down {
		return fmt.Errorf("test: %w", store.ErrUnavailable)
	}
	var hits []timeline.Event
	for _, e := range c.m.events {
		if !slices.ContainsFunc(filter, func(f bson.E) bool { return !holds(&e, f) }) {
			hits = append(hits, e)
		}
	}
	if len(opts) > 0 {
		for _, s := range slices.Backward(opts[0].Sort) {
			slices.SortStableFunc(hits, func(a, b timeline.Event) int {
				return s.Value.(int) * compare(field(&a, s.Key), field(&b, s.Key))
			})
		}
		if n := opts[0].Limit; n > 0 && len(hits) > n {
			hits = hits[:n]
		}
	}
	b, err := json.Marshal(hits)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, out)
}

func field(e *timeline.Event, name string) any {
	switch name {
	case "_id":
		return string(e.ID)
	case "conversation":
		return string(e.Conversation)
	case "leg":
		return string(e.Leg)
	case "remote":
		return string(e.Remote)
	case "seq":
		return e.Seq
	}
	panic("no field " + name)
}

func compare(a, b any) int {
	if s, ok := a.(string); ok {
		return strings.Compare(s, b.(string))
	}
	return cmp.Compare(a.(int64), b.(int64))
}

func holds(e *timeline.Event, f bson.E) bool {
	v := field(e, f.Key)
	ops, ok := f.Value.(bson.D)
	if !ok {
		return compare(v, f.Value) == 0
	}
	for _, op := range ops {
		ok := false
		switch op.Key {
		case "$gt":
			ok = compare(v, op.Value) > 0
		case "$lt":
			ok = compare(v, op.Value) < 0
		case "$lte":
			ok = compare(v, op.Value) <= 0
		case "$in":
			ok = slices.Contains(op.Value.([]string), v.(string))
		default:
			panic("no operator " + op.Key)
		}
		if !ok {
			return false
		}
	}
	return true
}

// append records an event as the journal would and gives the entry to deliver.
func (m *memory) append(id timeline.ConversationID, e timeline.Event) timeline.Entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.convs[id]
	c.ID = id
	c.Seq++
	e.Conversation, e.Seq = id, c.Seq
	if e.ID == "" {
		e.ID = timeline.EventID(fmt.Sprintf("%s-%d", id, c.Seq))
	}
	if e.Leg != "" {
		th, _ := timeline.ThreadOf(e.Leg)
		e.Thread = th
		m.legs[string(e.Leg)] = id
		if !slices.ContainsFunc(c.Legs, func(l timeline.Leg) bool { return l.ID == e.Leg }) {
			c.Legs = append(c.Legs, timeline.Leg{ID: e.Leg, Thread: th})
		}
	}
	if e.Kind == timeline.KindAssignment && e.Assignment.Agent != nil {
		c.Assignee = *e.Assignment.Agent
	}
	if e.Kind == timeline.KindMessage {
		c.Last = &timeline.Preview{Event: e.ID, Seq: e.Seq, Text: e.Message.Text}
	}
	m.convs[id] = c
	m.events = append(m.events, e)
	var target *timeline.Event
	for i := range m.events {
		if t := &m.events[i]; t.ID == refOf(&e).Event && t.ID != "" {
			if e.Receipt != nil && t.Message != nil {
				t.Message.Delivery = &timeline.Delivery{State: e.Receipt.State, At: e.At, Attempt: 1}
			}
			cp := *t
			if t.Message != nil {
				msg := *t.Message
				cp.Message = &msg
			}
			target = &cp
		}
	}
	return timeline.Entry{Event: e, Conversation: c, Target: target}
}

func says(text string) timeline.Event {
	return timeline.Event{Kind: timeline.KindMessage, Direction: timeline.In, Leg: "a|v-1", Actor: timeline.Actor{Kind: timeline.ActorCustomer},
		At: timeline.Now(), Received: timeline.Now(), Message: &timeline.Message{Text: text}}
}

// pipe is a socket whose far side is the test.
type pipe struct {
	in     chan []byte
	out    chan []byte
	closed chan struct{}
	once   sync.Once
	code   int
	stuck  chan struct{} // while not nil and open, writes wait
}

func newPipe() *pipe {
	return &pipe{in: make(chan []byte), out: make(chan []byte, 100_000), closed: make(chan struct{})}
}

func (p *pipe) Read() ([]byte, error) {
	select {
	case b := <-p.in:
		return b, nil
	case <-p.closed:
		return nil, io.EOF
	}
}

func (p *pipe) Write(b []byte) error {
	if p.stuck != nil {
		select {
		case <-p.stuck:
		case <-p.closed:
			return errors.New("closed")
		}
	}
	select {
	case p.out <- b:
		return nil
	case <-p.closed:
		return errors.New("closed")
	}
}

func (p *pipe) Close(code int, _ string) error {
	p.once.Do(func() { p.code = code; close(p.closed) })
	return nil
}

// client is an agent's program.
type client struct {
	t    *testing.T
	p    *pipe
	done chan struct{}
}

func (c *client) say(format string, args ...any) {
	c.t.Helper()
	select {
	case c.p.in <- fmt.Appendf(nil, format, args...):
	case <-c.p.closed:
	case <-time.After(5 * time.Second):
		c.t.Fatal("the server does not read")
	}
}

// got is any frame from the server.
type got struct {
	Type         string          `json:"type"`
	Feed         string          `json:"feed"`
	Seq          int64           `json:"seq"`
	Event        *timeline.Event `json:"event"`
	Target       *timeline.Event `json:"target"`
	Conversation json.RawMessage `json:"conversation"`
	Agents       []Present       `json:"agents"`
	Customer     PresentCustomer `json:"customer"`
	Problem      *problem        `json:"problem"`
	Reason       string          `json:"reason"`
	raw          string
}

func (g got) conv() string {
	var id string
	if json.Unmarshal(g.Conversation, &id) == nil {
		return id
	}
	var c timeline.Conversation
	_ = json.Unmarshal(g.Conversation, &c)
	return string(c.ID)
}

// hear waits for the next frame of one of the types; with none, of any.
func (c *client) hear(types ...string) got {
	c.t.Helper()
	deadline := time.After(5 * time.Second)
	for {
		select {
		case b := <-c.p.out:
			var g got
			if err := json.Unmarshal(b, &g); err != nil {
				c.t.Fatalf("frame %s: %v", b, err)
			}
			g.raw = string(b)
			if len(types) == 0 || slices.Contains(types, g.Type) {
				return g
			}
		case <-deadline:
			c.t.Fatalf("no frame of type %v", types)
		}
	}
}

// quiet asks for a pong and fails on any other frame before it.
func (c *client) quiet() {
	c.t.Helper()
	c.say(`{"type":"ping"}`)
	if g := c.hear(); g.Type != "pong" {
		c.t.Fatalf("unexpected frame %s", g.raw)
	}
}

func all(*timeline.Conversation) bool { return true }

func newHub(t *testing.T, m *memory, change ...func(*Deps)) *Hub {
	t.Helper()
	d := Deps{Store: m, Node: "n1"}
	for _, f := range change {
		f(&d)
	}
	h := New(d)
	t.Cleanup(h.Close)
	return h
}

func connect(t *testing.T, h *Hub, v Viewer) *client {
	t.Helper()
	c := &client{t: t, p: newPipe(), done: make(chan struct{})}
	serve(t, h, v, c)
	if g := c.hear(); g.Type != "hello" {
		t.Fatalf("first frame %s", g.raw)
	}
	return c
}

func serve(t *testing.T, h *Hub, v Viewer, c *client) {
	if v.CanSee == nil {
		v.CanSee = all
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer close(c.done)
		_ = h.ServeAgent(ctx, c.p, v)
	}()
	t.Cleanup(func() { cancel(); _ = c.p.Close(1000, ""); <-c.done })
}
