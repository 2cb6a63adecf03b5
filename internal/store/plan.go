package store

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/parley-hub/parley/internal/store/document"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// maxRanges is how many seeks one query may become.
const maxRanges = 1000

// query is a parsed read.
type query struct {
	filter document.Filter
	raw    document.Doc
	sort   []document.SortField
	limit  int
	fields *document.Projection
	scan   bool
}

func parseQuery(filter bson.D, opts ...Find) (*query, error) {
	q := &query{}
	var err error
	if q.raw, err = document.Marshal(nonNil(filter)); err != nil {
		return nil, err
	}
	if q.filter, err = document.ParseFilter(q.raw); err != nil {
		return nil, err
	}
	for _, o := range opts {
		if err := q.option(o); err != nil {
			return nil, err
		}
	}
	return q, nil
}

func (q *query) option(o Find) error {
	if o.Limit != 0 {
		q.limit = o.Limit
	}
	q.scan = q.scan || o.Scan
	if len(o.Sort) > 0 {
		d, err := document.Marshal(o.Sort)
		if err != nil {
			return err
		}
		if q.sort, err = document.ParseSort(d); err != nil {
			return err
		}
	}
	if len(o.Fields) > 0 {
		d, err := document.Marshal(o.Fields)
		if err != nil {
			return err
		}
		if q.fields, err = document.ParseProjection(d); err != nil {
			return err
		}
	}
	return nil
}

func nonNil(d bson.D) bson.D {
	if d == nil {
		return bson.D{}
	}
	return d
}

// shape is an index as the planner sees it: the fields with their directions.
type shape struct {
	Index
	fields []shapeField
}

type shapeField struct {
	name string
	path document.Path
	desc bool
}

func shapeOf(ix Index) shape {
	s := shape{Index: ix}
	for _, f := range ix.Fields {
		sf := shapeField{name: f}
		if f[0] == '-' {
			sf.name, sf.desc = f[1:], true
		}
		sf.path, _ = document.ParsePath(sf.name)
		s.fields = append(s.fields, sf)
	}
	return s
}

// idShape is the index every collection has.
var idShape = shapeOf(Index{Name: "_id_", Fields: []string{"_id"}, Unique: true})

// shapesOf are a collection's indexes, the one on _id first.
func shapesOf(s Spec) []shape {
	out := []shape{idShape}
	for _, ix := range s.Indexes {
		out = append(out, shapeOf(ix))
	}
	return out
}

// span is one seek: equal keys for the index's first fields, and bounds for the next one.
type span struct {
	eq        [][]byte
	in        [][]byte // any of these for the first field, instead of eq
	low, high bound
}

type bound struct {
	key  []byte // nil: none
	open bool   // the key itself is left out
}

// access is one way to read: spans of one index. Within a span documents come in the
// order that was asked for, where sorted says so.
type access struct {
	index    *shape // nil: the whole collection
	spans    []span
	reverse  bool
	sorted   bool
	score    int
	residual bool // predicates remain
}

// plan is how a query is answered: accesses whose results are merged, each document
// checked against the whole filter.
type plan struct {
	accesses []access
	sorted   bool // each span gives the order asked for: merge; else sort in memory
	points   bool // at most one document per span
}

// seeks is how many cursors the plan opens.
func (p *plan) seeks() int {
	n := 0
	for _, a := range p.accesses {
		n += len(a.spans)
	}
	return n
}

// planQuery finds the way with the most equalities that also gives the order. A filter
// that no index serves is ErrUnsupported, unless it is empty or scanning was asked for.
func planQuery(collection string, shapes []shape, q *query) (*plan, error) {
	whole := bestAccess(shapes, q.filter.Preds, q.sort)
	best := &plan{}
	if whole != nil {
		whole.residual = whole.residual || len(q.filter.Ors) > 0
		best = &plan{accesses: []access{*whole}, sorted: whole.sorted}
	}
	if union := planOr(shapes, q, whole); union != nil {
		best = union
	}
	if len(best.accesses) == 0 || !seeking(best, q) {
		return nil, fmt.Errorf("%w: %s: no index serves this query", ErrUnsupported, collection)
	}
	best.points = slices.IndexFunc(best.accesses, func(a access) bool {
		return a.index == nil || !a.index.Unique || len(a.spans) == 0 || len(a.spans[0].eq) < len(a.index.fields)
	}) < 0
	return best, nil
}

// seeking reports whether the plan reads no more than was asked for.
func seeking(p *plan, q *query) bool {
	for _, a := range p.accesses {
		if a.score > scoreSorted {
			continue
		}
		everything := q.filter.Empty() && (q.limit == 0 || a.sorted)
		if !q.scan && !everything {
			return false
		}
	}
	return true
}

const (
	scoreEq     = 4
	scoreRange  = 2
	scoreSorted = 1
)

// planOr reads each branch of a disjunction through an index of its own, which is how
// key-set paging seeks. It is nil where that is no better than reading without the branches.
func planOr(shapes []shape, q *query, whole *access) *plan {
	var best *plan
	least := 0
	if whole != nil {
		least = whole.score
	}
	for _, branches := range q.filter.Ors {
		p := &plan{sorted: true}
		worst := 0
		for i, b := range branches {
			preds := append(slices.Clone(q.filter.Preds), b.Preds...)
			a := bestAccess(shapes, preds, q.sort)
			if a == nil || whole != nil && whole.sorted && !a.sorted {
				p = nil
				break
			}
			if i == 0 || a.score < worst {
				worst = a.score
			}
			p.sorted = p.sorted && a.sorted
			p.accesses = append(p.accesses, *a)
		}
		if p != nil && worst > least && p.seeks() <= maxRanges {
			best, least = p, worst
		}
	}
	return best
}

