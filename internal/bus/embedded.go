package bus

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// embedded is the broker inside this process. It speaks Kafka's protocol over in-memory
// connections: no port is open, and no record passes through the kernel on its way.
type embedded struct {
	bus     *Bus
	dir     string // empty: in memory
	net     kfake.VirtualNetwork
	cluster *kfake.Cluster
	gate    *gate
	lock    *os.File
	unclean bool
	back    *checkpoint // what the last run had on disk

	mu      sync.Mutex
	offsets map[string]*progress // by group id
	moved   bool                 // since the last checkpoint
	saved   map[string]*progress // as on disk: retention goes by these

	quit chan struct{}
	done chan struct{}
}

// Files beside the broker's own.
const (
	lockFile       = "parley.lock"
	runningFile    = "parley.running" // present: not stopped cleanly
	checkpointFile = "parley.checkpoint"
)

func startEmbedded(b *Bus) (*embedded, error) {
	e := &embedded{bus: b, dir: b.cfg.Dir, offsets: map[string]*progress{}, quit: make(chan struct{}), done: make(chan struct{})}
	if err := e.openDir(); err != nil {
		return nil, fmt.Errorf("bus: opening %s: %w", e.dir, err)
	}
	opts := []kfake.Opt{kfake.NumBrokers(1), kfake.ListenFn(e.net.Listen), kfake.Ports(9092), kfake.GroupMinSessionTimeout(time.Second),
		kfake.WithLogger(brokerLog{b.cfg.Log}), kfake.DefaultNumPartitions(b.cfg.Partitions),
		kfake.BrokerConfigs(map[string]string{"message.max.bytes": strconv.Itoa(2*b.cfg.Message + 4096),
			"state.log.compact.bytes": strconv.Itoa(segmentBytes)})}
	if e.dir != "" {
		opts = append(opts, kfake.DataDir(e.dir))
	}
	c, err := kfake.NewCluster(opts...)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("bus: starting the embedded broker: %w", err), e.unlock())
	}
	e.cluster = c
	e.gate = newGate(filepath.Join(e.dir, "partitions"))
	go debug.FreeOSMemory() // the start read every segment whole
	go e.tick()
	return e, nil
}

// openDir locks the folder and finds out how the last run ended.
func (e *embedded) openDir() error {
	if e.dir == "" {
		return nil
	}
	if err := os.MkdirAll(e.dir, 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(e.dir, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	e.lock = f
	if err := lock(f); err != nil {
		return errors.Join(fmt.Errorf("another process uses it: %w", err), f.Close())
	}
	running := filepath.Join(e.dir, runningFile)
	switch _, err := os.Stat(running); {
	case err == nil:
		e.unclean = true
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if e.back, err = readCheckpoint(filepath.Join(e.dir, checkpointFile)); err != nil {
		return err
	}
	e.adopt(e.back)
	if err := os.WriteFile(running, nil, 0o600); err != nil {
		return err
	}
	return syncDir(e.dir)
}

func (e *embedded) unlock() error {
	if e.lock == nil {
		return nil
	}
	return e.lock.Close()
}

// written is told of every batch the producer sent.
func (e *embedded) written(at place) {
	e.bus.state.mu.Lock()
	durable := e.bus.state.topics[at.topic].durable
	e.bus.state.mu.Unlock()
	e.gate.changed(at, durable)
}

// ready makes a fresh start durable and mends an unclean stop.
func (e *embedded) ready(ctx context.Context) error {
	if e.dir == "" {
		return nil
	}
	for name := range e.bus.state.topics {
		e.gate.roll = min(e.gate.roll, e.rollsAt(name))
	}
	if err := syncDir(e.dir); err != nil { // the topics' names
		return fmt.Errorf("bus: %w", err)
	}
	if !e.unclean {
		return nil
	}
	e.bus.cfg.Log.Warn("bus: the last run did not stop cleanly; going back to what is on disk", "since", e.back.At)
	if err := e.rewind(ctx); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.moved = false // back to what the checkpoint says: there is nothing new to write down
	return nil
}

// rollsAt is the size of a file at which the broker begins the topic's next one. A topic made by
// another version may have its own.
func (e *embedded) rollsAt(topic string) int64 {
	info := e.cluster.TopicInfo(topic)
	if info == nil {
		return segmentBytes
	}
	v := info.Configs["segment.bytes"]
	if v == nil {
		return segmentBytes
	}
	n, err := strconv.ParseInt(*v, 10, 64)
	if err != nil {
		return 0 // look every time
	}
	return n
}

// tick writes checkpoints and trims the log.
func (e *embedded) tick() {
	defer close(e.done)
	if e.dir == "" {
		return
	}
	began := time.Now()
	save, trim, dead := time.NewTimer(saveAgain(0)), time.NewTicker(retainEvery), time.NewTicker(time.Hour)
	defer save.Stop()
	defer trim.Stop()
	defer dead.Stop()
	for {
		select {
		case <-e.quit:
			return
		case <-save.C:
			if e.settled() {
				e.bus.trouble("checkpoint", e.save())
			}
			save.Reset(saveAgain(time.Since(began)))
		case <-trim.C:
			e.bus.trouble("retention", e.retain())
		case <-dead.C:
			e.bus.trouble("retention of dead letters", e.retainDead(e.bus.ctx))
		}
	}
}

// saveAgain is how long after a checkpoint the next one is due, so long after the start. The
// first ones come sooner: a process that is killed again and again within a second must not go
// back to the same one each time, with ever more to do over.
func saveAgain(up time.Duration) time.Duration {
	if up < checkpointEarly {
		return checkpointSoon
	}
	return checkpointEvery
}

// settled says that nothing of an unclean stop is left to mend. Until then the last run's
// checkpoint counts, also for the next start.
func (e *embedded) settled() bool {
	if !e.unclean {
		return true
	}
	select {
	case <-e.bus.repaired:
		return true
	default:
		return false
	}
}

// stop ends the broker. The marker of a clean stop comes last.
func (e *embedded) stop() error {
	close(e.quit)
	<-e.done
	var err error
	settled := e.settled()
	if e.dir != "" && settled {
		err = e.save()
	}
	e.cluster.Close()
	err = errors.Join(err, e.gate.stop())
	if err == nil && e.dir != "" && settled {
		err = errors.Join(os.Remove(filepath.Join(e.dir, runningFile)), syncDir(e.dir))
	}
	return errors.Join(err, e.unlock())
}

// brokerLog hands the broker's warnings to slog.
type brokerLog struct{ log *slog.Logger }

// Logf implements kfake.Logger.
func (l brokerLog) Logf(level kfake.LogLevel, msg string, args ...any) {
	switch level {
	case kfake.LogLevelError:
		l.log.Error("bus: broker: " + fmt.Sprintf(msg, args...))
	case kfake.LogLevelWarn:
		l.log.Warn("bus: broker: " + fmt.Sprintf(msg, args...))
	}
}
