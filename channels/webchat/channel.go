// Package webchat is the channel whose far side is our own widget on a customer's web page.
//
// A visitor is known by a token that this package signs; a signed-in user by a JWT that the
// site's own back end signs. What the widget and the server say to one another is described
// in docs/widget-protocol.md. Nothing internal leaves: what a visitor may see is built field
// by field, never by taking away.
package webchat

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

// Kind is the channel's name.
const Kind = "webchat"

// The limits of a message.
const (
	maxText  = 8000     // runes
	maxFile  = 25 << 20 // bytes
	maxFiles = 10
)

// Channel describes web chat.
var Channel = channels.Channel{
	Kind:  Kind,
	Title: map[string]string{"en": "Web chat", "zh": "网页聊天"},
	Icon:  "message-circle",
	Hue:   190,
	Embed: `<script src="{hub}/widget.js" data-account="{account}" async></script>`,
	Settings: []channels.Setting{
		{Name: "title", Kind: "text", Default: "Chat with us", Label: text("Title", "标题"), Help: text("Shown at the top of the chat.", "显示在聊天窗口顶部。"), Check: atMost(80)},
		{Name: "greeting", Kind: "text", Optional: true, Label: text("Greeting", "问候语"), Help: text("Shown before the first message.", "在第一条消息之前显示。"), Check: atMost(500)},
		{Name: "color", Kind: "color", Default: "#2b53c6", Label: text("Colour", "颜色"), Help: text("Of buttons and of the visitor's own messages.", "按钮和访客消息的颜色。")},
		{Name: "team", Kind: "list", Optional: true, Label: text("People shown", "展示的成员"), Help: text("One name per line; at most three are shown.", "每行一个名字，最多展示三个。")},
		{Name: "replyTime", Kind: "text", Optional: true, Label: text("Reply time", "回复时间"), Help: text("Such as: about 3 minutes.", "例如：大约 3 分钟。"), Check: atMost(80)},
		{Name: "hours", Kind: "list", Optional: true, Label: text("Hours", "在线时间"), Help: text("When somebody answers, one line each, such as: Mo-Fr 09:00-18:00. Empty: always.", "有人回复的时间，每行一段，例如：Mo-Fr 09:00-18:00。留空表示始终在线。"), Check: checkHours},
		{Name: "timeZone", Kind: "text", Default: "UTC", Label: text("Time zone of the hours", "在线时间所在时区"), Help: text("Such as: Europe/Berlin.", "例如：Asia/Shanghai。"), Check: checkZone},
		{Name: "locale", Advanced: true, Kind: "choice", Choices: []string{"auto", "en", "zh"}, Default: "auto", Label: text("Language", "语言"), Help: text("Auto follows the visitor's browser.", "自动跟随访客的浏览器。")},
		{Name: "privacyUrl", Advanced: true, Kind: "url", Optional: true, Label: text("Privacy policy", "隐私政策"), Help: text("Linked below the chat.", "显示在聊天窗口下方的链接。")},
		{Name: "origins", Kind: "list", Optional: true, Label: text("Web sites", "网站"), Help: text("Addresses of pages that may show the chat, one per line, such as https://shop.example or https://*.shop.example.", "可以显示聊天的网页地址，每行一个，例如 https://shop.example 或 https://*.shop.example。"), Check: checkOrigins},
		{Name: "form", Kind: "list", Optional: true, Label: text("Questions before the chat", "聊天前的问题"), Help: text("One per line: name, label, kind (text, email, tel), required or optional. Such as: email, E-mail, email, required.", "每行一个：名称, 标签, 类型（text、email、tel）, required 或 optional。例如：email, 邮箱, email, required。"), Check: checkForm},
		{Name: "requireIdentity", Advanced: true, Kind: "bool", Default: "false", Label: text("Signed-in users only", "仅限已登录用户"), Help: text("Visitors whom the site does not vouch for cannot chat.", "网站未确认身份的访客不能聊天。")},
		{Name: "identitySecret", Kind: "secret", Optional: true, Label: text("Identity secret", "身份密钥"), Help: text("With which the site signs users' tokens (HS256); 32 characters or more.", "网站用它签名用户令牌（HS256），至少 32 个字符。"), Check: checkSecret},
		{Name: "identityKey", Advanced: true, Kind: "text", Optional: true, Label: text("Identity key", "身份公钥"), Help: text("The public key in PEM with which users' tokens are checked (RS256).", "用于验证用户令牌的 PEM 公钥（RS256）。"), Check: checkKey},
		{Name: "messageRate", Advanced: true, Kind: "number", Default: "120", Label: text("Messages per minute", "每分钟消息数"), Help: text("Of one visitor; 0: no limit.", "每位访客；0 表示不限制。"), Check: checkRate},
		{Name: "sessionRate", Advanced: true, Kind: "number", Default: "240", Label: text("New visitors per minute", "每分钟新访客数"), Help: text("From one network address, which a whole office may share; 0: no limit.", "来自同一网络地址（可能由整个办公室共用）；0 表示不限制。"), Check: checkRate},
		{Name: "continue", Kind: "text", Optional: true, Label: text("Go on by e-mail", "通过邮件继续"), Help: text("The id of the e-mail account by which a visitor gets the answers they left unread. Empty: they get no mail.", "访客离开后未读的回复通过哪个邮箱账号发送，填写其 ID。留空则不发送邮件。"), Check: atMost(64)},
		{Name: "continueAfter", Advanced: true, Kind: "number", Default: "10", Label: text("Minutes until the mail", "多少分钟后发送邮件"), Help: text("How long an answer may stay unread.", "回复未读多久后发送邮件。"), Check: checkMinutes},
		{Name: "tokenSecret", Advanced: true, Kind: "secret", Default: channels.Generated, Optional: true, Label: text("Visitors' key", "访客密钥"), Help: text("Drawn by itself. Changing it keeps present visitors signed in once.", "自动生成。更换一次不会使现有访客掉线。"), Check: checkSecret},
	},
	Can: channels.Capabilities{
		Text: channels.TextLimit{Max: maxText, Unit: "runes", Rich: "plain"},
		Media: map[string]channels.MediaLimit{
			"image": {MaxBytes: maxFile, MaxCount: maxFiles},
			"video": {MaxBytes: maxFile, MaxCount: maxFiles},
			"audio": {MaxBytes: maxFile, MaxCount: maxFiles},
			"file":  {MaxBytes: maxFile, MaxCount: maxFiles},
		},
		MaxParts:   maxFiles,
		Reactions:  channels.Ways{Out: true},
		Edits:      channels.Ways{Out: true},
		Unsends:    channels.Ways{Out: true},
		Typing:     channels.Ways{In: true, Out: true},
		Receipts:   []timeline.DeliveryState{timeline.Sent, timeline.Delivered, timeline.Read},
		Buttons:    &channels.ButtonLimit{Max: 5, Title: 40},
		ReplyTo:    true,
		Idempotent: true, // nothing is called: what was sent is read from the thread
		Disclose:   true,
	},
	Open: open,
}

