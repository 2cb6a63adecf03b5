package quote

import "strings"

// Split is a mail in three parts. Quoted and Signature are folded in the timeline, one click away.
type Split struct {
	Visible   string // what the person wrote; not blank unless the mail was
	Quoted    string // the mails answered, with their headers
	Signature string // signatures, mobile signatures, disclaimers and list footers
}

// Text splits the plain text of a mail. Line ends may be LF or CRLF and become LF.
func Text(s string) Split {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	s = strings.ReplaceAll(s, "\r", "\n")
	raw := strings.Split(s, "\n")
	lines := make([]line, len(raw))
	for i, t := range raw {
		lines[i] = textLine(t)
	}
	fence(lines)
	return join(lines, place(lines))
}

// textLine reads one line of a plain text mail.
func textLine(t string) line {
	l := line{raw: t, text: shorten(squeeze(t))}
	l.quoted = isMarked(l.text)
	return l
}

// isMarked reports whether a line has the sign of a quote in front. ">:" is the end of a header whose
// address was wrapped.
func isMarked(s string) bool {
	if !strings.HasPrefix(s, ">") && !strings.HasPrefix(s, "＞") {
		return false
	}
	return s != ">:" && !isGroupWise(s)
}

// fence marks what stands between two lines of ``` as code, in which nothing is a quote or a
// signature. A fence that is never closed fences nothing.
func fence(lines []line) {
	open := -1
	for i := range lines {
		if lines[i].quoted || !strings.HasPrefix(lines[i].text, "```") {
			continue
		}
		if open < 0 {
			open = i
			continue
		}
		for j := open; j <= i; j++ {
			lines[j].code = true
			lines[j].quoted = false
		}
		open = -1
	}
}

// join writes the parts out.
func join(lines []line, parts []part) Split {
	var b [3]strings.Builder
	for i, l := range lines {
		w := &b[parts[i]]
		w.WriteString(l.raw)
		w.WriteByte('\n')
	}
	return Split{
		Visible:   trimBlank(b[visible].String()),
		Quoted:    trimBlank(b[quoted].String()),
		Signature: trimBlank(b[signature].String()),
	}
}

// trimBlank removes blank lines at both ends and keeps the indent of the first line.
func trimBlank(s string) string {
	for {
		first, rest, ok := strings.Cut(s, "\n")
		if !ok || squeeze(first) != "" {
			break
		}
		s = rest
	}
	for {
		at := strings.LastIndexByte(strings.TrimRight(s, " \t\n"), '\n')
		if at < 0 || squeeze(s[at:]) != "" {
			return strings.TrimRight(s, " \t\n\u00a0\u3000")
		}
		s = s[:at]
	}
}
