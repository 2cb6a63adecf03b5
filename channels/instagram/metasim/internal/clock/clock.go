// Package clock is a clock that can be set, advanced, frozen and run faster, with timers that
// follow it: windows of days and redelivery over 36 hours are tested in milliseconds.
package clock

import (
	"container/heap"
	"sync"
	"time"
)

// Clock tells simulated time. It is safe for use by many goroutines.
type Clock struct {
	mu     sync.Mutex
	base   time.Time // simulated time at real
	real   time.Time
	scale  float64 // simulated seconds per real second; 0 is frozen
	timers timers
	wake   chan struct{}
	done   chan struct{}
	once   sync.Once
}

// New returns a clock that starts at t and runs scale times as fast as real time. Close ends
// its goroutine.
func New(t time.Time, scale float64) *Clock {
	c := &Clock{base: t, real: time.Now(), scale: scale, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go c.run()
	return c
}

// Close stops the timers. No function fires afterwards.
func (c *Clock) Close() { c.once.Do(func() { close(c.done) }) }

// Now is the simulated time, in UTC.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

func (c *Clock) now() time.Time {
	real := time.Since(c.real)
	return c.base.Add(time.Duration(float64(real) * c.scale)).UTC()
}

// Scale is how many simulated seconds pass in a real one.
func (c *Clock) Scale() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.scale
}

// Set moves the clock to t. Timers that are due by then fire, in order.
func (c *Clock) Set(t time.Time) {
	c.change(func() { c.base, c.real = t, time.Now() })
}

// Advance moves the clock forward by d.
func (c *Clock) Advance(d time.Duration) {
	c.change(func() { c.base, c.real = c.now().Add(d), time.Now() })
}

// SetScale changes the pace; 0 freezes.
func (c *Clock) SetScale(s float64) {
	c.change(func() { c.base, c.real, c.scale = c.now(), time.Now(), s })
}

func (c *Clock) change(f func()) {
	c.mu.Lock()
	f()
	c.mu.Unlock()
	c.poke()
}

// AfterFunc calls f in its own goroutine once d of simulated time has passed.
func (c *Clock) AfterFunc(d time.Duration, f func()) {
	c.mu.Lock()
	heap.Push(&c.timers, timer{due: c.now().Add(d), seq: c.timers.next(), f: f})
	c.mu.Unlock()
	c.poke()
}

func (c *Clock) poke() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *Clock) run() {
	for {
		var wait <-chan time.Time
		var t *time.Timer
		if d, ok := c.fireDue(); ok {
			t = time.NewTimer(d)
			wait = t.C
		}
		select {
		case <-c.done:
			return
		case <-c.wake:
		case <-wait:
		}
		if t != nil {
			t.Stop()
		}
	}
}

// fireDue starts what is due and says how long, in real time, until the next.
func (c *Clock) fireDue() (time.Duration, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	for len(c.timers.list) > 0 && !c.timers.list[0].due.After(now) {
		go heap.Pop(&c.timers).(timer).f()
	}
	if len(c.timers.list) == 0 || c.scale <= 0 {
		return 0, false
	}
	left := c.timers.list[0].due.Sub(now)
	return time.Duration(float64(left)/c.scale) + time.Microsecond, true
}

type timer struct {
	due time.Time
	seq int
	f   func()
}

// timers is a heap by due time, then by order of creation.
type timers struct {
	list []timer
	seq  int
}

func (t *timers) next() int { t.seq++; return t.seq }

func (t *timers) Len() int { return len(t.list) }

func (t *timers) Less(i, j int) bool {
	a, b := t.list[i], t.list[j]
	if a.due.Equal(b.due) {
		return a.seq < b.seq
	}
	return a.due.Before(b.due)
}

func (t *timers) Swap(i, j int) { t.list[i], t.list[j] = t.list[j], t.list[i] }

func (t *timers) Push(x any) { t.list = append(t.list, x.(timer)) }

func (t *timers) Pop() any {
	last := t.list[len(t.list)-1]
	t.list = t.list[:len(t.list)-1]
	return last
}
