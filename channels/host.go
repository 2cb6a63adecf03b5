package channels

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/parley-hub/parley/timeline"
)

// Host is what a session may use of the hub. It is safe for concurrent use.
type Host interface {
	// Emit makes events durable. After nil the far side may be told that they were taken;
	// after an error the outcome is unknown and the far side should try again. Emitting the
	// same event twice is harmless.
	Emit(ctx context.Context, in ...timeline.Inbound) error

	HTTP() *http.Client // refuses private addresses, traces, redacts secrets
	Now() time.Time
	Log() *slog.Logger // carries channel and account
	Health(Health)     // reports how the account is; the worst of hub and session is shown
	Files() Files
	Threads() Threads
	Notes() Notes
	// Callback is the address where the far side's callbacks reach this account, or with shared
	// every account of the kind. Empty where the hub has no address of its own.
	Callback(shared bool) string
}

// Notes is what a session remembers from one call to the next, by keys of its own: small, and
// lost with the account. Several nodes may write; the last one wins. Keys are at most 512 bytes.
type Notes interface {
	// Get reads; a key that is not there is not in the answer.
	Get(ctx context.Context, keys ...string) (map[string][]byte, error)
	// Put is durable when it returns. A nil value removes.
	Put(ctx context.Context, values map[string][]byte) error
}

// Files keeps bytes: what customers send and what agents attach.
type Files interface {
	// Put stores a file, at most max bytes; a larger one is refused with a *Problem of
	// status 413. The type is sniffed, the name made safe; both are in the part returned.
	Put(ctx context.Context, name string, r io.Reader, max int64) (timeline.Part, error)
	// Open reads a file. A file that is not there gives fs.ErrNotExist.
	Open(ctx context.Context, id timeline.FileID) (io.ReadSeekCloser, timeline.Part, error)
	// Fit gives the file as a limit takes it: itself, or a copy in another format or size. What
	// cannot be made to fit is a *Failure of class BadMedia that says why.
	Fit(ctx context.Context, id timeline.FileID, l MediaLimit) (timeline.Part, error)
	// URL is a signed link to one file that works without sign-in for ttl.
	URL(id timeline.FileID, ttl time.Duration) string
}

// Threads is for channels whose far side we are ourselves, such as web chat: what the
// customer may see of their own threads. It never shows notes or anything internal.
type Threads interface {
	// Replay reads what happened on a thread after a cursor, oldest first. The empty cursor is
	// the beginning; with last > 0 and an empty cursor it is the last so many items instead.
	// more reports that there is more after the items returned.
	Replay(ctx context.Context, t timeline.Thread, after Cursor, last int) (items []Item, more bool, err error)
	// Watch calls f for each item as it happens, in order, from one goroutine, until cancel.
	// f must not block. An item may be seen by Replay and by Watch: compare cursors.
	Watch(t timeline.Thread, f func(Item)) (cancel func())
	// Typing tells agents that the person is typing, for a few seconds.
	Typing(t timeline.Thread, on bool)
	// Presence tells agents whether the person has the thread open.
	Presence(t timeline.Thread, online bool)
}

// Cursor is a place on a thread, and Item one thing on it; see package timeline.
type (
	Cursor = timeline.Cursor
	Item   = timeline.Item
)

// Health is how an account is doing.
type Health struct {
	State  HealthState `json:"state"`
	Reason string      `json:"reason,omitempty"` // what is wrong, in a sentence
	Next   string      `json:"next,omitempty"`   // what to do about it
	Since  time.Time   `json:"since"`
}

// HealthState is a traffic light.
type HealthState string

// The health states.
const (
	Green HealthState = "green"
	Amber HealthState = "amber"
	Red   HealthState = "red"
)
