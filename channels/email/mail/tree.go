package mail

import (
	"bytes"
	"strings"
)

// part is an entity of the MIME tree. Its body is a slice of the raw mail.
type part struct {
	header   Header
	typ      string // media type, lower case
	params   map[string]string
	disp     media // Content-Disposition
	body     []byte
	around   []byte // what stands before the first boundary and behind the last
	children []*part
	parent   *part
	index    int // among its siblings
}

func (n *part) multipart() bool { return len(n.children) > 0 }

// tree cuts an entity. What cannot be cut is text.
func (p *parser) tree(b []byte, depth int, defaultType string) *part {
	n := &part{}
	n.header, n.body = p.header(b)
	ct := parseMedia(n.header.raw("Content-Type"), "")
	n.header.charset = ct.params["charset"]
	n.disp = parseMedia(n.header.raw("Content-Disposition"), n.header.charset)
	ct = parseMedia(n.header.raw("Content-Type"), n.header.charset)
	n.typ, n.params = mediaType(ct.value, defaultType), ct.params
	if strings.HasPrefix(n.typ, "multipart/") {
		p.split(n, depth)
		return n
	}
	p.leaves++
	p.strays(n, depth)
	return n
}

// mediaType repairs a media type.
func mediaType(v, def string) string {
	switch {
	case v == "" || v == "text":
		return def
	case v == "html" || v == "text/htm":
		return "text/html"
	case v == "plain" || v == "text/txt":
		return "text/plain"
	case !strings.Contains(v, "/"):
		return "application/octet-stream"
	}
	return v
}

// split cuts a multipart at its boundary. A closing boundary may be missing, and parts may
// follow one: both happen. A multipart without a boundary becomes text.
func (p *parser) split(n *part, depth int) {
	boundary := n.params["boundary"]
	marks := findMarks(n.body, boundary)
	if len(p.boundaries) < maxStrays && boundary != "" {
		p.boundaries = append(p.boundaries, boundary)
	}
	if len(marks) == 0 {
		if guess := guessBoundary(n.body); guess != "" {
			p.problem("the boundary between parts is not the one declared")
			marks = findMarks(n.body, guess)
		}
	}
	if len(marks) == 0 || depth >= maxDepth {
		if depth >= maxDepth {
			p.problem("parts are nested deeper than is read")
		} else {
			p.problem("a mail of parts has no boundary between them")
		}
		n.typ = "text/plain"
		p.leaves++
		return
	}
	def := "text/plain"
	if n.typ == "multipart/digest" {
		def = "message/rfc822"
	}
	p.cut(n, marks, depth, def)
	if len(n.children) == 0 {
		n.typ = "text/plain"
		n.body = n.around
		p.leaves++
	}
}

func (p *parser) cut(n *part, marks []mark, depth int, def string) {
	closed := false
	n.around = bytes.TrimSpace(n.body[:marks[0].start])
	for i, m := range marks {
		if m.closing {
			n.around = append(n.around[:len(n.around):len(n.around)], n.body[m.end:following(n.body, marks, i)]...)
		}
	}
	if types := n.header.raws("Content-Type"); len(types) > 1 && !blank(n.body[:marks[0].start]) {
		p.first(n, types[1], n.body[:marks[0].start])
	}
	for i, m := range marks {
		if m.closing {
			closed = true
			continue
		}
		if p.leaves >= maxParts {
			p.problem("there are more parts than are read")
			return
		}
		b := n.body[m.end:following(n.body, marks, i)]
		if blank(b) && closed {
			continue
		}
		if len(b) == 0 && i+1 == len(marks) {
			continue
		}
		c := p.tree(b, depth+1, def)
		c.parent, c.index = n, len(n.children)
		n.children = append(n.children, c)
	}
	if !closed {
		p.problem("the last boundary between parts is missing")
	}
}

// following is where what stands behind a mark ends.
func following(b []byte, marks []mark, i int) int {
	if i+1 < len(marks) {
		return max(marks[i].end, marks[i+1].start)
	}
	return len(b)
}

// strays cuts words in which a boundary stands that was declared elsewhere in the mail: the parts
// of a multipart that was closed too early, or around which others were put.
func (p *parser) strays(n *part, depth int) {
	if n.typ != "text/plain" && n.typ != "text/html" || depth >= maxDepth || len(n.body) > maxStray {
		return
	}
	for _, boundary := range p.boundaries {
		marks := findMarks(n.body, boundary)
		if len(marks) == 0 {
			continue
		}
		p.problem("a boundary between parts stands where it does not belong")
		words := *n
		words.body, words.parent = n.body[:marks[0].start], n
		n.typ, n.children = "multipart/mixed", []*part{&words}
		p.cut(n, marks, depth, "text/plain")
		n.around = nil
		return
	}
}

// first keeps a first part whose boundary is missing, so that its header became the multipart's.
func (p *parser) first(n *part, contentType []byte, body []byte) {
	p.problem("the first boundary between parts is missing")
	ct := parseMedia(contentType, "")
	c := &part{header: n.header, typ: mediaType(ct.value, "text/plain"), params: ct.params, body: body, parent: n}
	if strings.HasPrefix(c.typ, "multipart/") {
		c.typ = "text/plain"
	}
	p.leaves++
	n.children = append(n.children, c)
}

// mark is a line with a boundary: start includes the line end before it.
type mark struct {
	start, end int
	closing    bool
}

// findMarks finds the boundary's lines.
func findMarks(b []byte, boundary string) []mark {
	if boundary == "" {
		return nil
	}
	delim := []byte("--" + boundary)
	var marks []mark
	for at := 0; ; {
		i := bytes.Index(b[at:], delim)
		if i < 0 {
			return marks
		}
		i += at
		at = i + len(delim)
		atStart := i == 0 || b[i-1] == '\n' || b[i-1] == '\r'
		closesMail := len(marks) > 0 && len(b)-at < 100 && string(bytes.TrimSpace(b[at:])) == "--"
		if !atStart && !closesMail {
			continue
		}
		if m, ok := markAt(b, i, at); ok {
			marks = append(marks, m)
			at = m.end
		}
		if len(marks) > 2*maxParts {
			return marks
		}
	}
}

// markAt reads what follows the boundary on its line.
func markAt(b []byte, start, at int) (mark, bool) {
	line, _ := cutLine(b[at:])
	m := mark{start: start, end: at + len(line)}
	rest := bytes.TrimRight(line, " \t\r\n")
	switch {
	case len(rest) == 0:
	case bytes.Equal(rest, []byte("--")), bytes.HasPrefix(rest, []byte("-- ")):
		m.closing = true
	case rest[0] == ' ' || rest[0] == '\t':
	default:
		return mark{}, false
	}
	if start > 0 && b[start-1] == '\n' {
		m.start--
		if m.start > 0 && b[m.start-1] == '\r' {
			m.start--
		}
	}
	return m, true
}

// guessBoundary finds a boundary nobody declared: a line of two dashes that closes again or comes
// twice, with a header behind it.
func guessBoundary(b []byte) string {
	for n := 0; len(b) > 0 && n < 200; n++ {
		line, rest := cutLine(b)
		text := bytes.TrimRight(line, " \t\r\n")
		if len(text) > 2 && len(text) < 120 && bytes.HasPrefix(text, []byte("--")) && bytes.HasPrefix(bytes.ToLower(rest), []byte("content-")) {
			return string(text[2:])
		}
		b = rest
	}
	return ""
}

// walk visits every node, the root first.
func (n *part) walk(visit func(*part)) {
	visit(n)
	for _, c := range n.children {
		c.walk(visit)
	}
}
