package main

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-hub/parley/internal/obs"
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

// timed measures requests by the route that answered, never by the address asked for, of
// which there is no end.
func timed(r prometheus.Registerer) fiber.Handler {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "parley_http_seconds", Help: "Time of one request, by the route that answered.",
		Buckets: obs.DurationBuckets}, []string{"method", "route", "status"})
	r.MustRegister(h)
	return func(c *fiber.Ctx) error {
		begun := time.Now()
		err := c.Next()
		status := c.Response().StatusCode()
		if e := (*fiber.Error)(nil); err != nil && errors.As(err, &e) {
			status = e.Code
		}
		if status != fiber.StatusSwitchingProtocols { // a socket lasts for hours
			h.WithLabelValues(c.Method(), routeOf(c), strconv.Itoa(status)).Observe(time.Since(begun).Seconds())
		}
		return err
	}
}

func routeOf(c *fiber.Ctx) string {
	path := c.Route().Path
	if path == "" || path == "/" && !strings.HasPrefix(c.Path(), "/api") {
		return "page"
	}
	return path
}
