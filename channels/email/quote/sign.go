package quote

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

const (
	signatureLines = 12 // what follows a drawn line and is longer is no signature
	footerLines    = 40 // nor is this a footer
	signatureSpan  = 90 // lines, blank ones included, that a signature may reach
	signatureWidth = 90 // characters
)

// signatureAt recognises a signature at line i and returns its end.
func signatureAt(lines []line, i int, wrote bool) (int, bool) {
	l := lines[i]
	switch {
	case l.sign:
		return signRun(lines, i), wrote
	case !wrote:
		return 0, false
	case isMobileSignature(l.text):
		return mobileEnd(lines, i)
	case isDelimiter(l):
		to := signatureEnd(lines, i+1)
		return to, to-i < signatureSpan && nonBlank(lines[i+1:to]) <= footerLines
	case isRule(l.text):
		to := signatureEnd(lines, i+1)
		return to, signs(lines[i+1:to]) || isFooter(lines[i:to])
	case isClosing(l.text):
		to := signatureEnd(lines, i+1)
		return to, businessCard(card(lines[i+1 : to]))
	}
	return 0, false
}

func signRun(lines []line, i int) int {
	for i < len(lines) && (lines[i].sign || lines[i].blank()) {
		i++
	}
	return i
}

// isDelimiter recognises "-- " of RFC 3676 section 4.3, with or without its blank, and the "__" of
// list servers.
func isDelimiter(l line) bool { return l.text == "--" || l.text == "__" }

// mobileEnd returns the end of a mobile signature at line i. It stands alone: what follows it
// without a blank line must be the head of a quote. Text after it that no rule knows is what a
// phone put there without marks, and is folded with it.
func mobileEnd(lines []line, i int) (int, bool) {
	if j := i + 1; j < len(lines) && !lines[j].blank() {
		if p, _ := beginsQuote(lines, j); !p && !isRule(lines[j].text) && !isMobileSignature(lines[j].text) && !devices.MatchString(lines[i].text) {
			return 0, false
		}
	}
	return signatureEnd(lines, i+1), true
}

// beginsQuote reports whether a quote begins at line i.
func beginsQuote(lines []line, i int) (bool, int) {
	if l := lines[i]; l.quoted || l.header || l.cut {
		return true, i
	}
	if isForward(lines, i) {
		return true, i
	}
	to, ok := unmarkedQuote(lines, i)
	return ok, to
}

// signatureEnd is where the next quote begins, or the end.
func signatureEnd(lines []line, i int) int {
	for until := i + signatureSpan; i < len(lines); i++ {
		if lines[i].blank() {
			continue
		}
		if ok, _ := beginsQuote(lines, i); ok || i > until {
			return i
		}
	}
	return i
}

func nonBlank(lines []line) int {
	n := 0
	for _, l := range lines {
		if !l.blank() {
			n++
		}
	}
	return n
}

// signs reports whether the lines after a drawn one are a signature: few, short, and no sentences.
func signs(lines []line) bool {
	n := nonBlank(lines)
	if n == 0 || n > signatureLines {
		return false
	}
	contact := false
	for _, l := range lines {
		if utf8.RuneCountInString(l.text) > signatureWidth || isSentence(l.text) || isListItem(l.text) || isRule(l.text) {
			return false
		}
		contact = contact || isContact(l.text)
	}
	return contact
}

func isSentence(s string) bool {
	if s == "" || words(s) < 5 && !strings.ContainsAny(s, "。？！") {
		return false
	}
	return strings.ContainsAny(s[len(s)-1:], ".?!:;") || strings.HasSuffix(s, "。") || strings.HasSuffix(s, "？") || strings.HasSuffix(s, "！")
}

var listItem = regexp.MustCompile(`^(?:[-*•·+]|\d{1,2}[.)]|#+)\s`)

func isListItem(s string) bool { return listItem.MatchString(s) }

// contact is a way to reach somebody or a line of a visiting card.
var contact = regexp.MustCompile(`(?i)@|https?://|www\.|(?:\+|\b0|\()\d[\d\s()./-]{5,}\d|\b(?:tel|phone|mobile|fax|cell|telefon|tél|电话|手机|电邮|地址)\b|` +
	`\b(?:gmbh|ltd|inc|llc|s\.a\.|corp|ceo|cto|cfo|director|manager|engineer|developer|founder|head of|team lead)\b|有限公司|株式会社`)