func text(en, zh string) map[string]string { return map[string]string{"en": en, "zh": zh} }

// Session is one website.
type Session struct {
	id      timeline.AccountID
	host    channels.Host
	set     settings
	keys    keys
	people  identities
	limits  limits
	revoked revoked
	visits  visits

	mu      sync.Mutex
	sockets map[string]map[*stream]bool // by visitor
	ctx     context.Context
	cancel  context.CancelFunc
}

var (
	_ channels.Server  = (*Session)(nil)
	_ channels.Limiter = (*Session)(nil)
	_ channels.Sockets = (*Session)(nil)
	_ channels.Typist  = (*Session)(nil)
)

func open(a channels.Account, h channels.Host) (channels.Session, error) {
	set, err := read(a.Settings)
	if err != nil {
		return nil, err
	}
	if len(a.Settings["tokenSecret"]) < minSecret {
		return nil, errors.New("tokenSecret: at least 32 characters are needed")
	}
	people, err := newIdentities(a, h.Now)
	if err != nil {
		return nil, err
	}
	if set.requireIdentity && !people.any() {
		return nil, errors.New("requireIdentity: set an identity secret or key, with which users can be told apart")
	}
	s := &Session{id: a.ID, host: h, set: set, keys: newKeys(a), people: people, sockets: map[string]map[*stream]bool{}}
	s.limits = newLimits(set.messageRate, set.sessionRate, h.Now)
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s, nil
}

// Close ends every socket; customers' programs connect again.
func (s *Session) Close() error {
	s.cancel()
	return nil
}

// Typing does nothing of its own: who types reaches the widget by watching the thread.
func (s *Session) Typing(context.Context, timeline.Thread, timeline.Handle, bool) error { return nil }

func (s *Session) thread(id string) timeline.Thread {
	return timeline.Thread{Account: s.id, ID: timeline.ThreadID(id)}
}

func atMost(n int) func(string) error {
	return func(v string) error {
		if len([]rune(v)) > n {
			return fmt.Errorf("Use at most %d characters.", n) //nolint:staticcheck // shown to people beside the field
		}
		return nil
	}
}
