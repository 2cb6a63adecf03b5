package email

import (
	"context"
	"crypto/tls"
	"strings"
	"testing"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/email/far"
)

func TestTLS(t *testing.T) {
	cert, key := certificate(t)
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	conf := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	for _, c := range []struct {
		name    string
		now     bool
		setting string
	}{{"from_the_first_byte", true, secureTLS}, {"by_starttls", false, secureSTARTTLS}} {
		secured := map[string]string{"imapSecurity": c.setting, "smtpSecurity": c.setting}
		t.Run(c.name, func(t *testing.T) {
			with := map[string]string{"ca": cert}
			for k, v := range secured {
				with[k] = v
			}
			b := newSecureBench(t, far.Secure{Config: conf, Now: c.now}, with)
			b.put(plain(1))
			b.run()
			b.until("the mail is in", func() bool { return len(b.messages()) == 1 })
			if r, _ := b.send(b.reply("e1", "maya@hikes.example", "Hi")); r.Outcome != channels.Accepted {
				t.Errorf("sending ended %v: %v", r.Outcome, r.Failure.Err)
			}
			raw, err := b.s.readSimply(context.Background(), 1)
			if err != nil || !strings.Contains(string(raw), "body 1") {
				t.Errorf("the simple reader got %d bytes, %v", len(raw), err)
			}
		})
		t.Run(c.name+"_not_trusted", func(t *testing.T) {
			b := newSecureBench(t, far.Secure{Config: conf, Now: c.now}, secured)
			b.put(plain(1))
			b.run()
			b.until("people are told", func() bool { return b.hub.State().State == channels.Amber })
			if h := b.hub.State(); !strings.Contains(h.Reason, "certificate") {
				t.Errorf("they are told %q", h.Reason)
			}
			if r, _ := b.send(b.reply("e1", "maya@hikes.example", "Hi")); r.Outcome != channels.Rejected || len(b.smtp.Mails())+b.imap.Logins() != 0 {
				t.Errorf("sending ended %v", r.Outcome)
			}
		})
	}
}
