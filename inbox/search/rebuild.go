package search

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// Rebuilder makes an index anew from the store, when it is asked and where there is none yet.
// The index that answers goes on answering until the new one is complete; both take what
// happens meanwhile. A stop in between goes on where it was.
//
// Asking and progress are documents of the store, so that a command can ask a hub that runs.
type Rebuilder struct {
	engine Engine
	store  store.Store
	feeder *Feeder
	log    *slog.Logger
	name   string // whose index: the node's, or the engine's where nodes share one
	node   string
	done   func(context.Context, Progress)
}

// Progress is how far a rebuild is.
type Progress struct {
	ID      string    `json:"id" bson:"_id"`
	Node    string    `json:"node"`
	Engine  string    `json:"engine"`
	Asked   string    `json:"asked"`           // which asking it does or did last
	State   string    `json:"state"`           // idle, building, failed
	Done    int64     `json:"done"`            // conversations and persons
	Total   int64     `json:"total"`           // about how many there are
	Docs    int64     `json:"docs"`            // documents written
	Error   string    `json:"error,omitempty"` // of failed
	Started time.Time `json:"started"`
	Seen    time.Time `json:"seen"` // a hub that runs says so every few seconds
}

// The states of a rebuild.
const (
	Idle     = "idle"
	Building = "building"
	Failed   = "failed"
)

const (
	askID     = "search"
	askPoll   = time.Second
	seenEvery = 2 * time.Second
	lease     = 30 * time.Second // without a sign another node goes on
	// SeenFor is how long after its last sign a hub is taken to run.
	SeenFor = 6 * time.Second
)

type asked struct {
	ID  string    `json:"id" bson:"_id"`
	Ask string    `json:"ask"`
	At  time.Time `json:"at"`
}

// NewRebuilder makes a rebuilder of the index of that name: the node's, or the engine's where
// all nodes share one.
func NewRebuilder(f *Feeder, name, node string) *Rebuilder {
	return &Rebuilder{engine: f.engine, store: f.store, feeder: f, log: f.log, name: askID + "." + name, node: node}
}

// OnProgress has a function called as a rebuild goes on.
func (r *Rebuilder) OnProgress(f func(context.Context, Progress)) { r.done = f }

// AskRebuild asks whoever runs for a rebuild, and returns its id.
func AskRebuild(ctx context.Context, s store.Store, now time.Time) (string, error) {
	id := ulid.Make().String()
	_, err := s.C(store.Meta).Upsert(ctx, bson.D{{Key: "_id", Value: askID}}, bson.D{{Key: "$set", Value: bson.D{{Key: "ask", Value: id}, {Key: "at", Value: now.UTC()}}}})
	if err != nil {
		return "", fmt.Errorf("search: ask for a rebuild: %w", err)
	}
	return id, nil
}

// ReadProgress is how far the rebuild of an index is; ok is false where none ever was.
func ReadProgress(ctx context.Context, s store.Store, name string) (p Progress, ok bool, err error) {
	err = s.C(store.Meta).One(ctx, bson.D{{Key: "_id", Value: askID + "." + name}}, &p)
	if errors.Is(err, store.ErrNotFound) {
		return p, false, nil
	}
	if err != nil {
		return p, false, fmt.Errorf("search: read how far the index is: %w", err)
	}
	return p, true, nil
}

func (r *Rebuilder) progress(ctx context.Context) (Progress, error) {
	p, _, err := ReadProgress(ctx, r.store, strings.TrimPrefix(r.name, askID+"."))
	return p, err
}

// Run fills an index that is empty, goes on with one that was begun, and does what is asked,
// until ctx ends.
func (r *Rebuilder) Run(ctx context.Context) {
	for ctx.Err() == nil {
		if err := r.look(ctx); err != nil && ctx.Err() == nil {
			r.log.Warn("search: the index was not made anew; tried again", "err", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(askPoll):
		}
	}
	r.leave(context.WithoutCancel(ctx))
}

// leaveTime is how long the last sign may take.
const leaveTime = 500 * time.Millisecond

// leave says that this hub runs no longer, so that a command need not wait for it.
func (r *Rebuilder) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, leaveTime)
	defer cancel()
	_, err := r.store.C(store.Meta).Update(ctx, bson.D{{Key: "_id", Value: r.name}, {Key: "node", Value: r.node}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "seen", Value: time.Unix(0, 0).UTC()}}}})
	if err != nil {
		r.log.Debug("search: the last sign was not given", "err", err)
	}
}

