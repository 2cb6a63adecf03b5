package messenger

import (
	"errors"
	"net/http"
	"testing"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/channeltest"
	"github.com/parley-hub/parley/channels/internal/meta"
	"github.com/parley-hub/parley/channels/internal/metatest"
)

func TestConformance(t *testing.T) { channeltest.Run(t, harness(t)) }

func FuzzDecode(f *testing.F) { channeltest.FuzzDecode(f, harness(f)) }

func harness(t testing.TB) channeltest.Harness {
	return channeltest.Harness{Channel: Channel, Settings: accountValues(), App: appValues(),
		Samples: metatest.Recorded(t, "testdata"), Odd: []string{"attachment_unknown_type", "unknown_item", "unknown_field", "feed_unknown_item", "message_unsupported"},
		Sign: func(settings map[string]string, body []byte) channels.Callback {
			return channels.Callback{Method: http.MethodPost, Header: http.Header{meta.SignatureHeader: {meta.Sign(settings["appSecret"], body)}}, Body: body}
		},
		Challenge: &channeltest.Challenge{Right: asked("subscribe", "canary-verify-token"), Wrong: asked("subscribe", "wrong"), Answer: "1158201444"},
		Wrong:     []channels.Callback{asked("unsubscribe", "canary-verify-token")},
		Errors:    recordedErrors(),
		Lost: func(*channeltest.Request) channeltest.Reply {
			return channeltest.Reply{Err: errors.New("connection reset")}
		},
	}
}

func asked(mode, token string) channels.Callback {
	return channels.Callback{Method: http.MethodGet, Header: http.Header{}, Query: map[string][]string{
		"hub.mode": {mode}, "hub.verify_token": {token}, "hub.challenge": {"1158201444"}}}
}
