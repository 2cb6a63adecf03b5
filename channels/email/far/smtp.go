package far

import (
	"fmt"
	"io"
	"log"
	"net"
	"strings"
	"sync"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// Mail is a mail as the SMTP server took it.
type Mail struct {
	From string
	To   []string
	Raw  string
}

// SMTP keeps what it is given.
type SMTP struct {
	l      net.Listener
	srv    *smtp.Server
	done   chan struct{}
	mu     sync.Mutex
	mails  []Mail
	conns  int
	token  string
	refuse map[string]*smtp.SMTPError
	drop   bool
	heard  []string
	open   map[*smtp.Conn]bool
}

// NewSMTP starts one. The password of every user is "canary-password".
func NewSMTP(secure Secure) (*SMTP, error) {
	l, err := listen()
	if err != nil {
		return nil, err
	}
	s := &SMTP{l: l, done: make(chan struct{}), refuse: map[string]*smtp.SMTPError{}, open: map[*smtp.Conn]bool{}}
	s.srv = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.conns++
		s.open[c] = true
		return &smtpSession{s: s, c: c}, s.said("connect")
	}))
	s.srv.AllowInsecureAuth, s.srv.EnableSMTPUTF8, s.srv.TLSConfig = secure.Config == nil || secure.Now, true, secure.Config
	s.srv.ErrorLog = log.New(io.Discard, "", 0)
	s.srv.Domain = "far.example"
	go func() {
		defer close(s.done)
		_ = s.srv.Serve(secure.over(l))
	}()
	return s, nil
}

// Port is where it listens.
func (s *SMTP) Port() string { return port(s.l) }

// Close stops it.
func (s *SMTP) Close() {
	_ = s.srv.Close()
	_ = s.l.Close() // the server may not have come to serve it yet
	<-s.done
}

// Mails are those taken.
func (s *SMTP) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Mail(nil), s.mails...)
}

// Connections is how many came.
func (s *SMTP) Connections() int { s.mu.Lock(); defer s.mu.Unlock(); return s.conns }

// Heard is what was answered to refusals of a token.
func (s *SMTP) Heard() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.heard...)
}

// Token sets the access token that is good; with one no password is.
func (s *SMTP) Token(t string) { s.mu.Lock(); defer s.mu.Unlock(); s.token = t }

// Refuse says no at a stage: connect, auth, mail, mail <>, rcpt, data. Code 0 ends it.
func (s *SMTP) Refuse(at string, code int, enhanced smtp.EnhancedCode, said string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if code == 0 {
		delete(s.refuse, at)
		return
	}
	s.refuse[at] = &smtp.SMTPError{Code: code, EnhancedCode: enhanced, Message: said}
}

// Drop makes the server take mails and break the line instead of saying so.
func (s *SMTP) Drop(on bool) { s.mu.Lock(); defer s.mu.Unlock(); s.drop = on }

// Hang up ends every connection, as servers do with idle ones.
func (s *SMTP) HangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.open {
		_ = c.Conn().Close()
		delete(s.open, c)
	}
}

func (s *SMTP) said(at string) error {
	if e := s.refuse[at]; e != nil {
		return e
	}
	return nil
}

type smtpSession struct {
	s    *SMTP
	c    *smtp.Conn
	mail Mail
}

var _ smtp.AuthSession = (*smtpSession)(nil)

func (x *smtpSession) ask(at string) error {
	x.s.mu.Lock()
	defer x.s.mu.Unlock()
	return x.s.said(at)
}

func (x *smtpSession) Reset()        { x.mail = Mail{} }
func (x *smtpSession) Logout() error { return nil }

func (x *smtpSession) Mail(from string, _ *smtp.MailOptions) error {
	x.mail = Mail{From: from}
	if from == "" {
		if err := x.ask("mail <>"); err != nil {
			return err
		}
	}
	if strings.Contains(from, "+") {
		if err := x.ask("mail +"); err != nil {
			return err
		}
	}
	return x.ask("mail")
}

func (x *smtpSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	if err := x.ask("rcpt " + to); err != nil {
		return err
	}
	if err := x.ask("rcpt"); err != nil {
		return err
	}
	x.mail.To = append(x.mail.To, to)
	return nil
}

func (x *smtpSession) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("far: %w", err)
	}
	x.s.mu.Lock()
	defer x.s.mu.Unlock()
	if err := x.s.said("data"); err != nil {
		return err
	}
	x.mail.Raw = string(b)
	x.s.mails = append(x.s.mails, x.mail)
	if x.s.drop {
		_ = x.c.Conn().Close()
	}
	if e := x.s.refuse["queued"]; e != nil {
		return e // a 250 with words of its own
	}
	return nil
}

func (x *smtpSession) AuthMechanisms() []string {
	x.s.mu.Lock()
	defer x.s.mu.Unlock()
	if x.s.token != "" {
		return []string{"XOAUTH2"}
	}
	return []string{sasl.Plain}
}

func (x *smtpSession) Auth(mech string) (sasl.Server, error) {
	if err := x.ask("auth"); err != nil {
		return nil, err
	}
	if mech == "XOAUTH2" {
		return &tokenCheck{good: func(_, token string) bool { x.s.mu.Lock(); defer x.s.mu.Unlock(); return token == x.s.token },
			accept: func(string) error { return nil }, no: smtp.ErrAuthFailed,
			heard: func(b []byte) { x.s.mu.Lock(); defer x.s.mu.Unlock(); x.s.heard = append(x.s.heard, string(b)) }}, nil
	}
	return sasl.NewPlainServer(func(_, _, password string) error {
		if password != "canary-password" {
			return smtp.ErrAuthFailed
		}
		return nil
	}), nil
}
