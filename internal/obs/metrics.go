package obs

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics is the process's registry of figures. Parts of the hub register their own.
type Metrics struct{ *prometheus.Registry }

// NewMetrics makes a registry that has Go's and the process's own figures and a constant
// parley_build_info.
func NewMetrics(version, node string) *Metrics {
	r := prometheus.NewRegistry()
	info := prometheus.NewGauge(prometheus.GaugeOpts{Name: "parley_build_info", Help: "Always 1; version and node are labels.",
		ConstLabels: prometheus.Labels{"version": version, "node": node}})
	info.Set(1)
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), info)
	return &Metrics{r}
}

// Handler serves the figures in Prometheus's form.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.Registry, promhttp.HandlerOpts{Registry: m.Registry, MaxRequestsInFlight: 4})
}

// DurationBuckets suit what people wait for: 1 ms to 10 s.
var DurationBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
