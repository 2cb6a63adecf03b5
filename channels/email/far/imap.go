package far

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
	"github.com/emersion/go-sasl"
)

// IMAP is a mail server in memory with one user, who has the folders INBOX, Done and Sent.
type IMAP struct {
	User, Password string

	l      net.Listener
	srv    *imapserver.Server
	user   *imapmemserver.User
	done   chan struct{}
	mu     sync.Mutex
	token  string   // the access token that is good
	heard  []string // answers to refused tokens
	logins int
}

// NewIMAP starts one.
func NewIMAP(secure Secure) (*IMAP, error) {
	l, err := listen()
	if err != nil {
		return nil, err
	}
	m := &IMAP{User: "support@acme.example", Password: "canary-password", l: l, done: make(chan struct{})}
	mem := imapmemserver.New()
	m.user = imapmemserver.NewUser(m.User, m.Password)
	mem.AddUser(m.user)
	for _, f := range []string{"INBOX", "Done"} {
		if err := m.user.Create(f, &imap.CreateOptions{}); err != nil {
			return nil, fmt.Errorf("far: %w", err)
		}
	}
	if err := m.user.Create("Sent", &imap.CreateOptions{SpecialUse: []imap.MailboxAttr{imap.MailboxAttrSent}}); err != nil {
		return nil, fmt.Errorf("far: %w", err)
	}
	m.srv = imapserver.New(&imapserver.Options{InsecureAuth: secure.Config == nil || secure.Now, TLSConfig: secure.Config, Logger: log.New(io.Discard, "", 0),
		Caps: imap.CapSet{imap.CapIMAP4rev1: {}, imap.CapUIDPlus: {}, imap.CapSpecialUse: {}, imap.CapMove: {}},
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return &imapSession{Session: mem.NewSession(), m: m}, nil, nil
		}})
	go func() {
		defer close(m.done)
		_ = m.srv.Serve(secure.over(l))
	}()
	return m, nil
}

// Port is where it listens.
func (m *IMAP) Port() string { return port(m.l) }

// Close stops it.
func (m *IMAP) Close() {
	_ = m.srv.Close()
	_ = m.l.Close()
	<-m.done
}

// Token sets the access token that is good.
func (m *IMAP) Token(t string) { m.mu.Lock(); defer m.mu.Unlock(); m.token = t }

// Heard is what was answered to refusals of a token, decoded; an empty line is "".
func (m *IMAP) Heard() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string(nil), m.heard...)
}

// Logins is how often somebody signed in.
func (m *IMAP) Logins() int { m.mu.Lock(); defer m.mu.Unlock(); return m.logins }

type literal struct{ *bytes.Reader }

func (l literal) Size() int64 { return l.Reader.Size() }

// Put puts a mail into a folder as if it had come at a time.
func (m *IMAP) Put(folder, raw string, at time.Time) error {
	raw = strings.ReplaceAll(strings.ReplaceAll(raw, "\r\n", "\n"), "\n", "\r\n")
	if _, err := m.user.Append(folder, literal{bytes.NewReader([]byte(raw))}, &imap.AppendOptions{Time: at}); err != nil {
		return fmt.Errorf("far: %w", err)
	}
	return nil
}

// Renew deletes the inbox and makes it anew, with another UIDVALIDITY.
func (m *IMAP) Renew() error {
	if err := errors.Join(m.user.Delete("INBOX"), m.user.Create("INBOX", &imap.CreateOptions{})); err != nil {
		return fmt.Errorf("far: %w", err)
	}
	return nil
}

// Client is somebody else at the inbox.
func (m *IMAP) Client() (*imapclient.Client, error) {
	c, err := imapclient.DialInsecure(m.l.Addr().String(), nil)
	if err != nil {
		return nil, fmt.Errorf("far: %w", err)
	}
	if err := c.Login(m.User, m.Password).Wait(); err != nil {
		return nil, errors.Join(fmt.Errorf("far: %w", err), c.Close())
	}
	if _, err := c.Select("INBOX", nil).Wait(); err != nil {
		return nil, errors.Join(fmt.Errorf("far: %w", err), c.Close())
	}
	return c, nil
}

// Flags are the flags of a mail.
func (m *IMAP) Flags(u imap.UID) ([]imap.Flag, error) {
	c, err := m.Client()
	if err != nil {
		return nil, err
	}
	got, err := c.Fetch(imap.UIDSetNum(u), &imap.FetchOptions{Flags: true}).Collect()
	if err = errors.Join(err, c.Close()); err != nil || len(got) == 0 {
		return nil, fmt.Errorf("far: no mail %d: %w", u, err)
	}
	return got[0].Flags, nil
}

// Expunge removes mails.
func (m *IMAP) Expunge(uids ...imap.UID) error {
	c, err := m.Client()
	if err != nil {
		return err
	}
	set := imap.UIDSetNum(uids...)
	err = c.Store(set, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Flags: []imap.Flag{imap.FlagDeleted}}, nil).Close()
	return errors.Join(err, c.UIDExpunge(set).Close(), c.Close())
}

// imapSession also takes access tokens.
type imapSession struct {
	imapserver.Session
	m *IMAP
}

var _ imapserver.SessionSASL = (*imapSession)(nil)

func (s *imapSession) Login(user, password string) error {
	s.m.mu.Lock()
	s.m.logins++
	s.m.mu.Unlock()
	return s.Session.Login(user, password)
}

// Move moves mails, which the memory server can where it is asked.
func (s *imapSession) Move(w *imapserver.MoveWriter, set imap.NumSet, to string) error {
	mover, ok := s.Session.(imapserver.SessionMove)
	if !ok {
		return errors.New("far: nothing is selected")
	}
	return mover.Move(w, set, to)
}

func (s *imapSession) AuthenticateMechanisms() []string { return []string{"XOAUTH2"} }

func (s *imapSession) Authenticate(mech string) (sasl.Server, error) {
	if mech != "XOAUTH2" {
		return nil, &imap.Error{Type: imap.StatusResponseTypeNo, Text: "unknown mechanism"}
	}
	return &tokenCheck{good: func(user, token string) bool {
		s.m.mu.Lock()
		defer s.m.mu.Unlock()
		s.m.logins++
		return s.m.token != "" && token == s.m.token
	}, accept: func(user string) error { return s.Session.Login(s.m.User, s.m.Password) },
		heard: func(b []byte) { s.m.mu.Lock(); defer s.m.mu.Unlock(); s.m.heard = append(s.m.heard, string(b)) },
		no:    &imap.Error{Type: imap.StatusResponseTypeNo, Code: imap.ResponseCodeAuthenticationFailed, Text: "Invalid credentials (Failure)"}}, nil
}

// tokenCheck is the server's side of XOAUTH2.
type tokenCheck struct {
	good    func(user, token string) bool
	accept  func(user string) error
	heard   func([]byte)
	no      error
	refused bool
}

// Next takes the token, and after a refusal the empty answer.
func (t *tokenCheck) Next(response []byte) ([]byte, bool, error) {
	if t.refused {
		t.heard(response)
		return nil, false, t.no
	}
	if response == nil {
		return []byte{}, false, nil
	}
	var user, token string
	for f := range strings.SplitSeq(string(response), "\x01") {
		if v, ok := strings.CutPrefix(f, "user="); ok {
			user = v
		}
		if v, ok := strings.CutPrefix(f, "auth=Bearer "); ok {
			token = v
		}
	}
	if !t.good(user, token) {
		t.refused = true
		return []byte(`{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}`), false, nil
	}
	return nil, true, t.accept(user)
}
