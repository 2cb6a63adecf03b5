// Package embedded searches within the process: SQLite's FTS5 in one file, with nothing to
// set up.
//
// Words are cut by package text, so that scripts without spaces are found by any run of
// characters. The newest finds come first in the order of the index itself; ranking looks at the
// newest some hundred finds at a time. Filters on conversations are joined from one small table; where they
// leave few conversations, those are looked for in the index of words like any other word, so
// that a narrow filter on a frequent word stays quick.
//
// Everything that waits is written in one transaction and one fsync. What is removed is removed
// from the file: no word of an erased message stays in it.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/parley-hub/parley/inbox/search"
	"github.com/parley-hub/parley/internal/store/sqlfile"
)

// Config shapes an engine.
type Config struct {
	Dir   string // its own folder
	Kinds []search.Kind
	Log   *slog.Logger  // nil: silent
	Pace  time.Duration // least time between two transactions, so that they share; 0: DefaultPace
}

// DefaultPace bounds what the index costs: a transaction that many messages share takes a fifth of
// the time for each, and what was said is still found within half a second.
const DefaultPace = 300 * time.Millisecond

// Engine is the engine. It is safe for concurrent use.
type Engine struct {
	cfg  Config
	mu   sync.RWMutex // held for writing while the index that answers is replaced
	now  *index       // answers
	next *index       // is being made; nil: none

	queue  chan *request
	ending chan struct{}
	ended  chan struct{}
	once   sync.Once
}

// request is one call of Apply that waits.
type request struct {
	ctx     context.Context
	changes []search.Change
	done    chan error
}

// The files in the folder. The next index takes the place of the first by a rename.
const (
	nowFile  = "index.db"
	nextFile = "next.db"
)

// Open opens the index in a folder, and goes on with the next one where one was begun.
func Open(cfg Config) (*Engine, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if len(cfg.Kinds) == 0 {
		cfg.Kinds = search.Kinds
	}
	if cfg.Pace == 0 {
		cfg.Pace = DefaultPace
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("search: make the folder: %w", err)
	}
	e := &Engine{cfg: cfg, queue: make(chan *request, 256), ending: make(chan struct{}), ended: make(chan struct{})}
	if err := e.settle(); err != nil {
		return nil, err
	}
	var err error
	if e.now, err = e.open(nowFile); err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(cfg.Dir, nextFile)); err == nil {
		if e.next, err = e.open(nextFile); err != nil {
			return nil, errors.Join(err, e.now.close())
		}
	}
	go e.run()
	return e, nil
}

// settle takes a finished index into use where a stop came between removing the old one and that.
func (e *Engine) settle() error {
	now, next := filepath.Join(e.cfg.Dir, nowFile), filepath.Join(e.cfg.Dir, nextFile)
	if _, err := os.Stat(now); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := os.Rename(next, now); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("search: taking the new index into use: %w", err)
	}
	return nil
}

// open opens a file; one that is broken or of another version begins anew.
func (e *Engine) open(name string) (*index, error) {
	path := filepath.Join(e.cfg.Dir, name)
	x, err := openIndex(path, e.cfg.Kinds)
	if err == nil {
		return x, nil
	}
	switch {
	case errors.Is(err, errVersion):
		e.cfg.Log.Info("search: the index is of another version and is made anew", "file", name)
	case sqlfile.IsBroken(err):
		e.cfg.Log.Error("search: the index is broken and is made anew", "file", name, "err", err)
	default:
		return nil, fmt.Errorf("search: opening %s: %w", name, err)
	}
	if err := removeFile(path); err != nil {
		return nil, fmt.Errorf("search: removing %s: %w", name, err)
	}
	return openIndex(path, e.cfg.Kinds)
}

// Name implements [search.Engine].
func (e *Engine) Name() string { return "embedded" }

// Apply implements [search.Engine]. On return the changes are found.
func (e *Engine) Apply(ctx context.Context, changes []search.Change) error {
	if len(changes) == 0 {
		return nil
	}
	r := &request{ctx: ctx, changes: changes, done: make(chan error, 1)}
	select {
	case e.queue <- r:
	case <-e.ending:
		return errClosed
	case <-ctx.Done():
		return fmt.Errorf("search: waiting to write: %w", ctx.Err())
	}
	select {
	case err := <-r.done:
		return err
	case <-e.ended:
		return errClosed
	}
}

var errClosed = fmt.Errorf("%w: closed", search.ErrUnavailable)

// run writes what waits, together, until the engine closes.
func (e *Engine) run() {
	defer close(e.ended)
	var last time.Time
	for {
		select {
		case <-e.ending:
			return
		case r := <-e.queue:
			if wait := e.cfg.Pace - time.Since(last); wait > 0 {
				select {
				case <-time.After(wait):
				case <-e.ending:
				}
			}
			e.write(r)
			last = time.Now()
		}
	}
}

// maxTogether bounds one transaction, in changes.
const maxTogether = 4000

