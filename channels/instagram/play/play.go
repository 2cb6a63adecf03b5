// Package play is people on Instagram as the platform's callbacks tell of them: messages, comments,
// reactions, edits and unsends, signed and delivered to a hub, some twice and some out of order. It
// is for loads. Who wants to be answered plays with metasim instead, which has the Graph API as well.
package play

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parley-hub/parley/channels"
)

// Simulator plays Instagram's callbacks.
var Simulator = &channels.Simulator{Run: run, Options: []channels.Setting{
	{Name: "account", Kind: "text", Help: help("the professional account's id")},
	{Name: "secret", Kind: "secret", Help: help("the app's secret, with which callbacks are signed")},
	{Name: "batch", Kind: "number", Default: "1", Help: help("updates in one callback, 1 to 1000")},
}}

func help(s string) map[string]string { return map[string]string{"en": s} }

const (
	mostBatch    = 1000 // updates in one callback; see Meta's Webhooks, Getting Started
	inFlight     = 32   // callbacks under way: the platform does not wait for one to send the next
	callbackTime = 20 * time.Second
	attempts     = 5 // the platform tries again for a day and a half; a simulation has less time
)

func run(ctx context.Context, s channels.Simulation) (channels.Played, error) {
	if s.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.For)
		defer cancel()
	}
	batch, err := strconv.Atoi(s.Options["batch"])
	if err != nil || batch < 1 || batch > mostBatch {
		return channels.Played{}, fmt.Errorf("batch: a number from 1 to %d is needed", mostBatch)
	}
	c := &crowd{s: s, rnd: rand.New(rand.NewPCG(s.Seed, 2)), account: s.Options["account"], batch: batch,
		url: strings.TrimRight(s.Hub, "/") + "/hooks/instagram", secret: []byte(s.Options["secret"]),
		http: &http.Client{Timeout: callbackTime, Transport: &http.Transport{MaxIdleConnsPerHost: inFlight}}}
	defer c.http.CloseIdleConnections()
	c.talk(ctx)
	return channels.Played{Sent: c.sent, Delivered: c.delivered.Load(), Refused: c.refused.Load(), Slowest: time.Duration(c.slowest.Load())}, nil
}

// crowd is the people of one simulation.
type crowd struct {
	s       channels.Simulation
	account string
	url     string
	secret  []byte
	batch   int
	http    *http.Client

	rnd  *rand.Rand // used by talk alone
	n    int64      // numbers messages
	sent int64
	last map[int]string // by person: the id of their last message

	delivered, refused, slowest atomic.Int64
	said                        atomic.Bool
}

// talk makes updates at the rate, delivers them in batches, and returns when the last was taken or given up.
func (c *crowd) talk(ctx context.Context) {
	c.last = map[int]string{}
	var wg sync.WaitGroup
	slots := make(chan struct{}, inFlight)
	send := func(body []byte) {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			c.deliver(context.WithoutCancel(ctx), body)
		})
	}
	t := time.NewTicker(time.Duration(float64(time.Second) * float64(c.batch) / c.s.Rate))
	defer t.Stop()
	var held []byte
	for open := true; open; {
		select {
		case <-ctx.Done():
			open = false
			continue
		case <-t.C:
		}
		body := c.body()
		if held == nil && c.rnd.Float64() < c.s.Reorder {
			held = body
			continue
		}
		send(body)
		if c.rnd.Float64() < c.s.Duplicates {
			send(body)
		}
		if held != nil {
			send(held)
			held = nil
		}
	}
	if held != nil {
		send(held)
	}
	wg.Wait()
}

// deliver posts a callback, again while it is refused for a reason that may pass.
func (c *crowd) deliver(ctx context.Context, body []byte) {
	var err error
	for try := range attempts {
		if try > 0 {
			time.Sleep(time.Duration(try) * 500 * time.Millisecond)
		}
		var again bool
		if again, err = c.post(ctx, body); err == nil {
			c.delivered.Add(1)
			return
		}
		if !again {
			break
		}
	}
	c.refused.Add(1)
	if c.said.CompareAndSwap(false, true) {
		c.s.Log.Warn("a callback was not taken; further ones are only counted", "at", c.url, "error", err)
	}
}

var errRefused = errors.New("refused")

func (c *crowd) post(ctx context.Context, body []byte) (again bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return false, fmt.Errorf("the hub's address: %w", err)
	}
	mac := hmac.New(sha256.New, c.secret)
	mac.Write(body)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	began := time.Now()
	res, err := c.http.Do(req)
	if err != nil {
		return true, fmt.Errorf("reaching the hub: %w", err)
	}
	_, err = io.Copy(io.Discard, res.Body)
	err = errors.Join(err, res.Body.Close())
	for took := int64(time.Since(began)); ; {
		was := c.slowest.Load()
		if took <= was || c.slowest.CompareAndSwap(was, took) {
			break
		}
	}
	if res.StatusCode != http.StatusOK {
		return res.StatusCode >= http.StatusInternalServerError, fmt.Errorf("%w with status %d", errRefused, res.StatusCode)
	}
	return false, err
}
