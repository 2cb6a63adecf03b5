package mail_test

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/parley-hub/parley/channels/email/mail"
)

// hostileLimit is how long the worst mail may take.
const hostileLimit = 2 * time.Second

// hostile are mails made to cost more than they weigh.
func hostile(t testing.TB) map[string][]byte {
	head := "From: a@example.org\r\nSubject: x\r\nDate: Mon, 02 Mar 2026 10:00:00 +0000\r\n"
	html := head + "Content-Type: text/html; charset=utf-8\r\n\r\n"
	rep := strings.Repeat
	nested := func(n int, kind string) string {
		var b strings.Builder
		b.WriteString(head)
		for i := range n {
			fmt.Fprintf(&b, "Content-Type: %s; boundary=\"b%d\"\r\n\r\n--b%d\r\n", kind, i, i)
		}
		b.WriteString("Content-Type: text/plain\r\n\r\nthe middle\r\n")
		return b.String()
	}
	var parts strings.Builder
	parts.WriteString(head + "Content-Type: multipart/mixed; boundary=b\r\n\r\n")
	for i := range 20000 {
		fmt.Fprintf(&parts, "--b\r\nContent-Type: image/png; name=a.png\r\n\r\n%d\r\n", i)
	}
	var bomb bytes.Buffer
	z := zip.NewWriter(&bomb)
	w, err := z.Create("zeros")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(make([]byte, 50<<20)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		"html_bomb_200k_div":      []byte(html + rep("<div>", 200_000) + "words" + rep("</div>", 200_000)),
		"10_mb_html":              []byte(html + rep("<p class=\"x\">a line of words &amp; more</p>\r\n", 10<<20/45)),
		"10_mb_html_unclosed":     []byte(html + rep("<a href=\"", 10<<20/9)),
		"10_mb_html_cid":          []byte(html + "<p>words" + rep("<img src=cid:a@b>", 10<<20/17)),
		"nested_rfc822_1000":      []byte(head + rep("Content-Type: message/rfc822\r\n\r\n"+head, 1000) + "\r\nthe end"),
		"nested_multipart_1000":   []byte(nested(1000, "multipart/mixed")),
		"nested_multipart_5mb":    []byte(nested(1000, "multipart/mixed") + rep("some words of text\r\n", 5<<20/20)),
		"20000_parts":             []byte(parts.String()),
		"100000_header_fields":    []byte(rep("X-Field: value\r\n", 100_000) + head + "\r\nwords"),
		"100000_received":         []byte(head + rep("Received: from a by b; Mon, 02 Mar 2026 10:00:00 +0000\r\n", 100_000) + "\r\nwords"),
		"10_mb_header_line":       []byte(head + "To: " + rep("a@example.org, ", 10<<20/15) + "\r\n\r\nwords"),
		"folded_header_line":      []byte(head + "X-Long: a\r\n" + rep(" b\r\n", 1_000_000) + "\r\nwords"),
		"encoded_words_unclosed":  []byte("Subject: " + rep("=?utf-8?q?", 6000) + "\r\n" + rep("To: "+rep("=?utf-8?q?", 6000)+"\r\n", 15) + head + "\r\nwords"),
		"addresses_of_brackets":   []byte("To: " + rep("<", 60_000) + "\r\nCc: " + rep("(", 60_000) + "\r\nBcc: " + rep("\"", 60_001) + "\r\nFrom: " + rep("a(", 30_000) + "\r\n" + head + "\r\nwords"),
		"comments_unclosed":       []byte(rep("To: ("+rep("a", 60_000)+"\r\n", 16) + head + "\r\nwords"),
		"brackets_without_at":     []byte(rep("To: "+rep("<>", 30_000)+"\r\n", 16) + head + "\r\nwords"),
		"routes":                  []byte(rep("To: "+rep("<@,", 20_000)+"\r\n", 16) + head + "\r\nwords"),
		"groups":                  []byte(rep("To: "+rep("a", 30_000)+rep(":", 30_000)+"@\r\n", 16) + head + "\r\nwords"),
		"international_domains":   []byte(rep("To: a@xn--"+rep("a", 60_000)+"\r\n", 16) + head + "\r\nwords"),
		"recipients_8_bit":        []byte(rep("Delivered-To: \xc4\xe3 <"+rep("\xe3", 60_000)+"@b>\r\n", 16) + head + "\r\nwords"),
		"references_of_angles":    []byte(rep("References: "+rep("<a@b ", 12_000)+"\r\n", 16) + head + "\r\nwords"),
		"nested_with_strays":      []byte(nested(28, "multipart/mixed") + rep(rep("--b ", 20)+"\r\n", 20_000)),
		"cc_8_bit_words":          []byte(rep("Cc: "+rep("=?gbk?q?=c4=e3?= \xc4\xe3 ", 2500)+"\r\n", 16) + head + "\r\nwords"),
		"parameters":              []byte(head + "Content-Type: text/plain" + rep("; a*1*=b", 8000) + "\r\n\r\nwords"),
		"outofmemory_1_1_mb":      []byte(head + "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + rep("--b\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\nwords\r\n", 1_100_000/70)),
		"zip_bomb":                []byte(head + "Content-Type: application/zip; name=z.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.StdEncoding.EncodeToString(bomb.Bytes())),
		"boundaries_only":         []byte(head + "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + rep("--b\r\n", 500_000)),
		"uuencoded_begins":        []byte(head + "\r\n" + rep("begin 644 a\r\n", 300_000)),
		"gbk_rubbish_5mb":         []byte(head + "\r\n" + rep("\xc4\xe3\xba\xc3\xff\x80", 5<<20/6)),
		"quoted_printable_equals": []byte(head + "Content-Transfer-Encoding: quoted-printable\r\n\r\n" + rep("= ", 2<<20)),
		"quoted_printable_spaces": []byte(head + "Content-Transfer-Encoding: quoted-printable\r\n\r\n=" + rep(" =", 1<<20) + rep(" ", 1<<20)),
		"calendar_bomb":           []byte(head + "Content-Type: text/calendar\r\n\r\n" + rep("BEGIN:VEVENT\r\n", 300_000)),
		"bounce_words":            []byte("From: mailer-daemon@example.org\r\n" + head + "\r\n" + rep("<a@example.org> could not be delivered 550 5.1.1\r\n", 60_000)),
		"references":              []byte(head + "References: " + rep("<a@b>", 12_000) + "\r\n\r\nwords"),
	}
}

// Case 106: html_bomb_200k_div, 10 MB html, nested rfc822 ×1000, zip bomb and their kin.
func TestHostile(t *testing.T) {
	for name, raw := range hostile(t) {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			start := time.Now()
			m, err := mail.Parse(raw)
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			if err != nil {
				t.Fatal(err)
			}
			checkMail(t, name, m)
			if took > hostileLimit*slower {
				t.Errorf("took %v", took)
			}
			grown := after.TotalAlloc - before.TotalAlloc
			if limit := uint64(100<<20 + 12*len(raw)); grown > limit {
				t.Errorf("%d MB were asked for, %d are allowed", grown>>20, limit>>20)
			}
			t.Logf("%d kB: %v, %d MB asked for, %v", len(raw)>>10, took.Round(time.Millisecond), grown>>20, m.Problems)
			if m.Text == "" && m.HTML == "" && len(m.Attachments) == 0 && len(m.Problems) == 0 {
				t.Error("nothing is shown or told")
			}
		})
	}
}

// ordinary is a mail of 100 kB with text, HTML and a picture.
func ordinary() []byte {
	var b strings.Builder
	b.WriteString("From: =?utf-8?B?5byg5LiJ?= <zhang@example.org>\r\nTo: support@example.com\r\nSubject: Re: order 12345\r\nMessage-ID: <a@example.org>\r\nDate: Mon, 02 Mar 2026 10:00:00 +0000\r\n" +
		"Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n--a\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n")
	for b.Len() < 20<<10 {
		b.WriteString("I have not received my order yet; could you look where it is? =E8=B0=A2=E8=B0=A2\r\n")
	}
	b.WriteString("--a\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><body>")
	for b.Len() < 60<<10 {
		b.WriteString("<p style=\"margin:0\">I have not received my <b>order</b> yet &amp; more</p>\r\n")
	}
	b.WriteString("</body></html>\r\n--a--\r\n--m\r\nContent-Type: image/png; name=a.png\r\nContent-Transfer-Encoding: base64\r\n\r\n")
	line := strings.Repeat("iVBORw0K", 9) + "\r\n"
	for b.Len() < 100<<10 {
		b.WriteString(line)
	}
	b.WriteString("--m--\r\n")
	return []byte(b.String())
}

func BenchmarkParse100kB(b *testing.B) {
	raw := ordinary()
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if m, err := mail.Parse(raw); err != nil || m.Text == "" {
			b.Fatal(err)
		}
	}
}
