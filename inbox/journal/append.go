package journal

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/parley-hub/parley/inbox"
	"github.com/parley-hub/parley/internal/bus"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// maxRounds is how often a run is tried again on conversations that another writer changed meanwhile.
const maxRounds = 6

// errStale says that another writer changed a conversation: load it again.
var errStale = errors.New("journal: another writer changed the conversation")

// Append handles a run of commands: the only code that changes conversations. Whatever
// it stops at, the same run again comes to the same result.
func (j *Journal) Append(ctx context.Context, run []bus.Record[timeline.Command]) error {
	var bad *bus.RunError
	groups := make([]*group, 0, len(run))
	byID := make(map[timeline.ConversationID]*group, len(run))
	for i := range run {
		cmd := &run[i].Value
		cmd.Event.ID = cmd.ID
		if err := valid(cmd); err != nil {
			bad = firstBad(bad, i, err)
			continue
		}
		g := byID[cmd.Conversation]
		if g == nil {
			g = &group{id: cmd.Conversation}
			byID[cmd.Conversation] = g
			groups = append(groups, g)
		}
		g.commands = append(g.commands, cmd)
		g.index = append(g.index, i)
	}
	w := &writer{j: j, numbers: map[timeline.ConversationID]int64{}}
	for round := 0; len(groups) > 0; round++ {
		if round == maxRounds {
			return fmt.Errorf("append: %w", errStale)
		}
		stale, err := w.round(ctx, groups, round > 0)
		if err != nil {
			return fmt.Errorf("append: %w", err)
		}
		w.j.Stats.Fenced.Add(int64(len(stale)))
		groups = stale
	}
	for _, m := range w.missing {
		bad = firstBad(bad, m, errors.New("journal: there is no such conversation"))
	}
	if bad != nil {
		return bad
	}
	return nil
}

func valid(cmd *timeline.Command) error {
	if cmd.Conversation == "" {
		return errors.New("journal: a command without conversation")
	}
	if err := inbox.Check(&cmd.Event); err != nil {
		return fmt.Errorf("journal: a command of conversation %s: %w", cmd.Conversation, err)
	}
	return nil
}

// firstBad keeps the earliest record that can never be handled. Those after it come again,
// as repeats.
func firstBad(was *bus.RunError, index int, err error) *bus.RunError {
	if was != nil && was.Index <= index {
		return was
	}
	return &bus.RunError{Index: index, Err: bus.Permanent(err)}
}

// group is the commands of one conversation in a run, in order.
type group struct {
	id       timeline.ConversationID
	commands []*timeline.Command
	index    []int // in the run
	s        *state
}

// writer handles one run.
type writer struct {
	j       *Journal
	numbers map[timeline.ConversationID]int64 // given because the first was taken
	stored  map[timeline.EventID]*message     // events of the run's commands that exist already
	missing []int                             // commands of conversations that do not exist
}

// round takes the groups through one attempt and returns those that have to be tried again.
func (w *writer) round(ctx context.Context, groups []*group, again bool) (stale []*group, err error) {
	if err := w.load(ctx, groups, again); err != nil {
		return nil, err
	}
	if err := w.fetch(ctx, groups); err != nil {
		return nil, err
	}
	for _, g := range groups {
		if err := w.plan(ctx, g); err != nil {
			return nil, err
		}
	}
	ok, stale, err := w.write(ctx, groups)
	if err != nil {
		return nil, err
	}
	if err := w.publish(ctx, ok); err != nil {
		return nil, err
	}
	for _, g := range ok {
		if g.s.conv != nil && g.s.erased == nil { // what was erased is not kept in memory
			w.j.cache.put(g.s)
		}
	}
	return stale, nil
}

