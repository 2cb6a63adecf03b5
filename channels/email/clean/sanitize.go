package clean

import (
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Options say what becomes of the images of a mail.
type Options struct {
	// CID returns the address of an inline part by its Content-ID, without angle brackets and
	// percent-decoded; false shows the image's text instead. Nil leaves it to who shows the mail:
	// the Content-ID stands in the attribute data-cid.
	CID func(ref string) (url string, ok bool)
	// Ref returns the Content-ID that stands in data-cid, for parts whose own differs in case. Nil
	// leaves it as the mail has it.
	Ref func(ref string) string
	// Remote returns the address under which a remote image may be loaded, for instance a proxy's.
	// Nil, or false, blocks it: the address stands in the attribute data-remote.
	Remote func(url string) (string, bool)
}

// Result is a mail's HTML that is safe to show in a sandboxed frame.
type Result struct {
	HTML     string
	Remote   int  // images that are blocked until asked for
	Trackers int  // images nobody is meant to see; left out
	Cut      bool // the mail was beyond a limit: HTML holds its text, perhaps only the first part
}

// HTML parses and cleans a mail.
func HTML(in string, o Options) Result { return Parse(in).HTML(o) }

// HTML writes the document with nothing in it that is not on the allow-list; see the package.
func (d *Doc) HTML(o Options) Result {
	return newWriter(d, o).document(d)
}

func newWriter(d *Doc, o Options) *writer {
	return &writer{o: o, sheet: parseSheets(d.sheets), styles: map[string]string{}}
}

// document writes all of d.
func (w *writer) document(d *Doc) Result {
	w.res.Cut = d.Cut
	w.children(d.Root)
	w.res.HTML = w.b.String()
	if s := w.body(d.Root); s != "" {
		w.res.HTML = `<div style="` + escape(s) + `">` + w.res.HTML + "</div>"
	}
	return w.res
}

// body returns the style of the element that stands in for the body.
func (w *writer) body(root *html.Node) string {
	s := w.style(root, nil)
	c, ok := attrBgColor.value(attr(root, "bgcolor"))
	if !ok || property(s, "background-color") != "" || property(s, "background") != "" {
		return s
	}
	return strings.TrimSuffix("background-color:"+c+";"+s, ";")
}

type writer struct {
	o     Options
	b     strings.Builder
	res   Result
	sheet *sheet
	path  []*html.Node // ancestors that a style rule may name
	send  *Letter      // set for outgoing mail

	styles map[string]string // what was made of rules and a style attribute; newsletters repeat few
	key    []byte            // of styles; used again
}

func (w *writer) node(n *html.Node) {
	if n.Type == html.TextNode {
		escapeTo(&w.b, n.Data, false)
		return
	}
	if n.Type != html.ElementNode || hidden[n.DataAtom] {
		return
	}
	rule, ok := elements[n.DataAtom]
	switch {
	case n.DataAtom == atom.Img:
		w.image(n)
		return
	case n.DataAtom == atom.A:
		w.link(n)
		return
	case !ok:
		w.children(n)
		return
	}
	w.b.WriteByte('<')
	w.b.WriteString(n.Data)
	w.attributes(n, rule)
	w.b.WriteByte('>')
	if voids[n.DataAtom] {
		return
	}
	w.children(n)
	w.b.WriteString("</")
	w.b.WriteString(n.Data)
	w.b.WriteByte('>')
}

func (w *writer) children(n *html.Node) {
	w.path = append(w.path, n)
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		w.node(c)
	}
	w.path = w.path[:len(w.path)-1]
}

func (w *writer) attribute(name, value string) {
	w.b.WriteByte(' ')
	w.b.WriteString(name)
	w.b.WriteString(`="`)
	escapeTo(&w.b, value, true)
	w.b.WriteByte('"')
}

