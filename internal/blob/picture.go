package blob

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
)

// maxPixels is the largest picture that is decoded: what the best phones take.
const maxPixels = 50_000_000

// maxProfile is the largest colour profile that is passed on to a copy, in bytes.
const maxProfile = 32 << 10

// facts are what is known of a picture before it is decoded.
type facts struct {
	format string // jpeg, png, gif, webp
	w, h   int    // as coded, before it is turned
	turn   uint16 // EXIF orientation, 1 to 8
	moves  bool   // it is an animation
	memory int64  // bytes that decoding takes at most
	icc    []byte // colour profile; nil: sRGB, or none worth keeping
}

// errForeign is a picture in a format that cannot be decoded here.
var errForeign = errors.New("blob: no decoder for this format")

// look reads a picture's header and leaves r at its beginning.
func look(r io.ReadSeeker) (_ facts, err error) {
	defer survive(&err)
	c, format, err := image.DecodeConfig(bufio.NewReader(r))
	if err != nil {
		return facts{}, fmt.Errorf("%w: %w", ErrPicture, err)
	}
	f := facts{format: format, w: c.Width, h: c.Height, turn: 1}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return facts{}, err
	}
	in, perPixel := bufio.NewReader(r), 0.0
	switch format {
	case "jpeg":
		perPixel, err = f.jpeg(in)
	case "png":
		perPixel, err = f.png(in, c.ColorModel)
	case "gif":
		perPixel = 2 // the frame, and again while it is put in order
		f.moves, err = gifMoves(in)
	case "webp":
		perPixel = 8 // lossless: the picture and one being transformed
		err = f.webp(in)
	default:
		err = errForeign
	}
	if err != nil {
		return facts{}, broken(err)
	}
	f.memory = int64(perPixel * float64(f.w) * float64(f.h))
	_, err = r.Seek(0, io.SeekStart)
	return f, err
}

// jpeg reads the segments before the picture data. It returns how many bytes a pixel takes
// while it is decoded: a sample each, and its coefficients where they come in several scans.
func (f *facts) jpeg(r *bufio.Reader) (perPixel float64, err error) {
	if _, err := r.Discard(2); err != nil {
		return 0, err
	}
	chunks, adobe := map[byte][]byte{}, false // of the profile, by number
	for {
		m, err := marker(r)
		if err != nil {
			return 0, err
		}
		if m == sos || m == eoi {
			f.icc = joined(chunks)
			return perPixel, nil
		}
		seg, err := segment(r)
		if err != nil {
			return 0, err
		}
		switch {
		case m == app1 && orientation(seg) > 0:
			f.turn = orientation(seg)
		case m == app2 && bytes.HasPrefix(seg, []byte("ICC_PROFILE\x00")) && len(seg) > 14:
			chunks[seg[12]] = seg[14:]
		case m == appE:
			adobe = true
		case m >= 0xC0 && m <= 0xC2: // the frames that can be decoded: baseline, extended, progressive
			perPixel = samples(seg)
			if m == 0xC2 {
				perPixel *= 5 // a coefficient has four bytes
			}
			if adobe || len(seg) > 6 && (seg[5] == 4 || seg[6] == 'R') {
				perPixel += 4 // its colours are converted
			}
		}
	}
}

// samples counts a JPEG frame's samples for each pixel, from how its components are sampled (T.81, B.2.2).
func samples(frame []byte) float64 {
	const worst = 4
	if len(frame) < 6 || len(frame) < 6+3*int(frame[5]) {
		return worst
	}
	var sum, wide, high int
	for i := range int(frame[5]) {
		h, v := int(frame[7+3*i]>>4), int(frame[7+3*i]&15)
		sum, wide, high = sum+h*v, max(wide, h), max(high, v)
	}
	if wide*high == 0 {
		return worst
	}
	return min(worst, float64(sum)/float64(wide*high))
}

func joined(chunks map[byte][]byte) []byte {
	var all []byte
	for i := 1; i <= len(chunks); i++ {
		all = append(all, chunks[byte(i)]...)
	}
	return profile(all)
}

// profile is a colour profile if it is one for red, green and blue and not too large (ICC.1, 7.2).
func profile(b []byte) []byte {
	if len(b) < 128 || len(b) > maxProfile || string(b[16:20]) != "RGB " {
		return nil
	}
	return b
}

