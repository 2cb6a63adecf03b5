package mail

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// htmlText is the words of HTML, a line for each block. It makes a mail without text readable,
// searchable and quotable; it is no rendering.
func htmlText(s string) string {
	if s == "" {
		return ""
	}
	if len(s) > maxDerive {
		s = s[:maxDerive]
	}
	w := textWriter{}
	z := html.NewTokenizer(strings.NewReader(s))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return strings.TrimSpace(w.out.String())
		case html.TextToken:
			if w.hidden == 0 {
				w.text(string(z.Text()))
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			name, hasAttr := z.TagName()
			w.open(atom.Lookup(name), hasAttr, z)
		case html.EndTagToken:
			name, _ := z.TagName()
			w.close(atom.Lookup(name))
		}
	}
}

// textWriter squeezes white space as a browser does.
type textWriter struct {
	out     strings.Builder
	hidden  int
	hider   atom.Atom
	breaks  int
	space   bool
	written bool
}

func (w *textWriter) text(s string) {
	for len(s) > 0 {
		word := strings.IndexFunc(s, isSpace)
		if word == 0 {
			w.space = true
			s = strings.TrimLeftFunc(s, isSpace)
			continue
		}
		if word < 0 {
			word = len(s)
		}
		w.word(s[:word])
		s = s[word:]
	}
}

func isSpace(r rune) bool { return r == ' ' || r == '\n' || r == '\t' || r == '\r' || r == '\f' }

func (w *textWriter) word(s string) {
	switch {
	case !w.written:
	case w.breaks > 0:
		w.out.WriteString(strings.Repeat("\n", min(w.breaks, 2)))
	case w.space:
		w.out.WriteByte(' ')
	}
	w.breaks, w.space, w.written = 0, false, true
	w.out.WriteString(s)
}

func (w *textWriter) open(a atom.Atom, hasAttr bool, z *html.Tokenizer) {
	switch {
	case w.hidden > 0:
		if a == w.hider {
			w.hidden++
		}
	case a == atom.Script || a == atom.Style || a == atom.Title || a == atom.Template:
		w.hidden, w.hider = 1, a
	case a == atom.Br:
		w.breaks++
	case a == atom.P || a == atom.Blockquote || a == atom.H1 || a == atom.H2 || a == atom.H3:
		w.breaks = max(w.breaks, 2)
	case a == atom.Td || a == atom.Th:
		w.space = true
	case a == atom.Li:
		w.breaks = max(w.breaks, 1)
		w.word("- ")
	case isBlock(a):
		w.breaks = max(w.breaks, 1)
	case a == atom.Img && hasAttr:
		if alt := attr(z, "alt"); strings.TrimSpace(alt) != "" {
			w.text(" " + alt + " ")
		}
	}
}

func (w *textWriter) close(a atom.Atom) {
	switch {
	case w.hidden > 0:
		if a == w.hider {
			w.hidden--
		}
	case a == atom.P || a == atom.Blockquote || a == atom.H1 || a == atom.H2 || a == atom.H3:
		w.breaks = max(w.breaks, 2)
	case isBlock(a) || a == atom.Li:
		w.breaks = max(w.breaks, 1)
	}
}

func isBlock(a atom.Atom) bool {
	switch a {
	case atom.Div, atom.Tr, atom.Table, atom.Ul, atom.Ol, atom.Dl, atom.Dt, atom.Dd, atom.Hr, atom.Pre,
		atom.H4, atom.H5, atom.H6, atom.Section, atom.Article, atom.Header, atom.Footer, atom.Center,
		atom.Address, atom.Form, atom.Fieldset, atom.Body:
		return true
	}
	return false
}

func attr(z *html.Tokenizer, name string) string {
	for {
		k, v, more := z.TagAttr()
		if string(k) == name {
			return string(v)
		}
		if !more {
			return ""
		}
	}
}
