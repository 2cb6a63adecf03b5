package email

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/email/mail"
	"github.com/parley-hub/parley/timeline"
)

// SchemeThread is the identity of who writes without an address of their own: mail from the
// inbox to itself, such as a web form's, and mail that does not say who sent it. Each thread is
// somebody else, so that they do not grow into one conversation.
const SchemeThread = "thread"

const (
	kindSource   = "source" // the part that is the raw mail
	sourceName   = "message.eml"
	noID         = "noid." // begins the ids of mails that brought none
	dateBefore   = 7 * 24 * time.Hour
	dateAfter    = 10 * time.Minute
	plainDomain  = "mail.invalid"
	maxAboutRune = 200
)

// take makes mails durable: their files first, then what the inbox remembers of their threads,
// then the events. Only after that are they marked as seen, so that a crash at any point repeats
// work and loses nothing: everything derives from the mail and comes out the same.
func (s *Session) take(ctx context.Context, mails []arrived, emit func([]timeline.Inbound) error) error {
	s.reading.Lock()
	defer s.reading.Unlock()
	b := newBook(s.host.Notes())
	fresh, seen, err := s.unseen(ctx, b, mails)
	if err != nil {
		return err
	}
	if err := s.keepSources(ctx, fresh); err != nil {
		return err
	}
	var out []timeline.Inbound
	for _, f := range fresh {
		in, err := s.decode(ctx, b, f)
		if err != nil {
			return err
		}
		out = append(out, in...)
	}
	if err := b.flush(ctx); err != nil {
		return err
	}
	if err := emit(out); err != nil {
		return fmt.Errorf("email: keeping mail: %w", err)
	}
	if len(seen) > 0 {
		if err := s.host.Notes().Put(ctx, seen); err != nil {
			s.host.Log().Warn("mails that are in could not be marked", "error", err) // at worst they are read twice
		}
	}
	return nil
}

// opened is a mail that was read.
type opened struct {
	arrived
	mail    *mail.Mail
	why     string // it cannot be read; mail is empty
	content string
	source  timeline.Part // the raw mail, kept
}

