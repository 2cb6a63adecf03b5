package instagram

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/parley-hub/parley/channels/internal/meta"
	"github.com/parley-hub/parley/timeline"
)

// storyLife is how long a story can be seen.
const storyLife = 24 * time.Hour

// A message's parts have kinds of our own where the far side tells of a thing without it.
const (
	partEphemeral   timeline.PartKind = "ephemeral"   // shown once, in the app only
	partUnsupported timeline.PartKind = "unsupported" // to be seen in the app only
)

// partKinds are the attachments whose meaning is known. Shares of all sorts are one kind; Data
// says which.
var partKinds = map[string]timeline.PartKind{
	"image": timeline.PartImage, "video": timeline.PartVideo, "audio": timeline.PartAudio, "file": timeline.PartFile, "sticker": timeline.PartSticker,
	"animated_image": timeline.PartImage, "share": timeline.PartShare, "media": timeline.PartShare, "ig_post": timeline.PartShare, "post": timeline.PartShare,
	"ig_reel": timeline.PartShare, "reel": timeline.PartShare, "ig_story": timeline.PartShare, "story": timeline.PartShare, "story_mention": timeline.PartShare,
	"ephemeral": partEphemeral,
}

// stories are the attachments that show a story: its bytes are never stored.
var stories = map[string]bool{"ig_story": true, "story": true, "story_mention": true}

// parts are a message's parts. heart reports a like, which is a sign and no part.
func (m *direct) parts(w *message) (out []timeline.Part, heart bool) {
	for n, a := range w.Attachments {
		if a.Type == "like_heart" {
			heart = true
			continue
		}
		out = pair(out, m.part(a, string(w.MID), n))
	}
	if w.Unsupported && len(out) == 0 && !heart {
		out = []timeline.Part{{Kind: partUnsupported, Retention: timeline.RetainNever}}
	}
	return out, heart
}

func (m *direct) part(a attachment, mid string, n int) timeline.Part {
	var pl payload
	if json.Unmarshal(a.Payload, &pl) != nil {
		pl = payload{}
	}
	kind, known := partKinds[a.Type]
	p := timeline.Part{Kind: kind, Name: title(pl.Title), URL: meta.WebURL(pl.URL), Expires: expires(pl.URL), Data: map[string]string{"type": a.Type}}
	switch {
	case a.Type == "ephemeral":
		p.Retention, p.URL, p.Expires = timeline.RetainNever, "", nil
		return p
	case stories[a.Type] && !m.s.set.stories:
		p.Retention, p.URL, p.Expires = timeline.RetainNever, "", nil
		return p
	case stories[a.Type]:
		end := m.At.Add(storyLife)
		p.Retention, p.Expires = timeline.RetainURL, &end
		return p
	case !known:
		p.Kind = timeline.PartKind(a.Type)
		if a.Type == "" {
			p.Kind = partUnsupported
		}
		p.Data["payload"] = string(a.Payload)
	}
	for k, v := range map[string]string{"post": string(pl.Post), "reel": string(pl.Reel), "sticker": string(pl.Sticker)} {
		if v != "" {
			p.Data[k] = v
		}
	}
	if p.URL != "" && mid != "" {
		p.Remote = timeline.RemoteID(fmt.Sprintf("%s#%d", mid, n))
	}
	return p
}

// titleRunes is how much of a caption names a part.
const titleRunes = 120

// title is the beginning of a caption in one line.
func title(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > titleRunes {
		return string(r[:titleRunes-1]) + "…"
	}
	return s
}

// pair adds a part, unless it is the same thing told twice: while the far side changes over,
// a post comes as share and as ig_post, and a sticker as image and as sticker.
func pair(all []timeline.Part, p timeline.Part) []timeline.Part {
	for i, q := range all {
		share := q.Kind == timeline.PartShare && p.Kind == timeline.PartShare && q.URL == p.URL && q.URL != "" && q.Data["type"] != p.Data["type"]
		sticker := q.Kind == timeline.PartImage && p.Kind == timeline.PartSticker || q.Kind == timeline.PartSticker && p.Kind == timeline.PartImage
		sticker = sticker && (q.URL == p.URL && q.URL != "" || q.Data["sticker"] == p.Data["sticker"] && p.Data["sticker"] != "")
		if !share && !sticker {
			continue
		}
		if p.Kind == timeline.PartSticker || share && len(p.Data) >= len(q.Data) && p.Data["type"] != "share" {
			all[i] = p
		}
		return all
	}
	return append(all, p)
}

// expires is when an address of the content network ends, where it says so: in the parameter
// oe, in hexadecimal seconds.
func expires(s string) *time.Time {
	u, err := url.Parse(s)
	if err != nil {
		return nil
	}
	n, err := strconv.ParseInt(u.Query().Get("oe"), 16, 64)
	if err != nil || n <= 0 || n > 1<<33 {
		return nil
	}
	at := time.Unix(n, 0).UTC()
	return &at
}
