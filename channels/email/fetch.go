package email

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

const (
	batchMails = 64
	batchBytes = 8 << 20
	maxMail    = 64 << 20 // bytes; of a larger one only the beginning is read
	headOf     = 1 << 20  // bytes of that beginning
)

// listed is a mail as the folder lists it.
type listed struct {
	uid  imap.UID
	size int64
}

// arrived is a mail as it came in.
type arrived struct {
	raw   []byte
	at    time.Time // when the server took it
	to    string    // the recipient the server was told; empty: unknown
	size  int64     // of the whole; more than len(raw) where it was cut
	uid   imap.UID  // 0: it did not come by IMAP
	doubt string    // why raw may not be it
}

// trouble remembers mails at which the connection broke. It outlives the connection: such a
// mail is fetched alone the next time, then by other means, and in the end passed over.
type trouble struct {
	mu    sync.Mutex
	until imap.UID // below, mails are fetched alone
	tries map[imap.UID]int
}

// rawTries is how often a mail is tried alone before it is fetched by the simple reader.
const rawTries = 1

func (t *trouble) alone(u imap.UID) bool { t.mu.Lock(); defer t.mu.Unlock(); return u <= t.until }

func (t *trouble) tried(u imap.UID) int { t.mu.Lock(); defer t.mu.Unlock(); return t.tries[u] }

func (t *trouble) note(batch []listed) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.until = max(t.until, batch[len(batch)-1].uid)
	if len(batch) == 1 {
		if t.tries == nil {
			t.tries = map[imap.UID]int{}
		}
		t.tries[batch[0].uid]++
	}
}

func (t *trouble) over(u imap.UID) { t.mu.Lock(); defer t.mu.Unlock(); delete(t.tries, u) }

// catchUp reads every mail after the cursor. The cursor is moved by emit, after the mails are
// durable and never before.
func (s *Session) catchUp(ctx context.Context, m *mailbox, c cursor, emit emitter) (cursor, error) {
	all, err := s.list(ctx, m, c.Last)
	if err != nil {
		return c, err
	}
	for len(all) > 0 {
		n := s.cut(all)
		batch := all[:n]
		all = all[n:]
		mails, err := s.fetch(ctx, m, batch)
		if err != nil {
			return c, err
		}
		next := c
		next.Last = batch[len(batch)-1].uid
		for _, a := range mails {
			if a.at.After(next.At) {
				next.At = a.at
			}
		}
		if err := s.take(ctx, mails, func(in []timeline.Inbound) error { return emit(ctx, next.bytes(), in...) }); err != nil {
			return c, err
		}
		c = next
		s.after(ctx, m, mails)
	}
	return c, nil
}

// list asks for the UIDs after one, with sizes. "n:*" always names the last mail, even where
// its UID is below n (RFC 9051 §6.4.9).
func (s *Session) list(ctx context.Context, m *mailbox, last imap.UID) ([]listed, error) {
	defer m.limit(ctx, bodiesFor)()
	set := imap.UIDSet{}
	set.AddRange(last+1, 0)
	cmd := m.Fetch(set, &imap.FetchOptions{UID: true, RFC822Size: true})
	got, err := cmd.Collect()
	if err != nil {
		return nil, fmt.Errorf("email: listing the folder: %w", err)
	}
	var out []listed
	for _, g := range got {
		if g.UID > last {
			out = append(out, listed{g.UID, g.RFC822Size})
		}
	}
	slices.SortFunc(out, func(a, b listed) int { return int(int64(a.uid) - int64(b.uid)) })
	return slices.CompactFunc(out, func(a, b listed) bool { return a.uid == b.uid }), nil
}

// cut is how many of the mails to fetch at once.
func (s *Session) cut(all []listed) int {
	var size int64
	for i, l := range all {
		if size += l.size; i > 0 && (i == batchMails || size > batchBytes || s.trouble.alone(l.uid) || s.trouble.alone(all[0].uid)) {
			return i
		}
	}
	return len(all)
}

// fetch reads mails. What was expunged meanwhile is missing from the answer.
func (s *Session) fetch(ctx context.Context, m *mailbox, batch []listed) ([]arrived, error) {
	if u := batch[0].uid; len(batch) == 1 && s.trouble.tried(u) > rawTries {
		return s.salvage(ctx, batch[0])
	}
	section := &imap.FetchItemBodySection{Peek: true}
	if batch[0].size > maxMail {
		batch = batch[:1]
		section.Partial = &imap.SectionPartial{Size: headOf}
	}
	set := imap.UIDSet{}
	for _, l := range batch {
		set.AddNum(l.uid)
	}
	defer m.limit(ctx, bodiesFor)()
	got, err := m.Fetch(set, &imap.FetchOptions{UID: true, InternalDate: true, RFC822Size: true, BodySection: []*imap.FetchItemBodySection{section}}).Collect()
	if err != nil {
		if ctx.Err() == nil {
			s.trouble.note(batch)
		}
		return nil, fmt.Errorf("email: fetching mail: %w", err)
	}
	out := make([]arrived, 0, len(got))
	for _, g := range got {
		raw := g.FindBodySection(section)
		if i := slices.IndexFunc(batch, func(l listed) bool { return l.uid == g.UID }); i < 0 || raw == nil {
			continue
		}
		out = append(out, arrived{raw: raw, at: g.InternalDate, size: max(g.RFC822Size, int64(len(raw))), uid: g.UID})
	}
	slices.SortFunc(out, func(a, b arrived) int { return int(int64(a.uid) - int64(b.uid)) })
	return out, nil
}

// salvage reads a mail at which the usual reader failed. One that cannot be read at all becomes
// a note that it is there, so that those behind it come in.
func (s *Session) salvage(ctx context.Context, l listed) ([]arrived, error) {
	raw, err := s.readSimply(ctx, l.uid)
	var odd *errOdd
	switch {
	case errors.As(err, &odd):
		s.host.Log().Warn("a mail cannot be read from the server", "uid", uint32(l.uid), "error", err)
		s.trouble.over(l.uid)
		return []arrived{{at: s.host.Now(), size: l.size, uid: l.uid, doubt: odd.Error()}}, nil
	case err != nil:
		return nil, err
	}
	s.trouble.over(l.uid)
	return []arrived{{raw: raw, at: s.host.Now(), size: max(l.size, int64(len(raw))), uid: l.uid}}, nil
}

// after marks or moves what is ours now. Where that fails the mails stay as they are: nothing is
// lost, and people are told.
func (s *Session) after(ctx context.Context, m *mailbox, mails []arrived) {
	set := imap.UIDSet{}
	for _, a := range mails {
		set.AddNum(a.uid)
	}
	if len(set) == 0 || s.set.after == afterLeave {
		return
	}
	defer m.limit(ctx, bodiesFor)()
	var err error
	if s.set.after == afterMove {
		_, err = m.Move(set, s.set.moveTo).Wait()
	} else {
		err = m.Store(set, &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagSeen}}, nil).Close()
	}
	s.unmarked.Store(err != nil)
	if err != nil && ctx.Err() == nil {
		s.host.Log().Warn("fetched mail could not be marked or moved", "error", err)
		s.report(channels.Amber, "Fetched mail cannot be marked or moved: "+cause(err), "Check the folder's name and the rights of the user.")
	}
}