// look does what there is to do.
func (r *Rebuilder) look(ctx context.Context) error {
	p, err := r.progress(ctx)
	if err != nil {
		return err
	}
	var a asked
	if err := r.store.C(store.Meta).One(ctx, bson.D{{Key: "_id", Value: askID}}, &a); err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("read what was asked: %w", err)
	}
	empty, err := r.engine.Empty(ctx)
	if err != nil {
		return err
	}
	if empty || a.Ask != p.Asked || p.State == Building {
		if p.State == Building && p.Node != r.node && time.Since(p.Seen) < lease {
			return nil // another node is at it
		}
		if mine, err := r.claim(ctx, &p); err != nil || !mine {
			return err
		}
		return r.Rebuild(ctx, a.Ask, empty)
	}
	if time.Since(p.Seen) > seenEvery {
		return r.save(ctx, &p)
	}
	return nil
}

// claim makes the rebuild of a shared index this node's; false where another was quicker.
func (r *Rebuilder) claim(ctx context.Context, was *Progress) (bool, error) {
	if was.ID == "" {
		return true, nil // the first ever: a fresh index may be filled by two, which changes nothing
	}
	n, err := r.store.C(store.Meta).Update(ctx, bson.D{{Key: "_id", Value: r.name}, {Key: "seen", Value: was.Seen}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "node", Value: r.node}, {Key: "seen", Value: timeline.Now()}}}})
	if err != nil {
		return false, fmt.Errorf("claim a rebuild: %w", err)
	}
	return n > 0, nil
}

// Rebuild makes the index anew; ask names what asked for it.
func (r *Rebuilder) Rebuild(ctx context.Context, ask string, fresh bool) error {
	p := Progress{Asked: ask, State: Building, Started: time.Now().UTC()}
	was, err := r.progress(ctx)
	if err != nil {
		return err
	}
	goesOn := was.State == Building && was.Asked == ask
	if goesOn {
		p = was
	}
	if err := r.save(ctx, &p); err != nil {
		return err
	}
	fill, err := r.engine.Begin(ctx, fresh)
	if err != nil {
		return fmt.Errorf("begin an index: %w", err)
	}
	if !goesOn {
		if err := fill.Mark(ctx, ""); err != nil {
			return err
		}
	}
	if err := r.fill(ctx, fill, &p); err != nil {
		return err
	}
	if err := fill.Finish(ctx); err != nil {
		return fmt.Errorf("finish an index: %w", err)
	}
	p.State = Idle
	r.log.Info("search: the index was made anew", "documents", p.Docs, "took", time.Since(p.Started).Round(time.Millisecond))
	return r.save(ctx, &p)
}

func (r *Rebuilder) save(ctx context.Context, p *Progress) error {
	p.ID, p.Node, p.Engine, p.Seen = r.name, r.node, r.engine.Name(), timeline.Now()
	if r.done != nil {
		r.done(ctx, *p)
	}
	_, err := r.store.C(store.Meta).Upsert(ctx, bson.D{{Key: "_id", Value: p.ID}}, bson.D{{Key: "$set", Value: bson.D{
		{Key: "node", Value: p.Node}, {Key: "engine", Value: p.Engine}, {Key: "asked", Value: p.Asked}, {Key: "state", Value: p.State}, {Key: "done", Value: p.Done},
		{Key: "total", Value: p.Total}, {Key: "docs", Value: p.Docs}, {Key: "error", Value: p.Error}, {Key: "started", Value: p.Started}, {Key: "seen", Value: p.Seen}}}})
	if err != nil {
		return fmt.Errorf("note how far the index is: %w", err)
	}
	return nil
}

// The sizes of what is read at once.
const (
	somePersons       = 500
	someEvents        = 500
	someConversations = 50
	putAfter          = 2000 // changes
)

// The parts of a filling, as its place names them: "persons|" or "conversations|", and the id
// of the last one done.
const (
	partPersons       = "persons"
	partConversations = "conversations"
)

// fill reads everything: conversations first, because they say who may see the rest.
func (r *Rebuilder) fill(ctx context.Context, f Fill, p *Progress) error {
	p.Total = 0
	for _, c := range []string{store.Conversations, store.Persons} {
		n, err := r.store.C(c).Count(ctx, bson.D{})
		if err != nil {
			return fmt.Errorf("count %s: %w", c, err)
		}
		p.Total += n
	}
	place, err := f.Place(ctx)
	if err != nil {
		return err
	}
	part, after, _ := strings.Cut(place, "|")
	if part != partPersons {
		if err := r.conversations(ctx, f, p, after); err != nil {
			return err
		}
		after = ""
	}
	return r.persons(ctx, f, p, after)
}

