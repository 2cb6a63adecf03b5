// Package ferrettest runs the store's conformance suite on the MongoDB engine against
// FerretDB, in process. It is a module of its own, so that FerretDB weighs on nothing
// else. FerretDB is an outside judge of meaning, not of concurrency or speed.
package ferrettest

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/FerretDB/FerretDB/ferretdb"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/internal/store/storetest"
)

// skips are the checks that FerretDB cannot pass, each for a reason of its own.
var skips = []storetest.Skip{
	{Check: "compare and set races", Reason: "FerretDB's updates read and write in two steps"},
	{Check: "upsert races", Reason: "FerretDB's updates read and write in two steps"},
	{Check: "modify races", Reason: "FerretDB's findAndModify is not atomic"},
	{Check: "updates/unset element", Reason: "FerretDB removes the element; MongoDB makes it null"},
	{Check: "updates/push, keep the last", Reason: "FerretDB ignores $slice"},
	{Check: "updates/push array", Reason: "FerretDB has no arrays in arrays"},
	{Check: "updates/pull by condition", Reason: "FerretDB's $pull compares whole documents only"},
	{Check: "values/nested arrays", Reason: "FerretDB has no arrays in arrays"},
	{Check: "duplicates/missing counts as a value", Reason: "FerretDB's unique indexes leave documents without the field out"},
	{Check: "duplicates/by update", Reason: "FerretDB answers an internal error instead of a duplicate key"},
}

var databases atomic.Int64

func TestFerretDB(t *testing.T) {
	f, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: "127.0.0.1:0"},
		Logger:    slog.New(slog.NewTextHandler(io.Discard, nil)),
		Handler:   "sqlite",
		SQLiteURL: "file:" + t.TempDir() + "/",
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	defer func() {
		cancel()
		<-done
	}()
	storetest.Run(t, func(t testing.TB) store.Store { return open(t, f) }, skips...)
}

// open gives each check a database of its own.
func open(t testing.TB, f *ferretdb.FerretDB) store.Store {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	uri := fmt.Sprintf("%ssuite%d", f.MongoDBURI(), databases.Add(1))
	s, err := store.OpenMongo(ctx, uri, store.WithSchema(storetest.Specs))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := s.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	return s
}
