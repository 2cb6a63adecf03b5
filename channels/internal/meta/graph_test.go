package meta

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/parley-hub/parley/channels"
)

// far is a real server that answers as it is told.
func far(t *testing.T, h http.HandlerFunc) Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return Client{HTTP: s.Client(), Base: s.URL, Version: "v25.0", Token: "canary-token", Proof: "proof"}
}

func answers(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestCallIsWhatTheAPIWants(t *testing.T) {
	var got *http.Request
	var sent string
	c := far(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got, sent = r, string(b)
		_, _ = io.WriteString(w, `{"id":"9"}`)
	})
	var into struct{ ID Text }
	if err := c.Post(t.Context(), "/7/replies", url.Values{"message": {"a&b"}}, map[string]int{"x": 1}, &into); err != nil {
		t.Fatal(err)
	}
	if got.URL.Path != "/v25.0/7/replies" || got.URL.Query().Get("message") != "a&b" || got.URL.Query().Get("appsecret_proof") != "proof" ||
		got.Header.Get("Authorization") != "Bearer canary-token" || sent != `{"x":1}` || into.ID != "9" {
		t.Errorf("%s %v %q %q", got.URL, got.Header, sent, into.ID)
	}
}

// The three ways a call ends, on real connections.
func TestCertainty(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	hang := make(chan struct{})
	defer close(hang)
	drop := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		panic(http.ErrAbortHandler)
	}
	for name, c := range map[string]struct {
		ctx     context.Context
		client  Client
		outcome channels.Outcome
		class   channels.Class
	}{
		"accepted":                          {t.Context(), far(t, answers(200, `{}`)), channels.Accepted, ""},
		"connection refused":                {t.Context(), Client{HTTP: http.DefaultClient, Base: "http://" + closed.Addr().String()}, channels.Rejected, channels.Transient},
		"no such name":                      {t.Context(), Client{HTTP: http.DefaultClient, Base: "http://nowhere.invalid"}, channels.Rejected, channels.Transient},
		"no address":                        {t.Context(), Client{HTTP: http.DefaultClient, Base: "http://\x00"}, channels.Rejected, channels.Transient},
		"dropped after the request":         {t.Context(), far(t, drop), channels.Unsure, channels.Transient},
		"send_timeout_after_write":          {short, far(t, func(w http.ResponseWriter, r *http.Request) { <-hang }), channels.Unsure, channels.Transient},
		"an answer that is cut off":         {t.Context(), far(t, answers(200, `{"id":`)), channels.Unsure, channels.Transient},
		"a 200 that is a page":              {t.Context(), far(t, answers(200, "<html>")), channels.Unsure, channels.Transient},
		"a gateway's 502":                   {t.Context(), far(t, answers(502, "<html>bad gateway")), channels.Unsure, channels.Transient},
		"code 2":                            {t.Context(), far(t, answers(500, `{"error":{"code":2,"is_transient":true}}`)), channels.Unsure, channels.Transient},
		"1/1357046, said although it went":  {t.Context(), far(t, answers(500, `{"error":{"code":1,"error_subcode":1357046}}`)), channels.Unsure, channels.Transient},
		"an error in a 200":                 {t.Context(), far(t, answers(200, `{"error":{"code":190}}`)), channels.Rejected, channels.AuthExpired},
		"a proxy's 429":                     {t.Context(), far(t, answers(429, "slow")), channels.Rejected, channels.RateLimited},
		"a proxy's 401":                     {t.Context(), far(t, answers(401, "")), channels.Rejected, channels.AuthExpired},
		"a permission that is missing":      {t.Context(), far(t, answers(403, `{"error":{"code":200}}`)), channels.Rejected, channels.Misconfigured},
		"a code that nobody knows":          {t.Context(), far(t, answers(400, `{"error":{"code":987654}}`)), channels.Rejected, channels.Permanent},
		"another 800xx":                     {t.Context(), far(t, answers(400, `{"error":{"code":80006}}`)), channels.Rejected, channels.RateLimited},
		"a number that should be an object": {t.Context(), far(t, answers(400, `7`)), channels.Rejected, channels.Permanent},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.client.Post(c.ctx, "me/messages", nil, map[string]string{"a": "b"}, &struct{}{})
			r := Outcome("m1", err)
			if r.Outcome != c.outcome || c.class != "" && (r.Failure == nil || r.Failure.Class != c.class) {
				t.Fatalf("%s %v from %v", r.Outcome, r.Failure, err)
			}
			if err != nil && strings.Contains(fmt.Sprint(err, r.Failure, r.Failure.Err), "canary") {
				t.Error("the token is told")
			}
			if again := Repeatable("m1", err); again.Outcome == channels.Unsure {
				t.Error("what may be repeated is in doubt")
			}
		})
	}
}

