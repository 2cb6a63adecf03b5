// Package simulate is a customer's and an agent's program without a screen. It speaks the
// two public protocols (docs/widget-protocol.md and docs/agent-protocol.md) and nothing
// else, so that what it finds is what a client written from those pages would find. The
// demo, the benchmark and the crash harness drive the product with it.
package simulate

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/fasthttp/websocket"
	"github.com/oklog/ulid/v2"
)

var ids = struct {
	sync.Mutex
	from *ulid.MonotonicEntropy
}{from: ulid.Monotonic(rand.Reader, 0)}

// NewID makes the id of a message: a ULID, later ones greater.
func NewID() string {
	ids.Lock()
	defer ids.Unlock()
	return ulid.MustNew(ulid.Now(), ids.from).String()
}

// NewHTTP is a client that keeps its connections, as a browser does.
func NewHTTP() *http.Client {
	dial := &net.Dialer{Timeout: 2 * time.Second}
	return &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		DialContext: dial.DialContext, MaxIdleConnsPerHost: 256, IdleConnTimeout: 30 * time.Second, DisableCompression: true}}
}

// Problem is an error the server explained (RFC 9457).
type Problem struct {
	Status     int    `json:"status"`
	Title      string `json:"title"`
	Detail     string `json:"detail"`
	RetryAfter int    `json:"retryAfter"` // seconds
}

func (p *Problem) Error() string {
	return fmt.Sprintf("simulate: answered %d: %s (%s)", p.Status, p.Title, p.Detail)
}

// Again reports whether an error may pass when the same thing is tried later.
func Again(err error) bool {
	var p *Problem
	if errors.As(err, &p) {
		return p.Status == http.StatusTooManyRequests || p.Status >= 500
	}
	return err != nil
}

// call makes one HTTP request with a JSON body and reads a JSON answer.
func call(ctx context.Context, c *http.Client, method, url string, head http.Header, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("simulate: encode: %w", err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return fmt.Errorf("simulate: %w", err)
	}
	for k, v := range head {
		req.Header[k] = v
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.Do(req)
	if err != nil {
		return fmt.Errorf("simulate: %w", err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("simulate: read answer: %w", err)
	}
	if res.StatusCode >= 300 {
		p := &Problem{Title: strings.TrimSpace(string(b[:min(len(b), 200)]))}
		_ = json.Unmarshal(b, p) // what is no problem document keeps its text
		p.Status = res.StatusCode
		return p
	}
	if out == nil || len(b) == 0 {
		return nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("simulate: %s %s: %w", method, url, err)
	}
	return nil
}

// writeWithin bounds a write to a socket.
const writeWithin = 5 * time.Second

// socket is a websocket with safe writes.
type socket struct {
	conn *websocket.Conn
	mu   sync.Mutex
}

func dial(ctx context.Context, base, path string, head http.Header) (*socket, error) {
	d := websocket.Dialer{HandshakeTimeout: 5 * time.Second, ReadBufferSize: 32 << 10, WriteBufferSize: 4 << 10}
	conn, res, err := d.DialContext(ctx, "ws"+strings.TrimPrefix(base, "http")+path, head)
	if err != nil {
		if res != nil {
			defer res.Body.Close()
			return nil, fmt.Errorf("simulate: dial: %w", &Problem{Status: res.StatusCode, Title: err.Error()})
		}
		return nil, fmt.Errorf("simulate: dial: %w", err)
	}
	return &socket{conn: conn}, nil
}

func (s *socket) read() ([]byte, error) {
	_, b, err := s.conn.ReadMessage()
	return b, err
}

func (s *socket) write(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("simulate: encode: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.conn.SetWriteDeadline(time.Now().Add(writeWithin)); err != nil {
		return fmt.Errorf("simulate: %w", err)
	}
	return s.conn.WriteMessage(websocket.TextMessage, b)
}

func (s *socket) close() { _ = s.conn.Close() } // nothing to be done about a socket that does not close

// pause waits, or reports that ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
