package email

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/idna"

	"github.com/parley-hub/parley/channels"
)

// What to do with a mail on the server once it is ours.
const (
	afterLeave = "leave"
	afterSeen  = "seen"
	afterMove  = "move"
)

// How a connection is protected.
const (
	secureTLS      = "tls"
	secureSTARTTLS = "starttls"
	secureNone     = "none"
)

const (
	receiveLMTP = "lmtp"
	receiveSMTP = "smtp"
)

var (
	securities      = []string{secureTLS, secureSTARTTLS, secureNone}
	accountSettings = []channels.Setting{
		{Name: "provider", Kind: "choice", Choices: []string{plainProvider, google, microsoft}, Default: plainProvider, Label: text("Provider", "服务商"), Help: text("Google and Microsoft accounts are best added with their sign-in button.", "Google 和 Microsoft 账号建议使用登录按钮添加。")},
		{Name: "address", Kind: "text", Label: text("Address", "邮箱地址"), Help: text("Which people write to.", "客户写信的地址。"), Check: checkAddress},
		{Name: "name", Kind: "text", Optional: true, Label: text("Sender's name", "发件人名称"), Help: text("Such as: Acme Support.", "例如：Acme 客服。"), Check: checkLine},
		{Name: "aliases", Advanced: true, Kind: "list", Optional: true, Label: text("Further addresses of this inbox", "此收件箱的其他地址"), Help: text("One per line. They are never written to by reply to all.", "每行一个。回复所有人时不会发送到这些地址。"), Check: checkAddresses},
		{Name: "imapHost", Kind: "text", Optional: true, Label: text("IMAP server", "IMAP 服务器"), Help: text("Empty for Google and Microsoft, or where mail is delivered to the hub itself.", "Google、Microsoft 或由邮件服务器直接投递时留空。"), Check: checkHost},
		{Name: "imapPort", Advanced: true, Kind: "number", Optional: true, Label: text("IMAP port", "IMAP 端口"), Help: text("Empty: 993, or 143 without TLS.", "留空：993；不使用 TLS 时为 143。"), Check: checkPort},
		{Name: "imapSecurity", Advanced: true, Kind: "choice", Choices: securities, Default: secureTLS, Label: text("IMAP encryption", "IMAP 加密方式")},
		{Name: "user", Kind: "text", Optional: true, Label: text("User name", "用户名"), Help: text("Empty: the address.", "留空则使用邮箱地址。"), Check: checkLine},
		{Name: "password", Kind: "secret", Optional: true, Label: text("Password", "密码"), Help: text("Many providers want an app password or authorisation code instead of the usual one.", "许多服务商要求使用应用专用密码或授权码。"), Check: checkLine},
		{Name: "smtpHost", Kind: "text", Optional: true, Label: text("SMTP server", "SMTP 服务器"), Check: checkHost},
		{Name: "smtpPort", Advanced: true, Kind: "number", Optional: true, Label: text("SMTP port", "SMTP 端口"), Help: text("Empty: 465, or 587 with STARTTLS, or 25 without TLS.", "留空：465；STARTTLS 为 587；不使用 TLS 时为 25。"), Check: checkPort},
		{Name: "smtpSecurity", Advanced: true, Kind: "choice", Choices: securities, Default: secureTLS, Label: text("SMTP encryption", "SMTP 加密方式")},
		{Name: "ca", Advanced: true, Kind: "text", Optional: true, Label: text("Trusted certificate", "受信任的证书"), Help: text("In PEM, where the servers' certificates come from a house authority.", "PEM 格式，用于服务器证书由内部机构签发的情况。"), Check: checkCA},
		{Name: "folder", Advanced: true, Kind: "text", Default: "INBOX", Label: text("Folder", "文件夹"), Check: checkLine},
		{Name: "sinceDays", Advanced: true, Kind: "number", Default: "3", Label: text("Days to fetch at first", "首次获取的天数"), Help: text("Of mail that is there already; 0: only what comes from now on.", "已有邮件的天数；0 表示只获取新邮件。"), Check: checkDays},
		{Name: "after", Advanced: true, Kind: "choice", Choices: []string{afterLeave, afterSeen, afterMove}, Default: afterLeave, Label: text("After fetching", "获取之后"), Help: text("Leave the mail as it is, mark it read, or move it.", "保持原样、标记为已读或移动。")},
		{Name: "moveTo", Advanced: true, Kind: "text", Optional: true, Label: text("Move to folder", "移动到文件夹"), Check: checkLine},
		{Name: "listen", Advanced: true, Kind: "text", Optional: true, Label: text("Receive at", "接收地址"), Help: text("Where your mail server delivers to, such as 127.0.0.1:2424.", "邮件服务器投递到的地址，例如 127.0.0.1:2424。"), Check: checkListen},
		{Name: "listenProtocol", Advanced: true, Kind: "choice", Choices: []string{receiveLMTP, receiveSMTP}, Default: receiveLMTP, Label: text("Receive by", "接收协议")},
		{Name: "listenCert", Advanced: true, Kind: "text", Optional: true, Label: text("Receiver's certificate", "接收端证书"), Help: text("In PEM; with it, STARTTLS is offered.", "PEM 格式；设置后提供 STARTTLS。")},
		{Name: "listenKey", Advanced: true, Kind: "secret", Optional: true, Label: text("Receiver's private key", "接收端私钥"), Help: text("In PEM.", "PEM 格式。")},
		{Name: "domains", Advanced: true, Kind: "list", Optional: true, Label: text("Domains received", "接收的域名"), Help: text("One per line: every address there is taken. Empty: this inbox's addresses only.", "每行一个：接收该域名下的所有地址。留空则只接收此收件箱的地址。"), Check: checkDomains},
		{Name: "authserv", Advanced: true, Kind: "list", Optional: true, Label: text("Trusted verifiers", "受信任的验证服务器"), Help: text("Names your mail server writes first into Authentication-Results, such as mx.google.com. Others are not believed.", "邮件服务器写入 Authentication-Results 的名称，例如 mx.google.com。其他来源不予采信。"), Check: checkDomains},
		{Name: "verify", Advanced: true, Kind: "bool", Default: "true", Label: text("Check signatures", "校验签名"), Help: text("DKIM signatures are checked here where no trusted verifier did.", "在没有受信任的验证结果时，由本系统校验 DKIM 签名。")},
		{Name: "plus", Advanced: true, Kind: "choice", Choices: []string{"auto", "on", "off"}, Default: "auto", Label: text("Plus addresses", "加号地址"), Help: text("Replies go to support+…@, which finds the conversation when everything else is lost. Auto: where the provider is known to take them.", "回复地址为 support+…@，即使其他信息丢失也能找到会话。自动：仅在服务商支持时使用。")},
		{Name: "signature", Kind: "text", Optional: true, Label: text("Signature", "签名"), Help: text("Below every message; HTML may be used.", "附在每封邮件之后，可使用 HTML。")},
		{Name: "quoteOriginal", Advanced: true, Kind: "bool", Default: "true", Label: text("Repeat what is answered", "引用原文"), Help: text("Below each reply.", "附在每封回复之后。")},
		{Name: "language", Advanced: true, Kind: "choice", Choices: []string{"en", "zh"}, Default: "en", Label: text("Language of added lines", "附加文字的语言"), Help: text("Such as: On Monday, Maya wrote.", "例如“某某写道”。")},
		{Name: "macKey", Advanced: true, Kind: "secret", Default: channels.Generated, Optional: true, Label: text("Key of our ids", "标识密钥"), Help: text("Drawn by itself. Changing it once keeps threads together.", "自动生成。更换一次不会影响已有会话。"), Check: checkKey},
		{Name: "refreshToken", Advanced: true, Kind: "secret", Optional: true, Label: text("Refresh token", "刷新令牌"), Help: text("Kept up by the hub.", "由系统维护。")},
		{Name: "accessToken", Advanced: true, Kind: "secret", Optional: true, Label: text("Access token", "访问令牌"), Help: text("Kept up by the hub.", "由系统维护。")},
		{Name: "tokenExpires", Advanced: true, Kind: "text", Optional: true, Label: text("Token ends at", "令牌到期时间"), Help: text("Kept up by the hub.", "由系统维护。"), Check: checkTime},
	}
)

