package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Kind says how a setting's text is read.
type Kind string

// The kinds of setting.
const (
	Text     Kind = "text"
	Secret   Kind = "secret"   // never printed
	URL      Kind = "url"      // its password is never printed
	List     Kind = "list"     // separated by commas
	Duration Kind = "duration" // such as 5s or 12h
	Bytes    Kind = "bytes"    // such as 25MiB
	Bool     Kind = "bool"
	Choice   Kind = "choice"
)

// Setting is one thing that can be set. The help, the documentation and the printed
// configuration are drawn from it.
type Setting struct {
	Name    string // the environment variable
	Kind    Kind
	Default string
	Help    string // one sentence
	Example string
	Choices []string
	set     func(*Config, string) error
}

// Settings lists everything that can be set, in the order people read it.
var Settings = []Setting{
	{Name: "PARLEY_ADDR", Kind: Text, Default: "127.0.0.1:8080", Example: "0.0.0.0:8080",
		Help: "Address and port that the hub listens on.",
		set:  func(c *Config, v string) error { return setAddr(&c.Addr, v) }},
	{Name: "PARLEY_BASE_URL", Kind: URL, Example: "https://inbox.example.org",
		Help: "Address people and providers reach the hub at; https makes cookies secure. Empty: derived from each request.",
		set:  func(c *Config, v string) error { return setHTTP(&c.BaseURL, v) }},
	{Name: "PARLEY_DATA", Kind: Text, Default: "./data",
		Help: "Folder for the embedded engines, files and the generated key.",
		set:  func(c *Config, v string) error { return setRequired(&c.Data, v) }},
	{Name: "PARLEY_KAFKA", Kind: List, Example: "kafka-1:9092,kafka-2:9092",
		Help: "Kafka brokers. Empty: the embedded broker.",
		set:  func(c *Config, v string) error { return setBrokers(&c.Kafka, v) }},
	{Name: "PARLEY_KAFKA_TLS", Kind: Bool, Default: "false",
		Help: "Talks with Kafka over TLS.",
		set:  func(c *Config, v string) error { return setBool(&c.KafkaLogin.TLS, v) }},
	{Name: "PARLEY_KAFKA_CA", Kind: Text, Example: "/etc/parley/kafka-ca.pem",
		Help: "File with the certificates that Kafka's are checked against. Empty: the system's.",
		set:  func(c *Config, v string) error { c.KafkaLogin.CA = v; return nil }},
	{Name: "PARLEY_KAFKA_USER", Kind: Text,
		Help: "User name for Kafka (SASL). Empty: none.",
		set:  func(c *Config, v string) error { c.KafkaLogin.User = v; return nil }},
	{Name: "PARLEY_KAFKA_PASSWORD", Kind: Secret,
		Help: "Password for Kafka (SASL).",
		set:  func(c *Config, v string) error { c.KafkaLogin.Password = SecretText(v); return nil }},
	{Name: "PARLEY_KAFKA_MECHANISM", Kind: Choice, Default: "scram-sha-512", Choices: []string{"plain", "scram-sha-256", "scram-sha-512"},
		Help: "How the password is proved to Kafka.",
		set:  func(c *Config, v string) error { c.KafkaLogin.Mechanism = v; return nil }},
	{Name: "PARLEY_MONGODB", Kind: URL, Example: "mongodb://user:password@db:27017/parley",
		Help: "MongoDB connection string, with the database's name as its path. Empty: the embedded store.",
		set:  func(c *Config, v string) error { return setMongo(&c.MongoDB, v) }},
	{Name: "PARLEY_MEILISEARCH", Kind: URL, Example: "http://:master-key@meilisearch:7700",
		Help: "Meilisearch address, with its key as the password. Empty: the embedded search.",
		set:  func(c *Config, v string) error { return setHTTP(&c.Meilisearch, v) }},
	{Name: "PARLEY_S3_ENDPOINT", Kind: URL, Example: "https://s3.eu-central-1.amazonaws.com",
		Help: "Object store that keeps files, by the S3 protocol. Empty: they are in the data folder.",
		set:  func(c *Config, v string) error { return setEndpoint(&c.S3.Endpoint, v) }},
	{Name: "PARLEY_S3_BUCKET", Kind: Text, Example: "parley-files",
		Help: "Bucket that files are kept in; it must exist.",
		set:  func(c *Config, v string) error { return setBucket(&c.S3.Bucket, v) }},
	{Name: "PARLEY_S3_REGION", Kind: Text, Example: "eu-central-1",
		Help: "Region of the bucket. Empty: the object store is asked.",
		set:  func(c *Config, v string) error { c.S3.Region = v; return nil }},
	{Name: "PARLEY_S3_ACCESS_KEY", Kind: Secret,
		Help: "Access key for the object store.",
		set:  func(c *Config, v string) error { c.S3.AccessKey = SecretText(v); return nil }},
	{Name: "PARLEY_S3_SECRET_KEY", Kind: Secret,
		Help: "Secret that belongs to the access key.",
		set:  func(c *Config, v string) error { c.S3.Secret = SecretText(v); return nil }},
	{Name: "PARLEY_S3_PREFIX", Kind: Text, Example: "inbox/files",
		Help: "Folder within the bucket. Empty: its root.",
		set:  func(c *Config, v string) error { c.S3.Prefix = strings.Trim(v, "/"); return nil }},
	{Name: "PARLEY_KEY", Kind: Secret,
		Help: "Key that seals credentials at rest, at least 32 characters. Empty: one is made and kept in the data folder.",
		set:  func(c *Config, v string) error { return setKey(&c.Key, v) }},
	{Name: "PARLEY_NODE", Kind: Text, Example: "node-1",
		Help: "This node's name, unique in a cluster and the same after a restart. Empty: the host's name.",
		set:  func(c *Config, v string) error { return setNode(&c.Node, v) }},
	{Name: "PARLEY_LOG", Kind: Choice, Default: "info", Choices: []string{"debug", "info", "warn", "error"},
		Help: "Least level that is logged.",
		set:  func(c *Config, v string) error { c.Log.Level = v; return nil }},
	{Name: "PARLEY_LOG_FORMAT", Kind: Choice, Default: "json", Choices: []string{"json", "text"},
		Help: "Form of log lines.",
		set:  func(c *Config, v string) error { c.Log.Format = v; return nil }},
	{Name: "PARLEY_OTLP", Kind: URL, Example: "http://collector:4318",
		Help: "OpenTelemetry collector that takes traces over OTLP/HTTP. Empty: no traces.",
		set:  func(c *Config, v string) error { return setHTTP(&c.OTLP, v) }},
	{Name: "PARLEY_DEBUG_ADDR", Kind: Text, Example: "127.0.0.1:6060",
		Help: "Address that serves profiles (pprof). Keep it private. Empty: none.",
		set:  func(c *Config, v string) error { return setOptionalAddr(&c.DebugAddr, v) }},
	{Name: "PARLEY_TRUSTED_PROXIES", Kind: List, Example: "10.0.0.0/8,127.0.0.1",
		Help: "Addresses of proxies whose X-Forwarded headers are believed. Empty: none.",
		set:  func(c *Config, v string) error { return setProxies(&c.Proxies, v) }},
	{Name: "PARLEY_ALLOW_NETWORKS", Kind: List, Example: "10.20.0.0/16,127.0.0.1",
		Help: "Networks inside the house that channels may call after all, such as an own mail server's or a simulator's. Empty: none.",
		set:  func(c *Config, v string) error { return setNetworks(&c.Allow, v) }},
	{Name: "PARLEY_MEDIA_MAX", Kind: Bytes, Default: "100MiB",
		Help: "Largest file that is fetched from a channel; of a larger one the conversation says that it is missing.",
		set:  func(c *Config, v string) error { return setBytes(&c.MediaMax, v) }},
	{Name: "PARLEY_UNDO", Kind: Duration, Default: "5s",
		Help: "How long a message can be undone, 0s to 30s, where an agent has chosen nothing else.",
		set:  func(c *Config, v string) error { return setDuration(&c.Undo, v, 0, 30*time.Second) }},
	{Name: "PARLEY_SESSION_IDLE", Kind: Duration, Default: "72h",
		Help: "How long a sign-in lasts without being used.",
		set:  func(c *Config, v string) error { return setDuration(&c.Session.Idle, v, time.Minute, 8760*time.Hour) }},
	{Name: "PARLEY_SESSION_MAX", Kind: Duration, Default: "720h",
		Help: "How long a sign-in lasts at most.",
		set:  func(c *Config, v string) error { return setDuration(&c.Session.Max, v, time.Minute, 8760*time.Hour) }},
	{Name: "PARLEY_OIDC_ISSUER", Kind: URL, Example: "https://login.example.org/realms/staff",
		Help: "Provider of OpenID Connect that agents may sign in at, as it writes its own address. Empty: none.",
		set:  func(c *Config, v string) error { return setIssuer(&c.OIDC.Issuer, v) }},
	{Name: "PARLEY_OIDC_CLIENT_ID", Kind: Text, Example: "parley",
		Help: "The hub's name at the provider. Its redirect address there is the hub's with /api/session/oidc/callback.",
		set:  func(c *Config, v string) error { c.OIDC.ClientID = v; return nil }},
	{Name: "PARLEY_OIDC_CLIENT_SECRET", Kind: Secret,
		Help: "Secret that belongs to the client. Empty: a public client.",
		set:  func(c *Config, v string) error { c.OIDC.ClientSecret = SecretText(v); return nil }},
	{Name: "PARLEY_OIDC_NAME", Kind: Text, Default: "SSO", Example: "Example SSO",
		Help: "The provider's name, on the button of the sign-in page.",
		set:  func(c *Config, v string) error { c.OIDC.Name = v; return nil }},
	{Name: "PARLEY_OIDC_SCOPES", Kind: List, Default: "openid,profile,email",
		Help: "What the provider is asked for.",
		set:  func(c *Config, v string) error { c.OIDC.Scopes = split(v); return nil }},
	{Name: "PARLEY_OIDC_ROLES_CLAIM", Kind: Text, Example: "realm_access.roles",
		Help: "Claim that says which roles somebody has, at each sign-in; who has none is not let in. Empty: roles are given in the hub.",
		set:  func(c *Config, v string) error { c.OIDC.RolesClaim = v; return nil }},
	{Name: "PARLEY_OIDC_ROLES", Kind: List, Example: "support-leads=supervisor,support=agent",
		Help: "Roles by values of that claim. Empty: its values are names of roles.",
		set:  func(c *Config, v string) error { return setPairs(&c.OIDC.Roles, v) }},
	{Name: "PARLEY_OIDC_AUTO_CREATE", Kind: List, Example: "example.org",
		Help: "Domains whose people become agents when they first sign in at the provider. Empty: only who was invited.",
		set:  func(c *Config, v string) error { return setDomains(&c.OIDC.AutoCreate, v) }},
	{Name: "PARLEY_OIDC_SIGN_OUT", Kind: Bool, Default: "false",
		Help: "Signing out of the hub goes on to signing out at the provider.",
		set:  func(c *Config, v string) error { return setBool(&c.OIDC.SignOut, v) }},
	{Name: "PARLEY_UPLOAD_MAX", Kind: Bytes, Default: "25MiB",
		Help: "Largest file that can be attached.",
		set:  func(c *Config, v string) error { return setBytes(&c.UploadMax, v) }},
	{Name: "PARLEY_DEMO", Kind: Bool, Default: "false",
		Help: "Plays simulated customers, to look around.",
		set:  func(c *Config, v string) error { return setBool(&c.Demo, v) }},
	{Name: "PARLEY_DEMO_ACCOUNTS", Kind: Text, Example: "deploy/demo/accounts.json",
		Help: "File of accounts that a demo makes once. Empty: none.",
		set:  func(c *Config, v string) error { c.DemoAccounts = v; return nil }},
}

