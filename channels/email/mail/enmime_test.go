package mail_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/jhillyerd/enmime/v2"

	"github.com/parley-hub/parley/channels/email/mail"
)

// notWords are mails whose source the other parser shows as words.
var notWords = map[string]string{
	"legacy/049.eml":    "uuencoded files",
	"malformed/016.eml": "the headers of parts",
}

// TestNothingLost reads every fixture with another parser too: each word it finds must be found by
// ours, in the text, the HTML or a file.
func TestNothingLost(t *testing.T) {
	mails, failed := 0, 0
	for _, name := range []string{"email/stalwart-mail-parser", "email/enmime"} {
		err := filepath.WalkDir(fixtures(t, name), func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) == ".json" || filepath.Ext(path) == ".png" || d.Name() == "COPYING" {
				return err
			}
			raw, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			mails++
			env := second(raw)
			if env == nil {
				failed++
				return nil
			}
			m, _ := mail.Parse(raw)
			if lost := lostWords(env.Text, everything(m)); len(lost) > 0 && notWords[filepath.Base(filepath.Dir(path))+"/"+d.Name()] == "" {
				t.Errorf("%s: lost %.10q", path, lost)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d mails, of which the other parser gave up on %d", mails, failed)
}

// second reads a mail with the other parser; nil where it gives up.
func second(raw []byte) *enmime.Envelope {
	env, err := enmime.ReadEnvelope(bytes.NewReader(raw))
	if err != nil {
		return nil
	}
	return env
}

func everything(m *mail.Mail) string {
	all := []string{m.Text, m.HTML}
	for _, a := range m.Attachments {
		all = append(all, string(a.Data))
	}
	return strings.Join(all, "\n")
}

// lostWords are the words of ASCII letters that are not in have: charsets are compared elsewhere.
func lostWords(text, have string) []string {
	var out []string
	for _, w := range strings.FieldsFunc(text, func(r rune) bool { return r > 127 || !unicode.IsLetter(r) }) {
		if len(w) >= 4 && !strings.Contains(have, w) {
			out = append(out, w)
		}
	}
	return out
}
