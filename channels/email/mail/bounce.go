package mail

import (
	"bytes"
	"slices"
	"strings"
)

// Bounce is the news that a mail of ours did not arrive, or was complained about.
type Bounce struct {
	Recipients []BounceRecipient
	// OriginalMessageID is the id of our mail, without angle brackets; "" if the report does not
	// bring it back.
	OriginalMessageID string
	// OriginalRecipients are those the returned mail was written to.
	OriginalRecipients []string
	// Permanent tells that at least one recipient will never get it.
	Permanent bool
	// Complaint tells that it arrived and was called spam (RFC 5965).
	Complaint bool
	// Evidence is what the mail was recognised by.
	Evidence []string
}

// BounceRecipient is what became of the mail for one address.
type BounceRecipient struct {
	Address    string
	Action     string // failed, delayed, complaint …
	Status     string // RFC 3463, such as 5.1.1; "" if unknown
	Diagnostic string // the far server's words
	Class      BounceClass
}

// BounceClass tells what to do about an address.
type BounceClass string

// The classes of failures.
const (
	BounceDead    BounceClass = "dead"    // no such address: do not write again
	BounceFull    BounceClass = "full"    // mailbox full: later perhaps
	BouncePolicy  BounceClass = "policy"  // refused for what we are or what we wrote
	BounceDelayed BounceClass = "delayed" // still being tried: no failure
	BounceOther   BounceClass = "other"
)

// bounce reads a delivery report or a complaint; nil if the mail is neither.
func (p *parser) bounce(root *part) *Bounce {
	if b := p.complaint(root); b != nil {
		return b
	}
	if b := p.notification(); b != nil {
		return b.finish(p.m)
	}
	b := &Bounce{Evidence: p.bounceSignals(root)}
	if b.Evidence == nil {
		return nil
	}
	delivered := false
	root.walk(func(n *part) {
		if n.typ == "message/delivery-status" || n.typ == "message/global-delivery-status" {
			rs, ok := p.deliveryStatus(p.leafData(n))
			b.Recipients = append(b.Recipients, rs...)
			delivered = delivered || ok
		}
	})
	if delivered && len(b.Recipients) == 0 {
		return nil // a receipt that it arrived
	}
	p.returned(root, b)
	b.fromText(p.m)
	return b.finish(p.m)
}

// finish classifies what was found.
func (b *Bounce) finish(m *Mail) *Bounce {
	for i := range b.Recipients {
		r := &b.Recipients[i]
		if r.Class == "" {
			r.Class = classify(*r)
		}
		if r.Action == "" {
			r.Action = "failed"
			if r.Class == BounceDelayed {
				r.Action = "delayed"
			}
		}
		b.Permanent = b.Permanent || r.Class != BounceDelayed
	}
	if len(b.Recipients) == 0 {
		b.Permanent = !delayedWords(m.Subject)
	}
	return b
}

// bounceSignals weighs the signals bounces are known by. One of the servers' own forms is enough;
// of what people can write too, two are needed.
func (p *parser) bounceSignals(root *part) []string {
	m := p.m
	var strong, weak []string
	if kind := strings.ToLower(root.params["report-type"]); root.typ == "multipart/report" && kind == "delivery-status" {
		strong = append(strong, "multipart/report")
	} else if kind == "disposition-notification" {
		return nil
	}
	for _, c := range root.children {
		if c.typ == "message/delivery-status" && !quotesAnother(m.Subject) {
			strong = append(strong, "message/delivery-status")
		}
	}
	if m.Header.Get("X-Failed-Recipients") != "" {
		strong = append(strong, "X-Failed-Recipients")
	}
	switch daemon(m.From) {
	case isDaemon:
		strong = append(strong, "sent by a mail server")
	case maybeDaemon:
		weak = append(weak, byPostmaster)
	}
	if v, ok := returnPath(m.Header); ok && v == "" {
		weak = append(weak, byNullSender)
	}
	if bounceSubject(m.Subject) {
		weak = append(weak, bySubject)
	}
	if v := strings.ToLower(m.Header.Get("Auto-Submitted")); v != "" && v != "no" && !vacation(m.Subject) {
		weak = append(weak, bySubmitted)
	}
	if len(m.InReplyTo) == 0 || len(weak) > 0 {
		if bounceText(m.Text) {
			weak = append(weak, byWords)
		}
	}
	if len(strong) == 0 && !enough(weak) {
		return nil
	}
	return append(strong, weak...)
}

// What weak signals are called in the evidence.
const (
	byPostmaster  = "sent by a postmaster"
	bySubject     = "the subject of a bounce"
	byWords       = "the words of a bounce"
	byNullSender  = "Return-Path: <>"
	bySubmitted   = "Auto-Submitted"
	weakForBounce = 2
)

// enough reports whether weak signals make a bounce: two, one of which speaks of delivery or of
// who delivers. A machine that merely answers has a null sender and Auto-Submitted as well.
func enough(weak []string) bool {
	about := slices.ContainsFunc(weak, func(s string) bool { return s == bySubject || s == byWords || s == byPostmaster })
	return about && len(weak) >= weakForBounce
}

type daemonness int

const (
	notDaemon daemonness = iota
	maybeDaemon
	isDaemon
)

