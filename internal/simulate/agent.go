package simulate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/parley-hub/parley/timeline"
)

func asProblem(err error, p **Problem) bool { return errors.As(err, p) }

// AgentConfig is who an agent is and what they want to know. The functions are called from
// the goroutine that reads the socket; they must not block.
type AgentConfig struct {
	Base  string // http://127.0.0.1:8080
	Token string
	HTTP  *http.Client

	// OnRaw sees each frame before it is read; true means that there is nothing more to do
	// with it, and it never reaches the screen.
	OnRaw   func([]byte) bool
	OnEvent func(Frame)
	OnReady func()
}

// Frame is a frame of the agent's protocol.
type Frame struct {
	Type         string          `json:"type"`
	Feed         string          `json:"feed"`
	Seq          int64           `json:"seq"`
	Event        *timeline.Event `json:"event"`
	Conversation json.RawMessage `json:"conversation"`
	Target       *timeline.Event `json:"target"`
	Reason       string          `json:"reason"`
	Problem      *Problem        `json:"problem"`
}

// ConversationID is which conversation the frame is about.
func (f Frame) ConversationID() timeline.ConversationID {
	if f.Event != nil {
		return f.Event.Conversation
	}
	var id timeline.ConversationID
	if err := json.Unmarshal(f.Conversation, &id); err != nil {
		return ""
	}
	return id
}

// AgentClient is an agent's program: the HTTP calls, and a screen kept by live updates. It
// is safe for concurrent use.
type AgentClient struct {
	cfg    AgentConfig
	Screen *Screen

	mu   sync.Mutex
	sock *socket
}

// NewAgent makes an agent's program.
func NewAgent(c AgentConfig) *AgentClient {
	if c.HTTP == nil {
		c.HTTP = NewHTTP()
	}
	return &AgentClient{cfg: c, Screen: NewScreen()}
}

// Run keeps the socket open and the screen level with the server until ctx ends.
func (a *AgentClient) Run(ctx context.Context) {
	for wait := 20 * time.Millisecond; ctx.Err() == nil; wait = min(2*wait, 500*time.Millisecond) {
		began := time.Now()
		// What ended the connection is of no interest: the next one mends what it missed.
		_ = a.connect(ctx)
		if time.Since(began) > time.Second {
			wait = 20 * time.Millisecond
		}
		if !pause(ctx, wait) {
			return
		}
	}
}

func (a *AgentClient) connect(ctx context.Context) error {
	s, err := dial(ctx, a.cfg.Base, "/api/realtime", http.Header{"Authorization": {"Bearer " + a.cfg.Token}})
	if err != nil {
		return err
	}
	defer s.close()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer context.AfterFunc(ctx, s.close)()
	a.mu.Lock()
	a.sock = s
	a.mu.Unlock()
	a.Screen.Forget()
	if err := s.write(map[string]string{"type": "subscribe", "feed": "inbox"}); err != nil {
		return err
	}
	var pinger sync.WaitGroup
	defer pinger.Wait()
	defer stop()
	pinger.Go(func() {
		for pause(ctx, 20*time.Second) {
			if s.write(map[string]string{"type": "ping"}) != nil {
				return
			}
		}
	})
	for {
		b, err := s.read()
		if err != nil {
			return fmt.Errorf("simulate: agent's socket: %w", err)
		}
		if a.cfg.OnRaw != nil && a.cfg.OnRaw(b) {
			continue
		}
		if err := a.frame(ctx, s, b); err != nil {
			return err
		}
	}
}

func (a *AgentClient) frame(ctx context.Context, s *socket, b []byte) error {
	var f Frame
	if err := json.Unmarshal(b, &f); err != nil {
		return fmt.Errorf("simulate: agent's frame %.100s: %w", b, err)
	}
	switch f.Type {
	case "event":
		if again, from := a.Screen.Apply(f); again {
			return a.watch(s, f.Event.Conversation, from)
		}
		if a.cfg.OnEvent != nil {
			a.cfg.OnEvent(f)
		}
	case "subscribed":
		if f.Feed == "inbox" {
			return a.level(ctx, s)
		}
		// Level again: the feed goes on from here.
		return s.write(map[string]any{"type": "unsubscribe", "conversation": f.ConversationID()})
	case "gap":
		id := f.ConversationID()
		if err := a.Load(ctx, id); err != nil {
			return err
		}
		return a.watch(s, id, a.Screen.Seq(id))
	case "resync":
		return fmt.Errorf("simulate: told to resync: %s", f.Reason)
	case "problem":
		return fmt.Errorf("simulate: agent's frame refused: %w", f.Problem)
	}
	return nil
}

