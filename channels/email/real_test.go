package email

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/channeltest"
	"github.com/parley-hub/parley/timeline"
)

// These tests run against real Dovecot and Postfix, started by deploy/mail/test.sh.

const realPassword = "canary-password"

type real struct {
	*bench
	dir, imapPort, smtpPort, user string
}

// newReal opens an inbox of the real servers, emptied.
func newReal(t *testing.T, user string, with map[string]string) *real {
	t.Helper()
	dir := os.Getenv("PARLEY_TEST_MAIL")
	if dir == "" {
		t.Skip("no mail servers: run make test-mail")
	}
	r := &real{bench: &bench{t: t, hub: channeltest.NewHub().At(time.Now())}, dir: dir, user: user,
		imapPort: os.Getenv("PARLEY_TEST_MAIL_IMAP"), smtpPort: os.Getenv("PARLEY_TEST_MAIL_SMTP")}
	r.doveadm("expunge", "-u", user, "mailbox", "INBOX", "all")
	set := map[string]string{"address": user, "name": "Acme Support", "imapHost": "127.0.0.1", "imapPort": r.imapPort, "imapSecurity": "none", "password": realPassword,
		"smtpHost": "127.0.0.1", "smtpPort": r.smtpPort, "smtpSecurity": "none", "sinceDays": "30", "macKey": testKey, "plus": "on"}
	for k, v := range with {
		set[k] = v
	}
	r.open(set, nil)
	r.s.pace.sweep = 10 * time.Second // what comes in must come by IDLE
	return r
}

func (r *real) doveadm(args ...string) {
	r.t.Helper()
	out, err := exec.Command("doveadm", append([]string{"-c", filepath.Join(r.dir, "dovecot", "dovecot.conf")}, args...)...).CombinedOutput()
	if err != nil {
		r.t.Fatalf("doveadm %v: %v\n%s", args, err, out)
	}
}

// submit sends a mail by Postfix as somebody.
func (r *real) submit(from string, to []string, raw string) {
	r.t.Helper()
	c, err := smtp.Dial("127.0.0.1:" + r.smtpPort)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := c.Auth(sasl.NewPlainClient("", from, realPassword)); err != nil {
		r.t.Fatal(err)
	}
	if err := c.SendMail(from, to, strings.NewReader(raw)); err != nil {
		r.t.Fatal(err)
	}
}

// client is somebody's own mail program.
func (r *real) client(user string) *imapclient.Client {
	r.t.Helper()
	c, err := imapclient.DialInsecure("127.0.0.1:"+r.imapPort, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = c.Close() })
	if err := c.Login(user, realPassword).Wait(); err != nil {
		r.t.Fatal(err)
	}
	if _, err := c.Select("INBOX", nil).Wait(); err != nil {
		r.t.Fatal(err)
	}
	return c
}

// newest is the newest mail of somebody's inbox that holds a text.
func (r *real) newest(user, text string) string {
	r.t.Helper()
	c, found := r.client(user), ""
	section := &imap.FetchItemBodySection{Peek: true}
	r.until("a mail with "+text+" reaches "+user, func() bool {
		if err := c.Noop().Wait(); err != nil {
			r.t.Fatal(err)
		}
		got, err := c.Fetch(imap.SeqSet{{Start: 1, Stop: 0}}, &imap.FetchOptions{BodySection: []*imap.FetchItemBodySection{section}}).Collect()
		if err != nil {
			return false // the inbox is empty
		}
		for _, g := range got {
			if b := g.FindBodySection(section); bytes.Contains(b, []byte(text)) {
				found = string(b)
			}
		}
		return found != ""
	})
	return found
}

func headerOf(raw, name string) string {
	m, _ := parse([]byte(raw))
	return m.Header.Get(name)
}