func (e *Engine) write(first *request) {
	rs, n := []*request{first}, len(first.changes)
	for more := true; more && n < maxTogether; {
		select {
		case r := <-e.queue:
			rs, n = append(rs, r), n+len(r.changes)
		default:
			more = false
		}
	}
	all := make([]search.Change, 0, n)
	for _, r := range rs {
		all = append(all, r.changes...)
	}
	err := e.apply(context.Background(), all)
	for _, r := range rs {
		if err != nil && len(rs) > 1 { // one caller's mistake is not the others'
			r.done <- e.apply(r.ctx, r.changes)
			continue
		}
		r.done <- err
	}
}

func (e *Engine) apply(ctx context.Context, changes []search.Change) error {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.next != nil {
		if err := e.next.apply(ctx, changes); err != nil {
			return unavailable(err)
		}
	}
	return unavailable(e.now.apply(ctx, changes))
}

// Search implements [search.Engine].
func (e *Engine) Search(ctx context.Context, q search.Query) (search.Results, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.now == nil {
		return search.Results{}, errClosed
	}
	out, err := e.now.search(ctx, q)
	if err != nil && !errors.Is(err, search.ErrAfter) {
		return out, unavailable(err)
	}
	return out, err
}

// unavailable wraps what the file says.
func unavailable(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", search.ErrUnavailable, err)
}

// The notes of a file about its filling.
const (
	metaFilled = "filled"
	metaPlace  = "place"
)

// Empty implements [search.Engine].
func (e *Engine) Empty(ctx context.Context) (bool, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	v, err := e.now.meta(ctx, metaFilled)
	return v == "", unavailable(err)
}

// Pending reports whether a next index was begun and is not finished.
func (e *Engine) Pending() bool {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.next != nil
}

// Begin implements [search.Engine].
func (e *Engine) Begin(_ context.Context, fresh bool) (search.Fill, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if fresh && e.next == nil {
		return &fill{e: e, x: e.now}, nil
	}
	if e.next == nil {
		x, err := e.open(nextFile)
		if err != nil {
			return nil, err
		}
		e.next = x
	}
	return &fill{e: e, x: e.next}, nil
}

// fill is an index that is being made; where nothing answered before, the one that answers.
type fill struct {
	e *Engine
	x *index
}

// Put implements [search.Fill].
func (f *fill) Put(ctx context.Context, changes []search.Change) error {
	return unavailable(f.x.apply(ctx, changes))
}

// Mark implements [search.Fill].
func (f *fill) Mark(ctx context.Context, at string) error {
	return unavailable(f.x.file.Write(ctx, func(c *sqlfile.Conn) error { return setMeta(c, metaPlace, at) }))
}

// Place implements [search.Fill].
func (f *fill) Place(ctx context.Context) (string, error) {
	at, err := f.x.meta(ctx, metaPlace)
	return at, unavailable(err)
}

// Finish implements [search.Fill].
func (f *fill) Finish(ctx context.Context) error {
	if err := f.x.tidy(ctx); err != nil {
		return unavailable(err)
	}
	err := f.x.file.Write(ctx, func(c *sqlfile.Conn) error {
		if err := setMeta(c, metaPlace, ""); err != nil {
			return err
		}
		return setMeta(c, metaFilled, time.Now().UTC().Format(time.RFC3339))
	})
	if err != nil || f.x == f.e.current() {
		return unavailable(err)
	}
	return unavailable(f.e.swap())
}

func (e *Engine) current() *index {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.now
}

// swap lets the next index answer. It waits for the searches under way.
func (e *Engine) swap() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	path := func(name string) string { return filepath.Join(e.cfg.Dir, name) }
	if err := e.next.close(); err != nil { // which empties its log into the file
		return err
	}
	if err := e.now.drop(); err != nil {
		return err
	}
	if err := os.Rename(path(nextFile), path(nowFile)); err != nil {
		return fmt.Errorf("taking the new index into use: %w", err)
	}
	x, err := openIndex(path(nowFile), e.cfg.Kinds)
	if err != nil {
		return err
	}
	e.now, e.next = x, nil
	return nil
}

// Stats implements [search.Engine].
func (e *Engine) Stats(ctx context.Context) (search.Stats, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	s := search.Stats{Docs: map[search.Kind]int64{}, Bytes: e.now.file.Size()}
	err := e.now.file.Read(ctx, func(c *sqlfile.Conn) error {
		for k := range e.now.kinds {
			n, _, err := c.Int(strings.ReplaceAll(`SELECT count(*) FROM doc_$ WHERE gone = 0`, "$", string(k)))
			if err != nil {
				return err
			}
			s.Docs[k] = n
		}
		return nil
	})
	return s, unavailable(err)
}

// Close ends writing and closes the files.
func (e *Engine) Close() error {
	e.once.Do(func() { close(e.ending) })
	<-e.ended
	e.mu.Lock()
	defer e.mu.Unlock()
	var errs []error
	for _, x := range []*index{e.now, e.next} {
		if x != nil {
			errs = append(errs, x.close())
		}
	}
	e.now, e.next = nil, nil
	return errors.Join(errs...)
}