// level subscribes, after what the screen has, to each conversation that went on meanwhile.
func (a *AgentClient) level(ctx context.Context, s *socket) error {
	list, err := a.Conversations(ctx, "all")
	if err != nil {
		return err
	}
	for _, c := range list {
		if seq := a.Screen.Seq(c.ID); seq < c.Seq {
			if err := a.watch(s, c.ID, seq); err != nil {
				return err
			}
		}
	}
	if a.cfg.OnReady != nil {
		a.cfg.OnReady()
	}
	return nil
}

func (a *AgentClient) watch(s *socket, id timeline.ConversationID, after int64) error {
	return s.write(map[string]any{"type": "subscribe", "conversation": id, "after": after})
}

// Present tells colleagues, and while typing the customer, what the agent does.
func (a *AgentClient) Present(id timeline.ConversationID, state string) error {
	a.mu.Lock()
	s := a.sock
	a.mu.Unlock()
	if s == nil {
		return nil
	}
	return s.write(map[string]any{"type": "presence", "conversation": id, "state": state})
}

type listed struct {
	Conversations []timeline.Conversation `json:"conversations"`
	Next          string                  `json:"next"`
}

// Conversations reads a whole view, page by page.
func (a *AgentClient) Conversations(ctx context.Context, view string) ([]timeline.Conversation, error) {
	var out []timeline.Conversation
	for after := ""; ; {
		var page listed
		q := url.Values{"view": {view}, "limit": {"100"}}
		if after != "" {
			q.Set("after", after)
		}
		if err := a.Call(ctx, http.MethodGet, "/api/conversations?"+q.Encode(), nil, &page); err != nil {
			return nil, err
		}
		out = append(out, page.Conversations...)
		if page.Next == "" || len(page.Conversations) == 0 {
			return out, nil
		}
		after = page.Next
	}
}

// Events reads a whole conversation, oldest first.
func (a *AgentClient) Events(ctx context.Context, id timeline.ConversationID, after int64) ([]timeline.Event, error) {
	var out []timeline.Event
	for {
		var page struct {
			Events []timeline.Event `json:"events"`
			More   bool             `json:"more"`
		}
		path := "/api/conversations/" + url.PathEscape(string(id)) + "/events?limit=100&after=" + strconv.FormatInt(after, 10)
		if err := a.Call(ctx, http.MethodGet, path, nil, &page); err != nil {
			return nil, err
		}
		out = append(out, page.Events...)
		if !page.More || len(page.Events) == 0 {
			return out, nil
		}
		after = page.Events[len(page.Events)-1].Seq
	}
}

// Load reads a conversation anew and puts it on the screen.
func (a *AgentClient) Load(ctx context.Context, id timeline.ConversationID) error {
	events, err := a.Events(ctx, id, 0)
	if err != nil {
		return err
	}
	a.Screen.Load(id, events)
	return nil
}

// Reply sends a message on a leg; the same id twice is one message. nil means durable.
func (a *AgentClient) Reply(ctx context.Context, c timeline.ConversationID, leg timeline.LegID, id, text string) error {
	return a.Call(ctx, http.MethodPost, "/api/conversations/"+url.PathEscape(string(c))+"/messages",
		map[string]any{"id": id, "leg": leg, "text": text, "undo": 0}, nil)
}

// Call makes one call of the HTTP API.
func (a *AgentClient) Call(ctx context.Context, method, path string, in, out any) error {
	return call(ctx, a.cfg.HTTP, method, a.cfg.Base+path, http.Header{"Authorization": {"Bearer " + a.cfg.Token}}, in, out)
}
