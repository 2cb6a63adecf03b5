package api

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/parley-hub/parley/internal/obs"
)

// newFigures makes the histogram of how long requests take, by route and class of status.
func newFigures(reg prometheus.Registerer) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "parley_api_request_seconds",
		Help: "How long a request of the agents' API took, once it was let in.", Buckets: obs.DurationBuckets}, []string{"route", "status"})
	if reg != nil {
		reg.MustRegister(h)
	}
	return h
}

// observe begins a span for a request and gives what ends it. Commands carry the span on.
func (s *Server) observe(ctx context.Context, r Route) (context.Context, func(error)) {
	begun := time.Now()
	ctx, span := otel.Tracer("parley/web/api").Start(ctx, r.Method+" "+r.Path, trace.WithSpanKind(trace.SpanKindServer))
	return ctx, func(err error) {
		status := max(r.Status, 200)
		var p *Problem
		if errors.As(err, &p) {
			status = p.Status
		}
		if span.IsRecording() {
			span.SetAttributes(attribute.Int("http.response.status_code", status), attribute.String("http.route", r.Path))
			if status >= 500 {
				span.SetStatus(codes.Error, p.Title)
			}
		}
		span.End()
		s.took.WithLabelValues(r.ID, strconv.Itoa(status/100)+"xx").Observe(time.Since(begun).Seconds())
	}
}
