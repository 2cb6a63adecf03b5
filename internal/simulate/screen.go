package simulate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/parley-hub/parley/timeline"
)

// Screen is what an agent sees: every conversation's events with what happened to them
// since, kept by frames alone. It is safe for concurrent use.
type Screen struct {
	mu    sync.Mutex
	convs map[timeline.ConversationID]*shown
	// Gaps counts holes in seq that frames showed and a subscription mended.
	gaps int
}

type shown struct {
	seq     int64
	events  []timeline.Event // by seq
	asked   int64            // the hole that was asked for
	summary json.RawMessage
	sumSeq  int64
}

// NewScreen is an empty screen.
func NewScreen() *Screen { return &Screen{convs: map[timeline.ConversationID]*shown{}} }

func (s *Screen) at(id timeline.ConversationID) *shown {
	if s.convs[id] == nil {
		s.convs[id] = &shown{}
	}
	return s.convs[id]
}

// Apply takes an event frame. again says that something is missing before it: subscribe
// after from, and it comes again.
func (s *Screen) Apply(f Frame) (again bool, from int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.at(f.Event.Conversation)
	switch {
	case f.Seq <= c.seq:
		return false, 0
	case f.Seq > c.seq+1:
		if c.asked == c.seq+1 { // already on its way
			return false, 0
		}
		c.asked = c.seq + 1
		s.gaps++
		return true, c.seq
	}
	c.seq = f.Seq
	c.asked = 0
	c.events = append(c.events, *f.Event)
	c.mark(f.Event, f.Target)
	if f.Target != nil {
		if i := slices.IndexFunc(c.events, func(e timeline.Event) bool { return e.ID == f.Target.ID }); i >= 0 {
			c.events[i] = *f.Target
		}
	}
	var sum struct {
		Seq int64 `json:"seq"`
	}
	if json.Unmarshal(f.Conversation, &sum) == nil && sum.Seq >= c.sumSeq {
		c.summary, c.sumSeq = bytes.Clone(f.Conversation), sum.Seq
	}
	return false, 0
}

// ladder orders the states that a mark can raise.
var ladder = map[timeline.DeliveryState]int{timeline.Sending: 1, timeline.Unsure: 2, timeline.Sent: 3, timeline.Delivered: 4, timeline.Read: 5}

// mark lets a receipt that speaks of more than one message raise all of them: every message
// of ours on its leg until its moment, or, where a message was read, those before it.
func (c *shown) mark(e, target *timeline.Event) {
	if e.Receipt == nil || e.Receipt.UpTo == nil && (e.Receipt.State != timeline.Read || target == nil) {
		return
	}
	for i := range c.events {
		m := &c.events[i]
		if m.Kind != timeline.KindMessage || m.Direction != timeline.Out || m.Leg != e.Leg || m.Message == nil || m.Message.Delivery == nil {
			continue
		}
		up := e.Receipt.UpTo
		covered := up != nil && !m.At.After(*up) || up == nil && m.Seq <= target.Seq
		if d := *m.Message.Delivery; covered && ladder[d.State] > 0 && (ladder[d.State] < ladder[e.Receipt.State] || d.State == e.Receipt.State && e.At.Before(d.At)) {
			d.State, d.At = e.Receipt.State, e.At // marks may come late: the earliest moment of a state counts
			msg := *m.Message
			msg.Delivery = &d
			m.Message = &msg
		}
	}
}

// Load replaces a conversation by what the API answered.
func (s *Screen) Load(id timeline.ConversationID, events []timeline.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.at(id)
	c.events, c.seq, c.asked = slices.Clone(events), 0, 0
	if n := len(events); n > 0 {
		c.seq = events[n-1].Seq
	}
}

// Forget makes holes that were asked for on a lost socket be asked for again.
func (s *Screen) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.convs {
		c.asked = 0
	}
}

// Seq is how far the screen got in a conversation.
func (s *Screen) Seq(id timeline.ConversationID) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.convs[id]; c != nil {
		return c.seq
	}
	return 0
}

// Mended counts the holes in seq that were seen and asked for.
func (s *Screen) Mended() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gaps
}

// Conversations are those on the screen.
func (s *Screen) Conversations() []timeline.ConversationID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.convs))
}

// Events are a conversation's events as the screen shows them.
func (s *Screen) Events(id timeline.ConversationID) []timeline.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.convs[id]; c != nil {
		return slices.Clone(c.events)
	}
	return nil
}

// Differences compares the screen's conversation with what the API answers for it.
func (s *Screen) Differences(id timeline.ConversationID, stored []timeline.Event) []string {
	shown := s.Events(id)
	var out []string
	if len(shown) != len(stored) {
		out = append(out, fmt.Sprintf("%s: %d events on the screen, %d in the store", id, len(shown), len(stored)))
	}
	for i := range min(len(shown), len(stored)) {
		a, errA := json.Marshal(shown[i])
		b, errB := json.Marshal(stored[i])
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			out = append(out, fmt.Sprintf("%s seq %d: screen %s, store %s", id, stored[i].Seq, tail(a, b), tail(b, a)))
		}
	}
	return out
}

// tail is the end of a from a little before it first differs from b.
func tail(a, b []byte) []byte {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return a[max(0, n-60):]
}
