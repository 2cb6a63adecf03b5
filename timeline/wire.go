package timeline

import "time"

// Inbound is what the inbound topic carries: an event as an adapter read it, and who it
// came from. Resolve finds the person and the conversation.
type Inbound struct {
	Event   Event      `json:"event"`
	Channel string     `json:"channel"`      // kind of the account's channel
	Peer    Identity   `json:"peer"`         // the person on the far side, also when the message is ours
	To      Handle     `json:"to,omitempty"` // whom to answer, where that is not Peer.Value
	Profile *Profile   `json:"profile,omitempty"`
	Links   []Identity `json:"links,omitempty"` // further identities of the same person
	Place   string     `json:"place,omitempty"` // what sort of thread it is; see channels.Channel.Places
	About   string     `json:"about,omitempty"` // what the thread is about, in one line: a post, a subject
	Opens   []string   `json:"opens,omitempty"` // window events, such as "message"; see channels.WindowRule
	Offers  []Offer    `json:"offers,omitempty"`
	Queue   string     `json:"queue,omitempty"` // empty: the account's
	Trace   string     `json:"-"`
}

// Offer is a further way to answer that an event opens: a comment may be answered in private.
type Offer struct {
	Thread Thread   `json:"thread"`
	Place  string   `json:"place,omitempty"`
	To     Handle   `json:"to,omitempty"` // empty: the event's
	Opens  []string `json:"opens,omitempty"`
}

// Command asks the single writer to change a conversation. Its id is the idempotency key:
// the same command twice changes nothing twice.
type Command struct {
	ID           EventID        `json:"id"` // becomes the id of the event it causes
	Conversation ConversationID `json:"conversation"`
	Event        Event          `json:"event"`            // what is to happen; Seq is given by the writer
	Create       *Create        `json:"create,omitempty"` // from resolve: how to begin, if it does not exist
	Attach       *Leg           `json:"attach,omitempty"` // from resolve: the leg the event came by
	Opens        []string       `json:"opens,omitempty"`
	Offers       []Leg          `json:"offers,omitempty"`     // from resolve: further legs, their ledgers filled in
	Name         string         `json:"name,omitempty"`       // the person's present name
	BaseSeq      int64          `json:"baseSeq,omitempty"`    // refuse if one of us answered after it; 0: no guard
	IfAssignee   *AgentID       `json:"ifAssignee,omitempty"` // refuse unless it is still theirs
	At           time.Time      `json:"at"`
}

// Create is how a conversation begins.
type Create struct {
	Number int64    `json:"number"`
	Person PersonID `json:"person"`
	Name   string   `json:"name"`
	Queue  string   `json:"queue"`
}

// Outbound is what the outbound topic carries: one message to deliver on one leg.
type Outbound struct {
	ID           EventID           `json:"id"` // of the message; also the idempotency key, where the far side takes one
	Conversation ConversationID    `json:"conversation"`
	Channel      string            `json:"channel"`
	Thread       Thread            `json:"thread"`
	Place        string            `json:"place,omitempty"`
	To           Handle            `json:"to"`
	About        string            `json:"about,omitempty"` // what the thread is about
	Actor        Actor             `json:"actor"`
	Attempt      int               `json:"attempt"` // 1 at first; a person's retry counts up
	Opened       map[string]Window `json:"opened,omitempty"`
	Message      *Message          `json:"message,omitempty"`
	Edit         *Edit             `json:"edit,omitempty"`
	Unsend       *Unsend           `json:"unsend,omitempty"`
	Reaction     *Reaction         `json:"reaction,omitempty"`
	Moderation   *Moderation       `json:"moderation,omitempty"`
	Subject      string            `json:"subject,omitempty"`
	At           time.Time         `json:"at"`
}

// Now is the present moment as events carry it: UTC, cut to milliseconds, so that it is
// the same after a trip through JSON or BSON.
func Now() time.Time { return Moment(time.Now()) }

// Moment cuts a time to what events carry.
func Moment(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
