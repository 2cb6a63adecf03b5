// Package whatsapp is the channel of the WhatsApp Cloud API.
//
// An account is one business phone number, known by its phone_number_id. A person has up to two
// identities: the number they are registered with (scheme tel, which means the same on every
// channel), and the platform's own id for them within the business portfolio (scheme bsuid). Either
// may be missing: who has a user name may hide the number. Both are linked where both are told.
// A thread is named by the bsuid where there is one: it stays while the number comes and goes.
//
// Nobody is written to for the first time, or after 24 hours, except by an approved template: see
// [template] and the README of this folder. What this package does not know becomes an event of
// kind unknown, on the person's thread where there is one, else on the account's own.
package whatsapp

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/internal/meta"
	"github.com/parley-hub/parley/timeline"
)

// Kind is the channel's name.
const Kind = "whatsapp"

// brand is its name as people read it.
const brand = "WhatsApp"

// object names our callbacks among those of the platform.
const object = "whatsapp_business_account"

// The limits of a message; see the messages edge of the Cloud API.
const (
	maxText        = 4096 // runes
	maxCaption     = 1024 // runes, below a picture, a video or a document
	maxInteractive = 1024 // runes of a text above buttons or a list
	maxParts       = 10
	maxButtons     = 3
	maxRows        = 10 // of a list
	maxTitle       = 20 // runes of a button
	maxValue       = 256
	maxImage       = 5 << 20 // bytes
	maxSound       = 16 << 20
	maxDocument    = 100 << 20
	sendsPerSecond = 80
	pairEvery      = 6 * time.Second // one message to one person
)

// The windows. The first ends a little before the far side's, so that clocks half a minute
// apart do not make us send what is refused.
const (
	skew        = 30 * time.Second
	standardFor = 24*time.Hour - skew
	templateFor = 10 * 365 * 24 * time.Hour // templates have no end: as long as anybody remembers
)

// What opens windows: a message, and that the person is known at all.
const (
	openMessage = "message"
	openKnown   = "known"
)

// ruleTemplate names the rule by which only an approved template may go, and is its tag.
const ruleTemplate = "template"

// Channel describes WhatsApp.
var Channel = channels.Channel{
	Kind:     Kind,
	Title:    text(brand, brand),
	Icon:     "brand-whatsapp",
	Hue:      145,
	Settings: accountSettings,
	App:      appSettings,
	Can: channels.Capabilities{
		Text: channels.TextLimit{Max: maxText, Unit: "runes", Rich: "plain"},
		Media: map[string]channels.MediaLimit{
			"image":   {MaxBytes: maxImage, MIME: []string{"image/jpeg", "image/png"}},
			"audio":   {MaxBytes: maxSound, MIME: []string{"audio/aac", "audio/mp4", "audio/m4a", "audio/x-m4a", "audio/mpeg", "audio/amr", "audio/ogg", "application/ogg"}},
			"video":   {MaxBytes: maxSound, MIME: []string{"video/mp4", "video/3gpp"}},
			"sticker": {MaxBytes: 500 << 10, MIME: []string{"image/webp"}},
			"file":    {MaxBytes: maxDocument},
		},
		MaxParts:  maxParts,
		Reactions: channels.Ways{In: true, Out: true},
		Unsends:   channels.Ways{In: true},
		Typing:    channels.Ways{Out: true},
		Receipts:  []timeline.DeliveryState{timeline.Sent, timeline.Delivered, timeline.Read},
		Buttons:   &channels.ButtonLimit{Max: maxRows, Title: maxTitle},
		ReplyTo:   true,
		Starts:    true,
		Windows: []channels.WindowRule{
			{Name: "standard", Opens: []string{openMessage}, For: standardFor},
			{Name: ruleTemplate, Opens: []string{openKnown}, For: templateFor, Tag: ruleTemplate, Label: text("Approved template only", "仅限已批准的模板")},
		},
		Rates: []channels.RateRule{
			{Name: "send", Scope: "account", N: sendsPerSecond, Per: time.Second},
			{Name: "pair", Scope: "thread", N: 10, Per: 10 * pairEvery},
		},
	},
	Open:  open,
	Split: split,
}

func text(en, zh string) map[string]string { return map[string]string{"en": en, "zh": zh} }

// Session is one business phone number.
type Session struct {
	id   timeline.AccountID
	host channels.Host
	set  settings
	app  app

	latest latest
	warned atomic.Bool // a callback for another number was logged
}

var (
	_ channels.Decoder    = (*Session)(nil)
	_ channels.Planner    = (*Session)(nil)
	_ channels.Typist     = (*Session)(nil)
	_ channels.Fetcher    = (*Session)(nil)
	_ channels.Subscriber = (*Session)(nil)
	_ channels.Starter    = (*Session)(nil)
)

func open(a channels.Account, h channels.Host) (channels.Session, error) {
	set, err := read(a.Settings)
	if err != nil {
		return nil, err
	}
	return &Session{id: a.ID, host: h, set: set, app: readApp(a.App)}, nil
}

// Close does nothing: a session keeps no connection and no goroutine.
func (s *Session) Close() error { return nil }

// split cuts a callback of the app up by phone number.
func split(values map[string]string, c channels.Callback) ([]channels.Slice, channels.Answer, error) {
	a := readApp(values)
	return meta.Door{Object: object, Account: whose}.Split(c, a.verify, a.secrets)
}

// graph is the API, spoken as the business.
func (s *Session) graph() meta.Client {
	c := meta.Client{HTTP: s.host.HTTP(), Base: s.app.graph, Version: s.set.version, Token: s.set.token, Account: s.set.business}
	if s.app.secret != "" {
		c.Proof = meta.Proof(s.app.secret, s.set.token)
	}
	return c
}

// messages is where messages are sent.
func (s *Session) messages() string { return s.set.phone + "/messages" }

// Do makes one call to the API.
func (s *Session) Do(ctx context.Context, st channels.Step) channels.Result { return s.do(ctx, st) }
