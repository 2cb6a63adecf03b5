// Package store is the record: the part of MongoDB that Parley relies on, as a small
// interface with two engines behind one conformance suite.
//
// Filters and updates are MongoDB's own documents (bson.D). Known filters: equality, $in,
// $gt, $gte, $lt, $lte, $ne, $exists, $or of these, dotted paths, equality with an element
// of an array. Known updates: $set, $unset, $inc, $max, $min, $push, $pull, $addToSet,
// $setOnInsert. Anything else is [ErrUnsupported] at once, never a silent scan.
//
// A read or write whose filter no declared index serves is ErrUnsupported too, in both
// engines. Reading everything is explicit: an empty filter (without a limit, or with one
// and an indexed order), [Find].Scan, or Count.
//
// Documents are structs with json tags; a bson tag overrides (the id is `json:"id"
// bson:"_id"`). Ids are strings. Times are UTC milliseconds.
//
// Errors are told apart by the values below, never by text. No transaction, change
// stream, TTL, collation or capped collection is used.
package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/parley-hub/parley/internal/store/document"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// The errors callers act on.
var (
	ErrNotFound    = errors.New("store: not found")
	ErrUnsupported = document.ErrUnsupported
	// ErrUnavailable wraps every error that says the engine cannot be reached or cannot
	// write now: down, disk full, timed out. What a write did then is unknown.
	ErrUnavailable = errors.New("store: unavailable")
)

// DuplicateError says which unique index refused a document. It tells "_id_" (a repeat)
// from any other index (a stale writer).
type DuplicateError struct {
	Collection string
	Index      string // "_id_" or the declared name
}

func (e *DuplicateError) Error() string {
	return fmt.Sprintf("store: %s: duplicate key in index %s", e.Collection, e.Index)
}

// IsDuplicate reports whether err is a duplicate key in the named index; an empty name means any.
func IsDuplicate(err error, index string) bool {
	var d *DuplicateError
	return errors.As(err, &d) && (index == "" || d.Index == index)
}

// Store is an open database. It is safe for concurrent use.
type Store interface {
	// C names a collection of the [Schema]; an undeclared name panics.
	C(name string) Collection
	// Migrate creates collections and indexes and runs migrations that have not run. It is
	// idempotent and safe with several nodes at once.
	Migrate(context.Context) error
	Ping(context.Context) error
	// Engine names the engine, for people: "embedded", "mongodb".
	Engine() string
	Close() error
}

// Collection is a set of documents. Every write is atomic for one document and durable
// when it returns: fsync or w:majority. In the embedded engine concurrent writes share
// one fsync.
type Collection interface {
	Insert(ctx context.Context, doc any) error
	// Bulk applies writes in order, as one durable unit of work where the engine can (the
	// embedded one: one transaction of the batch, each write on its own savepoint). It goes
	// on after an error; errs has one entry per write, nil where it succeeded. err is for
	// what concerns all of them.
	Bulk(ctx context.Context, writes ...Write) (errs []error, err error)

	// One reads one document into out; ErrNotFound if there is none.
	One(ctx context.Context, filter bson.D, out any, opts ...Find) error
	// All reads documents into out, a pointer to a slice.
	All(ctx context.Context, filter bson.D, out any, opts ...Find) error
	// Each calls f for each document until f returns an error. raw is valid during the call.
	Each(ctx context.Context, filter bson.D, f func(raw bson.Raw) error, opts ...Find) error
	// Count counts; never on a hot path.
	Count(ctx context.Context, filter bson.D) (int64, error)

	// Update changes the first document that matches. matched is 0 where none does, which is
	// how a compare-and-set learns that it lost.
	Update(ctx context.Context, filter, update bson.D) (matched int64, err error)
	// UpdateMany changes every document that matches.
	UpdateMany(ctx context.Context, filter, update bson.D) (matched int64, err error)
	// Upsert changes the document or makes it from the filter's equalities and the update.
	// Racing upserts are retried inside. inserted reports which.
	Upsert(ctx context.Context, filter, update bson.D) (inserted bool, err error)
	// Modify changes the first document that matches and reads it as it is after the change
	// into out, unless that is nil. With upsert it makes it if there is none; else ErrNotFound.
	Modify(ctx context.Context, filter, update bson.D, upsert bool, out any) error
	Delete(ctx context.Context, filter bson.D) (deleted int64, err error)
}

// Find shapes a read. Sort fields end in _id for key-set paging.
type Find struct {
	Sort   bson.D // field: 1 or -1
	Limit  int    // 0: all
	Fields bson.D // projection by inclusion, such as {{"text", 1}}
	Scan   bool   // allow a filter that no index serves
}

// Write is one write of a bulk: exactly one of Insert, or Filter with Update, is set.
type Write struct {
	Insert any
	Filter bson.D
	Update bson.D
	Upsert bool
}

// ErrNoMatch is a Bulk entry's error where an update without upsert matched nothing: a lost compare-and-set.
var ErrNoMatch = errors.New("store: no document matched")
