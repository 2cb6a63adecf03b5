package realtime

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fasthttp/websocket"
	"github.com/parley-hub/parley/timeline"
)

// wsock is a real websocket as the server sees it.
type wsock struct {
	*websocket.Conn
	mu sync.Mutex
}

func (w *wsock) Read() ([]byte, error) { _, b, err := w.ReadMessage(); return b, err }

func (w *wsock) Write(b []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.SetWriteDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return err
	}
	return w.WriteMessage(websocket.TextMessage, b)
}

func (w *wsock) Close(code int, why string) error {
	_ = w.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, why), time.Now().Add(time.Second))
	return w.Conn.Close()
}

// overTCP serves a hub on real sockets.
func overTCP(tb testing.TB, h *Hub) (dial func() *websocket.Conn) {
	tb.Helper()
	var up websocket.Upgrader
	ctx, cancel := context.WithCancel(context.Background())
	var talks sync.WaitGroup
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		talks.Add(1)
		defer talks.Done()
		_ = h.ServeAgent(ctx, &wsock{Conn: c}, Viewer{Agent: "maya", CanSee: all})
	}))
	tb.Cleanup(func() { cancel(); talks.Wait(); srv.Close() })
	d := websocket.Dialer{NetDial: net.Dial}
	return func() *websocket.Conn {
		c, _, err := d.Dial("ws"+strings.TrimPrefix(srv.URL, "http"), nil)
		if err != nil {
			tb.Fatal(err)
		}
		return c
	}
}

func TestSocketKilledAndReconnectedMissesNothing(t *testing.T) {
	m := newMemory()
	h := newHub(t, m)
	dial := overTCP(t, h)
	const total = 600
	var done sync.WaitGroup
	done.Go(func() {
		for range total {
			h.Deliver(m.append("c1", says("x")))
			time.Sleep(100 * time.Microsecond)
		}
	})
	var have int64
	for round := 0; have < total; round++ {
		c := dial()
		if err := c.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, `{"type":"subscribe","conversation":"c1","after":%d}`, have)); err != nil {
			t.Fatal(err)
		}
		for n := 0; have < total && (n < 37 || round > 10); n++ {
			_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
			var g got
			if err := c.ReadJSON(&g); err != nil {
				t.Fatal(err)
			}
			if g.Type != "event" {
				continue
			}
			if g.Seq != have+1 {
				t.Fatalf("seq %d after %d", g.Seq, have)
			}
			have = g.Seq
		}
		_ = c.NetConn().Close() // as if the line had gone
	}
	done.Wait()
}

// BenchmarkFanOut200 is the time from one event to its arrival at 200 real sockets.
func BenchmarkFanOut200(b *testing.B) {
	m := newMemory()
	h := New(Deps{Store: m, Node: "n1"})
	b.Cleanup(h.Close)
	dial := overTCP(b, h)
	var got atomic.Int64
	const sockets = 200
	var readers sync.WaitGroup
	var conns []*websocket.Conn
	for range sockets {
		c := dial()
		conns = append(conns, c)
		if err := c.WriteMessage(websocket.TextMessage, []byte(`{"type":"subscribe","feed":"inbox"}`)); err != nil {
			b.Fatal(err)
		}
		for range 2 { // hello, subscribed
			if _, _, err := c.ReadMessage(); err != nil {
				b.Fatal(err)
			}
		}
		readers.Go(func() {
			for {
				if _, _, err := c.NextReader(); err != nil {
					return
				}
				got.Add(1)
			}
		})
	}
	e := m.append("c1", says(strings.Repeat("a longer message ", 10)))
	b.ResetTimer()
	for i := range b.N {
		e.Event.Seq = int64(i + 1)
		h.Deliver(e)
		for got.Load() < int64(i+1)*sockets {
			time.Sleep(20 * time.Microsecond)
		}
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N*sockets)/b.Elapsed().Seconds(), "deliveries/s")
	for _, c := range conns {
		_ = c.Close()
	}
	readers.Wait()
}

// BenchmarkDeliver200 is what the hub itself spends on one event for 200 sockets.
func BenchmarkDeliver200(b *testing.B) {
	m := newMemory()
	h := New(Deps{Store: m, Node: "n1"})
	b.Cleanup(h.Close)
	var socks []*agentSocket
	for range 200 {
		s := &agentSocket{hub: h, viewer: Viewer{CanSee: all}, subs: map[timeline.ConversationID]*sub{}, inbox: true}
		s.wake.L, s.room.L = &s.mu, &s.mu
		h.feed[s] = struct{}{}
		socks = append(socks, s)
	}
	e := m.append("c1", says("hello"))
	b.ReportAllocs()
	for i := range b.N {
		e.Event.Seq = int64(i + 1)
		h.Deliver(e)
		if i%1000 == 0 {
			for _, s := range socks {
				s.take(nil)
			}
		}
	}
}
