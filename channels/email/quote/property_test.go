package quote

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/parley-hub/parley/channels/email/clean"
)

// TestNothingLost puts pieces of mails together at random: every line is in exactly one part, and
// something is visible.
func TestNothingLost(t *testing.T) {
	pieces := []string{"Hello,", "", "", "Yes, at ten.", "> One?", "> > Two?", ">", "On 12.08.26 14:03, Ann wrote:", "On Wed, Aug 12, 2026 at 2:03 PM Ann", "<ann@example.com>", "wrote:",
		"-- ", "--", "____________", "-----Original Message-----", "From: Ann", "Sent: Monday", "To: Bob", "Subject: Lamp", "Sent from my iPhone", "---------- Forwarded message ---------",
		"Regards,", "Bob", "bob@example.com", "发自我的iPhone", "于2026年8月12日周三 14:03写道：", "发件人: a", "发送时间: b", "收件人: c", "```", "What I need:", "This email is confidential.",
		"##- Please type your reply above this line -##", " indented", "\t", "\u00a0"}
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 / slack {
		var lines []string
		for range r.IntN(16) {
			lines = append(lines, pieces[r.IntN(len(pieces))])
		}
		kept(t, strings.Join(lines, "\n"))
	}
}

func FuzzText(f *testing.F) {
	f.Add("Yes\n\nOn 12.08.26 14:03, Ann wrote:\n> One?\n")
	f.Add("发自我的iPhone\r\n> a\r> b")
	f.Fuzz(kept)
}

// FuzzHTML asserts that each text of a mail is in exactly one part.
func FuzzHTML(f *testing.F) {
	for _, in := range htmlMails {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		want := texts(clean.Parse(in).Root)
		visible, quoted, ok := Doc(clean.Parse(in))
		got := texts(visible.Root)
		if ok {
			got = append(got, texts(quoted.Root)...)
		}
		slices.Sort(got)
		slices.Sort(want)
		if strings.Join(got, "") != strings.Join(want, "") {
			t.Errorf("in: %q\ngot:  %q\nwant: %q", in, got, want)
		}
	})
}

// texts collects the lines of all text that is not left out for its element.
func texts(root *html.Node) []string {
	var out []string
	for n := root.FirstChild; n != nil; n = n.NextSibling {
		if n.Type == html.TextNode {
			out = append(out, strings.SplitAfter(n.Data, "\n")...)
		} else if !clean.IsHidden(n) {
			out = append(out, texts(n)...)
		}
	}
	return out
}

func kept(t *testing.T, mail string) {
	t.Helper()
	s := Text(mail)
	if got, want := sorted(s.Visible+"\n"+s.Quoted+"\n"+s.Signature), sorted(mail); got != want {
		t.Fatalf("lines of %q\ngot:\n%s\nwant:\n%s\nsplit: %+q", mail, got, want, s)
	}
	if solid(mail) != "" && solid(s.Visible) == "" {
		t.Fatalf("nothing is visible of %q: %+q", mail, s)
	}
}

// sorted gives the lines with text in order.
func sorted(s string) string {
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s)
	lines := strings.Split(solid(s), "\n")
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}

// TestHTMLOfText puts the mails of testdata into HTML, in three ways, and splits that: the rules are
// one set for both.
func TestHTMLOfText(t *testing.T) {
	esc := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	for _, file := range []string{"cjk_outlook.txt", "clients.txt"} {
		for _, e := range examples(t, file) {
			if strings.HasPrefix(e.name, "greater_than_list") || strings.HasPrefix(e.name, "greater_than_code") || e.name == "fenced_code" {
				continue // marks in HTML are a program's, not a person's
			}
			mail := esc.Replace(strings.TrimSpace(e.mail))
			for form, in := range map[string]string{
				"pre": "<pre>" + mail + "</pre>",
				"br":  "<div>" + strings.ReplaceAll(mail, "\n", "<br>\n") + "</div>",
				"div": "<div>" + strings.ReplaceAll(mail, "\n", "</div><div>") + "</div>",
			} {
				visible, _, _ := HTML(in)
				if got, want := solid(readable(visible)), solid(e.want.Visible); got != want {
					t.Errorf("%s as %s:\n%s\nwant:\n%s", e.name, form, got, want)
				}
			}
		}
	}
}

// readable is the text of the simple HTML above, line by line.
func readable(s string) string {
	s = strings.NewReplacer("<br/>", "\n", "<br>", "\n", "</div>", "\n", "<div>", "", "<pre>", "", "</pre>", "", "&lt;", "<", "&gt;", ">", "&#34;", `"`, "&#39;", "'", "&amp;", "&").Replace(s)
	return s
}

// hostileBytes is how much all steps together may allocate for a mail of 10 MB, garbage included.
const hostileBytes = 256 << 20

// TestHostile asserts the time and the memory a mail may take that was made to take long, all steps together.
func TestHostile(t *testing.T) {
	big := strings.Repeat("<p>A line of text with <b>bold</b> words and <a href='https://example.com'>a link</a>.</p>\n", 110_000)
	for _, c := range []struct {
		name, in string
		limit    time.Duration
	}{
		{"html_bomb_200k_div", strings.Repeat("<div>", 200_000) + "x", 2 * time.Second},
		{"html_10_MB", big, 2 * time.Second},
		{"one_element_10_MB", "<p>" + strings.Repeat("word ", 2<<20), 2 * time.Second},
		{"one_word_10_MB", strings.Repeat("a", 10<<20), 2 * time.Second},
		{"attribute_10_MB", `<p title="` + strings.Repeat("a", 10<<20) + `">x</p>`, 2 * time.Second},
		{"formatting_not_closed", strings.Repeat("<font color=1><p>x</font>", 100_000), 2 * time.Second},
		{"headers_200k", strings.Repeat("On 1.1.2026 a@example.com 10:00 says to you all:<br>", 50_000), 2 * time.Second},
		{"rules_200k", strings.Repeat("Regards,<br>----<br>From: a<br>", 20_000), 2 * time.Second},
		{"selectors_on_all", "<style>" + strings.Repeat("div div div *{color:red}", 2000) + "</style>" + strings.Repeat("<div>x", 20_000), 2 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			var took time.Duration
			for range 3 { // a busy machine may take the time once
				if took = hostile(t, c.in); took <= c.limit*slack {
					return
				}
			}
			t.Errorf("took %v, allowed are %v", took, c.limit)
		})
	}
}

// hostile does all that is done to a mail, its text split once more, and returns how long that took.
func hostile(t *testing.T, in string) time.Duration {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	visible, _, _ := Doc(clean.Parse(in))
	out := visible.HTML(clean.Options{}).HTML
	text := visible.Text()
	Text(text)
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	used := after.TotalAlloc - before.TotalAlloc
	if used > hostileBytes*waste {
		t.Errorf("%d MB were allocated, allowed are %d", used>>20, hostileBytes*waste>>20)
	}
	if text == "" {
		t.Errorf("no text; HTML has %d bytes", len(out))
	}
	t.Logf("%v, %d bytes of HTML, %d of text, %d MB allocated", took, len(out), len(text), used>>20)
	return took
}
