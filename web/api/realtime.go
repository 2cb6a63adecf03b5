package api

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofiber/contrib/websocket"
	"github.com/gofiber/fiber/v2"

	"github.com/parley-hub/parley/inbox/realtime"
	"github.com/parley-hub/parley/internal/auth"
	"github.com/parley-hub/parley/timeline"
)

// The limits of a live connection.
const (
	frameMax     = 64 << 10         // bytes of a frame from a client
	writeFor     = 10 * time.Second // a peer that takes longer is closed
	recheckEvery = 15 * time.Second // permissions are worked out anew
	closeDenied  = 4401             // the sign-in has ended
)

// realtimeRoute serves GET /api/realtime. The guard runs before the upgrade, so that who
// may not gets a problem document.
func (s *Server) realtimeRoute(app *fiber.App) {
	r := Route{ID: "realtime", Method: http.MethodGet, Path: "/api/realtime", Tag: "realtime", Access: Needs(auth.ConversationRead), Status: 101,
		Summary: "Live updates (websocket)", Errors: []int{426},
		Help: "See docs/agent-protocol.md. By cookie from the hub's own origin, by Authorization, or by ?token=."}
	s.routes = append(s.routes, r)
	upgrade := websocket.New(s.talk, websocket.Config{HandshakeTimeout: writeFor, ReadBufferSize: 4 << 10, WriteBufferSize: 4 << 10,
		WriteBufferPool: &sync.Pool{}})
	app.Get("/api/realtime", func(c *fiber.Ctx) error {
		p, err := s.admitSocket(c, r.Access)
		if err != nil {
			s.answer(c, r, err)
			return nil
		}
		if !websocket.IsWebSocketUpgrade(c) {
			p := problem("malformed", "This address speaks websocket; ask for an upgrade.")
			p.Status = http.StatusUpgradeRequired
			return writeProblem(c, p)
		}
		c.Context().SetUserValue(viewerName, p)
		return upgrade(c)
	})
	s.describeSocket(r)
}

const viewerName = "parley.principal"

// admitSocket finds who opens a live connection. A cookie counts only from the hub's own
// origin: browsers let every site open sockets with it.
func (s *Server) admitSocket(c *fiber.Ctx, a Access) (*auth.Principal, error) {
	ctx := c.UserContext()
	token, ok := bearer(c)
	if !ok {
		token = c.Query("token")
	}
	var p *auth.Principal
	var err error
	if token != "" {
		p, err = s.Auth.Token(ctx, token)
	} else {
		if origin := c.Get(fiber.HeaderOrigin); origin == "" || !s.ownOrigin(c, origin) {
			return nil, problem("csrf", "Open live updates from the hub's own origin, or send a token.")
		}
		p, err = s.Auth.Session(ctx, c.Cookies(sessionCookie))
	}
	if err != nil {
		return nil, err
	}
	if !p.Has(a.perm) {
		return nil, problem("forbidden", "This needs the permission "+string(a.perm)+". Ask an administrator for it.")
	}
	return p, nil
}

// talk serves one connection until it ends or the agent may no longer be there.
func (s *Server) talk(conn *websocket.Conn) {
	p, ok := conn.Locals(viewerName).(*auth.Principal)
	if !ok {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	sock := &socket{conn: conn.Conn}
	conn.SetReadLimit(frameMax)
	var now atomic.Pointer[auth.Principal]
	now.Store(p)
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		s.watch(ctx, &now, func() {
			sock.closeWith(closeDenied, "the sign-in has ended")
			cancel()
		})
	}()
	v := realtime.Viewer{Agent: p.Agent, Name: p.Name, CanSee: func(c *timeline.Conversation) bool { return now.Load().CanSee(c) },
		Views: func() any { return s.numbers(now.Load()) }}
	if err := s.Realtime.ServeAgent(ctx, sock, v); err != nil && ctx.Err() == nil {
		s.Log.Debug("live connection ended", "agent", p.Agent, "err", err)
	}
	cancel()
	<-watching
}

// watch works permissions out anew, at once when they change on this node and from time
// to time for other nodes. A store that is down changes nothing.
func (s *Server) watch(ctx context.Context, now *atomic.Pointer[auth.Principal], ended func()) {
	changed, stop := s.Auth.Changes(now.Load().Agent)
	defer stop()
	tick := time.NewTicker(recheckEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-tick.C:
		}
		p, err := s.Auth.Again(ctx, now.Load())
		switch {
		case errors.Is(err, auth.ErrSession) || (err == nil && !p.Has(auth.ConversationRead)):
			ended()
			return
		case err == nil:
			now.Store(p)
		}
	}
}

// socket is a websocket as inbox/realtime uses it. Several frames are written with one
// system call: where many events come at once, calls are what costs.
type socket struct {
	conn interface {
		ReadMessage() (int, []byte, error)
		WriteControl(int, []byte, time.Time) error
		NetConn() net.Conn
		Close() error
	}
	mu  sync.Mutex
	buf []byte
}

var _ realtime.Batcher = (*socket)(nil)

// bufferKept is the largest buffer that a connection keeps between writes.
const bufferKept = 16 << 10

// Read reads one text frame; a binary one ends the talk.
func (s *socket) Read() ([]byte, error) {
	kind, data, err := s.conn.ReadMessage()
	if err != nil {
		return nil, fmt.Errorf("api: reading a frame: %w", err)
	}
	if kind != websocket.TextMessage {
		return nil, errors.Join(errors.New("api: a frame that is not text"), s.Close(websocket.CloseUnsupportedData, "frames are JSON texts"))
	}
	return data, nil
}

// Write writes one text frame.
func (s *socket) Write(data []byte) error { return s.WriteBatch([][]byte{data}) }

// WriteBatch writes text frames. Each is whole within one write to the connection, so that
// the library's own control frames fall between them.
func (s *socket) WriteBatch(frames [][]byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buf = s.buf[:0]
	for _, f := range frames {
		s.buf = appendFrame(s.buf, f)
	}
	conn := s.conn.NetConn()
	if err := conn.SetWriteDeadline(time.Now().Add(writeFor)); err != nil {
		return fmt.Errorf("api: writing frames: %w", err)
	}
	_, err := conn.Write(s.buf)
	if cap(s.buf) > bufferKept {
		s.buf = nil
	}
	if err != nil {
		return fmt.Errorf("api: writing frames: %w", err)
	}
	return nil
}

// appendFrame adds an unmasked, final text frame (RFC 6455, section 5.2).
func appendFrame(buf, data []byte) []byte {
	const finalText, len16, len64 = 0x81, 126, 127
	buf = append(buf, finalText)
	switch n := len(data); {
	case n < len16:
		buf = append(buf, byte(n))
	case n <= math.MaxUint16:
		buf = binary.BigEndian.AppendUint16(append(buf, len16), uint16(n))
	default:
		buf = binary.BigEndian.AppendUint64(append(buf, len64), uint64(n))
	}
	return append(buf, data...)
}

// Close says goodbye and closes the connection.
func (s *socket) Close(code int, reason string) error {
	// The peer may be gone: closing below is what matters.
	_ = s.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason), time.Now().Add(time.Second))
	return s.conn.Close()
}

func (s *socket) closeWith(code int, reason string) { _ = s.Close(code, reason) } // nobody is left to tell
