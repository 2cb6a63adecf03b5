package instagram

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/channeltest"
	"github.com/parley-hub/parley/channels/internal/metatest"
	"github.com/parley-hub/parley/timeline"
)

const (
	me     = "17841405726653026"
	other  = "17841400000000002"
	maya   = "1254459154682919"
	secret = "hub-test-app-secret"
	token  = "canary-token-0123456789"
)

// fixtures is the folder of recorded callbacks beside the repository; the test is skipped
// where it is not there.
func fixtures(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("PARLEY_FIXTURES")
	if dir == "" {
		at, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		for ; at != filepath.Dir(at); at = filepath.Dir(at) {
			if d := filepath.Join(at, "..", "shared", "fixtures"); exists(d) {
				dir = d
				break
			}
		}
	}
	dir = filepath.Join(dir, "instagram")
	if !exists(dir) {
		t.Skip("SKIPPED: there are no recorded callbacks; set PARLEY_FIXTURES to their folder")
	}
	return dir
}

// recorded are the recorded bodies by name.
func recorded(t testing.TB) map[string][]byte {
	t.Helper()
	return metatest.Recorded(t, fixtures(t))
}

func exists(p string) bool {
	_, err := os.Stat(p)
	return err == nil
}

func appValues() map[string]string {
	return map[string]string{"appId": "1001", "appSecret": secret, "instagramAppId": "1002", "instagramAppSecret": "canary-instagram-secret", "verifyToken": "canary-verify-token"}
}

func accountValues(more ...string) map[string]string {
	v := map[string]string{"flavour": "instagram", "id": me, "accessToken": token, "version": "v25.0"}
	for i := 0; i+1 < len(more); i += 2 {
		v[more[i]] = more[i+1]
	}
	return v
}

// opened opens an account on a hub in memory.
func opened(t testing.TB, hub *channeltest.Hub, more ...string) channels.Session {
	t.Helper()
	a := channels.Account{ID: channeltest.Account, Handle: me, Settings: accountValues(more...), App: appValues()}
	s, err := Channel.Open(a, hub)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// took decodes a body with an account.
func took(t testing.TB, s channels.Session, body string) []timeline.Inbound {
	t.Helper()
	in, _, err := s.(channels.Decoder).Decode(metatest.Signed(secret, body))
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// decoded decodes one body with an account of its own.
func decoded(t testing.TB, body string, more ...string) []timeline.Inbound {
	t.Helper()
	return took(t, opened(t, channeltest.NewHub(), more...), body)
}

// item is a body of one messaging item from Maya: the fields are those beside the envelope.
func theItem(fields string) string {
	return `{"object":"instagram","entry":[{"id":"` + me + `","time":1569262486134,"messaging":[{"sender":{"id":"` + maya + `"},"recipient":{"id":"` + me +
		`"},"timestamp":1569262485349,` + fields + `}]}]}`
}

// theEcho is a body of one messaging item from the account to Maya.
func theEcho(fields string) string {
	return `{"object":"instagram","entry":[{"id":"` + me + `","time":1569262486134,"messaging":[{"sender":{"id":"` + me + `"},"recipient":{"id":"` + maya +
		`"},"timestamp":1569262485349,` + fields + `}]}]}`
}

// theChange is a body of one change.
func theChange(field, value string) string {
	return `{"object":"instagram","entry":[{"id":"` + me + `","time":1520622968,"changes":[{"field":"` + field + `","value":` + value + `}]}]}`
}
