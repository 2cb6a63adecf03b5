package bus

import (
	"context"
	"errors"
	"fmt"

	"github.com/segmentio/kafka-go"
)

// Evict takes a dead node's members out of the groups this node shares with it, so that their
// partitions move at once instead of after the session timeout. A node that was not dead joins
// again; what it commits late is refused.
func (b *Bus) Evict(ctx context.Context, node string) error {
	b.state.mu.Lock()
	ids := make([]string, 0, len(b.state.groups))
	for id := range b.state.groups {
		ids = append(ids, id)
	}
	b.state.mu.Unlock()
	var errs []error
	for _, id := range ids {
		errs = append(errs, b.evict(ctx, node, id))
	}
	return errors.Join(errs...)
}

// evict removes the members of one group that bear the node's client id; an empty node means all.
func (b *Bus) evict(ctx context.Context, node, group string) error {
	res, err := b.client.DescribeGroups(ctx, &kafka.DescribeGroupsRequest{GroupIDs: []string{group}})
	if err != nil {
		return fmt.Errorf("bus: describing group %s: %w", group, err)
	}
	var gone []kafka.LeaveGroupRequestMember
	for _, g := range res.Groups {
		if g.Error != nil {
			return fmt.Errorf("bus: describing group %s: %w", group, g.Error)
		}
		for _, m := range g.Members {
			if m.ClientID == node || node == "" {
				gone = append(gone, kafka.LeaveGroupRequestMember{ID: m.MemberID})
			}
		}
	}
	if len(gone) == 0 {
		return nil
	}
	left, err := b.client.LeaveGroup(ctx, &kafka.LeaveGroupRequest{GroupID: group, Members: gone})
	if err == nil {
		err = left.Error
	}
	if err == nil { // somebody else may have been quicker
		for _, m := range left.Members {
			if m.Error != nil && !errors.Is(m.Error, kafka.UnknownMemberId) {
				err = m.Error
			}
		}
	}
	if err != nil && !errors.Is(err, kafka.UnknownMemberId) {
		return fmt.Errorf("bus: evicting %s from %s: %w", node, group, err)
	}
	b.cfg.Log.Info("bus: evicted", "node", node, "group", group, "members", len(gone))
	return nil
}
