package mail

import (
	"bytes"
	"strings"
)

// Header is a header block in the order it was written.
type Header struct {
	fields  []field
	charset string // what undeclared 8-bit text is tried as first
}

// field is one line of a header, unfolded, its value as it stood.
type field struct {
	name  string // lower case
	value []byte
}

// Values returns every value of a field, decoded, in the order written. The name's case does
// not matter.
func (h Header) Values(name string) []string {
	var out []string
	for _, v := range h.raws(name) {
		out = append(out, decodeHeader(v, h.charset))
	}
	return out
}

// Get returns the first value that is not blank, decoded, or "".
func (h Header) Get(name string) string {
	for _, v := range h.raws(name) {
		if len(bytes.TrimSpace(v)) > 0 {
			return decodeHeader(v, h.charset)
		}
	}
	return ""
}

// Has reports whether the field is there, even if it says nothing.
func (h Header) Has(name string) bool { return len(h.raws(name)) > 0 }

// Names returns the names of all fields in lower case, in order, repeats included.
func (h Header) Names() []string {
	out := make([]string, 0, len(h.fields))
	for _, f := range h.fields {
		out = append(out, f.name)
	}
	return out
}

// raws returns every value of a field as it stood.
func (h Header) raws(name string) [][]byte {
	var out [][]byte
	for _, f := range h.fields {
		if strings.EqualFold(f.name, name) {
			out = append(out, f.value)
		}
	}
	return out
}

// raw returns the first value that is not blank as it stood.
func (h Header) raw(name string) []byte {
	for _, v := range h.raws(name) {
		if len(bytes.TrimSpace(v)) > 0 {
			return v
		}
	}
	return nil
}

// start drops what stands before the first header: white space, a byte order mark, the
// "From " line of mailbox files, and the line of SMTP dialogue some gateways leave behind.
func (p *parser) start(raw []byte) {
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	for {
		line, rest := cutLine(raw)
		_, _, isField := splitField(line)
		switch {
		case len(raw) == 0:
			p.raw = nil
			return
		case len(bytes.Trim(line, " \t\r\n\x00")) == 0:
			raw = rest
		case !isField && (bytes.HasPrefix(line, []byte("From ")) || bytes.HasPrefix(line, []byte(">From "))):
			p.problem("the mail begins with a line of a mailbox file")
			raw = rest
		default:
			p.raw = raw
			p.lineEnds()
			return
		}
	}
}

// lineEnds repairs a mail whose lines all end in a carriage return alone.
func (p *parser) lineEnds() {
	if bytes.IndexByte(p.raw, '\n') < 0 && bytes.IndexByte(p.raw, '\r') >= 0 {
		p.problem("lines end in a bare carriage return")
		p.raw = bytes.ReplaceAll(p.raw, []byte{'\r'}, []byte{'\n'})
	}
}

// cutLine returns the first line with its end, and the rest.
func cutLine(b []byte) (line, rest []byte) {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return b[:i+1], b[i+1:]
	}
	return b, nil
}

// header cuts the header block off an entity and returns the body.
func (p *parser) header(b []byte) (Header, []byte) {
	h := Header{}
	size := 0
	for rest := b; ; {
		if len(rest) == 0 {
			return h, nil
		}
		line, next := cutLine(rest)
		size += len(line)
		text := bytes.TrimRight(line, "\r\n")
		if size > maxHeaderBytes || len(h.fields) > maxFields {
			p.problem("the header is larger than is read")
			return h, afterHeader(rest)
		}
		switch name, value, ok := splitField(text); {
		case len(text) == 0:
			return h, next
		case (text[0] == ' ' || text[0] == '\t') && len(h.fields) > 0:
			if blank(text) && !headerLike(next) {
				return h, next
			}
			p.fold(&h, text)
		case ok:
			h.fields = append(h.fields, field{name: name, value: clip(value)})
		case len(h.fields) == 0:
			return h, rest
		case headerLike(next) && !bytes.HasPrefix(text, []byte("--")):
			p.problem("a header line is damaged")
			p.fold(&h, append([]byte{' '}, text...))
		default:
			p.problem("the header ends without an empty line")
			return h, rest
		}
		rest = next
	}
}

// fold continues the last field.
func (p *parser) fold(h *Header, text []byte) {
	f := &h.fields[len(h.fields)-1]
	if len(f.value)+len(text) > maxValue {
		p.problem("a header field is longer than is read")
		return
	}
	f.value = append(f.value, clean(text)...) // clip left no room in the raw bytes
}

// clip makes a field's value one's own to append to.
func clip(v []byte) []byte {
	v = clean(v)
	if len(v) > maxValue {
		v = v[:maxValue]
	}
	return v[:len(v):len(v)]
}

// clean takes NULs and stray carriage returns out of a header line.
func clean(v []byte) []byte {
	if bytes.IndexByte(v, 0) < 0 && bytes.IndexByte(v, '\r') < 0 {
		return v
	}
	return bytes.Map(func(r rune) rune {
		if r == 0 || r == '\r' {
			return -1
		}
		return r
	}, v)
}

func blank(b []byte) bool { return len(bytes.TrimSpace(b)) == 0 }

// splitField splits "Name: value". A name is printable ASCII without spaces, though mailers
// put spaces before the colon.
func splitField(line []byte) (name string, value []byte, ok bool) {
	i := bytes.IndexByte(line, ':')
	if i <= 0 {
		return "", nil, false
	}
	n := bytes.TrimRight(line[:i], " \t")
	n = bytes.Trim(n, "\x00")
	for _, c := range n {
		if c <= ' ' || c >= 0x7f {
			return "", nil, false
		}
	}
	if len(n) == 0 || len(n) > 100 {
		return "", nil, false
	}
	return strings.ToLower(string(n)), bytes.TrimLeft(line[i+1:], " \t"), true
}

// headerLike reports whether the next line goes on with a header.
func headerLike(b []byte) bool {
	line, _ := cutLine(b)
	line = bytes.TrimRight(line, "\r\n")
	if len(line) == 0 {
		return false
	}
	if line[0] == ' ' || line[0] == '\t' {
		return !blank(line)
	}
	name, _, ok := splitField(line)
	return ok && !strings.HasPrefix(name, "http")
}

// afterHeader finds the body behind a header that is not read to its end.
func afterHeader(b []byte) []byte {
	i, j := bytes.Index(b, []byte("\n\n")), bytes.Index(b, []byte("\n\r\n"))
	switch {
	case i < 0 && j < 0:
		return nil
	case j < 0 || (i >= 0 && i < j):
		return b[i+2:]
	}
	return b[j+3:]
}