// server is where to connect.
type server struct{ host, port, secure string }

func (s server) set() bool       { return s.host != "" }
func (s server) address() string { return net.JoinHostPort(s.host, s.port) }

// settings are an account's, read once.
type settings struct {
	provider, address, name, user, password string

	own        []string // every address of the inbox, normalised; the first is address
	imap, smtp server
	roots      *x509.CertPool // nil: the system's
	folder     string
	since      time.Duration
	after      string
	moveTo     string
	receive    *receiving // nil: nobody delivers to us
	authserv   []string
	verify     bool
	plus       bool
	signature  string
	quote      bool
	language   string
	oauth      *oauthSettings // nil: a password
}

// receiving is how mail servers deliver to us.
type receiving struct {
	address string
	lmtp    bool
	tls     *tls.Config
	domains []string
}

func read(a channels.Account) (settings, error) {
	v := a.Settings
	s := settings{provider: cmp.Or(v["provider"], plainProvider), name: v["name"], folder: cmp.Or(v["folder"], "INBOX"), after: cmp.Or(v["after"], afterLeave),
		moveTo: v["moveTo"], authserv: lines(strings.ToLower(v["authserv"])), verify: v["verify"] != "false", signature: v["signature"],
		quote: v["quoteOriginal"] != "false", language: cmp.Or(v["language"], "en"), password: v["password"]}
	address := cmp.Or(strings.TrimSpace(v["address"]), string(a.Handle))
	if err := named("address", checkAddress(address)); err != nil {
		return s, err
	}
	s.address = normal(address)
	s.own = []string{s.address}
	for _, l := range lines(v["aliases"]) {
		s.own = append(s.own, normal(l))
	}
	s.user = cmp.Or(v["user"], s.address)
	for _, st := range accountSettings {
		if st.Check == nil || v[st.Name] == "" {
			continue
		}
		if err := named(st.Name, st.Check(v[st.Name])); err != nil {
			return s, err
		}
	}
	return s, s.connections(a)
}

