package bus

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// The crash tests run this test binary again as a child that publishes and consumes, and kill it.

const childEnv = "PARLEY_BUS_CHILD"

// task is what a child is to do.
type task struct {
	Dir     string   `json:"dir"`
	Brokers []string `json:"brokers"`
	Topic   string   `json:"topic"`  // durable; its records are copied to Topic-copy, which is derived
	Synced  string   `json:"synced"` // a file that receives what the gate synced: path, tab, size
	Life    int      `json:"life"`
}

func (k task) topics() (ingest, derived Topic[note]) {
	key := func(n note) string { return n.Key }
	return Topic[note]{Name: k.Topic, Durable: true, Key: key}, Topic[note]{Name: k.Topic + "-copy", Key: key}
}

func (k task) config() Config {
	a, d := k.topics()
	return Config{Brokers: k.Brokers, Dir: k.Dir, Node: "crash-" + k.Topic, Topics: []Stream{a, d}, Session: 6 * time.Second,
		Log: slog.New(slog.DiscardHandler)}
}

// copyTo is the child's consumer: ingest → derived.
func (k task) copyTo(b *Bus, done func(note)) error {
	ingest, derived := k.topics()
	return Consume(b, ingest, Consumer[note]{Group: "copy"}, func(ctx context.Context, run []Record[note]) error {
		out := make([]note, len(run))
		for i, r := range run {
			out[i] = r.Value
		}
		if err := Publish(ctx, b, derived, out...); err != nil {
			return err
		}
		for _, n := range out {
			done(n)
		}
		return nil
	})
}

// child runs until it is killed. It says "A key n" for what was acknowledged and "H key n" for what was handled.
func child() int {
	var k task
	if err := json.Unmarshal([]byte(os.Getenv(childEnv)), &k); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // no orphans
	defer cancel()
	b, err := Open(ctx, k.config())
	if err == nil && b.broker != nil {
		err = noteSynced(b.broker.gate, k.Synced)
	}
	var mu sync.Mutex
	say := func(what string, n note) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Printf("%s %s %d\n", what, n.Key, n.N)
	}
	if err == nil {
		err = k.copyTo(b, func(n note) { say("H", n) })
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ingest, _ := k.topics()
	for p := range 8 {
		go func() {
			pace := time.Tick(5 * time.Millisecond) // so that nothing is trimmed before it is compared
			for i := 0; ctx.Err() == nil; <-pace {
				n := note{Key: fmt.Sprintf("%d.%d", k.Life, p), N: i, Pad: strings.Repeat("x", 300)}
				if Publish(ctx, b, ingest, n) == nil {
					say("A", n)
					i++
				}
			}
		}()
	}
	<-ctx.Done()
	return 1
}

func noteSynced(g *gate, path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.note = func(name string, size int64) { fmt.Fprintf(f, "%s\t%d\n", name, size) }
	return nil
}

// crash is a series of lives.
type crash struct {
	t     *testing.T
	k     task
	acked map[string]bool
	ready []time.Duration
}

func newCrash(t *testing.T) *crash {
	dir := t.TempDir()
	k := task{Dir: filepath.Join(dir, "bus"), Brokers: cluster(), Topic: topic("crash").Name, Synced: filepath.Join(dir, "synced")}
	return &crash{t: t, k: k, acked: map[string]bool{}}
}

// life runs a child until it was killed, d after messages flowed.
func (c *crash) life(d time.Duration) {
	c.t.Helper()
	raw, err := json.Marshal(c.k)
	must(c.t, err)
	c.k.Life++
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+string(raw))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(c.t, err)
	start := time.Now()
	must(c.t, cmd.Start())
	var kill *time.Timer
	for sc := bufio.NewScanner(out); sc.Scan(); {
		f := strings.Fields(sc.Text())
		switch {
		case len(f) != 3: // cut off
		case f[0] == "A":
			c.acked[f[1]+"/"+f[2]] = true
		case kill == nil:
			c.ready = append(c.ready, time.Since(start))
			kill = time.AfterFunc(d, func() { _ = cmd.Process.Kill() }) // it cannot have ended by itself
		}
	}
	_ = cmd.Wait() // killed
	if kill == nil {
		c.t.Fatal("the child ended before a message flowed")
	}
}

