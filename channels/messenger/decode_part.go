package messenger

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/parley-hub/parley/channels/internal/meta"
	"github.com/parley-hub/parley/timeline"
)

// A message's parts have kinds of our own where the far side tells of a thing without it.
const (
	partUnsupported timeline.PartKind = "unsupported" // to be seen in the app only
	partTemplate    timeline.PartKind = "template"    // cards and buttons, as echoes of other tools carry them
)

// partKinds are the attachments whose meaning is known; Data says which it was.
var partKinds = map[string]timeline.PartKind{
	"image": timeline.PartImage, "video": timeline.PartVideo, "audio": timeline.PartAudio, "file": timeline.PartFile,
	"sticker": timeline.PartSticker, "animated_image": timeline.PartImage, "location": timeline.PartLocation,
	"fallback": timeline.PartShare, "share": timeline.PartShare, "post": timeline.PartShare, "reel": timeline.PartShare, "ig_reel": timeline.PartShare,
	"ig_post": timeline.PartShare, "story": timeline.PartShare, "template": partTemplate,
}

// stored reports whether the bytes of a kind are worth keeping: a share's address is a page.
func stored(k timeline.PartKind) bool {
	return k == timeline.PartImage || k == timeline.PartVideo || k == timeline.PartAudio || k == timeline.PartFile || k == timeline.PartSticker
}

// parts are a message's parts.
func (m *direct) parts(w *message) []timeline.Part {
	var out []timeline.Part
	for n, a := range w.Attachments {
		out = pair(out, part(a, string(w.MID), n))
	}
	if w.Unsupported && len(out) == 0 {
		out = []timeline.Part{{Kind: partUnsupported, Retention: timeline.RetainNever}}
	}
	return out
}

func part(a attachment, mid string, n int) timeline.Part {
	var pl payload
	if json.Unmarshal(a.Payload, &pl) != nil {
		pl = payload{}
	}
	kind, known := partKinds[a.Type]
	p := timeline.Part{Kind: kind, Name: cmp.Or(a.Title, pl.Title), URL: meta.WebURL(cmp.Or(pl.URL, a.URL)), Data: map[string]string{"type": a.Type}}
	if !known {
		p.Kind = cmp.Or(timeline.PartKind(a.Type), partUnsupported)
		p.Data["payload"] = string(a.Payload)
	}
	if pl.Sticker != "" && p.Kind == timeline.PartImage {
		p.Kind = timeline.PartSticker
	}
	for k, v := range map[string]string{"sticker": string(pl.Sticker), "post": string(pl.Post), "reel": string(pl.Reel)} {
		if v != "" {
			p.Data[k] = v
		}
	}
	switch {
	case pl.Coordinates != nil:
		p.Data["latitude"], p.Data["longitude"] = pl.Coordinates.Lat.String(), pl.Coordinates.Long.String()
	case p.Kind == partTemplate:
		p.Name = cmp.Or(p.Name, pl.says())
		p.Data["payload"] = string(a.Payload)
	}
	if !stored(p.Kind) {
		p.Retention = timeline.RetainURL
	} else if p.URL != "" && mid != "" {
		p.Remote = timeline.RemoteID(fmt.Sprintf("%s#%d", mid, n))
	}
	return p
}

// says is what a template shows, in one line.
func (pl *payload) says() string {
	words := []string{pl.Text}
	for _, e := range pl.Elements {
		words = append(words, e.Title)
	}
	if pl.Product != nil {
		for _, e := range pl.Product.Elements {
			words = append(words, e.Title)
		}
	}
	var said []string
	for _, w := range words {
		if w != "" {
			said = append(said, w)
		}
	}
	return strings.Join(said, " · ")
}

// pair adds a part, unless it is the same thing told twice: while the far side changes over, a
// sticker comes as image and as sticker, and a post as share and as itself.
func pair(all []timeline.Part, p timeline.Part) []timeline.Part {
	pictured := func(k timeline.PartKind) bool { return k == timeline.PartImage || k == timeline.PartSticker }
	for i, q := range all {
		same := q.URL == p.URL && q.URL != "" || q.Data["sticker"] == p.Data["sticker"] && p.Data["sticker"] != ""
		sticker := pictured(q.Kind) && pictured(p.Kind) && q.Data["type"] != p.Data["type"] && same
		share := q.Kind == timeline.PartShare && p.Kind == timeline.PartShare && q.Data["type"] != p.Data["type"] && q.URL == p.URL && q.URL != ""
		switch {
		case !sticker && !share:
			continue
		case sticker && p.Data["type"] == "sticker", share && (q.Data["type"] == "share" || q.Data["type"] == "fallback"):
			all[i] = p
		}
		return all
	}
	return append(all, p)
}
