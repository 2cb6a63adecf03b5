package email

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/parley-hub/parley/channels/email/mail"
	"github.com/parley-hub/parley/timeline"
)

// writer is who wrote a mail, as the hub takes it.
type writer struct {
	peer      timeline.Identity // whom the thread is with
	links     []timeline.Identity
	to        timeline.Handle // whom to answer
	actor     timeline.Actor
	direction timeline.Direction
	profile   *timeline.Profile
	checks    []timeline.Check
}

// writer tells the thread's person from who wrote. Who wrote is the From, never the Reply-To,
// which anybody can point at anybody; that is only where answers go.
func (s *Session) writer(m *mail.Mail, p *place, v verdict) writer {
	from := normal(m.From.Address)
	name := cmpOr(m.From.Name, m.From.Address)
	w := writer{direction: timeline.In, actor: timeline.Actor{Kind: timeline.ActorCustomer, Name: name}, to: timeline.Handle(answerTo(m))}
	own := s.set.mine(from)
	self := timeline.Identity{Scheme: "email", Value: from, Display: m.From.Address}
	if from == "" || own {
		self = timeline.Identity{Account: s.id, Scheme: SchemeThread, Value: p.thread, Display: cmpOr(name, "Unknown sender")}
		if w.actor.Name == "" {
			w.actor.Name = "Unknown sender"
		}
	} else if v.failed {
		// whoever wrote is known not to be whom they say: an identity of their own, and the
		// address no more than a hint for people
		w.links = []timeline.Identity{self}
		self = timeline.Identity{Account: s.id, Scheme: SchemeThread, Value: p.thread, Display: m.From.Address}
	} else if v.signed {
		self.Proof = timeline.ProofSigned
	}
	w.actor.ID = string(self.ID())
	w.peer = self
	if h := p.history; h.Peer != "" && h.Peer != self.Value {
		w.peer = s.peerOf(h)
		if p.guest {
			w.checks = append(w.checks, timeline.Check{Name: "From another address", Result: "none", Detail: m.From.Address})
		}
	} else if m.From.Name != "" && !own {
		w.profile = &timeline.Profile{Name: m.From.Name}
	}
	if own && !p.fresh && v.signed { // a colleague in another mail program
		w.direction, w.actor = timeline.Out, timeline.Actor{Kind: timeline.ActorExternal, ID: from, Name: name}
		w.to = timeline.Handle(w.peer.Value)
	}
	if len(m.ReplyTo) > 0 && !own && !aligned(domainOf(string(w.to)), domainOf(from)) {
		w.checks = append(w.checks, timeline.Check{Name: "Reply-To", Result: "none", Detail: string(w.to)})
	}
	return w
}

func (s *Session) peerOf(h history) timeline.Identity {
	if h.Scheme == SchemeThread {
		return timeline.Identity{Account: s.id, Scheme: SchemeThread, Value: h.Peer}
	}
	return timeline.Identity{Scheme: "email", Value: h.Peer, Display: h.Peer}
}

// answerTo is where an answer goes: Reply-To before From.
func answerTo(m *mail.Mail) string {
	for _, a := range m.ReplyTo {
		if a.Address != "" {
			return a.Address
		}
	}
	return m.From.Address
}

// message is what a mail says, with its files kept.
func (s *Session) message(ctx context.Context, o *opened) (*timeline.Message, error) {
	m := o.mail
	parts, err := s.attachments(ctx, m)
	if err != nil {
		return nil, err
	}
	b := bodyOf(m)
	out := &timeline.Message{Text: b.text, Quoted: b.quoted, HTML: b.html, Subject: m.Subject, Envelope: s.envelope(m), Parts: append(parts, o.source), Automated: m.Automated}
	if o.size > int64(len(o.raw)) {
		out.Text = strings.TrimSpace(fmt.Sprintf("%s\n\n[This mail has %d MB. Only its beginning was fetched.]", out.Text, o.size>>20))
	}
	return out, nil
}

// mostAddresses is how many of a list an event names; all are in the raw mail.
const mostAddresses = 200

// envelope is whom a mail names. The tag by which our own address names a thread is left out: it
// is for us, and would be copied into the next answer.
func (s *Session) envelope(m *mail.Mail) *timeline.Envelope {
	list := func(as []mail.Address) []timeline.Address {
		var out []timeline.Address
		for _, a := range as[:min(len(as), mostAddresses)] {
			if s.set.mine(a.Address) {
				a.Address = withoutPlus(a.Address)
			}
			out = append(out, timeline.Address{Name: a.Name, Address: a.Address})
		}
		return out
	}
	return &timeline.Envelope{From: timeline.Address{Name: m.From.Name, Address: m.From.Address}, ReplyTo: list(m.ReplyTo), To: list(m.To), Cc: list(m.Cc), Bcc: list(m.Bcc)}
}

// mostParts is how many files of a mail are kept as such; all are in the raw mail.
const mostParts = 200

// attachments keeps the files a mail brings.
func (s *Session) attachments(ctx context.Context, m *mail.Mail) ([]timeline.Part, error) {
	var out []timeline.Part
	invited := false
	for _, a := range m.Attachments[:min(len(m.Attachments), mostParts)] {
		p, err := s.keep(ctx, a.Name, a.Data)
		if err != nil {
			return nil, err
		}
		p.Name = a.Name
		if a.Inline {
			p.Inline = a.ContentID
		}
		switch a.MIME {
		case "text/calendar", "application/ics":
			p.MIME = "text/calendar"
			if m.Calendar != nil && !invited {
				p.Data, invited = inviteData(m.Calendar), true
			}
		case "message/rfc822":
			p.MIME, p.Data = a.MIME, forwarded(a.Data)
		}
		out = append(out, p)
	}
	if m.Calendar != nil && !invited {
		out = append(out, timeline.Part{Kind: timeline.PartFile, Name: cmpOr(m.Calendar.Summary, "Invitation"), MIME: "text/calendar", Retention: timeline.RetainNever, Data: inviteData(m.Calendar)})
	}
	return out, nil
}

// inviteData is an invitation's facts, for people to read without a calendar.
func inviteData(i *mail.Invite) map[string]string {
	out := map[string]string{}
	moment := func(t time.Time) string {
		switch {
		case t.IsZero():
			return ""
		case i.AllDay:
			return t.Format(time.DateOnly)
		case i.Floating:
			return t.Format("2006-01-02T15:04:05")
		}
		return t.UTC().Format(time.RFC3339)
	}
	for k, v := range map[string]string{"method": i.Method, "uid": i.UID, "summary": i.Summary, "location": i.Location, "organizer": cmpOr(i.Organizer.Name, i.Organizer.Address),
		"start": moment(i.Start), "end": moment(i.End), "zone": i.Zone} {
		if v != "" {
			out[k] = v
		}
	}
	return out
}

// forwarded is the head of a mail within a mail.
func forwarded(raw []byte) map[string]string {
	m, why := parse(raw)
	if why != "" {
		return nil
	}
	out := map[string]string{}
	for k, v := range map[string]string{"subject": m.Subject, "from": cmpOr(m.From.Name, m.From.Address)} {
		if v != "" {
			out[k] = v
		}
	}
	if !m.Date.IsZero() {
		out["date"] = m.Date.UTC().Format(time.RFC3339)
	}
	return out
}
