package play

import (
	"bytes"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"strings"
	"time"
)

// letter is one mail as it is delivered.
type letter struct {
	from, to string
	raw      []byte
}

// names are whom the people are. They are invented.
var names = []string{"Maya Lindqvist", "Tomás Herrera", "陈雨桐", "Amara Okafor", "Noah Becker", "Liam O’Connor", "Sofia Rossi", "Ingrid Solberg",
	"Henk de Vries", "Chloé Martin", "Kwame Mensah", "Ana Ribeiro", "Yuki Tanaka", "Olga Petrova", "Ravi Iyer", "Zeynep Kaya"}

// person writes mails of one thread at a time.
type person struct {
	name, address string
	seed          uint64 // part of ids: the same seed writes the same mails again
	n             int    // mails written
	subject       string // of the present thread
	ids           []string
	answered      int
	html          bool // their program writes HTML
}

func newPerson(i int, seed uint64, domain string) *person {
	name := names[i%len(names)]
	return &person{name: name, seed: seed, address: fmt.Sprintf("person%d@%s", i+1, domain), html: i%2 == 1}
}

// write is a first mail, or a further one of the same thread.
func (p *person) write(to, text string) *letter {
	if p.subject == "" {
		p.subject = subjectOf(text)
	}
	return p.compose(to, p.subject, text, "", "")
}

// answer is a mail below which stands what it answers.
func (p *person) answer(to, subject, id, text, theirs string) *letter {
	if !strings.HasPrefix(strings.ToLower(subject), "re:") {
		subject = "Re: " + subject
	}
	return p.compose(to, subject, text, id, theirs)
}

func subjectOf(text string) string {
	r := []rune(text)
	if len(r) > 48 {
		r = append(r[:47], '…')
	}
	return string(r)
}

// compose builds a mail as this person's program does.
func (p *person) compose(to, subject, text, inReplyTo, quoted string) *letter {
	p.n++
	now := time.Now()
	local, domain, _ := strings.Cut(p.address, "@")
	id := fmt.Sprintf("%s.%d.%d@%s", local, p.seed, p.n, domain)
	var b bytes.Buffer
	head := func(k, v string) { fmt.Fprintf(&b, "%s: %s\r\n", k, v) }
	head("From", fmt.Sprintf("%s <%s>", mime.QEncoding.Encode("utf-8", p.name), p.address))
	head("To", to)
	head("Subject", mime.QEncoding.Encode("utf-8", subject))
	head("Date", now.Format(time.RFC1123Z))
	head("Message-ID", "<"+id+">")
	if inReplyTo != "" {
		p.ids = append(p.ids, inReplyTo)
		head("In-Reply-To", "<"+inReplyTo+">")
	}
	if len(p.ids) > 0 {
		head("References", "<"+strings.Join(p.ids, "> <")+">")
	}
	p.ids = append(p.ids, id)
	head("MIME-Version", "1.0")
	body, kind := p.body(text, quoted, now)
	head("Content-Type", kind+"; charset=utf-8")
	head("Content-Transfer-Encoding", "quoted-printable")
	b.WriteString("\r\n")
	w := quotedprintable.NewWriter(&b)
	_, _ = w.Write([]byte(body)) // to memory: cannot fail
	_ = w.Close()
	b.WriteString("\r\n")
	return &letter{from: p.address, to: to, raw: b.Bytes()}
}

func (p *person) body(text, quoted string, now time.Time) (body, kind string) {
	on := "On " + now.Format("Mon, 2 Jan 2006 at 15:04") + ", support wrote:"
	if p.html {
		body = "<div>" + escape(text) + "</div>"
		if quoted != "" {
			body += `<div class="gmail_quote"><div>` + on + `</div><blockquote>` + escape(quoted) + "</blockquote></div>"
		}
		return body, "text/html"
	}
	body = text + "\r\n"
	if quoted != "" {
		body += "\r\n" + on + "\r\n> " + strings.ReplaceAll(strings.TrimSpace(quoted), "\n", "\n> ") + "\r\n"
	}
	return body, "text/plain"
}

func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\n", "<br>").Replace(s)
}
