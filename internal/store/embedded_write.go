package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/parley-hub/parley/internal/store/document"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// maxBatch is how many calls share one commit at most; more would only add to the wait.
const maxBatch = 512

// request is one write call waiting for the writer.
type request struct {
	ctx  context.Context
	ops  []*writeOp
	err  error // concerns all of them
	done chan struct{}
}

// writeOp is one write: an insert (rec), a deletion, or a change.
type writeOp struct {
	t      *table
	rec    *record
	remove bool
	q      *query
	plan   *plan
	update *document.Update
	upsert bool
	many   bool

	matched  int64
	inserted bool
	after    document.Doc
	err      error
}

// submit gives a request to the writer and waits until it is durable or refused.
func (e *Embedded) submit(ctx context.Context, ops ...*writeOp) error {
	r := &request{ctx: ctx, ops: ops, done: make(chan struct{})}
	if err := e.enqueue(ctx, r); err != nil {
		return err
	}
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
		return unavailable("wait for a commit, which may still happen", ctx.Err())
	}
}

func (e *Embedded) enqueue(ctx context.Context, r *request) error {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.closed {
		return errClosed
	}
	select {
	case e.queue <- r:
		return nil
	case <-ctx.Done():
		return unavailable("wait for the writer", ctx.Err())
	}
}

// write is the one writer: it takes what waits, applies it in one transaction, and
// answers after the commit.
func (e *Embedded) write() {
	defer close(e.stopped)
	batch := make([]*request, 0, maxBatch)
	for r := range e.queue {
		if len(batch) > 1 {
			// Those just answered often have a next write: let them come along.
			runtime.Gosched()
		}
		batch = append(batch[:0], r)
	fill:
		for len(batch) < maxBatch {
			select {
			case r, ok := <-e.queue:
				if !ok {
					break fill
				}
				batch = append(batch, r)
			default:
				break fill
			}
		}
		e.commit(batch)
		for _, r := range batch {
			close(r.done)
		}
		clear(batch)
	}
}

// commit applies a batch whole or not at all. A write that a unique index or its own
// filter refuses has changed nothing and leaves the others alone; any other error is the
// engine's, and then nothing of the batch has happened.
func (e *Embedded) commit(batch []*request) {
	start := time.Now()
	err := e.transact(batch)
	e.metrics.batch(len(batch), time.Since(start))
	e.dirty.Store(true)
	if err == nil {
		return
	}
	e.log.Error("store: a commit failed", "calls", len(batch), "err", err)
	for _, r := range batch {
		if r.err == nil {
			r.err = err
		}
	}
	e.reopenWriter()
}

func (e *Embedded) transact(batch []*request) error {
	if e.writer == nil {
		if err := e.openWriter(); err != nil {
			return err
		}
	}
	if _, err := e.writer.exec("BEGIN IMMEDIATE"); err != nil {
		return unavailable("begin", err)
	}
	for _, r := range batch {
		if err := r.ctx.Err(); err != nil {
			r.err = unavailable("wait for the writer", err)
			continue
		}
		for _, op := range r.ops {
			if err := op.run(e.writer); err != nil {
				return err
			}
		}
	}
	if _, err := e.writer.exec("COMMIT"); err != nil {
		return unavailable("commit", err)
	}
	return nil
}

// reopenWriter drops the writer's connection, and with it the transaction.
func (e *Embedded) reopenWriter() {
	if e.writer != nil {
		_, _ = e.writer.exec("ROLLBACK") // SQLite may have done so already, and closing does it
		_ = e.writer.close()             // repeats the error that brought us here
		e.writer = nil
	}
}

// run does one write. What it returns is the engine's failure; a refusal is op.err.
func (op *writeOp) run(c *conn) error {
	err := op.apply(c)
	if err == nil || errors.Is(err, ErrUnavailable) {
		return err
	}
	op.err = err
	return nil
}

