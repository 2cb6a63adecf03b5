// Package quotefixtures measures quote against public collections of replies that are not part of
// this module and are read in place.
package quotefixtures

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/parley-hub/parley/channels/email/quote"
)

// Crisp compares the visible text of every mail in dir, the fixtures of crisp's email-reply-parser,
// with what that project expects. It returns how many are right, how many there are, and a line
// for each that is wrong.
//
// The folder holds mails alone. The expectations are in that project's tests, which call each mail
// by its file name and assert, for most, that the first fragment equals a text that is the head of
// the mail, for others what a fragment begins with or that there is one fragment. Each says where
// the first folded line is, so that is what the table here holds: the beginning of that line, or
// nothing if all is visible. Blank space at both ends is not compared. Three kinds differ from
// the letter of those tests and follow the rules of package quote: a mail answered piece by piece
// keeps its quotes up to the last answer, a forwarded mail stays visible, and for the few mails no
// test asserts anything about, the table says what a reader would.
func Crisp(dir string) (right, total int, misses []string, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil {
		return 0, 0, nil, fmt.Errorf("list replies: %w", err)
	}
	if len(files) == 0 {
		return 0, 0, nil, errors.New("no replies in " + dir)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return 0, 0, nil, fmt.Errorf("read reply: %w", err)
		}
		name := strings.TrimSuffix(filepath.Base(f), ".txt")
		total++
		if miss := compare(name, strings.ReplaceAll(string(b), "\r\n", "\n")); miss != "" {
			misses = append(misses, name+": "+miss)
			continue
		}
		right++
	}
	return right, total, misses, nil
}

func compare(name, mail string) string {
	firstFolded, ok := crisp[name]
	if !ok {
		return "no expectation is known"
	}
	want, found := head(mail, firstFolded)
	if !found {
		return fmt.Sprintf("has no line that begins with %q", firstFolded)
	}
	got := strings.TrimSpace(quote.Text(mail).Visible)
	if got == want {
		return ""
	}
	return fmt.Sprintf("visible text has %d characters, expected %d", len(got), len(want))
}

// head is the mail above the first line that begins as given, which is all of it for "". Empty lines
// of a quote above that one belong to it.
func head(mail, firstFolded string) (string, bool) {
	if firstFolded == "" {
		return strings.TrimSpace(mail), true
	}
	lines := strings.Split(mail, "\n")
	for i := range lines {
		if strings.HasPrefix(strings.TrimSpace(lines[i]), firstFolded) {
			return strings.TrimRight(strings.TrimSpace(strings.Join(lines[:i], "\n")), "> \n"), true
		}
	}
	return "", false
}
