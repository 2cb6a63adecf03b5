// Package search finds messages, people and conversations by what was said.
//
// Two engines stand behind [Engine]: SQLite's FTS5 in the same process (package embedded) and
// Meilisearch (package meili). One conformance suite (package searchtest) holds for both. What is
// the same for both is here: how a document is made of what the timeline says ([Feeder]), what
// may be asked ([Query]), how finds are ranked and shown ([Query.Rank], [Query.Show]), and how an
// index is made anew from the store ([Rebuilder]).
//
// A document belongs to a conversation, or to a person; who may see it, who it is assigned to,
// its labels and its state are those of the conversation, kept once ([Standing]), not on each
// message. Permissions are part of every query: there is no finding first and hiding later.
//
// Documents carry revisions: the later counts, in any order, and a repeat changes nothing. What
// was unsent or erased leaves a revision and no words.
package search

import (
	"context"
	"errors"
	"time"

	"github.com/parley-hub/parley/timeline"
)

// Kind is a sort of document. Further kinds may come; an engine takes those it is opened with.
type Kind string

// The kinds that are fed from the timeline.
const (
	Messages      Kind = "message"
	People        Kind = "person"
	Conversations Kind = "conversation"
)

// Kinds lists them in the order people read them.
var Kinds = []Kind{Conversations, People, Messages}

// Doc is one thing that can be found.
type Doc struct {
	Kind         Kind
	ID           string // of the event, person, conversation …
	Rev          int64  // the higher counts; see [Feeder]
	Gone         bool   // has no words any more and never gets new ones below its revision
	At           time.Time
	Conversation timeline.ConversationID // who may see it; empty for people
	Seq          int64                   // of the event in its conversation
	Person       timeline.PersonID       // of a person's document; others have their conversation's
	Account      timeline.AccountID
	Channel      string
	Direction    timeline.Direction
	Attachment   bool
	Fields       []Field // the weightiest first
}

// Field is a named text of a document.
type Field struct{ Name, Text string }

// Standing is what a conversation says of its documents: whose they are and who may see them.
type Standing struct {
	Conversation timeline.ConversationID
	Rev          int64 // the conversation's seq
	Person       timeline.PersonID
	Assignee     timeline.AgentID
	Team         timeline.TeamID
	State        timeline.State
	Labels       []string
	Erased       int64 // documents of this seq and before are gone for good
}

// Change is one thing to take in: exactly one is set.
type Change struct {
	Doc      *Doc
	Standing *Standing
}

// Sort is the order of finds.
type Sort string

// The orders.
const (
	Newest    Sort = "newest"
	Relevance Sort = "relevance" // best first, among the newest some hundred; then among those before
)

// Scope is whose conversations are looked at. The zero value sees nothing.
type Scope struct {
	All   bool
	Agent timeline.AgentID  // what is assigned to them
	Teams []timeline.TeamID // and these teams', where Team is set, and those of no team
	Team  bool
}

// Filter narrows a search; zero fields let everything pass, several values mean any of them.
type Filter struct {
	Channels      []string
	Accounts      []timeline.AccountID
	Assignee      *timeline.AgentID // pointing at empty: nobody
	Teams         []timeline.TeamID // "" among them: no team
	Labels        []string          // all of them
	States        []timeline.State
	Direction     timeline.Direction
	Since, Until  time.Time // from, and before
	Person        timeline.PersonID
	Conversation  timeline.ConversationID
	HasAttachment *bool
}

// Query is what is asked of one kind.
type Query struct {
	Kind   Kind
	Text   string // empty: everything the filter passes
	Typing bool   // the last word may not be complete
	Sort   Sort   // empty: Newest
	Filter Filter
	Scope  Scope
	After  string // Next of the page before
	Limit  int    // 0: DefaultLimit
}

// The sizes of a page.
const (
	DefaultLimit = 20
	MaxLimit     = 100
)

// Results is one page of documents.
type Results struct {
	Docs []Doc
	Next string // empty: there is nothing more
}

// The errors callers act on.
var (
	// ErrAfter says that a query's After is not a Next of the same query.
	ErrAfter = errors.New("search: the place to go on from is not one of this search")
	// ErrUnavailable wraps what says that the engine cannot be asked now.
	ErrUnavailable = errors.New("search: unavailable")
)

// Engine keeps an index. It is safe for concurrent use.
type Engine interface {
	// Name names the engine, for people: "embedded", "meilisearch".
	Name() string
	// Apply takes changes in. On return they are durable; they are found at once, or as soon as
	// the engine has come to them. Changes of one document or conversation are given in order of
	// their happening, or again; Apply may be called by several at once for different ones.
	Apply(ctx context.Context, changes []Change) error
	// Search finds one page. ErrAfter is the caller's fault.
	Search(ctx context.Context, q Query) (Results, error)
	// Begin opens a new index that takes every change too, beside the one that answers, or goes on
	// with one that was begun. fresh says that nothing answers yet: the index is to be filled as it is.
	Begin(ctx context.Context, fresh bool) (Fill, error)
	// Empty reports whether the index has never been filled.
	Empty(ctx context.Context) (bool, error)
	// Stats tells how large the index is.
	Stats(ctx context.Context) (Stats, error)
	Close() error
}

// Fill is an index that is being made.
type Fill interface {
	// Put takes documents in that were read from the store. What Apply told meanwhile counts more.
	Put(ctx context.Context, changes []Change) error
	// Mark notes how far the filling is, and Mark's last value is where it goes on after a stop.
	Mark(ctx context.Context, place string) error
	Place(ctx context.Context) (string, error)
	// Finish makes it the index that answers, and removes the one before.
	Finish(ctx context.Context) error
}

// Stats tells about an index.
type Stats struct {
	Docs  map[Kind]int64
	Bytes int64
}
