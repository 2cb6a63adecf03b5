package quote

import (
	"strings"
	"testing"

	"github.com/parley-hub/parley/channels/email/clean"
)

// htmlMails are mails as programs write them. In all, "mine" is the person's and "theirs" is not.
var htmlMails = map[string]string{
	"gmail": `<div dir="ltr">mine</div><br><div class="gmail_quote gmail_quote_container"><div dir="ltr" class="gmail_attr">On Wed, Aug 12, 2026 at 2:03 PM theirs &lt;<a href="mailto:a@example.com">a@example.com</a>&gt; wrote:<br></div>` +
		`<blockquote class="gmail_quote" style="margin:0 0 0 .8ex"><div>theirs</div></blockquote></div>`,
	"gmail_old":              `<div>mine</div><div class="gmail_extra"><br><div class="gmail_quote">On Wed, Aug 12, 2026 at 2:03 PM, theirs <span>&lt;a@example.com&gt;</span> wrote:<br><blockquote class="gmail_quote">theirs</blockquote></div></div>`,
	"gmail_unknown_language": `<div>mine</div><div class="gmail_quote"><div>theirs qwrst 12-8 theirs:</div><blockquote class="gmail_quote">theirs</blockquote></div>`,
	"like_gmail":             `<div>mine</div><div class="gmail_quote"><div>On Wed, 12 Aug 2026 at 14:03, theirs wrote:</div><blockquote>theirs<br><br>On Tue, 11 Aug 2026 at 9:00, theirs wrote:<br>&gt; theirs</blockquote></div>`,
	"gmail_inline": `<div class="gmail_quote"><div class="gmail_attr">On Wed, Aug 12, 2026 kept &lt;a@example.com&gt; wrote:</div><blockquote class="gmail_quote">kept</blockquote>` +
		`<div>mine</div><blockquote class="gmail_quote">kept</blockquote><div>mine</div><blockquote class="gmail_quote">theirs</blockquote></div>`,
	"gmail_signature":   `<div>mine</div><div class="gmail_signature">theirs</div><div class="gmail_quote"><blockquote class="gmail_quote">theirs</blockquote></div>`,
	"gmail_zh":          `<div>mine</div><div class="gmail_quote"><div dir="ltr" class="gmail_attr">theirs &lt;a@example.cn&gt; 于2026年8月12日周三 14:03写道：<br></div><blockquote class="gmail_quote">theirs</blockquote></div>`,
	"apple":             `<html><body>mine<br><div><br><blockquote type="cite"><div>On Aug 12, 2026, at 2:03 PM, theirs &lt;a@example.com&gt; wrote:</div><br><div>theirs</div></blockquote></div></body></html>`,
	"apple_phone":       `<div>mine<br><br><div dir="ltr">Sent from my iPhone</div><div dir="ltr"><br><blockquote type="cite">On Aug 12, 2026, at 2:03 PM, theirs wrote:<br><br></blockquote></div><blockquote type="cite">theirs</blockquote></div>`,
	"thunderbird":       `<p>mine</p><div class="moz-cite-prefix">Am 12.08.26 um 14:03 schrieb theirs:<br></div><blockquote type="cite" cite="mid:1">theirs</blockquote><pre class="moz-signature">theirs</pre>`,
	"thunderbird_below": `<div class="moz-cite-prefix">On 12.08.26 14:03, theirs wrote:<br></div><blockquote type="cite">theirs</blockquote><p>mine</p>`,
	"outlook_web":       `<div>mine</div><div id="appendonsend"></div><hr style="width:98%"><div id="divRplyFwdMsg"><b>From:</b> theirs &lt;a@example.com&gt;<br><b>Sent:</b> Wednesday<br><b>To:</b> b<br><b>Subject:</b> c</div><div>theirs</div>`,
	"outlook_desktop": `<div class="WordSection1"><p class="MsoNormal">mine<o:p></o:p></p><div><div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0in 0in 0in"><p class="MsoNormal"><b>From:</b> theirs &lt;a@example.com&gt; <br>` +
		`<b>Sent:</b> Wednesday, August 12, 2026 2:03 PM<br><b>To:</b> b<br><b>Subject:</b> RE: c<o:p></o:p></p></div></div><p class="MsoNormal">theirs</p></div>`,
	"outlook_zh":        `<div>mine</div><div style="border:none;border-top:solid #E1E1E1 1.0pt"><p><b>发件人<span>:</span></b> theirs<br><b>发送时间:</b> 2026年8月12日<br><b>收件人:</b> b<br><b>主题:</b> c</p></div><p>theirs</p>`,
	"outlook_phone":     `<div>mine</div><div id="ms-outlook-mobile-signature">theirs <a href="https://aka.ms/x">Outlook</a></div><div id="mail-editor-reference-message-container"><div>theirs</div></div>`,
	"outlook_mac":       `<div>mine</div><span id="OLK_SRC_BODY_SECTION"><div>theirs</div></span>`,
	"yahoo":             `<div>mine</div><div id="yahoo_quoted_1" class="yahoo_quoted"><div>On Wednesday, theirs wrote:</div><div>theirs</div></div>`,
	"proton":            `<div>mine</div><div class="protonmail_quote">On Wednesday, August 12th, 2026 at 2:03 PM, theirs &lt;a@example.com&gt; wrote:<br><blockquote class="protonmail_quote" type="cite">theirs</blockquote></div>`,
	"zoho":              `<div>mine</div><div class="zmail_extra"><div>---- On Wed, 12 Aug 2026 theirs wrote ----</div><blockquote>theirs</blockquote></div>`,
	"zimbra":            `<div>mine</div><hr id="zwchr" data-marker="__DIVIDER__"><div data-marker="__HEADERS__"><b>From: </b>theirs</div><div data-marker="__QUOTED_TEXT__">theirs</div>`,
	"gmx":               `<div>mine</div><div name="quote" style="border-left:2px solid"><div><b>Gesendet:</b> theirs</div>theirs</div>`,
	"qq":                `<div>mine</div><div><br></div><div style="font-size:12px">------------------&nbsp;原始邮件&nbsp;------------------</div><div><b>发件人:</b>&nbsp;"theirs"</div><div>theirs</div><includetail><!----></includetail>`,
	"netease":           `<div>mine</div><div class="ntes-mailmaster-quote"><div>---- 回复的原邮件 ----</div><table><tr><td>发件人</td><td>theirs</td></tr></table><div>theirs</div></div>`,
	"netease_text":      `<div>mine</div><div>---- 回复的原邮件 ----</div><table><tr><td>发件人</td><td>theirs</td></tr><tr><td>主题</td><td>theirs</td></tr></table><blockquote>theirs</blockquote>`,
	"netease_at":        `<div>mine</div><pre>在 2026-08-12 14:03:22，"theirs" &lt;a@163.com&gt; 写道：</pre><blockquote id="isReplyContent">theirs</blockquote>`,
	"foxmail":           `<div>mine</div><blockquote style="margin-left:0.5em"><div style="background:#efefef"><div><b>发件人：</b>&nbsp;theirs</div><div><b>发送时间：</b>&nbsp;2026-08-12 14:03</div><div><b>收件人：</b>&nbsp;b</div><div><b>主题：</b>&nbsp;c</div></div><div>theirs</div></blockquote>`,
	"header_then_plain": `<div>mine</div><div>On Wed, Aug 12, 2026 at 2:03 PM, theirs &lt;a@example.com&gt; wrote:</div><blockquote>theirs</blockquote>`,
	"marks_in_html":     `mine<br><br>On 12.08.26 14:03, theirs wrote:<br>&gt; theirs<br>&gt; theirs<br>`,
	"pre":               "<pre>mine\n\nOn 12.08.26 14:03, theirs wrote:\n&gt; theirs\n\n-- \ntheirs</pre>",
	"layout_table":      `<table><tr><td><table><tr><td>mine</td></tr></table></td></tr><tr><td>From: theirs<br>Sent: x<br>To: y<br>Subject: z<br></td></tr><tr><td>theirs</td></tr></table>`,
	"forward_gmail":     `<div>mine</div><div class="gmail_quote"><div class="gmail_attr">---------- Forwarded message ---------<br>From: <b>mine</b><br>Date: x<br>Subject: y<br></div><div>mine</div><blockquote class="gmail_quote">mine</blockquote></div>`,
	"forward_apple":     `<div>mine</div><blockquote type="cite"><div>Begin forwarded message:</div><div><b>From: </b>mine</div><div><b>Subject: </b>x</div><div>mine</div></blockquote>`,
	"only_quote":        `<blockquote type="cite"><div>mine</div></blockquote>`,
	"only_outlook":      `<div id="divRplyFwdMsg"><b>From:</b> mine<br><b>To:</b> mine</div><div>mine</div>`,
	"indented":          `<div>mine</div><blockquote style="margin:0 0 0 40px;border:none">mine</blockquote><div>mine</div>`,
	"preview_line":      `<div style="display:none;max-height:0">mine</div><div>mine</div><blockquote type="cite">theirs</blockquote>`,
	"preview_line_only": `<div style="display:none;max-height:0">mine</div><blockquote type="cite"><div>mine</div></blockquote>`,
	"image_answer":      `<div><img src="cid:mine" alt="mine"></div><blockquote type="cite">theirs</blockquote>`,
}

