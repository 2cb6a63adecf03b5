// Package hook delivers webhooks the way Meta does: signed over the exact bytes, in batches,
// at least once, in no promised order, again and again over 36 hours where the receiver does
// not answer 2xx, and then never again.
//
// Each callback address has a lane, and a lane makes one first attempt at a time, so that
// without switches events arrive in order; what failed is tried again beside it.
package hook

import (
	"bytes"
	"context"
	"io"
	"math/rand"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/parley-hub/parley/channels/instagram/metasim/internal/clock"
	"github.com/parley-hub/parley/channels/instagram/metasim/internal/wire"
)

// Limits of delivery.
const (
	// AnswerWithin is how long a receiver may take, in real time.
	AnswerWithin = 20 * time.Second
	// MaxBatch is the most updates in one body.
	MaxBatch = 1000

	swapHold = 100 * time.Millisecond
	keep     = 5000
)

// Schedule is the simulated time between an attempt and the next: at once, then with
// decreasing frequency. The sum is just under 36 hours, after which the body is dropped.
var Schedule = []time.Duration{
	0, 2 * time.Second, 5 * time.Second, 30 * time.Second, 5 * time.Minute, 30 * time.Minute,
	2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 10 * time.Hour, 11 * time.Hour,
}

// Options are the switches of delivery; the zero value delivers each event alone, once, at once.
type Options struct {
	Batch         int     `json:"batch"`           // most events in one body, 1 to 1000; 0 is 1
	BatchWaitMS   int     `json:"batch_wait_ms"`   // real milliseconds to wait for a batch to fill
	DelayMS       int     `json:"delay_ms"`        // simulated milliseconds before each first attempt
	Duplicate     float64 `json:"duplicate"`       // percent of events delivered twice
	Reorder       float64 `json:"reorder"`         // percent of events overtaken by the next one
	Signature     string  `json:"signature"`       // "sha256" (default), "sha1", "both", "wrong", "none"
	Envelope      string  `json:"envelope"`        // "object" (default) or "array", as one page of the documentation shows it
	NoRedelivery  bool    `json:"no_redelivery"`   // drop at the first failure
	AnswerWithinS int     `json:"answer_within_s"` // real seconds a receiver may take; 0 is 20
}

// Target is where events go and with which secret they are signed.
type Target struct {
	App, Object, URL, Secret string
}

// Event is one update for one receiver.
type Event struct {
	Entry     string // entry[].id
	Container string // "messaging", "standby", "changes" or "flat"
	Seconds   bool   // entry[].time in seconds, as for changes
	Body      wire.Obj

	once sync.Once
	done chan struct{}
}

// NewEvent returns an event ready to be sent.
func NewEvent(entry, container string, body wire.Obj) *Event {
	return &Event{Entry: entry, Container: container, Body: body, done: make(chan struct{})}
}

// Done is closed after the first attempt to deliver the event.
func (e *Event) Done() <-chan struct{} { return e.done }

func (e *Event) attempted() { e.once.Do(func() { close(e.done) }) }

// Attempt is one POST.
type Attempt struct {
	At     time.Time `json:"at"`
	Status int       `json:"status"`
	Error  string    `json:"error,omitempty"`
}

// Delivery is one body and what became of it.
type Delivery struct {
	ID       int       `json:"id"`
	App      string    `json:"app"`
	Object   string    `json:"object"`
	URL      string    `json:"url"`
	Events   int       `json:"events"`
	Body     string    `json:"body"`
	State    string    `json:"state"` // "sending", "delivered", "retrying", "dropped"
	Attempts []Attempt `json:"attempts"`
}

// Sender delivers events. It is safe for use by many goroutines.
type Sender struct {
	clock  *clock.Clock
	client *http.Client
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	seen   func(Delivery)

	mu      sync.Mutex
	opt     Options
	rng     *rand.Rand
	lanes   map[Target]*lane
	log     []*Delivery
	nextID  int
	paused  bool
	waiting int // events not yet attempted
	dropped int
	changed chan struct{}
}

type lane struct {
	target Target
	queue  []queued
	wake   chan struct{}
}

type queued struct {
	ev     *Event
	swap   bool
	notYet time.Time
}

// New returns a sender whose draws come from seed. seen, which may be nil, is told of each
// delivery after each attempt.
func New(c *clock.Clock, seed int64, seen func(Delivery)) *Sender {
	ctx, cancel := context.WithCancel(context.Background())
	if seen == nil {
		seen = func(Delivery) {}
	}
	return &Sender{
		clock: c, ctx: ctx, cancel: cancel, seen: seen,
		client: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse // a redirect is a failed delivery
		}},
		rng: rand.New(rand.NewSource(seed)), lanes: map[Target]*lane{}, changed: make(chan struct{}),
	}
}

