package email

import (
	"context"
	"net"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/publicsuffix"

	"github.com/parley-hub/parley/channels/email/mail"
	"github.com/parley-hub/parley/timeline"
)

const (
	dnsFor    = 5 * time.Second
	dnsKeep   = time.Hour
	dnsRetry  = 5 * time.Minute
	dnsAtMost = 10000 // keys remembered
)

// verdict is what is known of who sent a mail.
type verdict struct {
	checks []timeline.Check
	signed bool // DMARC passed, or a DKIM signature of the sender's own domain
	failed bool // DMARC failed: the sender is somebody else
}

// judge reads the verdict of a trusted verifier, or checks the signatures here. SPF cannot be
// checked here: who handed the mail over is not known any more.
func (s *Session) judge(m *mail.Mail, raw []byte) verdict {
	domain := domainOf(m.From.Address)
	vs := m.AuthResults(s.set.authserv)
	if vs == nil && s.set.verify && m.Header.Has("DKIM-Signature") {
		got, err := mail.VerifyDKIM(raw, s.keysDNS.lookup)
		if err != nil {
			s.host.Log().Debug("a mail's signatures could not be checked", "error", err)
		}
		vs = got
	}
	var v verdict
	for _, r := range vs {
		c := timeline.Check{Name: strings.ToUpper(r.Method), Result: plainResult(r.Result), Detail: r.Domain}
		if c.Result != r.Result {
			c.Detail = strings.TrimSpace(r.Domain + " " + r.Result)
		}
		v.checks = append(v.checks, c)
		own := aligned(r.Domain, domain)
		switch {
		case r.Method == "dmarc" && r.Result == "fail":
			v.failed = true
		case r.Method == "dmarc" && r.Result == "pass" && own, r.Method == "dkim" && r.Result == "pass" && own:
			v.signed = true
		}
	}
	v.signed = v.signed && !v.failed
	return v
}

// plainResult is a result in the three words of a badge.
func plainResult(r string) string {
	switch r {
	case "pass", "fail":
		return r
	case "softfail", "permerror":
		return "fail"
	}
	return "none"
}

func domainOf(address string) string {
	_, domain, _ := cutAddress(normal(address))
	return domain
}

// aligned reports whether two domains belong to one organisation, as DMARC's relaxed mode has
// it (RFC 7489 §3.1).
func aligned(a, b string) bool {
	a, b = normal("x@" + a)[2:], normal("x@" + b)[2:]
	if a == "" || b == "" {
		return false
	}
	if a == b {
		return true
	}
	x, errX := publicsuffix.EffectiveTLDPlusOne(a)
	y, errY := publicsuffix.EffectiveTLDPlusOne(b)
	return errX == nil && errY == nil && x == y
}

// dkimKeys looks keys up in the DNS and remembers them. The zero value is ready; it is safe for
// concurrent use.
type dkimKeys struct {
	mu    sync.Mutex
	found map[string]dkimKey
	ask   func(ctx context.Context, name string) ([]string, error) // nil: the system's resolver
}

type dkimKey struct {
	txt   []string
	err   error
	until time.Time
}

func (k *dkimKeys) lookup(name string) ([]string, error) {
	now := time.Now()
	k.mu.Lock()
	got, ok := k.found[name]
	ask := k.ask
	k.mu.Unlock()
	if ok && now.Before(got.until) {
		return got.txt, got.err
	}
	if ask == nil {
		ask = net.DefaultResolver.LookupTXT
	}
	ctx, cancel := context.WithTimeout(context.Background(), dnsFor)
	defer cancel()
	txt, err := ask(ctx, name)
	keep := dnsKeep
	if err != nil {
		keep = dnsRetry
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.found == nil || len(k.found) >= dnsAtMost {
		k.found = map[string]dkimKey{}
	}
	k.found[name] = dkimKey{txt, err, now.Add(keep)}
	return txt, err
}
