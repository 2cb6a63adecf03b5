package document

import "go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

// Projection keeps the named fields; _id stays unless it is excluded.
type Projection struct {
	root *branch
}

type branch struct {
	all  bool
	subs map[string]*branch
}

// ParseProjection reads a projection by inclusion, such as {text: 1, "a.b": 1, _id: 0}.
func ParseProjection(d Doc) (*Projection, error) {
	p := &Projection{root: &branch{subs: map[string]*branch{"_id": {all: true}}}}
	n := 0
	var err error
	each(d, func(e element) bool {
		n++
		err = p.add(string(e.key), e.val)
		return err == nil
	})
	if n == 0 || err != nil {
		return nil, err
	}
	return p, nil
}

func (p *Projection) add(key string, v Value) error {
	path, err := ParsePath(key)
	if err != nil {
		return err
	}
	if c := class(v); c != classNumber && c != classBool {
		return unsupported("a projection other than by inclusion")
	}
	if !truth(v) {
		if key != "_id" {
			return unsupported("a projection by exclusion")
		}
		delete(p.root.subs, "_id")
		return nil
	}
	at := p.root
	for _, part := range path {
		if at.subs == nil {
			at.subs = map[string]*branch{}
		}
		if at.subs[part] == nil {
			at.subs[part] = &branch{}
		}
		at = at.subs[part]
	}
	at.all = true
	return nil
}

// Apply is the document with the kept fields only.
func (p *Projection) Apply(d Doc) Doc {
	at, buf := bsoncore.AppendDocumentStart(make([]byte, 0, len(d)))
	buf = p.root.keep(buf, d)
	buf, _ = bsoncore.AppendDocumentEnd(buf, at)
	return Doc(buf)
}

func (b *branch) keep(buf []byte, d []byte) []byte {
	each(d, func(e element) bool {
		sub := b.subs[string(e.key)]
		switch {
		case sub == nil:
		case sub.all:
			buf = bsoncore.AppendValueElement(buf, string(e.key), e.val)
		case e.val.Type == bsoncore.TypeEmbeddedDocument:
			at, inner := bsoncore.AppendDocumentElementStart(buf, string(e.key))
			buf, _ = bsoncore.AppendDocumentEnd(sub.keep(inner, e.val.Data), at)
		case e.val.Type == bsoncore.TypeArray:
			at, inner := bsoncore.AppendArrayElementStart(buf, string(e.key))
			buf, _ = bsoncore.AppendArrayEnd(sub.keepElements(inner, e.val.Data), at)
		}
		return true
	})
	return buf
}

func (b *branch) keepElements(buf []byte, arr []byte) []byte {
	n := 0
	each(arr, func(e element) bool {
		if e.val.Type == bsoncore.TypeEmbeddedDocument {
			at, inner := bsoncore.AppendDocumentElementStart(buf, itoa(n))
			buf, _ = bsoncore.AppendDocumentEnd(b.keep(inner, e.val.Data), at)
			n++
		}
		return true
	})
	return buf
}
