package blob

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

type fixture struct {
	*Store
	dir string
	col store.Collection
	now time.Time
}

func newStore(t testing.TB) *fixture {
	t.Helper()
	db, err := store.Open(t.Context(), store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	body, err := OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{dir: dir, col: db.C(store.Files), now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	f.Store = New(body, f.col, Options{Key: []byte("key"), BaseURL: "https://hub.example/", Now: func() time.Time { return f.now }})
	return f
}

// left are the files in the folder.
func (f *fixture) left(t *testing.T) (n int) {
	t.Helper()
	err := filepath.WalkDir(f.dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (f *fixture) read(t *testing.T, id timeline.FileID) ([]byte, timeline.Part) {
	t.Helper()
	r, p, err := f.Open(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b, p
}

func picture(t *testing.T) image.Image {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 40, 20))
	for x := range 40 {
		for y := range 20 {
			m.Set(x, y, color.RGBA{uint8(x * 6), uint8(y * 12), 99, 255})
		}
	}
	return m
}

// photo is a JPEG with a place, a turn and a stranger behind its end.
func photo(t *testing.T, turn uint16) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, picture(t), nil); err != nil {
		t.Fatal(err)
	}
	seg := exif(turn)
	seg = append(seg, []byte("GPS-SECRET 52.5N 13.4E")...)
	head := []byte{0xFF, app1, 0, 0}
	binary.BigEndian.PutUint16(head[2:], uint16(len(seg)+2))
	out := append([]byte{0xFF, soi}, append(head, seg...)...)
	comment := []byte{0xFF, com, 0, 12, 'G', 'P', 'S', '-', 'S', 'E', 'C', 'R', 'E', 'T'}
	out = append(out, comment...)
	out = append(out, b.Bytes()[2:]...)
	return append(out, []byte("<script>GPS-SECRET</script>")...)
}

func TestPutOpenDelete(t *testing.T) {
	f := newStore(t)
	p, err := f.Put(t.Context(), "../../etc/notes.txt", strings.NewReader("hello"), 5)
	if err != nil || p.Name != "notes.txt" || p.Size != 5 || p.MIME != "text/plain" || p.Kind != timeline.PartFile {
		t.Fatalf("%+v %v", p, err)
	}
	if b, got := f.read(t, p.File); string(b) != "hello" || got.Name != p.Name || got.File != p.File {
		t.Errorf("%s %+v", b, got)
	}
	if st, err := f.Stat(t.Context(), p.File); err != nil || st.SHA256 != "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" {
		t.Error(st, err)
	}
	for range 2 {
		if err := f.Delete(t.Context(), p.File); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := f.Open(t.Context(), p.File); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	for _, id := range []timeline.FileID{"", "../x", "01J", "../../../../etc/passwd"} {
		if _, _, err := f.Open(t.Context(), id); !errors.Is(err, fs.ErrNotExist) {
			t.Error(id, err)
		}
	}
	if f.left(t) != 0 {
		t.Error("bytes are left")
	}
}

func TestTakenBackIsGoneAndSwept(t *testing.T) {
	f := newStore(t)
	var ids []timeline.FileID
	for _, text := range []string{"stays", "goes", "goes later"} {
		p, err := f.Put(t.Context(), text+".txt", strings.NewReader(text), 100)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, p.File)
	}
	for i, at := range map[int]time.Time{1: f.now, 2: f.now.Add(time.Hour)} {
		u := bson.D{{Key: "$set", Value: bson.D{{Key: "unsentAt", Value: at}}}}
		if n, err := f.col.Update(t.Context(), bson.D{{Key: "_id", Value: string(ids[i])}}, u); n != 1 || err != nil {
			t.Fatal(n, err)
		}
	}
	for _, id := range ids[1:] { // before anything was swept
		if _, _, err := f.Open(t.Context(), id); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("taken back and still there: %v", err)
		}
	}
	if err := f.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b, _ := f.read(t, ids[0]); string(b) != "stays" || f.left(t) != 2 {
		t.Errorf("%s, %d files are left", b, f.left(t))
	}
}

type brokenReader struct{ err error }

func (b brokenReader) Read(p []byte) (int, error) { p[0] = 'x'; return 1, b.err }

