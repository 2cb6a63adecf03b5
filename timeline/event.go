package timeline

import (
	"encoding/json"
	"time"
)

// Kind says what happened. Each kind has the one payload named beside it.
type Kind string

// The kinds of event.
const (
	KindMessage    Kind = "message"    // Message: somebody said something to somebody outside
	KindNote       Kind = "note"       // Message: for colleagues only; never leaves the house
	KindEdit       Kind = "edit"       // Edit
	KindUnsend     Kind = "unsend"     // Unsend
	KindReaction   Kind = "reaction"   // Reaction
	KindReceipt    Kind = "receipt"    // Receipt: what became of a message
	KindPostback   Kind = "postback"   // Postback: a button was pressed
	KindReferral   Kind = "referral"   // Referral: where the person came from
	KindStatus     Kind = "status"     // Status: open, snoozed, resolved
	KindAssignment Kind = "assignment" // Assignment
	KindLabels     Kind = "labels"     // Labels
	KindSubject    Kind = "subject"    // Subject
	KindControl    Kind = "control"    // Control: standby, opt-out, revoked …
	KindModeration Kind = "moderation" // Moderation: what the person said in public was hidden or deleted by us
	KindMedia      Kind = "media"      // Media: what a message carries was fetched, or could not be
	KindMerge      Kind = "merge"      // Merge: two persons became one, or came apart
	KindUnknown    Kind = "unknown"    // Unknown: kept and shown, never dropped
)

// Kinds lists every kind, for exhaustive tests.
var Kinds = []Kind{KindMessage, KindNote, KindEdit, KindUnsend, KindReaction, KindReceipt, KindPostback, KindReferral,
	KindStatus, KindAssignment, KindLabels, KindSubject, KindControl, KindModeration, KindMedia, KindMerge, KindUnknown}

// Direction is which way an event went.
type Direction string

// The directions. An echo of a message typed into the channel's own app is Out with an external actor.
const (
	In       Direction = "in"       // from the person
	Out      Direction = "out"      // to the person
	Internal Direction = "internal" // seen by us only
)

// ActorKind says what sort of somebody did a thing.
type ActorKind string

// The kinds of actor.
const (
	ActorCustomer  ActorKind = "customer"
	ActorAgent     ActorKind = "agent"
	ActorAssistant ActorKind = "assistant" // AI
	ActorRule      ActorKind = "rule"
	ActorSystem    ActorKind = "system"
	ActorExternal  ActorKind = "external" // one of us, in the channel's own app
)

// Actor is who did it.
type Actor struct {
	Kind ActorKind `json:"kind"`
	ID   string    `json:"id,omitempty"`
	Name string    `json:"name,omitempty"` // as it was then
}

// Automated reports whether a machine acted. Consumers that act skip such events.
func (a Actor) Automated() bool {
	return a.Kind == ActorAssistant || a.Kind == ActorRule || a.Kind == ActorSystem
}

// Event is one thing that happened. Exactly one payload is set, the one its kind names.
//
// Seq numbers the events of a conversation from 1 without gaps: it is the cursor of
// every live view. People see events in the order of (At, Seq). A message is stored
// with its later edits, reactions and receipts folded in; those remain events too.
type Event struct {
	ID           EventID        `json:"id" bson:"_id"`
	Kind         Kind           `json:"kind"`
	Conversation ConversationID `json:"conversation,omitempty"`
	Seq          int64          `json:"seq,omitempty"`
	Leg          LegID          `json:"leg,omitempty"` // empty: belongs to no channel
	Thread       Thread         `json:"thread,omitzero"`
	Remote       RemoteID       `json:"remote,omitempty"` // the far side's id of the message
	Direction    Direction      `json:"direction"`
	Actor        Actor          `json:"actor"`
	At           time.Time      `json:"at"`       // when the far side says it happened; UTC, milliseconds
	Received     time.Time      `json:"received"` // when we recorded it; UTC, milliseconds
	Late         bool           `json:"late,omitempty"`
	Depth        int            `json:"depth,omitempty"`  // automatic causes behind it; more than MaxDepth is refused
	Client       string         `json:"client,omitempty"` // the id the sender's program gave it, a ULID

	Message    *Message    `json:"message,omitempty"`
	Edit       *Edit       `json:"edit,omitempty"`
	Unsend     *Unsend     `json:"unsend,omitempty"`
	Reaction   *Reaction   `json:"reaction,omitempty"`
	Receipt    *Receipt    `json:"receipt,omitempty"`
	Postback   *Postback   `json:"postback,omitempty"`
	Referral   *Referral   `json:"referral,omitempty"`
	Status     *Status     `json:"status,omitempty"`
	Assignment *Assignment `json:"assignment,omitempty"`
	Labels     *Labels     `json:"labels,omitempty"`
	Subject    *Subject    `json:"subject,omitempty"`
	Control    *Control    `json:"control,omitempty"`
	Moderation *Moderation `json:"moderation,omitempty"`
	Media      *Media      `json:"media,omitempty"`
	Merge      *Merge      `json:"merge,omitempty"`
	Unknown    *Unknown    `json:"unknown,omitempty"`
}

