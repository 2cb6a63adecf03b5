package blob

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/timeline"
)

func (f *fixture) put(t testing.TB, name string, b []byte) timeline.Part {
	t.Helper()
	p, err := f.Put(t.Context(), name, bytes.NewReader(b), 64<<20)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// picture opens a stored picture and decodes it.
func (f *fixture) picture(t *testing.T, p timeline.Part) (image.Image, []byte) {
	t.Helper()
	b, _ := f.read(t, p.File)
	m, format, err := image.Decode(bytes.NewReader(b))
	if err != nil || "image/"+format != p.MIME || m.Bounds().Dx() != p.Width || m.Bounds().Dy() != p.Height || int64(len(b)) != p.Size {
		t.Fatalf("%+v: %s %v, %d bytes, %v", p, format, m, len(b), err)
	}
	return m, b
}

func (f *fixture) thumb(t *testing.T, id timeline.FileID, side int) (timeline.Part, error) {
	t.Helper()
	r, p, err := f.Thumb(t.Context(), id, side)
	if err == nil {
		err = r.Close()
	}
	return p, err
}

func TestThumb(t *testing.T) {
	f := newStore(t)
	clear := image.NewNRGBA(image.Rect(0, 0, 60, 30))
	for _, c := range []struct {
		name string
		b    []byte
		mime string
		w, h int
	}{
		{"jpeg", jpegOf(t, scene(100, 50, 20), 90), "image/jpeg", 48, 24},
		{"png", pngOf(t, scene(50, 100, 20)), "image/jpeg", 24, 48},
		{"png_transparent", pngOf(t, clear), "image/png", 48, 24},
		{"gif", gifOf(t, 60, 60, 1), "image/jpeg", 48, 48},
		{"gif_animated", gifOf(t, 96, 48, 3), "image/jpeg", 48, 24},
		{"webp", webpOf(96, 48, color.NRGBA{200, 30, 30, 255}), "image/jpeg", 48, 24},
		{"webp_transparent", webpOf(96, 48, color.NRGBA{200, 30, 30, 99}), "image/png", 48, 24},
		{"thin", pngOf(t, scene(2000, 1, 3)), "image/jpeg", 48, 1},
		{"small_already", jpegOf(t, scene(30, 48, 20), 90), "image/jpeg", 30, 48},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := f.put(t, "holiday.old.bin", c.b)
			small, err := f.thumb(t, p.File, 48)
			if err != nil || small.MIME != c.mime || small.Width != c.w || small.Height != c.h {
				t.Fatalf("%+v %v", small, err)
			}
			if (small.File == p.File) != (c.name == "small_already") {
				t.Errorf("made %s of %s", small.File, p.File)
			}
			f.picture(t, small)
			if small.File != p.File && !strings.HasPrefix(small.Name, "holiday.old.") {
				t.Errorf("name %q", small.Name)
			}
			if again, err := f.thumb(t, p.File, 48); err != nil || again.File != small.File {
				t.Errorf("made twice: %+v %v", again, err)
			}
			if err := f.Delete(t.Context(), p.File); err != nil {
				t.Fatal(err)
			}
			f.wantNothing(t)
		})
	}
}

func TestThumbStandsUpright(t *testing.T) {
	f := newStore(t)
	p := f.put(t, "a.jpg", photo(t, 6)) // 40 × 20, red grows to the right and green downwards
	small, err := f.thumb(t, p.File, 10)
	if err != nil || small.Width != 5 || small.Height != 10 {
		t.Fatalf("%+v %v", small, err)
	}
	m, b := f.picture(t, small)
	r, g, _, _ := m.At(4, 9).RGBA() // the end of the first row
	r0, g0, _, _ := m.At(0, 0).RGBA()
	if r>>8 < 180 || g>>8 > 80 || r0>>8 > 60 || g0>>8 < 180 || bytes.Contains(b, []byte("Exif")) {
		t.Errorf("it lies on its side: %d %d, %d %d", r>>8, g>>8, r0>>8, g0>>8)
	}
}

