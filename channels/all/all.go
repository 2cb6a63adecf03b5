// Package all is the one list of adapters. Adding a channel adds a folder and a line here.
package all

import (
	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/email"
	"github.com/parley-hub/parley/channels/instagram"
	"github.com/parley-hub/parley/channels/messenger"
	"github.com/parley-hub/parley/channels/telegram"
	"github.com/parley-hub/parley/channels/webchat"
	"github.com/parley-hub/parley/channels/whatsapp"
)

// Channels are the channels this program speaks.
var Channels = []channels.Channel{webchat.Channel, instagram.Channel, messenger.Channel, whatsapp.Channel, email.Channel, telegram.Channel}