func find(name string) (Setting, bool) {
	for _, s := range Settings {
		if s.Name == name {
			return s, true
		}
	}
	return Setting{}, false
}

// Mask is the value as people may see it.
func (s Setting) Mask(v string) string {
	switch {
	case v == "":
		return ""
	case s.Kind == Secret:
		return "••••"
	case s.Kind == URL:
		return maskURL(v)
	}
	return v
}

// maskURL hides the user part and the query of an address: both may hold credentials.
func maskURL(v string) string {
	u, err := url.Parse(v)
	if err != nil {
		return "••••"
	}
	head, query, hasQuery := strings.Cut(v, "?")
	if i := strings.LastIndex(head, "@"); i >= 0 && u.User != nil {
		scheme, _, _ := strings.Cut(head, "://")
		head = scheme + "://" + maskUser(u.User) + head[i:]
	}
	if !hasQuery {
		return head
	}
	return head + "?" + maskQuery(query)
}

func maskUser(u *url.Userinfo) string {
	if _, has := u.Password(); has {
		return u.Username() + ":••••"
	}
	return "••••"
}

func maskQuery(query string) string {
	parts := strings.Split(query, "&")
	for i, p := range parts {
		name, _, _ := strings.Cut(p, "=")
		low := strings.ToLower(name)
		for _, word := range []string{"pass", "secret", "token", "key"} {
			if strings.Contains(low, word) {
				parts[i] = name + "=••••"
			}
		}
	}
	return strings.Join(parts, "&")
}

