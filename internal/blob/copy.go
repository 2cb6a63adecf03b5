package blob

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"image"
	_ "image/gif" // dimensions
	_ "image/jpeg"
	_ "image/png"
	"io"

	_ "golang.org/x/image/webp"
)

// headBytes is how much of a file is looked at for its type and size in pixels; photos
// carry thumbnails before their dimensions, so it is generous.
const headBytes = 256 << 10

// copy writes r to w, learning about the file on the way.
func (f *File) copy(w io.Writer, r io.Reader, max int64) error {
	in := bufio.NewReaderSize(&atMost{r: r, left: max}, 64<<10)
	start, err := in.Peek(sniffBytes)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return err
	}
	if len(start) == 0 {
		return ErrEmpty
	}
	f.MIME = Sniff(start, f.Name)
	f.Kind = kindOf(f.MIME)
	out := &meter{w: w, sum: sha256.New()}
	turned := false
	switch f.MIME {
	case "image/jpeg":
		turned, err = stripJPEG(out, in)
	case "image/png":
		err = stripPNG(out, in)
	case "image/webp":
		err = stripWebP(out, in)
	default:
		_, err = io.Copy(out, in)
	}
	if err != nil {
		return fmt.Errorf("blob: reading the upload: %w", err)
	}
	f.Size, f.SHA256 = out.n, hex.EncodeToString(out.sum.Sum(nil))
	if c, _, err := image.DecodeConfig(bytes.NewReader(out.head)); err == nil {
		f.Width, f.Height = c.Width, c.Height
		if turned {
			f.Width, f.Height = c.Height, c.Width
		}
	}
	return nil
}

// meter counts, hashes and keeps the head of what passes.
type meter struct {
	w    io.Writer
	sum  hash.Hash
	n    int64
	head []byte
}

func (m *meter) Write(p []byte) (int, error) {
	n, err := m.w.Write(p)
	m.n += int64(n)
	m.sum.Write(p[:n])
	if room := headBytes - len(m.head); room > 0 {
		m.head = append(m.head, p[:min(n, room)]...)
	}
	return n, err
}

// atMost fails, rather than ends, when there is more than allowed.
type atMost struct {
	r    io.Reader
	left int64
}

func (a *atMost) Read(p []byte) (int, error) {
	if int64(len(p)) > a.left+1 {
		p = p[:a.left+1]
	}
	n, err := a.r.Read(p)
	if a.left -= int64(n); a.left < 0 {
		return 0, ErrTooLarge
	}
	return n, err
}
