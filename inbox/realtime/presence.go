package realtime

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/parley-hub/parley/timeline"
)

// The states of an agent's presence, weakest first.
const (
	away    = "away"
	idle    = "idle"
	viewing = "viewing"
	typing  = "typing"
)

var strength = map[string]int{away: 0, idle: 1, viewing: 2, typing: 3}

func knownState(s string) bool { _, ok := strength[s]; return ok }

// retell is how often what still holds is repeated to customers and other nodes.
const retell = 4 * time.Second

// agentHere is one socket's presence in a conversation.
type agentHere struct {
	agent timeline.AgentID
	name  string
	state string
	note  bool
	leg   timeline.LegID
	until time.Time
}

// customerHere is one leg's presence on one node.
type customerHere struct {
	node   string
	leg    timeline.LegID
	online time.Time // until; zero: not online
	typing time.Time // until
}

// place is who is in one conversation.
type place struct {
	agents    map[string]agentHere // by socket
	customers map[string]customerHere
	told      []byte // the frame last sent
	typist    typist // what customers were last told
}

// typist is what a customer is told of our typing.
type typist struct {
	on   bool
	name string
	leg  timeline.LegID // empty: every leg
	at   time.Time
}

// presence is who is where. It is safe for concurrent use.
type presence struct {
	mu     sync.Mutex
	places map[timeline.ConversationID]*place
}

func newPresence() *presence { return &presence{places: map[timeline.ConversationID]*place{}} }

// Present is an agent in a conversation. State is viewing, typing or idle.
type Present struct {
	ID    timeline.AgentID `json:"id"`
	Name  string           `json:"name"`
	State string           `json:"state"`
}

// PresentCustomer is whether the person has it open, and on which leg.
type PresentCustomer struct {
	Online bool           `json:"online"`
	Typing bool           `json:"typing"`
	Leg    timeline.LegID `json:"leg,omitempty"`
}

type presenceFrame struct {
	Type         string                  `json:"type"`
	Conversation timeline.ConversationID `json:"conversation"`
	Agents       []Present               `json:"agents"`
	Customer     PresentCustomer         `json:"customer"`
}

// view is the place as a frame says it: each agent once, by its strongest state.
func (p *place) view(id timeline.ConversationID, now time.Time) presenceFrame {
	best := map[timeline.AgentID]Present{}
	for _, a := range p.agents {
		if have, ok := best[a.agent]; !ok || strength[a.state] > strength[have.State] {
			best[a.agent] = Present{a.agent, a.name, a.state}
		}
	}
	f := presenceFrame{Type: "presence", Conversation: id, Agents: make([]Present, 0, len(best))}
	for _, a := range best {
		f.Agents = append(f.Agents, a)
	}
	slices.SortFunc(f.Agents, func(a, b Present) int { return cmp.Compare(a.ID, b.ID) })
	for _, c := range p.customers {
		on, writes := now.Before(c.online), now.Before(c.typing)
		if (on || writes) && (f.Customer.Leg == "" || writes || !f.Customer.Typing && c.leg < f.Customer.Leg) {
			f.Customer.Leg = c.leg
		}
		f.Customer.Online = f.Customer.Online || on || writes
		f.Customer.Typing = f.Customer.Typing || writes
	}
	return f
}

// typing is what customers should see of our typing now.
func (p *place) typing() typist {
	var t typist
	for _, key := range slices.Sorted(maps.Keys(p.agents)) {
		if a := p.agents[key]; a.state == typing && !a.note {
			return typist{on: true, name: a.name, leg: a.leg}
		}
	}
	return t
}

// prune forgets what ran out.
func (p *place) prune(now time.Time) {
	for k, a := range p.agents {
		if !now.Before(a.until) {
			delete(p.agents, k)
		}
	}
	for k, c := range p.customers {
		if !now.Before(c.online) && !now.Before(c.typing) {
			delete(p.customers, k)
		}
	}
}

// change alters a place and reports the frame to send, nil where nothing shows, and what to
// tell customers, nil likewise.
func (h *Hub) change(id timeline.ConversationID, f func(*place)) {
	now := h.now()
	h.here.mu.Lock()
	p := h.here.places[id]
	if p == nil {
		p = &place{agents: map[string]agentHere{}, customers: map[string]customerHere{}}
		h.here.places[id] = p
	}
	f(p)
	p.prune(now)
	told := encode(p.view(id, now))
	if bytes.Equal(told, p.told) {
		told = nil
	} else {
		p.told = told
	}
	was, is := p.typist, p.typing()
	if is.on && is.name == was.name && is.leg == was.leg && was.on && now.Sub(was.at) < retell {
		is.at = was.at
	} else {
		is.at = now
	}
	p.typist = is
	if len(p.agents)+len(p.customers) == 0 {
		delete(h.here.places, id)
	}
	h.here.mu.Unlock()
	if told != nil {
		h.spread(id, told)
	}
	if was.on && (!is.on || is.leg != was.leg) {
		h.showTyping(id, typist{leg: was.leg, name: was.name})
	}
	if is.on && is.at.Equal(now) {
		h.showTyping(id, is)
	}
}