func setRequired(to *string, v string) error {
	if v == "" {
		return fmt.Errorf("must not be empty")
	}
	*to = v
	return nil
}

func setOptionalAddr(to *string, v string) error {
	if v == "" {
		*to = ""
		return nil
	}
	return setAddr(to, v)
}

func setAddr(to *string, v string) error {
	host, port, ok := cutLast(v, ":")
	if !ok {
		return fmt.Errorf("must be address:port, such as 127.0.0.1:8080")
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return fmt.Errorf("port %q is not a number from 0 to 65535", port)
	}
	if strings.Contains(host, ":") && !strings.HasPrefix(host, "[") {
		return fmt.Errorf("write an IPv6 address in brackets, such as [::1]:8080")
	}
	*to = v
	return nil
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

func setHTTP(to *string, v string) error {
	if v == "" {
		*to = ""
		return nil
	}
	u, err := url.Parse(v)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return fmt.Errorf("must begin with http:// or https:// and name a host")
	}
	*to = strings.TrimRight(v, "/")
	return nil
}

// setEndpoint reads the address of an object store: the bucket is named by a setting of its own.
func setEndpoint(to *string, v string) error {
	if err := setHTTP(to, v); err != nil || v == "" {
		return err
	}
	if u, err := url.Parse(*to); err != nil || u.User != nil || u.Path != "" || u.RawQuery != "" {
		return fmt.Errorf("must be only https:// and the host, such as https://s3.example.org; bucket and keys have settings of their own")
	}
	return nil
}

