package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// conn is one SQLite connection with its prepared statements. It is used by one goroutine
// at a time, and straight through the driver: database/sql's pool and conversions would
// cost as much as a point read.
type conn struct {
	c     driver.Conn
	stmts map[string][]*stmt
	n     int
}

type stmt struct {
	sql  string
	s    driver.Stmt
	args []driver.NamedValue
}

// maxStatements is how many idle statements a connection keeps.
const maxStatements = 400

// openConn opens a database file and runs the pragmas.
func openConn(file string, pragmas ...string) (*conn, error) {
	dsn := (&url.URL{Scheme: "file", Path: file}).String()
	dc, err := (&sqlite.Driver{}).Open(dsn)
	if err != nil {
		return nil, unavailable("open", err)
	}
	c := &conn{c: dc, stmts: map[string][]*stmt{}}
	for _, p := range pragmas {
		if err := c.script("PRAGMA " + p); err != nil {
			return nil, errors.Join(err, c.close())
		}
	}
	return c, nil
}

func (c *conn) close() error {
	c.forget()
	return c.c.Close()
}

// forget closes the idle statements.
func (c *conn) forget() {
	for _, list := range c.stmts {
		for _, s := range list {
			_ = s.s.Close() // repeats the error of its last step, which was reported
		}
	}
	c.stmts, c.n = map[string][]*stmt{}, 0
}

func (c *conn) take(sql string) (*stmt, error) {
	if list := c.stmts[sql]; len(list) > 0 {
		s := list[len(list)-1]
		c.stmts[sql] = list[:len(list)-1]
		c.n--
		return s, nil
	}
	s, err := c.c.Prepare(sql)
	if err != nil {
		return nil, unavailable("prepare", err)
	}
	return &stmt{sql: sql, s: s}, nil
}

func (c *conn) give(s *stmt) {
	if c.n >= maxStatements {
		c.forget()
	}
	clear(s.args)
	c.stmts[s.sql] = append(c.stmts[s.sql], s)
	c.n++
}

// script runs statements without arguments and drops their rows.
func (c *conn) script(sql string) error {
	_, err := c.c.(driver.ExecerContext).ExecContext(context.Background(), sql, nil)
	if err != nil {
		return unavailable("run", err)
	}
	return nil
}

// exec runs one cached statement.
func (c *conn) exec(sql string, args ...driver.Value) (driver.Result, error) {
	s, err := c.take(sql)
	if err != nil {
		return nil, err
	}
	s.args = s.args[:0]
	for i, a := range args {
		s.args = append(s.args, driver.NamedValue{Ordinal: i + 1, Value: a})
	}
	res, err := s.s.(driver.StmtExecContext).ExecContext(context.Background(), s.args)
	c.give(s)
	return res, err
}

// rows reads the rows of one statement.
type rows struct {
	c *conn
	s *stmt
	r driver.Rows
}

func (c *conn) query(sql string, args ...driver.Value) (*rows, error) {
	s, err := c.take(sql)
	if err != nil {
		return nil, err
	}
	s.args = s.args[:0]
	for i, a := range args {
		s.args = append(s.args, driver.NamedValue{Ordinal: i + 1, Value: a})
	}
	r, err := s.s.(driver.StmtQueryContext).QueryContext(context.Background(), s.args)
	if err != nil {
		c.give(s)
		return nil, unavailable("query", err)
	}
	return &rows{c, s, r}, nil
}

// next reads a row; ok is false after the last one.
func (r *rows) next(dest []driver.Value) (ok bool, err error) {
	switch err := r.r.Next(dest); {
	case err == nil:
		return true, nil
	case errors.Is(err, io.EOF):
		return false, nil
	default:
		return false, unavailable("read", err)
	}
}

func (r *rows) close() error {
	err := r.r.Close()
	r.c.give(r.s)
	if err != nil {
		return unavailable("read", err)
	}
	return nil
}

// strings reads the first column of every row.
func (c *conn) strings(sql string, args ...driver.Value) (out []string, err error) {
	err = c.each(sql, func(row []driver.Value) { s, _ := row[0].(string); out = append(out, s) }, 1, args...)
	return out, err
}

// each calls f with every row of n columns.
func (c *conn) each(sql string, f func([]driver.Value), n int, args ...driver.Value) (err error) {
	r, err := c.query(sql, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	row := make([]driver.Value, n)
	for {
		ok, err := r.next(row)
		if err != nil || !ok {
			return err
		}
		f(row)
	}
}

// sqliteCode is SQLite's extended code, or 0.
func sqliteCode(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

// violates reports whether a unique index refused a row. Nothing of the statement happened then.
func violates(err error) bool { return sqliteCode(err)&0xff == sqlite3.SQLITE_CONSTRAINT }

// unavailable wraps an engine's error: whatever it is, a disk that is full, read-only,
// broken or locked, the caller can only try again later.
func unavailable(doing string, err error) error {
	return fmt.Errorf("%w: %s: %w", ErrUnavailable, doing, err)
}
