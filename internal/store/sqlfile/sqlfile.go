// Package sqlfile opens SQLite files that hold what can be made anew, such as a search index.
// The record itself is in package store; this is the engine below it without its documents,
// straight through the driver: database/sql's pool and conversions would cost as much as a
// point read.
//
// A [Conn] is used by one goroutine at a time. A [File] has one writer and any number of
// readers, which see the last commit and never wait for the writer.
package sqlfile

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Conn is one connection with its prepared statements.
type Conn struct {
	c     driver.Conn
	stmts map[string]driver.Stmt
	args  []driver.NamedValue
}

// maxStatements is how many statements a connection keeps prepared.
const maxStatements = 200

func open(file string, pragmas []string) (*Conn, error) {
	dc, err := (&sqlite.Driver{}).Open((&url.URL{Scheme: "file", Path: file}).String())
	if err != nil {
		return nil, fmt.Errorf("sqlfile: open: %w", err)
	}
	c := &Conn{c: dc, stmts: map[string]driver.Stmt{}}
	for _, p := range pragmas {
		if err := c.Script("PRAGMA " + p); err != nil {
			return nil, errors.Join(err, c.close())
		}
	}
	return c, nil
}

func (c *Conn) close() error {
	c.forget()
	return c.c.Close()
}

func (c *Conn) forget() {
	for _, s := range c.stmts {
		_ = s.Close() // repeats the error of its last step, which was reported
	}
	c.stmts = map[string]driver.Stmt{}
}

// Script runs statements without arguments and drops their rows.
func (c *Conn) Script(sql string) error {
	if _, err := c.c.(driver.ExecerContext).ExecContext(context.Background(), sql, nil); err != nil {
		return fmt.Errorf("sqlfile: %w", err)
	}
	return nil
}

func (c *Conn) prepare(sql string, args []any) (driver.Stmt, error) {
	s, ok := c.stmts[sql]
	if !ok {
		if len(c.stmts) >= maxStatements {
			c.forget()
		}
		var err error
		if s, err = c.c.Prepare(sql); err != nil {
			return nil, fmt.Errorf("sqlfile: prepare: %w", err)
		}
		c.stmts[sql] = s
	}
	c.args = c.args[:0]
	for i, a := range args {
		c.args = append(c.args, driver.NamedValue{Ordinal: i + 1, Value: a})
	}
	return s, nil
}

// Exec runs one statement and reports the rows it changed. Arguments are int64, string,
// []byte, float64 or nil.
func (c *Conn) Exec(sql string, args ...any) (int64, error) {
	s, err := c.prepare(sql, args)
	if err != nil {
		return 0, err
	}
	res, err := s.(driver.StmtExecContext).ExecContext(context.Background(), c.args)
	if err != nil {
		return 0, fmt.Errorf("sqlfile: exec: %w", err)
	}
	n, err := res.RowsAffected()
	if err != nil {
		return 0, fmt.Errorf("sqlfile: exec: %w", err)
	}
	return n, nil
}

// Each calls f with every row of n columns until f returns false. The row is valid during
// the call, in which the same statement must not run again. It ends with ctx.
func (c *Conn) Each(ctx context.Context, sql string, n int, f func(row []driver.Value) bool, args ...any) (err error) {
	s, err := c.prepare(sql, args)
	if err != nil {
		return err
	}
	r, err := s.(driver.StmtQueryContext).QueryContext(ctx, c.args)
	if err != nil {
		return failed(ctx, "query", err)
	}
	defer func() {
		if cerr := r.Close(); cerr != nil && err == nil {
			err = failed(ctx, "read", cerr)
		}
	}()
	row := make([]driver.Value, n)
	for {
		if err := r.Next(row); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return failed(ctx, "read", err)
		}
		if !f(row) {
			return nil
		}
		if ctx.Err() != nil { // the driver looks at it until the first row only
			return failed(ctx, "read", ctx.Err())
		}
	}
}

// failed names the end of time as such: the driver only tells that it was interrupted.
func failed(ctx context.Context, doing string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("sqlfile: %s: %w", doing, ctx.Err())
	}
	return fmt.Errorf("sqlfile: %s: %w", doing, err)
}

// IsBroken reports whether an error says that the file is no database, or not a whole one.
func IsBroken(err error) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	code := e.Code() & 0xff
	return code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_NOTADB
}

// Int reads one number; ok is false where there is no row.
func (c *Conn) Int(sql string, args ...any) (v int64, ok bool, err error) {
	err = c.Each(context.Background(), sql, 1, func(row []driver.Value) bool {
		v, ok = row[0].(int64)
		return false
	}, args...)
	return v, ok, err
}

