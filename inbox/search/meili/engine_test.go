package meili

import (
	"context"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/parley-hub/parley/inbox/search"
	"github.com/parley-hub/parley/inbox/search/searchtest"
)

func TestConformance(t *testing.T) {
	searchtest.Run(t, func(t *testing.T) search.Engine {
		e, err := Open(t.Context(), Config{URL: newFake(t).url()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = e.Close() })
		return e
	})
}

// TestConformanceWithServer runs the suite on a real server, in indexes of its own.
func TestConformanceWithServer(t *testing.T) {
	at := os.Getenv("PARLEY_TEST_MEILISEARCH")
	if at == "" {
		t.Skip("SKIPPED: no real Meilisearch. Set PARLEY_TEST_MEILISEARCH=http://127.0.0.1:7700 and PARLEY_TEST_MEILISEARCH_KEY to run the suite on one")
	}
	if key := os.Getenv("PARLEY_TEST_MEILISEARCH_KEY"); key != "" {
		at = strings.Replace(at, "://", "://:"+key+"@", 1)
	}
	searchtest.Run(t, func(t *testing.T) search.Engine {
		e, err := Open(t.Context(), Config{URL: at, Index: "parleytest_" + strings.ToLower(ulid.Make().String())})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			for _, name := range []string{e.name, e.nextName()} {
				if task, err := e.m.DeleteIndexWithContext(ctx, name); err == nil {
					_ = e.wait(ctx, "clean up", task, nil) // an index that was never made
				}
			}
			_ = e.Close()
		})
		return e
	})
}

func TestErrorsTellWhatPassesFromWhatDoesNot(t *testing.T) {
	f := newFake(t)
	e, err := Open(t.Context(), Config{URL: f.url()})
	if err != nil {
		t.Fatal(err)
	}
	secret := search.Change{Doc: &search.Doc{Kind: search.Messages, ID: "m", Rev: 1, At: time.Now(), Conversation: "c", Fields: []search.Field{{Name: "text", Text: "canary-words"}}}}
	for _, status := range []int{500, 502, 503, 429} {
		f.mu.Lock()
		f.broken = status
		f.mu.Unlock()
		err := e.Apply(t.Context(), []search.Change{secret})
		if !errors.Is(err, search.ErrUnavailable) {
			t.Errorf("status %d: %v, want ErrUnavailable", status, err)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("status %d: the error holds what was said: %v", status, err)
		}
	}
	f.mu.Lock()
	f.broken = 0
	f.key = "changed"
	f.mu.Unlock()
	if _, err := e.Search(t.Context(), search.Query{Kind: search.Messages, Text: "canary", Scope: search.Scope{All: true}}); err == nil || errors.Is(err, search.ErrUnavailable) || strings.Contains(err.Error(), "canary") {
		t.Errorf("a wrong key: %v", err)
	}
	f.Close()
	if _, err := e.Search(t.Context(), search.Query{Kind: search.Messages, Text: "canary"}); !errors.Is(err, search.ErrUnavailable) || strings.Contains(err.Error(), "canary") {
		t.Errorf("nobody listens: %v", err)
	}
}

func TestSearchEndsWithItsTime(t *testing.T) {
	f := newFake(t)
	e, err := Open(t.Context(), Config{URL: f.url()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Search(ctx, search.Query{Kind: search.Messages, Text: "a"}); !errors.Is(err, search.ErrUnavailable) {
		t.Errorf("%v, want ErrUnavailable", err)
	}
}

func TestOpenRefusesWhatIsNoAddress(t *testing.T) {
	for _, at := range []string{"", "meilisearch", "://"} {
		if _, err := Open(t.Context(), Config{URL: at, Client: http.DefaultClient}); err == nil {
			t.Errorf("%q was taken", at)
		}
	}
}

func TestSettingsAreWrittenBeforeTheFirstDocument(t *testing.T) {
	f := newFake(t)
	if _, err := Open(t.Context(), Config{URL: f.url()}); err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.done(len(f.tasks))
	x := f.indexes["parley"]
	if x == nil || x.settings["searchableAttributes"] == nil || x.settings["filterableAttributes"] == nil || x.settings["rankingRules"] == nil || len(x.docs) != 0 {
		t.Errorf("the index is %+v", x)
	}
}
