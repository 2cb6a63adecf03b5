package timeline

import "time"

// DeliveryState is what became of a message of ours.
type DeliveryState string

// The delivery states. Sent, delivered and read form a ladder that is only climbed.
const (
	Queued    DeliveryState = "queued"    // waiting: undo window, send later, or another message before it
	Sending   DeliveryState = "sending"   // the provider is being called
	Sent      DeliveryState = "sent"      // the provider accepted it
	Delivered DeliveryState = "delivered" // it reached the person's device
	Read      DeliveryState = "read"      // it was seen
	Failed    DeliveryState = "failed"    // the provider refused it; Delivery says why
	Unsure    DeliveryState = "unknown"   // it may have arrived: never resent unasked
	Cancelled DeliveryState = "cancelled" // undone before it left
)

// DeliveryStates lists every state, for exhaustive tests.
var DeliveryStates = []DeliveryState{Queued, Sending, Sent, Delivered, Read, Failed, Unsure, Cancelled}

// Delivery is the present state of one of our messages. Attempt counts what a person asked
// for: a retry is attempt 2, and only a later attempt may leave Failed.
type Delivery struct {
	State   DeliveryState `json:"state"`
	At      time.Time     `json:"at"`
	Attempt int           `json:"attempt"`
	Failure *Failure      `json:"failure,omitempty"`
	Remotes []RemoteID    `json:"remotes,omitempty"` // one for each step the message became
}

// Receipt reports a delivery state: of one message, or of all ours up to a moment.
type Receipt struct {
	Of      Ref           `json:"of,omitzero"`
	UpTo    *time.Time    `json:"upTo,omitempty"` // watermark: every message of ours on the thread until then
	State   DeliveryState `json:"state"`
	Attempt int           `json:"attempt,omitempty"` // 0: the latest
	Failure *Failure      `json:"failure,omitempty"`
	Remotes []RemoteID    `json:"remotes,omitempty"`
}

// Failure is why a message did not arrive, in words for the agent.
type Failure struct {
	Class  string     `json:"class"`          // see channels.Class
	Code   string     `json:"code,omitempty"` // the provider's own, verbatim
	Said   string     `json:"said,omitempty"` // the provider's own words, verbatim
	Advice string     `json:"advice,omitempty"`
	Retry  *time.Time `json:"retry,omitempty"` // when the hub tries again by itself
}
