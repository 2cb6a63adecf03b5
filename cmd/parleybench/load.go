package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-hub/parley/internal/simulate"
)

// settleWithin is how long what was accepted may take to be shown after the load ended.
const settleWithin = 15 * time.Second

// watcher measures when an agent's socket reads the event of a visitor's message.
type watcher struct {
	mu   sync.Mutex
	sent map[string]time.Time // by the id the visitor's program gave
	took []time.Duration
	last time.Time
	mark []byte // what stands before the id in a frame
}

var clientField = []byte(`"client":"`)

// frame takes a frame as the socket read it. It looks for the id only: reading a thousand
// frames a second whole would measure the generator.
func (w *watcher) frame(b []byte) bool {
	now := time.Now()
	if !bytes.HasPrefix(b, []byte(`{"type":"event"`)) {
		return false
	}
	i := bytes.Index(b, w.mark)
	if i < 0 || len(b) < i+len(w.mark)+26 {
		return true
	}
	id := string(b[i+len(w.mark):][:26])
	w.mu.Lock()
	if at, ok := w.sent[id]; ok {
		delete(w.sent, id)
		w.took = append(w.took, now.Sub(at))
		w.last = now
	}
	w.mu.Unlock()
	return true
}

func (w *watcher) sending(id string) {
	now := time.Now()
	w.mu.Lock()
	w.sent[id] = now
	w.mu.Unlock()
}

func (w *watcher) waiting() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.sent)
}

func (w *watcher) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent, w.took = map[string]time.Time{}, nil
}

// crowd is an agent who watches, and visitors with open sockets.
type crowd struct {
	srv      *server
	watch    *watcher
	agent    *simulate.AgentClient
	visitors []*talker
	stop     context.CancelFunc
	ready    chan struct{}
	web      *http.Client
	running  sync.WaitGroup
}

// talker is a visitor who can be waited for.
type talker struct {
	*simulate.VisitorClient
	ack chan string
}

// attend connects an agent who watches for ids that stand behind a mark.
func attend(ctx context.Context, s *server, token string, mark []byte) (*crowd, error) {
	ctx, stop := context.WithCancel(ctx)
	c := &crowd{srv: s, watch: &watcher{sent: map[string]time.Time{}, mark: mark}, stop: stop, ready: make(chan struct{}, 1), web: simulate.NewHTTP()}
	c.agent = simulate.NewAgent(simulate.AgentConfig{Base: s.base(), Token: token, HTTP: c.web, OnRaw: c.watch.frame, OnReady: c.tell})
	c.running.Go(func() { c.agent.Run(ctx) })
	if err := await(ctx, c.ready, 1); err != nil {
		return c, fmt.Errorf("the agent's socket: %w", err)
	}
	return c, nil
}

// tell says that a socket is open.
func (c *crowd) tell() {
	select {
	case c.ready <- struct{}{}:
	default:
	}
}

// newCrowd connects an agent and n visitors, each of whom has spoken once, so that what is
// measured is talk and not arrival.
func newCrowd(ctx context.Context, s *server, token string, n int) (*crowd, error) {
	c, err := attend(ctx, s, token, clientField)
	if err != nil {
		return c, err
	}
	ctx, stop := context.WithCancel(ctx)
	agent := c.stop
	c.stop = func() { stop(); agent() }
	for range n {
		c.add(ctx, c.web, c.tell)
		if err := await(ctx, c.ready, 1); err != nil {
			return c, fmt.Errorf("visitor %d's socket: %w", len(c.visitors), err)
		}
	}
	for _, t := range c.visitors {
		c.send(t, "Hello, are you there?")
	}
	return c, c.settle(ctx)
}

func (c *crowd) add(ctx context.Context, web *http.Client, ready func()) {
	t := &talker{ack: make(chan string, 64)}
	t.VisitorClient = simulate.NewVisitor(simulate.VisitorConfig{Base: c.srv.base(), Account: chatAccount, HTTP: web, Window: 64, OnReady: ready,
		OnAck: func(id string) {
			select {
			case t.ack <- id:
			default: // nobody waits
			}
		}})
	c.visitors = append(c.visitors, t)
	c.running.Go(func() { t.Run(ctx) })
}

