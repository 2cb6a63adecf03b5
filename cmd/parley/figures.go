package main

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
)

// readyGauge tells in the metrics what /readyz answers, for alerts.
func readyGauge(n *node) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "parley_ready", Help: "1 when everything this node depends on answers."}, func() float64 {
		if n.health.Ready(context.Background()).Ready {
			return 1
		}
		return 0
	})
}
