package realtime

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/parley-hub/parley/timeline"
)

// replayPage is how many events one read of a replay fetches.
const replayPage = 100

// replayRounds is how often a replay goes back to the store for what happened meanwhile.
const replayRounds = 20

// subscribe lets the client watch a conversation: first what it missed, then live. From
// the moment the subscription is registered, live events wait in it; what the store holds
// by then is replayed, and the two are joined by seq.
func (s *agentSocket) subscribe(ctx context.Context, id timeline.ConversationID, after *int64) {
	sb, ok := s.begin(id)
	if !ok {
		s.fault(&problem{Status: 429, Title: "Too many subscriptions",
			Detail: fmt.Sprintf("A socket watches at most %d conversations; unsubscribe from some.", s.hub.lim.Subscriptions)}, id)
		return
	}
	c, err := s.hub.rec.conversation(ctx, id)
	switch {
	case absent(err), err == nil && !s.viewer.CanSee(c):
		s.drop(id, encode(told{Type: "denied", Conversation: id}))
		return
	case err != nil:
		s.failed(id, err)
		return
	}
	from := c.Seq
	if after != nil {
		from = *after
	}
	if from > c.Seq || c.Seq-from > int64(s.hub.lim.Replay) {
		s.drop(id, encode(told{Type: "gap", Conversation: id, Seq: &c.Seq}))
		return
	}
	if s.catchUp(ctx, sb, c, from) {
		s.hub.tellPresence(id, s)
	}
}

// begin registers a subscription that holds live events back.
func (s *agentSocket) begin(id timeline.ConversationID) (*sub, bool) {
	s.mu.Lock()
	if s.subs[id] == nil && len(s.subs) >= s.hub.lim.Subscriptions {
		s.mu.Unlock()
		return nil, false
	}
	sb := &sub{replaying: true}
	s.subs[id] = sb
	s.mu.Unlock()
	s.hub.index(id, s)
	return sb, true
}

// catchUp replays from the store until the client is level with the live events.
func (s *agentSocket) catchUp(ctx context.Context, sb *sub, c *timeline.Conversation, from int64) bool {
	head := c.Seq
	for range replayRounds {
		if err := s.replay(ctx, sb, c, from, head); err != nil {
			s.failed(c.ID, err)
			return false
		}
		from = head
		again, on := s.join(sb, c.ID, from)
		if !on {
			return false
		}
		if again == 0 {
			return true
		}
		head = again
	}
	s.drop(c.ID, encode(told{Type: "gap", Conversation: c.ID, Seq: &head}))
	return false
}

// replay queues what the store has with from < seq ≤ head.
func (s *agentSocket) replay(ctx context.Context, sb *sub, c *timeline.Conversation, from, head int64) error {
	if from >= head {
		return nil
	}
	conv := json.RawMessage(encode(c))
	for from < head {
		page, err := s.hub.rec.entries(ctx, c, from, head, replayPage)
		if err != nil {
			return err
		}
		if len(page) == 0 || !s.queuePage(sb, c.ID, page, conv) {
			return nil
		}
		from = page[len(page)-1].Event.Seq
	}
	return nil
}

// queuePage queues replayed events, unless the subscription ended meanwhile.
func (s *agentSocket) queuePage(sb *sub, id timeline.ConversationID, page []timeline.Entry, conv json.RawMessage) bool {
	for i := range page {
		f := frame{entry: &page[i], conv: conv}
		b := f.bytes()
		s.mu.Lock()
		on := s.waitRoom(len(b)) && s.subs[id] == sb
		if on {
			s.push(b)
		}
		s.mu.Unlock()
		if !on {
			return false
		}
	}
	s.hub.met.replayed.Add(float64(len(page)))
	return true
}

// join lets the live events go that waited while the replay ran. again is how far the
// replay must go once more where they were too many; on is false if the subscription ended.
func (s *agentSocket) join(sb *sub, id timeline.ConversationID, have int64) (again int64, on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.subs[id] != sb || s.ended {
		return 0, false
	}
	pending, head := sb.pending, sb.head
	sb.pending, sb.head = nil, 0
	if head > have {
		return head, true
	}
	for _, f := range pending {
		if seq := f.entry.Event.Seq; seq > have {
			s.push(f.bytes())
			have = seq
		}
	}
	sb.cursor, sb.replaying = have, false
	s.push(encode(told{Type: "subscribed", Conversation: id, Seq: &have}))
	return 0, true
}

// failed tells the client that a subscription could not be made now. Nothing of it stays.
func (s *agentSocket) failed(id timeline.ConversationID, err error) {
	s.hub.log.Warn("realtime: subscription failed", "conversation", id, "err", err)
	p := &problem{Status: 503, Title: "The conversation cannot be read now", Detail: "Subscribe again in a few seconds."}
	if !s.drop(id, p.frame(id)) {
		s.send(p.frame(id))
	}
}
