package email

import (
	"testing"

	"github.com/parley-hub/parley/channels/channeltest"
)

func TestConformanceSignedIn(t *testing.T) {
	channeltest.Run(t, channeltest.Harness{Channel: Channel, Settings: map[string]string{
		"provider": google, "address": "support@acme.example", "imapHost": "127.0.0.1", "imapPort": "1", "smtpHost": "127.0.0.1", "smtpPort": "1", "macKey": testKey,
		"refreshToken": "canary-refresh-token", "accessToken": "canary-access-token", "tokenExpires": "2026-03-04T06:00:00Z",
	}, App: map[string]string{"googleClient": "id", "googleSecret": "canary-google-secret"}})
}

func TestConformance(t *testing.T) {
	channeltest.Run(t, channeltest.Harness{Channel: Channel, Settings: map[string]string{
		"address": "support@acme.example", "imapHost": "127.0.0.1", "imapPort": "1", "password": "canary-password",
		"smtpHost": "127.0.0.1", "smtpPort": "1", "macKey": testKey,
	}, App: map[string]string{"googleSecret": "canary-google-secret", "microsoftSecret": "canary-microsoft-secret"}, StartTo: "maya@lindqvist.example"})
}
