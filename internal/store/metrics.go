package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// metrics count what the store does. A nil registerer leaves them unregistered.
type metrics struct {
	calls   *prometheus.HistogramVec
	errors  *prometheus.CounterVec
	group   prometheus.Histogram
	commits prometheus.Histogram
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	times := prometheus.ExponentialBuckets(0.00005, 2.5, 12)
	m := &metrics{
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "parley_store_seconds",
			Help: "Duration of store calls.", Buckets: times}, []string{"collection", "op"}),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "parley_store_errors_total",
			Help: "Store calls that the engine could not serve."}, []string{"collection", "op"}),
		group: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "parley_store_group_size",
			Help: "Write calls that shared one commit.", Buckets: prometheus.ExponentialBuckets(1, 2, 10)}),
		commits: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "parley_store_commit_seconds",
			Help: "Duration of a group commit.", Buckets: times}),
	}
	if r == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.calls, m.errors, m.group, m.commits} {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("store: register metrics: %w", err)
		}
	}
	return m, nil
}

func (m *metrics) batch(calls int, took time.Duration) {
	m.group.Observe(float64(calls))
	m.commits.Observe(took.Seconds())
}

// measured times the calls of a collection.
type measured struct {
	Collection
	m    *metrics
	name string
}

func (c measured) done(op string, start time.Time, err *error) {
	c.m.calls.WithLabelValues(c.name, op).Observe(time.Since(start).Seconds())
	if errors.Is(*err, ErrUnavailable) {
		c.m.errors.WithLabelValues(c.name, op).Inc()
	}
}

func (c measured) Insert(ctx context.Context, doc any) (err error) {
	defer c.done("insert", time.Now(), &err)
	return c.Collection.Insert(ctx, doc)
}

func (c measured) Bulk(ctx context.Context, w ...Write) (errs []error, err error) {
	defer c.done("bulk", time.Now(), &err)
	return c.Collection.Bulk(ctx, w...)
}

func (c measured) One(ctx context.Context, filter bson.D, out any, opts ...Find) (err error) {
	defer c.done("one", time.Now(), &err)
	return c.Collection.One(ctx, filter, out, opts...)
}

func (c measured) All(ctx context.Context, filter bson.D, out any, opts ...Find) (err error) {
	defer c.done("all", time.Now(), &err)
	return c.Collection.All(ctx, filter, out, opts...)
}

func (c measured) Count(ctx context.Context, filter bson.D) (n int64, err error) {
	defer c.done("count", time.Now(), &err)
	return c.Collection.Count(ctx, filter)
}

func (c measured) Update(ctx context.Context, filter, update bson.D) (n int64, err error) {
	defer c.done("update", time.Now(), &err)
	return c.Collection.Update(ctx, filter, update)
}

func (c measured) UpdateMany(ctx context.Context, filter, update bson.D) (n int64, err error) {
	defer c.done("update_many", time.Now(), &err)
	return c.Collection.UpdateMany(ctx, filter, update)
}

func (c measured) Upsert(ctx context.Context, filter, update bson.D) (inserted bool, err error) {
	defer c.done("upsert", time.Now(), &err)
	return c.Collection.Upsert(ctx, filter, update)
}

func (c measured) Modify(ctx context.Context, filter, update bson.D, upsert bool, out any) (err error) {
	defer c.done("modify", time.Now(), &err)
	return c.Collection.Modify(ctx, filter, update, upsert, out)
}

func (c measured) Delete(ctx context.Context, filter bson.D) (n int64, err error) {
	defer c.done("delete", time.Now(), &err)
	return c.Collection.Delete(ctx, filter)
}
