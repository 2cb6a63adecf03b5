package journal

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"go.mongodb.org/mongo-driver/v2/bson"
)

func unmarshal(b []byte, v any) error { return json.Unmarshal(b, v) }

// TestTwoWritersAtOnce lets two nodes believe that a conversation is theirs.
func TestTwoWritersAtOnce(t *testing.T) {
	w := newWorld(t)
	w.receive(says("v1", "m1", 1, "hello"))
	c := w.one()
	other, err := New(Deps{Store: w.store, Publish: w, Now: func() time.Time { return w.clock }})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for n, j := range []*Journal{w.j, other} {
		wg.Go(func() {
			for i := range 30 {
				var cmds []timeline.Command
				for k := range 3 {
					// every other command is handled by both, as after a rebalance
					id := fmt.Sprintf("c%d-%d-%d", n*(i%2), i, k)
					cmds = append(cmds, w.ask(id, c.ID, 5, timeline.KindNote, func(ev *timeline.Event) { ev.Message = &timeline.Message{Text: id} }))
				}
				for try := 0; ; try++ {
					err := j.Append(context.Background(), records(wire(t, cmds)))
					if err == nil {
						break
					}
					if try > 20 {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	w.restart()
	w.do(w.ask("last", c.ID, 9, timeline.KindNote, func(ev *timeline.Event) { ev.Message = &timeline.Message{Text: "x"} }))
	w.sound()
	if n := len(w.events(c.ID)); n != 1+30*3+15*3+1 {
		t.Errorf("%d events", n)
	}
}

// TestAMemoryThatIsOldLosesNoFold lets one node change a message that another remembers as it was.
func TestAMemoryThatIsOldLosesNoFold(t *testing.T) {
	w := newWorld(t)
	w.receive(says("v1", "m1", 1, "hello"))
	w.do(w.reply("a1", w.one(), 5, "hi"))
	old := w.j
	w.restart()
	w.receive(receiptIn("v1", "r1", 6, timeline.Receipt{Of: timeline.Ref{Event: "a1"}, State: timeline.Delivered, Remotes: []timeline.RemoteID{"M"}}))
	w.j = old
	w.receive(about("v1", "x", 7, timeline.KindReaction, func(ev *timeline.Event) {
		ev.Reaction = &timeline.Reaction{Of: timeline.Ref{Event: "a1"}, Emoji: "🔥"}
	}))
	m := w.event("a1")
	if m.Message.Delivery.State != timeline.Delivered || len(m.Message.Reactions) != 1 || m.Remote != "M" {
		t.Errorf("message %s", asJSON(t, m))
	}
	w.sound()
}

// TestDiffKnowsEveryField fails when a field of Conversation is not written.
func TestDiffKnowsEveryField(t *testing.T) {
	now := time.Now()
	full := timeline.Conversation{Number: 1, Person: "p", Name: "n", Avatar: "a", Queue: "q", State: timeline.Open, SnoozeUntil: &now,
		Assignee: "a", Team: "t", Labels: []string{"l"}, Priority: 1, Subject: "s", Opening: "o", Legs: []timeline.Leg{{ID: "l"}}, Seq: 1, InCount: 1, LastInSeq: 1,
		LastOutSeq: 1, Undelivered: 1, Last: &timeline.Preview{}, LastAt: now, CreatedAt: now, ResolvedAt: &now, WaitingSince: &now, NextDeadline: &now, Attached: true}
	v := reflect.ValueOf(full)
	for i := range v.NumField() {
		if name := v.Type().Field(i).Name; name != "ID" && v.Field(i).IsZero() {
			t.Errorf("field %s is not covered by this test", name)
		}
	}
	if got := len(fields(diff(&timeline.Conversation{}, &full))); got != v.NumField()-1 {
		t.Errorf("%d of %d fields are written", got, v.NumField()-1)
	}
	if got := len(fields(diff(&full, &timeline.Conversation{}))); got != v.NumField()-1 {
		t.Errorf("%d of %d fields are cleared", got, v.NumField()-1)
	}
}

func TestANumberThatIsTakenIsReplaced(t *testing.T) {
	w := newWorld(t)
	w.receive(says("v1", "m1", 1, "hello"))
	cmd := w.ask("x", "c9", 5, timeline.KindNote, func(ev *timeline.Event) { ev.Message = &timeline.Message{Text: "x"} })
	cmd.Create = &timeline.Create{Number: 1, Person: "p", Name: "P", Queue: "q"}
	w.do(cmd)
	cs := w.conversations()
	if len(cs) != 2 || cs[0].Number == cs[1].Number {
		t.Errorf("conversations %s", asJSON(t, cs))
	}
	if n := w.count(store.Conversations); n != 2 {
		t.Errorf("%d conversations", n)
	}
}

// fields are the names that an update sets or clears.
func fields(update bson.D) (out []string) {
	for _, op := range update {
		for _, f := range op.Value.(bson.D) {
			out = append(out, f.Key)
		}
	}
	return out
}
