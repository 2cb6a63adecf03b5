package email

import (
	"context"
	"regexp"
	"slices"
	"strings"

	netmail "net/mail"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

// draft is a mail about to leave.
type draft struct {
	id, thread   string
	subject      string
	to, cc, bcc  []*netmail.Address
	inReplyTo    string
	references   []string
	parent       known  // the mail answered
	replyTo      string // a plus-address; empty: none
	automatic    bool   // a program wrote it
	acknowledges bool   // and only to say that a mail came
	sent         sent
	raw          []byte
}

// recipients is everybody it goes to, each once.
func (d *draft) recipients() []string {
	var out []string
	for _, list := range [][]*netmail.Address{d.to, d.cc, d.bcc} {
		for _, a := range list {
			if n := normal(a.Address); !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
	}
	return out
}

// draft addresses and writes the mail of a step.
func (s *Session) draft(ctx context.Context, b *book, step channels.Step) (*draft, error) {
	o := step.Outbound
	h, se, err := s.remembered(ctx, b, string(o.Thread.ID))
	if err != nil {
		return nil, err
	}
	d := &draft{thread: string(o.Thread.ID), sent: se, automatic: o.Actor.Automated(), acknowledges: acknowledges(o.Actor)}
	d.id = s.keys.messageID(d.thread, step.Key, domainOf(s.set.address))
	if err := s.address(d, o, h); err != nil {
		return nil, err
	}
	if err := s.quiet(ctx, b, d, h); err != nil {
		return nil, err
	}
	d.subject = subjectOf(o, h, se)
	d.refer(o, h)
	if d.inReplyTo != "" {
		if err := b.load(ctx, mailKey(d.inReplyTo)); err != nil {
			return nil, err
		}
		b.value(mailKey(d.inReplyTo), &d.parent)
	}
	if s.set.plus {
		if a, ok := s.keys.plus(s.set.address, d.thread); ok {
			d.replyTo = a
		}
	}
	d.raw, err = s.compose(ctx, d, step, h)
	return d, err
}

// address fills in the recipients: those the message names, or else whom the thread is with and
// those who were on its latest mail. The inbox itself never gets its own mail.
func (s *Session) address(d *draft, o timeline.Outbound, h history) error {
	taken := map[string]bool{}
	add := func(list *[]*netmail.Address, name, address string) {
		n := normal(address)
		if checkAddress(address) != nil || s.set.mine(address) || taken[n] {
			return
		}
		taken[n] = true
		*list = append(*list, &netmail.Address{Name: oneLine(clip(name), maxAboutRune), Address: address})
	}
	if e := o.Message.Envelope; e != nil && len(e.To)+len(e.Cc)+len(e.Bcc) > 0 {
		for _, a := range e.To {
			add(&d.to, a.Name, a.Address)
		}
		for _, a := range e.Cc {
			add(&d.cc, a.Name, a.Address)
		}
		for _, a := range e.Bcc {
			add(&d.bcc, a.Name, a.Address)
		}
	} else {
		add(&d.to, nameFor(h, string(o.To)), string(o.To))
		s.everybody(d, h, add)
	}
	if len(taken) == 0 {
		return &channels.Failure{Class: channels.BadContent, Advice: "There is nobody to write to. Give an address."}
	}
	return nil
}

// everybody adds those of the latest mail: its sender, unless the mail goes there anyway, and
// whom else it went to.
func (s *Session) everybody(d *draft, h history, add func(*[]*netmail.Address, string, string)) {
	l := h.Last
	if l == nil || d.automatic {
		return
	}
	answer := append(slices.Clone(l.Reply), l.From)
	goes := func(a string) bool { return len(d.to) > 0 && normal(a) == normal(d.to[0].Address) }
	if !slices.ContainsFunc(answer, goes) {
		list := &d.cc
		if len(d.to) == 0 {
			list = &d.to
		}
		add(list, l.Name, answer[0])
	}
	for _, a := range l.To {
		add(&d.cc, "", a)
	}
}

func nameFor(h history, address string) string {
	if l := h.Last; l != nil && normal(l.From) == normal(address) {
		return l.Name
	}
	return ""
}

// answers is how subjects of answers begin, in the languages of the world's mail programs.
var answers = regexp.MustCompile(`(?i)^\s*(re|aw|sv|antw|odp|rif|res|ynt|回复|回覆|答复|答覆|返信)\s*(\[\d+\])?\s*[:：]`)

func subjectOf(o timeline.Outbound, h history, se sent) string {
	was := cmpOr(h.Subject, se.Subject)
	switch {
	case strings.TrimSpace(o.Message.Subject) != "":
		return subjectLine(o.Message.Subject)
	case was != "" && answers.MatchString(was):
		return subjectLine(was)
	case was != "":
		return subjectLine("Re: " + was)
	}
	return subjectLine(cmpOr(o.About, o.Subject))
}

const maxSubject = 900 // runes; folded it stays within a header

func subjectLine(v string) string {
	return oneLine(clip(strings.Join(strings.Fields(v), " ")), maxSubject)
}

// refer names what the mail answers, and what came before.
func (d *draft) refer(o timeline.Outbound, h history) {
	parent := ""
	if r := o.Message.ReplyTo; r != nil && quotable(string(r.Remote)) {
		parent = string(r.Remote)
	} else if h.Last != nil && quotable(h.Last.ID) {
		parent = h.Last.ID
	} else if n := len(d.sent.IDs); n > 0 && d.sent.IDs[n-1] != d.id {
		parent = d.sent.IDs[n-1]
	}
	d.inReplyTo = parent
	for _, id := range append(slices.Clone(h.IDs), d.sent.IDs...) {
		if id != d.id && id != parent && quotable(id) && !slices.Contains(d.references, id) {
			d.references = append(d.references, id)
		}
	}
	if parent != "" {
		d.references = append(d.references, parent)
	}
	d.references = d.references[max(0, len(d.references)-maxIDs):]
}

// quotable reports whether an id can stand in a header: one that was really sent, and is whole.
func quotable(id string) bool {
	return id != "" && !strings.HasPrefix(id, noID) && strings.Contains(id, "@") && len(id) < 500 && !strings.ContainsAny(id, " \t\r\n<>")
}