func await(ctx context.Context, ch <-chan struct{}, n int) error {
	for range n {
		select {
		case <-ch:
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(settleWithin):
			return fmt.Errorf("not ready after %v", settleWithin)
		}
	}
	return nil
}

func (c *crowd) close() {
	c.stop()
	c.running.Wait()
}

// send lets a visitor speak. The clock starts before anything is written.
func (c *crowd) send(t *talker, text string) string {
	id := simulate.NewID()
	c.watch.sending(id)
	t.SendAs(id, text)
	return id
}

// settle waits until everything sent was shown.
func (c *crowd) settle(ctx context.Context) error {
	until := time.Now().Add(settleWithin)
	for c.watch.waiting() > 0 {
		if time.Now().After(until) {
			return fmt.Errorf("%d messages were not shown within %v", c.watch.waiting(), settleWithin)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
	for i, t := range c.visitors {
		if refused := t.Refused(); len(refused) > 0 {
			return fmt.Errorf("visitor %d: %d messages were refused", i, len(refused))
		}
	}
	return nil
}

// figures are what one run of load gave.
type figures struct {
	sent     int
	perS     float64 // accepted and shown
	p50, p99 float64 // ms from send to the agent's event
	cpu      float64 // the server's CPU seconds per 1,000 messages
}

// measure runs a load and gathers its figures.
func (c *crowd) measure(ctx context.Context, load func(context.Context) int) (figures, error) {
	c.watch.reset()
	before, err := c.srv.cpu()
	if err != nil {
		return figures{}, err
	}
	began := time.Now()
	n := load(ctx)
	if err := c.settle(ctx); err != nil {
		return figures{}, err
	}
	after, err := c.srv.cpu()
	if err != nil {
		return figures{}, err
	}
	c.watch.mu.Lock()
	defer c.watch.mu.Unlock()
	took := slices.Sorted(slices.Values(c.watch.took))
	if n == 0 || len(took) == 0 {
		return figures{}, fmt.Errorf("nothing was shown")
	}
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	return figures{sent: n, perS: float64(len(took)) / c.watch.last.Sub(began).Seconds(),
		p50: ms(quantile(took, 0.5)), p99: ms(quantile(took, 0.99)), cpu: (after - before).Seconds() / float64(n) * 1000}, nil
}

var said = "I ordered the trail jacket in medium last Tuesday, and the tracking still says it has not left. " + strings.Repeat("Could you have a look? ", 2)

// open sends rate messages a second, whatever becomes of them.
func (c *crowd) open(rate int, d time.Duration) func(context.Context) int {
	return func(ctx context.Context) int {
		began, n := time.Now(), 0
		for every := time.Second / time.Duration(rate); time.Duration(n)*every < d && ctx.Err() == nil; n++ {
			time.Sleep(time.Until(began.Add(time.Duration(n) * every)))
			c.send(c.visitors[n%len(c.visitors)], said)
		}
		return n
	}
}

// closed lets n visitors at a time speak as fast as they are heard.
func (c *crowd) closed(n int, d time.Duration) func(context.Context) int {
	return func(ctx context.Context) int {
		until := time.Now().Add(d)
		var sent atomic.Int64
		var all sync.WaitGroup
		for i := range n {
			all.Go(func() {
				t := c.visitors[i]
				for time.Now().Before(until) && ctx.Err() == nil {
					id := c.send(t, said)
					sent.Add(1)
					if !t.heard(ctx, id) {
						return
					}
				}
			})
		}
		all.Wait()
		return int(sent.Load())
	}
}

// heard waits for the acknowledgement of one message.
func (t *talker) heard(ctx context.Context, id string) bool {
	for {
		select {
		case got := <-t.ack:
			if got == id {
				return true
			}
		case <-ctx.Done():
			return false
		case <-time.After(settleWithin):
			return false
		}
	}
}
