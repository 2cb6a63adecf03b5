package bus

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// gate makes what the embedded broker wrote durable. The broker itself never syncs while it
// runs; everybody who must know that a record is on disk waits for one shared round of fdatasync
// over the log files that changed. Its zero value is not usable.
type gate struct {
	dir  string               // of the broker's partitions
	roll int64                // the smallest size at which the broker begins a new file
	sync func(*os.File) error // fdatasync
	note func(path string, size int64)

	mu      sync.Mutex
	dirty   map[place]bool // changed since their last sync; true: of a durable topic
	next    *round         // has not begun
	broken  error          // the first failed sync; nothing is known about the disk after it
	quit    chan struct{}
	done    chan struct{}
	kick    chan struct{}
	syncing sync.Mutex // one round or sweep at a time
	files   map[place]*segment
}

type place struct {
	topic     string
	partition int
}

type round struct {
	places map[place]bool // that somebody waits for
	all    bool           // somebody waits for every durable one
	done   chan struct{}
	err    error
}

func newRound() *round { return &round{places: map[place]bool{}, done: make(chan struct{})} }

// segment is the newest log file of a partition that the gate has synced.
type segment struct {
	base int64
	file *os.File
}

func newGate(dir string) *gate {
	g := &gate{dir: dir, roll: segmentBytes, sync: fdatasync, dirty: map[place]bool{}, files: map[place]*segment{},
		next: newRound(), kick: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{})}
	go g.loop()
	return g
}

// changed notes that a partition's log grew.
func (g *gate) changed(p place, durable bool) {
	g.mu.Lock()
	g.dirty[p] = durable
	g.mu.Unlock()
}

// failed is why nothing can be made durable any more; nil while all is well.
func (g *gate) failed() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.broken
}

// wait returns when what was written to the places before the call is on disk; without places,
// when all durable partitions are.
func (g *gate) wait(ctx context.Context, places ...place) error {
	g.mu.Lock()
	r := g.next
	r.all = r.all || len(places) == 0
	for _, p := range places {
		r.places[p] = true
	}
	g.mu.Unlock()
	select {
	case g.kick <- struct{}{}:
	default:
	}
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
		return fmt.Errorf("%w: waiting for the disk: %w", ErrUnavailable, ctx.Err())
	case <-g.done: // the last round may have been ours
		select {
		case <-r.done:
			return r.err
		default:
			return ErrClosed
		}
	}
}

// loop runs rounds until the gate stops; the last one is for who waits then.
func (g *gate) loop() {
	defer close(g.done)
	for {
		select {
		case <-g.kick:
			g.round()
		case <-g.quit:
			g.round()
			return
		}
	}
}

func (g *gate) round() {
	g.mu.Lock()
	r := g.next
	g.next = newRound()
	g.mu.Unlock()
	r.err = g.flush(func(p place, durable bool) bool { return r.all && durable || r.places[p] })
	close(r.done)
}

// flush syncs the changed partitions that are wanted.
func (g *gate) flush(wanted func(p place, durable bool) bool) error {
	g.syncing.Lock()
	defer g.syncing.Unlock()
	g.mu.Lock()
	var todo []place
	for p, durable := range g.dirty {
		if wanted(p, durable) {
			todo = append(todo, p)
			delete(g.dirty, p)
		}
	}
	broken := g.broken
	g.mu.Unlock()
	if broken != nil {
		return broken
	}
	errs := make([]error, len(todo))
	var wg sync.WaitGroup
	for i, p := range todo {
		seg := g.files[p]
		if seg == nil {
			seg = &segment{base: -1}
			g.files[p] = seg
		}
		wg.Add(1)
		work := func() { defer wg.Done(); errs[i] = g.flushPart(p, seg) }
		if i == len(todo)-1 {
			work()
		} else {
			go work()
		}
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		err = fmt.Errorf("%w: %w", ErrNotDurable, err)
		g.mu.Lock()
		g.broken = err
		g.mu.Unlock()
		return err
	}
	return nil
}

// flushPart syncs the partition's newest file, and those begun since the last time with their folder.
func (g *gate) flushPart(p place, seg *segment) error {
	if seg.file != nil {
		size, err := g.syncFile(seg.file)
		if err != nil || size < g.roll { // the broker begins a new file only when this one is full
			return err
		}
	}
	dir := filepath.Join(g.dir, fmt.Sprintf("%s-%d", p.topic, p.partition))
	bases, err := segments(dir)
	if err != nil {
		return err
	}
	fresh := false
	for _, base := range bases {
		if base <= seg.base {
			continue
		}
		f, err := os.Open(filepath.Join(dir, strconv.FormatInt(base, 10)+".dat"))
		if err != nil {
			return err
		}
		if err := seg.close(); err != nil {
			return err
		}
		seg.base, seg.file, fresh = base, f, true
		if _, err := g.syncFile(f); err != nil {
			return err
		}
	}
	if fresh {
		return errors.Join(syncDir(dir), syncDir(g.dir))
	}
	return nil
}

// syncFile syncs one file, and says how large it is at least.
func (g *gate) syncFile(f *os.File) (int64, error) {
	st, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if err := g.sync(f); err != nil {
		return 0, err
	}
	if g.note != nil {
		g.note(f.Name(), st.Size())
	}
	return st.Size(), nil
}

func (s *segment) close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

// stop runs a last round and closes the files.
func (g *gate) stop() error {
	close(g.quit)
	<-g.done
	g.syncing.Lock()
	defer g.syncing.Unlock()
	var errs []error
	for _, s := range g.files {
		errs = append(errs, s.close())
	}
	return errors.Join(errs...)
}

// segments lists the first offsets of a partition's log files, oldest first.
func segments(dir string) ([]int64, error) {
	list, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []int64
	for _, e := range list {
		name, ok := strings.CutSuffix(e.Name(), ".dat")
		if !ok {
			continue
		}
		if base, err := strconv.ParseInt(name, 10, 64); err == nil {
			out = append(out, base)
		}
	}
	slices.Sort(out)
	return out, nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
