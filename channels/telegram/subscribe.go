package telegram

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/parley-hub/parley/channels"
)

// wanted are the updates to ask for. Telegram leaves some of them out unless
// they are named: https://core.telegram.org/bots/api#setwebhook.
var wanted = []string{"callback_query", "edited_message", "message", "message_reaction", "my_chat_member"}

// registered is the note of what was registered last: Telegram does not tell
// which secret it has.
const registered = "webhook"

// maxConnections is how many updates Telegram delivers at a time.
const maxConnections = 40

// EnsureSubscribed registers the webhook, or removes it where the hub polls.
func (s *Session) EnsureSubscribed(ctx context.Context) (changed bool, err error) {
	var now struct {
		URL     string   `json:"url"`
		Allowed []string `json:"allowed_updates"`
		Error   string   `json:"last_error_message"`
	}
	if err := s.call(ctx, "getWebhookInfo", params{}, &now); err != nil {
		return false, err
	}
	if s.mode == modePolling {
		if now.URL == "" {
			return false, nil
		}
		// What waits is kept: it arrives by polling.
		return true, s.call(ctx, "deleteWebhook", params{"drop_pending_updates": false}, nil)
	}
	if now.Error != "" {
		s.host.Log().WarnContext(ctx, "telegram had trouble delivering", "said", now.Error)
	}
	address := s.host.Callback(false)
	if !strings.HasPrefix(address, "https://") {
		return false, &channels.Failure{
			Class: channels.Misconfigured, Said: address,
			Advice: "Telegram calls https addresses only, and the hub has none. Give it a public address, or choose polling under “How messages arrive”.",
		}
	}
	secret := s.account.Settings["secret"]
	sum := sha256.Sum256([]byte(address + "\n" + secret))
	mark := hex.EncodeToString(sum[:])
	notes, err := s.host.Notes().Get(ctx, registered)
	if err != nil {
		return false, err
	}
	slices.Sort(now.Allowed)
	if now.URL == address && slices.Equal(now.Allowed, wanted) && string(notes[registered]) == mark {
		return false, nil
	}
	err = s.call(ctx, "setWebhook", params{
		"url": address, "secret_token": secret, "allowed_updates": wanted, "max_connections": maxConnections,
	}, nil)
	if err != nil {
		return false, err
	}
	return true, s.host.Notes().Put(ctx, map[string][]byte{registered: []byte(mark)})
}
