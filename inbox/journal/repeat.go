package journal

import (
	"context"
	"fmt"

	"github.com/parley-hub/parley/inbox"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// repeat takes a command whose event exists. What an earlier run began is finished: the
// event is applied if the conversation does not know it yet, folded if its message does not,
// and published again.
func (w *writer) repeat(ctx context.Context, s *state, cmd *timeline.Command, m *message) error {
	if m.Conversation != s.id {
		w.j.Stats.Repeats.Add(1) // a late duplicate that was routed anew; the first one counts
		return nil
	}
	if s.conv != nil && m.Seq <= s.conv.Seq {
		w.attach(s, cmd, true)
		return w.publishAgain(ctx, s, m)
	}
	if err := w.absorb(ctx, s, m.Seq); err != nil {
		return err
	}
	next := s.begin(cmd)
	if next == nil {
		return errMissing
	}
	if m.Seq != next.Seq+1 {
		return errStale
	}
	follow := inbox.Consequences(next, &m.Event)
	facts, err := w.again(ctx, s, next, &m.Event)
	if err != nil {
		return err
	}
	changes := inbox.Effects(&m.Event, facts)
	ledger := w.ledger(next, &m.Event)
	w.take(s, next, m, changes, true)
	w.dangling(s, &m.Event)
	opened(next, cmd, &m.Event)
	w.tell(s, next, m.ID, changes, ledger, true)
	s.drop(m.Seq)
	for _, ev := range follow {
		ev.Seq = next.Seq + 1
		if len(s.tail) > 0 && s.tail[0].ID == ev.ID {
			w.take(s, next, &s.tail[0], nil, true)
			s.drop(ev.Seq)
		} else {
			w.take(s, next, &message{Event: ev}, nil, false)
		}
		w.tell(s, next, ev.ID, nil, nil, true)
	}
	w.attach(s, cmd, true)
	s.conv = next
	return nil
}

// again is which messages a recorded event is about. Marks are looked for without regard to
// what was marked since.
func (w *writer) again(ctx context.Context, s *state, c *timeline.Conversation, ev *timeline.Event) (inbox.Facts, error) {
	f := inbox.Facts{Target: s.target(ev)}
	if f.Target != nil && f.Target.Message == nil {
		f.Target = nil
	}
	if !marks(ev, f.Target) {
		return f, nil
	}
	ours, err := w.marked(ctx, s, c, ev, f.Target, 0)
	f.Ours = ours
	return f, err
}

// dangling keeps a repeated edit, unsend or reaction whose message is still not there.
func (w *writer) dangling(s *state, ev *timeline.Event) {
	if waits(ev.Kind) && s.target(ev) == nil {
		w.dangles(s, ev)
	}
}

// absorb applies stored events that no command of this run will repeat, up to before a seq;
// 0: all of them.
func (w *writer) absorb(ctx context.Context, s *state, before int64) error {
	for len(s.tail) > 0 && (before == 0 || s.tail[0].Seq < before) && s.conv != nil {
		next := *s.conv
		m := &s.tail[0]
		facts, err := w.again(ctx, s, &next, &m.Event)
		if err != nil {
			return err
		}
		w.take(s, &next, m, inbox.Effects(&m.Event, facts), true)
		s.conv = &next
		s.tail = s.tail[1:]
	}
	return nil
}

// drop forgets the tail up to a seq.
func (s *state) drop(seq int64) {
	for len(s.tail) > 0 && s.tail[0].Seq <= seq {
		s.tail = s.tail[1:]
	}
}

// publishAgain publishes an event of the record again, with what followed from it, and makes
// sure that its message knows of it.
func (w *writer) publishAgain(ctx context.Context, s *state, m *message) error {
	w.j.Stats.Repeats.Add(1)
	facts, err := w.again(ctx, s, s.conv, &m.Event)
	if err != nil {
		return err
	}
	changes := inbox.Effects(&m.Event, facts)
	for i := range changes {
		w.folded(s, &m.Event, &changes[i])
	}
	if len(changes) == 0 {
		w.dangling(s, &m.Event)
	}
	if t := s.target(&m.Event); t != nil && inbox.Erases(&m.Event) {
		s.unsent = append(s.unsent, redaction{target: t})
	}
	s.know(*m)
	s.erasure(&m.Event)
	s.settleAgain(m)
	w.tell(s, s.conv, m.ID, changes, nil, true)
	if e := &s.entries[len(s.entries)-1]; e.Target == nil && len(facts.Ours) > 0 { // a mark whose messages were raised before
		e.Target = facts.Ours[len(facts.Ours)-1]
	}
	if !inbox.Speaks(&m.Event) {
		return nil
	}
	var follow message
	err = w.j.deps.Store.C(store.Events).One(ctx, bson.D{{Key: "conversation", Value: string(s.id)}, {Key: "seq", Value: m.Seq + 1}}, &follow)
	switch {
	case isMissing(err):
		return nil
	case err != nil:
		return fmt.Errorf("read what followed: %w", err)
	}
	if follow.ID == m.ID+"/status" {
		s.know(follow)
		w.tell(s, s.conv, follow.ID, nil, nil, true)
	}
	return nil
}

// settleAgain lets a message that exists meet what still waits for it: a crash came between.
func (s *state) settleAgain(m *message) {
	ev := m.Event
	if s.settle(&ev) {
		s.change(&ev)
	}
}
