package blob

import (
	"image"
	"image/color"
	"image/draw"
)

// within is the largest size with the same shape whose longer side is at most side.
func within(w, h, side int) (int, int) {
	long := max(w, h)
	if long <= side {
		return w, h
	}
	return max(1, w*side/long), max(1, h*side/long)
}

// shrink scales a picture down to w × h by averaging the area behind each pixel. Next to the
// result it holds one row: a picture of any size costs no more.
func shrink(src image.Image, w, h int) *image.RGBA {
	b := src.Bounds()
	sw, sh := b.Dx(), b.Dy()
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	if w == sw && h == sh {
		draw.Draw(dst, dst.Rect, src, b.Min, draw.Src)
		return dst
	}
	line := image.NewRGBA(image.Rect(0, 0, sw, 1))
	row, sum := make([]uint32, 4*w), make([]uint64, 4*w)
	// A source row weighs h, and a row of the result takes a weight of sh.
	y, room := 0, sh
	for j := range sh {
		draw.Draw(line, line.Rect, src, image.Pt(b.Min.X, b.Min.Y+j), draw.Src)
		squeeze(row, line.Pix, sw, w)
		for weight := h; weight > 0; {
			k := min(weight, room)
			for i, v := range row {
				sum[i] += uint64(v) * uint64(k)
			}
			weight -= k
			if room -= k; room == 0 {
				settle(dst.Pix[y*dst.Stride:], sum, uint64(sw)*uint64(sh))
				y, room = y+1, sh
			}
		}
	}
	return dst
}

// squeeze sums a row of sw pixels into w: a source pixel weighs w, a pixel of the result takes a weight of sw.
func squeeze(row []uint32, pix []uint8, sw, w int) {
	clear(row)
	at, room := 0, sw
	for i := 0; i < 4*sw; i += 4 {
		p := pix[i : i+4 : i+4]
		for weight := w; weight > 0; {
			k := min(weight, room)
			to, f := row[at:at+4:at+4], uint32(k)
			to[0] += f * uint32(p[0])
			to[1] += f * uint32(p[1])
			to[2] += f * uint32(p[2])
			to[3] += f * uint32(p[3])
			weight -= k
			if room -= k; room == 0 {
				at, room = at+4, sw
			}
		}
	}
}

// settle writes averages and begins anew.
func settle(to []uint8, sum []uint64, area uint64) {
	for i, v := range sum {
		to[i] = uint8((v + area/2) / area)
	}
	clear(sum)
}

// upright turns a picture as its EXIF orientation says (CIPA DC-008, 4.6.4).
func upright(m *image.RGBA, turn uint16) *image.RGBA {
	if turn < 2 || turn > 8 {
		return m
	}
	w, h := m.Rect.Dx(), m.Rect.Dy()
	ow, oh := w, h
	if turn >= 5 {
		ow, oh = h, w
	}
	out := image.NewRGBA(image.Rect(0, 0, ow, oh))
	for y := range h {
		for x := range w {
			tx, ty := turned(x, y, w, h, turn)
			copy(out.Pix[ty*out.Stride+4*tx:][:4], m.Pix[y*m.Stride+4*x:][:4])
		}
	}
	return out
}

// turned is where a pixel goes.
func turned(x, y, w, h int, turn uint16) (int, int) {
	switch turn {
	case 2:
		return w - 1 - x, y
	case 3:
		return w - 1 - x, h - 1 - y
	case 4:
		return x, h - 1 - y
	case 5:
		return y, x
	case 6:
		return h - 1 - y, x
	case 7:
		return h - 1 - y, w - 1 - x
	case 8:
		return y, w - 1 - x
	}
	return x, y
}

// onWhite puts paper behind a picture that lets it through.
func onWhite(m *image.RGBA) *image.RGBA {
	out := image.NewRGBA(m.Rect)
	draw.Draw(out, out.Rect, image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.Draw(out, out.Rect, m, m.Rect.Min, draw.Over)
	return out
}
