package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/parley-hub/parley/internal/auth"
	"github.com/parley-hub/parley/internal/seal"
	"github.com/parley-hub/parley/internal/webhooks"
)

// Webhooks tells programs outside what happens; *webhooks.Webhooks does. What is wrong with the
// fields is auth.FieldErrors; an unknown id is store.ErrNotFound.
type Webhooks interface {
	List(ctx context.Context) ([]webhooks.Endpoint, error)
	Get(ctx context.Context, id string) (*webhooks.Endpoint, error)
	Create(ctx context.Context, d webhooks.Draft) (*webhooks.Endpoint, seal.Secret, error)
	Change(ctx context.Context, id string, ch webhooks.Change) (*webhooks.Endpoint, error)
	Remove(ctx context.Context, id string) error
	Rotate(ctx context.Context, id string) (*webhooks.Endpoint, seal.Secret, error)
	Test(ctx context.Context, id string) (*webhooks.Delivery, error)
	Deliveries(ctx context.Context, id string, p webhooks.Page) ([]webhooks.Delivery, error)
	Replay(ctx context.Context, id, delivery string) (*webhooks.Delivery, error)
	ReplayRange(ctx context.Context, id string, from, until time.Time, state string) (int64, error)
}

// Webhook is an endpoint as administrators see it.
type Webhook struct {
	ID            string     `json:"id"`
	Name          string     `json:"name"`
	URL           string     `json:"url"`
	Kinds         []string   `json:"kinds" doc:"What it is told; empty: everything."`
	Enabled       bool       `json:"enabled"`
	Stopped       string     `json:"stopped,omitempty" enum:"hand,gone,failing" doc:"Why it is off: switched off by hand, it answered 410, or it took nothing for five days."`
	FailingSince  *time.Time `json:"failingSince,omitempty" doc:"The first failure since it last took something."`
	LastAt        *time.Time `json:"lastAt,omitempty" doc:"Of the last attempt, to about ten seconds."`
	LastStatus    int        `json:"lastStatus,omitempty" doc:"HTTP status of the last attempt; absent: no answer."`
	PreviousUntil *time.Time `json:"previousUntil,omitempty" doc:"Until when the secret before the last rotation signs as well."`
	CreatedAt     time.Time  `json:"createdAt"`
}

// WebhookKind is something endpoints may be told.
type WebhookKind struct {
	Name string `json:"name"`
	Help string `json:"help"`
}

// WebhookList is all endpoints, the oldest first.
type WebhookList struct {
	Webhooks []Webhook     `json:"webhooks"`
	Kinds    []WebhookKind `json:"kinds" doc:"What endpoints may be told."`
	Most     int           `json:"most" doc:"How many endpoints there may be."`
}

// WebhookInput is what an endpoint begins with.
type WebhookInput struct {
	Name    string   `json:"name" maxLength:"100"`
	URL     string   `json:"url" maxLength:"2000" example:"https://example.org/parley"`
	Kinds   []string `json:"kinds,omitempty" maxItems:"50"`
	Enabled *bool    `json:"enabled,omitempty" doc:"On, unless said otherwise."`
}

// WebhookChange is what to change of an endpoint; what is absent stays.
type WebhookChange struct {
	Name    *string   `json:"name,omitempty" maxLength:"100"`
	URL     *string   `json:"url,omitempty" maxLength:"2000"`
	Kinds   *[]string `json:"kinds,omitempty" maxItems:"50"`
	Enabled *bool     `json:"enabled,omitempty"`
}

// WebhookSecret is an endpoint with its secret, which is shown this once.
type WebhookSecret struct {
	Webhook Webhook `json:"webhook"`
	Secret  string  `json:"secret" doc:"Verify webhook-signature with it. It is never shown again." example:"whsec_…"`
}

