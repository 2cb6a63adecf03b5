package realtime

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/parley-hub/parley/timeline"
)

// Close codes of an agent's socket.
const (
	codeSignedOut = 4401
	codeSlow      = 4408
	codeSilent    = 4409
	codeAbuse     = 1008
	codeRestart   = 1012
)

// ask is a frame from a client.
type ask struct {
	Type         string                  `json:"type"`
	Feed         string                  `json:"feed"`
	Conversation timeline.ConversationID `json:"conversation"`
	After        *int64                  `json:"after"`
	State        string                  `json:"state"`
	Leg          timeline.LegID          `json:"leg"`
	Note         bool                    `json:"note"`
}

// hello is the first frame.
type hello struct {
	Type  string           `json:"type"`
	Agent timeline.AgentID `json:"agent"`
	Node  string           `json:"node"`
}

// told is a frame about one conversation, or about nothing but its type.
type told struct {
	Type         string                  `json:"type"`
	Feed         string                  `json:"feed,omitempty"`
	Conversation timeline.ConversationID `json:"conversation,omitempty"`
	Seq          *int64                  `json:"seq,omitempty"`
	Reason       string                  `json:"reason,omitempty"`
	Problem      *problem                `json:"problem,omitempty"`
}

// problem is what was wrong with a frame, as a problem document.
type problem struct {
	Type   string `json:"type"`
	Status int    `json:"status"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
}

func (p *problem) frame(c timeline.ConversationID) []byte {
	p.Type = "about:blank"
	return encode(told{Type: "problem", Conversation: c, Problem: p})
}

// happened is an event frame.
type happened struct {
	Type         string          `json:"type"`
	Seq          int64           `json:"seq"`
	Event        *timeline.Event `json:"event"`
	Conversation any             `json:"conversation"`
	Target       *timeline.Event `json:"target,omitempty"`
}

// frame is one entry on its way to many sockets, encoded when the first of them needs it.
type frame struct {
	entry *timeline.Entry
	conv  json.RawMessage // the conversation, where it is already encoded
	once  sync.Once
	data  []byte
}

func (f *frame) bytes() []byte {
	f.once.Do(func() {
		h := happened{Type: "event", Seq: f.entry.Event.Seq, Event: &f.entry.Event, Conversation: &f.entry.Conversation, Target: f.entry.Target}
		if f.conv != nil {
			h.Conversation = f.conv
		}
		f.data = encode(h)
	})
	return f.data
}

// encode writes a frame. What frames are made of always encodes; an unknown event's raw
// body, which might not, is checked when it is read.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return encode(told{Type: "problem", Problem: &problem{Type: "about:blank", Status: 500, Title: "An event could not be encoded",
			Detail: fmt.Sprintf("Load the conversation anew. (%v)", err)}})
	}
	return b
}
