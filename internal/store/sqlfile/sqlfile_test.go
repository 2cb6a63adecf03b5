package sqlfile

import (
	"context"
	"database/sql/driver"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func newFile(t *testing.T) *File {
	t.Helper()
	f, err := Open(filepath.Join(t.TempDir(), "x.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	if err := f.Write(t.Context(), func(c *Conn) error { return c.Script("CREATE TABLE n (v INTEGER)") }); err != nil {
		t.Fatal(err)
	}
	return f
}

func count(t *testing.T, f *File) (n int64) {
	t.Helper()
	if err := f.Read(t.Context(), func(c *Conn) (err error) { n, _, err = c.Int("SELECT count(*) FROM n"); return err }); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestWriteIsUndoneWhereItFails(t *testing.T) {
	f := newFile(t)
	no := errors.New("no")
	err := f.Write(t.Context(), func(c *Conn) error {
		if _, err := c.Exec("INSERT INTO n (v) VALUES (?)", int64(1)); err != nil {
			return err
		}
		return no
	})
	if !errors.Is(err, no) || count(t, f) != 0 {
		t.Errorf("%v, %d rows", err, count(t, f))
	}
	if err := f.Write(t.Context(), func(c *Conn) error { _, err := c.Exec("INSERT INTO n (v) VALUES (?)", int64(1)); return err }); err != nil || count(t, f) != 1 {
		t.Errorf("after that: %v, %d rows", err, count(t, f))
	}
}

func TestReadSeesOneCommitThroughout(t *testing.T) {
	f := newFile(t)
	err := f.Read(t.Context(), func(c *Conn) error {
		before, _, err := c.Int("SELECT count(*) FROM n")
		if err != nil {
			return err
		}
		if err := f.Write(t.Context(), func(w *Conn) error { _, err := w.Exec("INSERT INTO n (v) VALUES (1)"); return err }); err != nil {
			return err
		}
		after, _, err := c.Int("SELECT count(*) FROM n")
		if before != after {
			t.Errorf("%d, then %d", before, after)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := count(t, f); n != 1 {
		t.Errorf("the next read sees %d", n)
	}
}

func TestReadEndsWithItsTime(t *testing.T) {
	f := newFile(t)
	ctx, cancel := context.WithCancel(t.Context())
	err := f.Read(ctx, func(c *Conn) error {
		return c.Each(ctx, "WITH RECURSIVE x(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM x) SELECT n FROM x", 1, func([]driver.Value) bool { cancel(); return true })
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if n := count(t, f); n != 0 {
		t.Errorf("afterwards %d", n)
	}
}

func TestReaderCannotWrite(t *testing.T) {
	f := newFile(t)
	err := f.Read(t.Context(), func(c *Conn) error { _, err := c.Exec("INSERT INTO n (v) VALUES (1)"); return err })
	if err == nil {
		t.Error("a reader wrote")
	}
}

func TestClosedFileSaysSo(t *testing.T) {
	f := newFile(t)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
	if err := f.Write(t.Context(), func(*Conn) error { return nil }); !errors.Is(err, ErrClosed) {
		t.Errorf("%v, want ErrClosed", err)
	}
}

func TestBrokenFileIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	if err := os.WriteFile(path, make([]byte, 5000), 0o600); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copy(raw, "this is no database")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); !IsBroken(err) {
		t.Errorf("%v", err)
	}
	if IsBroken(errors.New("another")) {
		t.Error("any error is broken")
	}
}
