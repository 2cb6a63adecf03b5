package main

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/andybalholm/brotli"
)

var (
	scriptTag  = regexp.MustCompile(`(?is)<script\b[^>]*\bsrc\s*=\s*["']?([^"'\s>]+)([^>]*)`)
	preloadTag = regexp.MustCompile(`(?is)<link\b[^>]*\brel\s*=\s*["']?modulepreload["']?[^>]*>`)
	hrefOf     = regexp.MustCompile(`(?is)\bhref\s*=\s*["']?([^"'\s>]+)`)
	fileNamed  = regexp.MustCompile(`[\w.~-]*/[\w./~-]+\.(?:js|mjs|css)\b`)
)

// assets measures what a browser downloads at first, as sent.
func (b *bench) assets(ctx context.Context) (err error) {
	s, err := newServer(b.bin)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.remove()) }()
	if _, err := s.start(ctx); err != nil {
		return err
	}
	p := &page{seen: map[string]bool{}}
	var app, widget error
	if b.wants("app_js_kb") {
		var n int
		if n, app = p.app(ctx, s.base()+"/"); app == nil {
			b.add("app_js_kb", float64(n)/1000)
		}
	}
	if b.wants("widget_kb") {
		var n int
		if n, widget = p.widget(ctx, s.base()+"/demo/shop"); widget == nil {
			b.add("widget_kb", float64(n)/1000)
		}
	}
	return errors.Join(app, widget, s.stop())
}

// page downloads as a browser does, each address once.
type page struct{ seen map[string]bool }

// get gives a body as it reads and how many bytes it was on the wire.
func (p *page) get(ctx context.Context, addr string) (body string, sent int, kind string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, addr, nil)
	if err != nil {
		return "", 0, "", err
	}
	req.Header.Set("Accept-Encoding", "br, gzip")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", 0, "", err
	}
	defer res.Body.Close()
	counted := &counter{r: res.Body}
	var r io.Reader = counted
	switch res.Header.Get("Content-Encoding") {
	case "br":
		r = brotli.NewReader(counted)
	case "gzip":
		if r, err = gzip.NewReader(counted); err != nil {
			return "", 0, "", err
		}
	}
	b, err := io.ReadAll(r)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answered %d", addr, res.StatusCode)
	}
	return string(b), counted.n, res.Header.Get("Content-Type"), err
}

type counter struct {
	r io.Reader
	n int
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += n
	return n, err
}

// app adds up the scripts that a page names: its own and those it asks to preload.
func (p *page) app(ctx context.Context, addr string) (int, error) {
	html, _, _, err := p.get(ctx, addr)
	if err != nil {
		return 0, err
	}
	var names []string
	for _, m := range scriptTag.FindAllStringSubmatch(html, -1) {
		names = append(names, m[1])
	}
	for _, tag := range preloadTag.FindAllString(html, -1) {
		if m := hrefOf.FindStringSubmatch(tag); m != nil {
			names = append(names, m[1])
		}
	}
	total := 0
	for _, n := range names {
		_, sent, err := p.once(ctx, addr, n)
		if err != nil {
			return 0, err
		}
		total += sent
	}
	if total == 0 {
		return 0, fmt.Errorf("%s names no script", addr)
	}
	return total, nil
}

// widget adds up a page's widget script and the scripts and styles that it names, one level
// deep: the loader and its first view. A page's other scripts are its own.
func (p *page) widget(ctx context.Context, addr string) (int, error) {
	html, _, _, err := p.get(ctx, addr)
	if err != nil {
		return 0, err
	}
	total := 0
	for _, m := range scriptTag.FindAllStringSubmatch(html, -1) {
		if !strings.Contains(m[0]+m[2], "data-account") {
			continue
		}
		body, sent, err := p.once(ctx, addr, m[1])
		if err != nil {
			return 0, err
		}
		total += sent
		loader := resolve(addr, m[1])
		for _, n := range fileNamed.FindAllString(body, -1) {
			// What a script names may be no file of this page; then it is not downloaded.
			if _, sent, err := p.once(ctx, loader, n); err == nil {
				total += sent
			}
		}
	}
	if total == 0 {
		return 0, fmt.Errorf("%s names no script", addr)
	}
	return total, nil
}

// once downloads what a page names, unless it was downloaded before.
func (p *page) once(ctx context.Context, from, name string) (body string, sent int, err error) {
	addr := resolve(from, name)
	if addr == "" || p.seen[addr] {
		return "", 0, nil
	}
	p.seen[addr] = true
	body, sent, kind, err := p.get(ctx, addr)
	if err == nil && !strings.Contains(kind, "javascript") && !strings.Contains(kind, "css") {
		err = fmt.Errorf("%s is %s", addr, kind)
	}
	return body, sent, err
}

// resolve is a name's address as seen from a page; empty where it has none.
func resolve(from, name string) string {
	base, err := url.Parse(from)
	if err != nil {
		return ""
	}
	u, err := base.Parse(name)
	if err != nil {
		return ""
	}
	return u.String()
}
