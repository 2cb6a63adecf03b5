package whatsapp

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/channeltest"
)

// far answers calls by method and path.
func far(asked *[]string, reply map[string]string) channeltest.Transport {
	return func(q *channeltest.Request) channeltest.Reply {
		what := q.Method + " " + strings.TrimPrefix(q.URL.Path, "/v25.0/")
		*asked = append(*asked, what)
		body, ok := reply[what]
		if !ok {
			return channeltest.Reply{Status: http.StatusBadRequest, Body: `{"error":{"code":100,"message":"no such thing"}}`}
		}
		if strings.Contains(body, `"error"`) {
			return channeltest.Reply{Status: http.StatusBadRequest, Body: body}
		}
		return channeltest.Reply{Body: body}
	}
}

const hooked = `{"data":[{"object":"whatsapp_business_account","callback_url":"https://hub.invalid/hooks/test","active":true,"fields":[{"name":"messages"},{"name":"smb_message_echoes"}]}]}`

func TestEnsureSubscribed(t *testing.T) {
	number, apps := "GET "+phone, "GET "+business+"/subscribed_apps"
	for name, c := range map[string]struct {
		reply   map[string]string
		changed bool
		class   channels.Class
		state   channels.HealthState
	}{
		"all is well": {map[string]string{number: `{"id":"` + phone + `","quality_rating":"GREEN"}`, "GET 1001/subscriptions": hooked,
			apps: `{"data":[{"whatsapp_business_api_data":{"id":"1001","name":"Hub"}}]}`}, false, "", channels.Green},
		"subscription_lost": {map[string]string{number: `{"id":"` + phone + `"}`, "GET 1001/subscriptions": hooked,
			apps: `{"data":[{"whatsapp_business_api_data":{"id":"77","name":"Another"}}]}`, "POST " + business + "/subscribed_apps": `{"success":true}`}, true, "", channels.Green},
		"no callback yet": {map[string]string{number: `{"id":"` + phone + `"}`, "GET 1001/subscriptions": `{"data":[]}`, "POST 1001/subscriptions": `{"success":true}`,
			apps: `{"data":[{"id":"1001"}]}`}, true, "", channels.Green},
		"low quality": {map[string]string{number: `{"id":"` + phone + `","quality_rating":"RED"}`, "GET 1001/subscriptions": hooked,
			apps: `{"data":[{"id":"1001"}]}`}, false, "", channels.Amber},
		"token_190":        {map[string]string{number: `{"error":{"code":190,"message":"Session has expired"}}`}, false, channels.AuthExpired, ""},
		"callback is away": {map[string]string{number: `{"id":"` + phone + `"}`, "GET 1001/subscriptions": strings.ReplaceAll(hooked, "hub.invalid", "other.example")}, false, channels.Misconfigured, channels.Green},
		"may not subscribe": {map[string]string{number: `{"id":"` + phone + `"}`, "GET 1001/subscriptions": hooked, apps: `{"data":[]}`,
			"POST " + business + "/subscribed_apps": `{"error":{"code":200,"message":"Requires whatsapp_business_management"}}`}, false, channels.Misconfigured, channels.Green},
	} {
		t.Run(name, func(t *testing.T) {
			var asked []string
			hub := channeltest.NewHub().Far(far(&asked, c.reply))
			changed, err := opened(t, hub).(channels.Subscriber).EnsureSubscribed(t.Context())
			var f *channels.Failure
			if changed != c.changed || (err != nil) != (c.class != "") || err != nil && (!errors.As(err, &f) || f.Class != c.class || f.Advice == "") {
				t.Errorf("%v %v, asked %q", changed, err, asked)
			}
			if hub.State().State != c.state {
				t.Errorf("%+v", hub.State())
			}
		})
	}
}

// Settings that cannot work say which one it is, without showing secrets.
func TestOpenRefuses(t *testing.T) {
	for setting, bad := range map[string]string{"phoneNumberId": "+43 660", "businessId": "", "accessToken": "", "version": "25", "media": "pigeon"} {
		_, err := Channel.Open(channels.Account{Settings: accountValues(setting, bad)}, channeltest.NewHub())
		if err == nil || !strings.HasPrefix(err.Error(), setting+":") || strings.Contains(err.Error(), token) {
			t.Errorf("%s: %v", setting, err)
		}
	}
}
