package messenger

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/internal/meta"
)

// The hosts of the platform, where the app's settings name no others.
const (
	hostGraph = "https://graph.facebook.com"
	hostWeb   = "https://www.facebook.com"
)

// The names of settings that connecting fills in.
const (
	setPage  = "pageId"
	setToken = "accessToken"
)

var accountSettings = []channels.Setting{
	{Name: setPage, Kind: "text", Handle: true, Label: text("Page id", "公共主页 ID"), Check: meta.CheckID,
		Help: text("Of the Page, as callbacks carry it. Filled in by connecting.", "公共主页的 ID，与回调中的一致。连接时自动填写。")},
	{Name: setToken, Kind: "secret", Label: text("Page access token", "主页访问令牌"), Check: meta.CheckToken,
		Help: text("The Page's own, which has no end. Filled in by connecting.", "主页自身的长期令牌。连接时自动填写。")},
	{Name: "version", Kind: "text", Default: meta.DefaultVersion, Advanced: true, Label: text("API version", "API 版本"), Check: meta.CheckVersion,
		Help: text("Such as v25.0.", "例如 v25.0。")},
}

var appSettings = []channels.Setting{
	{Name: "appId", Kind: "text", Optional: true, Label: text("App id", "应用 ID"), Check: meta.CheckID,
		Help: text("Of the Meta app; needed to connect with Facebook.", "Meta 应用的 ID，使用 Facebook 登录时需要。")},
	{Name: "appSecret", Kind: "secret", Optional: true, Label: text("App secret", "应用密钥"),
		Help: text("Callbacks are verified with it. Several may be given, one per line.", "用于验证回调。可填多个，每行一个。")},
	{Name: "verifyToken", Kind: "secret", Default: channels.Generated, Optional: true, Label: text("Verify token", "验证令牌"),
		Help: text("To paste beside the callback's address in the app's dashboard.", "与回调地址一起粘贴到应用后台。")},
	{Name: "graph", Kind: "url", Default: hostGraph, Advanced: true, Label: text("Graph API", "Graph API"), Check: meta.CheckBase},
	{Name: "www", Kind: "url", Default: hostWeb, Advanced: true, Label: text("Consent page", "授权页"), Check: meta.CheckBase},
}

// settings are an account's, read.
type settings struct {
	page    string
	token   string
	version string
}

func read(v map[string]string) (settings, error) {
	s := settings{page: v[setPage], token: strings.TrimSpace(v[setToken]), version: cmp.Or(v["version"], meta.DefaultVersion)}
	if !meta.Digits(s.page) {
		return s, errors.New("pageId: a Page's id is digits only")
	}
	if meta.CheckToken(s.token) != nil {
		return s, errors.New("accessToken: connect the Page, or paste its access token")
	}
	if err := meta.CheckVersion(s.version); err != nil {
		return s, fmt.Errorf("version: %w", err)
	}
	return s, nil
}

// mine reports whether an id is the Page's own.
func (s *settings) mine(id string) bool { return id != "" && id == s.page }

// app is what accounts share, read.
type app struct {
	id, secret string
	secrets    []string // all that verify callbacks
	verify     string
	graph, www string
}

func readApp(v map[string]string) app {
	a := app{id: v["appId"], verify: v["verifyToken"], graph: cmp.Or(v["graph"], hostGraph), www: cmp.Or(v["www"], hostWeb),
		secrets: meta.Secrets(v["appSecret"], v["appSecret"+channels.Rotated])}
	if now := meta.Secrets(v["appSecret"]); len(now) > 0 {
		a.secret = now[0]
	}
	return a
}
