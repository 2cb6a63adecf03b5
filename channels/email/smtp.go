package email

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/parley-hub/parley/channels"
)

const (
	keepLine = 20 * time.Second // an idle connection is used again within
	takesFor = 5 * time.Minute  // a server may look at a mail before it takes it
)

// errLost says that the mail was handed over whole and the answer was not heard.
type errLost struct{ err error }

func (e *errLost) Error() string { return "email: the answer to a mail was lost: " + e.err.Error() }
func (e *errLost) Unwrap() error { return e.err }

// outbox is the connection to the SMTP server, kept for a while for the next mail. The zero
// value is ready; it is safe for concurrent use.
type outbox struct {
	mu   sync.Mutex
	idle *line
}

// line is a connection that is signed in.
type line struct {
	*smtp.Client
	conn  net.Conn
	token string // it was signed in with
	timer *time.Timer
}

func (o *outbox) close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.idle != nil {
		o.idle.end()
		o.idle = nil
	}
	return nil
}

func (l *line) end() {
	if l.timer != nil {
		l.timer.Stop()
	}
	_ = l.conn.Close()
}

// take is the idle connection, if it was signed in with the token that is good now.
func (o *outbox) take(token string) *line {
	o.mu.Lock()
	defer o.mu.Unlock()
	l := o.idle
	o.idle = nil
	if l == nil {
		return nil
	}
	if l.timer.Stop(); l.token != token {
		l.end()
		return nil
	}
	return l
}

// keep puts a connection by.
func (o *outbox) keep(closed context.Context, l *line) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.idle != nil || closed.Err() != nil {
		l.end()
		return
	}
	o.idle = l
	l.timer = time.AfterFunc(keepLine, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.idle == l {
			o.idle = nil
			l.end()
		}
	})
}

// send hands a mail over and returns the server's words. Its errors are *errLost, or failures
// after which the mail certainly did not leave.
func (o *outbox) send(ctx context.Context, s *Session, d *draft) (string, error) {
	token := ""
	if s.tokens != nil {
		var err error
		if token, err = s.tokens.get(ctx); err != nil {
			return "", err
		}
	}
	if l := o.take(token); l != nil {
		answer, err, stale := s.transfer(ctx, l, d)
		if err == nil {
			o.keep(s.ctx, l)
			return answer, nil
		}
		l.end()
		if !stale {
			return "", err
		}
	}
	l, err := s.dialSMTP(ctx, token)
	if err != nil {
		return "", err
	}
	answer, err, _ := s.transfer(ctx, l, d)
	if err != nil {
		l.end()
		return "", err
	}
	o.keep(s.ctx, l)
	return answer, nil
}

// dialSMTP connects and signs in; a token that is refused is renewed once.
func (s *Session) dialSMTP(ctx context.Context, token string) (*line, error) {
	for again := false; ; again = true {
		l, err := s.lineSMTP(ctx)
		if err != nil {
			return nil, err
		}
		l.token = token
		err = s.authSMTP(ctx, l)
		if err == nil {
			return l, nil
		}
		l.end()
		var no *smtp.SMTPError
		if s.tokens == nil || again || !errors.As(err, &no) || no.Temporary() {
			return nil, signInFailure(err, s.tokens != nil)
		}
		ok, e := s.tokens.refused(ctx, token)
		if e != nil {
			return nil, e
		}
		if !ok {
			return nil, signInFailure(err, true)
		}
		if token, err = s.tokens.get(ctx); err != nil {
			return nil, err
		}
	}
}

