package journal

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/parley-hub/parley/inbox"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// How many events are read at once where any number may matter, and how far a read looks back
// for a message that an echo may repeat.
const (
	markReach = 200
	markFirst = 50 // the first page back from a mark, which mostly is enough
	echoReach = 50
)

// pendingFor is how long an event waits for its message.
const pendingFor = 7 * 24 * time.Hour

// cold reads conversations that are not in memory.
func (w *writer) cold(ctx context.Context, groups []*group, ids []timeline.ConversationID) error {
	if len(ids) == 0 {
		return nil
	}
	var convs []timeline.Conversation
	if err := w.j.deps.Store.C(store.Conversations).All(ctx, idIn(ids), &convs); err != nil {
		return fmt.Errorf("read conversations: %w", err)
	}
	var found []waiting
	if len(convs) > 0 {
		if err := w.j.deps.Store.C(store.Pending).All(ctx, bson.D{in("conversation", ids)}, &found); err != nil {
			return fmt.Errorf("read pending events: %w", err)
		}
	}
	at := make(map[timeline.ConversationID]*state, len(ids))
	for _, g := range groups {
		at[g.id] = g.s
	}
	for i := range convs {
		at[convs[i].ID].is(&convs[i])
	}
	for i := range found {
		s := at[found[i].Conversation]
		if w.j.now().Sub(found[i].At) > pendingFor {
			s.met = append(s.met, found[i].ID)
			continue
		}
		s.pending = append(s.pending, found[i])
	}
	return nil
}

func (s *state) is(c *timeline.Conversation) {
	base := *c
	s.conv, s.base, s.cached = c, &base, false
}

// refresh reads a conversation again that was in memory and may be old, with what a command refers to.
func (w *writer) refresh(ctx context.Context, s *state, cmd *timeline.Command) error {
	fresh := &state{id: s.id, fresh: s.fresh}
	if err := w.cold(ctx, []*group{{id: s.id, s: fresh}}, []timeline.ConversationID{s.id}); err != nil {
		return err
	}
	*s = *fresh
	if err := w.tail(ctx, s); err != nil {
		return err
	}
	if err := w.absorb(ctx, s, 0); err != nil {
		return err
	}
	return w.fetch(ctx, []*group{{id: s.id, commands: []*timeline.Command{cmd}, s: s}})
}

// tail reads what was inserted after the conversation was last written: a crash or another
// writer came between. Without gaps: what lies behind a gap is not part of the record yet.
func (w *writer) tail(ctx context.Context, s *state) error {
	var seq int64
	if s.conv != nil {
		seq = s.conv.Seq
	}
	var found []message
	err := w.j.deps.Store.C(store.Events).All(ctx, bson.D{{Key: "conversation", Value: string(s.id)}, {Key: "seq", Value: bson.D{{Key: "$gt", Value: seq}}}},
		&found, store.Find{Sort: bson.D{{Key: "seq", Value: 1}}})
	if err != nil {
		return fmt.Errorf("read the tail of %s: %w", s.id, err)
	}
	s.tail = nil
	for i := range found {
		if found[i].Seq != seq+int64(i)+1 {
			break
		}
		s.tail = append(s.tail, found[i])
	}
	return nil
}

// fetch reads the messages that the groups' commands refer to and memory does not have.
func (w *writer) fetch(ctx context.Context, groups []*group) error {
	want := wanted{ids: map[timeline.EventID]*state{}, remotes: map[timeline.LegID]map[timeline.RemoteID]*state{}}
	for _, g := range groups {
		for _, cmd := range g.commands {
			want.add(g.s, cmd)
		}
	}
	if err := w.fetchIDs(ctx, want.ids); err != nil {
		return err
	}
	for leg, remotes := range want.remotes {
		if err := w.fetchRemotes(ctx, leg, remotes); err != nil {
			return err
		}
	}
	return nil
}

// wanted is what has to be read, and for whom.
type wanted struct {
	ids     map[timeline.EventID]*state
	remotes map[timeline.LegID]map[timeline.RemoteID]*state
}

func (n *wanted) add(s *state, cmd *timeline.Command) {
	leg := legOf(&cmd.Event)
	if inbox.IsEcho(&cmd.Event) && cmd.Event.Remote != "" {
		n.remote(s, leg, cmd.Event.Remote)
	}
	switch of := inbox.RefOf(&cmd.Event); {
	case of == nil:
	case of.Event != "":
		if s.find(of.Event) == nil {
			n.ids[of.Event] = s
		}
	case of.Remote != "":
		n.remote(s, leg, of.Remote)
	}
}

