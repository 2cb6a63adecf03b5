// Package web holds what browsers load: the agent app, the customer's widget and the demo
// pages, embedded in the binary. The HTTP API is in web/api.
package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"path"
	"strings"

	"github.com/gofiber/fiber/v2"
)

//go:embed all:dist
var dist embed.FS

// asset is a file as it is sent.
type asset struct {
	mime, etag    string
	plain, br, gz []byte
	immutable     bool
}

// Site is the embedded files, by the path they are served at. It is read-only after Load.
type Site struct {
	files map[string]*asset
	app   *asset // the agent app's page
}

// Load indexes the embedded files. A binary built without front ends serves a page that
// says how to build them.
func Load() (*Site, error) {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	return load(sub)
}

// places maps folders of dist to the address they are served under.
var places = []struct{ folder, prefix string }{{"app", "/"}, {"widget", "/"}, {"demo", "/demo/"}}

func load(files fs.FS) (*Site, error) {
	s := &Site{files: map[string]*asset{}}
	for _, p := range places {
		if _, err := fs.Stat(files, p.folder); err != nil {
			continue
		}
		if err := s.add(files, p.folder, p.prefix); err != nil {
			return nil, fmt.Errorf("web: %w", err)
		}
	}
	s.app = s.files["/index.html"]
	if s.app == nil {
		s.app = &asset{mime: "text/html; charset=utf-8", plain: []byte(unbuilt), etag: `"unbuilt"`}
	}
	return s, nil
}

const unbuilt = `<!doctype html><meta charset="utf-8"><title>Parley</title>
<p>This binary was built without its front ends. Run <code>make build</code>, then start it again.</p>`

func (s *Site) add(files fs.FS, folder, prefix string) error {
	return fs.WalkDir(files, folder, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		b, err := fs.ReadFile(files, p)
		if err != nil {
			return err
		}
		url := prefix + strings.TrimPrefix(p, folder+"/")
		base, enc := url, ""
		if ext := path.Ext(url); ext == ".br" || ext == ".gz" {
			base, enc = strings.TrimSuffix(url, ext), ext
		}
		a := s.files[base]
		if a == nil {
			a = &asset{mime: typeOf(base), immutable: strings.Contains(base, "/assets/")}
			s.files[base] = a
		}
		switch enc {
		case ".br":
			a.br = b
		case ".gz":
			a.gz = b
		default:
			sum := sha256.Sum256(b)
			a.plain, a.etag = b, `"`+hex.EncodeToString(sum[:8])+`"`
		}
		return nil
	})
}

func typeOf(name string) string {
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}

// appPolicy lets the agent app load from here alone, and nothing of it stand in the page.
const appPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; " +
	"font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; frame-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

// mailPage is the empty page into whose frame the app puts a mail. Its policy runs nothing and loads
// nothing from elsewhere; with ?images also pictures, which the reader asked for.
const (
	mailPage   = "/mail.html"
	mailPolicy = "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:%s; font-src 'self'; frame-ancestors 'self'; " +
		"base-uri 'self'; form-action 'none'; sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"
)

// demoPolicy is what a careful shop would set: no inline script or style, nothing from elsewhere.
const demoPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; " +
	"font-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

// Mount serves the files. It comes after every other route: what no file answers is the
// agent app's page, so that its addresses can be opened directly.
func (s *Site) Mount(app *fiber.App) {
	app.Use(func(c *fiber.Ctx) error {
		if c.Method() != fiber.MethodGet && c.Method() != fiber.MethodHead {
			return c.Next()
		}
		p := c.Path()
		demo := strings.HasPrefix(p, "/demo/")
		if demo && path.Ext(p) == "" {
			p = strings.TrimSuffix(p, "/") + ".html"
		}
		if a, ok := s.files[p]; ok && p != "/index.html" {
			if demo {
				c.Set(fiber.HeaderContentSecurityPolicy, demoPolicy)
			}
			if p == mailPage {
				from := ""
				if c.Context().QueryArgs().Has("images") {
					from = " https: http:"
				}
				c.Set(fiber.HeaderContentSecurityPolicy, fmt.Sprintf(mailPolicy, from))
			}
			if p == "/widget.js" || strings.HasPrefix(p, "/w/") {
				c.Set(fiber.HeaderAccessControlAllowOrigin, "*") // other sites' pages load it as a module
				c.Set("Cross-Origin-Resource-Policy", "cross-origin")
			}
			return a.send(c)
		}
		if demo || path.Ext(p) != "" || strings.HasPrefix(p, "/api/") || strings.HasPrefix(p, "/c/") || strings.HasPrefix(p, "/hooks/") {
			return c.Next()
		}
		c.Set(fiber.HeaderContentSecurityPolicy, appPolicy)
		c.Set("Cross-Origin-Opener-Policy", "same-origin")
		return s.app.send(c)
	})
}

func (a *asset) send(c *fiber.Ctx) error {
	cache := "no-cache"
	if a.immutable {
		cache = "public, max-age=31536000, immutable"
	}
	c.Set(fiber.HeaderCacheControl, cache)
	c.Set(fiber.HeaderVary, fiber.HeaderAcceptEncoding)
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderReferrerPolicy, "same-origin")
	c.Set(fiber.HeaderETag, a.etag)
	if c.Get(fiber.HeaderIfNoneMatch) == a.etag {
		return c.SendStatus(fiber.StatusNotModified)
	}
	c.Set(fiber.HeaderContentType, a.mime)
	body := a.plain
	switch accept := c.Get(fiber.HeaderAcceptEncoding); {
	case a.br != nil && strings.Contains(accept, "br"):
		c.Set(fiber.HeaderContentEncoding, "br")
		body = a.br
	case a.gz != nil && strings.Contains(accept, "gzip"):
		c.Set(fiber.HeaderContentEncoding, "gzip")
		body = a.gz
	}
	return c.Send(body)
}
