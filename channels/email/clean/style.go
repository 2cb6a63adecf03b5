package clean

import (
	"strings"

	"golang.org/x/net/html"
)

// properties that a mail may set. None moves what it styles out of its place, covers the page or
// loads something.
var properties = names(`color background-color background font font-family font-size font-style font-weight font-variant font-stretch text-align text-decoration text-decoration-line
	text-decoration-color text-decoration-style text-transform text-indent text-shadow text-overflow letter-spacing word-spacing line-height vertical-align white-space word-break
	word-wrap overflow-wrap hyphens tab-size direction unicode-bidi width height min-width min-height max-width max-height margin margin-top margin-right margin-bottom margin-left
	padding padding-top padding-right padding-bottom padding-left border border-top border-right border-bottom border-left border-color border-style border-width
	border-top-color border-right-color border-bottom-color border-left-color border-top-style border-right-style border-bottom-style border-left-style
	border-top-width border-right-width border-bottom-width border-left-width border-radius border-top-left-radius border-top-right-radius border-bottom-left-radius
	border-bottom-right-radius border-collapse border-spacing table-layout caption-side empty-cells list-style list-style-type list-style-position display float clear
	overflow overflow-x overflow-y opacity box-sizing box-shadow visibility object-fit aspect-ratio flex flex-direction flex-wrap flex-grow flex-shrink flex-basis
	align-items align-content align-self justify-content gap row-gap column-gap`)

// functions that may stand in a value.
var functions = names("rgb rgba hsl hsla calc min max clamp linear-gradient radial-gradient")

func names(list string) map[string]bool {
	m := map[string]bool{}
	for _, s := range strings.Fields(list) {
		m[s] = true
	}
	return m
}

const maxStyle = 8 << 10 // bytes of one style attribute

// declaration is one property with a value that was checked.
type declaration struct{ property, value string }

// declarations reads a list of declarations and keeps what is safe, in order.
func declarations(s string) []declaration {
	if len(s) > maxStyle {
		return nil
	}
	s = uncomment(s)
	var out []declaration
	for s != "" {
		var one string
		one, s = nextDeclaration(s)
		p, v, ok := strings.Cut(one, ":")
		if !ok {
			continue
		}
		p = strings.ToLower(strings.TrimSpace(p))
		v = strings.Join(strings.Fields(v), " ")
		if !properties[p] {
			continue
		}
		if v, ok := safeValue(v); ok {
			out = append(out, declaration{p, v})
		}
	}
	return out
}

// nextDeclaration cuts at the first semicolon that is not in quotes or parentheses.
func nextDeclaration(s string) (string, string) {
	var quote byte
	depth := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ';' && depth <= 0:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

func uncomment(s string) string {
	for {
		before, rest, ok := strings.Cut(s, "/*")
		if !ok {
			return s
		}
		_, after, ok := strings.Cut(rest, "*/")
		if !ok {
			return before
		}
		s = before + " " + after
	}
}

// safeValue checks a value sign by sign: no escapes, no markup, no function that is not listed,
// quotes closed. Double quotes become single ones; "!important" goes, as no other sheet is left.
func safeValue(v string) (string, bool) {
	if at := strings.LastIndexByte(v, '!'); at >= 0 {
		v = strings.TrimSpace(v[:at])
	}
	if v == "" || len(v) > 500 {
		return "", false
	}
	word, quotes, depth := 0, 0, 0
	for i, r := range v {
		switch {
		case isWord(r) || r == '-' || r == '_':
			continue
		case r == '(':
			if !functions[strings.ToLower(v[word:i])] {
				return "", false
			}
			depth++
		case r == ')':
			if depth--; depth < 0 {
				return "", false
			}
		case r == '"' || r == '\'':
			quotes++
		case !strings.ContainsRune(" #%.,+*/", r):
			return "", false
		}
		word = i + 1
	}
	if quotes%2 != 0 || depth != 0 {
		return "", false
	}
	return strings.ReplaceAll(v, `"`, "'"), true
}

// property returns the last value of a property in the text of a style attribute in lower case.
func property(style, name string) string {
	value := ""
	for style != "" {
		var one string
		one, style = nextDeclaration(style)
		if p, v, ok := strings.Cut(one, ":"); ok && strings.TrimSpace(p) == name {
			value = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(v), "!important"))
		}
	}
	return value
}

// style returns the declarations for an element: those of the rules that name it, then its own.
// Of two for one property the later counts, in its place.
func (w *writer) style(n *html.Node, path []*html.Node) string {
	own := attr(n, "style")
	rules := w.sheet.match(n, path)
	if own == "" && len(rules) == 0 {
		return ""
	}
	w.key = append(w.key[:0], own...)
	for _, r := range rules {
		w.key = append(w.key, 0, byte(r.order), byte(r.order>>8))
	}
	s, ok := w.styles[string(w.key)]
	if !ok {
		s = render(rules, own)
		w.styles[string(w.key)] = s
	}
	return s
}

func render(rules []*rule, own string) string {
	var decls []declaration
	for _, r := range rules {
		decls = append(decls, r.decls...)
	}
	decls = append(decls, declarations(own)...)
	var b strings.Builder
	for i, d := range decls {
		if overridden(decls[i+1:], d.property) {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(';')
		}
		b.WriteString(d.property)
		b.WriteByte(':')
		b.WriteString(d.value)
	}
	return b.String()
}

func overridden(later []declaration, property string) bool {
	for _, d := range later {
		if d.property == property {
			return true
		}
	}
	return false
}
