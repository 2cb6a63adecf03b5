package blob

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// ErrPicture is a picture whose frame does not hold together; what is hidden in it cannot be found, so it is refused.
var ErrPicture = errors.New("blob: the picture is broken")

// The JPEG markers that matter here.
const (
	soi  = 0xD8
	eoi  = 0xD9
	sos  = 0xDA
	app0 = 0xE0
	app1 = 0xE1 // EXIF, XMP: where and when it was taken, with what, by whom
	app2 = 0xE2 // ICC profile: colours
	app3 = 0xE3
	appE = 0xEE // Adobe: how colours are coded
	appF = 0xEF
	com  = 0xFE
)

// stripJPEG copies a JPEG without its metadata and without what follows its end. How the
// picture is turned is kept; turned reports whether that swaps width and height.
func stripJPEG(w io.Writer, r *bufio.Reader) (turned bool, err error) {
	if _, err := io.CopyN(w, r, 2); err != nil {
		return false, err
	}
	for {
		m, err := marker(r)
		if err != nil {
			return turned, err
		}
		if m == eoi {
			_, err := w.Write([]byte{0xFF, eoi})
			return turned, err
		}
		body, err := segment(r)
		if err != nil {
			return turned, err
		}
		if m == app1 {
			if o := orientation(body); o > 1 {
				turned = o >= 5
				body = exif(o)
			} else {
				continue
			}
		} else if m == com || m == app2 && !bytes.HasPrefix(body, []byte("ICC_PROFILE\x00")) || m >= app3 && m <= appF && m != appE {
			continue
		}
		if err := putSegment(w, m, body); err != nil {
			return turned, err
		}
		if m == sos {
			if err := scan(w, r); err != nil {
				return turned, err
			}
		}
	}
}

func marker(r *bufio.Reader) (byte, error) {
	b, err := r.ReadByte()
	if err != nil {
		return 0, broken(err)
	}
	if b != 0xFF {
		return 0, ErrPicture
	}
	for b == 0xFF { // fill bytes
		if b, err = r.ReadByte(); err != nil {
			return 0, broken(err)
		}
	}
	return b, nil
}

func segment(r *bufio.Reader) ([]byte, error) {
	var n [2]byte
	if _, err := io.ReadFull(r, n[:]); err != nil {
		return nil, broken(err)
	}
	size := int(binary.BigEndian.Uint16(n[:])) - 2
	if size < 0 {
		return nil, ErrPicture
	}
	body := make([]byte, size)
	_, err := io.ReadFull(r, body)
	return body, broken(err)
}

func putSegment(w io.Writer, m byte, body []byte) error {
	head := []byte{0xFF, m, 0, 0}
	binary.BigEndian.PutUint16(head[2:], uint16(len(body)+2))
	if _, err := w.Write(head); err != nil {
		return err
	}
	_, err := w.Write(body)
	return err
}

// scan copies coded picture data up to the next marker, which stays unread.
func scan(w io.Writer, r *bufio.Reader) error {
	for {
		if _, err := r.Peek(2); err != nil {
			return broken(err)
		}
		seen, err := r.Peek(r.Buffered())
		if err != nil {
			return broken(err)
		}
		n, end := coded(seen)
		if _, err := w.Write(seen[:n]); err != nil {
			return err
		}
		if _, err := r.Discard(n); err != nil || end {
			return err
		}
	}
}

// coded is how many bytes are picture data; end reports that a marker follows. At least
// one of two bytes is told apart, so that a marker is never cut.
func coded(b []byte) (n int, end bool) {
	for n < len(b)-1 {
		i := bytes.IndexByte(b[n:len(b)-1], 0xFF)
		if i < 0 {
			return len(b) - 1, false
		}
		n += i
		if m := b[n+1]; m != 0 && (m < 0xD0 || m > 0xD7) { // neither a stuffed zero nor a restart
			return n, true
		}
		n += 2
	}
	return min(n, len(b)), false
}

// orientation reads how a picture is turned, 1 to 8, from an EXIF segment; 0 if it does not say.
func orientation(seg []byte) uint16 {
	tiff, ok := bytes.CutPrefix(seg, []byte("Exif\x00\x00"))
	if !ok || len(tiff) < 8 {
		return 0
	}
	var order binary.ByteOrder = binary.BigEndian
	if tiff[0] == 'I' {
		order = binary.LittleEndian
	}
	at := int64(order.Uint32(tiff[4:]))
	if at+2 > int64(len(tiff)) {
		return 0
	}
	n := int64(order.Uint16(tiff[at:]))
	for i := range n {
		e := at + 2 + i*12
		if e+12 > int64(len(tiff)) {
			return 0
		}
		if order.Uint16(tiff[e:]) == 0x0112 {
			if o := order.Uint16(tiff[e+8:]); o >= 1 && o <= 8 {
				return o
			}
			return 0
		}
	}
	return 0
}

// exif is a segment that says how the picture is turned and nothing else.
func exif(o uint16) []byte {
	b := []byte("Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00")
	binary.BigEndian.PutUint16(b[len(b)-8:], o)
	return b
}

// pngKeep are the PNG chunks that make the picture; others may tell about its maker.
var pngKeep = map[string]bool{"IHDR": true, "PLTE": true, "IDAT": true, "IEND": true, "tRNS": true, "gAMA": true, "cHRM": true,
	"sRGB": true, "iCCP": true, "sBIT": true, "bKGD": true, "pHYs": true, "acTL": true, "fcTL": true, "fdAT": true, "cICP": true}

// stripPNG copies a PNG with only the chunks that make the picture.
func stripPNG(w io.Writer, r *bufio.Reader) error {
	if _, err := io.CopyN(w, r, 8); err != nil {
		return broken(err)
	}
	for {
		head, err := r.Peek(8)
		if err != nil {
			return broken(err)
		}
		size, kind := int64(binary.BigEndian.Uint32(head)), string(head[4:8])
		if size > 1<<31-1 {
			return ErrPicture
		}
		to := w
		if !pngKeep[kind] {
			to = io.Discard
		}
		if _, err := io.CopyN(to, r, 8+size+4); err != nil {
			return broken(err)
		}
		if kind == "IEND" {
			return nil
		}
	}
}

// webpMax is how large a WebP may be to be held in memory: its header names its size, which
// changes when metadata goes.
const webpMax = 64 << 20

// stripWebP copies a WebP without EXIF and XMP.
func stripWebP(w io.Writer, r *bufio.Reader) error {
	all, err := io.ReadAll(io.LimitReader(r, webpMax+1))
	if err != nil {
		return err
	}
	if len(all) < 12 || len(all) > webpMax {
		return ErrPicture
	}
	out := append(make([]byte, 0, len(all)), all[:12]...)
	for rest := all[12:]; len(rest) >= 8; {
		kind, size := string(rest[:4]), int64(binary.LittleEndian.Uint32(rest[4:]))
		end := 8 + size + size%2
		if end > int64(len(rest)) {
			if 8+size != int64(len(rest)) {
				return ErrPicture
			}
			end = int64(len(rest))
		}
		if kind != "EXIF" && kind != "XMP " {
			from := len(out)
			out = append(out, rest[:end]...)
			if kind == "VP8X" && size > 0 {
				out[from+8] &^= 0x0C // says that neither is there
			}
		}
		rest = rest[end:]
	}
	binary.LittleEndian.PutUint32(out[4:], uint32(len(out)-8))
	_, err = w.Write(out)
	return err
}

// broken turns an early end into a broken picture and leaves other errors alone.
func broken(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it ends early", ErrPicture)
	}
	return err
}
