package continuity

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/parley-hub/parley/internal/bus"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// Chat is what is known of the account of a leg.
type Chat struct {
	Continue timeline.AccountID // by which account mails go out; empty: none do
	After    time.Duration      // how long an answer may stay unread; 0: DefaultAfter
}

// Deps is what continuity works with. All but Now and Log are required.
type Deps struct {
	Store store.Store
	// Chat reads an account. One that is gone is the zero Chat.
	Chat func(context.Context, timeline.AccountID) (Chat, error)
	// Begin says how a first mail to an address goes out by an account; an error says that it cannot at present.
	Begin func(account timeline.AccountID, to, about, id string) (timeline.Inbound, error)
	// Present reports whether a person has a leg's chat open.
	Present func(timeline.ConversationID, timeline.LegID) bool
	// Ask asks the single writer; durable on return.
	Ask func(context.Context, ...timeline.Command) error
	Now func() time.Time // nil: the clock
	Log *slog.Logger     // nil: discarded
}

// Continuity watches answers that stay unread. It is safe for concurrent use.
type Continuity struct{ d Deps }

// New makes one; it starts nothing.
func New(d Deps) *Continuity {
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	return &Continuity{d}
}

// watch is one leg on which answers may be unread.
type watch struct {
	ID           string                  `json:"id" bson:"_id"` // conversation|leg
	Conversation timeline.ConversationID `json:"conversation"`
	Leg          timeline.LegID          `json:"leg"`
	DueAt        time.Time               `json:"dueAt,omitzero"` // absent: nothing to look at
	N            int64                   `json:"n"`              // counts answers, so that none is missed
	Mailed       int64                   `json:"mailed,omitempty"`
	MailedAt     time.Time               `json:"mailedAt,omitzero"`
	Mail         *mail                   `json:"mail,omitempty"` // written down, and perhaps not asked for yet
}

// mail is a mail before it is asked for: which messages it holds, by seq.
type mail struct {
	ID timeline.EventID `json:"id"`
	Of []int64          `json:"of"`
	At time.Time        `json:"at"`
}

// Start registers the consumer on a bus.
func (c *Continuity) Start(b *bus.Bus) error {
	wait := func(err error) bool { return errors.Is(err, store.ErrUnavailable) }
	return bus.Consume(b, bus.Timeline, bus.Consumer[timeline.Entry]{Group: "continuity", Workers: 1, Pause: wait}, c.Follow)
}

// Follow notes answers on legs of accounts that go on by mail. What was noted is looked at
// when it is due; a repeat is looked at once more and finds nothing new.
func (c *Continuity) Follow(ctx context.Context, run []bus.Record[timeline.Entry]) error {
	for i := range run {
		e := &run[i].Value
		m := &e.Event
		if e.Target != nil && m.Kind == timeline.KindReceipt {
			m = e.Target // it has left now
		}
		if m.Leg == "" || !Counts(m) {
			continue
		}
		chat, err := c.d.Chat(ctx, m.Thread.Account)
		if err != nil {
			return fmt.Errorf("continuity: %w", err)
		}
		if chat.Continue == "" {
			continue
		}
		due := m.At.Add(chat.after())
		_, err = c.col().Upsert(ctx, bson.D{{Key: "_id", Value: string(m.Conversation) + "|" + string(m.Leg)}}, bson.D{
			{Key: "$setOnInsert", Value: bson.D{{Key: "conversation", Value: string(m.Conversation)}, {Key: "leg", Value: string(m.Leg)}}},
			{Key: "$min", Value: bson.D{{Key: "dueAt", Value: due}}}, {Key: "$inc", Value: bson.D{{Key: "n", Value: int64(1)}}}})
		if err != nil {
			return fmt.Errorf("continuity: note an answer: %w", err)
		}
	}
	return nil
}

func (c Chat) after() time.Duration {
	if c.After > 0 {
		return c.After
	}
	return DefaultAfter
}

func (c *Continuity) col() store.Collection { return c.d.Store.C(store.Continuity) }

func (c *Continuity) now() time.Time { return timeline.Moment(c.d.Now()) }

// The pace of looking.
const (
	poll  = 5 * time.Second
	lease = 30 * time.Second // who looked and died is followed by another
	most  = 100
)

