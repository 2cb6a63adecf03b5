// Package world is the platform itself: who exists, what was said, what may be said, and what
// the apps are told of it. It knows nothing of HTTP.
//
// A World has one lock. Callers take it with Lock, call as many methods as belong together,
// and give it back with Unlock; unless its doc comment says otherwise a method expects the
// lock to be held. Everything drawn at random comes from the seed, in the order of calls.
package world

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"sort"
	"sync"
	"time"

	"github.com/parley-hub/parley/channels/instagram/metasim/internal/clock"
	"github.com/parley-hub/parley/channels/instagram/metasim/internal/hook"
)

// State is everything a world remembers; it can be dumped and loaded.
type State struct {
	Seq        int64                `json:"seq"`
	Now        time.Time            `json:"now"`
	Settings   Settings             `json:"settings"`
	Apps       map[string]*App      `json:"apps"`
	Businesses map[string]*Business `json:"businesses"`
	People     map[string]*Person   `json:"people"`
	Threads    map[string]*Thread   `json:"threads"`
	Messages   map[string]*Message  `json:"messages"`
	Media      map[string]*Media    `json:"media"`
	Comments   map[string]*Comment  `json:"comments"`
	Assets     map[string]*Asset    `json:"assets"`
	Tokens     map[string]*Token    `json:"tokens"`
	Order      []string             `json:"order"` // ids of people, media and comments in the order of their making
}

func newState() State {
	return State{
		Settings: Defaults(), Apps: map[string]*App{}, Businesses: map[string]*Business{},
		People: map[string]*Person{}, Threads: map[string]*Thread{}, Messages: map[string]*Message{},
		Media: map[string]*Media{}, Comments: map[string]*Comment{}, Assets: map[string]*Asset{},
		Tokens: map[string]*Token{},
	}
}

// World is one simulated platform.
type World struct {
	mu     sync.Mutex
	clock  *clock.Clock
	sender *hook.Sender
	base   string
	offset int64
	rng    *rand.Rand
	st     State
	used   map[string][]time.Time

	watchMu  sync.Mutex
	watchers map[chan struct{}]bool
}

// New returns an empty world. base is the address the simulator is reached at, such as
// http://127.0.0.1:7081, and the root of the links it gives out.
func New(c *clock.Clock, s *hook.Sender, base string, seed int64) *World {
	rng := rand.New(rand.NewSource(seed))
	return &World{clock: c, sender: s, base: base, rng: rng, offset: rng.Int63n(1 << 40),
		st: newState(), used: map[string][]time.Time{}, watchers: map[chan struct{}]bool{}}
}

// Lock takes the world.
func (w *World) Lock() { w.mu.Lock() }

// Unlock gives it back.
func (w *World) Unlock() { w.mu.Unlock() }

// Base is the address the simulator is reached at. It needs no lock.
func (w *World) Base() string { return w.base }

// Clock is the world's clock. It needs no lock.
func (w *World) Clock() *clock.Clock { return w.clock }

// Sender delivers the world's webhooks. It needs no lock.
func (w *World) Sender() *hook.Sender { return w.sender }

// State gives read access to everything.
func (w *World) State() *State { return &w.st }

// Settings are the switches as they stand.
func (w *World) Settings() Settings { return w.st.Settings }

// SetSettings changes the switches.
func (w *World) SetSettings(s Settings) {
	w.st.Settings = s
	w.sender.SetOptions(s.Delivery)
}

// Dump writes the state.
func (w *World) Dump() ([]byte, error) {
	w.st.Now = w.now()
	return json.Marshal(w.st)
}

// Load replaces the state by one that was dumped, the clock included.
func (w *World) Load(raw []byte) error {
	st := newState()
	if err := json.Unmarshal(raw, &st); err != nil {
		return fmt.Errorf("reading a dump: %w", err)
	}
	if err := st.Settings.check(); err != nil {
		return err
	}
	w.st = st
	w.used = map[string][]time.Time{}
	if !st.Now.IsZero() {
		w.clock.Set(st.Now)
	}
	w.sender.SetOptions(st.Settings.Delivery)
	w.Touch()
	return nil
}

// Reset empties the world and keeps its switches.
func (w *World) Reset() {
	s := w.st.Settings
	w.st = newState()
	w.st.Settings = s
	w.used = map[string][]time.Time{}
	w.Touch()
}

func (w *World) now() time.Time { return w.clock.Now() }

// Watch returns a channel that holds a token whenever something changed since it was last
// read, and a function that ends the watch. It needs no lock.
func (w *World) Watch() (<-chan struct{}, func()) {
	ch := make(chan struct{}, 1)
	w.watchMu.Lock()
	w.watchers[ch] = true
	w.watchMu.Unlock()
	return ch, func() {
		w.watchMu.Lock()
		delete(w.watchers, ch)
		w.watchMu.Unlock()
	}
}

// Touch tells the watchers that something changed. It needs no lock.
func (w *World) Touch() {
	w.watchMu.Lock()
	defer w.watchMu.Unlock()
	for ch := range w.watchers {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

// number makes an id of the given length that never repeats in this world.
func (w *World) number(prefix string, digits int) string {
	w.st.Seq++
	n := digits - len(prefix)
	mod := int64(1)
	for range n {
		mod *= 10
	}
	return fmt.Sprintf("%s%0*d", prefix, n, (w.offset+w.st.Seq*7919)%mod)
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

func (w *World) opaque(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[w.rng.Intn(len(alphabet))]
	}
	return string(b)
}

// Trace makes an fbtrace_id.
func (w *World) Trace() string { return "A" + w.opaque(22) }

func (w *World) messageID(surface string) string {
	switch surface {
	case Messenger:
		return "m_" + w.opaque(86)
	case WhatsApp:
		return "wamid.HBgL" + w.opaque(38) + "AA=="
	}
	return "aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlE0" + w.opaque(56) + "ZDZD"
}

func (w *World) sortedTokens() []*Token {
	out := make([]*Token, 0, len(w.st.Tokens))
	for _, t := range w.st.Tokens {
		out = append(out, t)
	}
	sort.Slice(out, func(i, j int) bool {
		if out[i].Issued.Equal(out[j].Issued) {
			return out[i].Value < out[j].Value
		}
		return out[i].Issued.Before(out[j].Issued)
	})
	return out
}

// Use counts one use of a bucket and reports whether it was within the limit for the time.
// What was refused does not count. A limit of 0 is none.
func (w *World) Use(bucket string, limit int, per time.Duration) bool {
	now := w.now()
	list := w.used[bucket]
	for len(list) > 0 && now.Sub(list[0]) >= per {
		list = list[1:]
	}
	ok := limit <= 0 || len(list) < limit
	if ok {
		list = append(list, now)
	}
	w.used[bucket] = list
	return ok
}

// Used is how many uses of a bucket lie in the time up to now.
func (w *World) Used(bucket string, per time.Duration) int {
	n := 0
	for _, t := range w.used[bucket] {
		if w.now().Sub(t) < per {
			n++
		}
	}
	return n
}
