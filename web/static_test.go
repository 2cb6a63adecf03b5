package web

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/gofiber/fiber/v2"
)

func site(t *testing.T, files fstest.MapFS) *fiber.App {
	t.Helper()
	s, err := load(files)
	if err != nil {
		t.Fatal(err)
	}
	app := fiber.New()
	s.Mount(app)
	return app
}

func TestServe(t *testing.T) {
	app := site(t, fstest.MapFS{
		"app/index.html":       {Data: []byte("page")},
		"app/assets/a-1.js":    {Data: []byte("plain")},
		"app/assets/a-1.js.br": {Data: []byte("brotli")},
		"app/assets/a-1.js.gz": {Data: []byte("gzip")},
		"widget/widget.js":     {Data: []byte("loader")},
		"demo/shop.html":       {Data: []byte("shop")},
		"demo/assets/shop.css": {Data: []byte("css")},
	})
	for name, c := range map[string]struct {
		path, accept, body, encoding, cache string
		status                              int
	}{
		"app page":                 {"/", "", "page", "", "no-cache", 200},
		"address inside the app":   {"/inbox/mine/01J", "", "page", "", "no-cache", 200},
		"asset prefers brotli":     {"/assets/a-1.js", "gzip, br", "brotli", "br", "public, max-age=31536000, immutable", 200},
		"asset as gzip":            {"/assets/a-1.js", "gzip", "gzip", "gzip", "public, max-age=31536000, immutable", 200},
		"asset plain":              {"/assets/a-1.js", "", "plain", "", "public, max-age=31536000, immutable", 200},
		"loader is revalidated":    {"/widget.js", "br", "loader", "", "no-cache", 200},
		"demo page without ending": {"/demo/shop", "", "shop", "", "no-cache", 200},
		"missing asset":            {"/assets/b.js", "", "", "", "", 404},
		"missing demo page":        {"/demo/none", "", "", "", "", 404},
		"unknown api address":      {"/api/none", "", "", "", "", 404},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, c.path, nil)
			r.Header.Set("Accept-Encoding", c.accept)
			res, err := app.Test(r)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if res.StatusCode != c.status {
				t.Fatalf("status %d, want %d", res.StatusCode, c.status)
			}
			if c.status != 200 {
				return
			}
			b, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			if string(b) != c.body || res.Header.Get("Content-Encoding") != c.encoding || res.Header.Get("Cache-Control") != c.cache {
				t.Errorf("got %q %q %q, want %q %q %q", b, res.Header.Get("Content-Encoding"), res.Header.Get("Cache-Control"), c.body, c.encoding, c.cache)
			}
		})
	}
}

func TestNotModified(t *testing.T) {
	app := site(t, fstest.MapFS{"app/index.html": {Data: []byte("page")}})
	res, err := app.Test(httptest.NewRequest(http.MethodGet, "/", nil))
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("If-None-Match", res.Header.Get("ETag"))
	again, err := app.Test(r)
	if err != nil {
		t.Fatal(err)
	}
	if again.StatusCode != http.StatusNotModified {
		t.Errorf("status %d, want 304", again.StatusCode)
	}
}

func TestUnbuiltSaysHowToBuild(t *testing.T) {
	app := site(t, fstest.MapFS{})
	res, err := app.Test(httptest.NewRequest(http.MethodGet, "/", nil))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(res.Body)
	if err != nil || string(b) != unbuilt {
		t.Errorf("got %q, %v", b, err)
	}
}

func TestMailPageRunsNothing(t *testing.T) {
	app := site(t, fstest.MapFS{"app/index.html": {Data: []byte("page")}, "app/mail.html": {Data: []byte("mail")}})
	for name, c := range map[string]struct {
		path   string
		images bool
	}{
		"pictures wait":           {"/mail.html", false},
		"pictures were asked for": {"/mail.html?images", true},
	} {
		t.Run(name, func(t *testing.T) {
			res, err := app.Test(httptest.NewRequest(http.MethodGet, c.path, nil))
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			p := res.Header.Get("Content-Security-Policy")
			for _, need := range []string{"default-src 'none'", "frame-ancestors 'self'", "sandbox allow-same-origin"} {
				if !strings.Contains(p, need) {
					t.Errorf("the policy %q lacks %q", p, need)
				}
			}
			if strings.Contains(p, "script") || strings.Contains(p, " https:") != c.images {
				t.Errorf("policy %q", p)
			}
		})
	}
}
