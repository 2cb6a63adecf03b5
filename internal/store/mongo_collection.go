package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/oklog/ulid/v2"
	"github.com/parley-hub/parley/internal/store/document"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// mongoCollection passes filters and updates straight through, after the same checks that
// the embedded engine makes: what it refuses is refused here too.
type mongoCollection struct {
	c      *mongo.Collection
	spec   Spec
	shapes []shape
}

// upsertTries is how often an upsert that raced with another is tried.
const upsertTries = 10

func (c *mongoCollection) encode(doc any) (document.Doc, error) {
	d, err := document.Marshal(doc)
	if err != nil {
		return nil, err
	}
	if _, ok := document.ID(d); !ok {
		return nil, fmt.Errorf("store: %s: a document needs a string as _id", c.spec.Name)
	}
	return d, c.checkArrays(d)
}

// checkArrays refuses an array where a plain index expects one value, as the embedded engine does.
func (c *mongoCollection) checkArrays(d document.Doc) error {
	for i := range c.shapes {
		for n, f := range c.shapes[i].fields {
			if c.shapes[i].Array && n == 0 {
				continue
			}
			if _, err := keyOf(d, f.path); err != nil {
				return fmt.Errorf("store: %s: %w", c.spec.Name, err)
			}
		}
	}
	return nil
}

func (c *mongoCollection) Insert(ctx context.Context, doc any) error {
	d, err := c.encode(doc)
	if err != nil {
		return err
	}
	_, err = c.c.InsertOne(ctx, bson.Raw(d))
	return c.fail(ctx, d, err)
}

// query parses and plans, so that both engines refuse the same filters.
func (c *mongoCollection) query(filter bson.D, opts ...Find) (*query, error) {
	q, err := parseQuery(filter, opts...)
	if err != nil {
		return nil, err
	}
	_, err = planQuery(c.spec.Name, c.shapes, q)
	return q, err
}

// change parses an update with its filter.
func (c *mongoCollection) change(filter, update bson.D) (*query, bson.Raw, error) {
	q, err := c.query(filter)
	if err != nil {
		return nil, nil, err
	}
	d, err := document.Marshal(nonNil(update))
	if err != nil {
		return nil, nil, err
	}
	_, err = document.ParseUpdate(d)
	return q, bson.Raw(d), err
}

func (c *mongoCollection) One(ctx context.Context, filter bson.D, out any, opts ...Find) error {
	q, err := c.query(filter, append(opts[:len(opts):len(opts)], Find{Limit: 1})...)
	if err != nil {
		return err
	}
	o := options.FindOne()
	if d := sortOf(opts); d != nil {
		o.SetSort(d)
	}
	if d := fieldsOf(opts); d != nil {
		o.SetProjection(d)
	}
	raw, err := c.c.FindOne(ctx, q.raw, o).Raw()
	if errors.Is(err, mongo.ErrNoDocuments) {
		return ErrNotFound
	}
	if err != nil {
		return c.fail(ctx, nil, err)
	}
	return document.Unmarshal(raw, out)
}

func sortOf(opts []Find) (d any) {
	for _, o := range opts {
		if len(o.Sort) > 0 {
			d = o.Sort
		}
	}
	return d
}

func fieldsOf(opts []Find) (d any) {
	for _, o := range opts {
		if len(o.Fields) > 0 {
			d = o.Fields
		}
	}
	return d
}

func (c *mongoCollection) All(ctx context.Context, filter bson.D, out any, opts ...Find) error {
	slice, err := document.Slice(out)
	if err != nil {
		return err
	}
	var docs []document.Doc
	err = c.Each(ctx, filter, func(raw bson.Raw) error {
		docs = append(docs, append(document.Doc(nil), raw...))
		return nil
	}, opts...)
	if err != nil {
		return err
	}
	return document.AppendAll(docs, slice)
}

