package quote

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

const (
	headerLines = 5   // over how many lines programs wrap "On … wrote:"
	headerBytes = 600 // and how long it gets
)

// lastVerbs end the header of a quote. Lower case; longer ones before their own ends.
var lastVerbs = []string{
	"wrote", "writes", "schrieb", "schrieb folgendes", "geschrieben", "a écrit", "a ecrit", "escribió", "escribio",
	"ha scritto", "scrive", "ha escrit", "va escriure", "escreveu", "schreef", "schreef het volgende", "heeft geschreven",
	"geschreven", "napisał", "napisała", "napisał(a)", "napisał/a", "pisze", "написал", "написала", "написал(а)", "написал(a)", "пишет",
	"написав", "написала", "пише", "skrev", "skrev følgende", "skreiv", "kirjoitti", "napsal", "napsala", "napsal(a)", "napísal",
	"napísala", "napísal(a)", "yazdı", "şunu yazdı", "şunları yazdı", "şöyle yazdı", "írta", "ezt írta", "a scris", "έγραψε",
	"написа", "rašė", "rakstīja", "kirjutas", "napisao", "napisala", "napisao/la", "je napisao/la", "je napisal", "je napisal/-a", "skrifaði",
	"đã viết", "viết", "menulis", "menulis:", "เขียนว่า", "เขียน", "님이 작성", "작성", "님이 쓴 글", "wrote：", "写道", "寫道", "写到", "寫到", "来信", "のメール",
	"さんは書きました", "は書きました", "が書きました", "さんが書きました", "כתב", "כתבה", "כתב/ה", "כתב.ה", "مت الكتابة", "كتب", "كتبت", "نوشت", "ने लिखा",
}

// middleVerbs are followed by the name in their languages.
var middleVerbs = []string{
	" wrote on ", " wrote at ", " schrieb ", " schreef ", " skrev ", " skreiv ", " pisze ", " heeft ", " pisał ", " yazdı ", " kirjoitti ", " kirjutas ", " rašė ",
}

var (
	address = regexp.MustCompile(`[^\s@<>()\[\]"',;:]+@[^\s@<>()\[\]"',;:]+`)
	// closingAddress is an address in brackets with at most a few words between it and the colon.
	closingAddress = regexp.MustCompile(`(?:<|\(|\[|&lt;|＜)\s*(?:mailto:)?[^\s@<>]+@[^\s@<>]+?\s*(?:<\s*mailto:[^>]*>)?\s*(?:>|\)|\]|&gt;|＞)[^@.!?]{0,40}$`)
	// moment is a year, a time of day or a written date in digits of any script.
	moment = regexp.MustCompile(`(?:^|\P{Nd})(?:(?:19|20)\p{Nd}{2}|\p{Nd}{1,2}\s?[:.hH時时시点]\s?\p{Nd}{2}|\p{Nd}{1,4}[./-]\p{Nd}{1,2}[./-]\p{Nd}{1,4}|\p{Nd}{1,2}\s?(?:[aApP]\.?[mM]\b)|[٠-٩۰-۹]{2,4})`)
	// day is a moment or a day of the month: enough beside a verb at the end and a word for "on" in front.
	day = regexp.MustCompile(`(?i)^(?:on|am|le|el|il|em|op|den|d\.|dne|dnia|w dniu|vào|pada|în|la|u|at|à)\b.*\p{Nd}`)
)

// wroteHeader recognises "On … wrote:" in any language at line i, wrapped or not. It returns the
// line after it, or 0, and whether it is one even if no quoted line follows.
func wroteHeader(lines []line, i int) (to int, strong bool) {
	var joined string
	done := isDone(lines[i].text)
	for j := i; j < len(lines) && j < i+headerLines; j++ {
		l := lines[j]
		if l.blank() || l.quoted || l.code {
			break
		}
		if joined != "" {
			joined += " "
		}
		joined += l.text
		if len(joined) > headerBytes || j > i && done {
			break
		}
		if !mayEndHeader(l.text) {
			continue
		}
		ok, sure := wrote(joined)
		if !ok && (!nextIsQuoted(lines, j+1) || !names(joined)) {
			continue
		}
		if j > i && startsLater(lines, i, j) {
			return 0, false
		}
		return j + 1, ok && sure
	}
	return 0, false
}

