package webchat

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/oklog/ulid/v2"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

// written is a message as the customer's program sends it.
type written struct {
	ID      string      `json:"id"`
	Text    string      `json:"text"`
	Parts   []reference `json:"parts"`
	ReplyTo string      `json:"replyTo"`
}

// reference names an uploaded file.
type reference struct {
	File string `json:"file"`
}

// retrySoon is what a program is asked to wait, in seconds, when the hub cannot take a message.
const retrySoon = 2

// trouble is a problem document with how long to wait.
type trouble struct {
	Type       string `json:"type"`
	Status     int    `json:"status"`
	Title      string `json:"title"`
	Detail     string `json:"detail"`
	RetryAfter int    `json:"retryAfter,omitempty"` // seconds
}

func refuse(status int, title, detail string) *trouble {
	return &trouble{Type: "about:blank", Status: status, Title: title, Detail: detail}
}

func tooFast(wait time.Duration) *trouble {
	t := refuse(http.StatusTooManyRequests, "Too much at once", "Wait a little, then send it again.")
	t.RetryAfter = int(wait/time.Second) + 1
	return t
}

func later() *trouble {
	t := refuse(http.StatusServiceUnavailable, "It cannot be taken right now", "Keep the message and send it again in a few seconds, with the same id.")
	t.RetryAfter = retrySoon
	return t
}

// take makes a message durable. It reads nothing from the store unless files come with it.
func (s *Session) take(ctx context.Context, c *claims, w written) *trouble {
	m, bad := s.message(ctx, c, w)
	if bad != nil {
		return bad
	}
	if wait := s.limits.messages.take(c.Visitor); wait > 0 {
		return tooFast(wait)
	}
	if err := s.host.Emit(ctx, s.inbound(c, w.ID, m)); err != nil {
		s.host.Log().Warn("a visitor's message could not be made durable", "error", err)
		return later()
	}
	return nil
}

// message checks what was written.
func (s *Session) message(ctx context.Context, c *claims, w written) (*timeline.Message, *trouble) {
	if _, err := ulid.ParseStrict(w.ID); err != nil {
		return nil, refuse(http.StatusUnprocessableEntity, "The message has no good id", "Give it a ULID and keep it when sending again.")
	}
	if s.formMissing(c) {
		return nil, refuse(http.StatusUnprocessableEntity, "The form is not filled in", "Begin the session again with the answers in \"form\".")
	}
	text := strings.TrimSpace(strings.ToValidUTF8(w.Text, "\uFFFD"))
	switch {
	case text == "" && len(w.Parts) == 0:
		return nil, refuse(http.StatusUnprocessableEntity, "The message is empty", "Send a text or a file.")
	case len(text) > maxText && utf8.RuneCountInString(text) > maxText:
		return nil, refuse(http.StatusRequestEntityTooLarge, "The message is too long", "Send at most 8000 characters at once.")
	case len(w.Parts) > maxFiles:
		return nil, refuse(http.StatusUnprocessableEntity, "There are too many files", "Send at most 10 files at once.")
	case len(w.ReplyTo) > fieldMax:
		return nil, refuse(http.StatusUnprocessableEntity, "The answered message is unknown", "Name an event's id in \"replyTo\".")
	}
	m := &timeline.Message{Text: text}
	if w.ReplyTo != "" {
		m.ReplyTo = &timeline.Ref{Event: timeline.EventID(w.ReplyTo)}
	}
	for _, p := range w.Parts {
		part, bad := s.part(ctx, c, p.File)
		if bad != nil {
			return nil, bad
		}
		m.Parts = append(m.Parts, part)
	}
	return m, nil
}

// part finds an uploaded file. A reference made for another thread is no reference.
func (s *Session) part(ctx context.Context, c *claims, ref string) (timeline.Part, *trouble) {
	unknown := refuse(http.StatusUnprocessableEntity, "The file is unknown", "Upload the file again and send the id you get.")
	id, ok := s.keys.cutFile(c.threads(), ref)
	if !ok {
		return timeline.Part{}, unknown
	}
	r, part, err := s.host.Files().Open(ctx, id)
	if errors.Is(err, fs.ErrNotExist) {
		return timeline.Part{}, unknown
	}
	if err != nil {
		s.host.Log().Warn("a visitor's file could not be looked up", "error", err)
		return timeline.Part{}, later()
	}
	if err := r.Close(); err != nil {
		s.host.Log().Warn("a file did not close", "error", err)
	}
	return part, nil
}

// inbound is the message as an event. Its id comes from the program's, so that sending
// again changes nothing; its time is ours, because a visitor's clock tells nothing.
func (s *Session) inbound(c *claims, id string, m *timeline.Message) timeline.Inbound {
	in := s.event(c, "msg:"+c.Visitor+":"+id, timeline.KindMessage)
	in.Event.Remote, in.Event.Client = timeline.RemoteID(id), id
	in.Event.Message = m
	in.Opens = []string{"message"}
	in.Links = c.links()
	in.Profile = s.profile(c)
	return in
}

// event is something the person did.
func (s *Session) event(c *claims, key string, k timeline.Kind) timeline.Inbound {
	peer := c.peer(s.id)
	return timeline.Inbound{Channel: Kind, Peer: peer, To: timeline.Handle(peer.Value), Event: timeline.Event{
		ID: timeline.DeriveID(s.id, key), Kind: k, Thread: s.thread(c.thread()), Direction: timeline.In,
		Actor: timeline.Actor{Kind: timeline.ActorCustomer, ID: peer.Value, Name: c.Name}, At: s.host.Now()}}
}

// profile is what is known of the person; nil where it is nothing.
func (s *Session) profile(c *claims) *timeline.Profile {
	p := timeline.Profile{Name: c.Name, Locale: c.Locale}
	put := func(k, v string) {
		if v == "" {
			return
		}
		if p.Extra == nil {
			p.Extra = map[string]string{}
		}
		p.Extra[k] = v
	}
	for line := range strings.SplitSeq(c.Extra, "\n") {
		k, v, _ := strings.Cut(line, "=")
		put(k, v)
	}
	if at, ok := s.visits.take(c.Visitor); ok {
		put("page", at.URL)
		put("pageTitle", at.Title)
	}
	if p.Name == "" && p.Locale == "" && p.Extra == nil {
		return nil
	}
	return &p
}

// identified tells that a visitor turned out to be a user: resolve links the two.
func (s *Session) identified(c *claims) timeline.Inbound {
	in := s.event(c, "identified:"+c.Visitor+":"+c.thread(), timeline.KindControl)
	in.Event.Direction = timeline.Internal
	in.Event.Control = &timeline.Control{Name: "identified"}
	in.Links = append(c.links(), visitorIdentity(s.id, c.Visitor, ""))
	in.Profile = s.profile(c)
	return in
}

// seen tells that our messages reached the person, or were read, up to a moment.
func (s *Session) seen(c *claims, thread string, state timeline.DeliveryState, upTo time.Time, key string) timeline.Inbound {
	in := s.event(c, string(state)+":"+thread+":"+key, timeline.KindReceipt)
	in.Event.Thread = s.thread(thread)
	in.Event.Direction = timeline.Internal
	in.Event.Receipt = &timeline.Receipt{UpTo: &upTo, State: state}
	if thread != c.thread() {
		in.Peer = visitorIdentity(s.id, c.Visitor, "")
	}
	return in
}

var _ channels.Server = (*Session)(nil)
