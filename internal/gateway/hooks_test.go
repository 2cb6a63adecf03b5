package gateway

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fasthttp/websocket"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

func TestCallback(t *testing.T) {
	ty := &toy{}
	w := newWorld(t, ty)
	w.account("a")
	w.listen()
	decoded := textDecode("a")
	cases := []struct {
		name   string
		path   string
		decode func(channels.Callback) ([]timeline.Inbound, channels.Answer, error)
		down   bool
		body   []byte
		status int
		says   string
		taken  int
	}{
		{name: "taken", decode: decoded, body: []byte("hello"), status: 200, says: "ok", taken: 1},
		{name: "forged", decode: func(channels.Callback) ([]timeline.Inbound, channels.Answer, error) {
			return nil, channels.Answer{}, fmt.Errorf("expected %s: %w", canary, channels.ErrForged)
		}, body: []byte("x"), status: 401},
		{name: "unreadable", decode: func(channels.Callback) ([]timeline.Inbound, channels.Answer, error) {
			return nil, channels.Answer{}, errors.New("what is this: " + canary)
		}, body: []byte("x"), status: 400},
		{name: "panics", decode: func(channels.Callback) ([]timeline.Inbound, channels.Answer, error) { panic(canary) }, body: []byte("x"), status: 500},
		{name: "webhook_store_down", decode: decoded, down: true, body: []byte("late"), status: 503},
		{name: "too_large", decode: decoded, body: bytes.Repeat([]byte("x"), hookBody+1), status: 413},
		{name: "3mb_batch", decode: decoded, body: bytes.Repeat([]byte("y"), 3<<20), status: 200, taken: 1},
		{name: "account_unknown", path: "/hooks/toy/zzz", decode: decoded, status: 404},
		{name: "kind_wrong", path: "/hooks/fax/a", decode: decoded, status: 404},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			ty.decode = c.decode
			w.broker(c.down)
			defer w.broker(false)
			if c.path == "" {
				c.path = "/hooks/toy/a"
			}
			before := len(w.inbound())
			status, body, h := w.post(c.path, c.body)
			if status != c.status || len(w.inbound())-before != c.taken || !strings.Contains(body, c.says) {
				t.Fatalf("%d %s, taken %d", status, body, len(w.inbound())-before)
			}
			if strings.Contains(body, canary) {
				t.Error("the answer tells what it should not")
			}
			if status >= 400 && h.Get("Content-Type") != "application/problem+json" {
				t.Error("no problem document:", h.Get("Content-Type"))
			}
			if status == 503 && h.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
		})
	}
}

func TestBodyIsTheBytesOnTheWire(t *testing.T) {
	ty := &toy{}
	w := newWorld(t, ty)
	w.account("a")
	w.listen()
	var z bytes.Buffer
	gz := gzip.NewWriter(&z)
	if _, err := gz.Write(bytes.Repeat([]byte("a"), 1000)); err != nil {
		t.Fatal(err)
	}
	if err := gz.Close(); err != nil {
		t.Fatal(err)
	}
	got := make(chan []byte, 1)
	ty.decode = func(c channels.Callback) ([]timeline.Inbound, channels.Answer, error) {
		got <- c.Body
		return nil, channels.Answer{}, nil
	}
	if status, _, _ := w.post("/hooks/toy/a", z.Bytes(), "Content-Encoding", "gzip"); status != 200 {
		t.Fatal(status)
	}
	if !bytes.Equal(<-got, z.Bytes()) {
		t.Error("the body was decompressed")
	}
}

// TestFrameworkMemory is fiber_buffer_reuse: what is kept of a request is never overwritten by another.
func TestFrameworkMemory(t *testing.T) {
	ty := &toy{}
	w := newWorld(t, ty)
	w.account("a")
	w.listen()
	var mu sync.Mutex
	var kept []channels.Callback
	ty.decode = func(c channels.Callback) ([]timeline.Inbound, channels.Answer, error) {
		mu.Lock()
		defer mu.Unlock()
		kept = append(kept, c)
		return nil, channels.Answer{}, nil
	}
	var wg sync.WaitGroup
	for p := range 8 {
		wg.Go(func() {
			for i := range 125 {
				mark := fmt.Sprintf("%d-%d-%s", p, i, strings.Repeat("z", i))
				w.post("/hooks/toy/a?mark="+mark, []byte(mark), "X-Mark", mark)
			}
		})
	}
	wg.Wait()
	if len(kept) != 1000 {
		t.Fatal(len(kept))
	}
	for _, c := range kept {
		if b := string(c.Body); c.Header.Get("X-Mark") != b || c.Query["mark"][0] != b {
			t.Fatalf("mixed up: %q %q %q", b, c.Header.Get("X-Mark"), c.Query["mark"])
		}
	}
}

