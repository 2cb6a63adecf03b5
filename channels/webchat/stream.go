package webchat

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

const (
	queueFrames    = 256                    // frames that may wait for a slow page
	heldItems      = 1024                   // live items that may wait for a replay
	deliveredAfter = 250 * time.Millisecond // receipts within it are one
)

var errSlow = errors.New("webchat: the page is too slow")

// stream is one open page: what it has, and what is on its way to it.
type stream struct {
	s    *Session
	c    *claims
	sock channels.Socket

	out  chan []byte
	over chan struct{} // closed when the talk ends; code and reason say how
	once sync.Once
	code int
	why  string

	typed  time.Time // these two belong to the reading goroutine
	readTo timeline.Cursor
	online atomic.Bool // as last told

	mu   sync.Mutex
	live bool                       // replay is done
	held []heldItem                 // while it is not
	last map[string]timeline.Cursor // by thread: what was put in the queue
	top  timeline.Cursor            // the greatest put in the queue
	news map[string]*timeline.Event // by thread: our newest message that reached the page, not told yet
	told *time.Timer
}

type heldItem struct {
	thread string
	item   timeline.Item
}

func newStream(s *Session, c *claims, sock channels.Socket) *stream {
	return &stream{s: s, c: c, sock: sock, out: make(chan []byte, queueFrames), over: make(chan struct{}), last: map[string]timeline.Cursor{}, news: map[string]*timeline.Event{}}
}

// end ends the talk; the first reason counts.
func (st *stream) end(code int, why string) {
	st.once.Do(func() {
		st.code, st.why = code, why
		close(st.over)
	})
}

// run watches first, then replays what was missed, then lets live items through.
func (st *stream) run(ctx context.Context, after timeline.Cursor) error {
	written := make(chan struct{})
	go func() { defer close(written); st.write() }()
	var cancels []func()
	for _, t := range st.c.threads() {
		st.last[t] = after
		cancels = append(cancels, st.s.host.Threads().Watch(st.s.thread(t), func(it timeline.Item) { st.watch(t, it) }))
	}
	st.top = after
	defer context.AfterFunc(ctx, func() { st.end(closeRestart, "the server restarts") })()
	replayed := make(chan struct{})
	go func() { defer close(replayed); st.replay(ctx, after) }()
	err := st.listen(ctx)
	st.end(1000, "")
	for _, c := range cancels {
		c()
	}
	<-replayed
	<-written
	st.settle()
	return ended(err)
}

// write is the one goroutine that writes to the socket.
func (st *stream) write() {
	for {
		select {
		case <-st.over:
			st.farewell()
			return
		case b := <-st.out:
			if err := st.sock.Write(b); err != nil {
				st.end(closeSlow, "too slow")
			}
		}
	}
}

// farewell writes what is still to be said and closes, which also ends the reading goroutine.
func (st *stream) farewell() {
	defer func() { _ = st.sock.Close(st.code, st.why) }() // what is closed already is closed
	if st.code == closeSlow {
		_ = st.sock.Write([]byte(`{"type":"resync"}`)) // best effort: the close code says the same
		return
	}
	for {
		select {
		case b := <-st.out:
			if st.sock.Write(b) != nil {
				return
			}
		default:
			return
		}
	}
}

// put queues a frame. A page that takes nothing is told to connect again.
func (st *stream) put(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		st.s.host.Log().Error("a frame could not be encoded", "error", err)
		return
	}
	select {
	case st.out <- b:
	default:
		st.end(closeSlow, "too slow")
	}
}

// putWait queues a frame of a replay, which may be longer than the queue.
func (st *stream) putWait(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	select {
	case st.out <- b:
		return nil
	case <-st.over:
		return errSlow
	}
}

type itemFrame struct {
	Type string `json:"type"`
	Item item   `json:"item"`
}

