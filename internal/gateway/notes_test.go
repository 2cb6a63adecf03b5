package gateway

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/parley-hub/parley/internal/store"
)

func TestNotesAreAnAccountsOwn(t *testing.T) {
	ctx := context.Background()
	s, err := store.Open(ctx, store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := s.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	a, b := notes{s.C(store.Notes), "a"}, notes{s.C(store.Notes), "b"}
	put := func(n notes, v map[string][]byte) {
		t.Helper()
		if err := n.Put(ctx, v); err != nil {
			t.Fatal(err)
		}
	}
	put(a, map[string][]byte{"one": []byte("1"), "two": []byte("2")})
	put(b, map[string][]byte{"one": []byte("other")})
	put(a, map[string][]byte{"one": []byte("1b"), "two": nil, "never": nil})
	got, err := a.Get(ctx, "one", "two", "three")
	if err != nil || len(got) != 1 || string(got["one"]) != "1b" {
		t.Errorf("%v, %v", slices.Collect(maps.Keys(got)), err)
	}
	if got, err := b.Get(ctx, "one"); err != nil || string(got["one"]) != "other" {
		t.Errorf("the other account reads %q, %v", got["one"], err)
	}
	if err := a.Put(ctx, map[string][]byte{strings.Repeat("k", noteKey+1): []byte("x")}); err == nil {
		t.Error("a key of 513 bytes was taken")
	}
}
