package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
)

// checkpoint is what was certainly on disk at a moment: every group's offsets, and all that its
// handlers had published by then.
type checkpoint struct {
	At     time.Time            `json:"at"`
	Groups map[string]*progress `json:"groups"`
}

// progress is where one group stands in its topic.
type progress struct {
	Topic   string        `json:"topic"`
	Offsets map[int]int64 `json:"offsets"`
	Seen    time.Time     `json:"seen"` // when it last ran
}

// forgetAfter is how long a group that nobody runs any more keeps the log from being trimmed.
const forgetAfter = 24 * time.Hour

func readCheckpoint(path string) (*checkpoint, error) {
	c := &checkpoint{Groups: map[string]*progress{}}
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(raw, c); err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return c, nil
}

// adopt goes on from the last run's checkpoint.
func (e *embedded) adopt(c *checkpoint) {
	e.saved = map[string]*progress{}
	for id, p := range c.Groups {
		if time.Since(p.Seen) < forgetAfter {
			e.offsets[id] = &progress{Topic: p.Topic, Offsets: maps.Clone(p.Offsets), Seen: p.Seen}
			e.saved[id] = p
		}
	}
}

// committed is told of every commit.
func (e *embedded) committed(group, topic string, next map[int]int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	p := e.offsets[group]
	if p == nil {
		p = &progress{Topic: topic, Offsets: map[int]int64{}}
		e.offsets[group] = p
	}
	maps.Copy(p.Offsets, next)
	p.Seen = time.Now().UTC()
	e.moved = true
}

// save writes a checkpoint if anything was committed since the last one: first the offsets are
// copied, then all that was published before is synced, and only then are they written.
func (e *embedded) save() error {
	e.mu.Lock()
	if !e.moved {
		e.mu.Unlock()
		return nil
	}
	e.moved = false
	c := &checkpoint{At: time.Now().UTC(), Groups: map[string]*progress{}}
	for id, p := range e.offsets {
		c.Groups[id] = &progress{Topic: p.Topic, Offsets: maps.Clone(p.Offsets), Seen: p.Seen}
	}
	e.mu.Unlock()
	err := e.gate.flush(func(place, bool) bool { return true })
	if err == nil {
		err = writeSynced(filepath.Join(e.dir, checkpointFile), c)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if err != nil {
		e.moved = true
		return fmt.Errorf("bus: writing a checkpoint: %w", err)
	}
	e.saved = c.Groups
	return nil
}

// writeSynced replaces a file as a whole, and returns when that is on disk.
func writeSynced(path string, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	tmp := path + ".new"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// rewind moves every group to the last checkpoint, or to the log's end where a power cut
// shortened it. Groups without a checkpoint begin again.
func (e *embedded) rewind(ctx context.Context) error {
	res, err := e.bus.client.ListGroups(ctx, &kafka.ListGroupsRequest{})
	if err == nil {
		err = res.Error
	}
	if err != nil {
		return fmt.Errorf("bus: listing groups: %w", err)
	}
	groups := map[string]bool{}
	for _, g := range res.Groups {
		groups[g.GroupID] = true
	}
	for id := range e.back.Groups { // the broker may have forgotten some
		groups[id] = true
	}
	for id := range groups {
		topic, ok := e.topicOf(id)
		if !ok {
			continue
		}
		if err := e.rewindGroup(ctx, id, topic); err != nil {
			return fmt.Errorf("bus: rewinding group %s: %w", id, err)
		}
	}
	return nil
}

func (e *embedded) topicOf(group string) (string, bool) {
	for name := range e.bus.state.topics {
		if strings.HasPrefix(group, groupID("", name)) {
			return name, true
		}
	}
	return "", false
}

func (e *embedded) rewindGroup(ctx context.Context, group, topic string) error {
	if err := e.bus.evict(ctx, "", group); err != nil { // its members died with the process
		return err
	}
	var parts []int
	infos := e.cluster.PartitionInfos(topic)
	for _, i := range infos {
		parts = append(parts, int(i.Partition))
	}
	was, err := e.bus.client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{topic: parts}})
	if err == nil {
		err = was.Error
	}
	if err != nil {
		return err
	}
	back := e.back.Groups[group]
	var to []kafka.OffsetCommit
	next := map[int]int64{}
	for _, p := range was.Topics[topic] {
		info := infos[p.Partition]
		target := info.LogStartOffset
		if back != nil {
			target = max(target, min(back.Offsets[p.Partition], info.HighWatermark))
		}
		if p.CommittedOffset > target || back != nil && p.CommittedOffset < target {
			to = append(to, kafka.OffsetCommit{Partition: p.Partition, Offset: target})
		}
		next[p.Partition] = target
	}
	e.committed(group, topic, next)
	if len(to) == 0 {
		return nil
	}
	return e.commit(ctx, group, topic, to)
}

func (e *embedded) commit(ctx context.Context, group, topic string, to []kafka.OffsetCommit) error {
	res, err := e.bus.client.OffsetCommit(ctx, &kafka.OffsetCommitRequest{GroupID: group, GenerationID: -1,
		Topics: map[string][]kafka.OffsetCommit{topic: to}})
	if err != nil {
		return err
	}
	for _, p := range res.Topics[topic] {
		if p.Error != nil {
			return p.Error
		}
	}
	return nil
}

// Checkpoint is the moment up to which all that handlers published is known to have survived the last stop.
// It is zero after a clean stop, on a cluster, and when nothing was ever committed.
func (b *Bus) Checkpoint() time.Time {
	if b.broker == nil || !b.broker.unclean {
		return time.Time{}
	}
	return b.broker.back.At
}

// startRepair runs Config.Repair once, if the last stop was unclean, and lets consumers begin after it.
// The caller holds state.mu.
func (b *Bus) startRepair() {
	b.repair.Do(func() {
		if b.broker == nil || !b.broker.unclean || b.cfg.Repair == nil {
			close(b.repaired)
			return
		}
		b.wg.Add(1)
		go func() {
			defer b.wg.Done()
			for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
				err := b.cfg.Repair(b.ctx)
				b.trouble("repair", err)
				if err == nil {
					close(b.repaired)
					return
				}
				b.cfg.Log.Error("bus: repairing after an unclean stop", "error", err, "again", wait)
				if sleep(b.ctx, wait) != nil {
					return
				}
			}
		}()
	})
}
