package main

import (
	"fmt"

	"github.com/parley-hub/parley/inbox/views"
)

// startViews counts what the views list, and tells the numbers to who watches.
func (n *node) startViews() error {
	if err := n.counter.Follow(n.bus); err != nil {
		return fmt.Errorf("views: %w", err)
	}
	if err := views.NewMentions(n.store).Start(n.bus); err != nil {
		return fmt.Errorf("views: %w", err)
	}
	go n.counter.Run(n.ctx, n.hub.TellViews)
	go n.server.RunBulks(n.ctx)
	return nil
}
