package mail_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"net"
	"reflect"
	"strings"
	"testing"

	"github.com/emersion/go-msgauth/dkim"

	"github.com/parley-hub/parley/channels/email/mail"
)

func TestAuthResults(t *testing.T) {
	raw := "Authentication-Results: mx.example.com; spf=pass smtp.mailfrom=bounce@shop.example;\n dkim=pass (2048-bit key) header.d=Shop.example header.i=@shop.example; dmarc=fail (p=REJECT) header.from=shop.example\n" +
		"Authentication-Results: mx.example.com; dkim=pass header.d=forged.example\nAuthentication-Results: evil.example; dmarc=pass header.from=bank.example\n" + from + "\nhi"
	m := parse(t, raw)
	want := []mail.Verdict{{Method: "spf", Result: "pass", Domain: "shop.example"}, {Method: "dkim", Result: "pass", Domain: "shop.example"}, {Method: "dmarc", Result: "fail", Domain: "shop.example"}}
	if got := m.AuthResults([]string{"MX.example.com"}); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	if got := m.AuthResults([]string{"evil.example"}); len(got) != 1 || got[0].Domain != "bank.example" {
		t.Errorf("%+v", got)
	}
	for _, trusted := range [][]string{nil, {""}, {"other.example"}} {
		if got := m.AuthResults(trusted); got != nil {
			t.Errorf("%q is trusted without being named: %+v", trusted, got)
		}
	}
	m = parse(t, "Authentication-Results: spf=pass (sender IP is 192.0.2.1)\n smtp.mailfrom=shop.example; dkim=pass (signature was verified)\n header.d=shop.example;dmarc=pass action=none header.from=shop.example;compauth=pass reason=100\n"+from+"\nhi")
	if got := m.AuthResults([]string{mail.Unnamed}); len(got) != 3 || got[2] != (mail.Verdict{Method: "dmarc", Result: "pass", Domain: "shop.example"}) {
		t.Errorf("%+v", got)
	}
	if got := m.AuthResults([]string{"mx.example.com", "spf=pass"}); got != nil {
		t.Errorf("a server without a name is trusted: %+v", got)
	}
	m = parse(t, "Authentication-Results: mx.example.com 1; none\n"+from+"\nhi")
	if got := m.AuthResults([]string{"mx.example.com"}); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestVerifyDKIM(t *testing.T) {
	pub, priv, err := ed25519.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{7}, 64)))
	if err != nil {
		t.Fatal(err)
	}
	raw := strings.ReplaceAll(from+"\nHello there\n", "\n", "\r\n")
	var signed bytes.Buffer
	if err := dkim.Sign(&signed, strings.NewReader(raw), &dkim.SignOptions{Domain: "example.org", Selector: "s", Signer: crypto.Signer(priv)}); err != nil {
		t.Fatal(err)
	}
	record := "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(pub)
	good := func(string) ([]string, error) { return []string{record}, nil }
	down := func(string) ([]string, error) { return nil, &net.DNSError{Err: "down", IsTemporary: true} }
	gone := func(string) ([]string, error) { return nil, &net.DNSError{Err: "none", IsNotFound: true} }
	lf := bytes.ReplaceAll(signed.Bytes(), []byte("\r\n"), []byte("\n"))
	forged := bytes.Replace(signed.Bytes(), []byte("Hello there"), []byte("Hello THERE"), 1)
	cases := []struct {
		name   string
		raw    []byte
		lookup func(string) ([]string, error)
		want   string
	}{
		{"signed", signed.Bytes(), good, "pass"},
		{"signed_stored_with_line_feeds", lf, good, "pass"},
		{"changed", forged, good, "fail"},
		{"dns_down", signed.Bytes(), down, "temperror"},
		{"key_gone", signed.Bytes(), gone, "permerror"},
		{"unsigned", []byte(raw), good, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			vs, err := mail.VerifyDKIM(c.raw, c.lookup)
			got := ""
			for _, v := range vs {
				got = v.Result
				if v.Domain != "example.org" {
					t.Error(v.Domain)
				}
			}
			if err != nil || got != c.want {
				t.Errorf("%q, want %q: %v %v", got, c.want, fmt.Sprint(vs), err)
			}
		})
	}
	if _, err := mail.VerifyDKIM(signed.Bytes(), nil); err == nil {
		t.Error("a check without a resolver")
	}
}
