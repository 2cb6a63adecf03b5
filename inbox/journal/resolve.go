package journal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/parley-hub/parley/inbox"
	"github.com/parley-hub/parley/internal/bus"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// epochID counts merges of persons, so that every node knows when what it remembers is over.
const epochID = "merges"

// Resolve handles a run of inbound events: it finds whose each is and which conversation it
// belongs to, making both where they are not there yet, and asks the writer to record it.
// Everything it makes has a key that decides: racing nodes come to the same persons and
// conversations.
func (j *Journal) Resolve(ctx context.Context, run []bus.Record[timeline.Inbound]) error {
	r := &resolver{j: j, run: make([]*inbound, 0, len(run)), routes: map[string]*route{}}
	var bad *bus.RunError
	for i := range run {
		in := &run[i].Value
		if err := acceptable(in); err != nil {
			bad = firstBad(bad, i, err)
			continue
		}
		r.run = append(r.run, newInbound(in))
	}
	if err := r.resolve(ctx); err != nil {
		return fmt.Errorf("resolve: %w", err)
	}
	if bad != nil {
		return bad
	}
	return nil
}

// acceptable refuses what can never be put anywhere.
func acceptable(in *timeline.Inbound) error {
	switch {
	case in.Event.ID == "":
		return errors.New("journal: an inbound event without id")
	case in.Event.Thread.Account == "" || in.Event.Thread.ID == "":
		return fmt.Errorf("journal: inbound event %s names no thread", in.Event.ID)
	case in.Peer.Value == "" && !targeted(in.Event.Kind):
		return fmt.Errorf("journal: inbound event %s comes from an identity without value", in.Event.ID)
	}
	if err := inbox.Check(&in.Event); err != nil {
		return fmt.Errorf("journal: inbound event %s: %w", in.Event.ID, err)
	}
	return nil
}

// targeted reports whether events of a kind belong where their message is.
func targeted(k timeline.Kind) bool {
	return k == timeline.KindEdit || k == timeline.KindUnsend || k == timeline.KindReaction || tells(k)
}

// tells reports whether events of a kind say what became of a message, and nothing of the
// person: they make nobody and begin nothing.
func tells(k timeline.Kind) bool {
	return k == timeline.KindReceipt || k == timeline.KindModeration || k == timeline.KindMedia
}

// inbound is one event on its way.
type inbound struct {
	in     *timeline.Inbound
	key    string // of its route
	route  *route
	fresh  bool                    // the route was found in this run, not remembered
	target timeline.ConversationID // where its message is
}

func newInbound(in *timeline.Inbound) *inbound {
	if in.Event.Leg == "" {
		in.Event.Leg = in.Event.Thread.Leg()
	}
	if in.Event.Actor.Kind == "" && in.Event.Direction == timeline.In {
		in.Event.Actor.Kind = timeline.ActorCustomer
	}
	if in.Event.Actor.Kind == timeline.ActorCustomer && in.Event.Actor.ID == "" {
		in.Event.Actor.ID = string(in.Peer.ID())
	}
	return &inbound{in: in, key: in.Event.Thread.Key() + "\x00" + string(in.Peer.ID()) + "\x00" + in.Queue}
}

// resolver handles one run.
type resolver struct {
	j      *Journal
	epoch  int64
	run    []*inbound
	routes map[string]*route // of this run
}

func (r *resolver) resolve(ctx context.Context) error {
	if len(r.run) == 0 {
		return nil
	}
	if err := r.readEpoch(ctx); err != nil {
		return err
	}
	if err := r.dropProfiles(ctx); err != nil {
		return err
	}
	var unknown []*inbound
	for _, x := range r.run {
		if x.in.Peer.Value == "" || tells(x.in.Event.Kind) {
			continue // goes where its message is
		}
		if x.route = r.j.routes.get(x.key, x.in); x.route == nil {
			unknown = append(unknown, x)
		}
	}
	unknown, err := r.forgotten(ctx, unknown)
	if err != nil {
		return err
	}
	if err := r.find(ctx, unknown); err != nil {
		return err
	}
	if err := r.findTargets(ctx); err != nil {
		return err
	}
	var cs []timeline.Command
	begun := map[timeline.ConversationID]bool{}
	for _, x := range r.run {
		cmd, ok := r.command(x)
		if ok && quiet(&cmd.Event) && cmd.Create != nil && !begun[cmd.Conversation] {
			var err error
			if ok, err = r.there(ctx, cmd.Conversation); err != nil {
				return err
			}
		}
		if ok {
			begun[cmd.Conversation] = true
			cs = append(cs, cmd)
		} else if err := r.j.discard(ctx, inbox.Spare(nil, &x.in.Event)); err != nil { // fetched for what is gone
			return err
		}
	}
	if len(cs) > 0 {
		if err := r.j.deps.Publish.Journal(ctx, cs...); err != nil {
			return fmt.Errorf("publish commands: %w", err)
		}
	}
	for _, t := range r.routes {
		r.j.routes.put(r.epoch, t)
	}
	return nil
}

