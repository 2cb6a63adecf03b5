package main

import (
	"errors"
	"net"
	"sync"
)

// listener knows the connections on which nothing was said yet. Browsers open some in
// advance; each would hold up the end of the process for as long as a request may.
type listener struct {
	net.Listener
	mu    sync.Mutex
	quiet map[*quietConn]struct{}
	ended bool
}

func newListener(l net.Listener) *listener {
	return &listener{Listener: l, quiet: map[*quietConn]struct{}{}}
}

// Accept waits for the next connection.
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	q := &quietConn{Conn: c, l: l}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return nil, errors.Join(net.ErrClosed, c.Close())
	}
	l.quiet[q] = struct{}{}
	return q, nil
}

// hush closes the connections on which nothing was said.
func (l *listener) hush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	for q := range l.quiet {
		_ = q.Conn.Close() // nobody waits for anything on it
	}
	clear(l.quiet)
}

func (l *listener) spoke(q *quietConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.quiet, q)
}

// quietConn tells its listener when the peer first says something, or is gone.
type quietConn struct {
	net.Conn
	l    *listener
	once sync.Once
}

// Read reads; what it returns first ends the silence.
func (q *quietConn) Read(b []byte) (int, error) {
	n, err := q.Conn.Read(b)
	q.once.Do(func() { q.l.spoke(q) })
	return n, err
}

// Close closes.
func (q *quietConn) Close() error {
	q.once.Do(func() { q.l.spoke(q) })
	return q.Conn.Close()
}
