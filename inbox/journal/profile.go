package journal

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/parley-hub/parley/inbox"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// isProfile reports whether an event only tells what the far side says of a person.
func isProfile(ev *timeline.Event) bool {
	return ev.Kind == timeline.KindControl && ev.Control.Name == inbox.ControlProfile
}

// dropProfiles forgets profiles of people nobody knows: they were looked up for somebody who
// has been erased since.
func (r *resolver) dropProfiles(ctx context.Context) error {
	ask, made := map[timeline.IdentityID]bool{}, map[timeline.IdentityID]bool{}
	for _, x := range r.run {
		if isProfile(&x.in.Event) {
			ask[x.in.Peer.ID()] = true
		} else if !tells(x.in.Event.Kind) {
			made[x.in.Peer.ID()] = true
		}
	}
	maps.DeleteFunc(ask, func(id timeline.IdentityID, _ bool) bool { return made[id] })
	if len(ask) == 0 {
		return nil
	}
	var found []timeline.Known
	if err := r.j.deps.Store.C(store.Identities).All(ctx, idIn(slices.Collect(maps.Keys(ask))), &found); err != nil {
		return fmt.Errorf("read whose profiles came: %w", err)
	}
	for _, k := range found {
		made[k.ID] = true
	}
	r.run = slices.DeleteFunc(r.run, func(x *inbound) bool { return isProfile(&x.in.Event) && !made[x.in.Peer.ID()] })
	return nil
}

// introduce makes of a profile a command that shows the name and the picture on the
// conversation; ok is false where it shows them already. Where there is no conversation the
// writer drops it: a profile begins none.
func (x *inbound) introduce(cmd timeline.Command) (_ timeline.Command, ok bool) {
	t := x.route
	avatar := t.avatar
	if strings.Contains(avatar, ":") {
		avatar = "" // an address of the far side's: pages load nothing from there
	}
	shown := t.exists && t.shown == t.name && (avatar == "" || avatar == t.picture)
	if t.guest || !x.fresh || shown {
		return cmd, false
	}
	control := timeline.Control{Name: inbox.ControlProfile, Data: map[string]string{"name": t.name}}
	if avatar != "" {
		control.Data["avatar"] = avatar
	}
	cmd.Event.Control, cmd.Event.Direction, cmd.Name = &control, timeline.Internal, t.name
	if cmd.Event.Actor.Kind == "" {
		cmd.Event.Actor.Kind = timeline.ActorSystem
	}
	return cmd, true
}
