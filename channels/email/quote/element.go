package quote

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// sense is what the class or id of an element says.
type sense uint8

const (
	isQuote     sense = iota + 1 // all inside is quoted
	isHeader                     // all inside is the header of a quote
	isSign                       // all inside is a signature
	isCut                        // the quote begins here and goes on behind the element
	isContainer                  // header, quotes and perhaps answers are inside
)

// senses are the names mail programs give. Names that only stand inside of quotes are not needed.
var senses = map[string]sense{
	// Gmail and those who write like it
	"gmail_quote": isContainer, "gmail_attr": isHeader, "gmail_signature": isSign, "gmail_signature_prefix": isSign,
	// Outlook: the desktop program, the web, the phone, the Mac
	"divrplyfwdmsg": isCut, "appendonsend": isCut, "outlookmessageheader": isCut, "olk_src_body_section": isQuote,
	"mail-editor-reference-message-container": isQuote, "ms-outlook-mobile-signature": isSign, "ms-outlook-mobile-reference-message": isQuote, "signature": isSign,
	// Thunderbird, Yahoo, Proton, Zoho, Tuta, Zimbra, Airmail, Roundcube, Fastmail, Front
	"moz-cite-prefix": isHeader, "moz-signature": isSign, "yahoo_quoted": isQuote, "protonmail_quote": isContainer,
	"protonmail_signature_block": isSign, "zmail_extra": isQuote, "zmail_extra_hr": isCut, "tutanota_quote": isQuote,
	"zwchr": isCut, "__quoted_text__": isQuote, "__divider__": isCut, "airmail_on": isHeader, "reply-intro": isHeader,
	"front-blockquote": isQuote, "bloop_on": isHeader, "bloop_sign": isSign,
	// NetEase, QQ, Foxmail, Lark, Samsung
	"ntes-mailmaster-quote": isQuote, "ntes-quote": isQuote, "isreplycontent": isQuote, "ntes-pcmac-signature": isSign,
	"foxmailreplybody": isQuote, "history-quote-wrapper": isQuote, "composer_signature": isSign, "quotedtext": isQuote,
}

// mark enters into c what element n says about what is inside of it.
func (r *reader) mark(n *html.Node, c *context) {
	if c.quoted {
		return
	}
	switch senseOf(n) {
	case isQuote:
		c.quoted = !forwarded(n)
	case isHeader:
		c.header = !forwarded(n)
	case isSign:
		c.sign = true
	case isCut:
		r.end()
		r.cut = true
	}
}

// isIntroduced reports whether n holds a header, then a blockquote.
func isIntroduced(n *html.Node) bool {
	if n.DataAtom == atom.Blockquote || senseOf(n) != isContainer {
		return false
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.DataAtom == atom.Blockquote {
			return true
		}
	}
	return false
}

func senseOf(n *html.Node) sense {
	for _, a := range n.Attr {
		switch a.Key {
		case "class":
			for _, name := range strings.Fields(a.Val) {
				if s := senses[strings.ToLower(name)]; s != 0 {
					return inBlockquote(n, s)
				}
			}
		case "id", "data-marker":
			if s := senses[strings.ToLower(a.Val)]; s != 0 {
				return s
			}
		case "type":
			if n.DataAtom == atom.Blockquote && strings.EqualFold(a.Val, "cite") {
				return isQuote
			}
		case "name":
			if n.DataAtom == atom.Div && a.Val == "quote" {
				return isQuote // GMX, WEB.DE
			}
		}
	}
	return 0
}

// inBlockquote makes a container that is itself the blockquote a quote.
func inBlockquote(n *html.Node, s sense) sense {
	if s == isContainer && n.DataAtom == atom.Blockquote {
		return isQuote
	}
	return s
}

// forwarded reports whether an element begins with the head of a forwarded mail, which programs put
// into the same elements as a quote.
func forwarded(n *html.Node) bool {
	var b strings.Builder
	firstText(n, &b)
	t, _ := phrase(squeeze(b.String()))
	return forwards[t] || strings.HasPrefix(t, "forwarded by ")
}

// firstText collects the first line of text in n.
func firstText(n *html.Node, b *strings.Builder) (done bool) {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
		if strings.TrimSpace(b.String()) != "" && (c.DataAtom == atom.Br || c.DataAtom == atom.Div || c.DataAtom == atom.P || b.Len() > 200) {
			return true
		}
		if firstText(c, b) {
			return true
		}
	}
	return strings.TrimSpace(b.String()) != "" && (n.DataAtom == atom.Div || n.DataAtom == atom.P)
}
