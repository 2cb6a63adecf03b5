package webhooks

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/internal/bus"
	"github.com/parley-hub/parley/internal/seal"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// TestSpecificationVector is the example of the Standard Webhooks specification.
func TestSpecificationVector(t *testing.T) {
	const secret, other = seal.Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), seal.Secret("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	const want = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	id, at, body := "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`)
	if got, err := Sign(id, at, body, secret); err != nil || got != want {
		t.Errorf("%q, %v", got, err)
	}
	got, err := Sign(id, at, body, other, secret)
	if err != nil || !strings.HasSuffix(got, " "+want) || len(got) != 2*len(want)+1 {
		t.Errorf("two secrets: %q, %v", got, err)
	}
	for _, bad := range []seal.Secret{"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_?"} {
		if _, err := Sign(id, at, body, bad); err == nil || strings.Contains(err.Error(), bad.Reveal()) {
			t.Errorf("signed with %q, or the error shows it: %v", bad.Reveal(), err)
		}
	}
}

// verify checks a call as a receiver would, by the specification's words.
func verify(c call, secret seal.Secret) bool {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret.Reveal(), "whsec_"))
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(c.id() + "." + c.header.Get("webhook-timestamp") + "."))
	mac.Write(c.body)
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	return slices.Contains(strings.Fields(c.header.Get("webhook-signature")), want)
}

func TestDelivered(t *testing.T) {
	x := newWorld(t)
	all, some := x.receiver(nil), x.receiver(nil)
	e, secret := x.endpoint(all.URL + "/hook")
	x.endpoint(some.URL, "note", "status")
	x.records(says("c1", 1, "Where is my order?"))
	x.records(timeline.Event{Kind: timeline.KindStatus, Conversation: "c1", Seq: 2, Direction: timeline.Internal, Status: &timeline.Status{To: timeline.Resolved}})
	x.work()
	got := all.got()
	if len(got) != 2 || !verify(got[0], secret) || !verify(got[1], secret) {
		t.Fatalf("got %d calls", len(got))
	}
	c := got[0]
	if c.Type != "message.in" || c.Data.Event.Message.Text != "Where is my order?" || c.Data.Conversation.Name != "Maya" || c.Data.Conversation.Labels[0] != "vip" ||
		!c.Timestamp.Equal(t0) || c.header.Get("Content-Type") != "application/json" || c.header.Get("webhook-timestamp") != "1772355600" {
		t.Errorf("%+v\n%s", c.header, c.body)
	}
	if s := some.got(); len(s) != 1 || s[0].Type != "status" || s[0].id() == got[1].id() {
		t.Errorf("the other got %+v", s)
	}
	log := x.deliveries(e)
	if len(log) != 2 || log[0].Seq != 2 || log[1].State != Taken || log[1].Last.Status != 200 || log[1].Attempts != 1 || log[1].ID != c.id() {
		t.Errorf("log %+v", log)
	}
}

func TestRepeatedEventIsOneDelivery(t *testing.T) {
	x := newWorld(t)
	r := x.receiver(nil)
	x.endpoint(r.URL)
	entry := x.records(says("c1", 1, "hello"))
	x.work()
	entry.Repeat = true
	x.follow(entry, entry)
	x.work()
	if got := r.got(); len(got) != 1 {
		t.Errorf("%d calls", len(got))
	}
}

func TestWhatHappenedBeforeOrWhileOffIsNotSent(t *testing.T) {
	x := newWorld(t)
	r := x.receiver(nil)
	early := x.records(says("c1", 1, "before"))
	x.pass(time.Minute)
	e, _ := x.endpoint(r.URL)
	x.follow(early)
	off, on := false, true
	if _, err := x.w.Change(t.Context(), e.ID, Change{Enabled: &off}); err != nil {
		t.Fatal(err)
	}
	x.records(says("c1", 2, "while off"))
	if _, err := x.w.Change(t.Context(), e.ID, Change{Enabled: &on}); err != nil {
		t.Fatal(err)
	}
	x.records(says("c1", 3, "after"))
	x.work()
	if got := r.seqs(); !slices.Equal(got, []int64{3}) {
		t.Errorf("got %v", got)
	}
}

// brittle is a store whose deliveries cannot be written for a while.
type brittle struct {
	store.Store
	broken bool
}

type brittleCollection struct {
	store.Collection
	s *brittle
}

func (b *brittle) C(name string) store.Collection {
	if c := b.Store.C(name); name != store.Deliveries {
		return c
	}
	return brittleCollection{b.Store.C(name), b}
}

func (c brittleCollection) Update(ctx context.Context, filter, update bson.D) (int64, error) {
	if c.s.broken {
		return 0, store.ErrUnavailable
	}
	return c.Collection.Update(ctx, filter, update)
}

func TestCrashBetweenCallAndRecord(t *testing.T) {
	x := newWorld(t)
	r := x.receiver(nil)
	e, secret := x.endpoint(r.URL)
	x.records(says("c1", 1, "hello"))
	dying := x.node("n1", &brittle{Store: x.store, broken: true})
	x.work(dying)
	if log := x.deliveries(e); len(r.got()) != 1 || log[0].State != Waiting {
		t.Fatalf("%d calls, log %+v", len(r.got()), log)
	}
	x.work(x.node("n1", x.store))
	got := r.got()
	if len(got) != 2 || got[0].id() != got[1].id() || !verify(got[1], secret) {
		t.Fatalf("after the restart: %d calls", len(got))
	}
	x.work(x.node("n1", x.store))
	if len(r.got()) != 2 || x.deliveries(e)[0].State != Taken {
		t.Errorf("sent again although it was taken")
	}
}

func TestAnotherNodeTakesOver(t *testing.T) {
	x := newWorld(t)
	r := x.receiver(nil)
	e, _ := x.endpoint(r.URL)
	x.records(says("c1", 1, "hello"))
	if ok, err := x.w.claim(t.Context(), e.ID); err != nil || !ok { // and dies
		t.Fatal(ok, err)
	}
	other := x.node("n2", x.store)
	x.work(other)
	if len(r.got()) != 0 {
		t.Fatal("two nodes work on one endpoint")
	}
	x.pass(leaseFor)
	x.work(other)
	if len(r.got()) != 1 {
		t.Error("nobody took over")
	}
}

func TestNodesShareTheWork(t *testing.T) {
	x := newWorld(t)
	r := x.receiver(nil)
	e, _ := x.endpoint(r.URL)
	for i := int64(1); i <= 20; i++ {
		x.records(says("c"+string(rune('a'+i%5)), i, "hello"))
	}
	other := x.node("n2", x.store)
	for range 3 {
		x.work(x.w, other)
	}
	ids := map[string]int{}
	for _, c := range r.got() {
		ids[c.id()]++
	}
	if len(ids) != 20 || len(r.got()) != 20 || x.get(e).Lease != nil {
		t.Errorf("%d calls of %d deliveries", len(r.got()), len(ids))
	}
}

func TestRetriesUntilADayHasPassed(t *testing.T) {
	x := newWorld(t)
	r := x.receiver(status(503))
	e, _ := x.endpoint(r.URL)
	x.records(says("c1", 1, "hello"))
	var waits []time.Duration
	for x.deliveries(e)[0].State == Waiting {
		x.work()
		d := x.deliveries(e)[0]
		if d.State != Waiting {
			break
		}
		waits = append(waits, d.DueAt.Sub(x.now()))
		x.work() // too early: nothing happens
		if n := len(r.got()); n != d.Attempts {
			t.Fatalf("%d calls after %d attempts", n, d.Attempts)
		}
		x.pass(d.DueAt.Sub(x.now()))
	}
	d := x.deliveries(e)[0]
	if d.State != GivenUp || d.Last.Status != 503 || d.Attempts != len(waits)+1 || x.now().Sub(t0) < 23*time.Hour || x.now().Sub(t0) > 24*time.Hour {
		t.Errorf("%+v after %s", d, x.now().Sub(t0))
	}
	if !slices.Equal(waits[:4], []time.Duration{5 * time.Second, 20 * time.Second, 80 * time.Second, 320 * time.Second}) || slices.Max(waits) != 4*time.Hour {
		t.Errorf("waits %v", waits)
	}
	for _, c := range r.got() {
		if c.id() != d.ID {
			t.Error("another id in another attempt")
		}
	}
}

func TestBackoffIsSpread(t *testing.T) {
	for n, want := range map[int]time.Duration{1: 5 * time.Second, 3: 80 * time.Second, 7: 4 * time.Hour, 1000: 4 * time.Hour} {
		if lo, hi := backoff(n, 0), backoff(n, 1); lo != want*8/10 || hi != want*12/10 {
			t.Errorf("after %d: %s to %s", n, lo, hi)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	for v, want := range map[string]time.Duration{"": 0, "120": 2 * time.Minute, "-5": 0, "99999999999999": 0, "999999": 4 * time.Hour, "soon": 0,
		t0.Add(time.Minute).Format(http.TimeFormat): time.Minute, t0.Add(-time.Minute).Format(http.TimeFormat): 0} {
		if got := retryAfter(v, t0); got != want && (v != "99999999999999" || got != 4*time.Hour) {
			t.Errorf("%q: %s, want %s", v, got, want)
		}
	}
	x := newWorld(t)
	r := x.receiver(func(_ int, w http.ResponseWriter, _ call) {
		w.Header().Set("Retry-After", "600")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	e, _ := x.endpoint(r.URL)
	x.records(says("c1", 1, "hello"))
	x.work()
	if d := x.deliveries(e)[0]; d.DueAt.Sub(x.now()) != 10*time.Minute {
		t.Errorf("due in %s", d.DueAt.Sub(x.now()))
	}
}

func TestOrderWithinAConversation(t *testing.T) {
	x := newWorld(t)
	var sick sync.Map
	r := x.receiver(func(_ int, w http.ResponseWriter, c call) {
		if _, no := sick.Load(c.Data.Event.ID); no {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	e, _ := x.endpoint(r.URL)
	sick.Store(timeline.EventID("c1-1"), true)
	x.records(says("c1", 1, "poison"))
	x.records(says("c1", 2, "behind it"))
	x.records(says("c2", 1, "of another conversation"))
	x.work()
	if n := len(r.got()); n != 2 {
		t.Fatalf("%d calls, want the first of each conversation", n)
	}
	x.records(says("c1", 3, "come meanwhile"))
	x.work()
	x.pass(5 * time.Second)
	x.work()
	for _, c := range r.got()[2:] {
		if c.Data.Event.Seq != 1 {
			t.Fatalf("event %d went before the first", c.Data.Event.Seq)
		}
	}
	x.pass(20 * time.Second)
	x.work() // the third attempt fails: those behind go on beside it
	if got := r.seqs(); !slices.Equal(got[len(got)-3:], []int64{1, 2, 3}) {
		t.Errorf("got %v", got)
	}
	sick.Clear()
	x.pass(80 * time.Second)
	x.work()
	if got := r.got(); got[len(got)-1].Data.Event.ID != "c1-1" || x.get(e).FailingSince != nil {
		t.Errorf("the poisoned one was never taken")
	}
}

func TestSlowEndpointHoldsUpNoOther(t *testing.T) {
	x := newWorld(t)
	slow, fast := x.receiver(nil), x.receiver(nil)
	closed, open := gate(t)
	slow.answer = func(int, http.ResponseWriter, call) { <-closed }
	x.endpoint(slow.URL)
	x.endpoint(fast.URL)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { x.w.Run(ctx) })
	defer running.Wait()
	defer cancel()
	for i := range int64(40) {
		x.records(says("c"+string(rune('a'+i%10)), i+1, "hello"))
	}
	eventually(t, "the fast one has all", func() bool { return len(fast.got()) == 40 })
	if n := len(slow.got()); n > Parallel {
		t.Errorf("%d calls at once to the slow one", n)
	}
	open()
	eventually(t, "the slow one has all", func() bool { return len(slow.got()) == 40 })
}

func TestOneSlowConversationHoldsUpNoOther(t *testing.T) {
	x := newWorld(t)
	r := x.receiver(nil)
	closed, open := gate(t)
	r.answer = func(_ int, _ http.ResponseWriter, c call) {
		if c.Data.Event.Conversation == "c1" {
			<-closed
		}
	}
	x.endpoint(r.URL)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { x.w.Run(ctx) })
	defer running.Wait()
	defer cancel()
	x.records(says("c1", 1, "hangs"))
	eventually(t, "it hangs", func() bool { return len(r.got()) == 1 })
	for i := range int64(5) {
		x.records(says("c2", i+1, "hello"))
	}
	eventually(t, "the other conversation goes on", func() bool { return len(r.got()) == 6 })
	open()
}

func TestStopLeavesWhatIsUnderWayWaiting(t *testing.T) {
	x := newWorld(t)
	r := x.receiver(nil)
	closed, open := gate(t)
	r.answer = func(int, http.ResponseWriter, call) { <-closed }
	e, _ := x.endpoint(r.URL)
	x.records(says("c1", 1, "hello"))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); x.w.Run(ctx) }()
	eventually(t, "it is called", func() bool { return len(r.got()) == 1 })
	cancel()
	<-done
	open()
	if d := x.deliveries(e)[0]; d.State != Waiting || d.Attempts != 0 || x.get(e).FailingSince != nil {
		t.Errorf("what we cut off counts against the endpoint: %+v", d)
	}
	x.work(x.node("n1", x.store))
	if d := x.deliveries(e)[0]; d.State != Taken {
		t.Errorf("after the restart %+v", d)
	}
}

func TestFromTheBus(t *testing.T) {
	x := newWorld(t)
	r := x.receiver(nil)
	x.endpoint(r.URL)
	b, err := bus.Open(t.Context(), bus.Config{Dir: t.TempDir(), Node: "n1", Partitions: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	if err := errors.Join(x.w.Start(b), b.Started(t.Context())); err != nil {
		t.Fatal(err)
	}
	entry := x.records(says("c1", 1, "hello")) // followed by hand as well: still one delivery
	if err := bus.Publish(t.Context(), b, bus.Timeline, entry); err != nil {
		t.Fatal(err)
	}
	second := says("c1", 2, "again")
	second.ID, second.At, second.Received = "c1-2", t0, t0
	if err := x.store.C(store.Events).Insert(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	if err := bus.Publish(t.Context(), b, bus.Timeline, timeline.Entry{Event: second}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "both are received in order", func() bool { x.work(); return slices.Equal(r.seqs(), []int64{1, 2}) })
}
