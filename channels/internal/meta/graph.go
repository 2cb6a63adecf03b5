package meta

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// DefaultVersion is the version of the API that is spoken where settings say nothing.
const DefaultVersion = "v25.0"

// answerMax is how much of an answer is read, in bytes.
const answerMax = 4 << 20

// Client calls one host of the Graph API for one account. It is a value; it is safe for
// concurrent use. Its errors hold neither the token nor a body.
type Client struct {
	HTTP    *http.Client
	Base    string // such as https://graph.facebook.com
	Version string // such as v25.0; empty: paths have none
	Token   string // sent as a Bearer; empty: none
	Proof   string // appsecret_proof, see [Proof]; empty: none
	Account string // its line of the usage header; empty: any
}

// Error is an answer of the API that says no.
type Error struct {
	Status    int           `json:"-"` // HTTP
	Code      int           `json:"code"`
	Subcode   int           `json:"error_subcode"`
	Type      string        `json:"type"`
	Message   string        `json:"message"`
	Transient bool          `json:"is_transient"`
	Trace     string        `json:"fbtrace_id"`
	Details   Details       `json:"error_data"`
	After     time.Duration `json:"-"` // until the usage header says that calls are taken again; 0: it does not
	Plain     bool          `json:"-"` // the body was not the API's: something in between answered
}

// Error is the code and the words.
func (e *Error) Error() string {
	return fmt.Sprintf("graph: HTTP %d, %s %s (trace %s)", e.Status, e.Name(), e.Message, e.Trace)
}

// Name is the code as the documentation writes it: 100/2018047, or 190.
func (e *Error) Name() string {
	switch {
	case e.Plain:
		return fmt.Sprintf("HTTP %d", e.Status)
	case e.Subcode != 0:
		return fmt.Sprintf("%d/%d", e.Code, e.Subcode)
	}
	return fmt.Sprint(e.Code)
}

// Unreached is a call that certainly did not arrive: the name did not resolve, nobody took the
// connection, or it was never made.
type Unreached struct{ Err error }

func (e *Unreached) Error() string { return "graph: not reached: " + e.Err.Error() }
func (e *Unreached) Unwrap() error { return e.Err }

// Lost is a call of which nobody knows whether it was acted upon: the request, or part of it,
// was written and no answer that can be read came back.
type Lost struct{ Err error }

func (e *Lost) Error() string { return "graph: no answer: " + e.Err.Error() }
func (e *Lost) Unwrap() error { return e.Err }

// Get reads an object or an edge.
func (c Client) Get(ctx context.Context, path string, query url.Values, into any) error {
	return c.call(ctx, http.MethodGet, path, query, "", nil, into)
}

// Post sends a body as JSON; a nil body sends none.
func (c Client) Post(ctx context.Context, path string, query url.Values, body, into any) error {
	if body == nil {
		return c.call(ctx, http.MethodPost, path, query, "", nil, into)
	}
	b, err := json.Marshal(body)
	if err != nil {
		return &Unreached{fmt.Errorf("encoding a request: %w", err)}
	}
	return c.call(ctx, http.MethodPost, path, query, "application/json", b, into)
}

// Form sends a form.
func (c Client) Form(ctx context.Context, path string, form url.Values, into any) error {
	return c.call(ctx, http.MethodPost, path, nil, "application/x-www-form-urlencoded", []byte(form.Encode()), into)
}

// Delete deletes an object or an edge.
func (c Client) Delete(ctx context.Context, path string, query url.Values, into any) error {
	return c.call(ctx, http.MethodDelete, path, query, "", nil, into)
}

// Address is where a path with a query lies.
func (c Client) Address(path string, query url.Values) string {
	u := strings.TrimSuffix(c.Base, "/")
	if c.Version != "" {
		u += "/" + strings.Trim(c.Version, "/")
	}
	u += "/" + strings.TrimPrefix(path, "/")
	if len(query) > 0 {
		u += "?" + query.Encode()
	}
	return u
}

func (c Client) call(ctx context.Context, method, path string, query url.Values, kind string, body []byte, into any) error {
	if body == nil {
		return c.callWith(ctx, method, path, query, kind, nil, 0, into)
	}
	return c.callWith(ctx, method, path, query, kind, bytes.NewReader(body), int64(len(body)), into)
}

// callWith is call with a body of a known size in bytes that is read once; nil: none.
func (c Client) callWith(ctx context.Context, method, path string, query url.Values, kind string, body io.Reader, size int64, into any) error {
	if c.Proof != "" {
		q := url.Values{"appsecret_proof": {c.Proof}}
		for k, v := range query {
			q[k] = v
		}
		query = q
	}
	return c.send(ctx, method, c.Address(path, query), kind, body, size, into)
}

// send makes the call and tells its ends apart.
func (c Client) send(ctx context.Context, method, address, kind string, body io.Reader, size int64, into any) error {
	var asked, connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	r, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return &Unreached{errors.New("the address of the API is no address")}
	}
	r.ContentLength = size
	r.Header.Set("Accept", "application/json")
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	if c.Token != "" {
		r.Header.Set("Authorization", "Bearer "+c.Token)
	}
	resp, err := c.HTTP.Do(r)
	if err != nil {
		err = bare(err)
		if never(err) || asked.Load() && !connected.Load() {
			return &Unreached{err}
		}
		return &Lost{err}
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, answerMax+1))
	if closing := resp.Body.Close(); err == nil && closing != nil {
		err = closing
	}
	return c.answer(resp, b, err, into)
}

// answer reads what came back.
func (c Client) answer(resp *http.Response, body []byte, broken error, into any) error {
	good := resp.StatusCode >= 200 && resp.StatusCode < 300
	var no struct {
		Error   *Error `json:"error"`
		Code    Int    `json:"code"` // where codes become tokens errors are flat
		Message string `json:"error_message"`
	}
	if broken == nil && json.Unmarshal(body, &no) == nil && no.Error != nil {
		no.Error.Status = resp.StatusCode
		no.Error.After = rest(resp.Header, c.Account)
		return no.Error
	}
	switch {
	case !good && no.Message != "":
		return &Error{Status: resp.StatusCode, Code: int(no.Code), Message: no.Message}
	case !good:
		return &Error{Status: resp.StatusCode, Plain: true, After: rest(resp.Header, c.Account), Message: http.StatusText(resp.StatusCode)}
	case broken != nil:
		return &Lost{bare(broken)}
	case len(body) > answerMax:
		return &Lost{errors.New("the answer is too long")}
	case into == nil:
		return nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		return &Lost{errors.New("the answer cannot be read")}
	}
	return nil
}

// bare takes the address, which may hold a token, off an error.
func bare(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// never reports whether an error says by itself that no request was made.
func never(err error) bool {
	var dial *net.OpError
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	return errors.As(err, &dial) && dial.Op == "dial" || errors.As(err, &dns) ||
		errors.As(err, &cert) || errors.As(err, &unknown) || errors.As(err, &host)
}
