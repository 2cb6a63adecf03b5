// Package config reads the hub's settings: from the environment first, then from an
// optional file, then from defaults. Keys it does not know are refused, so that a
// misspelt one is never silently without effect.
package config

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"
)

// FileSetting names the environment variable that points at the optional file.
const FileSetting = "PARLEY_CONFIG"

// prefix begins every key of ours; testPrefix begins keys that only tests read.
const (
	prefix     = "PARLEY_"
	testPrefix = "PARLEY_TEST_"
)

// Config is the effective configuration. It is read once and never changed.
type Config struct {
	Addr         string
	BaseURL      string // without a slash at its end; may be empty
	Data         string
	Kafka        []string // empty: embedded
	KafkaLogin   KafkaLogin
	MongoDB      string // empty: embedded
	Meilisearch  string // empty: embedded
	S3           S3
	Key          SecretText
	Node         string
	Log          Log
	OTLP         string
	DebugAddr    string // of profiles; empty: none
	Proxies      Proxies
	Allow        []netip.Prefix // networks inside the house that channels may call
	MediaMax     int64          // bytes
	Undo         time.Duration
	UploadMax    int64 // bytes
	Demo         bool
	DemoAccounts string // file; empty: none
	Session      Session
	OIDC         OIDC
	Values       []Value // every setting with its origin, in the order of [Settings]
}

// KafkaLogin is how the brokers know who talks with them.
type KafkaLogin struct {
	TLS       bool
	CA        string // file; empty: the system's
	User      string // empty: none
	Password  SecretText
	Mechanism string // plain, scram-sha-256, scram-sha-512
}

// S3 is the object store that keeps files.
type S3 struct {
	Endpoint  string // empty: files are on disk
	Bucket    string
	Region    string // empty: the server is asked
	AccessKey SecretText
	Secret    SecretText
	Prefix    string
}

// check refuses half a set of settings, which would be silently without effect or fail late.
func (s S3) check() error {
	needed := []struct{ name, value string }{{"PARLEY_S3_BUCKET", s.Bucket}, {"PARLEY_S3_ACCESS_KEY", s.AccessKey.Reveal()}, {"PARLEY_S3_SECRET_KEY", s.Secret.Reveal()}}
	var errs []error
	for _, n := range needed {
		switch {
		case s.Endpoint != "" && n.value == "":
			errs = append(errs, fmt.Errorf("PARLEY_S3_ENDPOINT is set, so that %s must be set too", n.name))
		case s.Endpoint == "" && n.value != "":
			errs = append(errs, fmt.Errorf("%s has no effect without PARLEY_S3_ENDPOINT", n.name))
		}
	}
	return errors.Join(errs...)
}

// OIDC is the provider that agents may sign in at.
type OIDC struct {
	Issuer       string // empty: none
	ClientID     string
	ClientSecret SecretText // empty: a public client
	Name         string
	Scopes       []string
	RolesClaim   string
	Roles        map[string]string // role by value of the claim
	AutoCreate   []string          // domains
	SignOut      bool
}

// check refuses half a set of settings.
func (o OIDC) check() error {
	var errs []error
	if o.Issuer != "" && o.ClientID == "" {
		errs = append(errs, errors.New("PARLEY_OIDC_ISSUER is set, so that PARLEY_OIDC_CLIENT_ID must be set too"))
	}
	for _, n := range []struct {
		name string
		set  bool
	}{{"PARLEY_OIDC_CLIENT_ID", o.ClientID != ""}, {"PARLEY_OIDC_CLIENT_SECRET", o.ClientSecret != ""}, {"PARLEY_OIDC_ROLES_CLAIM", o.RolesClaim != ""},
		{"PARLEY_OIDC_AUTO_CREATE", len(o.AutoCreate) > 0}, {"PARLEY_OIDC_SIGN_OUT", o.SignOut}} {
		if o.Issuer == "" && n.set {
			errs = append(errs, fmt.Errorf("%s has no effect without PARLEY_OIDC_ISSUER", n.name))
		}
	}
	if len(o.Roles) > 0 && o.RolesClaim == "" {
		errs = append(errs, errors.New("PARLEY_OIDC_ROLES has no effect without PARLEY_OIDC_ROLES_CLAIM"))
	}
	return errors.Join(errs...)
}

// Session is how long sign-ins last.
type Session struct {
	Idle time.Duration
	Max  time.Duration
}

// Log is what is logged and how.
type Log struct {
	Level  string // debug, info, warn, error
	Format string // json, text
}

// SecretText is a string that does not print itself.
type SecretText string

// Reveal is the secret itself.
func (s SecretText) Reveal() string { return string(s) }

// String hides the secret.
func (s SecretText) String() string {
	if s == "" {
		return ""
	}
	return "••••"
}

// LogValue hides the secret in logs.
func (s SecretText) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText hides the secret in JSON.
func (s SecretText) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Value is a setting's text and where it came from.
type Value struct {
	Setting Setting
	Text    string
	Origin  string // "default", "environment", "flag", or the file and its line
}

// Source is where settings are read from.
type Source struct {
	Environ []string          // as os.Environ
	Flags   map[string]string // from the command line, by setting name; they win
	Read    func(path string) ([]byte, error)
}

// Load reads the settings of this process, with flags from the command line over them.
func Load(flags map[string]string) (*Config, error) {
	return Source{Environ: os.Environ(), Flags: flags, Read: os.ReadFile}.Load()
}

