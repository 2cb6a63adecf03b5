package clean

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Limits of a tree. A mail beyond maxInput or maxNodes is shown as text; what is nested deeper than
// maxDepth is shown beside instead of inside.
const (
	maxInput = 16 << 20 // bytes; inline images count
	maxNodes = 60_000
	maxDepth = 200
	maxAttrs = 40
	maxText  = 1 << 20   // bytes of text that a mail beyond the limits is cut to
	maxSheet = 256 << 10 // bytes of style sheets
)

// Doc is a parsed mail. Root is its body; it may be taken apart.
type Doc struct {
	Root *html.Node
	Cut  bool // beyond a limit: Root holds the text alone, or the first part of it

	sheets []string // what stood in style elements
}

// Parse builds the tree of a mail's HTML. It never fails: see [Doc].Cut.
func Parse(in string) *Doc {
	if len(in) <= maxInput {
		b := builder{doc: &Doc{Root: element(atom.Body)}}
		b.open = append(b.open, b.doc.Root)
		if b.build(in) {
			return b.doc
		}
	}
	return &Doc{Root: textRoot(stripTags(in)), Cut: true}
}

// With returns a document of another root that is under the same style sheets.
func (d *Doc) With(root *html.Node) *Doc {
	return &Doc{Root: root, Cut: d.Cut, sheets: d.sheets}
}

// element returns a new element of a known name.
func element(a atom.Atom) *html.Node {
	return &html.Node{Type: html.ElementNode, DataAtom: a, Data: a.String()}
}

func textRoot(s string) *html.Node {
	root, pre := element(atom.Body), element(atom.Pre)
	pre.AppendChild(&html.Node{Type: html.TextNode, Data: s})
	root.AppendChild(pre)
	return root
}

// builder holds the elements that are open, outermost first.
type builder struct {
	doc     *Doc
	z       *html.Tokenizer
	open    []*html.Node
	over    map[atom.Atom]int // elements beyond maxDepth that are open
	foreign int               // how many of open are svg or math
	nodes   int
	sheet   int // bytes of style sheets kept
	raw     atom.Atom
	attrs   []html.Attribute // used again for each tag
}

// build reads all tokens and reports whether the limits were kept.
func (b *builder) build(in string) bool {
	b.z = html.NewTokenizer(strings.NewReader(in))
	for b.nodes <= maxNodes {
		switch b.z.Next() {
		case html.ErrorToken:
			return true // the end: a string has no other error
		case html.TextToken:
			b.text()
		case html.StartTagToken:
			b.start(false)
		case html.SelfClosingTagToken:
			b.start(true)
		case html.EndTagToken:
			b.raw = 0
			name, _ := b.z.TagName()
			a := atom.Lookup(name)
			if a == atom.Xmp || a == atom.Listing {
				a = atom.Pre
			}
			b.end(a)
		}
	}
	return false
}

var cleanText = strings.NewReplacer("\x00", "", "\r\n", "\n", "\r", "\n")

// repair makes line ends LF and drops NUL.
func repair(s string) string {
	if !strings.ContainsAny(s, "\x00\r") {
		return s
	}
	return cleanText.Replace(s)
}

func (b *builder) text() {
	raw := b.raw
	b.raw = 0
	switch raw {
	case atom.Style:
		s := string(b.z.Raw())
		if b.sheet += len(s); b.sheet <= maxSheet {
			b.doc.sheets = append(b.doc.sheets, s)
		}
		return
	case atom.Script, atom.Title, atom.Iframe, atom.Noembed, atom.Noframes:
		return
	}
	s := repair(string(b.z.Text()))
	if s == "" {
		return
	}
	top := b.top()
	if last := top.LastChild; last != nil && last.Type == html.TextNode && len(last.Data) < 4096 {
		last.Data += s
		return
	}
	b.nodes++
	top.AppendChild(&html.Node{Type: html.TextNode, Data: s})
}

func (b *builder) top() *html.Node { return b.open[len(b.open)-1] }

// start opens an element. An end that the standard implies is made first, and a void element is
// closed at once.
func (b *builder) start(selfClosing bool) {
	name, more := b.z.TagName()
	a := atom.Lookup(name)
	if a == 0 {
		return // unknown, as Office writes many: only what is inside matters
	}
	n := element(a)
	n.Attr = b.attributes(more)
	switch a {
	case atom.Html, atom.Head, atom.Base, atom.Link, atom.Meta:
		return
	case atom.Body:
		if b.doc.Root.Attr == nil {
			b.doc.Root.Attr = n.Attr
		}
		return
	case atom.Noscript:
		b.z.NextIsNotRawText()
		return
	case atom.Xmp, atom.Plaintext, atom.Listing:
		n.DataAtom, n.Data = atom.Pre, "pre"
		a = atom.Pre
	case atom.Image:
		n.DataAtom, n.Data = atom.Img, "img"
		a = atom.Img
	}
	b.raw = 0
	if isRaw(a) {
		b.raw = a
	}
	b.implyEnds(a)
	b.nodes++
	b.top().AppendChild(n)
	if voids[a] || selfClosing && b.foreign > 0 {
		return
	}
	b.push(n)
}

