package blob

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// stalls brings some bytes, then nothing until it is closed.
type stalls struct {
	head   io.Reader
	closed chan struct{}
	ended  chan struct{}
}

func (s *stalls) Read(p []byte) (int, error) {
	if n, err := s.head.Read(p); err == nil {
		return n, nil
	}
	<-s.closed
	close(s.ended)
	return copy(p, "too late"), nil
}

// endless counts what is taken from it.
type endless struct{ taken int64 }

func (e *endless) Read(p []byte) (int, error) {
	e.taken += int64(len(p))
	return len(p), nil
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func (f *fixture) wantNothing(t *testing.T) {
	t.Helper()
	n, err := f.col.Count(t.Context(), bson.D{})
	if f.left(t) != 0 || n != 0 || err != nil {
		t.Errorf("%d files and %d records are left, %v", f.left(t), n, err)
	}
}

func TestPutDoesNotWaitForever(t *testing.T) {
	f := newStore(t)
	for name, head := range map[string][]byte{"at_once": nil, "within_a_text": []byte("hello"), "within_a_picture": photo(t, 1)[:300]} {
		t.Run(name, func(t *testing.T) {
			r := &stalls{bytes.NewReader(head), make(chan struct{}), make(chan struct{})}
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
			defer cancel()
			if _, err := f.Put(ctx, "x", r, 1<<20); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrPicture) {
				t.Errorf("err = %v", err)
			}
			f.wantNothing(t)
			close(r.closed) // what the caller does with what it opened
			<-r.ended
		})
	}
}

func Test10_GB_stream(t *testing.T) {
	f := newStore(t)
	const max = 1 << 20
	r := &endless{}
	if _, err := f.Put(t.Context(), "x", r, max); !errors.Is(err, ErrTooLarge) {
		t.Errorf("err = %v", err)
	}
	if r.taken > max+1 {
		t.Errorf("%d bytes were read, at most %d are allowed", r.taken, max)
	}
	f.wantNothing(t)
}

func TestPutReadersThatLie(t *testing.T) {
	f := newStore(t)
	for name, r := range map[string]io.Reader{
		"says_more_than_asked":  readerFunc(func(p []byte) (int, error) { return len(p) + 1, nil }),
		"says_less_than_zero":   readerFunc(func([]byte) (int, error) { return -1, nil }),
		"brings_nothing_always": readerFunc(func([]byte) (int, error) { return 0, nil }),
		"ends_early":            io.MultiReader(bytes.NewReader(photo(t, 1)[:300]), brokenReader{io.ErrUnexpectedEOF}),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := f.Put(t.Context(), "x", r, 1<<20); !errors.Is(err, ErrBrokenOff) || errors.Is(err, ErrPicture) {
				t.Errorf("err = %v", err)
			}
			f.wantNothing(t)
		})
	}
}

// A server announces one length and sends another.
func Test_content_length_lies(t *testing.T) {
	f := newStore(t)
	for _, c := range []struct {
		name, announced, sent, want string
		err                         error
	}{
		{"more_than_it_sends", "100", "hello", "", ErrBrokenOff},
		{"less_than_it_sends", "5", "hello, and more", "hello", nil},
		{"none", "", "hello", "hello", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			body := answering(t, c.announced, c.sent)
			p, err := f.Put(t.Context(), "x.txt", body, 1<<20)
			if !errors.Is(err, c.err) || c.err == nil && err != nil {
				t.Fatalf("err = %v, want %v", err, c.err)
			}
			if c.err != nil {
				f.wantNothing(t)
				return
			}
			if got, _ := f.read(t, p.File); string(got) != c.want || p.Size != int64(len(c.want)) {
				t.Errorf("%q, %d bytes", got, p.Size)
			}
			if err := f.Delete(t.Context(), p.File); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// answering is the body of an answer whose header and bytes need not agree.
func answering(t *testing.T, announced, sent string) io.Reader {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
			return
		}
		head := "HTTP/1.1 200 OK\r\nConnection: close\r\n"
		if announced != "" {
			head += "Content-Length: " + announced + "\r\n"
		}
		fmt.Fprint(c, head+"\r\n"+sent)
	}()
	resp, err := http.Get("http://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp.Body
}

// What holds for a file on disk holds for one in a bucket.
func TestStoreOnS3(t *testing.T) {
	f := newStore(t)
	body := openS3(t, s3Config(t))
	s := New(body, f.col, Options{Key: []byte("key"), Now: f.Store.opt.Now})
	p, err := s.Put(t.Context(), "a.png", bytes.NewReader(photo(t, 6)), 1<<20)
	if err != nil || p.MIME != "image/jpeg" || p.Width != 20 || p.Height != 40 {
		t.Fatalf("%+v %v", p, err)
	}
	r, _, err := s.Open(t.Context(), p.File)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, err := io.ReadAll(r)
	if err != nil || int64(len(got)) != p.Size || bytes.Contains(got, []byte("GPS-SECRET")) {
		t.Errorf("%d bytes, want %d, %v", len(got), p.Size, err)
	}
	st, err := s.Stat(t.Context(), p.File)
	if want, e := bodySum(t.Context(), body, p.File); err != nil || e != nil || st.SHA256 != want {
		t.Errorf("hash %s, want %s, %v %v", st.SHA256, want, err, e)
	}
	for _, c := range []struct {
		name string
		r    io.Reader
		want error
	}{
		{"too_large", noise(1, 2*partBytes), ErrTooLarge}, {"empty", bytes.NewReader(nil), ErrEmpty},
		{"torn_picture", bytes.NewReader(photo(t, 1)[:400]), ErrPicture}, {"broken_off", brokenReader{io.ErrUnexpectedEOF}, ErrBrokenOff},
	} {
		if _, err := s.Put(t.Context(), "x", c.r, partBytes+5); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	if n := s3Left(t, body); n != 1 {
		t.Errorf("%d things are in the bucket, want 1", n)
	}
	if err := s.Delete(t.Context(), p.File); err != nil || s3Left(t, body) != 0 {
		t.Errorf("%d things are left, %v", s3Left(t, body), err)
	}
}