func (c *mongoCollection) Each(ctx context.Context, filter bson.D, f func(bson.Raw) error, opts ...Find) (err error) {
	q, err := c.query(filter, opts...)
	if err != nil {
		return err
	}
	o := options.Find()
	if d := sortOf(opts); d != nil {
		o.SetSort(d)
	}
	if d := fieldsOf(opts); d != nil {
		o.SetProjection(d)
	}
	if q.limit > 0 {
		o.SetLimit(int64(q.limit))
	}
	cur, err := c.c.Find(ctx, q.raw, o)
	if err != nil {
		return c.fail(ctx, nil, err)
	}
	defer func() { err = errors.Join(err, c.fail(ctx, nil, cur.Close(context.WithoutCancel(ctx)))) }()
	for cur.Next(ctx) {
		if err := f(cur.Current); err != nil {
			return err
		}
	}
	return c.fail(ctx, nil, cur.Err())
}

func (c *mongoCollection) Count(ctx context.Context, filter bson.D) (int64, error) {
	q, err := c.query(filter, Find{Scan: true})
	if err != nil {
		return 0, err
	}
	n, err := c.c.CountDocuments(ctx, q.raw)
	return n, c.fail(ctx, nil, err)
}

func (c *mongoCollection) Update(ctx context.Context, filter, update bson.D) (int64, error) {
	q, u, err := c.change(filter, update)
	if err != nil {
		return 0, err
	}
	res, err := c.c.UpdateOne(ctx, q.raw, u)
	if err != nil {
		return 0, c.failChange(ctx, q, u, err)
	}
	return res.MatchedCount, nil
}

func (c *mongoCollection) UpdateMany(ctx context.Context, filter, update bson.D) (int64, error) {
	q, u, err := c.change(filter, update)
	if err != nil {
		return 0, err
	}
	res, err := c.c.UpdateMany(ctx, q.raw, u)
	if err != nil {
		return 0, c.failChange(ctx, q, u, err)
	}
	return res.MatchedCount, nil
}

func (c *mongoCollection) Upsert(ctx context.Context, filter, update bson.D) (bool, error) {
	q, u, err := c.change(filter, update)
	if err != nil {
		return false, err
	}
	return c.upsert(ctx, q, u)
}

// upsert tries again where it raced: the document that stood in the way is then found.
func (c *mongoCollection) upsert(ctx context.Context, q *query, u bson.Raw) (bool, error) {
	seed, u, err := c.seed(q, u)
	if err != nil {
		return false, err
	}
	for try := 1; ; try++ {
		res, err := c.c.UpdateOne(ctx, q.raw, u, options.UpdateOne().SetUpsert(true))
		if err == nil {
			return res.UpsertedCount == 1, nil
		}
		if !duplicate(err) || try == upsertTries {
			return false, c.fail(ctx, seed, err)
		}
	}
}

// seed is the document an upsert would make, and the update with an id for it where
// neither filter nor update has one: ids are strings, and the server would make another kind.
func (c *mongoCollection) seed(q *query, u bson.Raw) (document.Doc, bson.Raw, error) {
	parsed, err := document.ParseUpdate(document.Doc(u))
	if err != nil {
		return nil, nil, err
	}
	doc, err := document.Seed(&q.filter)
	if err != nil {
		return nil, nil, err
	}
	if doc, err = parsed.Apply(doc, true); err != nil {
		return nil, nil, err
	}
	if _, err := doc.LookupErr("_id"); err == nil {
		return doc, u, c.checkNew(doc)
	}
	var d bson.D
	if err := bson.Unmarshal(u, &d); err != nil {
		return nil, nil, fmt.Errorf("store: %w", err)
	}
	id := bson.E{Key: "_id", Value: ulid.Make().String()}
	for i := range d {
		if on, ok := d[i].Value.(bson.D); ok && d[i].Key == "$setOnInsert" {
			d[i].Value = append(on, id)
			out, err := document.Marshal(d)
			return doc, bson.Raw(out), err
		}
	}
	out, err := document.Marshal(append(d, bson.E{Key: "$setOnInsert", Value: bson.D{id}}))
	return doc, bson.Raw(out), err
}