// WebhookDelivery is one event that an endpoint was told, or is to be told.
type WebhookDelivery struct {
	ID           string          `json:"id" doc:"The webhook-id: the same at each attempt."`
	Kind         string          `json:"kind" example:"message.in"`
	Conversation string          `json:"conversation,omitempty" doc:"Absent: a test."`
	Seq          int64           `json:"seq,omitempty" doc:"The event's, in the conversation."`
	State        string          `json:"state" enum:"waiting,taken,given_up"`
	DueAt        *time.Time      `json:"dueAt,omitempty" doc:"While it waits: when it is tried next."`
	CreatedAt    time.Time       `json:"createdAt"`
	Attempts     int             `json:"attempts" doc:"Since it was made or last replayed."`
	Last         *WebhookAttempt `json:"last,omitempty"`
}

// WebhookAttempt is one call to an endpoint.
type WebhookAttempt struct {
	At      time.Time `json:"at"`
	Status  int       `json:"status,omitempty" doc:"HTTP status; absent: no answer."`
	Took    int64     `json:"took" doc:"Milliseconds."`
	Error   string    `json:"error,omitempty" doc:"Why there was no answer, or no call."`
	Snippet string    `json:"snippet,omitempty" doc:"How the answer began, in one line of at most 1 kB, without secrets."`
}

// WebhookDeliveryList is one page of an endpoint's log, the latest first.
type WebhookDeliveryList struct {
	Deliveries []WebhookDelivery `json:"deliveries"`
	Next       string            `json:"next,omitempty" doc:"Send it as before for the next page."`
}

// WebhookRange is a part of the log.
type WebhookRange struct {
	From  time.Time  `json:"from" doc:"Deliveries made at this moment or later."`
	Until *time.Time `json:"until,omitempty" doc:"And before this one; absent: now."`
	State string     `json:"state,omitempty" enum:"taken,given_up" doc:"Absent: both."`
}

// WebhookReplayed says how much is sent again.
type WebhookReplayed struct {
	Replayed int64 `json:"replayed"`
}

