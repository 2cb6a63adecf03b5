// Package instagram is the channel of Instagram's direct messages, comments and mentions, in
// both flavours of the API: with Facebook login (through a linked Page) and with Instagram login.
//
// An account is known by its professional account's id, which callbacks carry. A person is the
// same identity (scheme igsid) whether they write a message or a comment; comments are threads
// of the place "comment", named by the top-level comment. A login's flavour is no part of an
// event's id: an account that is connected both ways receives everything once.
//
// What stories show is never stored: such parts keep their address, or nothing at all where the
// account says so. What this package does not know becomes an event of kind unknown, on the
// person's thread where there is one, else on the account's own.
package instagram

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/instagram/play"
	"github.com/parley-hub/parley/channels/internal/meta"
	"github.com/parley-hub/parley/timeline"
)

// Kind is the channel's name.
const Kind = "instagram"

// object names our callbacks among those of the platform.
const object = "instagram"

// Place is the sort of thread that comments are.
const Place = "comment"

// The flavours of the API.
const (
	byFacebook  = "facebook"
	byInstagram = "instagram"
)

// The limits of a message; see the Send API.
const (
	maxText         = 1000 // bytes of UTF-8
	maxTemplate     = 640  // runes of a text above link buttons
	maxComment      = 300  // runes
	maxParts        = 10
	maxQuickReplies = 13
	maxLinks        = 3
	maxTitle        = 20      // runes of a button
	maxImage        = 8 << 20 // bytes
	maxOther        = 25 << 20
	sendsPerSecond  = 80
)

// The windows. Each ends a little before the far side's, so that clocks half a minute apart
// do not make us send what is refused.
const (
	skew        = 30 * time.Second
	standardFor = 24*time.Hour - skew
	humanFor    = 7*24*time.Hour - skew
	liveFor     = 4*time.Hour - skew // no broadcast is longer; an answer is refused once it has ended
)

// What opens windows.
const (
	openMessage = meta.OpenMessage
	openComment = "comment"
	openLive    = "live_comment"
)

// tagHuman lets a person, never a machine, answer for seven days.
const tagHuman = "HUMAN_AGENT"

// Channel describes Instagram.
var Channel = channels.Channel{
	Kind:     Kind,
	Title:    text("Instagram", "Instagram"),
	Icon:     "brand-instagram",
	Hue:      355,
	Settings: accountSettings,
	App:      appSettings,
	Can: channels.Capabilities{
		Text: channels.TextLimit{Max: maxText, Unit: "bytes", Rich: "plain"},
		Media: map[string]channels.MediaLimit{
			"image": {MaxBytes: maxImage, MIME: []string{"image/png", "image/jpeg", "image/gif"}},
			"audio": {MaxBytes: maxOther, MIME: []string{"audio/aac", "audio/mp4", "audio/x-m4a", "audio/m4a", "audio/wav", "audio/x-wav", "audio/wave", "audio/mpeg"}},
			"video": {MaxBytes: maxOther, MIME: []string{"video/mp4", "video/ogg", "video/x-msvideo", "video/avi", "video/quicktime", "video/webm"}},
			"file":  {MaxBytes: maxOther, MIME: []string{"application/pdf"}},
		},
		MaxParts:   maxParts,
		PartsAlone: true,
		Reactions:  channels.Ways{In: true, Out: true},
		Edits:      channels.Ways{In: true},
		Unsends:    channels.Ways{In: true},
		Typing:     channels.Ways{Out: true},
		Receipts:   []timeline.DeliveryState{timeline.Sent, timeline.Read},
		Buttons:    &channels.ButtonLimit{Max: maxQuickReplies, Title: maxTitle},
		Disclose:   true,
		Windows: []channels.WindowRule{
			{Name: "standard", Opens: []string{openMessage}, For: standardFor},
			{Name: "human_agent", Opens: []string{openMessage}, For: humanFor, By: []timeline.ActorKind{timeline.ActorAgent}, Tag: tagHuman,
				Label: text("Answer by a person", "人工客服回复")},
			{Name: "private_reply", Opens: []string{openComment}, For: humanFor, Max: 1, Label: text("Private answer to the comment", "私信回复评论")},
			{Name: "private_reply_live", Opens: []string{openLive}, For: liveFor, Max: 1, Label: text("Private answer during the broadcast", "直播期间私信回复")},
		},
		Rates: []channels.RateRule{{Name: "send", Scope: "account", N: sendsPerSecond, Per: time.Second}},
	},
	Places: map[string]channels.Capabilities{Place: {
		Label:      text("Comment", "评论"),
		Text:       channels.TextLimit{Max: maxComment, Unit: "runes", Rich: "plain"},
		Public:     true,
		Moderation: []string{timeline.ModerateHide, timeline.ModerateUnhide, timeline.ModerateDelete},
		Receipts:   []timeline.DeliveryState{timeline.Sent},
		Disclose:   true,
	}},
	Connect:  connects,
	Open:     open,
	Split:    split,
	Simulate: play.Simulator,
}

func text(en, zh string) map[string]string { return map[string]string{"en": en, "zh": zh} }

// Session is one Instagram account.
type Session struct {
	id   timeline.AccountID
	host channels.Host
	set  settings
	app  app

	warned atomic.Bool // a callback for somebody else was logged
}

var (
	_ channels.Decoder    = (*Session)(nil)
	_ channels.Planner    = (*Session)(nil)
	_ channels.Typist     = (*Session)(nil)
	_ channels.Reconciler = (*Session)(nil)
	_ channels.Profiler   = (*Session)(nil)
	_ channels.Fetcher    = (*Session)(nil)
	_ channels.Refresher  = (*Session)(nil)
	_ channels.Expirer    = (*Session)(nil)
	_ channels.Subscriber = (*Session)(nil)
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

// split cuts a callback of the app up by account.
func split(values map[string]string, c channels.Callback) ([]channels.Slice, channels.Answer, error) {
	a := readApp(values)
	return meta.Door{Object: object, Account: meta.Whose}.Split(c, a.verify, a.secrets)
}

// graph is the API that the account's login speaks to.
func (s *Session) graph() meta.Client {
	c := meta.Client{HTTP: s.host.HTTP(), Base: s.app.graphFacebook, Version: s.set.version, Token: s.set.token, Account: s.set.own}
	if s.set.flavour == byInstagram {
		c.Base = s.app.graphInstagram
	}
	if secret := s.app.secretOf(s.set.flavour); secret != "" && s.set.flavour == byFacebook {
		c.Proof = meta.Proof(secret, s.set.token)
	}
	return c
}

// sender is the node that messages are sent from and subscriptions belong to.
func (s *Session) sender() string {
	if s.set.flavour == byFacebook && s.set.page != "" {
		return s.set.page
	}
	return s.set.own
}

var errHandle = errors.New("id: the account's id is digits only, such as 17841405726653026")

// Do makes one call to the API.
func (s *Session) Do(ctx context.Context, st channels.Step) channels.Result { return s.do(ctx, st) }
