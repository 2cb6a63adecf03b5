package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/parley-hub/parley/timeline"
)

// complaintsShown is how many single findings of each kind are printed.
const complaintsShown = 10

// line is one message that somebody wrote.
type line struct {
	id, text string
	visitor  int // who; agents are negative
	n        int // in the order of writing
	acked    bool
}

// ledger is what was written and what was acknowledged, kept outside the program under test.
type ledger struct {
	mu      sync.Mutex
	lines   []*line
	byID    map[string]*line
	acked   int
	refused []string
	in, out stillness
}

// stillness measures how long a direction stands still after each kill.
type stillness struct {
	killed time.Time // when the program was last killed; zero: it was heard of since
	took   []time.Duration
}

func (s *stillness) heard() {
	if !s.killed.IsZero() {
		s.took = append(s.took, time.Since(s.killed))
		s.killed = time.Time{}
	}
}

func (s *stillness) String() string {
	all := slices.Sorted(slices.Values(s.took))
	return fmt.Sprintf("median %d ms, longest %d ms, %d times", quantile(all, 0.5).Milliseconds(), quantile(all, 1).Milliseconds(), len(all))
}

// kill notes that the program is gone.
func (l *ledger) kill() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.in.killed, l.out.killed = time.Now(), time.Now()
}

// left notes that a reply left.
func (l *ledger) left() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out.heard()
}

// flow tells how long messages stood still after kills. What does not move before the next
// kill is not counted.
func (l *ledger) flow() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return fmt.Sprintf("from a kill to the next acknowledgement: %s; to the next reply that left: %s", l.in.String(), l.out.String())
}

func (l *ledger) write(x line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byID == nil {
		l.byID = map[string]*line{}
	}
	l.lines = append(l.lines, &x)
	l.byID[x.id] = &x
}

func (l *ledger) ack(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if x := l.byID[id]; x != nil && !x.acked {
		x.acked = true
		l.acked++
		l.in.heard()
	}
}

func (l *ledger) refuse(id string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refused = append(l.refused, fmt.Sprintf("%s: %v", id, err))
}

func (l *ledger) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.acked
}

// verdict is how the record compares with what was acknowledged.
type verdict struct {
	Cycles     int `json:"cycles"`
	Acked      int `json:"acked"`
	Callbacks  int `json:"callbacks"`  // of those acknowledged, by signed callback
	Mails      int `json:"mails"`      // of those acknowledged, by LMTP
	Lost       int `json:"lost"`       // acknowledged and not in the record
	Doubled    int `json:"doubled"`    // more than once in the record
	Gaps       int `json:"gaps"`       // holes in seq
	Inversions int `json:"inversions"` // a visitor's message recorded before an earlier one
	Screens    int `json:"screens"`    // differences between an agent's screen and the record
	Unseen     int `json:"unseen"`     // replies that were sent and that the visitor's program never got, or got twice
	Refused    int `json:"refused"`    // messages refused for good
	Slowest    int `json:"slowestMs"`  // from the record of a reply to its leaving, at most, in ms
}

func (v verdict) right() bool {
	return min(v.Acked, v.Callbacks, v.Mails) > 0 && v.Lost+v.Doubled+v.Gaps+v.Inversions+v.Screens+v.Unseen+v.Refused == 0
}

// judge reads everything back through the public API and compares.
func (t *torment) judge(ctx context.Context, cycles int) (verdict, error) {
	v := verdict{Cycles: cycles, Acked: t.ledger.count()}
	list, err := t.agents[0].Conversations(ctx, "all")
	if err != nil {
		return v, fmt.Errorf("read the conversations: %w", err)
	}
	found := map[string][]timeline.Event{} // messages by what they say, which is unique
	for _, c := range list {
		events, err := t.agents[0].Events(ctx, c.ID, 0)
		if err != nil {
			return v, fmt.Errorf("read conversation %s: %w", c.ID, err)
		}
		v.Gaps += t.gaps(c, events)
		for i, a := range t.agents {
			for _, d := range a.Screen.Differences(c.ID, events) {
				v.Screens++
				complain("screen", v.Screens, fmt.Sprintf("agent %d: %s", i, d))
			}
		}
		v.Slowest = max(v.Slowest, slowest(events))
		for _, e := range events {
			if e.Kind == timeline.KindMessage && e.Message != nil {
				found[e.Message.Text] = append(found[e.Message.Text], e)
			}
		}
	}
	t.count(&v, found)
	v.Inversions = t.inversions(found)
	v.Unseen = t.unseen(found)
	return v, nil
}

