package email

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/channeltest"
	"github.com/parley-hub/parley/channels/email/far"
	"github.com/parley-hub/parley/timeline"
)

func plain(i int) string {
	return mailOf(fmt.Sprint("body ", i), "To: support@acme.example", fmt.Sprint("Subject: s", i), fmt.Sprintf("Message-ID: <f%d@hikes.example>", i))
}

func ids(in []timeline.Inbound) []string {
	var out []string
	for _, i := range in {
		out = append(out, string(i.Event.Remote))
	}
	slices.Sort(out)
	return out
}

func TestOutage72h(t *testing.T) { // outage_72h
	b := newBench(t, nil)
	b.put(plain(0))
	stop := b.run()
	b.until("the first is in", func() bool { return len(b.messages()) == 1 })
	stop()
	b.hub.Pass(96 * time.Hour)
	for i := 1; i <= 150; i++ {
		if err := b.imap.Put("INBOX", plain(i), day.Add(time.Duration(i)*time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	b.run()
	b.until("all are in", func() bool { return len(b.messages()) == 151 })
	if got := len(slices.Compact(ids(b.messages()))); got != 151 {
		t.Errorf("%d different mails of 151 are in", got)
	}
}

func TestMovedFromSpamOldDate(t *testing.T) { // moved_from_spam_old_date
	b := newBench(t, nil)
	b.put(plain(0))
	b.run()
	b.until("the first is in", func() bool { return len(b.messages()) == 1 })
	old := mailOf("lost in spam", "Subject: old", "Message-ID: <old@hikes.example>", "Date: Sun, 1 Feb 2026 10:00:00 +0000")
	if err := b.imap.Put("INBOX", old, day.Add(-31*24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	b.until("the old one is in", func() bool { return len(b.messages()) == 2 })
	b.put(plain(2))
	b.until("the next is in", func() bool { return len(b.messages()) == 3 })
}

func TestUIDValidityChange(t *testing.T) { // uidvalidity_change
	b := newBench(t, nil)
	for i := range 10 {
		b.put(plain(i))
	}
	stop := b.run()
	b.until("ten are in", func() bool { return len(b.messages()) == 10 })
	stop()
	if err := b.imap.Renew(); err != nil {
		t.Fatal(err)
	}
	for i := range 12 {
		b.put(plain(i))
	}
	b.run()
	b.until("twelve are in", func() bool { return len(b.messages()) >= 12 })
	if got := ids(b.messages()); len(got) != 12 || len(slices.Compact(got)) != 12 {
		t.Errorf("12 mails became %d messages", len(got))
	}
}

func TestExpungeDuringFetch(t *testing.T) { // expunge_during_fetch
	b := newBench(t, nil)
	for i := range 200 {
		b.put(plain(i))
	}
	var once bool
	b.hub.Down(nil)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error, 1)
	go func() {
		done <- b.s.Run(ctx, nil, func(ctx context.Context, _ []byte, in ...timeline.Inbound) error {
			if len(in) > 0 && !once {
				once = true
				if err := b.imap.Expunge(1, 2, 3, 70, 100, 150); err != nil { // sequence numbers shift while we fetch
					return err
				}
			}
			return b.hub.Emit(ctx, in...)
		})
	}()
	b.until("the last is in", func() bool { return slices.Contains(ids(b.messages()), "f199@hikes.example") })
	cancel()
	<-done
	for _, m := range b.messages() {
		n := strings.TrimSuffix(strings.TrimPrefix(string(m.Event.Remote), "f"), "@hikes.example")
		if m.Event.Message.Text != "body "+n {
			t.Errorf("mail %s has the body %q", n, m.Event.Message.Text)
		}
	}
	if n := len(b.messages()); n != 197 {
		t.Errorf("%d mails are in; 197 were there to read", n)
	}
}

func TestCursorMovesAfterEmit(t *testing.T) {
	b := newBench(t, nil)
	b.put(plain(0))
	b.hub.Down(errors.New("the disk is full"))
	b.run()
	b.until("it was tried twice", func() bool { return len(b.runs()) >= 2 })
	if b.at() != nil {
		t.Fatalf("the cursor moved to %s", b.at())
	}
	b.hub.Down(nil)
	b.until("it is in", func() bool { return len(b.messages()) == 1 })
}

func TestDeletedConversationNotReimported(t *testing.T) { // deleted_conversation_not_reimported
	b := newBench(t, nil)
	b.put(plain(0))
	stop := b.run()
	b.until("it is in", func() bool { return len(b.messages()) == 1 })
	stop()
	b.mu.Lock()
	b.cursor = nil // as if the inbox were read from the beginning, long after the conversation was deleted
	b.mu.Unlock()
	b.put(plain(1))
	b.run()
	b.until("the new one is in", func() bool { return len(b.messages()) >= 2 })
	if got := ids(b.messages()); len(got) != 2 {
		t.Errorf("emitted were %v", got)
	}
}

func TestTwoFetchersSameInbox(t *testing.T) { // two_fetchers_same_inbox
	b := newBench(t, nil)
	for i := range 20 {
		b.put(plain(i))
	}
	other := &bench{t: t, hub: channeltest.NewHub().At(day), imap: b.imap, smtp: b.smtp} // another node that knows nothing of the first
	other.open(map[string]string{"address": "support@acme.example", "imapHost": "127.0.0.1", "imapPort": b.imap.Port(), "imapSecurity": "none", "password": "canary-password", "sinceDays": "30", "macKey": testKey}, nil)
	b.run()
	other.run()
	b.until("both are done", func() bool { return len(b.messages()) == 20 && len(other.messages()) == 20 })
	seen := map[timeline.EventID]timeline.ThreadID{}
	for _, m := range b.messages() {
		seen[m.Event.ID] = m.Event.Thread.ID
	}
	for _, m := range other.messages() {
		if id, ok := seen[m.Event.ID]; !ok || id != m.Event.Thread.ID {
			t.Errorf("the other fetcher calls mail %s %s on %s", m.Event.Remote, m.Event.ID, m.Event.Thread.ID)
		}
	}
}

func TestSameMessageIDTwoInboxes(t *testing.T) { // same_message_id_two_inboxes
	a, b := newBench(t, nil), newBench(t, nil)
	b.s.id = "other"
	x, y := a.one(plain(1)), b.one(plain(1))
	if x.Event.ID == y.Event.ID || x.Event.Thread.Key() == y.Event.Thread.Key() || y.Event.Message == nil {
		t.Errorf("two inboxes share %s on %s", x.Event.ID, x.Event.Thread.Key())
	}
}

func TestAfterFetch(t *testing.T) {
	t.Run("seen", func(t *testing.T) {
		b := newBench(t, map[string]string{"after": "seen"})
		b.put(plain(0))
		b.run()
		b.until("it is marked", func() bool { f, err := b.imap.Flags(1); return err == nil && slices.Contains(f, imap.FlagSeen) })
	})
	t.Run("leave", func(t *testing.T) {
		b := newBench(t, nil)
		b.put(plain(0))
		b.run()
		b.until("it is in", func() bool { return len(b.messages()) == 1 })
		if f, err := b.imap.Flags(1); err != nil || slices.Contains(f, imap.FlagSeen) {
			t.Errorf("its flags are %v, %v", f, err)
		}
	})
	t.Run("move", func(t *testing.T) {
		b := newBench(t, map[string]string{"after": "move", "moveTo": "Done"})
		b.put(plain(0))
		b.run()
		b.until("it is moved", func() bool { _, err := b.imap.Flags(1); return len(b.messages()) == 1 && err != nil })
	})
	t.Run("move_to_nowhere_is_told", func(t *testing.T) {
		b := newBench(t, map[string]string{"after": "move", "moveTo": "Nowhere"})
		b.put(plain(0))
		b.s.pace.sweep = time.Hour
		b.run()
		b.until("people are told", func() bool { return b.hub.State().State == channels.Amber && len(b.messages()) == 1 })
	})
}

func TestFirstFetch(t *testing.T) {
	t.Run("days_back", func(t *testing.T) {
		b := newBench(t, map[string]string{"sinceDays": "2"})
		for i, age := range []int{90, 20, 1} {
			if err := b.imap.Put("INBOX", plain(i), day.AddDate(0, 0, -age)); err != nil {
				t.Fatal(err)
			}
		}
		b.run()
		b.until("the young one is in", func() bool { return len(b.messages()) == 1 && b.hub.State().State == channels.Green })
		if got := ids(b.messages()); got[0] != "f2@hikes.example" {
			t.Errorf("in are %v", got)
		}
	})
	t.Run("only_what_comes", func(t *testing.T) {
		b := newBench(t, map[string]string{"sinceDays": "0"})
		b.put(plain(0))
		b.run()
		b.until("the cursor is kept", func() bool { return b.at() != nil && b.hub.State().State == channels.Green })
		b.put(plain(1))
		b.until("the new one is in", func() bool { return len(b.messages()) == 1 })
		if got := ids(b.messages()); got[0] != "f1@hikes.example" {
			t.Errorf("in are %v", got)
		}
	})
}

func TestXOAUTH2Challenge(t *testing.T) { // xoauth2_challenge
	oauth := map[string]string{"provider": "google", "refreshToken": "canary-refresh", "accessToken": "old", "tokenExpires": day.Add(time.Hour).Format(time.RFC3339), "imapHost": "127.0.0.1", "imapSecurity": "none"}
	token := func(b *bench, answer string) *int {
		n := 0
		b.hub.Far(func(q *channeltest.Request) channeltest.Reply {
			n++
			if !strings.Contains(string(q.Body), "refresh_token=canary-refresh") {
				return channeltest.Reply{Status: 400, Body: `{"error":"invalid_request"}`}
			}
			return channeltest.Reply{Status: 200, Body: answer}
		})
		return &n
	}
	t.Run("refreshed_once", func(t *testing.T) {
		b := newBench(t, oauth)
		n := token(b, `{"access_token":"new","expires_in":3599}`)
		b.imap.Token("new")
		b.put(plain(0))
		b.run()
		b.until("it is in", func() bool { return len(b.messages()) == 1 })
		if h := b.imap.Heard(); len(h) != 1 || h[0] != "" {
			t.Errorf("the challenge was answered %q", h)
		}
		if *n != 1 {
			t.Errorf("the token was renewed %d times", *n)
		}
	})
	t.Run("error_surfaced", func(t *testing.T) {
		b := newBench(t, oauth)
		n := token(b, `{"access_token":"also-bad","expires_in":3599}`)
		b.imap.Token("good")
		b.run()
		b.until("people are told", func() bool { return b.hub.State().State == channels.Red && len(b.runs()) > 3 })
		if h := b.hub.State(); !strings.Contains(h.Reason, `"status":"400"`) || h.Next == "" {
			t.Errorf("they are told %+v", h)
		}
		if *n != 1 {
			t.Errorf("the token was renewed %d times", *n)
		}
	})
	t.Run("an_empty_line_on_the_wire", func(t *testing.T) {
		b := newBench(t, oauth)
		lines := make(chan string, 10)
		s, err := far.NewScript(func(_ int, r *bufio.Reader, c net.Conn) {
			fmt.Fprint(c, "* OK IMAP4rev1 ready\r\n")
			for {
				l, err := r.ReadString('\n')
				if err != nil {
					return
				}
				tag, rest, _ := strings.Cut(strings.TrimSpace(l), " ")
				switch {
				case strings.HasPrefix(rest, "CAPABILITY"):
					fmt.Fprintf(c, "* CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2\r\n%s OK\r\n", tag)
				case strings.HasPrefix(rest, "AUTHENTICATE"):
					fmt.Fprint(c, "+ eyJzdGF0dXMiOiI0MDAifQ==\r\n")
					answer, err := r.ReadString('\n')
					if err != nil {
						return
					}
					select {
					case lines <- answer:
					default:
					}
					fmt.Fprintf(c, "%s NO [AUTHENTICATIONFAILED] Invalid credentials\r\n", tag)
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		token(b, `{"access_token":"new","expires_in":3599}`)
		b.s.set.imap.port = s.Port()
		b.run()
		select {
		case l := <-lines:
			if l != "\r\n" {
				t.Errorf("the challenge was answered with %q", l)
			}
		case <-time.After(5 * time.Second):
			t.Fatal("nobody signed in")
		}
	})
}

func TestHugeMailKeepsItsBeginning(t *testing.T) {
	b := newBench(t, nil)
	a := arrived{raw: []byte(plain(1)), at: day, size: maxMail + 5<<20}
	var got []timeline.Inbound
	if err := b.s.take(context.Background(), []arrived{a}, func(in []timeline.Inbound) error { got = in; return nil }); err != nil {
		t.Fatal(err)
	}
	m := got[0].Event.Message
	if !strings.Contains(m.Text, "69 MB") || !strings.Contains(m.Text, "body 1") || m.Parts[0].Kind != kindSource || m.Parts[0].Data["cut"] == "" {
		t.Errorf("it reads %q with %+v", m.Text, m.Parts)
	}
}
