package gateway

import (
	"strings"
	"testing"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

func TestFits(t *testing.T) {
	can := channels.Capabilities{Text: channels.TextLimit{Max: 10, Unit: "bytes"}, MaxParts: 2, Media: map[string]channels.MediaLimit{"image": {MaxBytes: 1 << 20, MIME: []string{"image/png", "image/g*"}}}}
	part := func(k timeline.PartKind, mime string, size int64) timeline.Part {
		return timeline.Part{Kind: k, MIME: mime, Size: size, Name: "x"}
	}
	cases := []struct {
		name  string
		m     timeline.Message
		class channels.Class
	}{
		{"at_the_limit", timeline.Message{Text: strings.Repeat("a", 10)}, ""},
		{"over_in_bytes", timeline.Message{Text: "四个汉字"}, channels.BadContent},
		{"picture", timeline.Message{Parts: []timeline.Part{part("image", "image/gif", 5)}}, ""},
		{"kind_not_carried", timeline.Message{Parts: []timeline.Part{part("video", "video/mp4", 5)}}, channels.BadMedia},
		{"type_not_carried", timeline.Message{Parts: []timeline.Part{part("image", "image/webp", 5)}}, channels.BadMedia},
		{"too_large", timeline.Message{Parts: []timeline.Part{part("image", "image/png", 2<<20)}}, channels.BadMedia},
		{"too_many", timeline.Message{Parts: []timeline.Part{part("image", "image/png", 1), part("image", "image/png", 1), part("image", "image/png", 1)}}, channels.BadMedia},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := fits(can, &timeline.Outbound{Message: &c.m})
			if (f == nil) != (c.class == "") || f != nil && (f.Class != c.class || f.Advice == "") {
				t.Errorf("%v, want %q", f, c.class)
			}
		})
	}
}
