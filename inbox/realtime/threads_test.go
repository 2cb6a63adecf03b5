package realtime

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-hub/parley/timeline"
)

var visit = timeline.Thread{Account: "a", ID: "v-1"}

func answer(id timeline.EventID, text string) timeline.Event {
	e := says(text)
	e.ID, e.Direction, e.Actor = id, timeline.Out, timeline.Actor{Kind: timeline.ActorAgent, ID: "01AGENT", Name: "Priya"}
	e.Message.Delivery = &timeline.Delivery{State: timeline.Queued, Attempt: 1}
	e.Client = "01CLIENTOFAGENT"
	return e
}

func receipt(of timeline.EventID, s timeline.DeliveryState) timeline.Event {
	return timeline.Event{Kind: timeline.KindReceipt, Direction: timeline.Out, Leg: visit.Leg(), Actor: timeline.Actor{Kind: timeline.ActorSystem, Name: "gateway"},
		At: timeline.Now(), Received: timeline.Now(), Receipt: &timeline.Receipt{Of: timeline.Ref{Event: of}, State: s, Failure: &timeline.Failure{Said: "SECRET"}}}
}

// told gathers what a watcher is told.
type heardItems struct {
	mu    sync.Mutex
	items []timeline.Item
}

func (h *heardItems) add(it timeline.Item) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.items = append(h.items, it)
}

func (h *heardItems) wait(t *testing.T, n int) []timeline.Item {
	t.Helper()
	until := time.Now().Add(5 * time.Second)
	for {
		h.mu.Lock()
		got := slices.Clone(h.items)
		h.mu.Unlock()
		if len(got) >= n {
			return got
		}
		if time.Now().After(until) {
			t.Fatalf("%d items, want %d: %+v", len(got), n, got)
		}
		time.Sleep(time.Millisecond)
	}
}

func label(it timeline.Item) string {
	if it.Typing != nil {
		return fmt.Sprintf("typing %v %s", *it.Typing, it.Name)
	}
	if it.Target != nil {
		return fmt.Sprintf("%s of %s %s", it.Event.Kind, it.Target.ID, deliveryOf(it.Target))
	}
	return fmt.Sprintf("%s %s", it.Event.Kind, it.Event.Message.Text)
}

func deliveryOf(e *timeline.Event) string {
	if e.Message.Delivery == nil {
		return "-"
	}
	return string(e.Message.Delivery.State)
}

func labels(items []timeline.Item) []string {
	var out []string
	for _, it := range items {
		out = append(out, label(it))
	}
	return out
}

func TestCustomerSeesAnswersOnceTheyArrive(t *testing.T) {
	m := newMemory()
	h := newHub(t, m)
	var live heardItems
	defer h.Threads().Watch(visit, live.add)()
	note := says("NOTE")
	note.Kind, note.Direction, note.Leg = timeline.KindNote, timeline.Internal, ""
	for _, e := range []timeline.Event{says("hi"), note, answer("out-1", "hello"), receipt("out-1", timeline.Sending), receipt("out-1", timeline.Sent),
		answer("out-2", "never"), receipt("out-2", timeline.Failed), says("and?"), receipt("out-1", timeline.Read)} {
		h.Deliver(m.append("c1", e))
	}
	want := []string{"message hi", "receipt of out-1 sent", "message and?", "receipt of out-1 read"}
	if got := labels(live.wait(t, 4)); !slices.Equal(got, want) {
		t.Errorf("live %v, want %v", got, want)
	}
	ctx := context.Background()
	replayed := []string{"message hi", "receipt of out-1 read", "message and?"}
	items, more, err := h.Threads().Replay(ctx, visit, "", 0)
	if got := labels(items); err != nil || more || !slices.Equal(got, replayed) {
		t.Errorf("replay %v %v %v, want %v", got, more, err, replayed)
	}
	items, more, err = h.Threads().Replay(ctx, visit, items[2].Cursor, 0)
	if got := labels(items); err != nil || more || !slices.Equal(got, []string{"receipt of out-1 read"}) {
		t.Errorf("after the cursor %v %v %v", got, more, err)
	}
	for last, want := range map[int][]string{1: {"receipt of out-1 read"}, 2: {"receipt of out-1 read", "message and?"}, 3: replayed, 9: replayed} {
		items, more, err = h.Threads().Replay(ctx, visit, "", last)
		if got := labels(items); err != nil || more != (last < 3) || !slices.Equal(got, want) {
			t.Errorf("last %d: %v %v %v, want %v", last, got, more, err, want)
		}
	}
	if _, _, err := h.Threads().Replay(ctx, visit, "nonsense", 0); err == nil {
		t.Error("a cursor that is none was taken")
	}
}