func (op *writeOp) apply(c *conn) error {
	if op.rec != nil {
		return op.t.add(c, op.rec)
	}
	found, err := op.find(c)
	if err != nil {
		return err
	}
	for _, f := range found {
		if op.remove {
			err = op.t.drop(c, f)
		} else {
			err = op.change(c, f)
		}
		if err != nil {
			return err
		}
		op.matched++
	}
	if len(found) == 0 && op.upsert {
		return op.make(c)
	}
	return nil
}

// stored is a document as it lies in its table.
type stored struct {
	rid int64
	doc document.Doc
}

func (op *writeOp) find(c *conn) (out []stored, err error) {
	limit := 1
	if op.many || op.remove {
		limit = 0
	}
	err = op.t.read(c, op.q, op.plan, limit, func(s stored) error {
		out = append(out, s)
		return nil
	})
	return out, err
}

func (op *writeOp) change(c *conn, old stored) error {
	doc, err := op.update.Apply(old.doc, false)
	if err != nil {
		return err
	}
	op.after = doc
	if &doc[0] == &old.doc[0] {
		return nil
	}
	return op.t.replace(c, old, doc)
}

// make inserts the document of an upsert that found none.
func (op *writeOp) make(c *conn) error {
	doc, err := document.Seed(&op.q.filter)
	if err != nil {
		return err
	}
	if doc, err = op.update.Apply(doc, true); err != nil {
		return err
	}
	if _, err := doc.LookupErr("_id"); err != nil {
		doc = withID(doc)
	}
	rec, err := op.t.recordOf(doc)
	if err != nil {
		return err
	}
	op.after, op.inserted = doc, true
	return op.t.add(c, rec)
}

// withID puts a new id in front of a document.
func withID(doc document.Doc) document.Doc {
	at, buf := bsoncore.AppendDocumentStart(nil)
	buf = bsoncore.AppendStringElement(buf, "_id", ulid.Make().String())
	buf = append(buf, doc[4:len(doc)-1]...)
	buf, _ = bsoncore.AppendDocumentEnd(buf, at)
	return document.Doc(buf)
}

// refused turns a statement's error into a duplicate or the engine's failure.
func (t *table) refused(c *conn, doing string, err error, rid int64, r *record) error {
	if !violates(err) {
		return unavailable(doing, err)
	}
	name, err := t.conflict(c, rid, r)
	if err != nil {
		return err
	}
	return &DuplicateError{Collection: t.spec.Name, Index: name}
}

// conflict finds which unique index holds another document under the record's keys.
func (t *table) conflict(c *conn, rid int64, r *record) (string, error) {
	for i := range t.shapes {
		s := &t.shapes[i]
		if !s.Unique || s.Array {
			continue
		}
		var conds []string
		args := []driver.Value{rid}
		for _, f := range s.fields {
			conds = append(conds, columnOf(f.name)+" = ?")
			args = append(args, t.keyIn(r, columnOf(f.name)))
		}
		found := false
		sql := fmt.Sprintf("SELECT rid FROM %s WHERE rid <> ? AND %s LIMIT 1", quote(t.spec.Name), strings.Join(conds, " AND "))
		if err := c.each(sql, func([]driver.Value) { found = true }, 1, args...); err != nil {
			return "", err
		}
		if found {
			return s.Name, nil
		}
	}
	return "", fmt.Errorf("%w: %s: refused, but no index holds a duplicate", ErrUnavailable, t.spec.Name)
}

func (t *table) keyIn(r *record, name string) []byte {
	if name == "id" {
		return r.id
	}
	return r.keys[slices.IndexFunc(t.columns, func(c column) bool { return c.name == name })]
}

func (t *table) add(c *conn, r *record) error {
	args := make([]driver.Value, 0, 2+len(r.keys))
	args = append(args, r.id, []byte(r.doc))
	for _, k := range r.keys {
		args = append(args, k)
	}
	res, err := c.exec(t.insert, args...)
	if err != nil {
		return t.refused(c, "insert", err, 0, r)
	}
	if len(t.arrays) == 0 {
		return nil
	}
	rid, err := res.LastInsertId()
	if err != nil {
		return unavailable("insert", err)
	}
	for i := range t.arrays {
		if err := t.arrays[i].add(c, r.arrays[i], rid); err != nil {
			return err
		}
	}
	return nil
}

