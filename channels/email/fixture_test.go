package email

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/channeltest"
	"github.com/parley-hub/parley/channels/email/far"
	"github.com/parley-hub/parley/timeline"
)

const testKey = "canary-mac-key-0123456789abcdefghij"

// day is when tests take place.
var day = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// bench is an inbox with its far sides, on a hub in memory.
type bench struct {
	t    *testing.T
	hub  *channeltest.Hub
	imap *far.IMAP
	smtp *far.SMTP
	s    *Session
	any  channels.Session

	mu     sync.Mutex
	cursor []byte
	ran    []error // how runs ended
	steps  int
}

// newBench opens an inbox. Settings given replace the usual ones; an empty value removes one.
func newBench(t *testing.T, with map[string]string) *bench {
	t.Helper()
	return newSecureBench(t, far.Secure{}, with)
}

func newSecureBench(t *testing.T, secure far.Secure, with map[string]string) *bench {
	t.Helper()
	b := &bench{t: t, hub: channeltest.NewHub().At(day)}
	var err error
	if b.imap, err = far.NewIMAP(secure); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.imap.Close)
	if b.smtp, err = far.NewSMTP(secure); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.smtp.Close)
	set := map[string]string{"address": "support@acme.example", "name": "Acme Support", "imapHost": "127.0.0.1", "imapPort": b.imap.Port(), "imapSecurity": "none",
		"password": "canary-password", "smtpHost": "127.0.0.1", "smtpPort": b.smtp.Port(), "smtpSecurity": "none", "sinceDays": "30", "macKey": testKey, "verify": "false", "after": "leave"}
	maps.Copy(set, with)
	b.open(set, nil)
	return b
}

func (b *bench) open(set, app map[string]string) {
	b.t.Helper()
	a := accountOf(set)
	a.App = app
	s, err := Channel.Open(a, b.hub)
	if err != nil {
		b.t.Fatal(err)
	}
	b.any = s
	switch s := s.(type) {
	case *Session:
		b.s = s
	case signedIn:
		b.s = s.Session
	}
	b.s.pace = pace{sweep: 50 * time.Millisecond, answer: 2 * time.Second}
	b.t.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.t.Error(err)
		}
	})
}

func accountOf(set map[string]string) channels.Account {
	return channels.Account{ID: channeltest.Account, Name: "Support", Handle: "support@acme.example", Queue: "support", Settings: set}
}

// run keeps the inbox's connection until the test ends or the function returned is called.
func (b *bench) run() (stop func()) {
	b.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			err := b.s.Run(ctx, b.at(), func(ctx context.Context, c []byte, in ...timeline.Inbound) error {
				if err := b.hub.Emit(ctx, in...); err != nil {
					return err
				}
				b.mu.Lock()
				b.cursor = c
				b.mu.Unlock()
				return nil
			})
			b.mu.Lock()
			b.ran = append(b.ran, err)
			b.mu.Unlock()
			pause(ctx, 5*time.Millisecond)
		}
	}()
	var once sync.Once
	stop = func() { once.Do(func() { cancel(); <-done }) }
	b.t.Cleanup(stop)
	return stop
}

func (b *bench) at() []byte { b.mu.Lock(); defer b.mu.Unlock(); return b.cursor }

func (b *bench) runs() []error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]error(nil), b.ran...)
}

// until waits for something to be true.
func (b *bench) until(what string, ok func() bool) {
	b.t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	b.t.Fatalf("it never came that %s; runs ended %v; %d events", what, b.runs(), len(b.hub.Emitted()))
}

// messages are the messages emitted.
func (b *bench) messages() []timeline.Inbound { return of(b.hub.Emitted(), timeline.KindMessage) }

func of(in []timeline.Inbound, k timeline.Kind) []timeline.Inbound {
	var out []timeline.Inbound
	for _, i := range in {
		if i.Event.Kind == k {
			out = append(out, i)
		}
	}
	return out
}

// put puts a mail into the folder.
func (b *bench) put(raw string) {
	b.t.Helper()
	if err := b.imap.Put("INBOX", raw, day.Add(-time.Hour)); err != nil {
		b.t.Fatal(err)
	}
}

// take decodes mails as if they had just come, without a server, and returns what was emitted.
func (b *bench) take(raws ...string) []timeline.Inbound {
	b.t.Helper()
	var out []timeline.Inbound
	for _, raw := range raws {
		err := b.s.take(context.Background(), []arrived{{raw: []byte(raw), at: day, size: int64(len(raw))}}, func(in []timeline.Inbound) error {
			out = append(out, in...)
			return b.hub.Emit(context.Background(), in...)
		})
		if err != nil {
			b.t.Fatal(err)
		}
	}
	return out
}

// one decodes one mail that becomes one event.
func (b *bench) one(raw string) timeline.Inbound {
	b.t.Helper()
	in := b.take(raw)
	if len(in) != 1 {
		b.t.Fatalf("the mail became %d events", len(in))
	}
	return in[0]
}

// send sends a message on a thread and returns how it ended and the mail the server took.
func (b *bench) send(o timeline.Outbound) (channels.Result, far.Mail) {
	b.t.Helper()
	steps, err := b.s.Plan(o)
	if err != nil {
		b.t.Fatalf("Plan: %v", err)
	}
	r := b.s.Do(context.Background(), steps[0])
	got := b.smtp.Mails()
	if len(got) == 0 {
		return r, far.Mail{}
	}
	return r, got[len(got)-1]
}

// reply is an agent's message on a thread.
func (b *bench) reply(thread timeline.ThreadID, to, text string) timeline.Outbound {
	b.steps++
	o := channeltest.Message(text)
	o.ID = timeline.EventID(fmt.Sprintf("m%d", b.steps))
	o.Thread, o.To = timeline.Thread{Account: channeltest.Account, ID: thread}, timeline.Handle(to)
	return o
}

// mailOf builds a mail of header lines and a body.
func mailOf(body string, header ...string) string {
	h := strings.Join(header, "\n")
	if !strings.Contains(h, "From:") {
		h = "From: Maya <maya@hikes.example>\n" + h
	}
	if !strings.Contains(h, "Date:") {
		h += "\nDate: Wed, 4 Mar 2026 05:00:00 +0000"
	}
	return strings.ReplaceAll(h+"\n\n"+body+"\n", "\n", "\r\n")
}
