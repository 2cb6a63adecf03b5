package wire

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMarshal(t *testing.T) {
	cases := []struct {
		name string
		in   any
		want string
	}{
		{"slash", "a/b", `"a\/b"`},
		{"accents", "äöå", `"\u00e4\u00f6\u00e5"`},
		{"chinese", "您好", `"\u60a8\u597d"`},
		{"emoji as a surrogate pair", "😀", `"\ud83d\ude00"`},
		{"heart with its variation selector", "❤️", `"\u2764\ufe0f"`},
		{"control characters", "a\n\tb\x01", `"a\n\tb\u0001"`},
		{"angle brackets stay", "<&>", `"<&>"`},
		{"delete is ASCII", "\x7f", "\"\x7f\""},
		{"order kept", O("b", 1, "a", true), `{"b":1,"a":true}`},
		{"skipped", O("a", Skip, "b", nil), `{"b":null}`},
		{"lists", O("l", []any{1, "x", []string{"y"}}), `{"l":[1,"x",["y"]]}`},
		{"other types", struct {
			U string `json:"u"`
		}{"h/é"}, `{"u":"h\/\u00e9"}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := string(Marshal(c.in)); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// TestRecordedBodies reads each recorded body and writes it again: the bytes must be the same,
// and so must the signature, which was made by other hands.
func TestRecordedBodies(t *testing.T) {
	dir := fixtures(t)
	const secret = "hub-test-app-secret"
	f, err := os.Open(filepath.Join(dir, "SIGNATURES.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	seen := 0
	for sc := bufio.NewScanner(f); sc.Scan(); {
		name, sig, ok := strings.Cut(sc.Text(), "\t")
		if !ok || strings.HasPrefix(name, "#") {
			continue
		}
		seen++
		t.Run(name, func(t *testing.T) {
			raw, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			v, err := Parse(raw)
			if err != nil {
				t.Fatal(err)
			}
			got := Marshal(v)
			if !bytes.Equal(got, raw) {
				t.Errorf("written as\n%s\nrecorded as\n%s", got, raw)
			}
			if s := Sign(secret, got); s != sig {
				t.Errorf("signature %s, recorded %s", s, sig)
			}
		})
	}
	if seen < 40 {
		t.Errorf("only %d signatures in the list", seen)
	}
}

// fixtures finds the recorded bodies: PARLEY_FIXTURES, or shared/fixtures beside the
// repository, looked for upwards from here.
func fixtures(t *testing.T) string {
	t.Helper()
	if d := os.Getenv("PARLEY_FIXTURES"); d != "" {
		return filepath.Join(d, "instagram")
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		p := filepath.Join(dir, "shared", "fixtures", "instagram")
		if _, err := os.Stat(p); err == nil {
			return p
		}
	}
	t.Skip("RECORDED BODIES NOT FOUND: set PARLEY_FIXTURES to check this serialiser against them")
	return ""
}