func TestHTML(t *testing.T) {
	for name, in := range htmlMails {
		t.Run(name, func(t *testing.T) {
			visible, quoted, ok := HTML(in)
			if ok != strings.Contains(in, "theirs") {
				t.Errorf("folded: %v", ok)
			}
			if strings.Contains(visible, "theirs") || strings.Contains(quoted, "mine") {
				t.Errorf("visible:\n%s\nquoted:\n%s", visible, quoted)
			}
			for _, w := range []string{"mine", "theirs", "kept"} {
				if got, want := strings.Count(visible+quoted, w), strings.Count(in, w); got != want {
					t.Errorf("%q is there %d times, was %d times", w, got, want)
				}
			}
			if clean.Text(visible) == "" {
				t.Error("nothing is visible")
			}
		})
	}
}

func TestHTMLTrimsEnd(t *testing.T) {
	visible, _, ok := HTML(`<div>mine</div><div><br></div><div><br></div><blockquote type="cite">theirs</blockquote>`)
	if want := "<div>mine</div>"; !ok || visible != want {
		t.Errorf("got %s, want %s", visible, want)
	}
}

func TestHTMLKeepsSheets(t *testing.T) {
	visible, quoted, _ := HTML(`<style>p{color:red}</style><body bgcolor="#fff"><p>mine</p><blockquote type="cite"><p>theirs</p></blockquote>`)
	for _, s := range []string{visible, quoted} {
		if out := clean.HTML(s, clean.Options{}).HTML; !strings.Contains(out, `<p style="color:red">`) || !strings.Contains(out, "#fff") {
			t.Error(out)
		}
	}
}
