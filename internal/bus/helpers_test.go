package bus

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// note is the value the tests send.
type note struct {
	Key   string `json:"key"`
	N     int    `json:"n"`
	Depth int    `json:"depth,omitempty"`
	Pad   string `json:"pad,omitempty"`
}

var names atomic.Int64

// topic makes a topic nobody used before, also not on a broker that lives longer than the test.
func topic(name string) Topic[note] {
	return Topic[note]{Name: fmt.Sprintf("%s-%d-%d", name, time.Now().UnixMilli(), names.Add(1)), Durable: true,
		Key: func(n note) string { return n.Key }, Depth: func(n note) int { return n.Depth }}
}

// cluster is the real Kafka the suite runs against; empty: the embedded broker.
func cluster() []string {
	if a := os.Getenv("PARLEY_TEST_KAFKA"); a != "" {
		return strings.Split(a, ",")
	}
	return nil
}

func onlyEmbedded(t *testing.T) {
	t.Helper()
	if cluster() != nil {
		t.Skip("about the embedded broker")
	}
}

func config(t testing.TB, dir string, topics ...Stream) Config {
	level := slog.LevelError + 4
	if testing.Verbose() {
		level = slog.LevelWarn
	}
	return Config{Brokers: cluster(), Dir: dir, Node: "node-" + t.Name(), Topics: topics,
		Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))}
}

func mustOpen(t testing.TB, c Config) *Bus {
	t.Helper()
	b, err := Open(timeout(t, 10*time.Second), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close(timeoutAfter(5 * time.Second)) }) // tests that care close themselves
	return b
}

func timeout(t testing.TB, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

func timeoutAfter(d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	context.AfterFunc(ctx, cancel)
	return ctx
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// until polls ok until it holds.
func until(t testing.TB, what string, d time.Duration, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(d); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", d, what)
		}
	}
}

// seen collects what handlers were given.
type seen struct {
	mu    sync.Mutex
	all   []Record[note]
	byKey map[string][]int
}

func (s *seen) add(rs ...Record[note]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byKey == nil {
		s.byKey = map[string][]int{}
	}
	for _, r := range rs {
		s.all = append(s.all, r)
		s.byKey[r.Value.Key] = append(s.byKey[r.Value.Key], r.Value.N)
	}
}

func (s *seen) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all)
}

func (s *seen) of(key string) []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]int(nil), s.byKey[key]...)
}

// distinct counts different (key, n).
func (s *seen) distinct() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := map[string]bool{}
	for _, r := range s.all {
		m[fmt.Sprintf("%s/%d", r.Value.Key, r.Value.N)] = true
	}
	return len(m)
}

func (s *seen) handler(_ context.Context, run []Record[note]) error {
	s.add(run...)
	return nil
}