// Load reads the settings. Its error names every setting that is wrong, not only the first.
func (s Source) Load() (*Config, error) {
	env, errs := environment(s.Environ)
	file, err := s.file(env[FileSetting].text)
	if err != nil {
		errs = append(errs, err)
	}
	flags := map[string]origin{}
	for name, text := range s.Flags {
		flags[name] = origin{text, "flag"}
	}
	errs = append(errs, unknown(env)...)
	errs = append(errs, unknown(file)...)
	errs = append(errs, unknown(flags)...)
	c := &Config{}
	for _, set := range Settings {
		v := Value{Setting: set, Text: set.Default, Origin: "default"}
		for _, layer := range []map[string]origin{file, env, flags} {
			if o, ok := layer[set.Name]; ok {
				v.Text, v.Origin = strings.TrimSpace(o.text), o.from
			}
		}
		if v.Text == "" && set.Default != "" {
			v.Text, v.Origin = set.Default, "default"
		}
		if err := apply(c, v); err != nil {
			errs = append(errs, err)
		}
		c.Values = append(c.Values, v)
	}
	if err := c.S3.check(); err != nil && len(errs) == 0 {
		errs = append(errs, err)
	}
	if err := c.OIDC.check(); err != nil && len(errs) == 0 {
		errs = append(errs, err)
	}
	if c.Session.Idle > c.Session.Max && len(errs) == 0 {
		errs = append(errs, errors.New("PARLEY_SESSION_IDLE must not be longer than PARLEY_SESSION_MAX"))
	}
	if len(errs) > 0 {
		return nil, fmt.Errorf("configuration: %w", errors.Join(errs...))
	}
	c.defaults()
	return c, nil
}

// defaults fills in what depends on the machine.
func (c *Config) defaults() {
	if c.Node != "" {
		return
	}
	c.Node = "node"
	if host, err := os.Hostname(); err == nil && host != "" {
		c.Node = host
	}
	for i, v := range c.Values {
		if v.Setting.Name == "PARLEY_NODE" {
			c.Values[i].Text, c.Values[i].Origin = c.Node, "host name"
		}
	}
}

func apply(c *Config, v Value) error {
	set := v.Setting
	if set.Kind == Choice && !slices.Contains(set.Choices, v.Text) {
		return fmt.Errorf("%s (%s): must be one of %s", set.Name, v.Origin, strings.Join(set.Choices, ", "))
	}
	if err := set.set(c, v.Text); err != nil {
		return fmt.Errorf("%s (%s): %w", set.Name, v.Origin, err)
	}
	return nil
}

type origin struct{ text, from string }

// environment picks our keys. Keys of tests are left alone.
func environment(environ []string) (map[string]origin, []error) {
	m := map[string]origin{}
	var errs []error
	for _, e := range environ {
		name, text, _ := strings.Cut(e, "=")
		if !strings.HasPrefix(name, prefix) || strings.HasPrefix(name, testPrefix) {
			continue
		}
		if strings.ContainsRune(text, 0) {
			errs = append(errs, fmt.Errorf("%s holds a zero byte", name))
		}
		m[name] = origin{text, "environment"}
	}
	return m, errs
}

func (s Source) file(path string) (map[string]origin, error) {
	if path == "" {
		return nil, nil
	}
	data, err := s.Read(path)
	if err != nil {
		return nil, fmt.Errorf("%s: reading the file: %w", FileSetting, err)
	}
	return parseFile(path, string(data))
}

// parseFile reads lines of KEY=VALUE. A line that begins with # is a comment; a value may
// be quoted.
func parseFile(path, data string) (map[string]origin, error) {
	m := map[string]origin{}
	var errs []error
	for i, line := range strings.Split(data, "\n") {
		at := fmt.Sprintf("%s:%d", path, i+1)
		line = strings.TrimPrefix(strings.TrimSpace(line), "export ")
		if line == "" || line[0] == '#' {
			continue
		}
		name, text, ok := strings.Cut(line, "=")
		name = strings.TrimSpace(name)
		if !ok || name == "" {
			errs = append(errs, fmt.Errorf("%s: must be KEY=VALUE", at))
			continue
		}
		if was, twice := m[name]; twice {
			errs = append(errs, fmt.Errorf("%s: %s is set already at %s", at, name, was.from))
			continue
		}
		m[name] = origin{unquote(strings.TrimSpace(text)), at}
	}
	return m, errors.Join(errs...)
}

func unquote(v string) string {
	if len(v) >= 2 && (v[0] == '"' || v[0] == '\'') && v[len(v)-1] == v[0] {
		return v[1 : len(v)-1]
	}
	return v
}

func unknown(m map[string]origin) []error {
	var errs []error
	for name, o := range m {
		if _, ok := find(name); ok || (name == FileSetting && o.from == "environment") {
			continue
		}
		errs = append(errs, fmt.Errorf("%s (%s): there is no such setting%s", name, o.from, suggest(name)))
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errs
}

// suggest names the known key that is nearest, if one is near.
func suggest(name string) string {
	best, distance := "", 4
	for _, s := range Settings {
		if d := edits(name, s.Name); d < distance {
			best, distance = s.Name, d
		}
	}
	if best == "" {
		return "; `parley config` lists what there is"
	}
	return "; did you mean " + best + "?"
}

// edits counts the insertions, deletions and replacements between two strings.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// Print writes the effective configuration, with origins and without secrets, in a form
// that is itself a file [Load] can read.
func (c *Config) Print(w io.Writer) error {
	for _, v := range c.Values {
		text := v.Setting.Mask(v.Text)
		if _, err := fmt.Fprintf(w, "# %s (from: %s)\n%s=%s\n", v.Setting.Help, v.Origin, v.Setting.Name, text); err != nil {
			return err
		}
	}
	return nil
}

// Secure reports whether people reach the hub over TLS.
func (c *Config) Secure() bool { return strings.HasPrefix(c.BaseURL, "https://") }
