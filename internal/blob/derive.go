package blob

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

const (
	decodeMemory = 512 << 20       // of all pictures being decoded; one that takes more is refused
	decodesMost  = 4               // at once
	deriveBudget = 2 * time.Minute // to make one copy, whoever still waits for it
	copyMost     = int64(32) << 20 // bytes of a copy where nothing else limits it
	copySide     = 4096            // pixels of a copy's longer side
)

// Refusal is why a copy of a file cannot be made.
type Refusal struct {
	Kind   error  // ErrUnfit, ErrNoThumb
	Reason string // a sentence for a person
	Cause  error  // may be nil
}

func (r *Refusal) Error() string {
	if r.Cause != nil {
		return fmt.Sprintf("%v: %s (%v)", r.Kind, r.Reason, r.Cause)
	}
	return fmt.Sprintf("%v: %s", r.Kind, r.Reason)
}

// Unwrap is for errors.Is.
func (r *Refusal) Unwrap() []error { return []error{r.Kind, r.Cause} }

// rendition is a picture made from another.
type rendition struct {
	data []byte
	ext  string // of its name, with the dot
}

// derive returns the copy of a file for a use, which it makes if there is none. One is made at
// a time, for all who ask, and goes on when they go. It is a file of its own: it can be
// opened and linked to, and it goes with the file it was made from.
func (s *Store) derive(ctx context.Context, of File, use string, make func(context.Context) (rendition, error)) (File, error) {
	d, err := s.derived(ctx, of.ID, use)
	if !errors.Is(err, fs.ErrNotExist) {
		return d, err
	}
	made := s.flights.DoChan(string(of.ID)+"|"+use, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deriveBudget)
		defer cancel()
		if d, err := s.derived(ctx, of.ID, use); !errors.Is(err, fs.ErrNotExist) {
			return d, err
		}
		r, err := make(ctx)
		if err != nil {
			return File{}, err
		}
		return s.keep(ctx, of, use, r)
	})
	select {
	case res := <-made:
		d, _ := res.Val.(File)
		return d, res.Err
	case <-ctx.Done():
		return File{}, ctx.Err()
	}
}

// derived looks a copy up; fs.ErrNotExist if there is none.
func (s *Store) derived(ctx context.Context, of timeline.FileID, use string) (File, error) {
	var f File
	err := s.col.One(ctx, bson.D{{Key: "of", Value: string(of)}, {Key: "use", Value: use}}, &f)
	if errors.Is(err, store.ErrNotFound) {
		return File{}, fs.ErrNotExist
	}
	if err != nil {
		return File{}, fmt.Errorf("blob: looking up a copy of %s: %w", of, err)
	}
	return f, nil
}

// keep stores a copy. Another node may have made the same meanwhile: the first one counts. The
// original may have gone: the copy goes too. Whoever removes an original marks it before
// looking for copies, and here it is looked at after the copy was recorded, so that none stays.
func (s *Store) keep(ctx context.Context, of File, use string, r rendition) (File, error) {
	f := File{ID: s.newID(), Of: of.ID, Use: use, Name: SafeName(strings.TrimSuffix(of.Name, path.Ext(of.Name)) + r.ext), At: timeline.Moment(s.opt.Now())}
	err := s.receive(ctx, &f, bytes.NewReader(r.data), int64(len(r.data)))
	if err != nil {
		return File{}, errors.Join(err, s.discard(ctx, f.ID))
	}
	err = s.col.Insert(ctx, f)
	if err == nil {
		_, err = s.Stat(ctx, of.ID)
	}
	if err == nil {
		return f, nil
	}
	taken := store.IsDuplicate(err, "derived")
	if gone := s.Delete(context.WithoutCancel(ctx), f.ID); gone != nil {
		return File{}, fmt.Errorf("blob: recording a copy of %s: %w", of.ID, errors.Join(err, gone))
	}
	if taken {
		return s.derived(ctx, of.ID, use)
	}
	return File{}, fmt.Errorf("blob: recording a copy of %s: %w", of.ID, err)
}