func TestNothingHalfWritten(t *testing.T) {
	f := newStore(t)
	cases := []struct {
		name string
		r    io.Reader
		max  int64
		want error
	}{
		{"too_large", strings.NewReader("123456"), 5, ErrTooLarge},
		{"too_large_picture", bytes.NewReader(photo(t, 1)), 300, ErrTooLarge},
		{"empty", strings.NewReader(""), 5, ErrEmpty},
		{"broken_off", brokenReader{errors.New("gone")}, 1 << 20, nil},
		{"disk_full", brokenReader{syscall.ENOSPC}, 1 << 20, ErrFull},
		{"torn_picture", bytes.NewReader(photo(t, 1)[:400]), 1 << 20, ErrPicture},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := f.Put(t.Context(), "x", c.r, c.max)
			if err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Fatalf("err = %v, want %v", err, c.want)
			}
			n, err := f.col.Count(t.Context(), bson.D{})
			if f.left(t) != 0 || n != 0 || err != nil {
				t.Errorf("%d files and %d records are left, %v", f.left(t), n, err)
			}
		})
	}
}

type fullDisk struct{ Body }

func (fullDisk) Save(context.Context, timeline.FileID, func(io.Writer) error) error {
	return fmt.Errorf("write: %w", syscall.ENOSPC)
}

func TestDiskFull(t *testing.T) {
	f := newStore(t)
	s := New(fullDisk{f.body}, f.col, Options{})
	if _, err := s.Put(t.Context(), "x", strings.NewReader("x"), 9); !errors.Is(err, ErrFull) {
		t.Error(err)
	}
}

func TestCrashLeavesNothing(t *testing.T) {
	f := newStore(t)
	if err := os.WriteFile(filepath.Join(f.dir, tmp, "torn"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenDir(f.dir); err != nil || f.left(t) != 0 {
		t.Error("half-written files stay after a start", err)
	}
}

func TestPhotosTellNoPlace(t *testing.T) {
	f := newStore(t)
	var plain, webp bytes.Buffer
	if err := png.Encode(&plain, picture(t)); err != nil {
		t.Fatal(err)
	}
	raw := plain.Bytes()
	chunk := func(kind, data string) []byte {
		out := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
		return append(append(append(out, kind...), data...), 0, 0, 0, 0)
	}
	withText := append(append(append([]byte{}, raw[:33]...), append(chunk("eXIf", "GPS-SECRET"), chunk("tEXt", "Where\x00GPS-SECRET")...)...), raw[33:]...)
	withText = append(withText, "GPS-SECRET"...)
	riff := func(kind, data string) {
		webp.WriteString(kind)
		webp.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(data))))
		webp.WriteString(data)
	}
	webp.WriteString("RIFF\x00\x00\x00\x00WEBP")
	riff("VP8X", "\x0c\x00\x00\x00\x27\x00\x00\x13\x00\x00")
	riff("EXIF", "GPS-SECRET")
	riff("XMP ", "GPS-SECRET")
	cases := []struct {
		name string
		b    []byte
		mime string
		w, h int
	}{
		{"jpeg", photo(t, 1), "image/jpeg", 40, 20},
		{"jpeg_turned", photo(t, 6), "image/jpeg", 20, 40},
		{"png", withText, "image/png", 40, 20},
		{"webp", webp.Bytes(), "image/webp", 40, 20},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p, err := f.Put(t.Context(), "a", bytes.NewReader(c.b), 1<<20)
			if err != nil || p.MIME != c.mime || p.Kind != timeline.PartImage || p.Width != c.w || p.Height != c.h {
				t.Fatalf("%+v %v", p, err)
			}
			got, _ := f.read(t, p.File)
			if bytes.Contains(got, []byte("GPS-SECRET")) || int64(len(got)) != p.Size {
				t.Error("it tells where it was taken")
			}
			if c.name == "webp" {
				return
			}
			if _, _, err := image.Decode(bytes.NewReader(got)); err != nil {
				t.Error("it can no longer be seen:", err)
			}
		})
	}
	p, err := f.Put(t.Context(), "a", bytes.NewReader(photo(t, 6)), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := f.read(t, p.File); orientation(got[6:]) != 6 {
		t.Error("the picture lies on its side")
	}
}

