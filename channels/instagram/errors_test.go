package instagram

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/channeltest"
	"github.com/parley-hub/parley/channels/internal/metatest"
)

// recordedErrors are the recorded answers that say no, by name.
func recordedErrors(t *testing.T) map[string]channeltest.Reply {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(fixtures(t), "errors", "*.json"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no recorded errors: %v", err)
	}
	out := map[string]channeltest.Reply{}
	for _, n := range names {
		b, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		var e struct {
			Status int             `json:"http_status"`
			Body   json.RawMessage `json:"body"`
		}
		if err := json.Unmarshal(b, &e); err != nil {
			t.Fatal(err)
		}
		out[strings.TrimSuffix(filepath.Base(n), ".json")] = channeltest.Reply{Status: e.Status, Body: string(e.Body)}
	}
	return out
}

// errorTable is what each recorded answer to a send comes to.
var errorTable = map[string]struct {
	outcome channels.Outcome
	class   channels.Class
	code    string
}{
	"access_disabled_200_2534041":        {channels.Rejected, channels.Revoked, "200/2534041"},
	"ambiguous_1_1357046_sent_but_error": {channels.Unsure, channels.Transient, "1/1357046"},
	"app_rate_4":                         {channels.Rejected, channels.RateLimited, "4"},
	"blocked_551_1545041":                {channels.Rejected, channels.Unreachable, "551/1545041"},
	"buc_80002":                          {channels.Rejected, channels.RateLimited, "80002"},
	"consent_230":                        {channels.Rejected, channels.Permanent, "230"},
	"deleted_9000001":                    {channels.Rejected, channels.Permanent, "9000001"},
	"media_fetch_100_2018008":            {channels.Rejected, channels.BadMedia, "100/2018008"},
	"missing_100_33":                     {channels.Rejected, channels.Permanent, "100/33"},
	"not_thread_owner_100_2534037":       {channels.Rejected, channels.NotOwner, "100/2534037"},
	"nouser_100_2534014":                 {channels.Rejected, channels.Unreachable, "100/2534014"},
	"private_reply_100_2534025":          {channels.Rejected, channels.QuotaSpent, "100/2534025"},
	"rate_613_2534040":                   {channels.Rejected, channels.RateLimited, "613/2534040"},
	"retry_2":                            {channels.Unsure, channels.Transient, "2"},
	"size_100_2018109":                   {channels.Rejected, channels.BadMedia, "100/2018109"},
	"token_190":                          {channels.Rejected, channels.AuthExpired, "190/463"},
	"window_10_2534022":                  {channels.Rejected, channels.WindowClosed, "10/2534022"},
}

func TestErrorTable(t *testing.T) {
	for name, reply := range recordedErrors(t) {
		t.Run(name, func(t *testing.T) {
			want, ok := errorTable[name]
			if !ok {
				t.Fatal("the table does not have it")
			}
			hub := channeltest.NewHub().Far(func(*channeltest.Request) channeltest.Reply { return reply })
			s := opened(t, hub)
			r := s.Do(t.Context(), metatest.Planned(t, &Channel, s, toMaya("hello"))[0])
			if r.Outcome != want.outcome || r.Failure == nil || r.Failure.Class != want.class || r.Failure.Code != want.code {
				t.Fatalf("%s %v", r.Outcome, r.Failure)
			}
			// external_error_text: the far side's words are kept, and ours say what to do.
			if r.Failure.Said == "" || r.Failure.Advice == "" || r.Failure.Class == channels.RateLimited && r.Failure.After < time.Second {
				t.Errorf("%+v", r.Failure)
			}
		})
	}
}

// theErrors are the recorded answers for the conformance suite.
func theErrors(t *testing.T) []channeltest.Recorded {
	out := []channeltest.Recorded{{Name: "HTTP 429 of a proxy", Status: http.StatusTooManyRequests, Body: "slow down", Class: channels.RateLimited}}
	for name, reply := range recordedErrors(t) {
		want := errorTable[name]
		out = append(out, channeltest.Recorded{Name: name, Status: reply.Status, Body: reply.Body, Outcome: want.outcome, Class: want.class, Code: want.code})
	}
	return out
}
