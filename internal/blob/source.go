package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// ErrBrokenOff is a file whose bytes stopped coming: the reader failed, ended before what it
// had announced, or broke its contract. Fetching it again may help. It wraps the cause.
var ErrBrokenOff = errors.New("blob: the file broke off on its way")

const (
	sourceBytes = 64 << 10
	idleReads   = 100 // reads in a row that bring nothing and no error
)

// source reads what strangers send. A read that never returns does not outlast the context:
// it is left behind, and ends when the caller closes its reader. Between reads the reader
// is not touched.
type source struct {
	ctx    context.Context
	r      io.Reader
	buf    []byte // the reader's own, so that a read left behind writes nowhere else
	rest   []byte // of buf, not yet passed on
	done   chan result
	failed error // why there is no more; nil at an orderly end
	ended  bool
}

type result struct {
	n   int
	err error
}

func newSource(ctx context.Context, r io.Reader) *source {
	return &source{ctx: ctx, r: r, buf: make([]byte, sourceBytes), done: make(chan result, 1)}
}

// Read passes bytes on; every error but io.EOF is kept as failed.
func (s *source) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(s.rest) == 0 && !s.ended {
		s.fill(min(len(p), len(s.buf)))
	}
	if len(s.rest) > 0 {
		n := copy(p, s.rest)
		s.rest = s.rest[n:]
		return n, nil
	}
	if s.failed != nil {
		return 0, s.failed
	}
	return 0, io.EOF
}

// fill reads at most n bytes: never more than was asked for, so that a limit is kept to the byte.
func (s *source) fill(n int) {
	got, err := s.read(n)
	if got > 0 {
		s.rest = s.buf[:got]
	}
	if err == nil {
		return
	}
	s.ended = true
	switch {
	case errors.Is(err, io.EOF): // a reader that means a cut says io.ErrUnexpectedEOF
	case s.ctx.Err() != nil:
		s.failed = s.ctx.Err()
	default:
		s.failed = fmt.Errorf("%w: %w", ErrBrokenOff, err)
	}
}

// read waits for the reader or the end of the context.
func (s *source) read(n int) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	buf := s.buf[:n]
	go func() { s.done <- readSome(s.r, buf) }()
	select {
	case res := <-s.done:
		return res.n, res.err
	case <-s.ctx.Done():
		s.buf = nil // it may still be written to
		return 0, s.ctx.Err()
	}
}

// readSome reads at least a byte or an error, and holds the reader to its contract.
func readSome(r io.Reader, p []byte) result {
	for range idleReads {
		n, err := r.Read(p)
		switch {
		case n < 0 || n > len(p):
			return result{0, fmt.Errorf("the reader says it read %d bytes into %d", n, len(p))}
		case n > 0 || err != nil:
			return result{n, err}
		}
	}
	return result{0, io.ErrNoProgress}
}
