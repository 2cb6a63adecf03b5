package journal

import (
	"container/list"
	"sync"

	"github.com/parley-hub/parley/timeline"
)

// How much the writer keeps in memory: conversations, and of each the latest messages, so
// that a receipt finds its message without a read.
const (
	cachedConversations = 4096
	cachedMessages      = 8
)

// cache keeps conversations between runs. A conversation is taken out while it is worked on
// and comes back only when everything of it was written: an error leaves it out. It may be
// older than the store when another node wrote; compare-and-set finds that out.
type cache struct {
	mu    sync.Mutex
	limit int
	all   map[timeline.ConversationID]*list.Element
	order *list.List // front: used last
}

func newCache(limit int) *cache {
	return &cache{limit: limit, all: map[timeline.ConversationID]*list.Element{}, order: list.New()}
}

func (c *cache) take(id timeline.ConversationID) *state {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.all[id]
	if !ok {
		return nil
	}
	delete(c.all, id)
	return c.order.Remove(e).(*state)
}

func (c *cache) put(s *state) {
	s.rest()
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.all[s.id]; ok {
		c.order.Remove(e)
	}
	c.all[s.id] = c.order.PushFront(s)
	for c.order.Len() > c.limit {
		last := c.order.Back()
		delete(c.all, c.order.Remove(last).(*state).id)
	}
}
