package timeline

import "fmt"

// Cursor is a place on a thread. Cursors of one thread compare as strings; later is greater.
type Cursor string

// CursorOf is the place of an event. Conversations of one thread follow one another, and
// their ids sort by time.
func CursorOf(c ConversationID, seq int64) Cursor { return Cursor(fmt.Sprintf("%s.%012d", c, seq)) }

// Cut is the conversation and the seq a cursor stands for; ok is false for anything else.
func (c Cursor) Cut() (id ConversationID, seq int64, ok bool) {
	n := len(c) - 13
	if n < 1 || c[n] != '.' {
		return "", 0, false
	}
	for _, d := range c[n+1:] {
		if d < '0' || d > '9' {
			return "", 0, false
		}
		seq = seq*10 + int64(d-'0')
	}
	return ConversationID(c[:n]), seq, true
}

// Item is one thing a customer may see of their own thread.
type Item struct {
	Cursor Cursor `json:"cursor,omitempty"`
	Event  Event  `json:"event,omitzero"`   // message from the person, or edit, unsend, reaction, receipt
	Target *Event `json:"target,omitempty"` // the message the event changed, as it is now
	Typing *bool  `json:"typing,omitempty"` // not an event: one of us types; Cursor is empty
	Name   string `json:"name,omitempty"`   // who types
}
