package realtime

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-hub/parley/timeline"
)

// Socket is an accepted websocket. Reads are made by one goroutine; writes may be
// concurrent. A peer that does not take what is written within ten seconds is closed.
type Socket interface {
	Read() ([]byte, error)
	Write([]byte) error
	Close(code int, reason string) error
}

// Batcher is a Socket that can write several frames with one system call.
type Batcher interface {
	WriteBatch([][]byte) error
}

// Viewer is the agent behind a socket. CanSee is asked on every subscription and every
// event; it must be quick, safe for concurrent use, and may change its mind.
type Viewer struct {
	Agent  timeline.AgentID
	Name   string
	CanSee func(*timeline.Conversation) bool
	Views  func() any // the numbers beside the agent's views; nil: they are not told
}

// pendingMax is how many live frames wait for a replay to end; more are read from the store instead.
const pendingMax = 1024

// agentSocket is one connection of an agent's program.
type agentSocket struct {
	hub    *Hub
	sock   Socket
	viewer Viewer
	id     string
	heard  atomic.Int64 // unix nanoseconds of the last frame from the client
	faults int          // malformed frames; only the reader touches it

	mu    sync.Mutex
	wake  sync.Cond // the queue or the end changed
	room  sync.Cond // the queue got shorter, or the end came
	queue [][]byte
	bytes int
	subs  map[timeline.ConversationID]*sub
	ended bool
	slow  bool
	code  int
	why   string
	inbox bool
	views []byte // the numbers told last
}

// sub is a conversation watched by name.
type sub struct {
	cursor    int64 // the client has everything up to here
	replaying bool
	pending   []*frame // live, while replaying
	head      int64    // greatest seq that pending could not hold
}

var socketIDs atomic.Int64

// ServeAgent speaks the agent's protocol on a socket until it closes or ctx ends. It
// returns nil where the hub ended the talk, and the read's error where the client went.
func (h *Hub) ServeAgent(ctx context.Context, sock Socket, v Viewer) error {
	s := &agentSocket{hub: h, sock: sock, viewer: v, id: h.node + "/" + strconv.FormatInt(socketIDs.Add(1), 10),
		subs: map[timeline.ConversationID]*sub{}}
	s.wake.L, s.room.L = &s.mu, &s.mu
	s.heard.Store(h.now().UnixNano())
	h.add(s)
	s.send(encode(hello{Type: "hello", Agent: v.Agent, Node: h.node}))
	var writer sync.WaitGroup
	writer.Go(s.write)
	stop := context.AfterFunc(ctx, func() { s.end(codeRestart, "the server restarts") })
	err := s.read(ctx)
	stop()
	s.end(1000, "")
	writer.Wait()
	h.remove(s)
	h.gone(s)
	return err
}

// read handles the client's frames until the socket closes.
func (s *agentSocket) read(ctx context.Context) error {
	for {
		b, err := s.sock.Read()
		if err != nil {
			if s.over() {
				return nil
			}
			return fmt.Errorf("realtime: read from agent's socket: %w", err)
		}
		s.heard.Store(s.hub.now().UnixNano())
		s.handle(ctx, b)
	}
}

func (s *agentSocket) handle(ctx context.Context, b []byte) {
	var a ask
	if len(b) > s.hub.lim.FrameBytes {
		s.fault(&problem{Status: 413, Title: "The frame is too large", Detail: fmt.Sprintf("A frame holds at most %d bytes.", s.hub.lim.FrameBytes)}, "")
		return
	}
	if err := json.Unmarshal(b, &a); err != nil {
		s.fault(&problem{Status: 400, Title: "The frame could not be read", Detail: "Send one JSON object with a \"type\"; see docs/agent-protocol.md."}, "")
		return
	}
	switch {
	case a.Type == "ping":
		s.send([]byte(`{"type":"pong"}`))
	case a.Type == "subscribe" && a.Feed == "inbox" && a.Conversation == "":
		s.follow()
	case a.Type == "unsubscribe" && a.Feed == "inbox" && a.Conversation == "":
		s.unfollow()
	case a.Type == "subscribe" && a.Feed == "" && a.Conversation != "" && (a.After == nil || *a.After >= 0):
		s.subscribe(ctx, a.Conversation, a.After)
	case a.Type == "unsubscribe" && a.Feed == "" && a.Conversation != "":
		s.drop(a.Conversation, nil)
	case a.Type == "presence" && a.Conversation != "" && knownState(a.State):
		s.present(ctx, a)
	default:
		s.fault(&problem{Status: 422, Title: "The frame means nothing here",
			Detail: "Known types are subscribe, unsubscribe, presence and ping; see docs/agent-protocol.md for their fields."}, a.Conversation)
	}
}

