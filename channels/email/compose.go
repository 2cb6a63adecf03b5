package email

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-message"
	netmail "github.com/emersion/go-message/mail"

	stdmail "net/mail"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/email/mail"
	"github.com/parley-hub/parley/timeline"
)

// compose writes a mail: its header, its text as plain text and as HTML, and its files.
//
//	mixed
//	├ related
//	│ ├ alternative: text/plain, text/html
//	│ └ pictures the HTML shows
//	└ files
//
// A level that would hold one thing only is left out. What CSS there is stands in attributes:
// many mail programs read no other.
func (s *Session) compose(ctx context.Context, d *draft, step channels.Step, h history) ([]byte, error) {
	files, err := s.files(ctx, step.Parts)
	if err != nil {
		return nil, err
	}
	w := s.written(ctx, step.Outbound.Message, d.parent, h.Last, files)
	tree := alternative(w)
	if len(w.inline) > 0 {
		tree = node{kind: "multipart/related", below: append([]node{tree}, leaves(w.inline, "inline")...)}
	}
	attached := slices.DeleteFunc(files, func(f file) bool {
		return slices.ContainsFunc(w.inline, func(i file) bool { return i.part.File != "" && i.part.File == f.part.File })
	})
	if len(attached) > 0 {
		tree = node{kind: "multipart/mixed", below: append([]node{tree}, leaves(attached, "attachment")...)}
	}
	var out bytes.Buffer
	if err := tree.write(&out, s.header(d)); err != nil {
		return nil, fmt.Errorf("email: writing a mail: %w", err)
	}
	return out.Bytes(), nil
}

// header is everything above the body. Bcc is not in it: it is in the envelope alone.
func (s *Session) header(d *draft) message.Header {
	var h netmail.Header
	h.SetAddressList("From", []*netmail.Address{{Name: s.set.name, Address: s.set.address}})
	h.SetAddressList("To", addressList(d.to))
	h.SetAddressList("Cc", addressList(d.cc))
	if len(d.to)+len(d.cc) == 0 {
		h.Set("To", "undisclosed-recipients:;")
	}
	h.SetSubject(d.subject)
	h.SetDate(s.host.Now().UTC())
	h.Set("Message-ID", "<"+d.id+">")
	if d.inReplyTo != "" {
		h.Set("In-Reply-To", "<"+d.inReplyTo+">")
	}
	if len(d.references) > 0 {
		h.Set("References", "<"+strings.Join(d.references, "> <")+">")
	}
	if d.replyTo != "" {
		h.SetAddressList("Reply-To", []*netmail.Address{{Name: s.set.name, Address: d.replyTo}})
	}
	if d.automatic { // RFC 3834 §5, and what programs older and other than it look for
		h.Set("Auto-Submitted", "auto-replied")
		h.Set("X-Auto-Response-Suppress", "All")
		h.Set("Precedence", "auto_reply")
		h.Set(mail.LoopHeader, s.keys.loop())
	}
	h.Set("MIME-Version", "1.0")
	return h.Header
}

func addressList(as []*stdmail.Address) []*netmail.Address {
	out := make([]*netmail.Address, 0, len(as))
	for _, a := range as {
		out = append(out, &netmail.Address{Name: a.Name, Address: a.Address})
	}
	return out
}

// node is a part of a mail, or several.
type node struct {
	kind   string
	params map[string]string
	set    map[string]string // further fields
	place  string            // disposition
	name   string
	coding string
	data   []byte
	below  []node
}

// write writes a node; its fields join those in h.
func (n node) write(out io.Writer, h message.Header) error {
	n.fields(&h)
	w, err := message.CreateWriter(out, h)
	if err != nil {
		return err
	}
	if err := n.body(w); err != nil {
		return errors.Join(err, w.Close())
	}
	return w.Close()
}

func (n node) fields(h *message.Header) {
	params := map[string]string{}
	for k, v := range n.params {
		params[k] = v
	}
	if n.name != "" {
		params["name"] = n.name
		h.SetContentDisposition(n.place, map[string]string{"filename": n.name})
	}
	h.SetContentType(n.kind, params)
	if n.coding != "" {
		h.Set("Content-Transfer-Encoding", n.coding)
	}
	for k, v := range n.set {
		h.Set(k, v)
	}
}

func (n node) body(w *message.Writer) error {
	if len(n.below) == 0 {
		_, err := w.Write(n.data)
		return err
	}
	for _, b := range n.below {
		var h message.Header
		b.fields(&h)
		p, err := w.CreatePart(h)
		if err != nil {
			return err
		}
		if err := errors.Join(b.body(p), p.Close()); err != nil {
			return err
		}
	}
	return nil
}

// alternative is the text twice: for programs that show HTML and for those that do not.
func alternative(w words) node {
	flowed := map[string]string{"charset": "utf-8", "format": "flowed"} // RFC 3676
	plain := node{kind: "text/plain", params: flowed, coding: "quoted-printable", data: []byte(crlf(w.text))}
	rich := node{kind: "text/html", params: map[string]string{"charset": "utf-8"}, coding: "quoted-printable", data: []byte(crlf(w.html))}
	return node{kind: "multipart/alternative", below: []node{plain, rich}}
}

func leaves(files []file, place string) []node {
	var out []node
	for _, f := range files {
		n := node{kind: f.part.MIME, place: place, name: f.part.Name, coding: "base64", data: f.data}
		if !strings.Contains(n.kind, "/") || strings.HasPrefix(n.kind, "multipart/") || strings.HasPrefix(n.kind, "message/") {
			n.kind = "application/octet-stream"
		}
		if n.name == "" {
			n.name = "file"
		}
		if place == "inline" {
			n.set = map[string]string{"Content-Id": "<" + f.part.Inline + ">"}
		}
		out = append(out, n)
	}
	return out
}

// crlf gives lines the ends mail has.
func crlf(v string) string {
	if !utf8.ValidString(v) {
		v = strings.ToValidUTF8(v, "\uFFFD")
	}
	return strings.ReplaceAll(strings.ReplaceAll(v, "\r\n", "\n"), "\n", "\r\n")
}

// file is a part with its bytes.
type file struct {
	part timeline.Part
	data []byte
}

// files reads what the agent attached.
func (s *Session) files(ctx context.Context, parts []timeline.Part) ([]file, error) {
	var out []file
	total := int64(0)
	for _, p := range parts {
		if p.File == "" {
			return nil, &channels.Failure{Class: channels.BadMedia, Advice: fmt.Sprintf("The file %q is not kept with us. Attach it again.", p.Name)}
		}
		data, err := s.load(ctx, p.File)
		if err != nil {
			return nil, err
		}
		if total += int64(len(data)); total > maxFile {
			return nil, &channels.Failure{Class: channels.BadMedia, Advice: fmt.Sprintf("The files are larger than %d MB together. Send them in several mails.", maxFile>>20)}
		}
		out = append(out, file{p, data})
	}
	return out, nil
}

func (s *Session) load(ctx context.Context, id timeline.FileID) ([]byte, error) {
	r, _, err := s.host.Files().Open(ctx, id)
	if err != nil {
		return nil, &channels.Failure{Class: channels.BadMedia, Advice: "A file is no longer there. Attach it again.", Err: fmt.Errorf("email: opening a file: %w", err)}
	}
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err = errors.Join(err, r.Close()); err != nil {
		return nil, fmt.Errorf("email: reading a file: %w", err)
	}
	return data, nil
}