// quiet reports whether an event alone is no reason to begin a conversation: somebody signed
// in and has said nothing yet. What it tells of the person was taken in.
func quiet(ev *timeline.Event) bool {
	return ev.Kind == timeline.KindControl && ev.Direction != timeline.In
}

func (r *resolver) there(ctx context.Context, id timeline.ConversationID) (bool, error) {
	var p place
	err := r.j.deps.Store.C(store.Conversations).One(ctx, byID(id), &p, store.Find{Fields: bson.D{{Key: "_id", Value: 1}}})
	if err != nil && !isMissing(err) {
		return false, fmt.Errorf("look for a conversation: %w", err)
	}
	return err == nil, nil
}

func (r *resolver) readEpoch(ctx context.Context) error {
	var c struct {
		N int64 `json:"n"`
	}
	if err := r.j.deps.Store.C(store.Counters).One(ctx, byID(epochID), &c); err != nil && !isMissing(err) {
		return fmt.Errorf("read the count of merges: %w", err)
	}
	r.epoch = c.N
	r.j.routes.at(c.N)
	return nil
}

// command is what an event asks of the writer; ok is false for a receipt of a thread nobody knows.
func (r *resolver) command(x *inbound) (timeline.Command, bool) {
	in := x.in
	cmd := timeline.Command{ID: in.Event.ID, Event: in.Event, Opens: in.Opens, At: in.Event.Received}
	if cmd.At.IsZero() {
		cmd.At = r.j.now()
	}
	t := x.route
	if x.target != "" && (t == nil || x.target != t.head.Conversation) {
		cmd.Conversation = x.target
		return cmd, true
	}
	if t == nil {
		r.j.Stats.Strays.Add(1)
		r.j.deps.Log.Debug("what became of a message of a thread that is not known", "event", in.Event.ID, "account", in.Event.Thread.Account)
		return cmd, false
	}
	cmd.Conversation = t.head.Conversation
	if isProfile(&in.Event) {
		return x.introduce(cmd)
	}
	if cmd.Event.Actor.Kind == timeline.ActorCustomer && cmd.Event.Actor.Name == "" && !t.guest {
		cmd.Event.Actor.Name = t.name
	}
	if !t.exists {
		cmd.Create = &timeline.Create{Number: t.head.Number, Person: t.person, Name: t.name, Queue: t.queue}
	}
	cmd.Attach, cmd.Offers = attach(in, t), offers(in, t, cmp.Or(in.Event.At, cmd.At))
	if in.Profile != nil && x.fresh { // a remembered name may have been changed since
		cmd.Name = t.name
	}
	return cmd, true
}

// attach is the leg an event came by, where the conversation does not have it like this.
func attach(in *timeline.Inbound, t *route) *timeline.Leg {
	leg := timeline.Leg{ID: in.Event.Thread.Leg(), Thread: in.Event.Thread, Channel: in.Channel, Identity: in.Peer.ID(),
		Place: in.Place, About: in.About, Peer: in.To, Display: in.Peer.Display}
	if leg.Peer == "" {
		leg.Peer = timeline.Handle(in.Peer.Value)
	}
	had, ok := t.legs[leg.ID]
	switch {
	case ok && t.guest:
		return nil // answers go on to whom they went
	case ok && inbox.SameAddress(fill(leg, had), had):
		return nil
	}
	return &leg
}

// fill is a leg with what is known of it where an event says nothing.
func fill(leg, had timeline.Leg) timeline.Leg {
	for _, f := range []struct{ now, was *string }{{&leg.Display, &had.Display}, {&leg.Place, &had.Place}, {&leg.About, &had.About}} {
		if *f.now == "" {
			*f.now = *f.was
		}
	}
	return leg
}