// plan decides a group's commands one after another.
func (w *writer) plan(ctx context.Context, g *group) error {
	s := g.s
	s.fresh = make(map[timeline.EventID]bool, len(g.commands))
	for i, cmd := range g.commands {
		if n, ok := w.numbers[g.id]; ok && cmd.Create != nil {
			create := *cmd.Create
			create.Number = n
			cmd.Create = &create
		}
		if s.fresh[cmd.ID] {
			continue // twice in one run
		}
		var err error
		if m := w.stored[cmd.ID]; m != nil {
			err = w.repeat(ctx, s, cmd, m)
		} else {
			err = w.absorb(ctx, s, 0)
			if err == nil {
				err = w.decide(ctx, s, cmd)
			}
		}
		if errors.Is(err, errMissing) {
			if !isProfile(&cmd.Event) {
				w.missing = append(w.missing, g.index[i])
			}
			err = nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

var errMissing = errors.New("journal: no such conversation")

// decide takes a command that is new.
func (w *writer) decide(ctx context.Context, s *state, cmd *timeline.Command) error {
	next := s.begin(cmd)
	if next == nil {
		return errMissing
	}
	cmd, facts, err := w.facts(ctx, s, next, cmd)
	if err != nil {
		return err
	}
	events, changes, err := inbox.Decide(next, cmd, facts)
	var no *inbox.Refusal
	switch {
	case errors.As(err, &no):
		return w.refused(ctx, s, cmd, no)
	case err != nil:
		return fmt.Errorf("decide: %w", err)
	}
	ledger := w.ledger(next, &events[0])
	for i := range events {
		if i > 0 {
			changes = nil
		}
		w.take(s, next, &message{Event: events[i]}, changes, false)
		if i == 0 {
			opened(next, cmd, &events[0])
		}
		w.tell(s, next, events[i].ID, changes, ledger, false)
	}
	w.attach(s, cmd, false)
	s.conv = next
	return nil
}

// refused deals with a command that came to nothing. What an old copy says is asked again of the store.
func (w *writer) refused(ctx context.Context, s *state, cmd *timeline.Command, no *inbox.Refusal) error {
	if s.cached && s.idle() && no.Code != inbox.Dangling && cmd.Event.Kind != timeline.KindReceipt {
		if err := w.refresh(ctx, s, cmd); err != nil {
			return err
		}
		return w.decide(ctx, s, cmd)
	}
	if no.Code == inbox.Dangling {
		w.hold(s, cmd)
		return nil
	}
	if t := s.target(&cmd.Event); t != nil {
		s.spare(t.Message, &cmd.Event)
	}
	w.j.Stats.refused(no.Code)
	w.j.deps.Log.Debug("a command came to nothing", "conversation", s.id, "command", cmd.ID, "kind", cmd.Event.Kind,
		"code", no.Code, "why", no.Why)
	return nil
}

// hold keeps an event until its message comes.
func (w *writer) hold(s *state, cmd *timeline.Command) {
	ev := cmd.Event
	ev.ID, ev.Conversation = cmd.ID, s.id
	if ev.Leg == "" && ev.Thread.ID != "" {
		ev.Leg = ev.Thread.Leg()
	}
	for i := range s.pending {
		if s.pending[i].ID == ev.ID {
			return
		}
	}
	p := waiting{ID: ev.ID, Conversation: s.id, Event: ev, At: w.j.now()}
	s.pending = append(s.pending[:len(s.pending):len(s.pending)], p)
	s.held = append(s.held, p)
}

// take numbers an event into the conversation and remembers what there is to write.
func (w *writer) take(s *state, next *timeline.Conversation, m *message, changes []inbox.Change, stored bool) {
	ev := &m.Event
	settled := s.settle(ev)
	for i := range changes {
		w.folded(s, ev, &changes[i])
	}
	if waits(ev.Kind) && len(changes) == 0 && !stored {
		w.dangles(s, ev)
	}
	inbox.Apply(next, ev, changes...)
	s.fresh[ev.ID] = true
	s.know(*m)
	s.erasure(ev)
	if !stored {
		s.inserts = append(s.inserts, *m)
	} else if settled {
		s.change(ev)
	}
}

// folded notes a changed message, with what waited for the ids that it gained.
func (w *writer) folded(s *state, ev *timeline.Event, ch *inbox.Change) {
	after := *ch.After
	s.settle(&after)
	ch.After = &after
	if inbox.Erases(ev) {
		s.unsent = append(s.unsent, redaction{target: &after, files: filesOf(ch.Before)})
	}
	s.spare(after.Message, ev)
	if d := after.Message.Delivery; d != nil && len(d.Remotes) > 1 {
		for _, r := range d.Remotes {
			if r != after.Remote {
				s.names = append(s.names, alias{ID: aliasID(after.Leg, r), Event: after.ID, Conversation: after.Conversation})
			}
		}
	}
	s.change(&after)
}

// dangles keeps an edit, unsend or reaction, which is on the timeline already, for its message.
func (w *writer) dangles(s *state, ev *timeline.Event) {
	w.hold(s, &timeline.Command{ID: ev.ID, Event: *ev})
}

// erasure notes that everything up to an event is to be emptied.
func (s *state) erasure(ev *timeline.Event) {
	if !inbox.IsErasure(ev) {
		return
	}
	if s.erased == nil {
		s.erased = &erased{}
	}
	if seq, err := strconv.ParseInt(ev.Control.Data[inbox.ErasedEvent], 10, 64); err == nil {
		s.erased.only, s.erased.at = append(s.erased.only, seq), ev.At
		return
	}
	s.erased.seq, s.erased.at = max(s.erased.seq, ev.Seq), ev.At
}

// waits reports whether an event of a kind is on the timeline before its message is.
func waits(k timeline.Kind) bool {
	return k == timeline.KindEdit || k == timeline.KindUnsend || k == timeline.KindReaction
}

// opened enters what an event opens: windows of its own leg, and the legs it offers.
func opened(next *timeline.Conversation, cmd *timeline.Command, ev *timeline.Event) {
	inbox.Opened(next, ev.Leg, cmd.Opens, ev.At, ev.Remote)
	for _, leg := range cmd.Offers {
		inbox.Offer(next, leg, ev.At)
	}
}

// attach notes the legs that a command brings.
func (w *writer) attach(s *state, cmd *timeline.Command, repeat bool) {
	if cmd.Attach != nil {
		w.attached(s, cmd.Attach.ID, repeat)
	}
	for _, leg := range cmd.Offers {
		w.attached(s, leg.ID, repeat)
	}
}

// attached notes a leg that is new, so that the thread is found by it. A repeat only makes
// sure that the thread is known.
func (w *writer) attached(s *state, leg timeline.LegID, repeat bool) {
	if s.base != nil && !repeat {
		if _, ok := inbox.LegOf(s.base, leg); ok {
			return
		}
	}
	if s.legs == nil {
		s.legs = map[timeline.LegID]bool{}
	}
	s.legs[leg] = s.legs[leg] || !repeat
}

func filesOf(ev *timeline.Event) (out []timeline.FileID) {
	if ev == nil || ev.Message == nil {
		return nil
	}
	for _, p := range ev.Message.Parts {
		if p.File != "" {
			out = append(out, p.File)
		}
	}
	return out
}

// load takes the groups' conversations from memory or the store, and looks which of the
// commands' events exist already.
func (w *writer) load(ctx context.Context, groups []*group, again bool) error {
	var cold []timeline.ConversationID
	var ids []timeline.EventID
	for _, g := range groups {
		g.s = nil
		if !again {
			g.s = w.j.cache.take(g.id)
		}
		if g.s == nil {
			g.s = &state{id: g.id}
			cold = append(cold, g.id)
		}
		for _, cmd := range g.commands {
			ids = append(ids, cmd.ID)
		}
	}
	if err := w.exist(ctx, ids); err != nil {
		return err
	}
	if err := w.cold(ctx, groups, cold); err != nil {
		return err
	}
	for _, g := range groups {
		if !again && !w.anyStored(g) {
			continue
		}
		if err := w.tail(ctx, g.s); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) anyStored(g *group) bool {
	for _, cmd := range g.commands {
		if w.stored[cmd.ID] != nil {
			return true
		}
	}
	return false
}

func (w *writer) exist(ctx context.Context, ids []timeline.EventID) error {
	var found []message
	if err := w.j.deps.Store.C(store.Events).All(ctx, idIn(ids), &found); err != nil {
		return fmt.Errorf("look for repeats: %w", err)
	}
	w.stored = make(map[timeline.EventID]*message, len(found))
	for i := range found {
		w.stored[found[i].ID] = &found[i]
	}
	return nil
}
