package meta

import (
	"bytes"
	"compress/gzip"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/parley-hub/parley/channels"
)

const (
	secret = "hub-test-app-secret"
	// body has escapes as the far side writes them: it signs these bytes, not what they mean.
	body = `{"object":"instagram","entry":[{"id":"1","messaging":[{"message":{"text":"\u60a8\u597d \ud83d\ude00","u":"https:\/\/x"}}]}]}`
)

func header(v string) http.Header { return http.Header{SignatureHeader: {v}} }

// A known value, made with another implementation: openssl dgst -sha256 -hmac.
func TestSignKnownValue(t *testing.T) {
	if got := Sign("key", []byte("The quick brown fox jumps over the lazy dog")); got != "sha256=f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8" {
		t.Error(got)
	}
}

func TestVerify(t *testing.T) {
	good := Sign(secret, []byte(body))
	sum := hmac.New(sha1.New, []byte(secret))
	sum.Write([]byte(body))
	old := hex.EncodeToString(sum.Sum(nil))
	for name, c := range map[string]struct {
		header  http.Header
		body    string
		secrets []string
		ok      bool
	}{
		"good":                          {header(good), body, []string{secret}, true},
		"ig_sig_escaped_unicode":        {header(good), strings.NewReplacer(`\u60a8\u597d`, "您好", `\/`, "/").Replace(body), []string{secret}, false},
		"ig_sig_missing":                {http.Header{}, body, []string{secret}, false},
		"ig_sig_malformed":              {header("hello"), body, []string{secret}, false},
		"ig_sig_without_prefix":         {header(strings.TrimPrefix(good, "sha256=")), body, []string{secret}, false},
		"ig_sig_sha1_only":              {http.Header{"X-Hub-Signature": {"sha1=" + old}}, body, []string{secret}, false},
		"ig_sig_sha1_in_its_place":      {header("sha1=" + old), body, []string{secret}, false},
		"ig_sig_uppercase":              {header("sha256=" + strings.ToUpper(good[7:])), body, []string{secret}, false},
		"ig_sig_71chars_wrong":          {header("sha256=" + strings.Repeat("0", 64)), body, []string{secret}, false},
		"one byte changed":              {header(good), body[:len(body)-1] + " ", []string{secret}, false},
		"another secret":                {header(good), body, []string{"other"}, false},
		"ig_sig_rotation: the first":    {header(good), body, []string{secret, "new"}, true},
		"ig_sig_rotation: the second":   {header(good), body, []string{"new", secret}, true},
		"ig_sig_rotation: twice itself": {header(good), body, []string{secret, secret}, true},
		"an empty body":                 {header(Sign(secret, nil)), "", []string{secret}, true},
	} {
		t.Run(name, func(t *testing.T) {
			err := Verify(c.header, []byte(c.body), c.secrets)
			if c.ok != (err == nil) || err != nil && !errors.Is(err, channels.ErrForged) {
				t.Fatal(err)
			}
			// ig_sig_no_oracle: what is said holds neither what was expected nor the secret.
			if err != nil && (strings.Contains(err.Error(), good[7:]) || strings.Contains(err.Error(), secret)) {
				t.Error("the refusal tells")
			}
		})
	}
}

// ig_sig_no_secret_configured: nothing is accepted, and the far side is asked to try again.
func TestNoSecretConfigured(t *testing.T) {
	for name, secrets := range map[string][]string{"none": nil, "blank lines": Secrets(" \n\n", "")} {
		err := Verify(header(Sign("", []byte(body))), []byte(body), secrets)
		var p *channels.Problem
		if !errors.As(err, &p) || p.Status != http.StatusServiceUnavailable {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSecrets(t *testing.T) {
	if got := Secrets("a\n b \r\n", "", "c"); strings.Join(got, ",") != "a,b,c" {
		t.Error(got)
	}
}

// ig_gzip_body: the bytes on the wire are signed, whatever they are.
func TestGzipBody(t *testing.T) {
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	if _, err := w.Write([]byte(body)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := Verify(header(Sign(secret, z.Bytes())), z.Bytes(), []string{secret}); err != nil {
		t.Error("the compressed bytes, signed, were refused")
	}
	if err := Verify(header(Sign(secret, []byte(body))), z.Bytes(), []string{secret}); !errors.Is(err, channels.ErrForged) {
		t.Error("a signature of what the bytes mean was taken")
	}
}

func TestChallenge(t *testing.T) {
	ask := func(mode, token string, challenge ...string) channels.Callback {
		return channels.Callback{Method: http.MethodGet, Query: map[string][]string{"hub.mode": {mode}, "hub.verify_token": {token}, "hub.challenge": challenge}}
	}
	for name, c := range map[string]struct {
		c    channels.Callback
		want string
		ok   bool
	}{
		"ig_verify_ok":               {ask("subscribe", "tok", "1158201444"), "tok", true},
		"ig_verify_wrong_token":      {ask("subscribe", "no", "1158201444"), "tok", false},
		"ig_verify_mode_unsubscribe": {ask("unsubscribe", "tok", "1158201444"), "tok", false},
		"no challenge":               {ask("subscribe", "tok"), "tok", false},
		"two challenges":             {ask("subscribe", "tok", "1", "2"), "tok", false},
		"no token configured":        {ask("subscribe", "", "1158201444"), "", false},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := Challenge(c.c, c.want)
			if c.ok {
				if err != nil || string(a.Body) != "1158201444" || !strings.HasPrefix(a.Type, "text/plain") {
					t.Errorf("%q %v", a.Body, err)
				}
				return
			}
			var p *channels.Problem
			if !errors.As(err, &p) || p.Status != http.StatusForbidden || strings.Contains(err.Error()+string(a.Body), "1158201444") {
				t.Errorf("%q %v", a.Body, err)
			}
		})
	}
}