// bestAccess is the best index for a conjunction; reading everything counts nothing.
func bestAccess(shapes []shape, preds []document.Pred, sort []document.SortField) *access {
	best := &access{sorted: len(sort) == 0}
	for i := range shapes {
		a := accessBy(&shapes[i], preds, sort)
		if a != nil && (a.score > best.score || a.score == best.score && a.sorted && !best.sorted) {
			best = a
		}
	}
	return best
}

// accessBy uses one index as far as it goes. It is nil where the index cannot serve.
func accessBy(ix *shape, preds []document.Pred, sort []document.SortField) *access {
	a := &access{index: ix, spans: []span{{}}}
	used := map[int]bool{}
	var constant []string
	n := 0
	for ; n < len(ix.fields); n++ {
		keys, at := equalities(ix.fields[n], preds, (ix.Array || ix.Sparse) && n == 0)
		if at < 0 || len(a.spans)*len(keys) > maxRanges {
			break
		}
		used[at] = true
		a.spans = multiply(a.spans, keys)
		constant = append(constant, ix.fields[n].name)
		a.score += scoreEq
	}
	if (ix.Array || ix.Sparse) && n == 0 {
		return nil
	}
	if n < len(ix.fields) {
		if low, high, ok := bounds(ix.fields[n], preds, used); ok {
			for i := range a.spans {
				a.spans[i].low, a.spans[i].high = low, high
			}
			a.score += scoreRange
		}
	}
	a.sorted, a.reverse = sortedBy(ix, n, constant, sort)
	if a.sorted && len(sort) > 0 {
		a.score += scoreSorted
	}
	a.residual = len(used) < len(preds)
	return a
}

func multiply(spans []span, keys [][]byte) []span {
	out := make([]span, 0, len(spans)*len(keys))
	for _, s := range spans {
		for _, k := range keys {
			out = append(out, span{eq: append(slices.Clone(s.eq), k)})
		}
	}
	return out
}

// equalities are the keys a field may have, from its first equality or $in. Indexes on an
// array's elements and sparse ones hold nothing for null.
func equalities(f shapeField, preds []document.Pred, noNull bool) ([][]byte, int) {
	for i := range preds {
		p := &preds[i]
		if !slices.Equal(p.Path, f.path) {
			continue
		}
		vals := p.Vals
		switch p.Op {
		case document.Eq:
			vals = []document.Value{p.Val}
		case document.In:
		default:
			continue
		}
		if keys, ok := keysOf(vals, noNull); ok {
			return keys, i
		}
	}
	return nil, -1
}

func keysOf(vals []document.Value, noNull bool) ([][]byte, bool) {
	keys := make([][]byte, 0, len(vals))
	for _, v := range vals {
		if !document.Ordered(v) || noNull && document.Null(v) {
			return nil, false
		}
		k := document.AppendKey(nil, v)
		if !slices.ContainsFunc(keys, func(o []byte) bool { return bytes.Equal(o, k) }) {
			keys = append(keys, k)
		}
	}
	return keys, true
}

// bounds are the tightest limits that the predicates put on a field.
func bounds(f shapeField, preds []document.Pred, used map[int]bool) (low, high bound, ok bool) {
	for i := range preds {
		p := &preds[i]
		if !slices.Equal(p.Path, f.path) || !document.Ordered(p.Val) || document.Null(p.Val) {
			continue
		}
		lo, hi := document.ClassBounds(p.Val)
		key := document.AppendKey(nil, p.Val)
		switch p.Op {
		case document.Gt, document.Gte:
			low = higher(low, bound{key, p.Op == document.Gt})
			high = lower(high, bound{hi, true})
		case document.Lt, document.Lte:
			low = higher(low, bound{lo, false})
			high = lower(high, bound{key, p.Op == document.Lt})
		default:
			continue
		}
		used[i] = true
		ok = true
	}
	return low, high, ok
}

func higher(a, b bound) bound {
	if c := bytes.Compare(a.key, b.key); a.key == nil || c < 0 || c == 0 && b.open {
		return b
	}
	return a
}

func lower(a, b bound) bound {
	if c := bytes.Compare(a.key, b.key); a.key == nil || c > 0 || c == 0 && b.open {
		return b
	}
	return a
}

// sortedBy reports whether an index whose first n fields are constant gives an order, and
// whether it is read backwards for it.
func sortedBy(ix *shape, n int, constant []string, sort []document.SortField) (sorted, reverse bool) {
	at := n
	decided := false
	for _, s := range sort {
		name := s.Path.String()
		elements := ix.Array && name == ix.fields[0].name // a document has several
		if slices.Contains(constant, name) && !elements {
			continue
		}
		if at == len(ix.fields) {
			// Nothing more to tell apart where the index is unique.
			return ix.Unique, reverse
		}
		f := ix.fields[at]
		if f.name != name || decided && (f.desc != s.Desc) != reverse {
			return false, false
		}
		reverse, decided = f.desc != s.Desc, true
		at++
	}
	return true, reverse
}
