package mail_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/parley-hub/parley/channels/email/mail"
)

// checkMail checks what holds for every mail, however damaged.
func checkMail(t *testing.T, name string, m *mail.Mail) {
	t.Helper()
	good := func(what, s string) {
		if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
			t.Errorf("%s: %s is not storable: %.80q", name, what, s)
		}
	}
	good("subject", m.Subject)
	good("text", m.Text)
	good("html", m.HTML)
	good("message id", m.MessageID)
	for _, list := range [][]mail.Address{{m.From, m.Sender}, m.To, m.Cc, m.Bcc, m.ReplyTo} {
		for _, a := range list {
			good("name", a.Name)
			good("address", a.Address)
		}
	}
	for _, s := range append(append(append(append([]string{}, m.References...), m.InReplyTo...), m.Problems...), m.Recipients...) {
		good("a list's entry", s)
	}
	seen := map[string]bool{}
	for _, a := range m.Attachments {
		good("file name", a.Name)
		good("content id", a.ContentID)
		if a.Name == "" || strings.ContainsAny(a.Name, `/\:`) || seen[strings.ToLower(a.Name)] || utf8.RuneCountInString(a.Name) > 140 {
			t.Errorf("%s: file name %q", name, a.Name)
		}
		seen[strings.ToLower(a.Name)] = true
	}
	if m.Bounce != nil {
		for _, r := range m.Bounce.Recipients {
			good("recipient", r.Address)
			good("diagnostic", r.Diagnostic)
		}
	}
	if m.Automated != (m.Auto != mail.AutoNone) || m.Automated && !m.Suppress {
		t.Errorf("%s: class %s but automated %v, suppress %v", name, m.Auto, m.Automated, m.Suppress)
	}
}

func FuzzParse(f *testing.F) {
	for _, dir := range []string{"email/stalwart-mail-parser/malformed", "email/stalwart-mail-parser/legacy", "email/enmime/low-quality"} {
		for _, path := range fixtureFiles(dir) {
			if b, err := os.ReadFile(path); err == nil && len(b) < 20000 {
				f.Add(b)
			}
		}
	}
	seeds, err := filepath.Glob("testdata/*.eml")
	if err != nil || len(seeds) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, path := range seeds {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := mail.Parse(b)
		if err != nil && strings.Trim(string(b), " \t\r\n\x00\xef\xbb\xbf") != "" && !strings.Contains(string(b), "From ") {
			t.Fatalf("%v", err)
		}
		checkMail(t, "fuzz", m)
		m.AuthResults([]string{"mx.example.org"})
		m.CID("cid:a")
	})
}

// fixtureFiles lists a folder of the shared fixtures; none where they are absent.
func fixtureFiles(name string) []string {
	dir, err := os.Getwd()
	if err != nil {
		return nil
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if files, _ := filepath.Glob(filepath.Join(dir, "..", "shared", "fixtures", name, "*")); len(files) > 0 {
			return files
		}
	}
	return nil
}
