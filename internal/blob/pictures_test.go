package blob

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"testing"
)

// scene is a picture that does not compress to nothing: slopes under grain.
func scene(w, h int, grain int) *image.RGBA {
	m, r := image.NewRGBA(image.Rect(0, 0, w, h)), rand.New(rand.NewPCG(1, 2))
	for y := range h {
		for x := range w {
			i, n := m.PixOffset(x, y), 0
			if grain > 0 {
				n = r.IntN(grain)
			}
			m.Pix[i], m.Pix[i+1], m.Pix[i+2], m.Pix[i+3] = uint8(x*200/w+n/4), uint8(y*200/h+n/4), uint8(n), 255
		}
	}
	return m
}

func jpegOf(t testing.TB, m image.Image, quality int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func pngOf(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// gifOf has as many frames as asked for.
func gifOf(t testing.TB, w, h, frames int) []byte {
	t.Helper()
	g := &gif.GIF{}
	r := rand.New(rand.NewPCG(3, 4))
	for range frames {
		m := image.NewPaletted(image.Rect(0, 0, w, h), color.Palette{color.Black, color.White, color.RGBA{200, 0, 0, 255}})
		for i := range m.Pix {
			m.Pix[i] = uint8(r.IntN(3))
		}
		g.Image, g.Delay = append(g.Image, m), append(g.Delay, 10)
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, g); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// webpOf is a lossless WebP of one colour: five prefix codes of one symbol each, so that a
// pixel takes no bit at all (RFC 9649, section 3).
func webpOf(w, h int, c color.NRGBA) []byte {
	var bits uint64
	var n uint
	var data []byte
	put := func(v uint64, size uint) {
		bits |= v << n
		for n += size; n >= 8; n -= 8 {
			data, bits = append(data, byte(bits)), bits>>8
		}
	}
	put(0x2f, 8)
	put(uint64(w-1), 14)
	put(uint64(h-1), 14)
	put(1, 1) // alpha is used
	put(0, 3) // version
	put(0, 3) // no transform, no colour cache, no meta prefix codes
	for _, symbol := range []uint8{c.G, c.R, c.B, c.A, 0} {
		put(0b101, 3) // simple, one symbol, of eight bits
		put(uint64(symbol), 8)
	}
	put(0, 7) // to a whole byte
	if len(data)%2 == 1 {
		data = append(data, 0)
	}
	out := append([]byte("RIFF\x00\x00\x00\x00WEBPVP8L"), binary.LittleEndian.AppendUint32(nil, uint32(len(data)))...)
	out = append(out, data...)
	binary.LittleEndian.PutUint32(out[4:], uint32(len(out)-8))
	return out
}

// pngChunk is a chunk with its check sum.
func pngChunk(kind string, data []byte) []byte {
	body := append([]byte(kind), data...)
	out := append(binary.BigEndian.AppendUint32(nil, uint32(len(data))), body...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(body))
}

// bomb is a PNG that claims to be huge and holds next to nothing.
func bomb(w, h uint32) []byte {
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
	out := append([]byte("\x89PNG\r\n\x1a\n"), pngChunk("IHDR", append(head, 8, 6, 0, 0, 0))...)
	out = append(out, pngChunk("IDAT", packed(make([]byte, 1000)))...)
	return append(out, pngChunk("IEND", nil)...)
}

func packed(data []byte) []byte {
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	_, _ = w.Write(data)
	_ = w.Close()
	return z.Bytes()
}

// someProfile looks like a colour profile.
func someProfile(space string) []byte {
	p := bytes.Repeat([]byte{7}, 500)
	copy(p[16:], space)
	return p
}

// withProfile puts segments behind a JPEG's start.
func withProfile(jpg []byte, parts ...[]byte) []byte {
	out := append([]byte{}, jpg[:2]...)
	for i, p := range parts {
		seg := append([]byte("ICC_PROFILE\x00"), byte(i+1), byte(len(parts)))
		seg = append(seg, p...)
		out = append(out, 0xFF, app2)
		out = binary.BigEndian.AppendUint16(out, uint16(len(seg)+2))
		out = append(out, seg...)
	}
	return append(out, jpg[2:]...)
}

func TestLook(t *testing.T) {
	plain, small := jpegOf(t, scene(64, 32, 9), 90), scene(64, 32, 9)
	p := pngOf(t, small)
	rgb := someProfile("RGB ")
	withICC := append(append(append([]byte{}, p[:33]...), pngChunk("iCCP", append([]byte("name\x00\x00"), packed(rgb)...))...), p[33:]...)
	animated := append(append(append([]byte{}, p[:33]...), pngChunk("acTL", make([]byte, 8))...), p[33:]...)
	moving := append([]byte("RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x02\x00\x00\x00\x3f\x00\x00\x1f\x00\x00"), webpOf(64, 32, color.NRGBA{1, 2, 3, 4})[12:]...)
	binary.LittleEndian.PutUint32(moving[4:], uint32(len(moving)-8))
	for _, c := range []struct {
		name   string
		b      []byte
		format string
		turn   uint16
		moves  bool
		icc    bool
	}{
		{"jpeg", plain, "jpeg", 1, false, false},
		{"jpeg_turned", photo(t, 8), "jpeg", 8, false, false},
		{"jpeg_with_profile", withProfile(plain, rgb[:300], rgb[300:]), "jpeg", 1, false, true},
		{"jpeg_for_print", withProfile(plain, someProfile("CMYK")), "jpeg", 1, false, false},
		{"png", p, "png", 1, false, false}, {"png_with_profile", withICC, "png", 1, false, true}, {"png_animated", animated, "png", 1, true, false},
		{"gif", gifOf(t, 64, 32, 1), "gif", 1, false, false}, {"gif_animated", gifOf(t, 64, 32, 3), "gif", 1, true, false},
		{"webp", webpOf(64, 32, color.NRGBA{1, 2, 3, 4}), "webp", 1, false, false}, {"webp_animated", moving, "webp", 1, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := bytes.NewReader(c.b)
			f, err := look(r)
			if err != nil || f.format != c.format || f.turn != c.turn || f.moves != c.moves || (f.icc != nil) != c.icc {
				t.Fatalf("%+v %v", f, err)
			}
			if c.icc && !bytes.Equal(f.icc, rgb) {
				t.Error("the profile is another one")
			}
			if f.memory < int64(f.w*f.h) || f.memory > int64(16*f.w*f.h) || r.Len() != len(c.b) {
				t.Errorf("%d bytes for %d × %d, %d bytes are left to read", f.memory, f.w, f.h, r.Len())
			}
		})
	}
}

// No header makes looking panic or read without end.
func FuzzLook(f *testing.F) {
	f.Add(jpegOf(f, scene(8, 8, 3), 80))
	f.Add(pngOf(f, scene(8, 8, 3)))
	f.Add(gifOf(f, 8, 8, 2))
	f.Add(webpOf(8, 8, color.NRGBA{1, 2, 3, 4}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := look(bytes.NewReader(b)); err == nil && (p.memory < 0 || p.turn < 1 || p.turn > 8) {
			t.Errorf("%+v", p)
		}
	})
}

func TestShrinkAverages(t *testing.T) {
	m := image.NewNRGBA(image.Rect(10, 10, 13, 12)) // not at the origin
	for i, v := range []uint8{0, 90, 180, 30, 120, 210} {
		m.SetNRGBA(10+i%3, 10+i/3, color.NRGBA{v, 255 - v, 7, 255})
	}
	one := shrink(m, 1, 1)
	if got := one.RGBAAt(0, 0); got != (color.RGBA{105, 150, 7, 255}) {
		t.Errorf("average %v", got)
	}
	two := shrink(m, 2, 1) // the middle column goes half to either side: (0+30+90/2+120/2)/3
	if a, b := two.RGBAAt(0, 0), two.RGBAAt(1, 0); a.R != 45 || b.R != 165 {
		t.Errorf("halves %v %v", a, b)
	}
	big := shrink(scene(1000, 700, 0), 100, 70)
	for _, at := range []image.Point{{0, 0}, {50, 35}, {99, 69}} {
		got := big.RGBAAt(at.X, at.Y)
		if want := uint8(at.X * 2); got.R < want-min(want, 2) || got.R > want+3 || got.A != 255 {
			t.Errorf("at %v: %v, want red near %d", at, got, want)
		}
	}
}

// Where the first row and the first column are, after turning (CIPA DC-008, 4.6.4).
func TestUpright(t *testing.T) {
	const w, h = 3, 2
	src := image.NewRGBA(image.Rect(0, 0, w, h))
	src.SetRGBA(0, 0, color.RGBA{255, 0, 0, 255})   // begin of the first row
	src.SetRGBA(w-1, 0, color.RGBA{0, 255, 0, 255}) // its end
	type corner struct{ right, bottom bool }
	tl, tr, br, bl := corner{}, corner{true, false}, corner{true, true}, corner{false, true}
	for turn, want := range map[uint16][2]corner{1: {tl, tr}, 2: {tr, tl}, 3: {br, bl}, 4: {bl, br}, 5: {tl, bl}, 6: {tr, br}, 7: {br, tr}, 8: {bl, tl}} {
		m := upright(src, turn)
		if long := m.Rect.Dy() > m.Rect.Dx(); long != (turn >= 5) {
			t.Errorf("%d: %v", turn, m.Rect)
		}
		at := func(c corner) color.RGBA {
			p := image.Point{}
			if c.right {
				p.X = m.Rect.Dx() - 1
			}
			if c.bottom {
				p.Y = m.Rect.Dy() - 1
			}
			return m.RGBAAt(p.X, p.Y)
		}
		if at(want[0]).R != 255 || at(want[1]).G != 255 {
			t.Errorf("%d: %v", turn, m.Pix)
		}
	}
}
