package clean

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
)

const (
	maxRules   = 1000      // rules of one mail
	maxMatches = 2_000_000 // comparisons of an element with a rule, for one mail
)

// simple is one compound selector: p.note#first, without attributes and pseudo-classes.
type simple struct {
	tag, id string
	classes []string
	child   bool // must be the parent of what is right of it, not only an ancestor
}

// rule is a selector, the element itself last, and what it sets.
type rule struct {
	parts  []simple
	weight int // specificity: ids, classes, names
	order  int
	decls  []declaration
}

// sheet finds the rules for an element by what their last part asks for.
type sheet struct {
	byTag, byClass, byID map[string][]*rule
	rules, left          int
	hits                 []*rule // of the last match
}

// parseSheets reads style sheets. Rules under conditions, and selectors beyond names, classes,
// ids, descendants and children, are left out.
func parseSheets(texts []string) *sheet {
	s := &sheet{byTag: map[string][]*rule{}, byClass: map[string][]*rule{}, byID: map[string][]*rule{}, left: maxMatches}
	for _, t := range texts {
		t = strings.NewReplacer("<!--", "", "-->", "").Replace(uncomment(t))
		for t != "" && s.rules < maxRules {
			var head, body string
			head, body, t = nextRule(t)
			if head != "" && head[0] != '@' {
				s.add(head, declarations(body))
			}
		}
	}
	return s
}

// nextRule cuts off one rule with its body, in which braces may nest.
func nextRule(t string) (head, body, rest string) {
	at := strings.IndexAny(t, "{;}")
	if at < 0 {
		return "", "", ""
	}
	head = strings.TrimSpace(t[:at])
	if t[at] != '{' {
		return "", "", t[at+1:] // @import …; or a brace too many
	}
	depth := 0
	for i := at; i < len(t); i++ {
		switch t[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return head, t[at+1 : i], t[i+1:]
			}
		}
	}
	return head, t[at+1:], ""
}

func (s *sheet) add(head string, decls []declaration) {
	if len(decls) == 0 {
		return
	}
	for sel := range strings.SplitSeq(head, ",") {
		r, ok := parseSelector(sel)
		if !ok || s.rules >= maxRules {
			continue
		}
		s.rules++
		r.order, r.decls = s.rules, decls
		switch last := r.parts[len(r.parts)-1]; {
		case last.id != "":
			s.byID[last.id] = append(s.byID[last.id], r)
		case len(last.classes) > 0:
			s.byClass[last.classes[0]] = append(s.byClass[last.classes[0]], r)
		default:
			s.byTag[last.tag] = append(s.byTag[last.tag], r)
		}
	}
}

func parseSelector(sel string) (*rule, bool) {
	r := &rule{}
	for _, f := range strings.Fields(strings.ReplaceAll(sel, ">", " > ")) {
		if f == ">" {
			if len(r.parts) == 0 {
				return nil, false
			}
			r.parts[len(r.parts)-1].child = true
			continue
		}
		p, ok := parseSimple(f)
		if !ok {
			return nil, false
		}
		r.parts = append(r.parts, p)
		r.weight += len(p.classes) * 100
		if p.id != "" {
			r.weight += 10_000
		}
		if p.tag != "" {
			r.weight++
		}
	}
	return r, len(r.parts) > 0
}

func parseSimple(f string) (simple, bool) {
	var p simple
	for f != "" {
		kind := byte(0)
		if f[0] == '.' || f[0] == '#' {
			kind, f = f[0], f[1:]
		}
		end := strings.IndexAny(f, ".#")
		if end < 0 {
			end = len(f)
		}
		name := f[:end]
		f = f[end:]
		if name == "*" && kind == 0 {
			continue
		}
		if !isName(name, "-_") {
			return p, false
		}
		switch kind {
		case '.':
			p.classes = append(p.classes, name)
		case '#':
			p.id = name
		default:
			p.tag = strings.ToLower(name)
		}
	}
	return p, true
}

// match returns the rules that name n, weakest first. They are valid until the next call.
func (s *sheet) match(n *html.Node, path []*html.Node) []*rule {
	s.hits = s.hits[:0]
	if s.rules == 0 || s.left <= 0 {
		return nil
	}
	s.try(s.byTag[n.Data], n, path)
	s.try(s.byTag[""], n, path)
	if class := attr(n, "class"); class != "" {
		classes := strings.Fields(class)
		for i, c := range classes {
			if !slices.Contains(classes[:i], c) {
				s.try(s.byClass[c], n, path)
			}
		}
	}
	if id := attr(n, "id"); id != "" {
		s.try(s.byID[id], n, path)
	}
	slices.SortFunc(s.hits, func(a, b *rule) int {
		if a.weight != b.weight {
			return a.weight - b.weight
		}
		return a.order - b.order
	})
	return s.hits
}

func (s *sheet) try(rules []*rule, n *html.Node, path []*html.Node) {
	for _, r := range rules {
		s.left--
		if s.left > 0 && r.matches(n, path) {
			s.hits = append(s.hits, r)
		}
	}
}

func (r *rule) matches(n *html.Node, path []*html.Node) bool {
	last := len(r.parts) - 1
	if !r.parts[last].is(n) {
		return false
	}
	at := len(path)
	for i := last - 1; i >= 0; i-- {
		p := r.parts[i]
		for at--; at >= 0 && !p.is(path[at]); at-- {
			if p.child {
				return false
			}
		}
		if at < 0 {
			return false
		}
	}
	return true
}

func (p simple) is(n *html.Node) bool {
	if p.tag != "" && p.tag != n.Data || p.id != "" && p.id != attr(n, "id") {
		return false
	}
	if len(p.classes) == 0 {
		return true
	}
	have := strings.Fields(attr(n, "class"))
	for _, c := range p.classes {
		if !slices.Contains(have, c) {
			return false
		}
	}
	return true
}
