package store

// Index is a declared index. Fields are in order, "-name" for descending. Unique indexes
// treat a missing field as a value, unless Sparse.
type Index struct {
	Name   string
	Fields []string
	Unique bool
	Array  bool // the first field is an array: each element is indexed
	Sparse bool // documents without the first field are left out ($exists: true)
}

// Spec declares a collection.
type Spec struct {
	Name    string
	Indexes []Index
}

// The collections.
const (
	Accounts      = "accounts"
	Persons       = "persons"
	Identities    = "identities" // account|scheme|value → person
	Heads         = "heads"      // person|queue → conversation
	Threads       = "threads"    // thread key → conversation it was last attached to
	Conversations = "conversations"
	Events        = "events"
	Pending       = "pending" // edits, unsends, reactions, receipts whose message is not there yet
	Aliases       = "aliases" // leg|remote → message, for messages that became several on the far side
	Steps         = "steps"   // outbound provider calls
	Timers        = "timers"  // what is due
	Files         = "files"
	Reads         = "reads"  // conversation|agent → what was read
	Drafts        = "drafts" // conversation|agent|kind
	Merges        = "merges"
	Suggestions   = "suggestions" // same person?
	Agents        = "agents"
	Teams         = "teams"
	Sessions      = "sessions" // sign-ins, by hash
	Tokens        = "tokens"   // API tokens, by hash
	Attempts      = "attempts" // sign-in throttling
	Idempotency   = "idempotency"
	Audit         = "audit"
	Counters      = "counters"
	Cursors       = "cursors"    // of runners
	Notes         = "notes"      // account|key → what an adapter remembers
	Errands       = "errands"    // what the gateway does beside: fetching, looking up, looking for
	Dead          = "dead"       // dead letters as people see them
	Parked        = "parked"     // callbacks for accounts that are not there yet
	Erasures      = "erasures"   // persons being erased
	Erased        = "erased"     // hashed identities of persons who were erased
	Continuity    = "continuity" // legs on which answers stay unread
	Views         = "views"      // saved ones
	Mentions      = "mentions"   // agent|conversation → where one of us was called
	Bulks         = "bulks"      // what is done to many conversations at once
	BulkItems     = "bulkitems"  // bulk|conversation → how it was before
	Replies       = "replies"    // saved replies and macros
	Labels        = "labels"
	Attributes    = "attributes" // of persons and conversations, as admins define them
	Hours         = "hours"      // when we are open
	Webhooks      = "webhooks"   // endpoints that are told what happens
	Deliveries    = "deliveries" // what they were sent, and what waits
	Meta          = "meta"       // migrations, checkpoints
)

