package realtime

import (
	"context"
	"sync"
	"time"

	"github.com/parley-hub/parley/timeline"
)

// watchQueue is how many items wait for one watcher; one that falls behind reads the rest
// from the store.
const watchQueue = 512

// watcher is one customer's program on one thread.
type watcher struct {
	hub  *Hub
	leg  timeline.LegID
	f    func(timeline.Item)
	last timeline.Cursor // of the last item told; only its goroutine touches it

	mu     sync.Mutex
	wake   chan struct{} // holds one token
	queue  []timeline.Item
	behind bool
	ctx    context.Context // ends at cancel; a field, as the watcher is a goroutine of its own
}

// Watch calls f for each item of a thread as it happens, in order, from one goroutine,
// until cancel. f must not block: while it does, items wait, and when too many wait they
// are read from the store afterwards. After cancel returns, f may still be running once.
func (t *Threads) Watch(th timeline.Thread, f func(timeline.Item)) (cancel func()) {
	h := t.hub
	ctx, stop := context.WithCancel(context.Background())
	w := &watcher{hub: h, leg: th.Leg(), f: f, wake: make(chan struct{}, 1), ctx: ctx}
	h.mu.Lock()
	if h.watched[w.leg] == nil {
		h.watched[w.leg] = map[*watcher]struct{}{}
	}
	h.watched[w.leg][w] = struct{}{}
	h.mu.Unlock()
	h.met.watchers.Inc()
	go w.run()
	return sync.OnceFunc(func() {
		h.mu.Lock()
		delete(h.watched[w.leg], w)
		left := len(h.watched[w.leg]) == 0
		if left {
			delete(h.watched, w.leg)
		}
		h.mu.Unlock()
		h.met.watchers.Dec()
		stop()
		if left {
			h.offline(w.leg)
		}
	})
}

func (w *watcher) offer(it timeline.Item) {
	w.mu.Lock()
	switch {
	case len(w.queue) < watchQueue && !w.behind:
		w.queue = append(w.queue, it)
	case it.Cursor != "": // typing that does not fit is lost: it is repeated
		w.behind = true
	}
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *watcher) run() {
	for {
		select {
		case <-w.ctx.Done():
			return
		case <-w.wake:
		}
		w.mu.Lock()
		queue, behind := w.queue, w.behind
		w.queue, w.behind = nil, false
		w.mu.Unlock()
		for _, it := range queue {
			w.tell(it)
		}
		if behind {
			w.catchUp()
		}
	}
}

// tell passes an item on, unless it was told already.
func (w *watcher) tell(it timeline.Item) {
	if w.ctx.Err() != nil || it.Cursor != "" && it.Cursor <= w.last {
		return
	}
	if it.Cursor != "" {
		w.last = it.Cursor
	}
	w.f(it)
}

// catchUp reads what did not fit into the queue.
func (w *watcher) catchUp() {
	t := w.hub.Threads()
	for {
		items, more, err := t.forward(w.ctx, w.leg, w.last, threadPage)
		if err != nil {
			if w.ctx.Err() != nil {
				return
			}
			w.hub.log.Warn("realtime: a watched thread could not be read", "leg", w.leg, "err", err)
			select {
			case <-w.ctx.Done():
				return
			case <-time.After(time.Second):
				continue
			}
		}
		for _, it := range items {
			w.tell(it)
		}
		if !more {
			return
		}
	}
}

// toCustomers tells the customers on the legs that an entry touches what they may see of it.
func (h *Hub) toCustomers(e *timeline.Entry) {
	target := e.Target
	legs := []timeline.LegID{e.Event.Leg}
	if target != nil && target.Leg != e.Event.Leg {
		legs = append(legs, target.Leg)
	}
	for _, leg := range legs {
		ws := h.watchersOf(leg)
		if leg == "" || len(ws) == 0 {
			continue
		}
		it, ok := visible(&e.Event, target, leg)
		if !ok {
			continue
		}
		for _, w := range ws {
			w.offer(it)
		}
	}
}

