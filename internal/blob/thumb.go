package blob

import (
	"context"
	"errors"
	"image"
	"io"
	"io/fs"
	"strconv"

	"github.com/parley-hub/parley/timeline"
)

// Small is how long the longer side of a thumbnail is, in pixels.
const Small = 480

const (
	thumbQuality = 80
	thumbAsIs    = 256 << 10 // bytes of a picture that is its own thumbnail, if it is also small
)

// ErrNoThumb is a file that no thumbnail can be made of; it comes with a [Refusal].
var ErrNoThumb = errors.New("blob: no thumbnail can be made")

// Thumb opens a small picture of a picture: its longer side has at most max pixels and it
// stands upright. It is made when first asked for and goes with the file. A picture that
// is small already is returned as it is.
func (s *Store) Thumb(ctx context.Context, id timeline.FileID, max int) (io.ReadSeekCloser, timeline.Part, error) {
	f, err := s.Stat(ctx, id)
	if err != nil {
		return nil, timeline.Part{}, err
	}
	if !convertible[f.MIME] {
		return nil, timeline.Part{}, &Refusal{Kind: ErrNoThumb, Reason: "There is no small picture of this type of file (" + f.MIME + ")."}
	}
	if f.Width > 0 && f.Width <= max && f.Height <= max && f.Size <= thumbAsIs {
		return s.Open(ctx, id)
	}
	d, err := s.derive(ctx, f, "thumb-"+strconv.Itoa(max), func(ctx context.Context) (rendition, error) { return s.thumb(ctx, f, max) })
	if err != nil {
		return nil, timeline.Part{}, err
	}
	return s.Open(ctx, d.ID)
}

func (s *Store) thumb(ctx context.Context, f File, side int) (rendition, error) {
	d, err := s.decode(ctx, f.ID, func(facts) int64 { return 0 })
	if err != nil {
		return rendition{}, refusal(ErrNoThumb, err)
	}
	defer d.release()
	w, h := within(d.image.Bounds().Dx(), d.image.Bounds().Dy(), side)
	m := upright(shrink(d.image, w, h), d.turn)
	if m.Opaque() {
		return toJPEG(m, thumbQuality, d.icc, copyMost)
	}
	return toPNG(m, copyMost)
}

// convertible are the pictures that can be decoded here.
var convertible = map[string]bool{"image/jpeg": true, "image/png": true, "image/gif": true, "image/webp": true}

// refusal says in a sentence why a picture cannot be opened. What may work later, such as a
// store that is away, stays what it is.
func refusal(kind, err error) error {
	reason := ""
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return err
	case errors.Is(err, errHuge):
		reason = "The picture has too many pixels to be opened."
	case errors.Is(err, ErrPicture), errors.Is(err, errForeign), errors.Is(err, image.ErrFormat):
		reason = "The picture is broken or of an unusual kind and cannot be opened."
	default:
		return err
	}
	return &Refusal{Kind: kind, Reason: reason, Cause: err}
}
