package quote

// line is one line of a mail as the rules see it.
type line struct {
	raw    string // as it came; empty for HTML
	text   string // invisible characters removed, runs of blanks made one, trimmed
	quoted bool   // marked as quoted: by ">" or by the element it is in
	header bool   // HTML: the mail program says that this is the header of a quote
	cut    bool   // HTML: the mail program says that the quote begins here and runs to the end
	sign   bool   // HTML: the mail program says that this is a signature
	code   bool   // fenced; always the writer's own

	// What unmarkedQuote found, which is asked more than once.
	looked bool
	until  int // 0: no quote begins here
}

func (l line) blank() bool { return l.text == "" }

// part says where a line goes.
type part uint8

const (
	visible part = iota
	quoted
	signature
)

// maxLines is how many lines are looked at. A longer mail is a log or an attack; the rest of it
// is shown unless a quote above runs to the end.
const maxLines = 4000

// segment is a run of lines of one part.
type segment struct {
	part     part
	from, to int // to is exclusive
}

// place decides the part of every line.
func place(lines []line) []part {
	segs := fold(lines, segments(lines))
	parts := make([]part, len(lines))
	shown := false
	for _, s := range segs {
		for i := s.from; i < s.to; i++ {
			parts[i] = s.part
			shown = shown || s.part == visible && !lines[i].blank()
		}
	}
	if !shown {
		clear(parts)
	}
	return parts
}

// segments walks down the lines and recognises what begins at each.
func segments(lines []line) []segment {
	var segs []segment
	add := func(p part, from, to int) {
		if n := len(segs); n > 0 && segs[n-1].part == p && p != signature {
			segs[n-1].to = to
			return
		}
		segs = append(segs, segment{p, from, to})
	}
	wrote := false // there is text above
	for i := 0; i < len(lines); {
		if i >= maxLines {
			add(visible, i, len(lines))
			break
		}
		p, to := begins(lines, i, wrote)
		add(p, i, to)
		wrote = wrote || p == visible && !lines[i].blank()
		i = to
	}
	return segs
}

// begins says which part begins at line i and where it ends.
func begins(lines []line, i int, wrote bool) (part, int) {
	l := lines[i]
	switch {
	case l.blank() || l.code:
		return visible, i + 1
	case l.cut:
		return quoted, len(lines)
	case isForward(lines, i) && !l.quoted:
		return visible, len(lines)
	case l.quoted || l.header:
		return quoted, quoteEnd(lines, i)
	}
	if to, ok := unmarkedQuote(lines, i); ok {
		return quoted, to
	}
	if to, ok := signatureAt(lines, i, wrote); ok {
		return signature, to
	}
	return visible, i + 1
}

// unmarkedQuote recognises the header of a quote at line i and returns where the quote ends: with
// the marked lines below it or, when those carry no mark, with the mail.
func unmarkedQuote(lines []line, i int) (int, bool) {
	l := &lines[i]
	if !l.looked {
		l.looked = true
		if to, ok := findUnmarked(lines, i); ok {
			l.until = to
		}
	}
	return l.until, l.until > 0
}

func findUnmarked(lines []line, i int) (int, bool) {
	if s := lines[i].text; isSeparator(s) || isGroupWise(s) || isReplyAbove(s) || headerBlock(lines, i) {
		return len(lines), true
	}
	if _, drawn := unruled(lines[i].text); drawn >= 4 {
		// A line that is drawn above a block belongs to it, whatever words are in it.
		j := nextText(lines, i+1)
		if j < len(lines) && !lines[j].quoted && (headerBlock(lines, j) || isSeparator(lines[j].text)) {
			return len(lines), true
		}
	}
	to, strong := wroteHeader(lines, i)
	if to == 0 {
		return 0, false
	}
	j := nextText(lines, to)
	if j < len(lines) && lines[j].quoted {
		return quoteEnd(lines, j), true
	}
	return len(lines), strong
}

// quoteEnd returns the end of the run of quoted lines that has line i, blank lines between them
// included and the second halves of lines that a mail server broke.
func quoteEnd(lines []line, i int) int {
	end := i + 1
	for j := i + 1; j < len(lines); j++ {
		switch l := lines[j]; {
		case l.code, l.cut:
			return end
		case l.quoted || l.header:
			end = j + 1
		case l.blank():
		case end == j && broken(lines, j):
			end = j + 1
		default:
			return end
		}
	}
	return end
}

// wrapColumn is where mail programs begin to break lines; a quoted line at least this long may
// have lost its end to the next one.
const wrapColumn = 58

// broken reports whether line j is the rest of the quoted line above it: that one is long, this one
// begins as the middle of a sentence does, and the quote goes on below.
func broken(lines []line, j int) bool {
	if !lines[j-1].quoted || len(lines[j-1].text) < wrapColumn || !startsLower(lines[j].text) {
		return false
	}
	return j+1 >= len(lines) || lines[j+1].quoted
}

// fold decides which segments stay in sight: everything between the first and the last line the
// person wrote, and a quote on top only when it is answered piece by piece.
func fold(lines []line, segs []segment) []segment {
	segs = introduced(lines, footers(lines, segs))
	first, last, quotes := -1, -1, 0
	for i, s := range segs {
		if s.part == visible && hasText(lines, s) {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	for i := 0; i <= last; i++ {
		if segs[i].part == quoted {
			quotes++
		}
	}
	for i := range segs {
		switch inside := i > first && i < last; {
		case inside:
			segs[i].part = visible
		case i < first && quotes > 1 && segs[i].part == quoted:
			segs[i].part = visible
		}
	}
	return segs
}

// footers makes the text after the last quote a signature if it is what lists and firms put under
// every mail.
func footers(lines []line, segs []segment) []segment {
	for i := len(segs) - 1; i > 0; i-- {
		s := segs[i]
		if s.part != visible || !hasText(lines, s) {
			continue
		}
		if isFooter(lines[s.from:s.to]) && textBefore(lines, segs[:i]) {
			segs[i].part = signature
			continue
		}
		break
	}
	return segs
}

func textBefore(lines []line, segs []segment) bool {
	for _, s := range segs {
		if s.part == visible && hasText(lines, s) {
			return true
		}
	}
	return false
}

// introduced keeps a last run of ">" lines that the person announces ("what I need:"): a list or
// a piece of code, not somebody else's mail.
func introduced(lines []line, segs []segment) []segment {
	for i := 1; i < len(segs); i++ {
		s := segs[i]
		if s.part != quoted || segs[i-1].part != visible || !lines[s.from].quoted || lines[s.from].raw == "" {
			continue
		}
		if announces(lines[s.from-1].text) {
			segs[i].part = visible
		}
	}
	return segs
}

func hasText(lines []line, s segment) bool {
	for i := s.from; i < s.to; i++ {
		if !lines[i].blank() {
			return true
		}
	}
	return false
}

func nextText(lines []line, i int) int {
	for i < len(lines) && lines[i].blank() {
		i++
	}
	return i
}
