package obs

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// exportFor is how long one batch of traces may take to be taken.
const exportFor = 5 * time.Second

// Trace sends traces to an OTLP/HTTP collector, such as http://collector:4318. Without one
// the global tracer stays the no-op it is: a span costs a few nanoseconds. stop sends what
// is left.
func Trace(ctx context.Context, endpoint, version, node string) (stop func(context.Context) error, err error) {
	otel.SetTextMapPropagator(propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}))
	if endpoint == "" {
		return func(context.Context) error { return nil }, nil
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(endpoint+"/v1/traces"), otlptracehttp.WithTimeout(exportFor))
	if err != nil {
		return nil, fmt.Errorf("obs: traces: %w", err)
	}
	provider := sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(resource.NewSchemaless(
		attribute.String("service.name", "parley"),
		attribute.String("service.version", version),
		attribute.String("service.instance.id", node))))
	otel.SetTracerProvider(provider)
	return provider.Shutdown, nil
}
