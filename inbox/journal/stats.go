package journal

import (
	"sync"
	"sync/atomic"

	"github.com/parley-hub/parley/inbox"
)

// Stats counts what the journal did since it started. It is safe for concurrent use.
type Stats struct {
	Events  atomic.Int64 // published, repeats included
	Repeats atomic.Int64 // commands that had been done before
	Fenced  atomic.Int64 // conversations loaded again because another writer had changed them
	Strays  atomic.Int64 // receipts for threads nobody knows

	mu       sync.Mutex
	refusals map[inbox.Code]int64
}

func (s *Stats) refused(code inbox.Code) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refusals == nil {
		s.refusals = map[inbox.Code]int64{}
	}
	s.refusals[code]++
}

// Refused is how many commands came to nothing for one reason.
func (s *Stats) Refused(code inbox.Code) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refusals[code]
}
