package whatsapp

import (
	"context"
	"sync"

	"github.com/parley-hub/parley/timeline"
)

// latestMost is how many threads' latest messages are remembered.
const latestMost = 1000

// latest remembers each thread's latest message: the far side shows typing, and marks as read,
// only by a message's id. It may be lost: then nothing is shown until the person writes again.
type latest struct {
	mu     sync.Mutex
	newest map[timeline.ThreadID]mark
}

type mark struct {
	id timeline.RemoteID
	at int64 // milliseconds
}

func (l *latest) note(in *timeline.Inbound) {
	if in.Event.Remote == "" || in.Event.Direction != timeline.In {
		return
	}
	at := in.Event.At.UnixMilli()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.newest == nil {
		l.newest = map[timeline.ThreadID]mark{}
	}
	if was, ok := l.newest[in.Event.Thread.ID]; ok && was.at > at {
		return
	}
	if len(l.newest) >= latestMost {
		l.drop()
	}
	l.newest[in.Event.Thread.ID] = mark{in.Event.Remote, at}
}

// drop forgets the thread that was silent longest.
func (l *latest) drop() {
	var oldest timeline.ThreadID
	for id, m := range l.newest {
		if was, ok := l.newest[oldest]; !ok || m.at < was.at {
			oldest = id
		}
	}
	delete(l.newest, oldest)
}

func (l *latest) of(t timeline.ThreadID) timeline.RemoteID {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.newest[t].id
}

// Typing shows the person that somebody is typing, for at most 25 seconds, and marks what they
// wrote as read: the far side does both at once. It ends by itself.
func (s *Session) Typing(ctx context.Context, t timeline.Thread, _ timeline.Handle, on bool) error {
	id := s.latest.of(t.ID)
	if !on || id == "" {
		return nil
	}
	return s.graph().Post(ctx, s.messages(), nil, body{"messaging_product": "whatsapp", "status": "read", "message_id": string(id),
		"typing_indicator": body{"type": "text"}}, nil)
}
