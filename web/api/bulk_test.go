package api_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/inbox"
	"github.com/parley-hub/parley/inbox/views"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
	"github.com/parley-hub/parley/web/api"
)

// writer stands for the single writer: it does what was asked for, each command once.
type writer struct {
	w    *world
	done map[timeline.EventID]bool
}

func (x *writer) work() (n int) {
	x.w.t.Helper()
	for _, cmd := range x.w.journal.take() {
		if x.done[cmd.ID] {
			continue
		}
		x.done[cmd.ID] = true
		n++
		c := x.w.read(cmd.Conversation)
		events, changes, err := inbox.Decide(&c, &cmd, inbox.Facts{Now: x.w.now.Now()})
		var no *inbox.Refusal
		if errors.As(err, &no) {
			continue
		}
		if err != nil {
			x.w.t.Fatal(err)
		}
		for i := range events {
			inbox.Apply(&c, &events[i], changes...)
		}
		if _, err := x.w.store.C(store.Conversations).Delete(x.w.t.Context(), bson.D{{Key: "_id", Value: string(c.ID)}}); err != nil {
			x.w.t.Fatal(err)
		}
		x.w.insert(store.Conversations, c)
	}
	return n
}

func (w *world) read(id timeline.ConversationID) (c timeline.Conversation) {
	w.t.Helper()
	if err := w.store.C(store.Conversations).One(w.t.Context(), bson.D{{Key: "_id", Value: string(id)}}, &c); err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *world) bulk(token, id string) api.Bulk {
	w.t.Helper()
	return into[api.Bulk](w.t, w.want(w.call(token, http.MethodGet, "/api/bulk/"+id, nil), 200, ""))
}

