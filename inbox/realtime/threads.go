package realtime

import (
	"context"
	"fmt"
	"slices"

	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// threadPage is how many items a replay returns at most, and how many events one of its reads fetches.
const threadPage = 100

// Threads is what customers may see of their own threads. It has the methods that
// channels.Threads asks for.
type Threads struct{ hub *Hub }

// Threads is the customers' side of the hub.
func (h *Hub) Threads() *Threads { return &Threads{h} }

// Replay reads what happened on a thread after a cursor, oldest first; the empty cursor is
// the beginning. With last > 0 and an empty cursor it is the last so many items, and with
// last > 0 and a cursor the last so many before it; more then says that there are earlier
// ones, otherwise that there are later ones. A message of ours is told by the first receipt
// that says it arrived, with the message as it is now.
func (t *Threads) Replay(ctx context.Context, th timeline.Thread, after timeline.Cursor, last int) (items []timeline.Item, more bool, err error) {
	if last > 0 {
		return t.backward(ctx, th.Leg(), after, min(last, threadPage))
	}
	return t.forward(ctx, th.Leg(), after, threadPage)
}

func (t *Threads) forward(ctx context.Context, leg timeline.LegID, after timeline.Cursor, limit int) ([]timeline.Item, bool, error) {
	var items []timeline.Item
	seen := map[timeline.EventID]bool{}
	for at := after; ; {
		page, err := t.hub.rec.thread(ctx, leg, at, false)
		if err != nil {
			return nil, false, err
		}
		found, err := t.hub.show(ctx, page, leg)
		if err != nil {
			return nil, false, err
		}
		for _, it := range found {
			if again(seen, &it) {
				continue
			}
			if len(items) == limit {
				return items, true, nil
			}
			items = append(items, it)
		}
		if len(page) < threadPage {
			return items, false, nil
		}
		at = cursorOf(&page[len(page)-1])
	}
}

func (t *Threads) backward(ctx context.Context, leg timeline.LegID, before timeline.Cursor, limit int) ([]timeline.Item, bool, error) {
	n := newest{limit: limit, place: map[timeline.EventID]int{}}
	for at := before; ; {
		page, err := t.hub.rec.thread(ctx, leg, at, true)
		if err != nil {
			return nil, false, err
		}
		found, err := t.hub.show(ctx, page, leg)
		if err != nil {
			return nil, false, err
		}
		for i := range found {
			if !n.take(&found[i]) {
				return n.oldestFirst(), true, nil
			}
		}
		if len(page) < threadPage {
			return n.oldestFirst(), false, nil
		}
		at = cursorOf(&page[len(page)-1])
	}
}

// newest gathers items from the newest back. The earliest receipt of a message stands for it.
type newest struct {
	limit int
	n     int
	items []timeline.Item // newest first; a replaced one has no cursor
	place map[timeline.EventID]int
}

// take adds an item; false means that the limit is reached.
func (n *newest) take(it *timeline.Item) bool {
	id := receiptOf(it)
	if i, later := n.place[id]; later && id != "" {
		n.items[i] = timeline.Item{}
		n.n--
	}
	if n.n == n.limit {
		return false
	}
	if id != "" {
		n.place[id] = len(n.items)
	}
	n.items = append(n.items, *it)
	n.n++
	return true
}

func (n *newest) oldestFirst() []timeline.Item {
	out := make([]timeline.Item, 0, n.n)
	for _, it := range slices.Backward(n.items) {
		if it.Cursor != "" {
			out = append(out, it)
		}
	}
	return out
}

// receiptOf is the message that a receipt item is about; empty for other items.
func receiptOf(it *timeline.Item) timeline.EventID {
	if it.Event.Receipt == nil || it.Target == nil {
		return ""
	}
	return it.Target.ID
}

// again reports whether a receipt's message was told already, and remembers it.
func again(seen map[timeline.EventID]bool, it *timeline.Item) bool {
	id := receiptOf(it)
	if id == "" {
		return false
	}
	was := seen[id]
	seen[id] = true
	return was
}

func cursorOf(e *timeline.Event) timeline.Cursor { return timeline.CursorOf(e.Conversation, e.Seq) }

// show turns events of a leg into what the customer may see of them.
func (h *Hub) show(ctx context.Context, events []timeline.Event, leg timeline.LegID) ([]timeline.Item, error) {
	targets, err := h.rec.targets(ctx, events)
	if err != nil {
		return nil, err
	}
	out := make([]timeline.Item, 0, len(events))
	for i := range events {
		if it, ok := visible(&events[i], targets[events[i].ID], leg); ok {
			out = append(out, it)
		}
	}
	return out, nil
}

// thread reads one page of a leg's events on one side of a cursor, away from it. The empty
// cursor is the beginning, or backward the end.
func (r record) thread(ctx context.Context, leg timeline.LegID, at timeline.Cursor, backward bool) ([]timeline.Event, error) {
	op, dir := "$gt", 1
	if backward {
		op, dir = "$lt", -1
	}
	of := bson.E{Key: "leg", Value: string(leg)}
	var filters []bson.D
	if at == "" {
		filters = []bson.D{{of}}
	} else {
		id, seq, ok := at.Cut()
		if !ok {
			return nil, fmt.Errorf("realtime: %q is no cursor", at)
		}
		filters = []bson.D{
			{of, {Key: "conversation", Value: string(id)}, {Key: "seq", Value: bson.D{{Key: op, Value: seq}}}},
			{of, {Key: "conversation", Value: bson.D{{Key: op, Value: string(id)}}}},
		}
	}
	var out []timeline.Event
	for _, f := range filters {
		if len(out) >= threadPage {
			break
		}
		var page []timeline.Event
		err := r.store.C(store.Events).All(ctx, f, &page,
			store.Find{Sort: bson.D{{Key: "conversation", Value: dir}, {Key: "seq", Value: dir}}, Limit: threadPage - len(out)})
		if err != nil {
			return nil, fmt.Errorf("read thread: %w", err)
		}
		out = append(out, page...)
	}
	return out, nil
}