// TestReplayAfterACrashBetweenEventAndMessage has a receipt in the record that its message
// does not know of yet.
func TestReplayAfterACrashBetweenEventAndMessage(t *testing.T) {
	m := newMemory()
	h := newHub(t, m)
	m.append("c1", answer("out-1", "hello"))
	m.append("c1", receipt("out-1", timeline.Sent))
	m.events[0].Message.Delivery = &timeline.Delivery{State: timeline.Queued, Attempt: 1}
	items, _, err := h.Threads().Replay(context.Background(), visit, "", 0)
	if got := labels(items); err != nil || !slices.Equal(got, []string{"receipt of out-1 sent"}) {
		t.Errorf("the customer sees %v %v", got, err)
	}
	c := connect(t, h, Viewer{Agent: "maya"})
	c.say(`{"type":"subscribe","conversation":"c1","after":1}`)
	if g := c.hear("event"); g.Target == nil || deliveryOf(g.Target) != "sent" {
		t.Errorf("the agent sees %s", g.raw)
	}
}

// TestPublishedAgainWithoutItsMessage has an entry that comes after a crash as the writer
// then publishes it: without the message it changed, or with the message before the change.
func TestPublishedAgainWithoutItsMessage(t *testing.T) {
	m := newMemory()
	h := newHub(t, m)
	c := connect(t, h, Viewer{Agent: "maya"})
	c.say(`{"type":"subscribe","feed":"inbox"}`)
	c.hear("subscribed")
	var live heardItems
	defer h.Threads().Watch(visit, live.add)()
	h.Deliver(m.append("c1", answer("out-1", "hello")))
	h.Deliver(m.append("c1", answer("out-2", "hello")))
	for i, of := range []timeline.EventID{"out-1", "out-2"} {
		e := m.append("c1", receipt(of, timeline.Sent))
		m.events[i].Message.Delivery = &timeline.Delivery{State: timeline.Queued, Attempt: 1}
		stale := m.events[i]
		e.Target = map[bool]*timeline.Event{true: &stale}[i == 1]
		h.Deliver(e)
	}
	for _, seq := range []int64{1, 2, 3, 4} {
		g := c.hear("event")
		if g.Seq != seq || seq > 2 && (g.Target == nil || deliveryOf(g.Target) != "sent") {
			t.Errorf("seq %d: %s", seq, g.raw)
		}
	}
	if got, want := labels(live.wait(t, 2)), []string{"receipt of out-1 sent", "receipt of out-2 sent"}; !slices.Equal(got, want) {
		t.Errorf("the customer is told %v", got)
	}
}