// png reads the chunks before the picture data.
func (f *facts) png(r *bufio.Reader, model color.Model) (perPixel float64, err error) {
	switch model {
	case color.GrayModel:
		perPixel = 1
	case color.Gray16Model:
		perPixel = 2
	case color.RGBA64Model, color.NRGBA64Model:
		perPixel = 8
	case color.RGBAModel, color.NRGBAModel:
		perPixel = 4
	default: // a palette
		perPixel = 1
	}
	head, err := r.Peek(29)
	if err != nil {
		return 0, err
	}
	if head[28] != 0 { // interlaced: each pass is a picture of its own
		perPixel *= 2
	}
	if _, err := r.Discard(8); err != nil {
		return 0, err
	}
	for {
		head, err := r.Peek(8)
		if err != nil {
			return 0, err
		}
		size, kind := int64(binary.BigEndian.Uint32(head)), string(head[4:8])
		switch {
		case kind == "IDAT", kind == "IEND":
			return perPixel, nil
		case kind == "acTL":
			f.moves = true
		case kind == "iCCP" && size <= maxProfile:
			if _, err := r.Discard(8); err != nil {
				return 0, err
			}
			if f.icc, err = pngProfile(io.LimitReader(r, size)); err != nil {
				return 0, err
			}
			head, size = nil, 0
		}
		if _, err := io.CopyN(io.Discard, r, int64(len(head))+size+4); err != nil {
			return 0, err
		}
	}
}

// pngProfile reads a name, a method and a compressed profile, all of it; a broken one is none.
func pngProfile(r io.Reader) ([]byte, error) {
	chunk, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	_, packed, _ := bytes.Cut(chunk, []byte{0})
	if len(packed) < 2 {
		return nil, nil
	}
	z, err := zlib.NewReader(bytes.NewReader(packed[1:]))
	if err != nil {
		return nil, nil //nolint:nilerr // the picture is good without it
	}
	b, err := io.ReadAll(io.LimitReader(z, maxProfile+1))
	if err != nil {
		return nil, nil //nolint:nilerr // as above
	}
	return profile(b), nil
}

// webp reads the extended header, if there is one, and the chunks before the picture data.
func (f *facts) webp(r *bufio.Reader) error {
	if _, err := r.Discard(12); err != nil {
		return err
	}
	for {
		head, err := r.Peek(9)
		if err != nil {
			return err
		}
		size, kind := int64(binary.LittleEndian.Uint32(head[4:])), string(head[:4])
		switch kind {
		case "VP8X":
			f.moves = head[8]&0x02 != 0
		case "ICCP":
			if size > maxProfile {
				break
			}
			chunk := make([]byte, 8+size+size%2)
			if _, err := io.ReadFull(r, chunk); err != nil {
				return err
			}
			f.icc = profile(chunk[8 : 8+size])
			continue
		default:
			return nil
		}
		if _, err := io.CopyN(io.Discard, r, 8+size+size%2); err != nil {
			return err
		}
	}
}

// gifMoves looks for a second frame (GIF89a, appendix A). What is torn after the first does not move.
func gifMoves(r *bufio.Reader) (bool, error) {
	head := make([]byte, 13)
	if _, err := io.ReadFull(r, head); err != nil {
		return false, err
	}
	if err := skipPalette(r, head[10]); err != nil {
		return false, err
	}
	for frames := 0; ; {
		b, err := r.ReadByte()
		if errors.Is(err, io.EOF) && frames > 0 {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		switch b {
		case 0x2C:
			if frames++; frames > 1 {
				return true, nil
			}
			desc := make([]byte, 9)
			if _, err := io.ReadFull(r, desc); err != nil {
				return false, err
			}
			if err := skipPalette(r, desc[8]); err != nil {
				return false, err
			}
			if _, err := r.Discard(1); err != nil { // code size
				return false, err
			}
		case 0x21:
			if _, err := r.Discard(1); err != nil { // label
				return false, err
			}
		default: // the end, or rubbish
			return false, nil
		}
		if err := skipBlocks(r); err != nil {
			return false, err
		}
	}
}

func skipPalette(r *bufio.Reader, flags byte) error {
	if flags&0x80 == 0 {
		return nil
	}
	_, err := r.Discard(3 << (flags&7 + 1))
	return err
}

func skipBlocks(r *bufio.Reader) error {
	for {
		n, err := r.ReadByte()
		if err != nil || n == 0 {
			return err
		}
		if _, err := r.Discard(int(n)); err != nil {
			return err
		}
	}
}
