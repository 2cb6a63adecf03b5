package metatest

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/internal/meta"
	"github.com/parley-hub/parley/timeline"
)

// Recorded are the bodies in a folder by name, without .json.
func Recorded(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	out := map[string][]byte{}
	for _, n := range names {
		b, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		out[strings.TrimSuffix(filepath.Base(n), ".json")] = b
	}
	return out
}

// Signed is a body as the far side sends it.
func Signed(secret, body string) channels.Callback {
	return channels.Callback{Method: http.MethodPost, Header: http.Header{meta.SignatureHeader: {meta.Sign(secret, []byte(body))}}, Body: []byte(body)}
}

// Planned are a message's steps as the hub would take them, with the tag of the window rule that
// allows it.
func Planned(t testing.TB, c *channels.Channel, s channels.Session, o timeline.Outbound) []channels.Step {
	t.Helper()
	steps, err := s.(channels.Planner).Plan(o)
	if err != nil {
		t.Fatal(err)
	}
	rule, _, _ := c.On(o.Place).Allowed(o.Opened, o.Actor.Kind, o.At)
	for i := range steps {
		steps[i].Key, steps[i].N, steps[i].Outbound, steps[i].Tag = channels.StepKey(o.ID, i), i, o, rule.Tag
	}
	return steps
}

// RefusedAs fails unless a message is refused before it leaves, in a class and with words.
func RefusedAs(t testing.TB, s channels.Session, o timeline.Outbound, c channels.Class, words string) {
	t.Helper()
	steps, err := s.(channels.Planner).Plan(o)
	var f *channels.Failure
	if !errors.As(err, &f) || f.Class != c || !strings.Contains(f.Advice, words) {
		t.Errorf("%d steps, %+v", len(steps), f)
	}
}

// JSON is a value as text, for messages of tests.
func JSON(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