func TestReplayPagesReachEverything(t *testing.T) {
	m := newMemory()
	h := newHub(t, m)
	want := 0
	for c := range 3 {
		for i := range 170 {
			id := timeline.ConversationID(fmt.Sprint("c", c))
			m.append(id, says(fmt.Sprint(c, ".", i)))
			m.append(id, timeline.Event{Kind: timeline.KindStatus, Leg: visit.Leg(), Direction: timeline.Internal, Status: &timeline.Status{To: timeline.Open}})
			want++
		}
	}
	ctx := context.Background()
	seen, cursor := 0, timeline.Cursor("")
	for more := true; more; {
		items, again, err := h.Threads().Replay(ctx, visit, cursor, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range items {
			if it.Cursor <= cursor {
				t.Fatalf("%s after %s", it.Cursor, cursor)
			}
			cursor = it.Cursor
			seen++
		}
		more = again
	}
	if seen != want {
		t.Errorf("forward: %d items, want %d", seen, want)
	}
	back, before := 0, timeline.Cursor("")
	for more := true; more; {
		items, again, err := h.Threads().Replay(ctx, visit, before, 30)
		if err != nil {
			t.Fatal(err)
		}
		back += len(items)
		if len(items) > 0 {
			before = items[0].Cursor
		}
		more = again
	}
	if back != want {
		t.Errorf("backward: %d items, want %d", back, want)
	}
}

func TestWatcherThatBlocksLosesNothing(t *testing.T) {
	m := newMemory()
	h := newHub(t, m)
	var live heardItems
	gate := make(chan struct{})
	defer h.Threads().Watch(visit, func(it timeline.Item) { <-gate; live.add(it) })()
	const total = 3 * watchQueue
	for i := range total {
		h.Deliver(m.append("c1", says(fmt.Sprint(i))))
	}
	close(gate)
	for i, it := range live.wait(t, total) {
		if it.Event.Message.Text != fmt.Sprint(i) {
			t.Fatalf("item %d is %q", i, it.Event.Message.Text)
		}
	}
}

func TestPresenceAndTypingCrossNodesAndRunOut(t *testing.T) {
	m := newMemory()
	now := time.Now()
	var clock sync.Mutex
	at := func() time.Time { clock.Lock(); defer clock.Unlock(); return now }
	wire := &wires{}
	one := newHub(t, m, func(d *Deps) { d.Node, d.Gossip, d.Now = "n1", wire.from(0), at })
	two := newHub(t, m, func(d *Deps) { d.Node, d.Gossip, d.Now = "n2", wire.from(1), at })
	wire.hubs = []*Hub{one, two}
	first := m.append("c1", says("hi"))
	one.Deliver(first)
	two.Deliver(first)
	maya, li := connect(t, one, Viewer{Agent: "maya", Name: "Maya"}), connect(t, two, Viewer{Agent: "li", Name: "Li"})
	for _, c := range []*client{maya, li} {
		c.say(`{"type":"subscribe","conversation":"c1"}`)
		c.hear("subscribed")
	}
	var live heardItems
	cancel := two.Threads().Watch(visit, live.add)
	two.Threads().Presence(visit, true)
	if g := maya.hear("presence"); !g.Customer.Online || g.Customer.Typing || g.Customer.Leg != visit.Leg() {
		t.Fatal(g.raw)
	}
	two.Threads().Typing(visit, true)
	if g := maya.hear("presence"); !g.Customer.Typing {
		t.Fatal(g.raw)
	}
	maya.say(`{"type":"presence","conversation":"c1","state":"typing"}`)
	for _, c := range []*client{maya, li} {
		g := c.hear("presence")
		for len(g.Agents) == 0 {
			g = c.hear("presence")
		}
		if len(g.Agents) != 1 || g.Agents[0] != (Present{"maya", "Maya", "typing"}) {
			t.Fatal(g.raw)
		}
	}
	if got := labels(live.wait(t, 1)); got[0] != "typing true Maya" {
		t.Fatal(got)
	}
	e := m.append("c1", answer("out-1", "hello"))
	e.Event.Actor.ID = "maya"
	one.Deliver(e)
	two.Deliver(e)
	if got := labels(live.wait(t, 2)); got[1] != "typing false Maya" {
		t.Fatal(got)
	}
	li.say(`{"type":"presence","conversation":"c1","state":"typing","note":true}`)
	for g := li.hear("presence"); len(g.Agents) != 2 || g.Agents[0].State != "typing"; g = li.hear("presence") {
	}
	clock.Lock()
	now = now.Add(16 * time.Second)
	clock.Unlock()
	one.sweepPresence(at())
	two.sweepPresence(at())
	for g := maya.hear("presence"); len(g.Agents) != 0 || g.Customer.Typing; g = maya.hear("presence") {
	}
	if got := labels(live.wait(t, 2)); len(got) != 2 {
		t.Errorf("a note's typing was shown to the customer: %v", got)
	}
	cancel()
	if g := maya.hear("presence"); g.Customer.Online {
		t.Error(g.raw)
	}
	if agents, customer := one.Present("c1"); len(agents) != 0 || customer.Online {
		t.Error(agents, customer)
	}
}

type wires struct{ hubs []*Hub }

type wireEnd struct {
	w *wires
	i int
}

func (w *wires) from(i int) Gossip { return wireEnd{w, i} }

func (e wireEnd) Tell(s Signal) {
	for i, h := range e.w.hubs {
		if i != e.i {
			h.Hear(s)
		}
	}
}

// inside marks every word that must not leave.
const inside = "INSIDE"

// fill sets every field of a value to something marked as internal.
func fill(v reflect.Value, r *rand.Rand, deep int) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(inside + fmt.Sprint(r.IntN(100)))
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(r.IntN(5)) + 1)
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.Pointer:
		if deep > 0 && r.IntN(4) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), r, deep-1)
		}
	case reflect.Slice:
		if v.Type() == reflect.TypeFor[json.RawMessage]() {
			v.SetBytes([]byte(`"` + inside + `"`))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), r, deep-1)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		k, x := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		k.SetString(inside)
		fill(x, r, deep-1)
		v.SetMapIndex(k, x)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.UnixMilli(1_700_000_000_000).UTC()))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i), r, deep)
		}
	}
}

// outside is what the customer may read of an item, by path; everything else is internal.
var outside = []string{
	"cursor", "event.id", "event.kind", "event.conversation", "event.leg", "event.thread.", "event.direction", "event.actor.kind", "event.actor.name",
	"event.client", "event.message.", "event.edit.of.event", "event.edit.text", "event.edit.html", "event.unsend.of.event", "event.reaction.of.event",
	"event.reaction.emoji", "event.receipt.of.event", "event.receipt.state",
	"target.id", "target.kind", "target.conversation", "target.leg", "target.thread.", "target.direction", "target.actor.kind", "target.actor.name", "target.client", "target.message.",
}

