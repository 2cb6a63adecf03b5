package channeltest

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/parley-hub/parley/channels"
)

// Renewal is how the far side answers when credentials are renewed.
type Renewal struct {
	Renews  Transport // gives new ones
	Refuses Transport // says no for good: they ended, or were revoked
}

// credentials is C14: a credential that ends says when it is to be renewed, in time; renewed, it is
// due later; a refusal is told from a lost answer. That it is renewed once over all nodes is the hub's.
func credentials(p *probe) {
	hub := NewHub()
	s := p.open(p.account(), hub)
	defer p.shut(s)
	r, ok := s.(channels.Refresher)
	if !ok {
		p.skip("the credentials do not end")
		return
	}
	hub.Forbid(true)
	at := r.RefreshAt(epoch)
	if again := r.RefreshAt(epoch); !again.Equal(at) {
		p.fail("RefreshAt draws lots: %v, %v", at, again)
	}
	hub.Forbid(false)
	for _, u := range hub.Used() {
		p.fail("RefreshAt used the hub's %s; it is given the time", u)
	}
	if e, ok := s.(channels.Expirer); ok && !at.IsZero() {
		if end := e.ExpiresAt(); !end.IsZero() && !at.Before(end) {
			p.fail("the credentials end on %v and are to be renewed on %v", end, at)
		}
	}
	if p.h.Renewal == nil {
		return
	}
	p.renews(at)
	p.refusesRenewal()
}

func (p *probe) renews(at time.Time) {
	settings, err := p.renew(p.h.Renewal.Renews)
	if err != nil || len(settings) == 0 {
		p.fail("renewing gives %d settings, %v", len(settings), err)
		return
	}
	a := p.account()
	a.Settings = maps.Clone(a.Settings)
	for k, v := range settings {
		if !p.known(k) {
			p.fail("renewing changes %q, which is no setting", k)
		}
		a.Settings[k] = v
	}
	s := p.open(a, NewHub())
	defer p.shut(s)
	if r, ok := s.(channels.Refresher); !ok || !r.RefreshAt(epoch).After(at) {
		p.fail("renewed credentials are not due later than those before")
	}
}

func (p *probe) known(name string) bool {
	for _, s := range p.h.Channel.Settings {
		if s.Name == name {
			return true
		}
	}
	return false
}

func (p *probe) refusesRenewal() {
	var f *channels.Failure
	if _, err := p.renew(p.h.Renewal.Refuses); !errors.As(err, &f) || !f.Class.Holds() && f.Class != channels.Misconfigured || f.Advice == "" {
		p.fail("a refusal for good is told as %v; want a *Failure that holds, with advice", err)
	}
	_, err := p.renew(func(*Request) Reply { return Reply{Err: errors.New("connection reset")} })
	f = nil
	if err == nil || errors.As(err, &f) && (f.Class.Holds() || f.Class == channels.Misconfigured) {
		p.fail("a lost answer is told as %v; the credentials may be good still", err)
	}
}

func (p *probe) renew(far Transport) (map[string]string, error) {
	s := p.open(p.account(), NewHub().Far(far))
	defer p.shut(s)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	r, ok := s.(channels.Refresher)
	if !ok {
		return nil, errors.New("not a Refresher any more")
	}
	return r.Refresh(ctx)
}
