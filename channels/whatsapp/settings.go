package whatsapp

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/internal/meta"
)

// hostGraph is the platform's, where the app's settings name no other.
const hostGraph = "https://graph.facebook.com"

// How files reach the far side.
const (
	byUpload = "upload"
	byLink   = "link"
)

var accountSettings = []channels.Setting{
	{Name: "phoneNumberId", Kind: "text", Handle: true, Label: text("Phone number id", "电话号码 ID"), Check: meta.CheckID,
		Help: text("Of the business phone number, as the app's dashboard shows it. Not the number itself.", "商业电话号码的 ID，见应用后台。不是号码本身。")},
	{Name: "businessId", Kind: "text", Label: text("Business account id", "商业账户 ID"), Check: meta.CheckID,
		Help: text("Of the WhatsApp Business Account that has the number.", "该号码所属的 WhatsApp Business 账户 ID。")},
	{Name: "accessToken", Kind: "secret", Label: text("Access token", "访问令牌"), Check: meta.CheckToken,
		Help: text("Of a system user, without an end, with whatsapp_business_messaging and whatsapp_business_management.", "系统用户的长期令牌，需要 whatsapp_business_messaging 和 whatsapp_business_management 权限。")},
	{Name: "templates", Kind: "list", Optional: true, Label: text("Approved templates", "已批准的模板"), Check: checkTemplates,
		Help: text("One per line: name|language|text, such as order_update|en|Hello {{1}}, your order {{2}} is on its way. After 24 hours a message goes out only if it reads like one of them. Write \\n for a new line.",
			"每行一个：名称|语言|正文，例如 order_update|zh_CN|您好{{1}}，您的订单{{2}}已发货。超过 24 小时后，只有与模板一致的消息才能发送。换行写作 \\n。")},
	{Name: "media", Kind: "choice", Choices: []string{byUpload, byLink}, Default: byUpload, Advanced: true, Label: text("Files", "文件发送方式"),
		Help: text("Upload: the hub hands files over. Link: they are fetched from the hub's public address.", "upload：由系统上传。link：由平台从系统的公网地址获取。")},
	{Name: "version", Kind: "text", Default: meta.DefaultVersion, Advanced: true, Label: text("API version", "API 版本"), Check: meta.CheckVersion,
		Help: text("Such as v25.0.", "例如 v25.0。")},
}

var appSettings = []channels.Setting{
	{Name: "appId", Kind: "text", Optional: true, Label: text("App id", "应用 ID"), Check: meta.CheckID,
		Help: text("Of the Meta app. With it the hub registers the callback address itself.", "Meta 应用的 ID。填写后系统会自动注册回调地址。")},
	{Name: "appSecret", Kind: "secret", Optional: true, Label: text("App secret", "应用密钥"),
		Help: text("Callbacks are verified with it. Several may be given, one per line.", "用于验证回调。可填多个，每行一个。")},
	{Name: "verifyToken", Kind: "secret", Default: channels.Generated, Optional: true, Label: text("Verify token", "验证令牌"),
		Help: text("To paste beside the callback's address in the app's dashboard.", "与回调地址一起粘贴到应用后台。")},
	{Name: "graph", Kind: "url", Default: hostGraph, Advanced: true, Label: text("Graph API", "Graph API"), Check: meta.CheckBase},
}

// settings are an account's, read.
type settings struct {
	phone     string // the phone number's id
	business  string // the business account's id
	token     string
	version   string
	link      bool // files are fetched from us
	templates []template
}

func read(v map[string]string) (settings, error) {
	s := settings{phone: v["phoneNumberId"], business: v["businessId"], token: strings.TrimSpace(v["accessToken"]),
		version: cmp.Or(v["version"], meta.DefaultVersion), link: v["media"] == byLink}
	switch {
	case !meta.Digits(s.phone):
		return s, errors.New("phoneNumberId: a phone number's id is digits only")
	case !meta.Digits(s.business):
		return s, errors.New("businessId: a business account's id is digits only")
	case meta.CheckToken(s.token) != nil:
		return s, errors.New("accessToken: paste the access token of a system user")
	case v["media"] != "" && v["media"] != byLink && v["media"] != byUpload:
		return s, fmt.Errorf("media: choose %s or %s", byUpload, byLink)
	}
	if err := meta.CheckVersion(s.version); err != nil {
		return s, fmt.Errorf("version: %w", err)
	}
	var err error
	if s.templates, err = readTemplates(v["templates"]); err != nil {
		return s, fmt.Errorf("templates: %w", err)
	}
	return s, nil
}

// app is what accounts share, read.
type app struct {
	id, secret string
	secrets    []string // all that verify callbacks
	verify     string
	graph      string
}

func readApp(v map[string]string) app {
	a := app{id: v["appId"], verify: v["verifyToken"], graph: cmp.Or(v["graph"], hostGraph),
		secrets: meta.Secrets(v["appSecret"], v["appSecret"+channels.Rotated])}
	if now := meta.Secrets(v["appSecret"]); len(now) > 0 {
		a.secret = now[0]
	}
	return a
}