func (r *Rebuilder) conversations(ctx context.Context, f Fill, p *Progress, after string) error {
	w := &filling{r: r, f: f, p: p, part: partConversations}
	for {
		var cs []timeline.Conversation
		if err := r.store.C(store.Conversations).All(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$gt", Value: after}}}}, &cs,
			store.Find{Sort: bson.D{{Key: "_id", Value: 1}}, Limit: someConversations}); err != nil {
			return fmt.Errorf("read conversations: %w", err)
		}
		for i := range cs {
			if err := r.conversation(ctx, w, &cs[i]); err != nil {
				return err
			}
			after = string(cs[i].ID)
		}
		if len(cs) < someConversations {
			return w.flush(ctx, after)
		}
	}
}

func (r *Rebuilder) conversation(ctx context.Context, w *filling, c *timeline.Conversation) error {
	s, d := StandingOf(c), ConversationDoc(c)
	w.add(Change{Standing: &s}, Change{Doc: &d})
	for after, more := int64(0), true; more; {
		var es []timeline.Event
		if err := r.store.C(store.Events).All(ctx, bson.D{{Key: "conversation", Value: string(c.ID)}, {Key: "seq", Value: bson.D{{Key: "$gt", Value: after}}},
			{Key: "kind", Value: bson.D{{Key: "$in", Value: speaking}}}}, &es, store.Find{Sort: bson.D{{Key: "seq", Value: 1}}, Limit: someEvents}); err != nil {
			return fmt.Errorf("read the events of conversation %s: %w", c.ID, err)
		}
		for i := range es {
			if d, ok := MessageDoc(c, &es[i], es[i].Seq); ok {
				w.add(Change{Doc: &d})
			}
			after = es[i].Seq
		}
		more = len(es) == someEvents
	}
	w.p.Done++
	if len(w.changes) >= putAfter {
		return w.flush(ctx, string(c.ID))
	}
	return nil
}

// speaking is the kinds of events in which something may be said.
var speaking = []string{string(timeline.KindMessage), string(timeline.KindNote), string(timeline.KindPostback), string(timeline.KindUnknown)}

func (r *Rebuilder) persons(ctx context.Context, f Fill, p *Progress, after string) error {
	w := &filling{r: r, f: f, p: p, part: partPersons}
	for {
		var ps []timeline.Person
		rev := r.feeder.now().UnixMicro()
		if err := r.store.C(store.Persons).All(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$gt", Value: after}}}}, &ps,
			store.Find{Sort: bson.D{{Key: "_id", Value: 1}}, Limit: somePersons}); err != nil {
			return fmt.Errorf("read persons: %w", err)
		}
		ids := make([]string, len(ps))
		for i := range ps {
			ids[i] = string(ps[i].ID)
		}
		of := map[timeline.PersonID][]timeline.Known{}
		if len(ids) > 0 {
			var known []timeline.Known
			if err := r.store.C(store.Identities).All(ctx, bson.D{{Key: "person", Value: bson.D{{Key: "$in", Value: ids}}}}, &known); err != nil {
				return fmt.Errorf("read identities: %w", err)
			}
			for _, k := range known {
				of[k.Person] = append(of[k.Person], k)
			}
		}
		for i := range ps {
			d := PersonDoc(&ps[i], of[ps[i].ID], rev)
			w.add(Change{Doc: &d})
			w.p.Done++
			after = string(ps[i].ID)
		}
		if err := w.flush(ctx, after); err != nil || len(ps) < somePersons {
			return err
		}
	}
}

// filling gathers changes and puts them in.
type filling struct {
	r       *Rebuilder
	f       Fill
	p       *Progress
	part    string
	changes []Change
}

func (w *filling) add(cs ...Change) {
	w.changes = append(w.changes, cs...)
}

func (w *filling) flush(ctx context.Context, after string) error {
	if len(w.changes) > 0 {
		if err := w.f.Put(ctx, w.changes); err != nil {
			return fmt.Errorf("put %d changes: %w", len(w.changes), err)
		}
		w.p.Docs += int64(len(w.changes))
		w.changes = w.changes[:0]
	}
	if err := w.f.Mark(ctx, w.part+"|"+after); err != nil {
		return err
	}
	return w.r.save(ctx, w.p)
}
