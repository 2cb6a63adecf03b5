package bus

import (
	"context"
	"net"
	"sync"
)

// conns remembers every connection of a bus: kafka-go leaves those with a long poll under way
// open until the broker answers, which a frozen one never does.
type conns struct {
	dial   dialer
	mu     sync.Mutex
	open   map[*tracked]struct{}
	closed bool
}

type tracked struct {
	net.Conn
	all  *conns
	once sync.Once
}

func newConns(d dialer) *conns {
	if d == nil {
		d = (&net.Dialer{}).DialContext
	}
	return &conns{dial: d, open: map[*tracked]struct{}{}}
}

func (c *conns) dialContext(ctx context.Context, network, address string) (net.Conn, error) {
	raw, err := c.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	t := &tracked{Conn: raw, all: c}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		_ = raw.Close() // nobody has used it
		return nil, ErrClosed
	}
	c.open[t] = struct{}{}
	return t, nil
}

// Close implements net.Conn.
func (t *tracked) Close() error {
	t.once.Do(func() {
		t.all.mu.Lock()
		delete(t.all.open, t)
		t.all.mu.Unlock()
	})
	return t.Conn.Close()
}

// close closes every connection and refuses new ones.
func (c *conns) close() {
	c.mu.Lock()
	c.closed = true
	var all []*tracked
	for t := range c.open {
		all = append(all, t)
	}
	c.mu.Unlock()
	for _, t := range all {
		_ = t.Close() // the far side may have been first
	}
}
