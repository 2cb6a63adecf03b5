package obs

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// checkFor is how long a check may take, and keepFor how long its answer is used again, so
// that eager probes cost nothing.
const (
	checkFor = 2 * time.Second
	keepFor  = time.Second
)

// Check is what the hub depends on. Its error is the reason people read.
type Check struct {
	Name  string
	Check func(context.Context) error
}

// Health knows whether the process is alive and whether it can do its work.
type Health struct {
	mu       sync.Mutex
	checks   []Check
	draining bool
	report   Report
	at       time.Time
}

// Report is how ready the process is.
type Report struct {
	Ready  bool              `json:"ready"`
	Checks map[string]Result `json:"checks"`
}

// Result is what one check said.
type Result struct {
	OK     bool   `json:"ok"`
	Reason string `json:"reason,omitempty"`
}

// Add registers a check.
func (h *Health) Add(name string, check func(context.Context) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.checks = append(h.checks, Check{name, check})
	h.at = time.Time{}
}

// Drain makes the process not ready, so that no more is sent to it: the first stage of an
// orderly end.
func (h *Health) Drain() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.draining, h.at = true, time.Time{}
}

// Ready runs all checks at once.
func (h *Health) Ready(ctx context.Context) Report {
	h.mu.Lock()
	defer h.mu.Unlock() // callers that come meanwhile get the same answer
	if !h.at.IsZero() && time.Since(h.at) < keepFor {
		return h.report
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkFor)
	defer cancel()
	results := make([]Result, len(h.checks))
	var wg sync.WaitGroup
	for i, c := range h.checks {
		wg.Go(func() { results[i] = run(ctx, c) })
	}
	wg.Wait()
	h.report = Report{Ready: !h.draining, Checks: map[string]Result{}}
	for i, c := range h.checks {
		h.report.Checks[c.Name] = results[i]
		h.report.Ready = h.report.Ready && results[i].OK
	}
	if h.draining {
		h.report.Checks["process"] = Result{Reason: "shutting down"}
	}
	h.at = time.Now()
	return h.report
}

// run waits for a check no longer than ctx, even where the check does not heed it.
func run(ctx context.Context, c Check) Result {
	done := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- fmt.Errorf("the check panicked: %v", p)
			}
		}()
		done <- c.Check(ctx)
	}()
	select {
	case err := <-done:
		if err != nil {
			return Result{Reason: err.Error()}
		}
		return Result{OK: true}
	case <-ctx.Done():
		return Result{Reason: "no answer within " + checkFor.String()}
	}
}

// Alive answers /healthz: the process runs. It asks nobody, so that a broken dependency
// does not get the process killed.
func (h *Health) Alive(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]bool{"alive": true})
}

// ServeReady answers /readyz: 200 when the work can be done, else 503 with reasons.
func (h *Health) ServeReady(w http.ResponseWriter, r *http.Request) {
	report := h.Ready(r.Context())
	status := http.StatusOK
	if !report.Ready {
		status = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", "1")
	}
	writeJSON(w, status, report)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the peer is gone: nobody to tell
}
