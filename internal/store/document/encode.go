package document

import (
	"fmt"
	"math"
	"reflect"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// MaxBytes is the largest document, MongoDB's own limit.
const MaxBytes = 16 << 20

// Marshal encodes a struct, a map, a bson.D or raw BSON as a document. Field names are the
// bson tag's, else the json tag's, else the name in lower case; omitempty and omitzero
// leave a field out. Integers become 64-bit ones, times UTC milliseconds, byte slices
// (json.RawMessage too) binary, nil slices and maps empty ones. Invalid UTF-8 is replaced
// by U+FFFD, as encoding/json does.
func Marshal(v any) (Doc, error) {
	val, err := ValueOf(v)
	if err != nil {
		return nil, err
	}
	if val.Type != bsoncore.TypeEmbeddedDocument {
		return nil, fmt.Errorf("store: %T is not a document", v)
	}
	if len(val.Data) > MaxBytes {
		return nil, fmt.Errorf("store: document of %d bytes is larger than %d", len(val.Data), MaxBytes)
	}
	return Doc(val.Data), nil
}

// ValueOf encodes one value as Marshal does.
func ValueOf(v any) (Value, error) {
	e := encoder{buf: make([]byte, 0, 512)}
	if err := e.value("", reflect.ValueOf(v)); err != nil {
		return Value{}, fmt.Errorf("store: encode %T: %w", v, err)
	}
	// e.buf is type, empty key, value.
	return Value{Type: bsoncore.Type(e.buf[0]), Data: e.buf[2:]}, nil
}

type encoder struct{ buf []byte }

var (
	typeTime     = reflect.TypeFor[time.Time]()
	typeD        = reflect.TypeFor[bson.D]()
	typeRaw      = reflect.TypeFor[bson.Raw]()
	typeDoc      = reflect.TypeFor[Doc]()
	typeValue    = reflect.TypeFor[Value]()
	typeRawValue = reflect.TypeFor[bson.RawValue]()
	bsonPackage  = typeD.PkgPath()
)

func (e *encoder) value(key string, v reflect.Value) error {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			e.buf = bsoncore.AppendNullElement(e.buf, key)
			return nil
		}
		v = v.Elem()
	}
	if !v.IsValid() {
		e.buf = bsoncore.AppendNullElement(e.buf, key)
		return nil
	}
	if done, err := e.special(key, v); done || err != nil {
		return err
	}
	switch v.Kind() {
	case reflect.String:
		e.str(key, v.String())
	case reflect.Bool:
		e.buf = bsoncore.AppendBooleanElement(e.buf, key, v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		e.buf = bsoncore.AppendInt64Element(e.buf, key, v.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if v.Uint() > math.MaxInt64 {
			return fmt.Errorf("%s: %d does not fit into 64 bits with a sign", key, v.Uint())
		}
		e.buf = bsoncore.AppendInt64Element(e.buf, key, int64(v.Uint()))
	case reflect.Float32, reflect.Float64:
		e.buf = bsoncore.AppendDoubleElement(e.buf, key, v.Float())
	case reflect.Struct:
		return e.structure(key, v)
	case reflect.Map:
		return e.mapping(key, v)
	case reflect.Slice, reflect.Array:
		return e.list(key, v)
	default:
		return fmt.Errorf("%s: a %s cannot be stored", key, v.Type())
	}
	return nil
}

// special encodes the types that are not what their kind says.
func (e *encoder) special(key string, v reflect.Value) (bool, error) {
	switch t := v.Type(); t {
	case typeTime:
		e.buf = bsoncore.AppendDateTimeElement(e.buf, key, v.Interface().(time.Time).UnixMilli())
	case typeD:
		at, buf := bsoncore.AppendDocumentElementStart(e.buf, key)
		e.buf = buf
		for _, el := range v.Interface().(bson.D) {
			if err := e.value(el.Key, reflect.ValueOf(el.Value)); err != nil {
				return false, err
			}
		}
		return true, e.end(at)
	case typeRaw, typeDoc:
		d := Doc(v.Bytes())
		if err := d.Validate(); err != nil {
			return false, fmt.Errorf("%s: %w", key, err)
		}
		e.buf = bsoncore.AppendDocumentElement(e.buf, key, d)
	case typeValue:
		e.buf = bsoncore.AppendValueElement(e.buf, key, v.Interface().(Value))
	case typeRawValue:
		r := v.Interface().(bson.RawValue)
		e.buf = bsoncore.AppendValueElement(e.buf, key, Value{Type: bsoncore.Type(r.Type), Data: r.Value})
	default:
		if t.PkgPath() != bsonPackage || v.Kind() == reflect.Map || t.Kind() == reflect.Slice {
			return false, nil
		}
		bt, data, err := bson.MarshalValue(v.Interface())
		if err != nil {
			return false, fmt.Errorf("%s: %w", key, err)
		}
		e.buf = bsoncore.AppendValueElement(e.buf, key, Value{Type: bsoncore.Type(bt), Data: data})
	}
	return true, nil
}

func (e *encoder) str(key, s string) {
	e.buf = bsoncore.AppendStringElement(e.buf, key, strings.ToValidUTF8(s, "\uFFFD"))
}

func (e *encoder) end(at int32) (err error) {
	e.buf, err = bsoncore.AppendDocumentEnd(e.buf, at)
	return err
}

func (e *encoder) structure(key string, v reflect.Value) error {
	at, buf := bsoncore.AppendDocumentElementStart(e.buf, key)
	e.buf = buf
	if err := e.fields(v); err != nil {
		return err
	}
	return e.end(at)
}

func (e *encoder) fields(v reflect.Value) error {
	for _, f := range planOf(v.Type()) {
		fv := v.Field(f.index)
		if f.omitempty && empty(fv) || f.omitzero && zero(fv) {
			continue
		}
		var err error
		if f.inline {
			err = e.inline(fv)
		} else {
			err = e.value(f.name, fv)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (e *encoder) inline(v reflect.Value) error {
	if v.Kind() == reflect.Map {
		return e.entries(v)
	}
	return e.fields(v)
}

func (e *encoder) mapping(key string, v reflect.Value) error {
	at, buf := bsoncore.AppendDocumentElementStart(e.buf, key)
	e.buf = buf
	if err := e.entries(v); err != nil {
		return err
	}
	return e.end(at)
}

// entries writes a map's entries in the order of their keys, so that equal maps are equal bytes.
func (e *encoder) entries(v reflect.Value) error {
	type entry struct {
		key string
		val reflect.Value
	}
	list := make([]entry, 0, v.Len())
	for it := v.MapRange(); it.Next(); {
		key, err := mapKey(it.Key())
		if err != nil {
			return err
		}
		list = append(list, entry{key, it.Value()})
	}
	sort.Slice(list, func(i, j int) bool { return list[i].key < list[j].key })
	for _, el := range list {
		if err := e.value(el.key, el.val); err != nil {
			return err
		}
	}
	return nil
}

func mapKey(v reflect.Value) (string, error) {
	switch v.Kind() {
	case reflect.String:
		key := strings.ToValidUTF8(v.String(), "\uFFFD")
		if strings.IndexByte(key, 0) >= 0 {
			return "", fmt.Errorf("a field's name has a zero byte")
		}
		return key, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10), nil
	default:
		return "", fmt.Errorf("a map's keys cannot be %s", v.Type())
	}
}

func (e *encoder) list(key string, v reflect.Value) error {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		b := make([]byte, v.Len())
		reflect.Copy(reflect.ValueOf(b), v)
		e.buf = bsoncore.AppendBinaryElement(e.buf, key, 0, b)
		return nil
	}
	at, buf := bsoncore.AppendArrayElementStart(e.buf, key)
	e.buf = buf
	for i := range v.Len() {
		if err := e.value(strconv.Itoa(i), v.Index(i)); err != nil {
			return err
		}
	}
	return e.end(at)
}

func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map, reflect.Array, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	default:
		return v.IsZero()
	}
}

