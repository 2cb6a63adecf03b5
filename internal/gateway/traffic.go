package gateway

import (
	"context"
	"fmt"
	"math/bits"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/internal/store"
)

// An account's rhythm is told by the gaps between what comes in, counted in buckets that
// double: the first holds gaps of up to a minute. A burst is no gap.
const (
	gapBuckets = 20              // the last holds gaps of a year and more
	gapLeast   = 5 * time.Second // what follows so closely belongs to what was before
	gapUnit    = time.Minute     // of the first bucket, and of what is summed
	gapSeen    = 30              // so many gaps tell something
	gapWatch   = 7 * 24 * 60     // minutes to have watched: nights and a weekend
	gapMost    = 2000            // then all counts are halved: old habits are forgotten
	quantile   = 0.9             // of the time, not of the gaps
	silences   = 3               // times the typical gap
	silenceMin = 2 * time.Hour   // shorter silences say nothing
)

// traffic is what this node saw come in for an account since it last wrote it down.
type traffic struct {
	mu    sync.Mutex
	last  time.Time // of what came in, on any node that wrote it down
	test  time.Time // of the far side's last test
	gaps  map[int]gap
	dirty bool
}

// gap is one bucket of gaps.
type gap struct {
	N       int64 `json:"n"`
	Minutes int64 `json:"m"` // their sum
}

// saw notes that something came in.
func (t *traffic) saw(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if d := now.Sub(t.last); !t.last.IsZero() && d >= gapLeast {
		if t.gaps == nil {
			t.gaps = map[int]gap{}
		}
		b := bucketOf(d)
		g := t.gaps[b]
		g.N++
		g.Minutes += int64((d + gapUnit - 1) / gapUnit)
		t.gaps[b] = g
	}
	if now.After(t.last) {
		t.last, t.dirty = now, true
	}
}

func bucketOf(d time.Duration) int { return min(bits.Len64(uint64(d/gapUnit)), gapBuckets-1) }

// tests notes a test of the far side's.
func (t *traffic) tests(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.test, t.dirty = now, true
}

// knows takes over what another node saw.
func (t *traffic) knows(last time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if last.After(t.last) {
		t.last = last
	}
}

// times are when something came in last, and the last test.
func (t *traffic) times() (last, test time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last, t.test
}

// drain is the update that writes down what was seen since the last; nil: nothing.
func (t *traffic) drain() bson.D {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.dirty {
		return nil
	}
	newest := bson.D{}
	if !t.last.IsZero() {
		newest = append(newest, bson.E{Key: "care.lastIn", Value: t.last})
	}
	if !t.test.IsZero() {
		newest = append(newest, bson.E{Key: "care.lastTest", Value: t.test})
	}
	u := bson.D{{Key: "$max", Value: newest}}
	if len(t.gaps) > 0 {
		inc := bson.D{}
		for b, g := range t.gaps {
			inc = append(inc, bson.E{Key: gapField(b) + ".n", Value: g.N}, bson.E{Key: gapField(b) + ".m", Value: g.Minutes})
		}
		u = append(u, bson.E{Key: "$inc", Value: inc})
	}
	t.gaps, t.dirty = nil, false
	return u
}

// undrained says that what was drained last could not be written down: the moments are written
// the next time, and some gaps are not counted.
func (t *traffic) undrained() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.dirty = true
}

// jot writes down what came in since the last time.
func (l *live) jot(ctx context.Context) error {
	u := l.traffic.drain()
	if u == nil {
		return nil
	}
	if _, err := l.g.col(store.Accounts).Update(ctx, bson.D{{Key: "_id", Value: string(l.record.ID)}}, u); err != nil {
		l.traffic.undrained()
		return fmt.Errorf("gateway: writing down what came in: %w", err)
	}
	return nil
}

func gapField(b int) string { return "care.gaps." + gapName(b) }

func gapName(b int) string { return fmt.Sprintf("g%02d", b) }

// typical is how long a silence of the account usually lasts: at nine of ten moments the
// gap that one is in is no longer. Time is weighed, not gaps, so that the nights of a shop that
// is busy all day count for what they are. ok is false where too little is known.
func typical(gaps map[string]gap) (d time.Duration, ok bool) {
	var n, minutes int64
	for _, g := range gaps {
		n, minutes = n+g.N, minutes+g.Minutes
	}
	if n < gapSeen || minutes < gapWatch {
		return 0, false
	}
	left := float64(minutes) * quantile
	for b := range gapBuckets {
		g := gaps[gapName(b)]
		if left -= float64(g.Minutes); left <= 0 && g.N > 0 {
			return time.Duration(g.Minutes/g.N) * gapUnit, true
		}
	}
	return 0, false
}

// silent reports whether nothing came in for so long that something may be wrong.
func silent(gaps map[string]gap, last, now time.Time) (usual time.Duration, is bool) {
	usual, ok := typical(gaps)
	return usual, ok && !last.IsZero() && now.Sub(last) > max(silences*usual, silenceMin)
}

// tested notes that the far side tested the account's callbacks, and that the test came through.
func (l *live) tested() {
	l.traffic.tests(l.g.now())
	l.g.kick()
}
