package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// existing is an index as the server lists it.
type existing struct {
	Name    string   `bson:"name"`
	Key     bson.D   `bson:"key"`
	Unique  bool     `bson:"unique"`
	Sparse  bool     `bson:"sparse"`
	Partial bson.Raw `bson:"partialFilterExpression"`
}

// ensureIndexes creates declared indexes by name, rebuilds those that are declared
// differently now, and drops the others. It is called by one node at a time.
func (e *Mongo) ensureIndexes(ctx context.Context) error {
	for _, spec := range e.schema {
		if err := e.colls[spec.Name].ensureIndexes(ctx, e.db); err != nil {
			return fmt.Errorf("store: indexes of %s: %w", spec.Name, err)
		}
	}
	return nil
}

// codeExists is what creating a collection that exists answers.
const codeExists = 48

func (c *mongoCollection) ensureIndexes(ctx context.Context, db *mongo.Database) error {
	err := db.CreateCollection(ctx, c.spec.Name)
	var s mongo.ServerError
	if err != nil && (!errors.As(err, &s) || !s.HasErrorCode(codeExists)) {
		return mongoError(c.spec.Name, err)
	}
	cur, err := c.c.Indexes().List(ctx)
	if err != nil {
		return mongoError(c.spec.Name, err)
	}
	var have []existing
	if err := cur.All(ctx, &have); err != nil {
		return mongoError(c.spec.Name, err)
	}
	for _, h := range have {
		i := slices.IndexFunc(c.spec.Indexes, func(ix Index) bool { return ix.Name == h.Name })
		if h.Name == idShape.Name || i >= 0 && same(c.spec.Indexes[i], h) {
			continue
		}
		if err := c.c.Indexes().DropOne(ctx, h.Name); err != nil {
			return mongoError(c.spec.Name, err)
		}
	}
	for _, ix := range c.spec.Indexes {
		if slices.ContainsFunc(have, func(h existing) bool { return h.Name == ix.Name && same(ix, h) }) {
			continue
		}
		if err := c.createIndex(ctx, ix); err != nil {
			return err
		}
	}
	return nil
}

// keysOfIndex is an index's key document.
func keysOfIndex(ix Index) (keys bson.D) {
	for _, f := range shapeOf(ix).fields {
		dir := int32(1)
		if f.desc {
			dir = -1
		}
		keys = append(keys, bson.E{Key: f.name, Value: dir})
	}
	return keys
}

func same(ix Index, h existing) bool {
	return h.Unique == ix.Unique && slices.EqualFunc(keysOfIndex(ix), h.Key, func(a, b bson.E) bool {
		return a.Key == b.Key && fmt.Sprint(a.Value) == fmt.Sprint(b.Value)
	})
}

// createIndex makes an index; a server without partial indexes gets the plain one, which
// serves the same queries, unless it is unique and would refuse what is allowed.
func (c *mongoCollection) createIndex(ctx context.Context, ix Index) error {
	o := options.Index().SetName(ix.Name)
	if ix.Unique {
		o.SetUnique(true)
	}
	if !ix.Sparse {
		_, err := c.c.Indexes().CreateOne(ctx, mongo.IndexModel{Keys: keysOfIndex(ix), Options: o})
		return mongoError(c.spec.Name, err)
	}
	first := shapeOf(ix).fields[0].name
	partial := options.Index().SetName(ix.Name).SetPartialFilterExpression(bson.D{{Key: first, Value: bson.D{{Key: "$exists", Value: true}}}})
	if ix.Unique {
		partial.SetUnique(true)
	}
	_, err := c.c.Indexes().CreateOne(ctx, mongo.IndexModel{Keys: keysOfIndex(ix), Options: partial})
	var s mongo.ServerError
	if err == nil || ix.Unique || !errors.As(err, &s) {
		return mongoError(c.spec.Name, err)
	}
	_, err = c.c.Indexes().CreateOne(ctx, mongo.IndexModel{Keys: keysOfIndex(ix), Options: o})
	return mongoError(c.spec.Name, err)
}
