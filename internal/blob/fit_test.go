package blob

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/parley-hub/parley/timeline"
)

// photos is what many channels take: JPEG and PNG of at most 8 MB.
var photos = Limit{MaxBytes: 8 << 20, MIME: []string{"image/jpeg", "image/png"}}

func TestFit(t *testing.T) {
	f := newStore(t)
	clear := color.NRGBA{200, 30, 30, 99}
	jpegs := Limit{MaxBytes: 8 << 20, MIME: []string{"image/jpeg"}}
	for _, c := range []struct {
		name string
		b    []byte
		l    Limit
		mime string // "": the file itself
	}{
		{"fits", jpegOf(t, scene(300, 200, 20), 90), photos, ""},
		{"anything_goes", []byte("hello"), Limit{}, ""},
		{"webp", webpOf(96, 48, color.NRGBA{200, 30, 30, 255}), photos, "image/jpeg"},
		{"webp_transparent", webpOf(96, 48, clear), photos, "image/png"},
		{"webp_transparent_to_jpeg", webpOf(96, 48, clear), jpegs, "image/jpeg"},
		{"gif_still", gifOf(t, 300, 300, 1), photos, "image/jpeg"},
		{"jpeg_to_png", jpegOf(t, scene(300, 200, 20), 90), Limit{MIME: []string{"image/png"}}, "image/png"},
		{"png_too_large", pngOf(t, scene(400, 300, 255)), Limit{MaxBytes: 70_000, MIME: []string{"image/*"}}, "image/jpeg"},
		{"only_smaller_helps", jpegOf(t, scene(800, 600, 255), 95), Limit{MaxBytes: 40_000}, "image/jpeg"},
		{"png_only_and_small", pngOf(t, scene(450, 350, 255)), Limit{MaxBytes: 300_000, MIME: []string{"image/png"}}, "image/png"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := f.put(t, "photo.x", c.b)
			got, err := f.Fit(t.Context(), p.File, c.l)
			if err != nil || !c.l.Takes(got.MIME) || !c.l.Small(got.Size) {
				t.Fatalf("%+v %v", got, err)
			}
			if (c.mime == "") != (got.File == p.File) || c.mime != "" && got.MIME != c.mime {
				t.Errorf("%+v, want %q", got, c.mime)
			}
			if again, err := f.Fit(t.Context(), p.File, c.l); err != nil || again.File != got.File {
				t.Errorf("made twice: %+v %v", again, err)
			}
			if c.mime != "" {
				f.picture(t, got)
			}
			if err := f.Delete(t.Context(), p.File); err != nil {
				t.Fatal(err)
			}
			f.wantNothing(t)
		})
	}
}

// A copy stands upright, tells nothing about its maker, keeps its colours, and what was
// transparent is on white.
func TestFitKeepsWhatIsSeen(t *testing.T) {
	f := newStore(t)
	small := Limit{MaxBytes: 900}
	p := f.put(t, "a.jpg", withProfile(photo(t, 6), someProfile("RGB ")))
	got, err := f.Fit(t.Context(), p.File, Limit{MIME: []string{"image/png"}})
	if err != nil || got.Width != 20 || got.Height != 40 || got.Name != "a.png" {
		t.Fatalf("%+v %v", got, err)
	}
	if _, err := f.Fit(t.Context(), p.File, small); !errors.Is(err, ErrUnfit) {
		t.Errorf("900 bytes with a profile of 500: %v", err)
	}
	large := f.put(t, "b.jpg", withProfile(jpegOf(t, scene(450, 300, 255), 95), someProfile("RGB ")))
	got, err = f.Fit(t.Context(), large.File, Limit{MaxBytes: 30_000})
	if err != nil {
		t.Fatal(err)
	}
	if _, b := f.picture(t, got); !bytes.Contains(b, someProfile("RGB ")) || bytes.Contains(b, []byte("Exif")) {
		t.Error("its colours are others, or it tells about its maker")
	}
	through := f.put(t, "c.webp", webpOf(64, 64, color.NRGBA{255, 0, 0, 0}))
	got, err = f.Fit(t.Context(), through.File, Limit{MIME: []string{"image/jpeg"}})
	if err != nil {
		t.Fatal(err)
	}
	m, _ := f.picture(t, got)
	if r, g, b, _ := m.At(30, 30).RGBA(); r>>8 < 250 || g>>8 < 250 || b>>8 < 250 {
		t.Errorf("%d %d %d is not white", r>>8, g>>8, b>>8)
	}
}

