package bus

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// Lag is how many records wait, by topic and group as "topic/group" and by the partitions
// this node has; those being handled count.
func (b *Bus) Lag() map[string]map[int]int64 {
	out := map[string]map[int]int64{}
	b.eachPart(func(s *consumer, p *part) {
		name := s.topic + "/" + s.group
		if out[name] == nil {
			out[name] = map[int]int64{}
		}
		out[name][p.id] = p.lag()
	})
	return out
}

func (b *Bus) eachPart(f func(*consumer, *part)) {
	b.state.mu.Lock()
	var cs []*consumer
	for _, s := range b.state.groups {
		cs = append(cs, s)
	}
	b.state.mu.Unlock()
	for _, s := range cs {
		if g := s.now.Load(); g != nil {
			for _, p := range g.parts {
				f(s, p)
			}
		}
	}
}

// published lets this node's consumers know of what it wrote itself before they fetch it, so
// that Waiting is right at once.
func (b *Bus) published(at place, next int64) {
	b.eachPart(func(s *consumer, p *part) {
		if s.topic == at.topic && p.id == at.partition {
			p.heard(next)
		}
	})
}

func (p *part) lag() int64 {
	at, ok := p.handled()
	if !ok {
		return 0
	}
	return max(p.high.Load()-at, 0)
}

// lagGauge reads the lag when it is asked for.
type lagGauge struct {
	bus  *Bus
	desc *prometheus.Desc
}

func newLagGauge(b *Bus) *lagGauge {
	return &lagGauge{bus: b, desc: prometheus.NewDesc("parley_bus_lag", "Records waiting on this node.", []string{"topic", "group", "partition"}, nil)}
}

// Describe implements prometheus.Collector.
func (l *lagGauge) Describe(ch chan<- *prometheus.Desc) { ch <- l.desc }

// Collect implements prometheus.Collector.
func (l *lagGauge) Collect(ch chan<- prometheus.Metric) {
	l.bus.eachPart(func(s *consumer, p *part) {
		ch <- prometheus.MustNewConstMetric(l.desc, prometheus.GaugeValue, float64(p.lag()), s.topic, s.group, strconv.Itoa(p.id))
	})
}

// Waiting is how many records of a topic this node has yet to handle, over all groups that
// read it. It is cheap enough to ask with every message.
func (b *Bus) Waiting(topic string) (n int64) {
	b.eachPart(func(s *consumer, p *part) {
		if s.topic == topic {
			n += p.lag()
		}
	})
	return n
}
