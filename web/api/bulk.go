package api

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/parley-hub/parley/inbox/views"
	"github.com/parley-hub/parley/internal/auth"
	"github.com/parley-hub/parley/internal/store"
	"github.com/parley-hub/parley/timeline"
)

// BulkInput does one thing to many conversations: those of a view, of a filter, or some by id.
type BulkInput struct {
	View   string                    `json:"view,omitempty" maxLength:"80" doc:"A view's id; everything that it lists at this moment."`
	Filter *views.Filter             `json:"filter,omitempty" doc:"In place of a view."`
	IDs    []timeline.ConversationID `json:"ids,omitempty" maxItems:"1000" doc:"In place of both."`
	Except []timeline.ConversationID `json:"except,omitempty" maxItems:"1000" doc:"Not these."`
	Change ChangeInput               `json:"change,omitzero" doc:"As for one conversation; ifAssignee leaves out those it does not hold for."`
	Read   bool                      `json:"read,omitempty" doc:"Mark all as read by me."`
}

// The states of a bulk.
const (
	bulkRunning   = "running"
	bulkDone      = "done"
	bulkStopped   = "stopped"
	bulkUndoing   = "undoing"
	bulkUndone    = "undone"
	bulkCollected = "applying" // kept; shown as running
)

// Bulk is something that is done to many conversations.
type Bulk struct {
	ID      string      `json:"id"`
	State   string      `json:"state" enum:"running,done,stopped,undoing,undone"`
	Counted bool        `json:"counted" doc:"total is known: until then it grows."`
	Total   int         `json:"total"`
	Done    int         `json:"done" doc:"Conversations gone through."`
	Changed int         `json:"changed" doc:"Of those, asked to change; undoing: restored."`
	Skipped int         `json:"skipped" doc:"Of those, left alone: they were so already, or may not be changed; undoing: somebody changed them since."`
	Limited bool        `json:"limited,omitempty" doc:"There were more than are done at once: do it again for the rest."`
	Change  ChangeInput `json:"change"`
	Read    bool        `json:"read,omitempty"`
	At      time.Time   `json:"at"`
	Ended   *time.Time  `json:"ended,omitempty"`
	Undo    bool        `json:"undo" doc:"It can be undone."`
}

// BulkList is what an agent did to many conversations, the latest first.
type BulkList struct {
	Bulks []Bulk `json:"bulks"`
}

// bulkDoc is a bulk as the store keeps it. DueAt is there while there is something to do: whoever
// works on it moves it ahead, and another node takes over when it has passed.
type bulkDoc struct {
	ID      string                    `json:"id" bson:"_id"`
	Agent   timeline.AgentID          `json:"agent"`
	State   string                    `json:"state"`
	Source  *views.View               `json:"source,omitempty"`
	IDs     []timeline.ConversationID `json:"ids,omitempty"`
	Except  []timeline.ConversationID `json:"except,omitempty"`
	Change  ChangeInput               `json:"change"`
	Read    bool                      `json:"read,omitempty"`
	All     bool                      `json:"all,omitempty"` // whatever its author sees: the hub's own housekeeping
	From    *views.Key                `json:"from,omitempty"`
	Last    string                    `json:"last"` // item done last
	Total   int                       `json:"total"`
	Done    int                       `json:"done"`
	Changed int                       `json:"changed"`
	Skipped int                       `json:"skipped"`
	Limited bool                      `json:"limited,omitempty"`
	At      time.Time                 `json:"at"`
	Ended   *time.Time                `json:"ended,omitempty"`
	DueAt   *time.Time                `json:"dueAt,omitempty"`
}

// The limits of bulks.
const (
	maxBulk    = 10_000         // conversations of one
	maxBulks   = 3              // of one agent at a time
	undoFor    = 24 * time.Hour // how long one can be undone
	keepBulks  = 7 * 24 * time.Hour
	bulkShown  = 20
	bulkExpiry = time.Hour // how often those no longer kept are removed
)

func (d *bulkDoc) view(now time.Time) Bulk {
	b := Bulk{ID: d.ID, State: d.State, Counted: d.State != bulkRunning, Total: d.Total, Done: d.Done, Changed: d.Changed, Skipped: d.Skipped,
		Limited: d.Limited, Change: d.Change, Read: d.Read, At: d.At, Ended: d.Ended, Undo: d.undoable(now)}
	if d.State == bulkCollected {
		b.State = bulkRunning
	}
	return b
}

