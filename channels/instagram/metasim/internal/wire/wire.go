// Package wire writes JSON byte for byte as Meta does: keys in the order given, no spaces,
// every character outside ASCII as \uXXXX in lower-case hex (surrogate pairs beyond the basic
// plane) and every slash as \/. The signature of a webhook is over these bytes, so a receiver
// that re-serialises before it verifies fails exactly as it would in the field.
package wire

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sort"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Field is one member of an object.
type Field struct {
	Key   string
	Value any
}

// Obj is a JSON object whose members keep their order.
type Obj []Field

type skip struct{}

// Skip as a value leaves its key out.
var Skip any = skip{}

// O builds an object from keys and values in turn. Values that are Skip are left out.
func O(kv ...any) Obj {
	o := make(Obj, 0, len(kv)/2)
	for i := 0; i+1 < len(kv); i += 2 {
		o = o.With(kv[i].(string), kv[i+1])
	}
	return o
}

// With returns the object with one more member.
func (o Obj) With(key string, v any) Obj {
	if v == Skip {
		return o
	}
	return append(o, Field{Key: key, Value: v})
}

// Get returns the value of a key, nil where there is none.
func (o Obj) Get(key string) any {
	for _, f := range o {
		if f.Key == key {
			return f.Value
		}
	}
	return nil
}

// MarshalJSON lets encoding/json embed an object.
func (o Obj) MarshalJSON() ([]byte, error) { return Marshal(o), nil }

// NonEmpty returns s, or Skip where it is empty.
func NonEmpty(s string) any {
	if s == "" {
		return Skip
	}
	return s
}

// Marshal writes a value. It knows Obj, []any, []Obj, []string, map[string]any (keys sorted),
// strings, numbers, booleans and nil; anything else goes through encoding/json and is
// rewritten, so that its strings are escaped in the same way.
func Marshal(v any) []byte {
	var b bytes.Buffer
	write(&b, v)
	return b.Bytes()
}

func write(b *bytes.Buffer, v any) {
	switch x := v.(type) {
	case nil:
		b.WriteString("null")
	case Obj:
		writeObj(b, x)
	case []Obj:
		writeList(b, len(x), func(i int) { writeObj(b, x[i]) })
	case []any:
		writeList(b, len(x), func(i int) { write(b, x[i]) })
	case []string:
		writeList(b, len(x), func(i int) { writeString(b, x[i]) })
	case map[string]any:
		writeMap(b, x)
	case string:
		writeString(b, x)
	case bool:
		b.WriteString(strconv.FormatBool(x))
	case int:
		b.WriteString(strconv.Itoa(x))
	case int64:
		b.WriteString(strconv.FormatInt(x, 10))
	case json.Number:
		b.WriteString(x.String())
	default:
		writeOther(b, v)
	}
}

func writeList(b *bytes.Buffer, n int, item func(int)) {
	b.WriteByte('[')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		item(i)
	}
	b.WriteByte(']')
}

func writeObj(b *bytes.Buffer, o Obj) {
	b.WriteByte('{')
	for i, f := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		writeString(b, f.Key)
		b.WriteByte(':')
		write(b, f.Value)
	}
	b.WriteByte('}')
}

func writeMap(b *bytes.Buffer, m map[string]any) {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	o := make(Obj, 0, len(keys))
	for _, k := range keys {
		o = append(o, Field{k, m[k]})
	}
	writeObj(b, o)
}

// writeOther takes the way over encoding/json. A value it cannot marshal is a mistake of the
// programmer, not of the data, so it stops.
func writeOther(b *bytes.Buffer, v any) {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("wire: %T cannot be written: %v", v, err))
	}
	parsed, err := Parse(raw)
	if err != nil {
		panic(fmt.Sprintf("wire: %T cannot be read again: %v", v, err))
	}
	write(b, parsed)
}

func writeString(b *bytes.Buffer, s string) {
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\' || r == '/':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\b':
			b.WriteString(`\b`)
		case r == '\f':
			b.WriteString(`\f`)
		case r >= 0x20 && r < utf8.RuneSelf:
			b.WriteRune(r)
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			fmt.Fprintf(b, `\u%04x\u%04x`, hi, lo)
		default:
			fmt.Fprintf(b, `\u%04x`, r)
		}
	}
	b.WriteByte('"')
}

// Parse reads JSON keeping the order of keys and the spelling of numbers: objects become Obj,
// arrays []any, numbers json.Number.
func Parse(raw []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	v, err := parseValue(d)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("wire: more after the end of the value")
	}
	return v, nil
}

func parseValue(d *json.Decoder) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('{'):
		return parseObj(d)
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := parseValue(d)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := d.Token()
		return list, err
	}
	return t, nil
}

func parseObj(d *json.Decoder) (any, error) {
	o := Obj{}
	for d.More() {
		k, err := d.Token()
		if err != nil {
			return nil, err
		}
		v, err := parseValue(d)
		if err != nil {
			return nil, err
		}
		o = append(o, Field{k.(string), v})
	}
	_, err := d.Token()
	return o, err
}

// Sign returns the value of X-Hub-Signature-256 for a body.
func Sign(secret string, body []byte) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write(body)
	return "sha256=" + hex.EncodeToString(m.Sum(nil))
}

// SignSHA1 returns the value of the older X-Hub-Signature.
func SignSHA1(secret string, body []byte) string {
	m := hmac.New(sha1.New, []byte(secret))
	m.Write(body)
	return "sha1=" + hex.EncodeToString(m.Sum(nil))
}

// Proof returns the appsecret_proof of a token.
func Proof(secret, token string) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(token))
	return hex.EncodeToString(m.Sum(nil))
}
