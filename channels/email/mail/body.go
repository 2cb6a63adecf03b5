package mail

import (
	"bytes"
	"html"
	"slices"
	"strings"
)

// block is a stretch of the mail in up to two forms of the same words.
type block struct {
	plain, html string
}

func (b block) empty() bool { return b.plain == "" && b.html == "" }

// body puts together what the mail says and gathers its files.
func (p *parser) body(root *part) {
	blocks := p.blocks(root)
	m := p.m
	m.Text, m.Derived = plainOf(blocks)
	m.HTML = htmlOf(blocks)
	if len(m.Text) > maxText {
		m.Text = strings.ToValidUTF8(m.Text[:maxText], "")
		p.problem("the text is longer than is shown")
	}
	if len(m.HTML) > maxHTML {
		m.HTML = strings.ToValidUTF8(m.HTML[:maxHTML], "")
		p.problem("the HTML is longer than is shown")
	}
	if m.Text == "" && m.HTML == "" && len(m.Attachments) == 0 {
		p.salvage(root)
	}
	if m.Text == "" && m.HTML == "" && len(m.Attachments) == 0 {
		p.problem("the mail says nothing")
	}
	p.referenced()
}

// salvage shows what stands outside of all parts when nothing stands inside.
func (p *parser) salvage(root *part) {
	if s, _ := decodeCharset(bytes.TrimSpace(root.around), root.params["charset"]); s != "" && root.multipart() {
		p.problem("the parts are empty; what stands around them is shown")
		p.m.Text = lines(s)
	}
}

// blocks reads a node. Files go to the mail's attachments on the way.
func (p *parser) blocks(n *part) []block {
	if !n.multipart() {
		if !n.isText() {
			p.attach(n)
			return nil
		}
		if b := p.text(n); !b.empty() {
			return []block{b}
		}
		return nil
	}
	var groups [][]block
	for _, c := range n.children {
		if bs := p.blocks(c); len(bs) > 0 {
			groups = append(groups, bs)
		}
	}
	if n.typ == "multipart/alternative" {
		return alternative(groups)
	}
	var out []block
	for _, g := range groups {
		out = append(out, g...)
	}
	return out
}

// alternative chooses among forms of the same: the plain one, and the last with HTML, because
// the last is the richest (RFC 2046 §5.1.4). Plain forms that differ are all kept.
func alternative(groups [][]block) []block {
	var b block
	var spare string
	for _, g := range groups {
		if h := htmlOf(g); h != "" {
			b.html = h
			if slices.ContainsFunc(g, func(b block) bool { return b.plain != "" }) {
				spare, _ = plainOf(g)
			}
			continue
		}
		switch s, _ := plainOf(g); {
		case b.plain == "":
			b.plain = s
		case s != b.plain:
			b.plain += "\n\n" + s
		}
	}
	if b.plain == "" && b.html != "" && spare != "" {
		b.plain = spare
	}
	if b.empty() {
		return nil
	}
	return []block{b}
}

// plainOf joins blocks as text; derived tells that no block brought any.
func plainOf(bs []block) (s string, derived bool) {
	var parts []string
	derived = len(bs) > 0
	for _, b := range bs {
		t := b.plain
		if t == "" {
			t = htmlText(b.html)
		} else {
			derived = false
		}
		if t = strings.Trim(t, "\n"); strings.TrimSpace(t) != "" {
			parts = append(parts, t)
		}
	}
	return strings.Join(parts, "\n\n"), derived
}

// htmlOf joins blocks as HTML; "" if none is HTML.
func htmlOf(bs []block) string {
	any := false
	for _, b := range bs {
		any = any || b.html != ""
	}
	if !any {
		return ""
	}
	if len(bs) == 1 {
		return bs[0].html
	}
	var out strings.Builder
	for _, b := range bs {
		if b.html != "" {
			out.WriteString(b.html)
		} else {
			out.WriteString(`<div style="white-space:pre-wrap">` + html.EscapeString(b.plain) + `</div>`)
		}
		out.WriteByte('\n')
	}
	return out.String()
}

