package journal

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// faulty is a store whose nth write ends in a crash: before it, after it, or in the middle.
type faulty struct {
	store.Store
	n, at int
	how   string
}

func (f *faulty) C(name string) store.Collection { return &faultyC{f.Store.C(name), f} }

// crash counts a write. do says whether it happens; err is what its caller sees.
func (f *faulty) crash() (do bool, err error) {
	f.n++
	if f.n != f.at {
		return f.n < f.at || f.at == 0, f.dead()
	}
	return f.how != "before", fmt.Errorf("%w: %w", store.ErrUnavailable, errKilled)
}

// dead: nothing works any more after the crash.
func (f *faulty) dead() error {
	if f.at > 0 && f.n > f.at {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, errKilled)
	}
	return nil
}

type faultyC struct {
	store.Collection
	f *faulty
}

func (c *faultyC) Insert(ctx context.Context, doc any) error {
	do, err := c.f.crash()
	if do {
		if real := c.Collection.Insert(ctx, doc); err == nil {
			return real
		}
	}
	return err
}

func (c *faultyC) Bulk(ctx context.Context, ws ...store.Write) ([]error, error) {
	do, err := c.f.crash()
	if !do {
		return nil, err
	}
	if err != nil {
		switch c.f.how {
		case "first half":
			ws = ws[:len(ws)/2]
		case "every other":
			var some []store.Write
			for i := 1; i < len(ws); i += 2 {
				some = append(some, ws[i])
			}
			ws = some
		}
	}
	if len(ws) == 0 {
		return nil, err
	}
	errs, real := c.Collection.Bulk(ctx, ws...)
	if err == nil {
		err = real
	}
	return errs, err
}

func (c *faultyC) Update(ctx context.Context, filter, update bson.D) (int64, error) {
	do, err := c.f.crash()
	if !do {
		return 0, err
	}
	n, real := c.Collection.Update(ctx, filter, update)
	if err == nil {
		err = real
	}
	return n, err
}

func (c *faultyC) Upsert(ctx context.Context, filter, update bson.D) (bool, error) {
	do, err := c.f.crash()
	if !do {
		return false, err
	}
	n, real := c.Collection.Upsert(ctx, filter, update)
	if err == nil {
		err = real
	}
	return n, err
}

func (c *faultyC) Delete(ctx context.Context, filter bson.D) (int64, error) {
	do, err := c.f.crash()
	if !do {
		return 0, err
	}
	n, real := c.Collection.Delete(ctx, filter)
	if err == nil {
		err = real
	}
	return n, err
}

