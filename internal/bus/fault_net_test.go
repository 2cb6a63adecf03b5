package bus

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
)

// faultNet is a network that can be cut or frozen.
type faultNet struct {
	dial   dialer
	refuse atomic.Bool
	frozen atomic.Bool
	mu     sync.Mutex
	open   map[*faultConn]struct{}
}

// newFaultNet sits between a bus and the brokers of another one, or TCP.
func newFaultNet(d dialer) *faultNet {
	if d == nil {
		d = (&net.Dialer{}).DialContext
	}
	return &faultNet{dial: d, open: map[*faultConn]struct{}{}}
}

func (f *faultNet) dialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if f.refuse.Load() {
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	}
	c, err := f.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	fc := &faultConn{Conn: c, net: f}
	f.mu.Lock()
	f.open[fc] = struct{}{}
	f.mu.Unlock()
	return fc, nil
}

// freeze lets every request vanish; thaw breaks the connections that were frozen.
func (f *faultNet) freeze() { f.frozen.Store(true) }

func (f *faultNet) thaw() {
	f.frozen.Store(false)
	f.refuse.Store(false)
	f.reset()
}

// down refuses connections and breaks those there are.
func (f *faultNet) down() {
	f.refuse.Store(true)
	f.reset()
}

func (f *faultNet) reset() {
	f.mu.Lock()
	var all []*faultConn
	for c := range f.open {
		all = append(all, c)
	}
	f.mu.Unlock()
	for _, c := range all {
		c.Close()
	}
}

type faultConn struct {
	net.Conn
	net *faultNet
}

func (c *faultConn) Write(b []byte) (int, error) {
	if c.net.frozen.Load() {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

func (c *faultConn) Close() error {
	c.net.mu.Lock()
	delete(c.net.open, c)
	c.net.mu.Unlock()
	return c.Conn.Close()
}
