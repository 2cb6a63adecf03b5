package clean

import (
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

func atoms(list ...atom.Atom) map[atom.Atom]bool {
	m := make(map[atom.Atom]bool, len(list))
	for _, a := range list {
		m[a] = true
	}
	return m
}

var (
	voids = atoms(atom.Area, atom.Base, atom.Br, atom.Col, atom.Embed, atom.Frame, atom.Hr, atom.Img, atom.Input, atom.Keygen, atom.Link,
		atom.Meta, atom.Param, atom.Source, atom.Track, atom.Wbr)
	// blocks begin on a line of their own and end a paragraph.
	blocks = atoms(atom.Address, atom.Article, atom.Aside, atom.Blockquote, atom.Center, atom.Dd, atom.Details, atom.Dialog, atom.Dir, atom.Div, atom.Dl, atom.Dt,
		atom.Fieldset, atom.Figcaption, atom.Figure, atom.Footer, atom.Form, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Header, atom.Hgroup,
		atom.Hr, atom.Li, atom.Listing, atom.Main, atom.Menu, atom.Nav, atom.Ol, atom.P, atom.Plaintext, atom.Pre, atom.Section, atom.Summary, atom.Table, atom.Ul, atom.Xmp)
	tableParts  = atoms(atom.Table, atom.Thead, atom.Tbody, atom.Tfoot, atom.Tr, atom.Td, atom.Th, atom.Caption, atom.Colgroup)
	tableBounds = atoms(atom.Table)
	rowBounds   = atoms(atom.Table, atom.Tr)
	listBounds  = atoms(atom.Ul, atom.Ol, atom.Dl, atom.Dir, atom.Menu, atom.Table, atom.Td, atom.Th)
	cellBounds  = atoms(atom.Table, atom.Td, atom.Th, atom.Caption)
	// breakouts, with the blocks, end svg and math: the standard's list, as far as mails have them.
	breakouts = atoms(atom.B, atom.Big, atom.Body, atom.Br, atom.Code, atom.Em, atom.Embed, atom.Font, atom.Head, atom.I, atom.Img, atom.Nobr, atom.Ruby, atom.S, atom.Small,
		atom.Span, atom.Strong, atom.Strike, atom.Sub, atom.Sup, atom.Tt, atom.U, atom.Var, atom.Td, atom.Tr, atom.Th, atom.Tbody)
	// hidden elements are left out with all they hold.
	hidden = atoms(atom.Script, atom.Style, atom.Title, atom.Iframe, atom.Noembed, atom.Noframes, atom.Frameset, atom.Template, atom.Svg, atom.Math, atom.Audio,
		atom.Video, atom.Canvas, atom.Select, atom.Datalist, atom.Applet)
)

func isForeign(a atom.Atom) bool { return a == atom.Svg || a == atom.Math }

// isRaw names elements whose text is not read as HTML and not shown.
func isRaw(a atom.Atom) bool {
	switch a {
	case atom.Style, atom.Script, atom.Title, atom.Iframe, atom.Noembed, atom.Noframes:
		return true
	}
	return false
}

// IsBlock reports whether an element begins and ends a line of its own.
func IsBlock(a atom.Atom) bool { return blocks[a] || a == atom.Tr || a == atom.Caption }

// IsHidden reports whether nothing inside an element is shown because of what it is.
func IsHidden(n *html.Node) bool { return hidden[n.DataAtom] }