// spread sends a presence frame to whoever may see the conversation.
func (h *Hub) spread(id timeline.ConversationID, b []byte) {
	sockets := h.audience(id)
	if len(sockets) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), fillTimeout)
	defer cancel()
	c, err := h.standing(ctx, id)
	if err != nil {
		h.log.Debug("realtime: presence not told", "conversation", id, "err", err)
		return
	}
	for _, s := range sockets {
		if s.viewer.CanSee(c) {
			s.send(b)
		}
	}
}

// Present is who has a conversation open now, on any node.
func (h *Hub) Present(id timeline.ConversationID) ([]Present, PresentCustomer) {
	h.here.mu.Lock()
	defer h.here.mu.Unlock()
	p := h.here.places[id]
	if p == nil {
		return nil, PresentCustomer{}
	}
	f := p.view(id, h.now())
	return f.Agents, f.Customer
}

// tellPresence sends who is in a conversation now to one socket, if anybody is.
func (h *Hub) tellPresence(id timeline.ConversationID, s *agentSocket) {
	h.here.mu.Lock()
	var told []byte
	if p := h.here.places[id]; p != nil {
		told = encode(p.view(id, h.now()))
	}
	h.here.mu.Unlock()
	if told != nil {
		s.send(told)
	}
}

// present is an agent's presence frame.
func (s *agentSocket) present(ctx context.Context, a ask) {
	c, err := s.hub.standing(ctx, a.Conversation)
	switch {
	case absent(err), err == nil && !s.viewer.CanSee(c):
		s.send(encode(told{Type: "denied", Conversation: a.Conversation}))
		return
	case err != nil:
		s.hub.log.Debug("realtime: presence not taken", "conversation", a.Conversation, "err", err)
		return // lossy: it is repeated
	}
	s.hub.signal(Signal{Conversation: a.Conversation, Socket: s.id, Agent: s.viewer.Agent, Name: s.viewer.Name,
		State: a.State, Note: a.Note, Leg: a.Leg})
}

// apply takes a signal, from here or from another node.
func (h *Hub) apply(s Signal) {
	now := h.now()
	h.change(s.Conversation, func(p *place) {
		switch {
		case s.Socket != "" && s.State == away:
			delete(p.agents, s.Socket)
		case s.Socket != "" && knownState(s.State):
			p.agents[s.Socket] = agentHere{agent: s.Agent, name: s.Name, state: s.State, note: s.Note, leg: s.Leg, until: now.Add(h.lim.PresenceFor)}
		case s.Socket == "" && s.Leg != "":
			c := customerHere{node: s.Node, leg: s.Leg}
			if s.Online {
				c.online = now.Add(h.lim.OnlineFor)
			}
			if s.Typing {
				c.typing = now.Add(h.lim.TypingFor)
			}
			p.customers[s.Node+"|"+string(s.Leg)] = c
		}
	})
}

// gone removes a closed socket from wherever its agent was.
func (h *Hub) gone(s *agentSocket) {
	var in []timeline.ConversationID
	h.here.mu.Lock()
	for id, p := range h.here.places {
		if _, ok := p.agents[s.id]; ok {
			in = append(in, id)
		}
	}
	h.here.mu.Unlock()
	for _, id := range in {
		h.signal(Signal{Conversation: id, Socket: s.id, Agent: s.viewer.Agent, Name: s.viewer.Name, State: away})
	}
}

// spoke ends the typing of whoever just said what they typed, and learns that a person
// with an open window now has a conversation to be present in.
func (h *Hub) spoke(e *timeline.Entry) {
	if e.Event.Kind != timeline.KindMessage {
		return
	}
	id, leg := e.Event.Conversation, e.Event.Leg
	h.here.mu.Lock()
	p := h.here.places[id]
	known := false
	if p != nil {
		_, known = p.customers[h.node+"|"+string(leg)]
	}
	h.here.mu.Unlock()
	if e.Event.Direction == timeline.In && !known && len(h.watchersOf(leg)) > 0 {
		h.signal(Signal{Conversation: id, Leg: leg, Online: true})
	}
	if p == nil {
		return
	}
	h.change(id, func(p *place) {
		for k, a := range p.agents {
			if e.Event.Direction == timeline.Out && a.state == typing && string(a.agent) == e.Event.Actor.ID {
				a.state = viewing
				p.agents[k] = a
			}
		}
		for k, c := range p.customers {
			if e.Event.Direction == timeline.In && c.leg == e.Event.Leg {
				c.typing = time.Time{}
				p.customers[k] = c
			}
		}
	})
}

// sweepPresence lets presence run out, and repeats what still holds.
func (h *Hub) sweepPresence(now time.Time) {
	h.here.mu.Lock()
	ids := slices.Collect(maps.Keys(h.here.places))
	h.here.mu.Unlock()
	for _, id := range ids {
		h.change(id, func(*place) {})
	}
	h.retellOnline(now)
}
