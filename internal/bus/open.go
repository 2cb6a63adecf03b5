package bus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
)

// Bus is a connection to the broker: one writer, the consumers of this node, and the
// embedded broker where there is one. All methods may be called concurrently.
type Bus struct {
	cfg    Config
	addr   []string
	conns  *conns
	tr     *kafka.Transport
	client *kafka.Client
	writer *producer
	broker *embedded // nil on a cluster
	m      *metrics
	state  *state

	ctx    context.Context // ends when Close begins
	cancel context.CancelFunc
	wg     sync.WaitGroup

	repaired chan struct{} // closed when consumers may run
	repair   sync.Once

	end ending
}

// ending is how a bus ends, once.
type ending struct {
	once sync.Once
	done chan struct{} // closed when all has stopped
	err  error         // then
}

// state is what changes while the bus runs.
type state struct {
	mu      sync.Mutex
	topics  map[string]spec
	groups  map[string]*consumer // by group id
	casts   []*cast              // broadcasts
	trouble map[string]error     // by cause
}

// Open connects to the brokers, or starts the embedded one, and creates missing topics. After an
// unclean stop of the embedded broker it moves every group back to what is known to be on disk.
func Open(ctx context.Context, c Config) (*Bus, error) {
	if err := c.defaults(); err != nil {
		return nil, err
	}
	b := &Bus{cfg: c, addr: c.Brokers, m: newMetrics(c.Registerer), repaired: make(chan struct{}), end: ending{done: make(chan struct{})},
		state: &state{topics: map[string]spec{}, groups: map[string]*consumer{}, trouble: map[string]error{}}}
	for _, t := range c.Topics {
		s := t.spec()
		b.state.topics[s.name] = s
		b.state.topics[deadName(s.name)] = spec{name: deadName(s.name), durable: true}
	}
	if c.Registerer != nil {
		if err := c.Registerer.Register(newLagGauge(b)); err != nil {
			return nil, fmt.Errorf("bus: registering metrics: %w", err)
		}
	}
	if !c.embedded() {
		b.state.topics[nodesTopic] = spec{name: nodesTopic}
	}
	b.ctx, b.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if c.embedded() {
		e, err := startEmbedded(b)
		if err != nil {
			b.cancel()
			return nil, err
		}
		b.broker, b.addr, c.dial = e, e.cluster.ListenAddrs(), e.net.DialContext
	}
	if err := b.connect(c.dial); err != nil {
		return nil, err
	}
	if err := b.prepare(ctx); err != nil {
		return nil, errors.Join(err, b.Close(context.WithoutCancel(ctx)))
	}
	return b, nil
}

// connect makes the clients; it does not dial yet.
func (b *Bus) connect(d dialer) (err error) {
	leaders, sec := leadersCluster, b.cfg.Security
	if b.broker != nil {
		leaders, sec = leadersEmbedded, Security{}
	}
	b.conns = newConns(d)
	if b.tr, err = newTransport(b.cfg.Node, b.conns.dialContext, sec, leaders); err != nil {
		return err
	}
	b.client = &kafka.Client{Addr: kafka.TCP(b.addr...), Transport: b.tr, Timeout: 10 * time.Second}
	b.writer = &producer{client: b.client, settings: defaultProduce(b.cfg.Message), parts: map[string][]int{}, queues: map[place]*queue{}, newest: b.published}
	if b.broker != nil && b.broker.dir != "" {
		b.writer.wrote = b.broker.written
	}
	return nil
}

// prepare makes the topics and, after an unclean stop, the offsets what they must be.
func (b *Bus) prepare(ctx context.Context) error {
	if err := b.createTopics(ctx); err != nil {
		return err
	}
	if b.broker != nil {
		return b.broker.ready(ctx)
	}
	b.wg.Add(1)
	go b.watchPeers()
	return nil
}

func (b *Bus) createTopics(ctx context.Context) error {
	want := slices.Sorted(maps.Keys(b.state.topics))
	missing, err := b.missing(ctx, want)
	if err != nil || len(missing) == 0 {
		return err
	}
	return b.create(ctx, missing)
}

// missing waits until the broker answers, and until the leaders of the topics that exist are known.
func (b *Bus) missing(ctx context.Context, want []string) ([]string, error) {
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, 250*time.Millisecond) {
		out, settled, err := b.lookUp(ctx, want)
		if err == nil && settled {
			return out, nil
		}
		if e := sleep(ctx, wait); e != nil {
			return nil, fmt.Errorf("bus: looking up topics: %w", errors.Join(err, e))
		}
	}
}

