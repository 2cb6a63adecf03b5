package api

import (
	"fmt"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

// channel finds a kind of channel; nil if this binary does not have it.
func (s *Server) channel(kind string) *channels.Channel {
	for _, c := range s.Channels {
		if c.Kind == kind {
			return c
		}
	}
	return nil
}

// sendable refuses what the far side would: too long, too many, too late. The gateway
// looks again when the message leaves.
func (s *Server) sendable(c *timeline.Conversation, e *timeline.Event) error {
	leg, err := legFor(c, e.Leg)
	if err != nil {
		return err
	}
	ch := s.channel(leg.Channel)
	if ch == nil {
		return nil
	}
	can := ch.On(leg.Place)
	if err := checkLimits(can, e.Message); err != nil {
		return err
	}
	at := e.At
	if e.Message.SendAt != nil {
		at = *e.Message.SendAt
	}
	if _, _, ok := can.Allowed(leg.Opened, e.Actor.Kind, at); !ok {
		return problem("window-closed", "")
	}
	return nil
}

func checkLimits(can channels.Capabilities, m *timeline.Message) error {
	if err := checkWritten(can, m); err != nil {
		return err
	}
	if !can.Text.Fits(m.Text) {
		return invalid("text", fmt.Sprintf("this channel takes %d, and this is %d", can.Text.Max, can.Text.Length(m.Text)))
	}
	if can.MaxParts > 0 && len(m.Parts) > can.MaxParts {
		return invalid("parts", fmt.Sprintf("this channel takes %d attachments in one message", can.MaxParts))
	}
	for i, p := range m.Parts {
		limit, ok := can.Limit(p)
		field := fmt.Sprintf("parts[%d].file", i)
		switch {
		case !ok:
			return invalid(field, "this channel does not take files of the kind "+string(p.Kind))
		case !limit.Small(p.Size):
			return invalid(field, fmt.Sprintf("this channel takes files of at most %d bytes", limit.MaxBytes))
		case !limit.Takes(p.MIME):
			return invalid(field, "this channel does not take files of the type "+p.MIME)
		}
	}
	return nil
}
