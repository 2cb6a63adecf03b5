package api_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-hub/parley/internal/auth"
	"github.com/parley-hub/parley/web/api"
)

func TestWebhooks(t *testing.T) {
	w := newWorld(t)
	var calls atomic.Int64
	far := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		if _, err := io.Copy(io.Discard, r.Body); err != nil || r.Header.Get("webhook-signature") == "" {
			rw.WriteHeader(http.StatusBadRequest)
		}
	}))
	t.Cleanup(far.Close)
	_, token := w.agent("admin")
	_, supervisor := w.agent("supervisor")
	in := map[string]any{"name": "CRM", "url": far.URL + "/?token=hush", "kinds": []string{"message.in"}}
	w.want(w.call(supervisor, http.MethodPost, "/api/webhooks", in), 403, "forbidden")
	a := w.want(w.call(token, http.MethodPost, "/api/webhooks", in), 201, "")
	made := into[api.WebhookSecret](t, a)
	if made.Secret == "" || !made.Webhook.Enabled || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("made %+v", made)
	}
	for _, bad := range []string{`{"name":"x","url":"http://10.0.0.1/"}`, `{"name":"","url":"https://8.8.8.8"}`, `{"name":"x","url":"https://8.8.8.8","kinds":["all"]}`} {
		p := w.want(w.call(token, http.MethodPost, "/api/webhooks", bad), 422, "invalid").problem
		if len(p.Errors) != 1 {
			t.Errorf("%s: %+v", bad, p.Errors)
		}
	}
	path := "/api/webhooks/" + made.Webhook.ID
	list := w.want(w.call(token, http.MethodGet, "/api/webhooks", nil), 200, "")
	if l := into[api.WebhookList](t, list); len(l.Webhooks) != 1 || len(l.Kinds) < 15 || bytes.Contains(list.body, []byte("whsec_")) {
		t.Errorf("list %s", list.body)
	}
	tested := into[api.WebhookDelivery](t, w.want(w.call(token, http.MethodPost, path+"/test", nil), 200, ""))
	if tested.State != "taken" || tested.Last.Status != 200 || calls.Load() != 1 {
		t.Errorf("test %+v", tested)
	}
	log := into[api.WebhookDeliveryList](t, w.want(w.call(token, http.MethodGet, path+"/deliveries?limit=1", nil), 200, ""))
	if len(log.Deliveries) != 1 || log.Deliveries[0].ID != tested.ID || log.Deliveries[0].DueAt != nil || log.Next != "" {
		t.Errorf("log %+v", log)
	}
	w.want(w.call(token, http.MethodPost, path+"/deliveries/"+tested.ID+"/replay", nil), 409, "webhook-test")
	w.want(w.call(token, http.MethodPost, path+"/deliveries/none/replay", nil), 404, "not-found")
	rng := map[string]any{"from": w.now.Now().Add(-time.Hour)}
	if got := into[api.WebhookReplayed](t, w.want(w.call(token, http.MethodPost, path+"/replay", rng), 202, "")); got.Replayed != 0 {
		t.Errorf("replayed %d", got.Replayed)
	}
	w.want(w.call(token, http.MethodPost, path+"/replay", map[string]any{"from": w.now.Now().Add(time.Hour)}), 422, "invalid")
	rotated := into[api.WebhookSecret](t, w.want(w.call(token, http.MethodPost, path+"/secret", nil), 200, ""))
	if rotated.Secret == made.Secret || rotated.Webhook.PreviousUntil == nil {
		t.Errorf("rotated %+v", rotated)
	}
	off := into[api.Webhook](t, w.want(w.call(token, http.MethodPatch, path, `{"enabled":false}`), 200, ""))
	if off.Enabled || off.Stopped != "hand" || off.Name != "CRM" {
		t.Errorf("off %+v", off)
	}
	w.want(w.call(token, http.MethodPost, path+"/replay", rng), 409, "webhook-off")
	w.want(w.call(token, http.MethodPatch, path, `{"url":"ftp://x"}`), 422, "invalid")
	w.want(w.call(token, http.MethodDelete, path, nil), 204, "")
	w.want(w.call(token, http.MethodGet, path, nil), 404, "not-found")
	w.want(w.call(token, http.MethodGet, path+"/deliveries", nil), 404, "not-found")
	w.audited(token, "webhook.create", "webhook.test", "webhook.replay", "webhook.secret", "webhook.update", "webhook.delete")
}

// audited checks which actions on webhooks are in the audit log, in their order, and that no
// secret is.
func (w *world) audited(token string, actions ...string) {
	w.t.Helper()
	a := w.want(w.call(token, http.MethodGet, "/api/audit", nil), 200, "")
	if bytes.Contains(a.body, []byte("whsec_")) || bytes.Contains(a.body, []byte("hush")) {
		w.t.Errorf("a secret is in the audit log: %s", a.body)
	}
	records := into[api.AuditList](w.t, a).Records
	if len(records) != len(actions) {
		w.t.Fatalf("audit %s", a.body)
	}
	for i, action := range actions {
		if got := records[len(records)-1-i].Action; got != action {
			w.t.Errorf("record %d is %s, want %s", i, got, action)
		}
	}
}

// A token may be limited to webhooks.
func TestWebhookToken(t *testing.T) {
	w := newWorld(t)
	admin, _ := w.agent("admin")
	limited, _, err := w.auth.CreateToken(t.Context(), admin.ID, "terraform", []auth.Permission{auth.WebhookManage}, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.want(w.call(limited, http.MethodGet, "/api/webhooks", nil), 200, "")
	w.want(w.call(limited, http.MethodGet, "/api/accounts", nil), 403, "forbidden")
}