type webhookLogInput struct {
	ID     string `path:"id" maxLength:"64"`
	State  string `query:"state" enum:"waiting,taken,given_up"`
	Before string `query:"before" maxLength:"26"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

type webhookDeliveryInput struct {
	ID       string `path:"id" maxLength:"64"`
	Delivery string `path:"delivery" maxLength:"100"`
}

type webhookChangeInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body WebhookChange
}

type webhookRangeInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body WebhookRange
}

// webhookTestTime is how long a test waits for the endpoint: the caller waits too.
const webhookTestTime = 8 * time.Second

var exampleWebhook = Webhook{ID: exampleID, Name: "CRM", URL: "https://example.org/parley", Kinds: []string{"message.in", "status"}, Enabled: true}

func (s *Server) webhookRoutes() {
	delivery := WebhookDelivery{ID: "msg_mzxw6ytboi3dgnbvgy3tqojq", Kind: "message.in", Conversation: exampleID, Seq: 7, State: webhooks.Taken, Attempts: 1,
		Last: &WebhookAttempt{Status: 204, Took: 41}}
	at := func(id, method, path, summary string) Route {
		return Route{ID: id, Method: method, Path: "/api/webhooks" + path, Tag: "webhooks", Access: Needs(auth.WebhookManage), Summary: summary}
	}
	with := func(r Route, status int, help string, in, out any) Route {
		r.Status, r.Help, r.In, r.Out = status, help, in, out
		return r
	}
	register(s, with(at("list-webhooks", http.MethodGet, "", "Endpoints that are told what happens"), 0, "", nil,
		WebhookList{Webhooks: []Webhook{exampleWebhook}, Kinds: []WebhookKind{{"message.in", "The person wrote."}}, Most: webhooks.MaxEndpoints}), s.listWebhooks)
	create := with(at("create-webhook", http.MethodPost, "", "Add an endpoint"), 201, "The answer shows the secret once. How to verify what comes: docs/webhooks.md.",
		WebhookInput{Name: "CRM", URL: "https://example.org/parley", Kinds: []string{"message.in", "status"}}, WebhookSecret{Webhook: exampleWebhook, Secret: "whsec_…"})
	create.Replays, create.Secret = true, true
	register(s, create, s.createWebhook)
	register(s, with(at("get-webhook", http.MethodGet, "/{id}", "One endpoint"), 0, "", nil, exampleWebhook), s.getWebhook)
	register(s, with(at("change-webhook", http.MethodPatch, "/{id}", "Change an endpoint, switch it on or off"), 0,
		"Switched on again, it goes on with what waits; what happened while it was off is not made up for.", map[string]bool{"enabled": true}, exampleWebhook), s.changeWebhook)
	register(s, with(at("delete-webhook", http.MethodDelete, "/{id}", "Remove an endpoint and its log"), 204, "", nil, nil), s.deleteWebhook)
	register(s, with(at("rotate-webhook-secret", http.MethodPost, "/{id}/secret", "Give an endpoint a new secret"), 0,
		"For 24 hours deliveries carry two signatures, the new one first. The answer shows the secret once.", nil, WebhookSecret{Webhook: exampleWebhook, Secret: "whsec_…"}), s.rotateWebhook)
	register(s, with(at("test-webhook", http.MethodPost, "/{id}/test", "Call an endpoint now"), 0,
		"Sends an event of the kind `test`, also while the endpoint is off, and answers what came of it within 8 seconds.", nil, delivery), s.testWebhook)
	register(s, with(at("list-webhook-deliveries", http.MethodGet, "/{id}/deliveries", "What an endpoint was sent, the latest first"), 0,
		"The last 10,000 deliveries of the last 30 days.", nil, WebhookDeliveryList{Deliveries: []WebhookDelivery{delivery}}), s.listDeliveries)
	replay := with(at("replay-webhook-delivery", http.MethodPost, "/{id}/deliveries/{delivery}/replay", "Send a delivery again"), 202, "Under the same webhook-id, with what the event is by now.", nil, delivery)
	replay.Errors = []int{409}
	register(s, replay, s.replayDelivery)
	rng := with(at("replay-webhook", http.MethodPost, "/{id}/replay", "Send a part of the log again"), 202, "", WebhookRange{State: webhooks.GivenUp}, WebhookReplayed{Replayed: 12})
	rng.Errors = []int{409}
	register(s, rng, s.replayWebhook)
}

func webhookOf(e *webhooks.Endpoint) Webhook {
	out := Webhook{ID: e.ID, Name: e.Name, URL: e.URL, Kinds: e.Kinds, Enabled: e.Enabled, Stopped: e.Stopped, FailingSince: e.FailingSince,
		LastAt: e.LastAt, LastStatus: e.LastStatus, PreviousUntil: e.PreviousUntil, CreatedAt: e.CreatedAt}
	if out.Kinds == nil {
		out.Kinds = []string{}
	}
	return out
}

func deliveryOf(d *webhooks.Delivery) WebhookDelivery {
	out := WebhookDelivery{ID: d.ID, Kind: d.Kind, Conversation: string(d.Conversation), Seq: d.Seq, State: d.State, CreatedAt: d.CreatedAt, Attempts: d.Attempts}
	if d.State == webhooks.Waiting {
		out.DueAt = &d.DueAt
	}
	if d.Last != nil {
		out.Last = new(WebhookAttempt(*d.Last))
	}
	return out
}

func (s *Server) listWebhooks(ctx context.Context, _ *struct{}) (*body[WebhookList], error) {
	list, err := s.Webhooks.List(ctx)
	if err != nil {
		return nil, err
	}
	out := WebhookList{Webhooks: make([]Webhook, 0, len(list)), Kinds: make([]WebhookKind, 0, len(webhooks.Kinds)), Most: webhooks.MaxEndpoints}
	for i := range list {
		out.Webhooks = append(out.Webhooks, webhookOf(&list[i]))
	}
	for _, k := range webhooks.Kinds {
		out.Kinds = append(out.Kinds, WebhookKind(k))
	}
	return &body[WebhookList]{out}, nil
}

func (s *Server) createWebhook(ctx context.Context, in *body[WebhookInput]) (*body[WebhookSecret], error) {
	d := webhooks.Draft{Name: in.Body.Name, URL: in.Body.URL, Kinds: in.Body.Kinds, Enabled: in.Body.Enabled == nil || *in.Body.Enabled}
	e, secret, err := s.Webhooks.Create(ctx, d)
	if err != nil {
		return nil, err
	}
	return &body[WebhookSecret]{WebhookSecret{webhookOf(e), secret.Reveal()}}, s.audit(ctx, "webhook.create", e.ID, map[string]string{"name": e.Name})
}

func (s *Server) getWebhook(ctx context.Context, in *idInput) (*body[Webhook], error) {
	e, err := s.Webhooks.Get(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &body[Webhook]{webhookOf(e)}, nil
}

func (s *Server) changeWebhook(ctx context.Context, in *webhookChangeInput) (*body[Webhook], error) {
	e, err := s.Webhooks.Change(ctx, in.ID, webhooks.Change(in.Body))
	if err != nil {
		return nil, err
	}
	data := map[string]string{"name": e.Name}
	if in.Body.Enabled != nil {
		data["enabled"] = strconv.FormatBool(*in.Body.Enabled)
	}
	if in.Body.URL != nil {
		data["url"] = "changed" // it may hold a secret
	}
	return &body[Webhook]{webhookOf(e)}, s.audit(ctx, "webhook.update", e.ID, data)
}

func (s *Server) deleteWebhook(ctx context.Context, in *idInput) (*nothing, error) {
	if err := s.Webhooks.Remove(ctx, in.ID); err != nil {
		return nil, err
	}
	return nil, s.audit(ctx, "webhook.delete", in.ID, nil)
}

func (s *Server) rotateWebhook(ctx context.Context, in *idInput) (*body[WebhookSecret], error) {
	e, secret, err := s.Webhooks.Rotate(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &body[WebhookSecret]{WebhookSecret{webhookOf(e), secret.Reveal()}}, s.audit(ctx, "webhook.secret", e.ID, nil)
}

func (s *Server) testWebhook(ctx context.Context, in *idInput) (*body[WebhookDelivery], error) {
	ctx, cancel := context.WithTimeout(ctx, webhookTestTime)
	defer cancel()
	d, err := s.Webhooks.Test(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &body[WebhookDelivery]{deliveryOf(d)}, s.audit(context.WithoutCancel(ctx), "webhook.test", in.ID, nil)
}

func (s *Server) listDeliveries(ctx context.Context, in *webhookLogInput) (*body[WebhookDeliveryList], error) {
	list, err := s.Webhooks.Deliveries(ctx, in.ID, webhooks.Page{State: in.State, Before: in.Before, Limit: in.Limit + 1})
	if err != nil {
		return nil, err
	}
	out := WebhookDeliveryList{Deliveries: []WebhookDelivery{}}
	if len(list) > in.Limit {
		list = list[:in.Limit]
		out.Next = list[in.Limit-1].Pos
	}
	for i := range list {
		out.Deliveries = append(out.Deliveries, deliveryOf(&list[i]))
	}
	return &body[WebhookDeliveryList]{out}, nil
}

func (s *Server) replayDelivery(ctx context.Context, in *webhookDeliveryInput) (*body[WebhookDelivery], error) {
	d, err := s.Webhooks.Replay(ctx, in.ID, in.Delivery)
	if err != nil {
		return nil, err
	}
	return &body[WebhookDelivery]{deliveryOf(d)}, s.audit(ctx, "webhook.replay", in.ID, map[string]string{"delivery": in.Delivery})
}

func (s *Server) replayWebhook(ctx context.Context, in *webhookRangeInput) (*body[WebhookReplayed], error) {
	until := s.now()
	if in.Body.Until != nil {
		until = *in.Body.Until
	}
	if !in.Body.From.Before(until) {
		return nil, invalid("from", "must be before until")
	}
	n, err := s.Webhooks.ReplayRange(ctx, in.ID, in.Body.From, until, in.Body.State)
	if err != nil {
		return nil, err
	}
	return &body[WebhookReplayed]{WebhookReplayed{n}}, s.audit(ctx, "webhook.replay", in.ID, map[string]string{"from": in.Body.From.UTC().Format(time.RFC3339),
		"until": until.UTC().Format(time.RFC3339), "deliveries": strconv.FormatInt(n, 10)})
}