// fault answers a frame that cannot be acted upon; a client that sends nothing else is closed.
func (s *agentSocket) fault(p *problem, c timeline.ConversationID) {
	s.faults++
	s.send(p.frame(c))
	if s.faults >= s.hub.lim.Problems {
		s.end(codeAbuse, "too many malformed frames")
	}
}

func (s *agentSocket) follow() {
	s.mu.Lock()
	s.inbox = true
	s.mu.Unlock()
	s.hub.mu.Lock()
	s.hub.feed[s] = struct{}{}
	s.hub.mu.Unlock()
	s.send(encode(told{Type: "subscribed", Feed: "inbox"}))
}

func (s *agentSocket) unfollow() {
	s.hub.mu.Lock()
	delete(s.hub.feed, s)
	s.hub.mu.Unlock()
	s.mu.Lock()
	s.inbox = false
	s.mu.Unlock()
}

// offer queues an event for the client, if it may see it and has not got it.
func (s *agentSocket) offer(f *frame, l *lane) {
	c := &f.entry.Conversation
	sees := s.viewer.CanSee(c)
	if !sees {
		s.hide(f.entry, l)
		return
	}
	b := f.bytes()
	s.mu.Lock()
	defer s.mu.Unlock()
	seq := f.entry.Event.Seq
	sb := s.subs[c.ID]
	switch {
	case sb == nil && (!s.inbox || seq <= l.last):
		return
	case sb == nil:
	case sb.replaying:
		sb.hold(f)
		return
	case seq <= sb.cursor:
		return
	default:
		sb.cursor = seq
	}
	s.push(b)
}

func (sb *sub) hold(f *frame) {
	if len(sb.pending) < pendingMax && sb.head == 0 {
		sb.pending = append(sb.pending, f)
		return
	}
	sb.head = f.entry.Event.Seq
}

// hide tells a client that it may no longer see a conversation that it saw until now. Nothing
// of the event leaves.
func (s *agentSocket) hide(e *timeline.Entry, l *lane) {
	gone := encode(told{Type: "denied", Conversation: e.Conversation.ID})
	if s.drop(e.Conversation.ID, gone) {
		return
	}
	saw := false
	if l.conv != nil {
		saw = s.viewer.CanSee(l.conv)
	} else { // not known before: say so if this event may be what took it away
		saw = e.Event.Kind == timeline.KindAssignment || e.Event.Kind == timeline.KindLabels
	}
	if saw {
		s.send(gone)
	}
}

// next is the first seq that a watching client lacks; otherwise it is d.
func (s *agentSocket) next(c timeline.ConversationID, d int64) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sb := s.subs[c]; sb != nil && !sb.replaying {
		return sb.cursor + 1
	}
	return d
}

// drop ends the watching of a conversation, with a last word if there is one to say.
func (s *agentSocket) drop(c timeline.ConversationID, word []byte) bool {
	s.mu.Lock()
	_, had := s.subs[c]
	delete(s.subs, c)
	if had && word != nil {
		s.push(word)
	}
	s.mu.Unlock()
	if had {
		s.hub.mu.Lock()
		s.hub.unindex(c, s)
		s.hub.mu.Unlock()
	}
	return had
}

func (s *agentSocket) forget() map[timeline.ConversationID]*sub {
	s.mu.Lock()
	defer s.mu.Unlock()
	subs := s.subs
	s.subs = map[timeline.ConversationID]*sub{}
	return subs
}

func (s *agentSocket) silent(now time.Time) time.Duration {
	return now.Sub(time.Unix(0, s.heard.Load()))
}
