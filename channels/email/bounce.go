package email

import (
	"context"
	"fmt"
	"strings"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/email/mail"
	"github.com/parley-hub/parley/timeline"
)

// bounced is what a delivery report means: the message it is about failed, and the report itself
// is kept on its thread. done is false where it is about nothing of ours that can be told.
func (s *Session) bounced(ctx context.Context, b *book, x *opened) (in []timeline.Inbound, done bool, err error) {
	m := x.mail
	remote, thread, err := s.about(ctx, b, m, x.to)
	if err != nil || thread == "" {
		return nil, false, err
	}
	h, o, err := s.remembered(ctx, b, thread)
	if err != nil {
		return nil, false, err
	}
	if remote == "" && len(o.IDs) > 0 {
		remote = timeline.RemoteID(o.IDs[len(o.IDs)-1])
	}
	if h.Peer == "" {
		h.Peer = o.Peer
	}
	if h.Peer == "" && len(m.Bounce.OriginalRecipients) > 0 {
		h.Peer = normal(m.Bounce.OriginalRecipients[0])
	}
	if m.Bounce.Permanent && !m.Bounce.Complaint && remote != "" {
		in = append(in, s.receipt("bounce:"+x.content, thread, remote, timeline.Failed, failureOf(m.Bounce), x.at))
	}
	msg, err := s.message(ctx, x)
	if err != nil {
		return nil, false, err
	}
	msg.Automated = true
	id, err := s.ownID(ctx, b, m, x.content)
	if err != nil {
		return nil, false, err
	}
	peer := s.peerOf(h)
	if h.Peer == "" {
		peer = timeline.Identity{Account: s.id, Scheme: SchemeThread, Value: thread}
	}
	ev := timeline.Event{ID: timeline.DeriveID(s.id, "mail:"+x.content), Kind: timeline.KindMessage, Thread: s.thread(thread), Remote: timeline.RemoteID(id),
		Direction: timeline.In, Actor: timeline.Actor{Kind: timeline.ActorSystem, Name: cmpOr(m.From.Name, cmpOr(m.From.Address, "Mail server"))}, At: when(m.Date, x.at), Message: msg}
	s.remember(b, place{thread: thread, history: h}, &mail.Mail{Body: m.Body, Subject: m.Subject}, id, last{ID: id, From: m.From.Address, File: string(x.source.File), At: ev.At, Machine: true}, x.content)
	return append(in, timeline.Inbound{Channel: Kind, Peer: peer, To: h.answer(), About: oneLine(cmpOr(h.Subject, cmpOr(o.Subject, m.Subject)), maxAboutRune), Event: ev}), true, nil
}

// about finds the message a report is about: by the id in the mail it returns, by what it
// answers, then by the address it came to.
func (s *Session) about(ctx context.Context, b *book, m *mail.Mail, to string) (timeline.RemoteID, string, error) {
	for _, id := range append([]string{m.Bounce.OriginalMessageID}, references(m)...) {
		remote, thread, ok, err := s.ours(ctx, b, id)
		if ok || err != nil {
			return remote, thread, err
		}
	}
	for _, a := range append(addressed(m), to) {
		if t, ok := s.keys.plusThread(a); ok {
			return "", t, nil
		}
	}
	return "", "", nil
}

// failureOf is a report in words for the agent.
func failureOf(b *mail.Bounce) *timeline.Failure {
	var r mail.BounceRecipient
	for _, x := range b.Recipients {
		if x.Class != mail.BounceDelayed && x.Action != "delayed" {
			r = x
			break
		}
	}
	class, advice := channels.Permanent, "The mail was returned. The server's words say why."
	who := cmpOr(r.Address, "The recipient")
	switch r.Class {
	case mail.BounceDead:
		class, advice = channels.Unreachable, fmt.Sprintf("%s does not exist. Check the address, or answer on another channel.", who)
	case mail.BounceFull:
		class, advice = channels.Unreachable, fmt.Sprintf("%s: the mailbox is full. Try again in a few days, or answer on another channel.", who)
	case mail.BouncePolicy:
		class, advice = channels.Restricted, fmt.Sprintf("%s: the server refuses our mail. Have SPF, DKIM and DMARC of the domain checked.", who)
	}
	return &timeline.Failure{Class: string(class), Code: r.Status, Said: strings.TrimSpace(r.Diagnostic), Advice: advice}
}
