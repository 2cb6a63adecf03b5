package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-hub/parley/internal/store"
	"github.com/prometheus/client_golang/prometheus"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// TestFullDisk fills the database to a limit: the write that does not fit is refused, with
// all that shared its commit, nothing of it remains, and room makes everything work again.
func TestFullDisk(t *testing.T) {
	var limit atomic.Int64
	limit.Store(400)
	s := openEmbedded(t, store.WithPragmas(func() []string { return []string{fmt.Sprintf("max_page_count = %d", limit.Load())} }))
	c, ctx := s.C(store.Events), context.Background()
	big := strings.Repeat("x", 20000)
	var stored []string
	var failed error
	for i := 0; failed == nil && i < 1000; i++ {
		a, b := fmt.Sprintf("a%03d", i), fmt.Sprintf("b%03d", i)
		_, err := c.Bulk(ctx, store.Write{Insert: d("_id", a, "conversation", a, "seq", 1, "text", big)}, store.Write{Insert: d("_id", b, "conversation", b, "seq", 1, "text", big)})
		if failed = err; err == nil {
			stored = append(stored, a, b)
		}
	}
	if !errors.Is(failed, store.ErrUnavailable) || len(stored) == 0 {
		t.Fatalf("after %d: %v", len(stored), failed)
	}
	for range 3 { // it stays so
		if err := c.Insert(ctx, d("_id", "more", "conversation", "m", "seq", 1, "text", big+big)); !errors.Is(err, store.ErrUnavailable) {
			t.Fatalf("full, but: %v", err)
		}
	}
	sameDocuments(t, c, stored)
	limit.Store(100000)
	// The connection that met the limit is gone, so the next write sees the room.
	if err := c.Insert(ctx, d("_id", "more", "conversation", "m", "seq", 1, "text", big+big)); err != nil {
		t.Fatalf("with room again: %v", err)
	}
	sameDocuments(t, c, append(stored, "more"))
}

