package email

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

// listening opens an inbox that is delivered to, and a mail server's connection to it.
func listening(t *testing.T, protocol string, with map[string]string) (*bench, func() *smtp.Client) {
	t.Helper()
	set := map[string]string{"imapHost": "", "listen": "127.0.0.1:0", "listenProtocol": protocol, "domains": "acme.example"}
	for k, v := range with {
		set[k] = v
	}
	b := newBench(t, set)
	b.run()
	b.until("it listens", func() bool { return b.address() != nil })
	return b, func() *smtp.Client {
		t.Helper()
		conn, err := net.Dial("tcp", b.address().String())
		if err != nil {
			t.Fatal(err)
		}
		c := smtp.NewClient(conn)
		if protocol == receiveLMTP {
			c = smtp.NewClientLMTP(conn)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
}

func (b *bench) address() net.Addr { b.s.mu.Lock(); defer b.s.mu.Unlock(); return b.s.listening }

// deliver hands a mail over by LMTP and returns what is said for each recipient.
func deliver(t *testing.T, c *smtp.Client, raw string, to ...string) smtp.LMTPDataError {
	t.Helper()
	if err := c.Mail("maya@hikes.example", nil); err != nil {
		t.Fatal(err)
	}
	for _, r := range to {
		if err := c.Rcpt(r, nil); err != nil {
			t.Fatalf("%s: %v", r, err)
		}
	}
	w, err := c.Data()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, raw); err != nil {
		t.Fatal(err)
	}
	_, err = w.CloseWithLMTPResponse()
	var no smtp.LMTPDataError
	if err != nil && !errors.As(err, &no) {
		t.Fatal(err)
	}
	return no
}

func TestLMTPSaysYesOnlyWhenDurable(t *testing.T) {
	b, dial := listening(t, receiveLMTP, nil)
	c := dial()
	raw := mailOf("Hello", "Message-ID: <l@h>", "To: support@acme.example")
	b.hub.Down(errors.New("the disk is full"))
	no := deliver(t, c, raw, "support@acme.example", "sales@acme.example")
	if len(no) != 2 || no["support@acme.example"].Code != 451 || no["sales@acme.example"].Code != 451 {
		t.Fatalf("while nothing can be kept it says %v", no)
	}
	if strings.Contains(no.Error(), "disk") {
		t.Error("what is wrong in the house is told outside")
	}
	b.hub.Down(nil)
	if no := deliver(t, c, raw, "support@acme.example", "sales@acme.example"); no != nil {
		t.Fatalf("then it says %v", no)
	}
	if no := deliver(t, c, raw, "support@acme.example"); no != nil {
		t.Fatalf("a repeat is answered %v", no)
	}
	if n := len(b.messages()); n != 1 {
		t.Errorf("it is in %d times", n)
	}
	if h := b.hub.State(); h.State != channels.Green {
		t.Errorf("the inbox is %+v", h)
	}
}

func TestRecipientsAreVerified(t *testing.T) {
	b, dial := listening(t, receiveSMTP, map[string]string{"domains": "hub.example"})
	plus, _ := b.s.keys.plus("support@acme.example", "e1")
	c := dial()
	if err := c.Mail("maya@hikes.example", nil); err != nil {
		t.Fatal(err)
	}
	for to, ok := range map[string]bool{"support@acme.example": true, "Support+anything@ACME.example": true, plus: true, "whoever@hub.example": true,
		"other@acme.example": false, "victim@elsewhere.example": false} {
		err := c.Rcpt(to, nil)
		var no *smtp.SMTPError
		if (err == nil) != ok || err != nil && (!errors.As(err, &no) || no.Code != 550) {
			t.Errorf("%s: %v", to, err)
		}
	}
}

func TestSMTPReceive(t *testing.T) {
	b, dial := listening(t, receiveSMTP, nil)
	if err := dial().SendMail("maya@hikes.example", []string{"support@acme.example"}, strings.NewReader(mailOf("By SMTP", "Message-ID: <s@h>"))); err != nil {
		t.Fatal(err)
	}
	if m := b.messages(); len(m) != 1 || m[0].Event.Message.Text != "By SMTP" {
		t.Errorf("in are %+v", m)
	}
	b.hub.Down(errors.New("no"))
	var no *smtp.SMTPError
	if err := dial().SendMail("maya@hikes.example", []string{"support@acme.example"}, strings.NewReader(mailOf("Later", "Message-ID: <s2@h>"))); !errors.As(err, &no) || no.Code != 451 {
		t.Errorf("it says %v", err)
	}
}

func TestDeliveredReportHasNoSender(t *testing.T) {
	b, dial := listening(t, receiveLMTP, nil)
	_, sent := b.send(b.reply("e1", "maya@hikes.example", "Hi"))
	c := dial()
	if err := c.Mail("", nil); err != nil {
		t.Fatal(err)
	}
	if err := c.Rcpt("support@acme.example", nil); err != nil {
		t.Fatal(err)
	}
	w, err := c.Data()
	if err != nil {
		t.Fatal(err)
	}
	raw := report("failed", "5.1.1", "gone", "Message-ID: "+headerOf(sent.Raw, "Message-ID"))
	if _, err := io.WriteString(w, raw); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if r := of(b.hub.Emitted(), timeline.KindReceipt); len(r) != 1 || r[0].Event.Receipt.State != timeline.Failed {
		t.Errorf("receipts are %+v", r)
	}
}

func TestReceiveOverTLS(t *testing.T) {
	cert, key := certificate(t)
	b, dial := listening(t, receiveSMTP, map[string]string{"listenCert": cert, "listenKey": key})
	if ok, _ := dial().Extension("STARTTLS"); !ok {
		t.Fatal("STARTTLS is not offered")
	}
	conn, err := net.Dial("tcp", b.address().String())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(cert))
	c, err := smtp.NewClientStartTLS(conn, &tls.Config{RootCAs: roots, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := c.SendMail("maya@hikes.example", []string{"support@acme.example"}, strings.NewReader(mailOf("Sealed", "Message-ID: <t@h>"))); err != nil {
		t.Fatal(err)
	}
	if len(b.messages()) != 1 {
		t.Error("it is not in")
	}
}

// certificate makes one for loopback.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	b, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: b}))
}

func TestBothWaysAtOnce(t *testing.T) {
	b := newBench(t, map[string]string{"listen": "127.0.0.1:0"})
	b.put(mailOf("Fetched", "Message-ID: <f@h>"))
	b.run()
	b.until("the fetched one is in", func() bool { return len(b.messages()) == 1 && b.address() != nil })
	b.imap.Close() // deliveries go on while the mailbox is away
	conn, err := net.Dial("tcp", b.address().String())
	if err != nil {
		t.Fatal(err)
	}
	c := smtp.NewClientLMTP(conn)
	defer func() { _ = c.Close() }()
	if no := deliver(t, c, mailOf("Delivered", "Message-ID: <d@h>"), "support@acme.example"); no != nil {
		t.Fatal(no)
	}
	if len(b.messages()) != 2 || len(b.runs()) != 0 {
		t.Errorf("%d are in; runs ended %v", len(b.messages()), b.runs())
	}
}

func TestListenAddressTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	b := newBench(t, map[string]string{"imapHost": "", "listen": l.Addr().String()})
	b.run()
	b.until("people are told", func() bool { return b.hub.State().State == channels.Red })
}
