package webhooks

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/internal/auth"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

func TestEveryKindHasAName(t *testing.T) {
	for _, k := range timeline.Kinds {
		name := KindOf(&timeline.Event{Kind: k})
		if !known(name) || (name == "unknown") != (k == timeline.KindUnknown) {
			t.Errorf("%s is %s", k, name)
		}
	}
	for name, ev := range map[string]timeline.Event{
		"message.in":      {Kind: timeline.KindMessage, Direction: timeline.In},
		"message.out":     {Kind: timeline.KindMessage, Direction: timeline.Out},
		"person.merged":   {Kind: timeline.KindMerge, Merge: &timeline.Merge{}},
		"person.unmerged": {Kind: timeline.KindMerge, Merge: &timeline.Merge{Undone: true}},
		"person.erased":   {Kind: timeline.KindControl, Control: &timeline.Control{Name: "erased"}},
		"control":         {Kind: timeline.KindControl, Control: &timeline.Control{Name: "opt_out"}},
		"unknown":         {Kind: "hologram"},
	} {
		if got := KindOf(&ev); got != name {
			t.Errorf("%s is %s", name, got)
		}
	}
}

func TestEndpointsAreChecked(t *testing.T) {
	x := newWorld(t)
	for name, c := range map[string]struct {
		d     Draft
		field string
	}{
		"no name":             {Draft{URL: "https://example.org"}, "name"},
		"no address":          {Draft{Name: "x"}, "url"},
		"not an address":      {Draft{Name: "x", URL: "example.org/hook"}, "url"},
		"another scheme":      {Draft{Name: "x", URL: "ftp://example.org"}, "url"},
		"a password":          {Draft{Name: "x", URL: "https://me:pass@example.org"}, "url"},
		"a fragment":          {Draft{Name: "x", URL: "https://example.org/#top"}, "url"},
		"http outside":        {Draft{Name: "x", URL: "http://8.8.8.8/hook"}, "url"},
		"a private address":   {Draft{Name: "x", URL: "https://10.1.2.3/hook"}, "url"},
		"the metadata server": {Draft{Name: "x", URL: "http://169.254.169.254/latest"}, "url"},
		"mapped into IPv6":    {Draft{Name: "x", URL: "https://[::ffff:10.1.2.3]/"}, "url"},
		"an unknown kind":     {Draft{Name: "x", URL: "https://8.8.8.8", Kinds: []string{"everything"}}, "kinds"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := x.w.Create(t.Context(), c.d)
			var wrong auth.FieldErrors
			if !errors.As(err, &wrong) || wrong[0].Field != c.field {
				t.Errorf("%v", err)
			}
		})
	}
	if e, _, err := x.w.Create(t.Context(), Draft{Name: "x", URL: "https://8.8.8.8/hook?token=abc"}); err != nil || e.Stopped != StoppedByHand {
		t.Errorf("%+v, %v", e, err)
	}
	if _, err := x.w.Get(t.Context(), "none"); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
	if err := x.w.Remove(t.Context(), "none"); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
}

