package realtime

import "github.com/prometheus/client_golang/prometheus"

// metrics is what the hub counts.
type metrics struct {
	sockets  prometheus.Gauge
	watchers prometheus.Gauge
	events   prometheus.Counter
	frames   prometheus.Counter
	repeats  prometheus.Counter
	holes    prometheus.Counter
	replayed prometheus.Counter
	resyncs  prometheus.Counter
}

func newMetrics(r prometheus.Registerer) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "parley", Subsystem: "realtime", Name: name, Help: help})
	}
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "parley", Subsystem: "realtime", Name: name, Help: help})
	}
	m := &metrics{
		sockets:  gauge("sockets", "Agents' sockets open on this node."),
		watchers: gauge("watchers", "Customers' threads watched on this node."),
		events:   counter("events_total", "Timeline entries delivered."),
		frames:   counter("frames_total", "Frames written to agents' sockets."),
		repeats:  counter("repeats_total", "Timeline entries dropped because their seq was delivered before."),
		holes:    counter("seq_gaps_total", "Holes in seq that this node saw in the timeline."),
		replayed: counter("replayed_total", "Events replayed from the store on subscriptions."),
		resyncs:  counter("resyncs_total", "Sockets closed because they were too slow."),
	}
	if r != nil {
		r.MustRegister(m.sockets, m.watchers, m.events, m.frames, m.repeats, m.holes, m.replayed, m.resyncs)
	}
	return m
}
