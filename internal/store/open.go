package store

import (
	"context"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
)

// Config says which engine to open.
type Config struct {
	URI        string // of MongoDB; empty: the embedded engine
	Dir        string // the embedded engine's folder
	Log        *slog.Logger
	Registerer prometheus.Registerer // nil: no metrics
}

// Open opens MongoDB where a URI is set, else the embedded engine.
func Open(ctx context.Context, c Config) (Store, error) {
	opts := []Option{WithLog(c.Log), WithMetrics(c.Registerer)}
	if c.URI != "" {
		return OpenMongo(ctx, c.URI, opts...)
	}
	return OpenEmbedded(ctx, c.Dir, opts...)
}
