package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/parley-hub/parley/internal/store"
)

// An object store that cannot be used is told at start, with what to do and without keys.
func TestS3RefusedAtStart(t *testing.T) {
	good := s3Config(t)
	for _, c := range []struct {
		name   string
		change func(*S3Config)
		want   string
	}{
		{"missing_bucket", func(c *S3Config) { c.Bucket = "nobody-made-this" }, "there is no such bucket; make it"},
		{"wrong_access_key", func(c *S3Config) { c.AccessKey = "stranger-key" }, "PARLEY_S3_ACCESS_KEY"},
		{"wrong_secret", func(c *S3Config) { c.Secret = "wrong-secret-key" }, "PARLEY_S3_SECRET_KEY"},
		{"unreachable", func(c *S3Config) { c.Endpoint = "http://127.0.0.1:1" }, "cannot be reached"},
		{"no_scheme", func(c *S3Config) { c.Endpoint = "s3.example.org" }, "must begin with https://"},
		{"a_path", func(c *S3Config) { c.Bucket = "a/b" }, "a/b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bad := good
			c.change(&bad)
			_, err := OpenS3(t.Context(), bad)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("err = %v, want %q", err, c.want)
			}
			if strings.Contains(err.Error(), bad.Secret) {
				t.Errorf("the secret is told: %v", err)
			}
		})
	}
}

func TestS3ConfigHidesKeys(t *testing.T) {
	c := S3Config{Endpoint: "https://s3.example.org/", Bucket: "b", Prefix: "/p/", AccessKey: "hush1", Secret: "hush2"}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "s3", c)
	for _, text := range []string{log.String(), fmt.Sprint(c), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", c), fmt.Sprintf("%v", &c)} {
		if strings.Contains(text, "hush") || !strings.Contains(text, "https://s3.example.org/b/p") {
			t.Error(text)
		}
	}
}

// A process that dies half-way through an upload leaves nothing that can be seen, and what
// it holds of the bucket's room is cleared later, but not while it may be another node's.
func TestS3CrashHalfWay(t *testing.T) {
	s := openS3(t, s3Config(t))
	id := fileID()
	key, err := s.key(id)
	if err != nil {
		t.Fatal(err)
	}
	u := newUpload(t.Context(), s, key)
	if _, err := io.Copy(u, noise(1, partBytes+1)); err != nil || len(u.parts) != 1 {
		t.Fatal(len(u.parts), err)
	}
	if _, err := s.Open(t.Context(), id); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("half of it can be opened: %v", err)
	}
	s.clear(t.Context(), time.Now().Add(-s3Stale))
	if n := s3Left(t, s); n != 1 {
		t.Errorf("%d uploads under way, want the fresh one", n)
	}
	s.clear(t.Context(), time.Now().Add(time.Hour))
	if n := s3Left(t, s); n != 0 {
		t.Errorf("%d uploads are left", n)
	}
}

// faults breaks answers off after some bytes, or loses those to uploads, as told.
type faults struct {
	cut  atomic.Int64 // bytes of each answer to GET; 0: all
	lose atomic.Bool  // answers to PUT, once the server has done it
	lost atomic.Int64
}

func (f *faults) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	switch n := f.cut.Load(); {
	case err != nil:
	case r.Method == http.MethodPut && f.lose.Load():
		f.lost.Add(1)
		return nil, errors.Join(errors.New("the network is gone"), resp.Body.Close())
	case n > 0 && r.Method == http.MethodGet && strings.Contains(resp.Header.Get("Content-Type"), "octet-stream"):
		resp.Body = cutBody{io.LimitReader(resp.Body, n), resp.Body}
	}
	return resp, err
}

type cutBody struct {
	io.Reader
	io.Closer
}

// A connection that breaks off is taken up where it broke; one that never brings a byte is an error.
func TestS3ReadsOnAfterABreak(t *testing.T) {
	f := &faults{}
	c := s3Config(t)
	c.Transport = f
	s := openS3(t, c)
	id := fileID()
	if err := s.Save(t.Context(), id, from(noise(5, 1<<20))); err != nil {
		t.Fatal(err)
	}
	f.cut.Store(100_000)
	if got, err := bodySum(t.Context(), s, id); err != nil || got != noiseSum(5, 1<<20) {
		t.Errorf("broken off: %v", err)
	}
	r, err := s.Open(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := s.Delete(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Read(make([]byte, 9)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("deleted under a reader: %v", err)
	}
}

// Where the answer to the last request is lost, nothing is left, although all of it was there.
func TestS3LostAnswer(t *testing.T) {
	f, wire := newStore(t), &faults{}
	c := s3Config(t)
	c.Transport = wire
	body := openS3(t, c)
	s := New(body, f.col, Options{})
	wire.lose.Store(true)
	if _, err := s.Put(t.Context(), "x", noise(5, 1000), 1<<20); !errors.Is(err, store.ErrUnavailable) || wire.lost.Load() == 0 {
		t.Errorf("err = %v, %d answers were lost", err, wire.lost.Load())
	}
	wire.lose.Store(false)
	if n := s3Left(t, body); n != 0 {
		t.Errorf("%d things are left", n)
	}
}

func TestS3ReadingEndsWithContext(t *testing.T) {
	s := openS3(t, s3Config(t))
	id := fileID()
	if err := s.Save(t.Context(), id, from(noise(5, 1<<20))); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r, err := s.Open(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.ReadFull(r, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := io.Copy(io.Discard, r); !errors.Is(err, context.Canceled) {
		t.Errorf("it reads on: %v", err)
	}
}

func TestS3AnswersAsErrors(t *testing.T) {
	other := errors.New("x")
	for _, c := range []struct {
		name string
		err  error
		want error
	}{
		{"nothing", nil, nil}, {"no_answer", other, store.ErrUnavailable}, {"cancelled", context.Canceled, context.Canceled},
		{"broken", minio.ErrorResponse{StatusCode: 503}, store.ErrUnavailable},
		{"missing", minio.ErrorResponse{Code: "NoSuchKey"}, fs.ErrNotExist},
		{"full", minio.ErrorResponse{Code: "QuotaExceeded"}, ErrFull}, {"no_storage", minio.ErrorResponse{StatusCode: 507}, ErrFull},
		{"too_large", minio.ErrorResponse{Code: "EntityTooLarge"}, ErrTooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := s3Error(c.err); !errors.Is(got, c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}
