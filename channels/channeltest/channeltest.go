// Package channeltest is the contract that every adapter must pass, and a hub in memory to
// test one against. Nothing here uses a network.
//
// The checks are named C1 to C20. One that does not apply to an adapter is skipped with its
// reason, so that a skipped check is seen. What the hub itself guarantees, such as crashes
// between steps, is tested with the hub.
package channeltest

import (
	"net/http"
	"testing"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

// Account is the id of the account under test.
const Account timeline.AccountID = "acct"

// Harness is what an adapter supplies to be tested.
type Harness struct {
	Channel  channels.Channel
	Settings map[string]string // of a good account; secrets are recognisable
	App      map[string]string // what accounts share, where the channel splits callbacks

	// Sign makes a recorded body into the callback the far side would have made, given the
	// account's settings and among them those of App. Nil: the channel takes no callbacks.
	Sign func(settings map[string]string, body []byte) channels.Callback
	// Shown says that the far side shows a secret beside the body instead of signing the body,
	// so that a changed body cannot be told.
	Shown bool
	// Samples are recorded bodies by name. Each holds at least one thing to show.
	Samples map[string][]byte
	// Odd are names of samples of unknown kinds; they must become visible events.
	Odd []string
	// Challenge is the far side's question whether the address is ours, and its right answer.
	Challenge *Challenge

	// Wrong are further questions that must not be answered, such as of another mode.
	Wrong []channels.Callback

	// Failures are ways the far side says no: the session is opened over the transport, and
	// its call must end in the class.
	Failures []Failure
	// Lost is a transport that takes a request and never answers. Nil: no call leaves the process.
	Lost Transport

	// Errors are recorded answers of the far side: each ends a call in its class, with the far
	// side's code and words kept.
	Errors []Recorded
	// Renewal is how credentials are renewed, where they end.
	Renewal *Renewal
	// StartTo is an address one may write to first, where the channel allows that.
	StartTo string

	MaxOpenKB int // memory of one open account; 0: 64
}

// Challenge is a question of the far side.
type Challenge struct {
	Right, Wrong channels.Callback
	Answer       string
}

// Failure is one way the far side says no.
type Failure struct {
	Name  string
	Far   Transport
	Class channels.Class
}

// Recorded is an answer of the far side as it was recorded. With the outcome Unsure it may have
// acted all the same.
type Recorded struct {
	Name    string
	Status  int
	Header  http.Header
	Body    string
	Outcome channels.Outcome // 0: Rejected
	Class   channels.Class
	Code    string // as the far side has it; empty: not looked at
	Said    string // its words; empty: not looked at
}

// Report is how an adapter did.
type Report struct {
	Failed  map[string][]string // by check
	Skipped map[string]string   // by check: why
}

// check is one named check.
type check struct {
	name, about string
	run         func(*probe)
}

// probe is a check under way.
type probe struct {
	h       Harness
	failed  []string
	skipped string
}

// Run checks an adapter.
func Run(t *testing.T, h Harness) {
	t.Helper()
	for _, c := range checks {
		t.Run(c.name+"_"+c.about, func(t *testing.T) {
			p := examine(h, c)
			if p.skipped != "" {
				t.Skip(p.skipped)
			}
			for _, f := range p.failed {
				t.Error(f)
			}
		})
	}
}

// Examine runs every check and reports, for tests of the checks themselves.
func Examine(h Harness) Report {
	r := Report{Failed: map[string][]string{}, Skipped: map[string]string{}}
	for _, c := range checks {
		switch p := examine(h, c); {
		case p.skipped != "":
			r.Skipped[c.name] = p.skipped
		case len(p.failed) > 0:
			r.Failed[c.name] = p.failed
		}
	}
	return r
}

func examine(h Harness, c check) *probe {
	p := &probe{h: h}
	func() {
		defer func() {
			if r := recover(); r != nil {
				p.fail("it panicked: %v", r)
			}
		}()
		c.run(p)
	}()
	return p
}

// checks are all there are.
var checks = []check{
	{"C1", "challenge", challenge},
	{"C2", "authenticate", authenticate},
	{"C3", "fuzz_never_panics", fuzz},
	{"C4", "decode_is_pure_and_drops_nothing", pure},
	{"C5", "ids_are_derived", derived},
	{"C6", "order_of_callbacks_changes_nothing", permuted},
	{"C7", "replay_is_the_same", replayed},
	{"C8", "crash_points", ofHub("between steps the hub decides what is repeated; see the gateway's crash tests")},
	{"C9", "plan_is_pure_and_keeps_limits", plans},
	{"C10", "failures_are_classified", failures},
	{"C11", "doubt_is_told", doubt},
	{"C12", "rates", ofHub("the hub keeps the declared rates; see the gateway's rate tests")},
	{"C13", "windows_are_sound", windows},
	{"C14", "credentials", credentials},
	{"C15", "retention", retention},
	{"C16", "secrets_stay_inside", secrets},
	{"C17", "capabilities_agree_with_powers", agreement},
	{"C18", "close_leaves_nothing", closes},
	{"C19", "a_thousand_accounts", thousand},
	{"C20", "description_is_complete", description},
}

func ofHub(why string) func(*probe) { return func(p *probe) { p.skip(why) } }
