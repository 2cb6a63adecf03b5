package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"slices"
	"strings"

	"github.com/parley-hub/parley/internal/store/document"
)

// errStop ends a read early.
var errStop = errors.New("stop")

// cursor reads the documents of one span in the index's order.
type cursor struct {
	rows *rows
	row  [2]driver.Value
	head stored
	live bool
}

func (c *cursor) advance() error {
	ok, err := c.rows.next(c.row[:])
	c.live = ok
	if err != nil || !ok {
		return err
	}
	rid, _ := c.row[0].(int64)
	doc, _ := c.row[1].([]byte)
	c.head = stored{rid, document.Doc(doc)}
	return nil
}

// statement is the SQL of an access and the arguments of a span. Spans of one access
// share the text.
func (t *table) statement(a *access, s span, hasSort bool) (string, []driver.Value) {
	name := quote(t.spec.Name)
	if a.index == nil {
		return "SELECT rid, doc FROM " + name, nil
	}
	var sql strings.Builder
	pre := ""
	if a.index.Array {
		pre = "s."
		sql.WriteString("SELECT m.rid, m.doc FROM " + quote(t.spec.Name+":"+a.index.Name) + " s CROSS JOIN " + name + " m ON m.rid = s.rid")
	} else {
		sql.WriteString("SELECT rid, doc FROM " + name + " INDEXED BY " + t.indexName(a.index))
	}
	args := t.conditions(&sql, pre, a, s)
	if hasSort && a.sorted {
		t.order(&sql, pre, a, len(s.eq))
	}
	return sql.String(), args
}

func (t *table) conditions(sql *strings.Builder, pre string, a *access, s span) (args []driver.Value) {
	word := " WHERE "
	cond := func(field, op string, arg []byte) {
		sql.WriteString(word + pre + columnOf(field) + op)
		word = " AND "
		if arg != nil {
			sql.WriteString("?")
			args = append(args, arg)
		}
	}
	if len(s.in) > 0 {
		sql.WriteString(word + columnOf(a.index.fields[0].name) + " IN (" + marks(len(s.in)) + ")")
		word = " AND "
		args = values(s.in)
	}
	for i, k := range s.eq {
		cond(a.index.fields[i].name, " = ", k)
	}
	if s.low.key != nil {
		cond(a.index.fields[len(s.eq)].name, map[bool]string{true: " > ", false: " >= "}[s.low.open], s.low.key)
	}
	if s.high.key != nil {
		cond(a.index.fields[len(s.eq)].name, map[bool]string{true: " < ", false: " <= "}[s.high.open], s.high.key)
	}
	if a.index.Sparse && !a.index.Array {
		cond(a.index.fields[0].name, " > x'05'", nil)
	}
	return args
}

func (t *table) order(sql *strings.Builder, pre string, a *access, from int) {
	word := " ORDER BY "
	for _, f := range a.index.fields[from:] {
		sql.WriteString(word + pre + columnOf(f.name))
		if f.desc != a.reverse {
			sql.WriteString(" DESC")
		}
		word = ", "
	}
}

// read calls f with every document that matches, in order, up to a limit.
func (t *table) read(c *conn, q *query, p *plan, limit int, f func(stored) error) error {
	n := 0
	give := func(s stored) error {
		if err := f(s); err != nil {
			return err
		}
		if n++; n == limit {
			return errStop
		}
		return nil
	}
	var err error
	switch {
	case len(q.sort) > 0 && !p.sorted:
		err = t.readSorting(c, q, p, give)
	case len(q.sort) > 0 && p.seeks() > 1:
		err = t.readMerging(c, q, p, give)
	default:
		err = t.readThrough(c, q, p, give)
	}
	if errors.Is(err, errStop) {
		return nil
	}
	return err
}

// once drops documents that several spans give.
type once map[int64]bool

func (o once) again(rid int64) bool {
	if o == nil {
		return false
	}
	if o[rid] {
		return true
	}
	o[rid] = true
	return false
}

func onceFor(p *plan) once {
	if p.seeks() > 1 {
		return once{}
	}
	return nil
}

// readThrough reads span after span.
func (t *table) readThrough(c *conn, q *query, p *plan, f func(stored) error) error {
	seen := onceFor(p)
	for i := range p.accesses {
		a := &p.accesses[i]
		for _, s := range a.together() {
			if err := t.readSpan(c, q, a, s, seen, f); err != nil {
				return err
			}
		}
	}
	return nil
}

