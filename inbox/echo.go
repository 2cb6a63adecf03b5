package inbox

import (
	"slices"
	"strings"
	"time"

	"github.com/parley-hub/parley/timeline"
)

// EchoWithin is how far apart a message of ours and its echo may be.
const EchoWithin = 2 * time.Minute

// IsEcho reports whether an event may be the far side telling us of a message that we sent ourselves.
func IsEcho(ev *timeline.Event) bool {
	return ev.Kind == timeline.KindMessage && ev.Direction == timeline.Out && ev.Message != nil &&
		ev.Actor.Kind == timeline.ActorExternal
}

// EchoOf finds the message of ours that an event echoes, among candidates in the order of
// seq: by the far side's id, by the sender's id, else the oldest one on the leg that says the
// same, within [EchoWithin], and still lacks the far side's id for that part. Nil: somebody
// wrote it in the channel's own app.
func EchoOf(echo *timeline.Event, candidates []*timeline.Event) *timeline.Event {
	for _, m := range candidates {
		if echo.Remote != "" && m.Leg == echo.Leg && (m.Remote == echo.Remote || hasRemote(m, echo.Remote)) {
			return m
		}
	}
	for _, m := range candidates {
		if echo.Client != "" && m.Leg == echo.Leg && (m.Client == echo.Client || string(m.ID) == echo.Client) {
			return m
		}
	}
	for _, m := range candidates {
		if m.Leg == echo.Leg && outstanding(m, echo.At) && saysSame(m.Message, echo.Message) {
			return m
		}
	}
	return nil
}

func hasRemote(m *timeline.Event, r timeline.RemoteID) bool {
	return m.Message != nil && m.Message.Delivery != nil && slices.Contains(m.Message.Delivery.Remotes, r)
}

// outstanding reports whether a message of ours may still be echoed under an id we do not know.
func outstanding(m *timeline.Event, at time.Time) bool {
	if m.Kind != timeline.KindMessage || m.Direction != timeline.Out || m.Actor.Kind == timeline.ActorExternal ||
		m.Message == nil || m.Message.Delivery == nil || m.Message.Unsent != nil {
		return false
	}
	d := m.Message.Delivery
	if d.State == timeline.Cancelled || d.State == timeline.Failed {
		return false
	}
	near := func(t time.Time) bool { return at.Sub(t).Abs() <= EchoWithin }
	return (near(m.At) || near(d.At)) && len(d.Remotes) < pieces(m.Message)
}

// pieces is how many messages of the far side one of ours becomes at most, as far as can be told.
func pieces(m *timeline.Message) int {
	n := len(m.Parts)
	if t := normal(m.Text); t != "" {
		n += 1 + len(t)/200 // a long text may be cut
	}
	return max(n, 1)
}

// saysSame reports whether an echo repeats a message or one piece of it.
func saysSame(m, echo *timeline.Message) bool {
	said, repeated := normal(m.Text), normal(echo.Text)
	switch {
	case repeated == "":
		for _, p := range echo.Parts {
			if slices.ContainsFunc(m.Parts, func(q timeline.Part) bool { return q.Kind == p.Kind }) {
				return true
			}
		}
		return false
	case said == repeated:
		return true
	}
	return len(repeated) >= 200 && strings.Contains(said, repeated)
}

func normal(s string) string { return strings.Join(strings.Fields(s), " ") }

// EchoReceipt is what an echo of our own message comes to: it was sent, and this is the far side's id.
func EchoReceipt(echo *timeline.Event, of *timeline.Event) timeline.Event {
	ev := *echo
	ev.Kind, ev.Message, ev.Remote, ev.Client = timeline.KindReceipt, nil, "", ""
	ev.Receipt = &timeline.Receipt{Of: timeline.Ref{Event: of.ID}, State: timeline.Sent}
	if echo.Remote != "" {
		ev.Receipt.Remotes = []timeline.RemoteID{echo.Remote}
	}
	return ev
}
