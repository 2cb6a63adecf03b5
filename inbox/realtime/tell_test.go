package realtime

import (
	"strings"
	"sync/atomic"
	"testing"
)

// Numbers are told to who follows the inbox, once for each change; what is for one agent reaches nobody else.
func TestNumbersAreToldWhenTheyChange(t *testing.T) {
	h := newHub(t, newMemory())
	var n atomic.Int64
	c := connect(t, h, Viewer{Agent: "maya", Views: func() any { return map[string]int64{"mine": n.Load()} }})
	other := connect(t, h, Viewer{Agent: "sam"})
	h.TellViews()
	c.quiet() // it does not follow the inbox
	for _, who := range []*client{c, other} {
		who.say(`{"type":"subscribe","feed":"inbox"}`)
		if g := who.hear(); g.Type != "subscribed" {
			t.Fatalf("got %s", g.raw)
		}
	}
	h.TellViews()
	h.TellViews()
	if g := c.hear(); g.Type != "views" || !strings.Contains(g.raw, `"mine":0`) {
		t.Fatalf("got %s", g.raw)
	}
	n.Store(7)
	h.TellViews()
	if g := c.hear(); !strings.Contains(g.raw, `"mine":7`) {
		t.Fatalf("got %s", g.raw)
	}
	h.TellAgent("maya", map[string]string{"type": "bulk"})
	if g := c.hear(); g.Type != "bulk" {
		t.Fatalf("got %s", g.raw)
	}
	c.quiet()
	other.quiet()
}
