package email

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"github.com/parley-hub/parley/channels"
)

const (
	dialFor    = 30 * time.Second
	commandFor = time.Minute      // an answer that takes longer will not come: the line is dead
	bodiesFor  = 10 * time.Minute // for a batch of mails over a slow line
	aliveEvery = 30 * time.Second // TCP keep-alive, for lines that died without a word
)

// mailbox is a connection with a folder selected.
type mailbox struct {
	*imapclient.Client
	conn     net.Conn
	validity uint32
	next     imap.UID // the first UID that is not taken yet; 0 where the server does not tell
	count    atomic.Uint32
	changed  chan struct{} // something may have come
	idles    bool
}

// errSignIn is a login that was refused.
type errSignIn struct{ said string }

func (e *errSignIn) Error() string { return "email: the mail server refused the sign-in: " + e.said }

// connectIMAP opens the folder: it signs in, renews a token that was refused once, and tells who
// we are, which some providers insist on.
func (s *Session) connectIMAP(ctx context.Context) (*mailbox, error) {
	m, err := s.signInIMAP(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.selectFolder(ctx, m); err != nil {
		m.shut()
		return nil, err
	}
	return m, nil
}

func (s *Session) signInIMAP(ctx context.Context) (*mailbox, error) {
	for again := false; ; again = true {
		token := ""
		if s.tokens != nil {
			var err error
			if token, err = s.tokens.get(ctx); err != nil {
				return nil, fmt.Errorf("email: the access token: %w", err)
			}
		}
		m, err := s.dialIMAP(ctx)
		if err != nil {
			return nil, err
		}
		err = s.login(ctx, m, token)
		if err == nil {
			return m, nil
		}
		m.shut()
		var refused *errSignIn
		if token == "" || again || !errors.As(err, &refused) {
			return nil, err
		}
		if ok, e := s.tokens.refused(ctx, token); e != nil || !ok {
			return nil, errors.Join(err, e)
		}
	}
}

func (s *Session) dialIMAP(ctx context.Context) (*mailbox, error) {
	conn, err := dial(ctx, s.set.imap, s.set)
	if err != nil {
		return nil, fmt.Errorf("email: connecting to the IMAP server: %w", err)
	}
	m := &mailbox{conn: conn, changed: make(chan struct{}, 1)}
	o := &imapclient.Options{TLSConfig: tlsFor(s.set.imap, s.set), UnilateralDataHandler: &imapclient.UnilateralDataHandler{
		Mailbox: func(d *imapclient.UnilateralDataMailbox) {
			if d.NumMessages != nil && *d.NumMessages > m.count.Swap(*d.NumMessages) {
				m.wake()
			}
		},
		Expunge: func(uint32) { m.count.Add(^uint32(0)) },
	}}
	defer m.limit(ctx, commandFor)()
	if s.set.imap.secure == secureSTARTTLS {
		m.Client, err = imapclient.NewStartTLS(conn, o)
	} else {
		m.Client = imapclient.New(&plainReply{Conn: conn}, o)
		err = m.WaitGreeting()
	}
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("email: the server's greeting: %w", err)
	}
	return m, nil
}

// plainReply sends an empty reply to a challenge as an empty line, as XOAUTH2 wants it; the
// library writes "=", which stands for one only in a command (RFC 4959 §3).
type plainReply struct{ net.Conn }

func (c *plainReply) Write(b []byte) (int, error) {
	if string(b) != "=\r\n" {
		return c.Conn.Write(b)
	}
	if _, err := c.Conn.Write([]byte("\r\n")); err != nil {
		return 0, err
	}
	return len(b), nil
}

// login signs in by token or password. A refusal is an *errSignIn with the server's words.
func (s *Session) login(ctx context.Context, m *mailbox, token string) error {
	defer m.limit(ctx, commandFor)()
	var err error
	if token != "" {
		auth := &xoauth2{user: s.set.user, token: token}
		if err = m.Authenticate(auth); err != nil && auth.said != "" {
			return &errSignIn{auth.said}
		}
	} else {
		err = m.Login(s.set.user, s.set.password).Wait()
	}
	var no *imap.Error
	if errors.As(err, &no) && no.Type == imap.StatusResponseTypeNo && no.Code != imap.ResponseCodeUnavailable {
		return &errSignIn{no.Text}
	}
	if err != nil {
		return fmt.Errorf("email: signing in: %w", err)
	}
	if caps := m.Caps(); caps.Has(imap.CapID) {
		if _, err := m.ID(&imap.IDData{Name: "Parley", Vendor: "Parley"}).Wait(); err != nil {
			s.host.Log().Debug("the server does not want to know who we are", "error", err)
		}
	}
	return nil
}

// selectFolder opens the folder: only to read, unless mails are marked or moved.
func (s *Session) selectFolder(ctx context.Context, m *mailbox) error {
	defer m.limit(ctx, commandFor)()
	d, err := m.Select(s.set.folder, &imap.SelectOptions{ReadOnly: s.set.after == afterLeave}).Wait()
	if err != nil {
		return fmt.Errorf("email: opening the folder %q: %w", s.set.folder, err)
	}
	m.validity, m.next = d.UIDValidity, d.UIDNext
	m.count.Store(d.NumMessages)
	caps := m.Caps()
	m.idles = caps.Has(imap.CapIdle) || caps.Has(imap.CapIMAP4rev2)
	return nil
}

func (m *mailbox) wake() {
	select {
	case m.changed <- struct{}{}:
	default:
	}
}

// limit cuts the line when ctx ends or an answer takes longer than d; the pending command then
// fails. The function returned ends the watch.
func (m *mailbox) limit(ctx context.Context, d time.Duration) func() {
	cut := func() { _ = m.conn.Close() }
	t := time.AfterFunc(d, cut)
	stop := context.AfterFunc(ctx, cut)
	return func() { t.Stop(); stop() }
}

// shut ends the connection without waiting for the server.
func (m *mailbox) shut() {
	_ = m.conn.Close()
	if m.Client != nil {
		_ = m.Client.Close()
	}
}

// dial connects to a server, by TLS at once where that is asked for.
func dial(ctx context.Context, to server, set settings) (net.Conn, error) {
	d := &net.Dialer{Timeout: dialFor, KeepAlive: aliveEvery}
	if to.secure != secureTLS {
		return d.DialContext(ctx, "tcp", to.address())
	}
	t := &tls.Dialer{NetDialer: d, Config: tlsFor(to, set)}
	ctx, cancel := context.WithTimeout(ctx, dialFor)
	defer cancel()
	return t.DialContext(ctx, "tcp", to.address())
}

func tlsFor(to server, set settings) *tls.Config {
	return &tls.Config{ServerName: to.host, RootCAs: set.roots, MinVersion: tls.VersionTLS12}
}

// healthOf tells people why the inbox cannot be read.
func (s *Session) healthOf(err error) {
	var refused *errSignIn
	var fail *channels.Failure
	switch {
	case errors.As(err, &refused) && s.tokens != nil:
		s.report(channels.Red, "The mail server refused the sign-in: "+refused.said, "Sign in to the inbox again.")
	case errors.As(err, &refused):
		s.report(channels.Red, "The mail server refused user name and password: "+refused.said, "Correct them. Many providers want an app password.")
	case errors.As(err, &fail):
		s.report(channels.Red, "The inbox's sign-in could not be renewed.", fail.Advice)
	default:
		s.report(channels.Amber, "The mail server cannot be reached or does not answer as it should: "+cause(err), "It is tried again by itself. Check the server's name, port and encryption if it stays like this.")
	}
}

// cause is the innermost of an error, for people.
func cause(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}
