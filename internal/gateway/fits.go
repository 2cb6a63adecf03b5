package gateway

import (
	"fmt"
	"path"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

// fits checks a message against what the channel declares, for sessions that do not plan
// themselves; nil: it fits.
func fits(can channels.Capabilities, o *timeline.Outbound) *channels.Failure {
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
	if n := measure(text, can.Text.Unit); can.Text.Max > 0 && n > can.Text.Max {
		return &channels.Failure{Class: channels.BadContent, Advice: fmt.Sprintf("The text is %d %s long; the channel carries %d. Send it in parts.", n, can.Text.Unit, can.Text.Max)}
	}
	return nil
}

// measure is a text's length in a limit's unit.
func measure(text, unit string) int {
	switch unit {
	case "bytes":
		return len(text)
	case "utf16":
		return len(utf16.Encode([]rune(text)))
	}
	return utf8.RuneCountInString(text)
}

func partsFit(can channels.Capabilities, parts []timeline.Part) *channels.Failure {
	if can.MaxParts > 0 && len(parts) > can.MaxParts {
		return &channels.Failure{Class: channels.BadMedia, Advice: fmt.Sprintf("The channel carries %d files at once. Send the others in another message.", can.MaxParts)}
	}
	for _, p := range parts {
		m, ok := can.Media[string(p.Kind)]
		switch {
		case !ok:
			return &channels.Failure{Class: channels.BadMedia, Advice: fmt.Sprintf("The channel carries no %s. Send a link instead.", p.Kind)}
		case p.Size > m.MaxBytes:
			return &channels.Failure{Class: channels.BadMedia, Advice: fmt.Sprintf("%s is larger than the %d MB the channel carries.", p.Name, m.MaxBytes>>20)}
		case !typed(m.MIME, p.MIME):
			return &channels.Failure{Class: channels.BadMedia, Advice: fmt.Sprintf("The channel does not carry files such as %s (%s).", p.Name, p.MIME)}
		}
	}
	return nil
}

// typed reports whether a type matches one of the patterns; no pattern matches all.
func typed(patterns []string, mime string) bool {
	for _, p := range patterns {
		if ok, err := path.Match(p, mime); err == nil && ok {
			return true
		}
	}
	return len(patterns) == 0
}
