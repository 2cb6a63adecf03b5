package email

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"
	"golang.org/x/sync/errgroup"

	"github.com/parley-hub/parley/channels"
	"github.com/parley-hub/parley/timeline"
)

const (
	sweepEvery = 3 * time.Minute // below the 28 minutes IDLE may last, and servers lose IDLE
	rescan     = 7 * 24 * time.Hour
	rescanMore = 24 * time.Hour // a mail may have been put into the folder so long after it came
	retryMin   = 5 * time.Second
	retryMax   = 5 * time.Minute
)

// emitter makes events durable and moves the cursor; see channels.Runner.
type emitter func(ctx context.Context, cursor []byte, in ...timeline.Inbound) error

// cursor is how far the folder was read. UIDs only mean something together with the validity
// (RFC 9051 §2.3.1.1).
type cursor struct {
	Validity uint32    `json:"uidvalidity"`
	Last     imap.UID  `json:"last_uid"`
	At       time.Time `json:"at,omitzero"` // when the last mail came in, for when UIDs are given anew
}

func readCursor(b []byte) (cursor, error) {
	var c cursor
	if len(b) == 0 {
		return c, nil
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return c, fmt.Errorf("email: the cursor: %w", err)
	}
	return c, nil
}

func (c cursor) bytes() []byte {
	b, err := json.Marshal(c)
	if err != nil {
		panic(err) // two numbers and a time always encode
	}
	return b
}

// Run fetches by IMAP and takes deliveries, as far as each is set up, until ctx ends or the
// connection is lost. Where mail is also delivered to us, a lost connection is made again here,
// so that those who deliver do not notice.
func (s *Session) Run(ctx context.Context, at []byte, emit func(ctx context.Context, cursor []byte, in ...timeline.Inbound) error) error {
	c, err := readCursor(at)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	g, ctx := errgroup.WithContext(ctx)
	if s.set.receive != nil {
		g.Go(func() error { return s.receive(ctx) })
	}
	if s.set.imap.set() {
		g.Go(func() error { return s.keepFollowing(ctx, c, emit) })
	}
	return g.Wait()
}

// keepFollowing follows the folder, again and again where others need us to stay.
func (s *Session) keepFollowing(ctx context.Context, c cursor, emit emitter) error {
	wait := retryMin
	for {
		began := s.host.Now()
		last, err := s.follow(ctx, c, emit)
		c = last
		if ctx.Err() != nil || s.set.receive == nil {
			return err
		}
		s.host.Log().Warn("the inbox's connection was lost", "error", err)
		if s.host.Now().Sub(began) > retryMax {
			wait = retryMin
		}
		if !pause(ctx, wait/2+rand.N(wait/2)) {
			return nil
		}
		wait = min(2*wait, retryMax)
	}
}

// follow reads the folder to its end and then waits for more, over one connection.
func (s *Session) follow(ctx context.Context, c cursor, emit emitter) (cursor, error) {
	m, err := s.connectIMAP(ctx)
	if err != nil {
		if ctx.Err() == nil {
			s.healthOf(err)
		}
		return c, err
	}
	defer m.shut()
	if c, err = s.begin(ctx, m, c, emit); err != nil {
		return c, s.lost(ctx, err)
	}
	for {
		if c, err = s.catchUp(ctx, m, c, emit); err != nil {
			return c, s.lost(ctx, err)
		}
		if !s.unmarked.Load() && !s.unsent.Load() {
			s.report(channels.Green, "", "")
		}
		if err := s.await(ctx, m); err != nil {
			return c, s.lost(ctx, err)
		}
	}
}

// lost is the end of a connection; one that was ended by us is none.
func (s *Session) lost(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// begin finds where to read on. A folder seen for the first time is read from some days back;
// one whose UIDs were given anew is read again from before the last mail known, and what is
// known is recognised by its content.
func (s *Session) begin(ctx context.Context, m *mailbox, c cursor, emit emitter) (cursor, error) {
	if c.Validity == m.validity && c.Validity != 0 {
		return c, nil
	}
	now := s.host.Now()
	from := now.Add(-s.set.since)
	if c.Validity != 0 {
		from = now.Add(-max(rescan, s.set.since))
		if !c.At.IsZero() && c.At.Add(-rescanMore).Before(from) {
			from = c.At.Add(-rescanMore)
		}
		s.host.Log().Info("the server gave new UIDs: the folder is read again", "from", from)
	}
	first, err := s.firstSince(ctx, m, from, c.Validity == 0 && s.set.since == 0)
	if err != nil {
		return c, err
	}
	c.Validity, c.Last = m.validity, first-1
	if err := emit(ctx, c.bytes()); err != nil {
		return c, fmt.Errorf("email: keeping the first cursor: %w", err)
	}
	return c, nil
}

// firstSince is the lowest UID of mails that came at a day or later; with none, or if there are
// none, the UID the next mail gets.
func (s *Session) firstSince(ctx context.Context, m *mailbox, from time.Time, none bool) (imap.UID, error) {
	if none && m.next > 0 {
		return m.next, nil
	}
	defer m.limit(ctx, commandFor)()
	criteria := &imap.SearchCriteria{Since: from}
	if none {
		criteria = &imap.SearchCriteria{} // all: the server does not tell its next UID
	}
	d, err := m.UIDSearch(criteria, nil).Wait()
	if err != nil {
		return 0, fmt.Errorf("email: searching the folder: %w", err)
	}
	uids := d.AllUIDs()
	switch {
	case len(uids) == 0:
		return max(m.next, 1), nil
	case none:
		return slices.Max(uids) + 1, nil
	}
	return slices.Min(uids), nil
}

// await returns when something may have come, at the latest after a sweep's time. Ending IDLE
// asks the server for an answer: a line that died is found out then.
func (s *Session) await(ctx context.Context, m *mailbox) error {
	t := time.NewTimer(s.pace.sweep)
	defer t.Stop()
	if !m.idles {
		select {
		case <-t.C:
		case <-m.Closed():
		case <-ctx.Done():
			return ctx.Err()
		}
		defer m.limit(ctx, s.pace.answer)()
		if err := m.Noop().Wait(); err != nil {
			return fmt.Errorf("email: asking whether mail came: %w", err)
		}
		return nil
	}
	stop := m.limit(ctx, s.pace.answer)
	idle, err := m.Idle()
	stop()
	if err != nil {
		return fmt.Errorf("email: waiting for mail: %w", err)
	}
	select {
	case <-m.changed:
	case <-t.C:
	case <-m.Closed():
	case <-ctx.Done():
	}
	defer m.limit(ctx, s.pace.answer)()
	if err := errors.Join(idle.Close(), idle.Wait()); err != nil {
		return fmt.Errorf("email: waiting for mail: %w", err)
	}
	return ctx.Err()
}

// pace is how often and how long; tests are quicker.
type pace struct {
	sweep, answer, bind time.Duration
}

var usualPace = pace{sweep: sweepEvery, answer: commandFor, bind: bindFor}

// pause waits; false: ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
