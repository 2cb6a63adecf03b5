package mail_test

import (
	"bytes"
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

func TestStalwart(t *testing.T) {
	matched, total, misses, err := mailfixtures.Stalwart(fixtures(t, "email/stalwart-mail-parser"))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d of %d expected fields match (%.1f %%)", matched, total, 100*float64(matched)/float64(total))
	for _, m := range misses {
		t.Log(m)
	}
}

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
		return nil
	})
	if err != nil || n == 0 {
		t.Fatal(n, err)
	}
	_ = bytes.MinRead
}