func isContact(s string) bool { return contact.MatchString(s) }

// closings are the words before a name at the end of a mail.
var closings = set(`regards|best regards|kind regards|warm regards|many thanks and regards|best|best wishes|all the best|sincerely|yours sincerely|yours faithfully|yours truly|cheers|thanks and regards|thanks & regards|
	with kind regards|with best regards|mit freundlichen grüßen|mit freundlichen grüssen|freundliche grüße|viele grüße|beste grüße|liebe grüße|cordialement|bien cordialement|bien à vous|salutations|atentamente|saludos|
	un saludo|saludos cordiales|cordiali saluti|distinti saluti|saluti|atenciosamente|cumprimentos|com os melhores cumprimentos|met vriendelijke groet|met vriendelijke groeten|groeten|pozdrawiam|z poważaniem|med vänlig hälsning|vänliga hälsningar|
	med venlig hilsen|venlig hilsen|med vennlig hilsen|vennlig hilsen|ystävällisin terveisin|s pozdravem|с уважением|saygılarımla|此致|敬上|顺颂商祺|祝好|よろしくお願いします|よろしくお願いいたします|敬具|감사합니다`)

func isClosing(s string) bool {
	return closings[strings.ToLower(strings.TrimRight(s, ",.!，。！ "))]
}

// card is what stands between a closing and the next drawn line or mobile signature.
func card(lines []line) []line {
	for i, l := range lines {
		if isDelimiter(l) || isRule(l.text) || isMobileSignature(l.text) {
			return lines[:i]
		}
	}
	return lines
}

// businessCard reports whether a name and at least one way to reach it follow a closing. A name
// alone stays in sight: it is part of the letter.
func businessCard(lines []line) bool {
	n := nonBlank(lines)
	if n < 2 || n > signatureLines {
		return false
	}
	reach := false
	for _, l := range lines {
		if utf8.RuneCountInString(l.text) > signatureWidth || isSentence(l.text) {
			return false
		}
		reach = reach || isContact(l.text)
	}
	return reach
}

var (
	// footer is what lists and firms put under a mail and no person writes in one.
	footer = regexp.MustCompile(`(?i)you (?:are receiving|received) this (?:e-?mail|message)|to stop receiving|to unsubscribe|view it on github|reply to this (?:email|message) directly|` +
		`manage your (?:subscription|notification)s?|not the intended (?:recipient|addressee)|intended (?:solely|only) for|virus[- ]free|think before you print|consider the environment before|` +
		`/listinfo/|this (?:e-?mail|message) (?:and any|is intended|may contain|has been (?:checked|scanned))|如需退订|点击退订|退订请|配信停止|수신거부`)
	// private and mail together are a disclaimer; one of them alone is an ordinary word.
	private = regexp.MustCompile(`(?i)confidential|privileged|disclaimer|vertraulich|confidentielle|confidenci[aá]|riservat|vertrouwelijk|poufn|конфиденциальн|保密|机密|機密`)
	aMail   = regexp.MustCompile(`(?i)(?:this|diese[rs]?|ce|cet|este|esta|questo|questa|dit|deze|это|данное|本|此) ?(?:e-?mail|mail|message|messaggio|mensaje|mensagem|nachricht|courriel|correo|bericht|письмо|сообщение|邮件|郵件|メール|电子邮件)|recipient|addressee|empfänger|destinat[aá]|收件人`)
	// list says so only below a drawn line.
	list = regexp.MustCompile(`(?i)unsubscribe|mailing list|abmelden|désabonner|se désinscrire|darse de baja|退订|取消订阅|avast`)
)

// isFooter reports whether the lines, up to the end of the mail, are such a footer.
func isFooter(lines []line) bool {
	if nonBlank(lines) > footerLines {
		return false
	}
	ruled := false
	for i := nextText(lines, 0); i < len(lines); {
		if isRule(lines[i].text) {
			ruled = true
			i = nextText(lines, i+1)
			continue
		}
		p := paragraph(lines, i)
		return footer.MatchString(p) || private.MatchString(p) && aMail.MatchString(p) || ruled && list.MatchString(p)
	}
	return true
}

func paragraph(lines []line, i int) string {
	var b strings.Builder
	for ; i < len(lines) && !lines[i].blank(); i++ {
		b.WriteString(lines[i].text)
		b.WriteByte(' ')
	}
	return b.String()
}