// decoded is a picture in memory, which it occupies until release.
type decoded struct {
	facts
	image   image.Image
	release func()
}

// decode opens a picture, unless its header says that it is too large. It waits for its turn:
// pictures being decoded share a budget of memory.
func (s *Store) decode(ctx context.Context, id timeline.FileID, more func(facts) int64) (d decoded, err error) {
	r, err := s.body.Open(ctx, id)
	if err != nil {
		return d, fmt.Errorf("blob: opening %s: %w", id, err)
	}
	defer r.Close()
	if d.facts, err = look(r); err != nil {
		return d, err
	}
	need := d.memory + more(d.facts)
	if int64(d.w)*int64(d.h) > maxPixels || need > decodeMemory {
		return d, fmt.Errorf("%w: %d × %d", errHuge, d.w, d.h)
	}
	need = max(need, decodeMemory/decodesMost)
	if err := s.decodes.Acquire(ctx, need); err != nil {
		return d, err
	}
	d.release = func() { s.decodes.Release(need) }
	if d.image, err = decodeSafely(r); err != nil {
		d.release()
		return d, err
	}
	return d, nil
}

var errHuge = errors.New("blob: the picture has too many pixels")

// decodeSafely decodes what a stranger sent: a decoder that gives up loudly is an error.
func decodeSafely(r io.Reader) (m image.Image, err error) {
	defer survive(&err)
	if m, _, err = image.Decode(bufio.NewReader(r)); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPicture, err)
	}
	return m, nil
}

// survive turns a decoder's panic into an error. It is deferred.
func survive(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: the decoder panicked: %v", ErrPicture, p)
	}
}

// errTooBig is a rendition with more bytes than allowed.
var errTooBig = errors.New("blob: the copy is too large")

// capped is a buffer that fails when it would grow past max.
type capped struct {
	bytes.Buffer
	max int64
}

func (c *capped) Write(p []byte) (int, error) {
	if int64(c.Len()+len(p)) > c.max {
		return 0, errTooBig
	}
	return c.Buffer.Write(p)
}

// toJPEG encodes within max bytes, with the colour profile of the original.
func toJPEG(m *image.RGBA, quality int, icc []byte, max int64) (rendition, error) {
	out := &capped{max: max}
	w := &afterStart{w: out, insert: iccSegment(icc)}
	err := jpeg.Encode(w, m, &jpeg.Options{Quality: quality})
	return rendition{out.Bytes(), ".jpg"}, err
}

// toPNG encodes within max bytes.
func toPNG(m *image.RGBA, max int64) (rendition, error) {
	out := &capped{max: max}
	err := png.Encode(out, m)
	return rendition{out.Bytes(), ".png"}, err
}

// iccSegment is a profile as a JPEG carries it (ICC.1, B.4); it fits into one segment.
func iccSegment(icc []byte) []byte {
	if icc == nil {
		return nil
	}
	var b bytes.Buffer
	if err := putSegment(&b, app2, append([]byte("ICC_PROFILE\x00\x01\x01"), icc...)); err != nil {
		return nil // a buffer does not fail
	}
	return b.Bytes()
}

// afterStart puts bytes behind the first two, a JPEG's start.
type afterStart struct {
	w      io.Writer
	insert []byte
	seen   int
}

func (a *afterStart) Write(p []byte) (n int, err error) {
	if a.seen < 2 && a.seen+len(p) >= 2 && len(a.insert) > 0 {
		k := 2 - a.seen
		if n, err = a.w.Write(p[:k]); err != nil {
			return n, err
		}
		a.seen, p = 2, p[k:]
		if _, err = a.w.Write(a.insert); err != nil {
			return n, err
		}
	}
	k, err := a.w.Write(p)
	a.seen += k
	return n + k, err
}