// lineSMTP connects, encrypts and greets.
func (s *Session) lineSMTP(ctx context.Context) (*line, error) {
	to := s.set.smtp
	conn, err := dial(ctx, to, s.set)
	if err != nil {
		return nil, unreached(fmt.Errorf("connecting to the SMTP server: %w", err))
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	l := &line{conn: conn}
	if to.secure == secureSTARTTLS {
		if err := conn.SetDeadline(time.Now().Add(s.pace.answer)); err != nil {
			return nil, unreached(err)
		}
		l.Client, err = smtp.NewClientStartTLS(conn, tlsFor(to, s.set))
	} else {
		l.Client = smtp.NewClient(conn)
	}
	if err == nil {
		l.CommandTimeout, l.SubmissionTimeout = s.pace.answer, takesFor
		err = l.Hello(domainOf(s.set.address))
	}
	if err != nil {
		_ = conn.Close()
		var no *smtp.SMTPError
		if errors.As(err, &no) {
			return nil, classify(no, stageGreeting, "")
		}
		return nil, unreached(fmt.Errorf("greeting the SMTP server: %w", err))
	}
	return l, nil
}

func unreached(err error) *channels.Failure {
	return &channels.Failure{Class: channels.Transient, Said: cause(err), Advice: "The mail server cannot be reached. It is tried again by itself.", Err: fmt.Errorf("email: %w", err)}
}

// authSMTP signs in, where there is anything to sign in with.
func (s *Session) authSMTP(ctx context.Context, l *line) error {
	defer context.AfterFunc(ctx, func() { _ = l.conn.Close() })()
	switch {
	case l.token != "":
		return l.Auth(&xoauth2{user: s.set.user, token: l.token})
	case s.set.password == "":
		return nil // a relay that knows us by our network address
	case !l.SupportsAuth(sasl.Plain) && l.SupportsAuth(sasl.Login):
		return l.Auth(sasl.NewLoginClient(s.set.user, s.set.password))
	}
	if ok, _ := l.Extension("AUTH"); !ok {
		return nil // it takes mail from anybody who may reach it
	}
	return l.Auth(sasl.NewPlainClient("", s.set.user, s.set.password))
}

// transfer is one mail on a connection. stale says that the connection had died before the
// server heard of the mail.
func (s *Session) transfer(ctx context.Context, l *line, d *draft) (answer string, err error, stale bool) { //nolint:staticcheck // the error is what most look at
	defer context.AfterFunc(ctx, func() { _ = l.conn.Close() })()
	if err := s.mailFrom(l, d); err != nil {
		var no *smtp.SMTPError
		if !errors.As(err, &no) {
			return "", unreached(err), true
		}
		return "", classify(no, stageSender, ""), false
	}
	for _, to := range d.recipients() {
		if err := l.Rcpt(to, nil); err != nil {
			return "", s.brokenAt(err, stageRecipient, to), false // nothing has left yet, for anybody
		}
	}
	w, err := l.Data()
	if err != nil {
		return "", s.brokenAt(err, stageData, ""), false
	}
	if _, err := w.Write(d.raw); err != nil {
		return "", s.brokenAt(err, stageData, ""), false // without its end a mail is not taken
	}
	got, err := w.CloseWithResponse()
	if err != nil {
		var no *smtp.SMTPError
		if errors.As(err, &no) {
			return "", classify(no, stageData, ""), false
		}
		return "", &errLost{err}, false
	}
	return got.StatusText, nil, false
}

func (s *Session) brokenAt(err error, at stage, to string) error {
	var no *smtp.SMTPError
	if errors.As(err, &no) {
		return classify(no, at, to)
	}
	return unreached(err)
}

// mailFrom names the envelope sender: nobody for acknowledgements, the thread's plus-address
// where reports are to come back to it, else the inbox. Servers that let us send as the inbox
// alone get that.
func (s *Session) mailFrom(l *line, d *draft) error {
	o := &smtp.MailOptions{Size: int64(len(d.raw))}
	if !ascii(s.set.address) || !asciiAll(d.recipients()) {
		if ok, _ := l.Extension("SMTPUTF8"); !ok {
			return &smtp.SMTPError{Code: 553, EnhancedCode: smtp.EnhancedCode{5, 6, 7}, Message: "The mail server does not take addresses with letters beyond ASCII"}
		}
		o.UTF8 = true
	}
	from := s.set.address
	switch {
	case d.acknowledges:
		from = ""
	case d.replyTo != "":
		from = d.replyTo
	}
	err := l.Mail(from, o)
	var no *smtp.SMTPError
	if errors.As(err, &no) && !no.Temporary() && from != s.set.address {
		return l.Mail(s.set.address, o)
	}
	return err
}

func ascii(v string) bool {
	return !strings.ContainsFunc(v, func(r rune) bool { return r > 0x7e || r < ' ' })
}

func asciiAll(vs []string) bool {
	for _, v := range vs {
		if !ascii(v) {
			return false
		}
	}
	return true
}

// serverIDs finds the id a provider gives a mail in its last answer, such as "Ok 0100018f…-000000".
var serverIDs = regexp.MustCompile(`[A-Za-z0-9][A-Za-z0-9_-]{19,}`)

func serverID(answer string) string { return serverIDs.FindString(answer) }
