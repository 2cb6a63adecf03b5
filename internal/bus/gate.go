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
	sync func(*os.File) error // fdatasync
	note func(path string, size int64)

	mu      sync.Mutex
	dirty   map[place]bool // changed since their last round; true: of a durable topic
	next    *round         // has not begun
	busy    bool
	broken  error // the first failed sync; nothing is known about the disk after it
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
	done chan struct{}
	err  error
}

// segment is the newest log file of a partition that the gate has synced.
type segment struct {
	base int64
	file *os.File
}

func newGate(dir string) *gate {
	g := &gate{dir: dir, sync: fdatasync, dirty: map[place]bool{}, files: map[place]*segment{},
		next: &round{done: make(chan struct{})}, kick: make(chan struct{}, 1), done: make(chan struct{})}
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

// wait returns when every durable partition that had changed before the call is on disk.
func (g *gate) wait(ctx context.Context) error {
	g.mu.Lock()
	r := g.next
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
	}
}

func (g *gate) loop() {
	defer close(g.done)
	for range g.kick {
		g.mu.Lock()
		r := g.next
		g.next = &round{done: make(chan struct{})}
		g.mu.Unlock()
		r.err = g.flush(false)
		close(r.done)
	}
}

// flush syncs what changed: the durable partitions, or all of them.
func (g *gate) flush(all bool) error {
	g.syncing.Lock()
	defer g.syncing.Unlock()
	g.mu.Lock()
	var todo []place
	for p, durable := range g.dirty {
		if durable || all {
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

// flushPart syncs the partition's files from the newest one known on, and its folder when there are new ones.
func (g *gate) flushPart(p place, seg *segment) error {
	dir := filepath.Join(g.dir, fmt.Sprintf("%s-%d", p.topic, p.partition))
	bases, err := segments(dir)
	if err != nil {
		return err
	}
	fresh := false
	for _, base := range bases {
		if base < seg.base {
			continue
		}
		if base > seg.base {
			f, err := os.Open(filepath.Join(dir, strconv.FormatInt(base, 10)+".dat"))
			if err != nil {
				return err
			}
			if err := seg.close(); err != nil {
				return err
			}
			seg.base, seg.file, fresh = base, f, true
		}
		if err := g.syncFile(seg.file); err != nil {
			return err
		}
	}
	if fresh {
		return errors.Join(syncDir(dir), syncDir(g.dir))
	}
	return nil
}

func (g *gate) syncFile(f *os.File) error {
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if err := g.sync(f); err != nil {
		return err
	}
	if g.note != nil {
		g.note(f.Name(), st.Size())
	}
	return nil
}

func (s *segment) close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

// stop ends the loop and closes the files. Nobody may call wait any more.
func (g *gate) stop() error {
	close(g.kick)
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
