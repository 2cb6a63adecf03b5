package clean

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// stripTags takes the text out of HTML without building a tree, up to maxText bytes of it.
func stripTags(in string) string {
	var b strings.Builder
	z := html.NewTokenizer(strings.NewReader(in))
	raw := false
	for b.Len() < maxText {
		switch z.Next() {
		case html.ErrorToken:
			return squash(b.String())
		case html.TextToken:
			if !raw {
				b.WriteString(repair(string(z.Text())))
			}
			raw = false
		case html.StartTagToken, html.SelfClosingTagToken:
			name, _ := z.TagName()
			a := atom.Lookup(name)
			raw = isRaw(a)
			breakLine(&b, a)
		case html.EndTagToken:
			raw = false
			name, _ := z.TagName()
			breakLine(&b, atom.Lookup(name))
		}
	}
	return squash(cutText(b.String(), maxText))
}

func breakLine(b *strings.Builder, a atom.Atom) {
	if blocks[a] || a == atom.Br || a == atom.Tr {
		b.WriteByte('\n')
	} else if a == atom.Td || a == atom.Th {
		b.WriteByte(' ')
	}
}

// cutText shortens s to at most n bytes without cutting a character.
func cutText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// squash trims each line and leaves no more than one blank line between two.
func squash(s string) string {
	var b strings.Builder
	blank := 0
	for l := range strings.SplitSeq(s, "\n") {
		l = strings.TrimRight(l, " \t\u00a0")
		if strings.TrimSpace(l) == "" {
			blank++
			continue
		}
		if b.Len() > 0 {
			b.WriteString("\n\n"[:min(blank+1, 2)])
		}
		blank = 0
		b.WriteString(l)
	}
	return b.String()
}