// unseen reads the mails and leaves out those that are in already. seen are the notes that say
// so of the others, to be written once they are in.
func (s *Session) unseen(ctx context.Context, b *book, mails []arrived) (fresh []*opened, seen map[string][]byte, err error) {
	all := make([]*opened, len(mails))
	g := errgroup.Group{}
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, a := range mails {
		g.Go(func() error {
			o := &opened{arrived: a, why: a.doubt, mail: &mail.Mail{}}
			if a.doubt == "" {
				o.mail, o.why = parse(a.raw)
				o.content = contentOf(o.mail, a.raw)
			}
			all[i] = o
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, nil, err
	}
	var keys []string
	for _, o := range all {
		keys = append(keys, noteSeen+o.content)
	}
	if err := b.load(ctx, keys...); err != nil {
		return nil, nil, err
	}
	seen = map[string][]byte{}
	for i, o := range all {
		if o.content != "" {
			if seen[keys[i]] != nil || b.read[keys[i]] != nil {
				continue
			}
			seen[keys[i]] = []byte("1")
		}
		fresh = append(fresh, o)
	}
	return fresh, seen, nil
}

// sourcesAtOnce is how many raw mails are written at once: each waits for its disk or store.
const sourcesAtOnce = 8

// keepSources keeps the raw mails. A copy of our own that comes back needs none.
func (s *Session) keepSources(ctx context.Context, mails []*opened) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(sourcesAtOnce)
	for _, o := range mails {
		if _, ours := s.keys.thread(o.mail.MessageID); len(o.raw) == 0 || ours && s.set.mine(o.mail.From.Address) {
			continue
		}
		g.Go(func() error {
			p, err := s.keep(ctx, sourceName, o.raw)
			p.Kind, p.MIME = kindSource, "message/rfc822"
			if o.size > int64(len(o.raw)) {
				p.Data = map[string]string{"cut": fmt.Sprint(o.size)}
			}
			o.source = p
			return err
		})
	}
	return g.Wait()
}

// decode makes events of one mail. An error is of the hub, never of the mail: a mail that cannot
// be read becomes a visible event with the raw mail kept.
func (s *Session) decode(ctx context.Context, b *book, o *opened) (in []timeline.Inbound, err error) {
	why := o.why
	if why == "" {
		why = s.contained(&in, &err, func() ([]timeline.Inbound, error) { return s.events(ctx, b, o) })
	}
	if why != "" {
		return s.quarantine(o, why)
	}
	return in, err
}

// contained runs what a hostile mail might bring down.
func (s *Session) contained(in *[]timeline.Inbound, err *error, f func() ([]timeline.Inbound, error)) (why string) {
	defer func() {
		if r := recover(); r != nil {
			s.host.Log().Error("a mail broke its reader", "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			why = "reading it failed"
		}
	}()
	*in, *err = f()
	return ""
}

// parse reads a mail; why is not empty where it cannot be read at all.
func parse(raw []byte) (m *mail.Mail, why string) {
	defer func() {
		if r := recover(); r != nil {
			m, why = &mail.Mail{}, "reading it failed"
		}
	}()
	m, err := mail.Parse(raw)
	if err != nil {
		return &mail.Mail{}, err.Error()
	}
	return m, ""
}

// contentOf names a mail by what it is: its id, sender, date, subject and body, without what
// servers add on the way. A Message-ID alone will not do; there are mailers that use one twice.
func contentOf(m *mail.Mail, raw []byte) string {
	h := sha256.New()
	for _, v := range []string{m.MessageID, normal(m.From.Address), m.Header.Get("Date"), m.Subject} {
		h.Write([]byte(v + "\x00"))
	}
	body := bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
	if _, rest, ok := bytes.Cut(body, []byte("\n\n")); ok && m.MessageID+m.Subject+m.From.Address != "" {
		body = rest
	}
	h.Write(bytes.TrimRight(body, "\n"))
	return letters.EncodeToString(h.Sum(nil)[:2*shortBytes])
}

// quarantine is the event of a mail that cannot be shown as one.
func (s *Session) quarantine(o *opened, why string) ([]timeline.Inbound, error) {
	content := short("odd", string(o.raw), fmt.Sprint(o.uid, o.size))
	detail := map[string]any{"why": why, "size": o.size}
	if o.source.File != "" {
		detail["file"], detail["name"] = o.source.File, o.source.Name
	}
	raw, err := json.Marshal(detail)
	if err != nil {
		return nil, fmt.Errorf("email: describing a mail that cannot be read: %w", err)
	}
	thread := "e" + short("thread", string(s.id), content)
	return []timeline.Inbound{{Channel: Kind, About: "A mail that cannot be read",
		Peer: timeline.Identity{Account: s.id, Scheme: SchemeThread, Value: thread, Display: "Unknown sender"},
		Event: timeline.Event{ID: timeline.DeriveID(s.id, "odd:"+content), Kind: timeline.KindUnknown, Thread: s.thread(thread), Direction: timeline.In,
			Actor: timeline.Actor{Kind: timeline.ActorCustomer, Name: "Unknown sender"}, At: timeline.Moment(o.at),
			Unknown: &timeline.Unknown{Type: "mail", Summary: "A mail that cannot be read: " + why, Raw: raw}}}}, nil
}

// events is what a mail means: a copy of ours, a bounce, or somebody writing.
func (s *Session) events(ctx context.Context, b *book, o *opened) ([]timeline.Inbound, error) {
	m := o.mail
	own := s.set.mine(m.From.Address)
	if remote, thread, ok, err := s.ours(ctx, b, m.MessageID); err != nil {
		return nil, err
	} else if ok && own {
		return []timeline.Inbound{s.receipt("echo:"+o.content, thread, remote, timeline.Sent, nil, o.at)}, nil
	}
	if m.Bounce != nil {
		in, done, err := s.bounced(ctx, b, o)
		if done || err != nil {
			return in, err
		}
	}
	v := s.judge(m, o.raw)
	p, err := s.find(ctx, b, o, v)
	if err != nil {
		return nil, err
	}
	in, err := s.inbound(ctx, b, o, p, v)
	return []timeline.Inbound{in}, err
}

// ours finds the message of ours that an id names: one we made, or one our provider gave us.
func (s *Session) ours(ctx context.Context, b *book, id string) (remote timeline.RemoteID, thread string, ok bool, err error) {
	if id == "" {
		return "", "", false, nil
	}
	if t, ok := s.keys.thread(id); ok {
		return timeline.RemoteID(id), t, true, nil
	}
	if err := b.load(ctx, serverKey(id)); err != nil {
		return "", "", false, err
	}
	var k known
	if b.value(serverKey(id), &k) {
		return timeline.RemoteID(k.ID), k.Thread, true, nil
	}
	return "", "", false, nil
}

func (s *Session) receipt(key, thread string, of timeline.RemoteID, state timeline.DeliveryState, f *timeline.Failure, at time.Time) timeline.Inbound {
	return timeline.Inbound{Channel: Kind, Event: timeline.Event{ID: timeline.DeriveID(s.id, key), Kind: timeline.KindReceipt, Thread: s.thread(thread),
		Direction: timeline.Internal, Actor: timeline.Actor{Kind: timeline.ActorSystem}, At: timeline.Moment(at),
		Receipt: &timeline.Receipt{Of: timeline.Ref{Remote: of}, State: state, Failure: f}}}
}

// inbound is the event of a mail on its thread.
func (s *Session) inbound(ctx context.Context, b *book, o *opened, p place, v verdict) (timeline.Inbound, error) {
	m := o.mail
	id, err := s.ownID(ctx, b, m, o.content)
	if err != nil {
		return timeline.Inbound{}, err
	}
	msg, err := s.message(ctx, o)
	if err != nil {
		return timeline.Inbound{}, err
	}
	w := s.writer(m, &p, v)
	if m.Automated && p.history.Peer != "" {
		w.to = p.history.answer() // people are answered, not their machines
	}
	msg.Checks = append(v.checks, w.checks...)
	if p.related != "" {
		msg.ReplyTo = &timeline.Ref{Kind: "message", Remote: timeline.RemoteID(p.related)}
	}
	in := timeline.Inbound{Channel: Kind, Peer: w.peer, Links: w.links, To: w.to, Profile: w.profile, About: oneLine(cmpOr(p.history.Subject, m.Subject), maxAboutRune),
		Event: timeline.Event{ID: timeline.DeriveID(s.id, "mail:"+o.content), Kind: timeline.KindMessage, Thread: s.thread(p.thread), Remote: timeline.RemoteID(id),
			Direction: w.direction, Actor: w.actor, At: when(m.Date, o.at), Message: msg}}
	l := last{ID: id, From: m.From.Address, Name: m.From.Name, Reply: addressesOf(m.ReplyTo), To: append(addressesOf(m.To), addressesOf(m.Cc)...),
		File: string(o.source.File), At: in.Event.At, Machine: m.Suppress}
	if w.direction == timeline.In {
		p.history.Peer, p.history.Scheme = w.peer.Value, w.peer.Scheme
	}
	s.remember(b, p, m, id, l, o.content)
	return in, nil
}

// ownID is a mail's id for us: its Message-ID, or one made from its content where it brought
// none, or one that was used before by another mail.
func (s *Session) ownID(ctx context.Context, b *book, m *mail.Mail, content string) (string, error) {
	if m.MessageID == "" {
		return noID + content + "@" + plainDomain, nil
	}
	if err := b.load(ctx, mailKey(m.MessageID), noteSeen+content); err != nil {
		return "", err
	}
	var k known
	if b.value(mailKey(m.MessageID), &k) && k.Content != content {
		return noID + content + "@" + plainDomain, nil
	}
	return m.MessageID, nil
}

// when is the time a mail was written, if its sender's clock can be believed, else when it came.
func when(date, at time.Time) time.Time {
	if date.IsZero() || date.After(at.Add(dateAfter)) || date.Before(at.Add(-dateBefore)) {
		return timeline.Moment(at)
	}
	return timeline.Moment(date)
}

// keep stores bytes. What is too large for the hub becomes a part that says so; any other
// failure is the hub's, and the mail is read again later.
func (s *Session) keep(ctx context.Context, name string, data []byte) (timeline.Part, error) {
	p, err := s.host.Files().Put(ctx, name, bytes.NewReader(data), maxMail)
	var large *channels.Problem
	if errors.As(err, &large) {
		return timeline.Part{Kind: timeline.PartFile, Name: name, Size: int64(len(data)), Missing: "too_large"}, nil
	}
	if err != nil {
		return p, fmt.Errorf("email: keeping a file: %w", err)
	}
	return p, nil
}

func oneLine(v string, most int) string {
	r := []rune(strings.Join(strings.Fields(v), " "))
	return string(r[:min(len(r), most)])
}

func cmpOr(a, b string) string {
	if strings.TrimSpace(a) != "" {
		return a
	}
	return b
}

func addressesOf(as []mail.Address) []string {
	var out []string
	for _, a := range as {
		if a.Address != "" {
			out = append(out, a.Address)
		}
	}
	return out
}
