package messenger

import (
	"testing"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/channeltest"
	"github.com/parley-hub/parley/channels/internal/metatest"
	"github.com/parley-hub/parley/timeline"
)

const (
	page   = "104412345678901"
	maya   = "7254459154682919"
	secret = "hub-test-app-secret"
	token  = "canary-token-0123456789"
)

func appValues() map[string]string {
	return map[string]string{"appId": "1001", "appSecret": secret, "verifyToken": "canary-verify-token"}
}

func accountValues() map[string]string {
	return map[string]string{"pageId": page, "accessToken": token, "version": "v25.0"}
}

// opened opens an account on a hub in memory.
func opened(t testing.TB, hub *channeltest.Hub) channels.Session {
	t.Helper()
	s, err := Channel.Open(channels.Account{ID: channeltest.Account, Handle: page, Settings: accountValues(), App: appValues()}, hub)
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

// decoded decodes one body with an account of its own.
func decoded(t testing.TB, body string) []timeline.Inbound {
	t.Helper()
	in, _, err := opened(t, channeltest.NewHub()).(channels.Decoder).Decode(metatest.Signed(secret, body))
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// one is the only event of a body.
func one(t testing.TB, body string) timeline.Inbound {
	t.Helper()
	in := decoded(t, body)
	if len(in) != 1 {
		t.Fatalf("%d events: %s", len(in), metatest.JSON(t, in))
	}
	return in[0]
}

// theItem is a body of one messaging item from Maya: the fields are those beside the envelope.
func theItem(fields string) string {
	return `{"object":"page","entry":[{"id":"` + page + `","time":1769262486134,"messaging":[{"sender":{"id":"` + maya + `"},"recipient":{"id":"` + page +
		`"},"timestamp":1769262485349,` + fields + `}]}]}`
}

// theEcho is a body of one messaging item from the Page to Maya.
func theEcho(fields string) string {
	return `{"object":"page","entry":[{"id":"` + page + `","time":1769262486134,"messaging":[{"sender":{"id":"` + page + `"},"recipient":{"id":"` + maya +
		`"},"timestamp":1769262485349,` + fields + `}]}]}`
}

// theFeed is a body of one change of the Page's feed by Maya.
func theFeed(fields string) string {
	return `{"object":"page","entry":[{"id":"` + page + `","time":1769262487,"changes":[{"field":"feed","value":{"from":{"id":"` + maya +
		`","name":"Maya Rivera"},"post_id":"` + page + `_555","created_time":1769262480,` + fields + `}}]}]}`
}
