// Package blob keeps files: what customers send and what agents attach.
//
// Bytes live on disk under their id, what is known of them in the files collection. A file
// is written whole, with its folder entry, before it is recorded; a crash leaves at most
// bytes that nobody names. Types are sniffed from the bytes, never believed; where a photo
// was taken is removed; everything that a browser could run is served as a download only.
package blob

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/oklog/ulid/v2"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// The errors callers act on. A file that is not there is fs.ErrNotExist.
var (
	ErrTooLarge = errors.New("blob: the file is larger than allowed")
	ErrFull     = errors.New("blob: the disk is full") // 507: make room, then try again
	ErrEmpty    = errors.New("blob: the file is empty")
)

// Body holds the bytes of files by id. It is what another place to keep them, such as an
// object store, would implement. Calls are safe at the same time.
type Body interface {
	// Save keeps what write writes, whole or not at all; it is durable when Save returns.
	Save(ctx context.Context, id timeline.FileID, write func(io.Writer) error) error
	// Open reads; fs.ErrNotExist if there is nothing.
	Open(ctx context.Context, id timeline.FileID) (io.ReadSeekCloser, error)
	// Delete removes; nothing to remove is no error.
	Delete(ctx context.Context, id timeline.FileID) error
}

// File is what is known of a stored file.
type File struct {
	ID     timeline.FileID   `json:"id" bson:"_id"`
	Name   string            `json:"name"` // safe to show and to save under
	MIME   string            `json:"mime"` // sniffed
	Kind   timeline.PartKind `json:"kind"`
	Size   int64             `json:"size"` // bytes, as kept
	SHA256 string            `json:"sha256"`
	Width  int               `json:"width,omitempty"`  // pixels, as shown
	Height int               `json:"height,omitempty"` // pixels, as shown
	At     time.Time         `json:"at"`
	Unsent *time.Time        `json:"unsentAt,omitempty"` // its message was taken back: it is gone, and swept soon
}

// Part is the file as a message carries it.
func (f File) Part() timeline.Part {
	return timeline.Part{Kind: f.Kind, Name: f.Name, MIME: f.MIME, Size: f.Size, File: f.ID, Width: f.Width, Height: f.Height}
}

// Options shape a store of files.
type Options struct {
	Key     []byte           // signs links
	BaseURL string           // where the hub is reached, for links; empty: relative links
	Now     func() time.Time // nil: time.Now
	Log     *slog.Logger     // nil: the default
}

// Store keeps files. It is safe for concurrent use.
type Store struct {
	body Body
	col  store.Collection
	opt  Options
}

// New makes a store over a place for bytes and the files collection.
func New(body Body, col store.Collection, o Options) *Store {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Store{body: body, col: col, opt: o}
}

// Put keeps a file of at most max bytes.
func (s *Store) Put(ctx context.Context, name string, r io.Reader, max int64) (timeline.Part, error) {
	f := File{ID: s.newID(), Name: SafeName(name), At: timeline.Moment(s.opt.Now())}
	err := s.body.Save(ctx, f.ID, func(w io.Writer) error { return f.copy(w, r, max) })
	if err != nil {
		return timeline.Part{}, full(err)
	}
	if err := s.col.Insert(ctx, f); err != nil {
		return timeline.Part{}, fmt.Errorf("blob: recording %s: %w", f.ID, errors.Join(err, s.body.Delete(context.WithoutCancel(ctx), f.ID)))
	}
	return f.Part(), nil
}

func (s *Store) newID() timeline.FileID {
	return timeline.FileID(ulid.MustNew(ulid.Timestamp(s.opt.Now()), rand.Reader).String())
}

// Stat tells what is known of a file.
func (s *Store) Stat(ctx context.Context, id timeline.FileID) (File, error) {
	if !validID(id) {
		return File{}, fs.ErrNotExist
	}
	var f File
	err := s.col.One(ctx, bson.D{{Key: "_id", Value: string(id)}}, &f)
	if errors.Is(err, store.ErrNotFound) {
		return File{}, fs.ErrNotExist
	}
	if err != nil {
		return File{}, fmt.Errorf("blob: looking up %s: %w", id, err)
	}
	if f.Unsent != nil {
		return File{}, fs.ErrNotExist
	}
	return f, nil
}

// sweepBatch is how many files one look of Sweep takes.
const sweepBatch = 100

