package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/oklog/ulid/v2"

	"github.com/parley-hub/parley/timeline"
)

// place of bytes under test: the body, and how many files and half-written ones it holds.
type bodyUnderTest struct {
	Body
	left func(t *testing.T) int
}

// eachBody runs a test against every place bytes can be kept in.
func eachBody(t *testing.T, test func(t *testing.T, b bodyUnderTest)) {
	t.Run("dir", func(t *testing.T) {
		root := t.TempDir()
		d, err := OpenDir(root)
		if err != nil {
			t.Fatal(err)
		}
		test(t, bodyUnderTest{d, func(t *testing.T) int { return (&fixture{dir: root}).left(t) }})
	})
	t.Run("s3", func(t *testing.T) {
		s := openS3(t, s3Config(t))
		test(t, bodyUnderTest{s, func(t *testing.T) int { return s3Left(t, s) }})
	})
}

// s3Left counts objects and uploads that are under way.
func s3Left(t *testing.T, s *S3) (n int) {
	t.Helper()
	for o := range s.core.Client.ListObjects(t.Context(), s.cfg.Bucket, minio.ListObjectsOptions{Prefix: s.prefix, Recursive: true}) {
		if o.Err != nil {
			t.Fatal(o.Err)
		}
		n++
	}
	for u := range s.core.Client.ListIncompleteUploads(t.Context(), s.cfg.Bucket, s.prefix, true) {
		if u.Err != nil {
			t.Fatal(u.Err)
		}
		n++
	}
	return n
}

func fileID() timeline.FileID { return timeline.FileID(ulid.Make().String()) }

// noise is n bytes that no two seeds share.
func noise(seed uint64, n int64) io.Reader {
	var key [32]byte
	key[0], key[1] = byte(seed), byte(seed>>8)
	return io.LimitReader(rand.NewChaCha8(key), n)
}

func noiseSum(seed uint64, n int64) string {
	h := sha256.New()
	_, _ = io.Copy(h, noise(seed, n))
	return sum(h)
}

func sum(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

func from(r io.Reader) func(io.Writer) error {
	return func(w io.Writer) error { _, err := io.Copy(w, r); return err }
}

// bodySum reads a file and hashes it.
func bodySum(ctx context.Context, b Body, id timeline.FileID) (string, error) {
	r, err := b.Open(ctx, id)
	if err != nil {
		return "", err
	}
	defer r.Close()
	h := sha256.New()
	_, err = io.Copy(h, r)
	return sum(h), err
}

func TestBodyKeepsBytes(t *testing.T) {
	eachBody(t, func(t *testing.T, b bodyUnderTest) {
		for _, size := range []int64{0, 1, 64 << 10, partBytes - 1, partBytes, partBytes + 1, 2 * partBytes} {
			id := fileID()
			if err := b.Save(t.Context(), id, from(noise(7, size))); err != nil {
				t.Fatalf("%d bytes: %v", size, err)
			}
			if got, err := bodySum(t.Context(), b, id); err != nil || got != noiseSum(7, size) {
				t.Errorf("%d bytes came back as something else: %v", size, err)
			}
			if n := b.left(t); n != 1 {
				t.Errorf("%d bytes: %d things are kept, want 1", size, n)
			}
			for range 2 { // delete twice
				if err := b.Delete(t.Context(), id); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := b.Open(t.Context(), id); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("deleted and there: %v", err)
			}
		}
		if n := b.left(t); n != 0 {
			t.Errorf("%d things are left", n)
		}
	})
}

func TestBodyRefusesNames(t *testing.T) {
	eachBody(t, func(t *testing.T, b bodyUnderTest) {
		for _, id := range []timeline.FileID{"", "../x", "../../../../etc/passwd", "01J"} {
			if err := b.Save(t.Context(), id, from(noise(1, 1))); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("saved %q: %v", id, err)
			}
			if _, err := b.Open(t.Context(), id); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("opened %q: %v", id, err)
			}
			if err := b.Delete(t.Context(), id); err != nil {
				t.Errorf("deleting %q: %v", id, err)
			}
		}
	})
}