func (n *wanted) remote(s *state, leg timeline.LegID, r timeline.RemoteID) {
	if s.remote(leg, r) != nil {
		return
	}
	if n.remotes[leg] == nil {
		n.remotes[leg] = map[timeline.RemoteID]*state{}
	}
	n.remotes[leg][r] = s
}

func (w *writer) fetchIDs(ctx context.Context, want map[timeline.EventID]*state) error {
	if len(want) == 0 {
		return nil
	}
	ids := make([]timeline.EventID, 0, len(want))
	for id := range want {
		ids = append(ids, id)
	}
	var found []message
	if err := w.j.deps.Store.C(store.Events).All(ctx, idIn(ids), &found); err != nil {
		return fmt.Errorf("read messages: %w", err)
	}
	for i := range found {
		if s := want[found[i].ID]; s.id == found[i].Conversation {
			s.know(found[i])
		}
	}
	return nil
}

func (w *writer) fetchRemotes(ctx context.Context, leg timeline.LegID, want map[timeline.RemoteID]*state) error {
	remotes := make([]timeline.RemoteID, 0, len(want))
	keys := make([]string, 0, len(want))
	for r := range want {
		remotes = append(remotes, r)
		keys = append(keys, aliasID(leg, r))
	}
	var found []message
	if err := w.j.deps.Store.C(store.Events).All(ctx, bson.D{{Key: "leg", Value: string(leg)}, in("remote", remotes)}, &found); err != nil {
		return fmt.Errorf("read messages by their remote ids: %w", err)
	}
	for i := range found {
		if s := want[found[i].Remote]; s != nil && s.id == found[i].Conversation && found[i].Message != nil {
			s.know(found[i])
			delete(want, found[i].Remote)
		}
	}
	if len(want) == 0 {
		return nil
	}
	var others []alias
	if err := w.j.deps.Store.C(store.Aliases).All(ctx, idIn(keys), &others); err != nil {
		return fmt.Errorf("read aliases: %w", err)
	}
	ids := map[timeline.EventID]*state{}
	for _, o := range others {
		for _, s := range want {
			if s.id == o.Conversation {
				ids[o.Event] = s
			}
		}
	}
	return w.fetchIDs(ctx, ids)
}

func legOf(ev *timeline.Event) timeline.LegID {
	if ev.Leg == "" && ev.Thread.ID != "" {
		return ev.Thread.Leg()
	}
	return ev.Leg
}

// target is the message that an event refers to, from memory.
func (s *state) target(ev *timeline.Event) *timeline.Event {
	of := inbox.RefOf(ev)
	if of == nil {
		return nil
	}
	var k *known
	switch {
	case of.Event != "":
		k = s.find(of.Event)
	case of.Remote != "":
		k = s.remote(legOf(ev), of.Remote)
	case of.Client != "":
		i := slices.IndexFunc(s.recent, func(m *known) bool { return m.Client == of.Client && m.Message != nil })
		if i >= 0 {
			k = s.recent[i]
		}
	}
	if k == nil {
		return nil
	}
	ev2 := k.Event
	return &ev2
}

// facts gathers what a decision needs. An echo of a message of ours becomes a receipt of it.
func (w *writer) facts(ctx context.Context, s *state, next *timeline.Conversation, cmd *timeline.Command) (*timeline.Command, inbox.Facts, error) {
	f := inbox.Facts{Now: w.j.now()}
	if inbox.IsEcho(&cmd.Event) {
		of, err := w.echoed(ctx, s, cmd)
		if err != nil {
			return nil, f, err
		}
		if of != nil {
			c := *cmd
			c.Event = inbox.EchoReceipt(&cmd.Event, of)
			cmd = &c
		}
	}
	f.Target = s.target(&cmd.Event)
	if marks(&cmd.Event, f.Target) {
		leg, _ := inbox.LegOf(next, legOf(&cmd.Event))
		ours, err := w.marked(ctx, s, next, &cmd.Event, f.Target, leg.ReadSeq)
		if err != nil {
			return nil, f, err
		}
		f.Ours = ours
	}
	if inbox.Guarded(next, cmd) {
		since, err := w.since(ctx, s, cmd.BaseSeq)
		if err != nil {
			return nil, f, err
		}
		f.Overtaken = inbox.OvertakenBy(cmd, since)
	}
	return cmd, f, nil
}

