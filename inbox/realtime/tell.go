package realtime

import (
	"bytes"

	"github.com/parley-hub/parley/timeline"
)

// numbers is a frame with the numbers beside an agent's views.
type numbers struct {
	Type  string `json:"type"`
	Views any    `json:"views"`
}

// TellViews tells every socket that follows the inbox the numbers beside its agent's views,
// where they are others than those it was told last.
func (h *Hub) TellViews() {
	for _, s := range h.all() {
		s.tellViews()
	}
}

func (s *agentSocket) tellViews() {
	s.mu.Lock()
	follows := s.inbox && s.viewer.Views != nil
	s.mu.Unlock()
	if !follows {
		return
	}
	v := s.viewer.Views()
	if v == nil {
		return
	}
	b := encode(numbers{Type: "views", Views: v})
	s.mu.Lock()
	defer s.mu.Unlock()
	if !bytes.Equal(b, s.views) {
		s.views = b
		s.push(b)
	}
}

// TellAgent sends a frame to every socket of an agent on this node. It is a courtesy: what it
// says can also be asked for.
func (h *Hub) TellAgent(agent timeline.AgentID, frame any) {
	var b []byte
	for _, s := range h.all() {
		if s.viewer.Agent != agent {
			continue
		}
		if b == nil {
			b = encode(frame)
		}
		s.send(b)
	}
}
