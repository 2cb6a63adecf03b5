package realtime

import (
	"context"
	"errors"
	"time"

	"github.com/parley-hub/parley/inbox"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// fillTimeout bounds how long a hole in the timeline holds up what follows it.
const fillTimeout = 2 * time.Second

// Deliver tells everybody who may see it what happened. Call it for each entry of the
// timeline, in order per conversation. It does not wait for any socket; it reads the store
// only where entries before this one are missing.
func (h *Hub) Deliver(e timeline.Entry) {
	if h.deliver(&e) {
		h.spoke(&e) // outside the lane: presence asks it how the conversation stands
	}
}

// deliver reports whether the entry was new.
func (h *Hub) deliver(e *timeline.Entry) bool {
	l := h.lanes.get(e.Event.Conversation)
	l.mu.Lock()
	defer l.mu.Unlock()
	if e.Event.Seq <= l.last {
		h.met.repeats.Inc()
		return false
	}
	h.fill(l, e)
	h.complete(e)
	h.dispatch(l, e)
	return true
}

// complete makes sure that an entry which changed a message brings that message with the
// change in it. What is published again after a crash may come without.
func (h *Hub) complete(e *timeline.Entry) {
	if refOf(&e.Event) == (timeline.Ref{}) {
		return
	}
	if e.Target == nil {
		e.Target = h.targetOf(&e.Event)
		return
	}
	t := *e.Target
	if meant(&e.Event, &t) && inbox.Fold(&t, &e.Event) {
		e.Target = &t
	}
}

// fill reads what is missing before e and sends it. What cannot be read is left as a hole
// in seq, which clients see and mend by subscribing again.
func (h *Hub) fill(l *lane, e *timeline.Entry) {
	from := e.Event.Seq
	if l.last > 0 {
		from = l.last + 1
	}
	for _, s := range h.subscribers(e.Event.Conversation) {
		from = min(from, s.next(e.Event.Conversation, from))
	}
	if from >= e.Event.Seq {
		return
	}
	if l.last > 0 && l.last+1 < e.Event.Seq {
		h.met.holes.Inc()
	}
	if e.Event.Seq-from > int64(h.lim.Replay) {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), fillTimeout)
	defer cancel()
	missing, err := h.rec.entries(ctx, &e.Conversation, from-1, e.Event.Seq-1, h.lim.Replay)
	if err != nil {
		h.log.Warn("realtime: a hole in the timeline could not be filled", "conversation", e.Event.Conversation,
			"from", from, "to", e.Event.Seq-1, "err", err)
		return
	}
	for i := range missing {
		h.dispatch(l, &missing[i])
	}
}

// dispatch sends one entry to the sockets that may see it. It is called with the lane locked.
func (h *Hub) dispatch(l *lane, e *timeline.Entry) {
	f := &frame{entry: e}
	for _, s := range h.audience(e.Event.Conversation) {
		s.offer(f, l)
	}
	if e.Event.Seq > l.last { // not what only a late subscriber lacked
		h.toCustomers(e)
		h.met.events.Inc()
	}
	l.note(e)
}

// subscribers are the sockets that watch a conversation by name.
func (h *Hub) subscribers(c timeline.ConversationID) []*agentSocket {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if len(h.subs[c]) == 0 {
		return nil
	}
	out := make([]*agentSocket, 0, len(h.subs[c]))
	for s := range h.subs[c] {
		out = append(out, s)
	}
	return out
}

// audience are the sockets that may hear about a conversation: by name, or by the feed.
func (h *Hub) audience(c timeline.ConversationID) []*agentSocket {
	h.mu.RLock()
	defer h.mu.RUnlock()
	out := make([]*agentSocket, 0, len(h.feed))
	for s := range h.feed {
		out = append(out, s)
	}
	for s := range h.subs[c] {
		if _, both := h.feed[s]; !both {
			out = append(out, s)
		}
	}
	return out
}

// standing is how a conversation stands, as far as who may see it goes: from the lane if
// it is known there, else from the store.
func (h *Hub) standing(ctx context.Context, id timeline.ConversationID) (*timeline.Conversation, error) {
	l := h.lanes.get(id)
	l.mu.Lock()
	c := l.conv
	l.mu.Unlock()
	if c != nil {
		return c, nil
	}
	c, err := h.rec.conversation(ctx, id)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	if l.conv == nil {
		l.conv = slim(c)
	}
	l.mu.Unlock()
	return c, nil
}

// absent reports whether an error says that there is no such document.
func absent(err error) bool { return errors.Is(err, store.ErrNotFound) }
