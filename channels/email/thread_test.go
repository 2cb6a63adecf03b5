package email

import (
	"fmt"
	"strings"
	"testing"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/channeltest"
	"github.com/parley-hub/parley/timeline"
)

// begun is an inbox in which Maya wrote and an agent answered.
func begun(t *testing.T, with map[string]string) (b *bench, thread timeline.ThreadID, ours string) {
	t.Helper()
	b = newBench(t, with)
	in := b.one(mailOf("My tent leaks.", "To: support@acme.example, Zoe <zoe@hikes.example>", "Subject: Tent", "Message-ID: <a1@hikes.example>"))
	r, _ := b.send(b.reply(in.Event.Thread.ID, "maya@hikes.example", "We send a new one."))
	if r.Outcome != channels.Accepted {
		t.Fatalf("sending ended %v: %v", r.Outcome, r.Failure)
	}
	return b, in.Event.Thread.ID, string(r.Remote)
}

func TestThreading(t *testing.T) {
	for _, c := range []struct {
		name   string
		header []string // %o: our Message-ID
		joins  bool
		actor  string
	}{
		{"in_reply_to_multiple", []string{"In-Reply-To: garbage <unknown@x> <%o>"}, true, "Maya"},
		{"references_only", []string{"References: <a1@hikes.example> <%o>"}, true, "Maya"},
		{"references_overwritten_by_apple", []string{"In-Reply-To: <apple-made-this@icloud.example>", "References: <%o> <apple-made-this@icloud.example>"}, true, "Maya"},
		{"unsigned_reference_from_a_participant", []string{"In-Reply-To: <a1@hikes.example>"}, true, "Maya"},
		{"upper_cased_by_a_gateway", []string{"In-Reply-To: <%O>"}, true, "Maya"},
		{"cc_colleague_replies", []string{"From: Zoe <zoe@hikes.example>", "In-Reply-To: <a1@hikes.example>"}, true, "Zoe"},
		{"reply_from_other_address", []string{"From: Maya <maya@elsewhere.example>", "In-Reply-To: <%o>"}, true, "Maya"},
		{"known_message_id", []string{"From: Eve <eve@evil.example>", "In-Reply-To: <a1@hikes.example>"}, false, "Eve"},
		{"stranger_uses_ticket_number", []string{"From: Eve <eve@evil.example>", "Subject: Re: Tent [#12345]"}, false, "Eve"},
		{"plus_address_without_mac", []string{"From: Eve <eve@evil.example>", "To: support+c.%t@acme.example"}, false, "Eve"},
		{"plus_address_with_another_mac", []string{"From: Eve <eve@evil.example>", "To: support+c.%t.aaaaaaaaaaaaaaaa@acme.example"}, false, "Eve"},
		{"our_pattern_with_another_mac", []string{"From: Eve <eve@evil.example>", "In-Reply-To: <p.%t.aaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaa@acme.example>"}, false, "Eve"},
		{"same_subject_same_person", []string{"Subject: Re: Tent"}, false, "Maya"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, thread, ours := begun(t, nil)
			header := strings.NewReplacer("%o", ours, "%O", strings.ToUpper(ours), "%t", string(thread)).Replace(strings.Join(append([]string{"Message-ID: <next@hikes.example>"}, c.header...), "\n"))
			in := b.one(mailOf("More.", strings.Split(header, "\n")...))
			if joined := in.Event.Thread.ID == thread; joined != c.joins {
				t.Fatalf("it is on %s; the thread is %s", in.Event.Thread.ID, thread)
			}
			if in.Event.Actor.Name != c.actor {
				t.Errorf("the writer is %+v", in.Event.Actor)
			}
			if c.joins && in.Peer.Value != "maya@hikes.example" {
				t.Errorf("the thread is with %+v", in.Peer)
			}
			if !c.joins && in.Event.Thread.ID == "" {
				t.Error("it has no thread")
			}
		})
	}
}

