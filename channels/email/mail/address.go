package mail

import (
	"strings"
	"unicode"

	"golang.org/x/net/idna"
)

// addresses returns the mailboxes of every field of that name. Groups give their members.
func (h Header) addresses(name string) []Address {
	var out []Address
	for _, v := range h.raws(name) {
		for _, item := range splitAddresses(string(v)) {
			if a, ok := parseAddress(item, h.charset); ok && len(out) < maxAddresses {
				out = append(out, a)
			}
		}
	}
	return out
}

// splitAddresses cuts a list at commas and semicolons outside quotes, comments and angle
// brackets, and drops the names of groups.
func splitAddresses(s string) []string {
	var out []string
	depth, quote, angle, start := 0, false, false, 0
	cut := func(i int) {
		if item := strings.TrimSpace(s[start:i]); item != "" {
			out = append(out, item)
		}
		start = i + 1
	}
	quotes := strings.Count(s, `"`) - strings.Count(s, `\"`)
	lastClose, lastAt := strings.LastIndexByte(s, ')'), strings.LastIndexByte(s, '@')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && (quote || depth > 0):
			i++
		case c == '"' && depth == 0 && quotes%2 == 0:
			quote = !quote
		case quote:
		case c == '(':
			depth++
		case c == ')' && depth > 0:
			depth--
		case depth > 0 && i < lastClose:
		case c == '<':
			angle = true
			i += route(s[i:])
		case c == '>':
			angle = false
			if i < lastAt && another(s[i+1:]) { // two mailboxes without a comma between them
				cut(i + 1)
				start = i + 1
			}
		case c == ',' || c == ';':
			angle = false
			cut(i)
		case c == ':' && !angle && isGroup(s[start:i]):
			start = i + 1
		}
	}
	if start < len(s) {
		cut(len(s))
	}
	return out
}

// another reports whether another mailbox begins right behind one.
func another(rest string) bool {
	rest = strings.TrimLeft(rest, " \t\r\n")
	return rest != "" && !strings.ContainsRune(",;(>", rune(rest[0]))
}

// route is the length of an obsolete route (RFC 5322 §4.4) behind an angle bracket: <@a,@b:x@y>.
func route(s string) int {
	if !strings.HasPrefix(s, "<@") {
		return 0
	}
	return max(0, strings.IndexAny(s[:min(len(s), maxRoute)], ":>"))
}

// maxRoute is how long a route, or the name of a group, may be.
const maxRoute = 1000

// isGroup reports whether text before a colon names a group rather than being an address.
func isGroup(s string) bool { return len(s) < maxRoute && !strings.ContainsAny(s, "@<") }

// parseAddress reads one mailbox in any of the forms people's programs write.
func parseAddress(s, charset string) (Address, bool) {
	bare, comment := splitComment(s)
	name, addr := "", bare
	if i := strings.LastIndexByte(bare, '<'); i >= 0 {
		name = bare[:i]
		addr, _, _ = strings.Cut(bare[i+1:], ">")
	} else if i := strings.LastIndexAny(strings.TrimSpace(bare), " \t"); i >= 0 && !strings.Contains(bare, `"@`) {
		bare = strings.TrimSpace(bare)
		switch { // "Name addr@host" or a name alone
		case strings.Contains(bare[i+1:], "@"):
			name, addr = bare[:i], bare[i+1:]
		case !strings.Contains(bare, "@"):
			name, addr = bare, ""
		}
	} else if !strings.Contains(addr, "@") && !strings.Contains(addr, "=?") || strings.Contains(addr, "=?") && !strings.Contains(decodeHeader([]byte(addr), charset), "@") {
		name, addr = addr, "" // a word alone is a name
	}
	if strings.TrimSpace(name) == "" {
		name = comment
	}
	a := Address{Name: displayName(name, charset), Address: normalise(addr, charset)}
	if a.Address == "" && strings.Contains(a.Name, "@") && !strings.ContainsAny(a.Name, " ") {
		a.Address, a.Name = normalise(a.Name, charset), ""
	}
	if strings.EqualFold(a.Name, a.Address) {
		a.Name = ""
	}
	return a, a.Name != "" || a.Address != ""
}