func TestThumbRefusals(t *testing.T) {
	f := newStore(t)
	torn := jpegOf(t, scene(600, 300, 20), 90)
	torn = append(torn[:len(torn)/8:len(torn)/8], 0xFF, eoi)
	for _, c := range []struct {
		name string
		b    []byte
		want string
	}{
		{"text", []byte("hello"), "type of file (text/plain)"},
		{"heic", []byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"), "image/heic"},
		{"png_bomb", bomb(30_000, 30_000), "too many pixels"},
		{"webp_bomb", webpOf(16383, 16383, color.NRGBA{1, 2, 3, 255}), "too many pixels"},
		{"png_of_little", bomb(2000, 2000), "broken"},
		{"jpeg_torn", torn, "broken"},
	} {
		t.Run(c.name, func(t *testing.T) {
			stop := peak(t)
			p := f.put(t, "x", c.b)
			_, err := f.thumb(t, p.File, Small)
			var refused *Refusal
			if !errors.Is(err, ErrNoThumb) || !errors.As(err, &refused) || !strings.Contains(refused.Reason, c.want) {
				t.Errorf("err = %v, want %q", err, c.want)
			}
			if grown := stop(); grown > 64<<20 {
				t.Errorf("memory grew by %d MB", grown>>20)
			}
		})
	}
	if _, err := f.thumb(t, fileID(), Small); !errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrNoThumb) {
		t.Error(err)
	}
}

// Many who ask at once get the same one, made once; one who leaves does not take it from the others.
func TestThumbMadeOnce(t *testing.T) {
	f := newStore(t)
	p := f.put(t, "a.jpg", jpegOf(t, scene(600, 100, 20), 90))
	if err := f.decodes.Acquire(t.Context(), decodeMemory); err != nil { // nobody decodes for now
		t.Fatal(err)
	}
	hasty, leave := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer leave()
	if _, _, err := f.Thumb(hasty, p.File, Small); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("who left: %v", err)
	}
	const many = 8
	got, errs := make([]timeline.FileID, many), make([]error, many)
	var wg sync.WaitGroup
	for i := range many {
		wg.Go(func() {
			small, err := f.thumb(t, p.File, Small)
			got[i], errs[i] = small.File, err
		})
	}
	f.decodes.Release(decodeMemory)
	wg.Wait()
	for i := range many {
		if errs[i] != nil || got[i] != got[0] {
			t.Errorf("%v, want %v, %v", got[i], got[0], errs[i])
		}
	}
	if n, err := f.col.Count(t.Context(), bson.D{}); n != 2 || err != nil || f.left(t) != 2 {
		t.Errorf("%d records, %d files, want 2, %v", n, f.left(t), err)
	}
}

// onSave does something once, before a file is saved.
type onSave struct {
	Body
	once *sync.Once
	do   func()
}

func (o onSave) Save(ctx context.Context, id timeline.FileID, write func(io.Writer) error) error {
	o.once.Do(o.do)
	return o.Body.Save(ctx, id, write)
}

func TestCopiesGoWithTheirOriginal(t *testing.T) {
	f := newStore(t)
	data := jpegOf(t, scene(500, 100, 20), 90)
	t.Run("deleted_meanwhile", func(t *testing.T) {
		p := f.put(t, "a.jpg", data)
		s := New(onSave{f.body, new(sync.Once), func() {
			if err := f.Delete(t.Context(), p.File); err != nil {
				t.Error(err)
			}
		}}, f.col, f.opt)
		if _, _, err := s.Thumb(t.Context(), p.File, Small); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("err = %v", err)
		}
		f.wantNothing(t)
	})
	t.Run("made_by_another_node_meanwhile", func(t *testing.T) {
		p := f.put(t, "a.jpg", data)
		var theirs timeline.Part
		s := New(onSave{f.body, new(sync.Once), func() {
			var err error
			if theirs, err = f.thumb(t, p.File, Small); err != nil {
				t.Error(err)
			}
		}}, f.col, f.opt)
		r, ours, err := s.Thumb(t.Context(), p.File, Small)
		if err != nil || ours.File != theirs.File || f.left(t) != 2 {
			t.Fatalf("%v, want %v, %d files, %v", ours.File, theirs.File, f.left(t), err)
		}
		if err := errors.Join(r.Close(), f.Delete(t.Context(), p.File)); err != nil {
			t.Fatal(err)
		}
		f.wantNothing(t)
	})
	t.Run("taken_back", func(t *testing.T) {
		p := f.put(t, "a.jpg", data)
		small, err := f.thumb(t, p.File, Small)
		if err != nil {
			t.Fatal(err)
		}
		u := bson.D{{Key: "$set", Value: bson.D{{Key: "unsentAt", Value: f.now}}}}
		if n, err := f.col.Update(t.Context(), bson.D{{Key: "_id", Value: string(p.File)}}, u); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		if _, _, err := f.Open(t.Context(), small.File); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("taken back and its thumbnail is there: %v", err)
		}
		if err := f.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.wantNothing(t)
	})
}

