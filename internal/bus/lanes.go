package bus

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// lanes is one worker of a partition: the lanes whose hash fell to it. Its goroutine lives only
// while something waits.
type lanes struct {
	p      *part
	queue  []*entry            // may be handled, in order; p.mu guards all of this
	held   map[string][]*entry // lanes whose first record failed and waits for its next attempt
	active bool
	ran    int // runs since the assignment, as far as they matter
}

// firstRun is how long a worker's first run is at most; each further one may be twice as long. A
// process that is killed again soon then has handled something, and need not begin at the
// same record each time with ever more after it.
const firstRun = 16

// limit is how long the next run may be, and counts it. The caller holds p.mu.
func (l *lanes) limit() int {
	n := firstRun << l.ran
	if n >= l.p.g.s.maxRun {
		return l.p.g.s.maxRun
	}
	l.ran++
	return n
}

// wake starts the worker unless it runs. The caller holds p.mu.
func (l *lanes) wake() {
	if l.active || l.p.stopped || len(l.queue) == 0 {
		return
	}
	l.active = true
	l.p.running.Add(1)
	go func() {
		defer l.p.running.Done()
		for run := l.take(); run != nil; run = l.take() {
			l.work(run)
		}
	}()
}

// take cuts the next run off the queue; nil ends the worker.
func (l *lanes) take() []*entry {
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	limit := l.limit()
	var run []*entry
	n := 0
	for ; n < len(l.queue) && !l.p.stopped; n++ {
		e := l.queue[n]
		if waiting, ok := l.held[e.lane]; ok {
			l.held[e.lane] = append(waiting, e)
			continue
		}
		single := e.alone || e.bad != nil
		if len(run) > 0 && (single || len(run) == limit) {
			break
		}
		run = append(run, e)
		if single {
			n++
			break
		}
	}
	l.queue = l.queue[n:]
	if len(run) == 0 {
		l.queue, l.active = nil, false
		return nil
	}
	return run
}

// work handles one run and deals with what became of it.
func (l *lanes) work(run []*entry) {
	if run[0].bad != nil {
		l.bury(run[0], run[0].bad)
		return
	}
	for wait := pauseMin; ; wait = min(2*wait, pauseMax) {
		err := l.call(run)
		var at *RunError
		if errors.As(err, &at) && at.Index > 0 && at.Index < len(run) {
			l.p.finish(run[:at.Index])
			run = run[at.Index:]
			at.Index = 0
		}
		if err == nil || l.p.hctx.Err() != nil || !l.p.g.s.waits(err) {
			l.settle(run, err, at)
			return
		}
		l.p.g.s.bus.paused(l.p.g.s, err)
		if at != nil || oneLane(run) { // only this lane waits
			l.again(run[1:], false)
			run[0].pauses++
			l.hold(run[0], min(pauseMin<<min(run[0].pauses, 10), pauseMax))
			return
		}
		if sleep(l.p.hctx, wait) != nil || l.ended() {
			return
		}
	}
}

// How long a consumer waits for something that is down: twice as long each time.
const (
	pauseMin = 50 * time.Millisecond
	pauseMax = 2 * time.Second
)

func oneLane(run []*entry) bool {
	for _, e := range run {
		if e.lane != run[0].lane {
			return false
		}
	}
	return true
}

func (l *lanes) ended() bool {
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	return l.p.stopped
}

func (l *lanes) settle(run []*entry, err error, at *RunError) {
	switch {
	case err == nil:
		l.p.finish(run)
	case l.p.hctx.Err() != nil: // cut short: the next owner repeats it
	case at != nil && at.Index == 0, len(run) == 1:
		l.again(run[1:], false)
		l.failed(run[0], err)
	default: // somebody in it: find out who
		l.again(run, true)
	}
}

// call runs the handler; a panic is an error.
func (l *lanes) call(run []*entry) (err error) {
	s := l.p.g.s
	ctx, end := s.bus.trace(l.p.hctx, s, run)
	start := time.Now()
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
			s.bus.cfg.Log.Error("bus: handler panicked", "topic", s.topic, "group", s.group, "panic", r, "stack", string(debug.Stack()))
		}
		s.bus.m.handled(s.topic, s.group, len(run), time.Since(start), err)
		end(err)
	}()
	return s.handle(ctx, run)
}

// again puts records back in front of the queue.
func (l *lanes) again(run []*entry, alone bool) {
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	for _, e := range run {
		e.alone = e.alone || alone
	}
	l.queue = append(append(make([]*entry, 0, len(run)+len(l.queue)), run...), l.queue...)
}

// failed holds the record's lane until its next attempt, or buries the record after its last.
func (l *lanes) failed(e *entry, err error) {
	s := l.p.g.s
	e.attempt++
	e.alone = true
	if isPermanent(err) || e.attempt >= s.retry.Attempts {
		l.bury(e, err)
		return
	}
	wait := min(s.retry.Min<<(e.attempt-1), s.retry.Max)
	s.bus.cfg.Log.Warn("bus: handling failed", "topic", s.topic, "group", s.group, "partition", e.partition,
		"offset", e.offset, "attempt", e.attempt, "again", wait, "error", err)
	l.hold(e, wait)
}

// hold keeps a record and what follows it in its lane back for a while.
func (l *lanes) hold(e *entry, wait time.Duration) {
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	l.held[e.lane] = []*entry{e}
	time.AfterFunc(wait, func() { l.release(e.lane) })
}

// release lets a held lane go on: the failed record first, then what came after it.
func (l *lanes) release(lane string) {
	l.p.mu.Lock()
	defer l.p.mu.Unlock()
	l.queue = append(l.held[lane], l.queue...)
	delete(l.held, lane)
	l.wake()
}

// bury writes a record to the dead letters and calls it handled. While the broker refuses, it
// waits: nothing is dropped.
func (l *lanes) bury(e *entry, cause error) {
	s := l.p.g.s
	s.bus.cfg.Log.Error("bus: to the dead letters", "topic", s.topic, "group", s.group, "partition", e.partition,
		"offset", e.offset, "attempts", e.attempt, "error", cause)
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		err := s.bus.bury(context.WithoutCancel(l.p.hctx), s, e, cause)
		s.bus.trouble("dead letters of "+s.topic, err)
		if err == nil {
			s.bus.m.buried(s.topic, s.group)
			l.p.finish([]*entry{e})
			return
		}
		if sleep(l.p.hctx, wait) != nil || l.ended() {
			return
		}
	}
}
