package webchat

import (
	"cmp"
	"context"
	"slices"

	"github.com/parley-hub/parley/timeline"
)

// earlier reads the last n items before a cursor, oldest first; the empty cursor is the
// end. more says that there are earlier ones.
func (s *Session) earlier(ctx context.Context, c *claims, before timeline.Cursor, n int) (out []item, more bool, err error) {
	for _, t := range c.threads() {
		items, further, err := s.host.Threads().Replay(ctx, s.thread(t), before, n)
		if err != nil {
			return nil, false, err
		}
		out = s.show(out, t, items, func(at timeline.Cursor) bool { return before == "" || at < before })
		more = more || further
	}
	sortItems(out)
	if len(out) > n {
		out, more = out[len(out)-n:], true
	}
	return chained(out, ""), more, nil
}

// after reads up to n items after a cursor, oldest first. more says that there are later ones.
func (s *Session) after(ctx context.Context, c *claims, after timeline.Cursor, n int) (out []item, more bool, err error) {
	var end timeline.Cursor // what is later may be incomplete: a thread has more to tell
	for _, t := range c.threads() {
		at := after
		for read := 0; read < n; {
			items, further, err := s.host.Threads().Replay(ctx, s.thread(t), at, 0)
			if err != nil {
				return nil, false, err
			}
			was := len(out)
			out = s.show(out, t, items, func(c timeline.Cursor) bool { return c > after })
			read += len(out) - was
			if !further || len(items) == 0 {
				break
			}
			at = items[len(items)-1].Cursor
			if read >= n && (end == "" || at < end) {
				end = at
			}
		}
	}
	sortItems(out)
	if end != "" {
		more = true
		out = slices.DeleteFunc(out, func(i item) bool { return i.Cursor > end })
	}
	if len(out) > n {
		out, more = out[:n], true
	}
	return chained(out, after), more, nil
}

// show adds what the visitor may see of items.
func (s *Session) show(out []item, thread string, items []timeline.Item, want func(timeline.Cursor) bool) []item {
	for _, it := range items {
		if !want(it.Cursor) {
			continue
		}
		if p, ok := s.public(thread, it); ok {
			out = append(out, p)
		}
	}
	return out
}

func sortItems(items []item) {
	slices.SortStableFunc(items, func(a, b item) int { return cmp.Compare(a.Cursor, b.Cursor) })
}

// chained gives each item the cursor of the one before it.
func chained(items []item, prev timeline.Cursor) []item {
	for i := range items {
		items[i].Prev, prev = prev, items[i].Cursor
	}
	return items
}
