package email

import (
	"strings"
	"unicode/utf8"

	"github.com/parley-hub/parley/channels/email/clean"
	"github.com/parley-hub/parley/channels/email/mail"
	"github.com/parley-hub/parley/channels/email/quote"
)

// The most of a mail that an event carries, in bytes; the whole is in the raw mail, one click
// away.
const (
	mostText   = 96 << 10
	mostQuoted = 48 << 10
	mostHTML   = 256 << 10
)

// cutHere ends what was cut.
const cutHere = "\n[…]"

// body is what a mail says, as the timeline shows it.
type body struct {
	text   string // what the person wrote now
	quoted string // the rest
	html   string // of what the person wrote, safe to show
}

// bodyOf parts what was written from what was repeated, before anything is made safe: the names
// that quotes are known by are among what is removed.
func bodyOf(m *mail.Mail) body {
	var b body
	if m.HTML != "" {
		b = richBody(m)
	}
	if !m.Derived || m.HTML == "" {
		q := quote.Text(m.Text)
		if strings.TrimSpace(q.Visible) != "" {
			b.text, b.quoted = q.Visible, join(q.Quoted, q.Signature)
		}
	}
	if strings.TrimSpace(b.text) == "" {
		b.text = strings.TrimSpace(m.Text)
	}
	b.text, b.quoted = cutTo(b.text, mostText), cutTo(b.quoted, mostQuoted)
	if len(b.html) > mostHTML {
		b.html = ""
	}
	return b
}

func richBody(m *mail.Mail) body {
	visible, quoted, folded := quote.Doc(clean.Parse(m.HTML))
	b := body{text: visible.Text()}
	if folded {
		b.quoted = quoted.Text()
	}
	b.html = visible.HTML(clean.Options{Ref: func(ref string) string { return contentID(m, ref) }}).HTML
	return b
}

// contentID is a part's own way to write the Content-ID that the HTML names: they may differ in
// case.
func contentID(m *mail.Mail, ref string) string {
	for _, a := range m.Attachments {
		if strings.EqualFold(a.ContentID, ref) {
			return a.ContentID
		}
	}
	return ref
}

func join(parts ...string) string {
	var out []string
	for _, p := range parts {
		if strings.TrimSpace(p) != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, "\n\n")
}

// cutTo cuts a text between characters.
func cutTo(v string, most int) string {
	if len(v) <= most {
		return v
	}
	n := most
	for n > 0 && !utf8.RuneStart(v[n]) {
		n--
	}
	return v[:n] + cutHere
}