// attributes writes those of n that are allowed everywhere and those that rule allows. Of two of
// one name the first counts, as in browsers.
func (w *writer) attributes(n *html.Node, rule allowed) {
	var seen allowed
	for _, a := range n.Attr {
		bit, ok := attributes[a.Key]
		if !ok || seen&bit != 0 || bit&(rule|everywhere) == 0 {
			continue
		}
		seen |= bit
		if v, ok := bit.value(a.Val); ok {
			w.attribute(a.Key, v)
		}
	}
	if s := w.style(n, w.path); s != "" {
		w.attribute("style", s)
	}
}

// link writes a link that leads somewhere; of others only the content is written.
func (w *writer) link(n *html.Node) {
	href, ok := safeLink(attr(n, "href"))
	if !ok {
		w.children(n)
		return
	}
	w.b.WriteString("<a")
	w.attribute("href", href)
	if w.send == nil {
		w.b.WriteString(` rel="noopener noreferrer nofollow" target="_blank"`)
	}
	w.attributes(n, 0)
	w.b.WriteByte('>')
	w.children(n)
	w.b.WriteString("</a>")
}

// image writes an image, blocks it, or leaves it out.
func (w *writer) image(n *html.Node) {
	if w.send != nil {
		w.sendImage(n)
		return
	}
	src, kind := imageSource(n)
	switch kind {
	case remoteImage:
		if isTracker(n) {
			w.res.Trackers++
			return
		}
		w.remote(n, src)
		return
	case inlineImage:
		if w.o.CID == nil {
			if w.o.Ref != nil {
				src = w.o.Ref(src)
			}
			w.img(n, "data-cid", src)
			return
		}
		if u, ok := w.o.CID(src); ok {
			w.img(n, "src", u)
			return
		}
	case dataImage:
		w.img(n, "src", src)
		return
	}
	escapeTo(&w.b, attr(n, "alt"), false)
}

// sendImage writes an image of an outgoing mail.
func (w *writer) sendImage(n *html.Node) {
	if w.send.CID != nil {
		if id, ok := w.send.CID(attr(n, "src")); ok {
			w.img(n, "src", "cid:"+id)
			return
		}
	}
	switch src, kind := imageSource(n); {
	case kind == remoteImage && isTracker(n):
		w.res.Trackers++
	case kind == inlineImage:
		w.img(n, "src", "cid:"+src)
	case kind == remoteImage || kind == dataImage:
		w.img(n, "src", src)
	default:
		escapeTo(&w.b, attr(n, "alt"), false)
	}
}

func (w *writer) remote(n *html.Node, src string) {
	if w.o.Remote != nil {
		if u, ok := w.o.Remote(src); ok {
			w.img(n, "src", u)
			return
		}
	}
	w.res.Remote++
	w.img(n, "data-remote", src)
}

func (w *writer) img(n *html.Node, key, value string) {
	w.b.WriteString("<img")
	w.attribute(key, value)
	w.attributes(n, elements[atom.Img])
	w.b.WriteByte('>')
}

// isTracker reports whether an image is too small to be seen or hidden.
func isTracker(n *html.Node) bool {
	style := strings.ToLower(attr(n, "style"))
	for _, key := range []string{"width", "height"} {
		px, ok := pixels(attr(n, key))
		if !ok {
			px, ok = pixels(property(style, key))
		}
		if ok && px <= 1 {
			return true
		}
	}
	return property(style, "display") == "none" || property(style, "visibility") == "hidden"
}

// pixels reads a length without unit or in px.
func pixels(s string) (float64, bool) {
	f, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(s), "px"), 64)
	return f, err == nil
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func escape(s string) string {
	var b strings.Builder
	escapeTo(&b, s, true)
	return b.String()
}

// escapeTo writes text or, with quotes, the value of an attribute.
func escapeTo(b *strings.Builder, s string, quotes bool) {
	from := 0
	for i := 0; i < len(s); i++ {
		var e string
		switch s[i] {
		case '&':
			e = "&amp;"
		case '<':
			e = "&lt;"
		case '>':
			e = "&gt;"
		case '"':
			if !quotes {
				continue
			}
			e = "&#34;"
		default:
			continue
		}
		b.WriteString(s[from:i])
		b.WriteString(e)
		from = i + 1
	}
	b.WriteString(s[from:])
}
