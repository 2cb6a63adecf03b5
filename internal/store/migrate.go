package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/oklog/ulid/v2"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// migration changes data that an earlier version wrote. It runs once per database; where
// a node dies in the middle it runs again, so it is idempotent.
type migration struct {
	version int64
	name    string
	run     func(context.Context, Store) error
}

// migrations in the order of their versions; only appended to.
var migrations []migration

// lease is the meta document that lets one node migrate at a time.
type lease struct {
	ID      string    `json:"id" bson:"_id"`
	Version int64     `json:"version"`
	Holder  string    `json:"holder"`
	Until   time.Time `json:"until"`
}

const (
	leaseID   = "migrations"
	leaseTime = 2 * time.Minute
	leasePoll = 100 * time.Millisecond
)

// migrate takes the lease, runs indexes and what has not run, and gives the lease back.
// Other nodes wait, and then find nothing to do.
func migrate(ctx context.Context, s Store, indexes func(context.Context) error) error {
	return migrateWith(ctx, s, indexes, migrations)
}

func migrateWith(ctx context.Context, s Store, indexes func(context.Context) error, list []migration) error {
	meta, me := s.C(Meta), ulid.Make().String()
	_, err := meta.Upsert(ctx, bson.D{{Key: "_id", Value: leaseID}},
		bson.D{{Key: "$setOnInsert", Value: bson.D{{Key: "version", Value: int64(0)}, {Key: "holder", Value: ""}, {Key: "until", Value: time.Time{}}}}})
	if err != nil {
		return fmt.Errorf("store: prepare migrations: %w", err)
	}
	held, err := takeLease(ctx, meta, me)
	if err != nil {
		return fmt.Errorf("store: take the migrations' lease: %w", err)
	}
	err = runAll(ctx, s, held, indexes, list)
	return errors.Join(err, dropLease(context.WithoutCancel(ctx), meta, me))
}

func takeLease(ctx context.Context, meta Collection, me string) (lease, error) {
	for {
		var l lease
		if err := meta.One(ctx, bson.D{{Key: "_id", Value: leaseID}}, &l); err != nil {
			return l, err
		}
		if l.Holder == "" || time.Now().After(l.Until) {
			n, err := meta.Update(ctx, bson.D{{Key: "_id", Value: leaseID}, {Key: "holder", Value: l.Holder}, {Key: "until", Value: l.Until}},
				bson.D{{Key: "$set", Value: bson.D{{Key: "holder", Value: me}, {Key: "until", Value: time.Now().Add(leaseTime)}}}})
			if err != nil || n == 1 {
				l.Holder = me
				return l, err
			}
			continue
		}
		select {
		case <-ctx.Done():
			return l, ctx.Err()
		case <-time.After(leasePoll):
		}
	}
}

func dropLease(ctx context.Context, meta Collection, me string) error {
	_, err := meta.Update(ctx, bson.D{{Key: "_id", Value: leaseID}, {Key: "holder", Value: me}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "holder", Value: ""}}}})
	if err != nil {
		return fmt.Errorf("store: give back the migrations' lease: %w", err)
	}
	return nil
}

// runAll makes the indexes and runs what has not run, renewing the lease before each step.
func runAll(ctx context.Context, s Store, held lease, indexes func(context.Context) error, list []migration) error {
	if indexes != nil {
		if err := indexes(ctx); err != nil {
			return err
		}
	}
	for _, m := range list {
		if m.version <= held.Version {
			continue
		}
		if err := recordVersion(ctx, s, held, held.Version); err != nil {
			return err
		}
		if err := m.run(ctx, s); err != nil {
			return fmt.Errorf("store: migration %d %s: %w", m.version, m.name, err)
		}
		if err := recordVersion(ctx, s, held, m.version); err != nil {
			return err
		}
		held.Version = m.version
	}
	return nil
}

// errLostLease is the answer where a node was so slow that another took over.
var errLostLease = errors.New("store: another node took the migrations over")

// recordVersion writes the version reached and renews the lease, if it is still held.
func recordVersion(ctx context.Context, s Store, held lease, version int64) error {
	n, err := s.C(Meta).Update(ctx, bson.D{{Key: "_id", Value: leaseID}, {Key: "version", Value: held.Version}, {Key: "holder", Value: held.Holder}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "version", Value: version}, {Key: "until", Value: time.Now().Add(leaseTime)}}}})
	if err != nil {
		return fmt.Errorf("store: record migration %d: %w", version, err)
	}
	if n == 0 {
		return errLostLease
	}
	return nil
}