func (d *bulkDoc) undoable(now time.Time) bool {
	return (d.State == bulkDone || d.State == bulkStopped) && !d.All && now.Sub(d.At) < undoFor
}

func (s *Server) bulkRoutes() {
	resolved := timeline.Resolved
	change := ChangeInput{State: &resolved}
	out := Bulk{ID: exampleID, State: bulkRunning, Total: 312, Done: 100, Changed: 98, Skipped: 2, Counted: true, Change: change, At: exampleTime}
	register(s, Route{ID: "start-bulk", Method: http.MethodPost, Path: "/api/bulk", Tag: "conversations", Access: Needs(auth.ConversationRead), Status: 202,
		Replays: true, Errors: []int{409}, Summary: "Change many conversations",
		Help: "202: it is durable and goes on by itself, over restarts. Progress comes over the socket as `bulk` and can be read. It needs what the change of one conversation needs.",
		In:   BulkInput{View: "all", Change: change}, Out: out}, s.startBulk)
	register(s, Route{ID: "list-bulks", Method: http.MethodGet, Path: "/api/bulk", Tag: "conversations", Access: Needs(auth.ConversationRead),
		Summary: "What I changed of many conversations of late", Out: BulkList{Bulks: []Bulk{out}}}, s.listBulks)
	register(s, Route{ID: "get-bulk", Method: http.MethodGet, Path: "/api/bulk/{id}", Tag: "conversations", Access: Needs(auth.ConversationRead),
		Summary: "How far it is", Out: out}, s.getBulk)
	register(s, Route{ID: "stop-bulk", Method: http.MethodDelete, Path: "/api/bulk/{id}", Tag: "conversations", Access: Needs(auth.ConversationRead),
		Errors: []int{409}, Summary: "Do no more of it", Help: "What was done stays, and can be undone.", Out: out}, s.stopBulk)
	register(s, Route{ID: "undo-bulk", Method: http.MethodPost, Path: "/api/bulk/{id}/undo", Tag: "conversations", Access: Needs(auth.ConversationRead),
		Status: 202, Errors: []int{409}, Summary: "Undo it", Help: "Each conversation gets back what it had, where nobody changed that since.", Out: out}, s.undoBulk)
}

func (s *Server) bulks() store.Collection { return s.Store.C(store.Bulks) }

func (s *Server) startBulk(ctx context.Context, in *body[BulkInput]) (*body[Bulk], error) {
	who, b := callerOf(ctx), in.Body
	d, err := s.planBulk(ctx, who.Principal, b)
	if err != nil {
		return nil, err
	}
	running, err := s.countBulks(ctx, who.Agent)
	if err != nil {
		return nil, err
	}
	if running >= maxBulks {
		return nil, problem("conflict", "You have "+strconv.Itoa(running)+" under way. Wait until one has ended, or stop it.")
	}
	return s.beginBulk(ctx, d)
}

// beginBulk makes a bulk durable.
func (s *Server) beginBulk(ctx context.Context, d *bulkDoc) (*body[Bulk], error) {
	now := s.now()
	d.ID, d.State, d.At, d.DueAt = s.newID(), bulkRunning, now, &now
	if err := s.bulks().Insert(ctx, d); err != nil {
		return nil, err
	}
	return &body[Bulk]{d.view(now)}, s.audit(ctx, "bulk.start", d.ID, nil)
}

// planBulk checks everything that can be checked before.
func (s *Server) planBulk(ctx context.Context, p *auth.Principal, b BulkInput) (*bulkDoc, error) {
	d := &bulkDoc{Agent: p.Agent, Except: b.Except, Change: b.Change, Read: b.Read}
	named := 0
	if b.View != "" {
		v, err := s.view(ctx, p, b.View)
		if err != nil {
			return nil, err
		}
		named, d.Source = named+1, &v
	}
	if b.Filter != nil {
		if err := checkFilter("filter", b.Filter); err != nil {
			return nil, err
		}
		named, d.Source = named+1, &views.View{Filter: *b.Filter}
	}
	if len(b.IDs) > 0 {
		named, d.IDs = named+1, b.IDs
	}
	if named != 1 {
		return nil, invalid("view", "name one of view, filter and ids")
	}
	empty := b.Change.Assignee == nil && b.Change.Team == nil && b.Change.State == nil && len(b.Change.AddLabels)+len(b.Change.RemoveLabels) == 0 && b.Change.Priority == nil
	if b.Change.Subject != nil {
		return nil, invalid("change.subject", "conversations have a subject each")
	}
	if empty && !b.Read {
		return nil, invalid("change", "name at least one thing to change")
	}
	if empty {
		return d, nil
	}
	if err := mayChange(p, b.Change); err != nil {
		return nil, err
	}
	if a := b.Change.Assignee; a != nil && *a == "me" {
		d.Change.Assignee = &p.Agent
	}
	probe := &timeline.Conversation{}
	if b.Change.IfAssignee != nil {
		probe.Assignee = *b.Change.IfAssignee
	}
	_, err := s.changes(ctx, probe, d.Change, "probe")
	return d, err
}

