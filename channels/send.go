package channels

import (
	"errors"
	"fmt"
	"time"

	"github.com/parley-hub/parley/timeline"
)

// Step is one provider call. Its key is the message's id and the step's number, and serves
// as idempotency key where the far side takes one.
type Step struct {
	Key      string            `json:"key"`  // StepKey(Outbound.ID, n)
	Kind     string            `json:"kind"` // send, edit, unsend, react, hide, unhide, delete
	N        int               `json:"n"`    // from 0
	Outbound timeline.Outbound `json:"outbound"`
	Text     string            `json:"text,omitempty"` // of a send: this step's share
	Parts    []timeline.Part   `json:"parts,omitempty"`
	Tag      string            `json:"tag,omitempty"` // of the window rule that allows it
	Data     map[string]string `json:"data,omitempty"`
}

// StepKey names the nth step of a message.
func StepKey(id timeline.EventID, n int) string { return fmt.Sprintf("%s/%d", id, n) }

// Outcome is how a provider call ended. There are three ways, not two.
type Outcome int

// The outcomes.
const (
	Accepted Outcome = iota + 1 // the provider took it; Remote is its id
	Rejected                    // the provider said no, or it certainly never arrived; Failure says why
	Unsure                      // it may have been acted upon: reconcile, never repeat blindly
)

func (o Outcome) String() string {
	switch o {
	case Accepted:
		return "accepted"
	case Rejected:
		return "rejected"
	case Unsure:
		return "unsure"
	}
	return fmt.Sprintf("outcome(%d)", int(o))
}

// Result is what one provider call came to.
type Result struct {
	Outcome Outcome
	Remote  timeline.RemoteID
	At      time.Time              // the provider's time; zero: now
	State   timeline.DeliveryState // Accepted: how far it is known to have got; empty: sent
	Failure *Failure
}

// Class is what a failure means for what happens next.
type Class string

// The classes of failure.
const (
	Transient     Class = "transient"     // try again by ourselves
	RateLimited   Class = "rate_limited"  // try again after After; the account rests
	AuthExpired   Class = "auth_expired"  // the account needs its credentials renewed; sending waits
	Revoked       Class = "revoked"       // the account was cut off; sending waits for a person
	Restricted    Class = "restricted"    // the provider limits the account
	WindowClosed  Class = "window_closed" // too late for this leg
	Unreachable   Class = "unreachable"   // the person left, blocked us or does not exist
	BadContent    Class = "bad_content"   // this message cannot be sent like this
	BadMedia      Class = "bad_media"     // a part was refused
	NotOwner      Class = "not_owner"     // another app holds the thread
	QuotaSpent    Class = "quota_spent"   // nothing more in this window
	Misconfigured Class = "misconfigured" // the account's settings are wrong
	Permanent     Class = "permanent"     // never; the provider's words say why
)

// Classes lists every class, for exhaustive tests.
var Classes = []Class{Transient, RateLimited, AuthExpired, Revoked, Restricted, WindowClosed, Unreachable,
	BadContent, BadMedia, NotOwner, QuotaSpent, Misconfigured, Permanent}

// Again reports whether the hub tries again by itself.
func (c Class) Again() bool { return c == Transient || c == RateLimited }

// Holds reports whether the account's sending waits until a person acted.
func (c Class) Holds() bool { return c == AuthExpired || c == Revoked }

// Failure is why a call did not do what was asked. It carries the decision (Class), the
// provider's code and words verbatim, and what the agent can do. It holds no secret.
type Failure struct {
	Class  Class
	Code   string        // the provider's own, such as "100/2018047"
	Said   string        // the provider's own words
	Advice string        // what helps, in our words
	After  time.Duration // RateLimited: how long to wait
	Err    error         // for the log
}

func (f *Failure) Error() string {
	return fmt.Sprintf("channels: %s %s %s", f.Class, f.Code, f.Said)
}

func (f *Failure) Unwrap() error { return f.Err }

// Wire is the failure as events carry it.
func (f *Failure) Wire() *timeline.Failure {
	if f == nil {
		return nil
	}
	return &timeline.Failure{Class: string(f.Class), Code: f.Code, Said: f.Said, Advice: f.Advice}
}

// ErrForged is returned for a callback whose signature does not hold. Its text never
// contains what the signature should have been.
var ErrForged = errors.New("channels: the request's signature does not hold")

// Problem is an error a far side's program should read: the hub answers it as an RFC 9457
// problem document with the status.
type Problem struct {
	Status int    // HTTP status
	Title  string // what is wrong, in one line
	Detail string // what to do
}

func (p *Problem) Error() string { return p.Title + ": " + p.Detail }
