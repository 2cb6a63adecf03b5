package document

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// Unmarshal decodes a document into a pointer to a struct, a map, a bson.D or a bson.Raw,
// by the names Marshal wrote. Fields the struct does not have are skipped; null and
// missing leave the zero value. The result shares no memory with the document.
func Unmarshal(d []byte, out any) error {
	v := reflect.ValueOf(out)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return fmt.Errorf("store: %T is not a pointer", out)
	}
	v = v.Elem()
	if v.Kind() == reflect.Struct {
		v.SetZero()
	}
	if err := decode(Value{Type: bsoncore.TypeEmbeddedDocument, Data: d}, v); err != nil {
		return fmt.Errorf("store: decode into %T: %w", out, err)
	}
	return nil
}

// AppendAll decodes documents and appends them to a slice of structs or of pointers to them.
func AppendAll(docs []Doc, slice reflect.Value) error {
	n := slice.Len()
	slice.Grow(len(docs))
	slice.SetLen(n + len(docs))
	for i, d := range docs {
		if err := decode(Value{Type: bsoncore.TypeEmbeddedDocument, Data: d}, slice.Index(n+i)); err != nil {
			slice.SetLen(n)
			return fmt.Errorf("store: decode into %s: %w", slice.Type(), err)
		}
	}
	return nil
}

// Slice is the slice that out points to, emptied.
func Slice(out any) (reflect.Value, error) {
	v := reflect.ValueOf(out)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Slice {
		return v, fmt.Errorf("store: %T is not a pointer to a slice", out)
	}
	v = v.Elem()
	v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	return v, nil
}

// decode sets v to a value.
func decode(val Value, v reflect.Value) error {
	t := v.Type()
	switch {
	case val.Type == bsoncore.TypeNull || val.Type == bsoncore.TypeUndefined:
		v.SetZero()
		return nil
	case v.Kind() == reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(t.Elem()))
		}
		return decode(val, v.Elem())
	case t == typeTime:
		if val.Type != bsoncore.TypeDateTime {
			return mismatch(val, v)
		}
		v.Set(reflect.ValueOf(time.UnixMilli(i64(val.Data)).UTC()))
		return nil
	case t.PkgPath() == bsonPackage:
		own := Value{Type: val.Type, Data: append([]byte(nil), val.Data...)}
		return bson.RawValue{Type: bson.Type(own.Type), Value: own.Data}.Unmarshal(v.Addr().Interface())
	}
	switch v.Kind() {
	case reflect.Struct:
		return decodeStruct(val, v)
	case reflect.Map:
		return decodeMap(val, v)
	case reflect.Slice:
		return decodeSlice(val, v)
	case reflect.Array:
		return decodeArray(val, v)
	case reflect.Interface:
		return decodeAny(val, v)
	default:
		return decodeScalar(val, v)
	}
}

func mismatch(val Value, v reflect.Value) error {
	return fmt.Errorf("a %s does not fit a %s", kind(val), v.Type())
}

func decodeScalar(val Value, v reflect.Value) error {
	switch v.Kind() {
	case reflect.String:
		if class(val) != classString {
			return mismatch(val, v)
		}
		v.SetString(string(str(val)))
	case reflect.Bool:
		if val.Type != bsoncore.TypeBoolean {
			return mismatch(val, v)
		}
		v.SetBool(val.Data[0] != 0)
	case reflect.Float32, reflect.Float64:
		if class(val) != classNumber {
			return mismatch(val, v)
		}
		n, f, whole := number(val)
		if whole {
			f = float64(n)
		}
		v.SetFloat(f)
	default:
		return decodeInteger(val, v)
	}
	return nil
}

// integerOf is a number without a fraction.
func integerOf(val Value) (int64, bool) {
	if class(val) != classNumber {
		return 0, false
	}
	n, f, whole := number(val)
	if whole {
		return n, true
	}
	return int64(f), f == math.Trunc(f) && f >= -1<<63 && f < 1<<63
}

func decodeInteger(val Value, v reflect.Value) error {
	n, ok := integerOf(val)
	switch v.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if !ok || v.OverflowInt(n) {
			return mismatch(val, v)
		}
		v.SetInt(n)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if !ok || n < 0 || v.OverflowUint(uint64(n)) {
			return mismatch(val, v)
		}
		v.SetUint(uint64(n))
	default:
		return mismatch(val, v)
	}
	return nil
}

// eachErr calls f for each element; malformed bytes are an error.
func eachErr(d []byte, f func(element) error) error {
	rest, ok := body(d)
	for ok && len(rest) > 0 {
		var e element
		if e, rest, ok = next(rest); ok {
			if err := f(e); err != nil {
				return fmt.Errorf("%s: %w", e.key, err)
			}
		}
	}
	if !ok {
		return fmt.Errorf("malformed document")
	}
	return nil
}

