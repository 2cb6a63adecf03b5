package bus

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestBrokerDownAndFrozen(t *testing.T) {
	for name, fault := range map[string]func(*faultNet){"down": (*faultNet).down, "frozen": (*faultNet).freeze} {
		t.Run(name, func(t *testing.T) {
			g := newGrounds(t, "fault")
			var got, cast seen
			b, f := g.node("a", got.handler)
			must(t, Broadcast(b, g.tp, func(r Record[note]) error { cast.add(r); return nil }))
			must(t, b.Started(timeout(t, 20*time.Second)))
			must(t, Publish(context.Background(), b, g.tp, note{Key: "k", N: 1}))
			fault(f)
			start := time.Now()
			err := Publish(context.Background(), b, g.tp, note{Key: "k", N: 2})
			if d := time.Since(start); !errors.Is(err, ErrUnavailable) || d > 3100*time.Millisecond {
				t.Errorf("%v after %v", err, d)
			}
			until(t, "health says so", 15*time.Second, func() bool { return b.Health() != nil })
			f.thaw()
			until(t, "publishing works again", 10*time.Second, func() bool {
				return Publish(timeout(t, time.Second), b, g.tp, note{Key: "k", N: 3}) == nil
			})
			until(t, "handled and broadcast", 20*time.Second, func() bool {
				return slices.Contains(got.of("k"), 3) && slices.Contains(cast.of("k"), 3)
			})
			if ns := slices.Compact(slices.Sorted(slices.Values(cast.of("k")))); ns[0] != 1 {
				t.Errorf("the broadcast skipped: %v", ns)
			}
			until(t, "healthy again", 10*time.Second, func() bool { return b.Health() == nil })
		})
	}
}

func TestBrokerAbsentAtStart(t *testing.T) {
	f := newFaultNet(nil)
	f.down()
	c := config(t, "", topic("absent"))
	c.Brokers, c.dial = []string{"127.0.0.1:1"}, f.dialContext
	start := time.Now()
	if b, err := Open(timeout(t, 500*time.Millisecond), c); err == nil {
		t.Error("opened", b)
	}
	if d := time.Since(start); d > 3*time.Second {
		t.Errorf("gave up after %v", d)
	}
}

func TestFsyncErrorFailsThePublish(t *testing.T) {
	onlyEmbedded(t)
	durable, derived := topic("durable"), topic("derived")
	derived.Durable = false
	b := mustOpen(t, config(t, t.TempDir(), durable, derived))
	var broken atomic.Bool
	disk := errors.New("input/output error")
	b.broker.gate.mu.Lock()
	b.broker.gate.sync = func(f *os.File) error {
		if broken.Load() {
			return disk
		}
		return fdatasync(f)
	}
	b.broker.gate.mu.Unlock()
	ctx := context.Background()
	must(t, Publish(ctx, b, durable, note{Key: "k", N: 1}))
	broken.Store(true)
	if err := Publish(ctx, b, durable, note{Key: "k", N: 2}); !errors.Is(err, ErrNotDurable) || !errors.Is(err, disk) {
		t.Errorf("publish: %v", err)
	}
	if err := b.Health(); !errors.Is(err, ErrNotDurable) {
		t.Errorf("health: %v", err)
	}
	broken.Store(false) // the kernel forgets the pages it could not write: a later sync proves nothing
	if err := Publish(ctx, b, durable, note{Key: "k", N: 3}); !errors.Is(err, ErrNotDurable) {
		t.Errorf("later publish: %v", err)
	}
	must(t, Publish(ctx, b, derived, note{Key: "k", N: 4}))
}

func TestDiskFullIsRefused(t *testing.T) {
	onlyEmbedded(t)
	tp, dir := topic("full"), t.TempDir()
	tp.Key = func(note) string { return "same" }
	b := mustOpen(t, config(t, dir, tp))
	ctx := context.Background()
	must(t, Publish(ctx, b, tp, note{N: 1}))
	// Stand-in for a full disk: the partition's next file cannot be made.
	dats, err := filepath.Glob(filepath.Join(dir, "partitions", tp.Name+"-*"))
	must(t, err)
	until(t, "refused", 20*time.Second, func() bool {
		for _, d := range dats {
			must(t, os.Chmod(d, 0o500))
		}
		if os.Geteuid() == 0 { // root writes anywhere: put folders where the files would be
			blockSegments(t, b, tp.Name, dats)
		}
		return Publish(timeout(t, time.Second), b, tp, note{N: 2, Pad: strings.Repeat("x", 900<<10)}) != nil
	})
	for _, d := range dats {
		must(t, os.Chmod(d, 0o700))
	}
}

// blockSegments makes the next log file of each partition impossible.
func blockSegments(t *testing.T, b *Bus, topic string, dirs []string) {
	t.Helper()
	for _, d := range dirs {
		for _, i := range b.broker.cluster.PartitionInfos(topic) {
			if strings.HasSuffix(d, "-"+strconv.Itoa(int(i.Partition))) {
				_ = os.Mkdir(filepath.Join(d, strconv.FormatInt(i.HighWatermark, 10)+".dat"), 0o700) // exists after the first time
			}
		}
	}
}

func TestASecondProcessIsKeptOut(t *testing.T) {
	onlyEmbedded(t)
	tp, dir := topic("lock"), t.TempDir()
	b := mustOpen(t, config(t, dir, tp))
	if _, err := Open(timeout(t, time.Second), config(t, dir, tp)); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("second open: %v", err)
	}
	must(t, b.Close(timeout(t, 5*time.Second)))
}

func TestInMemory(t *testing.T) {
	onlyEmbedded(t)
	tp := topic("memory")
	var got seen
	b := mustOpen(t, config(t, "", tp))
	must(t, Consume(b, tp, Consumer[note]{Group: "g"}, got.handler))
	must(t, b.Started(timeout(t, 5*time.Second)))
	must(t, Publish(context.Background(), b, tp, note{Key: "k", N: 1}))
	until(t, "handled", 5*time.Second, func() bool { return got.len() == 1 })
}

func TestCloseDoesNotWaitForAFrozenBroker(t *testing.T) {
	g := newGrounds(t, "frozen")
	var got seen
	b, f := g.node("a", got.handler)
	must(t, b.Started(timeout(t, 20*time.Second)))
	f.freeze()
	start := time.Now()
	if err := b.Close(timeout(t, time.Second)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("close: %v", err)
	}
	if d := time.Since(start); d > 1500*time.Millisecond {
		t.Errorf("closed after %v", d)
	}
	must(t, b.Close(timeout(t, 10*time.Second))) // the rest ends soon
}
