package email

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/channeltest"
	"github.com/parley-hub/parley/channels/email/mail"
	"github.com/parley-hub/parley/timeline"
)

// read parses a mail the server took.
func readMail(t *testing.T, raw string) *mail.Mail {
	t.Helper()
	m, why := parse([]byte(raw))
	if why != "" {
		t.Fatalf("what was sent cannot be read: %s\n%s", why, raw)
	}
	return m
}

func TestWhatIsSent(t *testing.T) {
	b := newBench(t, map[string]string{"signature": "<b>Priya</b>, Acme", "language": "en"})
	in := b.one(mailOf("My tent leaks.\nBadly.", "To: support@acme.example", "Subject: =?utf-8?B?5biQ56+3?=", "Message-ID: <a1@hikes.example>"))
	o := b.reply(in.Event.Thread.ID, "maya@hikes.example", "Wir schicken ein neues. 新帐篷。")
	o.Message.HTML = "<p>Wir schicken ein <b>neues</b>. 新帐篷。</p><script>x</script>"
	_, got := b.send(o)
	m := readMail(t, got.Raw)
	if m.Subject != "Re: 帐篷" || m.From.Name != "Acme Support" || m.From.Address != "support@acme.example" || len(m.To) != 1 || m.To[0].Name != "Maya" {
		t.Errorf("it is %q from %+v to %+v", m.Subject, m.From, m.To)
	}
	for _, want := range []string{"新帐篷", "Priya", "Maya <maya@hikes.example> wrote:", "> My tent leaks."} {
		if !strings.Contains(m.Text, want) {
			t.Errorf("%q is not in the plain text\n%s", want, m.Text)
		}
	}
	for _, want := range []string{"<b", "新帐篷", "Priya", "gmail_quote", "My tent leaks.", "style="} {
		if !strings.Contains(m.HTML, want) {
			t.Errorf("%q is not in the HTML\n%s", want, m.HTML)
		}
	}
	if strings.Contains(m.HTML, "<script") || strings.Contains(m.HTML, "<style") {
		t.Error("scripts or sheets went out")
	}
	if m.InReplyTo[0] != "a1@hikes.example" || m.References[len(m.References)-1] != "a1@hikes.example" {
		t.Errorf("it answers %v after %v", m.InReplyTo, m.References)
	}
	for _, l := range strings.Split(got.Raw, "\r\n") {
		if len(l) > 998 {
			t.Errorf("a line has %d bytes", len(l))
		}
	}
	if m.Auto != mail.AutoNone {
		t.Errorf("an agent's mail is taken for %s", m.Auto)
	}
}

func (b *bench) file(name, data string) timeline.Part {
	b.t.Helper()
	p, err := b.hub.Files().Put(context.Background(), name, strings.NewReader(data), 1<<30)
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}

func TestOutgoingAttachmentsPresent(t *testing.T) { // outgoing_attachments_present
	b := newBench(t, nil)
	png, err := base64.StdEncoding.DecodeString(picture)
	if err != nil {
		t.Fatal(err)
	}
	o := b.reply("e1", "maya@hikes.example", "See below.")
	inline := b.file("图.png", string(png))
	inline.Inline = "pic1"
	o.Message.HTML = `<p>See <img data-cid="pic1"></p>`
	o.Message.Parts = []timeline.Part{b.file("Rechnung März 2026.pdf", "%PDF-1.4 bytes"), inline}
	_, got := b.send(o)
	m := readMail(t, got.Raw)
	if len(m.Attachments) != 2 {
		t.Fatalf("%d files went out\n%s", len(m.Attachments), got.Raw)
	}
	names := []string{m.Attachments[0].Name, m.Attachments[1].Name}
	if !slices.Contains(names, "Rechnung März 2026.pdf") || !slices.Contains(names, "图.png") {
		t.Errorf("they are called %q", names)
	}
	for _, a := range m.Attachments {
		if a.Name == "图.png" && (!a.Inline || a.ContentID != "pic1" || string(a.Data) != string(png)) {
			t.Errorf("the picture is %q inline %v, %d bytes", a.ContentID, a.Inline, len(a.Data))
		}
	}
	if !strings.Contains(m.HTML, `src="cid:pic1"`) {
		t.Errorf("the HTML does not show it: %s", m.HTML)
	}
	o = b.reply("e1", "maya@hikes.example", "Gone")
	o.Message.Parts = []timeline.Part{{Kind: timeline.PartFile, File: "F99", Name: "gone.pdf"}}
	if r, _ := b.send(o); r.Outcome != channels.Rejected || r.Failure.Class != channels.BadMedia {
		t.Errorf("a file that is gone ended %v, %v", r.Outcome, r.Failure)
	}
}

