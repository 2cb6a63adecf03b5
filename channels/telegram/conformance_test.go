package telegram

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/channeltest"
)

const (
	testToken  = "7000000001:AAH-recognisable-token-of-a-test"
	testSecret = "recognisable-webhook-secret-of-a-test"
)

func good(mode string) map[string]string {
	return map[string]string{"token": testToken, "mode": mode, "secret": testSecret, "api": "https://api.telegram.example"}
}

// samples are the recorded bodies by the names of their files.
func samples(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	all := map[string][]byte{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(f), ".json")] = b
	}
	return all
}

// odd are the samples that become unknown events.
var odd = []string{
	"newer", "web_app_data", "edited_location", "pressed_inline", "reaction_custom", "bot_added", "group_joined",
	"group_moved", "channel_post", "business_message", "poll_answer", "poll_state", "tomorrow", "nothing",
}

func sign(set map[string]string, body []byte) channels.Callback {
	h := http.Header{}
	h.Set("Content-Type", "application/json")
	h.Set(secretHeader, set["secret"])
	return channels.Callback{Method: http.MethodPost, Header: h, Body: body, At: time.Date(2026, 9, 22, 8, 0, 0, 0, time.UTC)}
}

// no is a far side that refuses.
func no(status int, body string) channeltest.Transport {
	return func(*channeltest.Request) channeltest.Reply {
		return channeltest.Reply{Status: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: body}
	}
}

var failures = []channeltest.Failure{
	{Name: "blocked", Class: channels.Unreachable, Far: no(403, `{"ok":false,"error_code":403,"description":"Forbidden: bot was blocked by the user"}`)},
	{Name: "deactivated", Class: channels.Unreachable, Far: no(403, `{"ok":false,"error_code":403,"description":"Forbidden: user is deactivated"}`)},
	{Name: "never started", Class: channels.Unreachable, Far: no(403, `{"ok":false,"error_code":403,"description":"Forbidden: bot can't initiate conversation with a user"}`)},
	{Name: "new words of 403", Class: channels.Unreachable, Far: no(403, `{"ok":false,"error_code":403,"description":"Forbidden: because"}`)},
	{Name: "no chat", Class: channels.Unreachable, Far: no(400, `{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}`)},
	{Name: "group moved", Class: channels.Unreachable, Far: no(400, `{"ok":false,"error_code":400,"description":"Bad Request: group chat was upgraded to a supergroup chat","parameters":{"migrate_to_chat_id":-1001}}`)},
	{Name: "token", Class: channels.AuthExpired, Far: no(401, `{"ok":false,"error_code":401,"description":"Unauthorized"}`)},
	{Name: "bot deleted", Class: channels.AuthExpired, Far: no(404, `{"ok":false,"error_code":404,"description":"Not Found"}`)},
	{Name: "too many", Class: channels.RateLimited, Far: no(429, `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 14","parameters":{"retry_after":14}}`)},
	{Name: "conflict", Class: channels.Misconfigured, Far: no(409, `{"ok":false,"error_code":409,"description":"Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"}`)},
	{Name: "elsewhere", Class: channels.Misconfigured, Far: no(400, `{"ok":false,"error_code":400,"description":"Logged out"}`)},
	{Name: "long", Class: channels.BadContent, Far: no(400, `{"ok":false,"error_code":400,"description":"Bad Request: message is too long"}`)},
	{Name: "picture", Class: channels.BadMedia, Far: no(400, `{"ok":false,"error_code":400,"description":"Bad Request: PHOTO_INVALID_DIMENSIONS"}`)},
	{Name: "large", Class: channels.BadMedia, Far: no(413, `<html>413 Request Entity Too Large</html>`)},
	{Name: "rights", Class: channels.Restricted, Far: no(400, `{"ok":false,"error_code":400,"description":"Bad Request: not enough rights to send text messages to the chat"}`)},
	{Name: "new words of 400", Class: channels.Permanent, Far: no(400, `{"ok":false,"error_code":400,"description":"Bad Request: because"}`)},
}

func harness(t testing.TB) channeltest.Harness {
	return channeltest.Harness{
		Channel:  Channel,
		Settings: good(modeWebhook),
		Sign:     sign,
		Shown:    true,
		Samples:  samples(t),
		Odd:      odd,
		Failures: failures,
		Lost: func(*channeltest.Request) channeltest.Reply {
			return channeltest.Reply{Err: errors.New("connection reset by peer")}
		},
	}
}

// TestConformance runs the suite for an account that is called.
func TestConformance(t *testing.T) { channeltest.Run(t, harness(t)) }

// TestConformancePolling runs what applies to an account that asks.
func TestConformancePolling(t *testing.T) {
	h := harness(t)
	h.Settings, h.Sign, h.Samples, h.Odd = good(modePolling), nil, nil, nil
	channeltest.Run(t, h)
}

// FuzzDecode holds Decode to the suite's rules over any body.
func FuzzDecode(f *testing.F) { channeltest.FuzzDecode(f, harness(f)) }
