package channeltest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

// Message is an outbound message of a text, as the hub would send it.
func Message(text string) timeline.Outbound {
	return timeline.Outbound{ID: "m1", Conversation: "c1", Thread: timeline.Thread{Account: Account, ID: "t1"}, To: "peer", Attempt: 1,
		Actor: timeline.Actor{Kind: timeline.ActorAgent, ID: "g1", Name: "Priya"}, Message: &timeline.Message{Text: text}, At: epoch}
}

// plans is C9: planning is pure; no step is over a limit; nothing of the text is lost or torn.
func plans(p *probe) {
	hub := NewHub()
	s := p.open(p.account(), hub)
	defer p.shut(s)
	pl, ok := s.(channels.Planner)
	if !ok {
		p.skip("one message is one step; the hub keeps the declared limits")
		return
	}
	hub.Forbid(true)
	limit := p.h.Channel.Can.Text
	for _, unit := range []string{"a", "字", "é", "👩‍👩‍👧", "🏳️‍🌈"} {
		for _, n := range []int{1, limit.Max - 1, limit.Max, limit.Max + 1, 3*limit.Max + 7} {
			if n > 0 {
				p.planText(pl, strings.Repeat(unit, max(1, n/max(1, limit.Length(unit)))), unit)
			}
		}
	}
	hub.Forbid(false)
	for _, u := range hub.Used() {
		p.fail("Plan used the hub's %s", u)
	}
}

func (p *probe) planText(pl channels.Planner, text, unit string) {
	limit := p.h.Channel.Can.Text
	steps, err := pl.Plan(Message(text))
	again, err2 := pl.Plan(Message(text))
	if encoded(steps)+fmt.Sprint(err) != encoded(again)+fmt.Sprint(err2) {
		p.fail("the same message was planned in two ways")
	}
	if err != nil {
		var f *channels.Failure
		if !errors.As(err, &f) {
			p.fail("Plan's error is no *Failure: %v", err)
		} else if limit.Fits(text) {
			p.fail("a message of %d %s was refused: %v", limit.Length(text), limit.Unit, err)
		}
		return
	}
	whole := ""
	for _, st := range steps {
		if !limit.Fits(st.Text) {
			p.fail("a step has %d %s, over the limit of %d", limit.Length(st.Text), limit.Unit, limit.Max)
		}
		if strings.Count(st.Text, unit)*len(unit) != len(st.Text) {
			p.fail("a step tears a character: %q", st.Text[max(0, len(st.Text)-12):])
		}
		whole += st.Text
	}
	if whole != text {
		p.fail("the steps are not the text: %d bytes of %d", len(whole), len(text))
	}
}

// failures is C10: each way the far side says no has its class, and words for the agent.
func failures(p *probe) {
	p.recorded()
	if len(p.h.Failures)+len(p.h.Errors) == 0 {
		p.skip("the far side says no in no way that was recorded")
		return
	}
	for _, f := range p.h.Failures {
		r := p.call(f.Far)
		if r.Outcome != channels.Rejected || r.Failure == nil || r.Failure.Class != f.Class {
			p.fail("%s ended %s, %v; want %s", f.Name, r.Outcome, r.Failure, f.Class)
			continue
		}
		if r.Failure.Advice == "" {
			p.fail("%s tells the agent nothing to do", f.Name)
		}
		if f.Class == channels.RateLimited && r.Failure.After <= 0 {
			p.fail("%s does not say how long to wait", f.Name)
		}
	}
}

// recorded gives each recorded answer of the far side to a call.
func (p *probe) recorded() {
	for _, e := range p.h.Errors {
		r := p.call(func(*Request) Reply { return Reply{Status: e.Status, Header: e.Header, Body: e.Body} })
		want := e.Outcome
		if want == 0 {
			want = channels.Rejected
		}
		f := r.Failure
		switch {
		case r.Outcome != want || f == nil || e.Class != "" && f.Class != e.Class:
			p.fail("%s ended %s, %v; want %s %s", e.Name, r.Outcome, f, want, e.Class)
		case f.Advice == "":
			p.fail("%s tells the agent nothing to do", e.Name)
		case e.Code != "" && f.Code != e.Code, e.Said != "" && f.Said != e.Said:
			p.fail("%s: the far side's own code and words are %q %q, not %q %q", e.Name, f.Code, f.Said, e.Code, e.Said)
		case f.Class == channels.RateLimited && f.After <= 0:
			p.fail("%s does not say how long to wait", e.Name)
		}
	}
}

func (p *probe) call(far Transport) channels.Result {
	s := p.open(p.account(), NewHub().Far(far))
	defer p.shut(s)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return s.Do(ctx, p.step(s, Message("hello")))
}

// step is the first step of a message.
func (p *probe) step(s channels.Session, o timeline.Outbound) channels.Step {
	if pl, ok := s.(channels.Planner); ok {
		steps, err := pl.Plan(o)
		if err != nil || len(steps) == 0 {
			panic(fmt.Sprintf("a plain message is not planned: %v", err))
		}
		steps[0].Key, steps[0].Outbound = channels.StepKey(o.ID, 0), o
		return steps[0]
	}
	st := channels.Step{Key: channels.StepKey(o.ID, 0), Kind: "send", Outbound: o}
	if o.Message != nil {
		st.Text, st.Parts = o.Message.Text, o.Message.Parts
	}
	return st
}

