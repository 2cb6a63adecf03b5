package channeltest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"strings"
	"time"

	"go.uber.org/goleak"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

// secrets is C16: an account's secrets are in no event, answer, error or log.
func secrets(p *probe) {
	hub := NewHub().Far(func(*Request) Reply { return Reply{Err: errors.New("unreachable")} })
	s := p.open(p.account(), hub)
	var out strings.Builder
	if d, ok := s.(channels.Decoder); ok && p.h.Sign != nil {
		for _, n := range p.names() {
			in, a, err := d.Decode(p.sample(n))
			out.WriteString(encoded(in) + string(a.Body) + fmt.Sprint(err))
			bad := p.sample(n)
			bad.Body = append(bad.Body, ' ')
			_, a, err = d.Decode(bad)
			out.WriteString(string(a.Body) + fmt.Sprint(err))
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	r := s.Do(ctx, p.step(s, Message("hello")))
	cancel()
	out.WriteString(encoded(r.Failure.Wire()) + fmt.Sprintf("%v %s", r.Failure, r.Remote))
	p.shut(s)
	out.WriteString(hub.Logged())
	p.badSettings(&out)
	for name, v := range p.secrets() {
		if strings.Contains(out.String(), v) {
			p.fail("the secret %q is shown", name)
		}
	}
}

// badSettings opens accounts that cannot be opened, and listens to what is said about them.
func (p *probe) badSettings(out *strings.Builder) {
	for _, s := range p.h.Channel.Settings {
		a := p.account()
		a.Settings = maps.Clone(a.Settings)
		a.Settings[s.Name] = "\x00broken"
		if got, err := p.h.Channel.Open(a, NewHub()); err != nil {
			out.WriteString(err.Error())
		} else {
			p.shut(got)
		}
	}
}

// closes is C18: after Close nothing goes on.
func closes(p *probe) {
	before := goleak.IgnoreCurrent() // by identity: a count would be fooled by others that end meanwhile
	for range 5 {
		hub := NewHub()
		s := p.open(p.account(), hub)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() {
			defer close(done)
			if r, ok := s.(channels.Runner); ok {
				_ = r.Run(ctx, nil, func(ctx context.Context, _ []byte, in ...timeline.Inbound) error { return hub.Emit(ctx, in...) })
			}
		}()
		cancel()
		select {
		case <-done:
		case <-time.After(5 * time.Second):
			p.fail("Run goes on after its context ended")
		}
		p.shut(s)
	}
	if err := goleak.Find(before); err != nil {
		p.fail("something goes on after Close: %v", err)
	}
}

const (
	accountsOpen  = 1000
	defaultOpenKB = 64
)

// thousand is C19: an open account that does nothing costs little.
func thousand(p *probe) {
	limit := p.h.MaxOpenKB
	if limit == 0 {
		limit = defaultOpenKB
	}
	hub := NewHub()
	before := heap()
	open := make([]channels.Session, accountsOpen)
	for i := range open {
		a := p.account()
		a.ID = timeline.AccountID(fmt.Sprintf("acct%d", i))
		open[i] = p.open(a, hub)
	}
	each := (heap() - before) / accountsOpen / 1024
	for _, s := range open {
		p.shut(s)
	}
	if each > int64(limit) {
		p.fail("an open account takes %d kB, over the limit of %d", each, limit)
	}
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

var settingKinds = map[string]bool{"text": true, "secret": true, "url": true, "number": true, "bool": true, "choice": true, "list": true, "color": true}

// languages are those every word for people is written in.
var languages = []string{"en", "zh"}

// description is C20: the form, the docs and the colours can be drawn from the data.
func description(p *probe) {
	c := p.h.Channel
	if c.Kind == "" || strings.ToLower(c.Kind) != c.Kind || strings.ContainsAny(c.Kind, "|/ .") {
		p.fail("the kind %q cannot be a folder's name", c.Kind)
	}
	if c.Icon == "" || c.Hue < 0 || c.Hue > 359 || c.Open == nil {
		p.fail("it needs an icon, a hue of 0 to 359 and Open")
	}
	p.words("the title", c.Title)
	names := map[string]bool{}
	for _, s := range append(append([]channels.Setting(nil), c.Settings...), c.App...) {
		if s.Name == "" || names[s.Name] {
			p.fail("the setting %q has no name of its own", s.Name)
		}
		names[s.Name] = true
		if !settingKinds[s.Kind] {
			p.fail("the setting %q is of the unknown kind %q", s.Name, s.Kind)
		}
		if s.Kind == "choice" && len(s.Choices) < 2 {
			p.fail("the setting %q leaves nothing to choose", s.Name)
		}
		p.words("the label of "+s.Name, s.Label)
		if s.Help != nil {
			p.words("the help of "+s.Name, s.Help)
		}
		if s.Default != "" && s.Default != channels.Generated && s.Check != nil {
			if err := s.Check(s.Default); err != nil {
				p.fail("the default of %q is refused: %v", s.Name, err)
			}
		}
		if s.Secret() && s.Default != "" && s.Default != channels.Generated {
			p.fail("the secret %q is the same for everybody", s.Name)
		}
	}
	for _, s := range c.Settings {
		if v := p.settings()[s.Name]; v == "" && !s.Optional && s.Default == "" {
			p.fail("the harness has no value for the needed setting %q", s.Name)
		}
	}
}

func (p *probe) words(what string, in map[string]string) {
	for _, l := range languages {
		if in[l] == "" {
			p.fail("%s is not written in %s", what, l)
		}
	}
}
