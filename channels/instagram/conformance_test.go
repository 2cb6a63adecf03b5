package instagram

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"net/http"
	"testing"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/channeltest"
	"github.com/parley-hub/parley/channels/internal/meta"
)

func TestConformance(t *testing.T) {
	for _, flavour := range []string{byInstagram, byFacebook} {
		t.Run(flavour, func(t *testing.T) {
			channeltest.Run(t, channeltest.Harness{Channel: Channel, Settings: accountValues("flavour", flavour, "pageId", "999", setIssued, "2026-02-03T05:06:07Z", setExpires, "2026-04-04T05:06:07Z"), App: appValues(),
				Samples: samples(t), Odd: []string{"attachment_unknown_type_future", "story_insights", "attachment_ephemeral_no_payload", "message_unsupported"},
				Sign: func(settings map[string]string, body []byte) channels.Callback {
					return channels.Callback{Method: http.MethodPost, Header: http.Header{meta.SignatureHeader: {meta.Sign(settings["appSecret"], body)}}, Body: body}
				},
				Challenge: &channeltest.Challenge{Right: asked("subscribe", "canary-verify-token"), Wrong: asked("subscribe", "wrong"), Answer: "1158201444"},
				Wrong:     []channels.Callback{asked("unsubscribe", "canary-verify-token"), asked("subscribe", "")},
				Errors:    theErrors(t),
				Renewal:   renewal(flavour),
				Lost: func(*channeltest.Request) channeltest.Reply {
					return channeltest.Reply{Err: errors.New("connection reset")}
				},
			})
		})
	}
}

// renewal is how a token is renewed; with Facebook login it has no end.
func renewal(flavour string) *channeltest.Renewal {
	if flavour != byInstagram {
		return nil
	}
	return &channeltest.Renewal{
		Renews: func(*channeltest.Request) channeltest.Reply {
			return said(`{"access_token":"fresh","token_type":"bearer","expires_in":5183944}`)
		},
		Refuses: func(*channeltest.Request) channeltest.Reply { return failed(400, 190, 463) },
	}
}

// samples are the recorded bodies, each about something of its own: the documentation uses one
// message id and one comment id throughout.
func samples(t *testing.T) map[string][]byte {
	out := map[string][]byte{}
	for n, body := range recorded(t) {
		body = bytes.ReplaceAll(body, []byte(docMessage), []byte("mid_"+n))
		number := fmt.Appendf(nil, "99%08d", crc32.ChecksumIEEE([]byte(n))%100_000_000)
		out[n] = bytes.ReplaceAll(body, []byte(docComment), number)
	}
	return out
}

// The ids that the documentation's samples share.
const (
	docMessage = "aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlE0OjE3ODQxNDA1NzI2NjUzMDI2OjM0MDI4MjM2Njg0MTcxMDMwMQZDZD"
	docComment = "17865799348089039"
)

func asked(mode, token string) channels.Callback {
	return channels.Callback{Method: http.MethodGet, Header: http.Header{}, Query: map[string][]string{
		"hub.mode": {mode}, "hub.verify_token": {token}, "hub.challenge": {"1158201444"}}}
}
