package inbox

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/parley-hub/parley/timeline"
)

var t0 = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

func at(s int) time.Time { return t0.Add(time.Duration(s) * time.Second) }

func asJSON(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// permutations calls f with every order of n things.
func permutations(n int, f func([]int)) {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	var walk func(int)
	walk = func(k int) {
		if k == n {
			f(order)
			return
		}
		for i := k; i < n; i++ {
			order[k], order[i] = order[i], order[k]
			walk(k + 1)
			order[k], order[i] = order[i], order[k]
		}
	}
	walk(0)
}

func edit(rev, s int, text string) timeline.Event {
	return timeline.Event{Kind: timeline.KindEdit, At: at(s), Edit: &timeline.Edit{Rev: rev, Text: text}}
}

func unsend(s int) timeline.Event {
	return timeline.Event{Kind: timeline.KindUnsend, At: at(s), Unsend: &timeline.Unsend{}}
}

func react(who string, s int, emoji string) timeline.Event {
	return timeline.Event{Kind: timeline.KindReaction, At: at(s), Actor: timeline.Actor{Kind: timeline.ActorCustomer, ID: who},
		Reaction: &timeline.Reaction{Emoji: emoji, Removed: emoji == ""}}
}

func receipt(attempt int, state timeline.DeliveryState, s int, why string, remotes ...timeline.RemoteID) timeline.Event {
	r := &timeline.Receipt{State: state, Attempt: attempt, Remotes: remotes}
	if why != "" {
		r.Failure = &timeline.Failure{Class: "permanent", Said: why}
	}
	return timeline.Event{Kind: timeline.KindReceipt, At: at(s), Receipt: r}
}

func moderate(id, action, state string, s int, of string) timeline.Event {
	return timeline.Event{ID: timeline.EventID(id), Kind: timeline.KindModeration, At: at(s), Actor: timeline.Actor{Kind: timeline.ActorAgent, ID: id},
		Moderation: &timeline.Moderation{Action: action, State: state, Asked: timeline.EventID(of)}}
}

func media(parts ...timeline.MediaPart) timeline.Event {
	return timeline.Event{Kind: timeline.KindMedia, At: at(50), Media: &timeline.Media{Parts: parts}}
}

func gone(n int, why string) timeline.MediaPart {
	return timeline.MediaPart{N: n, Part: timeline.Part{Missing: why}}
}

func kept(n int, file timeline.FileID) timeline.MediaPart {
	return timeline.MediaPart{N: n, Part: timeline.Part{Kind: timeline.PartImage, File: file, MIME: "image/png", Size: 7}}
}

// comment is a message of a person's with a part that is kept and two that are to be fetched.
func comment() timeline.Event {
	return timeline.Event{ID: "m", Kind: timeline.KindMessage, Direction: timeline.In, Leg: "a|comment:1", At: at(0), Message: &timeline.Message{Text: "spam",
		Parts: []timeline.Part{{Kind: timeline.PartImage, File: "f"}, {Kind: timeline.PartFile, Remote: "r1"}, {Kind: timeline.PartVideo, URL: "https://cdn.invalid/v", Inline: "cid"}}}}
}

func ours() timeline.Event {
	return timeline.Event{ID: "m", Kind: timeline.KindMessage, Direction: timeline.Out, At: at(0),
		Message: &timeline.Message{Text: "hello", Parts: []timeline.Part{{Kind: timeline.PartImage, File: "f"}},
			Delivery: &timeline.Delivery{State: timeline.Queued, At: at(0), Attempt: 1}}}
}

func TestFoldAnyOrder(t *testing.T) {
	retry := func(s, next int) timeline.Event {
		ev := receipt(1, timeline.Queued, s, "busy")
		when := at(next)
		ev.Receipt.Failure.Retry = &when
		return ev
	}
	sets := map[string][]timeline.Event{
		"edit_num_out_of_order":           {edit(1, 10, "a"), edit(2, 11, "b"), edit(3, 12, "c"), edit(2, 13, "d"), edit(3, 12, "e")},
		"unsend_absorbs":                  {edit(1, 10, "a"), unsend(20), unsend(18), react("p", 5, "👍"), edit(9, 99, "late"), receipt(1, timeline.Read, 30, "")},
		"reactions":                       {react("p", 1, "👍"), react("p", 2, ""), react("q", 1, "🔥"), react("p", 3, "🎉"), react("q", 1, "👀"), react("r", 9, "")},
		"receipts_ladder":                 {receipt(1, timeline.Sending, 1, ""), receipt(1, timeline.Sent, 2, "", "r1"), receipt(1, timeline.Delivered, 3, ""), receipt(1, timeline.Read, 4, ""), receipt(1, timeline.Sent, 5, "", "r0")},
		"read_then_failed_is_a_note":      {receipt(1, timeline.Read, 4, ""), receipt(1, timeline.Failed, 5, "bounced"), receipt(1, timeline.Failed, 6, "again"), receipt(1, timeline.Delivered, 3, "")},
		"a_retry_leaves_failed":           {receipt(1, timeline.Failed, 4, "no"), receipt(2, timeline.Queued, 5, ""), receipt(2, timeline.Sending, 6, ""), receipt(2, timeline.Sent, 7, "", "x"), receipt(1, timeline.Sent, 3, "", "y")},
		"unknown_is_reconciled":           {receipt(1, timeline.Sending, 1, ""), receipt(1, timeline.Unsure, 9, "timed out"), receipt(1, timeline.Sent, 12, "", "echoed")},
		"waiting_for_the_next_try":        {receipt(1, timeline.Sending, 1, ""), retry(2, 10), retry(4, 20), receipt(1, timeline.Sending, 21, "")},
		"retries_end_in_success":          {receipt(1, timeline.Sending, 1, ""), retry(2, 10), receipt(1, timeline.Failed, 5, "gone"), receipt(1, timeline.Delivered, 6, ""), receipt(1, timeline.Cancelled, 3, "")},
		"undone_while_waiting":            {receipt(1, timeline.Cancelled, 2, ""), retry(1, 10), receipt(1, timeline.Queued, 3, "")},
		"cancelled_but_sent_all_the_same": {receipt(1, timeline.Cancelled, 2, ""), retry(1, 10), receipt(1, timeline.Sending, 3, ""), receipt(1, timeline.Sent, 4, "", "r")},
	}
	theirs := map[string][]timeline.Event{
		"the_latest_moderation_counts": {moderate("h", "hide", "asked", 1, ""), moderate("h2", "hide", "done", 9, "h"), moderate("u", "unhide", "asked", 5, ""),
			moderate("u2", "unhide", "failed", 6, "u"), moderate("o", "hide", "done", 4, "")},
		"failed_and_then_done": {moderate("h", "hide", "asked", 1, ""), moderate("h2", "hide", "failed", 2, "h"), moderate("h3", "hide", "done", 3, "h"), moderate("h4", "hide", "asked", 1, "")},
		"a_done_delete_erases": {moderate("d", "delete", "asked", 1, ""), moderate("d2", "delete", "done", 3, "d"), edit(1, 9, "late"),
			media(kept(1, "g")), moderate("h", "hide", "asked", 2, ""), react("p", 4, "👍")},
		"deleted_and_unsent":      {moderate("d", "delete", "asked", 1, ""), moderate("d2", "delete", "done", 30, "d"), unsend(20), edit(1, 9, "x")},
		"fetched_or_missing":      {media(gone(1, "expired"), kept(2, "v")), media(gone(1, "refused")), media(kept(1, "g")), media(gone(2, "gone"), gone(0, "gone"), kept(7, "none"))},
		"media_of_what_is_unsent": {media(kept(1, "g")), unsend(3), media(kept(2, "v")), edit(1, 2, "x")},
	}
	for name, events := range theirs {
		anyOrder(t, name, comment, events)
	}
	for name, events := range sets {
		anyOrder(t, name, ours, events)
	}
}

// anyOrder folds every order of some events, each also twice, and wants one state.
func anyOrder(t *testing.T, name string, begin func() timeline.Event, events []timeline.Event) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		want := ""
		permutations(len(events), func(order []int) {
			m := begin()
			for _, i := range order {
				Fold(&m, &events[i])
			}
			once := asJSON(t, m)
			for _, i := range order {
				if Fold(&m, &events[i]) {
					t.Fatalf("order %v: event %d changed something when it came again", order, i)
				}
			}
			if want == "" {
				want = once
			}
			if once != want || asJSON(t, m) != want {
				t.Fatalf("order %v:\n got %s\nwant %s", order, once, want)
			}
		})
	})
}

