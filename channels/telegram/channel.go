// Package telegram speaks with people on Telegram as a bot, over the Bot API
// (https://core.telegram.org/bots/api).
//
// Updates arrive by webhook or by long polling; both give the same events with
// the same ids, so that an account may change over at any time. A private chat
// is a thread. A group is not: each of its members who writes is a thread of
// their own, of the place "group", because a conversation is with one person.
// Answers to it are seen by the whole group.
//
// Bots are not told what became of a message, nor that a person deleted one;
// they cannot write first; and they cannot ask whether a message arrived, so an
// unsure send stays unsure.
package telegram

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/parley-hub/parley/channels"
)

var (
	_ channels.Planner    = (*Session)(nil)
	_ channels.Fetcher    = (*Session)(nil)
	_ channels.Profiler   = (*Session)(nil)
	_ channels.Typist     = (*Session)(nil)
	_ channels.Subscriber = (*Session)(nil)
	_ channels.Decoder    = (*hooked)(nil)
	_ channels.Runner     = (*polled)(nil)
)

// The limits of the Bot API, from https://core.telegram.org/bots/api.
const (
	maxText    = 4096      // #sendmessage: UTF-16 units once entities are parsed; we send none
	maxCaption = 1024      // #sendphoto and the others, counted alike
	maxPhoto   = 10 << 20  // #sending-files
	maxUpload  = 50 << 20  // #sending-files
	maxSticker = 512 << 10 // https://core.telegram.org/stickers
	maxData    = 64        // #inlinekeyboardbutton: bytes of callback_data
)

// The ways updates arrive. Auto is a webhook where the hub has a public address.
const (
	modeAuto    = "auto"
	modeWebhook = "webhook"
	modePolling = "polling"
)

// Place of the threads in groups.
const placeGroup = "group"

// scheme of the identities: the person's id, which every bot sees alike.
const scheme = "telegram"

// Channel is Telegram.
var Channel = channels.Channel{
	Kind:     "telegram",
	Title:    map[string]string{"en": "Telegram", "zh": "Telegram"},
	Icon:     "brand-telegram",
	Hue:      235,
	Settings: settings,
	Can:      private,
	Places:   map[string]channels.Capabilities{placeGroup: group},
	Open:     open,
	Simulate: simulator,
}

var private = channels.Capabilities{
	Text:      channels.TextLimit{Max: maxText, Unit: "utf16", Rich: "plain"},
	Media:     media,
	MaxParts:  10,
	Reactions: channels.Ways{In: true, Out: true},
	Edits:     channels.Ways{In: true, Out: true},
	Unsends:   channels.Ways{Out: true},
	Typing:    channels.Ways{Out: true},
	Buttons:   &channels.ButtonLimit{Max: 12, Title: 64},
	ReplyTo:   true,
	Rates: []channels.RateRule{ // https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this
		{Name: "bot", Scope: "account", N: 30, Per: time.Second},
		{Name: "chat", Scope: "thread", N: 1, Per: time.Second},
	},
}

var group = func() channels.Capabilities {
	c := private
	c.Label = map[string]string{"en": "Group", "zh": "群组"}
	c.Public = true
	c.Rates = []channels.RateRule{
		{Name: "bot", Scope: "account", N: 30, Per: time.Second},
		{Name: "group", Scope: "thread", N: 20, Per: time.Minute},
	}
	return c
}()

var media = map[string]channels.MediaLimit{
	"image":   {MaxBytes: maxPhoto, MIME: []string{"image/jpeg", "image/png", "image/webp", "image/gif"}},
	"video":   {MaxBytes: maxUpload, MIME: []string{"video/*"}},
	"audio":   {MaxBytes: maxUpload, MIME: []string{"audio/*", "application/ogg"}},
	"file":    {MaxBytes: maxUpload},
	"sticker": {MaxBytes: maxSticker, MIME: []string{"image/webp", "video/webm"}, MaxCount: 1},
}

