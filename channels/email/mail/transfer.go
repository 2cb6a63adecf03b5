package mail

import (
	"bytes"
	"encoding/base64"
	"strings"
)

// base64Val maps a byte to its six bits; 64 is padding, 65 nothing of base64.
var base64Val = func() (t [256]byte) {
	for i := range t {
		t[i] = 65
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for i := range alphabet {
		t[alphabet[i]] = byte(i)
	}
	t['='] = 64
	return t
}()

// decodeTransfer undoes a Content-Transfer-Encoding. Damage costs as few bytes as can be: bad
// characters are passed over, bad escapes stay as they are.
func (p *parser) decodeTransfer(b []byte, label string, text bool) []byte {
	switch kind := simplify(label); kind {
	case "base64", "b64", "base64encoding":
		if text && !looksBase64(b) {
			p.problem("a text said to be base64 is not")
			return b
		}
		return decodeBase64(b)
	case "quotedprintable", "qp":
		return decodeQP(b)
	case "xuuencode", "uuencode", "xuue", "uue":
		if out, _, ok := decodeUU(b); ok {
			return out
		}
		p.problem("a part said to be uuencoded is not")
		return b
	case "", "7bit", "8bit", "binary", "7bits", "8bits", "utf8", "none", "identity", "usascii":
		return b
	default:
		p.problem("a part has an unknown transfer encoding")
		return b
	}
}

// looksBase64 reports whether text can be base64 at all: words of prose cannot.
func looksBase64(b []byte) bool {
	b = b[:min(len(b), 4096)]
	bad, longest, run := 0, 0, 0
	for _, c := range b {
		switch {
		case c == '\r' || c == '\n':
			longest, run = max(longest, run), 0
		case c == ' ' || c == '\t' || base64Val[c] > 64:
			bad++
			longest, run = max(longest, run), 0
		default:
			run++
		}
	}
	longest = max(longest, run)
	return bad == 0 || bad*10 < len(b) && longest >= 16
}

// decodeBase64 decodes what base64 there is. Clean input takes the fast way.
func decodeBase64(b []byte) []byte {
	out := make([]byte, base64.StdEncoding.DecodedLen(len(b)))
	if n, err := base64.StdEncoding.Decode(out, b); err == nil {
		return out[:n]
	}
	out = out[:0]
	var acc uint32
	bits := 0
	for _, c := range b {
		switch v := base64Val[c]; {
		case v < 64:
			acc = acc<<6 | uint32(v)
			if bits += 6; bits >= 8 {
				bits -= 8
				out = append(out, byte(acc>>bits))
			}
		case v == 64: // padding: what follows is base64 put behind base64
			acc, bits = 0, 0
		}
	}
	return out
}

// decodeQP decodes quoted-printable (RFC 2045 §6.7).
func decodeQP(b []byte) []byte {
	if bytes.IndexByte(b, '=') < 0 {
		return b
	}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); {
		j := bytes.IndexByte(b[i:], '=')
		if j < 0 {
			return append(out, b[i:]...)
		}
		out = append(out, b[i:i+j]...)
		i += j
		switch n := softBreak(b[i+1:]); {
		case n >= 0:
			i += 1 + n
		case i+2 < len(b) && hexVal(b[i+1]) >= 0 && hexVal(b[i+2]) >= 0:
			out = append(out, byte(hexVal(b[i+1])<<4|hexVal(b[i+2])))
			i += 3
		default:
			out = append(out, '=')
			i++
		}
	}
	return out
}

// softBreak returns the length of white space and line end at the start of b, -1 if there is none.
func softBreak(b []byte) int {
	for i, c := range b {
		switch {
		case c == '\n':
			return i + 1
		case c != ' ' && c != '\t' && c != '\r' || i > 200:
			return -1
		}
	}
	return len(b)
}

// decodeUU decodes the first uuencoded file in b and returns its name.
func decodeUU(b []byte) (data []byte, name string, ok bool) {
	started := false
	for len(b) > 0 {
		var line []byte
		line, b = cutLine(b)
		line = bytes.TrimRight(line, "\r\n")
		if !started {
			if f := bytes.Fields(line); len(f) >= 2 && string(f[0]) == "begin" {
				started = true
				name = strings.Join(strings.Fields(string(line))[2:], " ")
			}
			continue
		}
		if string(line) == "end" {
			return data, name, true
		}
		data = append(data, uuLine(line)...)
	}
	return data, name, started
}

func uuLine(line []byte) []byte {
	if len(line) == 0 {
		return nil
	}
	n := int(line[0]-' ') & 63
	out := make([]byte, 0, n+3)
	at := func(i int) byte {
		if i < len(line) {
			return (line[i] - ' ') & 63
		}
		return 0
	}
	for i := 1; len(out) < n; i += 4 {
		a, b, c, d := at(i), at(i+1), at(i+2), at(i+3)
		out = append(out, a<<2|b>>4, b<<4|c>>2, c<<6|d)
	}
	return out[:n]
}