func TestStrangerIsFlaggedRelated(t *testing.T) { // stranger_uses_known_message_id
	b, thread, _ := begun(t, nil)
	in := b.one(mailOf("Let me in.", "From: Eve <eve@evil.example>", "Message-ID: <e1@evil.example>", "In-Reply-To: <a1@hikes.example>", "Subject: Re: Tent"))
	m := in.Event.Message
	if in.Event.Thread.ID == thread || in.Peer.Value != "eve@evil.example" {
		t.Fatalf("the stranger is on %s as %s", in.Event.Thread.ID, in.Peer.Value)
	}
	if m.ReplyTo == nil || m.ReplyTo.Kind != "message" || m.ReplyTo.Remote != "a1@hikes.example" {
		t.Errorf("the relation is %+v", m.ReplyTo)
	}
	again := b.one(mailOf("Hello?", "From: Eve <eve@evil.example>", "Message-ID: <e2@evil.example>", "In-Reply-To: <e1@evil.example>"))
	if again.Event.Thread.ID != in.Event.Thread.ID {
		t.Error("the stranger's own thread is not kept together")
	}
}

func TestGuestBecomesAParticipant(t *testing.T) { // reply_from_other_address
	b, thread, ours := begun(t, nil)
	in := b.one(mailOf("From my phone.", "From: M <m@private.example>", "Message-ID: <g1@p>", "In-Reply-To: <"+ours+">"))
	if in.Event.Thread.ID != thread || in.Peer.Value != "maya@hikes.example" || in.Event.Actor.ID != "|email|m@private.example" {
		t.Fatalf("it is on %s with %s by %s", in.Event.Thread.ID, in.Peer.Value, in.Event.Actor.ID)
	}
	if c := in.Event.Message.Checks; len(c) != 1 || c[0].Name != "From another address" || c[0].Result != "none" {
		t.Errorf("the badge is %+v", c)
	}
	next := b.one(mailOf("And more.", "From: M <m@private.example>", "Message-ID: <g2@p>", "In-Reply-To: <a1@hikes.example>"))
	if next.Event.Thread.ID != thread || len(next.Event.Message.Checks) != 0 {
		t.Errorf("the second mail is on %s with %v", next.Event.Thread.ID, next.Event.Message.Checks)
	}
}

func TestSpoofedParticipantStaysOutside(t *testing.T) { // dmarc_fail_from_vip, with a known id
	b, thread, _ := begun(t, map[string]string{"authserv": "mx.acme.example"})
	in := b.one(mailOf("Change my bank account.", "Authentication-Results: mx.acme.example; dmarc=fail header.from=hikes.example", "Message-ID: <s1@evil>", "In-Reply-To: <a1@hikes.example>"))
	if in.Event.Thread.ID == thread {
		t.Error("a forged sender was let into the thread")
	}
	if in.Peer.Proof != timeline.ProofNone {
		t.Errorf("the proof is %q", in.Peer.Proof)
	}
}

func TestSESRewrittenID(t *testing.T) { // ses_rewritten_id
	b := newBench(t, nil)
	b.smtp.Refuse("queued", 250, [3]int{-1, -1, -1}, "Ok 0100018f5c6e7d8a-11111111-2222-3333-4444-555555555555-000000")
	r, _ := b.send(b.reply("e2345", "maya@hikes.example", "Hello"))
	if r.Outcome != channels.Accepted {
		t.Fatalf("sending ended %v: %v", r.Outcome, r.Failure)
	}
	in := b.one(mailOf("Hi", "Message-ID: <x1@hikes.example>", "In-Reply-To: <0100018f5c6e7d8a-11111111-2222-3333-4444-555555555555-000000@email.amazonses.com>"))
	if in.Event.Thread.ID != "e2345" {
		t.Errorf("it is on %s", in.Event.Thread.ID)
	}
}