func TestReplyAllExcludesOwnAddresses(t *testing.T) { // reply-all excludes own addresses
	b := newBench(t, map[string]string{"aliases": "sales@acme.example"})
	in := b.one(mailOf("Hi", "To: Support@ACME.example, sales@acme.example, zoe@hikes.example", "Cc: support+c.x.y@acme.example, Ben <ben@hikes.example>, maya@hikes.example", "Message-ID: <r@h>"))
	_, got := b.send(b.reply(in.Event.Thread.ID, "maya@hikes.example", "Hello all"))
	slices.Sort(got.To)
	if fmt.Sprint(got.To) != "[ben@hikes.example maya@hikes.example zoe@hikes.example]" {
		t.Errorf("it went to %v", got.To)
	}
	m := readMail(t, got.Raw)
	if len(m.To) != 1 || len(m.Cc) != 2 {
		t.Errorf("To %v, Cc %v", m.To, m.Cc)
	}
}

func TestCcDoesNotLeak(t *testing.T) { // cc/bcc not leaking from other conversation
	b := newBench(t, nil)
	b.one(mailOf("One", "To: support@acme.example", "Cc: boss@hikes.example", "Message-ID: <1@h>"))
	two := b.one(mailOf("Two", "To: support@acme.example", "Message-ID: <2@h>"))
	_, got := b.send(b.reply(two.Event.Thread.ID, "maya@hikes.example", "Only you"))
	if fmt.Sprint(got.To) != "[maya@hikes.example]" {
		t.Errorf("it went to %v", got.To)
	}
	o := b.reply(two.Event.Thread.ID, "maya@hikes.example", "With others")
	o.Message.Envelope = &timeline.Envelope{To: []timeline.Address{{Address: "maya@hikes.example"}}, Cc: []timeline.Address{{Address: "cc@x.example"}}, Bcc: []timeline.Address{{Name: "Quiet", Address: "bcc@x.example"}}}
	_, got = b.send(o)
	if len(got.To) != 3 || strings.Contains(strings.ToLower(got.Raw), "bcc") || strings.Contains(got.Raw, "Quiet") {
		t.Errorf("it went to %v as\n%s", got.To, got.Raw)
	}
	_, got = b.send(b.reply(two.Event.Thread.ID, "maya@hikes.example", "Again"))
	if fmt.Sprint(got.To) != "[maya@hikes.example]" {
		t.Errorf("the next one went to %v", got.To)
	}
}

func TestHeaderInjection(t *testing.T) {
	b := newBench(t, nil)
	o := b.reply("e1", "maya@hikes.example", "Hi")
	o.Message.Subject = "Hello\r\nBcc: eve@evil.example"
	o.Message.Envelope = &timeline.Envelope{To: []timeline.Address{{Name: "Maya\r\nX-Evil: 1", Address: "maya@hikes.example"}}}
	_, got := b.send(o)
	m := readMail(t, got.Raw)
	if m.Header.Has("Bcc") || m.Header.Has("X-Evil") || len(got.To) != 1 {
		t.Errorf("a header was injected:\n%s", got.Raw)
	}
	o.Message.Envelope.To[0].Address = "maya@hikes.example\r\nRCPT TO:<eve@evil.example>"
	if _, err := b.s.Plan(o); err == nil {
		t.Error("an address of two lines is planned")
	}
}

