package channeltest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

// challenge is C1: the far side's question is answered with its words, and only to the right asker.
func challenge(p *probe) {
	if p.h.Challenge == nil {
		p.skip("the far side asks no question")
		return
	}
	ask := func(c channels.Callback) (channels.Answer, error) {
		if p.h.Channel.Split != nil {
			_, a, err := p.h.Channel.Split(p.h.App, c)
			return a, err
		}
		d, ok := p.open(p.account(), NewHub()).(channels.Decoder)
		if !ok {
			return channels.Answer{}, errors.New("there is nobody to answer it")
		}
		defer p.shut(d)
		_, a, err := d.Decode(c)
		return a, err
	}
	if a, err := ask(p.h.Challenge.Right); err != nil || string(a.Body) != p.h.Challenge.Answer {
		p.fail("the right question was answered %q, %v", a.Body, err)
	}
	for _, wrong := range append([]channels.Callback{p.h.Challenge.Wrong}, p.h.Wrong...) {
		if a, err := ask(wrong); err == nil || strings.Contains(string(a.Body), p.h.Challenge.Answer) {
			p.fail("a wrong question was answered %q, %v", a.Body, err)
		}
	}
}

// authenticate is C2: what is not signed as it must be is refused, and nothing says how it should be.
func authenticate(p *probe) {
	d := p.decoder(NewHub())
	if d == nil {
		return
	}
	defer p.shut(d)
	refuse := func(what string, c channels.Callback) {
		in, a, err := d.Decode(c)
		if !errors.Is(err, channels.ErrForged) || len(in) > 0 {
			p.fail("%s was accepted: %d events, %v", what, len(in), err)
		}
		for name, v := range p.secrets() {
			if err != nil && strings.Contains(err.Error()+string(a.Body), v) {
				p.fail("%s: the refusal shows the secret %q", what, name)
			}
		}
	}
	for _, n := range p.names() {
		good := p.sample(n)
		if _, _, err := d.Decode(good); err != nil {
			p.fail("%s, well signed, was refused: %v", n, err)
			continue
		}
		bare := good
		bare.Header, bare.Query = http.Header{}, nil
		refuse(n+" without its signature", bare)
		changed := good
		changed.Body = append([]byte(" "), good.Body...)
		if !p.h.Shown {
			refuse(n+" with a changed body", changed)
		}
		refuse(n+" signed with another account's secret", p.h.Sign(p.signing(p.otherSecrets(), p.otherApp()), bytes.Clone(p.h.Samples[n])))
		for name := range good.Header {
			short := good
			short.Header = good.Header.Clone()
			if v := short.Header.Get(name); len(v) > 16 && name != "Content-Type" {
				short.Header.Set(name, v[:len(v)-1])
				refuse(n+" with a shortened "+name, short)
			}
		}
	}
	p.rotated()
	p.splitAuthenticates()
}

// rotated: a secret that was changed still verifies what was signed before.
func (p *probe) rotated() {
	a := p.account()
	a.Previous = secretsOf(p.h.Channel.Settings, a.Settings)
	a.Settings = p.otherSecrets()
	a.App = maps.Clone(a.App)
	for k, v := range secretsOf(p.h.Channel.App, p.h.App) {
		a.App[k], a.App[k+channels.Rotated] = another(v), v
	}
	d, ok := p.open(a, NewHub()).(channels.Decoder)
	if !ok {
		return
	}
	defer p.shut(d)
	for _, n := range p.names()[:1] {
		if _, _, err := d.Decode(p.sample(n)); err != nil {
			p.fail("a callback signed with the secret before the last change was refused: %v", err)
		}
	}
}

func secretsOf(ss []channels.Setting, values map[string]string) map[string]string {
	out := map[string]string{}
	for _, s := range ss {
		if v := values[s.Name]; s.Secret() && v != "" {
			out[s.Name] = v
		}
	}
	return out
}

// secrets are the account's and those that accounts share.
func (p *probe) secrets() map[string]string {
	out := secretsOf(p.h.Channel.Settings, p.settings())
	maps.Copy(out, secretsOf(p.h.Channel.App, p.h.App))
	return out
}

func another(secret string) string { return "other" + secret[min(5, len(secret)):] }

// otherSecrets are the settings of somebody else's account. A secret whose form the setting
// checks stays: another of its form is not known here.
func (p *probe) otherSecrets() map[string]string {
	out := p.settings()
	for _, s := range p.h.Channel.Settings {
		v := out[s.Name]
		if s.Secret() && v != "" && (s.Check == nil || s.Check(another(v)) == nil) {
			out[s.Name] = another(v)
		}
	}
	return out
}

func (p *probe) otherApp() map[string]string {
	out := maps.Clone(p.h.App)
	for k, v := range secretsOf(p.h.Channel.App, out) {
		out[k] = another(v)
	}
	return out
}

