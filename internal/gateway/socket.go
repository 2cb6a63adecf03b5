package gateway

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	raw "github.com/fasthttp/websocket"
	"github.com/gofiber/contrib/websocket"
	"github.com/gofiber/fiber/v2"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

const (
	socketSilence = 60 * time.Second // a peer that says nothing for so long is gone
	socketWrite   = 10 * time.Second // for one frame to be taken
	socketFrame   = 64 << 10         // bytes of one frame of a customer
	socketBuffer  = 1 << 10          // bytes; frames are small and sockets are many
)

// closeRestart is the close code that says: connect again soon.
const closeRestart = 1012

type attach struct {
	live *live
	req  channels.Request
}

// socket accepts websockets for sessions that talk over them.
func (g *Gateway) socket() fiber.Handler {
	upgrade := websocket.New(g.attach, websocket.Config{ReadBufferSize: socketBuffer, WriteBufferSize: socketBuffer, WriteBufferPool: &sync.Pool{}})
	return g.entered(func(c *fiber.Ctx) error {
		l := g.live(timeline.AccountID(c.Params("account")))
		if l == nil || !l.record.Enabled {
			return problem(c, notFound)
		}
		if _, ok := l.session.(channels.Sockets); !ok {
			if l.session == nil {
				return problem(c, later)
			}
			return problem(c, notFound)
		}
		if !websocket.IsWebSocketUpgrade(c) {
			return problem(c, &channels.Problem{Status: fiber.StatusUpgradeRequired, Title: "This is a websocket", Detail: "Connect with a websocket handshake."})
		}
		req, err := g.request(c, "/socket", 0)
		if err != nil {
			return problem(c, unread)
		}
		c.Locals(attachKey, &attach{l, req})
		return upgrade(c)
	})
}

const attachKey = "parley.attach"

// attach lets the session talk until either side ends it.
func (g *Gateway) attach(conn *websocket.Conn) {
	a, ok := conn.Locals(attachKey).(*attach)
	if !ok {
		return
	}
	l := a.live
	l.work.enter()
	defer l.work.leave()
	n := g.metrics.sockets.WithLabelValues(l.record.Channel)
	n.Inc()
	defer n.Dec()
	conn.SetReadLimit(socketFrame)
	s := &socket{conn: conn.Conn} // the wrapper around it is used again after this call
	stop := context.AfterFunc(l.ctx, func() {
		_ = s.Close(closeRestart, "the server restarts") // a socket that is gone already is closed
	})
	defer stop()
	err := talk(l, a.req, s)
	code, reason := websocket.CloseNormalClosure, ""
	if errors.Is(err, errPanic) {
		code, reason = websocket.CloseInternalServerErr, "the server failed"
		l.health.hub(channels.Health{State: channels.Amber, Reason: "A customer's socket could not be served.", Next: "See the log, then update the channel."})
	}
	_ = s.Close(code, reason) // where the session closed it with another code, this does nothing
}

func talk(l *live, req channels.Request, s *socket) (err error) {
	defer contain(l.log, &err)
	ss, ok := l.session.(channels.Sockets)
	if !ok {
		return channels.ErrForged
	}
	return ss.Attach(l.ctx, req, s)
}

// socket is an accepted websocket.
type socket struct {
	conn *raw.Conn
	mu   sync.Mutex // one writer at a time
	once sync.Once
	over bool
}

// Read waits for the next frame.
func (s *socket) Read() ([]byte, error) {
	if err := s.conn.SetReadDeadline(time.Now().Add(socketSilence)); err != nil {
		return nil, fmt.Errorf("gateway: socket: %w", err)
	}
	_, b, err := s.conn.ReadMessage()
	if err != nil {
		return nil, fmt.Errorf("gateway: socket: %w", err)
	}
	return b, nil
}

// Write sends one text frame.
func (s *socket) Write(b []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return errors.New("gateway: socket: closed")
	}
	if err := s.conn.SetWriteDeadline(time.Now().Add(socketWrite)); err != nil {
		return fmt.Errorf("gateway: socket: %w", err)
	}
	if err := s.conn.WriteMessage(websocket.TextMessage, b); err != nil {
		s.over = true
		_ = s.conn.Close() // the peer takes nothing any more; reading ends too
		return fmt.Errorf("gateway: socket: %w", err)
	}
	return nil
}

// Close says why and ends the connection. The first call counts.
func (s *socket) Close(code int, reason string) error {
	var err error
	s.once.Do(func() {
		err = s.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason), time.Now().Add(time.Second))
		s.mu.Lock()
		s.over = true
		s.mu.Unlock()
		err = errors.Join(err, s.conn.Close())
	})
	return err
}
