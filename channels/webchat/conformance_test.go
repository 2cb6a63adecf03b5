package webchat

import (
	"strings"
	"testing"

	"github.com/parley-hub/parley/channels/channeltest"
)

func TestConformance(t *testing.T) {
	channeltest.Run(t, channeltest.Harness{Channel: Channel, Settings: map[string]string{
		"tokenSecret":    "canary-token-" + strings.Repeat("t", 32),
		"identitySecret": "canary-identity-" + strings.Repeat("i", 32),
	}})
}