var settings = []channels.Setting{
	{
		Name: "token", Kind: "secret", Check: checkToken,
		Label: map[string]string{"en": "Bot token", "zh": "机器人令牌"},
		Help: map[string]string{
			"en": "Write to @BotFather on Telegram, send /newbot (or /token for a bot you have) and paste what it answers. Leave privacy mode on, or every word of the bot's groups arrives here.",
			"zh": "在 Telegram 上联系 @BotFather，发送 /newbot（已有机器人则发送 /token），然后粘贴它回复的令牌。请保持隐私模式开启，否则机器人所在群组的所有消息都会进入这里。",
		},
	},
	{
		Name: "mode", Kind: "choice", Choices: []string{modeAuto, modeWebhook, modePolling}, Default: modeAuto,
		Label: map[string]string{"en": "How messages arrive", "zh": "接收方式"},
		Help: map[string]string{
			"en": "webhook: Telegram calls the hub, which needs a public https address. polling: the hub asks Telegram. auto: webhook where there is such an address.",
			"zh": "webhook：由 Telegram 调用本系统，需要公网 https 地址。polling：由本系统向 Telegram 查询。auto：有公网地址时使用 webhook。",
		},
	},
	{
		Name: "secret", Kind: "secret", Default: channels.Generated, Optional: true, Advanced: true, Check: checkSecret,
		Label: map[string]string{"en": "Webhook secret", "zh": "Webhook 密钥"},
		Help: map[string]string{
			"en": "Telegram shows it with every call, so that nobody else can. It is made and registered by itself.",
			"zh": "Telegram 每次调用都会出示此密钥，他人无法冒充。系统会自动生成并注册。",
		},
	},
	{
		Name: "api", Kind: "url", Default: "https://api.telegram.org", Optional: true, Advanced: true, Check: checkAPI,
		Label: map[string]string{"en": "Bot API address", "zh": "Bot API 地址"},
		Help: map[string]string{
			"en": "Change it only for a Bot API server of your own, or a simulator.",
			"zh": "仅在使用自建 Bot API 服务器或模拟器时修改。",
		},
	},
}

var (
	tokenForm  = regexp.MustCompile(`^[0-9]{3,}:[A-Za-z0-9_-]{20,}$`)
	secretForm = regexp.MustCompile(`^[A-Za-z0-9_-]{16,256}$`) // #setwebhook: 1–256 of these
)

func checkToken(v string) error {
	if !tokenForm.MatchString(v) {
		return errors.New("this is no bot token: it looks like 123456789:AAH… and comes from @BotFather")
	}
	return nil
}

func checkSecret(v string) error {
	if !secretForm.MatchString(v) {
		return errors.New("use 16 to 256 letters, digits, _ and -")
	}
	return nil
}

func checkAPI(v string) error {
	u, err := url.Parse(v)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || u.RawQuery != "" || u.User != nil {
		return errors.New("this is no address such as https://api.telegram.org")
	}
	return nil
}

// Session is one bot. Safe for concurrent use.
type Session struct {
	account channels.Account
	host    channels.Host
	token   string
	api     string // without a slash at the end
	mode    string // webhook or polling
}

// hooked is a bot that Telegram calls.
type hooked struct{ *Session }

// polled is a bot that asks Telegram.
type polled struct{ *Session }

func open(a channels.Account, h channels.Host) (channels.Session, error) {
	v := func(name string) string {
		if s := a.Settings[name]; s != "" {
			return s
		}
		for _, set := range settings {
			if set.Name == name && set.Default != channels.Generated {
				return set.Default
			}
		}
		return ""
	}
	for _, set := range settings {
		if set.Check == nil || set.Optional && v(set.Name) == "" {
			continue
		}
		if err := set.Check(v(set.Name)); err != nil {
			return nil, fmt.Errorf("%s: %w", set.Name, err)
		}
	}
	s := &Session{account: a, host: h, token: v("token"), api: strings.TrimRight(v("api"), "/"), mode: v("mode")}
	switch s.mode {
	case modeAuto:
		s.mode = modePolling
		if strings.HasPrefix(h.Callback(false), "https://") {
			s.mode = modeWebhook
		}
	case modeWebhook, modePolling:
	default:
		return nil, fmt.Errorf("mode: %q is none of auto, webhook and polling", s.mode)
	}
	if s.mode == modePolling {
		return &polled{s}, nil
	}
	if a.Settings["secret"] == "" {
		return nil, errors.New("secret: a webhook needs one")
	}
	return &hooked{s}, nil
}

// Close ends the session; nothing is open between calls.
func (s *Session) Close() error { return nil }