// signing is what a callback is signed with: the account's settings and, where accounts share
// some, those.
func (p *probe) signing(settings, app map[string]string) map[string]string {
	out := maps.Clone(settings)
	maps.Copy(out, app)
	return out
}

// fuzzRounds is how many mangled bodies each sample becomes.
const fuzzRounds = 400

// fuzz is C3: no body makes an adapter panic, and what it makes of a mangled one is sound.
func fuzz(p *probe) {
	r := rand.New(rand.NewPCG(1, 2))
	served := p.fuzzServer(r)
	d := p.decoder(NewHub())
	if d == nil {
		if served {
			p.skipped = ""
		}
		return
	}
	defer p.shut(d)
	for _, n := range p.names() {
		for range fuzzRounds {
			body := mangle(r, p.h.Samples[n])
			in, _, err := d.Decode(p.signed(body))
			if err != nil {
				continue
			}
			for _, w := range checkEvents(in) {
				p.fail("%s, mangled to %q: %s", n, body[:min(len(body), 80)], w)
			}
		}
	}
	p.splitFuzz(r, d)
}

// calls are what programs, scanners and attackers ask a server of ours.
var calls = []struct{ method, path, body string }{
	{"GET", "/", ""}, {"GET", "/../../etc/passwd", ""}, {"GET", "/files/1", ""}, {"GET", "/files/../x", ""}, {"GET", "/items", ""}, {"DELETE", "/items", ""},
	{"POST", "/session", `{"token":"a.b","identity":"x.y.z","locale":"en","page":{"url":"https://x.example"},"form":{"name":"A"}}`},
	{"POST", "/messages", `{"id":"01J00000000000000000000000","text":"hi","parts":[{"file":"1"}]}`}, {"POST", "/read", `{"cursor":"x"}`},
	{"OPTIONS", "/session", ""}, {"POST", "/logout", ""}, {"PUT", "/\x00", "x"},
}

// fuzzServer asks a server of ours odd things: it neither panics nor fails nor tells secrets.
func (p *probe) fuzzServer(r *rand.Rand) bool {
	s := p.open(p.account(), NewHub())
	defer p.shut(s)
	srv, ok := s.(channels.Server)
	if !ok {
		return false
	}
	secret := secretsOf(p.h.Channel.Settings, p.settings())
	for range fuzzRounds {
		c := calls[r.IntN(len(calls))]
		q := channels.Request{Remote: fmt.Sprint("192.0.2.", r.IntN(250)), Host: "hub.example", Callback: channels.Callback{Method: c.method, Path: c.path, Header: http.Header{}, At: epoch}}
		q.Body, q.Query = mangle(r, []byte(c.body)), map[string][]string{"token": {string(mangle(r, []byte("abc.def")))}, "after": {string(mangle(r, []byte("x.1")))}}
		if r.IntN(3) == 0 {
			q.Header.Set("Authorization", "Bearer "+string(mangle(r, []byte("eyJqIjoiIn0.AAAA"))))
		}
		a := srv.Serve(context.Background(), q)
		if a.Status >= http.StatusInternalServerError {
			p.fail("%s %s with %q answers %d", c.method, c.path, q.Body, a.Status)
		}
		for name, v := range secret {
			if bytes.Contains(a.Body, []byte(v)) {
				p.fail("%s %s shows the secret %q", c.method, c.path, name)
			}
		}
	}
	return true
}

// mangle changes a body a little, as broken senders and attackers do.
func mangle(r *rand.Rand, b []byte) []byte {
	out := bytes.Clone(b)
	for range 1 + r.IntN(4) {
		if len(out) == 0 {
			return out
		}
		at := r.IntN(len(out))
		switch r.IntN(6) {
		case 0:
			out[at] = byte(r.IntN(256))
		case 1:
			out = out[:at]
		case 2:
			out = slices.Insert(out, at, byte(r.IntN(256)))
		case 3:
			out = slices.Delete(out, at, min(len(out), at+1+r.IntN(8)))
		case 4:
			out = bytes.Replace(out, []byte(`"`), []byte(`[`), 1)
		case 5:
			out = bytes.Replace(out, []byte(`:`), []byte(`:null,"x":`), 1)
		}
	}
	return out
}

// pure is C4: bytes in, events out; nothing known or unknown is dropped.
func pure(p *probe) {
	hub := NewHub()
	d := p.decoder(hub)
	if d == nil {
		return
	}
	defer p.shut(d)
	hub.Forbid(true)
	for _, n := range p.names() {
		in, _, err := d.Decode(p.sample(n))
		if err != nil || len(in) == 0 {
			p.fail("%s became %d events, %v", n, len(in), err)
		}
		for _, w := range checkEvents(in) {
			p.fail("%s: %s", n, w)
		}
		if slices.Contains(p.h.Odd, n) && !slices.ContainsFunc(in, func(i timeline.Inbound) bool { return visible(i.Event) }) {
			p.fail("%s, which is unknown, is not to be seen", n)
		}
	}
	hub.Forbid(false)
	for _, u := range hub.Used() {
		p.fail("Decode used the hub's %s", u)
	}
}

