package store

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/parley-hub/parley/internal/store/document"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"
)

// The servers' codes for a duplicate key.
var duplicateCodes = []int{11000, 11001, 12582}

// The codes that say that the server cannot take the call now: not primary, shutting down,
// stepped down, a majority not reached in time, out of disk space.
var unavailableCodes = []int{6, 7, 50, 63, 64, 89, 91, 100, 112, 189, 262, 9001, 10058, 10107, 11600, 11602, 13388, 13435, 13436, 14031}

func duplicate(err error) bool {
	var s mongo.ServerError
	return errors.As(err, &s) && slices.ContainsFunc(duplicateCodes, s.HasErrorCode)
}

// mongoError tells an engine that cannot be reached from a refusal, by type and code.
func mongoError(what string, err error) error {
	if err == nil {
		return nil
	}
	var selection topology.ServerSelectionError
	var conn topology.ConnectionError
	var s mongo.ServerError
	var n net.Error
	down := mongo.IsNetworkError(err) || mongo.IsTimeout(err) || errors.Is(err, mongo.ErrClientDisconnected) ||
		errors.As(err, &selection) || errors.As(err, &conn) || errors.As(err, &n) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
	if !down && errors.As(err, &s) {
		down = slices.ContainsFunc(unavailableCodes, s.HasErrorCode)
	}
	if down {
		return unavailable(what, err)
	}
	return fmt.Errorf("store: %s: %w", what, err)
}

// fail turns the driver's error into the store's. doc is what was to be written.
func (c *mongoCollection) fail(ctx context.Context, doc document.Doc, err error) error {
	if err == nil {
		return nil
	}
	if !duplicate(err) {
		return mongoError(c.spec.Name, err)
	}
	name, probeErr := c.conflict(ctx, doc, err)
	if probeErr != nil {
		return probeErr
	}
	return &DuplicateError{Collection: c.spec.Name, Index: name}
}

// failChange is fail for a change of a document that exists: the document as it would be
// is made again, to find the index that refused it.
func (c *mongoCollection) failChange(ctx context.Context, q *query, u bson.Raw, err error) error {
	if !duplicate(err) {
		return mongoError(c.spec.Name, err)
	}
	raw, findErr := c.c.FindOne(ctx, q.raw).Raw()
	if findErr != nil {
		return c.fail(ctx, nil, err)
	}
	parsed, parseErr := document.ParseUpdate(document.Doc(u))
	if parseErr != nil {
		return parseErr
	}
	after, applyErr := parsed.Apply(document.Doc(raw), false)
	if applyErr != nil {
		return applyErr
	}
	return c.fail(ctx, after, err)
}

// conflict is the name of the index that refused a document: by the pattern in the
// server's answer, and where there is none by looking for the document in the way.
func (c *mongoCollection) conflict(ctx context.Context, doc document.Doc, err error) (string, error) {
	if name := c.byPattern(err); name != "" {
		return name, nil
	}
	for _, s := range c.shapes {
		if !s.Unique || doc == nil {
			continue
		}
		var filter bson.D
		for _, f := range s.fields {
			v, ok := f.path.Get(doc)
			if !ok {
				filter = append(filter, bson.E{Key: f.name, Value: nil})
				continue
			}
			filter = append(filter, bson.E{Key: f.name, Value: bson.RawValue{Type: bson.Type(v.Type), Value: v.Data}})
		}
		if id, ok := document.ID(doc); ok && s.Name != idShape.Name {
			filter = append(filter, bson.E{Key: "_id", Value: bson.D{{Key: "$ne", Value: id}}})
		}
		n, err := c.c.CountDocuments(ctx, filter)
		if err != nil {
			return "", mongoError(c.spec.Name, err)
		}
		if n > 0 {
			return s.Name, nil
		}
	}
	return "", nil
}

// byPattern reads keyPattern from a write error.
func (c *mongoCollection) byPattern(err error) string {
	var raws []bson.Raw
	var we mongo.WriteException
	var ce mongo.CommandError
	if errors.As(err, &we) {
		for _, e := range we.WriteErrors {
			raws = append(raws, e.Raw)
		}
	}
	if errors.As(err, &ce) {
		raws = append(raws, ce.Raw)
	}
	for _, raw := range raws {
		pattern, ok := raw.Lookup("keyPattern").DocumentOK()
		if !ok {
			continue
		}
		els, err := pattern.Elements()
		if err != nil {
			continue
		}
		for _, s := range c.shapes {
			if s.Unique && slices.EqualFunc(s.fields, els, func(f shapeField, e bson.RawElement) bool { return f.name == e.Key() }) {
				return s.Name
			}
		}
	}
	return ""
}