func zero(v reflect.Value) bool {
	if z, ok := v.Interface().(interface{ IsZero() bool }); ok && v.Kind() != reflect.Pointer {
		return z.IsZero()
	}
	return v.IsZero()
}

// fieldPlan is how one field of a struct is stored.
type fieldPlan struct {
	index                       int
	name                        string
	omitempty, omitzero, inline bool
}

var plans sync.Map // reflect.Type → []fieldPlan

func planOf(t reflect.Type) []fieldPlan {
	if p, ok := plans.Load(t); ok {
		return p.([]fieldPlan)
	}
	var plan []fieldPlan
	for i := range t.NumField() {
		if f, ok := planField(t.Field(i)); ok {
			f.index = i
			plan = append(plan, f)
		}
	}
	plans.Store(t, plan)
	return plan
}

func planField(sf reflect.StructField) (fieldPlan, bool) {
	tag, ok := sf.Tag.Lookup("bson")
	if !ok {
		tag = sf.Tag.Get("json")
	}
	if !sf.IsExported() || tag == "-" {
		return fieldPlan{}, false
	}
	parts := strings.Split(tag, ",")
	f := fieldPlan{name: parts[0]}
	if f.name == "" {
		f.name = strings.ToLower(sf.Name)
	}
	for _, opt := range parts[1:] {
		switch opt {
		case "omitempty":
			f.omitempty = true
		case "omitzero":
			f.omitzero = true
		case "inline":
			f.inline = true
		}
	}
	return f, true
}