func (s *Server) countBulks(ctx context.Context, a timeline.AgentID) (int, error) {
	list, err := s.bulksOf(ctx, a)
	n := 0
	for i := range list {
		if list[i].DueAt != nil {
			n++
		}
	}
	return n, err
}

func (s *Server) bulksOf(ctx context.Context, a timeline.AgentID) ([]bulkDoc, error) {
	var list []bulkDoc
	err := s.bulks().All(ctx, bson.D{{Key: "agent", Value: string(a)}}, &list, store.Find{Sort: bson.D{{Key: "_id", Value: -1}}, Limit: bulkShown})
	return list, err
}

func (s *Server) listBulks(ctx context.Context, _ *struct{}) (*body[BulkList], error) {
	list, err := s.bulksOf(ctx, callerOf(ctx).Agent)
	out := BulkList{Bulks: []Bulk{}}
	for i := range list {
		out.Bulks = append(out.Bulks, list[i].view(s.now()))
	}
	return &body[BulkList]{out}, err
}

// myBulk reads a bulk of the caller.
func (s *Server) myBulk(ctx context.Context, id string) (*bulkDoc, error) {
	var d bulkDoc
	if err := s.bulks().One(ctx, bson.D{{Key: "_id", Value: id}}, &d); err != nil {
		return nil, err
	}
	if d.Agent != callerOf(ctx).Agent {
		return nil, problem("not-found", "")
	}
	return &d, nil
}

func (s *Server) getBulk(ctx context.Context, in *idInput) (*body[Bulk], error) {
	d, err := s.myBulk(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &body[Bulk]{d.view(s.now())}, nil
}

func (s *Server) stopBulk(ctx context.Context, in *idInput) (*body[Bulk], error) {
	d, err := s.myBulk(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	var now bulkDoc
	for _, state := range []string{bulkRunning, bulkCollected} {
		n, err := s.bulks().Update(ctx, bson.D{{Key: "_id", Value: d.ID}, {Key: "state", Value: state}}, bson.D{
			{Key: "$set", Value: bson.D{{Key: "state", Value: bulkStopped}, {Key: "ended", Value: s.now()}}}, {Key: "$unset", Value: bson.D{{Key: "dueAt", Value: ""}}}})
		if err != nil {
			return nil, err
		}
		if n == 0 {
			continue
		}
		if err := s.bulks().One(ctx, bson.D{{Key: "_id", Value: d.ID}}, &now); err != nil {
			return nil, err
		}
		return &body[Bulk]{now.view(s.now())}, s.audit(ctx, "bulk.stop", d.ID, nil)
	}
	return nil, problem("conflict", "It has ended already.")
}

func (s *Server) undoBulk(ctx context.Context, in *idInput) (*body[Bulk], error) {
	d, err := s.myBulk(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	now := s.now()
	if !d.undoable(now) {
		return nil, problem("conflict", fmt.Sprintf("It is %s and cannot be undone: that is for what has ended, once, within a day.", d.view(now).State))
	}
	n, err := s.bulks().Update(ctx, bson.D{{Key: "_id", Value: d.ID}, {Key: "state", Value: d.State}}, bson.D{
		{Key: "$set", Value: bson.D{{Key: "state", Value: bulkUndoing}, {Key: "last", Value: ""}, {Key: "done", Value: 0}, {Key: "changed", Value: 0},
			{Key: "skipped", Value: 0}, {Key: "dueAt", Value: now}}}, {Key: "$unset", Value: bson.D{{Key: "ended", Value: ""}}}})
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, problem("conflict", "")
	}
	d.State, d.Last, d.Done, d.Changed, d.Skipped, d.Ended = bulkUndoing, "", 0, 0, 0, nil
	return &body[Bulk]{d.view(now)}, s.audit(ctx, "bulk.undo", d.ID, nil)
}