// MaxDepth is how many automatic causes may stand behind an event: bots do not answer bots for ever.
const MaxDepth = 3

// Ref points at a message, by our id, by the far side's, or by both. It may dangle.
type Ref struct {
	Event  EventID  `json:"event,omitempty"`
	Remote RemoteID `json:"remote,omitempty"`
	Client string   `json:"client,omitempty"`
	Kind   string   `json:"kind,omitempty"` // message, story, post, comment; empty: message
	URL    string   `json:"url,omitempty"`
}

// Message is what was said, with all that happened to it since folded in.
type Message struct {
	Text      string       `json:"text,omitempty"`
	HTML      string       `json:"html,omitempty"`   // sanitised
	Quoted    string       `json:"quoted,omitempty"` // what the sender's program repeated of older messages
	Subject   string       `json:"subject,omitempty"`
	Envelope  *Envelope    `json:"envelope,omitempty"` // where the channel has several recipients
	Parts     []Part       `json:"parts,omitempty"`
	ReplyTo   *Ref         `json:"replyTo,omitempty"`
	Buttons   []Button     `json:"buttons,omitempty"`
	Mentions  []AgentID    `json:"mentions,omitempty"` // in a note
	Automated bool         `json:"automated,omitempty"`
	Checks    []Check      `json:"checks,omitempty"`   // what is known of who sent it
	Delivery  *Delivery    `json:"delivery,omitempty"` // of ours: what became of it
	SendAt    *time.Time   `json:"sendAt,omitempty"`   // not before; until then it can be undone
	Edited    *EditState   `json:"edited,omitempty"`
	Unsent    *time.Time   `json:"unsent,omitempty"` // its content is gone
	Reactions []ReactionBy `json:"reactions,omitempty"`
	Moderated *Moderated   `json:"moderated,omitempty"` // of a public one: what we did to it
}

// Envelope is who a message is from and for, where a channel has several recipients, such as
// mail. Of one of ours, Bcc is known to us alone and never leaves in a header.
type Envelope struct {
	From    Address   `json:"from,omitzero"`
	ReplyTo []Address `json:"replyTo,omitempty"`
	To      []Address `json:"to,omitempty"`
	Cc      []Address `json:"cc,omitempty"`
	Bcc     []Address `json:"bcc,omitempty"`
}

// Address is one recipient or sender.
type Address struct {
	Name    string `json:"name,omitempty"`
	Address string `json:"address"`
}

// Check is what was found out about where a message comes from, such as DMARC. It is shown
// as a badge; a pass is no proof of who wrote.
type Check struct {
	Name   string `json:"name"`   // as the field calls it: DMARC, DKIM, SPF
	Result string `json:"result"` // pass, fail, none
	Detail string `json:"detail,omitempty"`
}

// EditState is the edit that counts.
type EditState struct {
	Rev int       `json:"rev"`
	At  time.Time `json:"at"`
}

// ReactionBy is one person's present reaction. An empty emoji says that it was taken back:
// it is kept so that a late repeat does not bring it back, and not shown.
type ReactionBy struct {
	By    Actor     `json:"by"`
	Emoji string    `json:"emoji"`
	At    time.Time `json:"at"`
}

// Button is an answer offered to the reader.
type Button struct {
	Kind  string `json:"kind"` // reply, link
	Title string `json:"title"`
	Value string `json:"value,omitempty"`
}

// Part is one thing a message carries beside its text.
type Part struct {
	Kind      PartKind          `json:"kind"`
	Name      string            `json:"name,omitempty"`
	MIME      string            `json:"mime,omitempty"`
	Size      int64             `json:"size,omitempty"`   // bytes
	File      FileID            `json:"file,omitempty"`   // stored with us
	URL       string            `json:"url,omitempty"`    // where the far side keeps it; never a credential
	Remote    RemoteID          `json:"remote,omitempty"` // the far side's name for it
	Expires   *time.Time        `json:"expires,omitempty"`
	Retention Retention         `json:"retention,omitempty"`
	Inline    string            `json:"inline,omitempty"`  // content id, where the body refers to it
	Missing   string            `json:"missing,omitempty"` // why it is not kept although it should be: expired, too_large, refused, gone
	Width     int               `json:"width,omitempty"`   // pixels
	Height    int               `json:"height,omitempty"`  // pixels
	Data      map[string]string `json:"data,omitempty"`
}

