package bus

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

func TestParseBrokers(t *testing.T) {
	for name, x := range map[string]struct {
		in        string
		hosts     []string
		tls       bool
		user, pw  string
		mechanism string
		err       string
	}{
		"empty":            {in: ""},
		"list":             {in: "a:1, b", hosts: []string{"a:1", "b:9092"}},
		"url":              {in: "kafka://a:1,b:2", hosts: []string{"a:1", "b:2"}},
		"tls and scram":    {in: "kafkas://me:p%40ss@a:1?mechanism=SCRAM-SHA-256", hosts: []string{"a:1"}, tls: true, user: "me", pw: "p@ss", mechanism: "scram-sha-256"},
		"ipv6":             {in: "[::1]:1,[::2]", hosts: []string{"[::1]:1", "[::2]:9092"}},
		"wrong scheme":     {in: "http://a", err: "scheme"},
		"wrong mechanism":  {in: "kafka://u:p@a?mechanism=gssapi", err: "mechanism"},
		"wrong parameter":  {in: "kafka://a?acks=0", err: "acks"},
		"no host":          {in: "kafka://u:p@", err: "no host"},
		"secret not shown": {in: "kafka://u:s%zzecret@a", err: "escaped"},
	} {
		t.Run(name, func(t *testing.T) {
			hosts, s, err := ParseBrokers(x.in)
			if x.err != "" {
				if err == nil || !strings.Contains(err.Error(), x.err) || strings.Contains(err.Error(), "zzecret") {
					t.Errorf("error %v", err)
				}
				return
			}
			must(t, err)
			if !slices.Equal(hosts, x.hosts) || (s.TLS != nil) != x.tls || s.User != x.user || s.Password != x.pw || s.Mechanism != x.mechanism {
				t.Errorf("%v %+v", hosts, s)
			}
			if s.Password != "" && strings.Contains(s.LogValue().String(), s.Password) {
				t.Error("the password is logged")
			}
		})
	}
}

func TestSecuredCluster(t *testing.T) {
	onlyEmbedded(t)
	srv := httptest.NewUnstartedServer(nil) // for its certificate
	srv.StartTLS()
	defer srv.Close()
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	for name, x := range map[string]struct {
		tls       bool
		mechanism string
		password  string
		ok        bool
	}{
		"plain":          {mechanism: "plain", password: "right", ok: true},
		"scram":          {mechanism: "scram-sha-512", password: "right", ok: true},
		"scram over tls": {tls: true, mechanism: "scram-sha-256", password: "right", ok: true},
		"wrong password": {mechanism: "plain", password: "wrong"},
	} {
		t.Run(name, func(t *testing.T) {
			opts := []kfake.Opt{kfake.NumBrokers(1), kfake.EnableSASL(), kfake.GroupMinSessionTimeout(time.Second),
				kfake.Superuser(strings.ToUpper(x.mechanism), "me", "right")}
			tp := topic("secured")
			c := config(t, "", tp)
			c.Security = Security{User: "me", Password: x.password, Mechanism: x.mechanism}
			if x.tls {
				opts = append(opts, kfake.TLS(&tls.Config{Certificates: srv.TLS.Certificates, MinVersion: tls.VersionTLS12}))
				c.Security.TLS = &tls.Config{RootCAs: roots, ServerName: "example.com", MinVersion: tls.VersionTLS12}
			}
			broker, err := kfake.NewCluster(opts...)
			must(t, err)
			defer broker.Close()
			c.Brokers, c.Replication = broker.ListenAddrs(), 1
			if !x.ok {
				if _, err := Open(timeout(t, time.Second), c); err == nil {
					t.Error("let in")
				}
				return
			}
			b := mustOpen(t, c)
			var got seen
			must(t, Consume(b, tp, Consumer[note]{Group: "g"}, got.handler))
			must(t, b.Started(timeout(t, 10*time.Second)))
			must(t, Publish(context.Background(), b, tp, note{Key: "k"}))
			until(t, "handled", 5*time.Second, func() bool { return got.len() == 1 })
			must(t, b.Close(timeout(t, 5*time.Second)))
		})
	}
}
