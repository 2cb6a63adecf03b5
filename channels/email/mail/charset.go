package mail

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

// labels are charsets the standard index does not know or reads too narrowly. Everything
// Chinese labelled as a subset is decoded as GB18030: gb2312 mails hold GBK characters.
var labels = map[string]encoding.Encoding{
	"gb2312": simplifiedchinese.GB18030, "gbk": simplifiedchinese.GB18030, "xgbk": simplifiedchinese.GB18030,
	"cp936": simplifiedchinese.GB18030, "ms936": simplifiedchinese.GB18030, "windows936": simplifiedchinese.GB18030,
	"gb18030": simplifiedchinese.GB18030, "gb": simplifiedchinese.GB18030, "gb231280": simplifiedchinese.GB18030,
	"euccn": simplifiedchinese.GB18030, "chinesesimplified": simplifiedchinese.GB18030,
	"hzgb2312": simplifiedchinese.HZGB2312, "hz": simplifiedchinese.HZGB2312,
	"big5hkscs": traditionalchinese.Big5, "cp950": traditionalchinese.Big5, "ms950": traditionalchinese.Big5,
	"windows950": traditionalchinese.Big5, "big5eten": traditionalchinese.Big5,
	"cp932": japanese.ShiftJIS, "ms932": japanese.ShiftJIS, "windows31j": japanese.ShiftJIS,
	"windows932": japanese.ShiftJIS, "sjis": japanese.ShiftJIS, "shiftjisx0213": japanese.ShiftJIS,
	"iso2022jpms": japanese.ISO2022JP, "iso2022jp1": japanese.ISO2022JP, "iso2022jp2": japanese.ISO2022JP,
	"cp50220": japanese.ISO2022JP, "cp50221": japanese.ISO2022JP, "cp51932": japanese.EUCJP,
	"cp949": korean.EUCKR, "ms949": korean.EUCKR, "uhc": korean.EUCKR, "ksc5601": korean.EUCKR,
	"iso2022kr": korean.EUCKR, "windows949": korean.EUCKR,
	"cp437": charmap.CodePage437, "ibm437": charmap.CodePage437, "cp850": charmap.CodePage850,
	"ibm850": charmap.CodePage850, "cp852": charmap.CodePage852, "cp858": charmap.CodePage858,
	"cp865": charmap.CodePage865, "latin1": charmap.Windows1252, "iso88591": charmap.Windows1252,
	"utf16": unicode.UTF16(unicode.BigEndian, unicode.UseBOM), "utf16be": unicode.UTF16(unicode.BigEndian, unicode.UseBOM),
	"utf16le": unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), "unicode": unicode.UTF16(unicode.LittleEndian, unicode.UseBOM),
	"utf32": utf32.UTF32(utf32.BigEndian, utf32.UseBOM), "utf32be": utf32.UTF32(utf32.BigEndian, utf32.UseBOM),
	"utf32le": utf32.UTF32(utf32.LittleEndian, utf32.UseBOM),
}

// undeclared are labels that tell nothing: what mailers write when they did not look.
var undeclared = map[string]bool{
	"": true, "usascii": true, "ascii": true, "ansix341968": true, "iso88591": true, "latin1": true,
	"utf8": true, "unicode11utf8": true, "unknown": true, "xunknown": true, "unknown8bit": true,
	"8bit": true, "7bit": true, "binary": true, "default": true, "none": true, "utf8mb4": true,
	"windows1252": true, "cp1252": true, "iso646us": true, "charset": true,
}

// simplify reduces a label to letters and digits: mailers differ in dashes, quotes and prefixes.
func simplify(label string) string {
	label = strings.ToLower(label)
	if i := strings.LastIndexByte(label, '='); i >= 0 {
		label = label[i+1:]
	}
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.TrimPrefix(strings.Trim(label, " \"'"), "_"))
}

// lookup finds a decoder; nil for a label nobody knows.
func lookup(label string) encoding.Encoding {
	if e := labels[simplify(label)]; e != nil {
		return e
	}
	label = strings.Trim(label, " \"'\t\r\n")
	if e, err := htmlindex.Get(label); err == nil && e != encoding.Replacement {
		return e
	}
	if e, err := ianaindex.MIME.Encoding(label); err == nil && e != nil {
		return e
	}
	for _, form := range []string{strings.ReplaceAll(label, "_", "-"), strings.ReplaceAll(label, " ", "-"), "windows-" + strings.TrimPrefix(simplify(label), "cp")} {
		if e, err := htmlindex.Get(form); err == nil && e != encoding.Replacement {
			return e
		}
	}
	return nil
}

