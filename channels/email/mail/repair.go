package mail

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

// script is what a charset is used to write, and with it what its text usually holds.
type script int

const (
	anyScript script = iota
	simplified
	traditional
	japan
	korea
	cyrillic
	latin
)

// candidate is a charset undeclared text is tried as.
type candidate struct {
	name   string
	enc    encoding.Encoding
	script script
	bias   float64 // how much its score is raised: what is met more often wins a draw
}

var candidates = []candidate{
	{"utf-8", encoding.Nop, anyScript, 0.05},
	{"gb18030", simplifiedchinese.GB18030, simplified, 0.04},
	{"big5", traditionalchinese.Big5, traditional, 0.02},
	{"shift_jis", japanese.ShiftJIS, japan, 0},
	{"euc-jp", japanese.EUCJP, japan, 0},
	{"euc-kr", korean.EUCKR, korea, 0},
	{"windows-1251", charmap.Windows1251, cyrillic, 0.01},
	{"koi8-r", charmap.KOI8R, cyrillic, 0},
	{"windows-1252", charmap.Windows1252, latin, 0.02},
}

// declaredBias is how much better another charset must be than the one that was declared.
const declaredBias = 0.08

// candidateFor finds the candidate of a decoder and tells whether it is a multi-byte charset.
func candidateFor(enc encoding.Encoding) (c candidate, multi bool) {
	for _, c := range candidates {
		if c.enc == enc {
			return c, c.script >= simplified && c.script <= korea
		}
	}
	return candidate{enc: enc, script: anyScript}, false
}

// repair finds the charset of bytes whose label does not hold, by how ordinary the text looks
// in each. The declared charset takes part, and so does UTF-8 with a few broken bytes.
func repair(b []byte, label string) (s, used string) {
	part := sample(b)
	declared := lookup(label)
	best, bestScore := candidate{}, -1e9
	try := func(c candidate) {
		sc := score(decodeWith(c.enc, part), c.script) + c.bias
		if declared != nil && c.enc == declared {
			sc += declaredBias
		}
		if sc > bestScore {
			best, bestScore = c, sc
		}
	}
	for _, c := range candidates {
		try(c)
	}
	if declared != nil {
		if c, _ := candidateFor(declared); c.name == "" {
			c.name = label
			try(c)
		}
	}
	return sanitise(decodeWith(best.enc, b)), best.name
}

// sample is the part of a text a charset is judged by: from the first byte that is not ASCII.
func sample(b []byte) []byte {
	for i, c := range b {
		if c >= 0x80 {
			start := max(0, i-8)
			for start < i && b[start] >= 0x80 {
				start++
			}
			return b[start:min(len(b), start+maxSniff)]
		}
	}
	return nil
}

// score is how ordinary decoded text looks as text of a script: the mean over what is not
// ASCII, each character by the bytes it took, from about -1 (rubbish) to 1.
func score(s string, sc script) float64 {
	var sum, n float64
	prev := ' '
	for i, r := range s {
		if r < 0x80 {
			prev = r
			continue
		}
		next, _ := utf8.DecodeRuneInString(s[i+utf8.RuneLen(r):])
		w, size := weigh(r, prev, next, sc)
		sum += w * size
		n += size
		prev = r
	}
	if n == 0 {
		return 0
	}
	return sum / n
}

// weigh tells how ordinary a character is between its neighbours, and the bytes it counts for.
func weigh(r, prev, next rune, sc script) (w, size float64) {
	switch {
	case r == utf8.RuneError && sc == anyScript:
		return -1, 1 // what is valid beside it is seldom so by chance
	case r == utf8.RuneError, unicode.Is(unicode.Co, r):
		return -3, 1
	case unicode.IsControl(r):
		return -2, 1
	case sc == latin:
		return weighLatin(r, prev, next), 1
	case sc == cyrillic:
		return weighCyrillic(r, prev, next), 1
	case sc == anyScript:
		return weighAny(r), 2
	case r >= 0xff61 && r <= 0xff9f: // half-width katakana: one byte in Shift-JIS
		return -0.3, 1
	}
	return weighEast(r, sc), 2
}

func weighAny(r rune) float64 {
	switch {
	case unicode.IsLetter(r), unicode.IsPunct(r), unicode.IsMark(r), unicode.IsSpace(r):
		return 0.95
	case unicode.IsSymbol(r):
		return 0.8
	}
	return 0.2
}

func weighLatin(r, prev, next rune) float64 {
	letter := unicode.IsLetter
	switch {
	case !letter(r):
		if strings.ContainsRune("«»„“”‘’–—…€£§°·¿¡®©™\u00a0", r) {
			return 0.5
		}
		return -0.3
	case r == 'Ã' || r == 'Â' || r == 'ÿ' || r == 'Ð' || r == 'Þ':
		return -0.3
	case unicode.IsUpper(r) && prev >= 0x80:
		return -0.5
	case prev >= 0x80 && next >= 0x80:
		return -0.4
	case (prev < 0x80 && letter(prev)) || (next < 0x80 && letter(next)):
		return 0.85
	case prev >= 0x80 || next >= 0x80:
		return 0
	}
	return 0.4
}

func weighCyrillic(r, prev, next rune) float64 {
	switch {
	case prev < 0x80 && unicode.IsLetter(prev), next < 0x80 && unicode.IsLetter(next):
		return -0.8 // within a word of Latin letters
	case r >= 'а' && r <= 'я' || r == 'ё':
		return 0.9
	case r >= 'А' && r <= 'Я' || r == 'Ё':
		if unicode.IsLower(prev) {
			return -1.5
		}
		return 0.6
	case strings.ContainsRune("«»„“”–—…№і їєІ\u00a0", r):
		return 0.5
	case unicode.Is(unicode.Cyrillic, r):
		return 0.1
	}
	return -1.5
}

func weighEast(r rune, sc script) float64 {
	if strings.ContainsRune("，。！？：；、（）“”‘’《》「」『』【】…—～・ー　％＋－／", r) {
		return 0.8
	}
	switch {
	case common[sc][r]:
		return 1
	case r >= 0x3041 && r <= 0x30ff:
		return kana(sc)
	case unicode.Is(unicode.Hangul, r):
		if sc == korea {
			return 0.45
		}
		return -1
	case r >= 0x4e00 && r <= 0x9fff:
		if sc == korea {
			return -0.2
		}
		return 0.25
	case r >= 0xff01 && r <= 0xff5e:
		return 0.3
	case r >= 0x3400 && r <= 0x4dbf, r > 0xffff:
		return -0.8
	}
	return -0.5
}

func kana(sc script) float64 {
	if sc == japan {
		return 0.95
	}
	return -0.2
}
