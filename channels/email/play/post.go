package play

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/mail"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"

	parsed "github.com/parley-hub/parley/channels/email/mail"
)

// postman hands mails to a server over one connection, which is made again when it breaks.
type postman struct {
	address string
	lmtp    bool

	mu sync.Mutex
	c  *smtp.Client
}

func newPostman(address, protocol string) (*postman, error) {
	if protocol != "lmtp" && protocol != "smtp" {
		return nil, fmt.Errorf("protocol %q: use lmtp or smtp", protocol)
	}
	if _, _, err := net.SplitHostPort(address); err != nil {
		return nil, fmt.Errorf("deliver: %w; an address such as 127.0.0.1:2424 is needed", err)
	}
	return &postman{address: address, lmtp: protocol == "lmtp"}, nil
}

// await waits until the server can be reached, for a while; whether it can, delivering tells.
func (p *postman) await(ctx context.Context, atMost time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	for {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", p.address)
		if err == nil {
			_ = c.Close()
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// deliver returns nil once the server has taken the mail.
func (p *postman) deliver(ctx context.Context, from, to string, raw []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	fresh := p.c == nil
	err := p.try(ctx, from, to, raw)
	var said *smtp.SMTPError
	if err == nil || errors.As(err, &said) || fresh {
		return err
	}
	return p.try(ctx, from, to, raw) // the connection had gone
}

func (p *postman) try(ctx context.Context, from, to string, raw []byte) (err error) {
	defer func() {
		if err != nil && p.c != nil {
			_ = p.c.Close()
			p.c = nil
		}
	}()
	if p.c == nil {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", p.address)
		if err != nil {
			return fmt.Errorf("reaching the inbox: %w", err)
		}
		if p.lmtp {
			p.c = smtp.NewClientLMTP(conn)
		} else {
			p.c = smtp.NewClient(conn)
		}
		if err := p.c.Hello("people.example"); err != nil {
			return fmt.Errorf("greeting the inbox: %w", err)
		}
	}
	if err := p.c.Mail(from, nil); err != nil {
		return fmt.Errorf("naming the sender: %w", err)
	}
	if err := p.c.Rcpt(to, nil); err != nil {
		return fmt.Errorf("naming the recipient: %w", err)
	}
	w, err := p.c.Data()
	if err != nil {
		return fmt.Errorf("beginning the mail: %w", err)
	}
	if _, err := w.Write(raw); err != nil {
		return fmt.Errorf("sending the mail: %w", err)
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("ending the mail: %w", err)
	}
	return nil
}

func (p *postman) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.c != nil {
		_ = p.c.Quit()
	}
}

// listen takes answers until the returned function is called.
func (g *game) listen(l net.Listener) (stop func()) {
	srv := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &received{g: g}, nil }))
	srv.Domain, srv.AllowInsecureAuth, srv.EnableSMTPUTF8 = "people.example", true, true
	srv.ReadTimeout, srv.WriteTimeout, srv.MaxMessageBytes = time.Minute, time.Minute, 40<<20
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(l) // ends with Close
	}()
	return func() {
		_ = srv.Close()
		<-done
	}
}

// received is one connection of the inbox's account.
type received struct {
	g  *game
	to []string
}

// Mail begins a mail.
func (r *received) Mail(string, *smtp.MailOptions) error { r.to = nil; return nil }

// Rcpt names one whom it is for.
func (r *received) Rcpt(to string, _ *smtp.RcptOptions) error { r.to = append(r.to, to); return nil }

// Reset forgets a mail that was begun.
func (r *received) Reset() { r.to = nil }

// Logout ends the connection.
func (r *received) Logout() error { return nil }

// Data reads a mail; whom it is for reads it too.
func (r *received) Data(in io.Reader) error {
	raw, err := io.ReadAll(in)
	if err != nil {
		return fmt.Errorf("reading a mail: %w", err)
	}
	m, err := parsed.Parse(raw)
	if err != nil {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "This is no mail."}
	}
	for _, to := range r.to {
		r.g.receive(to, m, reply(raw))
	}
	return nil
}

// reply is where answers to a mail go.
func reply(raw []byte) string {
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return ""
	}
	for _, h := range []string{"Reply-To", "From"} {
		if list, err := m.Header.AddressList(h); err == nil && len(list) > 0 {
			return list[0].Address
		}
	}
	return ""
}

// thanks are what people answer.
var thanks = []string{"Thank you, that helps.", "Great, thanks for the quick answer!", "Perfect. Have a good day!"}

// receive lets a person read an answer and, the first times, answer back.
func (g *game) receive(to string, m *parsed.Mail, back string) {
	g.answers.Add(1)
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, p := range g.people {
		if !strings.EqualFold(p.address, to) || p.answered >= answersMost || back == "" || m.Automated {
			continue
		}
		p.answered++
		text := thanks[(i+p.answered)%len(thanks)]
		subject, id, theirs := m.Subject, m.MessageID, m.Text
		g.wg.Go(func() {
			time.Sleep(g.reads)
			g.mu.Lock()
			out := p.answer(back, subject, id, text, theirs)
			g.mu.Unlock()
			g.sent.Add(1)
			g.deliver(context.Background(), out)
		})
	}
}
