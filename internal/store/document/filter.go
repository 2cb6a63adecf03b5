package document

import (
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// Op is what a predicate asks.
type Op uint8

// The operators of filters.
const (
	Eq Op = iota
	In
	Gt
	Gte
	Lt
	Lte
	Ne
	Exists
)

var operators = map[string]Op{"$eq": Eq, "$in": In, "$gt": Gt, "$gte": Gte, "$lt": Lt, "$lte": Lte, "$ne": Ne, "$exists": Exists}

// Pred is one condition on one path.
type Pred struct {
	Path   Path
	Op     Op
	Val    Value   // of all but In and Exists
	Vals   []Value // of In
	Exists bool    // of Exists
}

// Filter is a conjunction of predicates and of disjunctions of filters.
type Filter struct {
	Preds []Pred
	Ors   [][]Filter
}

// Empty reports whether the filter matches everything.
func (f *Filter) Empty() bool { return len(f.Preds) == 0 && len(f.Ors) == 0 }

// ParseFilter reads a MongoDB filter; what it does not know is ErrUnsupported.
func ParseFilter(d Doc) (Filter, error) {
	var f Filter
	var err error
	each(d, func(e element) bool {
		err = f.add(string(e.key), e.val)
		return err == nil
	})
	return f, err
}

func (f *Filter) add(key string, v Value) error {
	if key == "$or" {
		return f.addOr(v)
	}
	path, err := ParsePath(key)
	if err != nil {
		return err
	}
	ops, isOps, err := operatorsOf(v)
	if err != nil {
		return err
	}
	if !isOps {
		return f.addPred(path, Eq, v)
	}
	for _, e := range ops {
		op, ok := operators[string(e.key)]
		if !ok {
			return unsupported("operator %s", e.key)
		}
		if err := f.addPred(path, op, e.val); err != nil {
			return err
		}
	}
	return nil
}

func (f *Filter) addOr(v Value) error {
	if v.Type != bsoncore.TypeArray {
		return unsupported("$or of a %s", kind(v))
	}
	var branches []Filter
	for _, b := range Elements(v) {
		if b.Type != bsoncore.TypeEmbeddedDocument {
			return unsupported("$or of a %s", kind(b))
		}
		sub, err := ParseFilter(Doc(b.Data))
		if err != nil {
			return err
		}
		branches = append(branches, sub)
	}
	if len(branches) == 0 {
		return unsupported("an empty $or")
	}
	f.Ors = append(f.Ors, branches)
	return nil
}

// operatorsOf tells a document of operators from one to be compared with.
func operatorsOf(v Value) ([]element, bool, error) {
	if v.Type != bsoncore.TypeEmbeddedDocument {
		return nil, false, nil
	}
	var all []element
	dollars := 0
	each(v.Data, func(e element) bool {
		if len(e.key) > 0 && e.key[0] == '$' {
			dollars++
		}
		all = append(all, e)
		return true
	})
	if dollars > 0 && dollars < len(all) {
		return nil, false, unsupported("operators and fields in one document")
	}
	return all, dollars > 0, nil
}

func (f *Filter) addPred(path Path, op Op, v Value) error {
	p := Pred{Path: path, Op: op, Val: v}
	switch op {
	case Exists:
		p.Exists = truth(v)
	case In:
		if v.Type != bsoncore.TypeArray {
			return unsupported("$in of a %s", kind(v))
		}
		p.Vals = Elements(v)
		for _, el := range p.Vals {
			if class(el) == classUnknown {
				return unsupported("$in with a %s", kind(el))
			}
		}
	default:
		if class(v) == classUnknown {
			return unsupported("a filter on a %s", kind(v))
		}
	}
	f.Preds = append(f.Preds, p)
	return nil
}

func truth(v Value) bool {
	switch class(v) {
	case classBool:
		return len(v.Data) > 0 && v.Data[0] != 0
	case classNumber:
		n, f, whole := number(v)
		return whole && n != 0 || !whole && f != 0
	case classNull:
		return false
	}
	return true
}

// Match reports whether a document matches.
func (f *Filter) Match(d Doc) bool {
	for i := range f.Preds {
		if !f.Preds[i].Match(d) {
			return false
		}
	}
	for _, branches := range f.Ors {
		if !matchAny(branches, d) {
			return false
		}
	}
	return true
}

func matchAny(branches []Filter, d Doc) bool {
	for i := range branches {
		if branches[i].Match(d) {
			return true
		}
	}
	return false
}

// Match reports whether a document matches the predicate.
func (p *Pred) Match(d Doc) bool {
	switch p.Op {
	case Exists:
		return walk(d, p.Path, func(v Value) bool { return !Missing(v) }) == p.Exists
	case Ne:
		return !walk(d, p.Path, func(v Value) bool { return matchEq(v, p.Val) })
	default:
		return walk(d, p.Path, p.matchLeaf)
	}
}

// matchLeaf matches what stands at the end of the path: the value or, in an array, an element.
func (p *Pred) matchLeaf(v Value) bool {
	switch p.Op {
	case Eq:
		return matchEq(v, p.Val)
	case In:
		for _, want := range p.Vals {
			if matchEq(v, want) {
				return true
			}
		}
		return false
	default:
		return p.inRange(v) || anyElement(v, p.inRange)
	}
}

func matchEq(v, want Value) bool {
	if Equal(v, want) {
		return true
	}
	return anyElement(v, func(el Value) bool { return Equal(el, want) })
}

func anyElement(v Value, f func(Value) bool) bool {
	found := false
	if v.Type == bsoncore.TypeArray {
		each(v.Data, func(e element) bool { found = f(e.val); return !found })
	}
	return found
}

// inRange compares values of one class only, as MongoDB does.
func (p *Pred) inRange(v Value) bool {
	if class(v) != class(p.Val) {
		return false
	}
	if nan(v) || nan(p.Val) {
		return nan(v) && nan(p.Val) && (p.Op == Gte || p.Op == Lte)
	}
	c := Compare(v, p.Val)
	switch p.Op {
	case Gt:
		return c > 0
	case Gte:
		return c >= 0
	case Lt:
		return c < 0
	default:
		return c <= 0
	}
}

func nan(v Value) bool {
	if v.Type != bsoncore.TypeDouble {
		return false
	}
	_, f, _ := number(v)
	return f != f
}

// walk calls leaf with every value the path leads to, through arrays of documents, and
// with a missing one where it leads nowhere, until leaf says true.
func walk(d []byte, path Path, leaf func(Value) bool) bool {
	v, ok := field(d, path[0])
	if !ok {
		return leaf(Value{})
	}
	if len(path) == 1 {
		return leaf(v)
	}
	switch v.Type {
	case bsoncore.TypeEmbeddedDocument:
		return walk(v.Data, path[1:], leaf)
	case bsoncore.TypeArray:
		return walkArray(v.Data, path[1:], leaf)
	default:
		return leaf(Value{})
	}
}

func walkArray(arr []byte, path Path, leaf func(Value) bool) bool {
	if i, ok := index(path[0]); ok {
		if v, ok := at(arr, i); ok && walkElement(v, path[1:], leaf) {
			return true
		}
	}
	found := false
	each(arr, func(e element) bool {
		if e.val.Type == bsoncore.TypeEmbeddedDocument {
			found = walk(e.val.Data, path, leaf)
		}
		return !found
	})
	return found
}

// walkElement goes on from an element that the path names by its number.
func walkElement(v Value, path Path, leaf func(Value) bool) bool {
	if len(path) == 0 {
		return leaf(v)
	}
	switch v.Type {
	case bsoncore.TypeEmbeddedDocument:
		return walk(v.Data, path, leaf)
	case bsoncore.TypeArray:
		return walkArray(v.Data, path, leaf)
	default:
		return false
	}
}

// SortField is one field of a sort.
type SortField struct {
	Path Path
	Desc bool
}

// ParseSort reads a sort document, such as {at: -1, _id: 1}.
func ParseSort(d Doc) ([]SortField, error) {
	var out []SortField
	var err error
	each(d, func(e element) bool {
		var s SortField
		if s.Path, err = ParsePath(string(e.key)); err != nil {
			return false
		}
		n, f, whole := int64(0), 0.0, false
		if class(e.val) == classNumber {
			n, f, whole = number(e.val)
		}
		if !whole {
			n = int64(f)
		}
		if n != 1 && n != -1 {
			err = unsupported("sort by something other than 1 or -1")
			return false
		}
		s.Desc = n < 0
		out = append(out, s)
		return true
	})
	return out, err
}

// SortKey is what a document sorts by in one field: the smallest element of an array, or
// the largest when descending.
func (s SortField) SortKey(d Doc) Value {
	var best Value
	first := true
	take := func(v Value) {
		c := Compare(v, best)
		if first || s.Desc && c > 0 || !s.Desc && c < 0 {
			best, first = v, false
		}
	}
	walk(d, s.Path, func(v Value) bool {
		if v.Type != bsoncore.TypeArray {
			take(v)
			return false
		}
		for _, el := range Elements(v) {
			take(el)
		}
		return false
	})
	return best
}

// CompareDocs orders two documents by a sort.
func CompareDocs(a, b Doc, by []SortField) int {
	for _, s := range by {
		if c := Compare(s.SortKey(a), s.SortKey(b)); c != 0 {
			if s.Desc {
				return -c
			}
			return c
		}
	}
	return 0
}
