package email

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/parley-hub/parley/timeline"
)

func TestNoMessageID(t *testing.T) { // no_message_id
	b := newBench(t, nil)
	raw := mailOf("Hello without id", "Subject: x")
	first := b.one(raw)
	if first.Event.Remote == "" || first.Event.Message.Text != "Hello without id" {
		t.Fatalf("it reads %+v", first.Event)
	}
	if again := b.take(raw); len(again) != 0 {
		t.Error("delivered twice it is in twice")
	}
	_, sent := b.send(b.reply(first.Event.Thread.ID, "maya@hikes.example", "Hi"))
	if strings.Contains(sent.Raw, noID) || strings.Contains(sent.Raw, "In-Reply-To") {
		t.Error("an id that nobody sent is referred to")
	}
}

func TestOddMessageIDs(t *testing.T) { // message_id_two_ats, no_angle_brackets
	for name, id := range map[string]string{"message_id_two_ats": "<abc@def@hikes.example>", "no_angle_brackets": "abc.def@hikes.example"} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, nil)
			in := b.one(mailOf("one", "Message-ID: "+id))
			two := b.one(mailOf("two", "Message-ID: <n@h>", "In-Reply-To: "+id))
			if in.Event.Remote == "" || two.Event.Thread.ID != in.Event.Thread.ID {
				t.Errorf("%s: %s then %s", in.Event.Remote, in.Event.Thread.ID, two.Event.Thread.ID)
			}
		})
	}
}

func TestMessageIDReusedByBrokenMailer(t *testing.T) { // message_id_reused_by_broken_mailer
	b := newBench(t, nil)
	one := b.one(mailOf("first", "Message-ID: <same@h>"))
	two := b.one(mailOf("second", "Message-ID: <same@h>"))
	other := b.one(mailOf("third", "Message-ID: <same@h>", "From: z@z.example"))
	if one.Event.ID == two.Event.ID || two.Event.Remote == one.Event.Remote || other.Event.Thread.ID == one.Event.Thread.ID {
		t.Errorf("ids %s %s, remotes %s %s, threads %s %s", one.Event.ID, two.Event.ID, one.Event.Remote, two.Event.Remote, one.Event.Thread.ID, other.Event.Thread.ID)
	}
}

func TestReplyToSpoof(t *testing.T) { // reply_to_spoof
	b := newBench(t, nil)
	in := b.one(mailOf("Send it to me", "From: Eve <eve@evil.example>", "Reply-To: maya@hikes.example", "Message-ID: <s@e>"))
	if in.Peer.Value != "eve@evil.example" || in.Peer.Proof != timeline.ProofNone || in.To != "maya@hikes.example" {
		t.Errorf("the contact is %+v, answered at %s", in.Peer, in.To)
	}
	if c := in.Event.Message.Checks; len(c) != 1 || c[0].Name != "Reply-To" {
		t.Errorf("the badge is %+v", c)
	}
}

func TestChecks(t *testing.T) {
	for _, c := range []struct {
		name, results string
		proof         timeline.Proof
		badges        string
	}{
		{"dmarc_pass", "mx.acme.example; dmarc=pass header.from=hikes.example; spf=pass smtp.mailfrom=hikes.example", timeline.ProofSigned, "DMARC pass, SPF pass"},
		{"aligned_dkim", "mx.acme.example; dkim=pass header.d=mail.hikes.example", timeline.ProofSigned, "DKIM pass"},
		{"dkim_of_another", "mx.acme.example; dkim=pass header.d=bulk.example", timeline.ProofNone, "DKIM pass"},
		{"dmarc_of_another", "mx.acme.example; dmarc=pass header.from=other.example", timeline.ProofNone, "DMARC pass"},
		{"spf_alone", "mx.acme.example; spf=pass smtp.mailfrom=hikes.example", timeline.ProofNone, "SPF pass"},
		{"dmarc_fail_from_vip", "mx.acme.example; dmarc=fail header.from=hikes.example; dkim=pass header.d=hikes.example", timeline.ProofNone, "DMARC fail, DKIM pass"},
		{"softfail", "mx.acme.example; spf=softfail smtp.mailfrom=hikes.example", timeline.ProofNone, "SPF fail"},
		{"untrusted_verifier", "mx.evil.example; dmarc=pass header.from=hikes.example", timeline.ProofNone, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, map[string]string{"authserv": "mx.acme.example"})
			in := b.one(mailOf("Hello", "Authentication-Results: "+c.results, "Message-ID: <c@h>"))
			var got []string
			for _, k := range in.Event.Message.Checks {
				got = append(got, k.Name+" "+k.Result)
			}
			if forged := strings.Contains(c.badges, "DMARC fail"); forged != (in.Peer.Scheme == SchemeThread) || forged != (len(in.Links) == 1) {
				t.Errorf("it is taken for %+v, with a hint of %v", in.Peer, in.Links)
			}
			if in.Peer.Proof != c.proof || strings.Join(got, ", ") != c.badges {
				t.Errorf("proof %q, badges %v", in.Peer.Proof, got)
			}
		})
	}
}

