package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// Embedded is the engine inside the process: SQLite in one folder.
//
// One goroutine writes. It takes all calls that wait, applies them in one transaction and
// answers after its commit, which is one fsync for all of them. Readers have connections
// of their own and see the last commit; neither waits for the other.
type Embedded struct {
	file    string
	log     *slog.Logger
	metrics *metrics
	pragmas func() []string // for tests: more settings of the writer's

	tables map[string]*table
	order  []*table

	mu      sync.RWMutex // guards closed and the queue's end
	closed  bool
	queue   chan *request
	stopped chan struct{}
	writer  *conn // of the writer's goroutine

	dirty        atomic.Bool // something was written since the last checkpoint
	checkpointed chan struct{}

	slots  chan struct{} // one per read under way
	idleMu sync.Mutex
	idle   []*conn
}

var errClosed = fmt.Errorf("%w: closed", ErrUnavailable)

const (
	// dbFile is the database's name in its folder.
	dbFile = "store.db"
	// maxReaders is how many reads run side by side; Each is not counted, because what it
	// calls may read too.
	maxReaders = 8
	queueSize  = 1024
)

// Each connection's settings. FULL makes a commit durable in WAL mode. The log is emptied
// beside the writer, and by it only where it grew to 32 MiB; 2 MiB of cache per reader
// bound the memory.
var (
	writerPragmas = []string{"busy_timeout = 5000", "journal_mode = WAL", "synchronous = FULL", "wal_autocheckpoint = 8000",
		"journal_size_limit = 16777216", "cache_size = -8192", "temp_store = MEMORY", "foreign_keys = OFF"}
	readerPragmas = []string{"busy_timeout = 5000", "query_only = ON", "cache_size = -2048", "temp_store = MEMORY"}
)

// Option shapes a store.
type Option func(*settings)

type settings struct {
	log     *slog.Logger
	metrics prometheus.Registerer
	schema  []Spec
	pragmas func() []string
}

// WithLog sets where failures are told; the default is [slog.Default].
func WithLog(l *slog.Logger) Option {
	return func(s *settings) {
		if l != nil {
			s.log = l
		}
	}
}

// WithMetrics registers the store's metrics.
func WithMetrics(r prometheus.Registerer) Option { return func(s *settings) { s.metrics = r } }

// WithSchema replaces the [Schema], for tests.
func WithSchema(specs []Spec) Option { return func(s *settings) { s.schema = specs } }

func settingsOf(opts []Option) settings {
	s := settings{log: slog.Default(), schema: Schema}
	for _, o := range opts {
		o(&s)
	}
	return s
}

// OpenEmbedded opens the embedded engine in a folder, which it makes, and brings tables
// and indexes to what is declared. One process uses a folder at a time.
func OpenEmbedded(ctx context.Context, dir string, opts ...Option) (Store, error) {
	s := settingsOf(opts)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, unavailable("make the folder", err)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	m, err := newMetrics(s.metrics)
	if err != nil {
		return nil, err
	}
	e := &Embedded{file: filepath.Join(dir, dbFile), log: s.log, metrics: m, pragmas: s.pragmas, tables: map[string]*table{},
		queue: make(chan *request, queueSize), stopped: make(chan struct{}), slots: make(chan struct{}, maxReaders),
		checkpointed: make(chan struct{})}
	for _, spec := range s.schema {
		t := tableOf(spec)
		e.tables[spec.Name] = t
		e.order = append(e.order, t)
	}
	if err := e.openWriter(); err != nil {
		return nil, err
	}
	if err := e.ensure(e.writer); err != nil {
		return nil, errors.Join(err, e.writer.close())
	}
	go e.write()
	go e.checkpoint()
	return e, nil
}

func (e *Embedded) openWriter() (err error) {
	pragmas := writerPragmas
	if e.pragmas != nil {
		pragmas = append(slices.Clone(pragmas), e.pragmas()...)
	}
	e.writer, err = openConn(e.file, pragmas...)
	return err
}

// Engine names the engine.
func (e *Embedded) Engine() string { return "embedded" }

// C names a collection; an undeclared name panics.
func (e *Embedded) C(name string) Collection {
	t := e.tables[name]
	if t == nil {
		panic("store: undeclared collection " + name)
	}
	return measured{&embeddedCollection{e, t}, e.metrics, name}
}

// Ping reads from the database.
func (e *Embedded) Ping(ctx context.Context) (err error) {
	c, err := e.reader(ctx)
	if err != nil {
		return err
	}
	defer func() { e.release(c, err) }()
	_, err = c.strings("SELECT 'ok'")
	return err
}

// Migrate runs the migrations that have not run; tables and indexes are there since Open.
func (e *Embedded) Migrate(ctx context.Context) error { return migrate(ctx, e, nil) }

// Close answers what waits, folds the log into the database and closes it. Calls after it
// are ErrUnavailable.
func (e *Embedded) Close() error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.closed = true
	close(e.queue)
	e.mu.Unlock()
	<-e.stopped
	<-e.checkpointed
	e.idleMu.Lock()
	idle := e.idle
	e.idle = nil
	e.idleMu.Unlock()
	var errs []error
	for _, c := range idle {
		errs = append(errs, c.close())
	}
	if e.writer != nil {
		errs = append(errs, e.writer.close())
	}
	return errors.Join(errs...)
}

// reader takes a connection for one read.
func (e *Embedded) reader(ctx context.Context) (*conn, error) {
	select {
	case e.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, unavailable("wait for a reader", ctx.Err())
	}
	c, err := e.connection()
	if err != nil {
		<-e.slots
	}
	return c, err
}

func (e *Embedded) release(c *conn, err error) {
	e.putBack(c, err)
	<-e.slots
}

func (e *Embedded) connection() (*conn, error) {
	e.mu.RLock()
	closed := e.closed
	e.mu.RUnlock()
	if closed {
		return nil, errClosed
	}
	e.idleMu.Lock()
	if n := len(e.idle); n > 0 {
		c := e.idle[n-1]
		e.idle = e.idle[:n-1]
		e.idleMu.Unlock()
		return c, nil
	}
	e.idleMu.Unlock()
	return openConn(e.file, readerPragmas...)
}

// putBack keeps a connection for the next read, unless it failed or is one too many.
func (e *Embedded) putBack(c *conn, err error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	e.idleMu.Lock()
	keep := !e.closed && len(e.idle) < maxReaders && sqliteCode(err) == 0
	if keep {
		e.idle = append(e.idle, c)
	}
	e.idleMu.Unlock()
	if keep {
		return
	}
	e.closeQuietly(c)
}
