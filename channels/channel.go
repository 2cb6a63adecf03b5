// Package channels is the contract between the hub and the outside world.
//
// A channel is data and a constructor ([Channel]); one configured account of it is a
// [Session]. The required core is two methods, Do and Close. Every further power is an
// interface of one or two methods, found by type assertion: [Decoder], [Runner], [Server],
// [Sockets], [Planner], [Reconciler], [Fetcher], [Profiler], [Refresher], [Subscriber].
// The conformance suite in channeltest checks that the declared capabilities and the
// implemented powers agree.
//
// Decode is pure: bytes in, events out, no clock, no randomness, no I/O. What it does not
// know becomes a visible event of kind unknown; nothing is dropped.
package channels

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/parley-hub/parley/timeline"
)

// Channel describes one kind of channel. It is data: the settings form, the masking of
// secrets, the composer's limits and the docs page are drawn from it. It is safe for
// concurrent use; one value per process and kind.
type Channel struct {
	Kind     string            // "instagram"; also the folder's name
	Title    map[string]string // by language: {"en": "Instagram", "zh": "Instagram"}
	Icon     string            // name of an outline icon the app has, such as "message-circle"
	Hue      int               // 0–359; lightness and chroma belong to the theme
	Settings []Setting         // of one account
	App      []Setting         // shared by every account of the kind, such as an app secret
	Embed    string            // HTML to paste on one's own pages; {hub} and {account} stand for theirs; empty: none
	Can      Capabilities
	Places   map[string]Capabilities // of further sorts of thread by name, such as public comments; the usual one has none
	Connect  []Connect               // ways to make an account by signing in on the far side

	// Open checks settings and secrets; it does no network I/O. Errors name the setting.
	Open func(Account, Host) (Session, error)

	// Simulate plays the far side; nil: nobody wrote that.
	Simulate *Simulator

	// Split is set where one callback URL serves many accounts. It verifies the callback
	// against the app's settings and cuts it up by the far side's name for each account. A
	// secret that was changed still verifies: see [Rotated].
	Split func(app map[string]string, c Callback) ([]Slice, Answer, error)
}

// On is what the far side allows on one sort of thread.
func (c *Channel) On(place string) Capabilities {
	if can, ok := c.Places[place]; ok {
		return can
	}
	return c.Can
}

// Connect makes accounts by the far side's own sign-in, as OAuth 2.0 (RFC 6749 §4.1) has it.
// The hub keeps the state that ties the answer to who asked.
type Connect struct {
	Name  string            // in addresses and records: facebook, google
	Label map[string]string // of the button, by language
	Needs []string          // settings of App without which it cannot work

	// Begin is the address of the far side's consent page. redirect is where it sends the
	// person back to, state what it must hand back.
	Begin func(app map[string]string, redirect, state string) (string, error)
	// Finish trades the query the person came back with for accounts to make. One that is
	// there already (by its handle) gets the new settings. Errors are *Problem where a person can help.
	Finish func(ctx context.Context, h *http.Client, app map[string]string, query map[string][]string, redirect string) ([]Found, error)
}

// Found is an account that a sign-in on the far side gave access to.
type Found struct {
	Name     string
	Handle   timeline.Handle
	Settings map[string]string
}

// Rotated follows the name of a secret in the settings that the accounts of a kind share:
// there is what it was before its last change.
const Rotated = ".previous"

// Slice is what a shared callback says about one account. Its Decode is called with Verified set.
type Slice struct {
	Account timeline.Handle // the far side's name for the account; empty: a test of the far side's, about none
	Callback
}

// Setting is one line of an account's form.
type Setting struct {
	Name     string            // key in Account.Settings
	Label    map[string]string // by language; "en" is required
	Help     map[string]string
	Kind     string // text, secret, url, number, bool, choice, list, color
	Choices  []string
	Default  string
	Optional bool
	Advanced bool               // most accounts leave it alone: the form folds it away
	Handle   bool               // its value is the far side's name for the account, by which callbacks that were split find it
	Check    func(string) error // its error is shown beside the field
}

// Generated is the Default of a secret setting that the hub draws at random, 32 bytes in
// base64url, when an account is made without it.
const Generated = "generated"

// Secret reports whether the value is sealed at rest, masked in answers and redacted in logs.
func (s Setting) Secret() bool { return s.Kind == "secret" }

// Account is one configured instance of a channel, its secrets opened.
type Account struct {
	ID       timeline.AccountID
	Name     string          // ours, for people
	Handle   timeline.Handle // the far side's name for it
	Queue    string          // where its conversations begin
	Settings map[string]string
	Previous map[string]string // secrets that were rotated out and still verify
	App      map[string]string // what the accounts of the kind share
}

// Session is one open account. It is safe for concurrent use.
type Session interface {
	// Do makes one provider call. It returns when the provider answered or ctx ended; a
	// call whose effect is not known for certain has outcome Unsure and is never repeated
	// unasked, unless the channel says that it is Idempotent.
	Do(context.Context, Step) Result

	io.Closer
}

// Decoder is a Session that receives by callback. Decode verifies the signature over the
// raw bytes in constant time and fails closed with [ErrForged]; it is pure.
type Decoder interface {
	Session
	Decode(Callback) ([]timeline.Inbound, Answer, error)
}