// connections reads where to connect and as whom.
func (s *settings) connections(a channels.Account) error {
	v, preset := a.Settings, providers[s.provider]
	if preset.name == "" {
		return fmt.Errorf("provider: %q is not one of them", s.provider)
	}
	days, err := strconv.Atoi(cmp.Or(v["sinceDays"], "3"))
	if err != nil {
		return fmt.Errorf("sinceDays: %w", err)
	}
	s.since = time.Duration(days) * 24 * time.Hour
	s.imap = endpoint(v["imapHost"], v["imapPort"], v["imapSecurity"], preset.imap, map[string]string{secureTLS: "993", secureSTARTTLS: "143", secureNone: "143"})
	s.smtp = endpoint(v["smtpHost"], v["smtpPort"], v["smtpSecurity"], preset.smtp, map[string]string{secureTLS: "465", secureSTARTTLS: "587", secureNone: "25"})
	if s.roots, err = pool(v["ca"]); err != nil {
		return fmt.Errorf("ca: %w", err)
	}
	if s.receive, err = readReceiving(v); err != nil {
		return err
	}
	switch {
	case !s.imap.set() && s.receive == nil:
		return errors.New("imapHost: name the server mail is fetched from, or an address to receive at")
	case s.after == afterMove && s.moveTo == "":
		return errors.New("moveTo: name the folder that mail is moved to")
	case preset.token == "" && s.imap.set() && s.password == "":
		return errors.New("password: it is needed to fetch mail")
	}
	s.plus = v["plus"] == "on" || (v["plus"] == "" || v["plus"] == "auto") && preset.plus
	if preset.token != "" {
		s.oauth, err = readOAuth(s.provider, a)
	}
	return err
}

// endpoint is what was entered, or the provider's.
func endpoint(host, port, secure string, preset server, ports map[string]string) server {
	if host == "" {
		return preset
	}
	secure = cmp.Or(secure, secureTLS)
	return server{host, cmp.Or(port, ports[secure]), secure}
}

func readReceiving(v map[string]string) (*receiving, error) {
	if v["listen"] == "" {
		return nil, nil
	}
	r := &receiving{address: v["listen"], lmtp: v["listenProtocol"] != receiveSMTP, domains: lines(strings.ToLower(v["domains"]))}
	if v["listenCert"] == "" {
		return r, nil
	}
	cert, err := tls.X509KeyPair([]byte(v["listenCert"]), []byte(v["listenKey"]))
	if err != nil {
		return nil, errors.New("listenCert: the certificate and its key do not fit together") // the cause may show the key
	}
	r.tls = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	return r, nil
}

