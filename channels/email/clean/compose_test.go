package clean_test

import (
	"strings"
	"testing"
	"time"

	"github.com/parley-hub/parley/channels/email/clean"
	"github.com/parley-hub/parley/channels/email/quote"
)

var original = clean.Original{
	Name: "Ann Lee", Address: "ann@example.com", Date: time.Date(2026, 8, 12, 14, 3, 0, 0, time.UTC),
	Body: clean.Passage{Text: "<p>Where is my <b>lamp</b>?</p><script>x</script>", HTML: true},
}

func TestCompose(t *testing.T) {
	h, text := clean.Compose(clean.Passage{Text: `<p>It is <a href="https://example.com/t">on its way</a>.</p><ul><li>one<li>two</ul>`, HTML: true},
		clean.Letter{Language: "en", Signature: clean.Passage{Text: "Bob\nThe Shop"}, Original: &original})
	wantText := "It is on its way (https://example.com/t).\n\n- one\n- two\n\n-- \nBob\nThe Shop\n\n" +
		"On Wed, Aug 12, 2026 at 14:03, Ann Lee <ann@example.com> wrote:\n> Where is my lamp?\n"
	if text != wantText {
		t.Errorf("text:\n%s\nwant:\n%s", text, wantText)
	}
	for _, want := range []string{`<p style="margin:0 0 1em 0">It is <a href="https://example.com/t" style="color:#0969da">`, "Bob<br>The Shop", "Ann Lee &lt;ann@example.com&gt; wrote:",
		`<p>Where is my <b>lamp</b>?</p>`, `<meta charset="utf-8">`, `font-family:-apple-system`, `<html lang="en">`} {
		if !strings.Contains(h, want) {
			t.Errorf("HTML has no %s:\n%s", want, h)
		}
	}
	if strings.Contains(h, "<script") || strings.Contains(h, "<style") {
		t.Error(h)
	}
}

// TestComposeIsFolded asserts that what is sent comes back as it was meant: an answer above it,
// and the quote folded.
func TestComposeIsFolded(t *testing.T) {
	for _, lang := range []string{"en", "zh-CN", "zh-TW", "de"} {
		for _, date := range []time.Time{original.Date, {}} {
			o := original
			o.Date = date
			h, text := clean.Compose(clean.Passage{Text: "It comes today."}, clean.Letter{Language: lang, Original: &o})
			if got := quote.Text(text); got.Visible != "It comes today." || !strings.Contains(got.Quoted, "lamp") {
				t.Errorf("%s: %+q", lang, got)
			}
			visible, quoted, ok := quote.HTML(h)
			if !ok || clean.Text(visible) != "It comes today." || !strings.Contains(quoted, "Ann Lee") {
				t.Errorf("%s: %s\n%s", lang, visible, quoted)
			}
		}
	}
}

func TestComposeImages(t *testing.T) {
	h, _ := clean.Compose(clean.Passage{Text: `<img src="/files/7" alt="a"><img src="/files/8" alt="gone"><img src="cid:x@y"><img src="https://e.example/l.png"><img src="javascript:x" alt="j">`, HTML: true},
		clean.Letter{CID: func(src string) (string, bool) { return "7@shop", src == "/files/7" }})
	for _, want := range []string{`src="cid:7@shop"`, "gone", `src="cid:x@y"`, `src="https://e.example/l.png"`, "j"} {
		if !strings.Contains(h, want) {
			t.Errorf("no %s in %s", want, h)
		}
	}
	if strings.Contains(h, "/files/") || strings.Contains(h, "javascript") {
		t.Error(h)
	}
}

// TestFlowed reads the text part as RFC 3676 section 4.5 says and finds the paragraphs again.
func TestFlowed(t *testing.T) {
	long := strings.Repeat("several words in a row ", 20) + "end"
	body := long + "\n\n  indented\nFrom here on\n" + strings.Repeat("x", 200) + " tail\n" + strings.Repeat("汉字", 60)
	_, text := clean.Compose(clean.Passage{Text: body}, clean.Letter{Signature: clean.Passage{Text: "Bob"}, Original: &clean.Original{
		Address: "a@example.com", Body: clean.Passage{Text: long + "\n> older " + long}}})
	var paragraphs []string
	joined, depth := "", 0
	for _, l := range strings.Split(text, "\n") {
		if len([]rune(l)) > 78 && strings.Contains(strings.TrimLeft(strings.TrimRight(l, " "), "> "), " ") {
			t.Errorf("line of %d characters: %q", len([]rune(l)), l)
		}
		marks := len(l) - len(strings.TrimLeft(l, ">"))
		rest := strings.TrimPrefix(strings.TrimLeft(l, ">"), " ")
		if joined != "" && marks != depth {
			t.Errorf("a paragraph changes its depth at %q", l)
		}
		depth = marks
		joined += rest
		if strings.HasSuffix(rest, " ") && rest != "-- " {
			continue
		}
		paragraphs = append(paragraphs, joined)
		joined = ""
	}
	got := strings.Join(paragraphs, "\n")
	want := body + "\n\n-- \nBob\n\n<a@example.com> wrote:\n" + long + "\nolder " + long + "\n"
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
