package gateway

import (
	"fmt"
	"slices"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

// fits checks a message against what the channel declares, for sessions that do not plan
// themselves; nil: it fits.
func fits(can channels.Capabilities, o *timeline.Outbound) *channels.Failure {
	if m := o.Moderation; m != nil && !slices.Contains(can.Moderation, m.Action) {
		return &channels.Failure{Class: channels.BadContent, Advice: "This cannot be done on this channel."}
	}
	text := ""
	switch {
	case o.Message != nil:
		text = o.Message.Text
		if f := partsFit(can, o.Message.Parts); f != nil {
			return f
		}
	case o.Edit != nil:
		text = o.Edit.Text
	}
	if !can.Text.Fits(text) {
		return &channels.Failure{Class: channels.BadContent, Advice: fmt.Sprintf("The text is %d %s long; the channel carries %d. Send it in parts.", can.Text.Length(text), can.Text.Unit, can.Text.Max)}
	}
	return nil
}

func partsFit(can channels.Capabilities, parts []timeline.Part) *channels.Failure {
	if can.MaxParts > 0 && len(parts) > can.MaxParts {
		return &channels.Failure{Class: channels.BadMedia, Advice: fmt.Sprintf("The channel carries %d files at once. Send the others in another message.", can.MaxParts)}
	}
	for _, p := range parts {
		m, ok := can.Limit(p)
		switch {
		case !ok:
			return &channels.Failure{Class: channels.BadMedia, Advice: fmt.Sprintf("The channel carries no %s. Send a link instead.", p.Kind)}
		case !m.Small(p.Size):
			return &channels.Failure{Class: channels.BadMedia, Advice: fmt.Sprintf("%s is larger than the %d MB the channel carries.", p.Name, m.MaxBytes>>20)}
		case !m.Takes(p.MIME):
			return &channels.Failure{Class: channels.BadMedia, Advice: fmt.Sprintf("The channel does not carry files such as %s (%s).", p.Name, p.MIME)}
		}
	}
	return nil
}