// gaps counts the holes between 1 and the conversation's seq.
func (t *torment) gaps(c timeline.Conversation, events []timeline.Event) int {
	n, next := 0, int64(1)
	for _, e := range events {
		if e.Seq != next {
			n++
			complain("gap", n, fmt.Sprintf("conversation %s has seq %d after %d", c.ID, e.Seq, next-1))
		}
		next = e.Seq + 1
	}
	if c.Seq != next-1 {
		n++
		complain("gap", n, fmt.Sprintf("conversation %s ends at %d and says %d", c.ID, next-1, c.Seq))
	}
	return n
}

// slowest is how long a reply of the conversation waited until it left, at most, in milliseconds.
func slowest(events []timeline.Event) int {
	var most time.Duration
	taken := map[timeline.EventID]time.Time{}
	for _, e := range events {
		if e.Kind == timeline.KindMessage && e.Direction == timeline.Out {
			taken[e.ID] = e.Received
		}
		if r := e.Receipt; r != nil && r.State == timeline.Sent {
			if at, first := taken[r.Of.Event]; first {
				most = max(most, e.Received.Sub(at))
				delete(taken, r.Of.Event)
			}
		}
	}
	return int(most.Milliseconds())
}

func (t *torment) count(v *verdict, found map[string][]timeline.Event) {
	for _, x := range t.ledger.lines {
		switch {
		case x.acked && x.visitor >= firstMail:
			v.Mails++
		case x.acked && x.visitor >= firstCaller:
			v.Callbacks++
		}
		switch n := len(found[x.text]); {
		case n == 0 && x.acked:
			v.Lost++
			complain("lost", v.Lost, x.text)
		case n > 1:
			v.Doubled++
			complain("doubled", v.Doubled, x.text)
		}
	}
	for i, r := range t.ledger.refused {
		v.Refused++
		complain("refused", i+1, r)
	}
	for i, vis := range t.visitors {
		for _, id := range vis.Refused() {
			v.Refused++
			complain("refused", v.Refused, fmt.Sprintf("visitor %d: %s", i, id))
		}
	}
}

// inversions counts neighbours in the order of sending that stand in the record the other
// way round.
func (t *torment) inversions(found map[string][]timeline.Event) int {
	n := 0
	writers := map[int]bool{}
	for _, x := range t.ledger.lines {
		writers[x.visitor] = x.visitor >= 0
	}
	for who, orders := range writers {
		if !orders { // agents answer in many conversations
			continue
		}
		var mine []*line
		for _, x := range t.ledger.lines {
			if x.visitor == who && len(found[x.text]) == 1 {
				mine = append(mine, x)
			}
		}
		slices.SortFunc(mine, func(a, b *line) int { return cmp.Compare(a.n, b.n) })
		for i := 1; i < len(mine); i++ {
			a, b := found[mine[i-1].text][0], found[mine[i].text][0]
			if a.Conversation == b.Conversation && a.Seq > b.Seq || a.Conversation > b.Conversation {
				n++
				complain("inversion", n, fmt.Sprintf("%q has seq %d, %q has %d", mine[i-1].text, a.Seq, mine[i].text, b.Seq))
			}
		}
	}
	return n
}

// unseen counts replies that reached the visitor by the record's word and did not appear, just
// once, in what the visitor's program was told.
func (t *torment) unseen(found map[string][]timeline.Event) int {
	n := 0
	got := map[string]int{} // programs that show a text
	for _, v := range t.visitors {
		shown := map[timeline.EventID]string{}
		for _, it := range v.Items() {
			if it.Target != nil && it.Target.Message != nil {
				shown[it.Target.ID] = it.Target.Message.Text
			}
		}
		for _, text := range shown {
			got[text]++
		}
	}
	for text, events := range found {
		m := events[0].Message
		if events[0].Direction != timeline.Out || m.Delivery == nil {
			continue
		}
		arrived := m.Delivery.State == timeline.Sent || m.Delivery.State == timeline.Delivered || m.Delivery.State == timeline.Read
		if want := map[bool]int{true: 1}[arrived]; got[text] != want {
			n++
			complain("unseen", n, fmt.Sprintf("%q is %s and %d visitors' programs show it", text, m.Delivery.State, got[text]))
		}
	}
	return n
}

func complain(kind string, n int, what string) {
	if n <= complaintsShown {
		fmt.Fprintf(os.Stderr, "# %s: %.1500s\n", kind, what)
	}
}
