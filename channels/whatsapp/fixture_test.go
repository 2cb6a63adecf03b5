package whatsapp

import (
	"testing"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/channeltest"
	"github.com/parley-hub/parley/channels/internal/metatest"
	"github.com/parley-hub/parley/timeline"
)

const (
	phone    = "106540352242922"
	business = "102290129340398"
	maya     = "436601234567"
	mayaUser = "AT.13491208655302741918"
	secret   = "hub-test-app-secret"
	token    = "canary-token-0123456789"
)

const theTemplates = `order_update|en|Hello {{1}}, your order {{2}} is on its way.
hello|en_US|Hello {{name}}!\nAre you still there, {{name}}?
plain|de|Wir haben eine Frage zu Ihrer Bestellung.`

func appValues() map[string]string {
	return map[string]string{"appId": "1001", "appSecret": secret, "verifyToken": "canary-verify-token"}
}

func accountValues(more ...string) map[string]string {
	v := map[string]string{"phoneNumberId": phone, "businessId": business, "accessToken": token, "version": "v25.0", "templates": theTemplates}
	for i := 0; i+1 < len(more); i += 2 {
		v[more[i]] = more[i+1]
	}
	return v
}

// opened opens an account on a hub in memory.
func opened(t testing.TB, hub *channeltest.Hub, more ...string) channels.Session {
	t.Helper()
	s, err := Channel.Open(channels.Account{ID: channeltest.Account, Handle: phone, Settings: accountValues(more...), App: appValues()}, hub)
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
func decoded(t testing.TB, body string) []timeline.Inbound {
	t.Helper()
	return took(t, opened(t, channeltest.NewHub()), body)
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

// theValue is a body of one change of the field messages; the fields are those beside the metadata.
func theValue(fields string) string {
	return `{"object":"whatsapp_business_account","entry":[{"id":"` + business + `","changes":[{"field":"messages","value":{"messaging_product":"whatsapp",
"metadata":{"display_phone_number":"15550783881","phone_number_id":"` + phone + `"},` + fields + `}}]}]}`
}

// theMessage is a body of one message from Maya, who shows her number; the fields are those of the message.
func theMessage(id, fields string) string {
	return theValue(`"contacts":[{"profile":{"name":"Maya"},"wa_id":"` + maya + `","user_id":"` + mayaUser + `"}],
"messages":[{"from":"` + maya + `","from_user_id":"` + mayaUser + `","id":"` + id + `","timestamp":"1769262485",` + fields + `}]`)
}

// theStatus is a body of one status of a message to Maya.
func theStatus(id, status, fields string) string {
	return theValue(`"statuses":[{"id":"` + id + `","status":"` + status + `","timestamp":"1769262490","recipient_id":"` + maya + `","recipient_user_id":"` + mayaUser + `"` + fields + `}]`)
}
