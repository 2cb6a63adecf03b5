package instagram

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/internal/meta"
)

// The hosts of the platform, where the app's settings name no others.
const (
	hostGraphFacebook  = "https://graph.facebook.com"
	hostGraphInstagram = "https://graph.instagram.com"
	hostAPIInstagram   = "https://api.instagram.com"
	hostInstagram      = "https://www.instagram.com"
	hostFacebook       = "https://www.facebook.com"
)

// The names of settings that are written by us as well.
const (
	setFlavour = "flavour"
	setID      = "id"
	setPage    = "pageId"
	setUser    = "appUserId"
	setToken   = "accessToken"
	setExpires = "tokenExpires"
	setIssued  = "tokenIssued"
)

var accountSettings = []channels.Setting{
	{Name: setFlavour, Kind: "choice", Choices: []string{byInstagram, byFacebook}, Default: byInstagram, Label: text("Login", "登录方式"),
		Help: text("Instagram: the account itself signs in. Facebook: it is reached through its linked Page.", "instagram：由账号自身登录。facebook：通过关联的公共主页访问。")},
	{Name: setID, Kind: "text", Handle: true, Label: text("Account id", "账号 ID"), Check: meta.CheckID,
		Help: text("Of the professional account, as callbacks carry it.", "专业账号的 ID，与回调中的一致。")},
	{Name: setPage, Kind: "text", Optional: true, Label: text("Page id", "公共主页 ID"), Check: meta.CheckID,
		Help: text("Of the linked Page; with Facebook login only.", "关联的公共主页，仅用于 Facebook 登录。")},
	{Name: setUser, Advanced: true, Kind: "text", Optional: true, Label: text("Id within the app", "应用内 ID"), Check: meta.CheckID,
		Help: text("Filled in by connecting; with Instagram login only.", "连接时自动填写，仅用于 Instagram 登录。")},
	{Name: setToken, Kind: "secret", Label: text("Access token", "访问令牌"),
		Help: text("Filled in by connecting.", "连接时自动填写。")},
	{Name: setExpires, Advanced: true, Kind: "text", Optional: true, Label: text("Token ends", "令牌到期时间"), Check: checkTime,
		Help: text("Kept by the hub. Empty: it has no end, or it is not known.", "由系统维护。留空表示永久或未知。")},
	{Name: setIssued, Advanced: true, Kind: "text", Optional: true, Label: text("Token issued", "令牌签发时间"), Check: checkTime,
		Help: text("Kept by the hub.", "由系统维护。")},
	{Name: "stories", Advanced: true, Kind: "choice", Choices: []string{"link", "never"}, Default: "link", Label: text("Story mentions", "快拍提及"),
		Help: text("Link: the address is kept while the story lasts. Never: not even that. The media itself is never stored.", "link：快拍有效期内保留链接。never：不保留。媒体内容永不存储。")},
	{Name: "version", Advanced: true, Kind: "text", Default: meta.DefaultVersion, Label: text("API version", "API 版本"), Check: meta.CheckVersion,
		Help: text("Such as v25.0.", "例如 v25.0。")},
}

var appSettings = []channels.Setting{
	{Name: "appId", Kind: "text", Optional: true, Label: text("App id", "应用 ID"), Check: meta.CheckID,
		Help: text("Of the Meta app; needed for Facebook login.", "Meta 应用的 ID，Facebook 登录时需要。")},
	{Name: "appSecret", Kind: "secret", Optional: true, Label: text("App secret", "应用密钥"),
		Help: text("Callbacks are verified with it. Several may be given, one per line.", "用于验证回调。可填多个，每行一个。")},
	{Name: "instagramAppId", Kind: "text", Optional: true, Label: text("Instagram app id", "Instagram 应用 ID"), Check: meta.CheckID,
		Help: text("Needed for Instagram login.", "Instagram 登录时需要。")},
	{Name: "instagramAppSecret", Kind: "secret", Optional: true, Label: text("Instagram app secret", "Instagram 应用密钥"),
		Help: text("Callbacks are verified with it too. Several may be given, one per line.", "也用于验证回调。可填多个，每行一个。")},
	{Name: "verifyToken", Kind: "secret", Default: channels.Generated, Optional: true, Label: text("Verify token", "验证令牌"),
		Help: text("The callback address is registered with it by itself, where app id and secret are set. To register it by hand, enter one of your own here and in the app's dashboard.", "填写应用 ID 和密钥后，系统会用它自动注册回调地址。若要手动注册，请在此处和应用后台填写同一个自定义值。")},
	{Name: "graphFacebook", Advanced: true, Kind: "url", Default: hostGraphFacebook, Label: text("Graph API with Facebook login", "Graph API（Facebook 登录）"), Check: meta.CheckBase},
	{Name: "graphInstagram", Advanced: true, Kind: "url", Default: hostGraphInstagram, Label: text("Graph API with Instagram login", "Graph API（Instagram 登录）"), Check: meta.CheckBase},
	{Name: "apiInstagram", Advanced: true, Kind: "url", Default: hostAPIInstagram, Label: text("Where codes become tokens", "授权码兑换地址"), Check: meta.CheckBase},
	{Name: "wwwInstagram", Advanced: true, Kind: "url", Default: hostInstagram, Label: text("Instagram's consent page", "Instagram 授权页"), Check: meta.CheckBase},
	{Name: "wwwFacebook", Advanced: true, Kind: "url", Default: hostFacebook, Label: text("Facebook's consent page", "Facebook 授权页"), Check: meta.CheckBase},
}