func TestRealReplyAndThread(t *testing.T) {
	r := newReal(t, "support@acme.test", nil)
	r.doveadm("expunge", "-u", "maya@hikes.test", "mailbox", "INBOX", "all")
	r.run()
	r.until("the folder is watched", func() bool { return r.hub.State().State == channels.Green })
	r.submit("maya@hikes.test", []string{"support@acme.test"}, mailOf("My tent leaks. 帐篷漏水。", "From: Maya <maya@hikes.test>", "To: support@acme.test", "Subject: Tent", "Message-ID: <r1@hikes.test>",
		"Date: "+time.Now().Format(time.RFC1123Z), "Content-Type: text/plain; charset=utf-8"))
	r.until("the mail is in", func() bool { return len(r.messages()) == 1 })
	in := r.messages()[0]
	if in.Event.Message.Text != "My tent leaks. 帐篷漏水。" || in.Peer.Value != "maya@hikes.test" {
		t.Fatalf("it reads %q from %q", in.Event.Message.Text, in.Peer.Value)
	}
	steps, err := r.s.Plan(r.reply(in.Event.Thread.ID, string(in.To), "We send a new one."))
	if err != nil {
		t.Fatal(err)
	}
	res := r.s.Do(context.Background(), steps[0])
	if res.Outcome != channels.Accepted {
		t.Fatalf("sending ended %v: %v", res.Outcome, res.Failure)
	}
	got := r.newest("maya@hikes.test", "We send a new one.")
	if headerOf(got, "In-Reply-To") != "<r1@hikes.test>" || headerOf(got, "Message-ID") != "<"+string(res.Remote)+">" {
		t.Errorf("what Maya got answers %q as %q", headerOf(got, "In-Reply-To"), headerOf(got, "Message-ID"))
	}
	m, _ := parse([]byte(got))
	if len(m.ReplyTo) != 1 || !strings.Contains(m.ReplyTo[0].Address, "+c.") {
		t.Fatalf("answers go to %v", m.ReplyTo)
	}
	// Her program keeps nothing but the address: Postfix and Dovecot deliver the plus-address.
	r.submit("maya@hikes.test", []string{m.ReplyTo[0].Address}, mailOf("Thanks!", "From: Maya <maya@hikes.test>", "To: "+m.ReplyTo[0].Address, "Subject: Re: Tent", "Message-ID: <r2@hikes.test>", "Date: "+time.Now().Format(time.RFC1123Z)))
	r.until("the answer is in", func() bool { return len(r.messages()) == 2 })
	if id := r.messages()[1].Event.Thread.ID; id != in.Event.Thread.ID {
		t.Errorf("her answer is on %s, not %s", id, in.Event.Thread.ID)
	}
}

func TestRealBounceMarksTheMessageFailed(t *testing.T) {
	r := newReal(t, "support@acme.test", nil)
	r.run()
	start, err := r.s.Start("nobody@hikes.test", "Your order", "01J0")
	if err != nil {
		t.Fatal(err)
	}
	o := r.reply(start.Event.Thread.ID, "nobody@hikes.test", "It has left.")
	o.About = "Your order"
	steps, err := r.s.Plan(o)
	if err != nil {
		t.Fatal(err)
	}
	res := r.s.Do(context.Background(), steps[0])
	if res.Outcome != channels.Accepted {
		t.Fatalf("sending ended %v: %v", res.Outcome, res.Failure)
	}
	r.until("the report is in", func() bool { return len(of(r.hub.Emitted(), timeline.KindReceipt)) > 0 && len(r.messages()) > 0 })
	rec := of(r.hub.Emitted(), timeline.KindReceipt)[0].Event
	if rec.Receipt.State != timeline.Failed || rec.Receipt.Of.Remote != res.Remote || rec.Thread.ID != start.Event.Thread.ID {
		t.Errorf("the receipt is %+v on %s", rec.Receipt, rec.Thread.ID)
	}
	if f := rec.Receipt.Failure; f == nil || f.Class != string(channels.Unreachable) || !strings.HasPrefix(f.Code, "5.1.1") || f.Said == "" {
		t.Errorf("it says %+v", rec.Receipt.Failure)
	}
	if m := r.messages()[0].Event; !m.Message.Automated || m.Thread.ID != start.Event.Thread.ID {
		t.Errorf("the report is automated %v on %s", m.Message.Automated, m.Thread.ID)
	}
}

func TestRealUIDValidityChange(t *testing.T) {
	r := newReal(t, "support@acme.test", nil)
	stop := r.run()
	for i := range 5 {
		r.submit("maya@hikes.test", []string{"support@acme.test"}, mailOf(fmt.Sprint("before ", i), "From: maya@hikes.test", "Subject: x", fmt.Sprintf("Message-ID: <v%d@hikes.test>", i)))
	}
	r.until("five are in", func() bool { return len(r.messages()) == 5 })
	stop()
	r.doveadm("mailbox", "update", "-u", r.user, "--uid-validity", fmt.Sprint(time.Now().Unix()+1000), "INBOX")
	r.submit("maya@hikes.test", []string{"support@acme.test"}, mailOf("after", "From: maya@hikes.test", "Subject: x", "Message-ID: <v9@hikes.test>"))
	r.run()
	r.until("the sixth is in", func() bool { return len(r.messages()) >= 6 })
	if n := len(r.messages()); n != 6 {
		t.Errorf("%d mails were emitted for 6", n)
	}
}

