package channeltest

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	if len(p.h.Failures) == 0 {
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

// windows is C13: a rule can be opened, ends, and names its actors.
func windows(p *probe) {
	can := p.h.Channel.Can
	if len(can.Windows) == 0 {
		p.skip("one may write at any time")
		return
	}
	for _, by := range []timeline.ActorKind{timeline.ActorAgent, timeline.ActorAssistant} {
		if _, _, ok := can.Allowed(nil, by, epoch); ok {
			p.fail("%s may write though nothing was opened", by)
		}
	}
	for _, r := range can.Windows {
		if r.Name == "" || len(r.Opens) == 0 || r.For <= 0 || r.Max < 0 {
			p.fail("rule %q needs a name, what opens it and how long", r.Name)
			continue
		}
		by := timeline.ActorAgent
		if len(r.By) > 0 {
			by = r.By[0]
		}
		only := channels.Capabilities{Windows: []channels.WindowRule{r}}
		opened := map[string]timeline.Window{r.Opens[0]: {At: epoch}}
		if _, _, ok := only.Allowed(opened, by, epoch.Add(r.For-time.Second)); !ok {
			p.fail("rule %q is closed before its end", r.Name)
		}
		if _, _, ok := only.Allowed(opened, by, epoch.Add(r.For+time.Second)); ok {
			p.fail("rule %q is open after its end", r.Name)
		}
	}
}

// credentials is C14: a credential that ends says when it is to be renewed, in time.
func credentials(p *probe) {
	s := p.open(p.account(), NewHub())
	defer p.shut(s)
	r, ok := s.(channels.Refresher)
	if !ok {
		p.skip("the credentials do not end")
		return
	}
	at := r.RefreshAt(epoch)
	if again := r.RefreshAt(epoch); !again.Equal(at) {
		p.fail("RefreshAt draws lots: %v, %v", at, again)
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
	if !slices.Contains([]string{"bytes", "runes", "utf16", ""}, can.Text.Unit) || can.Text.Max > 0 && can.Text.Unit == "" || can.Text.Max < 0 {
		p.fail("the text limit %d %q cannot be measured", can.Text.Max, can.Text.Unit)
	}
	for kind, m := range can.Media {
		if m.MaxBytes <= 0 {
			p.fail("media %q has no size", kind)
		}
	}
	if can.Media != nil && can.MaxParts <= 0 {
		p.fail("parts are allowed, but not how many")
	}
	for _, r := range can.Rates {
		if r.N <= 0 || r.Per <= 0 || (r.Scope != "account" && r.Scope != "thread") {
			p.fail("rate %q cannot be kept", r.Name)
		}
	}
	p.ways(s)
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