// offers are the further legs that an event opens to its person, with what it opened there.
func offers(in *timeline.Inbound, t *route, at time.Time) (out []timeline.Leg) {
	if t.guest {
		return nil // they are not for the person whose conversation it is
	}
	for _, o := range in.Offers {
		if o.Thread.Account == "" || o.Thread.ID == "" {
			continue
		}
		leg := timeline.Leg{ID: o.Thread.Leg(), Thread: o.Thread, Channel: in.Channel, Place: o.Place, Identity: in.Peer.ID(),
			Peer: cmp.Or(o.To, in.To, timeline.Handle(in.Peer.Value)), Display: in.Peer.Display}
		for _, name := range o.Opens {
			if leg.Opened == nil {
				leg.Opened = make(map[string]timeline.Window, len(o.Opens))
			}
			leg.Opened[name] = timeline.Window{At: at, By: in.Event.Remote}
		}
		out = append(out, leg)
	}
	return out
}

// findTargets looks up where the messages are that events refer to.
func (r *resolver) findTargets(ctx context.Context) error {
	var ids []timeline.EventID
	remotes := map[timeline.LegID][]timeline.RemoteID{}
	for _, x := range r.run {
		if of := inbox.RefOf(&x.in.Event); of != nil && targeted(x.in.Event.Kind) {
			switch {
			case of.Event != "":
				ids = append(ids, of.Event)
			case of.Remote != "":
				remotes[x.in.Event.Leg] = append(remotes[x.in.Event.Leg], of.Remote)
			}
		}
	}
	at, err := r.places(ctx, ids, remotes)
	if err != nil {
		return err
	}
	var stray []*inbound
	for _, x := range r.run {
		if !targeted(x.in.Event.Kind) {
			continue
		}
		of := inbox.RefOf(&x.in.Event)
		x.target = at[string(of.Event)]
		if x.target == "" && of.Remote != "" {
			x.target = at[aliasID(x.in.Event.Leg, of.Remote)]
		}
		if x.target == "" && x.route == nil {
			stray = append(stray, x)
		}
	}
	return r.byThread(ctx, stray)
}

// place is where an event is.
type place struct {
	ID           timeline.EventID        `json:"id" bson:"_id"`
	Conversation timeline.ConversationID `json:"conversation"`
	Remote       timeline.RemoteID       `json:"remote"`
}

// places finds conversations by event id and by leg|remote.
func (r *resolver) places(ctx context.Context, ids []timeline.EventID, remotes map[timeline.LegID][]timeline.RemoteID) (map[string]timeline.ConversationID, error) {
	at := map[string]timeline.ConversationID{}
	c := r.j.deps.Store.C(store.Events)
	fields := store.Find{Fields: bson.D{{Key: "conversation", Value: 1}, {Key: "remote", Value: 1}}}
	var found []place
	if len(ids) > 0 {
		if err := c.All(ctx, idIn(ids), &found, fields); err != nil {
			return nil, fmt.Errorf("find messages: %w", err)
		}
	}
	for _, p := range found {
		at[string(p.ID)] = p.Conversation
	}
	var keys []string
	for leg, rs := range remotes {
		found = nil
		if err := c.All(ctx, bson.D{{Key: "leg", Value: string(leg)}, in("remote", rs)}, &found, fields); err != nil {
			return nil, fmt.Errorf("find messages by their remote ids: %w", err)
		}
		for _, p := range found {
			at[aliasID(leg, p.Remote)] = p.Conversation
		}
		for _, remote := range rs {
			if key := aliasID(leg, remote); at[key] == "" {
				keys = append(keys, key)
			}
		}
	}
	if len(keys) == 0 {
		return at, nil
	}
	var others []alias
	if err := r.j.deps.Store.C(store.Aliases).All(ctx, idIn(keys), &others); err != nil {
		return nil, fmt.Errorf("find messages by further remote ids: %w", err)
	}
	for _, o := range others {
		at[o.ID] = o.Conversation
	}
	return at, nil
}

// byThread sends what has no message of its own, such as a read mark, where the thread is.
func (r *resolver) byThread(ctx context.Context, stray []*inbound) error {
	var keys []string
	for _, x := range stray {
		for _, y := range r.run {
			if y.route != nil && y.in.Event.Leg == x.in.Event.Leg {
				x.target = y.route.head.Conversation
			}
		}
		if x.target == "" {
			keys = append(keys, x.in.Event.Thread.Key())
		}
	}
	if len(keys) == 0 {
		return nil
	}
	var found []thread
	if err := r.j.deps.Store.C(store.Threads).All(ctx, idIn(keys), &found); err != nil {
		return fmt.Errorf("find threads: %w", err)
	}
	at := make(map[string]timeline.ConversationID, len(found))
	for _, t := range found {
		at[t.ID] = t.Conversation
	}
	for _, x := range stray {
		if x.target == "" {
			x.target = at[x.in.Event.Thread.Key()]
		}
	}
	return nil
}
