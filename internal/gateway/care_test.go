package gateway

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// tend looks after accounts and waits until that is over.
func (w *world) tend(g *Gateway) {
	w.t.Helper()
	if err := g.tend(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	eventually(w.t, "accounts are looked after", func() bool {
		for _, l := range g.open.Load().byID {
			if l.caring.Load() {
				return false
			}
		}
		return true
	})
}

func (w *world) health(id timeline.AccountID) channels.Health {
	w.t.Helper()
	a, err := w.g.Get(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return a.Health
}

const day = 24 * time.Hour

// token is an adapter whose credentials end.
type token struct {
	at, ends  time.Time
	refreshes atomic.Int64
	answer    func(n int64) (map[string]string, error)
	slow      chan struct{} // nil: at once
}

func (k *token) toy() *toy {
	return &toy{ends: k.ends, refreshAt: func(time.Time) time.Time { return k.at },
		refresh: func(channels.Account) (map[string]string, error) {
			n := k.refreshes.Add(1)
			if k.slow != nil {
				<-k.slow
			}
			return k.answer(n)
		}}
}

func renewedTo(values ...string) func(int64) (map[string]string, error) {
	return func(int64) (map[string]string, error) { return map[string]string{values[0]: values[1]}, nil }
}

// Case 52, token_expires_in_9_days_idle_channel: it is renewed by schedule, without any traffic.
func TestTokenExpiresInNineDaysIdleChannel(t *testing.T) {
	k := &token{answer: renewedTo("token", "renewed-token")}
	ty := k.toy()
	w := newWorld(t, ty)
	k.at = w.now().Add(30 * day)
	ty.refreshAt = func(now time.Time) time.Time {
		if k.refreshes.Load() > 0 {
			return w.now().Add(30 * day)
		}
		return k.at
	}
	w.account("a")
	w.tend(w.g)
	if k.refreshes.Load() != 0 {
		t.Fatal("renewed before its time")
	}
	w.pass(30*day + refreshSpread)
	w.tend(w.g)
	eventually(t, "it is opened with what is new", func() bool { return w.g.live("a").account.Settings["token"] == "renewed-token" })
	if a := w.g.live("a").account; a.Previous["token"] != canary || k.refreshes.Load() != 1 {
		t.Errorf("%d renewals; the old one verifies: %v", k.refreshes.Load(), a.Previous["token"] == canary)
	}
	w.tend(w.g)
	if k.refreshes.Load() != 1 || w.health("a").State != channels.Green {
		t.Errorf("%d renewals, %+v", k.refreshes.Load(), w.health("a"))
	}
}

// Case 53: token_refresh_too_young makes no call, and token_expired none either, but is told.
func TestTokenRefreshTooYoungAndExpired(t *testing.T) {
	for name, c := range map[string]struct {
		at    time.Duration // 0: there is nothing to renew
		ends  time.Duration
		state channels.HealthState
	}{
		"token_refresh_too_young": {day, 60 * day, channels.Green},
		"token_expired":           {0, -time.Hour, channels.Red},
		"ends_in_19_days":         {0, 19 * day, channels.Amber},
		"ends_in_25_days":         {0, 25 * day, channels.Green},
	} {
		t.Run(name, func(t *testing.T) {
			k := &token{answer: renewedTo("token", "x")}
			ty := k.toy()
			w := newWorld(t, ty)
			if c.at != 0 {
				k.at = w.now().Add(c.at)
			}
			ty.ends = w.now().Add(c.ends)
			w.account("a")
			w.tend(w.g)
			h := w.health("a")
			if k.refreshes.Load() != 0 || h.State != c.state || h.State != channels.Green && h.Next == "" {
				t.Errorf("%d renewals, %+v", k.refreshes.Load(), h)
			}
		})
	}
}

// TestExpiryIsToldAgain: 20, 10 and 3 days before the end.
func TestExpiryIsToldAgain(t *testing.T) {
	k := &token{answer: renewedTo("token", "x")}
	ty := k.toy()
	w := newWorld(t, ty)
	ty.ends = w.now().Add(30 * day)
	w.account("a")
	var told []string
	for range 31 {
		w.tend(w.g)
		if h := w.health("a"); len(told) == 0 || told[len(told)-1] != h.Reason {
			told = append(told, h.Reason)
		}
		w.pass(day)
	}
	if len(told) != 5 || told[0] != "" || !strings.Contains(told[4], "ended") {
		t.Errorf("told %q", told)
	}
}

// Case 54, token_refresh_response_lost: the old token is still tried, and nobody is locked out.
func TestTokenRefreshResponseLost(t *testing.T) {
	k := &token{answer: func(n int64) (map[string]string, error) {
		if n < 3 {
			return nil, errors.New("the answer was lost")
		}
		return map[string]string{"token": "new-token"}, nil
	}}
	ty := k.toy()
	w := newWorld(t, ty)
	k.at = w.now()
	w.account("a")
	w.tend(w.g)
	w.deliver(w.message("m", "with the old one"))
	if h := w.health("a"); h.State != channels.Amber || w.states("m") != "sent" {
		t.Fatalf("%+v, %q", h, w.states("m"))
	}
	w.tend(w.g)
	if n := k.refreshes.Load(); n != 1 {
		t.Fatalf("%d renewals without waiting", n)
	}
	for range 4 {
		w.pass(10 * time.Minute)
		w.tend(w.g)
	}
	if n := k.refreshes.Load(); n < 3 || w.health("a").State != channels.Green || w.g.live("a").account.Settings["token"] != "new-token" {
		t.Errorf("%d renewals, %+v", n, w.health("a"))
	}
}

// Case 55, token_two_nodes_refresh: one renewal at a time over all nodes.
func TestTokenTwoNodesRefresh(t *testing.T) {
	k := &token{answer: renewedTo("token", "new-token"), slow: make(chan struct{})}
	ty := k.toy()
	w := newWorld(t, ty)
	k.at = w.now()
	ty.refreshAt = func(time.Time) time.Time {
		if w.now().After(k.at) {
			return time.Time{}
		}
		return k.at
	}
	w.account("a")
	b := w.gateway("node-b")
	defer func() {
		if err := b.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	eventually(t, "one begins", func() bool {
		if err := errors.Join(w.g.tend(t.Context()), b.tend(t.Context())); err != nil {
			t.Fatal(err)
		}
		return k.refreshes.Load() > 0
	})
	for range 10 {
		if err := errors.Join(w.g.tend(t.Context()), b.tend(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	w.pass(time.Second)
	close(k.slow)
	eventually(t, "both nodes have it", func() bool {
		return w.g.live("a").account.Settings["token"] == "new-token" && b.live("a").account.Settings["token"] == "new-token"
	})
	if n := k.refreshes.Load(); n != 1 {
		t.Errorf("%d renewals", n)
	}
}

// Case 51, token_190_on_send: the message stays queued, the account is red, what comes in is
// taken, and after signing in again the queue is sent or told that its window is over.
func TestToken190OnSend(t *testing.T) {
	var expired atomic.Bool
	expired.Store(true)
	k := &token{answer: func(int64) (map[string]string, error) {
		return nil, &channels.Failure{Class: channels.AuthExpired, Code: "190", Advice: "Sign in to the account again."}
	}}
	ty := k.toy()
	ty.can.Windows = []channels.WindowRule{{Name: "standard", Opens: []string{"message"}, For: day}}
	ty.decode = textDecode("a")
	ty.do = func(context.Context, channels.Step) channels.Result {
		if expired.Load() {
			return rejected(channels.AuthExpired)
		}
		return channels.Result{Outcome: channels.Accepted}
	}
	w := newWorld(t, ty)
	k.at = w.now().Add(20 * day)
	w.account("a")
	w.listen()
	at := func(o timeline.Outbound, age time.Duration) timeline.Outbound {
		o.Opened = map[string]timeline.Window{"message": {At: w.now().Add(-age)}}
		return o
	}
	old := at(w.message("old", "one"), 23*time.Hour)
	w.deliver(old)
	w.pass(time.Millisecond)
	w.deliver(at(w.message("new", "two"), time.Hour))
	w.tend(w.g)
	if n := k.refreshes.Load(); n != 1 {
		t.Fatalf("the credentials were renewed early %d times", n)
	}
	for range 3 {
		w.pass(20 * time.Minute)
		w.tend(w.g)
	}
	if h := w.health("a"); h.State != channels.Red || h.Next == "" || k.refreshes.Load() != 1 {
		t.Fatalf("%+v after %d renewals", h, k.refreshes.Load())
	}
	if status, _, _ := w.post("/hooks/toy/a", []byte("still comes in")); status != http.StatusOK {
		t.Error("receiving stops with sending:", status)
	}
	if got := w.states("old") + w.states("new"); strings.Contains(got, "failed") {
		t.Fatal("the queue was not kept:", got)
	}
	w.pass(2 * time.Hour)
	expired.Store(false)
	if _, err := w.g.Update(t.Context(), "a", Change{Settings: map[string]string{"token": "signed-in-again"}}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the queue moves", func() bool {
		w.fire()
		w.pass(50 * time.Millisecond)
		return strings.HasSuffix(w.states("old"), "failed") && strings.HasSuffix(w.states("new"), "sent")
	})
	if r := w.lastReceipt("old"); r.Failure == nil || r.Failure.Class != string(channels.WindowClosed) {
		t.Errorf("%+v", r.Failure)
	}
}

// TestEarlyRefreshSavesTheQueue: credentials that ended before their time are renewed at once.
func TestEarlyRefreshSavesTheQueue(t *testing.T) {
	k := &token{answer: renewedTo("token", "good-token")}
	ty := k.toy()
	w := newWorld(t, ty)
	k.at = w.now().Add(20 * day)
	ty.do = func(context.Context, channels.Step) channels.Result {
		if w.g.live("a").account.Settings["token"] != "good-token" {
			return rejected(channels.AuthExpired)
		}
		return channels.Result{Outcome: channels.Accepted}
	}
	w.account("a")
	w.deliver(w.message("m", "hi"))
	eventually(t, "it is sent with renewed credentials", func() bool { w.fire(); return strings.HasSuffix(w.states("m"), "sent") })
	if w.health("a").State != channels.Green {
		t.Error(w.health("a"))
	}
}

// Case 56, subscription_lost: mended and told within a day; what cannot be mended is red.
func TestSubscriptionLost(t *testing.T) {
	var checks atomic.Int64
	var lost atomic.Bool
	var broken atomic.Pointer[channels.Failure]
	ty := &toy{subscribe: func() (bool, error) {
		n := checks.Add(1)
		if f := broken.Load(); f != nil {
			return false, f
		}
		return n == 1 || lost.Swap(false), nil
	}}
	w := newWorld(t, ty)
	w.account("a")
	w.tend(w.g)
	if h := w.health("a"); checks.Load() != 1 || h.State != channels.Green {
		t.Fatalf("%d checks, %+v", checks.Load(), h)
	}
	lost.Store(true)
	w.tend(w.g)
	if checks.Load() != 1 {
		t.Error("checked again at once")
	}
	w.pass(24 * time.Hour)
	w.tend(w.g)
	if h := w.health("a"); checks.Load() != 2 || h.State != channels.Amber || h.Next == "" {
		t.Fatalf("%d checks, %+v", checks.Load(), h)
	}
	w.pass(24 * time.Hour)
	w.tend(w.g)
	if h := w.health("a"); h.State != channels.Green {
		t.Errorf("a day later: %+v", h)
	}
	broken.Store(&channels.Failure{Class: channels.Revoked, Said: "The app was removed.", Advice: "Connect it again."})
	w.pass(24 * time.Hour)
	w.tend(w.g)
	if h := w.health("a"); h.State != channels.Red || h.Next != "Connect it again." || !strings.Contains(h.Reason, "The app was removed.") {
		t.Errorf("%+v", h)
	}
	broken.Store(nil)
	if a, err := w.g.Check(t.Context(), "a"); err != nil || a.Health.State != channels.Green {
		t.Errorf("checked by hand: %+v %v", a.Health, err)
	}
}

// TestSubscriptionOfAFarSideThatIsDown is not told at the first failure.
func TestSubscriptionOfAFarSideThatIsDown(t *testing.T) {
	w := newWorld(t, &toy{subscribe: func() (bool, error) { return false, errors.New("no answer") }})
	w.account("a")
	var seen []channels.HealthState
	for range 4 {
		w.tend(w.g)
		seen = append(seen, w.health("a").State)
		w.pass(2 * time.Hour)
	}
	if seen[0] != channels.Green || seen[3] != channels.Amber {
		t.Error(seen)
	}
}

// Case 57, silence_watchdog: amber after three times the typical gap, and never for a night.
func TestSilenceWatchdog(t *testing.T) {
	ty := &toy{decode: textDecode("a")}
	w := newWorld(t, ty)
	w.account("a")
	l := w.g.live("a")
	comes := func() {
		if err := l.host.Emit(t.Context(), said("a", "t", "x")); err != nil {
			t.Fatal(err)
		}
	}
	for range 14 { // a shop: fourteen hours with something every ten minutes, then a night
		for range 84 {
			comes()
			w.pass(10 * time.Minute)
		}
		w.pass(9 * time.Hour)
		w.tend(w.g)
		if h := w.health("a"); h.State != channels.Green {
			t.Fatalf("a night is no silence: %+v", h)
		}
		w.pass(time.Hour)
	}
	comes()
	w.tend(w.g)
	w.pass(24 * time.Hour)
	w.tend(w.g)
	if h := w.health("a"); h.State != channels.Green {
		t.Fatalf("after a day: %+v", h)
	}
	w.pass(9 * time.Hour)
	w.tend(w.g)
	if h := w.health("a"); h.State != channels.Amber || h.Next == "" {
		t.Fatalf("after 33 hours: %+v", h)
	}
	comes()
	w.tend(w.g)
	if h := w.health("a"); h.State != channels.Green {
		t.Errorf("something came: %+v", h)
	}
}

func TestTypicalGap(t *testing.T) {
	for name, c := range map[string]struct {
		gaps map[string]gap
		want time.Duration
	}{
		"too few":             {map[string]gap{"g01": {N: 29, Minutes: 20000}}, 0},
		"not watched a week":  {map[string]gap{"g01": {N: 5000, Minutes: 5000}}, 0},
		"always busy":         {map[string]gap{"g01": {N: 10000, Minutes: 10500}}, time.Minute},
		"nights":              {map[string]gap{"g04": {N: 1000, Minutes: 10000}, "g10": {N: 14, Minutes: 14 * 600}}, 10 * time.Hour},
		"one holiday forgets": {map[string]gap{"g04": {N: 5000, Minutes: 50000}, "g13": {N: 1, Minutes: 5000}}, 10 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			if got, ok := typical(c.gaps); got != c.want || ok != (c.want > 0) {
				t.Errorf("%s, %v", got, ok)
			}
		})
	}
}

// TestLastInIsKept over restarts, and shown.
func TestLastInIsKept(t *testing.T) {
	w := newWorld(t, &toy{decode: textDecode("a")})
	w.account("a")
	if err := w.g.live("a").host.Emit(t.Context(), said("a", "t", "x")); err != nil {
		t.Fatal(err)
	}
	if err := w.g.Close(t.Context()); err != nil { // between two looks
		t.Fatal(err)
	}
	var r record
	if err := w.store.C(store.Accounts).One(t.Context(), bson.D{{Key: "_id", Value: "a"}}, &r); err != nil || r.Care.LastIn == nil {
		t.Fatal(err, r.Care.LastIn)
	}
	w.pass(time.Hour)
	w.reopen()
	if a, err := w.g.Get(t.Context(), "a"); err != nil || a.LastIn == nil || !a.LastIn.Equal(w.now().Add(-time.Hour)) {
		t.Error(a.LastIn, err)
	}
}