func (w *world) run() {
	w.t.Helper()
	if err := w.api.DoBulks(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// What is done to many goes beyond the page, over a crash, and is undone where nobody came after it.
func TestBulkBeyondThePage(t *testing.T) {
	w := newWorld(t)
	x := &writer{w, map[timeline.EventID]bool{}}
	_, token := w.agent("supervisor")
	_, other := w.agent("supervisor")
	var all []timeline.ConversationID
	for i := range 450 {
		c := w.conversation(func(c *timeline.Conversation) {
			c.LastAt = c.LastAt.Add(time.Duration(i/10) * time.Second)
			c.Labels = []string{"kept"}
		})
		all = append(all, c.ID)
	}
	w.now.add(time.Minute)
	resolved := timeline.Resolved
	in := api.BulkInput{View: "all", Except: all[:1], Change: api.ChangeInput{State: &resolved, AddLabels: []string{"cleared", "kept"}}}
	job := into[api.Bulk](t, w.want(w.call(token, http.MethodPost, "/api/bulk", in), 202, ""))
	w.want(w.call(other, http.MethodGet, "/api/bulk/"+job.ID, nil), 404, "not-found")
	w.want(w.call(token, http.MethodPost, "/api/bulk/"+job.ID+"/undo", nil), 409, "conflict")

	w.journal.err = errors.New("the broker is down")
	if err := w.api.DoBulks(t.Context()); err == nil {
		t.Fatal("done without a broker")
	}
	w.journal.err = nil
	w.run() // another holds it still
	if b := w.bulk(token, job.ID); b.Done != 0 || !b.Counted || b.Total != 449 {
		t.Fatalf("after a crash: %+v", b)
	}
	w.now.add(time.Minute)
	w.run()
	if b := w.bulk(token, job.ID); b.State != "done" || b.Done != 449 || b.Changed != 449 || !b.Undo {
		t.Fatalf("at the end: %+v", b)
	}
	x.work()
	if c := w.read(all[7]); c.State != resolved || fmt.Sprint(c.Labels) != "[cleared kept]" {
		t.Errorf("after the change: %s %v", c.State, c.Labels)
	}
	if c := w.read(all[0]); c.State != timeline.Open {
		t.Error("one that was left out changed")
	}
	// Somebody reopens one since, and takes a label from another.
	w.want(w.call(other, http.MethodPatch, "/api/conversations/"+string(all[1]), map[string]any{"state": "snoozed"}), 202, "")
	w.want(w.call(other, http.MethodPatch, "/api/conversations/"+string(all[2]), map[string]any{"removeLabels": []string{"cleared"}}), 202, "")
	x.work()
	w.want(w.call(token, http.MethodPost, "/api/bulk/"+job.ID+"/undo", nil), 202, "")
	w.run()
	x.work()
	if b := w.bulk(token, job.ID); b.State != "undone" || b.Changed != 449 || b.Undo {
		t.Errorf("after undoing: %+v", b)
	}
	for id, want := range map[timeline.ConversationID]string{all[1]: "snoozed [kept]", all[2]: "open [kept]", all[9]: "open [kept]"} {
		if c := w.read(id); fmt.Sprint(c.State, " ", c.Labels) != want {
			t.Errorf("%s is %s %v, want %s", id, c.State, c.Labels, want)
		}
	}
	w.want(w.call(token, http.MethodPost, "/api/bulk/"+job.ID+"/undo", nil), 409, "conflict")
}

func TestBulkOfEveryKind(t *testing.T) {
	w := newWorld(t)
	x := &writer{w, map[timeline.EventID]bool{}}
	me, token := w.agent("agent")
	c := w.conversation(func(c *timeline.Conversation) { c.Seq, c.InCount, c.LastInSeq, c.Labels = 4, 2, 4, []string{"old"} })
	for i := range int64(4) {
		w.event(c, i+1)
	}
	whom, until, high := timeline.AgentID("me"), timeline.Moment(w.now.Now().Add(time.Hour)), 3
	snoozed := timeline.Snoozed
	in := api.BulkInput{IDs: []timeline.ConversationID{c.ID, "gone"}, Read: true, Change: api.ChangeInput{State: &snoozed, SnoozeUntil: &until, Assignee: &whom,
		Priority: &high, AddLabels: []string{"new"}, RemoveLabels: []string{"old"}}}
	job := into[api.Bulk](t, w.want(w.call(token, http.MethodPost, "/api/bulk", in), 202, ""))
	w.run()
	x.work()
	now := w.read(c.ID)
	if now.State != snoozed || now.Assignee != me.ID || now.Priority != 3 || fmt.Sprint(now.Labels) != "[new]" || !now.SnoozeUntil.Equal(until) {
		t.Errorf("changed to %+v", now)
	}
	if b := w.bulk(token, job.ID); b.Changed != 1 || b.Skipped != 1 {
		t.Errorf("%+v", b)
	}
	read := func() api.Mark {
		return into[api.ConversationList](t, w.want(w.call(token, http.MethodGet, "/api/conversations?view=snoozed&limit=1", nil), 200, "")).Reads[c.ID]
	}
	if read().Seq != 4 {
		t.Errorf("read to %+v", read())
	}
	w.want(w.call(token, http.MethodPost, "/api/bulk/"+job.ID+"/undo", nil), 202, "")
	w.run()
	x.work()
	now = w.read(c.ID)
	if now.State != timeline.Open || now.Assignee != "" || now.Priority != 0 || fmt.Sprint(now.Labels) != "[old]" {
		t.Errorf("restored to %+v", now)
	}
	if m, _ := w.store.C(store.Reads).Count(t.Context(), bson.D{{Key: "seq", Value: int64(0)}}); m != 1 {
		t.Error("the mark was not restored")
	}
}

func TestBulkRefusesWhatCannotBe(t *testing.T) {
	w := newWorld(t)
	_, token := w.agent("agent")
	_, viewer := w.agent("viewer")
	resolved, nobody := timeline.Resolved, timeline.AgentID("nobody")
	change := api.ChangeInput{State: &resolved}
	for name, tc := range map[string]struct {
		token  string
		in     api.BulkInput
		status int
		kind   string
	}{
		"nothing named":     {token, api.BulkInput{Change: change}, 422, "invalid"},
		"two things named":  {token, api.BulkInput{View: "all", IDs: []timeline.ConversationID{"x"}, Change: change}, 422, "invalid"},
		"nothing to change": {token, api.BulkInput{View: "all"}, 422, "invalid"},
		"no such view":      {token, api.BulkInput{View: "none", Change: change}, 422, "invalid"},
		"a bad filter":      {token, api.BulkInput{Filter: &views.Filter{Field: "x"}, Change: change}, 422, "invalid"},
		"no such agent":     {token, api.BulkInput{View: "all", Change: api.ChangeInput{Assignee: &nobody}}, 422, "invalid"},
		"no permission":     {viewer, api.BulkInput{View: "all", Change: change}, 403, "forbidden"},
	} {
		t.Run(name, func(t *testing.T) { w.want(w.call(tc.token, http.MethodPost, "/api/bulk", tc.in), tc.status, tc.kind) })
	}
	for range 3 {
		w.want(w.call(token, http.MethodPost, "/api/bulk", api.BulkInput{View: "all", Change: change}), 202, "")
	}
	w.want(w.call(token, http.MethodPost, "/api/bulk", api.BulkInput{View: "all", Change: change}), 409, "conflict")
}
