package api

import (
	"fmt"
	"net/mail"
	"strings"
	"sync"

	"github.com/microcosm-cc/bluemonday"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

// maxRecipients is how many people one message may name.
const maxRecipients = 100

// markup is what agents may write: text with structure, links and pictures; nothing that runs.
var markup = sync.OnceValue(bluemonday.UGCPolicy)

// harmless is HTML without anything that runs or calls home unasked.
func harmless(html string) string {
	if html == "" {
		return ""
	}
	return strings.TrimSpace(markup().Sanitize(html))
}

// checkWritten refuses markup, subjects and recipients where the channel has none.
func checkWritten(can channels.Capabilities, m *timeline.Message) error {
	switch {
	case m.HTML != "" && can.Text.Rich != "html":
		return invalid("html", "this channel takes plain text")
	case m.HTML != "" && strings.TrimSpace(m.Text) == "":
		return invalid("text", "say the same without markup, for those who read plain text")
	case m.Subject != "" && !can.Subject:
		return invalid("subject", "this channel has no subjects")
	case strings.ContainsAny(m.Subject, "\r\n"):
		return invalid("subject", "must be one line")
	case m.Envelope == nil:
		return nil
	case !can.Envelope:
		return invalid("envelope", "this channel has one recipient")
	}
	return checkEnvelope(m.Envelope)
}

func checkEnvelope(e *timeline.Envelope) error {
	if e.From != (timeline.Address{}) || len(e.ReplyTo) > 0 {
		return invalid("envelope.from", "the account decides from whom it is and where answers go")
	}
	n := len(e.To) + len(e.Cc) + len(e.Bcc)
	if n == 0 {
		return invalid("envelope.to", "name a recipient")
	}
	if n > maxRecipients {
		return invalid("envelope", fmt.Sprintf("name at most %d recipients", maxRecipients))
	}
	for _, list := range []struct {
		name string
		all  []timeline.Address
	}{{"to", e.To}, {"cc", e.Cc}, {"bcc", e.Bcc}} {
		for i, a := range list.all {
			if err := checkAddress(a); err != nil {
				return invalid(fmt.Sprintf("envelope.%s[%d]", list.name, i), err.Error())
			}
		}
	}
	return nil
}

// maxAddress is RFC 5321's longest path, in bytes; maxName is ours.
const (
	maxAddress = 254
	maxName    = 200
)

func checkAddress(a timeline.Address) error {
	got, err := mail.ParseAddress(a.Address)
	switch {
	case err != nil || got.Name != "" || got.Address != a.Address || len(a.Address) > maxAddress:
		return fmt.Errorf("%q is no e-mail address", a.Address)
	case len(a.Name) > maxName || strings.ContainsAny(a.Name, "\r\n\x00"):
		return fmt.Errorf("the name must be one line of at most %d bytes", maxName)
	}
	return nil
}