// rate_613, 429 and 80002 with 19 minutes: the header counts in minutes.
func TestUsageHeader(t *testing.T) {
	usage := `{"17":[{"type":"instagram","call_count":95,"total_cputime":20,"total_time":20,"estimated_time_to_regain_access":19}],"18":[{"estimated_time_to_regain_access":50}]}`
	for name, c := range map[string]struct {
		header, account string
		want            time.Duration
	}{
		"its own line":   {usage, "17", 19 * time.Minute},
		"nobody's line":  {usage, "", 50 * time.Minute},
		"no header":      {"", "17", restAtLeast},
		"a broken one":   {"{", "17", restAtLeast},
		"nothing to say": {`{"17":[{"estimated_time_to_regain_access":0}]}`, "17", restAtLeast},
		"absurdly long":  {`{"17":[{"estimated_time_to_regain_access":99999999999}]}`, "17", 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			cl := far(t, answers(400, `{"error":{"code":80002,"message":"too many"}}`, usageHeader, c.header))
			cl.Account = c.account
			f := Failure(cl.Get(t.Context(), "me", nil, nil))
			if f.Class != channels.RateLimited || f.After != c.want || f.Code != "80002" || f.Said != "too many" {
				t.Errorf("%+v", f)
			}
		})
	}
}

func TestEveryCodeHasWordsForPeople(t *testing.T) {
	for p, w := range words {
		if w.advice == "" || w.class == "" {
			t.Errorf("%v has no class or advice", p)
		}
		f := Failure(&Error{Status: 400, Code: p.code, Subcode: p.sub, Message: "said"})
		if f.Class != w.class || f.Said != "said" || f.Advice != w.advice {
			t.Errorf("%v: %+v", p, f)
		}
	}
}

func TestGrant(t *testing.T) {
	for name, body := range map[string]string{
		"flat":              `{"access_token":"T","user_id":17841,"permissions":"a,b","expires_in":5183944}`,
		"data":              `{"data":[{"access_token":"T","user_id":"17841","permissions":["a","b"],"expires_in":"5183944"}]}`,
		"with another type": `{"access_token":"T","user_id":"17841","permissions":"a b","expires_in":5183944,"token_type":"bearer"}`,
	} {
		c := far(t, answers(200, body))
		g, err := c.Redeem(t.Context(), App{"1", "s"}, "code", "https://hub/connect")
		if err != nil || g.Token != "T" || g.User != "17841" || g.Expires != 5183944*time.Second || strings.Join(g.Scopes, ",") != "a,b" {
			t.Errorf("%s: %+v %v", name, g, err)
		}
		if strings.Contains(fmt.Sprintf("%v %s", g, g), "T") {
			t.Errorf("%s: the token prints itself", name)
		}
	}
	if _, err := far(t, answers(200, `{}`)).Lengthen(t.Context(), App{}, "x"); err == nil {
		t.Error("an answer without token was taken")
	}
}

