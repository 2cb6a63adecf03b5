package clean

import (
	"path"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Text returns the readable text of HTML: paragraphs and lists as such, links with their address
// behind them, rows of tables on one line, images by their alternative text, quotes after "> ".
// It is empty only if nothing in the mail can be seen.
func Text(in string) string { return Parse(in).Text() }

// Text returns the readable text of the document; see [Text].
func (d *Doc) Text() string {
	w := textWriter{}
	w.children(d.Root)
	if s := w.String(); s != "" {
		return s
	}
	// All is hidden, or the mail is one picture: better too much than nothing.
	w = textWriter{all: true}
	w.children(d.Root)
	return w.String()
}

// textWriter writes words and knows what stands before the next one.
type textWriter struct {
	b      strings.Builder
	all    bool   // hidden elements and images without a text, too
	breaks int    // line ends due before the next word
	space  bool   // a blank is due
	cell   bool   // the next word begins a further cell of its row
	middle bool   // the line has text
	prefix string // of each line: "> " for quotes, blanks for lists
	last   string // prefix of the line above
	bullet string // due before the next word
	pre    int
}

func (w *textWriter) String() string { return strings.TrimRight(w.b.String(), " \n") }

func (w *textWriter) children(n *html.Node) {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		w.node(c)
	}
}

func (w *textWriter) node(n *html.Node) {
	if n.Type == html.TextNode {
		w.words(n.Data)
		return
	}
	if hidden[n.DataAtom] || !w.all && IsConcealed(n) {
		return
	}
	switch n.DataAtom {
	case atom.Br:
		w.line()
	case atom.Hr:
		w.block(1)
		w.word("---")
		w.block(1)
	case atom.Img:
		w.image(n)
	case atom.A:
		w.link(n)
	case atom.Li:
		w.item(n)
	case atom.Blockquote:
		w.block(2)
		w.indented(n, "> ")
		w.block(2)
	case atom.Td, atom.Th:
		w.cell = w.middle && w.breaks == 0
		w.children(n)
	case atom.Pre:
		w.block(2)
		w.pre++
		w.children(n)
		w.pre--
		w.block(2)
	default:
		w.other(n)
	}
}

func (w *textWriter) other(n *html.Node) {
	gap := 0
	switch n.DataAtom {
	case atom.P, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Ul, atom.Ol, atom.Dl:
		gap = 2
		if n.Parent != nil && n.Parent.DataAtom == atom.Li {
			gap = 1
		}
	case atom.Tr, atom.Caption:
		gap = 1
	default:
		if blocks[n.DataAtom] {
			gap = 1
		}
	}
	w.block(gap)
	w.children(n)
	w.block(gap)
}

// block asks for at least n line ends before the next word.
func (w *textWriter) block(n int) {
	if n > 0 {
		w.breaks = max(w.breaks, n)
		w.space = false
	}
}

// line ends the line. Two blank lines are the most that is written.
func (w *textWriter) line() {
	w.breaks = min(w.breaks+1, 3)
	w.space = false
}

func (w *textWriter) indented(n *html.Node, by string) {
	before := w.prefix
	w.prefix += by
	w.children(n)
	w.prefix = before
}

func (w *textWriter) item(n *html.Node) {
	bullet := "- "
	if p := n.Parent; p != nil && p.DataAtom == atom.Ol {
		at := 1
		if s, err := strconv.Atoi(attr(p, "start")); err == nil {
			at = s
		}
		for c := n.PrevSibling; c != nil; c = c.PrevSibling {
			if c.DataAtom == atom.Li {
				at++
			}
		}
		bullet = strconv.Itoa(at) + ". "
	}
	w.block(1)
	w.bullet = bullet
	w.indented(n, strings.Repeat(" ", len(bullet)))
	w.bullet = ""
	w.block(1)
}

func (w *textWriter) image(n *html.Node) {
	src, kind := imageSource(n)
	if kind == remoteImage && isTracker(n) {
		return
	}
	alt := strings.Join(strings.Fields(attr(n, "alt")), " ")
	if alt == "" && w.all && kind != noImage {
		alt = "[" + imageName(src, kind) + "]"
	}
	if alt != "" {
		w.words(alt)
	}
}