// Close stops delivery; what is in flight is cut off.
func (s *Sender) Close() {
	s.cancel()
	s.wg.Wait()
	s.client.CloseIdleConnections()
}

// SetOptions changes the switches for what is sent from now on.
func (s *Sender) SetOptions(o Options) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opt = o
}

// Send queues an event for a target. Draws for duplicates and order are made here, in the
// order of calls, so that a seed decides them.
func (s *Sender) Send(t Target, e *Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		e.attempted()
		return
	}
	l := s.lanes[t]
	if l == nil {
		l = &lane{target: t, wake: make(chan struct{}, 1)}
		s.lanes[t] = l
		s.wg.Add(1)
		go s.runLane(l)
	}
	q := queued{ev: e, swap: s.draw(s.opt.Reorder)}
	if s.opt.DelayMS > 0 {
		q.notYet = s.clock.Now().Add(time.Duration(s.opt.DelayMS) * time.Millisecond)
		s.clock.AfterFunc(time.Duration(s.opt.DelayMS)*time.Millisecond, func() { poke(l.wake) })
	}
	s.push(l, q)
	if s.draw(s.opt.Duplicate) {
		twin := NewEvent(e.Entry, e.Container, e.Body)
		twin.Seconds = e.Seconds
		s.push(l, queued{ev: twin, notYet: q.notYet})
	}
	poke(l.wake)
}

func (s *Sender) push(l *lane, q queued) {
	l.queue = append(l.queue, q)
	s.waiting++
}

func (s *Sender) draw(percent float64) bool {
	return percent > 0 && s.rng.Float64()*100 < percent
}

// Pause holds first attempts back until Resume.
func (s *Sender) Pause() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paused = true
}

// Resume lets held events go; with shuffle in an order drawn from the seed.
func (s *Sender) Resume(shuffle bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paused = false
	for _, l := range s.lanes {
		if shuffle {
			s.rng.Shuffle(len(l.queue), func(i, j int) { l.queue[i], l.queue[j] = l.queue[j], l.queue[i] })
		}
		poke(l.wake)
	}
}

// Counts says how many events wait for their first attempt, how many bodies wait to be tried
// again and how many were dropped.
func (s *Sender) Counts() (waiting, retrying, dropped int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.log {
		if d.State == "retrying" {
			retrying++
		}
	}
	return s.waiting, retrying, s.dropped
}

// Idle waits until each event has had its first attempt, and reports whether that came to pass.
func (s *Sender) Idle(ctx context.Context) bool {
	for {
		s.mu.Lock()
		waiting, changed := s.waiting, s.changed
		s.mu.Unlock()
		if waiting == 0 {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-changed:
		}
	}
}

// Deliveries returns copies of the newest deliveries, oldest first.
func (s *Sender) Deliveries() []Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Delivery, 0, len(s.log))
	for _, d := range s.log {
		out = append(out, d.copy())
	}
	return out
}

func (d *Delivery) copy() Delivery {
	c := *d
	c.Attempts = append([]Attempt(nil), d.Attempts...)
	return c
}

