package clean

import (
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

type imageKind uint8

const (
	noImage imageKind = iota
	remoteImage
	inlineImage
	dataImage
)

// asBrowser removes what browsers remove before they read the scheme of an address.
func asBrowser(s string) string {
	s = strings.TrimFunc(s, func(r rune) bool { return r <= ' ' })
	return strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' || r == '\r' {
			return -1
		}
		return r
	}, s)
}

// scheme splits off a scheme in lower case.
func scheme(s string) (string, string, bool) {
	name, rest, ok := strings.Cut(s, ":")
	return strings.ToLower(name), rest, ok
}

// safeLink lets through absolute addresses of the web, of mail and of phones. What is relative
// would lead into the hub itself.
func safeLink(s string) (string, bool) {
	s = asBrowser(s)
	name, rest, ok := scheme(s)
	if !ok || rest == "" || strings.ContainsFunc(s, isControl) {
		return "", false
	}
	switch name {
	case "http", "https":
		return s, strings.HasPrefix(rest, "//") && len(rest) > 2
	case "mailto", "tel", "sms":
		return s, true
	}
	return "", false
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// imageSource returns where an image comes from. An image that was cleaned before has its address
// in data-remote, or its Content-ID in data-cid.
func imageSource(n *html.Node) (string, imageKind) {
	s := asBrowser(attr(n, "src"))
	if s == "" {
		s = asBrowser(attr(n, "data-remote"))
	}
	if id := attr(n, "data-cid"); s == "" && id != "" && !strings.ContainsFunc(id, isControl) {
		return strings.Trim(id, "<> "), inlineImage
	}
	if strings.HasPrefix(s, "//") {
		s = "https:" + s
	}
	name, rest, ok := scheme(s)
	if !ok || strings.ContainsFunc(s, isControl) {
		return "", noImage
	}
	switch name {
	case "http", "https":
		return s, remoteImage
	case "cid":
		if ref, err := url.PathUnescape(rest); err == nil {
			rest = ref
		}
		return strings.Trim(rest, "<> "), inlineImage
	case "data":
		if isRaster(rest) {
			return "data:" + rest, dataImage
		}
	}
	return "", noImage
}

// isRaster reports whether the rest of a data: address is a picture made of pixels. SVG is a
// document and may hold scripts.
func isRaster(s string) bool {
	media, data, ok := strings.Cut(s, ",")
	if !ok {
		return false
	}
	switch strings.ToLower(media) {
	case "image/png;base64", "image/jpeg;base64", "image/jpg;base64", "image/gif;base64", "image/webp;base64", "image/bmp;base64":
	default:
		return false
	}
	return strings.Trim(data, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=%") == ""
}
