// Package httpx makes the HTTP clients that adapters call the outside world with.
//
// A client resolves a name and dials the address it got, and refuses addresses inside the
// house (loopback, private, link-local, metadata services) at the moment of dialling: a
// name that changes its mind between check and use, or a redirect, gains nothing. Answers
// are limited in size and time, no proxy of the environment is used, and [Clean] takes
// secrets out of errors.
package httpx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// The limits of a client that does not say otherwise.
const (
	DefaultTimeout   = 30 * time.Second
	DefaultMaxBody   = 64 << 20 // bytes
	dialTimeout      = 10 * time.Second
	idleTimeout      = 90 * time.Second
	maxRedirects     = 5
	maxHeader        = 64 << 10 // bytes
	maxIdlePerHost   = 16
	keepAlivePeriod  = 30 * time.Second
	handshakeTimeout = 10 * time.Second
)

// The errors of the guard.
var (
	ErrRefused  = errors.New("httpx: the address is inside the house; allow it in the settings if it is meant")
	ErrTooLarge = errors.New("httpx: the answer is larger than allowed")
	ErrScheme   = errors.New("httpx: only http and https are spoken")
	ErrRedirect = errors.New("httpx: the redirect is not followed")
)

// Options shape a client. The zero value is a good one.
type Options struct {
	Allow   []netip.Prefix // inside addresses that may be called after all
	Timeout time.Duration  // of a whole call with its body, where its context has no deadline of its own; 0: DefaultTimeout
	MaxBody int64          // bytes of an answer; 0: DefaultMaxBody
	Agent   string         // User-Agent; empty: Parley
}

// New makes a client. It is safe for concurrent use.
func New(o Options) *http.Client {
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.MaxBody == 0 {
		o.MaxBody = DefaultMaxBody
	}
	if o.Agent == "" {
		o.Agent = "Parley"
	}
	d := &net.Dialer{Timeout: dialTimeout, KeepAlive: keepAlivePeriod, ControlContext: guard(o.Allow)}
	t := &http.Transport{
		DialContext:            d.DialContext,
		TLSHandshakeTimeout:    handshakeTimeout,
		IdleConnTimeout:        idleTimeout,
		MaxIdleConnsPerHost:    maxIdlePerHost,
		MaxResponseHeaderBytes: maxHeader,
		ForceAttemptHTTP2:      true,
	}
	return &http.Client{Transport: &limited{next: t, max: o.MaxBody, agent: o.Agent, timeout: o.Timeout}, CheckRedirect: redirect}
}

// guard looks at the address a connection is about to be made to, after the name was resolved.
func guard(allow []netip.Prefix) func(context.Context, string, string, syscall.RawConn) error {
	return func(_ context.Context, _, address string, _ syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: %s", ErrRefused, address)
		}
		if ip := ap.Addr().Unmap().WithZone(""); !Public(ip) && !within(ip, allow) {
			return ErrRefused
		}
		return nil
	}
}

// inside lists what is not the public internet beyond what netip knows by name.
var inside = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"), // carriers' NAT
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b::/96"), // translated IPv4
	netip.MustParsePrefix("64:ff9b:1::/48"),
	netip.MustParsePrefix("100::/64"),
	netip.MustParsePrefix("2001::/23"), // Teredo and friends
	netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("2002::/16"), // 6to4 carries an IPv4 address
	netip.MustParsePrefix("fec0::/10"),
}

// Public reports whether an address is on the public internet.
func Public(ip netip.Addr) bool {
	ip = ip.Unmap()
	return ip.IsValid() && ip.IsGlobalUnicast() && !ip.IsPrivate() && !ip.IsLoopback() && !within(ip, inside)
}

func within(ip netip.Addr, ps []netip.Prefix) bool {
	for _, p := range ps {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

func redirect(r *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return fmt.Errorf("%w: more than %d of them", ErrRedirect, maxRedirects)
	}
	if via[0].URL.Scheme == "https" && r.URL.Scheme != "https" {
		return fmt.Errorf("%w: it leads from https to http", ErrRedirect)
	}
	return scheme(r.URL)
}

func scheme(u *url.URL) error {
	if u.Scheme != "http" && u.Scheme != "https" {
		return ErrScheme
	}
	return nil
}

// limited refuses odd schemes and large answers.
type limited struct {
	next  *http.Transport
	max   int64
	agent string

	timeout time.Duration
}

// RoundTrip makes one call.
func (l *limited) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := scheme(r.URL); err != nil {
		return nil, err
	}
	if r.Header.Get("User-Agent") == "" {
		r = r.Clone(r.Context())
		r.Header.Set("User-Agent", l.agent)
	}
	cancel := context.CancelFunc(func() {})
	if _, limits := r.Context().Deadline(); !limits {
		var ctx context.Context
		ctx, cancel = context.WithTimeout(r.Context(), l.timeout)
		r = r.WithContext(ctx)
	}
	resp, err := l.next.RoundTrip(r)
	if err != nil {
		cancel()
		return nil, err
	}
	if resp.ContentLength > l.max {
		err := errors.Join(ErrTooLarge, resp.Body.Close())
		cancel()
		return nil, err
	}
	resp.Body = &capped{ReadCloser: resp.Body, left: l.max, end: cancel}
	return resp, nil
}

// CloseIdleConnections lets http.Client.CloseIdleConnections reach the transport.
func (l *limited) CloseIdleConnections() { l.next.CloseIdleConnections() }

type capped struct {
	io.ReadCloser
	left int64
	end  context.CancelFunc
}

// Close ends the call.
func (c *capped) Close() error {
	defer c.end()
	return c.ReadCloser.Close()
}

func (c *capped) Read(p []byte) (int, error) {
	if c.left < 0 {
		return 0, ErrTooLarge
	}
	if int64(len(p)) > c.left+1 {
		p = p[:c.left+1] // one more than allowed tells too much from just enough
	}
	n, err := c.ReadCloser.Read(p)
	if c.left -= int64(n); c.left < 0 {
		return n - 1, ErrTooLarge
	}
	return n, err
}

// Clean is err without what may be secret in it: the query, path and user of the called
// address. What went wrong and the host stay.
func Clean(err error) error {
	var u *url.Error
	if !errors.As(err, &u) {
		return err
	}
	host := "the far side"
	if p, e := url.Parse(u.URL); e == nil && p.Host != "" {
		host = p.Host
	}
	return fmt.Errorf("%s %s: %w", u.Op, host, Clean(u.Err))
}
