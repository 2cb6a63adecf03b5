package channeltest

import (
	"testing"

	"github.com/parley-hub/parley/channels"
)

// FuzzDecode gives an adapter's Decode whatever bytes the fuzzer comes upon, well signed, at the
// account's own address and, where there is one, at the shared one: nothing panics, and what comes
// of it is sound. The harness's samples are the corpus.
func FuzzDecode(f *testing.F, h Harness) {
	for _, body := range h.Samples {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		p := &probe{h: h}
		d := p.decoder(NewHub())
		if d == nil {
			t.Skip(p.skipped)
		}
		defer p.shut(d)
		cs := []channels.Callback{p.signed(body)}
		if p.splits() {
			cut, _ := p.slices("the body", p.signed(body))
			cs = append(cs, cut...)
		}
		for _, c := range cs {
			in, _, err := d.Decode(c)
			if err != nil {
				continue
			}
			for _, w := range checkEvents(in) {
				t.Error(w)
			}
			again, _, err := d.Decode(c)
			if err != nil || encoded(again) != encoded(in) {
				t.Error("the same bytes became something else the second time")
			}
		}
		for _, w := range p.failed {
			t.Error(w)
		}
	})
}