// never is what no message may carry out, whatever it is part of.
var never = []string{"failure", "remotes", "remote", "mentions", "retention", "quoted", "sendAt", "expires", "data.INSIDE", ".by.id", "actor.id", "attempt"}

func leaves(path string, v any, visit func(string, any)) {
	switch x := v.(type) {
	case map[string]any:
		for k, y := range x {
			leaves(path+"."+k, y, visit)
		}
	case []any:
		for _, y := range x {
			leaves(path, y, visit)
		}
	default:
		visit(strings.TrimPrefix(path, "."), v)
	}
}

// FuzzNothingInternalLeaves makes events of every kind with every field set and checks what a
// customer gets of them.
func FuzzNothingInternalLeaves(f *testing.F) {
	for i := range uint64(1000) {
		f.Add(i, uint8(i), uint8(i/3), uint8(i/7))
	}
	f.Fuzz(func(t *testing.T, seed uint64, kind, direction, state uint8) {
		r := rand.New(rand.NewPCG(seed, 0))
		var e, target timeline.Event
		fill(reflect.ValueOf(&e).Elem(), r, 5)
		fill(reflect.ValueOf(&target).Elem(), r, 5)
		e.Kind = timeline.Kinds[int(kind)%len(timeline.Kinds)]
		dirs := []timeline.Direction{timeline.In, timeline.Out, timeline.Internal}
		e.Direction, target.Direction = dirs[int(direction)%3], dirs[int(direction/3)%3]
		target.Kind = []timeline.Kind{timeline.KindMessage, timeline.KindMessage, timeline.KindNote}[r.IntN(3)]
		e.Leg = []timeline.LegID{visit.Leg(), visit.Leg(), "other|leg", ""}[r.IntN(4)]
		target.Leg = []timeline.LegID{visit.Leg(), visit.Leg(), "other|leg"}[r.IntN(3)]
		states := timeline.DeliveryStates
		for i, m := range []*timeline.Message{e.Message, target.Message} {
			if m != nil && m.Delivery != nil {
				m.Delivery.State = states[(int(state)+i)%len(states)]
			}
		}
		if e.Receipt != nil {
			e.Receipt.State = states[int(state/8)%len(states)]
		}
		to := &target
		if r.IntN(5) == 0 {
			to = nil
		}
		it, ok := visible(&e, to, visit.Leg())
		if !ok {
			return
		}
		mayLeave(t, &e, to, &it)
	})
}

func mayLeave(t *testing.T, e, target *timeline.Event, it *timeline.Item) {
	t.Helper()
	switch e.Kind {
	case timeline.KindMessage, timeline.KindReceipt, timeline.KindEdit, timeline.KindUnsend, timeline.KindReaction:
	default:
		t.Fatalf("an event of kind %s left", e.Kind)
	}
	for _, m := range []*timeline.Event{it.Target, &it.Event} {
		if m == nil || m.Message == nil {
			continue
		}
		if m.Kind != timeline.KindMessage || m.Leg != visit.Leg() || m.Direction == timeline.Internal {
			t.Fatalf("a message of kind %s, %s, on %s left", m.Kind, m.Direction, m.Leg)
		}
		if m.Direction == timeline.Out && (m.Message.Delivery == nil || !arrived(m.Message.Delivery.State)) {
			t.Fatal("a message of ours left that has not arrived")
		}
		if m.Direction == timeline.Out && (m.Client != "" || m.Remote != "") {
			t.Fatal("the agent's program's id left")
		}
		if m.Message.Unsent != nil && (m.Message.Text != "" || len(m.Message.Parts) > 0 || m.Message.HTML != "") {
			t.Fatal("an unsent message's content left")
		}
	}
	b, err := json.Marshal(it)
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(b, &tree); err != nil {
		t.Fatal(err)
	}
	leaves("", tree, func(path string, v any) {
		s, text := v.(string)
		for _, n := range never {
			if strings.Contains(path, n) && v != nil && v != float64(0) && !strings.HasSuffix(path, "delivery.attempt") {
				t.Errorf("%s left: %v", path, v)
			}
		}
		if !text || !strings.Contains(s, inside) {
			return
		}
		if !slices.ContainsFunc(outside, func(p string) bool { return path == p || strings.HasSuffix(p, ".") && strings.HasPrefix(path, p) }) {
			t.Errorf("%s left: %s", path, s)
		}
	})
}
