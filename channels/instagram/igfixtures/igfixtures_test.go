package igfixtures_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/parley-hub/parley/channels/instagram/igfixtures"
)

// folder finds the recorded callbacks beside the repository.
func folder(t *testing.T) string {
	t.Helper()
	if d := os.Getenv("PARLEY_FIXTURES"); d != "" {
		return filepath.Join(d, "instagram")
	}
	at, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; at != filepath.Dir(at); at = filepath.Dir(at) {
		d := filepath.Join(at, "..", "shared", "fixtures", "instagram")
		if _, err := os.Stat(d); err == nil {
			return d
		}
	}
	t.Skip("SKIPPED: there are no recorded callbacks; set PARLEY_FIXTURES to their folder")
	return ""
}

func TestEveryRecordedCallbackIsSeen(t *testing.T) {
	dir := folder(t)
	samples, secret, err := igfixtures.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range samples {
		in, lost, err := igfixtures.Run(s.Callback(), map[string]string{"appSecret": secret})
		if err != nil || lost > 0 || len(in) == 0 {
			t.Errorf("%s: %d events, %d slices lost, %v", s.Name, len(in), lost, err)
		}
	}
	visible, dropped, err := igfixtures.Fixtures(dir)
	if err != nil || visible != len(samples) || dropped != 0 {
		t.Errorf("%d of %d visible, %d dropped, %v", visible, len(samples), dropped, err)
	}
}

func TestAFolderWithoutSignaturesIsRefused(t *testing.T) {
	if _, _, err := igfixtures.Fixtures(t.TempDir()); err == nil {
		t.Error("an empty folder was read")
	}
}
