package realtime

// send queues one frame.
func (s *agentSocket) send(b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.push(b)
}

// push queues one frame; s.mu is held. A client whose queue is full is told to resync
// instead, and closed: everything it lacks is in the store.
func (s *agentSocket) push(b []byte) {
	if s.ended {
		return
	}
	if len(s.queue) > 0 && (len(s.queue) >= s.hub.lim.QueueFrames || s.bytes+len(b) > s.hub.lim.QueueBytes) {
		s.slow, s.ended = true, true
		s.code, s.why = codeSlow, "too slow"
		s.queue, s.bytes = [][]byte{encode(told{Type: "resync", Reason: "slow"})}, 0
		s.hub.met.resyncs.Inc()
		s.wake.Signal()
		s.room.Broadcast()
		return
	}
	s.queue = append(s.queue, b)
	s.bytes += len(b)
	s.wake.Signal()
}

// end closes the socket after what is queued was written.
func (s *agentSocket) end(code int, why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	s.ended, s.code, s.why = true, code, why
	s.wake.Signal()
	s.room.Broadcast()
}

func (s *agentSocket) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

// write is the socket's writer: it takes whatever is queued, at once, and never waits for more.
func (s *agentSocket) write() {
	var spare [][]byte
	for {
		batch, last := s.take(spare)
		err := s.put(batch, last)
		clear(batch)
		spare = batch[:0]
		if err != nil || last {
			break
		}
	}
	s.end(codeRestart, "") // after a failed write: nothing more is queued
	s.mu.Lock()
	code, why := s.code, s.why
	s.queue, s.bytes = nil, 0
	s.room.Broadcast()
	s.mu.Unlock()
	// The reader, which waits in Read, sees this close; its error is of no more use.
	_ = s.sock.Close(code, why)
}

// take waits for frames. last says that nothing comes after them.
func (s *agentSocket) take(spare [][]byte) (batch [][]byte, last bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.queue) == 0 && !s.ended {
		s.wake.Wait()
	}
	batch, s.queue, s.bytes = s.queue, spare, 0
	s.room.Broadcast()
	return batch, s.ended
}

// batchFrames and batchBytes are how much is handed to a [Batcher] at once.
const (
	batchFrames = 64
	batchBytes  = 64 << 10
)

// put writes frames. It stops early when the client turns out too slow for what is left.
func (s *agentSocket) put(frames [][]byte, last bool) error {
	many, _ := s.sock.(Batcher)
	for len(frames) > 0 {
		if !last && s.tooSlow() {
			return nil
		}
		n := 1
		var err error
		if many != nil {
			for size := len(frames[0]); n < len(frames) && n < batchFrames && size < batchBytes; n++ {
				size += len(frames[n])
			}
			err = many.WriteBatch(frames[:n])
		} else {
			err = s.sock.Write(frames[0])
		}
		if err != nil {
			return err
		}
		s.hub.met.frames.Add(float64(n))
		frames = frames[n:]
	}
	return nil
}

func (s *agentSocket) tooSlow() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.slow
}

// waitRoom holds a replay back until the client took enough of what is queued for it that
// n more bytes leave half of the queue to live events. It is called with s.mu held and
// reports whether the socket still stands.
func (s *agentSocket) waitRoom(n int) bool {
	for !s.ended && len(s.queue) > 0 && (s.bytes+n > s.hub.lim.QueueBytes/2 || len(s.queue) >= s.hub.lim.QueueFrames/2) {
		s.room.Wait()
	}
	return !s.ended
}
