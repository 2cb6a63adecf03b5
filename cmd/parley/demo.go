package main

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parley-hub/parley/internal/simulate"
	"github.com/parley-hub/parley/timeline"
)

const (
	// demoStay is how long a guest stays after the last line, to read answers.
	demoStay = 10 * time.Minute
	// demoThanks is how soon a guest answers an agent.
	demoThanks = 4 * time.Second
)

// demo plays guests who write in the shop's chat, once. They speak the public protocol
// from outside, like any browser.
func (n *node) demo(ctx context.Context) {
	base := "http://" + n.cfg.Addr
	var wg sync.WaitGroup
	for _, g := range guests {
		wg.Go(func() {
			if err := n.visit(ctx, base, g); err != nil && ctx.Err() == nil {
				n.log.Warn("a simulated customer could not write", "err", err)
			}
		})
	}
	wg.Wait()
}

// visit is one guest's visit.
func (n *node) visit(ctx context.Context, base string, g guest) error {
	answered := make(chan struct{}, 8)
	c := simulate.VisitorConfig{Base: base, Account: string(demoAccount), Locale: g.locale, OnItem: func(it timeline.Item) {
		if it.Event.Kind == timeline.KindReceipt && it.Event.Receipt != nil && it.Event.Receipt.State == timeline.Sent {
			select {
			case answered <- struct{}{}:
			default:
			}
		}
	}}
	var err error
	if c.Identity, err = n.introduce(ctx, g); err != nil {
		return err
	}
	v := simulate.NewVisitor(c)
	if err := v.Begin(ctx); err != nil {
		return err
	}
	if len(v.Items()) > 0 {
		return nil // was here before the last restart
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go v.Run(ctx)
	for _, l := range g.lines {
		if !pause(ctx, l.pause) {
			return nil
		}
		v.Send(l.text)
	}
	g.listen(ctx, v, answered)
	return nil
}

// listen waits for an agent and thanks them once.
func (g guest) listen(ctx context.Context, v *simulate.VisitorClient, answered <-chan struct{}) {
	select {
	case <-ctx.Done():
	case <-time.After(demoStay):
	case <-answered:
		if pause(ctx, demoThanks) {
			v.Send(g.thanks())
			pause(ctx, demoStay)
		}
	}
}

func (g guest) thanks() string {
	if g.locale == "zh" {
		return "好的，谢谢！"
	}
	return []string{"Great, thank you!", "Perfect, thanks for the quick answer.", "Thank you, that helps."}[rand.IntN(3)]
}

// introduce signs a guest in the way the shop's own back end would.
func (n *node) introduce(ctx context.Context, g guest) (string, error) {
	secret, err := n.gateway.Secret(ctx, demoAccount, "identitySecret")
	if err != nil {
		return "", err
	}
	claims := jwt.MapClaims{"sub": g.id, "name": g.name, "email": g.email, "aud": string(demoAccount), "exp": time.Now().Add(time.Hour).Unix()}
	return jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(secret))
}

// pause waits, and reports whether there is still time.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
