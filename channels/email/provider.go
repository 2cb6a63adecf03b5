package email

import "github.com/parley-hub/parley/channels"

// The providers an inbox may be at.
const (
	plainProvider = "imap"
	google        = "google"
	microsoft     = "microsoft"
)

// provider is what is known of one before anything is entered.
type provider struct {
	name       string
	title      map[string]string
	imap, smtp server
	plus       bool // plus-addresses are delivered
	// Of OAuth 2.0; empty where one signs in with a password.
	authorize, token string // settings of the app that name the endpoints
	id, secret       string // settings of the app that hold the client
	scope            string
	extra            map[string]string // further parameters of the consent page
}

var providers = map[string]provider{
	plainProvider: {name: plainProvider},
	google: {
		name: google, title: text("Sign in with Google", "使用 Google 登录"), plus: true,
		imap: server{"imap.gmail.com", "993", secureTLS}, smtp: server{"smtp.gmail.com", "465", secureTLS},
		authorize: "googleAuthorize", token: "googleToken", id: "googleClient", secret: "googleSecret",
		scope: "https://mail.google.com/ openid email",
		extra: map[string]string{"access_type": "offline", "prompt": "consent"}, // only then is there a refresh token
	},
	microsoft: {
		name: microsoft, title: text("Sign in with Microsoft", "使用 Microsoft 登录"),
		imap: server{"outlook.office365.com", "993", secureTLS}, smtp: server{"smtp.office365.com", "587", secureSTARTTLS},
		authorize: "microsoftAuthorize", token: "microsoftToken", id: "microsoftClient", secret: "microsoftSecret",
		scope: "https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/SMTP.Send offline_access openid email profile",
		extra: map[string]string{"prompt": "select_account"},
	},
}

var appSettings = []channels.Setting{
	{Name: "googleClient", Kind: "text", Optional: true, Label: text("Google client id", "Google 客户端 ID"), Help: text("Of an OAuth client of type web application, with the Gmail scope.", "类型为 Web 应用的 OAuth 客户端，需要 Gmail 权限。")},
	{Name: "googleSecret", Kind: "secret", Optional: true, Label: text("Google client secret", "Google 客户端密钥")},
	{Name: "microsoftClient", Kind: "text", Optional: true, Label: text("Microsoft application id", "Microsoft 应用程序 ID"), Help: text("Of a registration with IMAP.AccessAsUser.All and SMTP.Send.", "需要 IMAP.AccessAsUser.All 和 SMTP.Send 权限。")},
	{Name: "microsoftSecret", Kind: "secret", Optional: true, Label: text("Microsoft client secret", "Microsoft 客户端密钥")},
	{Name: "googleAuthorize", Kind: "url", Default: "https://accounts.google.com/o/oauth2/v2/auth", Label: text("Google consent page", "Google 授权页面")},
	{Name: "googleToken", Kind: "url", Default: "https://oauth2.googleapis.com/token", Label: text("Google token endpoint", "Google 令牌端点")},
	{Name: "microsoftAuthorize", Kind: "url", Default: "https://login.microsoftonline.com/common/oauth2/v2.0/authorize", Label: text("Microsoft consent page", "Microsoft 授权页面"), Help: text("With one's own tenant instead of common where the application has one.", "如应用属于单一租户，请将 common 替换为租户 ID。")},
	{Name: "microsoftToken", Kind: "url", Default: "https://login.microsoftonline.com/common/oauth2/v2.0/token", Label: text("Microsoft token endpoint", "Microsoft 令牌端点")},
}

// app is a setting of the app, or its default.
func app(values map[string]string, name string) string {
	if v := values[name]; v != "" {
		return v
	}
	for _, s := range appSettings {
		if s.Name == name {
			return s.Default
		}
	}
	return ""
}