// targetOf reads the message an event changed, where the entry does not bring it.
func (h *Hub) targetOf(e *timeline.Event) *timeline.Event {
	ctx, cancel := context.WithTimeout(context.Background(), fillTimeout)
	defer cancel()
	found, err := h.rec.targets(ctx, []timeline.Event{*e})
	if err != nil {
		h.log.Warn("realtime: a changed message could not be read", "event", e.ID, "err", err)
		return nil
	}
	return found[e.ID]
}

func (h *Hub) watchersOf(leg timeline.LegID) []*watcher {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if len(h.watched[leg]) == 0 {
		return nil
	}
	out := make([]*watcher, 0, len(h.watched[leg]))
	for w := range h.watched[leg] {
		out = append(out, w)
	}
	return out
}

// showTyping tells the customers of a conversation that one of us types, or stopped.
func (h *Hub) showTyping(id timeline.ConversationID, t typist) {
	ctx, cancel := context.WithTimeout(context.Background(), fillTimeout)
	defer cancel()
	c, err := h.standing(ctx, id)
	if err != nil {
		h.log.Debug("realtime: typing not told", "conversation", id, "err", err)
		return
	}
	on := t.on
	for i := range c.Legs {
		if t.leg != "" && t.leg != c.Legs[i].ID {
			continue
		}
		for _, w := range h.watchersOf(c.Legs[i].ID) {
			w.offer(timeline.Item{Typing: &on, Name: t.name})
		}
	}
}

// Typing tells agents that the person on a thread is typing, for a few seconds.
func (t *Threads) Typing(th timeline.Thread, on bool) {
	t.hub.customer(th.Leg(), func(s *Signal) { s.Typing, s.Online = on, true })
}

// Presence tells agents whether the person has the thread open. While the thread is watched
// on this node the person counts as online.
func (t *Threads) Presence(th timeline.Thread, online bool) {
	leg := th.Leg()
	if !online && len(t.hub.watchersOf(leg)) > 0 {
		return // another of their windows is open
	}
	t.hub.customer(leg, func(s *Signal) { s.Online = online })
}

// customer makes a signal of the person on a leg. A thread without a conversation has nobody to tell.
func (h *Hub) customer(leg timeline.LegID, set func(*Signal)) {
	ctx, cancel := context.WithTimeout(context.Background(), fillTimeout)
	defer cancel()
	id, err := h.rec.attached(ctx, leg)
	if err != nil {
		if !absent(err) {
			h.log.Debug("realtime: customer's presence not taken", "leg", leg, "err", err)
		}
		return
	}
	s := Signal{Conversation: id, Leg: leg}
	set(&s)
	h.signal(s)
}

// offline takes the person on a leg, of whom no window is open here any more, off this node.
func (h *Hub) offline(leg timeline.LegID) {
	var in []timeline.ConversationID
	h.here.mu.Lock()
	for id, p := range h.here.places {
		if _, ok := p.customers[h.node+"|"+string(leg)]; ok {
			in = append(in, id)
		}
	}
	h.here.mu.Unlock()
	for _, id := range in {
		h.signal(Signal{Conversation: id, Leg: leg})
	}
}

// retellOnline keeps those online whose thread is watched here, on this node and the others.
func (h *Hub) retellOnline(now time.Time) {
	h.here.mu.Lock()
	var due []Signal
	for id, p := range h.here.places {
		for _, c := range p.customers {
			if c.node == h.node && !now.Before(c.typing) && now.Add(h.lim.OnlineFor/2).After(c.online) {
				due = append(due, Signal{Conversation: id, Leg: c.leg, Online: true})
			}
		}
	}
	h.here.mu.Unlock()
	for _, s := range due {
		if len(h.watchersOf(s.Leg)) > 0 {
			h.signal(s)
		}
	}
}
