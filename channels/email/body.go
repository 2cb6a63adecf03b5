package email

import (
	"github.com/parley-hub/parley/channels/email/clean"
	"github.com/parley-hub/parley/channels/email/mail"
	"github.com/parley-hub/parley/channels/email/quote"
)

// body is what a mail says, as the timeline shows it.
type body struct {
	text   string // what the person wrote now
	quoted string // the rest
	html   string // of what the person wrote, safe to show
}

func bodyOf(m *mail.Mail) body {
	q := quote.Text(m.Text)
	return body{text: q.Visible, quoted: q.Quoted + q.Signature, html: clean.HTML(m.HTML, clean.Options{}).HTML}
}
