// Package timeline names the things that can appear on a customer's timeline.
//
// It is the vocabulary of the whole system: adapters produce these values, Kafka
// carries them, the store keeps them, and the browser renders them. One JSON shape
// serves all four; the store uses the same field names, with the id under _id. The
// package imports only the standard library, so an adapter can live in another
// repository.
package timeline

import "strings"

// Identifiers on the far side are opaque to everything but the adapter that made them.
type (
	AccountID      string // one configured instance of a channel; ours, a ULID
	ThreadID       string // a conversation as the far side names it
	RemoteID       string // a message or call as the far side names it
	Handle         string // a person as the far side names them: an address, a number, a user id
	PersonID       string // ours, a ULID
	IdentityID     string // ours: account|scheme|value, see [Identity.ID]
	ConversationID string // ours, a ULID; later conversations sort after earlier ones
	LegID          string // ours: the thread key, see [Thread.Key]
	EventID        string // ours, derived, so that a redelivered callback yields the same id
	AgentID        string // ours, a ULID
	TeamID         string // ours, a ULID
	FileID         string // ours, a ULID; names stored bytes
)

// Thread is where a remote conversation lives: the unit of order on the way in and out.
type Thread struct {
	Account AccountID `json:"account"`
	ID      ThreadID  `json:"id"`
	Parent  string    `json:"parent,omitempty"` // the post, comment or subject it hangs from
}

// Key is the thread's name in one string; it keys the inbound topic and names a leg.
func (t Thread) Key() string { return string(t.Account) + "|" + string(t.ID) }

// Leg is the id of the leg that this thread becomes in a conversation.
func (t Thread) Leg() LegID { return LegID(t.Key()) }

// DeriveID makes the id of an event from what the far side calls it, so that a repeat
// has the same id on any node, at any time. The key starts with a kind, such as
// "msg:" or "read:", because one remote id may name several facts.
func DeriveID(account AccountID, key string) EventID {
	return EventID(string(account) + "|" + key)
}

// ThreadOf cuts a leg's id back into its thread.
func ThreadOf(leg LegID) (Thread, bool) {
	account, id, ok := strings.Cut(string(leg), "|")
	return Thread{Account: AccountID(account), ID: ThreadID(id)}, ok
}