func (b *Bus) lookUp(ctx context.Context, want []string) (out []string, settled bool, err error) {
	res, err := b.client.Metadata(ctx, &kafka.MetadataRequest{Topics: want})
	if err != nil {
		return nil, false, err
	}
	have := map[string]bool{}
	for _, t := range res.Topics {
		if have[t.Name] = t.Error == nil && len(t.Partitions) > 0; have[t.Name] {
			b.writer.know(t.Name, len(t.Partitions))
		}
		for _, p := range t.Partitions {
			if p.Error != nil || p.Leader.Port == 0 {
				return nil, false, p.Error
			}
		}
	}
	for _, n := range want {
		if !have[n] {
			out = append(out, n)
		}
	}
	return out, true, nil
}

func (b *Bus) create(ctx context.Context, names []string) error {
	req := &kafka.CreateTopicsRequest{}
	for _, n := range names {
		req.Topics = append(req.Topics, b.topicConfig(n))
	}
	res, err := b.client.CreateTopics(ctx, req)
	if err != nil {
		return fmt.Errorf("bus: creating topics: %w", err)
	}
	for n, err := range res.Errors {
		if err != nil && !errors.Is(err, kafka.TopicAlreadyExists) {
			return fmt.Errorf("bus: creating topic %s: %w", n, err)
		}
	}
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, 250*time.Millisecond) {
		still, err := b.missing(ctx, names)
		if err != nil || len(still) == 0 {
			return err
		}
		if err := sleep(ctx, wait); err != nil {
			return fmt.Errorf("bus: waiting for topics: %w", err)
		}
	}
}

func (b *Bus) topicConfig(name string) kafka.TopicConfig {
	if name == nodesTopic {
		return nodesConfig(b.cfg.Replication)
	}
	c := kafka.TopicConfig{Topic: name, NumPartitions: b.cfg.Partitions, ReplicationFactor: b.cfg.Replication,
		ConfigEntries: []kafka.ConfigEntry{{ConfigName: "max.message.bytes", ConfigValue: fmt.Sprint(2*b.cfg.Message + 4096)}}}
	if isDead(name) {
		c.NumPartitions = 1 // one order
	}
	switch {
	case b.broker == nil && isDead(name): // what was dealt with is compacted away
		c.ConfigEntries = append(c.ConfigEntries, kafka.ConfigEntry{ConfigName: "cleanup.policy", ConfigValue: "compact"})
	case b.broker != nil: // which must not compact: that replaces files the gate has open. See retain.
		c.ConfigEntries = append(c.ConfigEntries, kafka.ConfigEntry{ConfigName: "segment.bytes", ConfigValue: fmt.Sprint(segmentBytes)})
	}
	return c
}

// Close stops the consumers (each ends its run and commits), flushes the writer and stops the
// embedded broker. It waits at most until ctx ends.
func (b *Bus) Close(ctx context.Context) error {
	b.end.once.Do(func() {
		b.cancel()
		go func() {
			defer close(b.end.done)
			b.wg.Wait()
			b.writer.close()
			if b.broker != nil {
				b.end.err = b.broker.stop()
			}
			b.tr.CloseIdleConnections()
			b.conns.close()
		}()
	})
	select {
	case <-b.end.done:
		return b.end.err
	case <-ctx.Done():
		b.conns.close() // who waits for a frozen broker waits no longer
		return fmt.Errorf("bus: closing: %w", ctx.Err())
	}
}

// Started waits until every consumer and broadcast registered so far has its partitions.
func (b *Bus) Started(ctx context.Context) error {
	b.state.mu.Lock()
	var waits []<-chan struct{}
	for _, c := range b.state.groups {
		waits = append(waits, c.started)
	}
	for _, c := range b.state.casts {
		waits = append(waits, c.started)
	}
	b.state.mu.Unlock()
	for _, w := range waits {
		select {
		case <-w:
		case <-ctx.Done():
			return fmt.Errorf("bus: waiting for consumers: %w", errors.Join(ctx.Err(), b.Health()))
		case <-b.ctx.Done():
			return ErrClosed
		}
	}
	return nil
}

// Health tells what is wrong now; nil when nothing is. Two things stay wrong until the process is
// started again, as a person should look at them: a disk that failed to confirm a write, and
// records that left the log unread.
func (b *Bus) Health() error {
	b.state.mu.Lock()
	defer b.state.mu.Unlock()
	var errs []error
	if b.broker != nil {
		errs = append(errs, b.broker.gate.failed())
	}
	for _, k := range slices.Sorted(maps.Keys(b.state.trouble)) {
		errs = append(errs, fmt.Errorf("%s: %w", k, b.state.trouble[k]))
	}
	return errors.Join(errs...)
}

// trouble sets or, with nil, clears one cause of bad health.
func (b *Bus) trouble(cause string, err error) {
	b.state.mu.Lock()
	defer b.state.mu.Unlock()
	if err == nil {
		delete(b.state.trouble, cause)
		return
	}
	b.state.trouble[cause] = err
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
