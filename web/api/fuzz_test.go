package api_test

import (
	"net/http"
	"testing"

	"github.com/parley-hub/parley/timeline"
)

// Whatever the body, the answer is a problem or a success, never a fault of ours, and a
// refused body changes nothing.
func FuzzBodies(f *testing.F) {
	routes := []struct{ method, path string }{
		{http.MethodPost, "/messages"}, {http.MethodPatch, ""}, {http.MethodPut, "/read"}, {http.MethodPut, "/draft"},
	}
	for _, seed := range []string{`{}`, `{"id":"01JD8Z0V5M6T3QK4W2R9X7C1AB","text":"x"}`, `[1]`, `null`, `"x"`, `{"text":null}`, "\xff\xfe",
		`{"parts":[{"file":"x"}]}`, `{"replyTo":{"event":5}}`, `{"sendAt":"x"}`, `{"undo":-1}`, `{"state":"open","assignee":null}`, `{"seq":1e99}`,
		`{"version":9223372036854775807,"text":""}`, `{"a":{"a":{"a":[]}}}`, `{"snoozeUntil":"0000-00-00T00:00:00Z","state":"snoozed"}`} {
		for i := range routes {
			f.Add(i, []byte(seed))
		}
	}
	w := newWorld(f)
	_, token := w.agent("agent")
	c := w.conversation(func(c *timeline.Conversation) { c.Seq = 3 })
	f.Fuzz(func(t *testing.T, i int, data []byte) {
		r := routes[abs(i)%len(routes)]
		here := *w
		here.t = t
		a := here.call(token, r.method, "/api/conversations/"+string(c.ID)+r.path, data)
		cmds := w.journal.take()
		switch {
		case a.status >= 500:
			t.Fatalf("%s %s %q: %d %s", r.method, r.path, data, a.status, a.body)
		case a.status >= 400 && (a.problem.Type == "" || len(cmds) > 0):
			t.Fatalf("%s %s %q: %d %s, and %d commands", r.method, r.path, data, a.status, a.body, len(cmds))
		}
	})
}

func abs(i int) int {
	if i < 0 {
		return -(i + 1)
	}
	return i
}
