package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
)

// On a cluster each node says twice a second that it lives. A node that falls silent is evicted
// by the others, so that its partitions move after two seconds; a stock broker would wait for the
// session to end, six seconds at least.
const (
	nodesTopic   = "nodes"
	beatEvery    = 500 * time.Millisecond
	silentFor    = 2 * time.Second
	nodesKept    = time.Minute
	beatDeadline = time.Second
)

type beat struct {
	Node string `json:"node"`
	Bye  bool   `json:"bye,omitempty"` // it leaves in an orderly way
}

// peers is who lives, as this node hears it. Only its own goroutine uses it.
type peers struct {
	self  string
	heard map[string]time.Time
	ticks time.Time // the last look around
}

// hear notes a sign of life.
func (p *peers) hear(b beat, now time.Time) {
	if b.Bye {
		delete(p.heard, b.Node)
		return
	}
	p.heard[b.Node] = now
}

// silent are the nodes that fell silent, each told once. While this node does not hear itself, or
// was itself asleep, it knows nothing about others.
func (p *peers) silent(now time.Time) (out []string) {
	asleep := now.Sub(p.ticks) > silentFor/2
	p.ticks = now
	if asleep || now.Sub(p.heard[p.self]) > silentFor/2 {
		for n := range p.heard {
			if n != p.self {
				p.heard[n] = now
			}
		}
		return nil
	}
	for n, at := range p.heard {
		if n != p.self && now.Sub(at) > silentFor {
			delete(p.heard, n)
			out = append(out, n)
		}
	}
	return out
}

// watchPeers beats, listens, and evicts who fell silent, until the bus closes.
func (b *Bus) watchPeers() {
	defer b.wg.Done()
	beats := make(chan beat, 64)
	listening := make(chan struct{})
	go func() {
		defer close(listening)
		b.listen(b.ctx, beats)
	}()
	p := &peers{self: b.cfg.Node, heard: map[string]time.Time{}, ticks: time.Now()}
	t := time.NewTicker(beatEvery)
	defer t.Stop()
	b.beat(beat{Node: b.cfg.Node})
	for {
		select {
		case <-b.ctx.Done():
			<-listening
			b.beat(beat{Node: b.cfg.Node, Bye: true})
			return
		case s := <-beats:
			p.hear(s, time.Now())
		case <-t.C:
			b.beat(beat{Node: b.cfg.Node})
			for _, n := range p.silent(time.Now()) {
				b.cfg.Log.Warn("bus: a node fell silent", "node", n)
				if err := b.Evict(b.ctx, n); err != nil {
					b.cfg.Log.Warn("bus: evicting", "node", n, "error", err)
				}
			}
		}
	}
}

// beat sends one sign of life. A lost one is made up for by the next.
func (b *Bus) beat(s beat) {
	value, err := json.Marshal(s)
	if err != nil {
		return // a struct of a string and a bool always encodes
	}
	ctx, cancel := context.WithTimeout(context.Background(), beatDeadline)
	defer cancel()
	if _, err := b.writer.write(ctx, nodesTopic, []kafka.Message{{Key: []byte(s.Node), Value: value}}); err != nil {
		b.cfg.Log.Debug("bus: sign of life", "error", err)
	}
}

// listen reads the signs of life from now on.
func (b *Bus) listen(ctx context.Context, beats chan<- beat) {
	offset := int64(-1)
	for ctx.Err() == nil {
		var es []*entry
		var err error
		if offset < 0 {
			_, offset, err = b.bounds(ctx, nodesTopic, 0)
		} else {
			es, _, err = b.fetch(ctx, nodesTopic, 0, offset)
		}
		if err != nil {
			offset = -1                 // old signs of life are of no use
			_ = sleep(ctx, beatEvery/5) // an ended ctx ends the loop
			continue
		}
		for _, e := range es {
			offset = e.offset + 1
			var s beat
			if json.Unmarshal(e.raw, &s) != nil {
				continue // not ours
			}
			select {
			case beats <- s:
			case <-ctx.Done():
				return
			}
		}
	}
}

func nodesConfig(replication int) kafka.TopicConfig {
	return kafka.TopicConfig{Topic: nodesTopic, NumPartitions: 1, ReplicationFactor: replication,
		ConfigEntries: []kafka.ConfigEntry{{ConfigName: "retention.ms", ConfigValue: fmt.Sprint(nodesKept.Milliseconds())}}}
}