func decodeStruct(val Value, v reflect.Value) error {
	if val.Type != bsoncore.TypeEmbeddedDocument {
		return mismatch(val, v)
	}
	plan := planOf(v.Type())
	at := 0
	return eachErr(val.Data, func(e element) error {
		// Fields mostly come in the order they were written in.
		for i := range plan {
			f := &plan[(at+i)%len(plan)]
			if f.inline || f.name != string(e.key) {
				continue
			}
			at = (at + i + 1) % len(plan)
			return decode(e.val, v.Field(f.index))
		}
		return decodeInline(plan, e, v)
	})
}

// decodeInline finds the field in the structs that are stored as part of this one.
func decodeInline(plan []fieldPlan, e element, v reflect.Value) error {
	for i := range plan {
		if !plan[i].inline {
			continue
		}
		fv := v.Field(plan[i].index)
		if fv.Kind() == reflect.Map {
			return decodeEntry(e, fv)
		}
		sub := planOf(fv.Type())
		for j := range sub {
			if !sub[j].inline && sub[j].name == string(e.key) {
				return decode(e.val, fv.Field(sub[j].index))
			}
		}
	}
	return nil
}

func decodeMap(val Value, v reflect.Value) error {
	if val.Type != bsoncore.TypeEmbeddedDocument {
		return mismatch(val, v)
	}
	v.Set(reflect.MakeMap(v.Type()))
	return eachErr(val.Data, func(e element) error { return decodeEntry(e, v) })
}

func decodeEntry(e element, v reflect.Value) error {
	if v.IsNil() {
		v.Set(reflect.MakeMap(v.Type()))
	}
	key := reflect.New(v.Type().Key()).Elem()
	switch key.Kind() {
	case reflect.String:
		key.SetString(string(e.key))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n, err := strconv.ParseInt(string(e.key), 10, 64)
		if err != nil || key.OverflowInt(n) {
			return fmt.Errorf("not a key of a %s", v.Type())
		}
		key.SetInt(n)
	default:
		return fmt.Errorf("a map's keys cannot be %s", key.Type())
	}
	el := reflect.New(v.Type().Elem()).Elem()
	if err := decode(e.val, el); err != nil {
		return err
	}
	v.SetMapIndex(key, el)
	return nil
}

// decodeSlice takes an array or, for bytes, binary. Text becomes bytes too.
func decodeSlice(val Value, v reflect.Value) error {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		b, ok := bytesOf(val)
		if !ok {
			return mismatch(val, v)
		}
		v.SetBytes(append(make([]byte, 0, len(b)), b...))
		return nil
	}
	if val.Type != bsoncore.TypeArray {
		return mismatch(val, v)
	}
	n := 0
	each(val.Data, func(element) bool { n++; return true })
	v.Set(reflect.MakeSlice(v.Type(), n, n))
	i := 0
	return eachErr(val.Data, func(e element) error {
		i++
		return decode(e.val, v.Index(i-1))
	})
}

func bytesOf(val Value) ([]byte, bool) {
	switch val.Type {
	case bsoncore.TypeBinary:
		return val.Data[5:], true
	case bsoncore.TypeString:
		return str(val), true
	default:
		return nil, false
	}
}

func decodeArray(val Value, v reflect.Value) error {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		b, ok := bytesOf(val)
		if !ok || len(b) != v.Len() {
			return mismatch(val, v)
		}
		reflect.Copy(v, reflect.ValueOf(b))
		return nil
	}
	els := Elements(val)
	if val.Type != bsoncore.TypeArray || len(els) != v.Len() {
		return mismatch(val, v)
	}
	for i, el := range els {
		if err := decode(el, v.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

// decodeAny gives what encoding/json would, but whole numbers as int64 and times as times.
func decodeAny(val Value, v reflect.Value) error {
	if v.NumMethod() > 0 {
		return mismatch(val, v)
	}
	var to reflect.Value
	switch class(val) {
	case classNumber:
		if n, _, whole := number(val); whole {
			to = reflect.ValueOf(n)
		} else {
			to = reflect.New(reflect.TypeFor[float64]()).Elem()
		}
	case classString:
		to = reflect.New(reflect.TypeFor[string]()).Elem()
	case classBool:
		to = reflect.New(reflect.TypeFor[bool]()).Elem()
	case classDate:
		to = reflect.New(typeTime).Elem()
	case classBinary:
		to = reflect.New(reflect.TypeFor[[]byte]()).Elem()
	case classObject:
		to = reflect.New(reflect.TypeFor[map[string]any]()).Elem()
	case classArray:
		to = reflect.New(reflect.TypeFor[[]any]()).Elem()
	default:
		return mismatch(val, v)
	}
	if to.CanSet() {
		if err := decode(val, to); err != nil {
			return err
		}
	}
	v.Set(to)
	return nil
}
