// Package email is the channel of mail: it fetches by IMAP or receives by LMTP or SMTP, and
// sends by SMTP, with a password or by OAuth 2.0 at Google and Microsoft.
//
// A thread is one mail thread, an identity one address. Which thread a mail belongs to is
// decided here, from evidence that a sender cannot make up (see thread.go); what a mail says,
// the sub-packages tell: mail reads it, quote finds what it repeats, clean makes it safe to show.
//
// SMTP knows no idempotency. A message whose acceptance was not heard is told as doubtful; when
// a person sends it again it has the same Message-ID, because that derives from the step's key,
// and mail systems that drop repeats have something to go by.
package email

import (
	"context"
	"net"
	"sync"
	"sync/atomic"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/email/play"
	"github.com/parley-hub/parley/timeline"
)

// Kind is the channel's name.
const Kind = "email"

// The limits of a message of ours.
const (
	maxFile  = 25 << 20 // bytes of one file; also of all of them together
	maxFiles = 20
)

// Channel describes mail.
var Channel = channels.Channel{
	Kind:     Kind,
	Title:    text("E-mail", "电子邮件"),
	Icon:     "mail",
	Hue:      245,
	Settings: accountSettings,
	App:      appSettings,
	Can: channels.Capabilities{
		Text: channels.TextLimit{Rich: "html"},
		Media: map[string]channels.MediaLimit{
			"image": {MaxBytes: maxFile, MaxCount: maxFiles},
			"video": {MaxBytes: maxFile, MaxCount: maxFiles},
			"audio": {MaxBytes: maxFile, MaxCount: maxFiles},
			"file":  {MaxBytes: maxFile, MaxCount: maxFiles},
		},
		MaxParts: maxFiles,
		Receipts: []timeline.DeliveryState{timeline.Sent, timeline.Failed},
		Subject:  true,
		Envelope: true,
		ReplyTo:  true,
		Starts:   true,
	},
	Connect:  []channels.Connect{connect(google), connect(microsoft)},
	Simulate: play.Simulator,
	Open:     open,
}

// Session is one inbox.
type Session struct {
	id      timeline.AccountID
	host    channels.Host
	set     settings
	keys    keyring
	tokens  *tokens // nil: a password
	out     outbox
	trouble trouble
	pace    pace
	keysDNS dkimKeys

	reading  sync.Mutex  // one mail at a time decides on threads
	handed   gathering   // deliveries that wait for it
	unmarked atomic.Bool // what was fetched last could not be marked or moved
	unsent   atomic.Bool // the server did not let us send, last time

	mu        sync.Mutex
	health    channels.Health
	listening net.Addr // where deliveries are taken

	ctx    context.Context
	cancel context.CancelFunc
}

var (
	_ channels.Runner     = (*Session)(nil)
	_ channels.Planner    = (*Session)(nil)
	_ channels.Starter    = (*Session)(nil)
	_ channels.Reconciler = (*Session)(nil)
	_ channels.Refresher  = (*signedIn)(nil)
)

// signedIn is a session whose credentials are tokens, which end.
type signedIn struct{ *Session }

func open(a channels.Account, h channels.Host) (channels.Session, error) {
	set, err := read(a)
	if err != nil {
		return nil, err
	}
	keys, err := newKeyring(a)
	if err != nil {
		return nil, err
	}
	s := &Session{id: a.ID, host: h, set: set, keys: keys, pace: usualPace}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if set.oauth == nil {
		return s, nil
	}
	s.tokens = newTokens(*set.oauth, h)
	return signedIn{s}, nil
}

// Close ends what the session keeps open.
func (s *Session) Close() error {
	s.cancel()
	return s.out.close()
}

// report tells how the account is, once for each change.
func (s *Session) report(state channels.HealthState, reason, next string) {
	s.mu.Lock()
	same := s.health.State == state && s.health.Reason == reason
	if !same {
		s.health = channels.Health{State: state, Reason: reason, Next: next, Since: s.host.Now()}
	}
	h := s.health
	s.mu.Unlock()
	if !same {
		s.host.Health(h)
	}
}

func (s *Session) thread(id string) timeline.Thread {
	return timeline.Thread{Account: s.id, ID: timeline.ThreadID(id)}
}

func text(en, zh string) map[string]string { return map[string]string{"en": en, "zh": zh} }
