package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

// grounds is a broker for several nodes: the real one, or one embedded in a bus of its own.
type grounds struct {
	t    *testing.T
	tp   Topic[note]
	addr []string
	dial dialer
	host *Bus // does not consume
}

func newGrounds(t *testing.T, name string) *grounds {
	t.Helper()
	g := &grounds{t: t, tp: topic(name), addr: cluster()}
	c := config(t, t.TempDir(), g.tp)
	c.Node = "host"
	g.host = mustOpen(t, c)
	if g.addr == nil {
		g.addr, g.dial = g.host.addr, g.host.broker.net.DialContext
	}
	return g
}

// node joins with a consumer; its network can be cut.
func (g *grounds) node(name string, h Handler[note]) (*Bus, *faultNet) {
	g.t.Helper()
	f := newFaultNet(g.dial)
	c := config(g.t, "", g.tp)
	c.Node, c.Brokers, c.dial, c.Session = name, g.addr, f.dialContext, 6*time.Second
	b := mustOpen(g.t, c)
	must(g.t, Consume(b, g.tp, Consumer[note]{Group: "g", Retry: quick}, h))
	return b, f
}

func (g *grounds) send(keys, n int) {
	g.t.Helper()
	for k := range keys {
		must(g.t, Publish(context.Background(), g.host, g.tp, note{Key: fmt.Sprint(k), N: n}))
	}
}

func (g *grounds) committed() map[int]int64 {
	g.t.Helper()
	id := groupID("g", g.tp.Name)
	res, err := g.host.client.OffsetFetch(timeout(g.t, 5*time.Second), &kafka.OffsetFetchRequest{GroupID: id,
		Topics: map[string][]int{g.tp.Name: {0, 1, 2, 3, 4, 5, 6, 7}}})
	must(g.t, err)
	out := map[int]int64{}
	for _, p := range res.Topics[g.tp.Name] {
		out[p.Partition] = max(p.CommittedOffset, 0)
	}
	return out
}

func owned(b *Bus) int {
	n := 0
	b.eachPart(func(*consumer, *part) { n++ })
	return n
}

func TestMembersShareAndHandOver(t *testing.T) {
	g := newGrounds(t, "share")
	var a, b seen
	na, _ := g.node("a", a.handler)
	must(t, na.Started(timeout(t, 20*time.Second)))
	nb, _ := g.node("b", b.handler)
	until(t, "four partitions each", 20*time.Second, func() bool { return owned(na) == 4 && owned(nb) == 4 })
	g.send(40, 0)
	until(t, "all handled", 10*time.Second, func() bool { return a.len()+b.len() >= 40 })
	if a.len() == 0 || b.len() == 0 {
		t.Errorf("%d and %d", a.len(), b.len())
	}
	must(t, nb.Close(timeout(t, 10*time.Second)))
	start := time.Now()
	g.send(40, 1)
	until(t, "the rest goes to the other", 10*time.Second, func() bool { return a.len()+b.len() >= 80 })
	t.Logf("handed over in %v", time.Since(start))
	for k := range 40 {
		ns := append(b.of(fmt.Sprint(k)), a.of(fmt.Sprint(k))...)
		slices.Sort(ns)
		if !slices.Equal(ns, []int{0, 1}) {
			t.Errorf("key %d: %v", k, ns)
		}
	}
}

func TestTakeOverAfterAMembersDeath(t *testing.T) {
	g := newGrounds(t, "takeover")
	var a, b seen
	na, fa := g.node("a", a.handler)
	nb, _ := g.node("b", b.handler)
	until(t, "four partitions each", 20*time.Second, func() bool { return owned(na) == 4 && owned(nb) == 4 })
	_, from, err := nb.bounds(timeout(t, 5*time.Second), nodesTopic, 0)
	must(t, err)
	until(t, "they heard of one another", 5*time.Second, func() bool {
		_, now, err := nb.bounds(timeout(t, 5*time.Second), nodesTopic, 0)
		return err == nil && now >= from+4
	})
	fa.freeze()
	start := time.Now()
	g.send(40, 0)
	until(t, "the survivor handles everything", 5*time.Second, func() bool { return b.distinct()+a.distinct() >= 40 })
	t.Logf("taken over after %v (session 6 s)", time.Since(start))
	fa.thaw()
}

func TestEviction(t *testing.T) {
	g := newGrounds(t, "evict")
	var a, b seen
	na, fa := g.node("a", a.handler)
	must(t, na.Started(timeout(t, 20*time.Second)))
	fa.freeze()
	nb, _ := g.node("b", b.handler)
	start := time.Now()
	must(t, nb.Evict(timeout(t, 5*time.Second), "a"))
	must(t, nb.Started(timeout(t, 20*time.Second)))
	if d := time.Since(start); d > 1500*time.Millisecond {
		t.Errorf("took over after %v", d)
	}
	fa.thaw()
	until(t, "the evicted node joins again", 20*time.Second, func() bool { return owned(na) == 4 && owned(nb) == 4 })
}

func TestRestartEvictsItsFormerSelf(t *testing.T) {
	g := newGrounds(t, "former")
	var a, b seen
	na, fa := g.node("same", a.handler)
	must(t, na.Started(timeout(t, 20*time.Second)))
	fa.down() // as after kill -9: it never says that it leaves
	start := time.Now()
	nb, _ := g.node("same", b.handler)
	must(t, nb.Started(timeout(t, 20*time.Second)))
	g.send(8, 0)
	until(t, "handled", 10*time.Second, func() bool { return b.len() == 8 })
	if d := time.Since(start); d > 2*time.Second {
		t.Errorf("restarted in %v", d)
	}
}