func TestOutcastMails(t *testing.T) { // no_from|no_date|future_date|group address|invalid To
	for _, c := range []struct {
		name, raw string
		at        time.Time
	}{
		{"no_from", "To: support@acme.example\r\nSubject: x\r\nMessage-ID: <1@x>\r\n\r\nHello\r\n", day},
		{"no_date", "From: maya@hikes.example\r\nMessage-ID: <2@x>\r\n\r\nHello\r\n", day},
		{"future_date", mailOf("Hello", "Date: Wed, 4 Mar 2036 05:00:00 +0000", "Message-ID: <3@x>"), day},
		{"ancient_date", mailOf("Hello", "Date: Thu, 1 Jan 1970 00:00:00 +0000", "Message-ID: <4@x>"), day},
		{"believable_date", mailOf("Hello", "Date: Wed, 4 Mar 2026 03:00:00 +0000", "Message-ID: <5@x>"), time.Date(2026, 3, 4, 3, 0, 0, 0, time.UTC)},
		{"group_address", mailOf("Hello", "To: undisclosed-recipients:;", "Message-ID: <6@x>"), time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC)},
		{"invalid_to", mailOf("Hello", "To: <<not an address>>,,", "Message-ID: <7@x>"), time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC)},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := newBench(t, nil).one(c.raw)
			if in.Event.Message == nil || in.Event.Message.Text != "Hello" || in.Peer.Value == "" || !in.Event.At.Equal(c.at) {
				t.Errorf("it is %+v at %v from %+v", in.Event.Message, in.Event.At, in.Peer)
			}
		})
	}
}

func TestPoisonIsQuarantined(t *testing.T) {
	b := newBench(t, nil)
	in := b.take("", " \r\n\r\n", mailOf("fine", "Message-ID: <ok@h>"))
	if len(in) != 3 || in[0].Event.Kind != timeline.KindUnknown || in[2].Event.Message == nil {
		t.Fatalf("three mails became %d events", len(in))
	}
	if !strings.Contains(string(in[1].Event.Unknown.Raw), `"file"`) {
		t.Errorf("the raw mail is not kept: %s", in[1].Event.Unknown.Raw)
	}
}

func TestHubTroubleLosesNothing(t *testing.T) {
	b := newBench(t, nil)
	a := []arrived{{raw: []byte(mailOf("Hi", "Message-ID: <t@h>")), at: day}}
	broken := errors.New("no")
	if err := b.s.take(context.Background(), a, func([]timeline.Inbound) error { return broken }); !errors.Is(err, broken) {
		t.Fatalf("the error is %v", err)
	}
	var in []timeline.Inbound
	if err := b.s.take(context.Background(), a, func(x []timeline.Inbound) error { in = x; return nil }); err != nil || len(in) != 1 {
		t.Fatalf("tried again it became %d events, %v", len(in), err)
	}
	first := in[0].Event
	in = nil
	if err := b.s.take(context.Background(), a, func(x []timeline.Inbound) error { in = x; return nil }); err != nil || len(in) != 0 {
		t.Errorf("a third time it became %v after %s", in, first.ID)
	}
}

const picture = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

