package mail

import (
	"bytes"
	"net/url"
	"strings"
)

// Attachment is a file of the mail.
type Attachment struct {
	Name      string // safe to write to any disk, and unlike every other of the mail
	MIME      string // as declared, lower case; repaired where it was nonsense
	ContentID string // without angle brackets
	// Inline tells that the HTML shows it, or that it is a picture meant to stand in the text.
	Inline bool
	Data   []byte // transfer encoding undone, otherwise as sent
}

// fileName is the name the sender gave a part, "" if none.
func (n *part) fileName() string {
	for _, v := range []string{n.disp.params["filename"], n.params["name"], n.disp.params["name"], n.params["filename"]} {
		if strings.TrimSpace(v) != "" {
			return v
		}
	}
	return ""
}

// attach keeps a part as a file.
func (p *parser) attach(n *part) {
	data := p.decodeTransfer(n.body, string(n.header.raw("Content-Transfer-Encoding")), false)
	if n.typ == "text/x-amp-html" && len(n.parent.siblings()) > 1 {
		return // a third form of the same words
	}
	a := Attachment{Name: n.fileName(), MIME: n.typ, Data: data,
		ContentID: trimID(n.header.Get("Content-Id"))}
	a.Inline = strings.HasPrefix(n.typ, "image/") && n.disp.value != "attachment" &&
		(n.disp.value == "inline" || a.ContentID != "")
	switch n.typ {
	case "text/calendar", "application/ics":
		p.calendar(n, data)
	case "message/rfc822", "message/global":
		a.Name = p.forwardedName(a.Name, data)
	}
	if len(data) == 0 && a.Name == "" && a.ContentID == "" {
		return
	}
	p.add(a)
}

func (n *part) siblings() []*part {
	if n == nil {
		return nil
	}
	return n.children
}

// forwardedName names a forwarded mail after its subject, unless the sender named it.
func (p *parser) forwardedName(name string, data []byte) string {
	if name != "" {
		return name
	}
	inner := &parser{m: &Mail{}}
	h, _ := inner.header(data[:min(len(data), maxHeaderBytes)])
	if subject := oneLine(h.Get("Subject")); subject != "" {
		return subject + ".eml"
	}
	return ""
}

// add gives a file a name of its own.
func (p *parser) add(a Attachment) {
	if p.names == nil {
		p.names = map[string]bool{}
	}
	a.Name = unique(SafeName(a.Name, a.MIME), p.names)
	p.m.Attachments = append(p.m.Attachments, a)
}

// referenced marks the files the HTML shows.
func (p *parser) referenced() {
	if p.m.HTML == "" || len(p.m.Attachments) == 0 {
		return
	}
	for _, ref := range cidRefs(p.m.HTML) {
		if i, ok := p.m.CID(ref); ok {
			p.m.Attachments[i].Inline = true
		}
	}
}

// cidRefs finds the cid: addresses of HTML.
func cidRefs(s string) []string {
	var out []string
	for n := 0; n < maxParts; n++ {
		i := strings.IndexByte(s, ':')
		for i >= 0 && (i < 3 || !strings.EqualFold(s[i-3:i], "cid")) {
			j := strings.IndexByte(s[i+1:], ':')
			if j < 0 {
				return out
			}
			i += 1 + j
		}
		if i < 0 {
			return out
		}
		s = s[i+1:]
		end := strings.IndexAny(s[:min(len(s), 1000)], "\"'<>) \t\r\n")
		if end < 0 {
			end = min(len(s), 1000)
		}
		out = append(out, s[:end])
		s = s[end:]
	}
	return out
}

// CID finds the attachment a cid: address means (RFC 2392), with or without its scheme. Case does
// not matter, and the address may be percent-encoded or escaped as HTML.
func (m *Mail) CID(ref string) (i int, ok bool) {
	want := foldCID(ref)
	if want == "" {
		return 0, false
	}
	for i, a := range m.Attachments {
		if a.ContentID != "" && foldCID(a.ContentID) == want {
			return i, true
		}
	}
	for i, a := range m.Attachments { // Outlook for Mac and others refer to the name
		if strings.EqualFold(a.Name, want) {
			return i, true
		}
	}
	return 0, false
}

func foldCID(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	s = strings.TrimPrefix(s, "cid:")
	s = strings.ReplaceAll(s, "&amp;", "&")
	if u, err := url.PathUnescape(s); err == nil {
		s = u
	}
	return trimID(s)
}

// leafData is a part's bytes with the transfer encoding undone.
func (p *parser) leafData(n *part) []byte {
	return bytes.TrimSpace(p.decodeTransfer(n.body, string(n.header.raw("Content-Transfer-Encoding")), true))
}
