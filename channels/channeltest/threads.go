package channeltest

import (
	"context"
	"fmt"
	"sync"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

// pageItems is how many items one Replay returns.
const pageItems = 100

// Threads are threads in memory, with the hub's promises: items are numbered over all
// threads of a person, and watching sees what is added.
type Threads struct {
	hub    *Hub
	mu     sync.Mutex
	seq    int64
	items  map[string][]timeline.Item
	watch  map[string]map[int]func(timeline.Item)
	nextID int
	err    error

	typing   []string
	presence []string
}

// Conversation is the conversation that items in memory belong to.
const Conversation timeline.ConversationID = "01J00000000000000000000000"

// Break makes Replay fail until it is called with nil.
func (t *Threads) Break(err error) { t.mu.Lock(); defer t.mu.Unlock(); t.err = err }

// Add numbers an item and shows it to those who watch.
func (t *Threads) Add(th timeline.Thread, it timeline.Item) timeline.Item {
	t.mu.Lock()
	defer t.mu.Unlock()
	if it.Typing == nil {
		t.seq++
		it.Cursor = timeline.CursorOf(Conversation, t.seq)
		t.items[th.Key()] = append(t.items[th.Key()], it)
	}
	for _, f := range t.watch[th.Key()] {
		f(it)
	}
	return it
}

// Say adds a message of ours that arrived.
func (t *Threads) Say(th timeline.Thread, id, text string, s timeline.DeliveryState) timeline.Item {
	m := timeline.Event{ID: timeline.EventID(id), Kind: timeline.KindMessage, Direction: timeline.Out, Actor: timeline.Actor{Kind: timeline.ActorAgent, ID: "g1", Name: "Priya"},
		At: epoch, Message: &timeline.Message{Text: text, Delivery: &timeline.Delivery{State: s, At: epoch, Attempt: 1}}}
	return t.Add(th, timeline.Item{Event: timeline.Event{ID: timeline.EventID("receipt:" + id + string(s)), Kind: timeline.KindReceipt, Direction: timeline.Internal, At: epoch,
		Actor: timeline.Actor{Kind: timeline.ActorSystem}, Receipt: &timeline.Receipt{Of: timeline.Ref{Event: m.ID}, State: s}}, Target: &m})
}

// Replay reads a thread.
func (t *Threads) Replay(_ context.Context, th timeline.Thread, after channels.Cursor, last int) ([]channels.Item, bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err != nil {
		return nil, false, t.err
	}
	var out []timeline.Item
	for _, it := range t.items[th.Key()] {
		if last > 0 && (after == "" || it.Cursor < after) || last == 0 && it.Cursor > after {
			out = append(out, it)
		}
	}
	if last > 0 {
		if len(out) > last {
			return out[len(out)-last:], true, nil
		}
		return out, false, nil
	}
	if len(out) > pageItems {
		return out[:pageItems], true, nil
	}
	return out, false, nil
}

// Watch sees items as they are added.
func (t *Threads) Watch(th timeline.Thread, f func(channels.Item)) func() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.nextID++
	id := t.nextID
	if t.watch[th.Key()] == nil {
		t.watch[th.Key()] = map[int]func(timeline.Item){}
	}
	t.watch[th.Key()][id] = f
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.watch[th.Key()], id)
	}
}

// Typing notes that the person types.
func (t *Threads) Typing(th timeline.Thread, on bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.typing = append(t.typing, fmt.Sprint(th.ID, " ", on))
}

// Presence notes whether the person is there.
func (t *Threads) Presence(th timeline.Thread, on bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.presence = append(t.presence, fmt.Sprint(th.ID, " ", on))
}

// Typed is who typed, as "thread true".
func (t *Threads) Typed() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]string(nil), t.typing...)
}

// Present is who came and went, as "thread true".
func (t *Threads) Present() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]string(nil), t.presence...)
}

// Socket is one end of a websocket in memory: the adapter reads what Say said and writes
// what Heard returns.
type Socket struct {
	in   chan []byte
	out  chan []byte
	over chan struct{}
	once sync.Once
	code int
}

// NewSocket makes a socket whose customer takes at most slack frames without reading.
func NewSocket(slack int) *Socket {
	return &Socket{in: make(chan []byte, 16), out: make(chan []byte, slack), over: make(chan struct{})}
}

// Read waits for what the customer says.
func (s *Socket) Read() ([]byte, error) {
	select {
	case b := <-s.in:
		return b, nil
	case <-s.over:
		return nil, fmt.Errorf("channeltest: the socket is closed with %d", s.code)
	}
}

// Write waits until the customer takes it.
func (s *Socket) Write(b []byte) error {
	select {
	case s.out <- append([]byte(nil), b...):
		return nil
	case <-s.over:
		return fmt.Errorf("channeltest: the socket is closed with %d", s.code)
	}
}

// Close ends it; the first code counts.
func (s *Socket) Close(code int, _ string) error {
	s.once.Do(func() { s.code = code; close(s.over) })
	return nil
}

// Say is the customer sending a frame.
func (s *Socket) Say(frame string) {
	select {
	case s.in <- []byte(frame):
	case <-s.over:
	}
}

// Heard is the channel of frames for the customer.
func (s *Socket) Heard() <-chan []byte { return s.out }

// Over is closed when the socket is; Code then says how.
func (s *Socket) Over() <-chan struct{} { return s.over }

// Code is the close code, once Over is closed.
func (s *Socket) Code() int { return s.code }
