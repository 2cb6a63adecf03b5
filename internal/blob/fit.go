package blob

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"path"
	"slices"
	"strings"

	"github.com/parley-hub/parley/timeline"
)

// ErrUnfit is a file that cannot be made to fit a limit; it comes with a [Refusal].
var ErrUnfit = errors.New("blob: the file does not fit")

// Limit is what the far side takes.
type Limit struct {
	MaxBytes int64    // 0: any size
	MIME     []string // patterns such as image/*; empty: any type
}

// Takes reports whether a media type matches one of the patterns.
func (l Limit) Takes(mime string) bool {
	return len(l.MIME) == 0 || slices.ContainsFunc(l.MIME, func(p string) bool {
		ok, err := path.Match(p, mime)
		return ok && err == nil
	})
}

// Small reports whether a size in bytes is within the limit.
func (l Limit) Small(size int64) bool { return l.MaxBytes <= 0 || size <= l.MaxBytes }

// use names the copies that were made for a limit.
func (l Limit) use() string {
	types := slices.Clone(l.MIME)
	slices.Sort(types)
	return fmt.Sprintf("fit-%d-%s", max(0, l.MaxBytes), strings.Join(slices.Compact(types), ","))
}

// Fit returns a file that keeps a limit: the file itself, or a copy of a picture in a format
// and a size that do, upright and without metadata. The copy is made once and goes with the
// file. What cannot be made to fit is ErrUnfit with a sentence for a person: other files,
// animations, which a still would not replace, and pictures that stay too large.
func (s *Store) Fit(ctx context.Context, id timeline.FileID, l Limit) (timeline.Part, error) {
	f, err := s.Stat(ctx, id)
	if err != nil {
		return timeline.Part{}, err
	}
	if l.Takes(f.MIME) && l.Small(f.Size) {
		return f.Part(), nil
	}
	if reason := l.hopeless(f); reason != "" {
		return timeline.Part{}, &Refusal{Kind: ErrUnfit, Reason: reason}
	}
	d, err := s.derive(ctx, f, l.use(), func(ctx context.Context) (rendition, error) { return s.fit(ctx, f, l) })
	return d.Part(), err
}

// hopeless says why no copy can fit, without opening the file; "" if one may.
func (l Limit) hopeless(f File) string {
	takes := l.Takes("image/jpeg") || l.Takes("image/png")
	switch {
	case convertible[f.MIME] && takes:
		return ""
	case l.Takes(f.MIME):
		return l.tooLarge(f) + "."
	case f.Kind == timeline.PartImage && takes:
		return fmt.Sprintf("The picture is %s, which is not taken here and cannot be converted; send it as JPEG.", plainType(f.MIME))
	case f.Kind == timeline.PartImage:
		return fmt.Sprintf("The picture is %s; taken are %s.", plainType(f.MIME), strings.Join(l.MIME, ", "))
	}
	return fmt.Sprintf("Files of the type %s are not taken here; taken are %s.", f.MIME, strings.Join(l.MIME, ", "))
}

func plainType(mime string) string {
	_, sub, _ := strings.Cut(mime, "/")
	return strings.ToUpper(sub)
}

// tooLarge is a sentence without its end.
func (l Limit) tooLarge(f File) string {
	what := map[timeline.PartKind]string{timeline.PartImage: "picture", timeline.PartVideo: "video", timeline.PartAudio: "recording"}[f.Kind]
	if what == "" {
		what = "file"
	}
	unit := 1e6
	if l.MaxBytes%(1<<20) == 0 {
		unit = 1 << 20
	}
	size, most := math.Ceil(float64(f.Size)/unit*10)/10, math.Floor(float64(l.MaxBytes)/unit*10)/10
	if most < 0.1 {
		return fmt.Sprintf("The %s is %d bytes; at most %d bytes are taken", what, f.Size, l.MaxBytes)
	}
	return fmt.Sprintf("The %s is %g MB; at most %g MB are taken", what, size, most)
}

// qualities of a JPEG in its full size, and of one that had to be made smaller.
var (
	fullQualities    = []int{90, 80, 70}
	smallerQualities = []int{80}
)

// leastSide is the longer side, in pixels, below which a picture is worth nothing.
const leastSide = 320

func (s *Store) fit(ctx context.Context, f File, l Limit) (rendition, error) {
	d, err := s.decode(ctx, f.ID, canvases)
	if err != nil {
		return rendition{}, refusal(ErrUnfit, err)
	}
	defer d.release()
	if d.moves {
		return rendition{}, &Refusal{Kind: ErrUnfit, Reason: l.animation(f)}
	}
	most := copyMost
	if l.MaxBytes > 0 {
		most = min(most, l.MaxBytes)
	}
	b := d.image.Bounds()
	long := min(max(b.Dx(), b.Dy()), copySide)
	for side := long; side == long || side >= leastSide; side = side * 3 / 4 {
		if err := ctx.Err(); err != nil {
			return rendition{}, err
		}
		w, h := within(b.Dx(), b.Dy(), side)
		r, err := l.encode(upright(shrink(d.image, w, h), d.turn), d.icc, most, float64(side)/float64(long))
		if !errors.Is(err, errTooBig) {
			return r, err
		}
	}
	return rendition{}, &Refusal{Kind: ErrUnfit, Reason: l.tooLarge(f) + " and it cannot be made smaller."}
}

// canvases is the memory, in bytes, for the copy, for turning it, and for paper behind it.
func canvases(p facts) int64 {
	n := int64(1)
	if p.turn > 1 {
		n++
	}
	if p.format != "jpeg" {
		n++
	}
	return n * 4 * min(int64(p.w)*int64(p.h), copySide*copySide)
}

func (l Limit) animation(f File) string {
	if l.Takes(f.MIME) {
		return l.tooLarge(f) + " and an animation cannot be made smaller."
	}
	return fmt.Sprintf("The picture is an animated %s, which is not taken here; a still picture would not say the same.", plainType(f.MIME))
}

// encode tries formats and qualities; errTooBig if none is small enough. What is transparent
// stays so, as long as that does not cost more than half of its size in pixels.
func (l Limit) encode(m *image.RGBA, icc []byte, most int64, scale float64) (rendition, error) {
	jpegToo, clear := l.Takes("image/jpeg"), !m.Opaque()
	if l.Takes("image/png") && (clear || !jpegToo) {
		if r, err := toPNG(m, most); !errors.Is(err, errTooBig) {
			return r, err
		}
		if !jpegToo || scale > 0.5 {
			return rendition{}, errTooBig
		}
	}
	if clear {
		m = onWhite(m)
	}
	qualities := smallerQualities
	if scale == 1 {
		qualities = fullQualities
	}
	for _, q := range qualities {
		if r, err := toJPEG(m, q, icc, most); !errors.Is(err, errTooBig) {
			return r, err
		}
	}
	return rendition{}, errTooBig
}