func TestBodySeeks(t *testing.T) {
	eachBody(t, func(t *testing.T, b bodyUnderTest) {
		const size = 3 << 20
		all, err := io.ReadAll(noise(3, size))
		if err != nil {
			t.Fatal(err)
		}
		id := fileID()
		if err := b.Save(t.Context(), id, from(bytes.NewReader(all))); err != nil {
			t.Fatal(err)
		}
		r, err := b.Open(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			name         string
			offset       int64
			whence, want int
		}{
			{"beginning", 0, io.SeekStart, 0}, {"end", 0, io.SeekEnd, size}, {"last_bytes", -10, io.SeekEnd, size - 10},
			{"middle", 1 << 20, io.SeekStart, 1 << 20}, {"back", -500, io.SeekCurrent, 1<<20 - 500 + 1000}, {"past_the_end", size + 5, io.SeekStart, size + 5},
		} {
			at, err := r.Seek(c.offset, c.whence)
			if err != nil || at != int64(c.want) {
				t.Fatalf("%s: at %d, want %d, %v", c.name, at, c.want, err)
			}
			buf := make([]byte, 1000)
			n, err := io.ReadFull(r, buf)
			rest := all[min(c.want, size):min(c.want+1000, size)]
			if !bytes.Equal(buf[:n], rest) || len(rest) == 1000 && err != nil || len(rest) == 0 && !errors.Is(err, io.EOF) {
				t.Errorf("%s: read %d bytes, want %d, %v", c.name, n, len(rest), err)
			}
		}
		if _, err := r.Seek(-1, io.SeekStart); err == nil {
			t.Error("before the beginning")
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if _, err := r.Read(make([]byte, 1)); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("closed and read: %v", err)
		}
	})
}

// What fails half-way, in the first part or a later one, is not there.
func TestBodyWholeOrNotAtAll(t *testing.T) {
	eachBody(t, func(t *testing.T, b bodyUnderTest) {
		gone := errors.New("gone")
		for _, size := range []int64{0, 1000, 2*partBytes + 1000} {
			id := fileID()
			err := b.Save(t.Context(), id, func(w io.Writer) error {
				if _, err := io.Copy(w, noise(1, size)); err != nil {
					return err
				}
				return gone
			})
			if !errors.Is(err, gone) {
				t.Errorf("after %d bytes: %v", size, err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			err = b.Save(ctx, id, func(w io.Writer) error {
				if _, err := io.Copy(w, noise(1, size)); err != nil {
					return err
				}
				cancel()
				_, err := io.Copy(w, noise(1, 1000))
				return err
			})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled after %d bytes: %v", size, err)
			}
			if _, err := b.Open(t.Context(), id); !errors.Is(err, fs.ErrNotExist) || b.left(t) != 0 {
				t.Errorf("after %d bytes something is there: %v, %d things", size, err, b.left(t))
			}
		}
	})
}

func TestBodyManyAtOnce(t *testing.T) {
	eachBody(t, func(t *testing.T, b bodyUnderTest) {
		const many = 24
		errs := make([]error, many)
		var wg sync.WaitGroup
		for i := range many {
			wg.Go(func() { errs[i] = saveReadDelete(t.Context(), b, uint64(i), int64(i)*100_000+1) })
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil || b.left(t) != many/2 {
			t.Errorf("%d things are kept, want %d, %v", b.left(t), many/2, err)
		}
	})
}

// saveReadDelete keeps files of odd seeds.
func saveReadDelete(ctx context.Context, b Body, seed uint64, size int64) error {
	id := fileID()
	if err := b.Save(ctx, id, from(noise(seed, size))); err != nil {
		return err
	}
	if got, err := bodySum(ctx, b, id); err != nil || got != noiseSum(seed, size) {
		return fmt.Errorf("%d came back as something else: %w", seed, err)
	}
	if seed%2 == 1 {
		return nil
	}
	return b.Delete(ctx, id)
}

// peak watches how much memory is in use until stop, which tells by how much it grew.
func peak(t *testing.T) (stop func() int64) {
	t.Helper()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	base, most := m.HeapAlloc, m.HeapAlloc
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapAlloc)
			}
		}
	}()
	return func() int64 { close(done); <-ended; return int64(most) - int64(base) }
}

// A large file is streamed both ways: memory does not grow with it.
func TestBodyLargeFile(t *testing.T) {
	const size, bound = 64 << 20, 40 << 20
	want := noiseSum(9, size)
	eachBody(t, func(t *testing.T, b bodyUnderTest) {
		id, stop := fileID(), peak(t)
		if err := b.Save(t.Context(), id, from(noise(9, size))); err != nil {
			t.Fatal(err)
		}
		if got, err := bodySum(t.Context(), b, id); err != nil || got != want {
			t.Errorf("64 MB came back as something else: %v", err)
		}
		if grown := stop(); grown > bound {
			t.Errorf("memory grew by %d MB", grown>>20)
		}
	})
}

// BenchmarkPut10MB is a whole file from reader to record.
func BenchmarkPut10MB(b *testing.B) {
	data, err := io.ReadAll(noise(1, 10<<20))
	if err != nil {
		b.Fatal(err)
	}
	put := func(b *testing.B, body Body) {
		f := newStore(b)
		s := New(body, f.col, Options{})
		b.SetBytes(int64(len(data)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.Put(b.Context(), "x", bytes.NewReader(data), 64<<20); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("dir", func(b *testing.B) {
		d, err := OpenDir(b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		put(b, d)
	})
	b.Run("s3", func(b *testing.B) { put(b, openS3(b, s3Config(b))) })
}
