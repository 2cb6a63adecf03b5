package journal

import (
	"slices"

	"github.com/parley-hub/parley/inbox"
	"github.com/parley-hub/parley/timeline"
)

// state is one conversation in the writer's hands.
type state struct {
	id      timeline.ConversationID
	conv    *timeline.Conversation // as it will be; nil: it does not exist
	base    *timeline.Conversation // as it is stored; nil: it is not
	cached  bool                   // base was not read in this run and may be old
	tail    []message              // stored events that base does not know of yet, by seq without gaps
	pending []waiting
	recent  []*known // latest messages, oldest first

	// Of the present run:
	inserts []message // as they were when they were numbered
	dirty   []*known
	held    []waiting                 // to be kept until their message comes
	met     []timeline.EventID        // pending ones that found it
	names   []alias                   // further ids of messages of ours
	unsent  []redaction               // whose traces are to go
	erased  *erased                   // everything before it is to be emptied
	loose   []timeline.FileID         // files that came for a message and that it did not take
	fresh   map[timeline.EventID]bool // ids planned in this run
	entries []timeline.Entry
	outs    []timeline.Outbound
	legs    map[timeline.LegID]bool // attached in this run; false: by a repeat
}

// known is a message or event in memory. Values are replaced, never written through.
type known struct {
	message
	dirty bool
}

// redaction is what an unsend asks for beyond the message itself.
type redaction struct {
	target *timeline.Event
	files  []timeline.FileID
}

// rest drops what belongs to a run, and all but the latest messages.
func (s *state) rest() {
	keep := make([]*known, 0, cachedMessages)
	for i := len(s.recent) - 1; i >= 0 && len(keep) < cachedMessages; i-- {
		if s.recent[i].Message != nil {
			keep = append(keep, s.recent[i])
		}
	}
	slices.Reverse(keep)
	s.recent = keep
	for _, m := range s.recent {
		m.dirty = false
	}
	s.base, s.cached = s.conv, true
	s.tail, s.inserts, s.dirty, s.held, s.met, s.names, s.unsent = nil, nil, nil, nil, nil, nil, nil
	s.fresh, s.entries, s.outs, s.legs, s.loose, s.erased = nil, nil, nil, nil, nil, nil
}

// idle reports whether nothing of the present run is noted yet.
func (s *state) idle() bool {
	return len(s.inserts)+len(s.entries)+len(s.dirty)+len(s.held)+len(s.unsent)+len(s.loose) == 0 && s.erased == nil
}

// find looks a message up in memory.
func (s *state) find(id timeline.EventID) *known {
	for i := len(s.recent) - 1; i >= 0; i-- {
		if s.recent[i].ID == id {
			return s.recent[i]
		}
	}
	return nil
}

// remote looks a message up by the far side's id.
func (s *state) remote(leg timeline.LegID, r timeline.RemoteID) *known {
	for i := len(s.recent) - 1; i >= 0; i-- {
		if m := s.recent[i]; m.Leg == leg && (m.Remote == r || hasRemote(&m.Event, r)) {
			return m
		}
	}
	return nil
}

func hasRemote(ev *timeline.Event, r timeline.RemoteID) bool {
	return ev.Message != nil && ev.Message.Delivery != nil && slices.Contains(ev.Message.Delivery.Remotes, r)
}

// know keeps a message that was read, unless memory has it: memory is never older within a run.
func (s *state) know(m message) *known {
	if k := s.find(m.ID); k != nil {
		return k
	}
	k := &known{message: m}
	at := len(s.recent)
	for at > 0 && s.recent[at-1].Seq > m.Seq {
		at--
	}
	s.recent = slices.Insert(s.recent, at, k)
	return k
}

// begin makes the conversation if it is not there, and enters what the command says of its
// leg and person. It returns a copy to decide on; nil: there is no such conversation.
func (s *state) begin(cmd *timeline.Command) *timeline.Conversation {
	var next timeline.Conversation
	switch {
	case s.conv != nil:
		next = *s.conv
	case cmd.Create != nil:
		at := cmd.At
		if at.IsZero() {
			at = cmd.Event.Received
		}
		next = inbox.Begin(s.id, *cmd.Create, timeline.Moment(at))
	default:
		return nil
	}
	if cmd.Attach != nil {
		inbox.Attach(&next, *cmd.Attach)
	}
	if cmd.Name != "" {
		next.Name = cmd.Name
	}
	return &next
}

// change puts a folded message in the place of the one before.
func (s *state) change(after *timeline.Event) {
	k := s.find(after.ID)
	if k == nil {
		return
	}
	k.Event = *after
	if !k.dirty {
		k.dirty = true
		s.dirty = append(s.dirty, k)
	}
}

// settle folds into a message what waited for it, and reports whether anything did.
func (s *state) settle(m *timeline.Event) (changed bool) {
	if len(s.pending) == 0 || (m.Kind != timeline.KindMessage && m.Kind != timeline.KindNote) {
		return false
	}
	for i := 0; i < len(s.pending); i++ {
		p := &s.pending[i]
		if !refers(&p.Event, m) {
			continue
		}
		files := filesOf(m)
		changed = inbox.Fold(m, &p.Event) || changed
		if inbox.Erases(&p.Event) {
			s.unsent = append(s.unsent, redaction{target: m, files: files})
		}
		s.spare(m.Message, &p.Event)
		s.met = append(s.met, p.ID)
		s.pending = slices.Delete(slices.Clone(s.pending), i, i+1)
		i-- // a receipt may have brought a further id that others wait for: look again from the start
		if changed {
			i = -1
		}
	}
	return changed
}

// spare notes the files of a media event that its message did not take.
func (s *state) spare(m *timeline.Message, ev *timeline.Event) {
	s.loose = append(s.loose, inbox.Spare(m, ev)...)
}

// refers reports whether an event's reference means a message.
func refers(ev, m *timeline.Event) bool {
	of := inbox.RefOf(ev)
	switch {
	case of == nil:
		return false
	case of.Event != "":
		return of.Event == m.ID
	case of.Remote != "":
		return ev.Leg == m.Leg && (of.Remote == m.Remote || hasRemote(m, of.Remote))
	case of.Client != "":
		return ev.Leg == m.Leg && of.Client == m.Client
	}
	return false
}