func TestAutomaticMail(t *testing.T) {
	assistant := timeline.Actor{Kind: timeline.ActorAssistant, ID: "ai"}
	rule := timeline.Actor{Kind: timeline.ActorRule, ID: "ack"}
	auto := func(b *bench, thread timeline.ThreadID, by timeline.Actor) (channels.Result, string, string) {
		o := b.reply(thread, "maya@hikes.example", "We got your mail.")
		o.Actor = by
		r, got := b.send(o)
		return r, got.From, got.Raw
	}
	t.Run("says_that_it_is", func(t *testing.T) {
		b := newBench(t, nil)
		in := b.one(mailOf("Hi", "Message-ID: <a@h>", "Cc: zoe@hikes.example"))
		_, from, raw := auto(b, in.Event.Thread.ID, rule)
		m := readMail(t, raw)
		if from != "" || m.Header.Get("Auto-Submitted") != "auto-replied" || m.Header.Get("X-Auto-Response-Suppress") != "All" || m.Header.Get("Precedence") != "auto_reply" || !b.s.keys.looped(m.Header.Get(mail.LoopHeader)) {
			t.Errorf("it went out from %q as\n%s", from, raw)
		}
		if len(m.Cc) != 0 {
			t.Errorf("an automatic answer went to all: %v", m.Cc)
		}
	})
	t.Run("null_sender_refused", func(t *testing.T) {
		b := newBench(t, nil)
		b.smtp.Refuse("mail <>", 550, smtp.EnhancedCode{5, 7, 60}, "client does not have permissions to send as this sender")
		r, from, _ := auto(b, "e1", rule)
		if r.Outcome != channels.Accepted || from != "support@acme.example" {
			t.Errorf("it ended %v from %q", r.Outcome, from)
		}
	})
	t.Run("ooo_ping_pong_200", func(t *testing.T) {
		b := newBench(t, nil)
		in := b.one(mailOf("Hi", "Message-ID: <a@h>"))
		thread, sent := in.Event.Thread.ID, 0
		for i := range 200 {
			if r, _, _ := auto(b, thread, rule); r.Outcome == channels.Accepted {
				sent++
			}
			// An answering machine that hides what it is.
			b.one(mailOf(fmt.Sprint("I am away ", i), fmt.Sprintf("Message-ID: <o%d@h>", i), "In-Reply-To: <a@h>"))
			b.hub.Pass(time.Minute)
		}
		if sent != 1 || len(b.smtp.Mails()) != 1 {
			t.Errorf("%d automatic answers went out", sent)
		}
		b.hub.Pass(25 * time.Hour)
		if r, _, _ := auto(b, thread, rule); r.Outcome != channels.Accepted {
			t.Errorf("a day later it ended %v: %v", r.Outcome, r.Failure)
		}
	})
	t.Run("never_to_a_machine", func(t *testing.T) {
		b := newBench(t, nil)
		in := b.one(mailOf("Away", "Message-ID: <a@h>", "Auto-Submitted: auto-replied"))
		for _, by := range []timeline.Actor{rule, assistant} {
			if r, _, _ := auto(b, in.Event.Thread.ID, by); r.Outcome != channels.Rejected || len(b.smtp.Mails()) != 0 {
				t.Errorf("%s: it ended %v", by.Kind, r.Outcome)
			}
		}
		if r, _ := b.send(b.reply(in.Event.Thread.ID, "maya@hikes.example", "A person answers.")); r.Outcome != channels.Accepted {
			t.Errorf("a person's answer ended %v: %v", r.Outcome, r.Failure)
		}
	})
	t.Run("bounce_to_auto_ack", func(t *testing.T) {
		b := newBench(t, nil)
		in := b.one(mailOf("Hi", "Message-ID: <a@h>"))
		r, _, _ := auto(b, in.Event.Thread.ID, rule)
		b.take(report("failed", "5.1.1", "gone", "Message-ID: <"+string(r.Remote)+">", "To: support@acme.example"))
		b.hub.Pass(48 * time.Hour)
		if r, _, _ := auto(b, in.Event.Thread.ID, rule); r.Outcome != channels.Rejected {
			t.Errorf("a bounce was answered: %v", r.Outcome)
		}
	})
	t.Run("an_assistant_a_few_times_an_hour", func(t *testing.T) {
		b := newBench(t, nil)
		sent := 0
		for range 30 {
			if r, _, _ := auto(b, "e1", assistant); r.Outcome == channels.Accepted {
				sent++
			}
		}
		if sent != autoPerHour {
			t.Errorf("%d went out", sent)
		}
	})
	t.Run("our_loop_header_comes_back", func(t *testing.T) {
		b := newBench(t, nil)
		_, _, raw := auto(b, "e1", assistant)
		back := strings.Replace(raw, "From: ", "X-From: ", 1)
		in := b.one("From: forwarder@x.example\r\n" + strings.Replace(back, "Message-Id: ", "X-Id: ", 1))
		if !in.Event.Message.Automated {
			t.Error("a mail of our own automation is taken for a person's")
		}
	})
}

