package channeltest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

func (p *probe) fail(format string, a ...any) {
	if len(p.failed) < 20 { // a broken adapter fails in a thousand ways; a few will do
		p.failed = append(p.failed, fmt.Sprintf(format, a...))
	}
}

func (p *probe) skip(why string) { p.skipped = why }

// account is a good account.
func (p *probe) account() channels.Account {
	return channels.Account{ID: Account, Name: "Test", Handle: "test-handle", Queue: "support", Settings: p.settings(), App: p.h.App}
}

// settings are the harness's with defaults put in.
func (p *probe) settings() map[string]string {
	out := maps.Clone(p.h.Settings)
	if out == nil {
		out = map[string]string{}
	}
	for _, s := range p.h.Channel.Settings {
		if out[s.Name] == "" && s.Default != "" && s.Default != channels.Generated {
			out[s.Name] = s.Default
		}
	}
	return out
}

// open opens a session on a hub in memory.
func (p *probe) open(a channels.Account, hub *Hub) channels.Session {
	s, err := p.h.Channel.Open(a, hub)
	if err != nil {
		panic(fmt.Sprintf("a good account does not open: %v", err))
	}
	return s
}

// decoder opens a session that takes callbacks; nil and skipped where it takes none.
func (p *probe) decoder(hub *Hub) channels.Decoder {
	s := p.open(p.account(), hub)
	d, ok := s.(channels.Decoder)
	if !ok || p.h.Sign == nil {
		p.shut(s)
		p.skip("the channel takes no callbacks")
		return nil
	}
	if len(p.h.Samples) == 0 {
		p.fail("a channel that takes callbacks needs recorded samples")
	}
	return d
}

func (p *probe) shut(s channels.Session) {
	if err := s.Close(); err != nil {
		p.fail("Close: %v", err)
	}
}

// names are the samples in a fixed order.
func (p *probe) names() []string { return slices.Sorted(maps.Keys(p.h.Samples)) }

func (p *probe) sample(name string) channels.Callback { return p.signed(p.h.Samples[name]) }

func (p *probe) signed(body []byte) channels.Callback {
	c := p.h.Sign(p.signing(p.settings(), p.h.App), bytes.Clone(body))
	if c.At.IsZero() {
		c.At = epoch
	}
	return c
}

// epoch is when tests take place.
var epoch = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func encoded(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "cannot be encoded: " + err.Error()
	}
	return string(b)
}

// checkEvents finds what is wrong with decoded events, whatever the channel.
func checkEvents(in []timeline.Inbound) (wrong []string) {
	seen := map[timeline.EventID]bool{}
	for _, i := range in {
		e := i.Event
		bad := func(why string) { wrong = append(wrong, fmt.Sprintf("event %q: %s", e.ID, why)) }
		switch {
		case e.ID == "":
			bad("has no id")
		case seen[e.ID]:
			bad("its id is used twice in one callback")
		}
		seen[e.ID] = true
		if e.Thread.Account != Account || e.Thread.ID == "" {
			bad("needs its account and a thread")
		}
		if !e.At.IsZero() && (e.At.Location() != time.UTC || !e.At.Equal(timeline.Moment(e.At))) {
			bad("its time is not UTC in milliseconds")
		}
		if !slices.Contains(timeline.Kinds, e.Kind) || !payload(&e) {
			bad(fmt.Sprintf("kind %q has not its one payload", e.Kind))
		}
		if e.Direction == "" || e.Actor.Kind == "" {
			bad("needs a direction and an actor")
		}
	}
	return wrong
}

// payload reports whether an event has exactly the payload its kind names.
func payload(e *timeline.Event) bool {
	has := map[string]bool{"message": e.Message != nil, "edit": e.Edit != nil, "unsend": e.Unsend != nil, "reaction": e.Reaction != nil, "receipt": e.Receipt != nil,
		"postback": e.Postback != nil, "referral": e.Referral != nil, "control": e.Control != nil, "moderation": e.Moderation != nil, "media": e.Media != nil, "unknown": e.Unknown != nil,
		"status": e.Status != nil, "assignment": e.Assignment != nil, "labels": e.Labels != nil, "subject": e.Subject != nil, "merge": e.Merge != nil}
	want := string(e.Kind)
	if e.Kind == timeline.KindNote {
		return false // adapters write no notes
	}
	for k, set := range has {
		if set != (k == want) {
			return false
		}
	}
	return true
}
