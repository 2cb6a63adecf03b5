// Package far is the other side of mail for tests: an IMAP server in memory, an SMTP server that
// keeps what it is given and says no when told to, and a server that says whatever a script says.
// All listen on loopback at ports nobody uses.
package far

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync"
)

// listen opens a port on loopback.
func listen() (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("far: %w", err)
	}
	return l, nil
}

// Secure is how a server protects its connections; the zero value does not.
type Secure struct {
	Config *tls.Config
	Now    bool // from the first byte; otherwise by STARTTLS
}

// over is the listener as it is protected.
func (s Secure) over(l net.Listener) net.Listener {
	if s.Now {
		return tls.NewListener(l, s.Config)
	}
	return l
}

// Script is a TCP server that hands each connection to a function. It is for servers that
// break the protocol.
type Script struct {
	l     net.Listener
	wg    sync.WaitGroup
	mu    sync.Mutex
	conns map[net.Conn]bool
	n     int
	shut  bool
}

// NewScript starts a server. talk is called for each connection with its number from 1; the
// connection is closed when it returns.
func NewScript(talk func(n int, r *bufio.Reader, c net.Conn)) (*Script, error) {
	l, err := listen()
	if err != nil {
		return nil, err
	}
	s := &Script{l: l, conns: map[net.Conn]bool{}}
	s.wg.Add(1)
	go func() {
		defer s.wg.Done()
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if n, ok := s.enter(c); ok {
				s.wg.Add(1)
				go func() {
					defer s.wg.Done()
					defer s.leave(c)
					talk(n, bufio.NewReader(c), c)
				}()
			}
		}
	}()
	return s, nil
}

func (s *Script) enter(c net.Conn) (int, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shut {
		_ = c.Close()
		return 0, false
	}
	s.n++
	s.conns[c] = true
	return s.n, true
}

func (s *Script) leave(c net.Conn) {
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
	_ = c.Close()
}

// Port is where it listens.
func (s *Script) Port() string { return port(s.l) }

// Connections is how many came so far.
func (s *Script) Connections() int { s.mu.Lock(); defer s.mu.Unlock(); return s.n }

// Close ends every connection and waits for the scripts.
func (s *Script) Close() {
	s.mu.Lock()
	s.shut = true
	_ = s.l.Close()
	for c := range s.conns {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
}

func port(l net.Listener) string {
	_, p, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		panic(err) // a listener's address has a port
	}
	return p
}
