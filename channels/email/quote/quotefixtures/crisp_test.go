package quotefixtures

import (
	"os"
	"path/filepath"
	"testing"
)

// bar is how many of the 90 replies must be right.
const bar = 85

func TestCrisp(t *testing.T) {
	right, total, misses, err := Crisp(folder(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range misses {
		t.Log(m)
	}
	t.Logf("%d of %d right", right, total)
	if total < 90 || right < bar {
		t.Errorf("%d of %d replies right, want at least %d of 90", right, total, bar)
	}
}

func TestCrispWithoutReplies(t *testing.T) {
	if _, _, _, err := Crisp(t.TempDir()); err == nil {
		t.Error("an empty folder is no success")
	}
}

// folder finds the replies: PARLEY_FIXTURES, or shared/fixtures beside the repository.
func folder(t *testing.T) string {
	t.Helper()
	const replies = "reply/crisp"
	if d := os.Getenv("PARLEY_FIXTURES"); d != "" {
		return filepath.Join(d, replies)
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if d := filepath.Join(dir, "shared/fixtures", replies); isDir(d) {
			return d
		}
	}
	t.Skip("REPLIES NOT FOUND: set PARLEY_FIXTURES to measure quote against them")
	return ""
}

func isDir(d string) bool {
	fi, err := os.Stat(d)
	return err == nil && fi.IsDir()
}