// doubt is C11: a call that was taken and never answered is told as doubtful, after one try.
func doubt(p *probe) {
	if p.h.Lost == nil {
		p.skip("no call leaves the process")
		return
	}
	calls := 0
	r := p.call(func(q *Request) Reply { calls++; return p.h.Lost(q) })
	if p.h.Channel.Can.Idempotent {
		return // the far side drops a repeat: any outcome is safe
	}
	if r.Outcome != channels.Unsure {
		p.fail("a call without an answer ended %s", r.Outcome)
	}
	if calls != 1 {
		p.fail("the session called %d times by itself", calls)
	}
}

// windows is C13: in every place a rule can be opened, ends, and names its actors.
func windows(p *probe) {
	none := true
	for place, can := range p.places() {
		none = none && len(can.Windows) == 0
		p.windowsIn(place, can)
	}
	if none {
		p.skip("one may write at any time")
	}
}

func (p *probe) windowsIn(place string, can channels.Capabilities) {
	where := inPlace(place)
	for _, by := range []timeline.ActorKind{timeline.ActorAgent, timeline.ActorAssistant} {
		if _, _, ok := can.Allowed(nil, by, epoch); ok && len(can.Windows) > 0 {
			p.fail("%s%s may write though nothing was opened", where, by)
		}
	}
	names := map[string]bool{}
	for _, r := range can.Windows {
		if r.Name == "" || names[r.Name] || len(r.Opens) == 0 || r.For <= 0 || r.Max < 0 {
			p.fail("%srule %q needs a name of its own, what opens it and how long", where, r.Name)
			continue
		}
		names[r.Name] = true
		if r.Label != nil {
			p.words(where+"the label of rule "+r.Name, r.Label)
		}
		p.window(where, r)
	}
}

// window opens one rule alone and looks at its ends.
func (p *probe) window(where string, r channels.WindowRule) {
	by := timeline.ActorAgent
	if len(r.By) > 0 {
		by = r.By[0]
	}
	only := channels.Capabilities{Windows: []channels.WindowRule{r}}
	opened := map[string]timeline.Window{r.Opens[0]: {At: epoch}}
	if _, _, ok := only.Allowed(opened, by, epoch.Add(r.For-time.Second)); !ok {
		p.fail("%srule %q is closed before its end", where, r.Name)
	}
	if _, _, ok := only.Allowed(opened, by, epoch.Add(r.For+time.Second)); ok {
		p.fail("%srule %q is open after its end", where, r.Name)
	}
	spent := map[string]timeline.Window{r.Opens[0]: {At: epoch, Used: r.Max}}
	if _, _, ok := only.Allowed(spent, by, epoch); r.Max > 0 && ok {
		p.fail("%srule %q allows more than %d", where, r.Name, r.Max)
	}
}

// agreement is C17: what is declared can be done, and what is not declared is refused.
func agreement(p *probe) {
	can := p.h.Channel.Can
	s := p.open(p.account(), NewHub())
	defer p.shut(s)
	_, decodes := s.(channels.Decoder)
	_, runs := s.(channels.Runner)
	_, serves := s.(channels.Server)
	_, talks := s.(channels.Sockets)
	_, types := s.(channels.Typist)
	if !decodes && !runs && !serves && !talks {
		p.fail("nothing can come in")
	}
	if p.h.Channel.Split != nil && !decodes {
		p.fail("callbacks are split for a session that cannot decode them")
	}
	if can.Typing.Out != types {
		p.fail("typing out is declared %v, Typist is implemented %v", can.Typing.Out, types)
	}
	p.soundPlaces()
	p.ways(s)
	p.moderates(s)
	p.connects()
	hub := NewHub()
	again := p.open(p.account(), hub)
	defer p.shut(again)
	p.starts(again, hub)
}

// ways checks that edits and the like are refused where they are not declared.
func (p *probe) ways(s channels.Session) {
	can := p.h.Channel.Can
	of := timeline.Ref{Event: "m0", Remote: "r0"}
	for _, w := range []struct {
		kind string
		ok   bool
		set  func(*timeline.Outbound)
	}{
		{"edit", can.Edits.Out, func(o *timeline.Outbound) { o.Edit = &timeline.Edit{Of: of, Text: "x", Rev: 1} }},
		{"unsend", can.Unsends.Out, func(o *timeline.Outbound) { o.Unsend = &timeline.Unsend{Of: of} }},
		{"react", can.Reactions.Out, func(o *timeline.Outbound) { o.Reaction = &timeline.Reaction{Of: of, Emoji: "👍"} }},
	} {
		o := Message("")
		o.Message = nil
		w.set(&o)
		var err error
		if pl, planner := s.(channels.Planner); planner {
			_, err = pl.Plan(o)
		} else if !w.ok {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			r := s.Do(ctx, channels.Step{Key: "m1/0", Kind: w.kind, Outbound: o})
			cancel()
			if r.Outcome == channels.Rejected {
				err = r.Failure
			}
		}
		if w.ok && err != nil {
			p.fail("%s is declared and refused: %v", w.kind, err)
		}
		if !w.ok && err == nil {
			p.fail("%s is not declared and not refused", w.kind)
		}
	}
}
