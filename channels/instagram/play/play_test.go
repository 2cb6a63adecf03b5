package play

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/parley-hub/parley/channels"
)

const secret = "canary-app-secret"

// hub takes signed callbacks and counts what is in them.
type hub struct {
	mu      sync.Mutex
	bodies  map[string]int // how often each came
	updates int
	fail    int // so many callbacks are refused for the moment
	t       *testing.T
}

func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		h.t.Error(err)
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	if r.Header.Get("X-Hub-Signature-256") != "sha256="+hex.EncodeToString(mac.Sum(nil)) || r.URL.Path != "/hooks/instagram" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fail > 0 {
		h.fail--
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	var v struct {
		Object string
		Entry  []struct {
			ID                 string
			Messaging, Changes []json.RawMessage
		}
	}
	if err := json.Unmarshal(body, &v); err != nil || v.Object != "instagram" || len(v.Entry) != 1 || v.Entry[0].ID != "17841" {
		h.t.Errorf("%s: %v", body, err)
		return
	}
	if h.bodies[string(body)]++; h.bodies[string(body)] == 1 {
		h.updates += len(v.Entry[0].Messaging) + len(v.Entry[0].Changes)
	}
	for _, b := range body {
		if b >= 0x80 {
			h.t.Error("a byte that is not ASCII was not escaped")
			break
		}
	}
}

func simulation(url string) channels.Simulation {
	return channels.Simulation{Hub: url, People: 5, Rate: 400, For: 300 * time.Millisecond, Seed: 3, Lines: []string{"a/b", "你好 👋"}, Log: slog.New(slog.DiscardHandler),
		Options: map[string]string{"account": "17841", "secret": secret, "batch": "1"}}
}

func TestCallbacksAreSignedAndRepeated(t *testing.T) {
	h := &hub{bodies: map[string]int{}, fail: 2, t: t}
	srv := httptest.NewServer(h)
	defer srv.Close()
	s := simulation(srv.URL)
	s.Duplicates, s.Reorder = 0.3, 0.2
	p, err := run(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	twice := 0
	for _, n := range h.bodies {
		if n > 1 {
			twice++
		}
	}
	if p.Sent < 20 || int64(h.updates) != p.Sent || p.Refused != 0 || twice == 0 || p.Slowest <= 0 {
		t.Errorf("%+v; the hub saw %d updates, %d callbacks twice", p, h.updates, twice)
	}
}

func TestABatchIsOneCallback(t *testing.T) {
	h := &hub{bodies: map[string]int{}, t: t}
	srv := httptest.NewServer(h)
	defer srv.Close()
	s := simulation(srv.URL)
	s.Rate, s.Options["batch"] = 4000, "200"
	p, err := run(t.Context(), s)
	if err != nil || p.Sent == 0 || p.Sent != 200*int64(len(h.bodies)) || int64(h.updates) != p.Sent {
		t.Errorf("%+v in %d callbacks, %v", p, len(h.bodies), err)
	}
}

func TestAWrongSecretIsRefusedOnce(t *testing.T) {
	h := &hub{bodies: map[string]int{}, t: t}
	srv := httptest.NewServer(h)
	defer srv.Close()
	s := simulation(srv.URL)
	s.Options["secret"] = "another"
	if p, err := run(t.Context(), s); err != nil || p.Delivered != 0 || p.Refused == 0 {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestBatchesHaveLimits(t *testing.T) {
	for _, n := range []string{"0", "1001", "many"} {
		s := simulation("http://hub.invalid")
		s.Options["batch"] = n
		if _, err := run(t.Context(), s); err == nil {
			t.Errorf("a batch of %s was played", n)
		}
	}
}
