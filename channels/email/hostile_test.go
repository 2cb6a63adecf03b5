package email

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"

	"github.com/parley-hub/parley/channels/channeltest"
	"github.com/parley-hub/parley/timeline"
)

func signed(t *testing.T, key crypto.Signer, raw string) string {
	t.Helper()
	var out strings.Builder
	if err := dkim.Sign(&out, strings.NewReader(raw), &dkim.SignOptions{Domain: "hikes.example", Selector: "s1", Signer: key}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestOwnDKIMCheck(t *testing.T) {
	pub, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	record := "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(pub)
	for _, c := range []struct {
		name, change string
		dns          func(name string) ([]string, error)
		proof        timeline.Proof
		badge        string
	}{
		{"valid", "", func(string) ([]string, error) { return []string{record}, nil }, timeline.ProofSigned, "pass"},
		{"changed_on_the_way", "leaks", func(string) ([]string, error) { return []string{record}, nil }, timeline.ProofNone, "fail"},
		{"no_key", "", func(string) ([]string, error) { return nil, errors.New("no such host") }, timeline.ProofNone, "fail"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, map[string]string{"verify": "true"})
			asked := 0
			b.s.keysDNS.ask = func(_ context.Context, name string) ([]string, error) {
				if asked++; name != "s1._domainkey.hikes.example" {
					t.Errorf("asked for %s", name)
				}
				return c.dns(name)
			}
			raw := signed(t, key, mailOf("My tent leaks.", "Message-ID: <k1@h>", "Subject: x"))
			if c.change != "" {
				raw = strings.ReplaceAll(raw, c.change, "burns")
			}
			in := b.one(raw)
			if k := in.Event.Message.Checks; in.Peer.Proof != c.proof || len(k) != 1 || k[0].Name != "DKIM" || k[0].Result != c.badge {
				t.Errorf("proof %q, badges %+v", in.Peer.Proof, k)
			}
			b.one(signed(t, key, mailOf("Again", "Message-ID: <k2@h>")))
			if asked != 1 {
				t.Errorf("the key was asked for %d times", asked)
			}
		})
	}
}

// hostile are mails made to hurt.
func hostile() map[string]string {
	html := []string{"Subject: x", "Message-ID: <bomb@h>", "MIME-Version: 1.0", "Content-Type: text/html; charset=utf-8"}
	nested := "the end"
	for range 1000 {
		nested = "Content-Type: message/rfc822\r\n\r\nFrom: a@b.example\r\n" + nested
	}
	return map[string]string{
		"html_bomb_200k_div": mailOf(strings.Repeat("<div>\n", 200_000)+"x", html...),
		"10_mb_html":         mailOf(strings.Repeat("<p style='color:red'>Lorem <b>ipsum</b></p>\n", 230_000), html...),
		"nested_rfc822_1000": "From: a@b.example\r\nMessage-ID: <n@h>\r\n" + nested,
		"5000_parts":         mailOf(strings.Repeat("--B\nContent-Type: image/png; name=a.png\n\nx\n", 5000)+"--B--", "Message-ID: <p@h>", "MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=B"),
		"20000_recipients":   mailOf("x", "Message-ID: <r@h>", "To: "+strings.Repeat("a@b.example,\n ", 20000)+"z@b.example"),
		"10000_references":   mailOf("x", "Message-ID: <q@h>", "References: "+strings.Repeat("<abcdefgh@b.example>\n ", 10000)),
		"one_line_of_5_mb":   mailOf(strings.Repeat("a", 5<<20), "Message-ID: <l@h>"),
		"nothing_but_quotes": mailOf(strings.Repeat("> ", 500_000), "Message-ID: <g@h>"),
	}
}

// mostEvent is what a record of the bus holds, in bytes.
const mostEvent = 1 << 20

func TestHostileMails(t *testing.T) {
	for name, raw := range hostile() {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, nil)
			began := time.Now()
			in := b.one(raw)
			if took := time.Since(began); took > 10*time.Second { // two on a machine that does nothing else; see BenchmarkMail
				t.Errorf("it took %v", took)
			}
			if size := len(fmt.Sprintf("%+v", in.Event.Message)); size > mostEvent {
				t.Errorf("the event has %d bytes", size)
			}
			if in.Event.Message != nil && strings.TrimSpace(in.Event.Message.Text) == "" && len(in.Event.Message.Parts) < 2 {
				t.Error("there is nothing to see")
			}
		})
	}
}

// FuzzMail reads mangled mails: nothing panics, everything becomes something to see, and what it
// becomes is the same the second time.
func FuzzMail(f *testing.F) {
	f.Add([]byte(mailOf("My tent leaks.", "To: support@acme.example", "Subject: Tent", "Message-ID: <a1@h>")))
	f.Add([]byte(report("failed", "5.1.1", "gone", "Message-ID: <x@y>")))
	f.Add([]byte(mailOf("<p>x</p>", "Content-Type: text/html", "Authentication-Results: a; dmarc=pass", "In-Reply-To: <<>>")))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var got [2][]timeline.Inbound
		for i := range got {
			s := bare(t)
			if err := s.take(context.Background(), []arrived{{raw: raw, at: day, size: int64(len(raw))}}, func(in []timeline.Inbound) error { got[i] = in; return nil }); err != nil {
				t.Fatal(err)
			}
		}
		if len(got[0]) == 0 || got[0][0].Event.ID == "" || got[0][0].Event.ID != got[1][0].Event.ID || got[0][0].Event.Thread != got[1][0].Event.Thread {
			t.Errorf("it became %+v, then %+v", got[0], got[1])
		}
	})
}

// bare is an inbox without far sides.
func bare(t testing.TB) *Session {
	t.Helper()
	b := &bench{hub: channeltest.NewHub().At(day)}
	s, err := open(accountOf(map[string]string{"address": "support@acme.example", "imapHost": "127.0.0.1", "imapPort": "1", "password": "x", "macKey": testKey, "verify": "false"}), b.hub)
	if err != nil {
		t.Fatal(err)
	}
	return s.(*Session)
}

// BenchmarkMail is a mail of 100 kB, HTML with a long quote, from bytes to event.
func BenchmarkMail(b *testing.B) {
	para := "<p style=\"margin:0 0 1em\">Lorem <b>ipsum</b> dolor sit amet, <a href=\"https://x.example/?a=1&amp;b=2\">consectetur</a> adipiscing elit.</p>\n"
	body := strings.Repeat(para, 300) + `<div class="gmail_quote"><div>On Mon, 2 Mar 2026 at 10:00, Support &lt;support@acme.example&gt; wrote:</div><blockquote>` + strings.Repeat(para, 400) + `</blockquote></div>`
	s := bare(b)
	b.SetBytes(int64(len(body)))
	for i := 0; b.Loop(); i++ {
		raw := mailOf(body, "Subject: x", fmt.Sprintf("Message-ID: <b%d@h>", i), "MIME-Version: 1.0", "Content-Type: text/html; charset=utf-8")
		if err := s.take(context.Background(), []arrived{{raw: []byte(raw), at: day}}, func([]timeline.Inbound) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
