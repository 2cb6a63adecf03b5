package gateway

import (
	"fmt"
	"sync"
	"time"

	"github.com/parley-hub/parley/channels"
)

// ratesMax is how many threads' buckets are kept before full ones are forgotten.
const ratesMax = 10_000

// rates are an account's token buckets. A bucket holds N and refills in Per. A rule that two
// places share, by its name and size, is one bucket.
type rates struct {
	mu      sync.Mutex
	buckets map[string]*bucket
}

type bucket struct {
	tokens float64
	at     time.Time
	rule   channels.RateRule
}

func newRates() *rates { return &rates{buckets: map[string]*bucket{}} }

// take uses one call of every rule, or tells how long to wait and uses none.
func (r *rates) take(rules []channels.RateRule, thread string, now time.Time) time.Duration {
	if len(rules) == 0 {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.buckets) > ratesMax {
		r.forget(now)
	}
	var wait time.Duration
	used := make([]*bucket, 0, len(rules))
	for _, rule := range rules {
		b := r.bucket(rule, thread, now)
		used = append(used, b)
		if b.tokens < 1 {
			perToken := float64(b.rule.Per) / float64(b.rule.N)
			wait = max(wait, time.Duration((1-b.tokens)*perToken)+time.Millisecond)
		}
	}
	if wait > 0 {
		return wait
	}
	for _, b := range used {
		b.tokens--
	}
	return 0
}

func (r *rates) bucket(rule channels.RateRule, thread string, now time.Time) *bucket {
	key := fmt.Sprintf("%s|%d|%d", rule.Name, rule.N, rule.Per)
	if rule.Scope == "thread" {
		key += "|" + thread
	}
	b := r.buckets[key]
	if b == nil {
		b = &bucket{tokens: float64(rule.N), at: now, rule: rule}
		r.buckets[key] = b
	}
	b.refill(now)
	return b
}

func (b *bucket) refill(now time.Time) {
	if d := now.Sub(b.at); d > 0 {
		b.tokens = min(float64(b.rule.N), b.tokens+float64(d)/float64(b.rule.Per)*float64(b.rule.N))
		b.at = now
	}
}

// forget drops buckets that are full: they say nothing.
func (r *rates) forget(now time.Time) {
	for k, b := range r.buckets {
		if b.refill(now); b.tokens >= float64(b.rule.N) {
			delete(r.buckets, k)
		}
	}
}
