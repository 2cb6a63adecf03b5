package quote

import (
	"os"
	"strings"
	"testing"
)

// example is a mail of testdata with the part of each line written before it.
type example struct {
	name string
	mail string
	want Split
}

// examples reads a file of testdata: "=== name" begins a mail, "+ " stands before a line that is
// shown, "- " before one of a quote, "~ " before one of a signature.
func examples(t *testing.T, file string) []example {
	t.Helper()
	b, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var out []example
	for _, block := range strings.Split("\n"+string(b), "\n=== ")[1:] {
		name, body, _ := strings.Cut(block, "\n")
		out = append(out, readExample(t, name, strings.TrimRight(body, "\n")))
	}
	return out
}

func readExample(t *testing.T, name, body string) example {
	t.Helper()
	e := example{name: name}
	for _, l := range strings.Split(body, "\n") {
		mark, text, ok := strings.Cut(l, " ")
		if l != "" && (!ok || len(mark) != 1) {
			t.Fatalf("%s: line %q has no mark", name, l)
		}
		e.mail += text + "\n"
		switch mark {
		case "+":
			e.want.Visible += text + "\n"
		case "-":
			e.want.Quoted += text + "\n"
		case "~":
			e.want.Signature += text + "\n"
		}
	}
	return e
}

// solid leaves the lines with text.
func solid(s string) string {
	var out []string
	for _, l := range strings.Split(s, "\n") {
		if t := squeeze(l); t != "" {
			out = append(out, t)
		}
	}
	return strings.Join(out, "\n")
}

func TestText(t *testing.T) {
	for file, least := range map[string]int{"cjk_outlook.txt": 30, "clients.txt": 60} {
		all := examples(t, file)
		if len(all) < least {
			t.Errorf("%s has %d mails, want at least %d", file, len(all), least)
		}
		for _, e := range all {
			t.Run(e.name, func(t *testing.T) {
				got := Text(e.mail)
				for _, p := range []struct{ name, got, want string }{
					{"visible", got.Visible, e.want.Visible},
					{"quoted", got.Quoted, e.want.Quoted},
					{"signature", got.Signature, e.want.Signature},
				} {
					if solid(p.got) != solid(p.want) {
						t.Errorf("%s:\n%s\nwant:\n%s", p.name, p.got, p.want)
					}
				}
			})
		}
	}
}

func TestTextTrims(t *testing.T) {
	got := Text("\n\u200b\n  Yes\n\n\u2063\n \u00a0\n> One?\n")
	if want := (Split{Visible: "  Yes", Quoted: "> One?"}); got != want {
		t.Errorf("got %+q, want %+q", got, want)
	}
}
