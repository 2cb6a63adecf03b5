package gateway

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-hub/parley/channels"
)

type metrics struct {
	taken     *prometheus.CounterVec
	refused   *prometheus.CounterVec
	callbacks *prometheus.CounterVec
	forged    *prometheus.CounterVec
	media     *prometheus.CounterVec
	refreshes *prometheus.CounterVec
	steps     *prometheus.CounterVec
	call      *prometheus.HistogramVec
	sockets   *prometheus.GaugeVec
	parked    *prometheus.CounterVec
}

func newMetrics(r prometheus.Registerer, g *Gateway) *metrics {
	m := &metrics{
		taken:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "parley_gateway_events_total", Help: "Events taken from the far side and made durable."}, []string{"channel"}),
		refused:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "parley_gateway_refused_total", Help: "Events that could not be made durable; the far side was told to try again."}, []string{"channel"}),
		callbacks: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "parley_gateway_callbacks_total", Help: "Callbacks by their answer's status."}, []string{"channel", "status"}),
		forged:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "parley_gateway_forged_total", Help: "Callbacks whose signature did not hold."}, []string{"channel"}),
		refreshes: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "parley_gateway_refreshes_total", Help: "Renewals of credentials by how they ended."}, []string{"channel", "result"}),
		media:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "parley_gateway_media_total", Help: "Attachments by what became of them: kept, expired, too_large, refused, gone."}, []string{"channel", "result"}),
		steps:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "parley_gateway_steps_total", Help: "Outbound steps by the state they reached."}, []string{"channel", "state"}),
		call:      prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "parley_gateway_call_seconds", Help: "Time one provider call took.", Buckets: prometheus.ExponentialBuckets(0.0005, 3, 11)}, []string{"channel"}),
		sockets:   prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "parley_gateway_sockets", Help: "Customers' sockets open now."}, []string{"channel"}),
		parked:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "parley_gateway_parked_total", Help: "Callbacks kept for later, by reason."}, []string{"channel", "reason"}),
	}
	if r != nil {
		r.MustRegister(m.taken, m.refused, m.callbacks, m.forged, m.media, m.refreshes, m.steps, m.call, m.sockets, m.parked, &lights{g: g})
	}
	return m
}

// lights counts accounts by health when asked.
type lights struct{ g *Gateway }

var lightsDesc = prometheus.NewDesc("parley_gateway_accounts", "Accounts by health.", []string{"channel", "state"}, nil)

// Describe names the metric.
func (l *lights) Describe(ch chan<- *prometheus.Desc) { ch <- lightsDesc }

// Collect counts.
func (l *lights) Collect(ch chan<- prometheus.Metric) {
	type key struct {
		channel string
		state   channels.HealthState
	}
	n := map[key]int{}
	for _, a := range l.g.open.Load().byID {
		n[key{a.record.Channel, a.health.worst().State}]++
	}
	for k, v := range n {
		ch <- prometheus.MustNewConstMetric(lightsDesc, prometheus.GaugeValue, float64(v), k.channel, string(k.state))
	}
}
