package bus

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

func TestSecurityKeepsItsPassword(t *testing.T) {
	s := Security{User: "me", Password: "p@ss"}
	if v := s.LogValue().String(); strings.Contains(v, s.Password) || !strings.Contains(v, s.User) {
		t.Errorf("logged as %s", v)
	}
}

func TestUnknownMechanismIsRefused(t *testing.T) {
	if _, err := (Security{User: "me", Mechanism: "gssapi"}).sasl(); err == nil || !strings.Contains(err.Error(), "gssapi") {
		t.Errorf("error %v", err)
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