// script is runs of commands that touch everything the writer does.
func script(w *world) [][]timeline.Command {
	leg := func(who string) *timeline.Leg {
		th := timeline.Thread{Account: acct, ID: timeline.ThreadID("t-" + who)}
		return &timeline.Leg{ID: th.Leg(), Thread: th, Channel: "chat", Peer: timeline.Handle(who), Identity: visitor(who).ID()}
	}
	from := func(in timeline.Inbound, c timeline.ConversationID, n int64) timeline.Command {
		who := strings.TrimPrefix(string(in.Event.Thread.ID), "t-")
		return timeline.Command{ID: in.Event.ID, Conversation: c, Event: in.Event, Opens: in.Opens, At: in.Event.Received, Attach: leg(who),
			Create: &timeline.Create{Number: n, Person: timeline.PersonID("p-" + who), Name: who, Queue: "default"}}
	}
	m1 := timeline.Ref{Remote: "m1"}
	c1, c2 := timeline.ConversationID("c1"), timeline.ConversationID("c2")
	v1 := timeline.Conversation{ID: c1, Legs: []timeline.Leg{*leg("v1")}}
	rec := func(id, of string, s int, state timeline.DeliveryState, remotes ...timeline.RemoteID) timeline.Command {
		return from(about("v1", id, s, timeline.KindReceipt, func(ev *timeline.Event) {
			ev.Receipt = &timeline.Receipt{Of: timeline.Ref{Event: timeline.EventID(of)}, State: state, Attempt: 1, Remotes: remotes}
		}), c1, 1)
	}
	until, seen := at(500), at(14)
	return [][]timeline.Command{
		{from(says("v1", "m1", 1, "hello"), c1, 1), w.reply("a1", v1, 5, "hi"), from(says("v2", "n1", 2, "other"), c2, 2), from(says("v1", "m2", 6, "ok"), c1, 1)},
		{rec("r1", "a1", 7, timeline.Sending), rec("r2", "a1", 8, timeline.Sent, "M1", "M2"), w.reply("a2", v1, 9, "second"),
			from(about("v1", "m1:1", 9, timeline.KindEdit, func(ev *timeline.Event) { ev.Edit = &timeline.Edit{Of: m1, Rev: 1, Text: "hello!"} }), c1, 1)},
		{w.status("s1", c1, 10, timeline.Snoozed, &until), from(says("v1", "m3", 11, "wake up"), c1, 1), w.status("s2", c2, 11, timeline.Resolved, nil),
			rec("r3", "a2", 12, timeline.Failed), from(says("v2", "n2", 12, "no"), c2, 2)},
		{from(about("v1", "m9:1", 13, timeline.KindEdit, func(ev *timeline.Event) {
			ev.Edit = &timeline.Edit{Of: timeline.Ref{Remote: "m9"}, Rev: 1, Text: "edited before it came"}
		}), c1, 1),
			from(about("v1", "seen", 14, timeline.KindReceipt, func(ev *timeline.Event) {
				ev.Receipt = &timeline.Receipt{UpTo: &seen, State: timeline.Read}
			}), c1, 1),
			from(about("v1", "early", 14, timeline.KindReceipt, func(ev *timeline.Event) {
				ev.Receipt = &timeline.Receipt{Of: timeline.Ref{Remote: "E"}, State: timeline.Delivered}
			}), c1, 1)},
		{from(says("v1", "m9", 12, "the original"), c1, 1), from(echo("v1", "E2", 15, "from the phone"), c1, 1), w.reply("a3", v1, 15, "undone"),
			w.ask("u3", c1, 16, timeline.KindReceipt, func(ev *timeline.Event) {
				ev.Receipt = &timeline.Receipt{Of: timeline.Ref{Event: "a3"}, State: timeline.Cancelled}
			})},
		{from(about("v1", "m1", 17, timeline.KindUnsend, func(ev *timeline.Event) { ev.Unsend = &timeline.Unsend{Of: m1} }), c1, 1),
			w.ask("l1", c1, 18, timeline.KindLabels, func(ev *timeline.Event) { ev.Labels = &timeline.Labels{Add: []string{"vip", "a"}} }),
			w.ask("retry", c1, 19, timeline.KindReceipt, func(ev *timeline.Event) {
				ev.Receipt = &timeline.Receipt{Of: timeline.Ref{Event: "a2"}, State: timeline.Queued}
			}), from(says("v2", "n2", 12, "no"), c2, 2)},
		{offering(from(commented("v1", "c1", 20, "in public"), c1, 1)), w.moderate("h1", c1, 21, "acct|msg:c1", timeline.ModerateHide),
			from(fetchedIn("f9", 21, timeline.MediaPart{N: 0, Part: timeline.Part{Missing: "gone"}}), c1, 1), w.start("s1", c2, 22)},
		{from(moderated("h1", timeline.ModerateHide, timeline.ModerationDone, 23), c1, 1), w.moderate("d1", c1, 24, "acct|msg:c1", timeline.ModerateDelete),
			from(moderated("d1", timeline.ModerateDelete, timeline.ModerationDone, 25), c1, 1)},
	}
}

// offering is a comment's command with the leg it offers.
func offering(cmd timeline.Command) timeline.Command {
	th := timeline.Thread{Account: acct, ID: "comment:top"}
	offered := timeline.Thread{Account: acct, ID: "private"}
	cmd.Attach = &timeline.Leg{ID: th.Leg(), Thread: th, Channel: "chat", Place: "comment", About: "Our new boots", Peer: "v1", Identity: visitor("v1").ID()}
	cmd.Offers = []timeline.Leg{{ID: offered.Leg(), Thread: offered, Channel: "chat", Peer: "v1", Opened: map[string]timeline.Window{"comment": {At: at(20), By: "c1"}}}}
	return cmd
}

// start is a conversation that one of us begins.
func (w *world) start(id string, c timeline.ConversationID, s int) timeline.Command {
	in := started("v3", id, s, "we write first")
	th := in.Event.Thread
	return timeline.Command{ID: in.Event.ID, Conversation: c, Event: in.Event, At: at(s),
		Attach: &timeline.Leg{ID: th.Leg(), Thread: th, Channel: "chat", Place: "mail", Peer: "v3", Identity: visitor("v3").ID()}}
}

