package store

import (
	"context"
	"fmt"

	"github.com/parley-hub/parley/internal/store/document"
	"go.mongodb.org/mongo-driver/v2/bson"
)

type embeddedCollection struct {
	e *Embedded
	t *table
}

func (c *embeddedCollection) Insert(ctx context.Context, doc any) error {
	op, err := c.insertOp(doc)
	if err != nil {
		return err
	}
	return c.submit(ctx, op)
}

// submit writes one operation.
func (c *embeddedCollection) submit(ctx context.Context, op *writeOp) error {
	if err := c.e.submit(ctx, op); err != nil {
		return err
	}
	return op.err
}

func (c *embeddedCollection) insertOp(doc any) (*writeOp, error) {
	d, err := document.Marshal(doc)
	if err != nil {
		return nil, err
	}
	rec, err := c.t.recordOf(d)
	if err != nil {
		return nil, err
	}
	return &writeOp{t: c.t, rec: rec}, nil
}

func (c *embeddedCollection) Bulk(ctx context.Context, writes ...Write) ([]error, error) {
	errs := make([]error, len(writes))
	ops := make([]*writeOp, len(writes))
	var run []*writeOp
	for i, w := range writes {
		if ops[i], errs[i] = c.bulkOp(w); errs[i] == nil {
			run = append(run, ops[i])
		}
	}
	if len(run) == 0 {
		return errs, nil
	}
	if err := c.e.submit(ctx, run...); err != nil {
		return errs, err
	}
	for i, op := range ops {
		if errs[i] != nil {
			continue
		}
		if errs[i] = op.err; op.err == nil && op.rec == nil && op.matched == 0 && !op.inserted {
			errs[i] = ErrNoMatch
		}
	}
	return errs, nil
}

func (c *embeddedCollection) bulkOp(w Write) (*writeOp, error) {
	if w.Insert != nil {
		return c.insertOp(w.Insert)
	}
	if w.Update == nil {
		return nil, fmt.Errorf("store: %s: a write without insert or update", c.t.spec.Name)
	}
	op, err := c.t.opOf(w.Filter, w.Update)
	if err != nil {
		return nil, err
	}
	op.upsert = w.Upsert
	return op, nil
}

func (c *embeddedCollection) One(ctx context.Context, filter bson.D, out any, opts ...Find) error {
	var found document.Doc
	err := c.find(ctx, filter, append(opts[:len(opts):len(opts)], Find{Limit: 1}), func(s stored) error {
		found = s.doc
		return nil
	})
	if err != nil {
		return err
	}
	if found == nil {
		return ErrNotFound
	}
	return document.Unmarshal(found, out)
}

func (c *embeddedCollection) All(ctx context.Context, filter bson.D, out any, opts ...Find) error {
	slice, err := document.Slice(out)
	if err != nil {
		return err
	}
	var docs []document.Doc
	err = c.find(ctx, filter, opts, func(s stored) error {
		docs = append(docs, s.doc)
		return nil
	})
	if err != nil {
		return err
	}
	return document.AppendAll(docs, slice)
}

func (c *embeddedCollection) Each(ctx context.Context, filter bson.D, f func(bson.Raw) error, opts ...Find) (err error) {
	q, p, err := c.plan(filter, opts)
	if err != nil {
		return err
	}
	conn, err := c.e.connection()
	if err != nil {
		return err
	}
	defer func() { c.e.putBack(conn, err) }()
	return c.e.findOn(ctx, conn, c.t, q, p, func(s stored) error { return f(bson.Raw(s.doc)) })
}

func (c *embeddedCollection) Count(ctx context.Context, filter bson.D) (n int64, err error) {
	err = c.find(ctx, filter, []Find{{Scan: true}}, func(stored) error {
		n++
		return nil
	})
	return n, err
}

func (c *embeddedCollection) plan(filter bson.D, opts []Find) (*query, *plan, error) {
	q, err := parseQuery(filter, opts...)
	if err != nil {
		return nil, nil, err
	}
	p, err := planQuery(c.t.spec.Name, c.t.shapes, q)
	return q, p, err
}

func (c *embeddedCollection) find(ctx context.Context, filter bson.D, opts []Find, f func(stored) error) error {
	q, p, err := c.plan(filter, opts)
	if err != nil {
		return err
	}
	return c.e.find(ctx, c.t, q, p, f)
}

func (c *embeddedCollection) Update(ctx context.Context, filter, update bson.D) (int64, error) {
	op, err := c.t.opOf(filter, update)
	if err != nil {
		return 0, err
	}
	err = c.submit(ctx, op)
	return op.count(err)
}

func (c *embeddedCollection) UpdateMany(ctx context.Context, filter, update bson.D) (int64, error) {
	op, err := c.t.opOf(filter, update)
	if err != nil {
		return 0, err
	}
	op.many = true
	err = c.submit(ctx, op)
	return op.count(err)
}

func (c *embeddedCollection) Upsert(ctx context.Context, filter, update bson.D) (bool, error) {
	op, err := c.t.opOf(filter, update)
	if err != nil {
		return false, err
	}
	op.upsert = true
	if err := c.submit(ctx, op); err != nil {
		return false, err
	}
	return op.inserted, nil
}

func (c *embeddedCollection) Modify(ctx context.Context, filter, update bson.D, upsert bool, out any) error {
	op, err := c.t.opOf(filter, update)
	if err != nil {
		return err
	}
	op.upsert = upsert
	if err := c.submit(ctx, op); err != nil {
		return err
	}
	if op.after == nil {
		return ErrNotFound
	}
	if out == nil {
		return nil
	}
	return document.Unmarshal(op.after, out)
}

func (c *embeddedCollection) Delete(ctx context.Context, filter bson.D) (int64, error) {
	q, p, err := c.plan(filter, nil)
	if err != nil {
		return 0, err
	}
	op := &writeOp{t: c.t, q: q, plan: p, remove: true}
	err = c.submit(ctx, op)
	return op.count(err)
}
