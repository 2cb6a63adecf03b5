package whatsapp

import (
	"fmt"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/channeltest"
)

// errorTable is what each answer of the Cloud API comes to.
var errorTable = []struct {
	name    string
	status  int
	code    int
	class   channels.Class
	outcome channels.Outcome
}{
	{name: "window_closed_131047", status: 400, code: 131047, class: channels.WindowClosed},
	{name: "undeliverable_131026", status: 400, code: 131026, class: channels.Unreachable},
	{name: "held_back_131049", status: 400, code: 131049, class: channels.Unreachable},
	{name: "stopped_marketing_131050", status: 400, code: 131050, class: channels.Unreachable},
	{name: "experiment_130472", status: 400, code: 130472, class: channels.Unreachable},
	{name: "throttled_4", status: 400, code: 4, class: channels.RateLimited},
	{name: "throttled_80007", status: 400, code: 80007, class: channels.RateLimited},
	{name: "throttled_130429", status: 429, code: 130429, class: channels.RateLimited},
	{name: "spam_131048", status: 400, code: 131048, class: channels.RateLimited},
	{name: "pair_131056", status: 400, code: 131056, class: channels.RateLimited},
	{name: "registering_133016", status: 400, code: 133016, class: channels.RateLimited},
	{name: "locked_131031", status: 403, code: 131031, class: channels.Restricted},
	{name: "policy_368", status: 403, code: 368, class: channels.Restricted},
	{name: "country_130497", status: 403, code: 130497, class: channels.Restricted},
	{name: "payment_131042", status: 400, code: 131042, class: channels.Restricted},
	{name: "token_190", status: 401, code: 190, class: channels.AuthExpired},
	{name: "token_0", status: 401, code: 0, class: channels.AuthExpired},
	{name: "permission_10", status: 403, code: 10, class: channels.Misconfigured},
	{name: "permission_200", status: 403, code: 200, class: channels.Misconfigured},
	{name: "access_131005", status: 403, code: 131005, class: channels.Misconfigured},
	{name: "not_registered_133010", status: 400, code: 133010, class: channels.Misconfigured},
	{name: "test_number_131030", status: 400, code: 131030, class: channels.Misconfigured},
	{name: "missing_131008", status: 400, code: 131008, class: channels.BadContent},
	{name: "bad_value_131009", status: 400, code: 131009, class: channels.BadContent},
	{name: "to_itself_131021", status: 400, code: 131021, class: channels.BadContent},
	{name: "unsupported_131051", status: 400, code: 131051, class: channels.BadContent},
	{name: "parameter_100", status: 400, code: 100, class: channels.BadContent},
	{name: "media_131052", status: 400, code: 131052, class: channels.BadMedia},
	{name: "media_131053", status: 400, code: 131053, class: channels.BadMedia},
	{name: "template_132000", status: 400, code: 132000, class: channels.BadContent},
	{name: "template_132001", status: 404, code: 132001, class: channels.BadContent},
	{name: "template_paused_132015", status: 400, code: 132015, class: channels.BadContent},
	{name: "unknown_131000", status: 500, code: 131000, class: channels.Transient, outcome: channels.Unsure},
	{name: "service_131016", status: 500, code: 131016, class: channels.Transient, outcome: channels.Unsure},
	{name: "service_2", status: 503, code: 2, class: channels.Transient, outcome: channels.Unsure},
}

func recordedErrors() []channeltest.Recorded {
	var out []channeltest.Recorded
	for _, e := range errorTable {
		body := fmt.Sprintf(`{"error":{"message":"(#%d) No","type":"OAuthException","code":%d,"error_data":{"messaging_product":"whatsapp","details":"in detail"},"fbtrace_id":"A1"}}`, e.code, e.code)
		out = append(out, channeltest.Recorded{Name: e.name, Status: e.status, Body: body, Class: e.class, Outcome: e.outcome,
			Code: fmt.Sprint(e.code), Said: fmt.Sprintf("(#%d) No: in detail", e.code)})
	}
	return out
}