func TestServerRefusals(t *testing.T) {
	for _, c := range []struct {
		name, at string
		code     int
		enhanced smtp.EnhancedCode
		said     string
		class    channels.Class
		words    string // in the advice
	}{
		{"greylisted", "rcpt", 450, smtp.EnhancedCode{4, 2, 0}, "Greylisted", channels.Transient, "again"},
		{"busy", "data", 451, smtp.EnhancedCode{4, 3, 0}, "Try later", channels.Transient, "again"},
		{"no_such_user", "rcpt", 550, smtp.EnhancedCode{5, 1, 1}, "User unknown", channels.Unreachable, "maya@hikes.example"},
		{"not_as_this_sender", "mail", 553, smtp.EnhancedCode{5, 7, 1}, "Sender address rejected", channels.Misconfigured, "address"},
		{"spam", "data", 554, smtp.EnhancedCode{5, 7, 1}, "Spam message rejected", channels.Restricted, "SPF"},
		{"too_large", "data", 552, smtp.EnhancedCode{5, 3, 4}, "Message too big", channels.BadMedia, "smaller"},
		{"daily_quota", "data", 550, smtp.EnhancedCode{5, 4, 5}, "Daily user sending quota exceeded", channels.QuotaSpent, "tomorrow"},
		{"rate", "mail", 421, smtp.EnhancedCode{4, 7, 28}, "Our system has detected an unusual rate of mail", channels.RateLimited, "by itself"},
		{"connections", "mail", 432, smtp.EnhancedCode{4, 3, 2}, "Concurrent connections limit exceeded", channels.RateLimited, "by itself"},
		{"550 5.7.30", "auth", 550, smtp.EnhancedCode{5, 7, 30}, "Basic authentication is not supported for Client Submission.", channels.AuthExpired, "Microsoft"},
		{"wrong_password", "auth", 535, smtp.EnhancedCode{5, 7, 8}, "Authentication failed", channels.AuthExpired, "password"},
		{"auth_server_down", "auth", 454, smtp.EnhancedCode{4, 7, 0}, "Temporary authentication failure", channels.Transient, "again"},
		{"sign_in_wanted", "mail", 530, smtp.EnhancedCode{5, 7, 0}, "Authentication required", channels.AuthExpired, "settings"},
		{"closed_to_us", "connect", 554, smtp.EnhancedCode{5, 7, 1}, "blocked", channels.Restricted, "blocked"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, nil)
			b.smtp.Refuse(c.at, c.code, c.enhanced, c.said)
			r, got := b.send(b.reply("e1", "maya@hikes.example", "Hi"))
			if r.Outcome != channels.Rejected || r.Failure.Class != c.class {
				t.Fatalf("it ended %v: %+v", r.Outcome, r.Failure)
			}
			if !strings.Contains(r.Failure.Advice, c.words) || r.Failure.Said != c.said || !strings.Contains(r.Failure.Code, fmt.Sprint(c.code)) || c.class == channels.RateLimited && r.Failure.After == 0 {
				t.Errorf("it says %+v", r.Failure)
			}
			if got.Raw != "" {
				t.Error("something was taken")
			}
			b.smtp.Refuse(c.at, 0, smtp.EnhancedCode{}, "")
			if r, _ := b.send(b.reply("e1", "maya@hikes.example", "Hi")); r.Outcome != channels.Accepted {
				t.Errorf("afterwards it ended %v: %+v", r.Outcome, r.Failure)
			}
		})
	}
	t.Run("one_of_two_recipients", func(t *testing.T) {
		b := newBench(t, nil)
		b.smtp.Refuse("rcpt zoe@hikes.example", 550, smtp.EnhancedCode{5, 1, 1}, "User unknown")
		o := b.reply("e1", "maya@hikes.example", "Hi")
		o.Message.Envelope = &timeline.Envelope{To: []timeline.Address{{Address: "maya@hikes.example"}, {Address: "zoe@hikes.example"}}}
		r, _ := b.send(o)
		if r.Outcome != channels.Rejected || !strings.Contains(r.Failure.Advice, "zoe@hikes.example") || len(b.smtp.Mails()) != 0 {
			t.Errorf("it ended %v, %v; %d taken", r.Outcome, r.Failure, len(b.smtp.Mails()))
		}
	})
	t.Run("nobody_there", func(t *testing.T) {
		b := newBench(t, nil)
		b.s.set.smtp.port = "1"
		if r, _ := b.send(b.reply("e1", "maya@hikes.example", "Hi")); r.Outcome != channels.Rejected || r.Failure.Class != channels.Transient {
			t.Errorf("it ended %v, %v", r.Outcome, r.Failure)
		}
	})
}