func TestFitRefusals(t *testing.T) {
	f := newStore(t)
	for _, c := range []struct {
		name string
		b    []byte
		l    Limit
		want string
	}{
		{"heic", []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"), photos, "The picture is HEIC, which is not taken here and cannot be converted; send it as JPEG."},
		{"audio_opus", []byte("OggS\x00\x02\x00\x00OpusHead"), Limit{MIME: []string{"audio/mp4", "audio/aac"}}, "Files of the type audio/ogg are not taken here; taken are audio/mp4, audio/aac."},
		{"animation_too_large", gifOf(t, 300, 300, 3), Limit{MaxBytes: 10_000, MIME: []string{"image/*"}}, "an animation cannot be made smaller."},
		{"animation_of_a_type", gifOf(t, 300, 300, 3), photos, "The picture is an animated GIF, which is not taken here"},
		{"no_picture_type_fits", jpegOf(t, scene(300, 200, 20), 90), Limit{MIME: []string{"image/gif"}}, "The picture is JPEG; taken are image/gif."},
		{"cannot_be_made_smaller", jpegOf(t, scene(450, 300, 255), 95), Limit{MaxBytes: 1 << 10}, "at most 1024 bytes are taken and it cannot be made smaller."},
		{"bomb", bomb(30_000, 30_000), Limit{MIME: []string{"image/jpeg"}}, "The picture has too many pixels to be opened."},
		{"broken", bomb(300, 300), Limit{MIME: []string{"image/jpeg"}}, "The picture is broken"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := f.put(t, "x", c.b)
			_, err := f.Fit(t.Context(), p.File, c.l)
			var refused *Refusal
			if !errors.Is(err, ErrUnfit) || !errors.As(err, &refused) || !strings.Contains(refused.Reason, c.want) {
				t.Errorf("err = %v, want %q", err, c.want)
			}
		})
	}
	if _, err := f.Fit(t.Context(), fileID(), photos); !errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrUnfit) {
		t.Error(err)
	}
}

func Test_image_9MB(t *testing.T) {
	f := newStore(t)
	p := f.put(t, "holiday.jpg", jpegOf(t, scene(2900, 2150, 255), 100))
	if p.Size < 9_000_000 || p.Size > 12_000_000 {
		t.Fatalf("the picture has %d bytes", p.Size)
	}
	got, err := f.Fit(t.Context(), p.File, photos)
	if err != nil || got.Size > 8<<20 || got.Size < 2<<20 || got.MIME != "image/jpeg" || got.Width != 2900 {
		t.Errorf("%+v %v", got, err)
	}
}

func Test_pdf_26MB(t *testing.T) {
	f := newStore(t)
	const size = 26 << 20
	p, err := f.Put(t.Context(), "terms.pdf", io.MultiReader(strings.NewReader("%PDF-1.7\n"), noise(1, size-9)), size)
	if err != nil || p.MIME != "application/pdf" {
		t.Fatal(p, err)
	}
	_, err = f.Fit(t.Context(), p.File, Limit{MaxBytes: 25 << 20, MIME: []string{"application/pdf", "image/jpeg"}})
	var refused *Refusal
	if !errors.As(err, &refused) || refused.Reason != "The file is 26 MB; at most 25 MB are taken." {
		t.Errorf("err = %v", err)
	}
	if f.left(t) != 1 {
		t.Error("something was made of it")
	}
}

func TestTooLargeInWords(t *testing.T) {
	for _, c := range []struct {
		size, max int64
		kind      timeline.PartKind
		want      string
	}{
		{9_620_000, 8 << 20, timeline.PartImage, "The picture is 9.2 MB; at most 8 MB are taken"},
		{8<<20 + 1, 8 << 20, timeline.PartVideo, "The video is 8.1 MB; at most 8 MB are taken"},
		{16_000_000, 5_000_000, timeline.PartAudio, "The recording is 16 MB; at most 5 MB are taken"},
		{2000, 1000, timeline.PartFile, "The file is 2000 bytes; at most 1000 bytes are taken"},
	} {
		if got := (Limit{MaxBytes: c.max}).tooLarge(File{Size: c.size, Kind: c.kind}); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// A decoder that panics is a broken picture, not the end of the hub.
func TestDecoderPanics(t *testing.T) {
	image.RegisterFormat("panics", "PANIC", func(io.Reader) (image.Image, error) { panic("index out of range") }, func(io.Reader) (image.Config, error) { return image.Config{}, nil })
	if _, err := decodeSafely(strings.NewReader("PANIC!")); !errors.Is(err, ErrPicture) || !strings.Contains(err.Error(), "panicked") {
		t.Error(err)
	}
	if _, err := look(strings.NewReader("PANIC!")); !errors.Is(err, errForeign) {
		t.Error(err)
	}
}
