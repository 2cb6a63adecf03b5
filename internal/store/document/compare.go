package document

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// The classes of values, in MongoDB's order. A range matches values of its own class only.
const (
	classMin     = 0x01
	classNull    = 0x05
	classNumber  = 0x0a
	classString  = 0x14
	classObject  = 0x1e
	classArray   = 0x28
	classBinary  = 0x32
	classID      = 0x3c
	classBool    = 0x46
	classDate    = 0x50
	classStamp   = 0x5a
	classMax     = 0x7f
	classUnknown = 0x7e
)

func class(v Value) byte {
	switch v.Type {
	case 0, bsoncore.TypeNull, bsoncore.TypeUndefined:
		return classNull
	case bsoncore.TypeInt32, bsoncore.TypeInt64, bsoncore.TypeDouble:
		return classNumber
	case bsoncore.TypeString, bsoncore.TypeSymbol:
		return classString
	case bsoncore.TypeEmbeddedDocument:
		return classObject
	case bsoncore.TypeArray:
		return classArray
	case bsoncore.TypeBinary:
		return classBinary
	case bsoncore.TypeObjectID:
		return classID
	case bsoncore.TypeBoolean:
		return classBool
	case bsoncore.TypeDateTime:
		return classDate
	case bsoncore.TypeTimestamp:
		return classStamp
	case bsoncore.TypeMinKey:
		return classMin
	case bsoncore.TypeMaxKey:
		return classMax
	default:
		return classUnknown
	}
}

// Compare orders two values as MongoDB does: by class, then by value. Missing equals null.
func Compare(a, b Value) int {
	ca, cb := class(a), class(b)
	if ca != cb {
		return cmp.Compare(ca, cb)
	}
	switch ca {
	case classNull, classMin, classMax:
		return 0
	case classNumber:
		return compareNumbers(a, b)
	case classString:
		return bytes.Compare(str(a), str(b))
	case classObject, classArray:
		return compareDocs(a.Data, b.Data, ca == classObject)
	case classBinary:
		return compareBinary(a.Data, b.Data)
	case classDate:
		return cmp.Compare(i64(a.Data), i64(b.Data))
	case classStamp:
		return cmp.Compare(uint64(i64(a.Data)), uint64(i64(b.Data)))
	}
	return bytes.Compare(a.Data, b.Data)
}

// Equal reports whether two values are one value to MongoDB: 1 and 1.0 are.
func Equal(a, b Value) bool { return Compare(a, b) == 0 }

func i64(b []byte) int64 { return int64(binary.LittleEndian.Uint64(b)) }

// str is a string's bytes, without length and end.
func str(v Value) []byte {
	if len(v.Data) < 5 {
		return nil
	}
	return v.Data[4 : len(v.Data)-1]
}

// number is a value as integer or, where whole is false, as float.
func number(v Value) (n int64, f float64, whole bool) {
	switch v.Type {
	case bsoncore.TypeInt32:
		return int64(int32(binary.LittleEndian.Uint32(v.Data))), 0, true
	case bsoncore.TypeInt64:
		return i64(v.Data), 0, true
	default:
		return 0, math.Float64frombits(uint64(i64(v.Data))), false
	}
}

func compareNumbers(a, b Value) int {
	an, _, aw := number(a)
	bn, _, bw := number(b)
	if aw && bw {
		return cmp.Compare(an, bn)
	}
	var x, y [keyNumber]byte
	return bytes.Compare(appendNumber(x[:0], a), appendNumber(y[:0], b))
}

func compareDocs(a, b []byte, keys bool) int {
	ra, oka := body(a)
	rb, okb := body(b)
	for oka && okb && len(ra) > 0 && len(rb) > 0 {
		var ea, eb element
		ea, ra, oka = next(ra)
		eb, rb, okb = next(rb)
		if !oka || !okb {
			break
		}
		if keys {
			if c := cmp.Compare(class(ea.val), class(eb.val)); c != 0 {
				return c
			}
			if c := bytes.Compare(ea.key, eb.key); c != 0 {
				return c
			}
		}
		if c := Compare(ea.val, eb.val); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(ra), len(rb))
}

// compareBinary orders by length, then subtype, then bytes.
func compareBinary(a, b []byte) int {
	if len(a) != len(b) {
		return cmp.Compare(len(a), len(b))
	}
	return bytes.Compare(a[4:], b[4:])
}

// keyNumber is how many bytes a number's key takes, without its class.
const keyNumber = 10

// NullKey is the key of null and of a missing field.
var NullKey = []byte{classNull}

// AppendKey appends a key that sorts, as bytes, as [Compare] orders values. Of objects and
// arrays it keeps equality of bytes only.
func AppendKey(dst []byte, v Value) []byte {
	c := class(v)
	dst = append(dst, c)
	switch c {
	case classNull, classMin, classMax:
		return dst
	case classNumber:
		return appendNumber(dst, v)
	case classString:
		return append(dst, str(v)...)
	case classDate:
		return binary.BigEndian.AppendUint64(dst, uint64(i64(v.Data))^1<<63)
	case classStamp:
		return binary.BigEndian.AppendUint64(dst, uint64(i64(v.Data)))
	case classBinary:
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(v.Data)-5))
		return append(dst, v.Data[4:]...)
	}
	return append(dst, v.Data...)
}

// Ordered reports whether the keys of a value's class sort as the values do.
func Ordered(v Value) bool {
	c := class(v)
	return c != classObject && c != classArray && c != classUnknown
}

// ClassBounds are the keys around all values of a value's class: low ≤ key < high.
func ClassBounds(v Value) (low, high []byte) {
	c := class(v)
	return []byte{c}, []byte{c + 1}
}

// appendNumber appends the nearest float in an order-preserving form, and then how far the
// integer is from it: integers above 2^53 keep their order.
func appendNumber(dst []byte, v Value) []byte {
	n, f, whole := number(v)
	rest := int64(0)
	if whole {
		f = float64(n)
		if f >= 1<<63 {
			f = math.Nextafter(f, 0)
		}
		rest = n - int64(f)
	}
	var bits uint64
	switch {
	case math.IsNaN(f): // before every other number
	case f == 0:
		bits = 1 << 63
	default:
		if bits = math.Float64bits(f); bits>>63 == 1 {
			bits = ^bits
		} else {
			bits |= 1 << 63
		}
	}
	dst = binary.BigEndian.AppendUint64(dst, bits)
	return binary.BigEndian.AppendUint16(dst, uint16(rest+1<<15))
}
