package quote

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"github.com/parley-hub/parley/channels/email/clean"
)

// HTML splits the HTML of a mail. Neither part is sanitised: that comes after, because it removes
// the names by which quotes are known. The quoted part has the signatures, too. If nothing is
// folded, ok is false and visible is s.
func HTML(s string) (visible, quoted string, ok bool) {
	v, q, ok := Doc(clean.Parse(s))
	if !ok {
		return s, "", false
	}
	return v.Source(), q.Source(), true
}

// Doc splits a parsed mail, which it takes apart. If nothing is folded, ok is false and visible
// is d.
func Doc(d *clean.Doc) (visible, quoted *clean.Doc, ok bool) {
	r := reader{leaves: make(map[*html.Node]int, 512)}
	r.read(d.Root, context{})
	parts := place(r.lines)
	leadFold(r.lines, parts)
	folded := false
	for i, p := range parts {
		folded = folded || p != 0 && !r.lines[i].blank()
	}
	if !folded {
		return d, nil, false
	}
	take := func(keep func(part) bool) *clean.Doc {
		root, _, _ := filter(d.Root, func(n *html.Node) (leaf, kept bool) {
			at, leaf := r.leaves[n]
			return leaf, leaf && keep(parts[at])
		})
		return d.With(root)
	}
	return take(func(p part) bool { return p == 0 }), take(func(p part) bool { return p != 0 }), true
}

// leadFold gives the blank lines above something folded to it, so that no empty lines are left at
// the end of what is shown.
func leadFold(lines []line, parts []part) {
	for i := len(parts) - 2; i >= 0; i-- {
		if lines[i].blank() && parts[i] == visible {
			parts[i] = parts[i+1]
		}
	}
}

// filter copies the tree without the leaves that are not kept and without the elements that have
// only such.
func filter(n *html.Node, keep func(*html.Node) (leaf, kept bool)) (out *html.Node, leaves, kept bool) {
	if leaf, ok := keep(n); leaf {
		if !ok {
			return nil, true, false
		}
		return shallow(n), true, true
	}
	out = shallow(n)
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		child, has, any := filter(c, keep)
		leaves, kept = leaves || has, kept || any
		if child != nil {
			out.AppendChild(child)
		}
	}
	if leaves && !kept && n.Parent != nil {
		return nil, true, false
	}
	return out, leaves, kept
}

func shallow(n *html.Node) *html.Node {
	return &html.Node{Type: n.Type, DataAtom: n.DataAtom, Data: n.Data, Attr: n.Attr}
}

// context is what the elements around a text say about it.
type context struct {
	quoted, header, sign, pre, concealed bool
}

// reader turns a tree into lines and remembers in which each leaf is.
type reader struct {
	lines  []line
	leaves map[*html.Node]int
	open   bool // the last line goes on
	cut    bool // the next line begins the rest of the mail
	buf    strings.Builder
}

func (r *reader) read(n *html.Node, c context) {
	for child := n.FirstChild; child != nil; {
		next := child.NextSibling // reading may split a text
		if child.Type == html.TextNode {
			r.text(child, c)
		} else {
			r.element(child, c)
		}
		child = next
	}
}

func (r *reader) element(n *html.Node, c context) {
	if clean.IsHidden(n) {
		return
	}
	switch n.DataAtom {
	case atom.Br:
		r.leaf(n, "", c)
		r.end()
		return
	case atom.Hr:
		r.mark(n, &c)
		r.end()
		r.leaf(n, "-----", c)
		r.end()
		return
	case atom.Img:
		r.leaf(n, imageText(n), c)
		return
	case atom.Td, atom.Th:
		if r.open && r.buf.Len() > 0 {
			r.buf.WriteString(" | ")
		}
	case atom.Pre:
		c.pre = true
	}
	block := clean.IsBlock(n.DataAtom)
	if block {
		r.end()
	}
	r.mark(n, &c)
	c.concealed = c.concealed || clean.IsConcealed(n)
	if isIntroduced(n) {
		r.introduced(n, c)
	} else {
		r.read(n, c)
	}
	if block {
		r.end()
	}
}

// imageText stands for an image in its line: it is something the person sent.
func imageText(n *html.Node) string {
	for _, a := range n.Attr {
		if a.Key == "alt" && a.Val != "" {
			return a.Val
		}
	}
	return "[image]"
}

// introduced reads an element of which all before its first blockquote is the header of a quote,
// the blockquotes are quoted, and all behind and between them is the person's own, which is how
// Gmail holds answers between quotes.
func (r *reader) introduced(n *html.Node, c context) {
	quotes := !forwarded(n)
	before := quotes
	for child := n.FirstChild; child != nil; {
		next, inner := child.NextSibling, c
		if child.DataAtom == atom.Blockquote {
			before = false
			inner.quoted = c.quoted || quotes
		}
		inner.header = c.header || before
		if child.Type == html.TextNode {
			r.text(child, inner)
		} else {
			r.element(child, inner)
		}
		child = next
	}
}

func (r *reader) text(n *html.Node, c context) {
	if !c.pre {
		r.leaf(n, n.Data, c)
		return
	}
	for {
		at := strings.IndexByte(n.Data, '\n')
		if at < 0 {
			r.leaf(n, n.Data, c)
			return
		}
		rest := &html.Node{Type: html.TextNode, Data: n.Data[at+1:]}
		n.Data = n.Data[:at+1]
		n.Parent.InsertBefore(rest, n.NextSibling)
		r.leaf(n, n.Data, c)
		r.end()
		n = rest
		if n.Data == "" {
			r.leaf(n, "", c)
			return
		}
	}
}

// leaf adds a leaf to the line.
func (r *reader) leaf(n *html.Node, text string, c context) {
	if !r.open {
		r.lines = append(r.lines, line{})
		r.open = true
	}
	r.leaves[n] = len(r.lines) - 1
	if c.concealed {
		return // in its place, but nobody sees it
	}
	r.buf.WriteString(text)
	if strings.TrimSpace(text) == "" {
		return
	}
	l := &r.lines[len(r.lines)-1]
	l.quoted = l.quoted || c.quoted
	l.header = l.header || c.header
	l.sign = l.sign || c.sign
	l.cut = l.cut || r.cut
	r.cut = false
}

// end ends the line. Text that is marked with ">" in HTML, too, is quoted.
func (r *reader) end() {
	if !r.open {
		return
	}
	l := &r.lines[len(r.lines)-1]
	l.text = shorten(squeeze(r.buf.String()))
	l.quoted = l.quoted || isMarked(l.text)
	r.buf.Reset()
	r.open = false
}
