package quote

import (
	"fmt"
	"strings"
	"testing"

	"github.com/parley-hub/parley/channels/email/clean"
)

// newsletter writes a mail of about 100 kB as marketing tools do: tables in tables, a style sheet,
// long style attributes, tracked links and images; answered, with the newsletter quoted below.
func newsletter() string {
	var b strings.Builder
	b.WriteString(`<html><head><title>News</title><style>body{margin:0;padding:0}table{border-collapse:collapse}img{border:0;display:block}.h1{font-size:24px;line-height:32px}` +
		`.btn a{color:#ffffff;text-decoration:none}td.cell{padding:8px 16px}#outer .small{font-size:11px}@media only screen and (max-width:600px){.cell{width:100%!important}}</style></head><body bgcolor="#f4f4f4">`)
	b.WriteString(`<div dir="ltr">Thanks, I take the second one.</div><br><div class="gmail_quote"><div class="gmail_attr">On Wed, Aug 12, 2026 at 2:03 PM Shop &lt;news@example.com&gt; wrote:<br></div><blockquote class="gmail_quote">`)
	b.WriteString(`<table id="outer" width="100%" cellpadding="0" cellspacing="0" border="0"><tr><td align="center">`)
	for i := 0; b.Len() < 100_000; i++ {
		fmt.Fprintf(&b, `<table width="600" align="center" cellpadding="0" cellspacing="0" role="presentation" style="width:600px;max-width:600px;background-color:#ffffff;border-collapse:collapse"><tr>
<td class="cell" valign="top" style="padding:20px 30px 20px 30px;font-family:Arial,Helvetica,sans-serif;font-size:16px;line-height:24px;color:#333333;text-align:left">
<p class="h1" style="margin:0 0 12px 0;font-weight:bold">Offer number %d for you &amp; yours</p>
<p style="margin:0 0 12px 0">Some words about the offer that people may want to read, with a <a href="https://click.example.com/f/a/%032d?u=1&amp;v=2" style="color:#0969da;text-decoration:underline" target="_blank">link to the shop</a> in them.</p>
<img src="https://img.example.com/offers/%d.jpg" width="540" height="240" alt="Offer %d" style="display:block;width:100%%;max-width:540px;height:auto;border:0"></td>
<td class="cell small" width="30" style="width:30px;font-size:1px;line-height:1px">&nbsp;</td></tr></table>
`, i, i, i, i)
	}
	b.WriteString(`</td></tr></table></blockquote></div><img src="https://t.example.com/o.gif" width="1" height="1"></body></html>`)
	return b.String()
}

// BenchmarkMail does all that is done to the HTML of one mail: parse, split, clean both parts, read
// the text of what is visible.
func BenchmarkMail(b *testing.B) {
	in := newsletter()
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		visible, quoted, ok := Doc(clean.Parse(in))
		if !ok {
			b.Fatal("not split")
		}
		text := visible.Text()
		if len(visible.HTML(clean.Options{}).HTML)+len(quoted.HTML(clean.Options{}).HTML) < 50_000 || text == "" {
			b.Fatal("something is missing")
		}
	}
}

// BenchmarkNewsletter is the same for a mail that is no answer, whose text is all of it.
func BenchmarkNewsletter(b *testing.B) {
	in := strings.NewReplacer("gmail_quote", "", "gmail_attr", "", "wrote:", "").Replace(newsletter())
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		visible, _, ok := Doc(clean.Parse(in))
		if ok {
			b.Fatal("split")
		}
		if len(visible.HTML(clean.Options{}).HTML) < 50_000 || len(visible.Text()) < 10_000 {
			b.Fatal("something is missing")
		}
	}
}

func BenchmarkText(b *testing.B) {
	var all []string
	for _, l := range strings.Split(clean.Text(newsletter()), "\n") {
		all = append(all, "> "+l)
	}
	in := "Thanks, I take the second one.\n\nOn 12.08.26 14:03, Shop wrote:\n" + strings.Join(all, "\n")
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		if Text(in).Quoted == "" {
			b.Fatal("not split")
		}
	}
}
