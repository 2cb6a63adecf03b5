package mail_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parley-hub/parley/channels/email/mail"
	"github.com/parley-hub/parley/channels/email/mail/mailfixtures"
)

// fixtures finds a folder of the shared fixtures beside the repository, or skips the test.
func fixtures(t testing.TB, name string) string {
	t.Helper()
	if root := os.Getenv("PARLEY_FIXTURES"); root != "" {
		return filepath.Join(root, name)
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if p := filepath.Join(dir, "..", "shared", "fixtures", name); exists(p) {
			return p
		}
	}
	t.Skipf("SKIPPED: the fixtures %s are not here; set PARLEY_FIXTURES to their folder", name)
	return ""
}

func exists(p string) bool {
	_, err := os.Stat(p)
	return err == nil
}

// different are the expected fields we read differently, and why.
var different = map[string]string{
	"legacy/035.eml attachments":     "a Windows path as a name: the last of it, not the path with its backslashes gone",
	"legacy/039.eml attachments":     "the same",
	"legacy/049.eml text":            "uuencoded files are taken out of the words",
	"legacy/049.eml attachments":     "and listed as files",
	"malformed/005.eml text":         "each boundary is another one closed; all of it is shown rather than one reading",
	"malformed/019.eml text":         "bytes of one mail within another: the words found are shown, theirs shows none",
	"malformed/020.eml text":         "the first boundary is missing: the parts are still told apart instead of shown as source",
	"malformed/021.eml text":         "the same",
	"thirdparty/015.eml attachments": "an attached mail does not swallow the files behind it",
}

func TestStalwart(t *testing.T) {
	matched, total, misses, err := mailfixtures.Stalwart(fixtures(t, "email/stalwart-mail-parser"))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d of %d expected fields match (%.1f %%)", matched, total, 100*float64(matched)/float64(total))
	if total < 500 || matched*100 < total*98 {
		t.Errorf("%d of %d expected fields match; at least 98 %% should", matched, total)
	}
	for _, m := range misses {
		if key, _, _ := strings.Cut(m, ":"); different[key] == "" {
			t.Error(m)
		}
	}
	if len(misses) != len(different) {
		t.Errorf("%d fields differ; the table names %d", len(misses), len(different))
	}
}

// TestDamaged reads mails that are damaged or odd: each shows something or says what is wrong.
func TestDamaged(t *testing.T) {
	dir := fixtures(t, "email/enmime")
	n := 0
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		n++
		m, _ := mail.Parse(raw)
		if strings.TrimSpace(m.Text) == "" && len(m.Attachments) == 0 && len(m.Problems) == 0 {
			t.Errorf("%s: nothing to see and no problem told", d.Name())
		}
		checkMail(t, d.Name(), m)
		return nil
	})
	if err != nil || n < 100 {
		t.Fatal(n, err)
	}
}