// isDone reports whether a line ends a sentence, so that no header goes on below it.
func isDone(s string) bool {
	for _, end := range []string{".", "!", "?", "。", "！", "？"} {
		if strings.HasSuffix(s, end) {
			return !hasDigit(s) && !strings.Contains(s, "@")
		}
	}
	return false
}

// startsLater reports whether the header that ends at line j begins below line i: what is left
// without the lines above is still a header.
func startsLater(lines []line, i, j int) bool {
	for k := i + 1; k <= j; k++ {
		var rest []string
		for m := k; m <= j; m++ {
			rest = append(rest, lines[m].text)
		}
		s := strings.Join(rest, " ")
		if ok, _ := wrote(s); ok && !continues(lines[i].text, s) {
			return true
		}
	}
	return false
}

// continues reports whether s goes on with a header that began in a line above: with the address,
// the time or the verb.
func continues(above, s string) bool {
	if strings.HasPrefix(s, "<") || startsLower(s) && day.MatchString(above) {
		return true
	}
	if address.MatchString(above) && !address.MatchString(s) {
		return true
	}
	return !moment.MatchString(s) && !day.MatchString(s)
}

func mayEndHeader(s string) bool {
	t, _ := unruled(s)
	if _, ok := cutColon(t); ok {
		return true
	}
	return endsInVerb(strings.ToLower(t))
}

func nextIsQuoted(lines []line, i int) bool {
	j := nextText(lines, i)
	return j < len(lines) && lines[j].quoted
}

// wrote reports whether s is the header of a quote, and whether it is one on its own.
func wrote(s string) (ok, sure bool) {
	t, drawn := unruled(s)
	t, colon := cutColon(t)
	if !colon && drawn < 4 && !hasAddress(t) {
		return false, false
	}
	low := strings.ToLower(t)
	if isField(low) {
		return false, false
	}
	switch {
	case endsInVerb(low):
		when, who := moment.MatchString(t), hasAddress(t)
		return when || who || day.MatchString(t), when || who && hasDigit(t)
	case colon && hasMiddleVerb(low):
		when := moment.MatchString(t)
		return when || hasAddress(t), when
	case colon && quoting(low) && hasAddress(t):
		return true, false
	case colon && closesWithAddress(t) && moment.MatchString(t):
		return true, true
	}
	return false, false
}

// quoting recognises the header of webmail programs that name the person alone.
func quoting(low string) bool {
	for _, p := range []string{"quoting ", "zitat von ", "citando a ", "citando ", "citation de ", "citazione da ", "citat från ", "citace ", "引用 "} {
		if strings.HasPrefix(low, p) {
			return true
		}
	}
	return false
}

func hasAddress(s string) bool { return strings.Contains(s, "@") && address.MatchString(s) }

// closesWithAddress looks at the end of a header alone: the rest may be long.
func closesWithAddress(s string) bool {
	at := strings.LastIndexByte(s, '@')
	if at < 0 {
		return false
	}
	return closingAddress.MatchString(s[max(0, at-120):])
}

// names reports whether a line above quoted ones is a short header without a date: "Ann wrote:".
func names(s string) bool {
	t, colon := cutColon(s)
	return colon && len(t) < 120 && endsInVerb(strings.ToLower(t))
}

func endsInVerb(low string) bool {
	low = strings.TrimRight(low, " :：")
	if at := strings.LastIndexByte(low, '('); at > 0 && strings.HasSuffix(low, ")") && hasDigit(low[at:]) {
		low = strings.TrimRight(low[:at], " ") // Hungarian puts the date behind the verb
	}
	for _, v := range lastVerbs {
		rest, ok := strings.CutSuffix(low, v)
		if !ok {
			continue
		}
		r, _ := utf8.DecodeLastRuneInString(rest)
		if rest == "" || !isLatinLetter(r) || !isLatinLetter(first(v)) {
			return true
		}
	}
	return false
}

func hasMiddleVerb(low string) bool {
	for _, v := range middleVerbs {
		if _, after, ok := strings.Cut(low, v); ok && (address.MatchString(after) || words(after) <= 5) {
			return true
		}
	}
	return false
}

func first(s string) rune { r, _ := utf8.DecodeRuneInString(s); return r }

// isLatinLetter tells the scripts that put spaces between words from those that do not; for the
// verbs above it is enough to look at the letters below the Indic scripts.
func isLatinLetter(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= '\u00c0' && r < '\u0900'
}