func TestAgentInitiatedThenReply(t *testing.T) { // agent_initiated_then_reply
	b := newBench(t, nil)
	start, err := b.s.Start("Maya@Hikes.example", "Your order", "01J00000000000000000000001")
	if err != nil {
		t.Fatal(err)
	}
	if start.Peer.Value != "maya@hikes.example" || start.Event.Thread.ID == "" || start.About != "Your order" {
		t.Fatalf("it begins as %+v", start)
	}
	o := b.reply(start.Event.Thread.ID, "Maya@Hikes.example", "It has left.")
	o.About = "Your order"
	r, sent := b.send(o)
	if !strings.Contains(sent.Raw, "Subject: Your order\r\n") || strings.Contains(sent.Raw, "In-Reply-To") {
		t.Errorf("it went out as\n%s", sent.Raw)
	}
	in := b.one(mailOf("Thanks", "From: Maya <maya@hikes.example>", "Message-ID: <n1@h>", "In-Reply-To: <"+string(r.Remote)+">"))
	if in.Event.Thread.ID != start.Event.Thread.ID || len(in.Event.Message.Checks) != 0 || in.Peer.Value != "maya@hikes.example" {
		t.Errorf("the answer is on %s with %+v, %v", in.Event.Thread.ID, in.Peer, in.Event.Message.Checks)
	}
	if in.About != "Your order" {
		t.Errorf("it is about %q", in.About)
	}
	other, err := b.s.Start("maya@hikes.example", "Your order", "01J00000000000000000000002")
	if err != nil || other.Event.Thread.ID == start.Event.Thread.ID {
		t.Errorf("two first mails share %s, %v", other.Event.Thread.ID, err)
	}
}

func TestAgentInitiatedThenAnotherAnswers(t *testing.T) {
	b := newBench(t, nil)
	o := b.reply("n2345", "maya@hikes.example", "It has left.")
	o.About = "Your order"
	r, _ := b.send(o)
	in := b.one(mailOf("I answer for her", "From: Zoe <zoe@else.example>", "Message-ID: <n2@h>", "In-Reply-To: <"+string(r.Remote)+">", "Subject: Re: Your order"))
	if in.Event.Thread.ID != "n2345" || in.Peer.Value != "maya@hikes.example" || in.Event.Actor.Name != "Zoe" || len(in.Event.Message.Checks) != 1 {
		t.Errorf("it is on %s with %s by %+v, %+v", in.Event.Thread.ID, in.Peer.Value, in.Event.Actor, in.Event.Message.Checks)
	}
}

func TestOurPatternWithUnknownRow(t *testing.T) {
	b, _, ours := begun(t, nil)
	fresh := &bench{t: t, hub: channeltest.NewHub().At(day), smtp: b.smtp, imap: b.imap}
	fresh.open(map[string]string{"address": "support@acme.example", "imapHost": "127.0.0.1", "imapPort": "1", "password": "x", "macKey": testKey}, nil)
	in := fresh.one(mailOf("Still there?", "Message-ID: <z@h>", "In-Reply-To: <"+ours+">"))
	want, _ := b.s.keys.thread(ours)
	if string(in.Event.Thread.ID) != want {
		t.Errorf("it is on %s, not %s", in.Event.Thread.ID, want)
	}
}

func TestPlusAddressing(t *testing.T) {
	t.Run("plus_address_alone_finds_the_thread", func(t *testing.T) {
		b, thread, _ := begun(t, map[string]string{"plus": "on"})
		got := b.smtp.Mails()[0]
		m, _ := parse([]byte(got.Raw))
		if len(m.ReplyTo) != 1 || got.From != m.ReplyTo[0].Address {
			t.Fatalf("answers go to %v, reports to %s", m.ReplyTo, got.From)
		}
		for _, h := range []string{"To: ", "Cc: ", "Delivered-To: ", "X-Original-To: ", "Envelope-To: "} {
			in := b.one(mailOf("Yes "+h, "From: Other <o@other.example>", "Message-ID: <"+strings.TrimSpace(h)+"@o>", h+m.ReplyTo[0].Address))
			if in.Event.Thread.ID != thread {
				t.Errorf("%s: it is on %s", h, in.Event.Thread.ID)
			}
		}
	})
	t.Run("plus_addressing_unsupported_provider", func(t *testing.T) {
		b, thread, ours := begun(t, map[string]string{"plus": "off"})
		got := b.smtp.Mails()[0]
		if strings.Contains(got.Raw, "Reply-To:") && strings.Contains(got.Raw, "+c.") || strings.Contains(got.From, "+") {
			t.Errorf("a plus-address went out: %s", got.From)
		}
		if in := b.one(mailOf("Yes", "Message-ID: <h@o>", "In-Reply-To: <"+ours+">")); in.Event.Thread.ID != thread {
			t.Error("the header alone does not find the thread")
		}
	})
	t.Run("server_refuses_the_plus_sender", func(t *testing.T) {
		b := newBench(t, map[string]string{"plus": "on"})
		b.smtp.Refuse("mail +", 553, [3]int{5, 7, 1}, "not owned by user")
		r, got := b.send(b.reply("e1", "maya@hikes.example", "Hi"))
		if r.Outcome != channels.Accepted || got.From != "support@acme.example" {
			t.Errorf("it ended %v from %q", r.Outcome, got.From)
		}
	})
	t.Run("too_long_a_name", func(t *testing.T) {
		b := newBench(t, map[string]string{"plus": "on", "address": strings.Repeat("long", 12) + "@acme.example"})
		_, got := b.send(b.reply(timeline.ThreadID("e"+short("x")), "maya@hikes.example", "Hi"))
		if strings.Contains(got.Raw, "Reply-To:") || got.Raw == "" {
			t.Error("an address longer than addresses may be went out")
		}
	})
}