func TestSniff(t *testing.T) {
	cases := []struct{ name, start, file, mime, disposition string }{
		{"png", "\x89PNG\r\n\x1a\n", "x.html", "image/png", "inline"},
		{"svg", `<?xml version="1.0"?><!-- x --><svg onload="alert(1)">`, "x.png", "image/svg+xml", "attachment"},
		{"svg_with_mark", "\xef\xbb\xbf <SVG>", "x.png", "image/svg+xml", "attachment"},
		{"html", "<!DOCTYPE html><script>", "x.jpg", "text/html", "attachment"},
		{"exe", "MZ\x90\x00", "x.jpg", "application/x-msdownload", "attachment"},
		{"elf", "\x7fELF", "x.pdf", "application/x-executable", "attachment"},
		{"script", "#!/bin/sh\nrm", "x.txt", "text/x-shellscript", "attachment"},
		{"pdf", "%PDF-1.7", "x.pdf", "application/pdf", "attachment"},
		{"docx", "PK\x03\x04", "x.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "attachment"},
		{"zip", "PK\x03\x04", "x.zip", "application/zip", "attachment"},
		{"csv", "a,b\n", "x.CSV", "text/csv", "attachment"},
		{"heic", "\x00\x00\x00\x18ftypheic", "x.jpg", "image/heic", "attachment"},
		{"mp4", "\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom", "x.mp4", "video/mp4", "inline"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := Sniff([]byte(c.start), c.file)
			if got != c.mime {
				t.Fatalf("%s, want %s", got, c.mime)
			}
			h := Headers(timeline.Part{MIME: got, Name: c.file})
			if !strings.HasPrefix(h.Get("Content-Disposition"), c.disposition) || h.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(h.Get("Content-Security-Policy"), "sandbox") {
				t.Error(h)
			}
			if c.disposition == "attachment" && h.Get("Content-Type") != "application/octet-stream" {
				t.Error("a browser could run it:", h.Get("Content-Type"))
			}
		})
	}
}

func TestSafeName(t *testing.T) {
	cases := map[string]string{
		"": "file", "..": "file", "../../etc/passwd": "passwd", `C:\x\y.doc`: "y.doc", "CON.txt": "_CON.txt", "con": "_con", "lpt1.x": "_lpt1.x", "contact.txt": "contact.txt",
		"photo\u202egpj.exe": "photogpj.exe", "a\x00b\nc.txt": "abc.txt", "  .hidden. ": "hidden", `a<b>"c".txt`: "a_b__c_.txt", "报价单.pdf": "报价单.pdf", "\xff\xfe.txt": "txt",
	}
	for in, want := range cases {
		if got := SafeName(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	long := SafeName(strings.Repeat("长", 300) + ".pdf")
	if len(long) > nameBytes || !strings.HasSuffix(long, ".pdf") || !utf8.ValidString(long) {
		t.Error(long)
	}
}

func FuzzSafeName(f *testing.F) {
	for _, s := range []string{"a.txt", "../x", "CON", "\u202e", strings.Repeat("x", 300)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n := SafeName(s)
		if n == "" || n == "." || n == ".." || len(n) > nameBytes || strings.ContainsAny(n, "/\\\x00\n") || !utf8.ValidString(n) || SafeName(n) != n {
			t.Errorf("%q became %q, then %q", s, n, SafeName(n))
		}
	})
}

func TestLinks(t *testing.T) {
	f := newStore(t)
	p, err := f.Put(t.Context(), "a.txt", strings.NewReader("hello"), 9)
	if err != nil {
		t.Fatal(err)
	}
	app := fiber.New()
	f.Mount(app)
	get := func(link string) (int, string) {
		r, err := app.Test(httptest.NewRequest(http.MethodGet, link, nil), 5000)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatal(err)
		}
		return r.StatusCode, string(b)
	}
	link := f.URL(p.File, time.Minute)
	u, err := url.Parse(link)
	if err != nil || u.Host != "hub.example" {
		t.Fatal(link, err)
	}
	if status, body := get(u.RequestURI()); status != 200 || body != "hello" {
		t.Error(status, body)
	}
	other, err := f.Put(t.Context(), "b.txt", strings.NewReader("other"), 9)
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]string{"unsigned": LinkPath + string(p.File), "other_file": LinkPath + string(other.File) + "?" + u.RawQuery, "longer": LinkPath + string(p.File) + "?e=9999999999&s=" + u.Query().Get("s")} {
		if status, _ := get(bad); status != 404 {
			t.Error(name, status)
		}
	}
	f.now = f.now.Add(2 * time.Minute)
	if status, _ := get(u.RequestURI()); status != 404 {
		t.Error("expired:", status)
	}
}