func (c *mongoCollection) checkNew(doc document.Doc) error {
	if _, ok := document.ID(doc); !ok {
		return fmt.Errorf("store: %s: a document needs a string as _id", c.spec.Name)
	}
	return c.checkArrays(doc)
}

func (c *mongoCollection) Modify(ctx context.Context, filter, update bson.D, upsert bool, out any) error {
	q, u, err := c.change(filter, update)
	if err != nil {
		return err
	}
	var seed document.Doc
	if upsert {
		if seed, u, err = c.seed(q, u); err != nil {
			return err
		}
	}
	o := options.FindOneAndUpdate().SetReturnDocument(options.After).SetUpsert(upsert)
	for try := 1; ; try++ {
		raw, err := c.c.FindOneAndUpdate(ctx, q.raw, u, o).Raw()
		switch {
		case err == nil && out == nil:
			return nil
		case err == nil:
			return document.Unmarshal(raw, out)
		case errors.Is(err, mongo.ErrNoDocuments):
			return ErrNotFound
		case upsert && duplicate(err) && try < upsertTries:
		case upsert:
			return c.fail(ctx, seed, err)
		default:
			return c.failChange(ctx, q, u, err)
		}
	}
}

func (c *mongoCollection) Delete(ctx context.Context, filter bson.D) (int64, error) {
	q, err := c.query(filter)
	if err != nil {
		return 0, err
	}
	res, err := c.c.DeleteMany(ctx, q.raw)
	if err != nil {
		return 0, c.fail(ctx, nil, err)
	}
	return res.DeletedCount, nil
}

// Bulk sends runs of inserts in one round, and changes one by one: each has an answer of
// its own, and a raced upsert is tried again.
func (c *mongoCollection) Bulk(ctx context.Context, writes ...Write) ([]error, error) {
	errs := make([]error, len(writes))
	for i := 0; i < len(writes); {
		n := 1
		for writes[i].Insert != nil && i+n < len(writes) && writes[i+n].Insert != nil {
			n++
		}
		var err error
		if n > 1 {
			err = c.insertMany(ctx, writes[i:i+n], errs[i:i+n])
		} else if errs[i] = c.write(ctx, writes[i]); errors.Is(errs[i], ErrUnavailable) {
			err = errs[i]
		}
		if err != nil {
			return errs, err
		}
		i += n
	}
	return errs, nil
}

// insertMany inserts in one round that goes on after an error.
func (c *mongoCollection) insertMany(ctx context.Context, writes []Write, errs []error) error {
	var docs []bson.Raw
	var at []int
	for i, w := range writes {
		d, err := c.encode(w.Insert)
		if errs[i] = err; err == nil {
			docs, at = append(docs, bson.Raw(d)), append(at, i)
		}
	}
	if len(docs) == 0 {
		return nil
	}
	_, err := c.c.InsertMany(ctx, docs, options.InsertMany().SetOrdered(false))
	var bulk mongo.BulkWriteException
	if !errors.As(err, &bulk) || bulk.WriteConcernError != nil {
		return c.fail(ctx, nil, err)
	}
	for _, we := range bulk.WriteErrors {
		one := mongo.WriteException{WriteErrors: mongo.WriteErrors{we.WriteError}, Labels: bulk.Labels}
		errs[at[we.Index]] = c.fail(ctx, document.Doc(docs[we.Index]), one)
	}
	return nil
}

func (c *mongoCollection) write(ctx context.Context, w Write) error {
	switch {
	case w.Insert != nil:
		return c.Insert(ctx, w.Insert)
	case w.Update == nil:
		return fmt.Errorf("store: %s: a write without insert or update", c.spec.Name)
	case w.Upsert:
		_, err := c.Upsert(ctx, w.Filter, w.Update)
		return err
	}
	n, err := c.Update(ctx, w.Filter, w.Update)
	if err == nil && n == 0 {
		return ErrNoMatch
	}
	return err
}
