package play

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/email/mail"
)

// inbox is a hub that takes mail by LMTP and answers the first mail of everybody by SMTP.
type inbox struct {
	mu      sync.Mutex
	got     []*mail.Mail
	senders map[string]bool
	answer  string // where people take answers; empty: it answers nobody
	t       *testing.T
}

type delivery struct {
	in   *inbox
	from string
}

func (d *delivery) Mail(from string, _ *smtp.MailOptions) error { d.from = from; return nil }
func (d *delivery) Rcpt(string, *smtp.RcptOptions) error        { return nil }
func (d *delivery) Reset()                                      {}
func (d *delivery) Logout() error                               { return nil }

func (d *delivery) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	m, err := mail.Parse(bytes.Clone(raw))
	if err != nil {
		return err
	}
	d.in.mu.Lock()
	defer d.in.mu.Unlock()
	d.in.got = append(d.in.got, m)
	if d.in.answer != "" && !d.in.senders[d.from] {
		d.in.senders[d.from] = true
		go d.in.reply(d.from, m)
	}
	return nil
}

func (d *delivery) LMTPData(r io.Reader, status smtp.StatusCollector) error { return d.Data(r) }

func (in *inbox) reply(to string, m *mail.Mail) {
	p, err := newPostman(in.answer, "smtp")
	if err != nil {
		in.t.Error(err)
		return
	}
	defer p.close()
	raw := "From: Support <support@halden.example>\r\nReply-To: support+t1@halden.example\r\nTo: " + to + "\r\nSubject: Re: " + m.Subject +
		"\r\nMessage-ID: <answer." + m.MessageID + ">\r\nIn-Reply-To: <" + m.MessageID + ">\r\n\r\nWe look into it.\r\n"
	if err := p.deliver(context.Background(), "support@halden.example", to, []byte(raw)); err != nil {
		in.t.Error(err)
	}
}

func (in *inbox) mails() []*mail.Mail {
	in.mu.Lock()
	defer in.mu.Unlock()
	return append([]*mail.Mail(nil), in.got...)
}

func serve(t *testing.T, answer string) (*inbox, string) {
	t.Helper()
	in := &inbox{senders: map[string]bool{}, answer: answer, t: t}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &delivery{in: in}, nil }))
	srv.LMTP, srv.Domain = true, "hub.example"
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Close(); <-done })
	return in, l.Addr().String()
}

func free(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestPeopleWriteAtTheirRate(t *testing.T) {
	in, at := serve(t, "")
	s := channels.Simulation{People: 3, Rate: 200, Duplicates: 0.5, Reorder: 0.3, For: 300 * time.Millisecond, Seed: 7, Lines: []string{"One", "二"},
		Options: map[string]string{"to": "support@halden.example", "deliver": at, "protocol": "lmtp", "answers": "none", "domain": "p.example"}, Log: slog.New(slog.DiscardHandler)}
	p, err := run(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, m := range in.mails() {
		ids[m.MessageID] = true
		if m.Text != "One" && m.Text != "二" || len(m.To) != 1 || m.To[0].Address != "support@halden.example" || m.From.Name == "" {
			t.Errorf("%q from %v to %v", m.Text, m.From, m.To)
		}
	}
	if p.Sent < 10 || p.Refused != 0 || int64(len(ids)) != p.Sent || int64(len(in.mails())) != p.Delivered || p.Delivered <= p.Sent || p.Slowest <= 0 {
		t.Errorf("%+v, %d mails of %d ids", p, len(in.mails()), len(ids))
	}
}

func TestPeopleAnswerBelowTheirAnswer(t *testing.T) {
	answers := free(t)
	in, at := serve(t, answers)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	s := channels.Simulation{People: 2, Rate: 5, Seed: 1, Lines: []string{"Where is my order?"},
		Options: map[string]string{"to": "support@halden.example", "deliver": at, "protocol": "lmtp", "answers": answers, "domain": "p.example"}, Log: slog.New(slog.DiscardHandler)}
	over := make(chan channels.Played)
	go func() {
		p, err := play(ctx, s, time.Millisecond, time.Second)
		if err != nil {
			t.Error(err)
		}
		over <- p
	}()
	for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		var back *mail.Mail
		for _, m := range in.mails() {
			if len(m.InReplyTo) > 0 {
				back = m
			}
		}
		if back != nil {
			if !strings.HasPrefix(back.Subject, "Re: ") || !strings.HasPrefix(back.InReplyTo[0], "answer.") || back.To[0].Address != "support+t1@halden.example" || !strings.Contains(back.Text, "We look into it.") {
				t.Errorf("subject %q, in reply to %v, to %v, text %q", back.Subject, back.InReplyTo, back.To, back.Text)
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("nobody answered back")
		}
	}
	cancel()
	if p := <-over; p.Answers == 0 {
		t.Errorf("%+v", p)
	}
}

func TestAnInboxThatIsNotThereIsCounted(t *testing.T) {
	s := channels.Simulation{People: 1, Rate: 50, Options: map[string]string{"to": "a@b.example", "deliver": free(t), "protocol": "lmtp", "answers": "none", "domain": "p.example"}, Log: slog.New(slog.DiscardHandler)}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	p, err := play(ctx, s, 0, 0)
	if err != nil || p.Sent == 0 || p.Refused != p.Sent || p.Delivered != 0 {
		t.Errorf("%+v, %v", p, err)
	}
}