// Raw posts a body as it is, signed for the target, outside any lane, and keeps it on the list.
func (s *Sender) Raw(t Target, body []byte) Delivery {
	s.mu.Lock()
	d := s.record(t, 1, body)
	s.mu.Unlock()
	s.attempt(t, d, s.ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	return d.copy()
}

func poke(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

func (s *Sender) runLane(l *lane) {
	defer s.wg.Done()
	for {
		batch := s.take(l)
		if len(batch) == 0 {
			select {
			case <-s.ctx.Done():
				return
			case <-l.wake:
			}
			continue
		}
		s.deliver(l.target, batch)
		if s.ctx.Err() != nil {
			return
		}
	}
}

// take removes the next batch from a lane, waiting a moment for it to fill where the switches
// ask for that. Nothing is returned while the lane is paused or its head is not yet due.
func (s *Sender) take(l *lane) []*Event {
	s.mu.Lock()
	opt := s.opt
	ready := s.ready(l)
	swap := ready > 0 && l.queue[0].swap && len(l.queue) < 2
	s.mu.Unlock()
	if ready == 0 {
		return nil
	}
	if swap {
		s.pause(swapHold)
	}
	if opt.Batch > 1 && ready < opt.Batch && opt.BatchWaitMS > 0 {
		s.pause(time.Duration(opt.BatchWaitMS) * time.Millisecond)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := min(s.ready(l), max(1, min(opt.Batch, MaxBatch)))
	if n > 0 && l.queue[0].swap && len(l.queue) > 1 {
		l.queue[0].swap = false
		l.queue[0], l.queue[1] = l.queue[1], l.queue[0]
	}
	batch := make([]*Event, 0, n)
	for _, q := range l.queue[:n] {
		batch = append(batch, q.ev)
	}
	l.queue = append([]queued(nil), l.queue[n:]...)
	return batch
}

func (s *Sender) ready(l *lane) int {
	if s.paused {
		return 0
	}
	now := s.clock.Now()
	for i, q := range l.queue {
		if q.notYet.After(now) {
			return i
		}
	}
	return len(l.queue)
}

func (s *Sender) pause(d time.Duration) {
	select {
	case <-time.After(d):
	case <-s.ctx.Done():
	}
}

func (s *Sender) deliver(t Target, batch []*Event) {
	s.mu.Lock()
	body := s.body(t.Object, batch)
	d := s.record(t, len(batch), body)
	s.mu.Unlock()
	ok := s.attempt(t, d, s.ctx)
	s.mu.Lock()
	s.waiting -= len(batch)
	close(s.changed)
	s.changed = make(chan struct{})
	s.mu.Unlock()
	for _, e := range batch {
		e.attempted()
	}
	if !ok {
		s.again(t, d, 0)
	}
}

func (s *Sender) record(t Target, events int, body []byte) *Delivery {
	s.nextID++
	d := &Delivery{ID: s.nextID, App: t.App, Object: t.Object, URL: t.URL, Events: events,
		Body: string(body), State: "sending"}
	s.log = append(s.log, d)
	if len(s.log) > keep {
		s.log = s.log[len(s.log)-keep:]
	}
	return d
}

// again plans the next attempt, or gives the body up.
func (s *Sender) again(t Target, d *Delivery, tried int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if tried >= len(Schedule) || s.opt.NoRedelivery {
		d.State = "dropped"
		s.dropped++
		return
	}
	d.State = "retrying"
	s.clock.AfterFunc(Schedule[tried], func() {
		s.mu.Lock()
		d.State = "sending"
		s.mu.Unlock()
		if s.ctx.Err() == nil && !s.attempt(t, d, s.ctx) {
			s.again(t, d, tried+1)
		}
	})
}

// attempt makes one POST and reports whether the receiver took it.
func (s *Sender) attempt(t Target, d *Delivery, ctx context.Context) bool {
	status, err := s.post(ctx, t, []byte(d.Body))
	a := Attempt{At: s.clock.Now(), Status: status}
	if err != nil {
		a.Error = err.Error()
	}
	ok := err == nil && status >= 200 && status < 300
	s.mu.Lock()
	d.Attempts = append(d.Attempts, a)
	if ok {
		d.State = "delivered"
	}
	c := d.copy()
	s.mu.Unlock()
	s.seen(c)
	return ok
}

func (s *Sender) post(ctx context.Context, t Target, body []byte) (int, error) {
	s.mu.Lock()
	opt := s.opt
	s.mu.Unlock()
	limit := AnswerWithin
	if opt.AnswerWithinS > 0 {
		limit = time.Duration(opt.AnswerWithinS) * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.URL, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "facebookexternalua")
	sign(req.Header, opt.Signature, t.Secret, body)
	resp, err := s.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode, err
}

func sign(h http.Header, mode, secret string, body []byte) {
	switch mode {
	case "none":
		return
	case "wrong":
		h.Set("X-Hub-Signature-256", wire.Sign(secret+strconv.Itoa(len(secret)), body))
		return
	case "sha1":
		h.Set("X-Hub-Signature", wire.SignSHA1(secret, body))
		return
	case "both":
		h.Set("X-Hub-Signature", wire.SignSHA1(secret, body))
	}
	h.Set("X-Hub-Signature-256", wire.Sign(secret, body))
}

// body puts events into entries: neighbours with the same account and container share one.
func (s *Sender) body(object string, batch []*Event) []byte {
	now := s.clock.Now()
	var entries []wire.Obj
	for i := 0; i < len(batch); {
		e := batch[i]
		at := now.UnixMilli()
		if e.Seconds {
			at = now.Unix()
		}
		entry := wire.O("id", e.Entry, "time", at)
		if e.Container == "flat" {
			entries = append(entries, append(entry, e.Body...))
			i++
			continue
		}
		var list []wire.Obj
		for ; i < len(batch) && batch[i].Entry == e.Entry && batch[i].Container == e.Container; i++ {
			list = append(list, batch[i].Body)
		}
		entries = append(entries, entry.With(e.Container, list))
	}
	env := wire.O("object", object, "entry", entries)
	if s.opt.Envelope == "array" {
		return wire.Marshal([]wire.Obj{env})
	}
	return wire.Marshal(env)
}
