package email

import (
	"context"
	"strings"

	"github.com/parley-hub/parley/channels/email/clean"
	"github.com/parley-hub/parley/channels/email/mail"
	"github.com/parley-hub/parley/timeline"
)

// The most that is repeated of a mail that is answered, in bytes.
const (
	repeatHTML   = 256 << 10
	repeatText   = 64 << 10
	repeatImages = 2 << 20
)

// words are what a mail says, in both forms.
type words struct {
	text, html string
	inline     []file // pictures the HTML shows
}

// written is the agent's text with the inbox's signature and, below, what is answered. A text
// without any HTML around it goes as plain text alone.
func (s *Session) written(ctx context.Context, m *timeline.Message, parent known, l *last, files []file) words {
	body := clean.Passage{Text: m.Text}
	if m.HTML != "" {
		// The app names pictures of its own by content id; in a mail that is an address.
		body = clean.Passage{Text: strings.ReplaceAll(m.HTML, ` data-cid="`, ` src="cid:`), HTML: true}
	}
	letter := clean.Letter{Language: s.set.language, Signature: clean.Passage{Text: s.set.signature, HTML: strings.Contains(s.set.signature, "<")}}
	original, theirs := s.original(ctx, parent, l)
	letter.Original = original
	var w words
	letter.CID = func(src string) (string, bool) { return w.picture(src, files, theirs) }
	w.html, w.text = clean.Compose(body, letter)
	return w
}

// picture finds the picture an address stands for: one attached here, by content id or by the
// app's address of its file, or one of the mail repeated.
func (w *words) picture(src string, files, theirs []file) (string, bool) {
	cid, byCID := strings.CutPrefix(src, "cid:")
	for _, f := range files {
		if byCID && strings.EqualFold(f.part.Inline, cid) {
			return w.with(f), true
		}
		if !byCID && f.part.File != "" && (strings.HasSuffix(src, "/"+string(f.part.File)) || strings.Contains(src, "/"+string(f.part.File)+"?")) {
			if f.part.Inline == "" {
				f.part.Inline = short("picture", string(f.part.File)) + "@parley"
			}
			return w.with(f), true
		}
	}
	for _, f := range theirs {
		if byCID && strings.EqualFold(f.part.Inline, cid) {
			return w.with(f), true
		}
	}
	return "", false
}

func (w *words) with(f file) string {
	for _, have := range w.inline {
		if have.part.Inline == f.part.Inline {
			return f.part.Inline
		}
	}
	w.inline = append(w.inline, f)
	return f.part.Inline
}

// original is the mail that is answered, to stand below the answer, and its pictures. One that
// is no longer kept is not repeated; that is no reason not to answer.
func (s *Session) original(ctx context.Context, parent known, l *last) (*clean.Original, []file) {
	if !s.set.quote || parent.File == "" {
		return nil, nil
	}
	raw, err := s.load(ctx, timeline.FileID(parent.File))
	if err != nil {
		s.host.Log().Debug("the mail answered cannot be repeated", "error", err)
		return nil, nil
	}
	m, why := parse(raw)
	if why != "" {
		return nil, nil
	}
	o := &clean.Original{Name: m.From.Name, Address: m.From.Address, Date: m.Date, Body: clean.Passage{Text: cutTo(m.Text, repeatText)}}
	if o.Date.IsZero() && l != nil {
		o.Date = l.At
	}
	if m.HTML == "" || len(m.HTML) > repeatHTML {
		return o, nil
	}
	o.Body = clean.Passage{Text: m.HTML, HTML: true}
	return o, pictures(m)
}

// pictures are those a mail shows in its text.
func pictures(m *mail.Mail) []file {
	var out []file
	size := 0
	for _, a := range m.Attachments {
		if !a.Inline || a.ContentID == "" || !strings.HasPrefix(a.MIME, "image/") {
			continue
		}
		if size += len(a.Data); size > repeatImages {
			break
		}
		out = append(out, file{part: timeline.Part{Kind: timeline.PartImage, Name: a.Name, MIME: a.MIME, Inline: a.ContentID}, data: a.Data})
	}
	return out
}
