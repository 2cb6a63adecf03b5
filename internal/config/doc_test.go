package config

import (
	"os"
	"strings"
	"testing"
)

// With PARLEY_TEST_UPDATE set the page is written anew instead of compared.
func TestPageOfSettingsIsUpToDate(t *testing.T) {
	const page, begin, end = "../../docs/configuration.md", "<!-- settings -->\n", "<!-- /settings -->"
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(data), begin)
	table, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s lacks its marks", page)
	}
	if table == Markdown() {
		return
	}
	if os.Getenv("PARLEY_TEST_UPDATE") == "" {
		t.Fatalf("%s is not up to date: PARLEY_TEST_UPDATE=1 go test ./internal/config", page)
	}
	if err := os.WriteFile(page, []byte(head+begin+Markdown()+end+tail), 0o644); err != nil {
		t.Fatal(err)
	}
}
