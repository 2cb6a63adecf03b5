package store_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/internal/store/storetest"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// mongoVariable names a MongoDB server to run the suite on, such as mongodb://127.0.0.1:27017.
const mongoVariable = "PARLEY_TEST_MONGODB"

func TestMongoDBSuite(t *testing.T) {
	uri := os.Getenv(mongoVariable)
	if uri == "" {
		t.Skip(mongoVariable + " names no server")
	}
	client, err := mongo.Connect(options.Client().ApplyURI(uri))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	storetest.Run(t, func(t testing.TB) store.Store {
		n++
		name := fmt.Sprintf("parley_test_%s_%d", strings.ToLower(ulid.Make().String()), n)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		base, query, _ := strings.Cut(uri, "?")
		s, err := store.OpenMongo(ctx, strings.TrimSuffix(base, "/")+"/"+name+"?"+query, store.WithSchema(storetest.Specs))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if err := client.Database(name).Drop(context.Background()); err != nil {
				t.Error(err)
			}
		})
		if err := s.Migrate(ctx); err != nil {
			t.Fatal(err)
		}
		return s
	})
}
