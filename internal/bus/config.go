package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"
	"go.opentelemetry.io/otel/trace"
)

// Config opens a bus. Only Node is required; zero values take the defaults named.
type Config struct {
	Brokers     []string              // of a Kafka cluster; empty: the embedded broker
	Security    Security              // of Brokers
	Dir         string                // where the embedded broker keeps its data; empty: in memory
	Node        string                // this node's client id: unique in the cluster and the same after a restart
	Partitions  int                   // of a topic this bus creates; 8
	Replication int                   // of a topic this bus creates on Brokers; the cluster's default
	Topics      []Stream              // created at start, each with its dead letters; All
	Session     time.Duration         // a silent member is dead after it; 3 s embedded, 6 s on Brokers
	Message     int                   // most bytes of one record; 1 MiB
	Log         *slog.Logger          // slog.Default
	Registerer  prometheus.Registerer // nil: no metrics
	Tracer      trace.Tracer          // nil: trace context is carried on, but no spans are made

	// Repair publishes again what derived topics may have lost in an unclean stop of the
	// embedded broker: everything since [Bus.Checkpoint]. It runs once, after Open and
	// before the first consumer receives a record, and is tried again until it succeeds.
	Repair func(ctx context.Context) error

	dial dialer // tests: instead of TCP
}

// How long a partition's leader is believed in. On a cluster it may move, and until that is
// noticed publishing fails; the embedded broker always leads.
const (
	leadersCluster  = time.Second
	leadersEmbedded = 5 * time.Second
)

// Limits of the embedded broker, and of what a consumer holds in memory.
const (
	defaultPartitions = 8
	defaultMessage    = 1 << 20
	segmentBytes      = 2 << 20 // of one log file
	partitionBytes    = 8 << 20 // kept of a partition once everybody has read it
	fetchBytes        = 1 << 20
	fetchWait         = 5 * time.Second
	commitEvery       = 50 * time.Millisecond
	commitSynced      = 200 * time.Millisecond // where the disk must be waited for
	checkpointEvery   = time.Second
	checkpointSoon    = 50 * time.Millisecond // instead, this long after a start:
	checkpointEarly   = 5 * time.Second
	retainEvery       = 5 * time.Second
	publishTimeout    = 3 * time.Second
	maxPending        = 4096    // records of one partition fetched and not handled
	maxPendingBytes   = 4 << 20 // the same, in bytes of JSON
)

func (c *Config) defaults() error {
	if c.Node == "" {
		return errors.New("bus: Config.Node is empty")
	}
	if _, err := c.Security.sasl(); err != nil {
		return err
	}
	if c.Partitions <= 0 {
		c.Partitions = defaultPartitions
	}
	if c.Message <= 0 {
		c.Message = defaultMessage
	}
	if c.Topics == nil {
		c.Topics = All
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Session <= 0 {
		c.Session = 3 * time.Second
		if !c.embedded() { // a stock broker refuses less
			c.Session = 6 * time.Second
		}
	}
	if c.embedded() {
		c.Replication = 1
	} else if c.Replication <= 0 {
		c.Replication = -1
	}
	return nil
}

func (c *Config) embedded() bool { return len(c.Brokers) == 0 }

// The settings below were measured; kafka-go's own defaults cost half a minute after a member's death (SessionTimeout) or five seconds at start (JoinGroupBackoff).

// dialer opens a connection to a broker; nil means TCP.
type dialer func(ctx context.Context, network, address string) (net.Conn, error)

func newTransport(node string, dial dialer, sec Security, leaders time.Duration) (*kafka.Transport, error) {
	mechanism, err := sec.sasl()
	if err != nil {
		return nil, err
	}
	return &kafka.Transport{ClientID: node, TLS: sec.TLS, SASL: mechanism, Dial: dial, DialTimeout: 2 * time.Second,
		IdleTimeout: 5 * time.Minute, MetadataTTL: leaders}, nil
}

func groupConfig(addr []string, tr *kafka.Transport, group, topic string, session time.Duration) kafka.ConsumerGroupConfig {
	return kafka.ConsumerGroupConfig{
		ID: group, Brokers: addr, Topics: []string{topic},
		Dialer: &kafka.Dialer{ClientID: tr.ClientID, DialFunc: tr.Dial, TLS: tr.TLS, SASLMechanism: tr.SASL,
			Timeout: 2 * time.Second},
		SessionTimeout: session, HeartbeatInterval: 300 * time.Millisecond,
		RebalanceTimeout: 5 * time.Second, JoinGroupBackoff: 200 * time.Millisecond,
		Timeout: 2 * time.Second, StartOffset: kafka.FirstOffset,
		GroupBalancers: []kafka.GroupBalancer{kafka.RangeGroupBalancer{}},
	}
}

func fetchRequest(topic string, partition int, offset int64) *kafka.FetchRequest {
	return &kafka.FetchRequest{Topic: topic, Partition: partition, Offset: offset,
		MinBytes: 1, MaxBytes: fetchBytes, MaxWait: fetchWait}
}

// groupID is how a consumer group is called on the broker.
func groupID(group, topic string) string { return fmt.Sprintf("parley.%s.%s", topic, group) }