func TestPartsAreKept(t *testing.T) {
	b := newBench(t, nil)
	raw := strings.ReplaceAll(fmt.Sprintf(`From: Maya <maya@hikes.example>
To: support@acme.example
Cc: Zoe <zoe@hikes.example>
Subject: Trip
Message-ID: <p@h>
Date: Wed, 4 Mar 2026 05:00:00 +0000
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=M

--M
Content-Type: multipart/related; boundary=R

--R
Content-Type: text/html; charset=utf-8

<p>Look: <img src="cid:TENT"> <img src="https://t.example/pixel.png" width="200" height="80"></p><script>alert(1)</script>
<div class="gmail_quote"><div class="gmail_attr">On Tue, 3 Mar 2026 at 10:00, Support &lt;support@acme.example&gt; wrote:</div><blockquote class="gmail_quote">Send a picture</blockquote></div>
--R
Content-Type: image/png; name=tent.png
Content-ID: <tent>
Content-Disposition: inline; filename=tent.png
Content-Transfer-Encoding: base64

%s
--R--
--M
Content-Type: text/calendar; method=REQUEST; charset=utf-8

BEGIN:VCALENDAR
METHOD:REQUEST
BEGIN:VEVENT
UID:u1
SUMMARY:Hike
LOCATION:Hut
DTSTART:20260401T080000Z
DTEND:20260401T100000Z
ORGANIZER;CN=Maya:mailto:maya@hikes.example
END:VEVENT
END:VCALENDAR
--M
Content-Type: message/rfc822
Content-Disposition: attachment; filename=older.eml

From: Shop <shop@x.example>
Subject: Receipt
Date: Mon, 2 Mar 2026 05:00:00 +0000

Paid.
--M--
`, picture), "\n", "\r\n")
	m := b.one(raw).Event.Message
	kinds := map[string]timeline.Part{}
	for _, p := range m.Parts {
		if p.File == "" {
			t.Errorf("%s is not kept", p.Name)
		}
		kinds[p.MIME] = p
	}
	if !strings.Contains(m.Text, "Look:") || strings.Contains(m.Text, "Send a picture") || !strings.Contains(m.Quoted, "Send a picture") {
		t.Errorf("shown is %q, folded %q", m.Text, m.Quoted)
	}
	for _, no := range []string{"<script", ` src="http`, "Send a picture"} {
		if strings.Contains(m.HTML, no) {
			t.Errorf("%q is in %s", no, m.HTML)
		}
	}
	for _, yes := range []string{`data-cid="tent"`, `data-remote="https://t.example/pixel.png"`} {
		if !strings.Contains(m.HTML, yes) {
			t.Errorf("%q is not in %s", yes, m.HTML)
		}
	}
	if p := kinds["image/png"]; p.Inline != "tent" || p.Name != "tent.png" {
		t.Errorf("the picture is %+v", p)
	}
	if d := kinds["text/calendar"].Data; d["summary"] != "Hike" || d["method"] != "REQUEST" || d["start"] != "2026-04-01T08:00:00Z" || d["location"] != "Hut" {
		t.Errorf("the invitation says %v", d)
	}
	source := m.Parts[len(m.Parts)-1]
	if source.Kind != kindSource || source.Name != sourceName {
		t.Errorf("the raw mail is %+v", source)
	}
	var forwarded bool
	for _, p := range m.Parts {
		forwarded = forwarded || p.Data["subject"] == "Receipt" && p.Data["from"] == "Shop"
	}
	if !forwarded {
		t.Errorf("the forwarded mail is not told: %+v", m.Parts)
	}
	if e := m.Envelope; e.From.Address != "maya@hikes.example" || len(e.To) != 1 || len(e.Cc) != 1 || e.Cc[0].Name != "Zoe" {
		t.Errorf("the envelope is %+v", e)
	}
	if bytes, err := base64.StdEncoding.DecodeString(picture); err != nil || int64(len(bytes)) != kinds["image/png"].Size {
		t.Errorf("the picture has %d bytes", kinds["image/png"].Size)
	}
}

func TestAutoReplyStored(t *testing.T) { // auto_reply_stored_no_reply
	b, thread, ours := begun(t, nil)
	in := b.one(mailOf("I am away.", "Auto-Submitted: auto-replied", "Subject: Out of office: Tent", "Message-ID: <ooo@h>", "In-Reply-To: <"+ours+">"))
	if !in.Event.Message.Automated || in.Event.Thread.ID != thread || in.Event.Message.Text != "I am away." {
		t.Errorf("it is stored as %+v on %s", in.Event.Message, in.Event.Thread.ID)
	}
}

func TestMachinesDoNotChangeWhoIsAnswered(t *testing.T) {
	b := newBench(t, nil)
	in := b.one(mailOf("Hi", "Message-ID: <m1@h>", "Reply-To: maya@private.example"))
	r, _ := b.send(b.reply(in.Event.Thread.ID, "maya@private.example", "Hello"))
	for i, raw := range []string{
		mailOf("Ticket opened", "From: noreply@desk.example", "Auto-Submitted: auto-replied", "Message-ID: <m2@d>", "In-Reply-To: <"+string(r.Remote)+">"),
		report("failed", "5.1.1", "gone", "Message-ID: <"+string(r.Remote)+">", "To: support@acme.example"),
	} {
		got := of(b.take(raw), timeline.KindMessage)
		if len(got) != 1 || got[0].Event.Thread.ID != in.Event.Thread.ID || got[0].To != "maya@private.example" || got[0].Peer.Value != "maya@hikes.example" {
			t.Errorf("after mail %d answers go to %q on %s", i, got[0].To, got[0].Event.Thread.ID)
		}
	}
}

