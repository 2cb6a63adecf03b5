package channeltest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

// places are what the channel allows by place, the usual one under the empty name.
func (p *probe) places() map[string]channels.Capabilities {
	out := maps.Clone(p.h.Channel.Places)
	if out == nil {
		out = map[string]channels.Capabilities{}
	}
	out[""] = p.h.Channel.Can
	return out
}

func inPlace(place string) string {
	if place == "" {
		return ""
	}
	return "in " + place + ": "
}

// soundPlaces is C17 of what is declared: it can be measured, kept and drawn in every place.
func (p *probe) soundPlaces() {
	for _, place := range slices.Sorted(maps.Keys(p.places())) {
		can, where := p.places()[place], inPlace(place)
		if !slices.Contains([]string{"bytes", "runes", "utf16", ""}, can.Text.Unit) || can.Text.Max > 0 && can.Text.Unit == "" || can.Text.Max < 0 {
			p.fail("%sthe text limit %d %q cannot be measured", where, can.Text.Max, can.Text.Unit)
		}
		for kind, m := range can.Media {
			if m.MaxBytes <= 0 {
				p.fail("%smedia %q has no size", where, kind)
			}
		}
		if can.Media != nil && can.MaxParts <= 0 {
			p.fail("%sparts are allowed, but not how many", where)
		}
		for _, r := range can.Rates {
			if r.N <= 0 || r.Per <= 0 || (r.Scope != "account" && r.Scope != "thread") {
				p.fail("%srate %q cannot be kept", where, r.Name)
			}
		}
		for _, m := range can.Moderation {
			if !slices.Contains(moderations, m) {
				p.fail("%smoderation %q is none", where, m)
			}
		}
	}
	if _, twice := p.h.Channel.Places[""]; twice {
		p.fail("the usual place is declared twice")
	}
}

var moderations = []string{timeline.ModerateHide, timeline.ModerateUnhide, timeline.ModerateDelete}

// moderates is C17 of moderation: what is declared is planned as a step of the action's name,
// what is not is refused.
func (p *probe) moderates(s channels.Session) {
	pl, ok := s.(channels.Planner)
	if !ok {
		return // the hub refuses what is not declared for sessions that do not plan
	}
	for place, can := range p.places() {
		for _, action := range moderations {
			declared := slices.Contains(can.Moderation, action)
			o := Message("")
			o.Message, o.Place = nil, place
			o.Moderation = &timeline.Moderation{Of: timeline.Ref{Event: "m0", Remote: remote}, Action: action, State: timeline.ModerationAsked}
			steps, err := pl.Plan(o)
			switch {
			case declared && (err != nil || len(steps) == 0 || steps[0].Kind != action):
				p.fail("%s%s is declared and planned as %v, %v", inPlace(place), action, kindsOf(steps), err)
			case !declared && err == nil:
				p.fail("%s%s is not declared and not refused", inPlace(place), action)
			}
		}
	}
}

// remote is a far side's id that looks like most do.
const remote timeline.RemoteID = "17865799348089039"

func kindsOf(steps []channels.Step) []string {
	out := make([]string, len(steps))
	for i := range steps {
		out[i] = steps[i].Kind
	}
	return out
}

// starts is C17 of writing first: declared exactly where it can be done; pure; the same id is
// the same thread; a bad address is refused with words for the agent.
func (p *probe) starts(s channels.Session, hub *Hub) {
	declared := false
	for _, can := range p.places() {
		declared = declared || can.Starts
	}
	st, ok := s.(channels.Starter)
	if declared != ok {
		p.fail("writing first is declared %v, Starter is implemented %v", declared, ok)
	}
	if !ok {
		return
	}
	hub.Forbid(true)
	defer hub.Forbid(false)
	for _, bad := range []string{"", "\x00", " ", strings.Repeat("x", 5000)} {
		in, err := st.Start(bad, "", "01J00000000000000000000001")
		var f *channels.Failure
		if !errors.As(err, &f) || f.Advice == "" {
			p.fail("writing first to %q: %+v, %v; want a *Failure with advice", bad[:min(8, len(bad))], in.Peer, err)
		}
	}
	if p.h.StartTo == "" {
		return
	}
	one, err := st.Start(p.h.StartTo, "About it", "01J00000000000000000000001")
	again, _ := st.Start(p.h.StartTo, "About it", "01J00000000000000000000001")
	switch {
	case err != nil:
		p.fail("writing first to a good address is refused: %v", err)
	case one.Event.Thread.ID == "" || one.Peer.Value == "":
		p.fail("writing first names no thread or no peer: %+v", one)
	case encoded(one) != encoded(again):
		p.fail("the same first message goes out in two ways")
	case !p.places()[one.Place].Starts:
		p.fail("a first message goes to the place %q, where one may not write first", one.Place)
	}
	for _, u := range hub.Used() {
		p.fail("Start used the hub's %s", u)
	}
}

