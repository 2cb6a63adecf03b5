package messenger

import (
	"fmt"
	"net/http"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/channeltest"
)

// recordedErrors is what each answer of the Send API comes to.
func recordedErrors() []channeltest.Recorded {
	var out []channeltest.Recorded
	for _, e := range []struct {
		name      string
		status    int
		code, sub int
		said      string
		class     channels.Class
		outcome   channels.Outcome
		usage     string
	}{
		{name: "window_closed", status: 400, code: 10, sub: 2018278, said: "(#10) This message is sent outside of allowed window.", class: channels.WindowClosed},
		{name: "blocked_551", status: 400, code: 551, sub: 1545041, said: "This person isn't available right now.", class: channels.Unreachable},
		{name: "blocked_10", status: 400, code: 10, sub: 2018108, said: "This Person Cannot Receive Messages", class: channels.Unreachable},
		{name: "no_user", status: 400, code: 100, sub: 2018001, said: "No matching user found", class: channels.Unreachable},
		{name: "bad_message", status: 400, code: 100, sub: 2534015, said: "Invalid message data", class: channels.BadContent},
		{name: "size", status: 400, code: 100, sub: 2018109, said: "Attachment size exceeds allowable limit", class: channels.BadMedia},
		{name: "not_thread_owner", status: 400, code: 10, sub: 2018300, said: "another app is controlling this thread", class: channels.NotOwner},
		{name: "restricted", status: 400, code: 2022, said: "Page restricted", class: channels.Restricted},
		{name: "token_190", status: 401, code: 190, sub: 463, said: "Session has expired", class: channels.AuthExpired},
		{name: "permission", status: 403, code: 200, said: "Requires pages_messaging", class: channels.Misconfigured},
		{name: "rate_613", status: 400, code: 613, said: "Calls to this api have exceeded the rate limit.", class: channels.RateLimited},
		{name: "rate_4", status: 400, code: 4, said: "Application request limit reached", class: channels.RateLimited},
		{name: "rate_80006 with 19 minutes", status: 400, code: 80006, said: "There have been too many calls", class: channels.RateLimited, usage: `{"` + page + `":[{"type":"messenger","estimated_time_to_regain_access":19}]}`},
		{name: "ambiguous", status: 500, code: 1, sub: 1357046, said: "Received Invalid JSON reply", class: channels.Transient, outcome: channels.Unsure},
		{name: "retry_2", status: 500, code: 2, said: "Service temporarily unavailable", class: channels.Transient, outcome: channels.Unsure},
	} {
		body := fmt.Sprintf(`{"error":{"message":%q,"type":"OAuthException","code":%d,"error_subcode":%d,"fbtrace_id":"A1"}}`, e.said, e.code, e.sub)
		code := fmt.Sprint(e.code)
		if e.sub != 0 {
			code = fmt.Sprintf("%d/%d", e.code, e.sub)
		}
		h := http.Header{}
		if e.usage != "" {
			h.Set("X-Business-Use-Case-Usage", e.usage)
		}
		out = append(out, channeltest.Recorded{Name: e.name, Status: e.status, Header: h, Body: body, Class: e.class, Outcome: e.outcome, Code: code, Said: e.said})
	}
	return out
}