// attributes reads those of the current tag.
func (b *builder) attributes(more bool) []html.Attribute {
	b.attrs = b.attrs[:0]
	for more {
		var k, v []byte
		k, v, more = b.z.TagAttr()
		if len(b.attrs) < maxAttrs {
			b.attrs = append(b.attrs, html.Attribute{Key: atom.String(k), Val: repair(string(v))})
		}
	}
	return slices.Clone(b.attrs)
}

func (b *builder) push(n *html.Node) {
	if len(b.open) >= maxDepth {
		if b.over == nil {
			b.over = map[atom.Atom]int{}
		}
		b.over[n.DataAtom]++
		return
	}
	if isForeign(n.DataAtom) {
		b.foreign++
	}
	b.open = append(b.open, n)
}

// pop closes open elements until size are left.
func (b *builder) pop(size int) {
	for _, n := range b.open[size:] {
		if isForeign(n.DataAtom) {
			b.foreign--
		}
	}
	b.open = b.open[:size]
}

// implyEnds closes what the start of an element ends.
func (b *builder) implyEnds(a atom.Atom) {
	if b.foreign > 0 && (blocks[a] || breakouts[a]) {
		for i, n := range b.open {
			if isForeign(n.DataAtom) {
				b.pop(i)
				break
			}
		}
	}
	if blocks[a] {
		b.closeUntil(cellBounds, atom.P)
	}
	switch a {
	case atom.Li:
		b.closeUntil(listBounds, atom.Li)
	case atom.Dd, atom.Dt:
		b.closeUntil(listBounds, atom.Dd, atom.Dt)
	case atom.Td, atom.Th:
		b.closeUntil(rowBounds, atom.Td, atom.Th)
	case atom.Tr:
		b.closeUntil(tableBounds, atom.Tr)
	case atom.Tbody, atom.Thead, atom.Tfoot:
		b.closeUntil(tableBounds, atom.Tbody, atom.Thead, atom.Tfoot)
	case atom.Option, atom.Optgroup:
		b.closeUntil(cellBounds, atom.Option)
	}
}

// closeUntil closes the innermost open element of the given names, if no bound is inside of it.
func (b *builder) closeUntil(bounds map[atom.Atom]bool, names ...atom.Atom) {
	for i := len(b.open) - 1; i > 0; i-- {
		a := b.open[i].DataAtom
		for _, n := range names {
			if a == n {
				b.pop(i)
				return
			}
		}
		if bounds[a] {
			return
		}
	}
}

// end closes an element. An inline element is closed without what is open inside of it: the blocks
// there go on.
func (b *builder) end(a atom.Atom) {
	if b.over[a] > 0 {
		b.over[a]--
		return
	}
	if a == atom.Br {
		b.nodes++
		b.top().AppendChild(element(atom.Br))
		return
	}
	bounds := cellBounds
	if tableParts[a] {
		bounds = tableBounds
	}
	inside := false
	for i := len(b.open) - 1; i > 0; i-- {
		n := b.open[i].DataAtom
		if n == a && a != 0 {
			if inside && !blocks[a] && !tableParts[a] && !isForeign(a) {
				b.open = append(b.open[:i], b.open[i+1:]...)
				return
			}
			b.pop(i)
			return
		}
		if bounds[n] {
			return
		}
		inside = inside || blocks[n]
	}
}

// Source writes the document as it was parsed, not sanitised.
func (d *Doc) Source() string {
	var b strings.Builder
	for _, s := range d.sheets {
		b.WriteString("<style>" + s + "</style>")
	}
	if len(d.Root.Attr) == 0 {
		for n := d.Root.FirstChild; n != nil; n = n.NextSibling {
			renderTo(&b, n)
		}
		return b.String()
	}
	renderTo(&b, d.Root)
	return b.String()
}

// renderTo writes a node. The only errors are a builder's, which has none, and of trees that no
// parser makes.
func renderTo(b *strings.Builder, n *html.Node) {
	if err := html.Render(b, n); err != nil {
		b.WriteString("<!-- " + err.Error() + " -->")
	}
}