func TestRotatedKeyKeepsThreads(t *testing.T) {
	b, thread, ours := begun(t, nil)
	k, err := newKeyring(channels.Account{ID: channeltest.Account, Settings: map[string]string{"macKey": "another-" + testKey}, Previous: map[string]string{"macKey": testKey}})
	if err != nil {
		t.Fatal(err)
	}
	b.s.keys = k
	if in := b.one(mailOf("Hm", "Message-ID: <k@h>", "From: X <x@x.example>", "In-Reply-To: <"+ours+">")); in.Event.Thread.ID != thread {
		t.Error("an id signed before the key was changed is not known any more")
	}
	if got, _ := k.thread(k.messageID("e1", "m/0", "acme.example")); got != "e1" {
		t.Error("an id signed after it is not known")
	}
}

func TestInboxSendsToItself(t *testing.T) { // inbox_sends_to_itself
	b := newBench(t, map[string]string{"aliases": "sales@acme.example"})
	var peers []timeline.IdentityID
	for i := range 3 {
		in := b.one(mailOf(fmt.Sprint("form ", i), "From: Web form <support@acme.example>", "To: support@acme.example", "Reply-To: visitor@x.example", fmt.Sprintf("Message-ID: <w%d@acme.example>", i), "Subject: Contact form"))
		peers = append(peers, in.Peer.ID())
		if in.To != "visitor@x.example" || in.Peer.Scheme != SchemeThread {
			t.Errorf("form %d is from %+v, answered at %s", i, in.Peer, in.To)
		}
	}
	if peers[0] == peers[1] || peers[1] == peers[2] {
		t.Errorf("three forms became one person: %v", peers)
	}
	alias := b.one(mailOf("forwarded", "From: sales@acme.example", "To: support@acme.example", "Message-ID: <fw@acme.example>"))
	if alias.Peer.Scheme != SchemeThread {
		t.Errorf("a colleague's forward is from %+v", alias.Peer)
	}
}

func TestCopyOfOursIsNoMail(t *testing.T) {
	b, thread, ours := begun(t, nil)
	in := b.one(strings.ReplaceAll(b.smtp.Mails()[0].Raw, "\r\n", "\n"))
	r := in.Event.Receipt
	if r == nil || r.State != timeline.Sent || string(r.Of.Remote) != ours || in.Event.Thread.ID != thread {
		t.Errorf("our own mail came back as %+v", in.Event)
	}
}

func TestColleagueInAnotherProgram(t *testing.T) {
	b, thread, _ := begun(t, map[string]string{"authserv": "mx.acme.example"})
	head := []string{"From: Priya <support@acme.example>", "To: maya@hikes.example", "Cc: support@acme.example", "In-Reply-To: <a1@hikes.example>"}
	in := b.one(mailOf("I answered from my phone.", append(head, "Message-ID: <o1@acme.example>", "Authentication-Results: mx.acme.example; dmarc=pass header.from=acme.example; dkim=pass header.d=acme.example")...))
	if in.Event.Direction != timeline.Out || in.Event.Actor.Kind != timeline.ActorExternal || in.Event.Thread.ID != thread || in.Peer.Value != "maya@hikes.example" {
		t.Errorf("it is %s by %+v on %s", in.Event.Direction, in.Event.Actor, in.Event.Thread.ID)
	}
	forged := b.one(mailOf("I am support.", append(head, "Message-ID: <o2@evil.example>")...))
	if forged.Event.Direction == timeline.Out {
		t.Error("anybody can speak as the inbox")
	}
}
