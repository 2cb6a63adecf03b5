package main

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

func TestOnlySilentConnectionsAreClosed(t *testing.T) {
	inner, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := newListener(inner)
	defer func() { _ = l.Close() }()
	dial := func() (client, server net.Conn) {
		client, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if server, err = l.Accept(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _, _ = client.Close(), server.Close() })
		return client, server
	}
	silent, _ := dial()
	speaks, heard := dial()
	if _, err := speaks.Write([]byte("GET")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(heard, make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	l.hush()
	for name, c := range map[string]struct {
		conn   net.Conn
		closed bool
	}{"silent": {silent, true}, "speaking": {speaks, false}} {
		if err := c.conn.SetReadDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		_, err := c.conn.Read(make([]byte, 1))
		if closed := !errors.Is(err, os.ErrDeadlineExceeded); closed != c.closed {
			t.Errorf("%s: closed %v (%v)", name, closed, err)
		}
	}
}