func TestRealExpungeDuringFetch(t *testing.T) {
	r := newReal(t, "support@acme.test", nil)
	c := r.client(r.user)
	const all = 300
	fill(t, c, 0, all)
	r.run()
	r.until("some are in", func() bool { return len(r.messages()) > 20 })
	if err := c.Store(imap.SeqSet{{Start: 100, Stop: 160}}, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagDeleted}}, nil).Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.Expunge().Close(); err != nil {
		t.Fatal(err)
	}
	last := fmt.Sprintf("number %d.", all-1)
	r.until("the last is in", func() bool {
		ms := r.messages()
		return len(ms) > 0 && strings.Contains(ms[len(ms)-1].Event.Message.Text, last)
	})
	seen := map[string]bool{}
	for _, m := range r.messages() {
		n := strings.TrimPrefix(string(m.Event.Remote), "n")
		n, _, _ = strings.Cut(n, "@")
		if want := "number " + n + "."; !strings.Contains(m.Event.Message.Text, want) {
			t.Errorf("mail %s has the body %q", m.Event.Remote, m.Event.Message.Text)
		}
		if seen[n] {
			t.Errorf("mail %s is in twice", n)
		}
		seen[n] = true
	}
	if len(seen) < all-61 {
		t.Errorf("%d of at least %d mails are in", len(seen), all-61)
	}
}

// fill appends mails, each with a body of its own.
func fill(t testing.TB, c *imapclient.Client, from, n int) {
	t.Helper()
	pad := strings.Repeat("Lorem ipsum dolor sit amet. ", 40)
	for i := from; i < from+n; i++ {
		raw := []byte(mailOf(fmt.Sprintf("This is number %d.\n\n%s\n\nOn Mon, Maya wrote:\n> older", i, pad), fmt.Sprintf("From: Person %d <p%d@hikes.test>", i, i%500), "To: bench@acme.test", fmt.Sprintf("Subject: Mail %d", i), fmt.Sprintf("Message-ID: <n%d@hikes.test>", i)))
		a := c.Append("INBOX", int64(len(raw)), nil)
		if _, err := a.Write(raw); err != nil {
			t.Fatal(err)
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Wait(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRealLMTPFromPostfix(t *testing.T) {
	hub := os.Getenv("PARLEY_TEST_MAIL_HUB")
	r := newReal(t, "support@acme.test", map[string]string{"address": "support@hub.test", "imapHost": "", "listen": net.JoinHostPort("127.0.0.1", hub), "domains": "hub.test"})
	r.hub.Down(fmt.Errorf("the disk is full"))
	r.run()
	r.until("it listens", func() bool { r.s.mu.Lock(); defer r.s.mu.Unlock(); return r.s.listening != nil })
	r.submit("maya@hikes.test", []string{"support@hub.test"}, mailOf("Hello hub.", "From: Maya <maya@hikes.test>", "To: support@hub.test", "Subject: Hi", "Message-ID: <l1@hikes.test>"))
	log := filepath.Join(r.dir, "postfix.log")
	r.until("Postfix keeps what we could not", func() bool {
		b, err := os.ReadFile(log)
		return err == nil && strings.Contains(string(b), "status=deferred") && strings.Contains(string(b), "451 4.3.0")
	})
	r.hub.Down(nil)
	r.until("it is delivered once we can keep it", func() bool {
		if out, err := exec.Command("postqueue", "-c", filepath.Join(r.dir, "postfix", "etc"), "-f").CombinedOutput(); err != nil {
			t.Fatalf("postqueue: %v\n%s", err, out)
		}
		return len(r.messages()) == 1
	})
	if m := r.messages()[0]; m.Event.Message.Text != "Hello hub." {
		t.Errorf("it reads %q", m.Event.Message.Text)
	}
}

// TestRealIngestRate measures how fast mail comes in from Dovecot, end to end: fetched, parsed,
// split, cleaned, filed, threaded and emitted.
func TestRealIngestRate(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("PARLEY_BENCH_MAIL"))
	if err != nil || n < 1 {
		t.Skip("PARLEY_BENCH_MAIL says how many mails")
	}
	r := newReal(t, "bench@acme.test", nil)
	fill(t, r.client(r.user), 0, n)
	began := time.Now()
	r.run()
	for end := began.Add(10 * time.Minute); len(r.messages()) < n && time.Now().Before(end); {
		time.Sleep(20 * time.Millisecond)
	}
	took := time.Since(began)
	if got := len(r.messages()); got != n {
		t.Fatalf("%d of %d mails came in: %v", got, n, r.runs())
	}
	rate := float64(n) / took.Seconds()
	t.Logf("%d mails in %v: %.0f/s", n, took.Round(time.Millisecond), rate)
	if rate < 200 {
		t.Errorf("%.0f mails/s come in; 200 are asked for", rate)
	}
}
