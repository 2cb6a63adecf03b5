package graph

import (
	"sync"
	"time"
)

const keepCalls = 5000

// Call is one call of the platform, as it came and as it was answered.
type Call struct {
	ID            int       `json:"id"`
	At            time.Time `json:"at"`
	Host          string    `json:"host"`
	Method        string    `json:"method"`
	Path          string    `json:"path"` // without host and version
	Version       string    `json:"version,omitempty"`
	Query         string    `json:"query,omitempty"`
	Body          string    `json:"body,omitempty"`
	Status        int       `json:"status"` // 0 where the connection was dropped
	Answer        string    `json:"answer,omitempty"`
	Fault         string    `json:"fault,omitempty"`
	Unimplemented bool      `json:"unimplemented,omitempty"`
}

// Calls is the log of calls. Safe for use by many goroutines.
type Calls struct {
	mu            sync.Mutex
	list          []Call
	next          int
	unimplemented int
}

func (l *Calls) add(c Call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next++
	c.ID = l.next
	if c.Unimplemented {
		l.unimplemented++
	}
	l.list = append(l.list, c)
	if len(l.list) > keepCalls {
		l.list = l.list[len(l.list)-keepCalls:]
	}
}

// List returns the newest calls, oldest first.
func (l *Calls) List() []Call {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Call{}, l.list...)
}

// Unimplemented counts the calls this simulator could not answer.
func (l *Calls) Unimplemented() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.unimplemented
}

// Clear empties the log and its counts.
func (l *Calls) Clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list, l.unimplemented = nil, 0
}

// cursors remembers how far the readers of an edge with a constant cursor came.
type cursors struct {
	mu sync.Mutex
	m  map[string]int
}

func (c *cursors) advance(key string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m == nil {
		c.m = map[string]int{}
	}
	c.m[key] = n
}

func (c *cursors) at(key string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.m[key]
}

// Note puts a line on the log that is no call: a step of a scenario that failed.
func (l *Calls) Note(what, text string) { l.add(Call{Method: "NOTE", Path: what, Answer: text}) }
