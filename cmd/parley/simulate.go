package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-hub/parley/internal/simulate"
)

// simulateWebchat drives a running hub with customers, as its widgets would.
func simulateWebchat(ctx context.Context, args []string, out io.Writer) error {
	fs := flags("simulate webchat")
	url := fs.String("url", "http://127.0.0.1:8080", "where the hub is")
	account := fs.String("account", string(demoAccount), "the web chat account to write to")
	rate := fs.Float64("rate", 1, "messages per second, over all visitors")
	visitors := fs.Int("visitors", 10, "how many people write")
	duplicates := fs.Float64("duplicates", 0, "share of messages that are sent twice with the same id, 0 to 1")
	lasts := fs.Duration("for", time.Minute, "how long")
	if err := parse(fs, args); err != nil {
		return err
	}
	if *rate <= 0 || *visitors <= 0 || *duplicates < 0 || *duplicates > 1 {
		return errors.New("simulate: rate and visitors are more than 0, duplicates from 0 to 1")
	}
	ctx, cancel := context.WithTimeout(ctx, *lasts)
	defer cancel()
	var acked atomic.Int64
	crowd, err := gather(ctx, *visitors, simulate.VisitorConfig{Base: *url, Account: *account, OnAck: func(string) { acked.Add(1) }})
	if err != nil {
		return err
	}
	sent := crowd.talk(ctx, *rate, *duplicates)
	crowd.finish()
	_, err = fmt.Fprintf(out, "sent %d, acknowledged %d\n", sent, acked.Load())
	return err
}

func simulateCommand(ctx context.Context, args []string, out io.Writer) error {
	switch {
	case len(args) == 0:
		return fmt.Errorf("simulate: name what to play: %s", strings.Join(append([]string{visitors}, simulated()...), ", "))
	case args[0] == visitors:
		return simulateWebchat(ctx, args[1:], out)
	}
	return simulateKind(ctx, args[0], args[1:], out)
}

// visitors of web pages are played by their own protocol's client, which the demo and the
// benchmark use as well.
const visitors = "webchat"

// crowd is the visitors of a simulation.
type crowd struct {
	visitors []*simulate.VisitorClient
	wg       sync.WaitGroup
	leave    context.CancelFunc
}

// gather lets visitors come in. They stay until finish, so that the last messages arrive.
func gather(ctx context.Context, n int, c simulate.VisitorConfig) (*crowd, error) {
	stay, leave := context.WithCancel(context.WithoutCancel(ctx))
	cr := &crowd{leave: leave}
	for range n {
		v := simulate.NewVisitor(c)
		if err := v.Begin(ctx); err != nil {
			leave()
			return nil, err
		}
		cr.visitors = append(cr.visitors, v)
		cr.wg.Go(func() { v.Run(stay) })
	}
	return cr, nil
}

// talk sends at a steady rate, whoever's turn it is, until ctx ends.
func (c *crowd) talk(ctx context.Context, rate, duplicates float64) (sent int) {
	t := time.NewTicker(time.Duration(float64(time.Second) / rate))
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return sent
		case <-t.C:
			v, id := c.visitors[rand.IntN(len(c.visitors))], simulate.NewID()
			text := simulatedLines[rand.IntN(len(simulatedLines))]
			v.SendAs(id, text)
			if rand.Float64() < duplicates {
				v.SendAs(id, text)
			}
			sent++
		}
	}
}

// lastWords is how long the outboxes may take to empty.
const lastWords = 5 * time.Second

func (c *crowd) finish() {
	for end := time.Now().Add(lastWords); time.Now().Before(end) && c.waiting() > 0; {
		time.Sleep(20 * time.Millisecond)
	}
	c.leave()
	c.wg.Wait()
}

func (c *crowd) waiting() (n int) {
	for _, v := range c.visitors {
		n += v.Waiting()
	}
	return n
}

var simulatedLines = []string{
	"Hello, is anybody there?",
	"Where is my order?",
	"The zip on my jacket broke after two weeks.",
	"Can I return the boots if I wore them once?",
	"Do you ship to Iceland?",
	"请问这款还有货吗？",
	"Could you send me the invoice again, please?",
	"The code does not work at checkout.",
	"Is the tent waterproof enough for autumn in Scotland?",
	"Thank you!",
}
