package email

import (
	"context"
	"slices"
	"strings"

	"github.com/parley-hub/parley/channels/email/mail"
)

// maxRefs is how many of a mail's references are looked at, newest first.
const maxRefs = 30

// place is where a mail belongs and why.
type place struct {
	thread  string
	history history
	fresh   bool   // a new thread
	guest   bool   // the writer was not on the thread before
	related string // a mail it refers to whose thread it may not join
}

// find decides which thread a mail belongs to.
//
// First counts what only somebody who got a mail of ours can have: an address or a Message-ID
// that we signed, or the id our provider gave a mail of ours. That joins the thread whoever
// writes; a writer who was not on it becomes a further participant. Then count Message-IDs that
// came in here, but only for people who are on that thread already and did not fail DMARC: such
// ids are known to anybody who ever saw a mail. Subjects never count. Everything else begins a
// thread, whose id derives from the mail, so that it is the same whenever it is read.
func (s *Session) find(ctx context.Context, b *book, x *opened, v verdict) (place, error) {
	m := x.mail
	refs := references(m)
	thread, signed, err := s.evidence(ctx, b, m, refs, x.to)
	if err != nil {
		return place{}, err
	}
	related := ""
	if thread != "" {
		h, o, err := s.remembered(ctx, b, thread)
		if err != nil {
			return place{}, err
		}
		if h.Peer == "" { // we wrote first
			h.Peer, h.Subject = o.Peer, o.Subject
		}
		from := normal(m.From.Address)
		member := from != "" && (slices.Contains(h.People, from) || slices.Contains(o.People, from) || v.signed && s.set.mine(from))
		if signed || member && !v.failed {
			return place{thread: thread, history: h, guest: !member && h.Peer != ""}, nil
		}
		related = s.relatedID(b, refs)
	}
	id := "e" + short("thread", string(s.id), x.content)
	h, _, err := s.remembered(ctx, b, id)
	return place{thread: id, history: h, fresh: true, related: related}, err
}

// evidence is the thread that a mail names, and whether it could only be named by somebody who
// got a mail of ours.
func (s *Session) evidence(ctx context.Context, b *book, m *mail.Mail, refs []string, to string) (thread string, signed bool, err error) {
	for _, a := range append(addressed(m), to) {
		if t, ok := s.keys.plusThread(a); ok {
			return t, true, nil
		}
	}
	for _, r := range refs {
		if t, ok := s.keys.thread(r); ok {
			return t, true, nil
		}
	}
	var keys []string
	for _, r := range refs {
		keys = append(keys, mailKey(r), serverKey(r))
	}
	if err := b.load(ctx, keys...); err != nil {
		return "", false, err
	}
	var k known
	for _, r := range refs {
		if b.value(serverKey(r), &k) {
			return k.Thread, true, nil
		}
	}
	for _, r := range refs {
		if b.value(mailKey(r), &k) {
			return k.Thread, false, nil
		}
	}
	return "", false, nil
}

// remembered is what is known of a thread.
func (s *Session) remembered(ctx context.Context, b *book, thread string) (h history, o sent, err error) {
	if err := b.load(ctx, noteThread+thread, noteSent+thread); err != nil {
		return h, o, err
	}
	b.value(noteThread+thread, &h)
	b.value(noteSent+thread, &o)
	return h, o, nil
}

// relatedID is the mail referred to that made us think of a thread.
func (s *Session) relatedID(b *book, refs []string) string {
	var k known
	for _, r := range refs {
		if b.value(mailKey(r), &k) {
			return r
		}
	}
	return ""
}

// references are the ids a mail answers, likeliest first: In-Reply-To, then References from its
// end. Either may hold several, and either may be missing or rewritten.
func references(m *mail.Mail) []string {
	out := slices.Clone(m.InReplyTo)
	for _, r := range slices.Backward(m.References) {
		if !slices.Contains(out, r) {
			out = append(out, r)
		}
		if len(out) >= maxRefs {
			break
		}
	}
	return out[:min(len(out), maxRefs)]
}

// addressed is every address the mail names as a recipient.
func addressed(m *mail.Mail) []string {
	out := slices.Clone(m.Recipients)
	for _, list := range [][]mail.Address{m.To, m.Cc, m.Bcc} {
		for _, a := range list {
			out = append(out, a.Address)
		}
	}
	return out
}

// remember writes down a mail that came in, so that answers to it and to us find the thread.
func (s *Session) remember(b *book, p place, m *mail.Mail, id string, l last, content string) {
	h := p.history
	for _, a := range append([]mail.Address{m.From}, append(slices.Clone(m.To), m.Cc...)...) {
		if n := normal(a.Address); strings.Contains(n, "@") && !s.set.mine(n) {
			h.People = joined(h.People, maxPeople, n)
		}
	}
	if m.MessageID != "" {
		h.IDs = joined(h.IDs, maxIDs, id)
	}
	if h.Subject == "" {
		h.Subject = m.Subject
	}
	h.Machine = l.Machine
	if h.Last == nil || !l.Machine || h.Last.Machine {
		h.Last = &l
	}
	b.put(noteThread+p.thread, h)
	b.put(mailKey(id), known{Thread: p.thread, ID: id, Content: content, File: l.File, At: l.At.Unix()})
}

func mailKey(id string) string { return noteMail + short("id", strings.ToLower(id)) }

// serverKey is for the part of an id before its @: providers that replace our Message-ID make
// theirs from the id they answer with.
func serverKey(id string) string {
	local, _, _ := strings.Cut(id, "@")
	return noteServer + short("server", local)
}
