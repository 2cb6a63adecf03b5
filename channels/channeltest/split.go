package channeltest

import (
	"bytes"
	"errors"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

// splits reports whether one address serves many accounts and the harness can sign for it.
func (p *probe) splits() bool {
	return p.h.Channel.Split != nil && p.h.Sign != nil && len(p.h.App) > 0
}

// splitAuthenticates is C2 at the shared address: what is not signed with the app's secret is
// refused, what was signed before its last change is not, and no answer says how it should be.
func (p *probe) splitAuthenticates() {
	if !p.splits() {
		return
	}
	refuse := func(what string, c channels.Callback) {
		cut, a, err := p.h.Channel.Split(p.h.App, c)
		if !errors.Is(err, channels.ErrForged) || len(cut) > 0 {
			p.fail("Split: %s was accepted: %d slices, %v", what, len(cut), err)
		}
		for name, v := range p.secrets() {
			if err != nil && strings.Contains(err.Error()+string(a.Body), v) {
				p.fail("Split: %s: the refusal shows the secret %q", what, name)
			}
		}
	}
	for _, n := range p.names() {
		good := p.sample(n)
		if _, _, err := p.h.Channel.Split(p.h.App, good); err != nil {
			p.fail("Split: %s, well signed, was refused: %v", n, err)
			continue
		}
		bare := good
		bare.Header, bare.Query = http.Header{}, nil
		refuse(n+" without its signature", bare)
		bare.Verified = true
		refuse(n+" that says of itself that it was verified", bare)
		changed := good
		changed.Body = append([]byte(" "), good.Body...)
		if !p.h.Shown {
			refuse(n+" with a changed body", changed)
		}
		refuse(n+" signed with another app's secret", p.h.Sign(p.signing(p.otherSecrets(), p.otherApp()), bytes.Clone(p.h.Samples[n])))
	}
	now := p.otherApp()
	for k, v := range secretsOf(p.h.Channel.App, p.h.App) {
		now[k+channels.Rotated] = v
	}
	for _, n := range p.names()[:min(1, len(p.names()))] {
		if _, _, err := p.h.Channel.Split(now, p.sample(n)); err != nil {
			p.fail("Split: a callback signed with the secret before the last change was refused: %v", err)
		}
		if _, _, err := p.h.Channel.Split(map[string]string{}, p.sample(n)); err == nil {
			p.fail("Split: without any secret everything is accepted")
		}
	}
}

// splitFuzz is C3 at the shared address: no body makes Split panic or draws lots, and what is cut
// out of one can be read without a signature of its own.
func (p *probe) splitFuzz(r *rand.Rand, d channels.Decoder) {
	if !p.splits() {
		return
	}
	for _, n := range p.names() {
		whole, tests := p.slices(n, p.sample(n))
		if len(whole) == 0 && !tests {
			p.fail("Split: %s became no slices", n)
		}
		events := 0
		for _, s := range whole {
			in, _, err := d.Decode(s)
			if err != nil {
				p.fail("Split: a slice of %s cannot be read: %v", n, err)
			}
			events += len(in)
			for _, w := range checkEvents(in) {
				p.fail("Split: a slice of %s: %s", n, w)
			}
		}
		if direct, _, err := d.Decode(p.sample(n)); err == nil && !tests && events < len(direct) {
			p.fail("Split: the slices of %s hold %d events, whole it holds %d", n, events, len(direct))
		}
		for range fuzzRounds / 4 {
			body := mangle(r, p.h.Samples[n])
			mangled, _ := p.slices(n, p.signed(body))
			for _, s := range mangled {
				in, _, err := d.Decode(s)
				if err != nil {
					continue
				}
				for _, w := range checkEvents(in) {
					p.fail("Split: %s, mangled: %s", n, w)
				}
			}
		}
	}
}

// slices cuts a callback up as the hub does, twice: the same bytes give the same slices. A test
// of the far side's is about no account and is left out; tests reports whether there was one.
func (p *probe) slices(name string, c channels.Callback) (out []channels.Callback, tests bool) {
	one, _, err := p.h.Channel.Split(maps.Clone(p.h.App), c)
	again, _, err2 := p.h.Channel.Split(maps.Clone(p.h.App), c)
	if sorted(one) != sorted(again) || (err == nil) != (err2 == nil) {
		p.fail("Split: the same bytes of %s are cut in two ways", name)
	}
	for _, s := range one {
		if s.Verified {
			p.fail("Split: it says of %s that it was verified; only the hub says so", name)
		}
		if s.Account == timeline.Handle("") {
			tests = true
			continue
		}
		s.Verified = true
		out = append(out, s.Callback)
	}
	return out, tests
}

// sorted are slices in one string, whatever their order.
func sorted(ss []channels.Slice) string {
	out := make([]string, len(ss))
	for i := range ss {
		out[i] = encoded(ss[i])
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}