// failsDelete fails as often as told.
type failsDelete struct {
	Body
	times *int
}

func (b failsDelete) Delete(ctx context.Context, id timeline.FileID) error {
	if *b.times--; *b.times >= 0 {
		return errors.New("crash")
	}
	return b.Body.Delete(ctx, id)
}

// A deletion that a crash interrupts is finished by the next sweep, wherever it was.
func TestDeleteHalfDone(t *testing.T) {
	for at := range 2 { // at the copy, then at the original
		f := newStore(t)
		p := f.put(t, "a.jpg", jpegOf(t, scene(500, 100, 20), 90))
		small, err := f.thumb(t, p.File, Small)
		if err != nil {
			t.Fatal(err)
		}
		times := 1
		s := New(failsDelete{f.body, &times}, f.col, f.opt)
		first := p.File
		if at == 1 {
			if err := f.Delete(t.Context(), small.File); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Delete(t.Context(), first); err == nil {
			t.Fatal("the crash went unnoticed")
		}
		for _, id := range []timeline.FileID{p.File, small.File} {
			if _, _, err := f.Open(t.Context(), id); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("half-deleted and there: %v", err)
			}
		}
		if err := f.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.wantNothing(t)
	}
}

func TestThumbLinks(t *testing.T) {
	f := newStore(t)
	app := fiber.New()
	f.Mount(app)
	get := func(id timeline.FileID, more string) *http.Response {
		u, err := url.Parse(f.URL(id, time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		r, err := app.Test(httptest.NewRequest(http.MethodGet, u.RequestURI()+more, nil), 5000)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { r.Body.Close() })
		return r
	}
	p, text := f.put(t, "a.png", pngOf(t, scene(960, 480, 20))), f.put(t, "a.txt", []byte("hello"))
	r := get(p.File, "&size=small")
	m, format, err := image.Decode(r.Body)
	if err != nil || format != "jpeg" || m.Bounds().Dx() != 480 || r.Header.Get("Content-Type") != "image/jpeg" || !strings.HasPrefix(r.Header.Get("Content-Disposition"), "inline") {
		t.Errorf("%s %v %v", format, r.Header, err)
	}
	if r := get(p.File, ""); r.Header.Get("Content-Type") != "image/png" {
		t.Errorf("the original is %v", r.Header)
	}
	if r := get(text.File, "&size=small"); r.StatusCode != http.StatusNotFound {
		t.Errorf("a small text: %d", r.StatusCode)
	}
}

func BenchmarkThumb12MP(b *testing.B) {
	data := jpegOf(b, scene(4000, 3000, 110), 90)
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		r := bytes.NewReader(data)
		f, err := look(r)
		if err != nil {
			b.Fatal(err)
		}
		m, err := decodeSafely(r)
		if err != nil {
			b.Fatal(err)
		}
		w, h := within(f.w, f.h, Small)
		if _, err := toJPEG(upright(shrink(m, w, h), f.turn), thumbQuality, nil, copyMost); err != nil {
			b.Fatal(err)
		}
	}
}
