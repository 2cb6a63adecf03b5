package main

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/channeltest"
	"github.com/parley-hub/parley/channels/email/clean"
	"github.com/parley-hub/parley/channels/email/mail"
	"github.com/parley-hub/parley/channels/email/quote"
	"github.com/parley-hub/parley/channels/instagram"
	"github.com/parley-hub/parley/internal/simulate"
)

// readers measures what one core needs to understand a callback and a mail, in processor time: what
// else the machine does is not counted.
func (b *bench) readers(ctx context.Context) error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for range b.runs {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := errors.Join(b.decodes(), b.parses(), b.hostile()); err != nil {
			return err
		}
	}
	return nil
}

// processor is the processor time that this program has used.
func processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // it is ours, and its place in memory is good
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// decodes verifies, cuts and decodes callbacks of one message for a second.
func (b *bench) decodes() error {
	if !b.wants("meta_decode_per_s_core") {
		return nil
	}
	app := map[string]string{"instagramAppId": "4242", "instagramAppSecret": rand.Text()}
	a := channels.Account{ID: "pictures", Handle: igAccount, App: app,
		Settings: map[string]string{"flavour": "instagram", "id": igAccount, "accessToken": "IGAA-bench"}}
	s, err := instagram.Channel.Open(a, channeltest.NewHub())
	if err != nil {
		return err
	}
	defer s.Close() //nolint:errcheck // nothing was begun
	body, err := callback(saidThere{personOf(0), "aWdf" + simulate.NewID(), said})
	if err != nil {
		return err
	}
	mac := hmac.New(sha256.New, []byte(app["instagramAppSecret"]))
	mac.Write(body)
	c := channels.Callback{Method: http.MethodPost, Body: body, At: time.Now(),
		Header: http.Header{"X-Hub-Signature-256": {"sha256=" + hex.EncodeToString(mac.Sum(nil))}}}
	began, n := processor(), 0
	for ; processor()-began < time.Second; n++ {
		slices, _, err := instagram.Channel.Split(app, c)
		if err != nil || len(slices) != 1 {
			return fmt.Errorf("a callback became %d slices: %w", len(slices), err)
		}
		slices[0].Verified = true
		in, _, err := s.(channels.Decoder).Decode(slices[0].Callback)
		if err != nil || len(in) != 1 {
			return fmt.Errorf("a callback became %d events: %w", len(in), err)
		}
	}
	b.add("meta_decode_per_s_core", float64(n)/(processor()-began).Seconds())
	return nil
}

// read understands a mail as the adapter does: parsed, what was quoted set apart, made safe.
func read(raw []byte) (shown int, folded bool, err error) {
	m, err := mail.Parse(raw)
	if err != nil {
		return 0, false, err
	}
	if m.HTML == "" {
		t := quote.Text(m.Text)
		return len(t.Visible) + len(m.Attachments), t.Quoted != "", nil
	}
	visible, quoted, folded := quote.Doc(clean.Parse(m.HTML))
	shown = len(visible.Text()) + len(visible.HTML(clean.Options{}).HTML)
	if folded {
		shown += len(quoted.Text())
	}
	return shown, folded, nil
}

const htmlHead = "From: Maya Winter <maya@people.example>\r\nTo: <" + mailAccount + ">\r\nSubject: Re: A question\r\nMessage-ID: <a@people.example>\r\n" +
	"MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"

// parses reads a mail of 100 kB, most of it quoted.
func (b *bench) parses() error {
	if !b.wants("mail100k_ms") {
		return nil
	}
	para := "<p style=\"margin:0 0 1em\">Lorem <b>ipsum</b> dolor sit amet, <a href=\"https://x.example/?a=1&amp;b=2\">consectetur</a> adipiscing elit.</p>\r\n"
	raw := htmlHead + strings.Repeat(para, 320) + `<div class="gmail_quote"><div class="gmail_attr">On Mon, 2 Mar 2026 at 10:00, Support &lt;` + mailAccount +
		"&gt; wrote:</div><blockquote class=\"gmail_quote\">\r\n" + strings.Repeat(para, 430) + "</blockquote></div>\r\n"
	var took []float64
	for range 50 {
		began := processor()
		if _, folded, err := read([]byte(raw)); err != nil || !folded {
			return fmt.Errorf("a mail of %d bytes was not understood: %w", len(raw), err)
		}
		took = append(took, milliseconds(processor()-began))
	}
	b.add("mail100k_ms", median(took))
	return nil
}

// hostile reads mails that were made to hurt; the one that takes longest counts.
func (b *bench) hostile() error {
	if !b.wants("mail_hostile_worst_ms") {
		return nil
	}
	plain := "From: a@people.example\r\nMessage-ID: <a@people.example>\r\nMIME-Version: 1.0\r\n"
	worst := 0.0
	for name, raw := range map[string]string{
		"200,000 open divs":      htmlHead + strings.Repeat("<div>\r\n", 200_000) + "x",
		"10 MB of HTML":          htmlHead + strings.Repeat("<p style='color:red'>Lorem <b>ipsum</b></p>\r\n", 230_000),
		"1,000 mails in mails":   plain + strings.Repeat("Content-Type: message/rfc822\r\n\r\nFrom: a@people.example\r\n", 1000) + "\r\nx",
		"5,000 parts":            plain + "Content-Type: multipart/mixed; boundary=B\r\n\r\n" + strings.Repeat("--B\r\nContent-Type: image/png; name=a.png\r\n\r\nx\r\n", 5000) + "--B--\r\n",
		"20,000 recipients":      plain + "To: " + strings.Repeat("a@people.example,\r\n ", 20_000) + "z@people.example\r\n\r\nx",
		"a line of 5 MB":         plain + "\r\n" + strings.Repeat("a", 5<<20),
		"500,000 marks of quote": plain + "\r\n" + strings.Repeat("> ", 500_000),
	} {
		began := processor()
		if _, _, err := read([]byte(raw)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		worst = max(worst, milliseconds(processor()-began))
	}
	b.add("mail_hostile_worst_ms", worst)
	return nil
}