func TestFold(t *testing.T) {
	cases := []struct {
		name   string
		events []timeline.Event
		check  func(m *timeline.Message) error
	}{
		{"status_downgrade: delivered then sent", []timeline.Event{receipt(1, timeline.Delivered, 1, ""), receipt(1, timeline.Sent, 2, "")}, is(timeline.Delivered, "")},
		{"status_downgrade: read then failed keeps a note", []timeline.Event{receipt(1, timeline.Read, 1, ""), receipt(1, timeline.Failed, 2, "bounced")}, is(timeline.Read, "bounced")},
		{"sent then bounced", []timeline.Event{receipt(1, timeline.Sent, 1, ""), receipt(1, timeline.Failed, 2, "bounced")}, is(timeline.Failed, "bounced")},
		{"failed is not left by sent", []timeline.Event{receipt(1, timeline.Failed, 1, "no"), receipt(1, timeline.Sent, 2, "")}, is(timeline.Failed, "no")},
		{"failed is left by the next attempt", []timeline.Event{receipt(1, timeline.Failed, 1, "no"), receipt(2, timeline.Queued, 2, "")}, is(timeline.Queued, "")},
		{"unsend_redacts", []timeline.Event{react("p", 1, "👍"), unsend(2)}, func(m *timeline.Message) error {
			if m.Text != "" || len(m.Parts) != 0 || len(m.Reactions) != 0 || m.Unsent == nil {
				return fmt.Errorf("something is left: %+v", m)
			}
			return nil
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := ours()
			before := asJSON(t, m)
			shared := m
			for i := range c.events {
				Fold(&m, &c.events[i])
			}
			if err := c.check(m.Message); err != nil {
				t.Error(err)
			}
			if asJSON(t, shared) != before {
				t.Error("a snapshot taken before was changed")
			}
		})
	}
}

func is(state timeline.DeliveryState, said string) func(*timeline.Message) error {
	return func(m *timeline.Message) error {
		if m.Delivery.State != state {
			return fmt.Errorf("state %s, want %s", m.Delivery.State, state)
		}
		got := ""
		if m.Delivery.Failure != nil {
			got = m.Delivery.Failure.Said
		}
		if got != said {
			return fmt.Errorf("failure %q, want %q", got, said)
		}
		return nil
	}
}

func TestEveryDeliveryStateHasARank(t *testing.T) {
	seen := map[int]timeline.DeliveryState{}
	for _, s := range timeline.DeliveryStates {
		if rank[s] == 0 {
			t.Errorf("%s has no rank", s)
		}
		if other, ok := seen[rank[s]]; ok {
			t.Errorf("%s and %s have one rank", s, other)
		}
		seen[rank[s]] = s
	}
}