// replay sends what was missed, says that the page is up to date, and goes live.
func (st *stream) replay(ctx context.Context, after timeline.Cursor) {
	for at := after; ; {
		items, more, err := st.s.after(ctx, st.c, at, pageMost)
		if err != nil {
			st.put(map[string]any{"type": "problem", "problem": st.s.unread(err)})
			st.end(closeRestart, "the conversation cannot be read right now")
			return
		}
		for _, it := range items {
			at = it.Cursor
			if err := st.putWait(itemFrame{"item", st.sent(it)}); err != nil {
				return
			}
		}
		if !more || len(items) == 0 {
			break
		}
	}
	st.online.Store(st.s.set.online(st.s.host.Now()))
	if err := st.putWait(map[string]any{"type": "ready", "cursor": st.top, "online": st.online.Load()}); err != nil {
		return
	}
	st.s.present(st.c, true)
	st.goLive()
}

// goLive sends what happened during the replay and then lets items through as they come.
func (st *stream) goLive() {
	for {
		st.mu.Lock()
		held := st.held
		st.held = nil
		if len(held) == 0 {
			st.live = true
			st.mu.Unlock()
			return
		}
		var fresh []item
		for _, h := range held {
			if it, ok := st.admit(h.thread, h.item); ok {
				fresh = append(fresh, it)
			}
		}
		st.mu.Unlock()
		for _, it := range fresh {
			if err := st.putWait(itemFrame{"item", it}); err != nil {
				return
			}
		}
	}
}

// sent notes a replayed item as sent.
func (st *stream) sent(it item) item {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.last[it.thread] = it.Cursor
	st.note(&it)
	return it
}

// note chains an item to the one before it, and remembers a message of ours that reaches
// the page: after a moment agents are told. Under mu.
func (st *stream) note(it *item) {
	it.Prev = st.top
	st.top = max(st.top, it.Cursor)
	t := it.Target
	if t == nil || t.Direction != timeline.Out || t.Message.Delivery == nil || t.Message.Delivery.State != timeline.Sent {
		return
	}
	if was := st.news[it.thread]; was == nil || t.At.After(was.At) {
		st.news[it.thread] = t
	}
	if st.told == nil {
		st.told = time.AfterFunc(deliveredAfter, st.tellDelivered)
	}
}

// admit makes a live item what the page gets, unless it has it or may not see it. Under mu.
func (st *stream) admit(thread string, it timeline.Item) (item, bool) {
	if it.Cursor <= st.last[thread] {
		return item{}, false
	}
	st.last[thread] = it.Cursor
	p, ok := st.s.public(thread, it)
	if ok {
		st.note(&p)
	}
	return p, ok
}

// watch is called for each item as it happens. It never blocks.
func (st *stream) watch(thread string, it timeline.Item) {
	st.mu.Lock()
	defer st.mu.Unlock()
	switch {
	case it.Typing != nil:
		st.put(map[string]any{"type": "typing", "on": *it.Typing, "name": it.Name})
	case !st.live && len(st.held) >= heldItems:
		st.end(closeSlow, "too slow")
	case !st.live:
		st.held = append(st.held, heldItem{thread, it})
	default:
		if p, ok := st.admit(thread, it); ok {
			st.put(itemFrame{"item", p})
		}
	}
}

// tellDelivered tells agents how far their messages got: one receipt for all of them.
func (st *stream) tellDelivered() {
	st.mu.Lock()
	news := st.news
	st.news, st.told = map[string]*timeline.Event{}, nil
	st.mu.Unlock()
	var in []timeline.Inbound
	for t, e := range news {
		in = append(in, st.s.seen(st.c, t, timeline.Delivered, e.At, string(e.ID)))
	}
	if len(in) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := st.s.host.Emit(ctx, in...); err != nil {
		st.s.host.Log().Warn("that a message was delivered could not be recorded", "error", err)
	}
}

// settle tells what is still to be told when the page is gone.
func (st *stream) settle() {
	st.mu.Lock()
	waiting := st.told != nil && st.told.Stop()
	st.mu.Unlock()
	if waiting {
		st.tellDelivered()
	}
}