// maxTogether is how many keys one statement looks up.
const maxTogether = 64

// together are an access's spans, those of one key each folded into few: one statement
// looks up many keys faster than many statements do. Their number is padded to a power of
// two by repeating the last, so that few different statements are needed.
func (a *access) together() []span {
	switch {
	case a.index == nil:
		return []span{{}}
	case len(a.spans) < 2 || len(a.spans[0].eq) > 1 || a.index.Array || a.spans[0].low.key != nil || a.spans[0].high.key != nil:
		return a.spans
	}
	var out []span
	for chunk := range slices.Chunk(a.spans, maxTogether) {
		s := span{}
		for _, one := range chunk {
			s.in = append(s.in, one.eq[0])
		}
		for n := len(s.in); n&(n-1) != 0; n++ {
			s.in = append(s.in, s.in[len(s.in)-1])
		}
		out = append(out, s)
	}
	return out
}

func (t *table) readSpan(c *conn, q *query, a *access, s span, seen once, f func(stored) error) (err error) {
	cur, err := t.open(c, q, a, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cur.rows.close()) }()
	for cur.live {
		if q.filter.Match(cur.head.doc) && !seen.again(cur.head.rid) {
			if err := f(cur.head); err != nil {
				return err
			}
		}
		if err := cur.advance(); err != nil {
			return err
		}
	}
	return nil
}

// open starts a span at its first row.
func (t *table) open(c *conn, q *query, a *access, s span) (*cursor, error) {
	sql, args := t.statement(a, s, len(q.sort) > 0)
	r, err := c.query(sql, args...)
	if err != nil {
		return nil, err
	}
	cur := &cursor{rows: r}
	if err := cur.advance(); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return cur, nil
}

// readMerging reads all spans side by side, in the order asked for.
func (t *table) readMerging(c *conn, q *query, p *plan, f func(stored) error) (err error) {
	var open []*cursor
	defer func() {
		for _, cur := range open {
			err = errors.Join(err, cur.rows.close())
		}
	}()
	for i := range p.accesses {
		for _, s := range p.accesses[i].spans {
			cur, err := t.open(c, q, &p.accesses[i], s)
			if err != nil {
				return err
			}
			open = append(open, cur)
		}
	}
	seen := onceFor(p)
	for {
		first := earliest(open, q.sort)
		if first == nil {
			return nil
		}
		if q.filter.Match(first.head.doc) && !seen.again(first.head.rid) {
			if err := f(first.head); err != nil {
				return err
			}
		}
		if err := first.advance(); err != nil {
			return err
		}
	}
}

func earliest(open []*cursor, by []document.SortField) *cursor {
	var first *cursor
	for _, cur := range open {
		if cur.live && (first == nil || document.CompareDocs(cur.head.doc, first.head.doc, by) < 0) {
			first = cur
		}
	}
	return first
}

// readSorting reads everything an index narrows down to, then sorts.
func (t *table) readSorting(c *conn, q *query, p *plan, f func(stored) error) error {
	var all []stored
	err := t.readThrough(c, q, p, func(s stored) error {
		all = append(all, s)
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(all, func(a, b stored) int { return document.CompareDocs(a.doc, b.doc, q.sort) })
	for _, s := range all {
		if err := f(s); err != nil {
			return err
		}
	}
	return nil
}

// checkEvery is after how many documents a read looks at its context.
const checkEvery = 64

// find reads with a reader's connection. Several spans are read in one transaction, so
// that they see one moment.
func (e *Embedded) find(ctx context.Context, t *table, q *query, p *plan, f func(stored) error) (err error) {
	c, err := e.reader(ctx)
	if err != nil {
		return err
	}
	defer func() { e.release(c, err) }()
	return e.findOn(ctx, c, t, q, p, f)
}

func (e *Embedded) findOn(ctx context.Context, c *conn, t *table, q *query, p *plan, f func(stored) error) (err error) {
	if p.seeks() > 1 {
		if _, err := c.exec("BEGIN"); err != nil {
			return unavailable("begin", err)
		}
		defer func() {
			if _, e := c.exec("COMMIT"); e != nil {
				err = errors.Join(err, unavailable("end a read", e))
			}
		}()
	}
	n := 0
	return t.read(c, q, p, q.limit, func(s stored) error {
		if n++; n%checkEvery == 0 && ctx.Err() != nil {
			return unavailable("read", ctx.Err())
		}
		if q.fields != nil {
			s.doc = q.fields.Apply(s.doc)
		}
		return f(s)
	})
}