func sameDocuments(t *testing.T, c store.Collection, want []string) {
	t.Helper()
	found := map[string]bool{}
	if err := c.Each(context.Background(), d(), func(raw bson.Raw) error {
		found[raw.Lookup("_id").StringValue()] = true
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, id := range want {
		if !found[id] {
			t.Errorf("%s is lost", id)
		}
	}
	if len(found) != len(want) {
		t.Errorf("%d documents, want %d", len(found), len(want))
	}
}

const (
	crashDir = "PARLEY_TEST_CRASH_DIR"
	crashRun = "PARLEY_TEST_CRASH_RUN"
)

// TestCrashWriter is the process that TestKill kills: it writes from many goroutines and
// prints what was acknowledged.
func TestCrashWriter(t *testing.T) {
	dir := os.Getenv(crashDir)
	if dir == "" {
		t.Skip("run by TestKill")
	}
	s, err := store.OpenEmbedded(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			conv := fmt.Sprintf("%s-%d", os.Getenv(crashRun), g)
			if err := s.C(store.Conversations).Insert(context.Background(), d("_id", conv, "number", conv, "seq", 0, "labels", bson.A{"x"})); err != nil {
				t.Error(err)
				return
			}
			for seq := 1; ; seq++ {
				if err := appendOne(s.C(store.Events), s.C(store.Conversations), conv, seq); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				fmt.Printf("acked %s %d\n", conv, seq)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

// TestKill kills a writing process again and again: everything it acknowledged is there,
// and nothing is half there.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	acked := map[string]int{}
	for run := range 4 {
		crash(t, dir, run, acked)
		s, err := store.OpenEmbedded(context.Background(), dir)
		if err != nil {
			t.Fatal(err)
		}
		for conv, seq := range acked {
			wholeUpTo(t, s, conv, seq)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(acked) != 64 {
		t.Errorf("%d conversations", len(acked))
	}
}

// crash runs the writer until it acknowledged a few hundred messages, then kills it.
func crash(t *testing.T, dir string, run int, acked map[string]int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run", "^TestCrashWriter$")
	cmd.Env = append(os.Environ(), crashDir+"="+dir, fmt.Sprintf("%s=%d", crashRun, run))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	n := 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var conv string
		var seq int
		if _, err := fmt.Sscanf(lines.Text(), "acked %s %d", &conv, &seq); err != nil {
			continue
		}
		acked[conv] = seq
		if n++; n == 300+101*run {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // it was killed
}

func wholeUpTo(t *testing.T, s store.Store, conv string, seq int) {
	t.Helper()
	var c struct {
		Seq     int `json:"seq"`
		InCount int `json:"inCount"`
	}
	if err := s.C(store.Conversations).One(context.Background(), d("_id", conv), &c); err != nil {
		t.Fatal(conv, err)
	}
	if c.Seq < seq || c.InCount != c.Seq {
		t.Errorf("%s: %+v, acknowledged %d", conv, c, seq)
	}
	n := 0
	err := s.C(store.Events).Each(context.Background(), d("conversation", conv), func(raw bson.Raw) error {
		if n++; raw.Lookup("seq").AsInt64() != int64(n) {
			return fmt.Errorf("a gap at %d", n)
		}
		return raw.Validate()
	}, store.Find{Sort: d("seq", 1)})
	if err != nil || n < c.Seq || n > c.Seq+1 {
		t.Errorf("%s: %d events for seq %d, %v", conv, n, c.Seq, err)
	}
}

// TestOpenErrors: a folder that cannot be made is an error, not a panic later.
func TestOpenErrors(t *testing.T) {
	file := t.TempDir() + "/file"
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.OpenEmbedded(context.Background(), file+"/below"); !errors.Is(err, store.ErrUnavailable) {
		t.Error(err)
	}
	if err := os.WriteFile(file+".db", []byte("not a database"), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/store.db", []byte(strings.Repeat("not a database", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.OpenEmbedded(context.Background(), dir); !errors.Is(err, store.ErrUnavailable) {
		t.Error(err)
	}
	if _, err := store.Open(context.Background(), store.Config{URI: "mongodb://user:geheim@host:port/"}); err == nil || strings.Contains(err.Error(), "geheim") {
		t.Error(err)
	}
}

// TestMongoDown: no server answers.
func TestMongoDown(t *testing.T) {
	s, err := store.Open(context.Background(), store.Config{URI: "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=50&connectTimeoutMS=50"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	ctx := context.Background()
	if err := s.C(store.Teams).Insert(ctx, d("_id", "a")); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("insert: %v", err)
	}
	var out bson.D
	if err := s.C(store.Teams).One(ctx, d("_id", "a"), &out); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("read: %v", err)
	}
	if err := s.Ping(ctx); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("ping: %v", err)
	}
	if err := s.Migrate(ctx); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("migrate: %v", err)
	}
}

func TestMetrics(t *testing.T) {
	r := prometheus.NewRegistry()
	s, err := store.Open(context.Background(), store.Config{Dir: t.TempDir(), Registerer: r})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := s.C(store.Teams).Insert(context.Background(), d("_id", "a")); err != nil {
		t.Fatal(err)
	}
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	for _, f := range families {
		have[f.GetName()] = true
	}
	for _, name := range []string{"parley_store_seconds", "parley_store_group_size", "parley_store_commit_seconds"} {
		if !have[name] {
			t.Errorf("%s is missing", name)
		}
	}
}

// TestChangedIndexes opens a database whose schema was different.
func TestChangedIndexes(t *testing.T) {
	dir, ctx := t.TempDir(), context.Background()
	open := func(ix ...store.Index) store.Store {
		t.Helper()
		s, err := store.OpenEmbedded(ctx, dir, store.WithSchema([]store.Spec{{Name: "docs", Indexes: ix}, {Name: store.Meta}}))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	first := open(store.Index{Name: "a", Fields: []string{"a"}}, store.Index{Name: "old", Fields: []string{"old"}})
	for i := range 20 {
		if err := first.C("docs").Insert(ctx, d("_id", fmt.Sprintf("%02d", i), "a", i%2, "b", 20-i, "list", bson.A{"x", fmt.Sprint(i)})); err != nil {
			t.Fatal(err)
		}
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	s := open(store.Index{Name: "a", Fields: []string{"a", "-b"}}, store.Index{Name: "list", Fields: []string{"list", "b"}, Array: true})
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, tc := range []struct {
		filter, sort bson.D
		want         int
		first        string
	}{{d("a", 1), d("b", 1), 10, "19"}, {d("list", "x"), d("b", 1), 20, "19"}, {d("list", "7"), nil, 1, "07"}} {
		var out []struct {
			ID string `bson:"_id"`
		}
		if err := s.C("docs").All(ctx, tc.filter, &out, store.Find{Sort: tc.sort}); err != nil || len(out) != tc.want || out[0].ID != tc.first {
			t.Errorf("%v: %v, %v", tc.filter, out, err)
		}
		if _, err := store.Explain(s, "docs", tc.filter, store.Find{Sort: tc.sort}); err != nil {
			t.Errorf("%v: %v", tc.filter, err)
		}
	}
	var out []bson.D
	if err := s.C("docs").All(ctx, d("old", 1), &out); !errors.Is(err, store.ErrUnsupported) {
		t.Errorf("the old index: %v", err)
	}
}
