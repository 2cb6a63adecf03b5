package main

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
)

// figures are what only the whole node can tell: whether it is ready, and what the journal
// counted. They are read when somebody asks.
type figures struct {
	n                   *node
	events, repeats, up *prometheus.Desc
}

func newFigures(n *node) *figures {
	return &figures{n: n,
		events:  prometheus.NewDesc("parley_journal_events_total", "Events published on the timeline, repeats included.", nil, nil),
		repeats: prometheus.NewDesc("parley_journal_repeats_total", "Commands that had been done before and were published again.", nil, nil),
		up:      prometheus.NewDesc("parley_ready", "1 when everything this node depends on answers.", nil, nil),
	}
}

// Describe is prometheus.Collector's.
func (f *figures) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{f.events, f.repeats, f.up} {
		to <- d
	}
}

// Collect is prometheus.Collector's.
func (f *figures) Collect(to chan<- prometheus.Metric) {
	stats := &f.n.journal.Stats
	to <- prometheus.MustNewConstMetric(f.events, prometheus.CounterValue, float64(stats.Events.Load()))
	to <- prometheus.MustNewConstMetric(f.repeats, prometheus.CounterValue, float64(stats.Repeats.Load()))
	up := 0.0
	if f.n.health.Ready(context.Background()).Ready {
		up = 1
	}
	to <- prometheus.MustNewConstMetric(f.up, prometheus.GaugeValue, up)
}
