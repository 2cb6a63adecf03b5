package views

import (
	"container/heap"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// Counter keeps the numbers of the built-in views. It is safe for concurrent use.
//
// It holds what each conversation that is open, snoozed or failed counts for, by seq: what came
// already, or came earlier, changes nothing. Nothing of it is written down. A start reads those
// conversations from the store while entries of the timeline come in; whichever knows the
// greater seq counts. [Counter.Rebuild] does the same again at any time.
type Counter struct {
	store store.Store
	now   func() time.Time
	log   *slog.Logger

	mu      sync.Mutex
	sums    *sums
	held    map[timeline.ConversationID]*tally
	gone    [2]map[timeline.ConversationID]int64 // seq of conversations no longer held, of late and before that
	due     deadlines
	round   int64
	reads   int64                     // counts [Counter.Read]
	ask     []timeline.ConversationID // those that were unknown; see [Counter.Settle]
	ready   bool
	version uint64
	changed chan struct{}
}

// goneMax is how many conversations that count no longer are remembered, at least, by seq.
const goneMax = 20000

// NewCounter makes a counter that has counted nothing yet; see [Counter.Run].
func NewCounter(s store.Store, now func() time.Time, log *slog.Logger) *Counter {
	if now == nil {
		now = time.Now
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Counter{store: s, now: now, log: log, sums: newSums(), held: map[timeline.ConversationID]*tally{},
		gone: [2]map[timeline.ConversationID]int64{{}, {}}, changed: make(chan struct{}, 1)}
}

// Take counts an entry of the timeline. It does no I/O.
func (c *Counter) Take(e *timeline.Entry) {
	if e.Conversation.ID == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.held[e.Conversation.ID] != nil
	c.take(&e.Conversation)
	if !known && c.held[e.Conversation.ID] != nil {
		c.ask = append(c.ask, e.Conversation.ID)
	}
}

// take sets what a conversation counts for, unless more is known of it.
func (c *Counter) take(conv *timeline.Conversation) {
	t := c.held[conv.ID]
	if seq := max(c.gone[0][conv.ID], c.gone[1][conv.ID]); t == nil && seq > 0 && seq >= conv.Seq {
		return
	}
	if t != nil && t.seq > conv.Seq {
		t.touched = c.round
		return
	}
	now := tallyOf(conv)
	now.touched = c.round
	if t != nil {
		now.marks, now.counted, now.readAt = t.marks, t.counted, t.readAt
	}
	c.set(conv.ID, t, &now)
}

// marked takes who has read a conversation, as the store has it; since is how many marks had
// been told when it was asked: one told after that is newer.
func (c *Counter) marked(id timeline.ConversationID, marks []mark, since int64) {
	t := c.held[id]
	if t == nil || t.readAt > since || len(marks) == 0 {
		return
	}
	now := *t
	now.marks = marks
	c.set(id, t, &now)
}

// set replaces a tally by another and takes the difference. Where was is nil, nothing was counted.
func (c *Counter) set(id timeline.ConversationID, was, now *tally) {
	before, place := now.counted, cell{now.agent, now.team}
	if !now.counts() {
		if was != nil {
			c.sums.add(cell{was.agent, was.team}, before, -1)
			delete(c.held, id)
			c.forget(id, now.seq)
			c.tell()
		}
		return
	}
	at := c.now()
	now.counted = now.count(at)
	if was == nil || before != now.counted || place != (cell{was.agent, was.team}) {
		if was != nil {
			c.sums.add(cell{was.agent, was.team}, before, -1)
		}
		c.sums.add(place, now.counted, 1)
		c.tell()
	}
	if was == nil || !was.deadline.Equal(now.deadline) || was.state != now.state {
		c.watch(id, now.next(at))
	}
	if was == nil {
		c.held[id] = now
		return
	}
	*was = *now
}

func (c *Counter) forget(id timeline.ConversationID, seq int64) {
	if len(c.gone[0]) >= goneMax {
		c.gone[0], c.gone[1] = map[timeline.ConversationID]int64{}, c.gone[0]
	}
	c.gone[0][id] = seq
}

func (c *Counter) watch(id timeline.ConversationID, at time.Time) {
	if !at.IsZero() {
		heap.Push(&c.due, deadline{at, id})
	}
}

func (c *Counter) tell() {
	c.version++
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// Read counts that one of us has read a conversation as far as a number of the person's messages.
func (c *Counter) Read(id timeline.ConversationID, agent timeline.AgentID, in int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := c.held[id]; t != nil {
		now := *t
		now.marks = append([]mark(nil), t.marks...)
		now.mark(agent, in)
		c.reads++
		now.readAt = c.reads
		c.set(id, t, &now)
	}
}

// Tick counts what the clock alone has changed: deadlines that came near or passed.
func (c *Counter) Tick() {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := c.now()
	for len(c.due) > 0 && !c.due[0].at.After(at) {
		d, _ := heap.Pop(&c.due).(deadline)
		t := c.held[d.id]
		if t == nil {
			continue
		}
		now := *t
		c.set(d.id, t, &now)
		c.watch(d.id, t.next(at))
	}
}

// deadlines is a heap: the next one first. A conversation may be in it more than once.
type deadlines []deadline

type deadline struct {
	at time.Time
	id timeline.ConversationID
}

func (d deadlines) Len() int           { return len(d) }
func (d deadlines) Less(i, j int) bool { return d[i].at.Before(d[j].at) }
func (d deadlines) Swap(i, j int)      { d[i], d[j] = d[j], d[i] }

// Push is for the heap.
func (d *deadlines) Push(x any) { *d = append(*d, x.(deadline)) }

// Pop is for the heap.
func (d *deadlines) Pop() any {
	last := (*d)[len(*d)-1]
	*d = (*d)[:len(*d)-1]
	return last
}

// Rebuild counts everything from the store. Entries may come in meanwhile.
func (c *Counter) Rebuild(ctx context.Context) error {
	c.mu.Lock()
	c.round++
	round := c.round
	c.mu.Unlock()
	for _, filter := range []bson.D{
		{{Key: "state", Value: string(timeline.Open)}}, {{Key: "state", Value: string(timeline.Snoozed)}},
		{{Key: "undelivered", Value: failures()}, {Key: "state", Value: string(timeline.Resolved)}},
	} {
		if err := c.read(ctx, filter); err != nil {
			return err
		}
	}
	if err := c.drop(ctx, round); err != nil {
		return err
	}
	c.mu.Lock()
	c.ready = true
	c.tell()
	c.mu.Unlock()
	return nil
}

// readChunk is how many conversations are counted at a time.
const readChunk = 500

// counted is what is read of a conversation to count it.
var counted = bson.D{{Key: "seq", Value: 1}, {Key: "assignee", Value: 1}, {Key: "team", Value: 1}, {Key: "state", Value: 1}, {Key: "inCount", Value: 1},
	{Key: "undelivered", Value: 1}, {Key: "waitingSince", Value: 1}, {Key: "nextDeadline", Value: 1}}

func (c *Counter) read(ctx context.Context, filter bson.D) error {
	var list []timeline.Conversation
	flush := func() error {
		err := c.count(ctx, list)
		list = list[:0]
		return err
	}
	err := c.store.C(store.Conversations).Each(ctx, filter, func(raw bson.Raw) error {
		var conv timeline.Conversation
		if err := bson.Unmarshal(raw, &conv); err != nil {
			return fmt.Errorf("decode a conversation: %w", err)
		}
		if list = append(list, conv); len(list) < readChunk {
			return nil
		}
		return flush()
	}, store.Find{Fields: counted})
	if err == nil {
		err = flush()
	}
	if err != nil {
		return fmt.Errorf("views: count conversations: %w", err)
	}
	return nil
}

// count takes conversations as the store has them, with who has read how far.
func (c *Counter) count(ctx context.Context, list []timeline.Conversation) error {
	ids := make([]timeline.ConversationID, len(list))
	c.mu.Lock()
	for i := range list {
		c.take(&list[i])
		ids[i] = list[i].ID
	}
	c.mu.Unlock()
	return c.readMarks(ctx, ids)
}

func (c *Counter) readMarks(ctx context.Context, ids []timeline.ConversationID) error {
	if len(ids) == 0 {
		return nil
	}
	c.mu.Lock()
	since := c.reads
	c.mu.Unlock()
	var reads []struct {
		Agent        timeline.AgentID        `json:"agent"`
		Conversation timeline.ConversationID `json:"conversation"`
		InCount      int64                   `json:"inCount"`
	}
	if err := c.store.C(store.Reads).All(ctx, bson.D{{Key: "conversation", Value: bson.D{{Key: "$in", Value: ids}}}}, &reads); err != nil {
		return fmt.Errorf("views: read marks: %w", err)
	}
	marks := map[timeline.ConversationID][]mark{}
	for _, r := range reads {
		marks[r.Conversation] = append(marks[r.Conversation], mark{r.Agent, r.InCount})
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range ids {
		c.marked(id, marks[id], since)
	}
	return nil
}

// Settle reads anew the conversations that came in as unknown to the counter, with who has read
// them: it may have been a repeat of something old.
func (c *Counter) Settle(ctx context.Context) error {
	for {
		c.mu.Lock()
		n := min(len(c.ask), readChunk)
		ids := c.ask[:n:n]
		c.mu.Unlock()
		if n == 0 {
			return nil
		}
		if err := c.read(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: ids}}}}); err != nil {
			return err
		}
		c.mu.Lock()
		c.ask = c.ask[n:]
		c.mu.Unlock()
	}
}

// drop looks again at what is held and was not met in a round: it is gone from the store's
// lists, or came in between.
func (c *Counter) drop(ctx context.Context, round int64) error {
	c.mu.Lock()
	var rest []timeline.ConversationID
	for id, t := range c.held {
		if t.touched < round {
			rest = append(rest, id)
		}
	}
	c.mu.Unlock()
	for _, id := range rest {
		var conv timeline.Conversation
		err := c.store.C(store.Conversations).One(ctx, bson.D{{Key: "_id", Value: string(id)}}, &conv)
		if err != nil && !isGone(err) {
			return fmt.Errorf("views: count a conversation again: %w", err)
		}
		c.mu.Lock()
		if t := c.held[id]; t != nil && isGone(err) {
			c.set(id, t, &tally{seq: t.seq, state: timeline.Resolved, counted: t.counted})
		} else if err == nil {
			c.take(&conv)
		}
		c.mu.Unlock()
	}
	return nil
}
