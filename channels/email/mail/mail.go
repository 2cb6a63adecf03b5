package mail

import (
	"errors"
	"fmt"
	"time"
)

// Mail is a mail as a person reads it.
type Mail struct {
	Header  Header
	From    Address
	Sender  Address
	ReplyTo []Address
	To      []Address
	Cc      []Address
	Bcc     []Address
	// Recipients are the addresses the mail was delivered to, as the servers on its way noted
	// them: where a plus-address survives when To was rewritten.
	Recipients []string
	Subject    string
	MessageID  string    // without angle brackets; "" when absent
	InReplyTo  []string  // every id, in order
	References []string  // every id, oldest first
	Date       time.Time // zero when missing or absurd; the sender's clock, not for ordering

	Body
	Attachments []Attachment
	Calendar    *Invite

	Automation
	Bounce *Bounce

	// Problems says what was wrong with the mail, for the person who wonders why it looks odd.
	Problems []string
}

// Body is what the mail says.
type Body struct {
	Text string // lines end in \n; derived from the HTML where the mail brings no text
	HTML string // as sent, not sanitised; "" for a mail of plain text
	// Derived tells that Text was made from HTML.
	Derived bool
}

// Address is a mailbox. Address has its domain in lower case, international domains readable.
type Address struct {
	Name    string
	Address string
}

// ErrEmpty is returned by Parse for a mail without a single byte that is not white space.
var ErrEmpty = errors.New("the mail is empty")

// Parse reads a mail. The only error is ErrEmpty, together with an empty Mail: everything else
// that is wrong is told in Problems.
func Parse(raw []byte) (*Mail, error) {
	p := &parser{m: &Mail{Automation: Automation{Auto: AutoNone}}}
	if p.start(raw); len(p.raw) == 0 {
		p.problem("the mail is empty")
		return p.m, ErrEmpty
	}
	root := p.tree(p.raw, 0, "text/plain")
	p.envelope(root.header)
	p.body(root)
	p.m.Bounce = p.bounce(root)
	p.m.Automation = p.automation()
	return p.m, nil
}

// parser collects one mail.
type parser struct {
	m          *Mail
	raw        []byte
	leaves     int
	names      map[string]bool // names of attachments, folded
	boundaries []string        // declared so far
}

// problem notes what is wrong, once.
func (p *parser) problem(format string, args ...any) {
	s := fmt.Sprintf(format, args...)
	for _, have := range p.m.Problems {
		if have == s {
			return
		}
	}
	if len(p.m.Problems) < maxProblems {
		p.m.Problems = append(p.m.Problems, s)
	}
}

// envelope reads the header of the mail itself.
func (p *parser) envelope(h Header) {
	m := p.m
	m.Header = h
	m.From, m.Sender = first(h.addresses("From")), first(h.addresses("Sender"))
	m.ReplyTo, m.To = h.addresses("Reply-To"), h.addresses("To")
	m.Cc, m.Bcc = h.addresses("Cc"), h.addresses("Bcc")
	m.Recipients = recipients(h)
	m.Subject = oneLine(h.Get("Subject"))
	m.MessageID = messageID(h)
	m.InReplyTo, m.References = ids(h.raws("In-Reply-To")), ids(h.raws("References"))
	var ok bool
	if m.Date, ok = date(h); !ok {
		p.problem("the date is missing or cannot be right")
	}
	if m.From.Address == "" {
		p.problem("the mail does not say who sent it")
	}
}

func first(as []Address) Address {
	if len(as) == 0 {
		return Address{}
	}
	return as[0]
}