// splitComment takes the comments out of an address; the last one is often its name.
func splitComment(s string) (bare, comment string) {
	if !strings.Contains(s, "(") {
		return s, ""
	}
	var out, last strings.Builder
	depth, quote := 0, false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\\' && i+1 < len(s):
			i++
			if depth > 0 {
				last.WriteByte(s[i])
			} else {
				out.WriteString(s[i-1 : i+1])
			}
		case c == '"' && depth == 0:
			quote = !quote
			out.WriteByte(c)
		case quote:
			out.WriteByte(c)
		case c == '(':
			if depth++; depth == 1 {
				last.Reset()
			} else {
				last.WriteByte(c)
			}
		case c == ')' && depth > 0:
			if depth--; depth > 0 {
				last.WriteByte(c)
			}
		case depth > 0:
			last.WriteByte(c)
		default:
			out.WriteByte(c)
		}
	}
	return out.String(), last.String()
}

// displayName unquotes and decodes a name. Encoded words stand inside quotes as often as not.
func displayName(s, charset string) string {
	s = strings.TrimSpace(s)
	if strings.Contains(s, `"`) {
		s = unquote(s)
	}
	name := oneLine(decodeHeader([]byte(s), charset))
	if strings.Contains(name, "=?") && strings.Contains(name, "?=") {
		name = oneLine(decodeHeader([]byte(name), charset))
	}
	for _, q := range []string{`"`, `'`} {
		if len(name) > 1 && strings.HasPrefix(name, q) && strings.HasSuffix(name, q) {
			name = strings.TrimSpace(name[1 : len(name)-1])
		}
	}
	return strings.TrimSpace(stripBidi(name))
}

// unquote drops quotes and undoes their escapes.
func unquote(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		} else if s[i] == '"' {
			continue
		}
		out.WriteByte(s[i])
	}
	return out.String()
}

// maxDomain is how many bytes a domain can have (RFC 1035 §2.3.4).
const maxDomain = 255

// normalise trims an address, lowers its domain and writes an international domain readably.
func normalise(s, charset string) string {
	s = strings.TrimSpace(s)
	if i := strings.LastIndexByte(s, ':'); i >= 0 && (strings.HasPrefix(s, "@") || strings.HasPrefix(strings.ToLower(s), "mailto:")) {
		s = s[i+1:]
	}
	s = decodeHeader([]byte(s), charset)
	s = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsControl(r) || r == '<' || r == '>' || isBidi(r) {
			return -1
		}
		return r
	}, s)
	s = strings.Trim(s, "'`,;")
	i := strings.LastIndexByte(s, '@')
	if i < 0 {
		return s
	}
	local, domain := s[:i], strings.TrimRight(strings.ToLower(s[i+1:]), ".")
	if strings.Contains(domain, "xn--") && len(domain) <= maxDomain {
		if u, err := idna.Lookup.ToUnicode(domain); err == nil {
			domain = u
		}
	}
	return local + "@" + domain
}

// delivery are the fields in which servers note whom a mail was delivered to.
var delivery = []string{"Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Delivered-To",
	"X-Forwarded-To", "X-Rcpt-To", "X-RCPT-TO", "Apparently-To", "X-Resolved-To", "Resent-To", "X-Real-To"}

// recipients gathers the delivery addresses, each once.
func recipients(h Header) []string {
	var out []string
	seen := map[string]bool{}
	for _, name := range delivery {
		for _, a := range h.addresses(name) {
			key := strings.ToLower(a.Address)
			if key != "" && strings.Contains(key, "@") && !seen[key] {
				seen[key] = true
				out = append(out, a.Address)
			}
		}
	}
	return out
}
