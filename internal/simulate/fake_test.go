package simulate

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/fasthttp/websocket"
	"github.com/parley-hub/parley/timeline"
)

// fakeHub speaks enough of both protocols to test the clients: one conversation, in memory.
type fakeHub struct {
	t   *testing.T
	srv *httptest.Server
	up  websocket.Upgrader

	mu     sync.Mutex
	events []timeline.Event
	seen   map[string]bool
	socks  map[*websocket.Conn]string // what they are: visitor or agent
	refuse int                        // so many messages are refused with 503
	skip   bool                       // the next event is not told to anybody
}

const fakeLeg = timeline.LegID("acc|v-1")

func newFakeHub(t *testing.T) *fakeHub {
	f := &fakeHub{t: t, seen: map[string]bool{}, socks: map[*websocket.Conn]string{}, up: websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /c/acc/session", func(w http.ResponseWriter, _ *http.Request) {
		f.reply(w, 200, map[string]any{"token": "tok", "thread": "v-1", "items": []any{}})
	})
	mux.HandleFunc("POST /c/acc/messages", f.post)
	mux.HandleFunc("GET /c/acc/socket", f.visitor)
	mux.HandleFunc("GET /api/realtime", f.agent)
	mux.HandleFunc("GET /api/conversations", func(w http.ResponseWriter, _ *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.reply(w, 200, map[string]any{"conversations": []any{f.conversation()}})
	})
	mux.HandleFunc("GET /api/conversations/c1/events", func(w http.ResponseWriter, r *http.Request) {
		after, _ := strconv.Atoi(r.URL.Query().Get("after"))
		f.mu.Lock()
		defer f.mu.Unlock()
		page := f.events[after:min(after+7, len(f.events))]
		f.reply(w, 200, map[string]any{"events": page, "more": after+7 < len(f.events)})
	})
	mux.HandleFunc("POST /api/conversations/c1/messages", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ ID, Text string }
		_ = json.NewDecoder(r.Body).Decode(&in)
		f.say(in.ID, in.Text, timeline.Out)
		f.reply(w, 202, map[string]string{"event": in.ID})
	})
	f.srv = httptest.NewServer(mux)
	t.Cleanup(func() { f.hangUp(); f.srv.Close() })
	return f
}

func (f *fakeHub) reply(w http.ResponseWriter, status int, v any) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func (f *fakeHub) conversation() timeline.Conversation {
	return timeline.Conversation{ID: "c1", Seq: int64(len(f.events)), State: timeline.Open}
}

// say records a message once and tells everybody.
func (f *fakeHub) say(id, text string, d timeline.Direction) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refuse > 0 {
		f.refuse--
		return false
	}
	if f.seen[id] {
		return true
	}
	f.seen[id] = true
	e := timeline.Event{ID: timeline.EventID(id), Kind: timeline.KindMessage, Conversation: "c1", Seq: int64(len(f.events) + 1), Leg: fakeLeg, Direction: d,
		Client: id, At: timeline.Now(), Received: timeline.Now(), Message: &timeline.Message{Text: text}}
	f.events = append(f.events, e)
	if f.skip {
		f.skip = false
		return true
	}
	for c, who := range f.socks {
		f.tell(c, who, &e)
	}
	return true
}

func (f *fakeHub) tell(c *websocket.Conn, who string, e *timeline.Event) {
	if who == "agent" {
		_ = c.WriteJSON(map[string]any{"type": "event", "seq": e.Seq, "event": e, "conversation": f.conversation()})
		return
	}
	_ = c.WriteJSON(map[string]any{"type": "item", "item": timeline.Item{Cursor: timeline.CursorOf("c1", e.Seq), Event: *e}})
}

func (f *fakeHub) post(w http.ResponseWriter, r *http.Request) {
	var in struct{ ID, Text string }
	_ = json.NewDecoder(r.Body).Decode(&in)
	if !f.say(in.ID, in.Text, timeline.In) {
		f.reply(w, 503, map[string]any{"title": "not now", "status": 503})
		return
	}
	f.reply(w, 202, map[string]string{"id": in.ID})
}

// hangUp cuts every socket.
func (f *fakeHub) hangUp() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.socks {
		_ = c.Close()
	}
	f.socks = map[*websocket.Conn]string{}
}

func (f *fakeHub) join(w http.ResponseWriter, r *http.Request, who string, after int64, last map[string]any) *websocket.Conn {
	c, err := f.up.Upgrade(w, r, nil)
	if err != nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.events {
		if f.events[i].Seq > after && who == "visitor" {
			f.tell(c, who, &f.events[i])
		}
	}
	_ = c.WriteJSON(last)
	f.socks[c] = who
	return c
}

func (f *fakeHub) visitor(w http.ResponseWriter, r *http.Request) {
	_, after, _ := timeline.Cursor(r.URL.Query().Get("after")).Cut()
	c := f.join(w, r, "visitor", after, map[string]any{"type": "ready"})
	for {
		var in struct{ Type, ID, Text string }
		if c.ReadJSON(&in) != nil {
			return
		}
		if in.Type != "message" {
			continue
		}
		ok := f.say(in.ID, in.Text, timeline.In)
		f.mu.Lock()
		if ok {
			_ = c.WriteJSON(map[string]any{"type": "ack", "id": in.ID})
		} else {
			_ = c.WriteJSON(map[string]any{"type": "refused", "id": in.ID, "problem": map[string]any{"status": 503}})
		}
		f.mu.Unlock()
	}
}

func (f *fakeHub) agent(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") {
		f.reply(w, 401, map[string]any{"status": 401})
		return
	}
	c := f.join(w, r, "agent", 0, map[string]any{"type": "hello"})
	for {
		var in struct {
			Type, Feed, Conversation string
			After                    int64
		}
		if c.ReadJSON(&in) != nil {
			return
		}
		f.mu.Lock()
		switch {
		case in.Feed == "inbox":
			_ = c.WriteJSON(map[string]any{"type": "subscribed", "feed": "inbox"})
		case in.Type == "subscribe":
			for i := range f.events {
				if f.events[i].Seq > in.After {
					f.tell(c, "agent", &f.events[i])
				}
			}
			_ = c.WriteJSON(map[string]any{"type": "subscribed", "conversation": "c1", "seq": len(f.events)})
		}
		f.mu.Unlock()
	}
}

func text(n int) string { return fmt.Sprintf("message %03d", n) }
