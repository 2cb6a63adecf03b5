package mail

import (
	"encoding/base64"
	"strings"
	"unicode/utf16"
)

// decodeUTF7 reads UTF-7 (RFC 2152). What is not UTF-7 stays as it is.
func decodeUTF7(b []byte) string {
	var out strings.Builder
	for i := 0; i < len(b); {
		if b[i] != '+' {
			out.WriteByte(b[i])
			i++
			continue
		}
		j := i + 1
		for j < len(b) && base64Val[b[j]] < 64 {
			j++
		}
		if j == i+1 {
			out.WriteByte('+')
		} else {
			s, ok := utf7Run(string(b[i+1 : j]))
			if !ok {
				s = string(b[i:j])
			}
			out.WriteString(s)
		}
		if j < len(b) && b[j] == '-' {
			j++
		}
		i = j
	}
	return out.String()
}

func utf7Run(s string) (string, bool) {
	b, err := base64.RawStdEncoding.DecodeString(s)
	if err != nil && len(b) == 0 {
		return "", false
	}
	u := make([]uint16, 0, len(b)/2)
	for i := 0; i+1 < len(b); i += 2 {
		u = append(u, uint16(b[i])<<8|uint16(b[i+1]))
	}
	if len(u) == 0 {
		return "", false
	}
	return string(utf16.Decode(u)), true
}
