package store

import (
	"database/sql/driver"
	"time"
)

const (
	// checkpointEvery is how often what was written moves from the log into the database.
	// It happens beside the writer, which would otherwise make some unlucky call wait for it.
	checkpointEvery = 500 * time.Millisecond
	// checkpointRounds is how often a checkpoint follows the writer's newest frames: only
	// one that has caught up lets the log start anew.
	checkpointRounds = 4
)

// checkpoint runs until the store closes.
func (e *Embedded) checkpoint() {
	defer close(e.checkpointed)
	tick := time.NewTicker(checkpointEvery)
	defer tick.Stop()
	var c *conn
	for {
		select {
		case <-e.stopped:
			if c != nil {
				e.closeQuietly(c)
			}
			return
		case <-tick.C:
		}
		if !e.dirty.Swap(false) {
			continue
		}
		var err error
		if c == nil {
			c, err = openConn(e.file, "busy_timeout = 0", "synchronous = FULL", "cache_size = -512")
		}
		if err == nil {
			err = catchUp(c)
		}
		if err != nil {
			// The writer checkpoints by itself when the log grows too long.
			e.log.Warn("store: a checkpoint failed", "err", err)
			if c != nil {
				e.closeQuietly(c)
				c = nil
			}
		}
	}
}

func catchUp(c *conn) error {
	for range checkpointRounds {
		var log, done int64
		err := c.each("PRAGMA wal_checkpoint(PASSIVE)", func(row []driver.Value) {
			log, _ = row[1].(int64)
			done, _ = row[2].(int64)
		}, 3)
		if err != nil || done >= log {
			return err
		}
	}
	return nil
}

func (e *Embedded) closeQuietly(c *conn) {
	if err := c.close(); err != nil {
		e.log.Warn("store: close a connection", "err", err)
	}
}