// keepsAway is C15 of fetching: what may not be kept is refused before the far side is asked.
func (p *probe) keepsAway() bool {
	calls := 0
	s := p.open(p.account(), NewHub().Far(func(*Request) Reply { calls++; return Reply{Body: "bytes"} }))
	defer p.shut(s)
	f, ok := s.(channels.Fetcher)
	if !ok {
		return false
	}
	for _, r := range []timeline.Retention{timeline.RetainURL, timeline.RetainNever} {
		got, err := f.Fetch(context.Background(), timeline.Part{Kind: timeline.PartImage, URL: "https://far.example/x", Remote: "r0", Retention: r}, 1000)
		if err == nil {
			_, _ = io.Copy(io.Discard, got)
			_ = got.Close() // only that it was given out matters
			p.fail("a part of retention %q is fetched", r)
		}
	}
	if calls > 0 {
		p.fail("the far side is asked %d times for what may not be kept", calls)
	}
	return true
}

// connects is C17 of connecting: what is needed is a setting that accounts share, and the page
// that a person is sent to is told the state and where to send them back.
func (p *probe) connects() {
	const redirect, state = "https://hub.example/connect/x/y", "state-5f2a"
	names := map[string]bool{}
	for _, c := range p.h.Channel.Connect {
		if c.Name == "" || names[c.Name] || c.Begin == nil || c.Finish == nil || url.PathEscape(c.Name) != c.Name {
			p.fail("connecting by %q needs a name of its own that fits into an address, Begin and Finish", c.Name)
			continue
		}
		names[c.Name] = true
		p.words("the label of connecting by "+c.Name, c.Label)
		ready := true
		for _, n := range c.Needs {
			if !slices.ContainsFunc(p.h.Channel.App, func(s channels.Setting) bool { return s.Name == n }) {
				p.fail("connecting by %s needs %q, which accounts do not share", c.Name, n)
			}
			ready = ready && p.h.App[n] != ""
		}
		if !ready {
			continue
		}
		to, err := c.Begin(p.h.App, redirect, state)
		u, bad := url.Parse(to)
		if err != nil || bad != nil || u.Scheme != "https" && u.Scheme != "http" || u.Query().Get("state") != state || u.Query().Get("redirect_uri") != redirect {
			p.fail("connecting by %s leads to %q, %v; want an address with state and redirect_uri", c.Name, to, err)
		}
		for name, v := range p.secrets() {
			if strings.Contains(to, url.QueryEscape(v)) {
				p.fail("connecting by %s shows the secret %q to the browser", c.Name, name)
			}
		}
		p.refusesBack(c, redirect)
	}
}

// refusesBack: a person who comes back without leave, or a far side that cannot be reached, makes
// no account.
func (p *probe) refusesBack(c channels.Connect, redirect string) {
	hub := NewHub().Far(func(*Request) Reply { return Reply{Err: errors.New("unreachable")} })
	for _, q := range []map[string][]string{{}, {"error": {"access_denied"}}, {"code": {"code-5f2a"}}} {
		found, err := c.Finish(context.Background(), hub.HTTP(), p.h.App, q, redirect)
		if err == nil || len(found) > 0 {
			p.fail("connecting by %s, back with %v: %d accounts, %v", c.Name, slices.Sorted(maps.Keys(q)), len(found), err)
		}
		for name, v := range p.secrets() {
			if err != nil && strings.Contains(fmt.Sprint(err), v) {
				p.fail("connecting by %s: the error shows the secret %q", c.Name, name)
			}
		}
	}
}
