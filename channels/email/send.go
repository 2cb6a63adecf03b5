package email

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

// Plan makes one step of a message: one mail. It refuses what mail cannot do.
func (s *Session) Plan(o timeline.Outbound) ([]channels.Step, error) {
	m := o.Message
	switch {
	case m == nil:
		return nil, &channels.Failure{Class: channels.Permanent, Advice: "A mail cannot be changed or taken back once it is sent. Write another."}
	case m.Text == "" && m.HTML == "" && len(m.Parts) == 0:
		return nil, &channels.Failure{Class: channels.BadContent, Advice: "Write something, or attach a file."}
	}
	if m.Envelope != nil {
		for _, list := range [][]timeline.Address{m.Envelope.To, m.Envelope.Cc, m.Envelope.Bcc} {
			for _, a := range list {
				if checkAddress(a.Address) != nil {
					return nil, &channels.Failure{Class: channels.BadContent, Advice: fmt.Sprintf("%q is not an e-mail address. Correct it, then send again.", a.Address)}
				}
			}
		}
	}
	if len(m.Parts) > maxFiles {
		return nil, &channels.Failure{Class: channels.BadMedia, Advice: fmt.Sprintf("A mail carries %d files at once. Send the others in another mail.", maxFiles)}
	}
	var size int64
	for _, p := range m.Parts {
		size += p.Size
	}
	if size > maxFile {
		return nil, &channels.Failure{Class: channels.BadMedia, Advice: fmt.Sprintf("The files are larger than %d MB together. Send them in several mails.", maxFile>>20)}
	}
	return []channels.Step{{Key: channels.StepKey(o.ID, 0), Kind: "send", Outbound: o, Text: m.Text, Parts: m.Parts}}, nil
}

// Start names a new thread after the first message's id.
func (s *Session) Start(to, about, id string) (timeline.Inbound, error) {
	if checkAddress(to) != nil {
		return timeline.Inbound{}, &channels.Failure{Class: channels.BadContent, Advice: fmt.Sprintf("%q is not an e-mail address.", to)}
	}
	if s.set.mine(to) {
		return timeline.Inbound{}, &channels.Failure{Class: channels.BadContent, Advice: "This is the inbox's own address. Write to somebody else."}
	}
	if !s.set.smtp.set() {
		return timeline.Inbound{}, errNoServer
	}
	return timeline.Inbound{Channel: Kind, About: oneLine(about, maxAboutRune), To: timeline.Handle(to),
		Peer:  timeline.Identity{Scheme: "email", Value: normal(to), Display: to},
		Event: timeline.Event{Thread: s.thread("n" + short("start", string(s.id), id))}}, nil
}

var errNoServer = &channels.Failure{Class: channels.Misconfigured, Advice: "This inbox has no SMTP server to send by. Add one in its settings."}

// Do sends one mail.
func (s *Session) Do(ctx context.Context, step channels.Step) channels.Result {
	if err := errors.Join(ctx.Err(), s.ctx.Err()); err != nil {
		return rejected(&channels.Failure{Class: channels.Transient, Advice: "It is tried again by itself.", Err: err})
	}
	if step.Kind != "send" || step.Outbound.Message == nil {
		return rejected(&channels.Failure{Class: channels.Permanent, Advice: "A mail cannot be changed or taken back once it is sent. Write another."})
	}
	if !s.set.smtp.set() {
		return rejected(errNoServer)
	}
	b := newBook(s.host.Notes())
	d, err := s.draft(ctx, b, step)
	if err != nil {
		return rejected(asFailure(err))
	}
	answer, err := s.out.send(ctx, s, d)
	var lost *errLost
	switch {
	case errors.As(err, &lost):
		s.sentOn(ctx, b, d, "") // it may have arrived: its answers must find the thread
		return channels.Result{Outcome: channels.Unsure, Remote: timeline.RemoteID(d.id), Failure: &channels.Failure{Class: channels.Transient, Err: err,
			Advice: "The mail server took the mail but its answer was lost. It has very likely arrived. Sent again it has the same Message-ID, by which most servers drop a repeat."}}
	case err != nil:
		f := asFailure(err)
		s.sendHealth(f)
		return rejected(f)
	}
	s.sentOn(ctx, b, d, answer)
	if s.unsent.Swap(false) {
		s.report(channels.Green, "", "")
	}
	return channels.Result{Outcome: channels.Accepted, Remote: timeline.RemoteID(d.id), State: timeline.Sent}
}

func rejected(f *channels.Failure) channels.Result {
	return channels.Result{Outcome: channels.Rejected, Failure: f}
}

// asFailure is what a hub's error means for the mail: it certainly did not leave.
func asFailure(err error) *channels.Failure {
	var f *channels.Failure
	if errors.As(err, &f) {
		return f
	}
	return &channels.Failure{Class: channels.Transient, Advice: "The mail could not be prepared. It is tried again by itself.", Err: err}
}

// sendHealth tells people when the server does not let us send at all.
func (s *Session) sendHealth(f *channels.Failure) {
	switch f.Class {
	case channels.AuthExpired, channels.Revoked, channels.Misconfigured:
		s.unsent.Store(true)
		s.report(channels.Red, "The mail server does not let us send: "+cmpOr(f.Said, f.Advice), f.Advice)
	}
}

// sentOn remembers a mail that left.
func (s *Session) sentOn(ctx context.Context, b *book, d *draft, answer string) {
	o := d.sent
	if o.Peer == "" && len(d.to) > 0 {
		o.Peer = normal(d.to[0].Address)
	}
	for _, a := range d.recipients() {
		o.People = joined(o.People, maxPeople, normal(a))
	}
	o.IDs = joined(o.IDs, maxIDs, d.id)
	if o.Subject == "" {
		o.Subject = d.subject
	}
	now := s.host.Now()
	if d.automatic {
		o.Auto = append(recent(o.Auto, now), now.Unix())
	}
	if d.acknowledges {
		for _, a := range d.recipients() {
			b.put(autoKey(a), now.Unix())
		}
	}
	b.put(noteSent+d.thread, o)
	if id := serverID(answer); id != "" {
		b.put(serverKey(id), known{Thread: d.thread, ID: d.id, At: now.Unix()})
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rememberFor)
	defer cancel()
	if err := b.flush(ctx); err != nil {
		s.host.Log().Warn("a mail that left could not be remembered; its answers are known by its id", "error", err)
	}
}

const rememberFor = 5 * time.Second

// Find looks for a mail of doubtful fate in the folder of sent mail, where providers keep a copy
// of what they took. Not to find it says nothing: many servers keep none.
func (s *Session) Find(ctx context.Context, step channels.Step, _ time.Time) (timeline.RemoteID, bool, error) {
	if !s.set.imap.set() {
		return "", false, nil
	}
	id := s.keys.messageID(string(step.Outbound.Thread.ID), step.Key, domainOf(s.set.address))
	found, err := s.inSent(ctx, id)
	return timeline.RemoteID(id), found, err
}