// check opens what was left and compares.
func (c *crash) check() {
	c.t.Helper()
	b := mustOpen(c.t, c.k.config())
	must(c.t, c.k.copyTo(b, func(note) {}))
	ingest, derived := c.k.topics()
	if lost := missingOf(c.acked, everything(c.t, b, ingest)); len(lost) > 0 {
		c.t.Errorf("%d of %d acknowledged records are lost, such as %s", len(lost), len(c.acked), lost[0])
	}
	var lost []string
	until(c.t, "the derived topic is whole again", 20*time.Second, func() bool {
		lost = missingOf(c.acked, everything(c.t, b, derived))
		return len(lost) == 0
	})
	again := c.ready[1:]
	usual, worst := pct(again, .5), pct(again, 1)
	c.t.Logf("%d lives, %d acknowledged, none lost; messages flowed %v after a restart, at most %v", len(c.ready), len(c.acked), usual, worst)
	if usual > slow*time.Second { // of several, as others use this machine too
		c.t.Errorf("a restart took %v", usual)
	}
	must(c.t, b.Close(timeout(c.t, 10*time.Second)))
}

func missingOf(want, have map[string]bool) (out []string) {
	for id := range want {
		if !have[id] {
			out = append(out, id)
		}
	}
	return out
}

// everything reads a whole topic.
func everything(t *testing.T, b *Bus, tp Topic[note]) map[string]bool {
	t.Helper()
	ctx := timeout(t, 20*time.Second)
	out := map[string]bool{}
	n, err := b.partitions(ctx, tp.Name)
	must(t, err)
	for p := range n {
		at, end, err := b.bounds(ctx, tp.Name, p)
		must(t, err)
		for at < end {
			es, _, err := b.fetch(ctx, tp.Name, p, at)
			must(t, err)
			for _, e := range es {
				var v note
				must(t, json.Unmarshal(e.raw, &v))
				out[fmt.Sprintf("%s/%d", v.Key, v.N)] = true
				at = e.offset + 1
			}
		}
	}
	return out
}

func lives() int {
	if os.Getenv("PARLEY_LONG") != "" {
		return 40
	}
	return 5
}

func TestKillNine(t *testing.T) {
	c := newCrash(t)
	for range lives() {
		c.life(time.Duration(100+rand.IntN(900)) * time.Millisecond)
	}
	c.check()
}

func TestPowerCut(t *testing.T) {
	onlyEmbedded(t)
	c := newCrash(t)
	for range lives() {
		c.life(time.Duration(100+rand.IntN(2500)) * time.Millisecond)
		c.cut()
	}
	c.check()
}

// cut leaves on the disk what a power failure would at worst: of each log file what the gate had
// synced, and of the broker's other files all (so that committed offsets are ahead of what they
// stand for) or, every other time, any part.
func (c *crash) cut() {
	c.t.Helper()
	synced := map[string]int64{}
	raw, err := os.ReadFile(c.k.Synced)
	must(c.t, err)
	for line := range strings.Lines(string(raw)) {
		var size int64
		name, rest, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if _, err := fmt.Sscan(rest, &size); err == nil {
			synced[name] = max(synced[name], size)
		}
	}
	cuts, bytes := 0, int64(0)
	must(c.t, filepath.Walk(c.k.Dir, func(path string, st os.FileInfo, err error) error {
		if err != nil || st.IsDir() {
			return err
		}
		keep := st.Size()
		switch filepath.Ext(path) {
		case ".dat":
			keep = min(keep, synced[path])
		case ".log", ".idx":
			if c.k.Life%2 == 0 {
				keep = rand.Int64N(keep + 1)
			}
		}
		if keep < st.Size() {
			cuts, bytes = cuts+1, bytes+st.Size()-keep
		}
		return os.Truncate(path, keep)
	}))
	c.t.Logf("cut %d bytes off %d files", bytes, cuts)
}
