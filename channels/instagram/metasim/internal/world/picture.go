package world

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"image"
	"image/color"
	"image/png"
	"math"
	"sync"
)

// LinkSignature signs an address of the CDN. It proves nothing to anybody; it makes a changed
// address fail, as the real one does.
func LinkSignature(asset string, end int64) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", asset, end))
	return "AY" + hex.EncodeToString(sum[:10])
}

// drawn keeps what was drawn: worlds with the same seed have the same faces.
var drawn sync.Map

func once(kind, name string, width, height int, draw func() []byte) []byte {
	key := fmt.Sprint(kind, width, "x", height, name)
	if b, found := drawn.Load(key); found {
		return b.([]byte)
	}
	b := draw()
	drawn.Store(key, b)
	return b
}

// Picture draws an abstract landscape that is always the same for a name: the posts and
// photographs of people who do not exist.
func Picture(name string, width, height int) []byte {
	return once("picture", name, width, height, func() []byte { return landscape(name, width, height) })
}

func landscape(name string, width, height int) []byte {
	h := hash(name)
	hue := float64(h%360) / 360
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	sunX, sunY := 0.25+0.5*float64(h>>9%100)/100, 0.2+0.2*float64(h>>17%100)/100
	for y := range height {
		for x := range width {
			u, v := float64(x)/float64(width), float64(y)/float64(height)
			img.SetRGBA(x, y, scene(u, v, hue, sunX, sunY, float64(h%97)))
		}
	}
	return encode(img)
}

// scene colours one point: sky, a sun, three rows of hills.
func scene(u, v, hue, sunX, sunY, phase float64) color.RGBA {
	if math.Hypot(u-sunX, v-sunY) < 0.09 {
		return hsl(hue+0.08, 0.9, 0.88)
	}
	for i := 2.0; i >= 0; i-- {
		top := 0.5 + 0.14*i + 0.05*math.Sin(u*(5+2*i)+phase+i) + 0.03*math.Sin(u*13+phase*2+i*3)
		if v > top {
			return hsl(hue+0.5+0.03*i, 0.35, 0.55-0.14*i)
		}
	}
	return hsl(hue+0.04*v, 0.6, 0.62+0.25*v)
}

// Portrait draws an avatar: a head and shoulders on a colour that belongs to the key.
func Portrait(key, name string) []byte {
	const size = 160
	return once("portrait", key+name, size, size, func() []byte { return head(key+name, size) })
}

func head(name string, size int) []byte {
	h := hash(name)
	hue := float64(h%360) / 360
	skin := hsl(0.07, 0.45, 0.45+0.35*float64(h>>11%100)/100)
	hair := hsl(0.06+0.05*float64(h>>19%10)/10, 0.4, 0.14+0.3*float64(h>>23%100)/100)
	img := image.NewRGBA(image.Rect(0, 0, size, size))
	for y := range size {
		for x := range size {
			u, v := (float64(x)+0.5)/float64(size), (float64(y)+0.5)/float64(size)
			c := hsl(hue, 0.5, 0.82-0.16*v)
			switch {
			case ellipse(u, v, 0.5, 0.46, 0.17, 0.205):
				c = skin
			case ellipse(u, v, 0.5, 0.40, 0.225, 0.225+0.1*float64(h>>29%3)/2):
				c = hair
			case ellipse(u, v, 0.5, 0.68, 0.075, 0.1):
				c = skin
			case ellipse(u, v, 0.5, 1.02, 0.34, 0.32):
				c = hsl(hue+0.45, 0.4, 0.45)
			}
			img.SetRGBA(x, y, c)
		}
	}
	return encode(img)
}

func ellipse(u, v, cx, cy, rx, ry float64) bool {
	a, b := (u-cx)/rx, (v-cy)/ry
	return a*a+b*b < 1
}

func hash(s string) uint64 {
	f := fnv.New64a()
	f.Write([]byte(s))
	return f.Sum64()
}

// encode writes a PNG. Writing to memory cannot fail for an image that has a size.
func encode(img image.Image) []byte {
	var b bytes.Buffer
	enc := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := enc.Encode(&b, img); err != nil {
		panic(fmt.Sprintf("drawing a picture: %v", err))
	}
	return b.Bytes()
}

func hsl(h, s, l float64) color.RGBA {
	h -= math.Floor(h)
	f := func(n float64) uint8 {
		k := math.Mod(n+h*12, 12)
		a := s * math.Min(l, 1-l)
		return uint8(math.Round(255 * (l - a*math.Max(-1, math.Min(math.Min(k-3, 9-k), 1)))))
	}
	return color.RGBA{f(0), f(8), f(4), 255}
}

// Digest is a file's SHA-256 in base64, as WhatsApp tells it.
func Digest(b []byte) string {
	sum := sha256.Sum256(b)
	return base64.StdEncoding.EncodeToString(sum[:])
}

func digestHex(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}

// Still draws pots on a table: the posts of a shop that does not exist.
func Still(name string, width, height int) []byte {
	return once("still", name, width, height, func() []byte { return pots(name, width, height) })
}

func pots(name string, width, height int) []byte {
	h := hash(name)
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	aspect := float64(width) / float64(height)
	for y := range height {
		for x := range width {
			img.SetRGBA(x, y, still(float64(x)/float64(width)*aspect, float64(y)/float64(height), aspect, h))
		}
	}
	return encode(img)
}

// still colours one point: a wall with light from the left, a table, three pots in a row.
func still(u, v, aspect float64, h uint64) color.RGBA {
	const table = 0.74
	wall := 0.10 + 0.04*float64(h%5)/5
	c := hsl(wall, 0.22, 0.90-0.16*u/aspect-0.06*v)
	if v > table {
		c = hsl(0.075, 0.33, 0.66-0.18*(v-table)/(1-table)-0.06*u/aspect)
	}
	for i := range 3 {
		r := h >> (9 * i)
		cx := aspect * (0.24 + 0.26*float64(i))
		size := 0.11 + 0.05*float64(r%100)/100
		tall := size * (1.7 + 1.1*float64(r>>3%100)/100)
		bottom := table + 0.045 + 0.02*float64(r%3)
		if ellipse(u, v, cx+0.05, bottom+0.004, size*1.15, 0.03) {
			c = hsl(0.07, 0.3, 0.42)
		}
		if pot, ok := glaze(u, v, cx, bottom, size, tall, r); ok {
			c = pot
		}
	}
	return c
}

// glaze colours a point of a pot: a belly that narrows to the foot, a rim, and a band of
// another glaze dipped from above.
func glaze(u, v, cx, bottom, size, tall float64, r uint64) (color.RGBA, bool) {
	top := bottom - tall
	if ellipse(u, v, cx, top, size*0.82, size*0.2) {
		return hsl(0.08, 0.25, 0.2), true
	}
	t := (v - top) / tall
	half := size * (0.82 + 0.22*math.Sin(math.Pi*math.Min(1, t*1.05)) - 0.22*t*t)
	x := (u - cx) / half
	edge := bottom + half*0.22*math.Sqrt(math.Max(0, 1-x*x)) - half*0.1
	if t < 0 || v > edge || math.Abs(x) > 1 {
		return color.RGBA{}, false
	}
	hues := []float64{0.33, 0.06, 0.56, 0.12, 0.95}
	hue, sat, light := hues[r%5], 0.30, 0.50
	if t < 0.45+0.04*math.Sin(u*40) {
		hue, sat, light = 0.11, 0.35, 0.84
	}
	return hsl(hue, sat, light*(1.08-0.42*(x+1)/2)), true
}