// report is a delivery report about a message of ours.
func report(action, status, said, returned string, header ...string) string {
	return strings.ReplaceAll(strings.Join(append([]string{"From: Mail Delivery System <MAILER-DAEMON@mx.example>", "Subject: Undelivered Mail Returned to Sender", "Return-Path: <>", "Message-ID: <dsn@mx.example>",
		"Date: Wed, 4 Mar 2026 05:01:00 +0000", "MIME-Version: 1.0"}, header...), "\n")+`
Content-Type: multipart/report; report-type=delivery-status; boundary=B

--B
Content-Type: text/plain

I'm sorry to have to inform you.
--B
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; maya@hikes.example
Action: `+action+`
Status: `+status+`
Diagnostic-Code: smtp; `+said+`
--B
Content-Type: text/rfc822-headers

`+returned+`
--B--
`, "\n", "\r\n")
}

func TestBounceMarksMessageFailed(t *testing.T) { // bounce_marks_message_failed
	for _, c := range []struct {
		name, action, status, said string
		class                      string
	}{
		{"no_such_user", "failed", "5.1.1", "550 5.1.1 User unknown", "unreachable"},
		{"mailbox_full", "failed", "5.2.2", "552 5.2.2 Over quota", "unreachable"},
		{"refused_by_policy", "failed", "5.7.1", "550 5.7.1 Message rejected by policy", "restricted"},
		{"still_trying", "delayed", "4.4.1", "Connection timed out", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, thread, ours := begun(t, nil)
			in := b.take(report(c.action, c.status, c.said, "Message-ID: <"+ours+">\nTo: maya@hikes.example", "To: support@acme.example"))
			receipts := of(in, timeline.KindReceipt)
			if c.class == "" {
				if len(receipts) != 0 || len(in) != 1 {
					t.Fatalf("a delay became %+v", receipts)
				}
				return
			}
			if len(receipts) != 1 || len(in) != 2 {
				t.Fatalf("it became %d receipts of %d events", len(receipts), len(in))
			}
			r := receipts[0].Event.Receipt
			if r.State != timeline.Failed || string(r.Of.Remote) != ours || receipts[0].Event.Thread.ID != thread || r.Failure.Class != c.class || r.Failure.Code != c.status || !strings.Contains(r.Failure.Said, c.said) || r.Failure.Advice == "" {
				t.Errorf("the receipt is %+v, %+v", r, r.Failure)
			}
			m := of(in, timeline.KindMessage)[0]
			if m.Event.Thread.ID != thread || !m.Event.Message.Automated || m.Peer.Value != "maya@hikes.example" || m.Event.Actor.Kind != timeline.ActorSystem {
				t.Errorf("the report is on %s with %+v by %+v", m.Event.Thread.ID, m.Peer, m.Event.Actor)
			}
		})
	}
	t.Run("by_the_address_it_came_to", func(t *testing.T) {
		b, thread, ours := begun(t, map[string]string{"plus": "on"})
		from := b.smtp.Mails()[0].From
		in := b.take(report("failed", "5.1.1", "gone", "To: maya@hikes.example", "To: "+from))
		if r := of(in, timeline.KindReceipt); len(r) != 1 || string(r[0].Event.Receipt.Of.Remote) != ours || r[0].Event.Thread.ID != thread {
			t.Errorf("it became %+v", r)
		}
	})
	t.Run("of_somebody_elses_mail", func(t *testing.T) {
		b, thread, _ := begun(t, nil)
		in := b.one(report("failed", "5.1.1", "gone", "Message-ID: <not-ours@acme.example>", "To: support@acme.example"))
		if in.Event.Kind != timeline.KindMessage || in.Event.Thread.ID == thread {
			t.Errorf("it became %+v", in.Event)
		}
	})
}

func TestLMTPAndIMAPGiveOneCopy(t *testing.T) {
	b := newBench(t, nil)
	one := b.one(mailOf("Hello", "Message-ID: <d@h>"))
	again := "Return-Path: <maya@hikes.example>\r\nDelivered-To: support@acme.example\r\nReceived: by mx; Wed, 4 Mar 2026 05:00:01 +0000\r\n" + mailOf("Hello", "Message-ID: <d@h>")
	if in := b.take(again); len(in) != 0 {
		t.Errorf("delivered by another way it is in again: %s after %s", in[0].Event.ID, one.Event.ID)
	}
}
