package clean

import (
	"strings"
	"unicode/utf8"
)

// flowColumn is where lines are broken: RFC 3676 section 4.2 asks for at most 78 characters.
const flowColumn = 76

// flow writes text as format=flowed: a line that goes on below ends in a blank, lines that begin
// with one or with "From " get one in front, and quote marks stand at the start of each line of a
// quoted paragraph. Text without blanks, such as Chinese, is not broken; the transfer encoding
// keeps its lines short. quote is put before every line, ">" or nothing.
func flow(s, quote string) string {
	var out []string
	for l := range strings.SplitSeq(s, "\n") {
		marks, text := quoteMarks(l)
		if marks = quote + marks; marks != "" {
			marks += " "
		}
		out = append(out, flowLine(marks, strings.TrimRight(text, " \t"))...)
	}
	return strings.Join(out, "\n")
}

// quoteMarks splits "> > text" into ">>" and "text".
func quoteMarks(l string) (marks, text string) {
	text = l
	for {
		t := strings.TrimPrefix(text, " ")
		if marks == "" {
			t = text
		}
		if !strings.HasPrefix(t, ">") {
			break
		}
		marks += ">"
		text = t[1:]
	}
	if marks != "" {
		text = strings.TrimPrefix(text, " ")
	}
	return marks, text
}

func flowLine(marks, text string) []string {
	if text == "" {
		return []string{strings.TrimRight(marks, " ")}
	}
	var out []string
	width := flowColumn - len(marks)
	for text != "" {
		head, rest := text, ""
		if utf8.RuneCountInString(text) > width {
			head, rest = breakAt(text, width)
		}
		if marks == "" && (head[0] == ' ' || strings.HasPrefix(head, "From ") || head[0] == '>') {
			head = " " + head
		}
		if rest != "" {
			head += " "
		}
		out = append(out, marks+head)
		text = rest
	}
	return out
}

// breakAt cuts at the last blank within width characters or, if a word is longer, the first one
// after it.
func breakAt(s string, width int) (head, rest string) {
	at, n := -1, 0
	for i, r := range s {
		if n++; n > width && at > 0 {
			break
		}
		if r == ' ' && strings.TrimSpace(s[:i]) != "" {
			at = i
		}
	}
	if at < 0 {
		return s, ""
	}
	return s[:at], strings.TrimLeft(s[at:], " ")
}