// Schema declares every collection and index: all hot queries seek. At most eight indexes
// hold every conversation, each equality → sort → _id.
var Schema = []Spec{
	{Name: Accounts, Indexes: []Index{{Name: "channel", Fields: []string{"channel", "handle"}}}},
	{Name: Persons, Indexes: []Index{{Name: "recent", Fields: []string{"-lastAt", "-_id"}}, {Name: "merged", Fields: []string{"mergedInto"}, Sparse: true}, {Name: "alike", Fields: []string{"profile.name"}, Sparse: true}}},
	{Name: Identities, Indexes: []Index{{Name: "person", Fields: []string{"person", "_id"}}, {Name: "value", Fields: []string{"identity.scheme", "identity.value"}}}},
	{Name: Heads, Indexes: []Index{{Name: "person", Fields: []string{"person"}}}},
	{Name: Threads, Indexes: []Index{{Name: "conversation", Fields: []string{"conversation"}}}},
	{Name: Conversations, Indexes: []Index{
		{Name: "state", Fields: []string{"state", "-lastAt", "-_id"}},
		{Name: "assignee", Fields: []string{"assignee", "state", "-lastAt", "-_id"}},
		{Name: "team", Fields: []string{"team", "state", "-lastAt", "-_id"}},
		{Name: "labels", Fields: []string{"labels", "state", "-lastAt", "-_id"}, Array: true},
		{Name: "waiting", Fields: []string{"state", "waitingSince", "_id"}},
		{Name: "deadline", Fields: []string{"state", "nextDeadline", "_id"}},
		{Name: "person", Fields: []string{"person", "-lastAt", "-_id"}},
		{Name: "number", Fields: []string{"number"}, Unique: true},
		// Beside these eight, two that most conversations are not in: a message of those costs nothing more.
		{Name: "priority", Fields: []string{"priority", "state", "-lastAt", "-_id"}, Sparse: true},
		{Name: "undelivered", Fields: []string{"undelivered", "state", "-lastAt", "-_id"}, Sparse: true},
	}},
	{Name: Events, Indexes: []Index{
		{Name: "seq", Fields: []string{"conversation", "seq"}, Unique: true},
		{Name: "leg", Fields: []string{"leg", "conversation", "seq"}},
		{Name: "remote", Fields: []string{"leg", "remote"}},
	}},
	{Name: Pending, Indexes: []Index{{Name: "conversation", Fields: []string{"conversation", "_id"}}}},
	{Name: Aliases},
	{Name: Steps, Indexes: []Index{
		{Name: "message", Fields: []string{"message", "n"}},
		{Name: "state", Fields: []string{"state", "dueAt", "_id"}},
		{Name: "account", Fields: []string{"account", "state", "dueAt"}},
	}},
	{Name: Timers, Indexes: []Index{{Name: "due", Fields: []string{"dueAt", "_id"}}}},
	{Name: Files, Indexes: []Index{{Name: "hash", Fields: []string{"sha256"}}, {Name: "unsent", Fields: []string{"unsentAt"}},
		{Name: "derived", Fields: []string{"of", "use"}, Unique: true, Sparse: true}}},
	{Name: Reads, Indexes: []Index{{Name: "agent", Fields: []string{"agent", "conversation"}}, {Name: "conversation", Fields: []string{"conversation"}}}},
	{Name: Drafts, Indexes: []Index{{Name: "agent", Fields: []string{"agent", "-updatedAt"}}, {Name: "conversation", Fields: []string{"conversation"}}}},
	{Name: Merges, Indexes: []Index{{Name: "from", Fields: []string{"from"}}, {Name: "into", Fields: []string{"into"}}}},
	{Name: Suggestions, Indexes: []Index{{Name: "person", Fields: []string{"persons", "_id"}, Array: true}}},
	{Name: Agents, Indexes: []Index{{Name: "email", Fields: []string{"email"}, Unique: true}, {Name: "subject", Fields: []string{"subject"}, Unique: true, Sparse: true}}},
	{Name: Teams},
	{Name: Sessions, Indexes: []Index{{Name: "agent", Fields: []string{"agent"}}, {Name: "expires", Fields: []string{"expiresAt"}}}},
	{Name: Tokens, Indexes: []Index{{Name: "agent", Fields: []string{"agent"}}}},
	{Name: Attempts, Indexes: []Index{{Name: "expires", Fields: []string{"expiresAt"}}}},
	{Name: Idempotency, Indexes: []Index{{Name: "expires", Fields: []string{"expiresAt"}}}},
	{Name: Audit, Indexes: []Index{{Name: "seq", Fields: []string{"seq"}, Unique: true}}},
	{Name: Counters},
	{Name: Cursors},
	{Name: Notes, Indexes: []Index{{Name: "account", Fields: []string{"account"}}}},
	{Name: Errands, Indexes: []Index{{Name: "due", Fields: []string{"dueAt", "_id"}}, {Name: "account", Fields: []string{"account"}}}},
	{Name: Dead, Indexes: []Index{{Name: "at", Fields: []string{"-at", "-_id"}}}},
	{Name: Parked, Indexes: []Index{{Name: "handle", Fields: []string{"channel", "handle", "_id"}}}},
	{Name: Erasures, Indexes: []Index{{Name: "due", Fields: []string{"state", "dueAt", "_id"}}}},
	{Name: Erased},
	{Name: Continuity, Indexes: []Index{{Name: "due", Fields: []string{"dueAt", "_id"}}, {Name: "conversation", Fields: []string{"conversation"}}}},
	{Name: Views, Indexes: []Index{{Name: "owner", Fields: []string{"owner", "_id"}}}},
	{Name: Mentions, Indexes: []Index{{Name: "agent", Fields: []string{"agent", "-at", "-_id"}}, {Name: "unseen", Fields: []string{"agent", "unseen"}}}},
	{Name: Bulks, Indexes: []Index{{Name: "due", Fields: []string{"dueAt", "_id"}}, {Name: "agent", Fields: []string{"agent", "-_id"}}}},
	{Name: BulkItems, Indexes: []Index{{Name: "bulk", Fields: []string{"bulk", "_id"}}}},
	{Name: Replies},
	{Name: Labels, Indexes: []Index{{Name: "name", Fields: []string{"key"}, Unique: true}}},
	{Name: Attributes},
	{Name: Hours},
	{Name: Webhooks},
	{Name: Deliveries, Indexes: []Index{
		{Name: "log", Fields: []string{"endpoint", "pos"}},
		{Name: "due", Fields: []string{"endpoint", "state", "dueAt", "_id"}},
		{Name: "order", Fields: []string{"endpoint", "state", "conversation", "seq"}},
		{Name: "conversation", Fields: []string{"conversation"}},
	}},
	{Name: Meta},
}