// Text reads one text; ok is false where there is no row.
func (c *Conn) Text(sql string, args ...any) (v string, ok bool, err error) {
	err = c.Each(context.Background(), sql, 1, func(row []driver.Value) bool {
		v, ok = row[0].(string)
		return false
	}, args...)
	return v, ok, err
}

// Tx runs f in one transaction, which is undone where f fails.
func (c *Conn) Tx(f func() error) error {
	if err := c.Script("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	if err := f(); err != nil {
		return errors.Join(err, c.Script("ROLLBACK"))
	}
	if err := c.Script("COMMIT"); err != nil {
		return errors.Join(err, c.rollback())
	}
	return nil
}

// rollback ends a transaction whose commit failed; where the commit ended it already, that is no error.
func (c *Conn) rollback() error {
	_ = c.Script("ROLLBACK")
	return nil
}

// File is an open database file. It is safe for concurrent use.
type File struct {
	path    string
	writer  chan *Conn // holds the one writer while nobody writes
	idle    chan *Conn
	slots   chan struct{}
	readers []string // pragmas
}

// Readers is how many reads run side by side.
const Readers = 4

// The settings of connections. FULL makes a commit durable in WAL mode; secure_delete leaves
// nothing of what was deleted in free space.
var (
	writerPragmas = []string{"busy_timeout = 5000", "page_size = 4096", "auto_vacuum = NONE", "journal_mode = WAL", "synchronous = FULL", "secure_delete = ON",
		"wal_autocheckpoint = 4000", "journal_size_limit = 16777216", "cache_size = -16384", "temp_store = MEMORY"}
	readerPragmas = []string{"busy_timeout = 5000", "query_only = ON", "cache_size = -8192", "temp_store = MEMORY", "mmap_size = 0"}
)

// Open opens or makes a file.
func Open(path string) (*File, error) {
	w, err := open(path, writerPragmas)
	if err != nil {
		return nil, err
	}
	f := &File{path: path, writer: make(chan *Conn, 1), idle: make(chan *Conn, Readers), slots: make(chan struct{}, Readers), readers: readerPragmas}
	f.writer <- w
	return f, nil
}

// Path is where the file is.
func (f *File) Path() string { return f.path }

// ErrClosed is returned by calls on a file that was closed.
var ErrClosed = errors.New("sqlfile: closed")

// Write runs do with the one writer, in a transaction.
func (f *File) Write(ctx context.Context, do func(*Conn) error) error {
	return f.Alone(ctx, func(c *Conn) error { return c.Tx(func() error { return do(c) }) })
}

// Alone runs do with the one writer, outside any transaction.
func (f *File) Alone(ctx context.Context, do func(*Conn) error) error {
	select {
	case c, ok := <-f.writer:
		if !ok {
			return ErrClosed
		}
		defer func() { f.writer <- c }()
		return do(c)
	case <-ctx.Done():
		return fmt.Errorf("sqlfile: waiting to write: %w", ctx.Err())
	}
}

// Read runs do with a reader, which sees one commit throughout.
func (f *File) Read(ctx context.Context, do func(*Conn) error) (err error) {
	select {
	case f.slots <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("sqlfile: waiting to read: %w", ctx.Err())
	}
	defer func() { <-f.slots }()
	c, err := f.reader()
	if err != nil {
		return err
	}
	if err := c.Script("BEGIN"); err != nil {
		return errors.Join(err, c.close())
	}
	defer func() {
		if end := c.Script("COMMIT"); end != nil {
			err = errors.Join(err, end, c.close())
			return
		}
		f.idle <- c
	}()
	return do(c)
}

func (f *File) reader() (*Conn, error) {
	select {
	case c, ok := <-f.idle:
		if !ok {
			return nil, ErrClosed
		}
		return c, nil
	default:
		return open(f.path, f.readers)
	}
}

// Close waits for what is under way and closes the file. Nothing may be asked of it after.
func (f *File) Close() error {
	w, ok := <-f.writer
	if !ok {
		return nil
	}
	close(f.writer)
	for range Readers {
		f.slots <- struct{}{}
	}
	close(f.idle)
	var errs []error
	for c := range f.idle {
		errs = append(errs, c.close())
	}
	return errors.Join(append(errs, w.close())...)
}

// Size is how many bytes the file takes on disk, with its log.
func (f *File) Size() (n int64) {
	for _, suffix := range []string{"", "-wal"} {
		if i, err := os.Stat(f.path + suffix); err == nil {
			n += i.Size()
		}
	}
	return n
}
