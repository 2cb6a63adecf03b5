package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func load(env []string, file string, flags map[string]string) (*Config, error) {
	return Source{Environ: env, Flags: flags, Read: func(path string) ([]byte, error) {
		if path != "parley.env" {
			return nil, errors.New("no such file")
		}
		return []byte(file), nil
	}}.Load()
}

func TestDefaults(t *testing.T) {
	c, err := load(nil, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Addr != "127.0.0.1:8080" || c.Data != "./data" || c.Undo != 5*time.Second || len(c.Kafka) != 0 || c.UploadMax != 25<<20 ||
		c.Node == "" || c.Log != (Log{"info", "json"}) || c.Secure() {
		t.Errorf("%+v", c)
	}
}

func TestOrderOfSources(t *testing.T) {
	file := "# comment\nexport PARLEY_ADDR=1.1.1.1:1\nPARLEY_UNDO = \"7s\"\nPARLEY_NODE='n7'\n"
	env := []string{"PARLEY_CONFIG=parley.env", "PARLEY_ADDR=2.2.2.2:2", "PARLEY_TEST_MONGODB=x", "HOME=/"}
	c, err := load(env, file, map[string]string{"PARLEY_LOG": "debug"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Addr != "2.2.2.2:2" || c.Undo != 7*time.Second || c.Node != "n7" || c.Log.Level != "debug" {
		t.Errorf("%+v", c)
	}
	from := map[string]string{}
	for _, v := range c.Values {
		from[v.Setting.Name] = v.Origin
	}
	for name, want := range map[string]string{"PARLEY_ADDR": "environment", "PARLEY_UNDO": "parley.env:3", "PARLEY_LOG": "flag", "PARLEY_DATA": "default"} {
		if from[name] != want {
			t.Errorf("%s is from %s, want %s", name, from[name], want)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, tc := range []struct {
		name, env, file, want string
	}{
		{"a misspelt key", "PARLEY_KAFAK=x:1", "", "did you mean PARLEY_KAFKA?"},
		{"a key nobody knows", "PARLEY_COLOUR_OF_THE_SKY=blue", "", "parley config"},
		{"a misspelt key in the file", "PARLEY_CONFIG=parley.env", "PARLEY_DATE=x", "did you mean PARLEY_DATA?"},
		{"a foreign key in the file", "PARLEY_CONFIG=parley.env", "PATH=x", "there is no such setting"},
		{"twice in the file", "PARLEY_CONFIG=parley.env", "PARLEY_LOG=info\nPARLEY_LOG=warn", "parley.env:1"},
		{"not KEY=VALUE", "PARLEY_CONFIG=parley.env", "hello", "parley.env:1: must be KEY=VALUE"},
		{"no file", "PARLEY_CONFIG=gone.env", "", "no such file"},
		{"an address without port", "PARLEY_ADDR=localhost", "", "address:port"},
		{"a port too large", "PARLEY_ADDR=:70000", "", "0 to 65535"},
		{"IPv6 without brackets", "PARLEY_ADDR=::1:80", "", "brackets"},
		{"a broker without port", "PARLEY_KAFKA=a:1,b", "", "broker"},
		{"a Mongo that is none", "PARLEY_MONGODB=http://x", "", "mongodb://"},
		{"a base without host", "PARLEY_BASE_URL=https://", "", "name a host"},
		{"a short key", "PARLEY_KEY=short", "", "at least 32"},
		{"too long an undo", "PARLEY_UNDO=31s", "", "from 0s to 30s"},
		{"no duration", "PARLEY_UNDO=soon", "", "duration"},
		{"no size", "PARLEY_UPLOAD_MAX=big", "", "size"},
		{"no level", "PARLEY_LOG=loud", "", "one of debug"},
		{"no network", "PARLEY_TRUSTED_PROXIES=here", "", "range"},
		{"an object store with a path", "PARLEY_S3_ENDPOINT=https://s3.example.org/bucket", "", "only https:// and the host"},
		{"an object store with keys in its address", "PARLEY_S3_ENDPOINT=https://a:b@s3.example.org", "", "settings of their own"},
		{"an object store without a bucket", "PARLEY_S3_ENDPOINT=https://s3.example.org", "", "PARLEY_S3_BUCKET must be set too"},
		{"a bucket without an object store", "PARLEY_S3_BUCKET=files", "", "no effect without PARLEY_S3_ENDPOINT"},
		{"a bucket with a path", "PARLEY_S3_BUCKET=files/x", "", "name alone"},
		{"no truth", "PARLEY_DEMO=maybe", "", "true or false"},
		{"idle longer than max", "PARLEY_SESSION_IDLE=800h", "", "longer"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := load([]string{tc.env}, tc.file, nil)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
		})
	}
	_, err := load([]string{"PARLEY_ADDR=x", "PARLEY_UNDO=x"}, "", nil)
	if err == nil || !strings.Contains(err.Error(), "PARLEY_ADDR") || !strings.Contains(err.Error(), "PARLEY_UNDO") {
		t.Errorf("not everything wrong is named: %v", err)
	}
}

func TestSecretsAreNeverShown(t *testing.T) {
	secret := strings.Repeat("k3y", 12)
	c, err := load([]string{"PARLEY_KEY=" + secret, "PARLEY_MONGODB=mongodb://ann:hush@db:1/parley?authSource=admin&tlsCertificateKeyFilePassword=hush2",
		"PARLEY_MEILISEARCH=http://:hush3@search:7700",
		"PARLEY_S3_ENDPOINT=https://s3.example.org", "PARLEY_S3_BUCKET=files", "PARLEY_S3_ACCESS_KEY=hush4", "PARLEY_S3_SECRET_KEY=hush5", "PARLEY_S3_PREFIX=/in/"}, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	var out, log strings.Builder
	if err := c.Print(&out); err != nil {
		t.Fatal(err)
	}
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "key", c.Key, "s3", c.S3)
	data, err := json.Marshal(map[string]any{"key": c.Key, "s3": c.S3})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{out.String(), log.String(), string(data), fmt.Sprintf("%v %s %+v", c.Key, c.Key, c.S3)} {
		for _, hidden := range []string{secret, "hush"} {
			if strings.Contains(text, hidden) {
				t.Errorf("%q is shown in %s", hidden, text)
			}
		}
	}
	if c.S3.AccessKey.Reveal() != "hush4" || c.S3.Secret.Reveal() != "hush5" || c.S3.Prefix != "in" {
		t.Errorf("the object store is %+v", c.S3)
	}
	if !strings.Contains(out.String(), "mongodb://ann:••••@db:1/parley?authSource=admin") || c.Key.Reveal() != secret {
		t.Errorf("printed %s", out.String())
	}
}

// What is printed without secrets can be read again.
func TestPrintedFormIsAFile(t *testing.T) {
	c, err := load([]string{"PARLEY_KAFKA=a:1,b:2", "PARLEY_NODE=n1"}, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := c.Print(&out); err != nil {
		t.Fatal(err)
	}
	again, err := load([]string{"PARLEY_CONFIG=parley.env"}, out.String(), nil)
	if err != nil || fmt.Sprint(again.Kafka) != "[a:1 b:2]" || again.Node != "n1" {
		t.Errorf("%+v, %v", again, err)
	}
}

func TestEverySettingHasHelp(t *testing.T) {
	for _, s := range Settings {
		if !strings.HasPrefix(s.Name, prefix) || s.Help == "" || !strings.HasSuffix(s.Help, ".") || s.set == nil {
			t.Errorf("%+v", s)
		}
		if s.Example != "" {
			if err := s.set(&Config{}, s.Example); err != nil {
				t.Errorf("%s: its example: %v", s.Name, err)
			}
		}
	}
}

func TestClientBehindProxies(t *testing.T) {
	proxies := Proxies{netip.MustParsePrefix("10.0.0.0/8")}
	for _, tc := range []struct{ name, peer, forwarded, want string }{
		{"no proxy", "1.2.3.4", "9.9.9.9", "1.2.3.4"},
		{"one proxy", "10.0.0.1", "9.9.9.9", "9.9.9.9"},
		{"two proxies", "10.0.0.1", "9.9.9.9, 10.0.0.2", "9.9.9.9"},
		{"a forged beginning", "10.0.0.1", "6.6.6.6, 9.9.9.9", "9.9.9.9"},
		{"with a port", "10.0.0.1", "9.9.9.9:1234", "9.9.9.9"},
		{"IPv6", "10.0.0.1", "[2001:db8::1]:99", "2001:db8::1"},
		{"rubbish", "10.0.0.1", "x", "10.0.0.1"},
		{"nothing", "10.0.0.1", "", "10.0.0.1"},
		{"mapped", "::ffff:10.0.0.1", "9.9.9.9", "9.9.9.9"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := proxies.Client(netip.MustParseAddr(tc.peer), tc.forwarded); got.String() != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func FuzzFile(f *testing.F) {
	f.Add("PARLEY_ADDR=x\n# y\nexport A='b'")
	f.Fuzz(func(t *testing.T, data string) {
		if m, err := parseFile("f", data); err == nil {
			for name := range m {
				if name == "" {
					t.Error("an empty name")
				}
			}
		}
	})
}

func TestAllowedNetworks(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want int
		ok   bool
	}{
		"none":            {"", 0, true},
		"range and host":  {"10.20.0.0/16, 127.0.0.1,::1", 3, true},
		"a name":          {"mail.internal", 0, false},
		"a broken prefix": {"10.0.0.0/99", 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, err := Source{Environ: []string{"PARLEY_ALLOW_NETWORKS=" + c.text}}.Load()
			if (err == nil) != c.ok {
				t.Fatal(err)
			}
			if c.ok && len(cfg.Allow) != c.want {
				t.Errorf("%v", cfg.Allow)
			}
			if !c.ok && !strings.Contains(err.Error(), "PARLEY_ALLOW_NETWORKS") {
				t.Error("the error does not name the setting:", err)
			}
		})
	}
}

func TestOIDC(t *testing.T) {
	cases := []struct {
		name string
		env  []string
		want string // in the error; empty: none
	}{
		{"all", []string{"PARLEY_OIDC_ISSUER=https://login.example.org/", "PARLEY_OIDC_CLIENT_ID=parley", "PARLEY_OIDC_ROLES_CLAIM=groups", "PARLEY_OIDC_ROLES=leads=supervisor, all=agent", "PARLEY_OIDC_AUTO_CREATE=Example.org"}, ""},
		{"no client", []string{"PARLEY_OIDC_ISSUER=https://login.example.org"}, "PARLEY_OIDC_CLIENT_ID must be set"},
		{"no issuer", []string{"PARLEY_OIDC_CLIENT_ID=parley"}, "no effect without PARLEY_OIDC_ISSUER"},
		{"roles without a claim", []string{"PARLEY_OIDC_ISSUER=https://x.org", "PARLEY_OIDC_CLIENT_ID=p", "PARLEY_OIDC_ROLES=a=agent"}, "no effect without PARLEY_OIDC_ROLES_CLAIM"},
		{"half a pair", []string{"PARLEY_OIDC_ISSUER=https://x.org", "PARLEY_OIDC_CLIENT_ID=p", "PARLEY_OIDC_ROLES_CLAIM=g", "PARLEY_OIDC_ROLES=agent"}, "must be value=role"},
		{"not a domain", []string{"PARLEY_OIDC_ISSUER=https://x.org", "PARLEY_OIDC_CLIENT_ID=p", "PARLEY_OIDC_AUTO_CREATE=*.example.org"}, "must be a domain"},
		{"not an issuer", []string{"PARLEY_OIDC_ISSUER=login.example.org", "PARLEY_OIDC_CLIENT_ID=p"}, "must be an address"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := Source{Environ: c.env}.Load()
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Fatalf("%v, want %q", err, c.want)
			}
			if err == nil && (got.OIDC.Issuer != "https://login.example.org/" || got.OIDC.Roles["all"] != "agent" || got.OIDC.AutoCreate[0] != "example.org" || len(got.OIDC.Scopes) != 3) {
				t.Errorf("%+v", got.OIDC)
			}
		})
	}
}
