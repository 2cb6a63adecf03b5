package bus

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

type metrics struct {
	publishes *prometheus.HistogramVec
	records   *prometheus.CounterVec
	handling  *prometheus.HistogramVec
	handles   *prometheus.CounterVec
	commits   *prometheus.CounterVec
	dead      *prometheus.CounterVec
	lost      *prometheus.CounterVec
	pauses    *prometheus.CounterVec
}

func newMetrics(r prometheus.Registerer) *metrics {
	buckets := []float64{.0005, .001, .002, .005, .01, .025, .05, .1, .25, 1, 3}
	count := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "parley", Subsystem: "bus", Name: name, Help: help}, labels)
	}
	spread := func(name, help string, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "parley", Subsystem: "bus", Name: name, Help: help, Buckets: buckets}, labels)
	}
	m := &metrics{
		publishes: spread("publish_seconds", "Time until a publish was acknowledged.", "topic", "result"),
		records:   count("published_total", "Records acknowledged.", "topic"),
		handling:  spread("handle_seconds", "Time of one call of a handler.", "topic", "group", "result"),
		handles:   count("handled_total", "Records given to handlers, repeats included.", "topic", "group"),
		commits:   count("commit_refused_total", "Commits the broker refused, as it does after a rebalance.", "topic", "group"),
		dead:      count("dead_letters_total", "Records given up.", "topic", "group"),
		lost:      count("lost_total", "Records that left the log unread.", "topic", "group"),
		pauses:    count("pauses_total", "Waits for something a handler needs.", "topic", "group"),
	}
	if r != nil {
		r.MustRegister(m.publishes, m.records, m.handling, m.handles, m.commits, m.dead, m.lost, m.pauses)
	}
	return m
}

func result(err error) string {
	if err != nil {
		return "error"
	}
	return "ok"
}

func (m *metrics) published(topic string, n int, d time.Duration, err error) {
	m.publishes.WithLabelValues(topic, result(err)).Observe(d.Seconds())
	if err == nil {
		m.records.WithLabelValues(topic).Add(float64(n))
	}
}

func (m *metrics) handled(topic, group string, n int, d time.Duration, err error) {
	m.handling.WithLabelValues(topic, group, result(err)).Observe(d.Seconds())
	m.handles.WithLabelValues(topic, group).Add(float64(n))
}

func (m *metrics) commitFailed(topic, group string) { m.commits.WithLabelValues(topic, group).Inc() }
func (m *metrics) buried(topic, group string)       { m.dead.WithLabelValues(topic, group).Inc() }
func (m *metrics) skipped(topic, group string, n int64) {
	m.lost.WithLabelValues(topic, group).Add(float64(n))
}
func (m *metrics) paused(topic, group string) { m.pauses.WithLabelValues(topic, group).Inc() }

// paused notes that a consumer waits for something that is down.
func (b *Bus) paused(s *consumer, err error) {
	b.m.paused(s.topic, s.group)
	b.cfg.Log.Warn("bus: consumer waits", "topic", s.topic, "group", s.group, "error", err)
}

// trace continues the trace of a run's first record and links the others'.
func (b *Bus) trace(ctx context.Context, s *consumer, run []*entry) (context.Context, func(error)) {
	ctx = propagation.TraceContext{}.Extract(ctx, (*carrier)(&run[0].headers))
	if b.cfg.Tracer == nil {
		return ctx, func(error) {}
	}
	opts := []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindConsumer)}
	for _, e := range run[1:] {
		other := propagation.TraceContext{}.Extract(context.Background(), (*carrier)(&e.headers))
		if sc := trace.SpanContextFromContext(other); sc.IsValid() {
			opts = append(opts, trace.WithLinks(trace.Link{SpanContext: sc}))
		}
	}
	ctx, span := b.cfg.Tracer.Start(ctx, s.topic+" "+s.group, opts...)
	return ctx, func(err error) {
		if err != nil {
			span.SetStatus(codes.Error, "handler failed")
		}
		span.End()
	}
}
