package parley

import (
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// mayName says who may name a channel outside the channel's own folder, and why. Everything
// else draws what it needs from the channel's data, so that a channel is one folder and one line.
var mayName = map[string]string{
	"channels/":           "each in its own folder; channels/all is the one list; channels/internal is shared by those it names",
	"cmd/parley/serve.go": "what a first start makes, so that there is something to try",
	"cmd/parley/simulate": "names what to play",
	"cmd/parley/main.go":  "the help of simulate",
	"cmd/parley/demo":     "plays customers of each channel",
	"cmd/parleybench/":    "measures through one channel",
	"cmd/parleyfixtures/": "runs the recorded bodies of each channel",
	"internal/simulate/":  "plays customers of each channel",
	"web/api/examples.go": "an example in the API's description",
	"web/demo/":           "a shop with the chat on its pages",
	"web/widget/":         "the chat's own program on customers' pages",
	"web/e2e/":            "tests play each channel",
	"web/pack/":           "packs the chat's program",
}

// commonWords are channels whose name is a word of the language too: what an agent signs in
// with, a scheme of identities. Of them only imports are looked for.
var commonWords = map[string]bool{"email": true, "phone": true}

// TestNoChannelIsNamedOutsideItsFolder reads all code, Go and TypeScript, comments aside.
func TestNoChannelIsNamedOutsideItsFolder(t *testing.T) {
	kinds := kindsOfChannels(t)
	if len(kinds) < 2 {
		t.Fatalf("only %v are there", kinds)
	}
	walkGo(t, func(p string) {
		if !strings.HasSuffix(p, "_test.go") && !named(p) {
			for _, word := range goWords(t, p) {
				if k := names(kinds, word); k != "" {
					t.Errorf("%s names the channel %s in %s; draw it from the channel's data", p, k, word)
				}
			}
		}
	})
	for _, root := range []string{"web/app/src"} {
		walkText(t, root, func(p, text string) {
			if k := names(kinds, withoutComments(text)); k != "" {
				t.Errorf("%s names the channel %s; draw it from what the hub tells", p, k)
			}
		})
	}
}

// kindsOfChannels are the folders of adapters.
func kindsOfChannels(t *testing.T) []string {
	t.Helper()
	list, err := os.ReadDir("channels")
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, d := range list {
		if d.IsDir() && d.Name() != "all" && d.Name() != "internal" && d.Name() != "channeltest" {
			kinds = append(kinds, d.Name())
		}
	}
	return kinds
}

func named(p string) bool {
	for prefix := range mayName {
		if strings.HasPrefix(p, prefix) {
			return true
		}
	}
	return false
}

// names is the channel that a text names; empty: none.
func names(kinds []string, text string) string {
	text = strings.ToLower(text)
	for _, k := range kinds {
		word := k
		if commonWords[k] {
			word = "channels/" + k
		}
		if strings.Contains(text, word) {
			return k
		}
	}
	return ""
}

// goWords are the identifiers and literals of a file.
func goWords(t *testing.T, p string) []string {
	t.Helper()
	src, err := os.ReadFile(p)
	if err != nil {
		t.Fatal(err)
	}
	var s scanner.Scanner
	fset := token.NewFileSet()
	s.Init(fset.AddFile(p, fset.Base(), len(src)), src, nil, 0) // without comments
	var out []string
	for {
		_, tok, lit := s.Scan()
		switch tok {
		case token.EOF:
			return out
		case token.IDENT, token.STRING:
			out = append(out, lit)
		}
	}
}

var comments = regexp.MustCompile(`(?s)/\*.*?\*/|(^|\s)//[^\n]*`)

func withoutComments(text string) string { return comments.ReplaceAllString(text, "") }

// walkText calls f for every file of the front end's code that is no test.
func walkText(t *testing.T, root string, f func(path, text string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		ext := filepath.Ext(p)
		if ext != ".ts" && ext != ".tsx" && ext != ".css" || strings.Contains(p, ".test.") {
			return nil
		}
		b, err := os.ReadFile(p)
		if err == nil {
			f(filepath.ToSlash(p), string(b))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestNamesAreNoticed(t *testing.T) {
	kinds := []string{"carrierpigeon", "email"}
	for text, want := range map[string]string{
		`if kind == "carrierPigeon" {`: "carrierpigeon", "carrierpigeonLimit": "carrierpigeon", `"email"`: "", `"x/channels/email/quote"`: "email",
		withoutComments("// as carrierpigeon has it\nx := 1"): "", withoutComments("const u = 'https://carrierpigeon.example'"): "carrierpigeon",
	} {
		if got := names(kinds, text); got != want {
			t.Errorf("%q names %q, want %q", text, got, want)
		}
	}
}
