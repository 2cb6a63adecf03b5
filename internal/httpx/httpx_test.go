package httpx

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

func TestPublic(t *testing.T) {
	cases := map[string]bool{
		"93.184.216.34": true, "2606:2800:220:1::1": true,
		"127.0.0.1": false, "10.1.2.3": false, "172.16.0.1": false, "192.168.1.1": false,
		"169.254.169.254": false, "100.64.1.1": false, "0.0.0.0": false, "255.255.255.255": false, "224.0.0.1": false,
		"::1": false, "::": false, "fe80::1": false, "fc00::1": false, "fd12::1": false, "ff02::1": false,
		"::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "64:ff9b::7f00:1": false, "2002:7f00:1::": false,
	}
	for ip, want := range cases {
		if got := Public(netip.MustParseAddr(ip)); got != want {
			t.Errorf("%s: public = %v, want %v", ip, got, want)
		}
	}
}

func TestGuard(t *testing.T) {
	far := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/large":
			io.WriteString(w, strings.Repeat("x", 2000))
		case "/exact":
			io.WriteString(w, strings.Repeat("x", 1000))
		case "/endless":
			w.(http.Flusher).Flush()
			for i := 0; i < 1000 && r.Context().Err() == nil; i++ {
				if _, err := io.WriteString(w, strings.Repeat("x", 100)); err != nil {
					return
				}
			}
		case "/slow":
			<-r.Context().Done()
		case "/inside":
			http.Redirect(w, r, "http://169.254.169.254/latest/meta-data", http.StatusFound)
		case "/file":
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		}
	}))
	defer far.Close()
	cases := []struct {
		name  string
		path  string
		allow []netip.Prefix
		want  error
		bad   bool
	}{
		{name: "loopback_refused", path: "/exact", want: ErrRefused},
		{name: "loopback_allowed", path: "/exact", allow: loopback},
		{name: "redirect_inside", path: "/inside", allow: loopback, want: ErrRefused},
		{name: "redirect_to_file", path: "/file", allow: loopback, want: ErrScheme},
		{name: "redirect_loop", path: "/loop", allow: loopback, bad: true},
		{name: "large", path: "/large", allow: loopback, want: ErrTooLarge},
		{name: "length_not_told", path: "/endless", allow: loopback, want: ErrTooLarge},
		{name: "slow", path: "/slow", allow: loopback, bad: true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := New(Options{Allow: c.allow, MaxBody: 1000, Timeout: 300 * time.Millisecond})
			defer h.CloseIdleConnections()
			resp, err := h.Get(far.URL + c.path + "?access_token=canary")
			if err == nil {
				_, err = io.ReadAll(resp.Body)
				resp.Body.Close()
			}
			if (c.want != nil && !errors.Is(err, c.want)) || (c.bad && err == nil) || (c.want == nil && !c.bad && err != nil) {
				t.Fatalf("err = %v, want %v", err, c.want)
			}
			if err != nil && strings.Contains(Clean(err).Error(), "canary") {
				t.Errorf("the error shows the token: %v", Clean(err))
			}
			if c.want != nil && !errors.Is(Clean(err), c.want) {
				t.Error("Clean loses what went wrong")
			}
		})
	}
}

func TestNameThatResolvesInside(t *testing.T) {
	h := New(Options{Timeout: 2 * time.Second})
	defer h.CloseIdleConnections()
	for _, u := range []string{"http://localhost:9/", "http://[::1]:9/", "http://127.1:9/", "http://0:9/"} {
		if _, err := h.Get(u); err == nil {
			t.Errorf("%s was called", u)
		}
	}
}

// TestOwnDeadline: a call that says how long it may take is not cut off before, and one that
// does not is cut off also while its body comes.
func TestOwnDeadline(t *testing.T) {
	far := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "slow")
		w.(http.Flusher).Flush()
		select {
		case <-time.After(400 * time.Millisecond):
			_, _ = io.WriteString(w, "ly")
		case <-r.Context().Done():
		}
	}))
	defer far.Close()
	h := New(Options{Allow: loopback, Timeout: 100 * time.Millisecond})
	read := func(ctx context.Context) (string, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, far.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := h.Do(r)
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		return string(b), err
	}
	if got, err := read(context.Background()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("without a deadline: %q, %v", got, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if got, err := read(ctx); err != nil || got != "slowly" {
		t.Errorf("with its own: %q, %v", got, err)
	}
}
