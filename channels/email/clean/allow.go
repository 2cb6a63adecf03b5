package clean

import (
	"regexp"
	"strings"

	"golang.org/x/net/html/atom"
)

// allowed is a set of attributes.
type allowed uint32

const (
	attrDir allowed = 1 << iota
	attrLang
	attrTitle
	attrAlign
	attrVAlign
	attrColor
	attrBgColor
	attrSize
	attrFace
	attrWidth
	attrHeight
	attrBorder
	attrPadding
	attrSpacing
	attrColSpan
	attrRowSpan
	attrNoWrap
	attrAlt
	attrStart
	attrType
	attrValue
	attrOpen

	everywhere = attrDir | attrLang | attrTitle
	table      = attrAlign | attrBgColor | attrWidth | attrHeight | attrBorder | attrPadding | attrSpacing
	cell       = attrAlign | attrVAlign | attrBgColor | attrWidth | attrHeight | attrColSpan | attrRowSpan | attrNoWrap
	row        = attrAlign | attrVAlign | attrBgColor | attrHeight
)

var attributes = map[string]allowed{
	"dir": attrDir, "lang": attrLang, "title": attrTitle, "align": attrAlign, "valign": attrVAlign, "color": attrColor, "bgcolor": attrBgColor,
	"size": attrSize, "face": attrFace, "width": attrWidth, "height": attrHeight, "border": attrBorder, "cellpadding": attrPadding, "cellspacing": attrSpacing,
	"colspan": attrColSpan, "rowspan": attrRowSpan, "nowrap": attrNoWrap, "alt": attrAlt, "start": attrStart, "type": attrType, "value": attrValue,
	"open": attrOpen,
}

// elements are those that are shown, besides links; of all others only the content is.
var elements = map[atom.Atom]allowed{
	atom.Abbr: 0, atom.Acronym: 0, atom.Address: 0, atom.Article: 0, atom.Aside: 0, atom.B: 0, atom.Bdi: 0, atom.Bdo: 0,
	atom.Big: 0, atom.Blockquote: 0, atom.Br: 0, atom.Caption: attrAlign, atom.Center: 0, atom.Cite: 0, atom.Code: 0,
	atom.Col: attrWidth | attrAlign | attrVAlign, atom.Colgroup: attrWidth | attrAlign | attrVAlign, atom.Dd: 0, atom.Del: 0, atom.Details: attrOpen, atom.Dfn: 0,
	atom.Dir: 0, atom.Div: attrAlign, atom.Dl: 0, atom.Dt: 0, atom.Em: 0, atom.Figcaption: 0, atom.Figure: 0, atom.Font: attrColor | attrSize | attrFace, atom.Footer: 0,
	atom.H1: attrAlign, atom.H2: attrAlign, atom.H3: attrAlign, atom.H4: attrAlign, atom.H5: attrAlign, atom.H6: attrAlign, atom.Header: 0,
	atom.Hr: attrAlign | attrWidth | attrSize | attrColor, atom.I: 0, atom.Img: attrAlt | attrWidth | attrHeight | attrBorder | attrAlign, atom.Ins: 0, atom.Kbd: 0, atom.Li: attrType | attrValue, atom.Main: 0,
	atom.Mark: 0, atom.Nav: 0, atom.Ol: attrStart | attrType, atom.P: attrAlign, atom.Pre: 0, atom.Q: 0, atom.Rp: 0, atom.Rt: 0, atom.Ruby: 0, atom.S: 0, atom.Samp: 0,
	atom.Section: 0, atom.Small: 0, atom.Span: 0, atom.Strike: 0, atom.Strong: 0, atom.Sub: 0, atom.Summary: 0, atom.Sup: 0, atom.Table: table, atom.Tbody: row,
	atom.Td: cell, atom.Tfoot: row, atom.Th: cell, atom.Thead: row, atom.Time: 0, atom.Tr: row, atom.Tt: 0, atom.U: 0, atom.Ul: attrType, atom.Var: 0, atom.Wbr: 0,
}

var colour = regexp.MustCompile(`^#?[0-9A-Za-z]{1,30}$`)

// value checks the value of an attribute.
func (a allowed) value(v string) (string, bool) {
	switch a {
	case attrTitle, attrAlt:
		return v, true // free text
	}
	v = strings.TrimSpace(v)
	switch a {
	case attrNoWrap, attrOpen:
		return "", true
	case attrColor, attrBgColor:
		return v, colour.MatchString(v)
	case attrFace:
		return v, isName(v, " ,'-_")
	case attrWidth, attrHeight, attrBorder, attrPadding, attrSpacing, attrColSpan, attrRowSpan, attrStart, attrValue, attrSize:
		return v, isLength(v)
	}
	return v, isName(v, "-")
}

// isName reports whether s consists of letters, digits and the given others.
func isName(s, others string) bool {
	if s == "" || len(s) > 200 {
		return false
	}
	for _, r := range s {
		if !isWord(r) && !strings.ContainsRune(others, r) {
			return false
		}
	}
	return true
}

func isWord(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r > 0xbf && r != 0xfffd
}

// isLength reports whether s is a number, perhaps with a sign, a unit or a percent sign.
func isLength(s string) bool {
	return s != "" && len(s) <= 12 && strings.Trim(s, "0123456789.+-%px*") == ""
}
