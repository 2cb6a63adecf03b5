// Package document is the part of MongoDB's document language that Parley uses, over raw
// BSON: encoding of structs by their json tags, comparison in MongoDB's order, filters,
// updates, and keys that sort as bytes.
//
// Everything works on bytes and copies only what changes. Values are immutable and safe
// for concurrent use.
package document

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// ErrUnsupported is what an operator, an option or a type answers that this package does not know.
var ErrUnsupported = errors.New("store: unsupported operator")

// Value is one BSON value; its zero value stands for a missing field.
type Value = bsoncore.Value

// Doc is one BSON document.
type Doc = bsoncore.Document

func unsupported(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrUnsupported, fmt.Sprintf(format, args...))
}

// Path is a dotted path, cut.
type Path []string

// ParsePath cuts a dotted path and refuses what cannot be one.
func ParsePath(s string) (Path, error) {
	p := Path(strings.Split(s, "."))
	for _, part := range p {
		if part == "" || part[0] == '$' {
			return nil, unsupported("path %q", s)
		}
	}
	return p, nil
}

func (p Path) String() string { return strings.Join(p, ".") }

// index is the array index a path part stands for.
func index(part string) (int, bool) {
	n, err := strconv.Atoi(part)
	return n, err == nil && n >= 0 && n < 1<<20 && strconv.Itoa(n) == part
}

// Get walks documents only: arrays on the way end it. ok is false for a missing field.
func (p Path) Get(d Doc) (v Value, ok bool) {
	for i, part := range p {
		v, ok = field(d, part)
		if !ok || i == len(p)-1 {
			return v, ok
		}
		if v.Type != bsoncore.TypeEmbeddedDocument {
			return Value{}, false
		}
		d = Doc(v.Data)
	}
	return v, ok
}

// Through reports whether an array stands on the path before its last part.
func (p Path) Through(d Doc) bool {
	for _, part := range p[:len(p)-1] {
		v, ok := field(d, part)
		if !ok {
			return false
		}
		if v.Type == bsoncore.TypeArray {
			return true
		}
		if v.Type != bsoncore.TypeEmbeddedDocument {
			return false
		}
		d = Doc(v.Data)
	}
	return false
}

// field finds a field of a document without allocating.
func field(d Doc, name string) (Value, bool) {
	rest, ok := body(d)
	for ok && len(rest) > 0 {
		var e element
		if e, rest, ok = next(rest); ok && string(e.key) == name {
			return e.val, true
		}
	}
	return Value{}, false
}

type element struct {
	key []byte
	val Value
}

// body is a document without its length and end.
func body(d []byte) ([]byte, bool) {
	n, _, ok := bsoncore.ReadLength(d)
	if !ok || int(n) > len(d) || n < 5 {
		return nil, false
	}
	return d[4 : n-1], true
}

// next reads one element; ok is false at the end and for malformed bytes.
func next(b []byte) (e element, rest []byte, ok bool) {
	if len(b) == 0 {
		return e, nil, false
	}
	t := bsoncore.Type(b[0])
	i := 1
	for i < len(b) && b[i] != 0 {
		i++
	}
	if i == len(b) {
		return e, nil, false
	}
	e.key = b[1:i]
	n, ok := size(t, b[i+1:])
	if !ok {
		return e, nil, false
	}
	e.val = Value{Type: t, Data: b[i+1 : i+1+n]}
	return e, b[i+1+n:], true
}

// size is how many bytes a value of a type takes.
func size(t bsoncore.Type, b []byte) (int, bool) {
	n, ok := 0, true
	switch t {
	case bsoncore.TypeNull, bsoncore.TypeUndefined, bsoncore.TypeMinKey, bsoncore.TypeMaxKey:
	case bsoncore.TypeBoolean:
		n = 1
	case bsoncore.TypeInt32:
		n = 4
	case bsoncore.TypeInt64, bsoncore.TypeDouble, bsoncore.TypeDateTime, bsoncore.TypeTimestamp:
		n = 8
	case bsoncore.TypeObjectID:
		n = 12
	case bsoncore.TypeDecimal128:
		n = 16
	case bsoncore.TypeRegex:
		n = bytes.IndexByte(b, 0) + 1
		n += bytes.IndexByte(b[n:], 0) + 1
		ok = n >= 2
	default:
		var l int32
		if l, _, ok = bsoncore.ReadLength(b); !ok {
			return 0, false
		}
		switch t {
		case bsoncore.TypeString, bsoncore.TypeSymbol, bsoncore.TypeJavaScript:
			n = int(l) + 4
		case bsoncore.TypeBinary:
			n = int(l) + 5
		case bsoncore.TypeDBPointer:
			n = int(l) + 4 + 12
		case bsoncore.TypeEmbeddedDocument, bsoncore.TypeArray, bsoncore.TypeCodeWithScope:
			n = int(l)
		default:
			return 0, false
		}
		ok = l >= 0 && n >= 5
	}
	return n, ok && n >= 0 && n <= len(b)
}

// each calls f for each element until it returns false.
func each(d []byte, f func(element) bool) {
	rest, ok := body(d)
	for ok && len(rest) > 0 {
		var e element
		if e, rest, ok = next(rest); ok && !f(e) {
			return
		}
	}
}

// Elements are the values of an array.
func Elements(v Value) []Value {
	var out []Value
	if v.Type == bsoncore.TypeArray {
		each(v.Data, func(e element) bool { out = append(out, e.val); return true })
	}
	return out
}

// at is an element of an array.
func at(arr []byte, i int) (Value, bool) {
	var out Value
	found := false
	each(arr, func(e element) bool {
		if i == 0 {
			out, found = e.val, true
		}
		i--
		return !found
	})
	return out, found
}

// Missing reports whether a value stands for a missing field.
func Missing(v Value) bool { return v.Type == 0 }

// Null reports whether a value is null or missing.
func Null(v Value) bool {
	return v.Type == 0 || v.Type == bsoncore.TypeNull || v.Type == bsoncore.TypeUndefined
}

// String is a string as a value.
func String(s string) Value {
	return Value{Type: bsoncore.TypeString, Data: bsoncore.AppendString(nil, s)}
}

// ID is a document's id, which is a string; ok is false where it is missing, empty or anything else.
func ID(d Doc) (string, bool) {
	v, ok := field(d, "_id")
	if !ok {
		return "", false
	}
	s, ok := v.StringValueOK()
	return s, ok && s != ""
}

// raw shows a value in errors by its type only: values may be private.
func kind(v Value) string { return bson.Type(v.Type).String() }
