package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/channels/all"
	"github.com/parley-hub/parley/inbox/continuity"
	"github.com/parley-hub/parley/internal/gateway"
	"github.com/parley-hub/parley/timeline"
)

// The settings of an account by which unread answers go on by e-mail. Any channel may have them.
const (
	settingContinue = "continue"      // the id of the e-mail account
	settingAfter    = "continueAfter" // minutes
)

// goOn makes what mails unread answers.
func (n *node) goOn() *continuity.Continuity {
	return continuity.New(continuity.Deps{Store: n.store, Chat: n.chat, Begin: n.gateway.Begin, Ask: asks{n.bus}.Publish, Log: n.log,
		Present: func(id timeline.ConversationID, leg timeline.LegID) bool {
			_, c := n.hub.Present(id)
			return c.Online && (c.Leg == "" || c.Leg == leg)
		}})
}

// chat reads how an account goes on by e-mail: its channel must tell what was read, and the
// account it names must be on and of a channel that writes to addresses first.
func (n *node) chat(ctx context.Context, id timeline.AccountID) (continuity.Chat, error) {
	a, err := n.gateway.Get(ctx, id)
	if errors.Is(err, gateway.ErrNoAccount) {
		return continuity.Chat{}, nil
	}
	by := timeline.AccountID(a.Settings[settingContinue])
	if err != nil || by == "" || !a.Enabled || !tellsReads(a.Channel) {
		return continuity.Chat{}, err
	}
	mail, err := n.gateway.Get(ctx, by)
	if errors.Is(err, gateway.ErrNoAccount) {
		return continuity.Chat{}, nil
	}
	if can, ok := abilities(mail.Channel); err != nil || !ok || !mail.Enabled || !can.Envelope || !can.Starts {
		return continuity.Chat{}, err
	}
	minutes, _ := strconv.Atoi(a.Settings[settingAfter]) // checked when it was set; else the default
	return continuity.Chat{Continue: by, After: time.Duration(minutes) * time.Minute}, nil
}

func abilities(kind string) (channels.Capabilities, bool) {
	for _, c := range all.Channels {
		if c.Kind == kind {
			return c.Can, true
		}
	}
	return channels.Capabilities{}, false
}

func tellsReads(kind string) bool {
	can, _ := abilities(kind)
	for _, r := range can.Receipts {
		if r == timeline.Read {
			return true
		}
	}
	return false
}
