package bus

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// retain trims each partition to partitionBytes in whole files, never beyond what a group has
// yet to read.
func (e *embedded) retain() error {
	e.mu.Lock()
	saved := e.saved
	e.mu.Unlock()
	var errs []error
	e.bus.state.mu.Lock()
	topics, casts := maps.Clone(e.bus.state.topics), slices.Clone(e.bus.state.casts)
	e.bus.state.mu.Unlock()
	for name := range topics {
		if isDead(name) || name == nodesTopic {
			continue
		}
		for _, info := range e.cluster.PartitionInfos(name) {
			floor := info.HighWatermark
			for _, p := range saved {
				if p.Topic == name {
					floor = min(floor, p.Offsets[int(info.Partition)])
				}
			}
			for _, c := range casts {
				if at, ok := c.position(int(info.Partition)); ok && c.topic == name {
					floor = min(floor, at)
				}
			}
			errs = append(errs, e.trim(name, int(info.Partition), info.LogStartOffset, floor, partitionBytes))
		}
	}
	return errors.Join(errs...)
}

// retainDead trims dead letters up to the oldest that nobody has dealt with.
func (e *embedded) retainDead(ctx context.Context) error {
	e.bus.state.mu.Lock()
	topics := maps.Clone(e.bus.state.topics)
	e.bus.state.mu.Unlock()
	var errs []error
	for name := range topics {
		if isDead(name) {
			continue
		}
		info := e.cluster.PartitionInfo(deadName(name), 0)
		if info == nil || info.HighWatermark == 0 {
			continue
		}
		live, err := e.bus.deads(ctx, name)
		floor := info.HighWatermark
		if len(live) > 0 {
			floor = live[0].offset
		}
		if err == nil {
			err = e.trim(deadName(name), 0, info.LogStartOffset, floor, 0)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// trim deletes the oldest files of a partition, as long as more than keep bytes stay and nothing
// from floor on is deleted.
func (e *embedded) trim(topic string, partition int, start, floor, keep int64) error {
	dir := filepath.Join(e.dir, "partitions", fmt.Sprintf("%s-%d", topic, partition))
	bases, err := segments(dir)
	if err != nil || len(bases) < 2 {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // nothing was ever written to it
		}
		return err
	}
	var total int64
	sizes := make([]int64, len(bases))
	for i, base := range bases {
		st, err := os.Stat(filepath.Join(dir, fmt.Sprintf("%d.dat", base)))
		if err != nil {
			return err
		}
		sizes[i] = st.Size()
		total += st.Size()
	}
	to := start
	for i := 0; i+1 < len(bases) && total-sizes[i] >= keep && bases[i+1] <= floor; i++ {
		total -= sizes[i]
		to = bases[i+1]
	}
	if to <= start {
		return nil
	}
	if err := e.cluster.DeleteRecords(topic, int32(partition), to); err != nil {
		return fmt.Errorf("bus: trimming %s %d: %w", topic, partition, err)
	}
	return nil
}
