package realtime

import (
	"sync"

	"github.com/parley-hub/parley/timeline"
)

// laneGeneration is how many conversations one generation of lanes holds; two are kept.
const laneGeneration = 8192

// lane is what a node remembers of one conversation: how far it delivered, and who could
// see it then.
type lane struct {
	mu   sync.Mutex
	last int64                  // seq of the last entry delivered; 0: none yet
	conv *timeline.Conversation // slim; never changed, only replaced; nil: not known
}

func (l *lane) note(e *timeline.Entry) {
	l.last = max(l.last, e.Event.Seq)
	l.conv = slim(&e.Conversation)
}

// lanes forgets conversations that were quiet for two generations. A forgotten lane only
// costs a read from the store.
type lanes struct {
	mu       sync.Mutex
	cur, old map[timeline.ConversationID]*lane
}

func newLanes() *lanes {
	return &lanes{cur: map[timeline.ConversationID]*lane{}}
}

func (ls *lanes) get(id timeline.ConversationID) *lane {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if l := ls.cur[id]; l != nil {
		return l
	}
	l := ls.old[id]
	if l == nil {
		l = &lane{}
	}
	if len(ls.cur) >= laneGeneration {
		ls.old, ls.cur = ls.cur, make(map[timeline.ConversationID]*lane, laneGeneration)
	}
	ls.cur[id] = l
	return l
}

// slim keeps of a conversation what decides who may see it, and nothing that was said.
func slim(c *timeline.Conversation) *timeline.Conversation {
	out := &timeline.Conversation{ID: c.ID, Number: c.Number, Person: c.Person, Queue: c.Queue, State: c.State,
		Assignee: c.Assignee, Team: c.Team, Labels: c.Labels, Priority: c.Priority, Seq: c.Seq}
	for i := range c.Legs {
		l := &c.Legs[i]
		out.Legs = append(out.Legs, timeline.Leg{ID: l.ID, Thread: l.Thread, Channel: l.Channel, Closed: l.Closed})
	}
	return out
}