// mine reports whether an address is this inbox's, also with a plus and more.
func (s *settings) mine(address string) bool {
	return slices.Contains(s.own, normal(address)) || slices.Contains(s.own, withoutPlus(normal(address)))
}

func named(name string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// normal is an address as it is compared: the domain in its ASCII form, all in lower case.
// Local parts are told apart by case in theory (RFC 5321 §2.4) and by nobody in practice.
func normal(address string) string {
	address = strings.ToLower(strings.TrimSpace(address))
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return address
	}
	domain, err := idna.Lookup.ToASCII(address[at+1:])
	if err != nil {
		return address
	}
	return address[:at+1] + domain
}

// withoutPlus is an address without the part after its plus.
func withoutPlus(address string) string {
	local, domain, ok := cutAddress(address)
	if !ok {
		return address
	}
	local, _, _ = strings.Cut(local, "+")
	return local + "@" + domain
}

func cutAddress(address string) (local, domain string, ok bool) {
	at := strings.LastIndexByte(address, '@')
	if at <= 0 || at == len(address)-1 {
		return "", "", false
	}
	return address[:at], address[at+1:], true
}

func lines(v string) []string {
	var out []string
	for l := range strings.SplitSeq(v, "\n") {
		if l = strings.TrimSpace(l); l != "" {
			out = append(out, l)
		}
	}
	return out
}

func pool(pem string) (*x509.CertPool, error) {
	if strings.TrimSpace(pem) == "" {
		return nil, nil
	}
	p := x509.NewCertPool()
	if !p.AppendCertsFromPEM([]byte(pem)) {
		return nil, errors.New("Paste a certificate in PEM.") //nolint:staticcheck // shown to people beside the field
	}
	return p, nil
}

func checkCA(v string) error { _, err := pool(v); return err }

func checkAddress(v string) error {
	a, err := mail.ParseAddress(v)
	if err != nil || a.Address != strings.TrimSpace(v) || strings.ContainsFunc(v, control) {
		return errors.New("Enter an address such as support@acme.example.") //nolint:staticcheck // shown to people beside the field
	}
	return nil
}

func checkAddresses(v string) error {
	for _, l := range lines(v) {
		if err := checkAddress(l); err != nil {
			return fmt.Errorf("%q: %w", l, err)
		}
	}
	return nil
}

func control(r rune) bool { return r < ' ' || r == 0x7f }

func checkLine(v string) error {
	if strings.ContainsFunc(v, control) {
		return errors.New("Enter one line.") //nolint:staticcheck // shown to people beside the field
	}
	return nil
}

func checkHost(v string) error {
	if v == "" || strings.ContainsAny(v, "/ @") || strings.ContainsFunc(v, control) || strings.Contains(v, ":") && net.ParseIP(v) == nil {
		return errors.New("Enter a host name such as mail.acme.example.") //nolint:staticcheck // shown to people beside the field
	}
	return nil
}

func checkPort(v string) error {
	if n, err := strconv.Atoi(v); err != nil || n < 1 || n > 65535 {
		return errors.New("Enter a port from 1 to 65535.") //nolint:staticcheck // shown to people beside the field
	}
	return nil
}

func checkDays(v string) error {
	if n, err := strconv.Atoi(v); err != nil || n < 0 || n > 3650 {
		return errors.New("Enter a number from 0 to 3650.") //nolint:staticcheck // shown to people beside the field
	}
	return nil
}

func checkListen(v string) error {
	if _, port, err := net.SplitHostPort(v); err != nil || port != "0" && checkPort(port) != nil {
		return errors.New("Enter an address such as 127.0.0.1:2424.") //nolint:staticcheck // shown to people beside the field
	}
	return nil
}

func checkDomains(v string) error {
	for _, l := range lines(v) {
		if err := checkHost(l); err != nil {
			return fmt.Errorf("%q: %w", l, err)
		}
	}
	return nil
}

func checkTime(v string) error {
	_, err := time.Parse(time.RFC3339, v)
	return err
}
