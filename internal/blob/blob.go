// Package blob keeps files: what customers send and what agents attach.
//
// Bytes live on disk or in a bucket under their id, what is known of them in the files collection. A file
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
	"strings"
	"syscall"
	"time"

	"github.com/oklog/ulid/v2"
	"go.mongodb.org/mongo-driver/v2/bson"
	"golang.org/x/sync/semaphore"
	"golang.org/x/sync/singleflight"

	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// The errors callers act on. A file that is not there is fs.ErrNotExist.
var (
	ErrTooLarge = errors.New("blob: the file is larger than allowed")
	ErrFull     = errors.New("blob: the disk is full") // 507: make room, then try again
	ErrEmpty    = errors.New("blob: the file is empty")
)

// Body holds the bytes of files by id: [Dir] on a disk, [S3] in a bucket. Calls are safe at
// the same time.
type Body interface {
	// Save keeps what write writes, whole or not at all; it is durable when Save returns nil.
	// When ctx ends, so does the writing. Where the answer to the very end is lost, an error
	// is returned although all of it may be there.
	Save(ctx context.Context, id timeline.FileID, write func(io.Writer) error) error
	// Open reads, as long as ctx lasts; fs.ErrNotExist if there is nothing.
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
	Unsent *time.Time        `json:"unsentAt,omitempty"` // its message was taken back, or it is being deleted: it is gone, and swept soon
	Of     timeline.FileID   `json:"of,omitempty"`       // the file it is a copy of; it goes with it
	Use    string            `json:"use,omitempty"`      // what the copy is for; one for each
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
	body    Body
	col     store.Collection
	opt     Options
	flights singleflight.Group  // copies being made
	decodes *semaphore.Weighted // bytes of memory for pictures
}

// New makes a store over a place for bytes and the files collection.
func New(body Body, col store.Collection, o Options) *Store {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Store{body: body, col: col, opt: o, decodes: semaphore.NewWeighted(decodeMemory)}
}

// discardBudget is how long removing bytes that were not recorded may take.
const discardBudget = 10 * time.Second

// Put keeps a file of at most max bytes. Of a longer one no more than max+1 bytes are read.
// It returns when ctx ends, even if r never does; the caller then closes r.
func (s *Store) Put(ctx context.Context, name string, r io.Reader, max int64) (timeline.Part, error) {
	f := File{ID: s.newID(), Name: SafeName(name), At: timeline.Moment(s.opt.Now())}
	if err := s.receive(ctx, &f, r, max); err != nil {
		// Whether it is there may be unknown, and nobody else uses this id.
		return timeline.Part{}, errors.Join(err, s.discard(ctx, f.ID))
	}
	if err := s.col.Insert(ctx, f); err != nil {
		return timeline.Part{}, fmt.Errorf("blob: recording %s: %w", f.ID, errors.Join(err, s.discard(ctx, f.ID)))
	}
	return f.Part(), nil
}

// receive keeps the bytes of a file and learns about it.
func (s *Store) receive(ctx context.Context, f *File, r io.Reader, max int64) error {
	src := newSource(ctx, r)
	return full(s.body.Save(ctx, f.ID, func(w io.Writer) error {
		err := f.copy(w, src, max)
		if err != nil && src.failed != nil {
			return src.failed // a picture that did not arrive is not a broken picture
		}
		return err
	}))
}

// discard removes bytes that were never recorded, also when the caller is gone.
func (s *Store) discard(ctx context.Context, id timeline.FileID) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), discardBudget)
	defer cancel()
	return s.body.Delete(ctx, id)
}

func (s *Store) newID() timeline.FileID {
	return timeline.FileID(ulid.MustNew(ulid.Timestamp(s.opt.Now()), rand.Reader).String())
}

// Stat tells what is known of a file. A copy is there as long as what it was made from.
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
	if f.Of != "" {
		if _, err := s.Stat(ctx, f.Of); err != nil {
			return File{}, err
		}
	}
	return f, nil
}

// sweepBatch is how many files one look of Sweep takes.
const sweepBatch = 100

// Sweep deletes the files of messages that were taken back, and those half-deleted. Nobody can open them since; this
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

// Delete removes a file and the copies that were made of it. It is marked as gone first, so
// that nobody opens it or makes another copy, and its record goes last, so that [Store.Sweep]
// finishes what a crash leaves.
func (s *Store) Delete(ctx context.Context, id timeline.FileID) error {
	if !validID(id) {
		return nil
	}
	it := bson.D{{Key: "_id", Value: string(id)}}
	mark := bson.D{{Key: "$set", Value: bson.D{{Key: "unsentAt", Value: timeline.Moment(s.opt.Now())}}}}
	if _, err := s.col.Update(ctx, it, mark); err != nil {
		return fmt.Errorf("blob: marking %s as gone: %w", id, err)
	}
	var copies []File
	if err := s.col.All(ctx, bson.D{{Key: "of", Value: string(id)}}, &copies, store.Find{}); err != nil {
		return fmt.Errorf("blob: looking for copies of %s: %w", id, err)
	}
	for _, c := range copies {
		if err := s.Delete(ctx, c.ID); err != nil {
			return err
		}
	}
	if err := s.body.Delete(ctx, id); err != nil {
		return fmt.Errorf("blob: deleting %s: %w", id, err)
	}
	if _, err := s.col.Delete(ctx, it); err != nil {
		return fmt.Errorf("blob: forgetting %s: %w", id, err)
	}
	return nil
}

// place is where a file lies in its body: spread over folders by the last letters of its
// id, which are random.
func place(id timeline.FileID) (string, error) {
	if !validID(id) {
		return "", fs.ErrNotExist
	}
	name := strings.ToUpper(string(id))
	return name[len(name)-2:] + "/" + name, nil
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
