package document

import (
	"fmt"
	"slices"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

func itoa(n int) string { return strconv.Itoa(n) }

// Update is a parsed update document.
type Update struct {
	changes []change
}

type change struct {
	op    string
	path  Path
	val   Value
	each  []Value // of $push and $addToSet
	slice *int    // of $push
	pull  *Filter // of $pull with a condition on documents
	pred  []Pred  // of $pull with operators on elements
}

// ParseUpdate reads an update document of operators. What it does not know, and two changes
// of one path, are errors.
func ParseUpdate(d Doc) (*Update, error) {
	u := &Update{}
	var err error
	each(d, func(e element) bool {
		op := string(e.key)
		if !slices.Contains(updateOps, op) {
			err = unsupported("update %s", op)
			return false
		}
		if e.val.Type != bsoncore.TypeEmbeddedDocument {
			err = unsupported("%s of a %s", op, kind(e.val))
			return false
		}
		each(e.val.Data, func(f element) bool {
			err = u.add(op, string(f.key), f.val)
			return err == nil
		})
		return err == nil
	})
	if err != nil {
		return nil, err
	}
	if len(d) <= 5 {
		return nil, unsupported("an empty update")
	}
	slices.SortStableFunc(u.changes, func(a, b change) int { return slices.Compare(a.path, b.path) })
	return u, u.conflicts()
}

var updateOps = []string{"$set", "$unset", "$inc", "$max", "$min", "$push", "$pull", "$addToSet", "$setOnInsert"}

func (u *Update) add(op, key string, v Value) error {
	path, err := ParsePath(key)
	if err != nil {
		return err
	}
	c := change{op: op, path: path, val: v}
	switch op {
	case "$inc":
		if class(v) != classNumber {
			return fmt.Errorf("store: $inc %s by a %s", key, kind(v))
		}
	case "$push", "$addToSet":
		err = c.parseEach()
	case "$pull":
		err = c.parsePull()
	}
	u.changes = append(u.changes, c)
	return err
}

func (c *change) parseEach() error {
	c.each = []Value{c.val}
	ops, isOps, err := operatorsOf(c.val)
	if err != nil || !isOps {
		return err
	}
	c.each = nil
	for _, e := range ops {
		switch {
		case string(e.key) == "$each" && e.val.Type == bsoncore.TypeArray:
			c.each = Elements(e.val)
		case string(e.key) == "$slice" && c.op == "$push" && class(e.val) == classNumber:
			n, _, _ := number(e.val)
			at := int(n)
			c.slice = &at
		default:
			return unsupported("%s with %s", c.op, e.key)
		}
	}
	return nil
}

func (c *change) parsePull() error {
	if c.val.Type != bsoncore.TypeEmbeddedDocument {
		return nil
	}
	ops, isOps, err := operatorsOf(c.val)
	if err != nil {
		return err
	}
	var f Filter
	if !isOps {
		f, err = ParseFilter(Doc(c.val.Data))
		c.pull = &f
		return err
	}
	for _, e := range ops {
		op, ok := operators[string(e.key)]
		if !ok || op == Exists {
			return unsupported("$pull with %s", e.key)
		}
		if err := f.addPred(Path{"element"}, op, e.val); err != nil {
			return err
		}
	}
	c.pred = f.Preds
	return nil
}

// conflicts refuses two changes of which one's path begins with the other's. They are sorted.
func (u *Update) conflicts() error {
	for i := 1; i < len(u.changes); i++ {
		a, b := u.changes[i-1].path, u.changes[i].path
		if len(a) <= len(b) && slices.Equal(a, b[:len(a)]) {
			return fmt.Errorf("store: update changes %q and %q at once", a, b)
		}
	}
	return nil
}

// Apply changes a document. The result is d itself where nothing changed.
func (u *Update) Apply(d Doc, inserting bool) (Doc, error) {
	root := &node{data: d}
	for i := range u.changes {
		c := &u.changes[i]
		if c.op == "$setOnInsert" && !inserting {
			continue
		}
		if err := c.apply(root); err != nil {
			return nil, err
		}
	}
	if !root.changed {
		return d, nil
	}
	out := root.encode(make([]byte, 0, len(d)+256))
	if len(out) > MaxBytes {
		return nil, fmt.Errorf("store: document of %d bytes is larger than %d", len(out), MaxBytes)
	}
	return Doc(out), nil
}

// Seed is the document an upsert begins with: the filter's equalities.
func Seed(f *Filter) (Doc, error) {
	root := &node{data: emptyDoc}
	preds := f.Preds
	if len(f.Ors) == 1 && len(f.Ors[0]) == 1 {
		preds = append(slices.Clone(preds), f.Ors[0][0].Preds...)
	}
	for _, p := range preds {
		v := p.Val
		if p.Op == In && len(p.Vals) == 1 {
			v = p.Vals[0]
		} else if p.Op != Eq {
			continue
		}
		if err := (&change{op: "$set", path: p.Path, val: v}).apply(root); err != nil {
			return nil, err
		}
	}
	return Doc(root.encode(nil)), nil
}

var emptyDoc = Doc{5, 0, 0, 0, 0}

func (c *change) apply(root *node) error {
	n := root
	for _, part := range c.path[:len(c.path)-1] {
		sub, err := n.child(part, c.op != "$unset" && c.op != "$pull")
		if err != nil {
			return fmt.Errorf("store: %s %s: %w", c.op, c.path, err)
		}
		if sub == nil {
			return nil
		}
		n = sub
	}
	last := c.path[len(c.path)-1]
	old := n.get(last)
	if c.op == "$unset" {
		n.unset(last)
		return nil
	}
	val, err := c.next(old)
	if err != nil {
		return fmt.Errorf("store: %s %s: %w", c.op, c.path, err)
	}
	if val.Type == old.Type && string(val.Data) == string(old.Data) {
		return nil
	}
	if len(c.path) == 1 && last == "_id" && !Missing(old) {
		return fmt.Errorf("store: %s _id: an id cannot change", c.op)
	}
	if err := n.set(last, val); err != nil {
		return fmt.Errorf("store: %s %s: %w", c.op, c.path, err)
	}
	return nil
}

// next is the value after the change; a missing one stays missing.
func (c *change) next(old Value) (Value, error) {
	switch c.op {
	case "$inc":
		return add(old, c.val)
	case "$max", "$min":
		cmp := Compare(c.val, old)
		if Missing(old) || c.op == "$max" && cmp > 0 || c.op == "$min" && cmp < 0 {
			return c.val, nil
		}
		return old, nil
	case "$push", "$addToSet", "$pull":
		return c.list(old)
	}
	return c.val, nil
}

func (c *change) list(old Value) (Value, error) {
	if Missing(old) && c.op == "$pull" {
		return old, nil
	}
	if !Missing(old) && old.Type != bsoncore.TypeArray {
		return old, fmt.Errorf("the field is a %s, not an array", kind(old))
	}
	els := Elements(old)
	switch c.op {
	case "$push":
		els = append(els, c.each...)
		els = c.cut(els)
	case "$addToSet":
		for _, v := range c.each {
			if !slices.ContainsFunc(els, func(el Value) bool { return Equal(el, v) }) {
				els = append(els, v)
			}
		}
	case "$pull":
		els = slices.DeleteFunc(els, c.pulls)
	}
	return Value{Type: bsoncore.TypeArray, Data: bsoncore.BuildArray(nil, els...)}, nil
}

// cut keeps the first n elements, or the last where n is negative.
func (c *change) cut(els []Value) []Value {
	switch {
	case c.slice == nil:
	case *c.slice >= 0:
		els = els[:min(*c.slice, len(els))]
	default:
		els = els[max(0, len(els)+*c.slice):]
	}
	return els
}

func (c *change) pulls(el Value) bool {
	switch {
	case c.pull != nil:
		return el.Type == bsoncore.TypeEmbeddedDocument && c.pull.Match(Doc(el.Data))
	case c.pred != nil:
		for i := range c.pred {
			p := &c.pred[i]
			if p.Op == Ne && matchEq(el, p.Val) || p.Op != Ne && !p.matchLeaf(el) {
				return false
			}
		}
		return true
	}
	return Equal(el, c.val)
}

func add(old, by Value) (Value, error) {
	if Missing(old) {
		return by, nil
	}
	if class(old) != classNumber {
		return old, fmt.Errorf("the field is a %s, not a number", kind(old))
	}
	a, fa, wholeA := number(old)
	b, fb, wholeB := number(by)
	if wholeA && wholeB {
		sum := a + b
		if (sum > a) != (b > 0) && b != 0 {
			return old, fmt.Errorf("the sum does not fit into 64 bits")
		}
		return Value{Type: bsoncore.TypeInt64, Data: bsoncore.AppendInt64(nil, sum)}, nil
	}
	if wholeA {
		fa = float64(a)
	}
	if wholeB {
		fb = float64(b)
	}
	return Value{Type: bsoncore.TypeDouble, Data: bsoncore.AppendDouble(nil, fa+fb)}, nil
}

// node is a document or array being changed: bytes until something in it changes.
type node struct {
	data    []byte
	array   bool
	loaded  bool
	changed bool
	parent  *node
	els     []nodeElement
}

type nodeElement struct {
	key string
	val Value
	sub *node
}

func (n *node) load() {
	if n.loaded {
		return
	}
	n.loaded = true
	each(n.data, func(e element) bool {
		key := string(e.key)
		if n.array {
			key = itoa(len(n.els)) // an array's own keys mean nothing
		}
		n.els = append(n.els, nodeElement{key: key, val: e.val})
		return true
	})
}

func (n *node) find(key string) int {
	n.load()
	return slices.IndexFunc(n.els, func(e nodeElement) bool { return e.key == key })
}

func (n *node) touch() {
	for ; n != nil; n = n.parent {
		n.changed = true
	}
}

func (n *node) get(key string) Value {
	if i := n.find(key); i >= 0 {
		return n.els[i].val
	}
	return Value{}
}

// child is the document or array under a key, made where make says so.
func (n *node) child(key string, create bool) (*node, error) {
	i := n.find(key)
	if i < 0 {
		if !create {
			return nil, nil
		}
		if err := n.set(key, Value{Type: bsoncore.TypeEmbeddedDocument, Data: emptyDoc}); err != nil {
			return nil, err
		}
		i = n.find(key)
	}
	e := &n.els[i]
	if e.sub == nil {
		switch e.val.Type {
		case bsoncore.TypeEmbeddedDocument, bsoncore.TypeArray:
			e.sub = &node{data: e.val.Data, array: e.val.Type == bsoncore.TypeArray, parent: n}
		default:
			if !create {
				return nil, nil
			}
			return nil, fmt.Errorf("%s is a %s, not a document", key, kind(e.val))
		}
	}
	return e.sub, nil
}

func (n *node) set(key string, v Value) error {
	i := n.find(key)
	if i < 0 && n.array {
		at, ok := index(key)
		if !ok {
			return fmt.Errorf("%q is not an array's index", key)
		}
		if at > len(n.els)+1500 {
			return fmt.Errorf("index %d is far behind the array's end", at)
		}
		for len(n.els) <= at {
			n.els = append(n.els, nodeElement{key: itoa(len(n.els)), val: Value{Type: bsoncore.TypeNull}})
		}
		i = at
	}
	if i < 0 {
		n.els = append(n.els, nodeElement{key: key})
		i = len(n.els) - 1
	}
	n.els[i].val, n.els[i].sub = v, nil
	n.touch()
	return nil
}

// unset removes a field; an array's element becomes null, as in MongoDB.
func (n *node) unset(key string) {
	i := n.find(key)
	if i < 0 {
		return
	}
	if n.array {
		n.els[i].val, n.els[i].sub = Value{Type: bsoncore.TypeNull}, nil
	} else {
		n.els = slices.Delete(n.els, i, i+1)
	}
	n.touch()
}

func (n *node) encode(buf []byte) []byte {
	if !n.changed {
		return append(buf, n.data...)
	}
	at, buf := bsoncore.AppendDocumentStart(buf)
	for i := range n.els {
		e := &n.els[i]
		if e.sub == nil || !e.sub.changed {
			buf = bsoncore.AppendValueElement(buf, e.key, e.val)
			continue
		}
		buf = bsoncore.AppendHeader(buf, e.val.Type, e.key)
		buf = e.sub.encode(buf)
	}
	buf, _ = bsoncore.AppendDocumentEnd(buf, at)
	return buf
}
