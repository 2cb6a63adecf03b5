package document

import (
	"bytes"
	"fmt"
	"reflect"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Unmarshal decodes a document into a pointer to a struct, a map, a bson.D or a bson.Raw,
// by the names Marshal wrote. The result shares no memory with the document.
func Unmarshal(d []byte, out any) error {
	if raw, ok := out.(*bson.Raw); ok {
		*raw = append((*raw)[:0], d...)
		return nil
	}
	dec := bson.NewDecoder(bson.NewDocumentReader(bytes.NewReader(d)))
	dec.UseJSONStructTags()
	if err := dec.Decode(out); err != nil {
		return fmt.Errorf("store: decode into %T: %w", out, err)
	}
	return nil
}

// AppendAll decodes documents and appends them to a slice of structs or of pointers to them.
func AppendAll(docs []Doc, slice reflect.Value) error {
	t := slice.Type().Elem()
	slice.Grow(len(docs))
	for _, d := range docs {
		el := reflect.New(t)
		to := el
		if t.Kind() == reflect.Pointer {
			to = reflect.New(t.Elem())
			el.Elem().Set(to)
		}
		if err := Unmarshal(d, to.Interface()); err != nil {
			return err
		}
		slice.Set(reflect.Append(slice, el.Elem()))
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
