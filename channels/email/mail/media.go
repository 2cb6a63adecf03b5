package mail

import (
	"sort"
	"strconv"
	"strings"
)

// media is a Content-Type or Content-Disposition: its value in lower case and its parameters.
type media struct {
	value  string
	params map[string]string
}

// parseMedia reads a value with parameters (RFC 2045 §5.1, RFC 2231), forgiving missing quotes,
// spaces in values, repeated parameters (the first counts) and 8-bit names.
func parseMedia(v []byte, charset string) media {
	s := string(v)
	head, rest, _ := strings.Cut(s, ";")
	m := media{value: strings.ToLower(strings.TrimSpace(stripComments(head)))}
	if i := strings.IndexAny(m.value, " \t,"); i > 0 {
		m.value = m.value[:i]
	}
	if rest == "" {
		return m
	}
	m.params = map[string]string{}
	pieces := map[string][]piece{}
	for n := 0; rest != "" && n < 100; n++ {
		var key, value string
		key, value, rest = nextParam(rest)
		if key == "" {
			continue
		}
		if base, pc, ok := splitPiece(key, value); ok {
			pieces[base] = append(pieces[base], pc)
		} else if _, have := m.params[key]; !have {
			m.params[key] = decodeHeader([]byte(value), charset)
		}
	}
	for base, pcs := range pieces {
		if s := joinPieces(pcs, charset); s != "" {
			m.params[base] = s
		}
	}
	return m
}

// nextParam cuts one parameter off.
func nextParam(s string) (key, value, rest string) {
	s = strings.TrimLeft(s, " \t;")
	i := strings.IndexAny(s, "=;")
	if i < 0 || s[i] == ';' {
		if i < 0 {
			return "", "", ""
		}
		return "", "", s[i+1:]
	}
	key = strings.ToLower(strings.TrimSpace(stripComments(s[:i])))
	s = strings.TrimLeft(s[i+1:], " \t")
	if strings.HasPrefix(s, `"`) {
		value, rest = quoted(s[1:])
		return key, value, rest
	}
	if j := strings.IndexByte(s, ';'); j >= 0 {
		s, rest = s[:j], s[j+1:]
	}
	return key, strings.Trim(strings.TrimSpace(s), `"'`), rest
}

// quoted reads a quoted string behind its first quote. A backslash counts as an escape only
// before a quote or a backslash, because Windows paths are sent unescaped.
func quoted(s string) (value, rest string) {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			i++
			out.WriteByte(s[i])
		case s[i] == '"':
			return out.String(), s[i+1:]
		default:
			out.WriteByte(s[i])
		}
	}
	if head, tail, ok := strings.Cut(s, ";"); ok { // the closing quote is missing
		return strings.TrimSpace(head), tail
	}
	return strings.TrimSpace(s), ""
}

// stripComments drops (comments).
func stripComments(s string) string {
	if !strings.Contains(s, "(") {
		return s
	}
	var out strings.Builder
	depth := 0
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '(':
			depth++
		case s[i] == ')' && depth > 0:
			depth--
		case depth == 0:
			out.WriteByte(s[i])
		}
	}
	return out.String()
}

// piece is one of the parts a long parameter is sent in (RFC 2231 §3, §4).
type piece struct {
	n       int
	encoded bool
	value   string
}

// splitPiece takes "name*", "name*0" and "name*0*" apart.
func splitPiece(key, value string) (base string, p piece, ok bool) {
	base, n, ok := strings.Cut(key, "*")
	if !ok {
		return key, piece{}, false
	}
	p = piece{value: value}
	if num, enc := strings.CutSuffix(n, "*"); enc || n == "" {
		p.encoded, n = true, num
	}
	if n != "" {
		i, err := strconv.Atoi(n)
		if err != nil {
			return key, piece{}, false
		}
		p.n = i
	}
	return base, p, true
}

func joinPieces(ps []piece, charset string) string {
	sort.SliceStable(ps, func(i, j int) bool { return ps[i].n < ps[j].n })
	var raw []byte
	label, encoded := charset, false
	for i, p := range ps {
		v := p.value
		if p.encoded && i == 0 {
			if parts := strings.SplitN(v, "'", 3); len(parts) == 3 {
				label, v = parts[0], parts[2]
			}
		}
		if p.encoded {
			encoded = true
			v = unpercent(v)
		}
		raw = append(raw, v...)
	}
	if !encoded {
		return decodeHeader(raw, charset)
	}
	if strings.Contains(string(raw), "=?") {
		return decodeHeader(raw, label)
	}
	s, _ := decodeCharset(raw, label)
	return printable(s)
}

// unpercent decodes %XX; what is not an escape stays.
func unpercent(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && hexVal(s[i+1]) >= 0 && hexVal(s[i+2]) >= 0 {
			out = append(out, byte(hexVal(s[i+1])<<4|hexVal(s[i+2])))
			i += 2
			continue
		}
		out = append(out, s[i])
	}
	return string(out)
}