func (a *arrayTable) add(c *conn, entries [][][]byte, rid int64) error {
	for _, e := range entries {
		if _, err := c.exec(a.insert, append(values(e), rid)...); err != nil {
			return unavailable("write an index", err)
		}
	}
	return nil
}

func (a *arrayTable) del(c *conn, entries [][][]byte) error {
	for _, e := range entries {
		if _, err := c.exec(a.remove, values(e)...); err != nil {
			return unavailable("write an index", err)
		}
	}
	return nil
}

func values(keys [][]byte) []driver.Value {
	out := make([]driver.Value, 0, len(keys)+1)
	for _, k := range keys {
		out = append(out, k)
	}
	return out
}

func (t *table) drop(c *conn, old stored) error {
	if len(t.arrays) > 0 {
		r, err := t.recordOf(old.doc)
		if err != nil {
			return err
		}
		for i := range t.arrays {
			if err := t.arrays[i].del(c, r.arrays[i]); err != nil {
				return err
			}
		}
	}
	if _, err := c.exec("DELETE FROM "+quote(t.spec.Name)+" WHERE rid = ?", old.rid); err != nil {
		return unavailable("delete", err)
	}
	return nil
}

// replace writes the changed document and the keys that changed with it.
func (t *table) replace(c *conn, old stored, doc document.Doc) error {
	was, err := t.recordOf(old.doc)
	if err != nil {
		return err
	}
	now, err := t.recordOf(doc)
	if err != nil {
		return err
	}
	var sql strings.Builder
	sql.WriteString("UPDATE " + quote(t.spec.Name) + " SET doc = ?")
	args := []driver.Value{[]byte(doc)}
	for i, c := range t.columns {
		if string(was.keys[i]) != string(now.keys[i]) {
			sql.WriteString(", " + c.name + " = ?")
			args = append(args, now.keys[i])
		}
	}
	sql.WriteString(" WHERE rid = ?")
	if _, err := c.exec(sql.String(), append(args, old.rid)...); err != nil {
		return t.refused(c, "update", err, old.rid, now)
	}
	for i := range t.arrays {
		if err := t.arrays[i].swap(c, was.arrays[i], now.arrays[i], old.rid); err != nil {
			return err
		}
	}
	return nil
}

// swap replaces the entries that changed.
func (a *arrayTable) swap(c *conn, was, now [][][]byte, rid int64) error {
	same := func(list [][][]byte) func([][]byte) bool {
		return func(e [][]byte) bool {
			return slices.ContainsFunc(list, func(o [][]byte) bool {
				return slices.EqualFunc(e, o, func(a, b []byte) bool { return string(a) == string(b) })
			})
		}
	}
	gone := slices.DeleteFunc(slices.Clone(was), same(now))
	if err := a.del(c, gone); err != nil {
		return err
	}
	return a.add(c, slices.DeleteFunc(slices.Clone(now), same(was)), rid)
}

// opOf parses what a change needs, in the caller's goroutine.
func (t *table) opOf(filter, update bson.D) (*writeOp, error) {
	q, err := parseQuery(filter)
	if err != nil {
		return nil, err
	}
	op := &writeOp{t: t, q: q}
	if op.plan, err = planQuery(t.spec.Name, t.shapes, q); err != nil {
		return nil, err
	}
	d, err := document.Marshal(nonNil(update))
	if err != nil {
		return nil, err
	}
	op.update, err = document.ParseUpdate(d)
	return op, err
}

// count is how many documents a write matched. Where the call gave up waiting the writer
// may still be counting.
func (op *writeOp) count(err error) (int64, error) {
	if errors.Is(err, ErrUnavailable) {
		return 0, err
	}
	return op.matched, err
}