// settings are an account's, read.
type settings struct {
	flavour string
	own     string // the professional account's id
	page    string
	user    string // the account's id within the app; it may come instead of own
	token   string
	version string
	expires time.Time // zero: never, or not known
	issued  time.Time
	stories bool // keep the addresses of what stories show
}

func read(v map[string]string) (settings, error) {
	s := settings{flavour: cmp.Or(v[setFlavour], byInstagram), own: v[setID], page: v[setPage], user: v[setUser], token: strings.TrimSpace(v[setToken]),
		version: cmp.Or(v["version"], meta.DefaultVersion), expires: meta.Moment(v[setExpires]), issued: meta.Moment(v[setIssued]), stories: v["stories"] != "never"}
	switch {
	case s.flavour != byFacebook && s.flavour != byInstagram:
		return s, fmt.Errorf("flavour: choose %s or %s", byInstagram, byFacebook)
	case !meta.Digits(s.own):
		return s, errHandle
	case s.page != "" && !meta.Digits(s.page):
		return s, errors.New("pageId: a page's id is digits only")
	case meta.CheckToken(s.token) != nil:
		return s, errors.New("accessToken: connect the account, or paste its access token")
	}
	if err := meta.CheckVersion(s.version); err != nil {
		return s, fmt.Errorf("version: %w", err)
	}
	return s, nil
}

// mine reports whether an id is the account's own, in either of its names.
func (s *settings) mine(id string) bool { return id != "" && (id == s.own || id == s.user) }

// app is what accounts share, read.
type app struct {
	id, secret                   string // with Facebook login
	instagramID, instagramSecret string
	secrets                      []string // all that verify callbacks
	verify                       string
	graphFacebook                string
	graphInstagram               string
	apiInstagram                 string
	wwwInstagram                 string
	wwwFacebook                  string
}

func readApp(v map[string]string) app {
	a := app{id: v["appId"], instagramID: v["instagramAppId"], verify: v["verifyToken"],
		graphFacebook: cmp.Or(v["graphFacebook"], hostGraphFacebook), graphInstagram: cmp.Or(v["graphInstagram"], hostGraphInstagram),
		apiInstagram: cmp.Or(v["apiInstagram"], hostAPIInstagram), wwwInstagram: cmp.Or(v["wwwInstagram"], hostInstagram), wwwFacebook: cmp.Or(v["wwwFacebook"], hostFacebook)}
	for _, name := range []string{"appSecret", "instagramAppSecret"} {
		a.secrets = append(a.secrets, meta.Secrets(v[name], v[name+channels.Rotated])...)
	}
	a.secret, a.instagramSecret = first(v["appSecret"]), first(v["instagramAppSecret"])
	return a
}

// first is the secret in use: the first of several.
func first(v string) string {
	if all := meta.Secrets(v); len(all) > 0 {
		return all[0]
	}
	return ""
}

// secretOf is the secret that belongs to a flavour's tokens.
func (a *app) secretOf(flavour string) string {
	if flavour == byInstagram {
		return a.instagramSecret
	}
	return a.secret
}

func checkTime(v string) error {
	if v != "" && meta.Moment(v).IsZero() {
		return errors.New("A moment such as 2026-03-04T05:06:07Z, please.") //nolint:staticcheck // shown to people beside the field
	}
	return nil
}