// decodeCharset decodes bytes labelled as a charset, and repairs a label that is missing or
// wrong. The result is valid UTF-8 without NUL; used names the charset taken if it is not the
// one declared.
func decodeCharset(b []byte, label string) (s, used string) {
	kind := simplify(label)
	switch {
	case kind == "utf7" || kind == "unicode11utf7":
		return sanitise(decodeUTF7(b)), ""
	case bytes.HasPrefix(b, []byte("\xef\xbb\xbf")):
		b = b[3:]
	case (undeclared[kind] || strings.HasPrefix(kind, "utf16")) && wide(b) != nil:
		return sanitise(decodeWith(wide(b), b)), "utf-16"
	}
	if ascii(b) && !strings.HasPrefix(kind, "utf16") && !strings.HasPrefix(kind, "utf32") {
		return decodeSevenBit(b, kind)
	}
	if utf8.Valid(b) && utf8Wins(b, kind, label) {
		return sanitise(string(b)), ""
	}
	if enc := lookup(label); enc != nil && !undeclared[kind] {
		s := decodeWith(enc, b)
		if !strings.ContainsRune(s, utf8.RuneError) {
			return sanitise(s), ""
		}
	}
	return repair(b, label)
}

// decodeSevenBit reads bytes below 128, where only escape sequences tell charsets apart.
func decodeSevenBit(b []byte, kind string) (s, used string) {
	switch {
	case strings.HasPrefix(kind, "hz"):
		return sanitise(decodeWith(simplifiedchinese.HZGB2312, b)), ""
	case kind == "iso2022kr":
		return sanitise(decodeISO2022KR(b)), ""
	case bytes.Contains(b, []byte("\x1b$)C")):
		return sanitise(decodeISO2022KR(b)), "iso-2022-kr"
	case bytes.Contains(b, []byte("\x1b$")) || bytes.Contains(b, []byte("\x1b(")):
		s := decodeWith(japanese.ISO2022JP, b)
		if strings.HasPrefix(kind, "iso2022jp") {
			return sanitise(s), ""
		}
		return sanitise(s), "iso-2022-jp"
	}
	return sanitise(string(b)), ""
}

// utf8Wins decides on bytes that are valid UTF-8 under another label. Single-byte text is never
// UTF-8 by chance; two-byte charsets can be, in a word or two, so their reading is weighed.
func utf8Wins(b []byte, kind, label string) bool {
	if undeclared[kind] {
		return true
	}
	enc := lookup(label)
	if enc == nil {
		return true
	}
	c, multi := candidateFor(enc)
	if !multi {
		return true
	}
	s := sample(b)
	return score(decodeWith(encoding.Nop, s), anyScript) >= score(decodeWith(enc, s), c.script)
}

// wide finds UTF-16 by its byte order mark or, without one, by its NULs.
func wide(b []byte) encoding.Encoding {
	switch {
	case len(b) < 4:
		return nil
	case b[0] == 0xff && b[1] == 0xfe:
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	case b[0] == 0xfe && b[1] == 0xff:
		return unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	}
	n := min(len(b), 512) &^ 1
	even, odd := 0, 0
	for i := 0; i < n; i += 2 {
		if b[i] == 0 {
			even++
		}
		if b[i+1] == 0 {
			odd++
		}
	}
	switch {
	case odd > n/3 && even == 0:
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	case even > n/3 && odd == 0:
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	}
	return nil
}

func decodeWith(enc encoding.Encoding, b []byte) string {
	if enc == encoding.Nop {
		return strings.ToValidUTF8(string(b), string(utf8.RuneError))
	}
	out, err := enc.NewDecoder().Bytes(b)
	if err != nil {
		return string(utf8.RuneError) + string(out)
	}
	return string(out)
}

// sanitise makes text that every store takes: valid UTF-8 without NUL.
func sanitise(s string) string {
	s = strings.ToValidUTF8(s, string(utf8.RuneError))
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "")
	}
	return s
}

func ascii(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// decodeISO2022KR reads RFC 1557: shift-out and shift-in around EUC-KR without its high bits.
func decodeISO2022KR(b []byte) string {
	b = bytes.ReplaceAll(b, []byte("\x1b$)C"), nil)
	out := make([]byte, 0, len(b))
	high := byte(0)
	for _, c := range b {
		switch {
		case c == 0x0e:
			high = 0x80
		case c == 0x0f:
			high = 0
		case c > ' ':
			out = append(out, c|high)
		default:
			out = append(out, c)
		}
	}
	return decodeWith(korean.EUCKR, out)
}