// Run looks at what is due until ctx ends. Several nodes may.
func (c *Continuity) Run(ctx context.Context) {
	t := time.NewTicker(poll)
	defer t.Stop()
	for {
		if err := c.Look(ctx); err != nil && ctx.Err() == nil {
			c.d.Log.Warn("what is unread was not looked at; tried again", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// Look looks once at all that is due.
func (c *Continuity) Look(ctx context.Context) error {
	var due []watch
	err := c.col().All(ctx, bson.D{{Key: "dueAt", Value: bson.D{{Key: "$lte", Value: c.now()}}}}, &due,
		store.Find{Sort: bson.D{{Key: "dueAt", Value: 1}, {Key: "_id", Value: 1}}, Limit: most})
	if err != nil {
		return fmt.Errorf("continuity: read what is due: %w", err)
	}
	var failed []error
	for i := range due {
		w := &due[i]
		until := c.now().Add(lease)
		n, err := c.col().Update(ctx, bson.D{{Key: "_id", Value: w.ID}, {Key: "dueAt", Value: w.DueAt}, {Key: "n", Value: w.N}}, bson.D{{Key: "$set", Value: bson.D{{Key: "dueAt", Value: until}}}})
		if err == nil && n > 0 {
			err = c.look(ctx, w)
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("continuity: %s: %w", w.Conversation, err))
		}
	}
	return errors.Join(failed...)
}

// look decides about one leg that this node has claimed.
func (c *Continuity) look(ctx context.Context, w *watch) error {
	v, err := c.view(ctx, w)
	if err != nil {
		return err
	}
	if v == nil {
		return c.leave(ctx, w, time.Time{})
	}
	if w.Mail != nil { // a crash came before it was known to be recorded
		if err := c.send(ctx, w, v); err != nil {
			return err
		}
	}
	f := v.facts
	f.Mailed, f.MailedAt = w.Mailed, w.MailedAt
	p := Decide(f)
	if len(p.Send) > 0 {
		if err := c.write(ctx, w, p.Send); err != nil {
			return err
		}
		if err := c.send(ctx, w, v); err != nil {
			return err
		}
		f.Mailed, f.MailedAt = w.Mailed, w.MailedAt
		p = Decide(f)
	}
	return c.leave(ctx, w, p.Look)
}

// leave says when to look again; zero: when something happens. An answer that came meanwhile
// is looked at once more.
func (c *Continuity) leave(ctx context.Context, w *watch, at time.Time) error {
	next := bson.D{{Key: "$unset", Value: bson.D{{Key: "dueAt", Value: ""}}}}
	if !at.IsZero() {
		next = bson.D{{Key: "$set", Value: bson.D{{Key: "dueAt", Value: at}}}}
	}
	n, err := c.col().Update(ctx, bson.D{{Key: "_id", Value: w.ID}, {Key: "n", Value: w.N}}, next)
	if err == nil && n == 0 {
		_, err = c.col().Update(ctx, bson.D{{Key: "_id", Value: w.ID}}, bson.D{{Key: "$set", Value: bson.D{{Key: "dueAt", Value: c.now()}}}})
	}
	if err != nil {
		return fmt.Errorf("say when to look again: %w", err)
	}
	return nil
}

// write writes a mail down before it is asked for.
func (c *Continuity) write(ctx context.Context, w *watch, send []*timeline.Event) error {
	m := &mail{At: c.now()}
	for _, ev := range send {
		m.Of = append(m.Of, ev.Seq)
	}
	m.ID = timeline.EventID(fmt.Sprintf("continue|%s|%d", w.ID, m.Of[len(m.Of)-1]))
	if _, err := c.col().Update(ctx, bson.D{{Key: "_id", Value: w.ID}}, bson.D{{Key: "$set", Value: bson.D{{Key: "mail", Value: m}}}}); err != nil {
		return fmt.Errorf("write a mail down: %w", err)
	}
	w.Mail = m
	return nil
}

// send asks for the mail that was written down, and then takes it off. What was read since it
// was written down is left out; a mail of nothing is not sent.
func (c *Continuity) send(ctx context.Context, w *watch, v *view) error {
	cmd, ok, err := c.command(w, v)
	if err != nil {
		return err
	}
	if ok {
		if err := c.d.Ask(ctx, cmd); err != nil {
			return fmt.Errorf("ask for a mail: %w", err)
		}
	}
	w.Mailed, w.MailedAt = w.Mail.Of[len(w.Mail.Of)-1], w.Mail.At
	done := bson.D{{Key: "$set", Value: bson.D{{Key: "mailed", Value: w.Mailed}, {Key: "mailedAt", Value: w.MailedAt}}}, {Key: "$unset", Value: bson.D{{Key: "mail", Value: ""}}}}
	if _, err := c.col().Update(ctx, bson.D{{Key: "_id", Value: w.ID}}, done); err != nil {
		return fmt.Errorf("note that a mail was asked for: %w", err)
	}
	w.Mail = nil
	return nil
}
