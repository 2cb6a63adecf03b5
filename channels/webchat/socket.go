package webchat

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

// The close codes of the widget's protocol.
const (
	closeToken   = 4401
	closeOrigin  = 4403
	closeSlow    = 4408
	closeMany    = 4429
	closeRestart = 1012
)

const typingEvery = 3 * time.Second // further typing frames say nothing new

// frame is what the customer's program sends.
type frame struct {
	Type string `json:"type"`
	written
	On     bool            `json:"on"`
	Cursor timeline.Cursor `json:"cursor"`
}

// Attach talks with one open page until either side ends it.
func (s *Session) Attach(ctx context.Context, r channels.Request, sock channels.Socket) error {
	if r.Origin() != "" && !s.allowed(r) {
		return sock.Close(closeOrigin, "this page may not use the chat")
	}
	if s.limits.misses.spent(r.Remote) {
		return sock.Close(closeMany, "too many wrong tokens")
	}
	c, err := s.auth(first(r, "token"))
	if err != nil {
		s.limits.misses.take(r.Remote)
		return sock.Close(closeToken, "the token does not hold")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	st := newStream(s, c, sock)
	if !s.join(st) {
		return sock.Close(closeMany, "too many connections")
	}
	defer s.leave(st)
	return st.run(ctx, timeline.Cursor(first(r, "after")))
}

// join counts a socket in. The first of a visitor makes them present.
func (s *Session) join(st *stream) bool {
	s.mu.Lock()
	all := s.sockets[st.c.Visitor]
	if len(all) >= socketsEach {
		s.mu.Unlock()
		return false
	}
	if all == nil {
		all = map[*stream]bool{}
		s.sockets[st.c.Visitor] = all
	}
	all[st] = true
	s.mu.Unlock()
	return true
}

func (s *Session) leave(st *stream) {
	s.mu.Lock()
	all := s.sockets[st.c.Visitor]
	delete(all, st)
	last := len(all) == 0
	if last {
		delete(s.sockets, st.c.Visitor)
	}
	s.mu.Unlock()
	if last {
		s.present(st.c, false)
	}
}

func (s *Session) streamsOf(visitor string) []*stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*stream
	for st := range s.sockets[visitor] {
		out = append(out, st)
	}
	return out
}

// present tells agents whether the person is there, on every thread they have.
func (s *Session) present(c *claims, on bool) {
	for _, t := range c.threads() {
		s.host.Threads().Presence(s.thread(t), on)
	}
}

// listen reads frames until the socket ends. A message is answered before the next frame is
// read: what a visitor sends stays in order.
func (st *stream) listen(ctx context.Context) error {
	s := st.s
	frames := perMinute(framesPerMin, s.host.Now)
	for {
		b, err := st.sock.Read()
		if err != nil {
			return err
		}
		var f frame
		if err := json.Unmarshal(b, &f); err != nil {
			f.Type = ""
		}
		if f.Type != "message" && frames.take("") > 0 {
			st.problem(tooFast(time.Second))
			continue
		}
		if err := st.handle(ctx, &f); err != nil {
			return err
		}
	}
}

func (st *stream) handle(ctx context.Context, f *frame) error {
	s := st.s
	switch f.Type {
	case "message":
		if s.revoked.has(st.c) {
			return errToken
		}
		if bad := s.take(ctx, st.c, f.written); bad != nil {
			st.put(map[string]any{"type": "refused", "id": f.ID, "problem": bad})
			return nil
		}
		st.put(ackFrame{"ack", f.ID})
	case "typing":
		st.typing(f.On)
	case "read":
		if bad := st.read(ctx, f.Cursor); bad != nil {
			st.problem(bad)
		}
	case "ping":
		st.put(map[string]string{"type": "pong"})
		st.tellOnline()
		s.present(st.c, true)
	default:
		st.problem(refuse(http.StatusBadRequest, "It could not be understood", "Send a frame as the widget's protocol describes it."))
	}
	return nil
}

type ackFrame struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

func (st *stream) problem(t *trouble) { st.put(map[string]any{"type": "problem", "problem": t}) }

// typing passes on that the person types, at most every few seconds.
func (st *stream) typing(on bool) {
	now := st.s.host.Now()
	if on && now.Sub(st.typed) < typingEvery {
		return
	}
	st.typed = now
	if !on {
		st.typed = time.Time{}
	}
	st.s.host.Threads().Typing(st.s.thread(st.c.thread()), on)
}

// tellOnline tells when somebody began or ceased to be there to answer.
func (st *stream) tellOnline() {
	if on := st.s.set.online(st.s.host.Now()); st.online.Swap(on) != on {
		st.put(map[string]any{"type": "presence", "online": on})
	}
}

// read notes that the page showed everything up to a cursor.
func (st *stream) read(ctx context.Context, upTo timeline.Cursor) *trouble {
	if _, _, ok := upTo.Cut(); !ok {
		return refuse(http.StatusUnprocessableEntity, "The cursor is unknown", "Send the cursor of an item you received.")
	}
	if upTo <= st.readTo {
		return nil
	}
	if bad := st.s.read(ctx, st.c, upTo); bad != nil {
		return bad
	}
	st.readTo = upTo
	return nil
}

// ended reports why a talk was over, for the caller: the ordinary ends are none of its business.
func ended(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, errToken) {
		return nil
	}
	return err
}