// TestPrivateAddressIsRefusedWhenDialled: a name may change its mind after it was written down.
func TestPrivateAddressIsRefusedWhenDialled(t *testing.T) {
	x := newWorld(t)
	r := x.receiver(nil)
	e, _ := x.endpoint(r.URL)
	x.w.d.Allow = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	strict, err := New(x.w.d)
	if err != nil {
		t.Fatal(err)
	}
	x.records(says("c1", 1, "hello"))
	x.work(strict)
	if d := x.deliveries(e)[0]; len(r.got()) != 0 || d.State != Waiting || d.Last.Status != 0 || !strings.Contains(d.Last.Error, "inside the house") {
		t.Errorf("%d calls, %+v", len(r.got()), d.Last)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	x := newWorld(t)
	other := x.receiver(nil)
	r := x.receiver(func(_ int, w http.ResponseWriter, _ call) {
		w.Header().Set("Location", other.URL)
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
	e, _ := x.endpoint(r.URL)
	x.records(says("c1", 1, "hello"))
	x.work()
	if d := x.deliveries(e)[0]; len(other.got()) != 0 || d.Last.Status != 307 || d.State != Waiting {
		t.Errorf("%d calls elsewhere, %+v", len(other.got()), d.Last)
	}
}

func TestSecretRotation(t *testing.T) {
	x := newWorld(t)
	r := x.receiver(nil)
	e, first := x.endpoint(r.URL)
	if raw, err := json.Marshal(x.get(e)); err != nil || strings.Contains(string(raw), first.Reveal()) {
		t.Fatalf("the secret is kept as it is: %s %v", raw, err)
	}
	_, second, err := x.w.Rotate(t.Context(), e.ID)
	if err != nil || second == first || !strings.HasPrefix(second.Reveal(), "whsec_") {
		t.Fatal(err)
	}
	x.records(says("c1", 1, "hello"))
	x.work()
	if c := r.got()[0]; !verify(c, first) || !verify(c, second) || len(strings.Fields(c.header.Get("webhook-signature"))) != 2 {
		t.Errorf("signature %s", c.header.Get("webhook-signature"))
	}
	x.pass(RotationKeeps)
	x.records(says("c1", 2, "hello"))
	x.work()
	if c := r.got()[1]; verify(c, first) || !verify(c, second) {
		t.Error("the old secret still signs, or the new one does not")
	}
}

func TestGoneSwitchesOff(t *testing.T) {
	x := newWorld(t)
	r := x.receiver(status(410))
	e, _ := x.endpoint(r.URL)
	x.records(says("c1", 1, "hello"))
	x.records(says("c2", 1, "hello"))
	x.records(says("c3", 1, "hello"))
	x.work()
	x.work()
	if got := x.get(e); got.Enabled || got.Stopped != StoppedGone {
		t.Errorf("%+v", got)
	}
	if len(x.audit) != 1 || x.audit[0].Action != "webhook.stop" || x.audit[0].Target != e.ID || x.audit[0].Data["why"] != "gone" {
		t.Errorf("audit %+v", x.audit)
	}
	calls := len(r.got())
	x.pass(time.Hour)
	x.work()
	if len(r.got()) != calls {
		t.Error("called although it is off")
	}
}

func TestFailingForFiveDaysSwitchesOff(t *testing.T) {
	x := newWorld(t)
	ok := false
	r := x.receiver(func(_ int, w http.ResponseWriter, _ call) {
		if !ok {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	e, _ := x.endpoint(r.URL)
	tick := func(seq int64, d time.Duration) {
		x.pass(d)
		x.records(says("c"+string(rune('a'+seq)), seq, "hello"))
		x.work()
	}
	tick(1, 0)
	tick(2, 4*24*time.Hour)
	ok = true
	tick(3, time.Hour)
	ok = false
	tick(4, 23*time.Hour)
	if got := x.get(e); !got.Enabled {
		t.Fatal("off although it took something in between")
	}
	tick(5, 5*24*time.Hour)
	if got := x.get(e); got.Enabled || got.Stopped != StoppedFailing || len(x.audit) != 1 || x.audit[0].Data["why"] != "failing" {
		t.Errorf("%+v, audit %+v", got, x.audit)
	}
	on := true
	if got, err := x.w.Change(t.Context(), e.ID, Change{Enabled: &on}); err != nil || got.FailingSince != nil || got.Stopped != "" {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestTakenBackContentNeverLeaves: it was taken back, or erased, while its delivery waited.
func TestTakenBackContentNeverLeaves(t *testing.T) {
	x := newWorld(t)
	ok := false
	r := x.receiver(func(_ int, w http.ResponseWriter, c call) {
		if !ok {
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = w.Write([]byte("cannot store: " + c.Data.Event.Message.Text))
		}
	})
	e, _ := x.endpoint(r.URL, "message.in", "message.edited")
	x.records(says("c1", 1, "my card is 4111"))
	x.work()
	if got := x.deliveries(e)[0].Last.Snippet; got != "cannot store: my card is 4111" {
		t.Fatalf("snippet %q", got)
	}
	at := x.now()
	msg := says("c1", 1, "")
	if _, err := x.store.C(store.Events).Update(t.Context(), byID("c1-1"), bson.D{{Key: "$set", Value: bson.D{{Key: "message", Value: timeline.Message{Text: "my card is 4111", Unsent: &at}}}}}); err != nil {
		t.Fatal(err)
	}
	x.records(timeline.Event{Kind: timeline.KindEdit, Conversation: "c1", Seq: 2, Direction: timeline.In, Edit: &timeline.Edit{Text: "my card is 4111 too", Rev: 1}}, &msg)
	x.records(timeline.Event{Kind: timeline.KindUnsend, Conversation: "c1", Seq: 3, Direction: timeline.In, Unsend: &timeline.Unsend{}}, &msg)
	if got := x.deliveries(e); got[len(got)-1].Last.Snippet != "" {
		t.Error("an answer that repeats what was taken back is kept")
	}
	ok = true
	x.pass(time.Minute)
	x.work()
	got := r.got()[1:]
	if len(got) != 2 {
		t.Fatalf("%d calls", len(got))
	}
	for _, c := range got {
		if strings.Contains(string(c.body), "4111") {
			t.Errorf("it left the house: %s", c.body)
		}
	}
	if got[0].Data.Event.Message.Unsent == nil {
		t.Error("the receiver is not told that it was taken back")
	}
}

func TestErasedEventIsFoundByItsNumber(t *testing.T) {
	x := newWorld(t)
	r := x.receiver(nil)
	x.endpoint(r.URL)
	ev := says("c1", 1, "hello")
	ev.ID = "acct|mail:maya@example.org"
	x.records(ev)
	if _, err := x.store.C(store.Events).Delete(t.Context(), byID(string(ev.ID))); err != nil {
		t.Fatal(err)
	}
	ev.ID, ev.Message = "acct|erased-3f2a", &timeline.Message{}
	if err := x.store.C(store.Events).Insert(t.Context(), ev); err != nil {
		t.Fatal(err)
	}
	x.work()
	if got := r.got(); len(got) != 1 || strings.Contains(string(got[0].body), "maya@") || got[0].Data.Event.ID != ev.ID {
		t.Errorf("%d calls", len(got))
	}
	n, err := x.store.C(store.Deliveries).Count(t.Context(), bson.D{{Key: "endpoint", Value: bson.D{{Key: "$exists", Value: true}}}})
	if err != nil || n != 1 {
		t.Error(n, err)
	}
}

func TestLogAndReplay(t *testing.T) {
	x := newWorld(t)
	var e *Endpoint
	r := x.receiver(func(n int, w http.ResponseWriter, c call) {
		if n == 0 {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = fmt.Fprintf(w, "bad\n\x00signature %s token=hush-hush %s", c.header.Get("webhook-signature"), strings.Repeat("é", 2000))
		}
	})
	e, secret := x.endpoint(r.URL + "?token=hush-hush")
	var s string
	for i := range int64(4) {
		x.records(says("c"+string(rune('a'+i)), 1, "hello"))
		x.work()
		if i == 0 {
			s = x.deliveries(e)[0].Last.Snippet
		}
		x.pass(time.Minute)
	}
	if !strings.HasPrefix(s, "bad signature v1,[secret] token=[secret] éé") || len(s) > 1024 || strings.ContainsRune(s, '\uFFFD') || strings.Contains(s, secret.Reveal()) {
		t.Errorf("snippet of %d bytes: %q", len(s), s)
	}
	page, err := x.w.Deliveries(t.Context(), e.ID, Page{Limit: 2})
	if err != nil || len(page) != 2 {
		t.Fatal(len(page), err)
	}
	rest, err := x.w.Deliveries(t.Context(), e.ID, Page{Before: page[1].Pos, State: Taken})
	if err != nil || len(rest) != 2 {
		t.Fatalf("%d, %v", len(rest), err)
	}
	again, err := x.w.Replay(t.Context(), e.ID, page[0].ID)
	if err != nil || again.State != Waiting || again.Attempts != 0 {
		t.Fatalf("%+v, %v", again, err)
	}
	x.work()
	got := r.got()
	if last := got[len(got)-1]; last.id() != page[0].ID {
		t.Errorf("replayed %s as %s", page[0].ID, last.id())
	}
	before := len(got)
	n, err := x.w.ReplayRange(t.Context(), e.ID, t0.Add(time.Minute), t0.Add(3*time.Minute), "")
	if err != nil || n != 2 {
		t.Fatalf("%d in the range, %v", n, err)
	}
	x.work()
	if got := r.got(); len(got) != before+2 {
		t.Errorf("%d calls for a range of two", len(got)-before)
	}
	off := false
	if _, err := x.w.Change(t.Context(), e.ID, Change{Enabled: &off}); err != nil {
		t.Fatal(err)
	}
	if _, err := x.w.Replay(t.Context(), e.ID, page[0].ID); !errors.Is(err, ErrOff) {
		t.Error(err)
	}
	d, err := x.w.Test(t.Context(), e.ID)
	if err != nil || d.State != Taken || d.Kind != "test" || d.Last.Status != 200 {
		t.Fatalf("%+v, %v", d, err)
	}
	if got := r.got(); got[len(got)-1].Type != "test" || !verify(got[len(got)-1], secret) || got[len(got)-1].Data.Endpoint != e.ID {
		t.Error("the test was not sent as one")
	}
}

func TestTestsAreNotReplayed(t *testing.T) {
	x := newWorld(t)
	r := x.receiver(status(500))
	e, _ := x.endpoint(r.URL)
	d, err := x.w.Test(t.Context(), e.ID)
	if err != nil || d.State != GivenUp || x.get(e).FailingSince != nil {
		t.Fatalf("%+v, %v", d, err)
	}
	if _, err := x.w.Replay(t.Context(), e.ID, d.ID); !errors.Is(err, ErrTest) {
		t.Error(err)
	}
	if n, err := x.w.ReplayRange(t.Context(), e.ID, t0.Add(-time.Hour), t0.Add(time.Hour), ""); n != 0 || err != nil {
		t.Error(n, err)
	}
	if _, err := x.w.Replay(t.Context(), e.ID, "none"); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
}

func TestTheLogIsTrimmed(t *testing.T) {
	x := newWorld(t)
	r := x.receiver(nil)
	e, _ := x.endpoint(r.URL)
	for i := range int64(6) {
		x.records(says("c1", i+1, "hello"))
		x.work()
	}
	x.records(says("c1", 7, "waits"))
	x.w.kept = 3
	left := func() (out []int64) {
		if err := x.w.Trim(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, d := range x.deliveries(e) {
			out = append(out, d.Seq)
		}
		return out
	}
	if got := left(); !slices.Equal(got, []int64{7, 6, 5}) {
		t.Errorf("left %v", got)
	}
	x.pass(KeepFor + time.Minute)
	if got := left(); !slices.Equal(got, []int64{7}) {
		t.Errorf("left %v: what waits stays, what is old goes", got)
	}
	x.work()
	if d := x.deliveries(e)[0]; d.State != GivenUp || d.Attempts != 0 || len(r.got()) != 6 {
		t.Errorf("what waited for a month: %+v", d)
	}
}

func TestLogsHoldNoContent(t *testing.T) {
	x := newWorld(t)
	r := x.receiver(func(_ int, w http.ResponseWriter, c call) {
		w.WriteHeader(http.StatusGone)
		_, _ = w.Write(c.body)
	})
	e, secret := x.endpoint(r.URL + "/path-token?key=query-token")
	x.records(says("c1", 1, "very private words"))
	x.work()
	closed := x.receiver(nil)
	x.endpoint(closed.URL + "/path-token?key=query-token")
	closed.Close()
	x.records(says("c1", 2, "very private words"))
	x.work(x.node("n1", &brittle{Store: x.store, broken: true}))
	out := x.log.String() + fmt.Sprint(x.audit)
	for _, bad := range []string{"very private", "path-token", "query-token", secret.Reveal()} {
		if strings.Contains(out, bad) {
			t.Errorf("%q is in the log:\n%s", bad, out)
		}
	}
	if !strings.Contains(out, e.ID) || !strings.Contains(out, "interrupted") {
		t.Errorf("the log says nothing:\n%s", out)
	}
	for _, d := range x.deliveries(e) {
		if d.Last != nil && strings.Contains(d.Last.Error, "token") {
			t.Errorf("error %q", d.Last.Error)
		}
	}
}