func TestSMTP250Lost(t *testing.T) { // smtp_250_lost
	b := newBench(t, nil)
	b.smtp.Drop(true)
	o := b.reply("e1", "maya@hikes.example", "Once")
	r, first := b.send(o)
	if r.Outcome != channels.Unsure {
		t.Fatalf("it ended %v, %v", r.Outcome, r.Failure)
	}
	if len(b.smtp.Mails()) != 1 {
		t.Fatalf("it was sent %d times by itself", len(b.smtp.Mails()))
	}
	steps, err := b.s.Plan(o)
	if err != nil {
		t.Fatal(err)
	}
	if _, found, err := b.s.Find(context.Background(), steps[0], day); err != nil || found {
		t.Errorf("it was found %v, %v", found, err)
	}
	if err := b.imap.Put("Sent", first.Raw, day); err != nil {
		t.Fatal(err)
	}
	if remote, found, err := b.s.Find(context.Background(), steps[0], day); err != nil || !found || remote != r.Remote {
		t.Errorf("in the sent folder it was found %v as %s, %v", found, remote, err)
	}
	b.smtp.Drop(false)
	o.Attempt = 2 // a person sends it again
	again, second := b.send(o)
	if again.Outcome != channels.Accepted || headerOf(first.Raw, "Message-ID") != headerOf(second.Raw, "Message-ID") || again.Remote != r.Remote {
		t.Errorf("again it is %s, then %s", headerOf(first.Raw, "Message-ID"), headerOf(second.Raw, "Message-ID"))
	}
}

func TestConnectionIsReused(t *testing.T) {
	b := newBench(t, nil)
	for range 5 {
		b.send(b.reply("e1", "maya@hikes.example", "Hi"))
	}
	if n := b.smtp.Connections(); n != 1 {
		t.Errorf("5 mails took %d connections", n)
	}
	b.smtp.HangUp() // as servers do with idle ones
	if r, _ := b.send(b.reply("e1", "maya@hikes.example", "Hi")); r.Outcome != channels.Accepted || b.smtp.Connections() != 2 {
		t.Errorf("after the server hung up it ended %v, %v on connection %d", r.Outcome, r.Failure, b.smtp.Connections())
	}
}