// record is conversations, events and what waits, without the count of folds.
func (w *world) record() string {
	out := ""
	for _, c := range w.conversations() {
		out += asJSON(w.t, c) + "\n"
		for _, ev := range w.events(c.ID) {
			out += "  " + asJSON(w.t, ev) + "\n"
		}
	}
	return out + w.dump(store.Pending, store.Aliases, store.Threads)
}

// told is which events and messages to send were published at all.
func (w *world) told() (events, outs map[string]bool) {
	events, outs = map[string]bool{}, map[string]bool{}
	for _, e := range w.entries {
		events[fmt.Sprintf("%s %d %s", e.Event.Conversation, e.Event.Seq, e.Event.ID)] = true
	}
	for _, o := range w.outs {
		outs[fmt.Sprintf("%s %d", o.ID, o.Attempt)] = true
	}
	return events, outs
}

// stride thins the crash points out where time is short.
func stride() int {
	if testing.Short() {
		return 4
	}
	return 1
}

// TestCrashAnywhere kills the writer at every write and every publish of a script, in three
// ways, and wants the record that an undisturbed run leaves, everything of it published.
func TestCrashAnywhere(t *testing.T) {
	calm := newWorld(t)
	counting := &faulty{Store: calm.store}
	calm.restartOn(counting)
	for _, run := range script(calm) {
		calm.do(run...)
	}
	calm.sound()
	want := calm.record()
	wantEvents, wantOuts := calm.told()
	t.Logf("%d writes", counting.n)
	for _, how := range []string{"before", "first half", "every other"} { // after one write is before the next
		for k := 1; k <= counting.n; k += stride() {
			t.Run(fmt.Sprintf("%s write %d", how, k), func(t *testing.T) {
				w := newWorld(t)
				f := &faulty{Store: w.store, at: k, how: how}
				w.restartOn(f)
				crashes := w.perform(script(w), func() bool { return f.n >= k })
				if crashes != 1 {
					t.Fatalf("%d crashes", crashes)
				}
				w.sound()
				if got := w.record(); got != want {
					t.Fatal(differ(want, got))
				}
				events, outs := w.told()
				wantAll(t, "event", wantEvents, events)
				wantAll(t, "message to send", wantOuts, outs)
			})
		}
	}
	for _, topic := range []string{"timeline", "outbound"} {
		for k := 1; k <= len(script(calm)); k++ {
			t.Run(fmt.Sprintf("%s publish %d", topic, k), func(t *testing.T) {
				w := newWorld(t)
				n := 0
				w.fail = func(on string) error {
					if on == topic {
						if n++; n == k {
							return errKilled
						}
					}
					return nil
				}
				w.perform(script(w), func() bool { return true })
				w.sound()
				if got := w.record(); got != want {
					t.Fatal(differ(want, got))
				}
				events, outs := w.told()
				wantAll(t, "event", wantEvents, events)
				wantAll(t, "message to send", wantOuts, outs)
			})
		}
	}
}

// perform runs a script; after a failure the process starts anew and the run comes again.
func (w *world) perform(runs [][]timeline.Command, expected func() bool) (crashes int) {
	w.t.Helper()
	for _, run := range runs {
		err := w.j.Append(context.Background(), records(wire(w.t, run)))
		if err == nil {
			continue
		}
		if !expected() {
			w.t.Fatal(err)
		}
		crashes++
		w.restart()
		w.do(run...)
	}
	return crashes
}

// differ is the lines in which two records differ.
func differ(want, got string) string {
	out := ""
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for _, l := range a {
		if !slices.Contains(b, l) {
			out += "\nwant " + l
		}
	}
	for _, l := range b {
		if !slices.Contains(a, l) {
			out += "\n got " + l
		}
	}
	return out
}

func wantAll(t *testing.T, what string, want, got map[string]bool) {
	t.Helper()
	for k := range want {
		if !got[k] && k != "a3 1" { // undone before it was published: nothing is to be sent
			t.Errorf("%s %s was never published", what, k)
		}
	}
	for k := range got {
		if !want[k] {
			t.Errorf("%s %s was published and should not have been", what, k)
		}
	}
}