func imageName(src string, kind imageKind) string {
	if kind == dataImage {
		return "image"
	}
	src, _, _ = strings.Cut(src, "?")
	if name := path.Base(src); name != "." && name != "/" && len(name) < 80 {
		return name
	}
	return "image"
}

// link writes the text of a link and, unless it is the same, the address.
func (w *textWriter) link(n *html.Node) {
	from := w.b.Len()
	w.children(n)
	href, ok := safeLink(attr(n, "href"))
	if !ok || w.b.Len() == from || len(href) > 500 {
		return
	}
	text := strings.TrimSpace(w.b.String()[from:])
	if sameAddress(text, href) {
		return
	}
	w.space = true
	w.word("(" + strings.TrimPrefix(href, "mailto:") + ")")
}

func sameAddress(text, href string) bool {
	bare := func(s string) string {
		for _, p := range []string{"mailto:", "tel:", "https://", "http://", "www."} {
			s = strings.TrimPrefix(s, p)
		}
		return strings.TrimSuffix(s, "/")
	}
	return strings.HasSuffix(bare(text), bare(href)) || strings.Contains(text, "(")
}

// words writes text; outside of pre, each run of blanks is one.
func (w *textWriter) words(s string) {
	if w.pre > 0 {
		w.verbatim(s)
		return
	}
	for s != "" {
		r, size := utf8.DecodeRuneInString(s)
		if isBlank(r) {
			w.space = w.space || w.middle && w.breaks == 0
			s = s[size:]
			continue
		}
		end := strings.IndexFunc(s, isBlank)
		if end < 0 {
			end = len(s)
		}
		w.word(s[:end])
		s = s[end:]
	}
}

// isBlank leaves out the ideographic space, which is part of the text.
func isBlank(r rune) bool { return r != '\u3000' && unicode.IsSpace(r) || r == '\ufeff' }

func (w *textWriter) verbatim(s string) {
	for i, l := range strings.Split(s, "\n") {
		if i > 0 {
			w.line()
		}
		if l != "" {
			w.word(l)
		}
	}
}

// word writes one word and what is due before it.
func (w *textWriter) word(s string) {
	if s = seen(s); s == "" {
		return
	}
	if w.b.Len() == 0 {
		w.breaks = 0
		w.start()
	}
	for ; w.breaks > 0; w.breaks-- {
		w.middle = false
		w.b.WriteByte('\n')
		if w.breaks > 1 {
			w.b.WriteString(strings.TrimRight(common(w.last, w.prefix), " "))
		}
		if w.breaks == 1 {
			w.start()
		}
	}
	switch {
	case w.cell && w.middle:
		w.b.WriteString(" | ")
	case w.space && w.middle:
		w.b.WriteByte(' ')
	}
	w.cell, w.space, w.middle = false, false, true
	w.b.WriteString(s)
}

// start writes what a line begins with.
func (w *textWriter) start() {
	p := w.prefix
	if w.bullet != "" && len(p) >= len(w.bullet) {
		p = p[:len(p)-len(w.bullet)] + w.bullet
		w.bullet = ""
	}
	w.b.WriteString(p)
	w.last = w.prefix
}

// common is what two prefixes share: a blank line between quotes belongs to the outer one.
func common(a, b string) string {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return a[:n]
}

// seen removes characters of no width, with which newsletters fill the preview.
func seen(s string) string {
	if strings.IndexFunc(s, unseen) < 0 {
		return s
	}
	return strings.Map(func(r rune) rune {
		if unseen(r) {
			return -1
		}
		return r
	}, s)
}

// unseen leaves U+200D alone, which holds emoji together, and U+200C, which Persian needs.
func unseen(r rune) bool {
	return r == '\u00ad' || r == '\u034f' || r == '\u200b' || r == '\u2060' || r == '\ufeff' || r == '\u2007'
}

// IsConcealed reports whether the element's own style hides it, as that of a preview line does.
func IsConcealed(n *html.Node) bool {
	for _, a := range n.Attr {
		if a.Key == "hidden" {
			return true
		}
		if a.Key != "style" || !strings.Contains(a.Val, "none") && !strings.Contains(a.Val, "NONE") && !strings.Contains(a.Val, "mso-hide") {
			continue
		}
		s := strings.ToLower(a.Val)
		return property(s, "display") == "none" || property(s, "mso-hide") == "all"
	}
	return false
}