// daemon reports whether mail servers send under this address.
func daemon(a Address) daemonness {
	local, _, _ := strings.Cut(strings.ToLower(a.Address), "@")
	name := strings.ToLower(a.Name)
	switch {
	case strings.HasPrefix(local, "mailer-daemon"), strings.HasPrefix(local, "mailerdaemon"), strings.HasPrefix(local, "mailer_daemon"),
		strings.HasPrefix(local, "microsoftexchange") && len(local) > 30, strings.HasPrefix(name, "mail delivery su"), strings.HasPrefix(name, "mail delivery sys"):
		return isDaemon
	case strings.HasPrefix(local, "postmaster"), strings.HasPrefix(local, "maildelivery"), strings.HasPrefix(local, "mail-daemon"),
		strings.Contains(name, "mailer-daemon"), strings.Contains(name, "postmaster"), local == "bounce", local == "mdaemon",
		strings.Contains(name, "mail administrator"), local == "mail-deamon", name == "system administrator":
		return maybeDaemon
	}
	return notDaemon
}

// quotesAnother reports whether a subject is that of an answer or a forward.
func quotesAnother(subject string) bool {
	s := strings.ToLower(subject)
	for _, p := range []string{"re:", "fw:", "fwd:", "aw:", "wg:", "回复", "转发", "答复", "回覆", "轉寄", "re：", "fw："} {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

// deliveryStatus reads RFC 3464 groups. ok tells that some recipients did get the mail.
func (p *parser) deliveryStatus(b []byte) (out []BounceRecipient, ok bool) {
	sub := &parser{m: &Mail{}}
	for n := 0; len(b) > 0 && n < maxAddresses; n++ {
		var h Header
		before := len(b)
		h, b = sub.header(bytes.TrimLeft(b, "\r\n \t"))
		if len(b) >= before {
			break
		}
		final, original := typed(h.Get("Final-Recipient")), typed(h.Get("Original-Recipient"))
		if final == "" && original == "" && !h.Has("Action") {
			continue
		}
		r := BounceRecipient{Action: strings.ToLower(firstWord(h.Get("Action"))), Status: statusIn(h.Get("Status")),
			Diagnostic: oneLine(typed(h.Get("Diagnostic-Code"))), Address: normalise(final, "")}
		if r.Address == "" || !strings.Contains(r.Address, "@") || strings.Contains(original, "@") && !strings.Contains(final, "@") {
			r.Address = normalise(original, "")
		}
		if r.Action == "delivered" || r.Action == "relayed" || r.Action == "expanded" {
			ok = true
			continue
		}
		if s := statusIn(r.Diagnostic); (r.Status == "" || strings.HasSuffix(r.Status, ".0.0")) && s != "" {
			r.Status = s
		}
		out = append(out, r)
	}
	return out, ok
}

// typed drops the type in front of a value: "rfc822; a@b".
func typed(s string) string {
	kind, rest, ok := strings.Cut(s, ";")
	if !ok || strings.ContainsAny(strings.TrimSpace(kind), " @<") {
		return strings.TrimSpace(s)
	}
	return strings.TrimSpace(rest)
}

func firstWord(s string) string {
	f := strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '(' || r == ';' })
	if len(f) == 0 {
		return ""
	}
	return f[0]
}

// returned reads the mail of ours that a report brings back, whole or its header alone.
func (p *parser) returned(root *part, b *Bounce) {
	root.walk(func(n *part) {
		if b.OriginalMessageID != "" && len(b.OriginalRecipients) > 0 {
			return
		}
		switch n.typ {
		case "message/rfc822", "message/global", "text/rfc822-headers", "text/rfc822-header", "message/rfc822-headers", "message/global-headers":
			sub := &parser{m: &Mail{}}
			sub.start(p.leafData(n))
			h, _ := sub.header(sub.raw)
			b.original(h)
		}
	})
}

// original takes what is needed of the returned header.
func (b *Bounce) original(h Header) {
	if b.OriginalMessageID == "" {
		b.OriginalMessageID = messageID(h)
	}
	if len(b.OriginalRecipients) > 0 {
		return
	}
	for _, name := range []string{"To", "Cc", "Bcc"} {
		for _, a := range h.addresses(name) {
			if strings.Contains(a.Address, "@") {
				b.OriginalRecipients = append(b.OriginalRecipients, a.Address)
			}
		}
	}
}

// complaint reads an abuse report (RFC 5965).
func (p *parser) complaint(root *part) *Bounce {
	var report *part
	for _, c := range root.children {
		if c.typ == "message/feedback-report" {
			report = c
		}
	}
	if report == nil {
		return nil
	}
	sub := &parser{m: &Mail{}}
	h, _ := sub.header(p.leafData(report))
	b := &Bounce{Complaint: true, Evidence: []string{"message/feedback-report"}}
	p.returned(root, b)
	kind := strings.ToLower(oneLine(h.Get("Feedback-Type")))
	add := func(addr string) {
		if addr = normalise(strings.Trim(addr, "<> "), ""); strings.Contains(addr, "@") {
			b.Recipients = append(b.Recipients, BounceRecipient{Address: addr, Action: "complaint", Diagnostic: kind, Class: BounceOther})
		}
	}
	for _, v := range append(h.Values("Original-Rcpt-To"), h.Values("Removal-Recipient")...) {
		add(typed(v))
	}
	if len(b.Recipients) == 0 && len(b.OriginalRecipients) == 1 {
		add(b.OriginalRecipients[0])
	}
	return b
}
