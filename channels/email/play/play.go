// Package play is people with mail programs, for loads and demos: they write to an inbox through
// its server's delivery protocol, receive what is answered by SMTP, and answer back with what they
// answer to below, as mail programs do.
package play

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-hub/parley/channels"
)

// Simulator plays mail.
var Simulator = &channels.Simulator{Run: run, Options: []channels.Setting{
	option("to", "support@halden.example", "the inbox's address"),
	option("deliver", "127.0.0.1:2424", "where the inbox takes mail: what its account receives at"),
	option("protocol", "lmtp", "lmtp or smtp, as the account has it"),
	option("answers", "127.0.0.1:2525", "where to take answers by SMTP: the account's SMTP server; none: nowhere"),
	option("domain", "people.example", "the domain of the people who write"),
	option("most", "0", "mails written at most; after them people only answer; 0: no end"),
}}

func option(name, value, help string) channels.Setting {
	return channels.Setting{Name: name, Kind: "text", Default: value, Optional: true, Help: map[string]string{"en": help}}
}

const (
	deliverTime = 30 * time.Second
	answerAfter = 6 * time.Second // a person reads before they answer
	answersMost = 2               // per person: then they are content
	beginWithin = time.Minute     // for an inbox that is about to start
)

// run plays until the time is over.
func run(ctx context.Context, s channels.Simulation) (channels.Played, error) {
	if s.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.For)
		defer cancel()
	}
	return play(ctx, s, answerAfter, beginWithin)
}

// play waits for the inbox at most as long as begin, and reads answers as long as reads.
func play(ctx context.Context, s channels.Simulation, reads, begin time.Duration) (channels.Played, error) {
	g := &game{s: s, to: s.Options["to"], reads: reads, rnd: rand.New(rand.NewPCG(s.Seed, 1))}
	post, err := newPostman(s.Options["deliver"], s.Options["protocol"])
	if err != nil {
		return channels.Played{}, err
	}
	g.post = post
	defer post.close()
	if g.most, err = strconv.ParseInt(cmp.Or(s.Options["most"], "0"), 10, 64); err != nil || g.most < 0 {
		return channels.Played{}, fmt.Errorf("most: a number is needed, not %q", s.Options["most"])
	}
	post.await(ctx, begin)
	for i := range max(s.People, 1) {
		g.people = append(g.people, newPerson(i, s.Seed, s.Options["domain"]))
	}
	if at := s.Options["answers"]; at != "" && at != "none" {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", at)
		if err != nil {
			return channels.Played{}, fmt.Errorf("taking answers at %s: %w", at, err)
		}
		defer g.listen(l)()
	}
	g.talk(ctx)
	g.wg.Wait()
	return g.played(), nil
}

// game is a simulation under way.
type game struct {
	s      channels.Simulation
	to     string
	most   int64         // mails written; 0: no end
	reads  time.Duration // how long an answer is read before it is answered
	post   *postman
	people []*person
	wg     sync.WaitGroup // answers being written

	mu  sync.Mutex // guards rnd and the people
	rnd *rand.Rand

	sent, delivered, refused, answers atomic.Int64
	slowest                           atomic.Int64 // nanoseconds
	said                              atomic.Bool
}

func (g *game) played() channels.Played {
	return channels.Played{Sent: g.sent.Load(), Delivered: g.delivered.Load(), Refused: g.refused.Load(), Answers: g.answers.Load(),
		Slowest: time.Duration(g.slowest.Load())}
}

// talk lets people write at the rate until ctx ends. A mail that another overtakes is held
// until after the next one.
func (g *game) talk(ctx context.Context) {
	t := time.NewTicker(time.Duration(float64(time.Second) / g.s.Rate))
	defer t.Stop()
	var held *letter
	for {
		select {
		case <-ctx.Done():
			if held != nil {
				g.deliver(context.WithoutCancel(ctx), held)
			}
			return
		case <-t.C:
			if g.most > 0 && g.sent.Load() >= g.most && held == nil {
				continue
			}
			m := g.next()
			if held == nil && g.chance(g.s.Reorder) {
				held = m
				continue
			}
			g.deliver(ctx, m)
			if held != nil {
				g.deliver(ctx, held)
				held = nil
			}
		}
	}
}

// next is the next mail somebody writes.
func (g *game) next() *letter {
	g.mu.Lock()
	defer g.mu.Unlock()
	p := g.people[g.rnd.IntN(len(g.people))]
	text := "Hello, is anybody there?"
	if len(g.s.Lines) > 0 {
		text = g.s.Lines[g.rnd.IntN(len(g.s.Lines))]
	}
	g.sent.Add(1)
	return p.write(g.to, text)
}

func (g *game) chance(share float64) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.rnd.Float64() < share
}

// deliver hands a mail to the inbox, some twice, as mail servers do when an answer is lost.
func (g *game) deliver(ctx context.Context, m *letter) {
	times := 1
	if g.chance(g.s.Duplicates) {
		times = 2
	}
	for range times {
		began := time.Now()
		ctx, cancel := context.WithTimeout(ctx, deliverTime)
		err := g.post.deliver(ctx, m.from, m.to, m.raw)
		cancel()
		for took := int64(time.Since(began)); ; {
			was := g.slowest.Load()
			if took <= was || g.slowest.CompareAndSwap(was, took) {
				break
			}
		}
		if err != nil {
			g.refused.Add(1)
			if !errors.Is(err, context.Canceled) && g.said.CompareAndSwap(false, true) {
				g.s.Log.Warn("a mail was not taken; further ones are only counted", "at", g.s.Options["deliver"], "error", err)
			}
			return
		}
		g.delivered.Add(1)
	}
}
