package email

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/parley-hub/parley/channels"
)

const (
	deliverFor = 5 * time.Minute // a line that says nothing for so long is closed
	closeFor   = 2 * time.Second // for deliveries under way when we stop; idle lines would wait for ever
	maxRcpts   = 100
	bindFor    = closeFor + time.Second
	bindAgain  = 100 * time.Millisecond
)

var (
	errLater   = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "It cannot be kept right now; try again later"}
	errNobody  = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "There is nobody of that name here"}
	errTooMuch = &smtp.SMTPError{Code: 552, EnhancedCode: smtp.EnhancedCode{5, 3, 4}, Message: "The mail is too large"}
)

// receive takes deliveries by LMTP (RFC 2033) or SMTP until ctx ends. Only mail for this inbox
// is taken, and 250 is said only once it is durable: until then the sender keeps it.
func (s *Session) receive(ctx context.Context) error {
	r := s.set.receive
	l, err := s.bind(ctx, r.address)
	if err != nil {
		s.report(channels.Red, "Mail cannot be received at "+r.address+": "+cause(err), "Choose an address of this machine and a port that nobody uses.")
		return fmt.Errorf("email: receiving at %s: %w", r.address, err)
	}
	srv := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &delivery{s: s, ctx: ctx}, nil }))
	srv.LMTP, srv.TLSConfig, srv.Domain = r.lmtp, r.tls, domainOf(s.set.address)
	srv.MaxMessageBytes, srv.MaxRecipients = maxMail, maxRcpts
	srv.MaxLineLength = 1 << 20 // senders exist that do not break lines
	srv.ReadTimeout, srv.WriteTimeout = deliverFor, deliverFor
	srv.EnableSMTPUTF8 = true
	srv.ErrorLog = slog.NewLogLogger(s.host.Log().Handler(), slog.LevelDebug)
	s.mu.Lock()
	s.listening = l.Addr()
	s.mu.Unlock()
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	if !s.set.imap.set() {
		s.report(channels.Green, "", "")
	}
	select {
	case err := <-done:
		return fmt.Errorf("email: receiving: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeFor)
	defer cancel()
	if srv.Shutdown(grace) != nil {
		_ = srv.Close()
	}
	_ = l.Close() // where serving had not begun
	if err := <-done; err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("email: receiving: %w", err)
	}
	return ctx.Err()
}

// bind listens. Right after the settings were changed the session before this one may hold the
// address for a moment yet.
func (s *Session) bind(ctx context.Context, address string) (net.Listener, error) {
	var lc net.ListenConfig
	for end := time.Now().Add(s.pace.bind); ; {
		l, err := lc.Listen(ctx, "tcp", address)
		if err == nil || !errors.Is(err, syscall.EADDRINUSE) || time.Now().After(end) || !pause(ctx, bindAgain) {
			return l, err
		}
	}
}

// delivery is one connection of a mail server that delivers to us.
type delivery struct {
	s    *Session
	ctx  context.Context
	from string
	to   []string
}

var _ smtp.LMTPSession = (*delivery)(nil)

func (d *delivery) Reset()        { d.from, d.to = "", nil }
func (d *delivery) Logout() error { return nil }

func (d *delivery) Mail(from string, _ *smtp.MailOptions) error {
	d.Reset()
	d.from = from
	return nil
}

// Rcpt takes the inbox's addresses, or any of its domains; we relay for nobody.
func (d *delivery) Rcpt(to string, _ *smtp.RcptOptions) error {
	if !d.s.set.mine(to) && !slices.Contains(d.s.set.receive.domains, domainOf(to)) {
		return errNobody
	}
	d.to = append(d.to, to)
	return nil
}

// Data is the mail, by SMTP.
func (d *delivery) Data(r io.Reader) error { return d.take(r) }

// LMTPData is the mail, by LMTP: each recipient has an answer of its own, and they are the same
// because one inbox takes it for all of them.
func (d *delivery) LMTPData(r io.Reader, status smtp.StatusCollector) error {
	err := d.take(r)
	for _, to := range d.to {
		status.SetStatus(to, err)
	}
	return nil
}

func (d *delivery) take(r io.Reader) error {
	body, err := io.ReadAll(r)
	var no *smtp.SMTPError
	if errors.As(err, &no) {
		return errTooMuch
	}
	if err != nil {
		return errLater
	}
	// The recipient is told in the envelope alone: it goes on top of the mail, as a final
	// delivery does (RFC 5321 §4.4), with the sender, whose absence tells reports.
	var head strings.Builder
	fmt.Fprintf(&head, "Return-Path: <%s>\r\n", clip(d.from))
	for _, to := range d.to {
		fmt.Fprintf(&head, "Delivered-To: %s\r\n", clip(to))
	}
	a := arrived{raw: append([]byte(head.String()), body...), at: d.s.host.Now(), to: plusFirst(d.to)}
	a.size = int64(len(a.raw))
	err = d.s.keepDelivered(d.ctx, a)
	if err != nil {
		d.s.host.Log().Warn("a delivery could not be kept; the sender tries again", "error", err)
		return errLater
	}
	return nil
}

// clip keeps what a line of a header can hold.
func clip(v string) string {
	return strings.Map(func(r rune) rune {
		if control(r) {
			return -1
		}
		return r
	}, v)
}

// plusFirst is the recipient that says most.
func plusFirst(to []string) string {
	for _, t := range to {
		if strings.Contains(t, "+") {
			return t
		}
	}
	if len(to) == 0 {
		return ""
	}
	return to[0]
}
