package webchat

import (
	"sync"
	"time"
)

const (
	socketsEach  = 12  // sockets of one visitor: tabs and windows
	missesPerMin = 60  // wrong tokens and unknown addresses from one network address
	filesPerMin  = 30  // uploads of one visitor
	framesPerMin = 600 // frames of one socket that are no messages
	bucketsKept  = 50_000
)

// limits are an account's token buckets. Messages are counted by visitor, so that an office
// behind one address is no crowd; only new visitors and misses are counted by address.
type limits struct {
	messages, sessions, misses, files *buckets
}

func newLimits(messages, sessions float64, now func() time.Time) limits {
	return limits{messages: perMinute(messages, now), sessions: perMinute(sessions, now), misses: perMinute(missesPerMin, now), files: perMinute(filesPerMin, now)}
}

// buckets are token buckets of one size by key. Nil allows everything.
type buckets struct {
	size float64
	per  time.Duration
	now  func() time.Time
	mu   sync.Mutex
	m    map[string]bucket
}

type bucket struct {
	left float64
	at   time.Time
}

func perMinute(n float64, now func() time.Time) *buckets {
	if n == 0 {
		return nil
	}
	return &buckets{size: n, per: time.Minute, now: now, m: map[string]bucket{}}
}

// take uses one token, or tells how long to wait for one.
func (b *buckets) take(key string) time.Duration { return b.use(key, 1) }

// spent reports whether a key has none left, and uses none.
func (b *buckets) spent(key string) bool { return b.use(key, 0) > 0 }

func (b *buckets) use(key string, n float64) time.Duration {
	if b == nil {
		return 0
	}
	now := b.now()
	b.mu.Lock()
	defer b.mu.Unlock()
	k, ok := b.m[key]
	if !ok {
		if len(b.m) >= bucketsKept {
			b.forget(now)
		}
		k = bucket{left: b.size, at: now}
	}
	k = b.refill(k, now)
	if k.left < 1 {
		return time.Duration((1-k.left)/b.size*float64(b.per)) + time.Millisecond
	}
	if n > 0 {
		k.left -= n
		b.m[key] = k
	}
	return 0
}

func (b *buckets) refill(k bucket, now time.Time) bucket {
	if d := now.Sub(k.at); d > 0 {
		k.left = min(b.size, k.left+d.Seconds()/b.per.Seconds()*b.size)
		k.at = now
	}
	return k
}

// forget drops what is full, and everything where that is not enough: memory is bounded.
func (b *buckets) forget(now time.Time) {
	for key, k := range b.m {
		if b.refill(k, now).left >= b.size {
			delete(b.m, key)
		}
	}
	if len(b.m) >= bucketsKept {
		clear(b.m)
	}
}

// visits remembers where visitors are on the site, softly: it only colours a first message.
type visits struct {
	mu sync.Mutex
	m  map[string]page
}

// page is the page a visitor is on.
type page struct {
	URL   string `json:"url"`
	Title string `json:"title"`
}

const (
	visitsKept = 10_000
	pageMax    = 500 // runes
)

func (v *visits) see(visitor string, p page) {
	if p.URL == "" && p.Title == "" {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.m == nil || len(v.m) >= visitsKept {
		v.m = map[string]page{}
	}
	v.m[visitor] = page{cut(p.URL, pageMax), cut(p.Title, pageMax)}
}

// take is told once: the first message after it carries it.
func (v *visits) take(visitor string) (page, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	p, ok := v.m[visitor]
	if ok {
		delete(v.m, visitor)
	}
	return p, ok
}
