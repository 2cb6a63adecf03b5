package gateway

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// noteKey is how long a key may be, in bytes: it is part of an id that an index holds.
const noteKey = 512

// notes is what one account's session remembers, in the store.
type notes struct {
	col     store.Collection
	account timeline.AccountID
}

type note struct {
	ID      string             `json:"id" bson:"_id"` // account|key
	Account timeline.AccountID `json:"account"`
	Value   []byte             `json:"value"`
}

func (n notes) id(key string) string { return string(n.account) + "|" + key }

// Get reads.
func (n notes) Get(ctx context.Context, keys ...string) (map[string][]byte, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	ids := make(bson.A, len(keys))
	for i, k := range keys {
		ids[i] = n.id(k)
	}
	var found []note
	if err := n.col.All(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: ids}}}}, &found); err != nil {
		return nil, fmt.Errorf("gateway: reading an adapter's notes: %w", err)
	}
	out := make(map[string][]byte, len(found))
	for _, f := range found {
		out[f.ID[len(n.account)+1:]] = f.Value
	}
	return out, nil
}

// Put writes in one go; a nil value removes.
func (n notes) Put(ctx context.Context, values map[string][]byte) error {
	writes := make([]store.Write, 0, len(values))
	for k, v := range values {
		if len(k) > noteKey {
			return fmt.Errorf("gateway: a note's key has %d bytes; at most %d are taken", len(k), noteKey)
		}
		if v == nil {
			if _, err := n.col.Delete(ctx, bson.D{{Key: "_id", Value: n.id(k)}}); err != nil {
				return fmt.Errorf("gateway: removing an adapter's note: %w", err)
			}
			continue
		}
		writes = append(writes, store.Write{Filter: bson.D{{Key: "_id", Value: n.id(k)}}, Upsert: true,
			Update: bson.D{{Key: "$set", Value: bson.D{{Key: "account", Value: string(n.account)}, {Key: "value", Value: v}}}}})
	}
	if len(writes) == 0 {
		return nil
	}
	errs, err := n.col.Bulk(ctx, writes...)
	if err != nil {
		return fmt.Errorf("gateway: writing an adapter's notes: %w", err)
	}
	for _, e := range errs {
		if e != nil {
			return fmt.Errorf("gateway: writing an adapter's note: %w", e)
		}
	}
	return nil
}
