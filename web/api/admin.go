package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/parley-hub/parley/internal/auth"
	"github.com/parley-hub/parley/internal/bus"
	"github.com/parley-hub/parley/internal/store"
)

// HubStatus is how the hub is doing.
type HubStatus struct {
	Version string            `json:"version"`
	Node    string            `json:"node"`
	Engines map[string]string `json:"engines" doc:"store, bus and search: embedded, or what they run on."`
	Ready   bool              `json:"ready"`
	Checks  map[string]string `json:"checks" doc:"What the hub depends on: ok, or the reason why not."`
	Lag     map[string]int64  `json:"lag" doc:"Records that wait, by consumer."`
	Started string            `json:"started,omitempty" doc:"RFC 3339."`
}

// DeadList is one page of dead letters of a topic.
type DeadList struct {
	Letters []bus.Dead `json:"letters"`
	Next    string     `json:"next,omitempty"`
}

// AuditList is one page of the audit log, the latest first.
type AuditList struct {
	Records []AuditRecord `json:"records"`
	Next    int64         `json:"next,omitempty" doc:"Send it as before for the next page."`
}

// AuditRecord is one line of the audit log. Hash covers the line and the one before it.
type AuditRecord struct {
	ID      string            `json:"id"`
	Seq     int64             `json:"seq"`
	At      time.Time         `json:"at"`
	Actor   string            `json:"actor,omitempty" doc:"Agent's id; empty: nobody was signed in."`
	Name    string            `json:"name,omitempty" doc:"The actor's, as it was then."`
	Action  string            `json:"action" doc:"Such as session.begin or agent.update."`
	Target  string            `json:"target,omitempty"`
	Data    map[string]string `json:"data,omitempty"`
	Address string            `json:"address,omitempty"`
	Prev    string            `json:"prev"`
	Hash    string            `json:"hash"`
}

type deadInput struct {
	Topic string `query:"topic" enum:"inbound,journal,timeline,outbound,mentions" default:"inbound"`
	After string `query:"after" maxLength:"500"`
	Limit int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

type auditInput struct {
	Before int64 `query:"before" minimum:"0"`
	Limit  int   `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

func (s *Server) adminRoutes() {
	s.suggestionRoutes()
	register(s, Route{ID: "list-dead", Method: http.MethodGet, Path: "/api/dead", Tag: "admin", Access: Needs(auth.DeadManage),
		Summary: "What could not be handled", Out: DeadList{Letters: []bus.Dead{{ID: "inbound~resolve~3~42~18f", Topic: "inbound", Reason: "…"}}}}, s.listDead)
	register(s, Route{ID: "replay-dead", Method: http.MethodPost, Path: "/api/dead/{id}/replay", Tag: "admin", Access: Needs(auth.DeadManage),
		Status: 204, Summary: "Handle a dead letter again"}, s.replayDead)
	register(s, Route{ID: "discard-dead", Method: http.MethodDelete, Path: "/api/dead/{id}", Tag: "admin", Access: Needs(auth.DeadManage),
		Status: 204, Summary: "Discard a dead letter for good"}, s.discardDead)
	register(s, Route{ID: "list-audit", Method: http.MethodGet, Path: "/api/audit", Tag: "admin", Access: Needs(auth.AuditRead),
		Summary: "The audit log, the latest first", Out: AuditList{Records: []AuditRecord{exampleRecord}}}, s.listAudit)
	register(s, Route{ID: "get-status", Method: http.MethodGet, Path: "/api/status", Tag: "admin", Access: Needs(auth.StatusRead),
		Summary: "How the hub is doing", Out: HubStatus{Version: "0.1.0", Node: "node-1", Engines: map[string]string{"store": "embedded"}, Ready: true,
			Checks: map[string]string{"store": "ok"}, Lag: map[string]int64{"resolve": 0}}}, s.getStatus)
}

func (s *Server) listDead(ctx context.Context, in *deadInput) (*body[DeadList], error) {
	list, err := s.Dead.DeadLetters(ctx, in.Topic, in.After, in.Limit+1)
	if errors.Is(err, bus.ErrUnknownTopic) {
		list, err = []bus.Dead{}, nil
	}
	if err != nil {
		return nil, err
	}
	out := DeadList{Letters: list}
	if len(list) > in.Limit {
		out.Letters = list[:in.Limit]
		out.Next = list[in.Limit-1].ID
	}
	if out.Letters == nil {
		out.Letters = []bus.Dead{}
	}
	return &body[DeadList]{out}, nil
}

func (s *Server) replayDead(ctx context.Context, in *idInput) (*nothing, error) {
	return s.dead(ctx, in, "dead.replay", s.Dead.Replay)
}

func (s *Server) discardDead(ctx context.Context, in *idInput) (*nothing, error) {
	return s.dead(ctx, in, "dead.discard", s.Dead.Discard)
}

func (s *Server) dead(ctx context.Context, in *idInput, action string, do func(context.Context, string) error) (*nothing, error) {
	id, err := unescape(in.ID)
	if err != nil {
		return nil, err
	}
	if err := do(ctx, id); err != nil {
		if errors.Is(err, bus.ErrNoDead) || errors.Is(err, bus.ErrUnknownTopic) {
			return nil, store.ErrNotFound
		}
		return nil, err
	}
	return nil, s.audit(ctx, action, id, nil)
}

func (s *Server) listAudit(ctx context.Context, in *auditInput) (*body[AuditList], error) {
	list, err := s.Auth.AuditLog(ctx, in.Before, in.Limit+1)
	if err != nil {
		return nil, err
	}
	out := AuditList{Records: []AuditRecord{}}
	if len(list) > in.Limit {
		list = list[:in.Limit]
		out.Next = list[in.Limit-1].Seq
	}
	for _, r := range list {
		out.Records = append(out.Records, AuditRecord(r))
	}
	return &body[AuditList]{out}, nil
}

func (s *Server) getStatus(ctx context.Context, _ *struct{}) (*body[HubStatus], error) {
	st := s.Status(ctx)
	st.Engines, st.Checks, st.Lag = orEmpty(st.Engines), orEmpty(st.Checks), orEmpty(st.Lag)
	return &body[HubStatus]{st}, nil
}

func orEmpty[V any](m map[string]V) map[string]V {
	if m == nil {
		return map[string]V{}
	}
	return m
}

func join(list []string) string { return strings.Join(list, ", ") }

// unescape decodes an id of a path: the server leaves paths as they were sent.
func unescape(raw string) (string, error) {
	id, err := url.PathUnescape(raw)
	if err != nil {
		return "", problem("not-found", "")
	}
	return id, nil
}
