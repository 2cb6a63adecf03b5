package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
)

func TestTypesOfSchemas(t *testing.T) {
	str := &huma.Schema{Type: "string"}
	for _, tc := range []struct {
		name string
		in   *huma.Schema
		want string
	}{
		{"text", str, "string"},
		{"a list", &huma.Schema{Type: "array", Items: str}, "string[]"},
		{"a list of choices", &huma.Schema{Type: "array", Items: &huma.Schema{Type: "string", Enum: []any{"a", "b"}}}, "('a' | 'b')[]"},
		{"a map", &huma.Schema{Type: "object", AdditionalProperties: &huma.Schema{Type: "integer"}}, "Record<string, number>"},
		{"a reference", &huma.Schema{Ref: "#/components/schemas/Event"}, "Event"},
		{"nullable", &huma.Schema{Type: "string", Nullable: true}, "string | null"},
		{"anything", &huma.Schema{}, "unknown"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got, err := typeOf(tc.in); err != nil || got != tc.want {
				t.Errorf("got %q, %v; want %q", got, err, tc.want)
			}
		})
	}
}

func TestEveryTypeThatIsNamedIsThere(t *testing.T) {
	text, err := current()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"export interface Conversation {", "export interface Event {", "export interface Opened {", "export interface Problem {",
		"'send-message': {", "body: SendInput", "answer: ConversationList"} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("there is no %s", want)
		}
	}
	again, err := current()
	if err != nil || !bytes.Equal(text, again) {
		t.Errorf("a second run differs, or failed: %v", err)
	}
}

func TestCheckFailsWhenStale(t *testing.T) {
	out := filepath.Join(t.TempDir(), "deep", "types.gen.ts")
	if err := run(out, true); err == nil {
		t.Error("a missing file is up to date")
	}
	if err := run(out, false); err != nil {
		t.Fatal(err)
	}
	if err := run(out, true); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(out, []byte("// old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(out, true); err == nil || !strings.Contains(err.Error(), "not up to date") {
		t.Errorf("a stale file: %v", err)
	}
}
