package inbox

import (
	"slices"
	"strings"
	"time"

	"github.com/parley-hub/parley/timeline"
)

// rank orders the states of one attempt by what they prove. A cancelled message that was
// being sent after all is being sent; an unsure one that turns up was sent; a bounce says
// more than "accepted", and a seen message was seen whatever an error says.
var rank = map[timeline.DeliveryState]int{
	timeline.Queued: 1, timeline.Cancelled: 2, timeline.Sending: 3, timeline.Unsure: 4,
	timeline.Sent: 5, timeline.Failed: 6, timeline.Delivered: 7, timeline.Read: 8,
}

// Climb takes a receipt into a delivery. The greater of (attempt, rank of the state) counts,
// so that receipts may come in any order. Within an attempt, failed is left only for proof
// that the message arrived, and the failure is kept beside it as a note; a late sent changes
// nothing. A receipt without an attempt speaks of the present one.
//
// While a message waits, Failure says when it is tried again.
func Climb(was timeline.Delivery, r timeline.Receipt, at time.Time) (now timeline.Delivery, changed bool) {
	if rank[r.State] == 0 {
		return was, false
	}
	now = was
	now.Attempt = max(was.Attempt, 1)
	attempt := r.Attempt
	if attempt == 0 {
		attempt = now.Attempt
	}
	now.Remotes, changed = union(was.Remotes, r.Remotes)
	switch {
	case was.State == "" || attempt > now.Attempt:
		now.State, now.At, now.Attempt, now.Failure = r.State, at, attempt, r.Failure
		return now, true
	case attempt < now.Attempt:
		return now, changed
	case rank[r.State] > rank[was.State]:
		now.State, now.At = r.State, at
		now.Failure = note(was, r)
		return now, true
	case r.State == was.State && at.Before(was.At):
		now.At, changed = at, true
	}
	if f := weigh(now, r); f != now.Failure {
		now.Failure, changed = f, true
	}
	return now, changed
}

// waits reports whether the hub may still send by itself: its failure then names the next try.
func waits(s timeline.DeliveryState) bool { return rank[s] <= rank[timeline.Sending] }

// note is the failure that goes with a state just climbed to.
func note(was timeline.Delivery, r timeline.Receipt) *timeline.Failure {
	switch {
	case waits(r.State):
		return worse(was.Failure, r.Failure)
	case rank[r.State] > rank[timeline.Failed] && was.State == timeline.Failed:
		return was.Failure
	case rank[r.State] > rank[timeline.Failed]:
		if rank[was.State] > rank[timeline.Failed] {
			return was.Failure
		}
		return nil
	}
	return r.Failure
}

// weigh is the failure after a receipt that did not raise the state.
func weigh(now timeline.Delivery, r timeline.Receipt) *timeline.Failure {
	switch {
	case r.Failure == nil:
		return now.Failure
	case waits(now.State) && waits(r.State):
		return worse(now.Failure, r.Failure)
	case r.State == now.State, r.State == timeline.Failed && rank[now.State] > rank[timeline.Failed]:
		return worse(now.Failure, r.Failure)
	}
	return now.Failure
}

// worse picks one of two failures, always the same: the later next try, then the greater words.
func worse(a, b *timeline.Failure) *timeline.Failure {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	if c := compareRetry(a.Retry, b.Retry); c != 0 {
		if c > 0 {
			return a
		}
		return b
	}
	if strings.Compare(words(a), words(b)) >= 0 {
		return a
	}
	return b
}

func compareRetry(a, b *time.Time) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	return a.Compare(*b)
}

func words(f *timeline.Failure) string {
	return strings.Join([]string{f.Class, f.Code, f.Said, f.Advice}, "\x00")
}

// union adds what is new, sorted, so that the order of receipts leaves no trace.
func union(have, add []timeline.RemoteID) ([]timeline.RemoteID, bool) {
	out, changed := have, false
	for _, r := range add {
		if r == "" || slices.Contains(out, r) {
			continue
		}
		if !changed {
			out, changed = slices.Clone(have), true
		}
		out = append(out, r)
	}
	if changed {
		slices.Sort(out)
	}
	return out, changed
}

// Undelivered reports whether a message of ours needs somebody to look at it.
func Undelivered(ev *timeline.Event) bool {
	if ev == nil || ev.Message == nil || ev.Message.Delivery == nil || ev.Direction != timeline.Out {
		return false
	}
	s := ev.Message.Delivery.State
	return s == timeline.Failed || s == timeline.Unsure
}

// arrived reports whether a message of ours is known to have left for the person.
func arrived(ev *timeline.Event) bool {
	if ev.Message == nil || ev.Message.Delivery == nil {
		return true // typed in the channel's own app
	}
	switch ev.Message.Delivery.State {
	case timeline.Sent, timeline.Delivered, timeline.Read:
		return true
	}
	return false
}