func TestSMTPTokenExpiredInPool(t *testing.T) { // smtp_token_expired_in_pool
	b := newBench(t, map[string]string{"provider": "microsoft", "refreshToken": "canary-refresh", "accessToken": "t1", "tokenExpires": day.Add(time.Hour).Format(time.RFC3339)})
	renewed := 0
	b.hub.Far(func(*channeltest.Request) channeltest.Reply {
		renewed++
		return channeltest.Reply{Status: 200, Body: fmt.Sprintf(`{"access_token":"t%d","expires_in":3600,"refresh_token":"r%d"}`, renewed+1, renewed+1)}
	})
	b.smtp.Token("t1")
	b.send(b.reply("e1", "maya@hikes.example", "one"))
	b.hub.Pass(2 * time.Hour)
	b.smtp.Token("t2")
	if r, _ := b.send(b.reply("e1", "maya@hikes.example", "two")); r.Outcome != channels.Accepted || renewed != 1 || b.smtp.Connections() != 2 {
		t.Fatalf("it ended %v, %v; renewed %d, connections %d", r.Outcome, r.Failure, renewed, b.smtp.Connections())
	}
	b.smtp.Token("t3") // revoked before its time
	b.smtp.HangUp()
	b.hub.Pass(time.Minute)
	if r, _ := b.send(b.reply("e1", "maya@hikes.example", "three")); r.Outcome != channels.Accepted || renewed != 2 {
		t.Fatalf("it ended %v, %v; renewed %d", r.Outcome, r.Failure, renewed)
	}
	if h := b.smtp.Heard(); len(h) != 1 || h[0] != "" {
		t.Errorf("the challenge was answered %q", h)
	}
}

func TestHealthOfSending(t *testing.T) {
	b := newBench(t, nil)
	b.run()
	b.until("the inbox is well", func() bool { return b.hub.State().State == channels.Green })
	b.smtp.Refuse("auth", 535, smtp.EnhancedCode{5, 7, 8}, "Authentication failed")
	b.send(b.reply("e1", "maya@hikes.example", "Hi"))
	b.put(plain(1)) // fetching goes on and does not hide it
	b.until("the mail is in", func() bool { return len(b.messages()) == 1 })
	if h := b.hub.State(); h.State != channels.Red || h.Next == "" || !strings.Contains(h.Reason, "Authentication failed") {
		t.Errorf("the inbox is %+v", h)
	}
	b.smtp.Refuse("auth", 0, smtp.EnhancedCode{}, "")
	b.send(b.reply("e1", "maya@hikes.example", "Hi"))
	if h := b.hub.State(); h.State != channels.Green {
		t.Errorf("mended, the inbox is %+v", h)
	}
}

func TestPlanRefuses(t *testing.T) {
	b := newBench(t, nil)
	for name, o := range map[string]timeline.Outbound{
		"nothing":     {Message: &timeline.Message{}},
		"an edit":     {Edit: &timeline.Edit{Text: "x"}},
		"bad address": {Message: &timeline.Message{Text: "x", Envelope: &timeline.Envelope{Cc: []timeline.Address{{Address: "nobody"}}}}},
		"too large":   {Message: &timeline.Message{Text: "x", Parts: []timeline.Part{{Size: 20 << 20}, {Size: 20 << 20}}}},
	} {
		var f *channels.Failure
		if _, err := b.s.Plan(o); !errors.As(err, &f) || f.Advice == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, to := range []string{"nobody", "support@acme.example", ""} {
		if _, err := b.s.Start(to, "x", "id"); err == nil {
			t.Errorf("one can begin writing to %q", to)
		}
	}
}
