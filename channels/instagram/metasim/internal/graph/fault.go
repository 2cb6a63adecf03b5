package graph

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"

	"github.com/parley-hub/parley/channels/instagram/metasim/internal/world"
)

// Fault is something that goes wrong with calls that match.
type Fault struct {
	ID       int    `json:"id"`
	Method   string `json:"method"`   // empty is any
	Host     string `json:"host"`     // such as graph.instagram.com; empty is any
	Path     string `json:"path"`     // regular expression on the path without host and version
	Contains string `json:"contains"` // text in the body
	Skip     int    `json:"skip"`     // matches to let through first
	Times    int    `json:"times"`    // 0 is once, -1 is always

	// What happens: "error" answers without acting, "error_after" acts and then answers an
	// error, "drop" closes the connection without acting, "drop_after" acts first, "slow"
	// acts and answers late, "http" answers a status and a body of your own without acting.
	Kind    string       `json:"kind"`
	Error   string       `json:"error"`  // a name of the list
	Custom  *world.Error `json:"custom"` // or an error of your own
	DelayMS int          `json:"delay_ms"`
	Status  int          `json:"status"`
	Body    string       `json:"body"`
	Regain  int          `json:"regain"` // minutes told in the usage header

	re   *regexp.Regexp
	seen int
	hits int
}

// Hits is how often the fault struck.
func (f *Fault) Hits() int { return f.hits }

func (f *Fault) check() error {
	re, err := regexp.Compile(f.Path)
	if err != nil {
		return fmt.Errorf("path: %w", err)
	}
	f.re = re
	switch f.Kind {
	case "drop", "drop_after", "slow":
		return nil
	case "http":
		if f.Status < 100 || f.Status > 599 {
			return fmt.Errorf("kind http needs a status")
		}
		return nil
	case "error", "error_after":
		if f.Custom == nil && world.Named[f.Error] == nil {
			return fmt.Errorf("error %q is not on the list, and there is no custom one", f.Error)
		}
		if f.Custom != nil && (f.Custom.Status < 100 || f.Custom.Status > 599) {
			return fmt.Errorf("custom error needs a status")
		}
		return nil
	}
	return fmt.Errorf("kind %q is none of error, error_after, drop, drop_after, slow, http", f.Kind)
}

func (f *Fault) err() *world.Error {
	e := f.Custom
	if e == nil {
		e = world.Named[f.Error]
	}
	if f.Regain > 0 {
		c := *e
		c.Regain = f.Regain
		e = &c
	}
	return e
}

// Faults are the faults that wait to strike. Safe for use by many goroutines.
type Faults struct {
	mu   sync.Mutex
	list []*Fault
	next int
}

// Add plans a fault.
func (l *Faults) Add(f Fault) (int, error) {
	if err := f.check(); err != nil {
		return 0, fmt.Errorf("fault: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next++
	f.ID = l.next
	l.list = append(l.list, &f)
	return f.ID, nil
}

// Clear forgets all faults.
func (l *Faults) Clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = nil
}

// Status is a fault and how often it struck.
type Status struct {
	Fault
	Hits int  `json:"hits"`
	Done bool `json:"done"`
}

// List tells what is planned and what struck.
func (l *Faults) List() []Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := []Status{}
	for _, f := range l.list {
		out = append(out, Status{*f, f.hits, f.spent()})
	}
	return out
}

func (f *Fault) spent() bool { return f.Times >= 0 && f.hits >= max(1, f.Times) }

// strike finds the first fault that matches a call and still has something to do.
func (l *Faults) strike(r *http.Request, host, path string, body []byte) *Fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.list {
		if f.spent() || f.Method != "" && f.Method != r.Method || f.Host != "" && f.Host != host ||
			!f.re.MatchString(path) || !strings.Contains(string(body), f.Contains) {
			continue
		}
		f.seen++
		if f.seen <= f.Skip {
			continue
		}
		f.hits++
		c := *f
		return &c
	}
	return nil
}