// Sweep deletes the files of messages that were taken back. Nobody can open them since; this
// frees their bytes. Several nodes may sweep at once.
func (s *Store) Sweep(ctx context.Context) error {
	for {
		var fs []File
		err := s.col.All(ctx, bson.D{{Key: "unsentAt", Value: bson.D{{Key: "$lte", Value: timeline.Moment(s.opt.Now())}}}}, &fs, store.Find{Limit: sweepBatch})
		if err != nil {
			return fmt.Errorf("blob: looking for what was taken back: %w", err)
		}
		for _, f := range fs {
			if err := s.Delete(ctx, f.ID); err != nil {
				return err
			}
		}
		if len(fs) < sweepBatch {
			return nil
		}
	}
}

// Open reads a file.
func (s *Store) Open(ctx context.Context, id timeline.FileID) (io.ReadSeekCloser, timeline.Part, error) {
	f, err := s.Stat(ctx, id)
	if err != nil {
		return nil, timeline.Part{}, err
	}
	r, err := s.body.Open(ctx, id)
	if err != nil {
		return nil, timeline.Part{}, fmt.Errorf("blob: opening %s: %w", id, err)
	}
	return r, f.Part(), nil
}

// Delete removes a file: first what names it, then its bytes.
func (s *Store) Delete(ctx context.Context, id timeline.FileID) error {
	if !validID(id) {
		return nil
	}
	if _, err := s.col.Delete(ctx, bson.D{{Key: "_id", Value: string(id)}}); err != nil {
		return fmt.Errorf("blob: forgetting %s: %w", id, err)
	}
	if err := s.body.Delete(ctx, id); err != nil {
		return fmt.Errorf("blob: deleting %s: %w", id, err)
	}
	return nil
}

func validID(id timeline.FileID) bool {
	_, err := ulid.ParseStrict(string(id))
	return err == nil
}

// full names a disk without room, whoever noticed it.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}

// Dir is a [Body] on a local disk.
type Dir struct{ root string }

// tmp is the folder of files being written.
const tmp = "tmp"

// OpenDir makes or opens a folder of files and clears what a crash left half-written.
func OpenDir(root string) (*Dir, error) {
	if err := os.MkdirAll(filepath.Join(root, tmp), 0o700); err != nil {
		return nil, fmt.Errorf("blob: making the folder: %w", err)
	}
	left, err := os.ReadDir(filepath.Join(root, tmp))
	if err != nil {
		return nil, fmt.Errorf("blob: reading the folder: %w", err)
	}
	for _, e := range left {
		if err := os.Remove(filepath.Join(root, tmp, e.Name())); err != nil {
			return nil, fmt.Errorf("blob: clearing up: %w", err)
		}
	}
	return &Dir{root: root}, nil
}

// path spreads files over folders by the last letters of their id, which are random.
func (d *Dir) path(id timeline.FileID) (string, error) {
	if !validID(id) {
		return "", fs.ErrNotExist
	}
	name := strings.ToUpper(string(id))
	return filepath.Join(d.root, name[len(name)-2:], name), nil
}

// Save writes to a temporary file, syncs it, gives it its name and syncs the folder.
func (d *Dir) Save(_ context.Context, id timeline.FileID, write func(io.Writer) error) (err error) {
	path, err := d.path(id)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Join(d.root, tmp), "*")
	if err != nil {
		return fmt.Errorf("blob: making a file: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, gone(os.Remove(f.Name())))
		}
	}()
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("blob: writing: %w", err)
	}
	return d.install(f.Name(), path)
}

func (d *Dir) install(from, path string) error {
	dir := filepath.Dir(path)
	err := os.Mkdir(dir, 0o700)
	switch {
	case err == nil:
		err = syncDir(d.root)
	case errors.Is(err, fs.ErrExist):
		err = nil
	}
	if err != nil {
		return fmt.Errorf("blob: making a folder: %w", err)
	}
	if err := os.Rename(from, path); err != nil {
		return fmt.Errorf("blob: naming a file: %w", err)
	}
	return syncDir(dir)
}

// Open reads a file.
func (d *Dir) Open(_ context.Context, id timeline.FileID) (io.ReadSeekCloser, error) {
	path, err := d.path(id)
	if err != nil {
		return nil, err
	}
	return os.Open(path)
}

// Delete removes a file.
func (d *Dir) Delete(_ context.Context, id timeline.FileID) error {
	path, err := d.path(id)
	if err == nil {
		err = os.Remove(path)
	}
	return gone(err)
}

func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("blob: syncing a folder: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("blob: syncing a folder: %w", err)
	}
	return nil
}
