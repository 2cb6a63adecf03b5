package clean

import (
	"strings"
	"testing"
)

func TestText(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"html_only", "<p>One</p>\n<p>two <b>three</b>\nfour</p>", "One\n\ntwo three four"},
		{"divs", "<div>One</div><div>two</div><div><br></div><div>three</div>", "One\ntwo\n\nthree"},
		{"line_breaks_at_most_two_blank", "a<br><br><br><br><br><br>b", "a\n\n\nb"},
		{"list", "<p>Buy</p><ul><li>lamp<li>chair<ul><li>red</ul></ul><p>now</p>", "Buy\n\n- lamp\n- chair\n  - red\n\nnow"},
		{"ordered_list", `<ol start="3"><li>a</li><li>b</li></ol>`, "3. a\n4. b"},
		{"link", `see <a href="https://example.com/x">the page</a>.`, "see the page (https://example.com/x)."},
		{"link_is_its_text", `<a href="https://example.com/">example.com</a>`, "example.com"},
		{"mail_link", `<a href="mailto:a@example.com">a@example.com</a>`, "a@example.com"},
		{"script_link", `<a href="javascript:x()">press</a>`, "press"},
		{"table", "<table><tr><th>Item</th><th>Price</th></tr><tr><td>Lamp</td><td>5</td></tr></table>", "Item | Price\nLamp | 5"},
		{"image_alt", `<img src="cid:a" alt="Our shop"> open`, "Our shop open"},
		{"blockquote", "<p>Yes</p><blockquote><p>One</p><p>Two</p></blockquote><p>End</p>", "Yes\n\n> One\n>\n> Two\n\nEnd"},
		{"nested_blockquote", "<blockquote>a<blockquote>b</blockquote></blockquote>", "> a\n>\n> > b"},
		{"pre", "<pre>a\n  b</pre>", "a\n  b"},
		{"entities", "a &lt;b&gt; &amp; &nbsp; c&#39;d", "a <b> & c'd"},
		{"style_and_title_left_out", "<head><title>t</title><style>p{}</style></head><body>x<script>y</script></body>", "x"},
		{"preheader_left_out", `<div style="display:none">pre</div><p>x</p>`, "x"},
		{"all_hidden_is_shown", `<div style="display:none">pre</div>`, "pre"},
		{"image_only", `<img src="https://example.com/a/offer.png?x=1">`, "[offer.png]"},
		{"tracker_is_nothing", `<p>x</p><img width=1 height=1 src="https://example.com/t.gif" alt="t">`, "x"},
		{"orphan </a>", "</a>x</a></div>y", "xy"},
		{"conditional_comments", "<!--[if mso]>no<![endif]--><![if !mso]>yes<![endif]>", "yes"},
		{"office_elements", "<p>a<o:p></o:p></p><p>b<o:p>&nbsp;</o:p></p>", "a\n\nb"},
		{"cjk_without_blanks", "<p>你好\u3000世界</p>", "你好\u3000世界"},
		{"zero_width", "a\u200b\u200c\u00adb", "a\u200cb"},
		{"unclosed_table", "<table><tr><td>a<tr><td>b", "a\nb"},
		{"noscript", "<noscript>x</noscript>", "x"},
		{"textarea", "<textarea>x &lt; y</textarea>", "x < y"},
		{"empty", "  <p> </p> ", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Text(c.in); got != c.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, c.want)
			}
		})
	}
}

func TestTextBeyondLimits(t *testing.T) {
	in := strings.Repeat("<p>line of text</p>", maxNodes)
	d := Parse(in)
	if !d.Cut {
		t.Fatal("more nodes than allowed, and not cut")
	}
	if got := d.Text(); !strings.HasPrefix(got, "line of text\n") || len(got) > maxText {
		t.Errorf("text of %d bytes begins %.40q", len(got), got)
	}
}