// isText decides whether a part is words to read or a file, by its type, its disposition, and
// behind the first part whether it has a name (RFC 8621 §4.1.4).
func (n *part) isText() bool {
	if n.typ != "text/plain" && n.typ != "text/html" || n.disp.value == "attachment" {
		return false
	}
	if n.index == 0 || n.parent == nil {
		return true
	}
	return n.parent.typ == "multipart/alternative" || n.parent.typ != "multipart/related" && n.fileName() == ""
}

// text decodes a part of words.
func (p *parser) text(n *part) block {
	data := p.decodeTransfer(n.body, string(n.header.raw("Content-Transfer-Encoding")), true)
	label := n.params["charset"]
	if n.typ == "text/html" && undeclared[simplify(label)] {
		if meta := metaCharset(data); meta != "" {
			label = meta
		}
	}
	s, used := decodeCharset(data, label)
	if used != "" && simplify(used) != simplify(label) {
		p.problem("text declared as %q was read as %s", oneLine(label), used)
	}
	s = lines(s)
	if n.typ == "text/html" {
		if strings.TrimSpace(s) == "" {
			return block{}
		}
		return block{html: s}
	}
	if strings.EqualFold(n.params["format"], "flowed") {
		s = unflow(s, strings.EqualFold(n.params["delsp"], "yes"))
	}
	s = p.uuFiles(s)
	if strings.TrimSpace(s) == "" {
		return block{}
	}
	return block{plain: s}
}

// lines writes every line end as \n.
func lines(s string) string {
	if strings.IndexByte(s, '\r') < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}

// metaCharset finds the charset HTML declares for itself.
func metaCharset(b []byte) string {
	head := bytes.ToLower(b[:min(len(b), 2048)])
	i := bytes.Index(head, []byte("charset"))
	if i < 0 || !bytes.Contains(head[:i], []byte("<meta")) && !bytes.Contains(head[:i], []byte("<?xml")) {
		return ""
	}
	rest := bytes.TrimLeft(head[i+len("charset"):], " \t\r\n=\"'")
	end := bytes.IndexAny(rest, " \"'/>;?\r\n")
	if end <= 0 || end > 40 {
		return ""
	}
	return string(rest[:end])
}

// uuFiles takes uuencoded files out of plain text, as mails from before MIME carry them.
func (p *parser) uuFiles(s string) string {
	for n := 0; n < 50; n++ {
		i := strings.Index("\n"+s, "\nbegin ")
		if i < 0 {
			return s
		}
		f := strings.Fields(firstLine(s[i:]))
		end := strings.Index(s[i:], "\nend\n")
		if len(f) < 3 || len(f[1]) < 3 || strings.Trim(f[1], "01234567") != "" || end < 0 {
			return s
		}
		data, name, _ := decodeUU([]byte(s[i : i+end+5]))
		p.add(Attachment{Name: name, MIME: "application/octet-stream", Data: data})
		s = s[:i] + s[i+end+5:]
	}
	return s
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// unflow joins the lines of format=flowed text (RFC 3676), keeping quotes and the signature's
// mark apart.
func unflow(s string, delsp bool) string {
	var out strings.Builder
	flowing, depth := false, 0
	for i, line := range strings.Split(s, "\n") {
		d := len(line) - len(strings.TrimLeft(line, ">"))
		text := strings.TrimPrefix(line[d:], " ")
		sig := text == "-- "
		if flowing && (d != depth || sig) {
			flowing = false
		}
		if !flowing {
			if i > 0 {
				out.WriteByte('\n')
			}
			if d > 0 {
				out.WriteString(strings.Repeat(">", d))
				if text != "" {
					out.WriteByte(' ')
				}
			}
		}
		flowing, depth = strings.HasSuffix(text, " ") && !sig, d
		if flowing && delsp {
			text = text[:len(text)-1]
		}
		out.WriteString(text)
	}
	return out.String()
}
