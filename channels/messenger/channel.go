// Package messenger is the channel of Facebook Messenger and of the public comments below a
// Page's posts.
//
// An account is a Page, known by its id. A person is known by a Page-scoped id (scheme psid),
// whether they write a message or a comment; comments are threads of the place "comment", named
// by the top-level comment, or by the post that a visitor wrote on the Page.
//
// Deliveries and reads come as watermarks: every message of ours up to a moment. What this
// package does not know becomes an event of kind unknown, on the person's thread where there is
// one, else on the Page's own.
package messenger

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/internal/meta"
	"github.com/parley-hub/parley/timeline"
)

// Kind is the channel's name.
const Kind = "messenger"

// object names our callbacks among those of the platform.
const object = "page"

// Place is the sort of thread that comments are.
const Place = "comment"

// The limits of a message; see the Send API.
const (
	maxText         = 2000 // runes
	maxTemplate     = 640  // runes of a text above link buttons
	maxComment      = 8000 // runes
	maxParts        = 10
	maxQuickReplies = 13
	maxLinks        = 3
	maxTitle        = 20       // runes of a button
	maxFile         = 25 << 20 // bytes
	sendsPerSecond  = 80
)

// The windows. Each ends a little before the far side's, so that clocks half a minute apart
// do not make us send what is refused.
const (
	skew        = 30 * time.Second
	standardFor = 24*time.Hour - skew
	humanFor    = 7*24*time.Hour - skew
)

// What opens windows.
const (
	openMessage = meta.OpenMessage
	openComment = "comment"
)

// tagHuman lets a person, never a machine, answer for seven days.
const tagHuman = "HUMAN_AGENT"

// Channel describes Messenger.
var Channel = channels.Channel{
	Kind:     Kind,
	Title:    text("Messenger", "Messenger"),
	Icon:     "brand-messenger",
	Hue:      265,
	Settings: accountSettings,
	App:      appSettings,
	Can: channels.Capabilities{
		Text: channels.TextLimit{Max: maxText, Unit: "runes", Rich: "plain"},
		Media: map[string]channels.MediaLimit{
			"image": {MaxBytes: maxFile, MIME: []string{"image/png", "image/jpeg", "image/gif"}},
			"audio": {MaxBytes: maxFile, MIME: []string{"audio/*"}},
			"video": {MaxBytes: maxFile, MIME: []string{"video/*"}},
			"file":  {MaxBytes: maxFile},
		},
		MaxParts:   maxParts,
		PartsAlone: true,
		Reactions:  channels.Ways{In: true, Out: true},
		Edits:      channels.Ways{In: true},
		Unsends:    channels.Ways{In: true},
		Typing:     channels.Ways{Out: true},
		Receipts:   []timeline.DeliveryState{timeline.Sent, timeline.Delivered, timeline.Read},
		Buttons:    &channels.ButtonLimit{Max: maxQuickReplies, Title: maxTitle},
		Disclose:   true,
		Windows: []channels.WindowRule{
			{Name: "standard", Opens: []string{openMessage}, For: standardFor},
			{Name: "human_agent", Opens: []string{openMessage}, For: humanFor, By: []timeline.ActorKind{timeline.ActorAgent}, Tag: tagHuman,
				Label: text("Answer by a person", "人工客服回复")},
			{Name: stepPrivate, Opens: []string{openComment}, For: humanFor, Max: 1, Label: text("Private answer to the comment", "私信回复评论")},
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
	Connect: []channels.Connect{{Name: "facebook", Label: text("Connect with Facebook", "使用 Facebook 登录"), Needs: []string{"appId", "appSecret"},
		Begin: begin, Finish: finish}},
	Open:  open,
	Split: split,
}

func text(en, zh string) map[string]string { return map[string]string{"en": en, "zh": zh} }

// Session is one Page.
type Session struct {
	id   timeline.AccountID
	host channels.Host
	set  settings
	app  app

	warned atomic.Bool // a callback for another Page was logged
}

var (
	_ channels.Decoder    = (*Session)(nil)
	_ channels.Planner    = (*Session)(nil)
	_ channels.Typist     = (*Session)(nil)
	_ channels.Reconciler = (*Session)(nil)
	_ channels.Profiler   = (*Session)(nil)
	_ channels.Fetcher    = (*Session)(nil)
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

// split cuts a callback of the app up by Page.
func split(values map[string]string, c channels.Callback) ([]channels.Slice, channels.Answer, error) {
	a := readApp(values)
	return meta.Door{Object: object, Account: meta.Whose}.Split(c, a.verify, a.secrets)
}

// graph is the API, spoken as the Page.
func (s *Session) graph() meta.Client {
	c := meta.Client{HTTP: s.host.HTTP(), Base: s.app.graph, Version: s.set.version, Token: s.set.token, Account: s.set.page}
	if s.app.secret != "" {
		c.Proof = meta.Proof(s.app.secret, s.set.token)
	}
	return c
}

// Do makes one call to the API.
func (s *Session) Do(ctx context.Context, st channels.Step) channels.Result { return s.do(ctx, st) }