// echoed finds the message of ours that an event echoes.
func (w *writer) echoed(ctx context.Context, s *state, cmd *timeline.Command) (*timeline.Event, error) {
	echo := cmd.Event
	echo.Leg = legOf(&echo)
	if of := inbox.EchoOf(&echo, s.events()); of != nil || s.conv == nil {
		return of, nil
	}
	if _, err := w.page(ctx, s, bson.D{{Key: "leg", Value: string(echo.Leg)}, {Key: "conversation", Value: string(s.id)}}, echoReach); err != nil {
		return nil, err
	}
	return inbox.EchoOf(&echo, s.events()), nil
}

func (s *state) events() []*timeline.Event {
	out := make([]*timeline.Event, len(s.recent))
	for i, k := range s.recent {
		out[i] = &k.Event
	}
	return out
}

// page reads a conversation's latest events that match, into memory, and returns them.
func (w *writer) page(ctx context.Context, s *state, filter bson.D, limit int) ([]*known, error) {
	var found []message
	err := w.j.deps.Store.C(store.Events).All(ctx, filter, &found, store.Find{Sort: bson.D{{Key: "seq", Value: -1}}, Limit: limit})
	if err != nil {
		return nil, fmt.Errorf("read latest events: %w", err)
	}
	out := make([]*known, len(found))
	for i := range found {
		out[i] = s.know(found[i])
	}
	return out, nil
}

// marks reports whether an event says something of all our messages until a moment or message.
func marks(ev, target *timeline.Event) bool {
	return ev.Receipt != nil && (ev.Receipt.UpTo != nil || (ev.Receipt.State == timeline.Read && target != nil))
}

// marked reads which messages of ours a read or delivered mark covers: those on its leg after
// a seq, until its moment or its message.
func (w *writer) marked(ctx context.Context, s *state, c *timeline.Conversation, ev, target *timeline.Event, after int64) ([]*timeline.Event, error) {
	leg := legOf(ev)
	if leg == "" && target != nil {
		leg = target.Leg
	}
	if c.LastOutSeq <= after {
		return nil, nil
	}
	means := func(m *timeline.Event) bool {
		return m.Leg == leg && m.Seq > after && m.Kind == timeline.KindMessage && m.Direction == timeline.Out && m.Message != nil &&
			m.Message.Delivery != nil && leftAlready(m.Message.Delivery.State) && covered(ev.Receipt.UpTo, target, m)
	}
	if s.base != nil {
		if err := w.reach(ctx, s, leg, ev, after, means); err != nil {
			return nil, err
		}
	}
	var out []*timeline.Event
	for _, k := range s.recent {
		if m := k.Event; means(&m) {
			out = append(out, &m)
		}
	}
	return out, nil
}

// reach reads a leg's messages back from the latest, a page at a time, until a whole page of
// those that a mark means stands as the mark says. Those are raised oldest first, so that a
// crash in between leaves none behind that is older.
func (w *writer) reach(ctx context.Context, s *state, leg timeline.LegID, ev *timeline.Event, after int64, means func(*timeline.Event) bool) error {
	seq := bson.D{{Key: "$gt", Value: after}}
	for size := markFirst; ; size = min(2*size, markReach) {
		page, err := w.page(ctx, s, bson.D{{Key: "leg", Value: string(leg)}, {Key: "conversation", Value: string(s.id)},
			{Key: "kind", Value: string(timeline.KindMessage)}, {Key: "seq", Value: seq}}, size)
		if err != nil || len(page) < size {
			return err
		}
		meant, open := 0, 0
		for _, k := range page {
			m := k.Event
			if !means(&m) {
				continue
			}
			meant++
			if inbox.Fold(&m, ev) {
				open++
			}
		}
		if meant > 0 && open == 0 {
			return nil
		}
		seq = bson.D{{Key: "$gt", Value: after}, {Key: "$lt", Value: page[len(page)-1].Seq}}
	}
}

func covered(until *time.Time, target, m *timeline.Event) bool {
	if until != nil {
		return !m.At.After(*until)
	}
	return m.Seq <= target.Seq
}

// leftAlready reports whether a mark can mean a message: one that still waits was not seen.
func leftAlready(s timeline.DeliveryState) bool {
	return s != timeline.Queued && s != timeline.Cancelled && s != timeline.Failed
}

// since reads what was said after a seq.
func (w *writer) since(ctx context.Context, s *state, seq int64) ([]*timeline.Event, error) {
	if s.base != nil && s.base.Seq > seq {
		filter := bson.D{{Key: "conversation", Value: string(s.id)}, {Key: "seq", Value: bson.D{{Key: "$gt", Value: seq}}}}
		if _, err := w.page(ctx, s, filter, markReach); err != nil {
			return nil, err
		}
	}
	return s.events(), nil
}
