package journal

import (
	"fmt"

	"github.com/parley-hub/parley/inbox"
	"github.com/prometheus/client_golang/prometheus"
)

// Register adds the journal's counters to a registry. It is called once.
func (j *Journal) Register(r prometheus.Registerer) error {
	counter := func(name, help string, labels prometheus.Labels, f func() int64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: "parley", Subsystem: "journal", Name: name, Help: help, ConstLabels: labels},
			func() float64 { return float64(f()) })
	}
	all := []prometheus.Collector{
		counter("events_total", "Events published, repeats included.", nil, j.Stats.Events.Load),
		counter("repeats_total", "Commands that had been done before.", nil, j.Stats.Repeats.Load),
		counter("strays_total", "Receipts for threads nobody knows.", nil, j.Stats.Strays.Load),
		counter("fenced_total", "Conversations loaded again because another writer had changed them.", nil, j.Stats.Fenced.Load),
	}
	for _, code := range inbox.Codes {
		all = append(all, counter("refused_total", "Commands that came to nothing.", prometheus.Labels{"code": string(code)},
			func() int64 { return j.Stats.Refused(code) }))
	}
	for _, c := range all {
		if err := r.Register(c); err != nil {
			return fmt.Errorf("journal: register a counter: %w", err)
		}
	}
	return nil
}
