package webchat

import (
	"context"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

// Do accepts at once: a message is sent when its receipt says so, because visitors are shown
// the thread itself. Whether it reached a browser, the sockets tell.
func (s *Session) Do(ctx context.Context, step channels.Step) channels.Result {
	if err := ctx.Err(); err != nil {
		return channels.Result{Outcome: channels.Rejected, Failure: &channels.Failure{Class: channels.Transient, Advice: "It is tried again by itself.", Err: err}}
	}
	if m := step.Outbound.Message; step.Kind == "send" && m != nil && m.Text == "" && len(m.Parts) == 0 {
		return channels.Result{Outcome: channels.Rejected, Failure: &channels.Failure{Class: channels.BadContent, Advice: "Write something, or attach a file."}}
	}
	return channels.Result{Outcome: channels.Accepted, Remote: timeline.RemoteID(step.Key), State: timeline.Sent}
}