func TestReturned(t *testing.T) {
	if code, err := Returned(map[string][]string{"code": {"AQD#_"}}); err != nil || code != "AQD" {
		t.Errorf("%q %v", code, err)
	}
	for name, q := range map[string]map[string][]string{"declined": {"error": {"access_denied"}, "error_description": {"The user denied your request."}}, "nothing": {}} {
		var p *channels.Problem
		if _, err := Returned(q); !errors.As(err, &p) || p.Detail == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPagesFollowTheCursor(t *testing.T) {
	var asked []string
	c := far(t, func(w http.ResponseWriter, r *http.Request) {
		after := r.URL.Query().Get("after")
		asked = append(asked, after)
		next := map[string]string{"": "A", "A": "B", "B": "B"}[after] // the last is the same again
		_, _ = fmt.Fprintf(w, `{"data":[{"id":"p%d","access_token":"t"}],"paging":{"cursors":{"after":%q},"next":"https://evil.example/steal"}}`, len(asked), next)
	})
	pages, err := c.Pages(t.Context())
	if err != nil || len(pages) != 3 || strings.Join(asked, ",") != ",A,B" {
		t.Errorf("%v %v %v", pages, asked, err)
	}
}

func TestEnsureSubscribed(t *testing.T) {
	for name, c := range map[string]struct {
		have    string
		refuses bool // unknown fields
		changed bool
		posted  string
	}{
		"all there":                  {`{"data":[{"id":"7","subscribed_fields":["a","b","c"]}]}`, false, false, ""},
		"none":                       {`{"data":[]}`, false, true, "a,b"},
		"one missing, others kept":   {`{"data":[{"id":"7","subscribed_fields":["a","z"]}]}`, false, true, "a,b,z"},
		"another app's do not count": {`{"data":[{"id":"8","subscribed_fields":["a","b"]},{"id":"7","subscribed_fields":["a"]}]}`, false, true, "a,b"},
		"a field it does not know":   {`{"data":[]}`, true, true, "a"},
	} {
		t.Run(name, func(t *testing.T) {
			posted := ""
			cl := far(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					_, _ = io.WriteString(w, c.have)
					return
				}
				posted = r.URL.Query().Get("subscribed_fields")
				if c.refuses && strings.Contains(posted, "b") {
					answers(400, `{"error":{"code":100,"message":"Param subscribed_fields[1] must be one of"}}`)(w, r)
					return
				}
				_, _ = io.WriteString(w, `{"success":true}`)
			})
			changed, err := cl.EnsureSubscribed(t.Context(), "me", []string{"7"}, []string{"a", "b"}, []string{"a"})
			if err != nil || changed != c.changed || posted != c.posted {
				t.Errorf("%v %q %v", changed, posted, err)
			}
		})
	}
}

// A field that the platform does not know is left out rather than lose the others.
func TestEnsureHookFallsBack(t *testing.T) {
	var asked []string
	cl := far(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			_, _ = io.WriteString(w, `{"data":[]}`)
			return
		}
		fields := r.FormValue("fields")
		if asked = append(asked, fields); strings.Contains(fields, "hologram") {
			answers(400, `{"error":{"code":100}}`)(w, r)
			return
		}
		_, _ = io.WriteString(w, `{"success":true}`)
	})
	changed, err := cl.EnsureHook(t.Context(), App{"1", "s"}, Hook{Object: "instagram", URL: "https://hub", Fields: []string{"hologram", "messages"}, Core: []string{"messages"}})
	if err != nil || !changed || strings.Join(asked, " ") != "hologram,messages messages" {
		t.Errorf("%v %v %q", changed, err, asked)
	}
}

func TestEnsureHook(t *testing.T) {
	hook := Hook{Object: "instagram", URL: "https://hub.example/hooks/instagram", VerifyToken: "tok", Fields: []string{"messages"}}
	for name, c := range map[string]struct {
		have    string
		changed bool
		class   channels.Class
	}{
		"none yet":       {`{"data":[]}`, true, ""},
		"ours":           {`{"data":[{"object":"instagram","callback_url":"https://hub.example/hooks/instagram","active":true,"fields":[{"name":"messages"}]}]}`, false, ""},
		"of one account": {`{"data":[{"object":"instagram","callback_url":"https://hub.example/hooks/instagram/01J","active":true,"fields":[{"name":"messages"}]}]}`, false, ""},
		"not active":     {`{"data":[{"object":"instagram","callback_url":"https://hub.example/hooks/instagram","active":false,"fields":[{"name":"messages"}]}]}`, true, ""},
		"of another hub": {`{"data":[{"object":"instagram","callback_url":"https://other.example","active":true}]}`, false, channels.Misconfigured},
	} {
		t.Run(name, func(t *testing.T) {
			posts := 0
			cl := far(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					_, _ = io.WriteString(w, c.have)
					return
				}
				posts++
				if err := r.ParseForm(); err != nil || r.Form.Get("verify_token") != "tok" || r.Header.Get("Authorization") != "Bearer 1|s" {
					t.Error(r.Form, err)
				}
				_, _ = io.WriteString(w, `{"success":true}`)
			})
			changed, err := cl.EnsureHook(t.Context(), App{"1", "s"}, hook)
			var f *channels.Failure
			if changed != c.changed || (posts > 0) != c.changed || errors.As(err, &f) != (c.class != "") || f != nil && f.Class != c.class {
				t.Errorf("%v %v, %d posts", changed, err, posts)
			}
		})
	}
}