// Runner is a Session that receives over a connection it keeps itself: IMAP IDLE, long
// polling, a socket. Run returns when ctx ends or the connection is lost; the host calls
// it again with back-off. The cursor is kept by the host: it is moved only after emit
// returned nil.
type Runner interface {
	Session
	Run(ctx context.Context, cursor []byte, emit func(ctx context.Context, cursor []byte, in ...timeline.Inbound) error) error
}

// Server is a Session that answers HTTP requests of its own under /c/{account}/, such as a
// chat widget's. Unlike Decode it may do I/O. The request is a copy; it may be kept.
type Server interface {
	Session
	Serve(context.Context, Request) Response
}

// Limiter is a Server with limits of its own on request bodies. A body over the limit is
// handed over cut to one byte more than it, so that the session can refuse it in its own words.
type Limiter interface {
	Server
	MaxBody(method, path string) int64 // bytes
}

// Sockets is a Session that talks with customers over websockets which the hub accepts
// under /c/{account}/socket. Attach returns when the talk is over.
type Sockets interface {
	Session
	Attach(context.Context, Request, Socket) error
}

// Socket is an accepted websocket. Reads are made by one goroutine; writes may be
// concurrent. A peer that does not take what is written within ten seconds is closed.
type Socket interface {
	Read() ([]byte, error)
	Write([]byte) error
	Close(code int, reason string) error
}

// Planner is a Session that needs more than one provider call for some messages, or checks
// a message before it is queued. Plan is pure: same input, same steps. Without it a message
// is one step of kind "send".
type Planner interface {
	Session
	Plan(timeline.Outbound) ([]Step, error) // an error is a *Failure
}

// Reconciler is a Session that can find out whether an unsure step arrived.
type Reconciler interface {
	Session
	Find(ctx context.Context, s Step, since time.Time) (remote timeline.RemoteID, found bool, err error)
}

// Starter is a Session on which we may write first. Start says how a first message to an
// address goes, or with a *Failure why it cannot: it fills in Event.Thread, Peer, To, Place and
// About. It is pure; id is unique and becomes part of the new thread's name where it needs one.
type Starter interface {
	Session
	Start(to, about, id string) (timeline.Inbound, error)
}

// Fetcher is a Session whose attachments need its credentials to download, or whose addresses
// it can ask for anew. Errors: a *Problem of the status the far side answered (401, 403 and 410:
// the address has expired, 404: it is gone, 413: it is over max), a *Failure of a class that is
// tried again or not; anything else is tried again later. After an expired address it is
// asked once more, with neither URL nor Expires in the part: it must find another.
type Fetcher interface {
	Session
	Fetch(ctx context.Context, p timeline.Part, max int64) (io.ReadCloser, error)
}

// Profiler is a Session that can look a person up. It is never called while ingesting. The
// avatar is an address; the hub keeps a copy. A *Failure that is not tried again is an answer:
// the far side tells nothing of this person for now.
type Profiler interface {
	Session
	Profile(context.Context, timeline.Identity) (timeline.Profile, error)
}

// Typist is a Session that can show the person that somebody is typing.
type Typist interface {
	Session
	Typing(ctx context.Context, t timeline.Thread, to timeline.Handle, on bool) error
}

// Refresher is a Session whose credentials expire. The host calls Refresh once at a time
// over all nodes, at the moment RefreshAt names, with or without traffic, and once more where
// a step ended with AuthExpired. Zero: there is nothing to renew (any more). Refresh returns
// the settings to change; the session is then opened anew with them. A *Failure of a class
// that [Class.Holds] or Misconfigured is a refusal: sending waits for a person. Any other error
// is tried again.
type Refresher interface {
	Session
	RefreshAt(now time.Time) time.Time
	Refresh(context.Context) (settings map[string]string, err error)
}

// Expirer is a Session that knows when its credentials end, unless they are renewed: people
// are told 20, 10 and 3 days before. Zero: never, or not known.
type Expirer interface {
	Session
	ExpiresAt() time.Time
}

// Subscriber is a Session whose callbacks are a subscription on the far side: desired
// state, checked daily and when the account changes.
type Subscriber interface {
	Session
	EnsureSubscribed(context.Context) (changed bool, err error)
}

// Callback is an HTTP request as the far side made it. Body is the bytes on the wire,
// before any decompression.
type Callback struct {
	Method string
	Path   string // below the callback's URL
	Query  map[string][]string
	Header http.Header
	Body   []byte
	At     time.Time
	// Verified says that Split has checked the signature already. Only the hub sets it.
	Verified bool
}

// Answer is what to reply once the events are durable. The zero value is 200 with no body.
type Answer struct {
	Status int
	Type   string // content type
	Body   []byte
}

// Request is an HTTP request of a customer's program.
type Request struct {
	Callback
	Remote string // the customer's network address, behind trusted proxies
	Host   string // the host name the customer's program used
	Secure bool   // over TLS
}

// Origin is the page the request was made from; empty where the program sent none.
func (r Request) Origin() string { return r.Header.Get("Origin") }

// Response answers a Request. A zero Status is 200.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}