func setBucket(to *string, v string) error {
	if v != "" && (len(v) < 3 || strings.ContainsAny(v, "/ :@")) {
		return fmt.Errorf("must be the bucket's name alone, of at least three characters")
	}
	*to = v
	return nil
}

func setMongo(to *string, v string) error {
	if v != "" && !strings.HasPrefix(v, "mongodb://") && !strings.HasPrefix(v, "mongodb+srv://") {
		return fmt.Errorf("must begin with mongodb:// or mongodb+srv://")
	}
	*to = v
	return nil
}

func setBrokers(to *[]string, v string) error {
	list := split(v)
	for _, b := range list {
		var ignore string
		if err := setAddr(&ignore, b); err != nil {
			return fmt.Errorf("broker %q: %w", b, err)
		}
	}
	*to = list
	return nil
}

// minKey is the fewest characters of a sealing key.
const minKey = 32

func setKey(to *SecretText, v string) error {
	if v != "" && len(v) < minKey {
		return fmt.Errorf("must have at least %d characters; make one with: openssl rand -base64 32", minKey)
	}
	*to = SecretText(v)
	return nil
}

func setNode(to *string, v string) error {
	if len(v) > 64 || strings.ContainsAny(v, " \t/|") {
		return fmt.Errorf("must have at most 64 characters and no space, slash or bar")
	}
	*to = v
	return nil
}

func setDuration(to *time.Duration, v string, least, most time.Duration) error {
	d, err := time.ParseDuration(v)
	if err != nil {
		return fmt.Errorf("must be a duration, such as 5s or 12h")
	}
	if d < least || d > most {
		return fmt.Errorf("must be from %s to %s", least, most)
	}
	*to = d
	return nil
}

func setBool(to *bool, v string) error {
	b, err := strconv.ParseBool(v)
	if err != nil {
		return fmt.Errorf("must be true or false")
	}
	*to = b
	return nil
}

func setBytes(to *int64, v string) error {
	num, unit := v, int64(1)
	for _, u := range []struct {
		suffix string
		n      int64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}} {
		if strings.HasSuffix(v, u.suffix) {
			num, unit = strings.TrimSpace(strings.TrimSuffix(v, u.suffix)), u.n
		}
	}
	n, err := strconv.ParseInt(num, 10, 64)
	if err != nil || n < 1 || n > (1<<40)/unit {
		return fmt.Errorf("must be a size, such as 25MiB")
	}
	*to = n * unit
	return nil
}

func setProxies(to *Proxies, v string) error { return setNetworks((*[]netip.Prefix)(to), v) }

func setNetworks(to *[]netip.Prefix, v string) error {
	var list []netip.Prefix
	for _, p := range split(v) {
		prefix, err := netip.ParsePrefix(p)
		if err != nil {
			addr, aerr := netip.ParseAddr(p)
			if aerr != nil {
				return fmt.Errorf("%q is not an address or a range such as 10.0.0.0/8", p)
			}
			prefix = netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen())
		}
		list = append(list, prefix)
	}
	*to = list
	return nil
}

func split(v string) []string {
	var list []string
	for _, p := range strings.Split(v, ",") {
		if p = strings.TrimSpace(p); p != "" {
			list = append(list, p)
		}
	}
	return list
}
