package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/connstring"
)

// Mongo is the engine of a MongoDB server or one that speaks its protocol.
type Mongo struct {
	client  *mongo.Client
	db      *mongo.Database
	metrics *metrics
	schema  []Spec
	colls   map[string]*mongoCollection
}

// defaultDatabase is used where the URI names none.
const defaultDatabase = "parley"

// selectionTimeout is how long a call waits for a server that can take it. Waiting longer
// would only hold up a reader who could be told.
const selectionTimeout = 5 * time.Second

// OpenMongo connects to MongoDB. Writes wait for a majority. The database is the one the
// URI names, else "parley". The server need not be up: calls are ErrUnavailable until it is.
func OpenMongo(_ context.Context, uri string, opts ...Option) (Store, error) {
	s := settingsOf(opts)
	cs, err := connstring.ParseAndValidate(uri)
	if err != nil {
		return nil, errors.New("store: the MongoDB address is not valid") // its text may hold a password
	}
	m, err := newMetrics(s.metrics)
	if err != nil {
		return nil, err
	}
	co := options.Client().SetAppName("parley").SetServerSelectionTimeout(selectionTimeout).ApplyURI(uri).SetWriteConcern(writeconcern.Majority())
	client, err := mongo.Connect(co)
	if err != nil {
		return nil, fmt.Errorf("store: connect: %w", err)
	}
	name := cs.Database
	if name == "" {
		name = defaultDatabase
	}
	e := &Mongo{client: client, db: client.Database(name), metrics: m, schema: s.schema, colls: map[string]*mongoCollection{}}
	for _, spec := range s.schema {
		e.colls[spec.Name] = &mongoCollection{c: e.db.Collection(spec.Name), spec: spec, shapes: shapesOf(spec)}
	}
	return e, nil
}

// Engine names the engine.
func (e *Mongo) Engine() string { return "mongodb" }

// C names a collection; an undeclared name panics.
func (e *Mongo) C(name string) Collection {
	c := e.colls[name]
	if c == nil {
		panic("store: undeclared collection " + name)
	}
	return measured{c, e.metrics, name}
}

// Ping reaches the primary.
func (e *Mongo) Ping(ctx context.Context) error {
	return mongoError("ping", e.client.Ping(ctx, nil))
}

// Migrate creates indexes and runs the migrations that have not run.
func (e *Mongo) Migrate(ctx context.Context) error { return migrate(ctx, e, e.ensureIndexes) }

// closeTimeout is how long Close waits for calls under way.
const closeTimeout = 5 * time.Second

// Close ends the connections.
func (e *Mongo) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if err := e.client.Disconnect(ctx); err != nil && !errors.Is(err, mongo.ErrClientDisconnected) {
		return fmt.Errorf("store: disconnect: %w", err)
	}
	return nil
}