func TestFencing(t *testing.T) {
	g := newGrounds(t, "fence")
	var b seen
	release, holding := make(chan struct{}), make(chan struct{}, 64)
	var late atomic.Bool
	na, _ := g.node("a", func(ctx context.Context, run []Record[note]) error {
		holding <- struct{}{}
		if !late.Load() {
			<-release // deaf to its ctx, as a frozen process is
		}
		return nil
	})
	must(t, na.Started(timeout(t, 20*time.Second)))
	g.send(16, 0)
	<-holding
	old := na.state.groups[groupID("g", g.tp.Name)].now.Load()
	nb, _ := g.node("b", b.handler)
	must(t, nb.Evict(timeout(t, 5*time.Second), "a"))
	until(t, "the other handles everything", 10*time.Second, func() bool { return b.distinct() == 16 })
	g.send(16, 1)
	until(t, "and goes on", 10*time.Second, func() bool { return b.distinct() == 32 })
	sum := func() (n int64) {
		for _, o := range g.committed() {
			n += o
		}
		return n
	}
	until(t, "committed", 5*time.Second, func() bool { return sum() == 32 })
	err := old.gen.CommitOffsets(map[string]map[int]int64{g.tp.Name: {0: 0, 1: 0, 2: 0, 3: 0}})
	if !errors.Is(err, kafka.UnknownMemberId) && !errors.Is(err, kafka.IllegalGeneration) && !errors.Is(err, kafka.FencedInstanceID) {
		t.Errorf("late commit: %v", err)
	}
	late.Store(true)
	close(release)
	until(t, "the late one joins again", 20*time.Second, func() bool {
		now := na.state.groups[groupID("g", g.tp.Name)].now.Load()
		return now != old && owned(na) == 4
	})
	if got := sum(); got != 32 {
		t.Errorf("offsets sum to %d, want 32", got)
	}
}

func TestCrashBetweenEffectAndCommit(t *testing.T) {
	g := newGrounds(t, "effect")
	var a, b seen
	var fa *faultNet
	var na *Bus
	ready := make(chan struct{})
	na, fa = g.node("a", func(ctx context.Context, run []Record[note]) error {
		<-ready
		fa.down() // the effect is done; the commit will not be
		return a.handler(ctx, run)
	})
	close(ready)
	must(t, na.Started(timeout(t, 20*time.Second)))
	g.send(1, 7)
	until(t, "the effect", 5*time.Second, func() bool { return a.len() == 1 })
	nb, _ := g.node("a", b.handler)
	must(t, nb.Started(timeout(t, 20*time.Second)))
	until(t, "handled again", 10*time.Second, func() bool { return slices.Equal(b.of("0"), []int{7}) })
}

func TestOffsetBelowTheLogsStartRaisesTheAlarm(t *testing.T) {
	onlyEmbedded(t)
	tp := topic("below")
	tp.Key = func(note) string { return "same" }
	dir := t.TempDir()
	var got seen
	b := mustOpen(t, config(t, dir, tp))
	must(t, Consume(b, tp, Consumer[note]{Group: "g"}, got.handler))
	must(t, b.Started(timeout(t, 10*time.Second)))
	must(t, Publish(context.Background(), b, tp, note{Key: "k", N: 1}))
	until(t, "handled", 5*time.Second, func() bool { return got.len() == 1 && waiting0(b) })
	part := got.all[0].Partition
	must(t, b.Close(timeout(t, 5*time.Second)))

	b = mustOpen(t, config(t, dir, tp))
	for n := range 10 {
		must(t, Publish(context.Background(), b, tp, note{Key: "k", N: 2 + n}))
	}
	must(t, b.broker.cluster.DeleteRecords(tp.Name, int32(part), 6)) // somebody's hand, or a retention set too short
	must(t, Consume(b, tp, Consumer[note]{Group: "g"}, got.handler))
	until(t, "the rest is handled", 5*time.Second, func() bool { return got.len() >= 6 })
	if ns := got.of("k"); !slices.Equal(ns, []int{1, 7, 8, 9, 10, 11}) {
		t.Errorf("handled %v", ns)
	}
	if b.Health() == nil {
		t.Error("health says nothing of the lost records")
	}
}

func TestSilentPeers(t *testing.T) {
	at := func(s float64) time.Time { return time.Unix(1000, int64(s*1e9)) }
	p := &peers{self: "me", heard: map[string]time.Time{}, ticks: at(0)}
	live := func(from, to float64, who ...string) {
		for s := from; s < to; s += .5 {
			for _, w := range who {
				p.hear(beat{Node: w}, at(s))
			}
			if gone := p.silent(at(s)); len(gone) > 0 {
				t.Errorf("at %v s %v are called silent", s, gone)
			}
		}
	}
	live(0, 5, "me", "you", "they")
	p.hear(beat{Node: "they", Bye: true}, at(5))
	live(5, 6.5, "me")
	for _, s := range []float64{6.5, 7} {
		p.hear(beat{Node: "me"}, at(s))
		if gone := p.silent(at(s)); s == 7 && !slices.Equal(gone, []string{"you"}) {
			t.Errorf("silent: %v", gone)
		}
	}
	live(7.5, 9, "me", "you")
	live(30, 31.5, "me")  // asleep for 20 s: it knows nothing of others
	live(31.5, 34, "you") // does not hear itself: nor now
}