func visible(e timeline.Event) bool {
	return e.Unknown != nil || e.Message != nil && (e.Message.Text != "" || len(e.Message.Parts) > 0)
}

// derived is C5: a redelivery has the same ids, also on another node, and other things have others.
func derived(p *probe) {
	a, b := p.decoder(NewHub()), p.decoder(NewHub().At(epoch.AddDate(1, 0, 0)))
	if a == nil || b == nil {
		return
	}
	defer p.shut(a)
	defer p.shut(b)
	all := map[timeline.EventID]string{}
	for _, n := range p.names() {
		one, _, err1 := a.Decode(p.sample(n))
		again := p.sample(n)
		again.At = again.At.AddDate(0, 0, 1)
		two, _, err2 := b.Decode(again)
		if err1 != nil || err2 != nil {
			p.fail("%s: %v, %v", n, err1, err2)
			continue
		}
		if fmt.Sprint(ids(one)) != fmt.Sprint(ids(two)) {
			p.fail("%s: redelivered it has other ids: %v, %v", n, ids(one), ids(two))
		}
		for _, id := range ids(one) {
			if !strings.HasPrefix(string(id), string(Account)+"|") {
				p.fail("%s: id %q is not derived for its account", n, id)
			}
			if other, taken := all[id]; taken && !bytes.Equal(p.h.Samples[other], p.h.Samples[n]) {
				p.fail("%s and %s have the id %q", n, other, id)
			}
			all[id] = n
		}
	}
}

func ids(in []timeline.Inbound) []timeline.EventID {
	out := make([]timeline.EventID, len(in))
	for i := range in {
		out[i] = in[i].Event.ID
	}
	return out
}

// permuteMost is how many callbacks are tried in every order: 720 of them.
const permuteMost = 6

// permuted is C6: what a callback becomes does not depend on those before it, in any order.
func permuted(p *probe) {
	want := p.decodeAll(p.names())
	if p.skipped != "" {
		return
	}
	r := rand.New(rand.NewPCG(3, 4))
	for range 5 {
		names := p.names()
		r.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		p.order(names, want)
	}
	few := p.names()
	r.Shuffle(len(few), func(i, j int) { few[i], few[j] = few[j], few[i] })
	few = few[:min(permuteMost, len(few))]
	orders(few, len(few), func(names []string) { p.order(names, want) })
}

func (p *probe) order(names []string, want map[string]string) {
	for n, got := range p.decodeAll(names) {
		if got != want[n] {
			p.fail("in the order %v the callback %s became something else", names, n)
		}
	}
}

// orders calls f with every order of the names (Heap's algorithm).
func orders(names []string, n int, f func([]string)) {
	if n <= 1 {
		f(names)
		return
	}
	for i := range n {
		orders(names, n-1, f)
		if n%2 == 0 {
			names[i], names[n-1] = names[n-1], names[i]
		} else {
			names[0], names[n-1] = names[n-1], names[0]
		}
	}
}

// replayed is C7: the same callback twice is the same, and what is kept of it is not shared.
func replayed(p *probe) {
	names := p.names()
	want := p.decodeAll(names)
	if p.skipped != "" {
		return
	}
	if got := p.decodeAll(append(slices.Clone(names), names...)); !maps.Equal(got, want) {
		p.fail("replayed, the callbacks became something else")
	}
}

// decodeAll decodes samples in order with one session.
func (p *probe) decodeAll(names []string) map[string]string {
	d := p.decoder(NewHub())
	if d == nil {
		return nil
	}
	defer p.shut(d)
	out := map[string]string{}
	for _, n := range names {
		in, a, err := d.Decode(p.sample(n))
		out[n] = encoded(in) + encoded(a) + fmt.Sprint(err)
	}
	return out
}

// retention is C15: what may not be kept has no stored file, and is not fetched.
func retention(p *probe) {
	fetches := p.keepsAway()
	d := p.decoder(NewHub())
	if d == nil {
		if fetches {
			p.skipped = ""
		}
		return
	}
	defer p.shut(d)
	for _, n := range p.names() {
		in, _, err := d.Decode(p.sample(n))
		if err != nil {
			p.fail("%s: %v", n, err)
		}
		for _, i := range in {
			if i.Event.Message == nil {
				continue
			}
			for _, part := range i.Event.Message.Parts {
				if part.Retention != timeline.RetainStore && part.Retention != "" && part.File != "" {
					p.fail("%s: a part that may not be stored names a file", n)
				}
				if part.Retention == timeline.RetainNever && part.URL != "" {
					p.fail("%s: a part of which nothing may be kept has an address", n)
				}
			}
		}
	}
}
