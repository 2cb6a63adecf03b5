package realtime

import "github.com/parley-hub/parley/timeline"

// Gossip carries signals between nodes. It may lose, double and reorder them: what a signal
// says runs out by itself and is repeated while it holds. Main implements it over any
// broadcast and hands what arrives to [Hub.Hear]; on a single node it is nil.
type Gossip interface {
	// Tell sends a signal to every other node. It must not block.
	Tell(Signal)
}

// Signal is who is where, on its way to other nodes.
type Signal struct {
	Node         string                  `json:"node"`
	Conversation timeline.ConversationID `json:"conversation"`

	// Of an agent.
	Socket string           `json:"socket,omitempty"`
	Agent  timeline.AgentID `json:"agent,omitempty"`
	Name   string           `json:"name,omitempty"`
	State  string           `json:"state,omitempty"` // viewing, typing, idle, away
	Note   bool             `json:"note,omitempty"`  // types a note: customers see nothing of it

	// Of a customer, where Socket is empty; of an agent, the leg written to, if it is known.
	Leg    timeline.LegID `json:"leg,omitempty"`
	Online bool           `json:"online,omitempty"`
	Typing bool           `json:"typing,omitempty"`
}

// Hear takes a signal from another node. A node's own signals are ignored.
func (h *Hub) Hear(s Signal) {
	if s.Node == h.node || s.Conversation == "" {
		return
	}
	h.apply(s)
}

// signal makes a signal known here and on the other nodes.
func (h *Hub) signal(s Signal) {
	s.Node = h.node
	h.apply(s)
	if h.gossip != nil {
		h.gossip.Tell(s)
	}
}