// PartKind is what sort of thing a part is. Adapters may use kinds of their own: they are shown by name.
type PartKind string

// The part kinds every client draws.
const (
	PartImage    PartKind = "image"
	PartVideo    PartKind = "video"
	PartAudio    PartKind = "audio"
	PartFile     PartKind = "file"
	PartSticker  PartKind = "sticker"
	PartLocation PartKind = "location"
	PartShare    PartKind = "share"
)

// Retention says what we may keep of a part.
type Retention string

// The retentions; empty means RetainStore.
const (
	RetainStore Retention = "store" // fetch now, keep
	RetainURL   Retention = "url"   // keep the link, never the bytes
	RetainNever Retention = "never" // keep nothing but that it was there
)

// Edit replaces a message's text. The highest Rev counts; equal revisions fall back to time.
type Edit struct {
	Of   Ref    `json:"of"`
	Text string `json:"text"`
	HTML string `json:"html,omitempty"`
	Rev  int    `json:"rev"`
}

// Unsend takes a message back. Its content is erased; nothing brings it back.
type Unsend struct {
	Of Ref `json:"of"`
}

// Reaction sets or removes the actor's reaction to a message.
type Reaction struct {
	Of      Ref    `json:"of"`
	Emoji   string `json:"emoji,omitempty"`
	Removed bool   `json:"removed,omitempty"`
}

// Postback is a pressed button, quick reply or menu item.
type Postback struct {
	Title   string `json:"title"`
	Payload string `json:"payload,omitempty"`
	Of      *Ref   `json:"of,omitempty"`
}

// Referral is where the person came from: an advertisement, a link, a page.
type Referral struct {
	Source string `json:"source,omitempty"`
	Ref    string `json:"ref,omitempty"`
	URL    string `json:"url,omitempty"`
	Title  string `json:"title,omitempty"`
}

// Control is a fact about the thread itself.
type Control struct {
	Name string            `json:"name"` // standby, owner, opt_in, opt_out, revoked, profile, test
	Data map[string]string `json:"data,omitempty"`
}

// The states of a [Moderation].
const (
	ModerationAsked  = "asked"
	ModerationDone   = "done"
	ModerationFailed = "failed"
)

// The actions of a [Moderation].
const (
	ModerateHide   = "hide"   // others no longer see it
	ModerateUnhide = "unhide" // they see it again
	ModerateDelete = "delete" // it is gone for everybody
)

// Moderation hides or deletes what the person said in public. It is asked by one of us, and
// done or failed once the far side was called.
type Moderation struct {
	Of      Ref      `json:"of"`
	Action  string   `json:"action"`
	State   string   `json:"state"`             // asked, done, failed
	Asked   EventID  `json:"asked,omitempty"`   // of done and failed: what asked for it
	Failure *Failure `json:"failure,omitempty"` // of failed
}

// Moderated is the moderation of a message that counts: the latest asked for, as far as it got.
type Moderated struct {
	Action  string    `json:"action"`
	State   string    `json:"state"`
	Asked   EventID   `json:"asked"`
	By      Actor     `json:"by"`
	At      time.Time `json:"at"`
	Failure *Failure  `json:"failure,omitempty"`
	// Earlier are those that no longer count, latest first, with what became of them.
	Earlier []PastModeration `json:"earlier,omitempty"`
}

// PastModeration is a moderation that was asked for, as far as it got.
type PastModeration struct {
	Action  string    `json:"action"`
	State   string    `json:"state"`
	Asked   EventID   `json:"asked"`
	By      Actor     `json:"by"`
	At      time.Time `json:"at"`
	Failure *Failure  `json:"failure,omitempty"`
}

// Media tells what became of parts of a message that had to be fetched: they are kept with us
// now, or why not. A part that is kept already is left alone.
type Media struct {
	Of    Ref         `json:"of"`
	Parts []MediaPart `json:"parts"`
}

// MediaPart is the part at a place of the message.
type MediaPart struct {
	N    int  `json:"n"` // from 0
	Part Part `json:"part"`
}

// Unknown is what an adapter could not name. It is shown with its type; Raw is kept for replaying.
type Unknown struct {
	Type    string          `json:"type"`
	Summary string          `json:"summary,omitempty"`
	Raw     json.RawMessage `json:"raw,omitempty"`
}
