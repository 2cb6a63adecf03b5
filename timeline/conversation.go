package timeline

import "time"

// State is where a conversation stands.
type State string

// The states of a conversation.
const (
	Open     State = "open"
	Snoozed  State = "snoozed"
	Resolved State = "resolved"
)

// States lists every state, for exhaustive tests.
var States = []State{Open, Snoozed, Resolved}

// Conversation is what the hub knows of one person's matter, over all channels. Only the
// journal's append changes it; everybody else asks by a [Command].
type Conversation struct {
	ID           ConversationID `json:"id" bson:"_id"`
	Number       int64          `json:"number"` // for people to quote
	Person       PersonID       `json:"person"`
	Name         string         `json:"name"`             // the person's, for lists
	Avatar       string         `json:"avatar,omitempty"` // file or empty
	Queue        string         `json:"queue"`
	State        State          `json:"state"`
	SnoozeUntil  *time.Time     `json:"snoozeUntil,omitempty"`
	Assignee     AgentID        `json:"assignee"` // empty: nobody; always present, for the index
	Team         TeamID         `json:"team"`
	Labels       []string       `json:"labels,omitempty"`
	Priority     int            `json:"priority,omitempty"` // 0 none, 1 low, 2 normal, 3 high, 4 urgent
	Subject      string         `json:"subject,omitempty"`
	Opening      string         `json:"opening,omitempty"` // how the person's first message began, in one line of at most PreviewRunes/2
	Legs         []Leg          `json:"legs"`
	Seq          int64          `json:"seq"`     // of the last event
	InCount      int64          `json:"inCount"` // messages from the person; unread = InCount − the reader's
	LastInSeq    int64          `json:"lastInSeq"`
	LastOutSeq   int64          `json:"lastOutSeq"`
	Undelivered  int            `json:"undelivered,omitempty"` // messages of ours in failed or unknown
	Attached     bool           `json:"attached,omitempty"`    // a message carried a file
	Last         *Preview       `json:"last,omitempty"`
	LastAt       time.Time      `json:"lastAt"` // of the last message; lists sort by it
	CreatedAt    time.Time      `json:"createdAt"`
	ResolvedAt   *time.Time     `json:"resolvedAt,omitempty"`
	WaitingSince *time.Time     `json:"waitingSince,omitempty"` // the person's oldest unanswered message
	NextDeadline *time.Time     `json:"nextDeadline,omitempty"`
}

// Leg is a thread attached to a conversation: one way to talk with the person.
type Leg struct {
	ID       LegID             `json:"id"`
	Thread   Thread            `json:"thread"`
	Channel  string            `json:"channel"`         // the channel's kind, for its glyph and word
	Place    string            `json:"place,omitempty"` // what sort of thread: empty for the usual, comment …
	About    string            `json:"about,omitempty"` // what it is about, in one line
	Identity IdentityID        `json:"identity"`
	Peer     Handle            `json:"peer"`              // whom to write to
	Display  string            `json:"display,omitempty"` // the peer as people read it
	LastIn   *time.Time        `json:"lastIn,omitempty"`
	Opened   map[string]Window `json:"opened,omitempty"` // window ledger by opening event, such as "message"
	Seen     *time.Time        `json:"seen,omitempty"`   // the person read until here
	ReadSeq  int64             `json:"readSeq,omitempty"`
	Closed   string            `json:"closed,omitempty"` // why it cannot be written to; empty: it can
}

// Window is one line of a leg's ledger: when the person last opened it, and how often it was used since.
type Window struct {
	At   time.Time `json:"at"`
	Used int       `json:"used,omitempty"`
	By   RemoteID  `json:"by,omitempty"` // the far side's id of what opened it
}

// Preview is the last message in one line.
type Preview struct {
	Event     EventID       `json:"event"`
	Seq       int64         `json:"seq"`
	Text      string        `json:"text"` // at most PreviewRunes
	Part      PartKind      `json:"part,omitempty"`
	Direction Direction     `json:"direction"`
	Actor     Actor         `json:"actor"`
	Leg       LegID         `json:"leg,omitempty"`
	At        time.Time     `json:"at"`
	Delivery  DeliveryState `json:"delivery,omitempty"`
}

// PreviewRunes is how much of a message a preview holds.
const PreviewRunes = 140

// Status changes where a conversation stands.
type Status struct {
	From  State      `json:"from,omitempty"`
	To    State      `json:"to"`
	Until *time.Time `json:"until,omitempty"` // of a snooze
	Why   string     `json:"why,omitempty"`   // code: agent, customer_wrote, snooze_over, rule
}

// Assignment changes who is responsible. A nil pointer leaves that half alone.
type Assignment struct {
	Agent     *AgentID `json:"agent,omitempty"`
	AgentName string   `json:"agentName,omitempty"`
	Team      *TeamID  `json:"team,omitempty"`
	TeamName  string   `json:"teamName,omitempty"`
	Was       AgentID  `json:"was,omitempty"`
}

// Labels changes labels or priority.
type Labels struct {
	Add      []string `json:"add,omitempty"`
	Remove   []string `json:"remove,omitempty"`
	Priority *int     `json:"priority,omitempty"`
}

// Subject names the matter.
type Subject struct {
	Text string `json:"text"`
}

// Merge tells a conversation that its person became part of another, or came apart again.
type Merge struct {
	ID     string   `json:"id"` // of the merge; undoing names the same
	From   PersonID `json:"from"`
	Into   PersonID `json:"into"`
	Name   string   `json:"name,omitempty"` // the person's name from now on
	Undone bool     `json:"undone,omitempty"`
	Legs   []Leg    `json:"legs,omitempty"` // what the conversation gains, or loses again when undone
	Back   bool     `json:"back,omitempty"` // the conversation was From's, and is again when undone
}

// Entry is what the timeline topic carries and live views receive: what happened, and
// how the conversation stands after it.
type Entry struct {
	Event        Event        `json:"event"`
	Conversation Conversation `json:"conversation"`
	// Target is the message the event changed (by edit, unsend, reaction, receipt), as it is now.
	Target *Event `json:"target,omitempty"`
	// Repeat marks what is published again after a crash: harmless to those who count by seq.
	Repeat bool `json:"repeat,omitempty"`
}
