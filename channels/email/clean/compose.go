package clean

import (
	"fmt"
	"html"
	"strings"
	"time"

	"golang.org/x/net/html/atom"
)

// Passage is text that somebody wrote, as HTML or plain.
type Passage struct {
	Text string
	HTML bool
}

// plain is the passage as plain text.
func (p Passage) plain() string {
	if p.HTML {
		return Text(p.Text)
	}
	return squash(cleanText.Replace(p.Text))
}

// doc is the passage as a tree. In plain text each line keeps its end and its indent.
func (p Passage) doc() *Doc {
	if p.HTML {
		return Parse(p.Text)
	}
	var b strings.Builder
	for i, l := range strings.Split(squash(cleanText.Replace(p.Text)), "\n") {
		if i > 0 {
			b.WriteString("<br>")
		}
		text := strings.TrimLeft(l, " \t")
		b.WriteString(strings.Repeat("\u00a0", len(l)-len(text)))
		b.WriteString(html.EscapeString(text))
	}
	return Parse(b.String())
}

func (p Passage) empty() bool { return strings.TrimSpace(p.Text) == "" }

// Original is the mail that is answered.
type Original struct {
	Name    string    // of its sender; may be empty
	Address string    // of its sender
	Date    time.Time // in the zone in which to write it; zero if unknown
	Body    Passage
}

// Letter is what goes around the text of an outgoing mail.
type Letter struct {
	Language  string    // BCP 47, of the account; English and Chinese are known, others are written as English
	Signature Passage   // of the inbox; below "-- "
	Original  *Original // quoted below; nil for none
	// CID returns the Content-ID under which the image of the given src travels with the mail. Nil,
	// or false, leaves "cid:" addresses of the text and remote ones as they are and all others out.
	CID func(src string) (id string, ok bool)
}

// sheetOfLetter is how outgoing mails look; mail programs read style attributes only.
const sheetOfLetter = `
body { font-family: -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'PingFang SC', 'Microsoft YaHei', sans-serif; font-size: 14px; line-height: 1.5; color: #1f2328 }
p { margin: 0 0 1em 0 }
h1 { font-size: 20px; margin: 0 0 0.6em 0 }
h2 { font-size: 17px; margin: 0 0 0.6em 0 }
h3 { font-size: 15px; margin: 0 0 0.6em 0 }
ul, ol { margin: 0 0 1em 0; padding-left: 2em }
li p { margin: 0 }
blockquote { margin: 0 0 1em 0; padding-left: 1em; border-left: 2px solid #d0d7de; color: #57606a }
a { color: #0969da }
code { font-family: Consolas, Menlo, monospace; font-size: 13px }
pre { font-family: Consolas, Menlo, monospace; font-size: 13px; background-color: #f6f8fa; padding: 8px; white-space: pre-wrap; margin: 0 0 1em 0 }
table { border-collapse: collapse }
td, th { padding: 4px 8px; border: 1px solid #d0d7de; text-align: left; vertical-align: top }
img { max-width: 100% }
hr { border: 0; border-top: 1px solid #d0d7de }
`

// Compose makes the two forms of an outgoing mail from what an agent wrote: an HTML document with
// all styles in attributes, and its plain text alternative, which is format=flowed (RFC 3676) with
// LF line ends. The agent's HTML and the quoted original pass the same allow-list as mails that are
// shown.
func Compose(body Passage, l Letter) (htmlPart, textPart string) {
	return composeHTML(body, l), composeText(body, l)
}

func composeHTML(body Passage, l Letter) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<!DOCTYPE html><html lang="%s"><head><meta charset="utf-8"></head><body>`, escape(langTag(l.Language)))
	b.WriteString(l.write(body, sheetOfLetter))
	if !l.Signature.empty() {
		b.WriteString("<div>-- </div>" + l.write(l.Signature, sheetOfLetter))
	}
	if o := l.Original; o != nil {
		b.WriteString(`<br><div class="gmail_quote"><div class="gmail_attr">`)
		escapeTo(&b, Attribution(l.Language, *o), false)
		b.WriteString(`</div><blockquote class="gmail_quote" type="cite" style="margin:0 0 0 0.8ex;border-left:1px solid #cccccc;padding-left:1ex">`)
		b.WriteString(l.write(o.Body, ""))
		b.WriteString("</blockquote></div>")
	}
	b.WriteString("</body></html>\n")
	return b.String()
}

// write cleans a passage for sending.
func (l Letter) write(p Passage, style string) string {
	d := p.doc()
	d.sheets = append(d.sheets, style)
	d.Root.DataAtom, d.Root.Data = atom.Body, atom.Body.String()
	w := newWriter(d, Options{})
	w.send = &l
	return w.document(d).HTML
}

// langTag keeps what can be a language tag.
func langTag(s string) string {
	if isName(s, "-") {
		return s
	}
	return "en"
}

func composeText(body Passage, l Letter) string {
	parts := []string{flow(body.plain(), "")}
	if !l.Signature.empty() {
		parts = append(parts, "-- \n"+flow(l.Signature.plain(), ""))
	}
	if o := l.Original; o != nil {
		// On one line however long: programs that fold quotes find it more surely.
		parts = append(parts, Attribution(l.Language, *o)+"\n"+flow(o.Body.plain(), ">"))
	}
	return strings.Join(parts, "\n\n") + "\n"
}

var (
	weekdaysZH   = [...]string{"周日", "周一", "周二", "周三", "周四", "周五", "周六"}
	weekdaysHant = [...]string{"週日", "週一", "週二", "週三", "週四", "週五", "週六"}
)

// Attribution is the line above a quoted mail, in the words of mail programs of the language, so
// that they and package quote know it again.
func Attribution(language string, o Original) string {
	who := "<" + o.Address + ">"
	if name := strings.Join(strings.Fields(o.Name), " "); name != "" {
		who = name + " " + who
	}
	lang := strings.ToLower(language)
	d := o.Date
	switch {
	case isTraditional(lang) && d.IsZero():
		return who + " 寫道："
	case isTraditional(lang):
		return fmt.Sprintf("%s 於 %d年%d月%d日 %s %s寫道：", who, d.Year(), d.Month(), d.Day(), weekdaysHant[d.Weekday()], d.Format("15:04"))
	case strings.HasPrefix(lang, "zh") && d.IsZero():
		return who + " 写道："
	case strings.HasPrefix(lang, "zh"):
		return fmt.Sprintf("%s 于%d年%d月%d日%s %s写道：", who, d.Year(), d.Month(), d.Day(), weekdaysZH[d.Weekday()], d.Format("15:04"))
	case d.IsZero():
		return who + " wrote:"
	}
	return "On " + d.Format("Mon, Jan 2, 2006 at 15:04") + ", " + who + " wrote:"
}

func isTraditional(lang string) bool {
	return strings.HasPrefix(lang, "zh-tw") || strings.HasPrefix(lang, "zh-hk") || strings.HasPrefix(lang, "zh-mo") || strings.HasPrefix(lang, "zh-hant")
}