func TestSharedCallback(t *testing.T) {
	var readable atomic.Bool // accounts replay what is kept for them on their own
	ty := &toy{}
	w := newWorld(t, ty)
	ty.decode = func(c channels.Callback) ([]timeline.Inbound, channels.Answer, error) {
		if string(c.Body) == "poison" && !readable.Load() {
			panic("poison")
		}
		account := timeline.AccountID("a")
		if strings.HasPrefix(string(c.Body), "late") {
			account = "late"
		}
		return []timeline.Inbound{said(account, "t1", string(c.Body))}, channels.Answer{}, nil
	}
	w.account("a")
	w.listen()
	if status, _, _ := w.post("/hooks/toy", []byte("@a:x"), "X-Toy", ""); status != 401 {
		t.Fatal("no secret is configured: it must be refused, got", status)
	}
	if err := w.g.SetApp(t.Context(), "toy", map[string]string{"appSecret": "app-secret"}); err != nil {
		t.Fatal(err)
	}
	if status, _, _ := w.post("/hooks/toy", []byte("@a:x"), "X-Toy", "wrong"); status != 401 {
		t.Fatal("a forged callback got", status)
	}
	status, body, _ := w.post("/hooks/toy", []byte("@a:one\n@a:poison\n@late:late one\n@a:two\n@late:late two"), "X-Toy", "app-secret")
	if status != 200 || body != "taken" {
		t.Fatal(status, body)
	}
	if got := texts(w.inbound()); got != "one two" {
		t.Fatalf("taken: %q", got)
	}
	w.account("late")
	eventually(t, "parked callbacks are replayed in order", func() bool { return texts(w.inbound()) == "one two late one late two" })
	readable.Store(true)
	n, err := w.g.Replay(t.Context(), "toy", "@a")
	if err != nil || n != 1 {
		t.Fatal("the poison is readable now:", n, err)
	}
	if n, err := w.g.Replay(t.Context(), "toy", "@a"); err != nil || n != 0 {
		t.Error("replayed twice:", n, err)
	}
	w.broker(true)
	if status, _, _ := w.post("/hooks/toy", []byte("@a:three"), "X-Toy", "app-secret"); status != 503 {
		t.Error("the bus is down, got", status)
	}
}

func texts(in []timeline.Inbound) string {
	var out []string
	for _, i := range in {
		if i.Event.Message != nil {
			out = append(out, i.Event.Message.Text)
		}
	}
	return strings.Join(out, " ")
}

func TestServe(t *testing.T) {
	ty := &toy{}
	w := newWorld(t, ty)
	w.account("a")
	w.listen()
	ty.serve = func(r channels.Request) channels.Response {
		if r.Path == "/panic" {
			panic("x")
		}
		return channels.Response{Status: 201, Header: http.Header{"X-Path": {r.Path}, "Vary": {"Origin"}}, Body: r.Body}
	}
	status, body, h := w.post("/c/a/some/path?x=1", []byte("hi"))
	if status != 201 || body != "hi" || h.Get("X-Path") != "/some/path" {
		t.Fatal(status, body, h)
	}
	if status, _, _ := w.post("/c/a/panic", nil); status != 500 {
		t.Error("a panic gives", status)
	}
	if status, _, _ := w.post("/c/zzz/x", nil); status != 404 {
		t.Error("an unknown account gives", status)
	}
	if status, _, _ := w.post("/c/a/x", bytes.Repeat([]byte("x"), serveBody+1)); status != 413 {
		t.Error("a large body gives", status)
	}
	if a, err := w.g.Get(t.Context(), "a"); err != nil || a.Health.State != channels.Amber {
		t.Error("the panic does not show:", a.Health, err)
	}
}

func TestSocket(t *testing.T) {
	ty := &toy{}
	w := newWorld(t, ty)
	w.account("a")
	w.listen()
	ty.talk = func(ctx context.Context, r channels.Request, k channels.Socket) error {
		for {
			b, err := k.Read()
			if err != nil {
				return err
			}
			if string(b) == "panic" {
				panic("x")
			}
			if string(b) == "bye" {
				return k.Close(4401, "bye")
			}
			if err := k.Write(append([]byte(r.Query["q"][0]+" "), b...)); err != nil {
				return err
			}
		}
	}
	dial := func() *websocket.Conn {
		c, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(w.url, "http")+"/c/a/socket?q=you", nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if err := c.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
		return c
	}
	code := func(c *websocket.Conn) int {
		_, _, err := c.ReadMessage()
		var ce *websocket.CloseError
		if !errors.As(err, &ce) {
			t.Fatalf("no close code: %v", err)
		}
		return ce.Code
	}
	say := func(c *websocket.Conn, s string) {
		if err := c.WriteMessage(websocket.TextMessage, []byte(s)); err != nil {
			t.Fatal(err)
		}
	}
	c := dial()
	say(c, "there")
	if _, b, err := c.ReadMessage(); err != nil || string(b) != "you there" {
		t.Fatal(string(b), err)
	}
	say(c, "bye")
	if got := code(c); got != 4401 {
		t.Error("close code", got)
	}
	c = dial()
	say(c, "panic")
	if got := code(c); got != websocket.CloseInternalServerErr {
		t.Error("a panic closes with", got)
	}
	c = dial()
	say(c, "x")
	if _, _, err := c.ReadMessage(); err != nil {
		t.Fatal(err)
	}
	name := "changed"
	if _, err := w.g.Update(t.Context(), "a", Change{Name: &name}); err != nil {
		t.Fatal(err)
	}
	if got := code(c); got != closeRestart {
		t.Error("a changed account closes with", got)
	}
	if status, _, _ := w.post("/c/a/socket", nil); status == 200 {
		t.Error("a plain request was upgraded")
	}
}

func TestClosedGatewayAsksToComeAgain(t *testing.T) {
	ty := &toy{decode: textDecode("a")}
	w := newWorld(t, ty)
	w.account("a")
	w.listen()
	if err := w.g.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if status, _, h := w.post("/hooks/toy/a", []byte("x")); status != 503 || h.Get("Retry-After") == "" {
		t.Error(status, h)
	}
	if ty.opened.Load() != ty.closed.Load() {
		t.Errorf("opened %d sessions, closed %d", ty.opened.Load(), ty.closed.Load())
	}
	if err := w.try(w.message("m", "x")); err == nil {
		t.Error("a message was taken after closing")
	}
}
